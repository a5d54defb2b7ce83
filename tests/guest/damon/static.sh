# SPDX-License-Identifier: MIT
# 16 of 64 MiB are busy all the time: sizes, ends and the name of the hot region.
set -e
"$MEMHEAT" record -s damon -o "$OUT/trace" -- \
	"$WORKLOAD" static --time 8s --truth "$OUT/truth.json"
[ "$(cat /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds)" = 0 ]
[ ! -e /run/memheat/damon.state ]
