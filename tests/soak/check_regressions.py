#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""memheat check on a service that grows: what must fail fails, and the rest does not.

CHECKS (20) repetitions of the whole check unchanged: none may fail. As many with 10 %
growth: 19 of 20 must fail, naming the line that allocated it. With 1 % SLIGHT (5) of them
pass. RUNS (5) runs a side; INTERVAL (1) seconds per window, TIME (6) per run: half an hour.
The more is going on beside it the better; the load is told.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

CHECKS = int(os.environ.get("CHECKS", "20"))
SLIGHT = int(os.environ.get("SLIGHT", "5"))
RUNS = int(os.environ.get("RUNS", "5"))
INTERVAL = float(os.environ.get("INTERVAL", "1"))
TIME = float(os.environ.get("TIME", "6"))
MEMHEAT = os.environ["MEMHEAT"]
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.environ.get("TOOLS", TOP + "/build/tests/tools")
HOW = ["--repeat", str(RUNS), "--interval", f"{INTERVAL}s", "--skip", f"{2.5 * INTERVAL}s",
       "--name", "service"]


def service(grow):
    return ["--", TOOLS + "/service", "--time", str(TIME), "--grow", grow]


def check(baseline, grow):
    done = subprocess.run([MEMHEAT, "check", "--baseline", baseline, *HOW, "--format",
                           "json", *service(grow)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"check: exit {done.returncode}")
    return done.returncode, json.loads(done.stdout)


def words(checks):
    """How often which verdict, and the reasons of those that could not be told."""
    counts, whys = {}, {}
    for _, v in checks:
        counts[v["verdict"]] = counts.get(v["verdict"], 0) + 1
        for why in {m["why"] for m in v["metrics"] if m["why"]} | set(v["notes"]):
            why = re.sub(r"\d+ of \d+ (windows|runs)", r"\1", why)
            whys[why] = whys.get(why, 0) + 1
    return " ".join([str(counts)] + [f"[{n}x {why}]" for why, n in sorted(whys.items())])


def site_line():
    """Where cache_insert() calls malloc."""
    with open(TOP + "/tests/tools/service.c", encoding="utf-8") as source:
        lines = source.read().split("\n")
    begin = next(i for i, text in enumerate(lines) if "store cache_insert(" in text)
    return next(i for i in range(begin, len(lines)) if "malloc(" in lines[i]) + 1


def main():
    failed = False
    line = site_line()
    with tempfile.TemporaryDirectory() as tmp:
        baseline = tmp + "/base.json"
        subprocess.run([MEMHEAT, "baseline", "create", baseline, *HOW, *service("0%")],
                       stderr=subprocess.DEVNULL, check=True)
        same = [check(baseline, "0%") for _ in range(CHECKS)]
        more = [check(baseline, "10%") for _ in range(CHECKS)]
        slight = [check(baseline, "1%") for _ in range(SLIGHT)]
    print("load", *os.getloadavg(), "on", os.cpu_count(), "CPUs")
    cried = sum(code for code, _ in same)
    caught = sum(code for code, _ in more)
    others = [v["growth"][:3] for code, v in more if code and not (
        v["growth"][0]["key"] == "service cache_insert()"
        and v["growth"][0]["file"].endswith("service.c") and v["growth"][0]["line"] == line)]
    named = caught - len(others)
    for growth in others:
        print("another culprit:", growth)
    for ok, text in (
            (cried == 0, f"unchanged: {cried} of {CHECKS} failed: {words(same)}"),
            (caught * 20 >= CHECKS * 19, f"10 % growth: {caught} of {CHECKS} caught: {words(more)}"),
            (named == caught, f"culprit named in {named} of {caught}"),
            (not any(code for code, _ in slight), f"1 % growth: {words(slight)}")):
        print("ok  " if ok else "FAIL", text, flush=True)
        failed |= not ok
    return failed


sys.exit(main())
