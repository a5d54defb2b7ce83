# SPDX-License-Identifier: MIT
# Static objects, blocks by the line that allocated them and the stack. The report is made
# here, where the program and its debug information are, for the time of the sweeps.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
for file in libmemheat-heap.so workload-dynamic; do
	[ -e "/bin/$file" ] || { echo "no $file; run: make all build/tests/workload"; exit 77; }
done
"$MEMHEAT" record -q -s idle -I 1s --overhead 100% --heap=4K -o "$OUT/trace" -- \
	/bin/workload-dynamic structs --write --time 9s --truth "$OUT/truth.json"
phase()
{
	sed -n 's/^ {.*"'"$1"'":\([0-9]*\).*/\1/p' "$OUT/truth.json"
}
start=$("$MEMHEAT" dump -k meta "$OUT/trace" | sed -n 's/.*key=trace.start_ns value=//p')
"$MEMHEAT" report hot -i "$OUT/trace" --format json >"$OUT/hot.json" 2>"$OUT/said" \
	--time "$((($(phase start_ns) - start) / 1000))us:$((($(phase end_ns) - start) / 1000))us" ||
	{ cat "$OUT/said"; exit 1; }
