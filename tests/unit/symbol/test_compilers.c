/* SPDX-License-Identifier: MIT */
/* Names in programs of gcc and clang, DWARF 3 to 5, PIE and not, LTO, lld. */
#include "builds.h"

static const struct build builds[] = {
	{ "gcc_pie", "gcc", "gcc -g -O2 -pie -fPIE $SRC/prog.c -o prog", NULL, NULL },
	{ "gcc_no_pie", "gcc", "gcc -g -O2 -no-pie -fno-pie $SRC/prog.c -o prog", NULL,
	  NULL },
	{ "gcc_O0", "gcc", "gcc -g -O0 $SRC/prog.c -o prog", NULL, NULL },
	{ "gcc_dwarf4", "gcc", "gcc -gdwarf-4 -O2 $SRC/prog.c -o prog", NULL, NULL },
	{ "gcc_dwarf3", "gcc", "gcc -gdwarf-3 -gstrict-dwarf -O1 $SRC/prog.c -o prog",
	  NULL, NULL },
	{ "gcc_dwarf64", "gcc", "gcc -g -gdwarf64 -O2 $SRC/prog.c -o prog", NULL, NULL },
	{ "gcc_lto", "gcc", "gcc -g -O2 -flto $SRC/prog.c -o prog", NULL, NULL },
	{ "gcc_sections", "gcc",
	  "gcc -g -O2 -ffunction-sections -fdata-sections -Wl,--gc-sections $SRC/prog.c "
	  "-o prog",
	  NULL, NULL },
	{ "clang_pie", "clang", "clang -g -O2 -fPIE -pie $SRC/prog.c -o prog", NULL,
	  NULL },
	{ "clang_no_pie", "clang", "clang -g -O2 -no-pie $SRC/prog.c -o prog", NULL,
	  NULL },
	{ "clang_dwarf4", "clang", "clang -gdwarf-4 -O2 $SRC/prog.c -o prog", NULL,
	  NULL },
	{ "clang_lld", "clang ld.lld", "clang -g -O2 -fuse-ld=lld $SRC/prog.c -o prog",
	  NULL, NULL },
	{ "types_v5", "gcc", "gcc -g -O2 -fdebug-types-section $SRC/prog.c -o prog", NULL,
	  NULL },
	{ "types_v4", "gcc",
	  "gcc -gdwarf-4 -O2 -fdebug-types-section $SRC/prog.c -o prog", NULL, NULL },
};

int main(void)
{
	return test_builds(builds, sizeof(builds) / sizeof(*builds));
}
