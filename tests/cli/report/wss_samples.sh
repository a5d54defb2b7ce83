#!/bin/sh
# SPDX-License-Identifier: MIT
# Working set sizes of samples are what a plain count of the same samples gives.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

command -v python3 >/dev/null || exit 77
python3 "$TOP/tests/cli/report/wss_samples.py" "$MEMHEAT"
status 0 "$MEMHEAT" report wss -i dense.data
shows "distinct pages that samples hit: coverage"
shows "all that was used is likely "
grep -q ", at 95 % [0-9.]* [KMG]iB to [0-9.]* [KMG]iB (medians)$" out || fail "no interval: $(cat out)"
lacks "lower bound"
status 0 "$MEMHEAT" report wss -i sparse.data
shows "distinct pages that samples hit, a lower bound: coverage"
