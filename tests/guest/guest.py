# SPDX-License-Identifier: MIT
"""What the checks of tests/guest share: a trace's rows, a report's JSON, the truth."""
import json
import os
import shlex
import statistics
import subprocess

MEMHEAT = os.environ["MEMHEAT"]
MIB = 1 << 20


def report(trace, *args):
    out = subprocess.run(
        [MEMHEAT, "report", *args, "-i", trace, "--format", "json"],
        check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)


def info(trace):
    out = subprocess.run([MEMHEAT, "info", trace, "--format", "json"], check=True,
                         stdout=subprocess.PIPE).stdout
    return json.loads(out)


def number(text):
    return int(text, 0)


def dump(trace, *kinds):
    """Events as dictionaries of text, `kind` among them."""
    out = subprocess.run([MEMHEAT, "dump", trace], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    for line in out.splitlines():
        kind, _, rest = line.partition(" ")
        if kind in kinds:
            event = dict(word.partition("=")[::2] for word in shlex.split(rest))
            event["kind"] = kind
            yield event


class Row:
    def __init__(self, event):
        self.time = number(event["time"])
        self.begin = number(event["start_ns"])
        self.pid = number(event.get("pid", "0"))
        self.start = number(event["start"])
        self.end = number(event["end"])
        self.hits = number(event.get("nr_accesses", "0"))
        self.max = number(event.get("max_accesses", "0"))
        self.age = number(event["age"]) if "age" in event else None
        self.size = self.end - self.start


def snapshots(trace):
    """{(end, begin): rows} of all targets, in the order of time."""
    found = {}
    for event in dump(trace, "region"):
        row = Row(event)
        found.setdefault((row.time, row.begin), []).append(row)
    for rows in found.values():
        check_whole(rows)
    return dict(sorted(found.items()))


def check_whole(rows):
    """Rows of a target ascend, do not overlap, and hits fit the checks."""
    last = {}
    for row in rows:
        assert row.start >= last.get(row.pid, 0), "regions overlap or descend"
        assert 0 < row.max and row.end > row.start
        assert row.begin < row.time
        last[row.pid] = row.end


def moments(trace):
    """{end: rows}: targets that share a moment are together."""
    found = {}
    for (time, _), rows in snapshots(trace).items():
        found.setdefault(time, []).extend(rows)
    return found


def busy(rows, within=None, rate=0.25):
    """Rows that were accessed in at least that share of checks."""
    return [r for r in rows if r.hits >= rate * r.max and
            (within is None or r.start < within[1] and r.end > within[0])]


def size_of(rows):
    return sum(r.size for r in rows)


def truth(path):
    with open(path) as f:
        return json.load(f)


def near(what, got, want, share):
    error = abs(got - want) / want
    print(f"figure: {what}: {got / MIB:.3f} MiB, truth {want / MIB:.3f} MiB, "
          f"{100 * error:.2f}% off")
    assert error <= share, f"{what}: {got} is not within {share:.0%} of {want}"


def check_ends(what, found, want, share):
    """Median start and end of the hot ranges seen, against the truth's size."""
    size = want[1] - want[0]
    for name, values, right in (("start", [f[0] for f in found], want[0]),
                                ("end", [f[1] for f in found], want[1])):
        off = abs(statistics.median(values) - right) / size
        print(f"figure: {what}: {name} is {100 * off:.2f}% off, n={len(values)}")
        assert off <= share, f"{what}: {name} is {off:.1%} of its size off"
