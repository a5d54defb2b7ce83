# SPDX-License-Identifier: MIT
# A cgroup of three processes that map the same program: its pages are counted once.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
mkdir -p /tmp/cg
grep -q ' /tmp/cg ' /proc/mounts || mount -t cgroup2 none /tmp/cg
mkdir -p /tmp/cg/group
cp "$WORKLOAD" /tmp/shared-workload
for i in 1 2 3; do
	sh -c 'echo $$ >/tmp/cg/group/cgroup.procs; exec /tmp/shared-workload static \
		--hot 4M --total 8M --time 1000s --layout '"$OUT/$i.json" &
done
sleep 3
"$MEMHEAT" record -s idle -I 500ms --overhead 100% --for 4s -o "$OUT/trace" --cgroup /tmp/cg/group
sort -n /tmp/cg/group/cgroup.procs >"$OUT/pids"
kill $(cat "$OUT/pids")
