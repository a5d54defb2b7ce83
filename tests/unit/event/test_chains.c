/* SPDX-License-Identifier: MIT */
/* Chains go in as perf records them, and come back from the frames that were told. */
#include "test.h"

#include <stdbool.h>
#include <string.h>

#include "event/chains.h"

struct told {
	struct mh_ev_stack frames[64];
	size_t nr;
};

static int take(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct told *t = arg;

	(void)err;
	assert_int_equal(ev->kind, MH_EV_STACK);
	assert_int_equal(ev->source, 3);
	assert_int_equal(ev->time_ns, 77);
	assert_true(t->nr < 64);
	assert_int_equal(ev->stack.id, t->nr + 1);
	t->frames[t->nr++] = ev->stack;
	return 0;
}

static uint32_t put(struct mh_chains *c, struct told *t, const uint64_t *chain, size_t nr,
		    bool swapped)
{
	struct mh_event ev = { .kind = MH_EV_SAMPLE, .source = 3, .time_ns = 77 };
	uint8_t bytes[1 + 8 * 16];
	uint32_t id;

	memcpy(bytes + 1, chain, 8 * nr); /* unaligned, as in a record */
	assert_int_equal(
		mh_chains_put(c, &id, &ev, bytes + 1, nr, swapped, take, t, NULL), MH_OK);
	return id;
}

/* Innermost first, as the chain went in. */
static void check(const struct told *t, uint32_t id, const uint64_t *ips, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		assert_true(id > 0 && id <= t->nr);
		assert_int_equal(t->frames[id - 1].ip, ips[i]);
		id = t->frames[id - 1].parent;
	}
	assert_int_equal(id, 0);
}

static void test_shared_callers(void **state)
{
	static const uint64_t a[] = { 0x10, 0x20, 0x30 }, b[] = { 0x11, 0x20, 0x30 };
	static const uint64_t c[] = { 0x20, 0x30 }, d[] = { 0x10, 0x20 };
	struct mh_chains chains = { 0 };
	struct told t = { 0 };
	uint32_t ia, ib, ic, id;

	(void)state;
	ia = put(&chains, &t, a, 3, false);
	assert_int_equal(t.nr, 3);
	ib = put(&chains, &t, b, 3, false);
	assert_int_equal(t.nr, 4);
	ic = put(&chains, &t, c, 2, false);
	assert_int_equal(t.nr, 4);
	id = put(&chains, &t, d, 2, false); /* the same addresses, other callers */
	assert_int_equal(t.nr, 6);
	assert_int_equal(put(&chains, &t, a, 3, false), ia);
	assert_int_equal(t.nr, 6);
	check(&t, ia, a, 3);
	check(&t, ib, b, 3);
	check(&t, ic, c, 2);
	check(&t, id, d, 2);
	mh_chains_fini(&chains);
}

static void test_marks_and_order(void **state)
{
	static const uint64_t marked[] = { (uint64_t)-128, 0xffffffff81000000,
					   (uint64_t)-512, 0x401000 };
	static const uint64_t plain[] = { 0xffffffff81000000, 0x401000 };
	uint64_t swapped[4];
	struct mh_chains chains = { 0 };
	struct told t = { 0 };
	uint32_t id;
	size_t i;

	(void)state;
	id = put(&chains, &t, marked, 4, false);
	check(&t, id, plain, 2);
	for (i = 0; i < 4; i++)
		swapped[i] = __builtin_bswap64(marked[i]);
	assert_int_equal(put(&chains, &t, swapped, 4, true), id);
	assert_int_equal(put(&chains, &t, marked, 0, false), 0);
	assert_int_equal(put(&chains, &t, marked, 1, false), 0);
	mh_chains_fini(&chains);
}

static int count(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	(void)err;
	assert_int_equal(ev->stack.id, ++*(uint32_t *)arg);
	return 0;
}

static void test_many(void **state)
{
	struct mh_event ev = { .kind = MH_EV_SAMPLE };
	struct mh_chains chains = { 0 };
	uint32_t nr = 0, round, id;
	uint64_t i;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 20000; i++) {
			uint64_t chain[2] = { i, i / 100 };

			assert_int_equal(mh_chains_put(&chains, &id, &ev,
						       (uint8_t *)chain, 2, false, count,
						       &nr, NULL),
					 MH_OK);
			assert_int_equal(chains.frames.v[id - 1].ip, i);
		}
		assert_int_equal(nr, 20200);
	}
	assert_int_equal(chains.nr_cut, 0);
	mh_chains_fini(&chains);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_callers),
		cmocka_unit_test(test_marks_and_order),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
