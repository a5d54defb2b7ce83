#!/bin/sh
# SPDX-License-Identifier: MIT
# The record of before json, in its three versions: regions without ages, in all targets,
# one of which has none for a moment.
set -eu
. "$TOP/tests/cli/lib.sh"

u32()
{
	# shellcheck disable=SC2059
	printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) \
		$(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

u64()
{
	u32 $(($1 & 0xffffffff))
	u32 $(($1 >> 32))
}

target() # ID NR_REGIONS
{
	if [ "$version" -eq 1 ]; then u32 "$1"; else u64 "$1"; fi
	u32 "$2"
}

region() # START END HITS
{
	u64 "$1" && u64 "$2" && u32 "$3"
}

moment() # SECONDS NANOSECONDS NR_TARGETS
{
	u64 "$1" && u64 "$2" && u32 "$3"
}

record()
{
	if [ "$version" -gt 0 ]; then
		printf damon_recfmt_ver
		u32 "$version"
	fi
	moment 7 0 2
	target 1 2
	region 0x1000 0x3000 20
	region 0x3000 0x7f0123456000 0
	target 2 0
	moment 7 100000000 2
	target 1 1
	region 0x1000 0x3000 3
	target 2 1
	region 0x8000 0x9000 1
}

cat >want <<'E2'
region time=7000000000 source=1 start_ns=6900000000 pid=2 start=0x1000 end=0x3000 nr_accesses=20 max_accesses=20
region time=7000000000 source=1 start_ns=6900000000 pid=2 start=0x3000 end=0x7f0123456000 max_accesses=20
region time=7100000000 source=1 start_ns=7000000000 pid=2 start=0x1000 end=0x3000 nr_accesses=3 max_accesses=20
region time=7100000000 source=1 start_ns=7000000000 pid=3 start=0x8000 end=0x9000 nr_accesses=1 max_accesses=20
E2
for version in 0 1 2; do
	record >record.$version
	status 0 "$MEMHEAT" import damo record.$version -o trace.$version
	status 0 "$MEMHEAT" dump trace.$version
	grep '^region' out >got
	cmp got want >/dev/null || fail "version $version: $(cat got)"
	status 0 "$MEMHEAT" report trace.$version
	status 0 "$MEMHEAT" report wss --format json trace.$version
done

# Cut within a region, and a pipe, which cannot be read twice.
head -c 100 record.2 >short
status 1 "$MEMHEAT" import damo short -o short.data
says 'is cut short at byte 100'
got=0
# shellcheck disable=SC2002
cat record.1 | "$MEMHEAT" import damo - -o pipe.data >out 2>err || got=$?
[ $got -eq 2 ] || fail "exit $got through a pipe"
says 'cannot come through a pipe'
