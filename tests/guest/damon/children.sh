# SPDX-License-Identifier: MIT
# Children become further targets; the first process may end before them.
set -e
"$MEMHEAT" record -s damon -o "$OUT/trace" -- sh -c '
	"$WORKLOAD" static --hot 8M --total 16M --time 4s --truth "$OUT/a.json" &
	sleep 2
	"$WORKLOAD" static --hot 8M --total 16M --time 8s --truth "$OUT/b.json" &
	wait'
# A process that leaves its child behind: the kdamond ends with it, the recording not.
"$WORKLOAD" static --hot 4M --total 8M --time 30s &
long=$!
sh -c '"$WORKLOAD" static --hot 8M --total 16M --time 12s --truth "$OUT/c.json" & exec sleep 3' &
pid=$!
sleep 1
"$MEMHEAT" record -s damon -p $pid --for 9s -o "$OUT/orphan"
kill $long
[ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
