#!/bin/sh
# SPDX-License-Identifier: MIT
# The test runner tells passes, failures, skips, crashes and hangs apart.
set -eu

# A copy in a tree of its own, since it finds tests/ beside itself.
mkdir -p t/scripts t/tests/cli/x t/tests/unit t/tests/fuzz/corpus/two
cp "$TOP/scripts/run-tests" t/scripts/
cd t
unset TEST_TIMEOUT TEST_CPU TEST_SLOWEST

case_of()
{
	cat >"tests/cli/x/$1.sh"
}
expect()
{
	want=$1
	status=$2
	shift 2
	got=0
	scripts/run-tests "$@" >out 2>&1 || got=$?
	if [ "$(tail -n 1 out)" != "$want" ] || [ $got -ne "$status" ]; then
		echo "wanted '$want' and $status, got $got:"
		cat out
		exit 1
	fi
}
shown()
{
	grep -q "$1" out || { echo "not shown: $1"; cat out; exit 1; }
}

echo 'exit 0' | case_of good
echo 'echo why; exit 77' | case_of skip
echo 'echo seen >&2; exit 3' | case_of bad
echo 'sleep 30 & sleep 30' | case_of hangs
expect '1 passed, 0 failed, 0 skipped' 0 tests/cli/x/good.sh
expect '0 passed, 0 failed, 1 skipped' 0 tests/cli/x/skip.sh
shown '^SKIP cli/x/skip: why$'
expect '1 passed, 1 failed, 1 skipped' 1 tests/cli/x/good.sh tests/cli/x/bad.sh tests/cli/x/skip.sh
shown '^FAIL cli/x/bad: exit 3, wanted 0$'
shown 'stderr: seen'
TEST_TIMEOUT=2 expect '0 passed, 1 failed, 0 skipped' 1 tests/cli/x/hangs.sh
shown 'timed out after 2 s'
# What loops is ended by its own CPU time, whatever the clock says.
echo 'while :; do :; done' | case_of loops
TEST_TIMEOUT=600 TEST_CPU=1 expect '0 passed, 1 failed, 0 skipped' 1 tests/cli/x/loops.sh
shown 'took 1 s of CPU time'

# The interpreter behind a version manager's script is what the cases run.
if command -v python3 >/dev/null; then
	mkdir shims
	python=$(python3 -c 'import sys; print(sys.executable)')
	printf '#!/bin/sh\necho  >>"%s/shimmed"\nexec "%s" "$@"\n' "$PWD" "$python" >shims/python3
	chmod +x shims/python3
	echo 'python3 -c pass && python3 -c "import json"' | case_of runs_python
	PATH=$PWD/shims:$PATH expect '1 passed, 0 failed, 0 skipped' 0 tests/cli/x/runs_python.sh
	[ "$(wc -l <shimmed)" -eq 1 ] || { echo 'the script was run again'; exit 1; }
fi

echo 'i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done' | case_of busy
export TEST_SLOWEST=1
expect '2 passed, 0 failed, 0 skipped' 0 tests/cli/x/good.sh tests/cli/x/busy.sh
shown ' tests/cli/x/busy.sh$'
if grep -q 'good.sh' out; then echo 'listed more than the slowest'; exit 1; fi
unset TEST_SLOWEST

# The neighbours of a case.
echo 'echo out; echo "cannot open x" >&2; exit 2' | case_of told
echo 2 >tests/cli/x/told.exit
echo out >tests/cli/x/told.stdout.exact
echo 'cannot open *' >tests/cli/x/told.stderr.glob
expect '1 passed, 0 failed, 0 skipped' 0 tests/cli/x/told.sh
echo other >tests/cli/x/told.stdout.exact
expect '0 passed, 1 failed, 0 skipped' 1 tests/cli/x/told.sh
shown 'stdout differs'
echo out >tests/cli/x/told.stdout.exact
echo 'cannot close *' >tests/cli/x/told.stderr.glob
expect '0 passed, 1 failed, 0 skipped' 1 tests/cli/x/told.sh
shown 'stderr does not match'

# Unit programs speak TAP; one that dies half-way or says nothing has failed.
unit()
{
	{ echo '#!/bin/sh'; cat; } >"tests/unit/$1"
	chmod +x "tests/unit/$1"
}
unit three <<'END'
printf '1..3\nok 1 - a\nnot ok 2 # SKIP\nok 3 - c\n'
END
unit one_bad <<'END'
printf '1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n'; exit 1
END
unit dies <<'END'
printf '1..2\nok 1 - a\n'; kill -SEGV $$
END
unit silent <<'END'
exit 0
END
expect '2 passed, 0 failed, 1 skipped' 0 tests/unit/three
expect '1 passed, 1 failed, 0 skipped' 1 tests/unit/one_bad
shown '^FAIL one_bad: b$'
shown '1 != 2'
expect '1 passed, 1 failed, 0 skipped' 1 tests/unit/dies
shown 'ended by signal 11'
expect '0 passed, 1 failed, 0 skipped' 1 tests/unit/silent
shown 'no test ran'

# A replay gets the files of its corpus.
unit fuzz_two <<'END'
[ "$(cat "$@" | wc -l)" -eq 2 ]
END
echo x >tests/fuzz/corpus/two/a
expect '0 passed, 1 failed, 0 skipped' 1 tests/unit/fuzz_two
echo y >tests/fuzz/corpus/two/b
expect '1 passed, 0 failed, 0 skipped' 0 tests/unit/fuzz_two
