"""What the tests of unanswered INVITEs share: the events of a capture, what may not come of one with holes, and the
confusion matrix, in print and in sensor/verdict/README.md.

What is true of a capture is an object with
- causes: {key: [(codes, confidences)]}, of each INVITE that goes unanswered what may be said of it;
- key_of(event): the key of its INVITE; None: that one was answered;
- may_be_one_way(event): the mirror misses a direction of its hosts, so that whoever was answered may seem not to be;
- of_answered: how surely a cause may be given, wrongly, to an INVITE that was answered, if packets are missing.
"""
import collections
import json
import os
import pathlib
import subprocess
import tempfile
import threading

from event_schemas import events_problem

SIPSPAN = os.environ.get("SIPSPAN", "sipspan")
README = pathlib.Path(__file__).resolve().parents[2] / "sensor" / "verdict" / "README.md"
CODES = ("mirror_one_way", "icmp_unreachable", "tcp_refused", "tcp_no_answer", "response_misdirected",
         "response_mangled", "fragment_lost", "private_address", "wrong_transport", "destination_overloaded",
         "destination_selective", "destination_silent", "unknown")
NO_EVENT, HEALTHY = "no event", "answered"
CONFIDENCES = ("high", "medium", "low")
TIMEOUT_S = 240


def call_of(event):
    return event["data"]["call_id"].split("@")[0]


def verdict_of(event):
    return event["data"]["cause"]["code"], event["data"]["cause"]["confidence"]


def describe(event):
    cause = event["data"]["cause"]
    kinds = ", ".join(evidence["kind"] for evidence in cause["evidence"])
    return f"{call_of(event)}: {cause['code']} {cause['confidence']}: {cause['summary']} ({kinds})"


def read_events(*captures, arguments=(), only=None):
    """(events, peak of memory in octets); only: those that have one of these texts. RuntimeError: it failed, or what it
    gave does not fit the schemas."""
    files = [word for path in captures for word in ("-r", str(path))]
    command = [SIPSPAN, *files, *arguments, "--events", "-", "--report", "none", "--sensor-id", "causes"]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        timer = threading.Timer(TIMEOUT_S, child.kill)
        timer.start()
        events = [json.loads(line) for line in child.stdout if not only or any(text in line for text in only)]
        child.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            raise RuntimeError(f"sipspan: exit {child.returncode}: {said.read().decode(errors='replace')[-2000:]}")
    problem = events_problem(events)
    if problem:
        raise RuntimeError(problem)
    return events, usage.ru_maxrss * 1024


def of_type(events, name):
    return [event for event in events if event["type"] == "sipspan." + name]


def compare_damaged(truth, events, direction):
    """What may not come of a capture with holes. direction: all that somebody sends is missing."""
    for event in of_type(events, "invite.unanswered"):
        code, confidence = verdict_of(event)
        lines = truth.causes.get(truth.key_of(event), ())
        is_true = any(code in codes for codes, _ in lines) or \
            code == "mirror_one_way" and (direction or truth.may_be_one_way(event))
        if not is_true and (confidence == "high" or not lines and confidence not in truth.of_answered):
            yield f"{'not ' if not lines else 'other than '}expected: {describe(event)}"


class Matrix:
    """How often what was expected was given, and how surely."""

    def __init__(self):
        self.counts = collections.Counter()  # (expected, given, confidence)

    def add(self, truth, events):
        missing = collections.Counter({key: len(lines) for key, lines in truth.causes.items()})
        for event in of_type(events, "invite.unanswered"):
            key, (code, confidence) = truth.key_of(event), verdict_of(event)
            lines = truth.causes.get(key, ())
            missing[key] -= 1
            expected = HEALTHY if not lines else next(
                (code for codes, _ in lines if code in codes), min(lines[0][0], key=CODES.index))
            self.counts[expected, code, confidence] += 1
        for key, count in missing.items():
            if count > 0:
                self.counts[min(truth.causes[key][0][0], key=CODES.index), NO_EVENT, ""] += count

    def merge(self, other):
        self.counts.update(other.counts)

    def cell(self, expected, given, is_exact):
        """Not exact: how many, and with which confidences, but not how many with each."""
        if given == NO_EVENT:
            return str(self.counts[expected, given, ""] or ".")
        counts = [(self.counts[expected, given, confidence], confidence[0]) for confidence in CONFIDENCES]
        if not is_exact and any(count for count, _ in counts):
            return f"{sum(count for count, _ in counts)} {''.join(letter for count, letter in counts if count)}"
        return " ".join(f"{count}{letter}" for count, letter in counts if count) or "."

    def rows(self, is_exact=True):
        """Heads of the columns, and each row's name and cells; columns that stay empty are left out."""
        columns = [given for given in (*CODES, NO_EVENT) if any(key[1] == given for key in self.counts)]
        letters = {code: chr(ord("a") + i) for i, code in enumerate(CODES)}
        heads = [letters.get(given, "none") for given in columns]
        names = [(f"{letters[code]} {code}" if code in letters else code, code) for code in (*CODES, HEALTHY)]
        return heads, [(name, [self.cell(code, given, is_exact) for given in columns]) for name, code in names
                       if any(key[0] == code for key in self.counts)]

    def text(self):
        heads, rows = self.rows()
        widths = [max(len(cell) for cell in column) for column in zip(heads, *(cells for _, cells in rows))]
        for name, cells in [("expected, given", heads), *rows]:
            line = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths))
            yield f"{name:26}{line}"

    def markdown(self, is_exact):
        heads, rows = self.rows(is_exact)
        yield "| expected \\ given | " + " | ".join(heads) + " |"
        yield "| --- |" + " ---: |" * len(heads)
        for name, cells in rows:
            yield f"| {name} | " + " | ".join(cells) + " |"


LEGEND = ("How often what was said, with h, m or l for its confidence; none: no event; answered: INVITEs of which "
          "nothing is to be said.\n")


def print_matrices(tables):
    """[(title, matrix)]"""
    for title, matrix in tables:
        if matrix.counts:
            print(f"\n{title}\n")
            print("\n".join(matrix.text()))


def check_readme(name, tables, may_write, is_exact=True):
    """What is wrong with what the README has between its marks `name`: these tables; or it is made so."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    text = LEGEND + "".join(f"\n{title}:\n\n" + "\n".join(matrix.markdown(is_exact)) + "\n" for title, matrix in tables)
    before, _, rest = README.read_text().partition(begin)
    kept, _, after = rest.partition(end)
    if kept == text:
        return []
    if not may_write:
        return ["it has another; see --matrix"]
    README.write_text(before + begin + text + end + after)
    return []
