# SPDX-License-Identifier: MIT
# Children become further targets; the first process may end before them.
set -e
# Without the gap between program and heap, which DAMON would watch (see antiphase).
echo 1 >/proc/sys/kernel/randomize_va_space
"$MEMHEAT" record -s damon --regions 100:1000 -o "$OUT/trace" -- sh -c '
	"$WORKLOAD" static --hot 8M --total 16M --time 4s --truth "$OUT/a.json" &
	sleep 2
	"$WORKLOAD" static --hot 8M --total 16M --time 8s --truth "$OUT/b.json" &
	wait'
# A process that ends before the child that it left behind: the child is watched on.
"$WORKLOAD" static --hot 4M --total 8M --time 1000s &
long=$!
sh -c '"$WORKLOAD" static --hot 8M --total 16M --time 1000s --layout "$OUT/c.json" & exec sleep 1000' &
pid=$!
while [ ! -s "$OUT/c.json" ]; do sleep 0.2; done
"$MEMHEAT" record -s damon --regions 100:1000 -q -p $pid --for 20s -o "$OUT/orphan" &
recorder=$!
while [ "$(cat /sys/kernel/mm/damon/admin/kdamonds/0/state 2>&1)" != on ]; do sleep 0.1; done
sleep 4
kill $pid
wait $recorder
kill $long $(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$OUT/c.json" | head -n 1)
echo 2 >/proc/sys/kernel/randomize_va_space
[ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
