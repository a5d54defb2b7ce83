#!/bin/sh
# SPDX-License-Identifier: MIT
# check-static finds a lonely global and a name without mh_, and accepts what is used.
set -eu
: "${CC:=cc}"
mkdir -p lib/base cmd tests
cat >lib/base/good.c <<'END'
int mh_used(void);
int mh_tested(void);
static int own(void) { return 1; }
int mh_used(void) { return own(); }
int mh_tested(void) { return 2; }
END
cat >cmd/main.c <<'END'
int mh_used(void);
int main(void) { return mh_used(); }
END
cat >tests/test.c <<'END'
int mh_tested(void);
int helper_of_a_test(void);
int helper_of_a_test(void) { return mh_tested(); }
END
cat >lib/base/bad.c <<'END'
int counter;
int mh_lonely(void);
int mh_lonely(void) { return counter; }
END
for f in lib/base/good cmd/main tests/test lib/base/bad; do
	$CC -c -o $f.o $f.c
done

"$TOP/scripts/check-static" lib/base/good.o cmd/main.o tests/test.o
if "$TOP/scripts/check-static" lib/base/good.o cmd/main.o tests/test.o lib/base/bad.o >found; then
	echo "nothing was found"
	exit 1
fi
cat >want <<'END'
lib/base/bad.o: counter: a global symbol of lib/ begins with mh_
lib/base/bad.o: counter: used in no other file; make it static or remove it
lib/base/bad.o: mh_lonely: used in no other file; make it static or remove it
END
diff want found
