"""The traffic of causes_live: what goes wrong, for whom, and what the sensor is to say of it; the calls that go well
beside it; and the programs that make them: SIPp, Kamailio, causes_phones.py.

A Call-ID is "CASE.NUMBER@address", so that each event says itself what it is about.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

from causes_net import (BAD_WAY_PORTS, CALLEE, CALLER_POOL, FIREWALL, HOME_POOL, HOMES_NS, HOP, OTHERS, PROXY,
                        public_of)
from mirror_calls import INVITE, REQUEST, Sipp, caller_scenarios, optional, scenario, send, following
from mirror_net import CALLEES_NS, CALLERS_NS, PROXY_NS
from netns import inside

SIP_PORT = 5060
HISTORY_S = 4  # so long all is well
GIVES_UP_S = 33  # a caller, so that it has sent all of Timer A's seven
TRAFFIC_S = 42  # in all
CALLS_BESIDE = 60

PHONES = pathlib.Path(__file__).with_name("causes_phones.py")

# --- what goes wrong

LEVELS = ("low", "medium", "high")

# A caller of a case: so many calls, begun `after_s`. `source` is from the pool of callers or homes; `over` u1 or t1.
Caller = collections.namedtuple("Caller", "source calls after_s scenario user over lookup",
                                defaults=(1, 0, "given_up", "nobody", "u1", None))
# What the sensor is to say of each unanswered INVITE of a case. `hop`: who sent it to whom, where that is not the
# caller. The confidence is in [least, most], and once at least it is `most`. Summary or next step name all of `says`.
Case = collections.namedtuple("Case", "name code least most to callers evidence says hop", defaults=((), (), None))


def case(name, code, least, most, *callers, to=None, **rest):
    return Case(name, code, least, most, to or CALLEE[name], callers, **rest)


def cases():
    caller, home = iter(CALLER_POOL), iter(HOME_POOL)
    one = lambda *words, **rest: Caller(next(caller), *words, **rest)
    at_home = lambda **rest: Caller(next(home), **rest)
    by_proxy = {"to": PROXY}
    return [
        # Two callers find it silent; it answered until then. The first of them has no witness yet.
        case("silent", "destination_silent", "medium", "high", one(2), one(2, after_s=1),
             evidence=("nothing_from_destination", "last_heard")),
        case("never_heard", "destination_silent", "low", "low", one(), evidence=("nothing_from_destination",)),
        case("port", "icmp_unreachable", "high", "high", one(), evidence=("icmp_error",), says=("3/3",)),
        case("host", "icmp_unreachable", "high", "high", one(), evidence=("icmp_error",), says=("3/1", FIREWALL)),
        case("admin", "icmp_unreachable", "high", "high", one(), evidence=("icmp_error",), says=("3/13", FIREWALL)),
        case("reset", "tcp_refused", "high", "high", one(over="t1"), evidence=("connection_reset",)),
        case("mute", "tcp_no_answer", "high", "high", one(over="t1"), evidence=("unacknowledged_octets",)),
        # The same fragments are lost before the tap, after it, and where their receiver says so.
        case("fragment", "fragment_lost", "high", "high", one(scenario="big_given_up"), evidence=("fragments_lost",)),
        case("mtu", "destination_selective", "medium", "medium", one(scenario="big_given_up"),
             evidence=("answered_others", "larger_than_answered"), says=("fragment",)),
        case("reassembly", "icmp_unreachable", "high", "high", one(scenario="big_given_up"),
             evidence=("icmp_error",), says=("11/1",)),
        case("tcp_only", "wrong_transport", "medium", "high", one(), evidence=("answered_over",), says=("TCP",)),
        case("overloaded", "destination_overloaded", "high", "high", one(), evidence=("answered_503",),
             says=("503",)),
        # Never a word to this one, while three others are answered: after five INVITEs that is sure. But a scanner's.
        case("acl", "destination_selective", "medium", "high", one(6), evidence=("answered_others",)),
        case("scanner", "destination_selective", "low", "low", one(5, scenario=None), to=CALLEE["acl"],
             evidence=("scanner",)),
        # Alive, and nobody's SIP is answered there. What is known is how they were found.
        case("servfail", "unknown", "low", "low", one(lookup="servfail.example.com"), says=("SERVFAIL",),
             evidence=("alive_without_answer", "dns_failure")),
        case("slow_dns", "unknown", "low", "low", one(lookup="slow.example.com"), says=("slow.example.com",),
             evidence=("alive_without_answer", "dns_slow")),
        # Behind a NAT without rport. Kamailio does as RFC 3261 says; the others as they like.
        case("no_rport", "response_misdirected", "high", "high", at_home(user="busy"), says=("rport",),
             evidence=("response_elsewhere", "response_expected"), **by_proxy),
        case("literal", "response_misdirected", "high", "high", at_home(), evidence=("response_elsewhere",)),
        case("bogon", "private_address", "medium", "medium", at_home(), evidence=("request_mark", "answered_others"),
             says=("10.0.0.",)),
        case("alg", "destination_selective", "medium", "medium", at_home(), evidence=("answered_others", "sip_alg")),
        # Behind the proxy, which repeats to the end itself. The telephone was heard, but never asked anything.
        case("mangled", "response_mangled", "high", "high", one(scenario="proxied", user="mangled"),
             evidence=("response_mangled",), hop=(PROXY, HOP["mangler"]), **by_proxy),
        case("dead", "destination_silent", "medium", "medium", one(scenario="proxied", user="dead"),
             evidence=("nothing_from_destination", "last_heard", "hop"), hop=(PROXY, HOP["dead"]), **by_proxy),
        case("gone_phone", "destination_silent", "low", "low", one(scenario="proxied", user="phone"),
             evidence=("nothing_from_destination", "registered"), hop=(PROXY, public_of(PHONE)), **by_proxy),
        # The mirror misses what this destination sends: its calls go on, and of the last nothing can be said.
        case("unmirrored", "mirror_one_way", "medium", "medium", one(), evidence=("answered_unseen",)),
    ]


def hops_of(case_):
    """{(who sent it, to whom)} of the INVITEs that go unanswered."""
    sources = {public_of(caller.source) if caller.source.startswith("10.") else caller.source
               for caller in case_.callers}
    return {case_.hop} if case_.hop else {(source, case_.to) for source in sources}


def confidences_of(case_):
    return LEVELS[LEVELS.index(case_.least):LEVELS.index(case_.most) + 1]


PHONE = HOME_POOL[-1]  # a telephone that registers, and whose NAT then forgets it
ALG_HOMES = (HOME_POOL[3], HOME_POOL[-2])  # case "alg", and a call that goes well

# --- what goes well

# How a callee answers that is one of causes_phones.py's; the others are SIPp's.
ANSWERS = {"port": None, "never_heard": None, "servfail": None, "slow_dns": None, "names": None, "reset": None,
           "mute": None, "bad_way": None, "host": "busy", "admin": "busy", "fragment": "busy", "reassembly": "busy",
           "overloaded": "refuses", "literal": "by_via", "bogon": "by_via", "alg": "busy", "unmirrored": "busy",
           "mtu": "busy"}
HOPS = {"mangler": "mangles", "gave_up": "gives_up"}
# Whom the others call all the time, and whom only while all is well.
CALLED_ON = ("acl", "mtu", "fragment", "reassembly", "overloaded", "literal", "bogon", "alg")
CALLED_FIRST = ("silent", "unmirrored")


def callee_specification():
    udp = [[CALLEE[name], SIP_PORT, how] for name, how in ANSWERS.items() if how]
    udp += [[CALLEE["bad_way"], port, "busy"] for port in BAD_WAY_PORTS.values()]
    tcp = [[CALLEE["reset"], SIP_PORT, "resets"], [CALLEE["mute"], SIP_PORT, "takes"],
           [CALLEE["servfail"], 80, "shakes_hands"], [CALLEE["slow_dns"], 80, "shakes_hands"]]
    return {"udp": udp, "tcp": tcp}


def others_specification():
    """Calls of three callers: (name, user, [address, port], for how many seconds)."""
    to = lambda address, port=SIP_PORT: [address, port]
    long, short = TRAFFIC_S - 6, HISTORY_S - 1
    calls = [("on-" + name, "other", to(CALLEE[name]), long) for name in CALLED_ON]
    calls += [("first-" + name, "other", to(CALLEE[name]), short) for name in CALLED_FIRST]
    calls += [("bad_way-" + name, "other", to(CALLEE["bad_way"], port), long / 2)
              for name, port in BAD_WAY_PORTS.items()]
    calls.append(("first-dead", "dead", to(PROXY), short))
    return {"callers": OTHERS, "calls": calls,
            "web": [[CALLEE[name], TRAFFIC_S - 6] for name in ("servfail", "slow_dns")]}


# Status that the others get, by the beginning of a call's name.
OTHERS_GET = {"on-acl": 200, "on-overloaded": 503, "first-silent": 200, "first-dead": 200}

# --- programs

KAMAILIO = f"""
debug=0
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:{PROXY}:{SIP_PORT}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("registrar", "received_avp", "$avp(RECEIVED)")
modparam("nathelper", "received_avp", "$avp(RECEIVED)")
request_route {{
    if (is_method("REGISTER")) {{
        force_rport();
        fix_nated_register();
        save("location");
        exit;
    }}
    switch ($rU) {{
    case "busy": if (is_method("INVITE")) sl_send_reply("486", "Busy Here"); exit;
    case "mangled": $du = "sip:{HOP["mangler"]}"; break;
    case "dead": $du = "sip:{HOP["dead"]}"; break;
    case "gave_up": $du = "sip:{HOP["gave_up"]}"; break;
    case "phone":
        if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
        break;
    default: sl_send_reply("404", "Not Found"); exit;
    }}
    t_relay();
}}
"""


def start_proxy(folder):
    (folder / "kamailio.cfg").write_text(KAMAILIO)
    return subprocess.Popen(
        inside(PROXY_NS, "kamailio", "-DD", "-E", "-f", str(folder / "kamailio.cfg"), "-m", "64", "-M", "4",
               "-w", str(folder), "-Y", str(folder)),
        stdout=open(folder / "kamailio.log", "w"), stderr=subprocess.STDOUT)


def start_phones(folder, namespace, role, *words, seconds=TRAFFIC_S + 10):
    """Words that are no strings go through a file."""
    for number, word in enumerate(words):
        if not isinstance(word, str):
            path = folder / f"{role}-{namespace}.json"
            path.write_text(json.dumps(word))
            words = (*words[:number], str(path), *words[number + 1:])
    return subprocess.Popen(inside(namespace, sys.executable, str(PHONES), str(seconds), role, *words),
                            stdout=open(folder / f"{role}-{namespace}.out", "w"),
                            stderr=open(folder / f"{role}-{namespace}.err", "w"))


def write_scenarios(folder):
    waits = f'<recv response="200" timeout="{GIVES_UP_S * 1000}" ontimeout="1"/>\n'
    ends = '<label id="1"/>\n<pause milliseconds="10"/>\n'
    small, big = (INVITE % {"padding": padding} for padding in ("", f"X-Padding: {'x' * 3000}\n      "))
    rport = small.replace(";branch=", ";rport;branch=")
    ack = send(following("ACK", 1, "[branch-3]"), retrans=False)
    made = {
        "given_up": scenario(send(small), waits, ends),
        "big_given_up": scenario(send(big), waits, ends),
        # By name; what the lookup was for.
        **{f"given_up-{name}": scenario(send(re.sub(r"(INVITE sip:\[service\]@)\[remote_ip\]:\[remote_port\]",
                                                    rf"\g<1>{name}", small)), waits, ends)
           for name in ("servfail.example.com", "slow.example.com")},
        "proxied": scenario(send(small), optional(100), f'<recv response="408" timeout="{GIVES_UP_S * 1000}"/>\n', ack),
        "answered": caller_scenarios()["answered"],
        "busy": scenario(send(small), optional(100), '<recv response="486"/>\n', ack),
        "busy_rport": scenario(send(rport), optional(100), '<recv response="486"/>\n', ack.replace(
            ";branch=", ";rport;branch=")),
        "register": scenario(send(REQUEST % {"method": "REGISTER", "to_tag": "", "cseq": 1} +
                                  "      Contact: <sip:phone@[local_ip]:[local_port]>\n      Expires: 600\n"
                                  "      Content-Length: 0\n"), '<recv response="200"/>\n'),
    }
    for name, text in made.items():
        (folder / f"{name}.xml").write_text(text)


class Calls:
    """SIPp as a caller."""

    def __init__(self, folder, name, source, to, scenario_name, user, calls=1, rate=2, over="u1"):
        namespace = HOMES_NS if source.startswith("10.") else CALLERS_NS
        self.name, self.calls = name, calls
        self.sipp = Sipp(
            folder, namespace, f"{name}-{source}", source, SIP_PORT, "-sf", str(folder / f"{scenario_name}.xml"),
            "-s", user, "-m", str(calls), "-r", str(rate), "-cid_str", f"{name}.%u@%s", "-max_invite_retrans", "20",
            "-max_reconnect", "0", "-default_behaviors", "all,-bye,-abortunexp", f"{to}:{SIP_PORT}", transport=over)

    def is_done(self):
        return self.sipp.process.poll() is not None


def start_callees(folder):
    """SIPp's."""
    sipps = [Sipp(folder, CALLEES_NS, f"callee-{name}", CALLEE[name], SIP_PORT, "-sn", "uas", transport=over)
             for name, over in (("healthy", "u1"), ("silent", "u1"), ("acl", "u1"), ("tcp_only", "t1"))]
    return sipps + [Sipp(folder, CALLERS_NS, "callee-dead", HOP["dead"], SIP_PORT, "-sn", "uas")]


def start_healthy(folder, has_alg):
    """Calls that go well, from now on or all the time; each of these SIPps must be content."""
    free = iter(CALLER_POOL[::-1])
    with_alg = [Calls(folder, "with_alg", ALG_HOMES[1], PROXY, "busy", "busy", 30, 1)] if has_alg else []
    return with_alg + [
        Calls(folder, "beside", next(free), CALLEE["healthy"], "answered", "somebody", CALLS_BESIDE, CALLS_BESIDE / 36),
        # Two: one stranger proves no transport.
        *(Calls(folder, name, next(free), CALLEE["tcp_only"], "answered", "somebody", 36, 1, over="t1")
          for name in ("by_tcp", "by_tcp_too")),
        Calls(folder, "with_rport", HOME_POOL[-3], PROXY, "busy_rport", "busy", 30, 1),
        Calls(folder, "gave_up", next(free), PROXY, "proxied", "gave_up", 1),
        Calls(folder, "register", PHONE, PROXY, "register", "phone"),
    ]


def start_caller(folder, case_, caller):
    return Calls(folder, case_.name, caller.source, case_.to,
                 caller.scenario + (f"-{caller.lookup}" if caller.lookup else ""), caller.user, caller.calls,
                 over=caller.over)
