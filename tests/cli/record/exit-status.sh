#!/bin/sh
# SPDX-License-Identifier: MIT
#
# `record -- CMD` exits as CMD does, and says nothing on standard output.
set -u

expect()
{
	want=$1
	shift
	"$MEMHEAT" record -q -s refs -o t -- "$@" >out 2>err
	got=$?
	if [ "$got" -ne "$want" ]; then
		echo "exit $got, wanted $want: $*"
		cat err
		exit 1
	fi
	if [ -s out ]; then
		echo "standard output: $*"
		exit 1
	fi
}

expect 0 true
expect 1 false
expect 7 sh -c 'exit 7'
expect 255 sh -c 'exit 255'
expect 143 sh -c 'kill -TERM $$'
expect 137 sh -c 'kill -KILL $$'
expect 127 memheat-no-such-command
expect 127 ./no/such/file
expect 126 /dev/null
expect 126 /

# The command's words are its own, after -- and without.
"$MEMHEAT" record -q -s refs -o t echo -q --for x >out || exit 1
[ "$(cat out)" = '-q --for x' ] || exit 1
"$MEMHEAT" record -q -s refs -o t -- echo -o y >out || exit 1
[ "$(cat out)" = '-o y' ] || exit 1
