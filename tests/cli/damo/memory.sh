#!/bin/sh
# SPDX-License-Identifier: MIT
# A record is read as a stream: 100 MB of JSON, packed or from a pipe, within 32 MiB.
set -eu
. "$TOP/tests/cli/lib.sh"
command -v python3 >/dev/null || { echo "python3 is not here"; exit 77; }
case $MEMHEAT in
*san-*) echo 'sanitizers take memory of their own'; exit 77 ;;
esac

cat >peak.py <<'E2'
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"{peak} KiB at most for {sys.argv[2:]}", file=sys.stderr)
sys.exit(status or peak > int(sys.argv[1]))
E2
"$TOOLS/gen_damo" -s 9 -n 200 -r 1000 -f zlib >record
got=0
python3 peak.py 32768 "$MEMHEAT" import damo record -o packed.data 2>err || got=$?
if grep -q 'without yajl' err; then
	cat err
	exit 77
fi
[ $got -eq 0 ] || fail "json_compressed: exit $got ($(cat err))"
# And stored in a ninth of DAMO's bytes.
whole=$(wc -c <record) size=$(wc -c <packed.data)
[ $((size * 9)) -le "$whole" ] || fail "$size bytes are more than a ninth of $whole"
rm record
"$TOOLS/gen_damo" -s 9 -n 200 -r 1000 -f json |
	python3 peak.py 32768 "$MEMHEAT" import damo - -o plain.data 2>err ||
	fail "json through a pipe: $(cat err)"
# All of it has arrived.
for trace in packed plain; do
	"$MEMHEAT" report regions --format csv $trace.data | tail -n +2 >$trace.csv
	[ "$(wc -l <$trace.csv)" -eq 200000 ] || fail "$trace: $(wc -l <$trace.csv) regions"
done
cmp packed.csv plain.csv >/dev/null || fail "the two forms differ"
