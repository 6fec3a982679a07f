"""RFC 3550's arithmetic once more, in another language and from packets that another program captured: what a stream's
figures must be.

Counts: RFC 3550 A.1 and A.3 over different packets, from the very first on; a packet that was seen before is a
duplicate, one behind the highest sequence number is out of order (RFC 4737). Jitter: A.8 in double precision, its
running value after each packet from the second on; repeats, RFC 4733 events and comfort noise are left out. A source
begins anew where A.1 says so. Time stamps that jump by over a second with the marker bit, over five without it, are no
jitter (sensor/rtp/rtp_source.h).
"""
import collections
import struct

Packet = collections.namedtuple("Packet", "time_ns sequence timestamp payload_type marker")

MAX_DROPOUT = 3000
MAX_MISORDER = 100
EARLY_NS = 10**9
COMFORT_NOISE = (13, 19)
STATIC_CLOCKS = {0: 8000, 3: 8000, 4: 8000, 5: 8000, 6: 16000, 7: 8000, 8: 8000, 9: 8000, 10: 44100, 11: 44100,
                 12: 8000, 13: 8000, 14: 90000, 15: 8000, 16: 11025, 17: 22050, 18: 8000, 25: 90000, 26: 90000,
                 28: 90000, 31: 90000, 32: 90000, 33: 90000, 34: 90000}


class Sequence:
    """Which packets there were."""

    def __init__(self):
        self.first = self.highest = None
        self.seen = set()
        self.expected_before = self.packets = self.duplicates = self.out_of_order = self.restarts = 0
        self.stray = None

    def begin(self, packet):
        self.first = self.highest = packet.sequence + 65536  # so that earlier ones have room below
        self.seen = {self.highest}
        self.packets += 1

    def restart(self, packet):
        """Two in a row of another sequence: the source began anew with the first of them."""
        self.expected_before = self.expected
        self.restarts += 1
        self.begin(self.stray)
        self.stray = None
        self.take(packet)

    def take(self, packet):
        """True: a new one."""
        if self.first is None:
            self.begin(packet)
            self.began_ns = packet.time_ns
            return True
        ahead = (packet.sequence - self.highest + 32768) % 65536 - 32768
        extended = self.highest + ahead
        is_early = extended < self.first and (self.restarts or packet.time_ns - self.began_ns > EARLY_NS)
        if not -MAX_MISORDER <= ahead < MAX_DROPOUT or is_early:
            if self.stray and packet.sequence == (self.stray.sequence + 1) % 65536:
                self.restart(packet)
                return True
            self.stray = packet
            return False
        if extended in self.seen:
            self.duplicates += 1
            return False
        self.seen.add(extended)
        self.packets += 1
        self.out_of_order += extended < self.highest
        if extended > self.highest:
            self.stray = None
        self.highest = max(self.highest, extended)
        self.first = min(self.first, extended)
        return True

    @property
    def expected(self):
        return self.expected_before + self.highest - self.first + 1


class Jitter:
    """A.8 in milliseconds, so that it survives a change of the clock."""

    def __init__(self):
        self.value = self.sum = self.max = 0.0
        self.count = 0
        self.last = None

    def take(self, packet, clock):
        last, self.last = self.last, (packet, clock)
        if not last or last[1] != clock:
            return
        ticks = (packet.timestamp - last[0].timestamp + 2**31) % 2**32 - 2**31
        jumped_ms = ticks * 1000 / clock
        difference = (packet.time_ns - last[0].time_ns) / 1e6 - jumped_ms
        if abs(difference) > (1000 if packet.marker else 5000):
            return  # the sender's clock was set, or it paused and went on where it was
        self.value += (abs(difference) - self.value) / 16
        self.sum += self.value
        self.max = max(self.max, self.value)
        self.count += 1

    @property
    def mean(self):
        return self.sum / self.count if self.count else 0.0


def measure(packets, clocks, left_out=()):
    """The figures of one stream by the contract's names. `clocks`: of its payload types; those that are `left_out`
    (events, comfort noise) do not count for jitter."""
    sequence, jitter, types = Sequence(), Jitter(), collections.Counter()
    for packet in packets:
        stray, restarts = sequence.stray, sequence.restarts
        if not sequence.take(packet):
            continue
        types[packet.payload_type] += 1
        clock = clocks.get(packet.payload_type) or STATIC_CLOCKS.get(packet.payload_type)
        if sequence.restarts > restarts:
            jitter.last = (stray, clock)
        if clock and packet.payload_type not in left_out and packet.payload_type not in COMFORT_NOISE:
            jitter.take(packet, clock)
    return {"packets": sequence.packets, "expected": sequence.expected,
            "lost": sequence.expected - sequence.packets, "duplicates": sequence.duplicates,
            "out_of_order": sequence.out_of_order, "restarts": sequence.restarts,
            "payload_type": types.most_common(1)[0][0], "payload_types": types,
            "jitter_ms": {"mean": jitter.mean, "max": jitter.max}, "jitter_count": jitter.count}


# --- captures of our own: pcap, Ethernet, IPv4, UDP

def read_udp(path):
    """(time_ns, (source address, port), (destination address, port), payload) of each UDP packet."""
    octets = path.read_bytes()
    magic, = struct.unpack_from("<I", octets)
    scale = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[magic]
    at = 24
    while at + 16 <= len(octets):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", octets, at)
        frame = octets[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        ip = frame[14:]
        udp = ip[(ip[0] & 15) * 4:]
        src, dst = (".".join(map(str, ip[i:i + 4])) for i in (12, 16))
        src_port, dst_port, udp_length = struct.unpack_from("!HHH", udp)
        yield (seconds * 10**9 + fraction * scale, (src, src_port), (dst, dst_port), udp[8:udp_length])


def is_rtcp(payload):
    return len(payload) >= 8 and payload[0] >> 6 == 2 and 192 <= payload[1] <= 223


def rtp_streams(packets):
    """Packets by (source port, destination port, SSRC)."""
    streams = collections.defaultdict(list)
    for time_ns, src, dst, payload in packets:
        if len(payload) < 12 or payload[0] >> 6 != 2 or is_rtcp(payload):
            continue
        second, sequence, timestamp, ssrc = struct.unpack_from("!BHII", payload, 1)
        streams[src[1], dst[1], f"0x{ssrc:08x}"].append(
            Packet(time_ns, sequence, timestamp, second & 127, second >> 7))
    return streams


Report = collections.namedtuple("Report", "time_ns sender about lsr dlsr lost")


def rtcp_reports(packets):
    """(sender reports: (sender's SSRC, middle of its NTP time) -> when they passed, the report blocks)."""
    sent, blocks = {}, []
    for time_ns, _, _, payload in packets:
        if not is_rtcp(payload):
            continue
        while len(payload) >= 8:
            count, kind, words = payload[0] & 31, payload[1], struct.unpack_from("!H", payload, 2)[0]
            sender, = struct.unpack_from("!I", payload, 4)
            body = payload[8:4 * words + 4]
            payload = payload[4 * words + 4:]
            if kind not in (200, 201):
                continue
            if kind == 200:
                sent[sender, struct.unpack_from("!I", body, 2)[0]] = time_ns
                body = body[20:]
            for i in range(count):
                about, lost, _, _, lsr, dlsr = struct.unpack_from("!IIIIII", body, 24 * i)
                blocks.append(Report(time_ns, sender, about, lsr, dlsr, lost & 0xffffff))
    return sent, blocks


def half_loops(packets):
    """From the tap to an end and back, in ms, by (who reports, about whom): STANDARDS' arithmetic of the observer in
    the middle, which needs nobody's clock but its own."""
    sent, blocks = rtcp_reports(packets)
    found = collections.defaultdict(list)
    for block in blocks:
        if block.lsr and (block.about, block.lsr) in sent:
            passed_ms = (block.time_ns - sent[block.about, block.lsr]) / 1e6
            found[f"0x{block.sender:08x}", f"0x{block.about:08x}"].append(passed_ms - block.dlsr * 1000 / 65536)
    return found


# --- media to send

def ip_checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total >> 16) + (total & 0xffff)
    return ~total & 0xffff


def write_media(path, ssrc, packets, events=()):
    """A capture for SIPp to play: PCMU, a packet each 20 ms; sequence numbers and time stamps wrap early. `events`
    are the numbers of packets that are RFC 4733's instead, whose time stamp stands still."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(packets):
            is_event = i in events
            timestamp = (2**32 - 16000 + 160 * (min(events) if is_event else i)) % 2**32
            rtp = struct.pack("!BBHII", 0x80, 101 if is_event else (0x80 if i == 0 else 0), (65500 + i) % 65536,
                              timestamp, ssrc) + (b"\x05\x0a\x03\x20" if is_event else bytes([i % 256]) * 160)
            udp = struct.pack("!HHHH", 20000, 30000, 8 + len(rtp), 0) + rtp
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0, bytes((192, 0, 2, 1)),
                             bytes((192, 0, 2, 2)))
            ip = ip[:10] + struct.pack("!H", ip_checksum(ip)) + ip[12:]
            frame = bytes(12) + b"\x08\x00" + ip + udp
            out.write(struct.pack("<IIII", 1700000000 + i // 50, i % 50 * 20000, len(frame), len(frame)) + frame)
