#!/bin/sh
# SPDX-License-Identifier: MIT
# Lines that touch known shares of memory have these in the margin, by file and by function.
set -eu
. "$TOP/tests/cli/lib.sh"
"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v cc >/dev/null || { echo 'no cc'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }

cat >touch.c <<'END'
#include <sys/mman.h>
static char a[12 << 20], b[4 << 20];
static volatile char *volatile p;
__attribute__((noinline)) static void walk(void)
{
	long i;

	for (i = 0; i < (long)sizeof(a); i += 4096)
		p[i] = 1; /* three quarters */
	p = b;
	for (i = 0; i < (long)sizeof(b); i += 4096)
		p[i] = 2; /* one quarter */
}
int main(void)
{
	madvise(a, sizeof(a), MADV_NOHUGEPAGE);
	madvise(b, sizeof(b), MADV_NOHUGEPAGE);
	p = a;
	walk();
	return 0;
}
END
mkdir src
mv touch.c src
cc -g -O1 src/touch.c -o touch
status 0 "$MEMHEAT" record -q -s faults -o t -- ./touch
status 0 "$MEMHEAT" annotate touch.c t
grep -q '^ *[67][0-9]% .* 9 .*three quarters' out || fail "$(cat out)"
grep -q '^ *2[0-9]% .* 12 .*one quarter' out || fail "$(cat out)"
shows '#include <sys/mman.h>'
status 0 "$MEMHEAT" annotate walk t
shows 'three quarters'
lacks '#include'
status 0 "$MEMHEAT" annotate src/touch.c t --format json
python3 - out <<'END'
import json
import sys

v = json.load(open(sys.argv[1]))
assert v["schema"] == "memheat.annotate/1" and v["file"].endswith("touch.c"), v
lines = {l["line"]: l for l in v["lines"]}
assert lines[9]["samples"] == 3072 or lines[9]["samples"] == 3073, lines
assert abs(lines[12]["share"] / lines[9]["share"] - 1 / 3) < 0.01, lines
END
mv src moved
status 0 "$MEMHEAT" annotate touch.c t
shows 'source-dir'
status 0 "$MEMHEAT" annotate touch.c t --source-dir moved
shows 'three quarters'
status 2 "$MEMHEAT" annotate nobody t
says 'no sample is from'
status 2 "$MEMHEAT" annotate
says 'name a source file'
