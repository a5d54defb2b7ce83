# SPDX-License-Identifier: MIT
# What is swapped out has a sum of its own and is not observed.
set -e
echo 0 >/sys/kernel/mm/lru_gen/enabled
[ -b /dev/ram0 ] || { echo "no RAM disk to swap to"; exit 77; }
mkswap /dev/ram0 >/dev/null
swapon /dev/ram0
mkdir -p /tmp/cg
grep -q ' /tmp/cg ' /proc/mounts || mount -t cgroup2 none /tmp/cg
echo +memory >/tmp/cg/cgroup.subtree_control
mkdir -p /tmp/cg/swap
sh -c 'echo $$ >/tmp/cg/swap/cgroup.procs; exec "$WORKLOAD" static --hot 1M --total 16M \
	--time 1000s' &
sleep 2
echo 3M >/tmp/cg/swap/memory.reclaim || :
"$MEMHEAT" record -s idle -I 300ms --overhead 100% --for 2s -o "$OUT/trace" -p $!
grep VmSwap /proc/$!/status >"$OUT/swap"
kill $!
swapoff /dev/ram0 || :
