#!/bin/sh
# SPDX-License-Identifier: MIT
# baseline create, add, show, prune; runs of another environment; damaged files.
set -eu
. "$TOP/tests/cli/check-lib.sh"

side a 10000 10010 10020
status 0 "$MEMHEAT" baseline create base.json --skip 0s --label 'one "1"' a1
says 'needs 4'
needs_json
cp base.json first.json
status 1 "$MEMHEAT" baseline create base.json --skip 0s a1
says '--force'
cmp base.json first.json || fail 'a refused create changed the file'
status 0 "$MEMHEAT" baseline create base.json --force --skip 0s --label 'one "1"' a1
cmp base.json first.json || fail 'the same input gave other bytes'
status 0 "$MEMHEAT" baseline add base.json --skip 0s --label two a2 a3
status 0 "$MEMHEAT" baseline show base.json
shows 'one "1"'
shows 'THP madvise'
[ "$(grep -c '^two ' out)" -eq 8 ] || fail "rows of label two: $(cat out)"
"$MEMHEAT" baseline show base.json --format json | cmp - base.json ||
	fail 'show --format json is not the file'
cp base.json before.json
status 2 "$MEMHEAT" baseline prune base.json
status 1 "$MEMHEAT" baseline prune base.json --last 1 --label two
cmp base.json before.json || fail 'a refused prune changed the file'
status 0 "$MEMHEAT" baseline prune base.json --last 2
says '2 of 3 runs left'
status 0 "$MEMHEAT" baseline prune before.json --label two
cmp before.json first.json || fail 'prune --label left another file'

# Other huge pages: refused with the difference named. Another kernel: told.
trace thp 10000 always
KERNEL=two trace kernel 10000
status 1 "$MEMHEAT" baseline add base.json --skip 0s thp
says "THP 'madvise' and 'always'"
status 0 "$MEMHEAT" check --skip 0s --baseline base.json thp
shows "THP 'madvise' and 'always'"
shows 'nothing was compared'
status 3 "$MEMHEAT" check --skip 0s --baseline base.json --on-inconclusive fail thp
status 0 "$MEMHEAT" check --skip 0s --baseline base.json --allow-incomparable thp
shows '3 checks passed'
status 0 "$MEMHEAT" check --skip 0s --baseline base.json kernel
shows "kernel 'one' and 'two'"
status 2 "$MEMHEAT" check --skip 0s --baseline base.json a1 thp
says 'not recorded like the first'

# Damage is told with its line and what mends it; nothing crashes.
damaged()
{
	status 2 "$MEMHEAT" check --skip 0s --baseline bad.json a1
	grep -qF -e "$1" err || fail "wanted '$1' in: $(cat err)"
}
head -c 300 first.json >bad.json
damaged 'damaged at line'
sed 's/"wss.p50": [0-9.]*/"wss.p50": "x"/' first.json >bad.json
damaged 'a number belongs'
sed 's/"wss.p50": [0-9.]*/"wss.p50": -1/' first.json >bad.json
damaged 'negative'
sed 's/"wss.p50": [0-9.]*/"wss.p50": 1e999/' first.json >bad.json
damaged 'too large'
sed 's/"wss.p90"/"wss.p50"/' first.json >bad.json
damaged 'twice'
sed 's,memheat.baseline/1,memheat.baseline/9,' first.json >bad.json
damaged 'memheat.baseline/9'
sed 's/"runs": \[/"runs": [], "old": [/' first.json >bad.json
damaged 'has no runs'
sed 's/ "schema"/ "new": [{"a": [1, null, "x"]}], "schema"/' first.json >bad.json
status 0 "$MEMHEAT" check --skip 0s --baseline bad.json a1
: >bad.json
damaged 'damaged'
echo '{}' >bad.json
damaged 'is no baseline'
head -c 100000 /dev/zero | tr '\0' '[' >bad.json
damaged 'nested too deeply'
head -c 5000 /dev/urandom >bad.json
damaged 'damaged'
rm bad.json
damaged 'memheat baseline create'
