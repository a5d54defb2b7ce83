# SPDX-License-Identifier: MIT
# Static objects, blocks by the line that allocated them and the stack. The report is made
# here, where the program and its debug information are, for the second half of the
# sweeps: regions are made for memory that was not there yet, and take a dozen snapshots
# until they follow the objects.
#
# All objects are swept within some 10 ms, 40 on a busy host: a check that waits less sees
# one more often than another. DAMON would also watch the gap before the heap (see
# antiphase).
set -e
for file in libmemheat-heap.so workload-dynamic; do
	[ -e "/bin/$file" ] || { echo "no $file; run: make all build/tests/workload"; exit 77; }
done
echo 1 >/proc/sys/kernel/randomize_va_space
"$MEMHEAT" record -q -s damon --sample 40ms --aggr 400ms --regions 200:1000 --heap=4K \
	-o "$OUT/trace" -- \
	/bin/workload-dynamic structs --write --time 30s --truth "$OUT/truth.json"
echo 2 >/proc/sys/kernel/randomize_va_space
phase()
{
	sed -n 's/^ {.*"'"$1"'":\([0-9]*\).*/\1/p' "$OUT/truth.json"
}
start=$("$MEMHEAT" dump -k meta "$OUT/trace" | sed -n 's/.*key=trace.start_ns value=//p')
middle=$((($(phase start_ns) + $(phase end_ns)) / 2))
"$MEMHEAT" report hot -i "$OUT/trace" --format json >"$OUT/hot.json" 2>"$OUT/said" \
	--time "$(((middle - start) / 1000))us:$((($(phase end_ns) - start) / 1000))us" ||
	{ cat "$OUT/said"; exit 1; }
