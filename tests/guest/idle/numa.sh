# SPDX-License-Identifier: MIT
# A second node that has memory only: bytes of each node, beside what numa_maps says.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
[ -d /sys/devices/system/node/node1 ] || { echo "one node only"; exit 77; }
mkdir -p /tmp/cg
grep -q ' /tmp/cg ' /proc/mounts || mount -t cgroup2 none /tmp/cg
mkdir -p /tmp/cg/numa
for node in 0 1; do
	sh -c 'echo $$ >/tmp/cg/numa/cgroup.procs; exec "$WORKLOAD" static --hot '$((4 << node))'M \
		--total '$((16 << node))'M --time 1000s --node '$node' \
		--layout '"$OUT/$node.json" &
	eval "pid$node=$!"
done
sleep 4
"$MEMHEAT" record -s idle -I 1s --overhead 100% --for 12s -o "$OUT/trace" --cgroup /tmp/cg/numa
cat "/proc/$pid0/numa_maps" >"$OUT/maps0"
cat "/proc/$pid1/numa_maps" >"$OUT/maps1"
kill "$pid0" "$pid1"
