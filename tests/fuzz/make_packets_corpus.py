#!/usr/bin/env python3
"""Writes the seeds of fuzz_pipeline_packets: rows of the golden table, as that target reads frames.

usage: MAKE_PCAP=PROGRAM make_packets_corpus.py FOLDER
"""
import os
import pathlib
import struct
import subprocess
import sys

SCENARIOS = pathlib.Path(__file__).resolve().parents[1] / "golden" / "scenarios"
STEP_NS = 10_000_000
IS_RAW, IS_HEP = 1, 0x10

# Name -> scenario and settings, each for another way through the code.
SEEDS = {
    "vxlan_frag": ("mirror_plain", ["wrap=vlan:9/frag:128/vxlan:5"]),
    "erspan": ("mirror_plain", ["wrap=erspan3:7+sub"]),
    "gtp": ("mirror_plain", ["wrap=gtp:7+seq+pdu"]),
    "mpls": ("mirror_plain", ["wrap=pw:100+cw/vlan:9"]),
    "frag_ipv6": ("mirror_plain_ipv6", ["wrap=frag:128+reversed+twice"]),
    "copies": ("mirror_plain", ["copies=2", "copy_ttl=63"]),
    "tcp": ("mirror_plain_tcp", ["segment=200+reversed"]),
    "tcp_ipv6": ("mirror_plain_tcp", ["midstream"]),
    "websocket": ("mirror_plain_tcp", ["transport=ws", "ws_frames=100"]),
    "tls": ("connection_tls", []),
    "refused": ("connection_refused", []),
    "icmp": ("icmp_quotes", []),
    "gap": ("tcp_gap", []),
    "raw": ("unanswered_silent", ["link=raw"]),
    "media": ("mirror_media", ["end=3.2"]),
    "media_alone": ("media_no_sdp", ["end=0.5"]),
    "media_rtcp": ("media_rtcp_xr", ["begin=4.8", "end=6"]),
    "media_keys": ("media_srtp", ["begin=30", "end=32.4"]),
}


def frames(capture):
    """(time in ns, frame) of a capture as make_pcap writes it: little-endian, in ns."""
    magic, link = struct.unpack_from("<I", capture)[0], struct.unpack_from("<I", capture, 20)[0]
    assert magic == 0xa1b23c4d
    at = 24
    while at < len(capture):
        seconds, ns, length = struct.unpack_from("<III", capture, at)
        yield link, seconds * 10 ** 9 + ns, capture[at + 16:at + 16 + length]
        at += 16 + length


def seed(capture):
    out = b""
    before = None
    for link, time_ns, frame in frames(capture):
        steps = 0 if before is None else max(-32768, min(32767, (time_ns - before) // STEP_NS))
        before = time_ns
        out += struct.pack(">hBH", steps, IS_RAW if link == 101 else 0, len(frame)) + frame
    return out


def chunk(kind, value):
    return struct.pack(">HHH", 0, kind, 6 + len(value)) + value


def as_hep(frame):
    """What a plain frame of Ethernet, IPv4 and UDP carries, as a HEP message."""
    ip = frame[14:]
    chunks = b"".join((chunk(1, b"\x02"), chunk(2, ip[9:10]), chunk(3, ip[12:16]), chunk(4, ip[16:20]),
                       chunk(7, ip[20:22]), chunk(8, ip[22:24]), chunk(0xb, b"\x01"), chunk(0xf, ip[28:])))
    return b"HEP3" + struct.pack(">H", 6 + len(chunks)) + chunks


def hep_seed(capture, with_frames):
    """The messages of SIP as HEP, alone or each beside its frame."""
    out = b""
    for _, _, frame in frames(capture):
        if not frame[42:43].isalpha():
            continue
        if with_frames:
            out += struct.pack(">hBH", 2, 0, len(frame)) + frame
        message = as_hep(frame)
        out += struct.pack(">hBH", 1, IS_HEP, len(message)) + message
    return out


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (scenario, settings) in SEEDS.items():
        command = [os.environ["MAKE_PCAP"], "--scenario", str(SCENARIOS / f"{scenario}.txt"), "-o", "-"]
        for setting in settings:
            command += ["--set", setting]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        (folder / name).write_bytes(seed(done.stdout))
        if scenario == "mirror_plain" and "copies=2" in settings:
            (folder / "hep").write_bytes(hep_seed(done.stdout, False))
            (folder / "hep_and_mirror").write_bytes(hep_seed(done.stdout, True))


main()
