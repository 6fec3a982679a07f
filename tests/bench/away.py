"""What the packet path pays for its outlets, well or not: CPU of the thread that takes the packets, reading files and
live on a veth pair, and what the kernel dropped there. In a network namespace of its own.

An outlet is well; refused: nobody listens there; slow: of HEP somebody who reads 1 kB/s, of Kafka and Redis the real
one, which runs for 20 ms of each second; deaf: somebody who listens and never accepts.
"""
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import outlets
from common import LOADS_FOLDER, make_load, progress
from outlets import Sensor, Sink, redis_server, to_kafka

import kafka_net

DEVICE, MIRROR = "span0", "mirror0"
STATES = ("well", "refused", "slow", "deaf")
REPEATS = 3
REFUSED = "127.0.0.1:1"
# Of the loads a part: (scale, packets/s and packets live).
LOADS_HERE = {"signalling": (0.1, 25000, 50000), "media": (0.05, 50000, 100000)}
AWAKE_S, PERIOD_S = 0.02, 1
NUMBERS = itertools.count()


class Slow(threading.Thread):
    """Accepts, reads 1 kB/s, says nothing."""

    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.server.bind(("127.0.0.1", 0))
        self.server.listen()
        self.over = threading.Event()
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            stream, _ = self.server.accept()
            while not self.over.wait(0.1) and stream.recv(100):
                pass
            stream.close()

    def end(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.join()
        self.server.close()


class Stutter(threading.Thread):
    """Lets a process run for a moment of each second."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.over = process, threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            self.process.send_signal(signal.SIGSTOP)
            self.over.wait(PERIOD_S - AWAKE_S)
            self.process.send_signal(signal.SIGCONT)
            time.sleep(AWAKE_S)

    def end(self):
        self.over.set()
        self.join()


class Outlets:
    """The real Kafka and the real Redis, and how a sensor is told of any state of any of them."""

    def __init__(self, folder, broker, redis):
        self.folder, self.broker, (self.redis, redis_port) = folder, broker, redis
        self.redis_address = f"127.0.0.1:{redis_port}"

    def words(self, outlet, address):
        if outlet == "kafka":
            spool = self.folder / "spool"
            shutil.rmtree(spool, ignore_errors=True)
            return to_kafka(address, f"away{next(NUMBERS)}", spool, "1ms")
        if outlet == "hep":
            return ["--hep-to", address if address.startswith("tcp:") else f"tcp:{address}"]
        return ["--redis", address, "--sensor-path", "outside", "--sensor-path", "inside", "--sensor-point", "outside"]

    @contextlib.contextmanager
    def put_in(self, outlet, state):
        """The words of the command line; while they hold, the outlet is in that state."""
        real = {"kafka": self.broker.address, "redis": self.redis_address}.get(outlet)
        with contextlib.ExitStack() as stack:
            address = REFUSED
            if state == "deaf":
                server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
                address = f"127.0.0.1:{server.getsockname()[1]}"
            elif state == "slow" and not real:
                slow = Slow()
                stack.callback(slow.end)
                address = f"127.0.0.1:{slow.server.getsockname()[1]}"
            elif state in ("well", "slow"):
                address = real or stack.enter_context(Sink("tcp", 60)).address
            words = self.words(outlet, address)
            if state == "slow" and real:
                stutter = Stutter(self.broker.process if outlet == "kafka" else self.redis)
                stack.callback(stutter.end)
            yield words


def thread_cpu_s(pid):
    """Of the thread that takes the packets; None when it is over."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return None


def states(kinds):
    yield "none", ""
    for outlet in kinds:
        for state in STATES:
            yield outlet, state


HEADING = f"{'':<16} {'CPU µs a packet':>16} {'x none':>7} {'x well':>7}"


def costs(outlet, state, cpu, base, well):
    """One that is away may cost no more than one that is well."""
    return f"{f'{outlet} {state}':<16} {cpu:>16.3f} {cpu / base:>7.2f} {f'{cpu / well:.2f}' if well else '':>7}"


# --- reading files

def read_once(sipspan, capture, words):
    """(CPU of the thread, wall) in seconds."""
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in (sipspan, "-r", capture, "--report", "none", "--listen", "off",
                                                       *words)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spent = 0
    while process.poll() is None:
        spent = thread_cpu_s(process.pid) or spent
        time.sleep(0.002)
    return spent, time.monotonic() - began


def measure_files(sipspan, name, capture, truth, around):
    print(f"\naway: reading {name}, {truth['packets']:,} packets, best of three; the reader may wait for its outlets")
    print(f"  {HEADING} {'wall s':>8}")
    base = well = None
    for outlet, state in states(("kafka", "hep")):
        progress(f"away: {name}, {outlet} {state}")
        runs = []
        for _ in range(REPEATS):
            with around.put_in(outlet, state) if state else contextlib.nullcontext([]) as words:
                runs.append(read_once(sipspan, capture, words))
        cpu, wall = (min(values) for values in zip(*runs))
        cpu = cpu / truth["packets"] * 1e6
        base, well = base or cpu, cpu if state == "well" else well
        print(f"  {costs(outlet, state, cpu, base, well)} {wall:>8.2f}", flush=True)


# --- live

def make_pair():
    for words in (f"link add {DEVICE} type veth peer name {MIRROR}", f"link set {DEVICE} up",
                  f"link set {MIRROR} up"):
        subprocess.run(["ip", *words.split()], check=True)
    for device in (DEVICE, MIRROR):
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6").write_text("1")


def live_once(sipspan, capture, words, rate, packets):
    """(µs of CPU a packet, packets seen, packets dropped)"""
    with Sensor(sipspan, "-i", DEVICE, "--report", "none", *words) as sensor:
        time.sleep(0.5)  # for connections
        before, pid = sensor.metric("sipspan_packets_total"), sensor.process.pid
        cpu = thread_cpu_s(pid)
        subprocess.run(["tcpreplay", "-q", "-i", MIRROR, "--pps", str(rate), "--limit", str(packets), str(capture)],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        time.sleep(1.2)  # figures follow
        cpu = thread_cpu_s(pid) - cpu
        page = sensor.page()
        seen = (outlets.metric_in(page, "sipspan_packets_total") or 0) - before
        return cpu / max(seen, 1) * 1e6, seen, outlets.metric_in(page, "sipspan_packets_dropped_total") or 0


def measure_live(sipspan, name, capture, around):
    _, rate, packets = LOADS_HERE[name]
    print(f"\naway: live, {name}, {packets:,} packets at {rate:,}/s, best of three")
    print(f"  {HEADING} {'seen':>9} {'dropped':>8}")
    base = well = None
    for outlet, state in states(("kafka", "hep", "redis")):
        progress(f"away: live {name}, {outlet} {state}")
        runs = []
        for _ in range(REPEATS):
            with around.put_in(outlet, state) if state else contextlib.nullcontext([]) as words:
                runs.append(live_once(sipspan, capture, words, rate, packets))
        cpu, (_, seen, dropped) = min(run[0] for run in runs), min(runs, key=lambda run: run[2])
        base, well = base or cpu, cpu if state == "well" else well
        print(f"  {costs(outlet, state, cpu, base, well)} {seen:>9,.0f} {dropped:>8,.0f}"
              f" {'ok' if dropped == 0 else 'short':<6} ({', '.join(f'{run[0]:.2f}' for run in runs)})", flush=True)


def measure_away(options, sipspan):
    reason = outlets.why_not() or (None if shutil.which("tcpreplay") else "there is no tcpreplay")
    if reason:
        print(f"\naway: skipped: {reason}")
        return
    LOADS_FOLDER.mkdir(parents=True, exist_ok=True)
    make_pair()
    os.environ["SIPSPAN_REDIS_SECRET"] = "a secret for floods"
    with tempfile.TemporaryDirectory(prefix="away-", dir=LOADS_FOLDER) as folder, redis_server() as redis, \
            kafka_net.Broker(pathlib.Path(folder) / "broker") as broker:
        os.chmod(folder, 0o755)  # the sensor gives up root
        around = Outlets(pathlib.Path(folder), broker, redis)
        for name, (scale, _, _) in LOADS_HERE.items():
            capture, truth = make_load(name, scale * options.scale)
            measure_files(sipspan, name, capture, truth, around)
            measure_live(sipspan, name, capture, around)
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}", flush=True)
