# SPDX-License-Identifier: MIT
# The two halves of 64 MiB in turn.
set -e
"$MEMHEAT" record -s damon:vaddr -o "$OUT/trace" -- \
	"$WORKLOAD" zigzag --phase 5s --time 20s --truth "$OUT/truth.json"
