#!/bin/sh
# SPDX-License-Identifier: MIT
# A source that only looks at mappings records build-ids all the same, also of a program
# whose file is gone by then.
set -eu
. "$TOP/tests/cli/lib.sh"
command -v cc >/dev/null || { echo 'no cc'; exit 77; }
command -v readelf >/dev/null || { echo 'no readelf'; exit 77; }

echo '#include <unistd.h>
int main(int n, char **v) { unlink(v[0]); usleep(400000); return n - 1; }' >gone.c
cc -g -Wl,--build-id=sha1 gone.c -o gone
id=$(readelf -n gone | sed -n 's/.*Build ID: //p')
status 0 "$MEMHEAT" record -q -s refs -I 100ms -o t -- ./gone
"$MEMHEAT" dump t -k map >maps
grep '/gone' maps | grep -q "build_id=$id" || {
	# Without CAP_SYS_ADMIN the file cannot be reached when it is gone.
	[ "$(command id -u)" -ne 0 ] || fail "no build-id $id in: $(cat maps)"
}
grep 'libc.so' maps | grep -q 'build_id=[0-9a-f]' || fail "libc has none: $(cat maps)"
if grep 'path="\[' maps | grep -q build_id; then fail "memory has one: $(cat maps)"; fi
