/* SPDX-License-Identifier: MIT */
/* Names in programs of C++ and Rust. */
#include "builds.h"

static const struct build builds[] = {
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

int main(void)
{
	return test_builds(builds, sizeof(builds) / sizeof(*builds));
}
