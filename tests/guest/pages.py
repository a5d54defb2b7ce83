# SPDX-License-Identifier: MIT
"""Page scans of a trace as sets of page addresses."""
from collections import namedtuple
from guest import *

PAGE = 4096
# A scan has one time, of its start; where the host is busy it goes on for seconds. It was
# surely over when the next one started.
When = namedtuple("When", "armed read over")


def runs(text):
    """The pages of "4+2,9+1"."""
    if text == "-":
        return
    for run in text.split(","):
        first, nr = run.split("+")
        yield from range(int(first), int(first) + int(nr))


class Scan:
    """What one process was told to have touched between two scans."""

    def __init__(self):
        self.observed, self.accessed = set(), set()


def scans(trace, layer="access"):
    """{When: {pid: Scan}} in the order of time."""
    found = {}
    for event in dump(trace, "pages"):
        if event.get("layer", "access") != layer:
            continue
        assert number(event.get("page_shift", "0")) == 12
        when = number(event.get("start_ns", "0")), number(event["time"])
        start, nr = number(event.get("start", "0")), number(event["nr_pages"])
        scan = found.setdefault(when, {}).setdefault(number(event.get("pid", "0")), Scan())
        observed = runs(event["observed"]) if "observed" in event else range(nr)
        scan.observed.update(start + PAGE * i for i in observed)
        scan.accessed.update(start + PAGE * i for i in runs(event["accessed"]))
    for by_pid in found.values():
        for scan in by_pid.values():
            assert scan.accessed <= scan.observed, "accessed but not observed"
    keys = sorted(found)
    over = [read for _, read in keys[1:]] + [float("inf")]
    return {When(*key, end): found[key] for key, end in zip(keys, over)}


def pages_of(span):
    return set(range(span["start"], span["end"], PAGE))


def within(span, when):
    """Whether the scan lies in a phase of the truth, to its last page."""
    return span["start_ns"] <= when.armed and when.over <= span["end_ns"]


def stats(trace, name):
    return [number(s.get("value", "0")) for s in dump(trace, "stat") if s["name"] == name]


def check_exact(trace, right, name, nr_least=3):
    """Scans within the one phase: the accessed pages are the hot ones, none more.

    A window in which the host gave the guest no time for a whole sweep has fewer; there
    must be more whole ones."""
    phase, region = right["phases"][0], right["regions"][0]
    hot = set().union(*(pages_of(h) for h in phase["hot"]))
    everything, nr, unseen, starved = pages_of(region), 0, 0, 0
    for when, by_pid in scans(trace).items():
        if not within(phase, when):
            continue
        scan = by_pid[region["pid"]]
        accessed = scan.accessed & everything
        assert accessed <= hot, f"{name}: {len(accessed - hot)} pages too many"
        unseen = max(unseen, len(everything - scan.observed))
        if accessed == hot & scan.observed:
            nr += 1
        else:
            starved += 1
    assert nr >= nr_least and starved <= nr // 2, (
        f"{name}: all hot pages in {nr} scans of the phase, not all in {starved}")
    # Pages that wait for their LRU list have no idle bit yet.
    assert unseen <= 64, f"{name}: {unseen} pages were not observed"
    print(f"figure: {name}: accessed pages {len(hot)} of {len(hot)} and none more in each of "
          f"{nr} scans ({starved} without a whole sweep), at most {unseen} of "
          f"{len(everything)} not observed")
