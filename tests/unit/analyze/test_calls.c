/* SPDX-License-Identifier: MIT */
/* Callers in profiles and tables of functions; nothing here has names, so code is told
 * apart by its address. */
#include "fixture.h"

static const char *const trace =
	"meta time=1 key=source.1.name value=mem\n"
	"map time=1 source=1 op=add pid=7 start=0x400000 end=0x500000 prot=5\n"
	"map time=1 source=1 op=add pid=8 start=0x400000 end=0x500000 prot=5\n"
	"stack time=2 source=1 id=1 ip=0x401001\n"
	"stack time=2 source=1 id=2 parent=1 ip=0x402001\n"
	"stack time=2 source=1 id=3 parent=2 ip=0x403000\n"
	"stack time=2 source=2 id=3 parent=9 ip=0x409000\n"
	"stack time=2 source=1 id=5 parent=4 ip=0x405000\n"
	"stack time=2 source=1 id=6 parent=2 ip=0x402001\n"
	"stack time=2 source=1 id=7 parent=6 ip=0x403000\n"
	/* In the middle of a chain, of two processes, with a period. */
	"sample time=10 source=1 pid=7 tid=7 ip=0x403000 addr=0x1000 stack=3 period=5 "
	"flags=1\n"
	"sample time=11 source=1 pid=8 tid=8 ip=0x403000 addr=0x1000 stack=3 period=5 "
	"flags=1\n"
	/* Its caller was never told; then one without a chain. */
	"sample time=12 source=1 pid=7 tid=7 ip=0x405000 addr=0x2000 stack=5 flags=1\n"
	"sample time=13 source=1 pid=7 tid=7 ip=0x406000 addr=0x2000 flags=1\n"
	/* Recursion; and a sample in the kernel whose chain is of user mode alone. */
	"sample time=14 source=1 pid=7 tid=7 ip=0x403000 addr=0x3000 stack=7 flags=1\n"
	"sample time=15 source=1 pid=7 tid=7 ip=0xffffffff81000000 addr=0x3000 stack=1 "
	"flags=3\n";

/* Addresses of the callers of a row, innermost first, as text. */
static const char *chain_of(const struct mh_profile *p, const struct mh_profile_row *row,
			    char *text, size_t size)
{
	uint32_t at = row->caller;
	size_t len = 0;

	*text = '\0';
	for (; at != MH_PROFILE_NONE; at = p->callers[at].parent) {
		assert_true(at < p->nr_callers);
		assert_int_equal(p->codes[p->callers[at].code].pid,
				 p->codes[row->code].pid);
		len += (size_t)snprintf(
			text + len, size - len, "%s%llx", len ? " " : "",
			(unsigned long long)p->codes[p->callers[at].code].addr);
	}
	return text;
}

static void check_row(const struct mh_profile *p, uint32_t pid, uint64_t ip,
		      uint64_t addr, const char *chain)
{
	char text[256];
	size_t i, found = 0;

	for (i = 0; i < p->nr_rows; i++) {
		const struct mh_profile_row *r = &p->rows[i];

		if (p->codes[r->code].pid != pid || p->codes[r->code].addr != ip ||
		    r->addr != addr)
			continue;
		assert_string_equal(chain_of(p, r, text, sizeof(text)), chain);
		found++;
	}
	assert_int_equal(found, 1);
}

static void test_profile(void **state)
{
	struct mh_profile_opts opts = { .callers = true };
	struct mh_profile p;
	struct fixture fx;
	struct mh_session *s;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, trace);
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_profile_analyze(&p, s, &opts, NULL), MH_OK);
	assert_int_equal(p.nr_samples, 6);
	assert_int_equal(p.nr_chained, 4);
	assert_int_equal(p.nr_rows, 6);
	/* A caller's place is in its call. */
	check_row(&p, 7, 0x403000, 0x1000, "402000 401000");
	check_row(&p, 8, 0x403000, 0x1000, "402000 401000");
	check_row(&p, 7, 0x405000, 0x2000, "");
	check_row(&p, 7, 0x406000, 0x2000, "");
	check_row(&p, 7, 0x403000, 0x3000, "402000 402000 401000");
	check_row(&p, 7, 0xffffffff81000000, 0x3000, "401000");
	mh_profile_fini(&p);

	/* Who did not ask gets none of it. */
	opts.callers = false;
	assert_int_equal(mh_profile_analyze(&p, s, &opts, NULL), MH_OK);
	assert_int_equal(p.nr_callers, 0);
	assert_int_equal(p.nr_chained, 0);
	assert_int_equal(p.nr_codes, 5);
	mh_profile_fini(&p);
	mh_session_close(s);
	fixture_end(&fx);
}

/* Without names all code of a module is one row, which every sample is in once. */
static void test_children_count_once(void **state)
{
	struct mh_code code;
	struct fixture fx;
	struct mh_session *s;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, trace);
	s = fixture_open(&fx, NULL);
	assert_int_equal(mh_code_children_analyze(&code, s, NULL, NULL), MH_OK);
	assert_true(code.has_children);
	assert_int_equal(code.nr_chained, 4);
	assert_int_equal(code.from.nr_samples, 6);
	assert_int_equal(code.nr_rows, 1);
	assert_int_equal(code.rows[0].samples, 6);
	assert_int_equal(code.rows[0].nr_children, 6);
	assert_true(code.rows[0].children > 0.999 && code.rows[0].children < 1.001);
	mh_code_fini(&code);
	mh_session_close(s);
	fixture_end(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_children_count_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
