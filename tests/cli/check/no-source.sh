#!/bin/sh
# SPDX-License-Identifier: MIT
# Where no source works, a check is skipped (77) as test runners know it.
set -eu
. "$TOP/tests/cli/lib.sh"
unshare -rm true 2>/dev/null || { echo 'no user namespaces here'; exit 77; }
# A sanitizer's leak checker reads /proc, and so do its options.
case $MEMHEAT in
*san-*) echo 'without /proc sanitizers do not work either'; exit 77 ;;
esac
status 77 unshare -rm sh -c \
	'mount -t tmpfs none /proc && exec "$@"' - \
	"$MEMHEAT" check --budget 'wss.p90<=1G' -- true
grep -q 'refs does not work here' err || fail "$(cat err)"
