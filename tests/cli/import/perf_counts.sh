#!/bin/sh
# SPDX-License-Identifier: MIT
# The samples that info counts are those that perf counts, for each recording of others; of
# those that perf here cannot read, what their origin says.
set -eu
. "$TOP/tests/cli/lib.sh"
folder=${MEMHEAT_DATA:-$TOP/../shared/data}/perf
files=0

check()
{
	[ -r "$folder/$1" ] || return 0
	if ! "$MEMHEAT" import "$folder/$1" -o t.data >out 2>err; then
		grep -q zstd err && return 0
		fail "$1: $(cat err)"
	fi
	status 0 "$MEMHEAT" info t.data --format json
	shows "\"records\":{\"samples\":$2,"
	files=$((files + 1))
	if perf report -i "$folder/$1" --stats >stats 2>/dev/null; then
		by_perf=$(sed -n 's/^ *SAMPLE events: *\([0-9]*\).*/\1/p' stats | head -n 1)
		# A compression that it does not know has it count what is outside of it.
		[ "${by_perf:-$2}" -eq "$2" ] || fail "$1: perf counts $by_perf, not $2"
	fi
}

check intel-skx-ldlat64-weight_struct.perf.data 14
check intel-cml-cycles-addr.zstd2.pipe.data 547
check intel-cml-sleep.perf.data 7
check intel-cml-sleep.zstd2.perf.data 7
check intel-snb-raw.perf.data 441
[ $files -gt 0 ] || { echo "no recordings in $folder"; exit 77; }
