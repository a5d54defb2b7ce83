# SPDX-License-Identifier: MIT
# Two recorders at a time on two processes, and forced compaction: both stay exact.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
for i in 1 2; do
	"$WORKLOAD" static --hot ${i}M --total 16M --time 60s \
		--truth "$OUT/$i.json" &
	eval "pid$i=$!"
done
sleep 2
"$MEMHEAT" record -s idle -I 500ms --overhead 100% --for 10s -o "$OUT/trace1" -p $pid1 &
recorder=$!
"$MEMHEAT" record -s idle -I 600ms --overhead 100% --for 10s -o "$OUT/trace2" -p $pid2
wait $recorder
# A third recording, while memory is being compacted.
"$MEMHEAT" record -s idle -I 500ms --overhead 100% --for 8s -o "$OUT/moved" -p $pid1 &
recorder=$!
for i in 1 2 3 4 5 6 7 8; do
	sleep 0.8
	echo 1 >/proc/sys/vm/compact_memory
done
wait $recorder
kill $pid1 $pid2
wait $pid1 $pid2
