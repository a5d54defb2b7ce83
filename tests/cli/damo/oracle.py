#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a record of DAMO says, worked out a second time, and compared with memheat.

oracle.py MEMHEAT RECORD TRACE: TRACE is RECORD (json or json_compressed) imported. The
rules are those that DAMO documents by its behaviour, written down here from their
description: nothing is shared with memheat but the record.
"""
import bisect
import json
import re
import subprocess
import sys
import zlib

UNITS = {"B": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def number(v):
    if v is None:
        return None
    if not isinstance(v, str):
        return v
    m = re.fullmatch(r"([\d,]+(?:\.\d+)?)\s*([BKMGT]?)(?:i?B)?", v.strip())
    assert m, v
    text = m.group(1).replace(",", "")
    value = float(text) if "." in text else int(text)
    return int(value * (1 << UNITS[m.group(2) or "B"]) + 0.5) if m.group(2) else value


class Region:
    def __init__(self, kv):
        self.start, self.end = number(kv["start"]), number(kv["end"])
        self.samples = number(kv["nr_accesses"]["samples"])
        self.age = number(kv["age"]["aggr_intervals"])


class Snapshot:
    def __init__(self, kv):
        self.start, self.end = int(number(kv["start_time"])), int(number(kv["end_time"]))
        self.regions = [Region(r) for r in kv["regions"]]


class Record:
    def __init__(self, kv):
        self.target = kv["target_id"]
        self.snapshots = [Snapshot(s) for s in kv["snapshots"]]
        i = kv.get("intervals")
        self.aggr_us = number(i["aggr_us"]) if i else None
        self.sample_us = number(i["sample_us"]) if i else None


def load(path):
    data = open(path, "rb").read()
    if data[:1] == b"x":
        data = zlib.decompress(data)
    return [Record(kv) for kv in json.loads(data)]


def percentile(values, p):
    return values[min(int(p / 100 * len(values)), len(values) - 1)]


# ---- comparing ----

nr_checks = 0


def equal(what, ours, theirs, relative=0.0):
    global nr_checks
    nr_checks += 1
    if ours == theirs:
        return
    if relative and ours is not None and theirs is not None:
        if abs(ours - theirs) <= relative * max(abs(ours), abs(theirs)):
            return
    sys.exit("%s: memheat says %r, the record %r" % (what, ours, theirs))


def memheat(report, *options):
    out = subprocess.run([MEMHEAT, "report", report, "--format", "json", *options, TRACE],
                         stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


# ---- the reports ----

def check_regions(records, first):
    ours = memheat("regions")["snapshots"]
    wanted = sorted(((s.start - first, s.end - first, r.target, s) for r in records
                     for s in r.snapshots), key=lambda x: (x[2] or 0, x[0]))
    ours.sort(key=lambda s: (s["target"], s["start_ns"]))
    equal("snapshots", len(ours), len(wanted))
    for o, (start, end, target, snap) in zip(ours, wanted):
        equal("start of a snapshot", o["start_ns"], start)
        equal("end of a snapshot", o["end_ns"], end)
        equal("target", o["target"], target or 0)
        equal("regions at %d" % start,
              [(r["start"], r["end"], r["nr_accesses"], r["age"]) for r in o["regions"]],
              [(r.start, r.end, r.samples, r.age) for r in snap.regions])


def check_wss(records, skip):
    moments = {}
    for r in records:
        for s in r.snapshots:
            used = sum(g.end - g.start for g in s.regions if g.samples >= 1)
            moments[s.end] = moments.get(s.end, 0) + used
    values = sorted([moments[t] for t in sorted(moments)][skip:])
    if not values:
        return
    options = ["--percentiles", ",".join(str(p) for p in range(0, 101))]
    ours = memheat("wss", "--skip", str(skip), *options)
    equal("n of wss", ours["n"], len(values))
    equal("mean of wss", ours["mean"], sum(values) / len(values), 1e-12)
    for row in ours["percentiles"]:
        equal("wss p%d" % row["p"], row["bytes"], percentile(values, row["p"]))


def check_nr_regions(records, skip):
    # One target: skipping counts moments, DAMO's counts snapshots of each record.
    values = sorted(len(s.regions) for r in records for s in r.snapshots[skip:])
    if not values:
        return
    for row in memheat("nr_regions", "--skip", str(skip))["percentiles"]:
        equal("nr_regions p%g" % row["p"], row["regions"], percentile(values, row["p"]))


def check_heatmap(records, first, rows, cols):
    ours = memheat("heatmap", "--cells", "damo", "--rows", str(rows), "--cols", str(cols))
    t0, t1 = (t + first for t in ours["time_ns"])
    a0, a1 = ours["addr"]
    tu, au = (t1 - t0) // cols, (a1 - a0) // rows
    heat = [[None] * cols for _ in range(rows)]
    # The map is of one target: the one that has regions there.
    of = [r for r in records if any(g.start < a1 and g.end > a0
                                    for s in r.snapshots for g in s.regions)]
    equal("targets of a map", len(of), 1)
    before = None
    for s in of[0].snapshots:
        for g in s.regions:
            if g.end < a0 or g.start > a1:
                continue
            since = s.start
            if of[0].aggr_us:
                since -= g.age * of[0].aggr_us * 1000
            begin = since if before is None else max(since, before)
            for i in range(int((begin - t0) / tu), int((s.end - t0) / tu) + 1):
                if not 0 <= i < cols:
                    continue
                pt = t0 + i * tu
                dt = min(s.end, pt + tu) - max(since, pt)
                for j in range(int((g.start - a0) / au), int((g.end - a0) / au) + 1):
                    if not 0 <= j < rows:
                        continue
                    pa = a0 + j * au
                    da = min(g.end, pa + au) - max(g.start, pa)
                    heat[j][i] = (heat[j][i] or 0) + g.samples * dt * da / (tu * au)
        before = s.end
    checks = of[0].aggr_us // of[0].sample_us if of[0].aggr_us else 20
    for j in range(rows):
        for i in range(cols):
            want = heat[j][i]
            equal("cell %d,%d" % (j, i), ours["mean"][j][i],
                  None if want is None else want / checks, 1e-9)


def idle_bytes(records):
    """[(idle ns, bytes)] of the last snapshots; without ages, pieces that no region ever
    divided are followed from snapshot to snapshot."""
    found = []
    for r in records:
        last, since = r.snapshots[-1], {}
        edges = sorted({e for s in r.snapshots for g in s.regions for e in (g.start, g.end)})
        at = {edge: i for i, edge in enumerate(edges)}
        for s in r.snapshots if last.regions[0].age is None else []:
            now = {}
            for g in s.regions:
                for piece in range(at[g.start], at[g.end]):
                    now[piece] = s.end if g.samples else since.get(piece, s.start)
            since = now
        for g in last.regions:
            if g.samples:
                found.append((0, g.end - g.start))
            elif g.age is not None:
                found.append(((g.age + 1) * r.aggr_us * 1000, g.end - g.start))
            else:
                found += [(last.end - since[p], edges[p + 1] - edges[p])
                          for p in range(at[g.start], at[g.end])]
    return found


def check_cold(records):
    if sum(g.end - g.start for r in records for g in r.snapshots[-1].regions) > 1 << 32:
        return
    ours = memheat("cold")
    edges = [b["idle_ns_min"] for b in ours["buckets"]]
    want = [0] * len(edges)
    for idle, size in idle_bytes(records):
        if idle:
            idle = max(idle, ours["interval_ns"])
        want[bisect.bisect_right(edges, idle) - 1] += size
    equal("cold bytes", [b["bytes"] for b in ours["buckets"]], want)


def check_times(records, first):
    spans = []
    for start, end in sorted((s.start, s.end) for r in records for s in r.snapshots
                             if any(g.samples >= 8 for g in s.regions)):
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(end, spans[-1][1])
        else:
            spans.append([start, end])
    ours = memheat("times", "--min-rate", "40%")["ranges"]
    equal("times", [[r["start_ns"] + first, r["end_ns"] + first] for r in ours], spans)


MEMHEAT, RECORD, TRACE = sys.argv[1:4]
RECORDS = load(RECORD)
FIRST = min(r.snapshots[0].start for r in RECORDS)
check_regions(RECORDS, FIRST)
for nr in 0, 20:
    check_wss(RECORDS, nr)
    if len(RECORDS) == 1 or not nr:
        check_nr_regions(RECORDS, nr)
check_heatmap(RECORDS, FIRST, 80, 40)
check_heatmap(RECORDS, FIRST, 33, 77)
check_cold(RECORDS)
check_times(RECORDS, FIRST)
print("%d numbers are equal" % nr_checks)
