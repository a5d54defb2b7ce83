#!/bin/sh
# SPDX-License-Identifier: MIT
# A cell of samples is their periods by its time: of those at its addresses, of its process.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

# Columns of half a second, rows of two pages, low addresses first.
#	row 0: 1000 + 500 events in the first half, none in the second
#	row 1: 7 + 3 in the second half; the sample after the window and pid 8's are none
cat >samples.text <<'EOF'
meta time=1000000000 key=source.1.name value=mem
meta time=1000000000 key=trace.start_ns value=1000000000
map time=1000000000 op=add pid=7 start=0x100000 end=0x104000 prot=3
map time=1000000000 op=add pid=8 start=0x100000 end=0x104000 prot=3
sample time=1000000000 source=1 pid=7 tid=7 addr=0x100000 period=1000 flags=1
sample time=1499999999 source=1 pid=7 tid=7 addr=0x101fff period=500 flags=1
sample time=1500000000 source=1 pid=7 tid=7 addr=0x102000 period=7 flags=1
sample time=1600000000 source=1 pid=8 tid=8 addr=0x102000 period=90 flags=1
sample time=1999999999 source=1 pid=7 tid=7 addr=0x103fff period=3 flags=1
sample time=2000000000 source=1 pid=7 tid=7 addr=0x103fff period=11 flags=1
EOF
status 0 "$MEMHEAT" import text samples.text -o memheat.data
status 0 "$MEMHEAT" report heatmap --format json --rows 2 --cols 2 --pid 7 \
	--addr 0x100000:0x104000 --time 0:1s
shows '"unit":"accesses_per_s"'
shows '"mean":[[3000,0],[0,20]],"max":[[3000,0],[0,20]]'
status 0 "$MEMHEAT" report heatmap --format json --rows 2 --cols 4 --pid 7 \
	--addr 0x100000:0x104000 --time 0:1s
shows '"mean":[[4000,2000,0,0],[0,0,28,12]]'
status 0 "$MEMHEAT" report heatmap --format json --rows 2 --cols 2 --pid 8 \
	--addr 0x100000:0x104000 --time 0:1s
shows '"mean":[[0,0],[0,180]]'
# Without periods each is one.
sed 's/ period=[0-9]*//' samples.text >plain.text
status 0 "$MEMHEAT" import text plain.text -o plain.data
status 0 "$MEMHEAT" report heatmap --format json --rows 2 --cols 2 --pid 7 -i plain.data \
	--addr 0x100000:0x104000 --time 0:1s
shows '"mean":[[4,0],[0,4]]'
