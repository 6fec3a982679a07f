"""The network of sensors_live: a path with three sensors, and a firewall between each two of them.

    callers ── c0 [first] d0 ── d1 [second] u0 ── callees
     192.0.2.0/24                     198.51.100.20
              outside        dmz            inside      <- mirrors of these devices: c0, d1, u0

A mirror shows what passes its device in either direction: so of what a firewall drops, the sensor before it sees the
packet and the one behind it does not. Redis listens on a socket in the file system, which every namespace sees.
"""
import contextlib
import os
import signal
import subprocess

from mirror_net import CALLEES_NS, CALLERS_NS, quiet, shell
from netns import SENSOR_NS, remove_leftovers, remove_namespace, run, wait_until

FIRST_NS, SECOND_NS = (f"sipspan-{x}-{os.getpid()}" for x in "fg")
NAMESPACES = (SENSOR_NS, CALLERS_NS, FIRST_NS, SECOND_NS, CALLEES_NS)
POINTS = ("outside", "dmz", "inside")
SPAN = {point: f"span{i}" for i, point in enumerate(POINTS)}
MIRRORED = {"outside": (FIRST_NS, "c0"), "dmz": (SECOND_NS, "d1"), "inside": (SECOND_NS, "u0")}
CALLEE = "198.51.100.20"


def join(left_ns, left, right_ns, right):
    """A cable."""
    run("ip", "link", "add", left, "netns", left_ns, "type", "veth", "peer", "name", right, "netns", right_ns)
    for namespace, device in ((left_ns, left), (right_ns, right)):
        shell(namespace, f"ip link set lo up; {quiet(device, ipv6=False)} ip link set {device} up")


def make_network(callers):
    join(CALLERS_NS, "net0", FIRST_NS, "c0")
    join(FIRST_NS, "d0", SECOND_NS, "d1")
    join(SECOND_NS, "u0", CALLEES_NS, "net0")
    shell(CALLERS_NS, "\n".join([*(f"ip address add {caller}/24 dev net0" for caller in callers),
                                 "ip route add default via 192.0.2.1"]))
    shell(FIRST_NS, """ip address add 192.0.2.1/24 dev c0; ip address add 203.0.113.1/24 dev d0
        ip route add default via 203.0.113.2; echo 1 >/proc/sys/net/ipv4/ip_forward""")
    shell(SECOND_NS, """ip address add 203.0.113.2/24 dev d1; ip address add 198.51.100.1/24 dev u0
        ip route add default via 203.0.113.1; echo 1 >/proc/sys/net/ipv4/ip_forward""")
    shell(CALLEES_NS, f"ip address add {CALLEE}/24 dev net0; ip route add default via 198.51.100.1")


def make_mirrors():
    for i, (point, (namespace, _)) in enumerate(MIRRORED.items()):
        join(namespace, f"mir{i}", SENSOR_NS, SPAN[point])
        mirror(point)


def mirror(point, but=()):
    """All that passes; or nothing of the callers in `but`, and of the rest one packet in twenty."""
    namespace, device = MIRRORED[point]
    some = "\n".join([*(f"ip saddr {caller} return; ip daddr {caller} return;" for caller in but),
                      "numgen random mod 20 != 0 return;" if but else ""])
    chains = "\n".join(f"""chain {hook} {{
        type filter hook {hook} device "{device}" priority 0
        {some.replace(';', chr(10))}
        dup to "mir{POINTS.index(point)}"
    }}""" for hook in ("ingress", "egress"))
    shell(namespace, f"""nft -f - <<'END'
table netdev {point} {{}}
delete table netdev {point}
table netdev {point} {{
    {chains}
}}
END""")


def drop(namespace, *rules):
    lines = "\n".join(f"{rule} drop" for rule in rules)
    shell(namespace, f"""nft -f - <<'END'
table ip firewall {{
    chain forward {{
        type filter hook forward priority 0
        {lines}
    }}
}}
END""")


@contextlib.contextmanager
def network(callers):
    remove_leftovers()
    try:
        for namespace in NAMESPACES:
            run("ip", "netns", "add", namespace)
        make_network(callers)
        make_mirrors()
        yield
    except subprocess.CalledProcessError as refused:
        print(refused.stderr)
        raise
    finally:
        for namespace in NAMESPACES:
            remove_namespace(namespace)


class Redis:
    def __init__(self, folder):
        self.folder, self.socket, self.process = folder, folder / "redis", None

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "777", "--save", "",
             "--appendonly", "no", "--dir", str(self.folder), "--logfile", str(self.folder / "redis.log")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return wait_until(self.socket.exists, 10)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.socket.unlink(missing_ok=True)

    def keys(self):
        return run("redis-cli", "-s", str(self.socket), "--raw", "keys", "*").stdout.split("\n")

