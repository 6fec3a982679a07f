"""The network of causes_live, in namespaces: callers and homes behind a NAT on the left, callees, a proxy and a name
server on the right, and between two routers the link that is mirrored.

    callers ── c0 [left] m0 ══ f0 [forwarder] f1 ══ m1 [right] ┬ u0 ── callees
    192.0.2.0/25    │     │                                    │       198.51.100.0/25
    homes ── [nat] ─ n0   mirror                               └ k0 ── proxy (Kamailio)
    10.0.0.0/24, seen as 192.0.2.128/25                                198.51.100.128/25

Everything that passes m0 is mirrored once, to the sensor's device. What the left router drops, the sensor sees only if
it came from the right; what the right router drops or rejects, it sees on its way there. The forwarder (tests/tools)
stands behind the tap, too. The right router tracks no connections, so that fragments pass it as they are.
"""
import contextlib
import os
import subprocess

from media_net import Forwarder
from mirror_net import CALLEES_NS, CALLERS_NS, PROXY_NS, SWITCH_NS, quiet, shell
from netns import SENSOR_NS, inside, remove_leftovers, remove_namespace, run

HOMES_NS, NAT_NS, RIGHT_NS = (f"sipspan-{x}-{os.getpid()}" for x in "hnr")
LEFT_NS = SWITCH_NS
NAMESPACES = (SENSOR_NS, CALLERS_NS, HOMES_NS, NAT_NS, LEFT_NS, RIGHT_NS, CALLEES_NS, PROXY_NS)
SPAN = "span0"
FIREWALL = "203.0.113.2"  # the right router, as its ICMP errors name it
PROXY = "198.51.100.130"

# Addresses by what is there. On the left: who calls, and hops behind the proxy that stand on this side so that the way
# to them is mirrored, too.
OTHERS = [f"192.0.2.{last}" for last in (11, 12, 13)]
CALLEE = {name: f"198.51.100.{20 + number}" for number, name in enumerate((
    "healthy", "silent", "never_heard", "port", "host", "admin", "mtu", "fragment", "reassembly", "tcp_only",
    "overloaded", "acl", "servfail", "slow_dns", "literal", "bogon", "reset", "mute", "unmirrored", "alg", "bad_way",
    "names"))}
HOP = {name: f"192.0.2.{100 + number}" for number, name in enumerate(("dead", "mangler", "gave_up"))}
CALLER_POOL = [f"192.0.2.{last}" for last in range(20, 90)]
# Each home has a public address of its own, and never the port that it thinks.
HOME_POOL = [f"10.0.0.{last}" for last in range(10, 30)]
BAD_WAY_PORTS = {"lossy": 5070, "slow": 5071, "late": 5072}


def public_of(home):
    return f"192.0.2.{120 + int(home.rsplit('.', 1)[1])}"


def is_on_the_right(address):
    """Of the mirrored link."""
    return address == FIREWALL or address.startswith("198.51.100.")


def make_link(left, right):
    """Each (namespace, device, address/bits); the address may be None."""
    (namespace, device, _), (other_namespace, other, _) = left, right
    run("ip", "link", "add", device, "netns", namespace, "type", "veth", "peer", "name", other, "netns",
        other_namespace)
    for namespace, device, address in (left, right):
        shell(namespace, f"""
            {quiet(device, ipv6=False)}
            echo 0 >/proc/sys/net/ipv4/conf/{device}/rp_filter
            ip link set lo up
            ip link set {device} up
            {f"ip address add {address} dev {device}" if address else ""}
        """)


def add_addresses(namespace, device, addresses, bits):
    run(*inside(namespace, "ip", "-batch", "-"), text_in="".join(
        f"address add {address}/{bits} dev {device}\n" for address in addresses))


def make_routers():
    make_link((LEFT_NS, "c0", "192.0.2.1/25"), (CALLERS_NS, "net0", None))
    make_link((NAT_NS, "in0", "10.0.0.1/24"), (HOMES_NS, "net0", None))
    make_link((LEFT_NS, "n0", "203.0.113.5/30"), (NAT_NS, "out0", "203.0.113.6/30"))
    make_link((LEFT_NS, "m0", "203.0.113.1/30"), (LEFT_NS, "f0", None))
    make_link((LEFT_NS, "f1", None), (RIGHT_NS, "m1", f"{FIREWALL}/30"))
    make_link((RIGHT_NS, "u0", "198.51.100.1/25"), (CALLEES_NS, "net0", None))
    make_link((RIGHT_NS, "k0", "198.51.100.129/25"), (PROXY_NS, "net0", None))
    add_addresses(CALLERS_NS, "net0", OTHERS + CALLER_POOL + list(HOP.values()), 25)
    add_addresses(HOMES_NS, "net0", HOME_POOL, 24)
    add_addresses(NAT_NS, "out0", map(public_of, HOME_POOL), 32)
    add_addresses(CALLEES_NS, "net0", CALLEE.values(), 25)
    add_addresses(PROXY_NS, "net0", [PROXY], 25)


def make_routes():
    for namespace, gateway in ((CALLERS_NS, "192.0.2.1"), (HOMES_NS, "10.0.0.1"), (NAT_NS, "203.0.113.5"),
                               (CALLEES_NS, "198.51.100.1"), (PROXY_NS, "198.51.100.129")):
        run(*inside(namespace, "ip", "route", "add", "default", "via", gateway))
    # The forwarder's devices are in the left router's namespace: no ARP there. Private addresses are routed over the
    # link, as they should not be, and end in the left router.
    mac = {}
    for namespace, device in ((LEFT_NS, "m0"), (RIGHT_NS, "m1")):
        mac[device] = run(*inside(namespace, "cat", f"/sys/class/net/{device}/address")).stdout.strip()
    shell(LEFT_NS, f"""
        ip neighbour add {FIREWALL} lladdr {mac["m1"]} dev m0 nud permanent
        ip route add 198.51.100.0/24 via {FIREWALL}
        ip route add 192.0.2.128/25 via 203.0.113.6
        ip route add blackhole 10.0.0.0/8
    """)
    shell(RIGHT_NS, f"""
        ip neighbour add 203.0.113.1 lladdr {mac["m0"]} dev m1 nud permanent
        ip route add 192.0.2.0/24 via 203.0.113.1
        ip route add 10.0.0.0/8 via 203.0.113.1
    """)
    for namespace in (LEFT_NS, RIGHT_NS, NAT_NS):
        shell(namespace, "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter")
    # Every INVITE is refused, not one a second; and who misses a fragment says so while the INVITE waits.
    shell(RIGHT_NS, "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit")
    shell(CALLEES_NS, "cd /proc/sys/net/ipv4; echo 0 >icmp_ratelimit; echo 5 >ipfrag_time")


def make_mirror():
    make_link((LEFT_NS, "mir0", None), (SENSOR_NS, SPAN, None))
    load_rules(LEFT_NS, f"""
        table netdev mirror {{
            chain arrives {{
                type filter hook ingress device "m0" priority 0
                ip saddr {CALLEE["unmirrored"]} return
                dup to "mir0"
            }}
            chain leaves {{ type filter hook egress device "m0" priority 0; dup to "mir0"; }}
        }}""")


def load_rules(namespace, rules, ok=True):
    """nft's answer; with `ok` it must like them."""
    return run(*inside(namespace, "nft", "-f", "-"), ok=ok, text_in=rules)


def make_nat(with_alg):
    """Homes `with_alg` have their SIP rewritten by the kernel. False: this kernel has none."""
    snat = "\n".join(f"ip saddr {home} oif out0 meta l4proto udp snat to {public_of(home)}:40000-40999"
                     for home in HOME_POOL)
    load_rules(NAT_NS, f"""
        table ip nat {{
            chain out {{ type nat hook postrouting priority 100; {snat}
            }}
            chain to_itself {{ type filter hook input priority 0; iif out0 meta l4proto udp drop; }}
        }}""")
    return load_rules(NAT_NS, f"""
        table ip alg {{
            ct helper kernels {{ type "sip" protocol udp; l3proto ip; }}
            chain in {{
                type filter hook prerouting priority -150
                ip saddr {{ {", ".join(with_alg)} }} udp dport 5060 ct helper set "kernels"
            }}
        }}""", ok=False).returncode == 0


def drop(namespace, name, *matches):
    """From now on a router forwards nothing of what one of these matches."""
    load_rules(namespace, f"""
        table ip {name} {{
            chain forward {{
                type filter hook forward priority 0
                {chr(10).join(match + " drop" for match in matches)}
            }}
        }}""")


def make_firewalls(rejected, unreassembled, lost_before):
    """What is refused, and where fragments do not pass: `unreassembled` get the first ones, the others none; those of
    `lost_before` go missing where the mirror does not see them yet."""
    later = "ip frag-off & 0x1fff != 0"
    load_rules(LEFT_NS, f"""
        table ip fragments {{
            chain in {{
                type filter hook prerouting priority -450
                ip daddr {{ {", ".join(lost_before)} }} {later} drop
            }}
        }}""")
    load_rules(RIGHT_NS, f"""
        table ip fragments {{
            chain in {{
                type filter hook prerouting priority -450
                ip daddr {{ {", ".join(unreassembled)} }} return
                ip frag-off & 0x3fff != 0 drop
            }}
        }}
        table ip refuses {{
            chain forward {{
                type filter hook forward priority 0
                {chr(10).join(f"ip daddr {address} reject with icmp type {code}" for address, code in rejected)}
            }}
        }}""")


@contextlib.contextmanager
def network():
    remove_leftovers()
    try:
        for namespace in NAMESPACES:
            run("ip", "netns", "add", namespace)
        make_routers()
        make_routes()
        make_mirror()
        yield
    except subprocess.CalledProcessError as refused:
        print(refused.cmd, refused.stderr)
        raise
    finally:
        for namespace in NAMESPACES:
            remove_namespace(namespace)


def start_forwarder():
    """Between the two halves of the link; of every third packet to one port nothing is left, others come late."""
    rules = (("lossy", "drop_every=3"), ("slow", "delay=1100"), ("late", "delay=1800"))
    return Forwarder("f0", "f1", 1, [f"a,{BAD_WAY_PORTS[name]}-{BAD_WAY_PORTS[name]},{words}" for name, words in rules])
