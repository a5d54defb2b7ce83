#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records of DAMO at full size: memheat's numbers against a second implementation of its
rules and, where `damo` is on PATH, against DAMO itself.

    tests/soak/damo.py [SNAPSHOTS]      3500, of 1000 regions each

Regions, all percentiles of wss and nr_regions, and a map of 500 x 500 cells.  Python holds
a record whole: 3.5 million regions take 12 GiB, and fewer are taken where there is less.
The same record as plain JSON, 1.8 GB of it, is imported through a pipe within 32 MiB.
"""
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEMHEAT = os.environ.get("MEMHEAT", os.path.join(TOP, "memheat"))
TOOLS = os.environ.get("TOOLS", os.path.join(TOP, "build/tests/tools"))
PER_REGION = 3600  # bytes
REGIONS = 1000
PERCENTS = [str(p) for p in range(101)]


def fitting(snapshots):
    with open("/proc/meminfo") as f:
        kib = int(re.search(r"MemAvailable:\s+(\d+)", f.read()).group(1))
    return max(40, min(snapshots, kib * 1024 // (PER_REGION * REGIONS)))


def lines(*command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as run:
        yield from run.stdout
        words = run.stderr.read()
    if run.returncode:
        sys.exit(f"{' '.join(command)}: {words.strip()}")


def report(trace, name, *options):
    return json.loads("".join(lines(MEMHEAT, "report", name, "--format", "json", *options,
                                    trace)))


def equal(what, ours, theirs, relative=0.0):
    if abs(ours - theirs) > relative * max(abs(ours), abs(theirs)):
        sys.exit(f"{what}: memheat says {ours!r}, DAMO {theirs!r}")


def check_percentiles(damo, record, trace, name, field):
    """DAMO leaves out the first 20 snapshots; of nr_regions it cannot be told not to."""
    options = ["--raw_number"] if name == "wss" else []
    theirs = [line.split()[:2] for line in
              lines(*damo, name, "--input", record, "--range", "0", "101", "1", *options)
              if re.match(r"\s*\d", line)]
    options = ["--percentiles", ",".join(PERCENTS)] if name == "wss" else []
    rows = report(trace, name, "--skip", "20", *options)["percentiles"]
    ours = {int(row["p"]): row[field] for row in rows}
    theirs = {int(p): int(value.replace(",", "")) for p, value in theirs}
    compared = ours.keys() & theirs.keys()
    if len(compared) < 5:
        sys.exit(f"{name}: only {len(compared)} percentiles in common")
    for p in compared:
        equal(f"{name} p{p}", ours[p], theirs[p])
    print(f"{name}: {len(compared)} percentiles are DAMO's")


def check_regions(damo, record, trace):
    region = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \(.*\)\s+(\d+)\s+(\d+)")
    theirs = filter(None, map(region.match,
                              lines(*damo, "access", "--input", record, "--raw_form")))
    ours = itertools.islice(lines(MEMHEAT, "report", "regions", "--format", "csv", trace),
                            1, None)
    nr = 0
    for row, match in itertools.zip_longest(ours, theirs):
        if not row or not match:
            sys.exit(f"region {nr}: there is none in {'memheat' if match else 'DAMO'}")
        cells = row.split(",")
        want = [int(match[1], 16), int(match[2], 16), int(match[3]), int(match[4])]
        if [int(cells[i]) for i in (3, 4, 5, 7)] != want:
            sys.exit(f"region {nr}: memheat says {row.strip()}, DAMO {match[0]}")
        nr += 1
    print(f"regions: {nr} are DAMO's")


def check_json(scratch, trace, snapshots):
    """Plain JSON through a pipe gives the same regions, in memory for a few of them."""
    plain = os.path.join(scratch, "plain")
    with subprocess.Popen([os.path.join(TOOLS, "gen_damo"), "-n", str(snapshots), "-r",
                           str(REGIONS), "-f", "json"], stdout=subprocess.PIPE) as gen, \
            subprocess.Popen([MEMHEAT, "import", "damo", "-", "-o", plain],
                             stdin=gen.stdout) as run:
        gen.stdout.close()
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode or gen.returncode:
        sys.exit(f"JSON: exit {run.returncode}, of the generator {gen.returncode}")
    if usage.ru_maxrss > 32 << 10:
        sys.exit(f"JSON: {usage.ru_maxrss} KiB at most")
    both = [lines(MEMHEAT, "report", "regions", "--format", "csv", t) for t in (trace, plain)]
    for nr, (packed, text) in enumerate(itertools.zip_longest(*both)):
        if packed != text:
            sys.exit(f"JSON: row {nr} is {text!r}, and {packed!r} in json_compressed")
    print(f"JSON: {nr} regions, {usage.ru_maxrss} KiB at most")


def check_heatmap(damo, record, trace):
    ours = report(trace, "heatmap", "--cells", "damo", "--rows", "500", "--cols", "500")
    meta = "".join(lines(MEMHEAT, "dump", "--kind", "meta", trace))
    first = int(re.findall(r"trace\.start_ns value=(\d+)", meta)[-1])
    number = {key: int(re.search(rf"source\.\d+\.{key} value=(\d+)", meta).group(1))
              for key in ("sample_us", "aggr_us")}
    # DAMO's are Hz: hits of all checks are one per sampling interval.
    full = 1e6 / number["sample_us"]
    span = [str(first + t) for t in ours["time_ns"]]
    theirs = lines(*damo, "heatmap", "--input", record, "--output", "raw", "--resol", "500",
                   "500", "--time_range", *span, "--address_range",
                   *map(str, ours["addr"]))
    nr = 0
    for i, line in enumerate(theirs):
        heat = line.split("\t")[2].strip()
        value = ours["mean"][i % 500][i // 500]
        if (heat == "NaN") != (value is None):
            sys.exit(f"cell {i}: memheat says {value}, DAMO {heat}")
        if value is not None:
            equal(f"cell {i}", value, float(heat) / full, 1e-9)
        nr += 1
    if nr != 250000:
        sys.exit(f"heatmap: {nr} cells")
    print(f"heatmap: {nr} cells are DAMO's")


def main():
    snapshots = fitting(int(sys.argv[1]) if len(sys.argv) > 1 else 3500)
    damo = os.environ.get("DAMO", "").split() or [shutil.which("damo")]
    with tempfile.TemporaryDirectory() as scratch:
        record, trace = os.path.join(scratch, "record"), os.path.join(scratch, "trace")
        with open(record, "wb") as out:
            subprocess.run([os.path.join(TOOLS, "gen_damo"), "-n", str(snapshots), "-r",
                            str(REGIONS)], stdout=out, check=True)
        subprocess.run([MEMHEAT, "import", "damo", record, "-o", trace], check=True)
        print(f"{snapshots * REGIONS} regions")
        check_json(scratch, trace, snapshots)
        subprocess.run([sys.executable, os.path.join(TOP, "tests/cli/damo/oracle.py"),
                        MEMHEAT, record, trace], check=True)
        sys.stdout.flush()
        if not damo[0]:
            print("damo is not on PATH: only the second implementation was asked")
            return
        damo.append("report")
        check_percentiles(damo, record, trace, "wss", "bytes")
        check_percentiles(damo, record, trace, "nr_regions", "regions")
        check_regions(damo, record, trace)
        check_heatmap(damo, record, trace)


main()
