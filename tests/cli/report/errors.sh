#!/bin/sh
# SPDX-License-Identifier: MIT
# What is no trace, or not a whole one: a line that names it, and what can be read.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

for command in report info dump; do
	status 1 "$MEMHEAT" $command -i missing.data
	says "missing.data"
	says "No such file or directory; 'memheat record' makes a trace"
	mkdir -p folder
	status 1 "$MEMHEAT" $command -i folder
	says "folder"
	echo "this is no trace, but it is long enough to be looked at" >text
	status 1 "$MEMHEAT" $command -i text
	says "not a memheat trace"
	: >empty
	status 1 "$MEMHEAT" $command -i empty
	says "empty"
	if [ "$(id -u)" -ne 0 ]; then
		zigzag locked
		chmod 0 locked
		status 1 "$MEMHEAT" $command -i locked
		says "Permission denied"
	fi
done
status 1 "$MEMHEAT" report
says "memheat.data"

# Cut at every eighth of its length: an answer or a line, never a signal.
zigzag whole
size=$(wc -c <whole)
for i in 1 2 3 4 5 6 7; do
	head -c $((size * i / 8)) whole >cut.data
	for command in info dump "report wss" "report regions"; do
		got=0
		# shellcheck disable=SC2086
		"$MEMHEAT" $command -i cut.data >out 2>err || got=$?
		[ $got -le 1 ] || fail "exit $got on $command of $i/8: $(cat err)"
		[ $got -eq 0 ] || [ -s err ] || fail "silent failure of $command on $i/8"
	done
done
head -c $((size - 4)) whole >cut.data
status 0 "$MEMHEAT" info --format json cut.data
shows '"complete":false'
status 0 "$MEMHEAT" report cut.data
shows "the trace was not closed (its recorder was killed, the disk was full, or the file was cut)"

# A trace of nothing.
"$MEMHEAT" import text /dev/null -o nothing 2>err
status 0 "$MEMHEAT" info nothing
status 1 "$MEMHEAT" report nothing
[ "$(wc -l <err)" -eq 1 ] || fail "not one line: $(cat err)"
