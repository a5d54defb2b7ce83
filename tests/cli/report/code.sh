#!/bin/sh
# SPDX-License-Identifier: MIT
# Functions that touch known shares of memory are named with their lines; a program that
# was built anew since is said and not used.
set -eu
. "$TOP/tests/cli/lib.sh"

"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v cc >/dev/null || { echo 'no cc'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }

cat >touch.c <<'END'
static char three[12 << 20], one[4 << 20];
static inline __attribute__((always_inline)) void touch(volatile char *p, long n)
{
	for (long i = 0; i < n; i += 4096)
		p[i] = 1;
}
__attribute__((noinline)) void touch_three(void)
{
	touch(three, sizeof(three));
}
__attribute__((noinline)) void touch_one(void)
{
	touch(one, sizeof(one));
}
int main(void)
{
	touch_three();
	touch_one();
	return 0;
}
END
cc -g -O1 -Wl,--build-id=sha1 touch.c -o touch
status 0 "$MEMHEAT" record -q -s faults -o t -- ./touch
status 0 "$MEMHEAT" report code -i t --format json
cp out code.json
status 0 "$MEMHEAT" report code -i t
shows 'touch.c:5'
shows 'samples'
cc -g -O2 -Wl,--build-id=sha1 touch.c -o touch
status 0 "$MEMHEAT" report code -i t
shows 'touch: build-id differs from the recorded one'
lacks 'touch.c:5'
python3 - code.json <<'END'
import json
import sys

code = json.load(open(sys.argv[1]))
assert code["schema"] == "memheat.code/1", code["schema"]
rows = [r for r in code["rows"] if r["function"] == "touch"]
# Huge pages take many touches at once: then the shares are of fewer samples.
assert len(rows) == 1, rows
row = rows[0]
assert row["file"].endswith("touch.c") and row["line"] == 5, row
assert row["module"].endswith("/touch"), row
assert abs(sum(r["share"] for r in code["rows"]) - 1) < 1e-9
assert sum(r["samples"] for r in code["rows"]) == code["samples"]
if code["samples"] > 4000:
    assert row["share"] > 0.9, row
END
