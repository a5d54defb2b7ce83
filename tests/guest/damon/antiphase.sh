# SPDX-License-Identifier: MIT
# Two processes in turn, each with 16 MiB: at every moment the sum is 16 MiB.
set -e
"$MEMHEAT" record -s damon --regions 100:1000 -o "$OUT/trace" -- \
	"$WORKLOAD" antiphase --total 32M --phase 4s --time 20s --truth "$OUT/truth.json"
