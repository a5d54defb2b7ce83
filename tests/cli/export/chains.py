# SPDX-License-Identifier: MIT
"""What exports of a recording of chains.c say of its call chains: chains.py WHAT"""
import json
import re
import sys

WANT = {
    ("main", "serve", "parse", "fill"): 40,
    ("main", "serve", "render", "fill"): 120,
    ("main", "walk", "walk", "walk", "fill"): 60,
    ("main", "fill"): 20,
    # What they read behind the pages that fill() touched.
    ("main", "serve", "parse"): 1,
    ("main", "serve", "render"): 1,
    ("main", "walk", "walk", "walk"): 1,
}
# Of these, samples in each function or in what it called.
INCLUSIVE = {"fill": 240, "parse": 41, "render": 121, "serve": 162, "walk": 61, "main": 243}


def check(chains, what):
    """@chains: [(functions, outermost first, number)]; what called main() is another's."""
    found = {}
    for functions, number in chains:
        if "main" not in functions:
            continue
        chain = tuple(functions[functions.index("main"):])
        if chain in WANT:
            found[chain] = found.get(chain, 0) + number
    assert found == WANT, (what, found)


def folded(path="t.folded"):
    chains = []
    for line in open(path):
        if line.startswith("#"):
            continue
        stack, number = line.rstrip().rsplit(" ", 1)
        frames = stack.split(";")
        assert frames[0].startswith("pid ")
        chains.append((frames[1:-1], int(number)))
    check(chains, "folded")


def table():
    rows = json.load(open("t.json"))["rows"]
    check([((r["callers"] or "").split(";") + [r["function"]], r["accesses"]) for r in rows], "json")


def speedscope():
    data = json.load(open("t.speedscope"))
    names = [f["name"] for f in data["shared"]["frames"]]
    chains = []
    for profile in data["profiles"]:
        for stack, weight in zip(profile["samples"], profile["weights"]):
            chains.append(([names[i] for i in stack[:-1]], weight))
    check(chains, "speedscope")


def children():
    data = json.load(open("children.json"))
    rows = {r["function"]: r for r in data["rows"] if r["module"].endswith("/chains")}
    got = {f: rows[f]["children_samples"] for f in INCLUSIVE}
    # The start of the program faults in main() too, once or so.
    assert 0 <= got["main"] - INCLUSIVE["main"] <= 8, got
    got["main"] = INCLUSIVE["main"]
    assert got == INCLUSIVE, got
    assert rows["fill"]["samples"] == 240 and rows["serve"]["samples"] == 0, rows
    assert abs(rows["serve"]["children"] - 162 / data["samples"]) < 1e-9, rows["serve"]
    assert data["chained"] <= data["samples"]


def field(line, name, default="0"):
    found = re.search(rf" {name}=(\S+)", line)
    return int(found.group(1) if found else default, 0)


def trace_chains():
    frames, chains = {}, []
    for line in open("t.text"):
        if line.startswith("stack "):
            frames[field(line, "id")] = (field(line, "parent"), field(line, "ip"))
        elif line.startswith("sample "):
            chain, at = [], field(line, "stack")
            while at:
                chain.append(frames[at][1])
                at = frames[at][0]
            chains.append(tuple(chain))
    return chains


def recorded_chains():
    """Chains as perf finds them in its file: addresses, and where each mode begins."""
    chains = []
    for line in open("raw-script", errors="replace"):
        found = re.match(r"\.+ +\d+: ([0-9a-f]{16})$", line)
        if "PERF_RECORD_SAMPLE" in line:
            chains.append([])
        elif found:
            chains[-1].append(int(found.group(1), 16))
    return chains


def check_marks(chain):
    kernel, user = 2**64 - 128, 2**64 - 512
    mode = None
    for word in chain:
        if word in (kernel, user):
            assert mode != word, chain
            mode = word
        else:
            assert mode == (kernel if word >> 63 else user), chain


def perf():
    names = []
    for block in open("script").read().split("\n\n"):
        lines = [line.split() for line in block.splitlines() if line.strip()]
        if lines:
            names.append(([line[1] for line in reversed(lines)], 1))
    # The same chains as the trace has, address by address.
    recorded = recorded_chains()
    for chain in recorded:
        check_marks(chain)
    plain = [tuple(w for w in chain if w < 2**64 - 4095) for chain in recorded]
    assert sorted(plain) == sorted(trace_chains())
    check(names, "perf script")
    got = {}
    for line in open("perf-report"):
        found = re.match(r"\s*([\d.]+)%\s+([\d.]+)%\s+\[.\] (\w+)", line)
        if found:
            got[found.group(3)] = (float(found.group(1)), float(found.group(2)))
    data = json.load(open("children.json"))
    for row in data["rows"]:
        if row["module"].endswith("/chains") and row["function"] in INCLUSIVE:
            want = (100 * row["children"], 100 * row["share"])
            have = got[row["function"]]
            assert abs(want[0] - have[0]) < 0.02 and abs(want[1] - have[1]) < 0.02, (row, have)


def annotated():
    got = {}
    for line in open("annotated"):
        found = re.match(r"\s*([\d,]+) .*chains\.c:(\w+)", line)
        if found:
            got[found.group(2)] = int(found.group(1).replace(",", ""))
    for function in ("fill", "parse", "render", "serve", "walk"):
        assert got.get(function) == INCLUSIVE[function], (function, got)
    # Recursion is no call of somebody else.
    text = open("t.callgrind").read()
    walk = text[text.index("fn=walk\n"):].split("\nfn=")[0]
    assert "cfn=fill" in walk and "cfn=walk" not in walk, walk


def pprof():
    text = open("raw").read()
    names = dict(re.findall(r"^\s*(\d+): 0x\w+ (?:M=\d+ )?(\S+) ", text[text.index("\nLocations"):], re.M))
    chains = []
    for number, ids in re.findall(r"^\s*(\d+)\s+\d+:((?: \d+)+)", text[:text.index("\nLocations")], re.M):
        chains.append(([names.get(i, "?") for i in reversed(ids.split())], int(number)))
    check(chains, "pprof")


for one in {"exports": (folded, table, speedscope, children), "perf": (perf,),
            "imported": (lambda: folded("perf.folded"),), "annotated": (annotated,), "pprof": (pprof,)}[sys.argv[1]]:
    one()
