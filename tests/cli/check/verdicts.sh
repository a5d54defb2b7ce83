#!/bin/sh
# SPDX-License-Identifier: MIT
# From traces: pass, fail, warn, improved, inconclusive, budgets; exits 0, 1 and 3.
set -eu
. "$TOP/tests/cli/check-lib.sh"

side a 10000 10010 10020 10030 10040
side grown 11000 11010 11020 11030 11040
side noisy 9000 10010 11200 13000 14000
status 0 "$MEMHEAT" baseline create base.json --skip 0s --label main a1 a2 a3 a4 a5
needs_json
check="$MEMHEAT check --skip 0s --baseline base.json"

# shellcheck disable=SC2086
{
	status 0 $check a1 a2 a3 a4 a5
	shows 'ok     wss.p50'
	shows '3 checks passed'
	status 1 $check grown1 grown2 grown3 grown4 grown5
	shows 'FAIL   wss.p90'
	shows 'largest growth: bench [heap] +3.9'
	shows '3 of 3 checks failed'
	status 0 $check --fail 20% grown1 grown2 grown3 grown4 grown5
	shows 'warn '
	status 0 $check --fail 20% --warn 20% grown1 grown2 grown3 grown4 grown5
	status 0 $check --min-delta 16M grown1 grown2 grown3 grown4 grown5
	shows '3 checks passed'

	# Size and share say yes, significance says no.
	status 0 $check noisy1 noisy2 noisy3 noisy4 noisy5
	shows 'unsure'
	shows 'may be noise'
	status 3 $check --on-inconclusive fail noisy1 noisy2 noisy3 noisy4 noisy5
	status 0 $check --on-inconclusive pass noisy1 noisy2 noisy3 noisy4 noisy5
	shows 'ok '

	# Five against five are 1 of 252; three metrics make 1 of 84 of it.
	status 0 $check --alpha 0.01 grown1 grown2 grown3 grown4 grown5
	shows '5 against 5 runs cannot show a difference of 3 metrics'
	status 1 $check --alpha 0.012 grown1 grown2 grown3 grown4 grown5
	status 1 $check --alpha 0.01 --metric wss.p50 grown1 grown2 grown3 grown4 grown5

	# Three have no test at all.
	status 1 $check grown1 grown2 grown3
	shows 'no statistics: 5 baseline and 3 new runs'
	status 0 $check a1
	shows 'thresholds only'
}

# The other way round it is better, unless shrinking counts too.
status 0 "$MEMHEAT" baseline create big.json --skip 0s grown1 grown2 grown3 grown4 grown5
status 0 "$MEMHEAT" check --skip 0s --baseline big.json a1 a2 a3 a4 a5
shows 'better wss.p50'
shows 'less than the baseline'
status 1 "$MEMHEAT" check --skip 0s --baseline big.json --direction both a1 a2 a3 a4 a5

# On a busy machine sizes are lower bounds: growth stands, what shrank proves nothing.
WAIT=400
side late 10000 10010 10020 10030 10040
side more 13000 13010 13020 13030 13040
WAIT=
status 0 "$MEMHEAT" check --skip 0s --baseline big.json late1 late2 late3 late4 late5
shows 'the machine was busy: in 20 of 20 windows'
if grep -q better out; then fail "an improvement by load: $(cat out)"; fi
status 3 "$MEMHEAT" check --skip 0s --baseline big.json --direction both \
	--on-inconclusive fail late1 late2 late3 late4 late5
status 1 "$MEMHEAT" check --skip 0s --baseline big.json more1 more2 more3 more4 more5
status 0 "$MEMHEAT" baseline create late.json --skip 0s late1 late2 late3 late4 late5
status 1 "$MEMHEAT" check --skip 0s --baseline late.json grown1 grown2 grown3 grown4 grown5
shows 'the baseline is of a busy machine'

# Four against four cannot show four metrics, however clear they are.
status 0 "$MEMHEAT" baseline create four.json --skip 0s a1 a2 a3 a4
status 0 "$MEMHEAT" check --skip 0s --baseline four.json \
	--metric wss.p50,wss.p90,wss.mean,wss.peak grown1 grown2 grown3 grown4
shows '4 against 4 runs cannot show a difference of 4 metrics'
status 1 "$MEMHEAT" check --skip 0s --baseline four.json grown1 grown2 grown3 grown4

# Budgets need no baseline.
status 0 "$MEMHEAT" check --skip 0s --budget 'wss.p90<=64MiB' a1
shows 'ok     wss.p90    39.1 MiB (limit 64 MiB)'
status 1 "$MEMHEAT" check --skip 0s --budget 'wss.p90<=32MiB' --budget 'wss.p50<1G' a1 a2
shows '1 of 2 checks failed'
status 1 "$MEMHEAT" check --skip 0s --budget 'wss.p50>=1G' a1

status 1 "$MEMHEAT" check --skip 0s --baseline base.json --format json grown1 grown2 grown3 grown4 grown5
shows '"verdict":"fail"'
shows '"ratio":1.099'
shows '"key":"bench [heap]"'
