# SPDX-License-Identifier: MIT
# Given addresses of a running process: the region, and nothing beside it.
set -e
"$WORKLOAD" static --time 1000s --layout "$OUT/layout.json" &
pid=$!
while [ ! -s "$OUT/layout.json" ]; do sleep 0.2; done
sleep 0.5
start=$(sed -n 's/.*"start": *\([0-9]*\).*/\1/p' "$OUT/layout.json" | head -n 1)
"$MEMHEAT" record -s damon:fvaddr --addr "$start:+64M" -q --for 7s -p $pid -o "$OUT/trace"
kill $pid
[ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
