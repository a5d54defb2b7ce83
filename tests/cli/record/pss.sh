#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Two processes that share 32 MiB: twice their resident memory, once their PSS. The moments
# of which nobody read it say so.
set -eu
. "$TOP/tests/cli/lib.sh"
[ -r /proc/self/smaps_rollup ] || { echo 'this kernel has no smaps_rollup'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
cat >shared.py <<'E2'
import mmap, os, time
pages = mmap.mmap(-1, 32 << 20)
for at in range(0, len(pages), 4096):
    pages[at] = 1
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    for at in range(0, len(pages), 4096):
        pages[at]
    time.sleep(3)
E2
"$MEMHEAT" record -s faults -o t -- python3 shared.py 2>err || { tail -1 err; exit 77; }
status 0 "$MEMHEAT" report footprint --format json t
python3 - <<'E2' || fail "$(cat out)"
import json
points = [p for p in json.load(open("out"))["points"]
          if p["processes"] == 2 and p["rss"] >= 64 << 20]
assert points, "no moment with both"
known = [p for p in points if p["pss"] is not None]
assert known, "no PSS"
for p in known:
    assert p["rss"] - p["pss"] >= 31 << 20, p
    assert 32 << 20 <= p["pss"] < 64 << 20, p
    assert p["huge"] is not None, p
E2
# As it was before PSS was read, and as DAMO has it.
echo 'footprint time=1000000000 pid=7 rss=4096 pss=18446744073709551615 swap=0' >text
"$MEMHEAT" import text text -o u 2>err || fail "$(cat err)"
status 0 "$MEMHEAT" report footprint u
shows 'PSS was not recorded'
