"""The traffic of media_live: calls of SIPp, which plays captures that media_truth.py writes, and of baresip, which
sends RTCP; and what the two forwarders do to the media of each.
"""
import collections
import subprocess
import wave

from media_net import CALLEE, CALLEES_NS, CALLER, CALLERS_NS
from media_truth import write_media
from mirror_calls import REQUEST, Sipp, following, optional, scenario, send
from netns import inside

SECONDS = 16  # of media in a call of SIPp's: an interval of 10 s and one that is cut, and still judged
PHONE_SECONDS = 21  # of a call of baresip's, which sends RTCP each 5 s; what is beyond 20 s is too short for a MOS
PACKET_MS = 20
EVENTS = range(300, 315)

# A call; what happens to the caller's media before and after the tap, and to the callee's.
Kind = collections.namedtuple("Kind", "number name program caller_before caller_after callee_before callee_after")
KINDS = [Kind(number, *words) for number, words in enumerate([
    ("clean", "sipp", "", "", "", ""),
    ("lossy", "sipp", "loss=3", "", "drop_every=40", ""),
    ("one_way", "sipp", "", "", "drop_every=1", ""),
    ("shaken", "sipp", "delay=20,jitter=120,double=6,copy=9", "",
     "delay=10,jitter=45,ordered,hold_every=40,hold=70,double=3,copy=30", ""),
    ("copied", "sipp", "double=100,copy=0.2", "", "double=100,copy=0,loss=0.5", ""),
    ("near", "baresip", "delay=30", "delay=20,loss=5", "delay=15", "delay=10"),
    ("far", "baresip", "delay=120", "delay=80", "delay=90,loss=0.4", "delay=110"),
])]
# (call, who sends, metric) of every sipspan.rtp.degraded that there must be.
DEGRADED = {("lossy", "caller", "loss"), ("lossy", "callee", "loss"), ("shaken", "caller", "jitter"),
            ("far", "caller", "latency"), ("far", "callee", "latency")}


def sip_port(kind):
    return 5100 + 10 * kind.number  # baresip takes the next one for TLS


def media_port(kind, who):
    """The lowest of ten: baresip takes one that it likes."""
    return (30000 if who == "callee" else 20000) + 10 * kind.number


def kind_of(src_port, dst_port):
    """(kind, who sends) of a stream between these ports."""
    who = "caller" if src_port < 30000 else "callee"
    return KINDS[src_port // 10 % 1000], who


def rule(side, kind, receiver, words):
    port = media_port(kind, receiver)
    return ",".join(filter(None, (side, f"{port}-{port + 9}", words)))


def near_rules():
    return [r for kind in KINDS for r in (rule("a", kind, "callee", kind.caller_before),
                                          rule("b", kind, "caller", kind.callee_after))]


def far_rules():
    return [r for kind in KINDS for r in (rule("a", kind, "callee", kind.caller_after),
                                          rule("b", kind, "caller", kind.callee_before))]


def delay_ms(words):
    return sum(float(word.removeprefix("delay=")) for word in words.split(",") if word.startswith("delay="))


def loop_ms(kind):
    """The round trip that the forwarders make."""
    return sum(map(delay_ms, kind[3:]))


def sdp(payload_types="0 101"):
    return f"""\
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=caller 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP {payload_types}
      a=rtpmap:0 PCMU/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
"""


CONTACT = "      Contact: <sip:[local_ip]:[local_port]>\n"


def play(capture):
    return f'<nop><action><exec play_pcap_audio="{capture}"/></action></nop>\n'


def caller_scenario(capture):
    return scenario(
        send(REQUEST % {"method": "INVITE", "to_tag": "", "cseq": 1} + CONTACT + sdp()), optional(100, 180),
        '<recv response="200"/>\n', send(following("ACK", 1), retrans=False), play(capture),
        f'<pause milliseconds="{SECONDS * 1000 + 500}"/>\n', send(following("BYE", 2)), '<recv response="200"/>\n')


def response(status, rest):
    return send(f"""
      SIP/2.0 {status}
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]-[call_number]
      [last_Call-ID:]
      [last_CSeq:]
{rest}""", retrans=False)


def callee_scenario(capture):
    return scenario('<recv request="INVITE" crlf="true"/>\n', response("180 Ringing", "      Content-Length: 0\n"),
                    response("200 OK", CONTACT + sdp()), '<recv request="ACK"/>\n', play(capture),
                    '<recv request="BYE"/>\n', response("200 OK", "      Content-Length: 0\n"))


class SippCall:
    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        packets = SECONDS * 1000 // PACKET_MS
        for who in ("caller", "callee"):
            # One SSRC both ways in one of them, as some devices have it.
            ssrc = 0x51b00000 + 16 * kind.number + (who == "callee" and kind.name != "clean")
            write_media(self.path(who, "pcap"), ssrc, packets, EVENTS if kind.name == "clean" else ())
            text = (caller_scenario if who == "caller" else callee_scenario)(self.path(who, "pcap"))
            self.path(who, "xml").write_text(text)

    def path(self, who, kind):
        return self.folder / f"{self.kind.name}-{who}.{kind}"

    def start(self):
        def sipp(who, namespace, address, *words):
            return Sipp(self.folder, namespace, f"{self.kind.name}-{who}", address, sip_port(self.kind), "-mp",
                        str(media_port(self.kind, who)), "-sf", str(self.path(who, "xml")), *words)
        self.callee = sipp("callee", CALLEES_NS, CALLEE)
        self.caller = sipp("caller", CALLERS_NS, CALLER, "-m", "1", "-s", self.kind.name,
                           f"{CALLEE}:{sip_port(self.kind)}")

    def is_done(self):
        return self.caller.process.poll() is not None

    def went_well(self):
        return self.caller.process.returncode == 0, f"exit {self.caller.process.returncode}"

    def end(self):
        self.caller.end()
        self.callee.end()


PHONE = """\
poll_method epoll
sip_listen {address}:{port}
audio_player aufile,{folder}/heard.wav
audio_source aufile,{tone}
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {media}-{media_end}
rtcp_mux no
jitter_buffer_delay 5-10
rtp_stats yes
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
"""


class PhoneCall:
    """Of two baresips without a screen: the caller plays a tone and hangs up when its time is over. They come before
    other programs, for what they take to answer a report is part of the round trip."""

    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        self.tone = folder / "tone.wav"
        with wave.open(str(self.tone), "wb") as tone:
            tone.setnchannels(1)
            tone.setsampwidth(2)
            tone.setframerate(8000)
            tone.writeframes(bytes(range(250)) * 2 * 32 * 2 * PHONE_SECONDS)
        self.processes = {}

    def start(self):
        for who, namespace, address in (("callee", CALLEES_NS, CALLEE), ("caller", CALLERS_NS, CALLER)):
            folder = self.folder / f"{self.kind.name}-{who}"
            folder.mkdir()
            media = media_port(self.kind, who)
            (folder / "config").write_text(PHONE.format(
                address=address, port=sip_port(self.kind), folder=folder, tone=self.tone, media=media,
                media_end=media + 9))
            (folder / "accounts").write_text(f"<sip:{who}@{address}:{sip_port(self.kind)}>;regint=0;"
                                             "audio_codecs=PCMU;answermode=auto\n")
            (folder / "contacts").write_text("")
            words = ["chrt", "-f", "5", "baresip", "-f", str(folder)]
            if who == "caller":
                words += ["-t", str(PHONE_SECONDS), "-e", f"/dial sip:callee@{CALLEE}:{sip_port(self.kind)}"]
            self.processes[who] = subprocess.Popen(inside(namespace, *words), stdin=subprocess.DEVNULL,
                                                   stdout=open(folder / "log", "w"), stderr=subprocess.STDOUT)

    def is_done(self):
        return self.processes["caller"].poll() is not None

    def went_well(self):
        log = (self.folder / f"{self.kind.name}-caller" / "log").read_text()
        return "Call established" in log, log[-400:]

    def end(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()


def make_calls(folder):
    return [(SippCall if kind.program == "sipp" else PhoneCall)(folder, kind) for kind in KINDS]
