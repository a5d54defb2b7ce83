# SPDX-License-Identifier: MIT
# Page cache that no process maps, charged to a group of version 1.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
mkdir -p /tmp/cg1
mount -t cgroup -o memory none /tmp/cg1
# A file of 8 MiB made and read by a group of its own; 2 MiB of it are read all the time.
group=/tmp/cg1/cache
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
