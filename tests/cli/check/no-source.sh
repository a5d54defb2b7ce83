#!/bin/sh
# SPDX-License-Identifier: MIT
# Where no source works, a check is skipped (77) as test runners know it.
set -eu
. "$TOP/tests/cli/lib.sh"
unshare -rm true 2>/dev/null || { echo 'no user namespaces here'; exit 77; }
# Without /proc there is no clear_refs, and no leak checker of a sanitizer build either.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
status 77 unshare -rm sh -c \
	'mount -t tmpfs none /proc && exec "$@"' - \
	"$MEMHEAT" check --budget 'wss.p90<=1G' -- true
grep -q 'refs does not work here' err || fail "$(cat err)"
