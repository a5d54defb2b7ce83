#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Call chains of programs without frame pointers: of what gcc and clang make at least 99 %
# of the samples have the chain that the program noted. Also with .debug_frame instead of
# .eh_frame, in the file itself or in one of --debug-dir, with copies too short for the
# whole chain, and with a file that was replaced.
set -u
. "$TOP/tests/cli/lib.sh"
here=$TOP/tests/cli/record

"$MEMHEAT" record -q -s faults -g dwarf -o t -- true 2>err ||
	{ echo "page faults cannot be sampled here: $(cat err)"; exit 77; }
"$MEMHEAT" dump -k stack_copy t >copies
grep -q '^stack_copy ' copies || { echo "no stacks can be copied here"; exit 77; }

# check NAME CALL-GRAPH DEPTH [--cut]: record ./NAME and compare its chains.
check()
{
	status 0 "$MEMHEAT" record -q -s faults -g "$2" -o "$1.data" -- "./$1" "$1.log" 40 "$3"
	status 0 "$MEMHEAT" repack --unwind "$1.data" -o "$1.chains"
	"$MEMHEAT" dump "$1.chains" >"$1.dump"
	grep -q '^stack_copy' "$1.dump" && fail "$1: copies are left"
	python3 "$here/unwind.py" "$PWD/$1" "$1.log" "$1.dump" ${4:+"$4"} >"$1.out" ||
		fail "$1: $(cat "$1.out")"
}

built=
for cc in gcc clang; do
	command -v "$cc" >/dev/null || { echo "$cc is not installed"; continue; }
	"$cc" -O2 -fomit-frame-pointer -o "of_$cc" "$here/unwind.c" || fail "$cc"
	check "of_$cc" dwarf 9
	built=$cc
done
[ "$built" ] || { echo "no compiler"; exit 77; }

"$built" -O2 -g -fomit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables \
	-o debug_frame "$here/unwind.c" || fail "$built"
check debug_frame dwarf 9
check "of_$built" dwarf,512 200 --cut
"$MEMHEAT" repack --unwind "of_$built.data" -o again 2>err
grep -q 'cut short: the copied stack ends' err || fail "not said: $(cat err)"

# Stripped of its only table, which is in a debug file then. The names of its functions
# for the comparison are those of the file that it was.
"$built" -O2 -g -Wl,--build-id -fomit-frame-pointer -fno-asynchronous-unwind-tables \
	-fno-unwind-tables -o stripped "$here/unwind.c" || fail "$built"
id=$(readelf -n stripped | sed -n 's/.*Build ID: //p')
rest=${id#??}
mkdir -p "dirs/.build-id/${id%"$rest"}"
objcopy --only-keep-debug stripped "dirs/.build-id/${id%"$rest"}/$rest.debug"
cp stripped whole
strip stripped
status 0 "$MEMHEAT" record -q -s faults -g dwarf -o stripped.data -- ./stripped \
	stripped.log 40 9
"$MEMHEAT" repack --unwind stripped.data -o again 2>err
grep -q 'cut short: no unwinding table' err || fail "not said: $(cat err)"
"$MEMHEAT" repack --unwind --debug-dir no/such,dirs stripped.data -o stripped.chains 2>err
"$MEMHEAT" dump stripped.chains | sed "s,$PWD/stripped,$PWD/whole," >stripped.dump
python3 "$here/unwind.py" "$PWD/whole" stripped.log stripped.dump >stripped.out ||
	fail "stripped: $(cat stripped.out)"
for dir in none dirs; do
	"$MEMHEAT" report code --children --debug-dir "$dir" --format csv stripped.data \
		>"$dir.csv" 2>err || fail "$dir: $(cat err)"
done
# With the table main() and all between are callers; without, touch() has none.
grep -qw main dirs.csv || fail "no callers: $(cat dirs.csv)"
grep -qw main none.csv && fail "callers without a table: $(cat none.csv)"
status 2 "$MEMHEAT" repack --debug-dir dirs stripped.data -o again

# Another program under the name of the one that was recorded.
cp debug_frame "of_$built"
"$MEMHEAT" repack --unwind "of_$built.data" -o again 2>err
grep -q 'cut short: build-id differs' err || fail "not said: $(cat err)"
awk '/to the outermost frame/ { exit $6 + 0 > 0 }' err ||
	fail "chains from another program: $(cat err)"
