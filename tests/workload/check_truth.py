# SPDX-License-Identifier: MIT
"""Checks of what `workload` says it did, in TAP. Usage: check_truth.py NR_BEFORE <PLAN

A line of the plan has a name, a check (check_CHECK below) and its arguments, each
followed by a tab. What can be seen from outside (smaps, fault counts) is read here, not
taken from the program.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

PAGE = os.sysconf("SC_PAGESIZE")


class NotSo(Exception):
    pass


class Skip(Exception):
    pass


def want(condition, *words):
    if not condition:
        raise NotSo(" ".join(str(word) for word in words))


def load(path):
    with open(path, encoding="ascii") as file:
        return json.load(file)


def size(ranges):
    return sum(r["end"] - r["start"] for r in ranges)


def inside(hot, regions):
    return any(
        r["pid"] == hot["pid"] and r["start"] <= hot["start"] <= hot["end"] <= r["end"]
        for r in regions
    )


def check_truth(path, pattern):
    """What holds for the truth of every pattern."""
    truth = load(path)
    want(truth["schema"] == "memheat.truth/1", truth["schema"])
    want(truth["pattern"] == pattern and truth["page_size"] == PAGE, pattern, "on", PAGE)
    want(truth["overhead_bytes"] > 0 and not truth["stopped"], "overhead, not stopped")
    want(len(set(truth["pids"])) == len(truth["pids"]), "each pid once")
    want({r["pid"] for r in truth["regions"]} <= set(truth["pids"]), "pids of regions")
    want(truth["phases"], "phases")
    last = {}
    for phase in truth["phases"]:
        before = last.get(phase["pid"], 0)
        want(before <= phase["start_ns"] <= phase["end_ns"], "order of phases", phase)
        last[phase["pid"]] = phase["end_ns"]
        want(phase["pid"] in truth["pids"], "pid of phase", phase)
        want(all(inside(h, truth["regions"]) for h in phase["hot"]), "hot in regions")
        if pattern not in ("thp", "structs"):
            pages = size(phase["hot"]) / truth["options"]["stride"]
            want(phase["wss_bytes"] == pages * PAGE, "sum of hot", phase)
    return truth


def check_wss(path, pattern, *sizes):
    """Each phase that made one sweep has the next of sizes as its WSS, and one did."""
    phases = check_truth(path, pattern)["phases"]
    want(len(phases) == len(sizes), len(phases), "phases, not", len(sizes))
    want(any(p["sweeps"] for p in phases), "one sweep")
    for phase, expected in zip(phases, sizes):
        want(not phase["sweeps"] or phase["wss_bytes"] == int(expected), phase, expected)


def check_places(path, *places):
    """Phases start at these offsets of the region."""
    truth = load(path)
    base = truth["regions"][0]["start"]
    for phase, place in zip(truth["phases"], places):
        for hot in phase["hot"]:
            want(hot["start"] - base == int(place), hot, place)


def check_turns(path):
    truth = load(path)
    pids = [p["pid"] for p in truth["phases"]]
    want(len(set(truth["pids"])) == 2, "two processes")
    want(pids == [truth["pids"][i % 2] for i in range(len(pids))], "in turn:", pids)


def check_workers(path):
    truth = load(path)
    pids = [p["pid"] for p in truth["phases"]]
    want(pids == truth["pids"][1:] and len(pids) == 3, "a worker per request:", pids)


def check_zipf(path):
    """The low pages are in every window, and not all pages are."""
    truth = check_truth(path, "zipf")
    total = size(truth["regions"])
    for phase in truth["phases"]:
        if phase["hot"]:
            want(phase["hot"][0]["start"] == truth["regions"][0]["start"], "rank 1")
            want(0 < phase["wss_bytes"] < total, phase["wss_bytes"], "of", total)
    want(any(p["hot"] for p in truth["phases"]), "a touch")


def check_idle(path):
    truth = check_truth(path, "idle")
    want(truth["phases"][0]["hot"] == [], "nothing hot")
    want(truth["first_touches"]["count"] * PAGE == size(truth["regions"]), "populated")


def check_addresses(path, other):
    """One address in each page; the same seed draws the same."""
    offsets = []
    for truth in load(path), load(other):
        region = truth["regions"][0]
        addresses = truth["first_touches"]["addresses"]
        pages = {a // PAGE for a in addresses}
        want(len(addresses) == len(pages) == truth["first_touches"]["count"], "once each")
        want(pages == set(range(region["start"] // PAGE, region["end"] // PAGE)), "all")
        want(len({a % PAGE for a in addresses}) > 1, "at random bytes")
        want(addresses != sorted(addresses), "in a random order")
        offsets.append([a - region["start"] for a in addresses])
    want(offsets[0] == offsets[1], "the same seed, the same bytes")


def source_line(place):
    with open(place["file"], encoding="utf-8") as file:
        return file.read().split("\n")[place["line"] - 1]


def check_structs(path):
    truth = check_truth(path, "structs")
    shares = {s["name"]: s for s in truth["shares"]}
    accesses = sum(s["accesses"] for s in shares.values())
    sites = {"hot_table": "hot_table[", "stack": "stack_buffer[", "index": "malloc(INDEX",
             "cache": "malloc(CACHE", "log": "malloc(LOG"}
    percents = {"hot_table": 40, "index": 30, "cache": 20, "log": 5, "stack": 5}

    want(shares.keys() == percents.keys(), "names of objects")
    want(shares.keys() == {r["name"] for r in truth["regions"]}, "names of regions")
    for name, share in shares.items():
        want(share["accesses"] * 100 == accesses * percents[name], share)
        want(share["first_touches"] * PAGE <= share["wss_bytes"], share)
        want(sites[name] in source_line(share["site"]), share["site"])
        want("touch(" in source_line(share["accessor"]), share["accessor"])
    table = shares["hot_table"]
    want(table["first_touches"] * PAGE == table["bytes"], "all of .bss")
    want(len({s["site"]["function"] for s in shares.values()}) == 5, "five sites")
    want(len({s["accessor"]["function"] for s in shares.values()}) == 5, "accessors")
    want(sum(s["wss_bytes"] for s in shares.values()) == truth["phases"][0]["wss_bytes"],
         "sum of objects")
    want(sum(s["first_touches"] for s in shares.values()) ==
         truth["first_touches"]["count"], "sum of first touches")


def check_same_options(path, other):
    want(load(path)["options"] == load(other)["options"], "the same options")


def referenced(pid, region):
    total = 0
    here = False
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        for line in file:
            header = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
            if header:
                here = region["start"] <= int(header[1], 16) < region["end"]
            elif here and line.startswith("Referenced:"):
                total += int(line.split()[1]) * 1024
    return total


def start(program, layout, *options):
    process = subprocess.Popen([program, *options, "--layout", layout])
    while not os.path.exists(layout) and process.poll() is None:
        time.sleep(0.005)
    want(os.path.exists(layout), "a layout from", options)
    return process


def check_referenced(program, directory, *options):
    """smaps agrees with the truth for each region: at most as much, and once exactly."""
    layout, truth = directory + "/seen.layout", directory + "/seen.json"
    process = start(program, layout, *options, "--truth", truth)
    regions, pids = load(layout)["regions"], load(layout)["pids"]
    most = [0] * len(regions)
    try:
        for _ in range(3):
            for pid in pids:
                with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                    file.write("1")
            time.sleep(0.15)
            seen = [referenced(r["pid"], r) for r in regions]
            most = [max(pair) for pair in zip(most, seen)]
    except PermissionError:
        raise Skip("clear_refs is not allowed") from None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        os.unlink(layout)
    told = load(truth)
    want(process.returncode == 0 and told["stopped"], "a clean end by SIGTERM")
    want(told["regions"] == regions, "the layout's regions")
    wss = told["phases"][0]["wss_bytes"]
    want(sum(most) == wss, "seen", most, "told", wss)


def faults(program, truth, total):
    process = subprocess.Popen(
        [program, "first-touch", "--total", total, "--truth", truth, "--think", "1us"])
    _, status, usage = os.wait4(process.pid, 0)
    want(status == 0, "status", status)
    return usage.ru_minflt, load(truth)["first_touches"]["count"]


def check_faults(program, directory):
    """The kernel counts as many more faults as there are touches (a few for lists)."""
    few, nr_few = faults(program, directory + "/few.json", "1M")
    many, nr_many = faults(program, directory + "/many.json", "17M")
    want(nr_many - nr_few == 16 * 1024 * 1024 // PAGE, "touches", nr_few, nr_many)
    want(abs((many - few) - (nr_many - nr_few)) <= 64, "faults", few, many)


def main():
    count = int(sys.argv[1])
    failed = False
    for line in sys.stdin:
        name, check, *args = line.rstrip("\n").split("\t")[:-1]
        count += 1
        try:
            globals()["check_" + check](*args)
            print(f"ok {count} - {name}")
        except Skip as why:
            print(f"ok {count} - {name} # SKIP {why}")
        except (NotSo, OSError, ValueError, LookupError) as why:
            print(f"not ok {count} - {name}\n# {type(why).__name__}: {why}")
            failed = True
    print(f"1..{count}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
