"""The cases of causes_live once more, from a capture of what the mirror showed: as it is, with copies, with packets
missing, with a direction missing (tests/tools/mirror_faults.py). Where nothing is missing, the sensor must say what it
said live; where something is, it may say as little wrong as tests/causes/run allows (tests/tools/verdicts.py).
"""
import concurrent.futures
import pathlib
import sys

from causes_calls import confidences_of, hops_of
from causes_net import CALLEE, is_on_the_right
from netns import check

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from mirror_faults import LOSS_PERCENT, read_capture, ways_to_fail, write_capture
from verdicts import Matrix, call_of, compare_damaged, of_type, read_events, verdict_of

READERS = 2
DIRECTIONS = {"nothing from the callees": is_on_the_right,
              "nothing from the callers": lambda address: not is_on_the_right(address)}


class Truth:
    """Of the cases; see verdicts.py."""

    of_answered = ("low", "medium")  # INVITEs that had to be repeated, and whose answer then is missing

    def __init__(self, wanted):
        self.causes = {case.name: [({case.code}, confidences_of(case))] * sum(caller.calls for caller in case.callers)
                       for case in wanted}
        self.hops = {case.name: hops_of(case) for case in wanted}

    def may_be_one_way(self, event):
        return event["data"]["dst"]["ip"] == CALLEE["unmirrored"]

    def key_of(self, event):
        name = call_of(event).partition(".")[0]
        hop = event["data"]["src"]["ip"], event["data"]["dst"]["ip"]
        return name if hop in self.hops.get(name, ()) else None


def said_of_invites(events):
    """What bears on the verdict of each, and who struggled."""
    said = {}
    for event in of_type(events, "invite.unanswered") + of_type(events, "invite.struggling"):
        data = event["data"]
        cause = data.get("cause")
        what = (*verdict_of(event), *sorted({entry["kind"] for entry in cause["evidence"]})) if cause else ()
        key = event["type"], data["call_id"], data["branch"], data["dst"]["ip"]
        said.setdefault(key, []).append((data["transmissions"], *what))
    return said


def compare_with_live(live, events):
    live, again = said_of_invites(live), said_of_invites(events)
    for key in sorted(live.keys() | again.keys()):
        if live.get(key) != again.get(key):
            yield f"{' '.join(key)}: {again.get(key)}, live {live.get(key)}"


def check_again(capture, wanted, live):
    """Of the mirror's capture and what is made of it; `live`: the sensor's events. The confusion matrices, and those of
    them that are the same each time: which packets get lost is not."""
    truth = Truth(wanted)
    header, records = read_capture(capture)
    tables = {"whole": ("Live traffic as it was, and with mirror copies", Matrix()),
              "direction": ("Live traffic with all of a direction missing", Matrix()),
              "lossy": (f"Live traffic with {LOSS_PERCENT}% of the packets missing", Matrix())}

    def look(name, kind, change):
        path = capture.with_name(f"{capture.stem} {name}.pcap")
        write_capture(path, header, change(records))
        return name, kind, read_events(path)[0]

    ways = [("as it was", "whole", list), *ways_to_fail(DIRECTIONS)]
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for name, kind, events in pool.map(lambda way: look(*way), ways):
            problems = list(compare_with_live(live, events) if kind == "whole" else
                            compare_damaged(truth, events, kind == "direction"))
            tables[kind][1].add(truth, events)
            count = len(of_type(events, "invite.unanswered"))
            check(f"{name}: " + (f"what was said live of {count} INVITEs" if kind == "whole" else
                                 f"nothing wrong is sure of {count} INVITEs"), not problems, "\n  ".join(problems))
    return list(tables.values()), [tables["whole"], tables["direction"]]
