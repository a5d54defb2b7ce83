#!/bin/sh
# SPDX-License-Identifier: MIT
# Names that a report found are kept by build-id in the user's cache, and the next report is
# the same to the byte with them, without them, and when they are damaged.
set -eu
. "$TOP/tests/cli/lib.sh"

"$MEMHEAT" sources --format json | grep -q '"name":"faults","usable":true' ||
	{ echo 'faults does not work here'; exit 77; }
command -v cc >/dev/null || { echo 'no cc'; exit 77; }

cat >touch.c <<'END'
static char table[8 << 20];
__attribute__((noinline)) void touch(volatile char *p, long n)
{
	for (long i = 0; i < n; i += 4096)
		p[i] = 1;
}
int main(void)
{
	touch(table, sizeof(table));
	return 0;
}
END
cc -g -O1 -Wl,--build-id=sha1 touch.c -o touch
id=$(LC_ALL=C readelf -n touch | sed -n 's/.*Build ID: //p')
export XDG_CACHE_HOME="$PWD/cache" HOME="$PWD/home"
mkdir home
kept=$XDG_CACHE_HOME/memheat/symbols/$id

status 0 "$MEMHEAT" record -q -s faults -o t -- ./touch
for report in code hot lines 'hot --by type'; do
	# shellcheck disable=SC2086
	for format in text json; do
		status 0 "$MEMHEAT" report $report -i t --format $format --no-cache
		[ ! -e "$XDG_CACHE_HOME" ] || fail "--no-cache: $report wrote a cache"
		mv out plain
		for run in first second damaged again; do
			status 0 "$MEMHEAT" report $report -i t --format $format
			cmp -s out plain ||
				fail "$report, $run run: $(diff out plain)"
			if [ $run = second ] && [ -e "$kept" ]; then
				printf damaged >"$kept"
			fi
		done
		if [ "$report" = code ]; then
			grep -q touch.c "$kept" || fail "nothing is kept in $kept"
		fi
		rm -rf "$XDG_CACHE_HOME"
	done
done
for format in folded pprof; do
	status 0 "$MEMHEAT" export $format -i t -o plain --no-cache
	[ ! -e "$XDG_CACHE_HOME" ] || fail "--no-cache: export $format wrote a cache"
	for run in first second; do
		status 0 "$MEMHEAT" export $format -i t -o got
		cmp -s got plain || fail "export $format, $run run: other bytes"
	done
	[ -e "$kept-linked" ] || [ -e "$kept" ] || fail "export $format keeps nothing"
	rm -rf "$XDG_CACHE_HOME"
done
status 0 "$MEMHEAT" annotate touch -i t --no-cache
[ ! -e "$XDG_CACHE_HOME" ] || fail '--no-cache: annotate wrote a cache'
mv out plain
status 0 "$MEMHEAT" annotate touch -i t
cmp -s out plain || fail 'annotate, first run: other text'
status 0 "$MEMHEAT" annotate touch -i t
cmp -s out plain || fail 'annotate, second run: other text'

# Two at once.
rm -rf "$XDG_CACHE_HOME"
status 0 "$MEMHEAT" report code -i t --no-cache
mv out plain
"$MEMHEAT" report code -i t >one &
pid=$!
"$MEMHEAT" report code -i t >two
wait "$pid"
cmp -s one plain || fail 'one of two at once: other text'
cmp -s two plain || fail 'the other of two at once: other text'

# Where it is: $XDG_CACHE_HOME if that is absolute, else ~/.cache, else nowhere.
XDG_CACHE_HOME=cache2 status 0 "$MEMHEAT" report code -i t
[ ! -e cache2 ] || fail 'a relative XDG_CACHE_HOME was taken'
[ -e "home/.cache/memheat/symbols/$id" ] || fail 'nothing is kept in ~/.cache'
rm -rf home/.cache
(
	unset XDG_CACHE_HOME
	status 0 "$MEMHEAT" report code -i t
)
[ -e "home/.cache/memheat/symbols/$id" ] || fail 'nothing is kept in ~/.cache'
(
	unset XDG_CACHE_HOME HOME
	status 0 "$MEMHEAT" report code -i t
	cmp -s out plain || fail 'without HOME: other text'
)
# A place that cannot be written to is no error.
: >file
XDG_CACHE_HOME=$PWD/file status 0 "$MEMHEAT" report code -i t
cmp -s out plain || fail 'without a folder: other text'
[ ! -s err ] || fail "complained: $(cat err)"
