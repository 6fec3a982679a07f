"""The traffic of mirror_live: SIPp on both ends, Kamailio between them, and what SIPp counted of it.

An INVITE's user part says what is to become of it: Kamailio routes by it, and adds itself to no route, so that SIPp
sends ACK and BYE through it, too. It has one worker a socket, and so changes no order.
"""
import csv
import re
import subprocess
import sys

from mirror_net import (ANSWERS, CALLEES_NS, CALLER4, CALLER6, CALLERS_NS, ICMP_PORT, MUTE, PROXY, PROXY_NS, REFUSES,
                        SILENT, right4, right6)
from netns import inside

PROXY_GIVES_UP_S = 8  # on an INVITE without an answer: 0, 0.5, 1.5, 3.5, 7.5 s are its five transmissions
CALLER_GIVES_UP_S = 20  # 0, 0.5, 1.5, 3.5, 7.5, 15.5 s are its six
SIP_PORT = 5060
BIG_PORT = 5062
BIG_BYTES = 3000

KAMAILIO = f"""
debug=0
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
tcp_connection_lifetime=600
listen=udp:{right4(PROXY)}:{SIP_PORT}
listen=tcp:{right4(PROXY)}:{SIP_PORT}
listen=udp:[{right6(PROXY)}]:{SIP_PORT}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
modparam("tm", "fr_timer", {PROXY_GIVES_UP_S * 1000})
request_route {{
    switch ($rU) {{
    case "udp4": $du = "sip:{right4(ANSWERS)}:{SIP_PORT}"; break;
    case "big4": $du = "sip:{right4(ANSWERS)}:{BIG_PORT}"; break;
    case "tcp4": $du = "sip:{right4(ANSWERS)}:{SIP_PORT};transport=tcp"; break;
    case "udp6": $du = "sip:[{right6(ANSWERS)}]:{SIP_PORT}"; break;
    case "big6": $du = "sip:[{right6(ANSWERS)}]:{BIG_PORT}"; break;
    case "silent": $du = "sip:{right4(SILENT)}:{SIP_PORT}"; break;
    case "refused": $du = "sip:{right4(REFUSES)}:{SIP_PORT}"; break;
    default: sl_send_reply("404", "Not Found"); exit;
    }}
    t_relay();
}}
"""

REQUEST = """
      %(method)s sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      Max-Forwards: 70
      From: <sip:caller@[local_ip]:[local_port]>;tag=[pid]-[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>%(to_tag)s
      Call-ID: [call_id]
      CSeq: %(cseq)d %(method)s
"""
INVITE = REQUEST % {"method": "INVITE", "to_tag": "", "cseq": 1} + """\
      Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>
      %(padding)sContent-Type: application/sdp
      Content-Length: [len]

      v=0
      o=caller 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0
"""


def send(text, retrans=True):
    return f"<send{' retrans=' + chr(34) + '500' + chr(34) if retrans else ''}><![CDATA[\n{text}\n]]></send>\n"


def following(method, cseq, branch="[branch]"):
    text = REQUEST % {"method": method, "to_tag": "[peer_tag_param]", "cseq": cseq} + "      Content-Length: 0\n"
    return text.replace("[branch]", branch)


def scenario(*steps):
    return ('<?xml version="1.0" encoding="us-ascii"?>\n<scenario name="mirror_live">\n' + "".join(steps)
            + "</scenario>\n")


def optional(*statuses):
    return "".join(f'<recv response="{status}" optional="true"/>\n' for status in statuses)


def caller_scenarios():
    """By kind of call. What is sent when, and what ends it."""
    made = {}
    for size, padding in (("", ""), ("big_", f"X-Padding: {'x' * BIG_BYTES}\n      ")):
        invite = send(INVITE % {"padding": padding})
        made[size + "answered"] = scenario(
            invite, optional(100, 180), '<recv response="200"/>\n', send(following("ACK", 1), retrans=False),
            '<pause milliseconds="100"/>\n', send(following("BYE", 2)), '<recv response="200"/>\n')
        made[size + "given_up"] = scenario(
            invite, f'<recv response="200" timeout="{CALLER_GIVES_UP_S * 1000}" ontimeout="1"/>\n', '<label id="1"/>\n',
            '<pause milliseconds="10"/>\n')
    # The ACK of a failure belongs to the INVITE's transaction: the branch of three steps before.
    made["timed_out"] = scenario(send(INVITE % {"padding": ""}), optional(100), '<recv response="408"/>\n',
                                 send(following("ACK", 1, "[branch-3]"), retrans=False))
    return made


class Sipp:
    """One SIPp, and what it counted: of each message by name ("0_INVITE_Sent"), of calls ("SuccessfulCall")."""

    started = 0

    def __init__(self, folder, namespace, name, address, port, *words, transport="u1"):
        Sipp.started += 1  # its ports for control and media must not be another's
        self.name, self.folder, self.address, self.port = name, folder / name, address, port
        self.folder.mkdir()
        self.output = open(self.folder / "output", "w")
        self.process = subprocess.Popen(
            inside(namespace, "sipp", "-nostdin", "-i", address, "-p", str(port), "-t", transport,
                   "-cp", str(8000 + Sipp.started), "-mp", str(20000 + 10 * Sipp.started), "-max_socket", "100",
                   "-trace_stat", "-stf", "stat.csv", "-trace_counts", "-fd", "1", "-trace_err", *words),
            cwd=self.folder, stdout=self.output, stderr=subprocess.STDOUT)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.output.close()

    def figures(self):
        found = {}
        for path in (self.folder / "stat.csv", *self.folder.glob("*_counts.csv")):
            rows = list(csv.reader(path.read_text().splitlines(), delimiter=";"))
            found.update(zip((name.removesuffix("(C)") for name in rows[0]), rows[-1]))
        return {name: int(value) for name, value in found.items() if value.isdigit()}

    def count(self, pattern):
        """The sum of all figures whose name the pattern is."""
        return sum(value for name, value in self.figures().items() if re.fullmatch(pattern, name))


class Calls:
    """SIPp as a caller: so many calls to that user at that address, each by that scenario."""

    def __init__(self, scenario_name, user, remote, calls, rate, transport="u1", remote_port=SIP_PORT):
        self.scenario, self.user, self.remote, self.calls = scenario_name, user, remote, calls
        self.rate, self.transport, self.remote_port = rate, transport, remote_port
        self.sipp = None

    def start(self, folder, name, port):
        is_ipv6 = ":" in self.remote
        self.sipp = Sipp(
            folder, CALLERS_NS, name, CALLER6 if is_ipv6 else CALLER4, port,
            "-sf", str(folder / f"{self.scenario}.xml"), "-s", self.user, "-m", str(self.calls), "-r", str(self.rate),
            "-max_invite_retrans", "20", "-max_reconnect", "0", "-default_behaviors", "all,-bye,-abortunexp",
            f"[{self.remote}]:{self.remote_port}" if is_ipv6 else f"{self.remote}:{self.remote_port}",
            transport=self.transport)


def answered_calls():
    proxy4, proxy6 = right4(PROXY), right6(PROXY)
    return {
        "answered-udp4": Calls("answered", "udp4", proxy4, 500, 25),
        "answered-tcp4": Calls("answered", "tcp4", proxy4, 250, 12.5, transport="t1"),
        "answered-bigtcp4": Calls("big_answered", "tcp4", proxy4, 250, 12.5, transport="t1"),
        "answered-udp6": Calls("answered", "udp6", proxy6, 500, 25),
        "answered-big4": Calls("big_answered", "big4", proxy4, 250, 12.5),
        "answered-big6": Calls("big_answered", "big6", proxy6, 250, 12.5),
    }


def silent_calls():
    return {
        "silent-udp4": Calls("given_up", "none", right4(SILENT), 10, 10),
        "silent-tcp4": Calls("given_up", "none", right4(MUTE), 10, 10, transport="tn"),
        "silent-udp6": Calls("given_up", "none", right6(SILENT), 10, 10),
        "silent-big4": Calls("big_given_up", "none", right4(SILENT), 10, 10),
        "silent-proxied": Calls("timed_out", "silent", right4(PROXY), 10, 10),
    }


def refused_calls():
    return {
        "refused-udp4": Calls("given_up", "none", right4(REFUSES), 10, 10),
        "refused-udp6": Calls("given_up", "none", right6(REFUSES), 10, 10),
        "refused-big4": Calls("big_given_up", "none", right4(REFUSES), 10, 10),
        "refused-big6": Calls("big_given_up", "none", right6(REFUSES), 10, 10),
        "refused-proxied": Calls("timed_out", "refused", right4(PROXY), 10, 10),
    }


def failed_connections():
    """TCP that gets nowhere: no INVITE is ever sent."""
    return {
        "connection-reset": Calls("given_up", "none", right4(REFUSES), 10, 10, transport="tn"),
        "connection-icmp": Calls("given_up", "none", right4(REFUSES), 10, 10, transport="tn", remote_port=ICMP_PORT),
        "connection-silent": Calls("given_up", "none", right4(SILENT), 10, 10, transport="tn"),
    }


def start_callees(folder):
    return [Sipp(folder, CALLEES_NS, name, address, port, "-sn", "uas", transport=transport)
            for name, address, port, transport in (
                ("callee-udp4", right4(ANSWERS), SIP_PORT, "u1"), ("callee-tcp4", right4(ANSWERS), SIP_PORT, "t1"),
                ("callee-udp6", right6(ANSWERS), SIP_PORT, "u1"), ("callee-big4", right4(ANSWERS), BIG_PORT, "u1"),
                ("callee-big6", right6(ANSWERS), BIG_PORT, "u1"))]


def start_proxy(folder):
    (folder / "kamailio.cfg").write_text(KAMAILIO)
    return subprocess.Popen(
        inside(PROXY_NS, "kamailio", "-DD", "-E", "-f", str(folder / "kamailio.cfg"), "-m", "64", "-M", "4",
               "-w", str(folder), "-Y", str(folder)),
        stdout=open(folder / "kamailio.log", "w"), stderr=subprocess.STDOUT)


def start_mute_listener():
    """TCP shakes hands with it, and there is nobody behind."""
    program = (f"import socket, time\ns = socket.create_server(('{right4(MUTE)}', {SIP_PORT}), backlog=100)\n"
               "time.sleep(200)\n")
    return subprocess.Popen(inside(CALLEES_NS, sys.executable, "-c", program))
