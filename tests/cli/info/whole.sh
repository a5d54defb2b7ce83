#!/bin/sh
# SPDX-License-Identifier: MIT
# info: what a trace is, in the fixed fields.
set -eu
. "$TOP/tests/cli/lib.sh"

zigzag memheat.data
status 0 "$MEMHEAT" info
shows "sources    damon:vaddr"
shows "complete   yes"
shows "target.command"
status 0 "$MEMHEAT" info --format json
for part in '{"schema":"memheat.info/1","source":["damon:vaddr"],' '"samples":0,"regions":50,' \
	'"maps":3,"lost":3,' '"complete":true' '"target.command":"./zigzag --size 8M"' \
	"\"bytes\":$(wc -c <memheat.data)"; do
	shows "$part"
done
status 0 "$MEMHEAT" info -o info.json --format json
grep -q '"memheat.info/1"' info.json || fail "-o wrote nothing"
