"""What a bad mirror makes of a capture: each packet twice, some packets missing, or all that somebody sends.

A capture is its file's header and its records, (time in ns, packet): pcap with nanoseconds, little endian, Ethernet.
"""
import ipaddress
import random
import struct

LOSS_PERCENT, LOSS_SEEDS = 2, (1, 2, 3)
COPY_AFTER_US = (20, 200)
MAGIC_NS, ETHERNET = 0xa1b23c4d, 1
VLAN_TAGS = (0x8100, 0x88a8)
SOURCE = {0x0800: slice(12, 16), 0x86dd: slice(8, 24)}  # by EtherType, in the header that follows


def read_capture(path):
    data = path.read_bytes()
    magic, _, _, _, link = struct.unpack_from("<I4xIIII", data)
    if magic != MAGIC_NS or link != ETHERNET:
        raise ValueError(f"{path}: no capture as make_pcap and tcpdump write it")
    records, at = [], 24
    while at < len(data):
        seconds, ns, length, _ = struct.unpack_from("<IIII", data, at)
        records.append((seconds * 10**9 + ns, data[at + 16:at + 16 + length]))
        at += 16 + length
    return data[:24], records


def write_capture(path, header, records):
    with open(path, "wb") as out:
        out.write(header)
        for time, packet in records:
            out.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(packet), len(packet)) + packet)


def with_copies(records):
    """Each packet once more, the very same octets, as a mirror of two ports has it."""
    chance = random.Random(1)
    # In the file's own order, which a mirror may not keep by time: a copy stands behind its packet.
    placed = [(max(time for time, _ in records[max(0, i - 49):i + 1]), i, time, packet)
              for i, (time, packet) in enumerate(records)]
    for place, i, time, packet in placed[:]:
        after_ns = 1000 * chance.randint(*COPY_AFTER_US)
        placed.append((place + after_ns, i, time + after_ns, packet))
    return [(time, packet) for _, _, time, packet in sorted(placed, key=lambda p: p[:2])]


def with_loss(records, seed):
    """Without LOSS_PERCENT of the packets."""
    chance = random.Random(seed)
    return [record for record in records if chance.random() * 100 >= LOSS_PERCENT]


def without_senders(records, is_hidden):
    """Without what comes from addresses (text) that `is_hidden` names."""
    senders = [sender_of(packet) for _, packet in records]
    return [record for record, sender in zip(records, senders) if not (sender and is_hidden(sender))]


def sender_of(packet):
    """None: not of IP."""
    at = 12
    while (kind := int.from_bytes(packet[at:at + 2], "big")) in VLAN_TAGS:
        at += 4
    if kind not in SOURCE:
        return None
    return str(ipaddress.ip_address(packet[at + 2:][SOURCE[kind]]))


def ways_to_fail(hidden):
    """(name, kind, what it makes of the records): "whole" if nothing is missing, "lossy", or "direction". `hidden`: whose
    packets are all missing, {name: is_hidden}."""
    yield "mirror copies", "whole", with_copies
    for seed in LOSS_SEEDS:
        yield f"{LOSS_PERCENT}% missing ({seed})", "lossy", lambda records, seed=seed: with_loss(records, seed)
    for name, is_hidden in hidden.items():
        yield name, "direction", lambda records, is_hidden=is_hidden: without_senders(records, is_hidden)
