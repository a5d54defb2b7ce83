/* SPDX-License-Identifier: MIT */
/* A sample's registers go in as perf numbers them and come out as DWARF does. */
#include "test.h"

#include <string.h>

#include "event/copies.h"

static struct mh_ev_stack_copy told;
static uint64_t told_regs[33];
static size_t nr_told;

static int take(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	(void)arg;
	(void)err;
	assert_int_equal(ev->kind, MH_EV_STACK_COPY);
	assert_int_equal(ev->time_ns, 55);
	told = ev->stack_copy;
	memcpy(told_regs, told.regs.p, told.regs.len);
	nr_told++;
	return 0;
}

static uint32_t put(struct mh_copies *c, uint16_t machine,
		    const struct mh_stack_sample *s)
{
	struct mh_event ev = { .kind = MH_EV_SAMPLE, .time_ns = 55 };
	uint32_t id = 0;

	ev.sample.pid = 7;
	ev.sample.tid = 8;
	assert_int_equal(mh_copies_put(c, &id, &ev, machine, s, 3, take, NULL, NULL), 0);
	return id;
}

static void test_x86(void **state)
{
	/* As perf numbers them: bit i of the mask is register i, valued 100 + i. */
	const uint64_t mask = 0xff0fff;
	uint64_t regs[24];
	struct mh_stack_sample s = { .abi = 2,
				     .mask = mask,
				     .regs = (const uint8_t *)regs,
				     .stack = (const uint8_t *)"stack",
				     .stack_len = 5 };
	static const uint8_t want[] = { 0,  3,  2,  1,  4,  5,  6,  7, 16,
					17, 18, 19, 20, 21, 22, 23, 8 };
	struct mh_copies c = { 0 };
	size_t i, nr = 0;

	(void)state;
	for (i = 0; i < 24; i++)
		if (mask >> i & 1)
			regs[nr++] = 100 + i;
	nr_told = 0;
	assert_int_equal(put(&c, MH_MACHINE_X86_64, &s), 1u << 31);
	assert_int_equal(told.regs.len, 17 * 8);
	for (i = 0; i < 17; i++)
		assert_int_equal(told_regs[i], 100 + want[i]);
	assert_int_equal(told.sp, 107);
	assert_int_equal(told.inner, 3);
	assert_int_equal(told.pid, 7);
	assert_int_equal(told.tid, 8);
	assert_int_equal(told.stack.len, 5);
	assert_int_equal(put(&c, MH_MACHINE_X86_64, &s), (1u << 31) + 1);
	for (i = 0; i < nr; i++)
		regs[i] = __builtin_bswap64(regs[i]);
	s.swapped = true;
	put(&c, MH_MACHINE_X86_64, &s);
	assert_int_equal(told_regs[16], 108);
	assert_int_equal(nr_told, 3);
}

/* What cannot be unwound leaves the kernel's part as the chain. */
static void test_without(void **state)
{
	uint64_t regs[33] = { 0 };
	struct mh_stack_sample s = { .abi = 2,
				     .mask = mh_copies_mask(MH_MACHINE_AARCH64),
				     .regs = (const uint8_t *)regs,
				     .stack = (const uint8_t *)"stack",
				     .stack_len = 5 };
	struct mh_copies c = { 0 };

	(void)state;
	nr_told = 0;
	assert_true(put(&c, MH_MACHINE_AARCH64, &s) != 3);
	assert_int_equal(told.regs.len, 33 * 8);
	s.abi = 1; /* a 32-bit program */
	assert_int_equal(put(&c, MH_MACHINE_AARCH64, &s), 3);
	s.abi = 2;
	assert_int_equal(put(&c, 8 /* MIPS */, &s), 3);
	s.mask &= ~UINT64_C(1); /* a register is missing */
	assert_int_equal(put(&c, MH_MACHINE_AARCH64, &s), 3);
	assert_int_equal(c.nr_foreign, 3);
	s.abi = 0; /* a kernel thread */
	assert_int_equal(put(&c, MH_MACHINE_AARCH64, &s), 3);
	s.regs = NULL;
	assert_int_equal(put(&c, MH_MACHINE_AARCH64, &s), 3);
	assert_int_equal(c.nr_without, 2);
	assert_int_equal(nr_told, 1);
	assert_int_equal(mh_copies_mask(8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86),
		cmocka_unit_test(test_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
