# SPDX-License-Identifier: MIT
# SIGKILL while recording: the trace up to then can be read; the next start cleans up
# what is ours, and touches nothing that somebody has changed since.
set -e
admin=/sys/kernel/mm/damon/admin/kdamonds
"$WORKLOAD" static --time 1000s &
pid=$!
sleep 1
start_and_kill()
{
	"$MEMHEAT" record -s damon -p $pid -o "$1" 2>/dev/null &
	recorder=$!
	while [ "$(cat $admin/0/state 2>&1)" != on ]; do sleep 0.1; done
	sleep 4
	kill -9 $recorder
	wait $recorder || [ $? -eq 137 ]
	[ "$(cat $admin/nr_kdamonds)" = 1 ]
	[ "$(cat $admin/0/state)" = on ]
}
start_and_kill "$OUT/killed"
"$MEMHEAT" sources >sources
grep '^damon  *yes' sources
"$MEMHEAT" record -s damon -p $pid -q --for 3s -o "$OUT/next"
[ "$(cat $admin/nr_kdamonds)" = 0 ]
[ ! -e /run/memheat/damon.state ]

# One value differs: it is not ours any more.
start_and_kill "$OUT/other"
echo 7777 >$admin/0/contexts/0/monitoring_attrs/intervals/sample_us
if "$MEMHEAT" record -s damon -p $pid --for 1s -o none 2>words; then exit 1; fi
grep 'DAMON is taken by kdamond' words
[ "$(cat $admin/0/state)" = on ]
[ "$(cat $admin/0/contexts/0/monitoring_attrs/intervals/sample_us)" = 7777 ]
echo off >$admin/0/state
echo 0 >$admin/nr_kdamonds

# Signals that ask for the end: nothing stays behind.
for signal in TERM HUP; do
	"$MEMHEAT" record -q -s damon -p $pid -o "$OUT/$signal" &
	recorder=$!
	while [ "$(cat $admin/0/state 2>&1)" != on ]; do sleep 0.1; done
	sleep 6 # 8 snapshots, however slow the guest
	kill -$signal $recorder
	wait $recorder
	[ "$(cat $admin/nr_kdamonds)" = 0 ]
	[ ! -e /run/memheat/damon.state ]
done
# What a shell starts in the background ignores INT.
timeout -s INT 8 "$MEMHEAT" record -q -s damon -p $pid -o "$OUT/INT"
[ "$(cat $admin/nr_kdamonds)" = 0 ]
[ ! -e /run/memheat/damon.state ]
kill $pid
