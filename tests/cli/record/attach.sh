#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Ctrl-C ends a recording of a running process cleanly, --for does so too, and the process
# goes on.
set -eu
"$MEMHEAT" help info >/dev/null 2>&1 || { echo 'no memheat info yet'; exit 77; }

sleep 100 &
pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT

"$MEMHEAT" record -q -s refs --for 300ms -o by-time -p $pid
"$MEMHEAT" info by-time --format json | grep -q '"complete":true'

"$MEMHEAT" record -q -s refs -o by-signal -p $pid &
recorder=$!
while [ ! -s by-signal ] && [ ! -e by-signal.tail ]; do sleep 0.05; done
sleep 0.2
kill -TERM $recorder
wait $recorder
"$MEMHEAT" info by-signal --format json | grep -q '"complete":true'
kill -0 $pid

# The target's end is the recording's.
"$MEMHEAT" record -q -s refs -o by-end -p $pid &
recorder=$!
while [ ! -s by-end ] && [ ! -e by-end.tail ]; do sleep 0.05; done
kill $pid
wait $recorder
"$MEMHEAT" info by-end --format json | grep -q '"complete":true'
