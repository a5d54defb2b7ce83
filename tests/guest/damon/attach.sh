# SPDX-License-Identifier: MIT
# A kdamond that a script runs is recorded for a minute and left as it was, file by file.
set -e
admin=/sys/kernel/mm/damon/admin/kdamonds
kdamond=$admin/0
"$WORKLOAD" static --time 1000s &
pid=$!
sleep 1
echo 1 >$admin/nr_kdamonds
echo 1 >$kdamond/contexts/nr_contexts
context=$kdamond/contexts/0
echo paddr >$context/operations
echo 20000 >$context/monitoring_attrs/intervals/sample_us
echo 200000 >$context/monitoring_attrs/intervals/aggr_us
echo 1 >$context/targets/nr_targets
echo 1 >$context/targets/0/regions/nr_regions
echo 1048576 >$context/targets/0/regions/0/start
echo 1073676288 >$context/targets/0/regions/0/end
echo on >$kdamond/state
listing()
{
	find /sys/kernel/mm/damon -type f | sort | while read -r f; do
		echo "$f $(cat "$f" 2>&1)"
	done
}
listing >before

# Another kdamond cannot be had, and it is said whose this one is.
if "$MEMHEAT" record -s damon -o none -- true 2>taken; then exit 1; fi
grep "taken by kdamond $(cat $kdamond/pid) (paddr)" taken
grep 'damon:attach' taken
"$MEMHEAT" record -s auto -o auto -- true 2>auto.words
grep 'source refs' auto.words

if command -v strace >/dev/null; then
	strace -f -o calls -e trace=open,openat,openat2,creat,truncate,unlink,mkdir,rename \
		"$MEMHEAT" record -s damon:attach -a -q --for 60s -o "$OUT/trace"
	grep -q '/sys/kernel/mm/damon' calls
	if grep '/sys/kernel/mm/damon' calls | grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|creat\('; then
		echo 'something below /sys/kernel/mm/damon was opened for writing'
		exit 1
	fi
else
	"$MEMHEAT" record -s damon:attach -a -q --for 60s -o "$OUT/trace"
fi
listing >after
cmp before after
[ "$(cat $kdamond/state)" = on ]
echo off >$kdamond/state
echo 0 >$admin/nr_kdamonds
kill $pid
