# SPDX-License-Identifier: MIT
# Two processes in turn, each with 16 MiB: at every moment the sum is 16 MiB.
#
# Since Linux 6.9 a heap begins up to 1 GiB behind its program. DAMON leaves out the two
# largest gaps of an address space only, so this one is watched as if it were memory, and
# a region may be as large as all that divided by the least number of regions: up to
# 20 MiB at 100. It takes many snapshots then to find 16 MiB again, each time that the
# turns change. Without that gap regions stay small enough at all times.
#
# Checks are far apart because an emulated CPU needs some milliseconds for a round of them.
set -e
echo 1 >/proc/sys/kernel/randomize_va_space
"$MEMHEAT" record -s damon --sample 10ms --aggr 200ms --regions 200:1000 -o "$OUT/trace" -- \
	"$WORKLOAD" antiphase --total 32M --phase 8s --time 48s --truth "$OUT/truth.json"
echo 2 >/proc/sys/kernel/randomize_va_space
