#!/usr/bin/env python3
"""Writes the seeds of fuzz_capture_file: one small capture of each kind, made here, of invented packets.

usage: make_capture_corpus.py FOLDER
"""
import gzip
import pathlib
import struct
import sys

PACKET = bytes.fromhex("0200000000010200000000020800") + b"E" + bytes(45)


def pcap(order, magic, link_type=1, packets=2):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for i in range(packets):
        out += struct.pack(order + "IIII", 1700000000 + i, 5, len(PACKET), 1500) + PACKET
    return out


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order, link_type=1, snap_len=0, options=b""):
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, snap_len) + options)


def enhanced(order, number, ticks, options=b""):
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(PACKET), 1500)
    return block(order, 6, head + PACKET + bytes(-len(PACKET) % 4) + options)


def pcapng(order):
    resolution = option(order, 9, b"\x09") + option(order, 14, struct.pack(order + "q", -5))
    binary = option(order, 9, b"\x8a") + option(order, 13, b"\x04")
    stamp = 1700000000 * 10**6
    head = struct.pack(order + "HHIIII", 0, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(PACKET), 99)
    return (section(order)
            + interface(order)
            + interface(order, 113, 96, resolution)
            + interface(order, 12, 0, binary)
            + enhanced(order, 0, 1700000000 * 10**6)
            + enhanced(order, 1, 1700000000 * 10**9, option(order, 2, bytes(4)))
            + enhanced(order, 2, 1700000000 << 10)
            + block(order, 2, head + PACKET)
            + block(order, 3, struct.pack(order + "I", len(PACKET)) + PACKET)
            + block(order, 5, bytes(20)))


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    little, big = pcapng("<"), pcapng(">")
    micro, nano = pcap("<", 0xA1B2C3D4), pcap(">", 0xA1B23C4D)
    seeds = {
        "empty": b"",
        "pcap_us": micro,
        "pcap_us_big": pcap(">", 0xA1B2C3D4),
        "pcap_ns": pcap("<", 0xA1B23C4D),
        "pcap_ns_big": nano,
        "pcap_raw": pcap("<", 0xA1B2C3D4, 12),
        "pcap_no_packets": pcap("<", 0xA1B2C3D4, 1, 0),
        "pcap_cut": micro[:-7],
        "pcap_many": pcap("<", 0xA1B2C3D4, 1, 150),
        "pcapng": little,
        "pcapng_big": big,
        "pcapng_sections": little + big,
        "pcapng_cut": little[:-5],
        "gzip_pcap": gzip.compress(micro, mtime=0),
        "gzip_pcapng": gzip.compress(little, mtime=0),
        "gzip_members": gzip.compress(micro[:50], mtime=0) + gzip.compress(micro[50:], mtime=0),
        "gzip_cut": gzip.compress(micro, mtime=0)[:-9],
        "text": b"not a capture at all",
    }
    for name, octets in seeds.items():
        (folder / name).write_bytes(octets)


if __name__ == "__main__":
    main()
