#!/bin/sh
# SPDX-License-Identifier: MIT
# The map of numbers: halves take turns, and what was not observed is null, not 0.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

zigzag memheat.data
status 0 "$MEMHEAT" report heatmap --format json --rows 2 --cols 11 \
	--addr 0x7f0000000000:+8M
shows '"schema":"memheat.heatmap/1"'
shows '"rows":2,"cols":11,"unit":"hit_ratio"'
shows '"addr":[139637976727552,139637985116160]'
shows '"mean":[[1,0,1,0,1,0,1,null,0,1,0],[0,1,0,1,0,1,0,null,1,0,1]]'
status 0 "$MEMHEAT" report heats --format csv --rows 2 --cols 11 --addr 0x7f0000000000:+8M
[ "$(wc -l <out)" -eq 23 ] || fail "not 22 cells: $(cat out)"
grep -q ',700000000,800000000,not_observed,,$' out || fail "no gap in CSV: $(cat out)"
status 0 "$MEMHEAT" report heatmap
shows "[heap]"
shows "accessed in % of checks"
status 0 "$MEMHEAT" report heatmap --describe
[ "$(wc -l <out)" -eq 1 ] || fail "not one sentence: $(cat out)"
status 2 "$MEMHEAT" report heatmap --rows 65536 --cols 65536 --format json
says "cells are too many"
