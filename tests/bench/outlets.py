"""How fast things leave the sensor, and HEP enters it: events into a real Kafka, sightings into a real Redis, HEP
to a receiver that only counts (tests/tools/hep_sink). All in a network namespace of its own, on its loopback.
"""
import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request

from common import BUILD, LOADS_FOLDER, Run, make_load, progress

import kafka_net
from kafka_sensor import FAMILIES
from netns import metric_in, wait_until

CLONE_NEWNET = 0x40000000
REPEATS = 3
SIGHTINGS, HEP_MESSAGES = 300000, 500000
FLOORS = {"kafka": 50000, "redis": 50000, "hep": 100000}
# What kcat is told is what the sensor tells librdkafka.
KCAT_AS_SENSOR = [word for setting in ("acks=all", "enable.idempotence=true", "compression.codec=zstd", "linger.ms=50",
                                       "message.max.bytes=1113872") for word in ("-X", setting)]
IS_IN_NAMESPACE = []


def why_not():
    """Why it cannot be done here; None, and this process is in a network of its own, if it can."""
    if os.geteuid() != 0:
        return "needs root, for a network namespace"
    lacks = [name for name in ("redis-server", "redis-benchmark", "ip") if not shutil.which(name)]
    reason = kafka_net.why_not() or (f"there is no {', '.join(lacks)}" if lacks else None)
    if reason or IS_IN_NAMESPACE:
        return reason
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return f"no network namespace: {os.strerror(ctypes.get_errno())}"
    IS_IN_NAMESPACE.append(True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextlib.contextmanager
def redis_server():
    port = free_port()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        def answers():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
        wait_until(answers)
        yield server, port
    finally:
        server.kill()
        server.wait()


class Sink:
    """hep_sink, while it runs."""

    def __init__(self, transport, patience_s=1):
        self.process = subprocess.Popen([BUILD / "tests" / "hep_sink", transport, str(patience_s)],
                                        stdout=subprocess.PIPE, text=True)
        self.address = f"{transport}:127.0.0.1:{int(self.process.stdout.readline())}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def count(self):
        """(messages, seconds from the first to the last), when no more come."""
        found = re.match(r"(\d+) messages in ([\d.]+) s", self.process.communicate()[0])
        return int(found[1]), float(found[2])


class Sensor:
    """A sipspan that serves metrics."""

    def __init__(self, program, *words):
        self.listen = f"127.0.0.1:{free_port()}"
        self.process = subprocess.Popen([str(word) for word in (program, "--listen", self.listen, *words)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        if not wait_until(lambda: self.page("/-/ready") is not None):
            raise kafka_net.Failure(f"{self.process.args} does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def page(self, path="/metrics"):
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=5) as page:
                return page.read().decode()
        except OSError:
            return None

    def metric(self, name, labels=""):
        return metric_in(self.page(), name, labels) or 0


# --- the table

def per_second(count, seconds):
    return count / seconds if seconds > 0 else 0


def print_rates(what, rates, kind=None, note=""):
    """The best of them beside its floor; all are shown."""
    best = max(rates)
    floor = FLOORS.get(kind)
    verdict = f"{floor:>9,} {'ok' if best >= floor else 'short':<6}" if floor else " " * 16
    print(f"  {what:<34} {best:>9,.0f} {verdict} ({', '.join(f'{rate:,.0f}' for rate in rates)})"
          f"{'; ' if note else ''}{note}", flush=True)
    return best


def print_peer(what, rates, own):
    best = print_rates(what, rates)
    if best:
        print(f"  {'':<34} {own / best:>9.2f} of it is sipspan's")


# --- Kafka

def events_in(broker, prefix):
    """By the offsets at the ends of the partitions."""
    words = [word for family in FAMILIES for partition in range(3)
             for word in ("-t", f"{prefix}.{family}:{partition}:-1")]
    said = subprocess.run(["kcat", "-Q", "-b", broker.address, *words], capture_output=True, text=True, check=False)
    return sum(int(offset) for offset in re.findall(r"offset (\d+)", said.stdout))


def to_kafka(address, prefix, spool, flush="120s"):
    topics = [word for family in FAMILIES for word in (f"--kafka-topic-{family}", f"{prefix}.{family}")]
    return ["--kafka", address, "--spool", spool, "--kafka-flush-timeout", flush, *topics]


def kafka_once(sipspan, broker, words, prefix, spool, limit_s):
    """Events a second, from the start of the program until the last one is confirmed, its CPU µs for each, and
    how many there are in Kafka."""
    for family in FAMILIES:  # a new topic costs the broker a moment
        subprocess.run(["kcat", "-P", "-b", broker.address, "-t", f"{prefix}.{family}"], input=b"", check=False)
    run = Run([sipspan, "--report", "none", *words, *to_kafka(broker.address, prefix, spool)], limit_s)
    events = events_in(broker, prefix)
    return per_second(events, run.wall_s), run.cpu_s / max(events, 1) * 1e6, events


def empty_capture(folder):
    path = folder / "empty.pcap"
    path.write_bytes(struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
    return path


def print_kafka(what, runs):
    rates, costs, events = zip(*runs)
    return print_rates(what, rates, "kafka",
                       f"{min(costs):.1f} µs of CPU each, over all threads; {min(events):,} of them arrived")


def measure_kafka(options, sipspan, folder):
    capture, _ = make_load("flood", options.scale)
    events, spool = folder / "events", folder / "spool"
    straight, waiting, peer = [], [], []
    with kafka_net.Broker(folder / "broker") as broker:
        for i in range(REPEATS):
            progress(f"outlets: Kafka, {i + 1} of {REPEATS}")
            shutil.rmtree(spool, ignore_errors=True)
            straight.append(kafka_once(sipspan, broker, ["-r", capture], f"straight{i}", spool, options.limit))
            Run([sipspan, "--report", "none", "-r", capture, *to_kafka("127.0.0.1:1", f"waiting{i}", spool, "1ms")],
                options.limit)
            waiting.append(kafka_once(sipspan, broker, ["-r", empty_capture(folder)], f"waiting{i}", spool,
                                      options.limit))
            events.unlink(missing_ok=True)
            Run([sipspan, "--report", "none", "-r", capture, "--events", events], options.limit)
            run = Run(["kcat", "-P", "-b", broker.address, "-t", f"kcat{i}", *KCAT_AS_SENSOR, "-l", events],
                      options.limit)
            with open(events, "rb") as lines:
                peer.append(per_second(sum(1 for _ in lines), run.wall_s))
    own = print_kafka("events/s, reading to Kafka", straight)
    print_kafka("events/s, spool to Kafka", waiting)
    print_peer("kcat -P -l, the same events", peer, own)


# --- Redis

def benchmark_redis(port, *command):
    """Commands a second, on one connection, as many at a time as the sensor."""
    said = subprocess.run(["redis-benchmark", "-p", str(port), "-c", "1", "-P", "64", "-n", str(SIGHTINGS), "-r",
                           str(SIGHTINGS), "--csv", *command], capture_output=True, text=True, check=False).stdout
    return float(said.splitlines()[-1].split('","')[1].strip('"'))


def measure_redis():
    own, peer, notes = [], [], []
    with redis_server() as (_, port):
        for i in range(REPEATS):
            progress(f"outlets: Redis, {i + 1} of {REPEATS}")
            said = subprocess.run([BUILD / "tests" / "sightings_flood", f"127.0.0.1:{port}", str(SIGHTINGS)],
                                  capture_output=True, text=True, check=False).stdout
            noted, left_out, seconds, each_us = re.match(
                r"(\d+) noted, (\d+) left out in ([\d.]+) s, ([\d.]+) us", said).groups()
            own.append(per_second(int(noted), float(seconds)))
            notes.append((float(each_us), int(left_out)))
            hset = benchmark_redis(port, "HSETNX", "sipspan:t:__rand_int__", "outside:q", "1700000000000000")
            expire = benchmark_redis(port, "EXPIRE", "sipspan:t:__rand_int__", "64")
            peer.append(1 / (1 / hset + 1 / expire))
    best = print_rates("sightings/s into Redis", own, "redis",
                       f"{min(notes)[0]} µs each where the packets are, {max(n[1] for n in notes)} left out")
    print_peer("redis-benchmark, HSETNX and EXPIRE", peer, best)


# --- HEP

def hep_out(options, sipspan, transport):
    capture, truth = make_load("signalling", options.scale)
    rates, least = [], 1
    for i in range(REPEATS):
        progress(f"outlets: HEP out, {transport}, {i + 1} of {REPEATS}")
        with Sink(transport) as sink:
            Run([sipspan, "-r", capture, "--report", "none", "--hep-to", sink.address], options.limit)
            got, seconds = sink.count()
        rates.append(per_second(got, seconds))
        least = min(least, got / (truth["requests"] + truth["responses"]))
    print_rates(f"HEP messages/s out, {transport}", rates, "hep", f"{least:.2%} of them arrived, reading included")


def accepted(sensor):
    """HEP messages, when they get no more for a while: figures are renewed each second."""
    seen, last = 0, time.monotonic()
    while seen < HEP_MESSAGES and time.monotonic() - last < 3:
        now = sensor.metric("sipspan_hep_received_total", 'result="accepted"')
        seen, last = now, time.monotonic() if now > seen else last
        time.sleep(0.1)
    return seen


def hep_in(sipspan, transport):
    """By the sender's time: what waits in the buffers of a connection then is about a hundredth."""
    rates, lost = [], []
    for i in range(REPEATS):
        progress(f"outlets: HEP in, {transport}, {i + 1} of {REPEATS}")
        port = free_port()
        with Sensor(sipspan, "--hep", f"127.0.0.1:{port}", "--report", "none") as sensor:
            said = subprocess.run([BUILD / "tests" / "hep_flood", transport, str(port), str(HEP_MESSAGES), "0"],
                                  capture_output=True, text=True, check=False).stdout
            seen = accepted(sensor)
        rates.append(per_second(seen, float(re.search(r"in ([\d.]+) s", said)[1])))
        lost.append(1 - seen / HEP_MESSAGES)
    print_rates(f"HEP messages/s in, {transport}", rates, "hep",
                f"sent as fast as it goes, the socket had no room for {min(lost):.1%} to {max(lost):.1%}")


def measure_outlets(options, sipspan):
    print("\noutlets: how fast things go out, best of three")
    if reason := why_not():
        print(f"  skipped: {reason}")
        return
    print(f"  {'':<34} {'a second':>9} {'floor':>9}        (all runs)")
    LOADS_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="outlets-", dir=LOADS_FOLDER) as name:
        measure_kafka(options, sipspan, pathlib.Path(name))
    measure_redis()
    for transport in ("udp", "tcp"):
        hep_out(options, sipspan, transport)
    for transport in ("udp", "tcp"):
        hep_in(sipspan, transport)
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}", flush=True)
