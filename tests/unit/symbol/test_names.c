/* SPDX-License-Identifier: MIT */
/* Readable names: C++, both manglings of Rust, clones, long and hostile ones. */
#include <stdlib.h>

#include "symbol/names.h"
#include "test.h"

static const char *readable(struct mh_names *names, const char *raw)
{
	const char *s = mh_names_readable(names, raw);

	assert_non_null(s);
	return s;
}

static void cxx_names(void **state)
{
	struct mh_names names = { 0 };

	(void)state;
	if (strcmp(readable(&names, "_Z1fv"), "f()") != 0) {
		mh_names_fini(&names);
		skip_because("libstdc++.so.6 is not here");
	}
	assert_string_equal(readable(&names, "_ZN2ns5visitIsEEvRKNS_3boxIT_EE"),
			    "void ns::visit<short>(ns::box<short> const&)");
	assert_string_equal(readable(&names, "_ZTV3foo"), "vtable for foo");
	assert_string_equal(readable(&names, "_Z4coldv.cold"), "cold() [clone .cold]");
	assert_string_equal(readable(&names, "_ZSt4cout@@GLIBCXX_3.4"), "std::cout");
	assert_string_equal(readable(&names, "main"), "main");
	assert_string_equal(readable(&names, "_Zrubbish"), "_Zrubbish");
	mh_names_fini(&names);
}

static void no_demangling(void **state)
{
	struct mh_names names = { .raw = true };

	(void)state;
	assert_string_equal(readable(&names, "_Z1fv"), "_Z1fv");
	mh_names_fini(&names);
}

static void rust_legacy(void **state)
{
	static const struct {
		const char *from, *to;
	} v[] = {
		{ "prog::work::h3d87088fd4c13800", "prog::work" },
		{ "_$LT$T$u20$as$u20$core..fmt..Debug$GT$::fmt::h0123456789abcdef",
		  "<T as core::fmt::Debug>::fmt" },
		{ "prog::work", "prog::work" },
		{ "a::h3d87088fd4c1380z", "a::h3d87088fd4c1380z" },
	};
	char buf[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(*v); i++) {
		snprintf(buf, sizeof(buf), "%s", v[i].from);
		mh_rust_legacy_tidy(buf);
		assert_string_equal(buf, v[i].to);
	}
}

/* Names and meanings from the specification of the v0 mangling (RFC 2603). */
static void rust_v0(void **state)
{
	static const struct {
		const char *from, *to;
	} v[] = {
		{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
		{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
		{ "_RNCNvCsgStHSCytQ6I_7mycrate4main0B3_", "mycrate::main::{closure}" },
		{ "_RINvNtC3std3mem8align_ofjE", "std::mem::align_of::<usize>" },
		{ "_RINvC7mycrate3foolRaPxE", "mycrate::foo::<i32, &i8, *const i64>" },
		{ "_RNvMs_C7mycrateNtB4_3Foo3bar", "<mycrate::Foo>::bar" },
		{ "_RNvXC7mycrateNtB2_3FooNtB2_3Bar3baz",
		  "<mycrate::Foo as mycrate::Bar>::baz" },
		{ "_RINvC1a1bAhj10_TmtEFcEuE", "a::b::<[u8; _], (u32, u16), fn(char)>" },
	};
	char buf[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(*v); i++) {
		assert_true(mh_rust_v0_demangle(v[i].from, buf, sizeof(buf)));
		assert_string_equal(buf, v[i].to);
	}
	assert_false(mh_rust_v0_demangle("_RNvC7mycr", buf, sizeof(buf)));
	assert_false(
		mh_rust_v0_demangle("_RNvC99999999999999999999a1b", buf, sizeof(buf)));
	assert_false(mh_rust_v0_demangle("_RNvB_3foo", buf, sizeof(buf)));
	assert_false(mh_rust_v0_demangle("_RNvC7mycrate3foo", buf, 8));
}

/* Each argument is a pair of the one before: 2^60 letters if anybody wrote it out. */
static void names_that_explode(void **state)
{
	struct mh_names names = { 0 };
	char raw[2048] = "_Z1fSt4pairIiiES_IS0_S0_E";
	size_t len = strlen(raw);
	int i;

	(void)state;
	for (i = 1; i < 60; i++) {
		static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
		char id[4];

		if (i < 36)
			snprintf(id, sizeof(id), "%c", digits[i]);
		else
			snprintf(id, sizeof(id), "1%c", digits[i - 36]);
		len += (size_t)snprintf(raw + len, sizeof(raw) - len, "S_IS%s_S%s_E", id,
					id);
	}
	assert_true(mh_cxx_name_estimate(raw) > (uint64_t)1 << 50);
	assert_string_equal(readable(&names, raw), raw);
	assert_true(mh_cxx_name_estimate("_ZN2ns5visitIsEEvRKNS_3boxIT_EE") < 4096);
	mh_names_fini(&names);
}

static void names_are_printable_and_bounded(void **state)
{
	struct mh_names names = { 0 };
	char *big = malloc(100001);
	const char *kept;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 100000);
	big[100000] = 0;
	kept = mh_names_keep(&names, big);
	assert_true(strlen(kept) < MH_NAME_MAX);
	assert_string_equal(kept + strlen(kept) - 3, "...");
	assert_string_equal(mh_names_keep(&names, "a\033[2Jb\n"), "a?[2Jb?");
	assert_string_equal(mh_names_keep(&names, "naïve"), "naïve");
	free(big);
	mh_names_fini(&names);
}

static void room_is_apart(void **state)
{
	struct mh_names names = { 0 };
	unsigned char *v[200];
	size_t i, k;

	(void)state;
	for (i = 0; i < 200; i++) {
		size_t size = i % 7 == 0 ? 70000 : 1000 + i;

		v[i] = mh_names_room(&names, size);
		assert_non_null(v[i]);
		assert_int_equal((uintptr_t)v[i] % 8, 0);
		memset(v[i], (int)i, size);
	}
	for (i = 0; i < 200; i++) {
		for (k = 0; k < 1000; k += 333)
			assert_int_equal(v[i][k], i);
	}
	mh_names_fini(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cxx_names),
		cmocka_unit_test(no_demangling),
		cmocka_unit_test(rust_legacy),
		cmocka_unit_test(rust_v0),
		cmocka_unit_test(names_that_explode),
		cmocka_unit_test(names_are_printable_and_bounded),
		cmocka_unit_test(room_is_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
