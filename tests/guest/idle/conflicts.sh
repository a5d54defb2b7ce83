# SPDX-License-Identifier: MIT
# Multi-gen LRU is said and kept; physical memory as the target; a target that ends.
set -e
echo 7 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" record -s idle -I 300ms --overhead 100% -o "$OUT/lru" -- "$WORKLOAD" short 2>"$OUT/lru.said"
cat "$OUT/lru.said"
grep -q 'lru_gen/enabled' "$OUT/lru.said"
"$MEMHEAT" dump "$OUT/lru" | grep -q 'conflicts.*lru_gen'
echo 0 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" sources | grep idle
"$WORKLOAD" static --hot 4M --total 64M --time 34s --truth "$OUT/truth.json" &
pid=$!
sleep 2
"$MEMHEAT" record -s idle -I 500ms --overhead 100% --for 14s -o "$OUT/all" -a
"$MEMHEAT" record -s idle -I 1s --overhead 100% --for 30s -o "$OUT/ended" -p $pid
wait $pid
