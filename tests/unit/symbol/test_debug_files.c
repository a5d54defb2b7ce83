/* SPDX-License-Identifier: MIT */
/* Names where debug information is compressed, apart, split, or shared by dwz. */
#include "builds.h"

static const struct build builds[] = {
	{ "zlib", "gcc", "gcc -g -O2 -gz=zlib $SRC/prog.c -o prog", NULL, NULL },
	{ "zlib_gnu", "gcc objcopy",
	  "gcc -g -O2 $SRC/prog.c -o prog && objcopy "
	  "--compress-debug-sections=zlib-gnu prog",
	  NULL, NULL },
	{ "debuglink", "gcc objcopy",
	  "gcc -g -O2 $SRC/prog.c -o prog && objcopy --only-keep-debug prog prog.debug "
	  "&& "
	  "objcopy --strip-all --add-gnu-debuglink=prog.debug prog",
	  NULL, NULL },
	{ "debuglink_dot_debug", "gcc objcopy",
	  "gcc -g -O2 $SRC/prog.c -o prog && objcopy --only-keep-debug prog prog.debug "
	  "&& "
	  "objcopy --strip-all --add-gnu-debuglink=prog.debug prog && mkdir .debug && "
	  "mv prog.debug .debug",
	  NULL, NULL },
	{ "debuglink_no_id", "gcc objcopy",
	  "gcc -g -O2 -Wl,--build-id=none $SRC/prog.c -o prog && objcopy "
	  "--only-keep-debug prog prog.debug && objcopy --strip-all "
	  "--add-gnu-debuglink=prog.debug prog",
	  NULL, NULL },
	{ "by_build_id", "gcc objcopy readelf",
	  "gcc -g -O2 $SRC/prog.c -o prog && id=$(readelf -n prog | sed -n 's/.*Build "
	  "ID: "
	  "//p') && dir=debug/.build-id/$(echo $id | cut -c1-2) && mkdir -p $dir && "
	  "objcopy --only-keep-debug --compress-debug-sections prog $dir/$(echo $id | "
	  "cut "
	  "-c3-).debug && strip prog",
	  "debug", NULL },
	{ "deleted_but_kept_by_id", "gcc readelf",
	  "gcc -g -O2 $SRC/prog.c -o prog && id=$(readelf -n prog | sed -n 's/.*Build "
	  "ID: "
	  "//p') && dir=debug/.build-id/$(echo $id | cut -c1-2) && mkdir -p $dir && "
	  "cp prog $dir/$(echo $id | cut -c3-)",
	  "debug", "/nowhere/prog (deleted)" },
	{ "split_gcc", "gcc", "gcc -g -O2 -gsplit-dwarf $SRC/prog.c -o prog", NULL,
	  NULL },
	{ "split_gcc4", "gcc", "gcc -gdwarf-4 -O2 -gsplit-dwarf $SRC/prog.c -o prog",
	  NULL, NULL },
	{ "split_clang", "clang", "clang -g -O2 -gsplit-dwarf $SRC/prog.c -o prog", NULL,
	  NULL },
	{ "split_clang4", "clang",
	  "clang -gdwarf-4 -O2 -gsplit-dwarf $SRC/prog.c -o prog", NULL, NULL },
	{ "dwp_llvm", "clang llvm-dwp",
	  "clang -g -O2 -gsplit-dwarf -c $SRC/prog.c -o prog.o && clang prog.o -o prog "
	  "&& "
	  "llvm-dwp -e prog -o prog.dwp && rm -f *.dwo",
	  NULL, NULL },
	{ "dwp_binutils", "gcc dwp",
	  "gcc -gdwarf-4 -O2 -gsplit-dwarf -c $SRC/prog.c -o prog.o && gcc prog.o -o "
	  "prog "
	  "&& dwp -e prog -o prog.dwp && rm -f *.dwo",
	  NULL, NULL },
	{ "dwz", "gcc dwz", "gcc -g -O2 $SRC/prog.c -o prog && dwz prog", NULL, NULL },
	{ "dwz_alt", "gcc dwz",
	  "gcc -g -O2 $SRC/prog.c -o prog && gcc -g -O1 $SRC/prog.c -o prog2 && gcc -g "
	  "-O0 $SRC/prog.c -o prog3 && dwz -m common.debug -r prog prog2 prog3 && "
	  "readelf "
	  "-S prog | grep -q debugaltlink",
	  NULL, NULL },
};

int main(void)
{
	return test_builds(builds, sizeof(builds) / sizeof(*builds));
}
