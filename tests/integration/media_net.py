"""The network of media_live: callers and callees, and between them two forwarders (tests/tools/forwarder.c) that
delay, drop, double and reorder RTP; what passes between those two is mirrored to the sensor and to tcpdump.

    callers ── c0 [near] t0 ── t1 [far] u0 ── callees
    192.0.2.10           │              192.0.2.20
                       mirror

Everything that passes t1 in either direction is mirrored once. So what the near forwarder does to packets of the
callers, and the far one to packets of the callees, happens before the tap and shows in their sequence numbers there;
the rest happens after it and only their far end can tell. Delays of both make the two halves of a round trip.
"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess

from mirror_net import CALLEES_NS, CALLERS_NS, SWITCH_NS, quiet, shell
from netns import SENSOR_NS, inside, remove_leftovers, remove_namespace, run

FORWARDER = pathlib.Path(os.environ.get("BUILD", "build/asan")) / "tests" / "forwarder"
CALLER, CALLEE = "192.0.2.10", "192.0.2.20"
SPAN = "span0"
NAMESPACES = (SENSOR_NS, CALLERS_NS, CALLEES_NS, SWITCH_NS)


def make_network():
    hosts = ((CALLERS_NS, "c0", CALLER, "02:00:00:00:00:0a"), (CALLEES_NS, "u0", CALLEE, "02:00:00:00:00:14"))
    for (namespace, port, address, mac), (_, _, other, other_mac) in zip(hosts, hosts[::-1]):
        shell(SWITCH_NS, f"""
            ip link add {port} type veth peer name net0 address {mac} netns {namespace}
            {quiet(port, ipv6=False)}
            ip link set {port} up
        """)
        shell(namespace, f"""
            {quiet("net0", ipv6=False)}
            ip link set lo up
            ip link set net0 up
            ip address add {address}/24 dev net0
            ip neighbour add {other} lladdr {other_mac} dev net0 nud permanent
        """)
    shell(SWITCH_NS, f"""
        ip link add t0 type veth peer name t1
        ip link add mir0 type veth peer name {SPAN} netns {SENSOR_NS}
        {quiet("t0", ipv6=False)} {quiet("t1", ipv6=False)} {quiet("mir0", ipv6=False)}
        for device in lo t0 t1 mir0; do ip link set $device up; done
        nft -f - <<'END'
table netdev mirror {{
    chain arrives {{ type filter hook ingress device "t1" priority 0; dup to "mir0"; }}
    chain leaves {{ type filter hook egress device "t1" priority 0; dup to "mir0"; }}
}}
END
    """)
    shell(SENSOR_NS, f"""
        echo 1 >/proc/sys/net/ipv6/conf/{SPAN}/disable_ipv6
        ip link set lo up
        ip link set {SPAN} up
    """)


@contextlib.contextmanager
def network():
    remove_leftovers()
    try:
        for namespace in NAMESPACES:
            run("ip", "netns", "add", namespace)
        make_network()
        yield
    except subprocess.CalledProcessError as refused:
        print(refused.stderr)
        raise
    finally:
        for namespace in NAMESPACES:
            remove_namespace(namespace)


class Forwarder:
    """One, while it runs; `streams` is then its account by (source port, destination port, SSRC), `total` the rest
    of it. `rules` are those of what comes from its left side (a) and right side (b)."""

    SECONDS_MAX = "100"

    def __init__(self, left, right, seed, rules):
        self.streams, self.total, self.status = {}, {}, None
        self.process = subprocess.Popen(
            inside(SWITCH_NS, str(FORWARDER.resolve()), left, right, self.SECONDS_MAX, str(seed), *rules),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self):
        """Its account can be read afterwards."""
        if self.status is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        out, self.said = self.process.communicate(timeout=10)
        self.status = self.process.returncode
        for line in map(json.loads, out.splitlines()):
            if "ssrc" in line:
                self.streams[line["src"]["port"], line["dst"]["port"], line["ssrc"]] = line
            else:
                self.total = line


class Tcpdump:
    """What the sensor is shown, as another program saw it at the same device."""

    def __init__(self, path, *words):
        self.path = path
        self.process = subprocess.Popen(
            inside(SENSOR_NS, "tcpdump", "-i", SPAN, "-w", str(path), "--time-stamp-precision=nano", "-B", "16384",
                   "-Z", "root", *words),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=10)[1]
