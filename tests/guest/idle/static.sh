# SPDX-License-Identifier: MIT
# 16 of 64 MiB are busy: the accessed pages are exactly these, without and with huge pages.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" record -s idle -I 500ms -o "$OUT/small" -- "$WORKLOAD" static \
	--hot 16M --total 64M --time 6s --thp never --truth "$OUT/small.json"
"$MEMHEAT" record -s idle -I 500ms -o "$OUT/huge" -- "$WORKLOAD" static \
	--hot 16M --total 64M --time 6s --thp always --truth "$OUT/huge.json"
