#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs each workload for a moment and checks what it says it did, in TAP.
# Usage: test_workload.sh [PROGRAM] (or WORKLOAD=PROGRAM); 77 where there is no python3.

here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-${WORKLOAD:-$here/../../build/tests/workload}}") || exit 1
cd "$here/../.." || exit 1 # the truth of structs names source files from here
dir=$(mktemp -d "${TMPDIR:-/tmp}/workload.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
count=0
failed=0
M=1048576

# result STATUS NAME
result() {
	count=$((count + 1))
	if test "$1" -eq 0; then
		echo "ok $count - $2"
		return
	fi
	echo "not ok $count - $2"
	sed 's/^/# /' "$dir/out"
	failed=1
}

# exits STATUS NAME ARG...: the program ends with STATUS
exits() {
	wanted=$1 name=$2
	shift 2
	"$program" "$@" >"$dir/out" 2>&1
	test $? -eq "$wanted"
	result $? "$name"
}

# runs NAME PATTERN OPTION...: silent, status 0, truth in $dir/NAME.json
runs() {
	name=$1
	shift
	"$program" "$@" --settle 10ms --truth "$dir/$name.json" >"$dir/out" 2>&1 &&
		test ! -s "$dir/out"
	result $? "$name runs in silence"
}

# checks NAME CHECK ARG...: all are made at the end, by one interpreter
checks() {
	printf '%s\t' "$@" >>"$dir/plan"
	echo >>"$dir/plan"
}

if ! command -v python3 >"$dir/out"; then
	echo "1..0 # SKIP no python3"
	exit 77
fi

exits 0 "help" --help
exits 0 "list" --list
exits 2 "no pattern is wrong usage"
exits 2 "an unknown pattern is wrong usage" nothing
exits 2 "an unknown option is wrong usage" static --nothing
exits 2 "a missing value is wrong usage" static --hot
exits 2 "a size with a wrong suffix is wrong usage" static --hot 1X
exits 2 "hot above total is wrong usage" static --hot 2M --total 1M
exits 2 "THP is for thp" static --thp always
exits 7 "the exit status is as asked" short --exit 7 --time 1ms
exits 1 "a truth that cannot be written fails" short --time 1ms --truth "$dir/no/file"

runs static static --hot 1M --total 4M --time 100ms
checks "static: hot is as told" wss "$dir/static.json" static $M
runs strided static --hot 1M --total 4M --time 100ms --stride 8K --write
checks "static: a stride touches fewer pages" wss "$dir/strided.json" static $((M / 2))
runs window window --hot 1M --total 2M --phase 50ms --phases 4
checks "window: each phase as told" wss "$dir/window.json" window $M $M $M $M
checks "window: moves by half and starts over" places "$dir/window.json" \
	0 $((M / 2)) $M 0
runs stairs stairs --total 4M --time 200ms --phases 4
checks "stairs: equal steps" wss "$dir/stairs.json" stairs $M $M $M $M
checks "stairs: one after the other" places "$dir/stairs.json" 0 $M $((2 * M)) $((3 * M))
runs zigzag zigzag --total 2M --phase 50ms --phases 3
checks "zigzag: halves" wss "$dir/zigzag.json" zigzag $M $M $M
checks "zigzag: in turn" places "$dir/zigzag.json" 0 $M 0
runs zipf zipf --total 16M --phase 100ms --phases 2
checks "zipf: head always, tail in part" zipf "$dir/zipf.json"
runs antiphase antiphase --hot 1M --total 2M --phase 50ms --phases 4
checks "antiphase: constant sum" wss "$dir/antiphase.json" antiphase $M $M $M $M
checks "antiphase: in turn" turns "$dir/antiphase.json"
runs server server --hot 1M --total 2M --phase 50ms --phases 3
checks "server: each request as told" wss "$dir/server.json" server $M $M $M
checks "server: a process each" workers "$dir/server.json"
runs thp thp --hot 4M --total 8M --time 100ms --thp never
checks "thp: small pages count as small" wss "$dir/thp.json" thp $((M / 4))
runs short short
checks "short: hot is as told" wss "$dir/short.json" short $((4 * M))
runs idle idle --total 1M --time 50ms
checks "idle: nothing hot" idle "$dir/idle.json"
runs structs structs --time 100ms
checks "structs: shares, sites and lines" structs "$dir/structs.json"

runs first-touch first-touch --total 1M --seed 3
runs first-touch-again first-touch --total 1M --seed 3
checks "first-touch: every page once" addresses "$dir/first-touch.json" \
	"$dir/first-touch-again.json"
checks "first-touch: the kernel counts the same faults" faults "$program" "$dir"

printf '# sizes\nhot = 1M\ntotal=4M\n\ntime = 100ms # short\npattern = static\n' \
	>"$dir/config"
runs config --config "$dir/config"
checks "a config file says the same as options" same_options "$dir/config.json" \
	"$dir/static.json"
echo "hot" >"$dir/config"
exits 2 "a config line without = is wrong" static --config "$dir/config"

checks "static: smaps sees the hot bytes" referenced "$program" "$dir" \
	static --hot 1M --total 4M
checks "antiphase: smaps sees one of two, both stop" referenced "$program" "$dir" \
	antiphase --hot 1M --total 4M
checks "thp never: smaps sees small pages" referenced "$program" "$dir" \
	thp --hot 4M --total 8M --thp never
checks "thp madvise: smaps sees huge pages" referenced "$program" "$dir" \
	thp --hot 4M --total 8M --thp madvise
checks "thp always: smaps sees huge pages" referenced "$program" "$dir" \
	thp --hot 4M --total 8M

python3 "$here/check_truth.py" $count <"$dir/plan" || failed=1
exit $failed
