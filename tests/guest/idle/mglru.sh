# SPDX-License-Identifier: MIT
# The multi-gen LRU's generations of a group: read only, and aged before each reading.
set -e
mkdir -p /sys/kernel/debug
mount -t debugfs none /sys/kernel/debug
[ -e /sys/kernel/debug/lru_gen ] || { echo "no lru_gen in debugfs"; exit 77; }
echo 0 >/sys/kernel/mm/lru_gen/enabled
"$MEMHEAT" record -s mglru --for 1s -o "$OUT/off" -a 2>"$OUT/off.said" && exit 1
grep -q 'the multi-gen LRU is off' "$OUT/off.said"
echo 7 >/sys/kernel/mm/lru_gen/enabled
mkdir -p /tmp/cg
grep -q ' /tmp/cg ' /proc/mounts || mount -t cgroup2 none /tmp/cg
[ ! -e /tmp/cg/cgroup.subtree_control ] || echo +memory >/tmp/cg/cgroup.subtree_control || :
mkdir -p /tmp/cg/lru
"$MEMHEAT" record -s mglru --for 1s -o "$OUT/pid" -p $$ 2>"$OUT/pid.said" && exit 1
grep -q 'tells of control groups' "$OUT/pid.said"
sh -c 'echo $$ >/tmp/cg/lru/cgroup.procs; exec "$WORKLOAD" static --hot 8M --total 48M \
	--time 1000s --layout '"$OUT/layout" &
pid=$!
sleep 4
# Read only: no generation begins because of it.
cat /sys/kernel/debug/lru_gen >"$OUT/before"
"$MEMHEAT" record -s mglru -I 500ms --for 4s -o "$OUT/read" --cgroup /tmp/cg/lru
cat /sys/kernel/debug/lru_gen >"$OUT/after"
"$MEMHEAT" record -s mglru -I 2s --aging --for 13s -o "$OUT/aged" --cgroup /tmp/cg/lru
cat /sys/kernel/debug/lru_gen >"$OUT/end"
"$MEMHEAT" record -s mglru -I 500ms --for 2s -o "$OUT/all" -a
cat /tmp/cg/lru/memory.stat >"$OUT/stat"
kill $pid
