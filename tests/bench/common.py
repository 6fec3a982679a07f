"""What the parts of the bench share: the build, the captures that they read, and one run of a program."""
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "bench"
LOADS_FOLDER = REPOSITORY / "build" / "bench-loads"
REPEAT_BELOW_S = 20
# What the tests have of real peers is used here, too.
os.environ["BUILD"] = str(BUILD)
sys.path.append(str(REPOSITORY / "tests" / "integration"))

# What make_pcap is asked for; numbers in braces grow and shrink with --scale.
LOADS = {
    "signalling": ("calls of 7 messages, 10,000 at a time", "--calls {100000} --concurrent {10000}"),
    "flood": ("INVITEs from spoofed sources, never answered, with 100 real calls",
              "--calls 100 --concurrent 100 --flood {200000}"),
    "rtp": ("calls with PCMU both ways, jitter 5 ms, 0.5% lost",
            "--calls {450} --concurrent {225} --rtp --jitter 5 --loss 0.5"),
    "mirror": ("RTP of which the mirror delivers everything twice",
               "--calls {225} --concurrent {112} --rtp --copies 100"),
    "media": ("calls of a minute with PCMU both ways, 500 at a time",
              "--calls {1000} --concurrent {500} --rtp --talk 58"),
    "streams": ("calls of three seconds with PCMU both ways, 20,000 at a time",
                "--calls {20000} --concurrent {20000} --cps {20000} --rtp --talk 3"),
}


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def build(targets):
    for command in (["cmake", "--preset", "bench"],
                    ["cmake", "--build", str(BUILD), "--target", *targets]):
        progress(" ".join(command))
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode != 0:
            sys.exit(f"bench: cannot be built:\n{done.stdout[-3000:]}")


def make_load(name, scale):
    """(path of the capture, its truth)."""
    template = LOADS[name][1]
    arguments = re.sub(r"\{(\d+)\}", lambda m: str(max(1, int(int(m[1]) * scale))), template)
    stem = re.sub(r"[^a-z0-9.]+", "-", f"{name} {arguments}").strip("-")
    capture, truth = LOADS_FOLDER / f"{stem}.pcap", LOADS_FOLDER / f"{stem}.json"
    if not truth.exists() or not capture.exists():
        LOADS_FOLDER.mkdir(parents=True, exist_ok=True)
        progress(f"makes {capture.name}")
        truth.unlink(missing_ok=True)
        subprocess.run([BUILD / "tests" / "make_pcap", *arguments.split(), "-o", capture,
                        "--truth", truth], check=True)
    return capture, json.loads(truth.read_text())


class Run:
    """One run of one program: CPU seconds, peak RSS, or why there is neither."""

    def __init__(self, command, limit_s, environment=None, keep_output=False):
        sink = subprocess.PIPE if keep_output else subprocess.DEVNULL
        self.output = b""
        self.seen_kib = 0
        started = time.monotonic()
        child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=sink,
                                 stderr=subprocess.DEVNULL, start_new_session=True,
                                 env=dict(os.environ, TERM="dumb", **(environment or {})))
        self.late = False

        def stop():
            self.late = True
            os.kill(child.pid, signal.SIGKILL)

        timer = threading.Timer(limit_s, stop)
        timer.start()
        watch = threading.Thread(target=self.watch_memory, args=(child.pid,), daemon=True)
        watch.start()
        if keep_output:
            self.output = child.stdout.read()
            child.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        watch.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        self.status = child.returncode
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.wall_s = time.monotonic() - started
        # The kernel's peak is exact, but starts with what this script held when it forked.
        if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss or not self.seen_kib:
            self.seen_kib = usage.ru_maxrss
        self.rss_mib = self.seen_kib / 1024

    def watch_memory(self, pid):
        """The peak of the program alone, seen a hundred times a second until it has ended."""
        own = os.readlink("/proc/self/exe")
        try:
            while True:
                if os.readlink(f"/proc/{pid}/exe") != own:
                    status = pathlib.Path(f"/proc/{pid}/status").read_text()
                    peak = re.search(r"VmHWM:\s*(\d+) kB", status)
                    self.seen_kib = max(self.seen_kib, int(peak[1]) if peak else 0)
                time.sleep(0.01)
        except OSError:
            return


def measure(command, limit_s, environment=None):
    """The best of up to three runs."""
    best = None
    for _ in range(3):
        run = Run(command, limit_s, environment)
        if best is None or run.cpu_s < best.cpu_s:
            best = run
        if run.late or run.status != 0 or run.wall_s > REPEAT_BELOW_S:
            break
    return best
