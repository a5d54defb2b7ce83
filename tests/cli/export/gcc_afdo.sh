#!/bin/sh
# SPDX-License-Identifier: MIT
# export gcc-afdo: gcc -fauto-profile takes the counts of a real execution: the branch has
# its true weights, and what is inlined its own counts.
set -eu
. "$TOP/tests/cli/export-lib.sh"

need gcc gcc
need valgrind valgrind
major=$(gcc -dumpversion | cut -d . -f 1)
[ "$major" -ge 9 ] && [ "$major" -le 14 ] || {
	echo "gcc $major may read another version of the format"
	exit 77
}

gcc -O2 -g -no-pie -Wl,--build-id=sha1 "$here/branches.c" -o branches
lackey t 1 ./branches 400
"$MEMHEAT" export gcc-afdo -i t -o t.afdo 2>err || fail "$(cat err)"
grep -aq 'trace: t; of: ' t.afdo || fail 'it does not name its trace'
gcc -O2 -g -fauto-profile=t.afdo -fdump-ipa-afdo=dump -c "$here/branches.c" -o t.o 2>err ||
	fail "$(cat err)"
[ ! -s err ] || fail "gcc says: $(cat err)"
python3 - dump <<'END'
import re
import sys

dump = open(sys.argv[1]).read()
step = re.search(r"\nlong int step \(.*?\n}\n", dump, re.S).group(0)
counts = [int(n) for n in re.findall(r"<bb \d+> \[count: (\d+)\]", step)]
assert sorted(counts) == [40, 360, 400, 400], step
assert re.search(r"goto <bb \d+>; \[10\.00%\]", step), step
assert re.search(r"goto <bb \d+>; \[90\.00%\]", step), step
END

sed -e '/loads and stores/d' \
	-e 's/key=source.1.sampling .*/key=source.1.event.0 value="cpu\/mem-loads,ldlat=30\/P"/' \
	t.text >late.text
"$MEMHEAT" import text late.text -o late 2>err || fail "$(cat err)"
status 1 "$MEMHEAT" export gcc-afdo -i late -o late.afdo
says 'latency (30 cycles or more)'
[ ! -e late.afdo ] || fail 'a refusal left a file'
