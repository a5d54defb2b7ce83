# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Traces of known working sets: . "$TOP/tests/cli/check-lib.sh"
. "$TOP/tests/cli/lib.sh"
unset GITHUB_STEP_SUMMARY

# trace FILE PAGES [THP]: four windows of 1 s; PAGES of [heap] touched in each. WAIT: in
# each it ran for 100 ms and waited for so many.
trace()
{
	{
		echo 'meta time=1 key=trace.start_ns value=1000000000'
		echo 'meta time=1 key=host.page_size value=4096'
		echo 'meta time=1 key=host.arch value=x86_64'
		echo "meta time=1 key=host.thp value=${3:-madvise}"
		echo "meta time=1 key=host.kernel value=${KERNEL:-one}"
		echo 'meta time=1 key=target.command value="./bench <a&b>"'
		echo 'meta time=1 key=source.1.name value=refs'
		echo 'meta time=1 key=source.1.interval_ns value=1000000000'
		echo 'task time=1000000000 op=exec pid=7 tid=7 comm=bench'
		echo 'map time=1000000000 pid=7 op=add start=0x10000000 end=0x20000000 path=[heap]'
		for i in 1 2 3 4; do
			echo "region time=$((i + 1))000000000 start_ns=${i}000000000 source=1 pid=7 start=0x10000000 end=0x20000000 touched=$(($2 * 4096))"
			[ -z "${WAIT:-}" ] || for told in run:100 wait:$WAIT; do
				echo "stat time=$((i + 1))000000000 source=1 pid=7 name=window.${told%:*}_ns value=${told#*:}000000"
			done
		done
	} >"$1.text"
	"$MEMHEAT" import text "$1.text" -o "$1" 2>err || fail "import: $(cat err)"
}

# side NAME PAGES...: one trace per number, NAME1 NAME2 ...
side()
{
	name=$1 nr=0
	shift
	for pages; do
		nr=$((nr + 1))
		trace "$name$nr" "$pages"
	done
}

needs_json()
{
	"$MEMHEAT" baseline show base.json >/dev/null 2>err && return 0
	if grep -q 'no JSON library' err; then
		echo 'built without yajl'
		exit 77
	fi
	fail "$(cat err)"
}
