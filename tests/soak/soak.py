# SPDX-License-Identifier: MIT
"""What the long tests share: the program, the workload, one line per result."""
import json
import os
import subprocess
import sys
import tempfile

MIB = 1024 * 1024
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Soak:
    def __init__(self):
        self.memheat = os.environ.get("MEMHEAT", os.path.join(TOP, "memheat"))
        self.workload = os.environ.get(
            "WORKLOAD", os.path.join(TOP, "build/tests/workload-static"))
        self.dir = tempfile.TemporaryDirectory(prefix="memheat-soak.")
        self.trace = os.path.join(self.dir.name, "memheat.data")
        self.passed = self.failed = self.skipped = 0

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def result(self, good, name, words):
        print(f"{'ok' if good else 'not ok'} - {name}: {words}", flush=True)
        if good:
            self.passed += 1
        else:
            self.failed += 1

    def skip(self, name, why):
        print(f"ok - {name} # SKIP {why}", flush=True)
        self.skipped += 1

    def record(self, sources, workload_args, *options):
        """Record a workload into self.trace; what it says it did."""
        truth = self.path("truth.json")
        subprocess.run(
            [self.memheat, "record", "-q", "-s", sources, "-o", self.trace, *options, "--",
             self.workload, *workload_args, "--truth", truth], check=True)
        with open(truth, encoding="utf-8") as f:
            return json.load(f)

    def report_json(self, kind, *options, may_fail=False):
        run = subprocess.run(
            [self.memheat, "report", kind, "-i", self.trace, "--format", "json", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if run.returncode:
            if may_fail:
                return None
            sys.exit(f"report {kind} failed: {run.stderr.decode()}")
        return json.loads(run.stdout)

    def info(self, trace=None):
        run = subprocess.run([self.memheat, "info", trace or self.trace, "--format", "json"],
                             stdout=subprocess.PIPE, check=True)
        return json.loads(run.stdout)

    def dump(self, *options):
        """Events as dictionaries of text fields, in file order."""
        with subprocess.Popen([self.memheat, "dump", self.trace, *options],
                              stdout=subprocess.PIPE, text=True) as run:
            for line in run.stdout:
                words = line.split()
                event = {"kind": words[0]}
                event.update(w.split("=", 1) for w in words[1:] if "=" in w)
                yield event

    def done(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0
