#!/bin/sh
# SPDX-License-Identifier: MIT
# Regions come out as they went in, and the filters mean rows.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

zigzag memheat.data
status 0 "$MEMHEAT" report regions --format json --skip 9 --at heap
shows '"schema":"memheat.regions/1","sample_us":5000,"aggr_us":100000,"snapshots":[{"target":100,"start_ns":1000000000,"end_ns":1100000000,"aggr_us":100000,"regions":[{"start":5863972536320,"end":5863972540416,"nr_accesses":20,"max_accesses":20,"age":9,"touched":null},{"start":5863972540416,"end":5863976730624,"nr_accesses":0,"max_accesses":20,"age":9,"touched":null}]}]'
rows()
{
	nr=$1
	shift
	status 0 "$MEMHEAT" report regions --format csv "$@"
	got=$(tail -n +2 out | wc -l)
	[ "$got" -eq "$nr" ] || fail "$got rows, wanted $nr: $*"
}
rows 50
rows 20 --min-rate 50%
rows 25 --skip 5
rows 20 --min-size 4M
rows 50 --pid 100
rows 10 --at stack
rows 15 --age 500ms: --min-size 1
rows 10 --addr 0x7ffc00000000:+4K
rows 25 --time 0:500ms
rows 50 --source damon
status 0 "$MEMHEAT" report access memheat.data
shows "snapshot 10, target 100, 1.000 s to 1.100 s"
status 2 "$MEMHEAT" report regions --source refs
says "the trace has no source 'refs'; it has: damon:vaddr"
status 2 "$MEMHEAT" report regions --pid 101
says "the trace has no process 101"
status 2 "$MEMHEAT" report wss --at heep
says "no mapping's name contains 'heep'"
