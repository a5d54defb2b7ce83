#!/bin/sh
# SPDX-License-Identifier: MIT
# hot --by type: memory without a variable has the type and member that code accesses, in
# the shares that the program is known to have; code addresses with skid have none.
set -eu
. "$TOP/tests/cli/lib.sh"

"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
command -v gcc >/dev/null || { echo 'no gcc'; exit 77; }

for level in -O0 -O2; do
	gcc -g $level "$TOP/tests/symbol/faults.c" -o prog
	status 0 "$MEMHEAT" record -q -s faults -o t -- ./prog
	status 0 "$MEMHEAT" report hot -i t --by type --format json
	mv out types.json
	if grep -q 'no capstone to decode' types.json; then
		echo 'no capstone to decode instructions with'
		exit 77
	fi
	status 0 "$MEMHEAT" report hot -i t --by type
	shows 'struct node .next'
	shows 'typed by the code that accesses it: '
	status 0 "$MEMHEAT" report hot -i t --by type --format csv
	shows ',member'
	status 0 "$MEMHEAT" report hot -i t --format json
	lacks '"untyped"'
	shows '"volatile long int[1024]"'
	python3 - <<'END'
import json

hot = json.load(open("types.json"))
rows = [r for r in hot["rows"] if r["type"] == "struct node"]
shares = {}
for r in rows:
    assert r["kind"] == "type" and not r["why"], r
    name = r["member"].split("[")[0]
    shares[name] = shares.get(name, 0) + r["share"]
all_of = sum(shares.values())
print(shares)
for member, want in (("next", 400), ("stat.misses", 1200), ("weights", 800)):
    share = shares[member] / all_of
    assert abs(share - want / 2400) < 0.03, (member, share)
assert set(shares) == {"next", "stat.misses", "weights"}, shares
assert abs(sum(r["share"] for r in hot["rows"]) - 1) < 1e-9
assert hot["by_code"] >= all_of - 1e-9, hot["by_code"]
untyped = sum(u["share"] for u in hot["untyped"])
assert hot["by_code"] + untyped <= 1 + 1e-9, (hot["by_code"], untyped)
END
done

# A source whose code addresses are not exact: nothing is typed by them.
cat >text <<'END'
meta time=1 key=trace.start_ns value=1000
meta time=1 key=source.1.name value=mem
task time=1000 op=exec pid=7 tid=7 comm=prog
map time=1000 pid=7 op=add start=0x10000000 end=0x20000000 path=[heap] prot=3
map time=1000 pid=7 op=add start=0x400000 end=0x500000 path=/no/such prot=5
sample time=1011 source=1 pid=7 tid=7 ip=0x401000 addr=0x10001008 flags=1
END
status 0 "$MEMHEAT" import text text -o skid
status 0 "$MEMHEAT" report hot -i skid --by type
shows 'without a type by code: 100%, code addresses with skid'
