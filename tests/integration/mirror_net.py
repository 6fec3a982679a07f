"""The network of mirror_live: callers, a proxy and callees around a switch that mirrors, in namespaces.

    callers ── c0 ┐                  ┌ k0 ── proxy (Kamailio)
    192.0.2.0/24  │ routes │ bridges │       198.51.100.0/24
    2001:db8:1::  └──── switch ──────┤       2001:db8:2::
                          │          └ u0 ── callees: one answers, the others do not
                        mirror

Everything that passes c0, k0 and u0 is mirrored in both directions, so that each packet is seen twice: the same
between proxy and callees, with a TTL one lower between callers and the others. It goes to three devices at once:
one delivers it as it is, one is a VXLAN device, one leads to the program that wraps it in ERSPAN II. Each ends
in a device of the sensors' namespace that has no address, as a monitoring port has none.

There is no ARP, neighbour discovery or learning of addresses, and IPv6 multicast is not mirrored: what is
counted is what was sent on purpose.
"""
import contextlib
import json
import os
import subprocess

from netns import SENSOR_NS, inside, remove_leftovers, remove_namespace, run

CALLERS_NS, PROXY_NS, CALLEES_NS, SWITCH_NS = (f"sipspan-{x}-{os.getpid()}" for x in "ckuw")
NAMESPACES = (SENSOR_NS, CALLERS_NS, PROXY_NS, CALLEES_NS, SWITCH_NS)

# The last part of addresses on the right side. SILENT takes whatever comes and says nothing, MUTE shakes hands over
# TCP first; REFUSES has no socket (and refuses TCP by ICMP on one port).
PROXY, ANSWERS, SILENT, MUTE, REFUSES = 10, 20, 21, 22, 23
ICMP_PORT = 5061
CALLER4, CALLER6 = "192.0.2.10", "2001:db8:1::10"
MIRRORS = ("plain", "vxlan", "erspan")
SPAN = {mirror: f"span{i}" for i, mirror in enumerate(MIRRORS)}  # the sensors' devices
DUP_TO = {"plain": "mir0", "vxlan": "vx0", "erspan": "wrap0"}    # where the switch copies packets to
WRAP_FROM, WRAP_TO = "wrap1", "mir2"
PORTS = ("c0", "k0", "u0")
VETH = {"c0": CALLERS_NS, "k0": PROXY_NS, "u0": CALLEES_NS}


def right4(last):
    return f"198.51.100.{last}"


def right6(last):
    return f"2001:db8:2::{last}"


def mac(namespace, device):
    """The switch's devices end in 01, those at their other end in 02."""
    number = (PORTS + ("br0",)).index(device if namespace == SWITCH_NS else
                                      next(port for port, ns in VETH.items() if ns == namespace))
    return f"02:00:00:00:{number:02x}:{1 if namespace == SWITCH_NS else 2:02x}"


def shell(namespace, script):
    run(*inside(namespace, "sh", "-ec", script))


def quiet(device, ipv6=True):
    """No addresses of its own making; checksums and segments as on a cable."""
    return f"""
        echo {0 if ipv6 else 1} >/proc/sys/net/ipv6/conf/{device}/disable_ipv6
        echo 0 >/proc/sys/net/ipv6/conf/{device}/accept_ra
        ip link set {device} addrgenmode none
        ethtool -K {device} tx off tso off gso off gro off >/dev/null
    """


def make_host(namespace, port, addresses4, addresses6, gateway4, gateway6, neighbours):
    shell(SWITCH_NS, f"""
        ip link add {port} type veth peer name net0 address {mac(namespace, port)} netns {namespace}
        ip link set {port} address {mac(SWITCH_NS, port)}
        {quiet(port)}
    """)
    addresses = [f"{a}/24" for a in addresses4] + [f"{a}/64" for a in addresses6]
    shell(namespace, "\n".join([
        "ip link set lo up", quiet("net0"), "ip link set net0 up",
        # Every INVITE is refused, not one a second.
        "for limit in ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 >/proc/sys/net/$limit; done",
        *(f"ip address add {a} dev net0 {'nodad' if ':' in a else ''}" for a in addresses),
        *(f"ip neighbour add {a} lladdr {m} dev net0 nud permanent" for a, m in neighbours),
        f"ip route add default via {gateway4}", f"ip -6 route add default via {gateway6}"]))


def make_hosts():
    callee_lasts = (ANSWERS, SILENT, MUTE, REFUSES)
    bridge = [(a, mac(SWITCH_NS, "br0")) for a in ("198.51.100.1", "2001:db8:2::1")]
    proxy = [(a(PROXY), mac(PROXY_NS, "k0")) for a in (right4, right6)]
    callees = [(a(last), mac(CALLEES_NS, "u0")) for a in (right4, right6) for last in callee_lasts]
    make_host(CALLERS_NS, "c0", [CALLER4], [CALLER6], "192.0.2.1", "2001:db8:1::1",
              [(a, mac(SWITCH_NS, "c0")) for a in ("192.0.2.1", "2001:db8:1::1")])
    make_host(PROXY_NS, "k0", [right4(PROXY)], [right6(PROXY)], "198.51.100.1", "2001:db8:2::1", bridge + callees)
    make_host(CALLEES_NS, "u0", map(right4, callee_lasts), map(right6, callee_lasts), "198.51.100.1",
              "2001:db8:2::1", bridge + proxy)
    return proxy + callees


def make_switch(right_side):
    shell(SWITCH_NS, "\n".join([
        f"ip link add br0 address {mac(SWITCH_NS, 'br0')} type bridge mcast_snooping 0 stp_state 0 forward_delay 0",
        quiet("br0"),
        *(f"ip link set {port} master br0; bridge link set dev {port} learning off;"
          f" bridge fdb replace {mac(VETH[port], port)} dev {port} master static" for port in ("k0", "u0")),
        *(f"ip link set {device} up" for device in ("lo", "c0", "k0", "u0", "br0")),
        "ip address add 192.0.2.1/24 dev c0; ip address add 2001:db8:1::1/64 dev c0 nodad",
        "ip address add 198.51.100.1/24 dev br0; ip address add 2001:db8:2::1/64 dev br0 nodad",
        f"ip neighbour add {CALLER4} lladdr {mac(CALLERS_NS, 'c0')} dev c0 nud permanent",
        f"ip neighbour add {CALLER6} lladdr {mac(CALLERS_NS, 'c0')} dev c0 nud permanent",
        *(f"ip neighbour add {a} lladdr {m} dev br0 nud permanent" for a, m in right_side),
        "echo 1 >/proc/sys/net/ipv4/ip_forward", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"]))


def make_mirrors():
    for i, span in enumerate(SPAN.values()):
        shell(SWITCH_NS, f"""
            ip link add mir{i} mtu 9000 type veth peer name {span} mtu 9000 netns {SENSOR_NS}
            {quiet(f"mir{i}", ipv6=False)}
            ip link set mir{i} up
        """)
        shell(SENSOR_NS, f"ip link set lo up; echo 1 >/proc/sys/net/ipv6/conf/{span}/disable_ipv6;"
                         f" ip link set {span} up")
    shell(SWITCH_NS, f"""
        ip address add 203.0.113.1/24 dev mir1
        ip neighbour add 203.0.113.2 lladdr 02:00:00:00:09:02 dev mir1 nud permanent
        ip link add vx0 type vxlan id 4711 local 203.0.113.1 remote 203.0.113.2 dstport 4789 dev mir1 nolearning
        {quiet("vx0", ipv6=False)}
        ip link set vx0 up
        ip link add wrap0 mtu 9000 type veth peer name wrap1 mtu 9000
        {quiet("wrap0", ipv6=False)} {quiet("wrap1", ipv6=False)}
        ip link set wrap0 up
        ip link set wrap1 up
    """)


def make_callees_deaf():
    """And counters of what SIPp cannot count: what the proxy sent to them, and SYNs."""
    shell(CALLEES_NS, f"""nft -f - <<'END'
table inet callees {{
    counter proxy_silent {{ }}
    counter proxy_refused {{ }}
    counter silent_syn {{ }}
    chain input {{
        type filter hook input priority 0
        ip saddr {right4(PROXY)} ip daddr {right4(SILENT)} counter name proxy_silent
        ip saddr {right4(PROXY)} ip daddr {right4(REFUSES)} counter name proxy_refused
        ip daddr {right4(SILENT)} meta l4proto tcp counter name silent_syn
        ip daddr {right4(SILENT)} drop
        ip6 daddr {right6(SILENT)} drop
        ip daddr {right4(MUTE)} tcp flags & (syn | psh) == psh drop
        ip daddr {right4(REFUSES)} tcp dport {ICMP_PORT} reject with icmp type port-unreachable
    }}
}}
END""")


def start_mirroring():
    copy = "; ".join(f'dup to "{device}"' for device in DUP_TO.values())
    chains = "\n".join(f"""
    counter {port}_{hook} {{ }}
    chain {port}_{hook} {{
        type filter hook {hook} device "{port}" priority 0
        ip6 daddr ff00::/8 return
        counter name {port}_{hook}
        {copy}
    }}""" for port in PORTS for hook in ("ingress", "egress"))
    shell(SWITCH_NS, f"""nft -f - <<'END'
table netdev mirror {{
    {chains}
}}
END""")


def stop_mirroring():
    """The counters stay."""
    shell(SWITCH_NS, "nft flush table netdev mirror")


def counters(namespace):
    """What nft counted there, in packets."""
    listed = json.loads(run(*inside(namespace, "nft", "-j", "list", "counters")).stdout)["nftables"]
    return {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listed if "counter" in entry}


@contextlib.contextmanager
def network():
    remove_leftovers()
    try:
        for namespace in NAMESPACES:
            run("ip", "netns", "add", namespace)
        make_switch(make_hosts())
        make_mirrors()
        make_callees_deaf()
        start_mirroring()
        yield
    except subprocess.CalledProcessError as refused:
        print(refused.stderr)
        raise
    finally:
        for namespace in NAMESPACES:
            remove_namespace(namespace)
