"""Endpoints of causes_live that no other program offers, each role for its own namespace and never longer than SECONDS:

    causes_phones.py SECONDS callees FILE    answer as the file says: {"udp": [[address, port, how]...], "tcp": [...]}
    causes_phones.py SECONDS others FILE     call who is in the file; writes what came of it to standard output as JSON
    causes_phones.py SECONDS names ADDRESS RECORD   a name server; every A record says RECORD
    causes_phones.py SECONDS lookup CALLER SERVER NAME   ask it as a SIP client does (RFC 3263), then end
    causes_phones.py SECONDS scanner CALLER ADDRESS      go through a few numbers there
"""
import asyncio
import json
import re
import socket
import struct
import sys
import time

SIP_PORT = 5060
TIMER_A_S = (0.5, 1, 2, 4)
OTHERS_EACH_S = 1.5
SLOW_DNS_S = 1.3


def headers(message, name):
    return re.findall(rf"^{name}\s*:\s*(.*?)\s*$", message, re.M | re.I)


class Callee(asyncio.DatagramProtocol):
    """Answers an INVITE at once. `how`: a status; or in which way it goes wrong."""

    STATUS = {"busy": "486 Busy Here", "gives_up": "408 Request Timeout", "refuses": "503 Service Unavailable",
              "by_via": "486 Busy Here", "mangles": "486 Busy Here"}

    def __init__(self, how):
        self.how = how

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        request = data.decode(errors="replace").replace("\r\n", "\n")
        if request.startswith("INVITE "):
            self.transport.sendto(self.response(request, source).encode(), self.target(request, source))

    def target(self, request, source):
        """`by_via` takes RFC 3261's word for it that a response goes where Via says, and does not look from where the
        request came."""
        host, port = re.match(r"SIP/2.0/UDP ([^:;\s]+)(?::(\d+))?", headers(request, "Via")[0]).groups()
        return (host, int(port or SIP_PORT)) if self.how == "by_via" else source

    def response(self, request, source):
        vias = headers(request, "Via")
        if self.how == "mangles":
            vias[0] = "SIP/2.0/UDP 203.0.113.77:5060;branch=z9hG4bK-of-a-gateway"
        elif ";rport" in vias[0]:
            vias[0] = vias[0].replace(";rport", f";rport={source[1]};received={source[0]}")
        lines = [f"SIP/2.0 {self.STATUS[self.how]}", *(f"Via: {via}" for via in vias),
                 f"From: {headers(request, 'From')[0]}", f"To: {headers(request, 'To')[0]};tag=callee",
                 f"Call-ID: {headers(request, 'Call-ID')[0]}", f"CSeq: {headers(request, 'CSeq')[0]}",
                 "Content-Length: 0"]
        if self.how == "refuses":
            lines.insert(-1, "Retry-After: 30")
        return "\r\n".join(lines) + "\r\n\r\n"


async def tcp_callee(how, reader, writer):
    """`resets` what it is sent, `takes` it without a word, or only shakes hands (a web server, as good as)."""
    if how != "shakes_hands":
        await reader.read(65536)
        if how == "resets":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            await asyncio.sleep(3600)
    writer.close()


async def callees(path):
    wanted = json.load(open(path))
    loop = asyncio.get_running_loop()
    for address, port, how in wanted["udp"]:
        await loop.create_datagram_endpoint(lambda how=how: Callee(how), local_addr=(address, port))
    for address, port, how in wanted["tcp"]:
        await asyncio.start_server(lambda reader, writer, how=how: tcp_callee(how, reader, writer), address, port)
    await asyncio.sleep(3600)


class Caller(asyncio.DatagramProtocol):
    """A telephone: calls, hangs up at once. RFC 3261 17.1.1 as far as this takes."""

    def __init__(self, address):
        self.address, self.waiting = address, {}

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        response = data.decode(errors="replace").replace("\r\n", "\n")
        key = tuple(headers(response, name)[0] for name in ("Call-ID", "CSeq"))
        if response.startswith("SIP/2.0 ") and key in self.waiting:
            self.waiting[key].put_nowait(response)

    def send(self, method, call_id, cseq, to, user, branch, tag=""):
        text = (f"{method} sip:{user}@{to[0]}:{to[1]} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self.address}:{SIP_PORT};branch={branch}\r\nMax-Forwards: 70\r\n"
                f"From: <sip:other@{self.address}>;tag=other\r\nTo: <sip:{user}@{to[0]}>{tag}\r\n"
                f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:other@{self.address}:{SIP_PORT}>\r\n"
                f"Content-Length: 0\r\n\r\n")
        self.transport.sendto(text.encode(), to)

    async def ask(self, method, call_id, cseq, to, user, tag=""):
        """The final response (None: none after all of TIMER_A_S), and how often it had to be sent."""
        branch = f"z9hG4bK-{call_id}-{cseq}-{method}"
        answers = self.waiting[call_id, f"{cseq} {method}"] = asyncio.Queue()
        for sent, wait in enumerate(TIMER_A_S, 1):
            self.send(method, call_id, cseq, to, user, branch, tag)
            try:
                response = await asyncio.wait_for(answers.get(), wait)
                while response.startswith("SIP/2.0 1"):
                    response = await asyncio.wait_for(answers.get(), 30)
            except asyncio.TimeoutError:
                continue
            if method == "INVITE":
                to_tag = ";tag=" + headers(response, "To")[0].rpartition(";tag=")[2]
                is_accepted = response.startswith("SIP/2.0 2")
                self.send("ACK", call_id, cseq, to, user, branch + "-ack" if is_accepted else branch, to_tag)
                if is_accepted:
                    await self.ask("BYE", call_id, cseq + 1, to, user, to_tag)
            return int(response.split()[1]), sent
        return None, len(TIMER_A_S)


async def others(path):
    """Each of them calls each destination every OTHERS_EACH_S, as long as the file has it. Of each call by its kind:
    the status, and how often the INVITE was sent."""
    wanted = json.load(open(path))
    started = time.monotonic()
    results = {}

    async def call_on_and_on(caller, offset, name, user, to, seconds):
        for number in range(int(seconds / OTHERS_EACH_S)):
            await asyncio.sleep(max(0, started + offset + number * OTHERS_EACH_S - time.monotonic()))
            got = await caller.ask("INVITE", f"other-{name}.{number}@{caller.address}", 1, to, user)
            results.setdefault(name, []).append(got)

    async def look_at_the_web(address, seconds):
        """So that something is seen of hosts that do not answer SIP."""
        while time.monotonic() < started + seconds:
            _, writer = await asyncio.open_connection(address, 80)
            writer.close()
            await asyncio.sleep(2)

    tasks = [look_at_the_web(address, seconds) for address, seconds in wanted["web"]]
    for which, address in enumerate(wanted["callers"]):
        _, caller = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda address=address: Caller(address), local_addr=(address, SIP_PORT))
        for number, (name, user, to, seconds) in enumerate(wanted["calls"]):
            tasks.append(call_on_and_on(caller, which * 0.4 + number * 0.02, name, user, tuple(to), seconds))
    await asyncio.gather(*tasks)
    print(json.dumps(results))


# --- names

def dns_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class NameServer(asyncio.DatagramProtocol):
    """SERVFAIL for names that have it in them, else one A record; those with "slow" in them come late."""

    def __init__(self, record):
        self.record = record

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, query, source):
        name_end = query.index(0, 12)
        question, kind = query[12:name_end + 5], struct.unpack_from("!H", query, name_end + 1)[0]
        if b"servfail" in question:
            answer = query[:2] + struct.pack("!5H", 0x8182, 1, 0, 0, 0) + question
        elif kind == 1:
            answer = (query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + question
                      + struct.pack("!HHHIH", 0xc00c, 1, 1, 60, 4) + socket.inet_aton(self.record))
        else:
            answer = query[:2] + struct.pack("!5H", 0x8180, 1, 0, 0, 0) + question
        delay = SLOW_DNS_S if b"slow" in question else 0
        asyncio.get_running_loop().call_later(delay, self.transport.sendto, answer, source)


async def names(address, record):
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: NameServer(record), local_addr=(address, 53))
    await asyncio.sleep(3600)


def lookup(caller, server, name):
    """SRV, then A, each asked again after a second."""
    for number, (owner, kind) in enumerate(((f"_sip._udp.{name}", 33), (name, 1))):
        query = struct.pack("!6H", 4711 + number, 0x0100, 1, 0, 0, 0) + dns_name(owner) + struct.pack("!HH", kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind((caller, 0))
            asking.settimeout(1)
            for _ in range(4):
                asking.sendto(query, (server, 53))
                try:
                    asking.recv(512)
                    break
                except socket.timeout:
                    pass


def scanner(caller, address):
    """As they do: each number once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((caller, 5071))
        for number in range(5):
            call_id = f"scanner.{number}@{caller}"
            out.sendto((f"INVITE sip:{900 + number}@{address} SIP/2.0\r\n"
                        f"Via: SIP/2.0/UDP {caller}:5071;branch=z9hG4bK-{call_id}\r\nMax-Forwards: 70\r\n"
                        f"From: <sip:100@{address}>;tag=s{number}\r\nTo: <sip:{900 + number}@{address}>\r\n"
                        f"Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:100@{caller}:5071>\r\n"
                        f"User-Agent: friendly-scanner\r\nContent-Length: 0\r\n\r\n").encode(), (address, SIP_PORT))
            time.sleep(0.2)


def main():
    seconds, role, *words = sys.argv[1:]
    if role in ("lookup", "scanner"):
        {"lookup": lookup, "scanner": scanner}[role](*words)
        return

    async def within_its_time():
        await asyncio.wait_for({"callees": callees, "others": others, "names": names}[role](*words), float(seconds))

    try:
        asyncio.run(within_its_time())
    except asyncio.TimeoutError:
        pass


if __name__ == "__main__":
    main()
