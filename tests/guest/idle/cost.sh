# SPDX-License-Identifier: MIT
# What a scan costs, beside one page by page; and a recording stays within its share.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
[ -x /bin/bench_idle ] || { echo "no bench_idle; run: make build/tests/tools/bench_idle"; exit 77; }
/bin/bench_idle 64 >"$OUT/cost"
cat "$OUT/cost"
# Ten scans a second would cost more than 10 %: the interval gives way.
"$MEMHEAT" record -s idle -I 100ms --overhead 10% -o "$OUT/trace" -- "$WORKLOAD" static \
	--hot 4M --total 32M --time 15s --truth "$OUT/truth.json" 2>"$OUT/said"
cat "$OUT/said"
