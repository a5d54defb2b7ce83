# SPDX-License-Identifier: MIT
# Written pages as a layer beside the accesses: one program reads, one writes.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" record -s idle -I 800ms --overhead 100% --writes -o "$OUT/reads" -- "$WORKLOAD" static \
	--hot 4M --total 16M --time 8s --truth "$OUT/reads.json"
"$MEMHEAT" record -s idle -I 800ms --overhead 100% --writes -o "$OUT/writes" -- "$WORKLOAD" static --write \
	--hot 4M --total 16M --time 8s --truth "$OUT/writes.json"
