/* SPDX-License-Identifier: MIT */
/*
 * Names in programs of many builds: compilers, DWARF versions, and every place where
 * debug information may be. Each program says itself where its code and data are.
 */
#include "program.h"

struct build {
	const char *name;
	const char *needs; /* programs, by spaces */
	const char *command;
	const char *debug_dir; /* in the program's folder; NULL: the usual */
	const char *as;        /* recorded path; NULL: its own */
};

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
	{ "cxx_gcc", "g++", "g++ -g -O2 $SRC/prog.cc -o prog", NULL, NULL },
	{ "cxx_gcc_types", "g++", "g++ -g -O2 -fdebug-types-section $SRC/prog.cc -o prog",
	  NULL, NULL },
	{ "cxx_gcc4", "g++", "g++ -gdwarf-4 -O2 $SRC/prog.cc -o prog", NULL, NULL },
	{ "cxx_clang", "clang++", "clang++ -g -O2 $SRC/prog.cc -o prog", NULL, NULL },
	{ "cxx_split", "g++", "g++ -g -O2 -gsplit-dwarf $SRC/prog.cc -o prog", NULL,
	  NULL },
	{ "rust", "rustc", "rustc -g -O --crate-name prog -o prog $SRC/prog.rs", NULL,
	  NULL },
	{ "rust_v0", "rustc",
	  "rustc -g -C symbol-mangling-version=v0 --crate-name prog -o prog $SRC/prog.rs",
	  NULL, NULL },
};

static int have_all(const char *needs)
{
	char list[256], *tool, *save = NULL;

	snprintf(list, sizeof(list), "%s", needs);
	for (tool = strtok_r(list, " ", &save); tool; tool = strtok_r(NULL, " ", &save)) {
		if (!have(tool))
			return 0;
	}
	return 1;
}

static void names_of_a_build(void **state)
{
	const struct build *b = *state;
	char dir[600];
	const char *dirs[] = { dir, NULL };
	struct mh_symtab_opts opts = { .debug_dirs = b->debug_dir ? dirs : NULL };
	struct program p;

	if (!have_all(b->needs))
		skip_because("%s is not here", b->needs);
	program_dir(&p, b->name);
	if (program_build(&p, b->command))
		skip_because("this compiler cannot build it");
	snprintf(dir, sizeof(dir), "%s/%s", p.dir, b->debug_dir ? b->debug_dir : "");
	program_run(&p, b->as);
	program_check(&p, &opts);
	program_fini(&p);
}

#define NR_BUILDS (sizeof(builds) / sizeof(*builds))

int main(void)
{
	struct CMUnitTest tests[NR_BUILDS] = { 0 };
	struct build copies[NR_BUILDS];
	size_t i;

	memcpy(copies, builds, sizeof(builds));
	for (i = 0; i < NR_BUILDS; i++) {
		tests[i].name = builds[i].name;
		tests[i].test_func = names_of_a_build;
		tests[i].initial_state = &copies[i];
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
