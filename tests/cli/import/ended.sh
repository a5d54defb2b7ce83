#!/bin/sh
# SPDX-License-Identifier: MIT
# What is ended by a signal leaves the file that was there, none that is half made, and the
# signal as its status.
set -eu
. "$TOP/tests/cli/lib.sh"

echo before >made
mkfifo in
# A shell lets its background commands ignore INT; env gives it back where it can.
signals='TERM HUP'
default=
if env --default-signal=INT true 2>/dev/null; then
	signals="INT $signals"
	default='env --default-signal=INT'
fi
for signal in $signals; do
	$default "$MEMHEAT" import text - -o made <in &
	pid=$!
	exec 3>in
	until ls made.tmp.* >/dev/null 2>&1; do
		kill -0 $pid 2>/dev/null || fail "$signal: it ended by itself"
		sleep 0.02
	done
	kill -s "$signal" $pid
	exec 3>&-
	got=0
	wait $pid || got=$?
	[ "$(kill -l "$got")" = "$signal" ] || fail "$signal: exit $got"
	[ "$(ls)" = "$(printf 'in\nmade')" ] || fail "$signal: left $(ls)"
	[ "$(cat made)" = before ] || fail "$signal: what was there is gone"
done
