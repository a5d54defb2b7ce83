# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# For the cases of export: . "$TOP/tests/cli/export-lib.sh"
. "$TOP/tests/cli/lib.sh"
here=$TOP/tests/cli/export

# need PROGRAM PACKAGE: skip the case where the consumer is not installed.
need()
{
	command -v "$1" >/dev/null || {
		echo "no $1 (scripts/install-deps --test-all; Debian: $2)"
		exit 77
	}
}

need_faults()
{
	"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
		{ echo 'faults does not work here'; exit 77; }
}

# lackey FILE PERIOD PROGRAM [ARG...]: a trace of what it really accesses.
lackey()
{
	file=$1
	shift
	python3 "$here/lackey.py" "$@" >"$file.text" 2>err || fail "lackey: $(tail -n 3 err)"
	"$MEMHEAT" import text "$file.text" -o "$file" 2>err || fail "$(cat err)"
}
