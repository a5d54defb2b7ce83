# SPDX-License-Identifier: MIT
# Four steps of 8 MiB, each touched in its own 3 s: the time since the last access of each.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" record -s idle -I 400ms --overhead 100% -o "$OUT/trace" -- "$WORKLOAD" stairs --total 32M \
	--phase 3s --phases 4 --time 12s --truth "$OUT/truth.json"
