# SPDX-License-Identifier: MIT
# All memory of the machine, while a process touches 64 MiB of it.
set -e
"$WORKLOAD" static --hot 64M --total 64M --time 1000s --layout "$OUT/layout.json" &
pid=$!
while [ ! -s "$OUT/layout.json" ]; do sleep 0.2; done
"$MEMHEAT" record -s damon:paddr -a -q --for 15s -o "$OUT/trace"
kill $pid
grep 'System RAM' /proc/iomem >"$OUT/iomem"
[ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
