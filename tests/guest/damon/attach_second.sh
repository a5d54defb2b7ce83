# SPDX-License-Identifier: MIT
# Two kdamonds of another run; -p names the second, and nothing of the first is taken.
set -e
admin=/sys/kernel/mm/damon/admin/kdamonds
"$WORKLOAD" static --time 1000s --layout "$OUT/layout.json" &
pid=$!
while [ ! -s "$OUT/layout.json" ]; do sleep 0.2; done
echo 2 >$admin/nr_kdamonds
for i in 0 1; do
	echo 1 >$admin/$i/contexts/nr_contexts
	echo 1 >$admin/$i/contexts/0/targets/nr_targets
done
context=$admin/0/contexts/0
echo paddr >$context/operations
echo 20000 >$context/monitoring_attrs/intervals/sample_us
echo 200000 >$context/monitoring_attrs/intervals/aggr_us
echo 1 >$context/targets/0/regions/nr_regions
echo 1048576 >$context/targets/0/regions/0/start
echo 1073676288 >$context/targets/0/regions/0/end
context=$admin/1/contexts/0
echo vaddr >$context/operations
echo 10000 >$context/monitoring_attrs/intervals/sample_us
echo 300000 >$context/monitoring_attrs/intervals/aggr_us
echo $pid >$context/targets/0/pid_target
echo on >$admin/0/state
echo on >$admin/1/state
"$MEMHEAT" record -s damon:attach -p "$(cat $admin/1/pid)" --for 10s -o "$OUT/trace" 2>words
grep "listening to kdamond $(cat $admin/1/pid) (vaddr)" words
[ "$(cat $admin/0/state)" = on ]
[ "$(cat $admin/1/state)" = on ]
echo $pid >"$OUT/pid"
echo off >$admin/0/state
echo off >$admin/1/state
echo 0 >$admin/nr_kdamonds
kill $pid
