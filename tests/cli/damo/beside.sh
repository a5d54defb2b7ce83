#!/bin/sh
# SPDX-License-Identifier: MIT
# What DAMO keeps beside a record gives it pids, mappings' names and footprints.
set -eu
. "$TOP/tests/cli/lib.sh"

record()
{
	cat <<-E
	[{"kdamond_idx": null, "context_idx": null, "intervals": {"sample_us": "5 ms",
	"aggr_us": "100 ms", "ops_update_us": "1 s"}, "scheme_idx": null, "target_id": 0,
	"scheme_filters": [], "snapshots": [
	{"start_time": "$1", "end_time": "$2", "regions": [
	{"start": "139,000,000,000,000", "end": "139,000,000,409,600",
	"nr_accesses": {"samples": "20", "percent": null},
	"age": {"usec": null, "aggr_intervals": "3"}, "sz_filter_passed": "0 B"}],
	"total_bytes": null}]}]
	E
}
record 5000000000 8000000000 >damon.data
cat >damon.data.mem_footprint <<'E'
[{"time": 1750000000.5, "footprints": [
  {"pid": 4711, "footprint": {"size": 500, "resident": 100, "shared": 1, "dt": 0}},
  {"pid": null, "footprint": {"total": 4096, "free": 1024, "cached": 7}}]},
 {"time": 1750000001.5, "footprints": [
  {"pid": 4711, "footprint": {"size": 500, "resident": 200, "shared": 1, "dt": 0}}]}]
E
cat >damon.data.vmas <<'E'
[{"time": 1750000000.75, "procvmas": [{"pid": 4711, "vmas": [
  {"start": 139000000000000, "end": 139000000409600, "name": "/opt/x.so"},
  {"start": 139000001000000, "end": 139000002000000, "name": "0"}]}]},
 {"time": 1750000001.75, "procvmas": [{"pid": 4711, "vmas": [
  {"start": 139000000000000, "end": 139000000409600, "name": "/opt/x.so"}]}]},
 {"time": 1750000002.75, "procvmas": [{"pid": 4711, "vmas": []}]}]
E
"$MEMHEAT" import damon.data -o t 2>err || {
	grep -q 'without yajl' err && { cat err; exit 77; }
	fail "import: $(cat err)"
}
grep -q 'another clock' err || fail "the clocks are not told: $(cat err)"
"$MEMHEAT" dump t >out
shows 'region time=8000000000 source=1 start_ns=5000000000'
grep -q '^region .*pid=4711' out || fail "the target has no pid: $(grep ^region out)"
# The first look is where the record begins, the others are as far behind it.
shows 'footprint time=5000000000 pid=4711 rss=409600'
shows 'footprint time=6000000000 pid=4711 rss=819200'
shows 'stat time=5000000000 name=system.used_bytes value=3145728'
grep -q '^map time=5250000000 op=add pid=4711 .*path=/opt/x.so' out ||
	fail "no mapping: $(grep ^map out)"
grep -q '^map time=6250000000 op=remove pid=4711' out || fail "still: $(grep ^map out)"
[ "$(grep -c '^map' out)" -eq 3 ] || fail "what did not change: $(grep ^map out)"
status 0 "$MEMHEAT" report mappings t
shows 'x.so'
status 0 "$MEMHEAT" report footprint t --format json
shows '819200'

# Snapshots have the wall clock themselves.
record 1750000001000000000 1750000001100000000 >damon.data
"$MEMHEAT" import damon.data -o t 2>err
if grep 'another clock' err; then fail "it has the same clock"; fi
"$MEMHEAT" dump t >out
shows 'footprint time=1750000000500000000 pid=4711'

# One that is damaged is left out, and said; the record is imported.
head -c 100 damon.data.vmas >short.vmas && mv short.vmas damon.data.vmas
status 0 "$MEMHEAT" import damon.data -o t
grep -q 'warning: damon.data.vmas is left out' err || fail "not told: $(cat err)"
"$MEMHEAT" dump t >out
shows 'footprint time=1750000000500000000 pid=4711'
lacks 'path=/opt'
