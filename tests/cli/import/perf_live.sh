#!/bin/sh
# SPDX-License-Identifier: MIT
# import perf: a recording that perf makes here has the same samples as perf script shows.
set -eu
. "$TOP/tests/cli/lib.sh"

command -v perf >/dev/null || { echo "perf is not installed"; exit 77; }
perf record -q -e page-faults -c 1 -d -o perf.data -- ls -l /usr/bin >/dev/null 2>err || {
	echo "perf cannot record here: $(tail -n 1 err)"
	exit 77
}

# Both as "pid tid ns addr ip", numbers in one form.
by_perf()
{
	perf script -i "$1" --ns -F pid,tid,time,addr,ip 2>/dev/null |
		sed 's,^ *\([0-9]*\)/\([0-9]*\) *\([0-9]*\)\.\([0-9]*\): *\([0-9a-f]*\) *\([0-9a-f]*\).*,\1 \2 \3\4 0x\5 0x\6,' |
		sort
}
by_us()
{
	"$MEMHEAT" dump "$1" | sed -n '/^sample /{
		s/.* time=\([0-9]*\) .* pid=\([0-9]*\) tid=\([0-9]*\) .*ip=\([0-9a-fx]*\) addr=\([0-9a-fx]*\).*/\2 \3 \1 \5 \4/
		p
	}' | sort
}

by_perf perf.data >want
[ "$(wc -l <want)" -gt 50 ] || fail "perf script shows $(wc -l <want) samples"

same()
{
	by_perf "$1" >want
	by_us "$2" >got
	cmp -s want got || fail "$2: $(diff want got | head -n 4)"
}

status 0 "$MEMHEAT" import perf.data -o file.data
same perf.data file.data

perf record -q -e page-faults -c 1 -d -o - -- ls -l /usr/bin 2>/dev/null >pipe.perf
# shellcheck disable=SC2016
status 0 sh -c 'cat pipe.perf | "$0" import perf - -o pipe.data' "$MEMHEAT"
same pipe.perf pipe.data

# A perf without zstd says so and records nothing.
if perf record -q -z -e page-faults -c 1 -d -o z.perf -- ls -l /usr/bin >/dev/null 2>&1; then
	status 0 "$MEMHEAT" import z.perf -o z.data
	same z.perf z.data
fi

status 0 "$MEMHEAT" info file.data
shows "faults"
