# SPDX-License-Identifier: MIT
# Regions on demand instead of through the tracepoint, and what this kernel cannot do.
set -e
"$WORKLOAD" static --time 1000s --layout "$OUT/layout.json" &
pid=$!
while [ ! -s "$OUT/layout.json" ]; do sleep 0.2; done
"$MEMHEAT" record -s damon --snapshot 2s:5 -q -p $pid -o "$OUT/trace"
[ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
# Linux 6.12: pages are not counted, intervals are not tuned, there is no damon_stat.
for option in '--snapshot 1s:1 --page-filter anon' --auto-intervals; do
	if "$MEMHEAT" record -s damon $option -p $pid -o none 2>words; then exit 1; fi
	grep 'the DAMON of this kernel' words
	[ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
done
if "$MEMHEAT" record -s damon:stat -a -o none 2>words; then exit 1; fi
grep 'has no damon_stat' words
kill $pid
