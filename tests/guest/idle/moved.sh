# SPDX-License-Identifier: MIT
# Forced compaction while pages are looked at. It fills blocks that are free in part, from
# the end of memory: three programs take turns at allocating, and one of them goes.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
for i in 1 2; do
	"$WORKLOAD" static --hot 1M --total 96M --time 1000s --layout "$OUT/other$i" &
	eval "other$i=$!"
done
"$WORKLOAD" static --hot 4M --total 64M --time 1000s --truth "$OUT/truth.json" \
	--layout "$OUT/layout" &
pid=$!
resident()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}
while [ "$(resident $other1)" -lt 98304 ] || [ "$(resident $other2)" -lt 98304 ] ||
	[ "$(resident $pid)" -lt 65536 ]; do
	sleep 0.5
done
kill $other1
wait $other1 || :
"$MEMHEAT" record -s idle -I 1s --overhead 100% --for 12s -o "$OUT/moved" -p $pid &
recorder=$!
for i in 1 2 3 4 5 6 7 8; do
	sleep 1
	echo 1 >/proc/sys/vm/compact_memory
done
wait $recorder
kill $pid $other2
wait $pid $other2 || :
