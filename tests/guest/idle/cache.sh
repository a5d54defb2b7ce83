# SPDX-License-Identifier: MIT
# Page cache that no process maps, charged to a group of version 2.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
mkdir -p /tmp/cg
grep -q ' /tmp/cg ' /proc/mounts || mount -t cgroup2 none /tmp/cg
grep -q memory /tmp/cg/cgroup.controllers || { echo "memory is version 1's"; exit 77; }
echo +memory >/tmp/cg/cgroup.subtree_control
# A file of 8 MiB made and read by a group of its own; 2 MiB of it are read all the time.
group=/tmp/cg/cache
mkdir -p "$group"
sh -c 'echo $$ >'"$group"'/cgroup.procs
	dd if=/dev/zero of=/tmp/cached bs=4k count=2048 2>/dev/null
	while [ ! -e /tmp/stop ]; do
		dd if=/tmp/cached of=/dev/null bs=4k count=512 2>/dev/null
	done' &
pid=$!
sleep 3
"$MEMHEAT" record -s idle -I 2s --overhead 100% --for 13s -o "$OUT/trace" \
	--cgroup "$group" --page-cache
# Without the option the file's pages are nobody's.
"$MEMHEAT" record -s idle -I 1s --overhead 100% --for 4s -o "$OUT/mapped" \
	--cgroup "$group"
touch /tmp/stop
wait "$pid" || :
rm -f /tmp/cached /tmp/stop
