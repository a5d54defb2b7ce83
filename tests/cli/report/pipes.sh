#!/bin/bash
# SPDX-License-Identifier: MIT
# A reader that goes away is no failure to talk about; a full disk is.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

# Enough rows to fill any pipe.
awk 'BEGIN {
	print "meta time=0 key=source.1.name value=damon:vaddr"
	for (t = 1; t <= 20000; t++)
		printf "region time=%d source=1 start_ns=%d pid=1 start=0x1000 end=0x2000" \
			" nr_accesses=1 max_accesses=20\n", t * 1000, (t - 1) * 1000
}' >many.text
"$MEMHEAT" import text many.text -o memheat.data 2>err
for command in dump "report regions" "report regions --format json"; do
	# shellcheck disable=SC2086
	"$MEMHEAT" $command 2>err | head -n 1 >out
	[ -s out ] || fail "$command: no first line"
	[ ! -s err ] || fail "$command: complains into a closed pipe: $(cat err)"
done
[ -c /dev/full ] || exit 0
for command in info dump report "report wss --format json" help; do
	got=0
	# shellcheck disable=SC2086
	"$MEMHEAT" $command >/dev/full 2>err || got=$?
	[ $got -eq 1 ] || fail "$command: exit $got on a full disk"
	says "No space left on device"
done
status 1 "$MEMHEAT" report --format json -o /dev/full
says "cannot write /dev/full"
