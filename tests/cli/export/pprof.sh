#!/bin/sh
# SPDX-License-Identifier: MIT
# export pprof: Go's pprof reads what a real execution accessed, by code and by data, with
# levels and latency where samples have them.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
need go golang-go
need valgrind valgrind
export HOME="$PWD"

cc -g -O1 -no-pie -Wl,--build-id=sha1 "$here/scattered.c" -o scattered
lackey t 7 ./scattered 40
"$MEMHEAT" export pprof -i t -o t.pb.gz 2>err || fail "$(cat err)"
go tool pprof -raw t.pb.gz >out 2>err || fail "pprof: $(cat err)"
shows 'Comment: trace: t'
shows 'Comment: source: mem'
shows 'accesses/count[dflt] bytes/bytes'
shows 'PeriodType: loads and stores count'
id=$(readelf -n scattered | sed -n 's/.*Build ID: //p')
shows "$id"
shows "$(realpath scattered)"
# Two accesses in each of 40 rounds, one in seven of them sampled: what pprof adds up is what
# report says.
"$MEMHEAT" report code -i t --format json >code.json
go tool pprof -top -nodecount=100000 -nodefraction=0 -sample_index=accesses t.pb.gz >top 2>err || fail "$(cat err)"
go tool pprof -top -nodecount=100000 -nodefraction=0 -sample_index=accesses -tagleaf=data t.pb.gz >tags 2>err ||
	fail "$(cat err)"
python3 - code.json top tags <<'END'
import json
import re
import sys

rows = json.load(open(sys.argv[1]))["rows"]
want = {}
for r in rows:
    if r["function"]:
        want[r["function"]] = want.get(r["function"], 0) + 7 * r["samples"]


def flat(path):
    found = {}
    for line in open(path):
        m = re.match(r"\s*(\d+)\s+\S+%\s+\S+%\s+\d+\s+\S+%\s+(\S+)", line)
        if m:
            found[m.group(2)] = int(m.group(1))
    return found


top = flat(sys.argv[2])
assert sum(1 for f in want if f.startswith("touch_")) == 64, want
for name in want:
    n = want[name]
    if not name.startswith("touch_") and name != "main":
        continue
    assert top.get(name) == n, (name, n, top.get(name))
data = flat(sys.argv[3])
hot = {k: v for k, v in data.items() if k.startswith("hot_")}
assert len(hot) == 64 and not any(k.startswith("cold_") for k in data), data
# 40 rounds of a store and a load.
assert 0.8 < sum(hot.values()) / (64 * 80) < 1.2, sum(hot.values())
END

# Latency and levels, from samples that have them.
sed 's/^sample.*/& weight=7 data_src=0x10650100842/' t.text >levels.text
"$MEMHEAT" import text levels.text -o levels 2>err || fail "$(cat err)"
"$MEMHEAT" export pprof -i levels -o levels.pb.gz 2>err || fail "$(cat err)"
go tool pprof -raw levels.pb.gz >out 2>err || fail "pprof: $(cat err)"
shows 'latency/cycles'
shows 'mem_lvl:[l3]'
samples=$("$MEMHEAT" info levels --format json | sed 's/.*"samples":\([0-9]*\).*/\1/')
go tool pprof -top -sample_index=latency levels.pb.gz >out 2>err || fail "$(cat err)"
shows "of $((samples * 7))cycles total"
