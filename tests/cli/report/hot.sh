#!/bin/sh
# SPDX-License-Identifier: MIT
# Variables and the heap get their known shares of the first touches, within 3 points,
# with declaration and the code that touched them.
set -eu
. "$TOP/tests/cli/lib.sh"

"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v cc >/dev/null || { echo 'no cc'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }

cat >touch.c <<'END'
#include <stdlib.h>
#include <sys/mman.h>
struct rec { long key, val; char pad[240]; };
static char table[8 << 20] __attribute__((aligned(4096)));
struct rec recs[1 << 14] __attribute__((aligned(4096)));
__attribute__((noinline)) void touch(volatile char *p, long n)
{
	for (long i = 0; i < n; i += 4096)
		p[i] = 1;
}
int main(void)
{
	char *map = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* One touch per small page: huge ones would take many at once. */
	madvise(map, 16 << 20, MADV_NOHUGEPAGE);
	madvise(table, sizeof(table), MADV_NOHUGEPAGE);
	madvise(recs, sizeof(recs), MADV_NOHUGEPAGE);
	touch(map, 16 << 20);
	touch(table, sizeof(table));
	touch((char *)recs, 4 << 20);
	return 0;
}
END
cc -g -O1 -Wl,--build-id=sha1 touch.c -o touch
status 0 "$MEMHEAT" record -q -s faults -o t -- ./touch
status 0 "$MEMHEAT" report hot -i t
shows 'touch.c:4'
shows 'memory without a file'
status 0 "$MEMHEAT" report hot -i t --format csv
shows 'share,cum,rate,start,end'
status 0 "$MEMHEAT" report hot -i t --format json
python3 - out <<'END'
import json
import sys

hot = json.load(open(sys.argv[1]))
assert hot["schema"] == "memheat.hot/1", hot["schema"]
rows = hot["rows"]
named = {r["symbol"]: r for r in rows if r["symbol"]}
anon = max((r for r in rows if not r["symbol"]), key=lambda r: r["share"])
total = 28.0
for row, mib in ((named["table"], 8), (named["recs"], 4), (anon, 16)):
    assert abs(row["share"] - mib / total) < 0.03, (mib, row)
    top = row["accessors"][0]
    assert top["function"] == "touch" and top["line"] == 9, top
assert named["table"]["bytes"] == 8 << 20, named["table"]
assert named["recs"]["type"] == "struct rec[16384]", named["recs"]
assert named["recs"]["file"].endswith("touch.c") and named["recs"]["line"] == 5
assert named["recs"]["end"] - named["recs"]["start"] == 4 << 20
assert anon["why"] == "memory without a file", anon
assert abs(sum(r["share"] for r in rows) - 1) < 1e-9
assert abs(rows[-1]["cum"] - 1) < 1e-9
END

# Ages of regions: of the last snapshot, by bytes; samples have none. Names as they are
# linked, and another place for debug files.
grep -q '"age_ns":null' out || fail 'a sample has an age'
cat >text <<'END'
meta time=1 key=trace.start_ns value=1000000000
meta time=1 key=source.1.name value=damon
meta time=1 key=source.1.sample_us value=5000
meta time=1 key=source.1.aggr_us value=100000
map time=1000000000 pid=7 op=add start=0x10000000 end=0x20000000 path=[heap] prot=3
region time=1100000000 start_ns=1000000000 source=1 pid=7 start=0x10000000 end=0x10100000 nr_accesses=10 max_accesses=20 age=9
region time=1200000000 start_ns=1100000000 source=1 pid=7 start=0x10000000 end=0x10100000 nr_accesses=10 max_accesses=20 age=10
region time=1200000000 start_ns=1100000000 source=1 pid=7 start=0x10100000 end=0x10200000 nr_accesses=5 max_accesses=20 age=30
END
"$MEMHEAT" import text text -o aged 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" report hot -i aged --format json
shows '"age_ns":2000000000'
status 0 "$MEMHEAT" report hot -i aged
shows '2 s'
status 0 "$MEMHEAT" report hot -i t --no-demangle --debug-dir /no/such
shows touch.c:4
