#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Wrong usage is status 2 and a line that says what is right; nothing is created.
set -u

wrong()
{
	words=$1
	shift
	"$MEMHEAT" record "$@" >out 2>err
	status=$?
	if [ $status -ne 2 ] || [ -s out ] || ! grep -q -e "$words" err; then
		echo "record $*: exit $status, wanted 2 and '$words'"
		cat err
		exit 1
	fi
}

wrong 'name what to record'
wrong 'not several' -p 1 -- true
wrong 'not several' -a -p 1
wrong "'bogus'" -s bogus -- true
wrong 'named twice' -s refs,refs -- true
wrong 'TLB' -s refs -I 1ms -- true
wrong '--no-children' --no-children -- true
for filter in memcg 'anon x' 'reject' 'hugepage_size'; do
	wrong 'the filter\|a filter is' -s damon --snapshot 1s:1 --page-filter "$filter" -- true
done
if ls memheat.data* 2>/dev/null; then
	echo 'files were created'
	exit 1
fi

# A process that is not there is no wrong usage.
"$MEMHEAT" record -p 4194305 2>err
[ $? -eq 1 ] && grep -q 'pid 4194305' err
