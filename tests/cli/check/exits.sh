#!/bin/sh
# SPDX-License-Identifier: MIT
# A command recorded several times, and the exits that 0, 1 and 3 (verdicts.sh) leave.
set -eu
. "$TOP/tests/cli/check-lib.sh"
fast="--repeat 2 --interval 100ms --skip 0s"

# 0: and the command's output is not in ours
# shellcheck disable=SC2086
status 0 "$MEMHEAT" check $fast --budget 'wss.p90<=1G' --format json -- \
	sh -c "echo noise; exec \"$TOOLS/service\" --size 8 --time 0.5"
if grep -qx noise out; then fail 'the output of the command is in ours'; fi
grep -qx noise err || fail 'the output of the command is lost'
shows '"runs":2'
mkdir tmp
# shellcheck disable=SC2086
status 0 env TMPDIR="$PWD/tmp" "$MEMHEAT" check $fast --budget 'wss.p90<=1G' -- \
	"$TOOLS/service" --size 8 --time 0.5
[ -z "$(ls -A tmp)" ] || fail "traces were left: $(ls tmp)"

# shellcheck disable=SC2086
status 1 "$MEMHEAT" check $fast --keep kept --budget 'rss.peak<=1M' -- \
	"$TOOLS/service" --size 8 --time 0.5
[ -s kept/run-1.data ] || fail '--keep kept nothing'
[ -s kept/run-2.data ] || fail '--keep kept one run only'
status 0 "$MEMHEAT" check --skip 0s --budget 'wss.p90<=1G' kept/run-1.data kept/run-2.data

# 2: wrong usage, a file that is no trace, an empty one, a run that is too short
for wrong in '--budget wss.p90' '--budget wss.p51<=1M' '--budget wss.p50<=x' \
	'--budget wss.p50<=1M --format jnit' '--budget wss.p50<=1M --format json,md' \
	'--budget wss.p50<=1M --metric wss.p50' '--budget wss.p50<=1M --warn 50%' ''; do
	# shellcheck disable=SC2086
	status 2 "$MEMHEAT" check $wrong trace
	says 'memheat help check'
done
status 2 "$MEMHEAT" check --budget 'wss.p90<=1G'
status 2 "$MEMHEAT" check --budget 'wss.p90<=1G' no-such-trace
: >empty
status 2 "$MEMHEAT" check --budget 'wss.p90<=1G' empty
says empty
trace few 100
status 2 "$MEMHEAT" check --skip 1h --budget 'wss.p90<=1G' few
says '--skip'
status 2 "$MEMHEAT" check --skip 0s --budget 'hot.bytes<=1G' few
says 'not how often'
status 2 "$MEMHEAT" check --skip 0s --budget 'cold.1s<=1G' few
says 'not which'
status 2 "$MEMHEAT" check --budget 'wss.p90<=1G' -s no-such-source -- true

# 4: the workload failed, was killed, is not there
# shellcheck disable=SC2086
{
	status 4 "$MEMHEAT" check $fast --budget 'wss.p90<=1G' -- sh -c 'exit 3'
	shows 'ended with status 3'
	status 4 "$MEMHEAT" check $fast --budget 'wss.p90<=1G' --format json -- \
		sh -c 'kill -SEGV $$'
	shows '"workload_signal":11'
	status 4 "$MEMHEAT" check $fast --budget 'wss.p90<=1G' -- ./not-there
	says not-there
	status 4 "$MEMHEAT" baseline create b.json $fast -- false
	[ ! -e b.json ] || fail 'a failed workload left a baseline'
}
