#!/bin/sh
# SPDX-License-Identifier: MIT
# Several formats at once; each is well formed and follows its published rules.
set -eu
. "$TOP/tests/cli/check-lib.sh"

side a 10000 10010 10020 10030 10040
side grown 11000 11010 11020 11030 11040
status 0 "$MEMHEAT" baseline create base.json --skip 0s a1 a2 a3 a4 a5
needs_json
all=text=f.txt,json=f.json,md=f.md,junit=f.xml,sarif=f.sarif,bmf=f.bmf,gha-benchmark=f.gha,openmetrics=f.prom,github

GITHUB_STEP_SUMMARY=$PWD/summary
export GITHUB_STEP_SUMMARY
echo before >summary
status 1 "$MEMHEAT" check --skip 0s --baseline base.json --format "$all" \
	grown1 grown2 grown3 grown4 grown5
shows 'FAIL   wss.p50'
shows '::error title=Memory regression::wss.p50 '
shows '%0Alargest growth: bench [heap]'
[ "$(head -n 1 summary)" = before ] || fail 'the step summary was overwritten'
tail -n +2 summary | cmp - f.md || fail 'the step summary is not the Markdown'
unset GITHUB_STEP_SUMMARY
grep -qF '&lt;a\|b' f.md || grep -qF './bench &lt;a&amp;b>' f.md || fail "not escaped: $(cat f.md)"
[ "$(tail -n 1 f.prom)" = '# EOF' ] || fail 'OpenMetrics has no end'

# A passing, an inconclusive and a failed-workload form of each.
status 0 "$MEMHEAT" check --skip 0s --baseline base.json \
	--format junit=ok.xml,sarif=ok.sarif,bmf=ok.bmf,gha-benchmark=ok.gha a1 a2 a3 a4 a5
trace thp 10000 always
status 0 "$MEMHEAT" check --skip 0s --baseline base.json --format junit=no.xml,sarif=no.sarif thp
status 4 "$MEMHEAT" check --repeat 1 --baseline base.json \
	--format junit=broken.xml,sarif=broken.sarif -- false

if command -v xmllint >/dev/null; then
	xmllint --noout --schema "$TOP/tests/data/schemas/junit.xsd" f.xml ok.xml no.xml broken.xml \
		2>xml.err || fail "$(cat xml.err)"
else
	echo 'no xmllint: JUnit was not validated'
fi
if python3 -c 'import jsonschema' 2>/dev/null; then
	python3 "$TOP/tests/cli/check/validate.py" "$TOP/tests/data/schemas" \
		sarif:f.sarif sarif:ok.sarif sarif:no.sarif sarif:broken.sarif \
		bmf:f.bmf bmf:ok.bmf gha-benchmark:f.gha gha-benchmark:ok.gha \
		baseline:base.json check:f.json openmetrics:f.prom || fail 'not valid'
else
	echo 'no python3-jsonschema: JSON was not validated'
fi
# What Prometheus itself thinks of it, advice on names included.
if command -v promtool >/dev/null; then
	promtool check metrics <f.prom >prom.out 2>&1 || fail "$(cat prom.out)"
else
	echo 'no promtool: OpenMetrics was not read by Prometheus'
fi
