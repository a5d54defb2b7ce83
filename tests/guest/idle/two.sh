# SPDX-License-Identifier: MIT
# Two recorders at a time on two processes: both stay exact.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
for i in 1 2; do
	"$WORKLOAD" static --hot ${i}M --total 16M --time 1000s \
		--truth "$OUT/$i.json" &
	eval "pid$i=$!"
done
sleep 2
"$MEMHEAT" record -s idle -I 500ms --overhead 100% --for 10s -o "$OUT/trace1" -p $pid1 &
recorder=$!
"$MEMHEAT" record -s idle -I 600ms --overhead 100% --for 10s -o "$OUT/trace2" -p $pid2
wait $recorder
kill $pid1 $pid2
wait $pid1 $pid2
