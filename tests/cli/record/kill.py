# SPDX-License-Identifier: MIT
"""Kills recorders at moments drawn from a seeded generator and reads what they left."""

import json
import random
import re
import subprocess
import sys
import time

memheat, workload, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
random.seed(1)


def once():
    target = subprocess.Popen([workload, "first-touch", "--total", "1G", "--think", "1ms",
                               "--burst", "32"])
    recorder = subprocess.Popen([memheat, "record", "-q", "-s", "refs,faults", "-I", "200ms",
                                 "-o", "t", "-p", str(target.pid)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(random.uniform(0.5, 2.0))
        killed_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        recorder.kill()
        recorder.wait()
        if target.poll() is not None:
            sys.exit("the target is gone")
    finally:
        target.kill()
        target.wait()
    out = subprocess.run([memheat, "info", "t", "--format", "json"], capture_output=True,
                         text=True, check=True).stdout
    if json.loads(out)["complete"]:
        sys.exit("the trace passes for a complete one")
    subprocess.run([memheat, "report", "-i", "t"], stdout=subprocess.DEVNULL, check=True)
    out = subprocess.run([memheat, "dump", "t"], capture_output=True, text=True,
                         check=True).stdout
    times = [int(t) for t in re.findall(r"^sample time=(\d+)", out, re.M)]
    if not times:
        sys.exit("no sample")
    late = (killed_ns - max(times)) / 1e9
    if late > 1:
        sys.exit(f"the last {late:.2f} s are missing")


for _ in range(kills):
    once()
