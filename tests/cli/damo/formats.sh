#!/bin/sh
# SPDX-License-Identifier: MIT
# One record in all of DAMO's formats gives the same regions; export and import too.
set -eu
. "$TOP/tests/cli/lib.sh"

regions()
{
	"$MEMHEAT" dump "$1" | grep '^region' | sort
}

same()
{
	regions "$1" >a.text
	regions "$2" >b.text
	[ -s a.text ] || fail "no regions in $1"
	cmp a.text b.text >/dev/null || fail "$3: $(diff a.text b.text | head -4)"
}

"$TOOLS/gen_damo" -s 7 -n 60 -r 50 -t 2 -f zlib >zlib
"$MEMHEAT" import zlib -o zlib.data 2>err || {
	grep -q 'without yajl' err && { cat err; exit 77; }
	fail "import: $(cat err)"
}
"$TOOLS/gen_damo" -s 7 -n 60 -r 50 -t 2 -f json >json
"$MEMHEAT" import json -o json.data 2>err
same zlib.data json.data "json"
"$MEMHEAT" import - -o pipe.data <json 2>err
cat zlib | "$MEMHEAT" import damo - -o pipe.data 2>err
same zlib.data pipe.data "through a pipe"

"$MEMHEAT" export damo zlib.data -o again
"$MEMHEAT" import again -o again.data 2>err
same zlib.data again.data "export and import"
# The trace's name is in a record.
mkdir two
mv again.data two/zlib.data
(cd two && "$MEMHEAT" export damo -i zlib.data -o -) >twice
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys, zlib
about = json.loads(zlib.decompress(sys.stdin.buffer.read()))[0]["memheat"]
assert "trace: zlib.data" in about and any(x.startswith("units: ") for x in about), about' <again ||
		fail 'the record does not say where it is from'
fi
cmp again twice >/dev/null || fail "the second export differs"

# Text: the generator's targets take turns, so their random numbers differ from json's.
"$TOOLS/gen_damo" -s 7 -n 60 -r 50 -f zlib >one
"$MEMHEAT" import one -o one.data 2>err
"$TOOLS/gen_damo" -s 7 -n 60 -r 50 -f text >one.text
"$MEMHEAT" import one.text -o text.data 2>err
# When the first snapshot began is the mean in text, and told in json.
regions one.data | tail -n +51 >a.text
regions text.data | tail -n +51 >b.text
cmp a.text b.text >/dev/null || fail "text: $(diff a.text b.text | head -4)"
[ "$(regions text.data | wc -l)" -eq 3000 ] || fail "regions are missing in text"

# Rows out of order within a snapshot, and one that never came.
awk 'NR == 510 { held = $0; next } NR == 512 { print; print held; next } NR != 2222' \
	one.text >jumbled
"$MEMHEAT" import damo jumbled -o jumbled.data 2>err || fail "jumbled: $(cat err)"
[ "$(regions jumbled.data | wc -l)" -eq 2999 ] || fail "jumbled rows were lost"
"$MEMHEAT" dump jumbled.data | grep '^lost' >lost || fail "a lost row was not told"
grep -q 'cause=snapshot .*count=1$' lost || fail "lost: $(cat lost)"

# Without ages and intervals, and with page-level bytes.
cat >filters.json <<'EOF'
[{"kdamond_idx": 0, "context_idx": 0, "intervals": {"sample_us": "150 ms", "aggr_us": "3 s",
"ops_update_us": "1 s"}, "scheme_idx": 1, "target_id": null, "scheme_filters":
[{"filter_type": "anon", "matching": false, "allow": true}], "snapshots": [{"start_time":
"1748191726781395200", "end_time": "1748191729781395200", "regions": [{"start": "4 GiB",
"end": "6,374,375,424", "nr_accesses": {"samples": null, "percent": "10 %"}, "age":
{"usec": "1 m 3 s", "aggr_intervals": null}, "sz_filter_passed": "143.027 MiB"}]}]}]
EOF
"$MEMHEAT" import filters.json -o filters.data 2>err || fail "filters: $(cat err)"
"$MEMHEAT" dump filters.data >out
shows "start=0x100000000 end=0x17bf14000"
shows "touched=149974680"
shows "nr_accesses=2 max_accesses=20 age=21"
shows 'source.1.filters value="allow non anon"'
"$MEMHEAT" report wss --format json filters.data >out
shows '"bytes":2079408128'

# A series of snapshots is a record for each of them; all of them are moments of one.
one_of() # START END SAMPLES
{
	cat <<-E
	{"kdamond_idx": 0, "context_idx": 0, "intervals": {"sample_us": "5 ms", "aggr_us":
	"100 ms", "ops_update_us": "1 s"}, "scheme_idx": 0, "target_id": null, "scheme_filters":
	[], "snapshots": [{"start_time": "$1", "end_time": "$2", "regions": [{"start": "4 KiB",
	"end": "12 KiB", "nr_accesses": {"samples": "$3", "percent": null}, "age": {"usec":
	null, "aggr_intervals": "4"}}], "total_bytes": null}]}
	E
}
{
	echo '['
	one_of 1748191720000000000 1748191720100000000 3
	echo ','
	one_of 1748191722000000000 1748191722100000000 0
	echo ']'
} >series
"$MEMHEAT" import damo series -o series.data 2>err || fail "series: $(cat err)"
"$MEMHEAT" report wss --percentiles 0,100 --format json series.data >out
shows '"n":2,'
shows '"percentiles":[{"p":0,"bytes":0},{"p":100,"bytes":8192}]'
"$MEMHEAT" report times --min-rate 5% --format json series.data >out
shows '"ranges":[{"start_ns":0,"end_ns":100000000'

# DAMO's mark of a lone snapshot is none.
printf '%s\n' 'k 1 9.5: damon:damon_aggregated: target_id=0 nr_regions=1 4096-8192: 1 2' \
	'k 1 9.6: damon:damon_aggregated: target_id=0 nr_regions=1 0-0: -1 -1' >lone
"$MEMHEAT" import damo lone -o lone.data 2>err || fail "lone: $(cat err)"
[ "$(regions lone.data)" = "region time=9500000000 source=1 start_ns=9400000000 \
start=0x1000 end=0x2000 nr_accesses=1 max_accesses=20 age=2" ] || fail "$(regions lone.data)"
