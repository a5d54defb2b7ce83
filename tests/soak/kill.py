#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of the recorder at a random moment leaves a trace that can be read.

All but the last second (and the interval under way) must be there, and `info` must say
that the recording is incomplete. The workload is ended afterwards by its process group.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import time

from soak import Soak

INTERVAL_NS = 200_000_000


def one_kill(soak, rng, number):
    trace = soak.path(f"kill{number}.data")
    start = time.monotonic_ns()
    run = subprocess.Popen(
        [soak.memheat, "record", "-q", "-s", "refs,faults", "--interval", "200ms", "-o", trace,
         "--", soak.workload, "window", "--hot", "4M", "--total", "16M", "--phase", "100ms",
         "--time", "30s"], start_new_session=True)
    time.sleep(rng.uniform(1.2, 3.0))
    os.kill(run.pid, signal.SIGKILL)
    killed = time.monotonic_ns()
    run.wait()
    os.killpg(run.pid, signal.SIGKILL)  # the workload, which went on
    info = soak.info(trace)
    report = subprocess.run([soak.memheat, "report", "-i", trace], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, check=False)
    last = 0
    soak.trace = trace
    for event in soak.dump():
        if event["kind"] in ("region", "sample"):
            last = max(last, int(event["time"]))
    missing_ms = (killed - last) / 1e6
    good = (report.returncode == 0 and info["complete"] is False and last > start
            and killed - last < 1_000_000_000 + INTERVAL_NS)
    os.unlink(trace)
    if os.path.exists(trace + ".tail"):
        os.unlink(trace + ".tail")
    return good, missing_ms, report.stderr.decode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    soak = Soak()
    rng = random.Random(args.seed)
    missing = []
    for number in range(args.kills):
        good, missing_ms, words = one_kill(soak, rng, number)
        missing.append(missing_ms)
        if not good:
            soak.result(False, f"kill {number}", f"last event {missing_ms:.0f} ms before: {words}")
    if not soak.failed:
        soak.result(True, f"{args.kills} kills", f"at most {max(missing):.0f} ms missing")
    return soak.done()


if __name__ == "__main__":
    sys.exit(main())
