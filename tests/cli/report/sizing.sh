#!/bin/sh
# SPDX-License-Identifier: MIT
# Sizing of a trace whose numbers are known: four pages always in use, four that come back
# every 10 s, eight that never do.
set -eu
. "$TOP/tests/cli/lib.sh"
export LC_ALL=C

{
	echo 'meta time=0 key=source.1.name value=idle'
	echo 'meta time=0 key=trace.start_ns value=0'
	for i in $(seq 0 59); do
		end=$(((i + 1) * 1000000000))
		pages=0+4
		[ $((i % 10)) -ne 0 ] || pages=0+8
		[ "$i" -ne 0 ] || pages=0+16
		echo "pages time=$end source=1 start_ns=$((end - 1000000000)) pid=7" \
			"start=0x10000 nr_pages=16 page_shift=12 accessed=$pages"
		echo "footprint time=$end pid=7 rss=$((65536 + i)) pss=40000 swap=0 huge=0"
		echo "stat time=$end name=cgroup.current value=$((100 << 20))"
		echo "stat time=$end name=cgroup.peak value=$((120 << 20))"
		echo "stat time=$end name=cgroup.inactive_file value=$(((30 + i % 2) << 20))"
		echo "stat time=$end name=cgroup.kernel value=$((1 << 20))"
		echo "stat time=$end name=cgroup.unevictable value=$((2 << 20))"
	done
} >known.text
"$MEMHEAT" import text known.text -o known.data
status 0 "$MEMHEAT" report sizing -i known.data --format json
cat >check.py <<'END'
import json
MIB = 1 << 20
s = json.load(open("out"))
assert s["schema"] == "memheat.sizing/1"
assert s["wss"] == {"p50": 16384, "p90": 32768, "max": 65536}, s["wss"]
assert s["rss"]["max"] == 65595 and s["pss"]["p50"] == 40000
assert s["usage"]["max"] == 100 * MIB
assert s["k8s_working_set"] == {"p50": 70 * MIB, "p90": 70 * MIB, "max": 70 * MIB}
# In use: all that was touched in the minute that there is.
assert s["window_ns"] == 60 * 10**9
assert s["request"] == int((65536 + 3 * MIB) * 1.15), s["request"]
assert s["limit"] == int(120 * MIB * 1.15)
assert s["memory_low"] == s["memory_high"] == 65536
# One day's peak of 70 MiB: buckets of 1e7, growing by 5 %, the sixth ends at 6.8e7.
end = sum(1e7 * 1.05**i for i in range(7))
assert end > 70 * MIB > sum(1e7 * 1.05**i for i in range(6))
assert s["vpa"]["of"] == "k8s_working_set"
assert s["vpa"]["target"] == 250 * MIB and s["vpa"]["lower"] == 250 * MIB
assert abs(s["vpa"]["upper"] - end * 1.15 * (1 + 86400 / 60)) < 1000, s["vpa"]
# The four that come back are idle for 9 s: from 16 s on nothing does.
assert [a["idle_ns"] // 10**9 for a in s["ages"]] == [1, 2, 4, 8, 16, 32], s["ages"]
assert all(a["local_bytes"] + a["far_bytes"] == s["observed_bytes"] == 65536
           for a in s["ages"])
assert s["split"]["idle_ns"] == 16 * 10**9 and s["split"]["far_bytes"] == 32768
back = 5 * 16384 / (60 - 8)
assert abs(s["ages"][3]["promoted_bytes_per_s"] - back) < 1e-6
assert abs(s["ages"][3]["promotion_rate_per_min"] - back * 60 / 65536) < 1e-9
END
python3 check.py
status 0 "$MEMHEAT" report sizing -i known.data
shows "Kubernetes \"working set\"       70 MiB      70 MiB      70 MiB"
shows "16 s           32 KiB      32 KiB     50%         0 B/s        0%  <- split"
status 0 "$MEMHEAT" report sizing -i known.data --format csv
grep -qx "far,32768" out || fail "no far bytes: $(cat out)"

# Without a control group and with counts only, what is not known stays out.
sed -e '/^stat/d' -e 's/^pages \(.*\) nr_pages=.*/region \1 end=0x20000 touched=16384/' \
	-e 's/value=idle/value=refs/' known.text >counts.text
"$MEMHEAT" import text counts.text -o counts.data
status 0 "$MEMHEAT" report sizing -i counts.data --format json
cat >check.py <<'END'
import json
s = json.load(open("out"))
assert s["k8s_working_set"] == {"p50": None, "p90": None, "max": None}
assert s["memory_peak"] is None and s["vpa"]["of"] == "rss"
assert s["window_ns"] == 10**9 and s["request"] == int(16384 * 1.15)
assert s["limit"] == int(65595 * 1.15)
assert s["split"] is None and s["ages"] == [] and "damon or idle" in s["why"]
END
python3 check.py
