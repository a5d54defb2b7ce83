#!/bin/sh
# SPDX-License-Identifier: MIT
# check-headers refuses a header that leans on an include of its user.
set -eu
mkdir -p include/memheat lib/base
printf '#include <stdint.h>\nuint32_t mh_a(void);\n' >include/memheat/base.h
printf '#include <memheat/base.h>\n#include <stddef.h>\nsize_t mh_b(void);\n' >lib/base/vec.h
unset LINT_CPP
"$TOP/scripts/check-headers" . >/dev/null

printf 'size_t mh_c(void);\n' >lib/base/bad.h
if "$TOP/scripts/check-headers" . >found 2>&1; then
	echo "a header without its includes passed"
	exit 1
fi
grep -q '^lib/base/bad.h: does not compile alone' found
if grep -q '^lib/base/vec.h:' found; then exit 1; fi

# Plain C11 is asked of the public ones: no GNU extension.
rm lib/base/bad.h
printf 'static inline int mh_d(int x) { return typeof(x)x; }\n' >include/memheat/view.h
if "$TOP/scripts/check-headers" . >found 2>&1; then
	echo "a public header with a GNU extension passed"
	exit 1
fi
