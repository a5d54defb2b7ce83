#!/bin/sh
# SPDX-License-Identifier: MIT
# The heap log: each of the allocator's calls, by the line that made it, in threads and
# children; the program goes as it does without us; what cannot be logged is said.
set -eu
. "$TOP/tests/cli/lib.sh"
command -v cc >/dev/null || { echo 'no cc'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
case $MEMHEAT in
*san-*) echo 'the shim is not for programs with sanitizers'; exit 77 ;;
esac

cat >calls.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *volatile keep[16];
static void *thread(void *arg)
{
	keep[10] = malloc(1010000);
	return arg;
}
int main(void)
{
	pthread_t t;
	void *p;

	keep[0] = malloc(1000000);
	keep[1] = calloc(101, 10000);
	keep[2] = realloc(malloc(100), 1020000);
	keep[2] = realloc(keep[2], 8020000);
	keep[3] = reallocarray(NULL, 103, 10000);
	keep[4] = aligned_alloc(64, 1040000);
	if (posix_memalign(&p, 4096, 1050000))
		return 1;
	keep[5] = memalign(64, 1060000);
	keep[6] = valloc(1070000);
	keep[7] = malloc(65535);
	free(keep[0]);
	errno = 42;
	free(malloc(1080000));
	if (errno != 42)
		return 2;
	if (malloc(1ul << 62) || errno != ENOMEM || realloc(keep[1], 1ul << 62))
		return 3;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	if (!fork()) {
		keep[11] = malloc(1110000);
		_exit(0);
	}
	wait(NULL);
	puts("said by calls");
	return 7;
}
END
cc -g -O1 -pthread -fno-builtin calls.c -o calls
status 7 "$MEMHEAT" record -q -s refs --heap -o t -- ./calls
[ "$(cat out)" = 'said by calls' ] || fail "output: $(cat out)"
[ ! -s err ] || fail "said: $(cat err)"
"$MEMHEAT" dump t -k heap,stack,task >events
"$MEMHEAT" dump t >first
"$MEMHEAT" import text first -o again 2>err
"$MEMHEAT" dump again -k heap,stack | grep -v '^#' >b
grep -E '^(heap|stack)' first | cmp - b || fail 'import of the text gives other events'
"$MEMHEAT" repack t -o small --time 1h: 2>err
"$MEMHEAT" dump small -k heap,stack | grep -v '^#' | cmp - b || fail 'repack lost events'
python3 - events <<'END'
import sys

events = [dict(w.split("=", 1) for w in l.split()[1:]) | {"kind": l.split()[0]}
          for l in open(sys.argv[1]) if not l.startswith("#")]
heap = [e for e in events if e["kind"] == "heap"]
first = {e["id"]: int(e["ip"], 16) for e in events if e["kind"] == "stack"}
allocs = {int(e["size"]): e for e in heap if e["op"] == "alloc"}
want = {1000000, 1010000, 1020000, 8020000, 1030000, 1040000, 1050000, 1060000, 1070000,
        1080000, 1110000}
assert want <= set(allocs), want - set(allocs)
assert 65535 not in allocs
freed = [e["addr"] for e in heap if e["op"] == "free"]
for size in (1000000, 1020000, 1080000):
    assert allocs[size]["addr"] in freed, size
for size in (1010000, 1030000, 1040000, 8020000):
    assert allocs[size]["addr"] not in freed, size
child = allocs[1110000]["pid"]
assert child != allocs[1000000]["pid"]
# Each is from a line of its own.
assert len({first[allocs[size]["stack"]] for size in want}) == len(want)
END

# Many threads at once, small blocks. In a hurry: what was not logged is counted. With
# pauses nothing is lost, and no address is given out twice without a free between.
cat >many.c <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static int rounds, pause_us;
static void *thread(void *arg)
{
	void *v[16] = { 0 };
	int i;

	for (i = 0; i < rounds; i++) {
		free(v[i % 16]);
		v[i % 16] = malloc(100 + i % 900);
		if (pause_us && i % 500 == 0)
			usleep(pause_us);
	}
	return arg;
}
int main(int argc, char **argv)
{
	pthread_t t[4];
	int i;

	rounds = atoi(argv[1]);
	pause_us = atoi(argv[argc - 1]);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, thread, NULL);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return 0;
}
END
cc -O1 -pthread -fno-builtin many.c -o many
for how in '40000 0' '4000 50000'; do
	# shellcheck disable=SC2086
	status 0 "$MEMHEAT" record -q -s refs --heap=64 -o t -- ./many $how
	"$MEMHEAT" dump t -k heap,lost >events
	# shellcheck disable=SC2086
	python3 - events $how <<'END'
import sys

rounds, pause = int(sys.argv[2]), int(sys.argv[3])
heap, lost = [], 0
for line in open(sys.argv[1]):
    if line.startswith("#"):
        continue
    e = dict(w.split("=", 1) for w in line.split()[1:])
    if line.startswith("lost"):
        lost += int(e["count"]) if e["cause"] == "heap" else 0
    else:
        heap.append(e)
# So many allocations, frees of all but the last 16 of each thread, a few of the library.
least = 4 * (2 * rounds - 16)
assert least <= len(heap) + lost <= least + 100, (len(heap), lost)
live = set()
for e in heap if not lost else []:
    if e["op"] == "alloc":
        assert e["addr"] not in live, e
        live.add(e["addr"])
    elif e["op"] == "free":
        live.discard(e["addr"])
if pause:
    print(f"lost {lost}")
END
done

# C++: operator new is not the site, its caller is; vector's insides are not either.
if command -v c++ >/dev/null; then
	cat >new.cc <<'END'
char *volatile p;
__attribute__((noinline)) static void make() { p = new char[1 << 20]; }
int main() { make(); return *p; }
END
	c++ -g -O2 -fomit-frame-pointer new.cc -o new
	status 0 "$MEMHEAT" record -q -s refs --heap -o t -- ./new
	# make, called by main, and that by something
	"$MEMHEAT" dump t -k stack | grep -c ' parent=[1-9]' >n
	[ "$(cat n)" -ge 2 ] || fail 'the chain ends in operator new'
fi

# Static programs are said, and run.
echo 'int main(void) { return 5; }' >five.c
if cc -static five.c -o five 2>/dev/null; then
	status 5 "$MEMHEAT" record -q -s refs --heap -o t -- ./five
	says 'statically linked'
	if "$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true'; then
		status 5 "$MEMHEAT" record -q -s faults --heap -o t -- sh -c './five; exit 5'
		says '1 program ran without the heap log'
		says 'five'
	fi
fi
if cc -fsanitize=address five.c -o asan 2>/dev/null; then
	status 5 "$MEMHEAT" record -q -s refs --heap -o t -- ./asan
	says 'sanitizer'
fi

# Wrong usage; a shim that is not there.
status 2 "$MEMHEAT" record --heap -p 1
says 'cannot be preloaded'
status 2 "$MEMHEAT" record --heap=none -o t -- true
status 2 "$MEMHEAT" record --heap=0 -o t -- true
cp "$MEMHEAT" alone
status 125 ./alone record -q -s refs --heap -o t -- true
says 'libmemheat-heap.so'
