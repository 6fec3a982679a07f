#!/usr/bin/env python3
"""Writes the named seeds of fuzz_spool_segments and fuzz_export_record.

    tests/fuzz/make_export_corpus.py
"""
import pathlib
import struct
import zlib

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
HEAD = b"sipspool" + struct.pack(">II", 1, 0)


def record(number, octets, key=7, time_ns=1769860800 * 10**9):
    summed = struct.pack(">IQQQ", len(octets), number, key, time_ns)
    return b"\xffre\xfe" + summed + struct.pack(">I", zlib.crc32(summed + octets)) + octets


def event(version=1, family=0, subject=b"c1@example.com", data=b'{"call_id":"c1@example.com"}'):
    texts = (b"sipspan.call.ended", b"0123456789abcdef0123456789abcdef", b"2026-01-31T12:00:00.000000Z",
             b"/sipspan/sensor-1", subject, b"urn:sipspan:events:sipspan.call.ended:1",
             subject or b"/sipspan/sensor-1")
    return bytes((version, family)) + b"".join(struct.pack(">I", len(t)) + t for t in texts) + data


def confirmed(low, following, segments=b""):
    summed = struct.pack(">IQQ", 1, low, following) + segments
    return b"sipsconf" + struct.pack(">I", zlib.crc32(summed)) + summed


def flip(octets, at):
    return octets[:at] + bytes((octets[at] ^ 0x40,)) + octets[at + 1:]


def spool_seeds():
    three = HEAD + record(1, event()) + record(2, b"second") + record(3, b"third")
    yield "whole", three
    yield "cut", three[:-3]
    yield "flipped", flip(three, len(HEAD) + len(record(1, event())) + 38)
    yield "version", flip(three, 11)
    yield "head_damaged", flip(three, 2)
    yield "head_only", HEAD
    yield "head_cut", HEAD[:5]
    yield "gap", HEAD + record(1, b"first") + record(4, b"fourth") + bytes(150)
    yield "backwards", HEAD + record(2, b"second") + record(1, b"first")
    yield "inside", HEAD + flip(record(1, record(2, b"inner")), 36)
    yield "magics", HEAD + b"\xffre\xfe\x00\x00\x00\x10" * 40
    yield "confirmed", confirmed(2, 4)
    yield "confirmed_bits", confirmed(1, 4, struct.pack(">QQQ", 1, 3, 5)) + b""
    yield "confirmed_overlong", confirmed(1, 4, struct.pack(">QQQ", 1, 2**63, 5)) + b""


def record_seeds():
    yield "ended", event()
    yield "no_subject", event(subject=b"")
    yield "other_version", event(version=2)
    yield "other_family", event(family=9)
    yield "no_data", event(data=b"")
    yield "cut", event()[:40]


def main():
    for target, seeds in (("fuzz_spool_segments", spool_seeds()), ("fuzz_export_record", record_seeds())):
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, octets in seeds:
            (folder / name).write_bytes(octets)


if __name__ == "__main__":
    main()
