#!/bin/sh
# SPDX-License-Identifier: MIT
# What a person sees first: alone ten lines with examples, then commands, then options.
set -eu
. "$TOP/tests/cli/lib.sh"

status 0 "$MEMHEAT"
[ "$(wc -l <out)" -le 10 ] || fail "more than ten lines"
[ "$(grep -c '^  memheat re' out)" -eq 3 ] || fail "not three examples"
status 0 "$MEMHEAT" help
shows "  report "
status 0 "$MEMHEAT" --help
shows "  report "
status 0 "$MEMHEAT" help report
shows "--percentiles P,..."
shows "Examples:"
cp out long
status 0 "$MEMHEAT" report --help
cmp -s out long || fail "--help and help differ"
status 0 "$MEMHEAT" report -h
shows "--percentiles P,..."
lacks "Examples:"
status 0 "$MEMHEAT" version
grep -qx 'memheat [0-9]*\.[0-9]*\.[0-9]*' out || fail "not a version: $(cat out)"
cp out version
status 0 "$MEMHEAT" --version
cmp -s out version || fail "--version and version differ"
