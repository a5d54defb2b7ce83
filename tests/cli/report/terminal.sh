#!/bin/sh
# SPDX-License-Identifier: MIT
# Colour and pager belong to a terminal; NO_COLOR and the options say otherwise.
set -eu
. "$TOP/tests/cli/lib.sh"

zigzag memheat.data
escape=$(printf '\033')
unset NO_COLOR CLICOLOR_FORCE
export TERM=xterm-256color
status 0 "$MEMHEAT" report heatmap
if grep -q "$escape" out; then fail "colour in a pipe"; fi
status 0 "$MEMHEAT" report heatmap --color always
grep -q "$escape" out || fail "no colour with --color always"
CLICOLOR_FORCE=1 status 0 "$MEMHEAT" report heatmap
grep -q "$escape" out || fail "no colour with CLICOLOR_FORCE"
NO_COLOR=1 CLICOLOR_FORCE=1 status 0 "$MEMHEAT" report heatmap
if grep -q "$escape" out; then fail "colour against NO_COLOR"; fi
status 0 env LC_ALL=C "$MEMHEAT" report heatmap
if LC_ALL=C grep -q '[^ -~]' out; then fail "not ASCII in the C locale"; fi
status 0 "$MEMHEAT" report heatmap --width 60
[ "$(wc -L <out)" -le 100 ] || fail "wider than asked"

command -v script >/dev/null || exit 0
export MEMHEAT_PAGER="sed 's/^/paged:/'"
script -qec "'$MEMHEAT' report" /dev/null </dev/null >out 2>err
grep -q '^paged:' out || fail "no pager on a terminal: $(cat out)"
script -qec "'$MEMHEAT' report --no-pager" /dev/null </dev/null >out 2>err
if grep -q '^paged:' out; then fail "a pager with --no-pager"; fi
script -qec "'$MEMHEAT' report -i missing" /dev/null </dev/null >out 2>err || true
if grep -q '^paged:' out; then fail "a pager without data"; fi
