"""What the live tests share: two network namespaces of the test's own, a veth pair between them, and a sipspan
that listens on it. For use as root; the namespaces are removed in every case.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import event_schemas

SIPSPAN = os.environ.get("SIPSPAN", "sipspan")
SENSOR_NS = f"sipspan-s-{os.getpid()}"
PEER_NS = f"sipspan-p-{os.getpid()}"
DEVICE, PEER = "span0", "peer0"
SENSOR_IP, PEER_IP = "192.0.2.1", "192.0.2.2"
LISTEN = "127.0.0.1:9160"

FAILURES = []


def check(name, holds, why=""):
    if not holds:
        FAILURES.append(name)
    print(f"ok {name}" if holds else f"FAIL {name}: {why}", flush=True)


def run(*words, ok=True, text_in=None):
    return subprocess.run(words, check=ok, capture_output=True, text=True, timeout=30, input=text_in)


def inside(namespace, *words):
    return ["ip", "netns", "exec", namespace, *words]


def make_pair():
    run("ip", "link", "add", DEVICE, "netns", SENSOR_NS, "type", "veth",
        "peer", "name", PEER, "netns", PEER_NS)
    for namespace, device, address in ((SENSOR_NS, DEVICE, SENSOR_IP), (PEER_NS, PEER, PEER_IP)):
        run(*inside(namespace, "sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{device}/disable_ipv6"),
            ok=False)
        run(*inside(namespace, "ip", "address", "add", f"{address}/24", "dev", device))
        run(*inside(namespace, "ip", "link", "set", device, "up"))


def metrics_page(listen=LISTEN):
    """What a sensor serves at /metrics; None if it cannot be had."""
    program = (
        "import urllib.request\n"
        f"print(urllib.request.urlopen('http://{listen}/metrics', timeout=5).read().decode())\n"
    )
    page = run(*inside(SENSOR_NS, sys.executable, "-c", program), ok=False)
    return page.stdout if page.returncode == 0 else None


def metric_in(page, name, labels=""):
    """The sum of the metric's series, or of those with these labels (`kind="same"`); None if there is none."""
    values = re.findall(rf"^{name}(?:\{{[^}}]*{re.escape(labels)}[^}}]*\}})? ([0-9.e+]+)$", page or "", re.M)
    return sum(float(value) for value in values) if values else None


def metric(name, listen=LISTEN):
    return metric_in(metrics_page(listen), name)


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


class Sensor:
    """A running sipspan. Started directly in the namespace, so that its pid is the program's own."""

    def __init__(self, folder, *words, device=DEVICE, listen=LISTEN):
        self.said_path = folder / "stderr"
        self.events = folder / "events.ndjson"
        self.said_file = open(self.said_path, "w")
        self.process = subprocess.Popen(
            inside(SENSOR_NS, SIPSPAN, "-i", device, "--listen", listen, "--user", "nobody",
                   "--events", str(self.events), *words),
            stdout=subprocess.DEVNULL, stderr=self.said_file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.said_file.close()

    def said(self, words=""):
        text = self.said_path.read_text()
        return words in text if words else text

    def status(self, key):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return re.search(rf"^{key}:\s*(.*)$", text, re.M).group(1)

    def tasks(self):
        return [task.read_text()
                for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/status")]

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """Its exit status. Each event that it gave must fit its schema."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        lines = self.events.read_text().splitlines()
        problem = event_schemas.events_problem(map(json.loads, lines))
        check(f"each of {len(lines)} events fits its schema", not problem, problem)
        return status


def why_not():
    """Why a live test cannot run here; None if it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which(SIPSPAN):
        return f"there is no {SIPSPAN}; name the binary in the environment's SIPSPAN"
    try:
        run("ip", "netns", "add", SENSOR_NS)
        run(*inside(SENSOR_NS, "ip", "link", "add", DEVICE, "type", "veth"))
    except (OSError, subprocess.CalledProcessError) as refused:
        return f"no namespaces here: {getattr(refused, 'stderr', None) or refused}".strip()
    finally:
        with contextlib.suppress(OSError):
            run("ip", "netns", "delete", SENSOR_NS, ok=False)
    return None


def remove_namespace(name):
    """With whatever still runs in it."""
    for pid in run("ip", "netns", "pids", name, ok=False).stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    run("ip", "netns", "delete", name, ok=False)


def remove_leftovers():
    """The namespaces of tests that were killed before they could remove them."""
    for name in re.findall(r"^sipspan-\w+-\d+", run("ip", "netns", "list", ok=False).stdout, re.M):
        if not pathlib.Path(f"/proc/{name.rsplit('-', 1)[1]}").exists():
            remove_namespace(name)


@contextlib.contextmanager
def namespaces():
    try:
        for namespace in (SENSOR_NS, PEER_NS):
            run("ip", "netns", "add", namespace)
            run(*inside(namespace, "ip", "link", "set", "lo", "up"))
        make_pair()
        yield
    finally:
        for namespace in (SENSOR_NS, PEER_NS):
            run("ip", "netns", "delete", namespace, ok=False)
