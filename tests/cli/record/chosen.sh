#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Which samples a recording has: of the processes, CPUs, control group, mode and time that
# were asked for, and of no others. Two shells, one on each of two CPUs, start programs
# that touch 256 new pages each; the subshell has the shell itself fault once it is back.
set -eu
. "$TOP/tests/cli/lib.sh"
command -v taskset >/dev/null || { echo 'no taskset'; exit 77; }
if ! taskset -c 0 true 2>err || ! taskset -c 1 true 2>err; then
	echo 'CPUs 0 and 1 are not both ours'
	exit 77
fi
if ! "$MEMHEAT" record -q -a -e page-faults --for 10ms -o t 2>err; then
	grep -qE 'paranoid|refuses' err || fail "$(cat err)"
	echo "not permitted here: $(cat err)"
	exit 77
fi

group=
event=page-faults
cleanup()
{
	rm -f go
	wait $first $second || true
	[ -z "$group" ] || rmdir "$group"
}
loop()
{
	# shellcheck disable=SC2016
	exec taskset -c "$1" sh -c 'while [ -e go ]; do "$0" first-touch --total 1M \
		--think 0us >/dev/null || exit 1; (:); sleep 0.03; done' "$WORKLOAD"
}
: >go
loop 0 &
first=$!
loop 1 &
second=$!
trap cleanup EXIT

# record ARG...: then ./samples has "CPU FLAGS WHO" per sample: 5 in user and 7 in kernel
# mode; first, second or other, by the shell that is the process or its parent. ./most: the
# most of one process' user ones.
record()
{
	"$MEMHEAT" record -q -e $event -o t "$@" 2>err || fail "$*: $(cat err)"
	"$MEMHEAT" dump t >text
	awk -v first=$first -v second=$second '
	function value(name, i) {
		for (i = 2; i <= NF; i++)
			if (index($i, name "=") == 1)
				return substr($i, length(name) + 2)
		return 0
	}
	function who(pid) {
		if (pid == first || parent[pid] == first)
			return "first"
		return pid == second || parent[pid] == second ? "second" : "other"
	}
	NR == FNR { if ($1 == "task" && value("ppid")) parent[value("pid")] = value("ppid"); next }
	$1 == "sample" {
		print value("cpu") + 0, value("flags") + 0, who(value("pid"))
		if (value("flags") == 5 && ++nr[value("pid")] > most)
			most = nr[value("pid")]
	}
	END { print most + 0 >"most" }' text text >samples
}
has()
{
	grep -q "$1" samples || fail "no sample '$1': $(sort samples | uniq -c)"
}
has_no()
{
	! grep -q "$1" samples || fail "samples '$1': $(sort samples | uniq -c)"
}
whole()
{
	[ "$(cat most)" -ge 256 ] || fail "at most $(cat most) first touches of a process"
}

record -a --for 700ms
has '^0 5 first'
has '^1 5 second'
has_no '^1 . first'
has_no '^0 . second'
whole
record -a -C 1 --for 500ms
has '^1 5 second'
has_no '^0 '
has_no first
whole
record -a -C 0 -u --for 500ms
has '^0 5 first'
has_no '^1 '
has_no '^. 7 '

record -p $first --for 500ms
has '^0 5 first'
has_no second
has_no other
whole
record -p $first --no-children --for 500ms
has first
has_no second
grep '^sample ' text | grep -qv " pid=$first " && fail 'a child of it'
record -p $first -C 1 --for 300ms
has_no .
record -p $first,$second -C 0-1 --for 500ms
has first
has second
has_no other

# The mode by an option and by the event's name.
record -p $second -k --for 500ms
has '^1 7 second'
has_no '^. 5 '
record -p $second -u --for 500ms
has '^1 5 second'
has_no '^. 7 '
for flags in 5 7; do
	event=page-faults:u
	[ $flags -eq 5 ] || event=page-faults:k
	record -p $second --for 500ms
	has "^1 $flags second"
	has_no "^. $((12 - flags)) "
done
event=page-faults

# A command, on one CPU by its own choice, watched on this and on the other one.
for cpu in 0 1; do
	# shellcheck disable=SC2016
	record -C $cpu -- sh -c 'taskset -c 1 sh -c "\"\$0\" first-touch --total 1M --think 0us; :" "$0"; :' "$WORKLOAD"
	if [ $cpu -eq 1 ]; then whole; else [ "$(cat most)" -lt 256 ] || fail 'CPU 1 is not left out'; fi
	has_no "^$((1 - cpu)) "
done

# Ten programs one after the other, for more than the delay.
# shellcheck disable=SC2016
record --delay 200ms -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do "$0" first-touch --total 1M --think 0us; sleep 0.05; done' "$WORKLOAD"
whole
start=$(sed -n 's/^meta .*key=trace.start_ns value=\([0-9]*\).*/\1/p' text)
earliest=$(sed -n 's/^sample time=\([0-9]*\).*/\1/p' text | sort -n | head -n 1)
[ "$earliest" -ge $((start + 200000000)) ] || fail "a sample at $earliest, start $start"

mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -n "$mount" ] && mkdir "$mount/memheat-test.$$" 2>err; then
	group=$mount/memheat-test.$$
	echo $first >"$group/cgroup.procs"
	record --cgroup "/memheat-test.$$" --for 700ms
	has '^0 5 first'
	has_no second
	whole
else
	echo "no cgroup2 group can be made here: $(cat err)"
fi
