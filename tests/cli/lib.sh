# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# For the command-line cases: . "$TOP/tests/cli/lib.sh"
# A case fails with a sentence that says what was wanted.

fail()
{
	echo "$*"
	exit 1
}

# status N COMMAND...: its output is in ./out, its complaints in ./err.
status()
{
	want=$1
	shift
	got=0
	"$@" >out 2>err || got=$?
	[ "$got" -eq "$want" ] || fail "exit $got, wanted $want: $* ($(cat err))"
}

# says PATTERN: the complaints are one line that contains the text.
says()
{
	grep -qF -e "$1" err || fail "wanted '$1' in: $(cat err)"
	[ "$(wc -l <err)" -eq 1 ] || fail "more than one line: $(cat err)"
}

# shows PATTERN: the output contains the text.
shows()
{
	grep -qF -e "$1" out || fail "wanted '$1' in: $(cat out)"
}

lacks()
{
	if grep -qF -e "$1" out; then fail "did not want '$1' in: $(cat out)"; fi
}

# zigzag FILE: make the trace that most cases read; see tests/data/zigzag.text.
zigzag()
{
	"$MEMHEAT" import text "$TOP/tests/data/zigzag.text" -o "$1" 2>err ||
		fail "import failed: $(cat err)"
}
