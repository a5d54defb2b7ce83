# SPDX-License-Identifier: MIT
# One page in eight is looked at; sizes are estimates of what all would give.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" record -s idle -I 1s --overhead 100% --rate 1/8 -o "$OUT/trace" -- "$WORKLOAD" static \
	--hot 16M --total 64M --time 12s --truth "$OUT/truth.json"
