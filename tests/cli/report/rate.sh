#!/bin/sh
# SPDX-License-Identifier: MIT
# A trace of one page in 16: every size is an estimate of all, and says so.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

# 8 of 16 pages that were looked at are accessed, two of them once only.
{
	echo 'meta time=0 key=source.1.name value=idle'
	echo 'meta time=0 key=source.1.one_page_in value=16'
	echo 'meta time=0 key=trace.start_ns value=0'
	for i in $(seq 0 19); do
		pages=0+6
		[ "$i" -ne 0 ] || pages=0+8
		echo "pages time=$(((i + 1) * 1000000000)) source=1 start_ns=$((i * 1000000000))" \
			"pid=7 start=0x10000 nr_pages=16 page_shift=12 accessed=$pages"
	done
} >sample.text
"$MEMHEAT" import text sample.text -o sample.data
status 0 "$MEMHEAT" report wss -i sample.data --format json
cat >check.py <<'END'
import json
w = json.load(open("out"))
size = {p["p"]: p["bytes"] for p in w["percentiles"]}
assert size[50] == 6 * 16 * 4096 and size[100] == 8 * 16 * 4096, size
assert w["one_page_in"] == 16
# sqrt(15 * 16 * 6) pages of 4 KiB
assert abs(w["standard_error_p50"] - (15 * 16 * 6) ** 0.5 * 4096) < 2, w
END
python3 check.py
status 0 "$MEMHEAT" report wss -i sample.data
shows "from 1 page in 16, +- 151.8 KiB"
status 0 "$MEMHEAT" report cold -i sample.data --format json
cat >check.py <<'END'
import json
c = json.load(open("out"))
assert c["bytes"] == 16 * 16 * 4096
assert c["buckets"][0]["bytes"] == 6 * 16 * 4096, c["buckets"]
END
python3 check.py
status 0 "$MEMHEAT" report mrc -i sample.data --format json
cat >check.py <<'END'
import json
m = json.load(open("out"))
assert m["first_bytes"] == 8 * 16 * 4096 and m["touched_bytes"] == (8 + 19 * 6) * 16 * 4096
END
python3 check.py
status 0 "$MEMHEAT" report mappings -i sample.data --format json
status 2 "$MEMHEAT" record -s idle --rate 3/16 -- true
says "--rate is one page in so many"
status 2 "$MEMHEAT" record -s idle --rate 17/16 -- true
says "is not a share from 0 to 1"
