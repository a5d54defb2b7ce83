#!/bin/sh
# SPDX-License-Identifier: MIT
# Code sorted and filtered by what the hardware told; wrong names list the right ones.
set -eu
. "$TOP/tests/cli/lib.sh"
l1=0x10268100142
l3=0x10650100842
far=0x13a68502042
hitm=0x10668800842
locked=0x1026a100142
{
	echo 'meta time=1000 key=source.1.name value=mem'
	for i in 1 2 3 4 5; do
		echo "sample time=100$i source=1 pid=7 tid=7 ip=0x1000 addr=0x5000 data_src=$l1 weight=10 flags=1"
	done
	echo "sample time=2000 source=1 pid=8 tid=8 ip=0x2000 addr=0x5000 data_src=$l3 weight=400 flags=1"
	echo "sample time=2000 source=1 pid=8 tid=8 ip=0x2000 addr=0x5000 data_src=$far weight=600 flags=1"
	for told in $hitm $locked; do
		echo "sample time=2000 source=1 pid=9 tid=9 ip=0x4000 addr=0x5000 data_src=$told weight=1 flags=1"
	done
	echo 'task time=900 source=1 op=found pid=7 tid=7 comm=a'
	echo 'task time=900 source=1 op=found pid=9 tid=9 comm=c'
	echo 'map time=900 source=1 op=add pid=9 start=0x4000 end=0x5000 prot=5 path=/no/c'
	echo 'task time=900 source=1 op=found pid=8 tid=8 comm=b'
	echo 'map time=900 source=1 op=add pid=7 start=0x1000 end=0x2000 prot=5 path=/no/a'
	echo 'map time=900 source=1 op=add pid=8 start=0x2000 end=0x3000 prot=5 path=/no/b'
} >events
"$MEMHEAT" import text events -o t 2>err || fail "$(cat err)"
first()
{
	"$MEMHEAT" report code -i t --format csv "$@" | sed -n 2p
}
case $(first) in 5,50,*,/no/a,5,0,5,5,l1,5,0,0,0,,) ;; *) fail "share: $(first)" ;; esac
for key in weight latency level tlb; do
	case $(first --sort $key) in
	2,1000,*,/no/b,2,0,2,2,l3,1,1,0,0,,) ;;
	*) fail "$key: $(first --sort $key)" ;;
	esac
done
for key in snoop lock; do
	case $(first --sort $key) in
	2,2,*,/no/c,2,0,2,2,*,1,0,1,1,,) ;;
	*) fail "$key: $(first --sort $key)" ;;
	esac
done
case $(first --snoop hitm) in 1,1,1,*,/no/c,*) ;; *) fail "snoop: $(first --snoop hitm)" ;; esac
case $(first --lock yes) in 1,1,1,*,/no/c,*) ;; *) fail "lock: $(first --lock yes)" ;; esac
case $(first --op load) in 5,50,*) ;; *) fail "op: $(first --op load)" ;; esac
case $(first --level l3 --tlb miss,walk) in 1,400,1,*) ;; *) fail "level: $(first --level l3)" ;; esac
case $(first --tlb miss,walk) in 1,400,*) ;; *) fail "tlb: $(first --tlb miss,walk)" ;; esac
[ -z "$(first --op store)" ] || fail 'stores there are not'
status 0 "$MEMHEAT" report code -i t
shows 'l1 100%'
status 2 "$MEMHEAT" report code -i t --level l9
says 'none of unknown, l1, lfb'
status 2 "$MEMHEAT" report code -i t --sort age
says 'keys: share, weight'
status 2 "$MEMHEAT" report regions -i t --sort tlb
says 'keys: address, rate'
status 2 "$MEMHEAT" report wss -i t --level l1
says "is for: code levels lines"
