#!/bin/sh
# SPDX-License-Identifier: MIT
# Call chains of a program whose callers are known, recorded here: what exports say, and
# what those for whom they are make of it.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need cc gcc
# Without optimisation every function has a frame.
cc -g -O0 -no-pie -Wl,--build-id=sha1 \
	"$here/chains.c" -o chains
"$MEMHEAT" record -q -g -e page-faults -o t -- ./chains 2>err ||
	{ echo "page faults cannot be sampled here: $(cat err)"; exit 77; }
for format in folded json speedscope callgrind perf-data; do
	"$MEMHEAT" export $format -i t -o "t.$format" 2>err || fail "$format: $(cat err)"
done
"$MEMHEAT" report code -i t --children --format json -o children.json
"$MEMHEAT" dump t >t.text
python3 "$here/chains.py" exports

# Without chains nothing is different, and --children says what is missing.
"$MEMHEAT" record -q -e page-faults -o plain -- ./chains
"$MEMHEAT" export folded -i plain -o plain.folded
grep -q '^pid [0-9]*;fill;' plain.folded || fail "$(cat plain.folded)"
"$MEMHEAT" export perf-data -i plain -o plain.perf
status 0 "$MEMHEAT" report code -i plain --children
shows 'No sample says who called: record with -g.'
status 0 "$MEMHEAT" report code -i t --children
shows 'children'
shows 'self'
status 2 "$MEMHEAT" report wss -i t --children
says '--children is for: code'

if command -v callgrind_annotate >/dev/null; then
	callgrind_annotate --inclusive=yes --auto=no --threshold=100 --show-percs=no t.callgrind \
		>annotated 2>err || fail "$(cat err)"
	python3 "$here/chains.py" annotated
fi
if command -v perf >/dev/null; then
	perf script -i t.perf-data -F ip,sym >script 2>err || fail "$(cat err)"
	perf script -i t.perf-data -D >raw-script 2>err || fail "$(cat err)"
	perf report -i t.perf-data --children --stdio -g none --sort sym >perf-report 2>err ||
		fail "$(cat err)"
	python3 "$here/chains.py" perf
	# perf's own recording of the program says the same.
	perf record -q -g -d -e page-faults -c 1 -o perf.data -- ./chains 2>err ||
		fail "perf record: $(cat err)"
	"$MEMHEAT" import perf.data -o imported 2>err || fail "$(cat err)"
	"$MEMHEAT" export folded -i imported -o perf.folded 2>err || fail "$(cat err)"
	python3 "$here/chains.py" imported
	perf script -i plain.perf -F ip,sym >script 2>err || fail "$(cat err)"
	grep -q fill script || fail "$(head script)"
fi
if command -v go >/dev/null; then
	"$MEMHEAT" export pprof -i t -o t.pb.gz 2>err || fail "$(cat err)"
	export HOME="$PWD"
	go tool pprof -raw t.pb.gz >raw 2>err || fail "pprof: $(cat err)"
	python3 "$here/chains.py" pprof
fi
