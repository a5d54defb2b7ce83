#!/bin/sh
# SPDX-License-Identifier: MIT
# Mappings and footprint in three forms.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

zigzag memheat.data
status 0 "$MEMHEAT" report mappings
shows "[heap]"
shows "[stack]"
status 0 "$MEMHEAT" report mappings --format json
shows '"schema":"memheat.mappings/1"'
shows '"name":"[heap]","pid":100,"comm":"zigzag","start":5863972536320,"end":5863976730624,"bytes":4194304'
status 0 "$MEMHEAT" report mappings --format csv
[ "$(wc -l <out)" -eq 4 ] || fail "not three rows: $(cat out)"
status 0 "$MEMHEAT" report footprint --format csv
[ "$(wc -l <out)" -eq 11 ] || fail "not ten rows: $(cat out)"
grep -qx '100000000,6291456,5242880,0,0,1' out || fail "first row: $(cat out)"
status 0 "$MEMHEAT" report footprints
shows "6 MiB"
