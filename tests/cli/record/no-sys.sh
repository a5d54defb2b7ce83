#!/bin/sh
# SPDX-License-Identifier: MIT
# A chroot or container without /sys: the CPUs are known from /proc, too.
set -eu
. "$TOP/tests/cli/lib.sh"
unshare -rm true 2>/dev/null || { echo 'no user namespaces here'; exit 77; }
paranoid=$(cat /proc/sys/kernel/perf_event_paranoid 2>/dev/null || echo none)
case $paranoid in
none | 3 | 4)
	echo "perf_event_paranoid is $paranoid"
	exit 77
	;;
esac
status 0 unshare -rm sh -c 'mount -t tmpfs none /sys && exec "$@"' - \
	"$MEMHEAT" record -s faults -o t -- "$WORKLOAD" first-touch --total 1M
status 0 "$MEMHEAT" info t --format json
shows '"complete":true'
grep -q '"samples":[1-9]' out || fail "no samples: $(cat out)"
