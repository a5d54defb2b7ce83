#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What a person is told while a recording goes well is not said with -q.
set -eu
. "$TOP/tests/cli/lib.sh"
"$MEMHEAT" record -o t -- true 2>err || { cat err; exit 77; }
grep -q 'chosen automatically' err || fail "the choice is not said: $(cat err)"
status 0 "$MEMHEAT" record -q -o t -- true
[ ! -s err ] || fail "-q and yet: $(cat err)"
