#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Samples and lost ones are what a second, counting event counted, however small the ring
# is; and the loss is the kernel's own figure.
set -u
"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }

stat_of()
{
	sed -n "s/^stat .*name=faults\\.$1\\( .*\\)\\{0,1\\}/\\1/p" events | tail -n 1 |
		sed -n 's/.*value=\([0-9]*\).*/\1/p'
}

for ring in 8K 16K 64K 256K 1M; do
	"$MEMHEAT" record -q -s faults --ring $ring -o t -- \
		"$WORKLOAD" first-touch --total 32M --think 0us --burst 100000 || exit 1
	"$MEMHEAT" dump t >events || exit 1
	samples=$(grep -c '^sample ' events)
	lost=$(sed -n 's/^lost .*count=\([0-9]*\).*/\1/p' events | awk '{ n += $1 } END { print n + 0 }')
	count=$(stat_of count)
	kernel_lost=$(stat_of kernel_lost)
	if [ "$samples" -lt 1000 ] || [ $((samples + lost)) -ne "${count:-0}" ]; then
		echo "ring $ring: $samples samples + $lost lost, but $count counted"
		exit 1
	fi
	if grep -q 'lost_from value="the kernel' events && [ "$lost" -ne "${kernel_lost:-0}" ]; then
		echo "ring $ring: $lost lost, but the kernel says $kernel_lost"
		exit 1
	fi
done
