#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Source faults: nothing is lost silently, and every first touch is at its exact byte.

The workload writes each page of an anonymous mapping once, at a random byte; its truth has
the addresses. samples + lost must equal what a second, counting event saw, for rings from
8 KiB (which lose) to 1 MiB (which do not).
"""
import sys

from soak import Soak


def touched_addresses(truth):
    return {int(a) for a in truth["first_touches"]["addresses"]}


def check_ring(soak, ring_kib):
    truth = soak.record("faults", ["first-touch", "--total", "64M"], "--ring", f"{ring_kib}K")
    samples = lost = counted = 0
    seen = set()
    for event in soak.dump():
        if event["kind"] == "sample":
            samples += 1
            seen.add(int(event.get("addr", "0"), 0))
        elif event["kind"] == "lost" and event["cause"] == "ring":
            lost += int(event["count"])
        elif event["kind"] == "stat" and event["name"] == "faults.count":
            counted = int(event.get("value", "0"))
    soak.result(samples + lost == counted and counted > 0, f"faults {ring_kib} KiB ring",
                f"{samples} samples + {lost} lost = {samples + lost}, counted {counted}")
    missing = touched_addresses(truth) - seen
    if not lost:
        soak.result(not missing, f"faults {ring_kib} KiB addresses",
                    f"{len(missing)} of {truth['first_touches']['count']} first touches missing")


def main():
    soak = Soak()
    for ring_kib in (8, 64, 256, 1024):
        check_ring(soak, ring_kib)
    return soak.done()


if __name__ == "__main__":
    sys.exit(main())
