"""Endpoints of sensors_live, over UDP, each for its own namespace and never longer than SECONDS:

    sensors_phones.py SECONDS callee ADDRESS    refuses each call at once, but for those to "silent"
    sensors_phones.py SECONDS caller TIMER_B    calls as the lines of its input say: "NAME SOURCE USER TO"; a line for
                                                each that is over: "NAME STATUS SENDINGS", STATUS 0: nobody answered

A caller's T1 is a 64th of TIMER_B (seconds), as the sensor is told.
"""
import asyncio
import re
import sys

SIP_PORT = 5060


def header(message, name):
    return re.search(rf"^{name}\s*:\s*(.*?)\s*$", message, re.M | re.I).group(1)


class Callee(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        request = data.decode().replace("\r\n", "\n")
        if not request.startswith("INVITE ") or request.startswith("INVITE sip:silent@"):
            return
        lines = ["SIP/2.0 486 Busy Here", *(f"{name}: {header(request, name)}"
                                            for name in ("Via", "From", "Call-ID", "CSeq")),
                 f"To: {header(request, 'To')};tag=callee", "Content-Length: 0"]
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), source)


class Call(asyncio.DatagramProtocol):
    def __init__(self, name, source, user, to, timer_b_s):
        self.name, self.source, self.user, self.to, self.timer_b_s = name, source, user, to, timer_b_s
        self.status, self.sendings = 0, 0
        self.is_answered = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _):
        if self.status:
            return
        self.status = int(data.split(b" ")[1])
        self.send("ACK", ";tag=callee")
        self.is_answered.set()

    def send(self, method, to_tag=""):
        port = self.transport.get_extra_info("sockname")[1]
        lines = [f"{method} sip:{self.user}@{self.to} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.source}:{port};branch=z9hG4bK-{self.name}", "Max-Forwards: 70",
                 f"From: <sip:caller@{self.source}>;tag=f-{self.name}", f"To: <sip:{self.user}@{self.to}>{to_tag}",
                 f"Call-ID: {self.name}@sensors-live", f"CSeq: 1 {method}",
                 f"Contact: <sip:caller@{self.source}:{port}>", "Content-Length: 0"]
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), (self.to, SIP_PORT))

    async def run(self):
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.source, 0))
        t1_s = self.timer_b_s / 64
        started, after_s = loop.time(), 0
        while after_s < self.timer_b_s and not self.status:
            self.send("INVITE")
            self.sendings += 1
            after_s = 2 * after_s + t1_s
            wait_s = min(started + after_s, started + self.timer_b_s) - loop.time()
            try:
                await asyncio.wait_for(self.is_answered.wait(), max(wait_s, 0))
            except asyncio.TimeoutError:
                pass
        await asyncio.sleep(0.05)
        self.transport.close()
        print(self.name, self.status, self.sendings, flush=True)


async def callee(address):
    await asyncio.get_running_loop().create_datagram_endpoint(Callee, local_addr=(address, SIP_PORT))
    await asyncio.sleep(3600)


async def caller(timer_b_s):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    calls = set()
    while line := await reader.readline():
        calls.add(asyncio.create_task(Call(*line.decode().split(), timer_b_s).run()))
    await asyncio.gather(*calls)


async def main():
    role = {"callee": lambda: callee(sys.argv[3]), "caller": lambda: caller(float(sys.argv[3]))}[sys.argv[2]]
    try:
        await asyncio.wait_for(role(), float(sys.argv[1]))
    except asyncio.TimeoutError:
        pass


asyncio.run(main())
