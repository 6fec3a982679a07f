"""What the tests with Kafka share: traffic, a sensor that sends to Kafka and writes the same events to a file,
and what must be in Kafka for these.
"""
import collections
import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.request

import netns  # which finds tests/tools, too
from event_schemas import events_problem, kafka_topic_problem
from kafka_net import read_topic
from netns import check, metric_in, run

MAKE_PCAP = os.environ.get("MAKE_PCAP", "make_pcap")
FAMILIES = ("calls", "invites", "rtp", "sensor")
FAMILY_OF = {"call": "calls", "invite": "invites", "connection": "invites", "rtp": "rtp", "sensor": "sensor"}
PORTS = itertools.count(9160)


def capture(folder, name, calls, seed=1, unanswered=75):
    path = folder / f"{name}.pcap"
    run(MAKE_PCAP, "--calls", str(calls), "--concurrent", "400", "--talk", "1", "--unanswered", str(unanswered),
        "--seed", str(seed), "--us", "-o", str(path))
    return path


def frames(path):
    """The packets of a capture that make_pcap wrote."""
    data, at = path.read_bytes(), 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


class Sender(threading.Thread):
    """Sends a capture on a device, `rate` packets/s, until it is over or stopped."""

    def __init__(self, device, path, rate):
        super().__init__(daemon=True)
        self.device, self.path, self.rate, self.stopped = device, path, rate, threading.Event()

    def run(self):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind((self.device, 0))
            begun = time.monotonic()
            for sent, frame in enumerate(frames(self.path)):
                if self.stopped.is_set():
                    return
                out.send(frame)
                ahead = sent / self.rate - (time.monotonic() - begun)
                if ahead > 0.01:
                    time.sleep(ahead)


class Sensor:
    """A sipspan that sends to Kafka, and writes the same events to a file."""

    def __init__(self, folder, name, broker, *words, prefix=None, properties=(), spool=None, stdin=None,
                 serves=False):
        self.said_path, self.events = folder / f"{name}.stderr", folder / f"{name}.ndjson"
        self.listen = f"127.0.0.1:{next(PORTS)}" if serves else "off"
        topics = [word for family in FAMILIES
                  for word in (f"--kafka-topic-{family}", f"{prefix or name}.{family}")]
        settings = [word for value in properties for word in ("--kafka-properties", value)]
        with open(self.said_path, "w") as said:
            self.process = subprocess.Popen(
                [netns.SIPSPAN, "--events", str(self.events), "--sensor-id", "sensor-1", "--report", "none",
                 "--kafka", broker, "--spool", str(spool or folder / f"{name}.spool"), "--listen", self.listen,
                 *topics, *settings, *words],
                stdin=stdin or subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)

    def said(self):
        return self.said_path.read_text(errors="replace")

    def given(self):
        """Events in the file, each of whose lines is whole."""
        if not self.events.exists():
            return []
        lines = self.events.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def given_count(self):
        return self.events.read_bytes().count(b"\n") if self.events.exists() else 0

    def fetch(self, path):
        """None where it does not serve yet, or says no."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=5) as page:
                return page.read().decode()
        except OSError:
            return None

    def metric(self, name, labels=""):
        """None until its figures are there."""
        return metric_in(self.fetch("/metrics"), name, labels) if self.fetch("/-/ready") is not None else None

    def wait(self, seconds=60):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()


def says(name, sensor, *words):
    said = sensor.said()
    missing = [word for word in words if word not in said]
    check(name, not missing, f"no {missing} in: {said[-1500:]}")


def in_kafka(broker, prefix):
    """{topic: its records} in the order of each partition."""
    return {family: sorted(read_topic(broker, f"{prefix}.{family}")) for family in FAMILIES}


def envelope(record):
    """The event in structured mode, as --events writes it, where nothing is said of partitions."""
    _, _, _, headers, value = record
    event = {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}
    event.pop("partitionkey", None)
    event["datacontenttype"] = headers.get("content-type")
    event["data"] = json.loads(value)
    return event


def topic_of(event):
    return FAMILY_OF[event["type"].split(".")[1]]


def key_orders(events):
    orders = collections.defaultdict(list)
    for family, key, identity in events:
        if identity not in orders[family, key]:
            orders[family, key].append(identity)
    return orders


def hold(name, broker, prefix, given, strangers_are=()):
    """Each event that was given is in Kafka, in its key's order; strangers_are: ids that may be there as well.
    What in_kafka has."""
    topics = in_kafka(broker, prefix)
    problem = events_problem(given) or asyncapi_problem(topics)
    check(f"{name}: events, topics, keys and headers are as the schemas say", not problem, problem)
    arrived = [(family, record[2], record[3].get("ce_id")) for family in FAMILIES for record in topics[family]]
    ids = {identity for _, _, identity in arrived}
    wanted = {event["id"] for event in given}
    missing, strangers = wanted - ids, ids - wanted - set(strangers_are)
    repeats = len(arrived) - len(ids)
    check(f"{name}: all {len(wanted)} events arrived ({repeats} repeats, known by their ce_id)",
          wanted and not missing and not strangers, f"{len(missing)} are missing, {len(strangers)} were never given")
    got = key_orders(arrived)
    should = key_orders((topic_of(event), event["subject"], event["id"]) for event in given if "subject" in event)
    wrong = [key for key, order in should.items()
             if [identity for identity in got[key] if identity in set(order)] != order]
    several = sum(len(order) > 1 for order in should.values())
    check(f"{name}: in order ({several} keys with several)", not wrong, f"not {wrong[:3]}")
    return topics


def asyncapi_problem(topics):
    """What of the records is not as schemas/asyncapi.yaml has it; the topics have names of the test's own."""
    for family in FAMILIES:
        problem = kafka_topic_problem(f"sipspan.{family}", [record[2:] for record in topics[family]])
        if problem:
            return problem
    return None
