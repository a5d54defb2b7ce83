# SPDX-License-Identifier: MIT
"""Samples of four processes, each CPU's a burst behind the other's as a recorder reads
them; counted here with dictionaries and compared with the report."""

import collections
import json
import math
import random
import subprocess
import sys

MEMHEAT = sys.argv[1]
SECOND = 10**9
START = 5 * SECOND


def make(seed, nr, pages):
    rng = random.Random(seed)
    rows = []
    for burst in range(nr // 500):
        for cpu in range(2):
            t = START + burst * 20_000_000 + rng.randrange(1000)
            for _ in range(250):
                t += rng.randrange(1, 150_000)
                page = min(int(rng.expovariate(1 / pages)), 2**20)
                base = rng.choice((0x400000, 0x7F0000000000, 0xFFFFFFFF81000000))
                addr = base + page * 4096 + rng.randrange(4096)
                rows.append((t, rng.randrange(100, 104), addr, cpu))
    return rows


def write(path, rows):
    lines = [
        "meta time=0 key=source.1.name value=mem",
        f"meta time=0 key=trace.start_ns value={START}",
    ]
    for t, pid, addr, cpu in rows:
        lines.append(
            f"sample time={t} source=1 pid={pid} tid={pid} cpu={cpu} addr={addr:#x} flags=1"
        )
    text = "\n".join(lines) + "\n"
    subprocess.run(
        [MEMHEAT, "import", "text", "-", "-o", path], input=text, text=True, check=True
    )


def interval(nr, seen, once, twice, unseen):
    """Chao's, log-normal; where nothing is unseen, by the share that chance would miss."""
    if not unseen:
        share = 1 - math.exp(-nr / seen)
        half = 1.959964 * math.sqrt(seen * (1 - share)) / share
        low, high = max(seen, seen / share - half), seen / share + half
        return math.floor(low) * 4096, math.ceil(high) * 4096
    if twice:
        r = once / twice
        variance = twice * (r**2 / 2 + r**3 + r**4 / 4)
    else:
        variance = unseen + once * (2 * once - 1) ** 2 / 4
        variance -= once**4 / (4 * (seen + unseen))
    k = math.exp(1.959964 * math.sqrt(math.log(1 + variance / unseen**2)))
    return math.floor(seen + unseen / k) * 4096, math.ceil(seen + unseen * k) * 4096


def expected(rows):
    windows = collections.defaultdict(collections.Counter)
    for t, pid, addr, _ in rows:
        windows[(t - START) // SECOND][pid, addr // 4096] += 1
    out = {}
    for number, counts in windows.items():
        times = collections.Counter(counts.values())
        once, twice = times[1], times[2]
        unseen = once * once / (2 * twice) if twice else once * (once - 1) / 2
        out[number] = (
            len(counts) * 4096,
            1 - once / sum(counts.values()),
            int((len(counts) + unseen) * 4096),
            interval(sum(counts.values()), len(counts), once, twice, unseen),
        )
    return out


def check(path, rows):
    write(path, rows)
    command = [MEMHEAT, "report", "wss", "--format", "json", "-i", path]
    report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    want = expected(rows)
    got = {
        p["start_ns"] // SECOND: (
            p["bytes"],
            p["coverage"],
            p["chao1"],
            (p["chao1_low"], p["chao1_high"]),
        )
        for p in report["points"]
        if p["bytes"] is not None
    }
    if got.keys() != want.keys():
        sys.exit(f"{path}: windows {sorted(got)}, wanted {sorted(want)}")
    for number, (size, coverage, *chao1) in want.items():
        if got[number][0] != size or list(got[number][2:]) != chao1:
            sys.exit(f"{path}: window {number}: {got[number]}, wanted {size}, {chao1}")
        if abs(got[number][1] - coverage) > 1e-6:
            sys.exit(f"{path}: window {number}: coverage {got[number][1]}")
    coverages = sorted(w[1] for w in want.values())
    median = coverages[len(coverages) // 2]
    if report["lower_bound"] != (median < 0.9):
        sys.exit(f"{path}: median coverage {median}, lower_bound {report['lower_bound']}")
    low, high = sorted(want.values(), key=lambda w: w[2])[len(want) // 2][3]
    if (report["chao1_p50_low"], report["chao1_p50_high"]) != (low, high):
        sys.exit(f"{path}: median interval {report['chao1_p50_low']}.., wanted {low}..{high}")
    return median


# More than two blocks of 65,536 rows, a window's end in the middle of some.
if check("dense.data", make(1, 200_000, 40)) < 0.9:
    sys.exit("the dense trace is not dense")
if check("sparse.data", make(2, 20_000, 3000)) >= 0.9:
    sys.exit("the sparse trace is not sparse")
