#!/bin/sh
# SPDX-License-Identifier: MIT
# The working set is 4 MiB + 4 KiB in every interval; a gap is no interval with 0.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

zigzag memheat.data
status 0 "$MEMHEAT" report wss --format json
for part in '{"schema":"memheat.wss/1","source":"damon:vaddr"' '"window_ns":100000000' \
	'"n":10,' '"no_data":1,' '"mean":4198400,' '"lost":3,' \
	'"percentiles":[{"p":0,"bytes":4198400},{"p":25,"bytes":4198400}' \
	'{"start_ns":700000000,"end_ns":800000000,"bytes":null}'; do
	shows "$part"
done
status 0 "$MEMHEAT" report wss --percentiles 1,99.5 --format csv
printf 'p,bytes\n1,4198400\n99.5,4198400\n' | cmp -s - out || fail "CSV: $(cat out)"
status 0 "$MEMHEAT" report wss --skip 3 --format json
shows '"n":7,'
status 0 "$MEMHEAT" report wss --time 0s:500ms --format json
shows '"n":5,'
status 0 "$MEMHEAT" report wss
shows "  50    4.00 MiB  |##################################################"
shows "RSS 6 MiB"
shows "1 without data"
shows "not seen: 3 events lost"
status 0 "$MEMHEAT" report wss --over-time
shows "no data"
status 2 "$MEMHEAT" report wss --percentiles 101
says "is not a number from 0 to 100"
