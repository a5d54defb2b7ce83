# SPDX-License-Identifier: MIT
# 16 of 64 MiB are busy: the accessed pages are exactly these, without and with huge pages.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" record -s idle -I 800ms --overhead 100% -o "$OUT/small" -- "$WORKLOAD" static \
	--hot 16M --total 64M --time 9s --truth "$OUT/small.json"
"$MEMHEAT" record -s idle -I 800ms --overhead 100% -o "$OUT/huge" -- "$WORKLOAD" thp \
	--hot 16M --total 64M --time 9s --thp always --truth "$OUT/huge.json"
