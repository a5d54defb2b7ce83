#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every store to a variable, by a hardware breakpoint, from the exec of a command on and in
# the threads that it starts; two events side by side; wrong names.
set -eu
. "$TOP/tests/cli/lib.sh"
command -v cc >/dev/null || { echo 'no cc'; exit 77; }

cat >touch.c <<'END'
#include <pthread.h>
volatile long counter __attribute__((aligned(8))), other __attribute__((aligned(8)));
static void *work(void *arg)
{
	for (int i = 0; i < 1000; i++)
		counter = i;
	return arg;
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, work, 0);
	pthread_join(t, 0);
	work(0);
	for (int i = 0; i < 500; i++)
		other = i;
	return 0;
}
END
cc -g -O1 -no-pie -pthread touch.c -o touch
addr()
{
	nm touch | awk -v name="$1" '$3 == name { print "0x" $1 }'
}
counter=$(addr counter) other=$(addr other)
# The kernel clears .bss: its stores are left out.
if ! "$MEMHEAT" record -q -u -e "mem:$counter/8:w" -o t -- ./touch 2>err; then
	grep -qE 'breakpoints|paranoid|no such perf event|refuses' err || fail "$(cat err)"
	echo "no breakpoints here: $(cat err)"
	exit 77
fi
"$MEMHEAT" dump --kind sample t >samples
hex=$(printf '0x%x' "$counter")
[ "$(grep -c "addr=$hex " samples)" -eq 2000 ] || fail "$(grep -c . samples) samples"
[ "$(grep -c '^sample' samples)" -eq 2000 ] || fail 'foreign addresses'
[ "$(sed -n 's/^sample.* tid=\([0-9]*\) .*/\1/p' samples | sort -u | wc -l)" -eq 2 ] ||
	fail 'both threads store'
status 0 "$MEMHEAT" dump --kind stat t
shows 'name=mem.count value=2000'

status 0 "$MEMHEAT" record -q -u -e "mem:$counter/8:w,mem:$other/8" -o t -- ./touch
"$MEMHEAT" dump --kind sample t >samples
[ "$(grep -c "addr=$(printf '0x%x' "$other") .*event=1 " samples)" -eq 500 ] ||
	fail "$(tail -n 3 samples)"
status 0 "$MEMHEAT" report code -i t
shows '2000  work'
shows '500  main'

status 125 "$MEMHEAT" record -e mem:0x1001/8 -- ./touch
says 'aligned'
status 2 "$MEMHEAT" record -e page-faults,,r1 -- ./touch
says 'a name is empty'
status 2 "$MEMHEAT" record -c 5 -F 10 -e page-faults -- ./touch
says 'not both'
