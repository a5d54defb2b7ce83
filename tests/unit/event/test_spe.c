/* SPDX-License-Identifier: MIT */
/*
 * Packets of Arm's statistical profiling extension, built after the architecture's
 * tables: each kind, every cut, and bytes that are none. No recording of real hardware is
 * public.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "event/data_src.h"
#include "event/spe.h"

struct buffer {
	uint8_t p[512];
	size_t len;
};

static void byte(struct buffer *b, unsigned v)
{
	assert_true(b->len < sizeof(b->p));
	b->p[b->len++] = (uint8_t)v;
}

static void packet(struct buffer *b, unsigned header, uint64_t v, unsigned len)
{
	byte(b, header);
	for (; len; len--, v >>= 8)
		byte(b, v & 0xff);
}

#define PC(b, v)        packet(b, 0xb0, v, 8)
#define DATA(b, v)      packet(b, 0xb2, v, 8)
#define PHYS(b, v)      packet(b, 0xb3, v, 8)
#define LATENCY(b, v)   packet(b, 0x98, v, 2)
#define ISSUE(b, v)     packet(b, 0x99, v, 2)
#define WALK(b, v)      packet(b, 0x9a, v, 2)
#define EVENTS(b, v)    packet(b, 0x52, v, 2)
#define SOURCE(b, v)    packet(b, 0x43, v, 1)
#define CONTEXT(b, v)   packet(b, 0x65, v, 4)
#define OP(b, class, v) packet(b, 0x48 | (class), v, 1)
#define TIMESTAMP(b, v) packet(b, 0x71, v, 8)
#define END(b)          byte(b, 1)

static struct mh_spe_buffer reader(const struct buffer *b)
{
	return (struct mh_spe_buffer){ .p = b->p, .end = b->p + b->len };
}

static void load(struct buffer *b)
{
	PC(b, 0x0000aaaa00001234);
	OP(b, 1, 0);
	EVENTS(b, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4);
	LATENCY(b, 300);
	ISSUE(b, 20);
	WALK(b, 5);
	CONTEXT(b, 4711);
	DATA(b, 0x3400ffff12345678); /* tagged */
	PHYS(b, 0x8000000087654321);
	SOURCE(b, 0xe);
	TIMESTAMP(b, 123456789);
}

static void test_load(void **state)
{
	struct buffer b = { 0 };
	struct mh_ev_sample s = { .pid = 9 };
	struct mh_spe_record r;
	struct mh_spe_buffer in;

	(void)state;
	load(&b);
	in = reader(&b);
	assert_int_equal(mh_spe_next(&r, &in), MH_OK);
	assert_int_equal(r.pc, 0xaaaa00001234);
	assert_int_equal(r.addr, 0xffff12345678);
	assert_int_equal(r.phys, 0x87654321);
	assert_int_equal(r.op, MH_SPE_LOAD);
	assert_int_equal(r.latency, 300);
	assert_int_equal(r.issue, 20);
	assert_int_equal(r.translation, 5);
	assert_int_equal(r.context, 4711);
	assert_int_equal(r.timestamp, 123456789);
	assert_int_equal(r.source, 0xe);
	assert_false(r.is_kernel);
	assert_int_equal(mh_spe_next(&r, &in), MH_END);
	assert_int_equal(in.nr_skipped, 0);

	in = reader(&b);
	assert_int_equal(mh_spe_next(&r, &in), MH_OK);
	mh_spe_fill(&s, &r, 1);
	assert_int_equal(s.pid, 9);
	assert_int_equal(s.weight, 300);
	assert_int_equal(s.flags, MH_SAMPLE_ADDR | MH_SAMPLE_EXACT_IP);
}

static struct mh_mem_access access_of(const struct mh_spe_record *r, int neoverse)
{
	struct mh_ev_sample s = { 0 };
	struct mh_mem_access a;

	mh_spe_fill(&s, r, neoverse);
	mh_mem_access_decode(&a, s.data_src);
	return a;
}

static void test_sources(void **state)
{
	static const struct {
		uint16_t source;
		uint8_t level, snoop;
	} rows[] = {
		{ 0x0, MH_LEVEL_L1, MH_SNOOP_NONE },
		{ 0x8, MH_LEVEL_L2, MH_SNOOP_NONE },
		{ 0x9, MH_LEVEL_L2, MH_SNOOP_PEER },
		{ 0xa, MH_LEVEL_L3, MH_SNOOP_PEER },
		{ 0xb, MH_LEVEL_L3, MH_SNOOP_HIT },
		{ 0xd, MH_LEVEL_REMOTE_CACHE, MH_SNOOP_PEER },
		{ 0xe, MH_LEVEL_RAM, MH_SNOOP_NONE },
	};
	struct mh_spe_record r = { .op = MH_SPE_LOAD, .events = 1 << 2 };
	struct mh_mem_access a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.source = rows[i].source;
		a = access_of(&r, 1);
		assert_int_equal(a.op, MH_MEM_LOAD);
		assert_int_equal(a.level, rows[i].level);
		assert_int_equal(a.snoop, rows[i].snoop);
		assert_int_equal(a.hit, MH_HIT);
		/* Another maker's numbers say nothing; the events do. */
		a = access_of(&r, 0);
		assert_int_equal(a.level, MH_LEVEL_L1);
	}
	r.source = 0x77;
	assert_int_equal(access_of(&r, 1).level, MH_LEVEL_L1);
}

static void test_events(void **state)
{
	struct mh_spe_record r = { .op = MH_SPE_STORE, .source = UINT16_MAX };
	struct mh_mem_access a;

	(void)state;
	a = access_of(&r, 1);
	assert_int_equal(a.op, MH_MEM_STORE);
	assert_int_equal(a.level, MH_LEVEL_UNKNOWN);
	assert_int_equal(a.tlb, MH_TLB_UNKNOWN);
	r.events = 1 << 2 | 1 << 3 | 1 << 4;
	a = access_of(&r, 1);
	assert_int_equal(a.level, MH_LEVEL_L1);
	assert_int_equal(a.hit, MH_MISS);
	assert_int_equal(a.tlb, MH_TLB_L1_OR_L2);
	r.events |= 1 << 8 | 1 << 5;
	a = access_of(&r, 1);
	assert_int_equal(a.level, MH_LEVEL_L3);
	assert_int_equal(a.hit, MH_HIT);
	assert_int_equal(a.tlb, MH_TLB_MISS);
	r.events |= 1 << 9;
	assert_int_equal(access_of(&r, 1).hit, MH_MISS);
	r.events |= 1 << 10;
	assert_int_equal(access_of(&r, 1).level, MH_LEVEL_REMOTE_CACHE);
	r.op = MH_SPE_BRANCH;
	assert_int_equal(access_of(&r, 1).op, MH_MEM_OP_UNKNOWN);
	r.op = MH_SPE_ATOMIC;
	a = access_of(&r, 1);
	assert_int_equal(a.op, MH_MEM_LOAD);
	assert_int_equal(a.lock, MH_LOCK_YES);
}

static uint8_t op(unsigned class, unsigned v)
{
	struct buffer b = { 0 };
	struct mh_spe_record r;
	struct mh_spe_buffer in;

	OP(&b, class, v);
	END(&b);
	in = reader(&b);
	assert_int_equal(mh_spe_next(&r, &in), MH_OK);
	return r.op;
}

static void test_operations(void **state)
{
	(void)state;
	assert_int_equal(op(0, 0), MH_SPE_OTHER);
	assert_int_equal(op(1, 0x00), MH_SPE_LOAD);
	assert_int_equal(op(1, 0x01), MH_SPE_STORE);
	assert_int_equal(op(1, 0x04), MH_SPE_LOAD); /* to a vector register */
	assert_int_equal(op(1, 0x05), MH_SPE_STORE);
	assert_int_equal(op(1, 0x06), MH_SPE_ATOMIC);
	assert_int_equal(op(1, 0x12), MH_SPE_LOAD);  /* acquire */
	assert_int_equal(op(1, 0x0b), MH_SPE_STORE); /* exclusive */
	assert_int_equal(op(2, 1), MH_SPE_BRANCH);
}

/* Kernel addresses, padding, alignment, extended headers, kinds that are not known. */
static void test_odd_packets(void **state)
{
	struct buffer b = { 0 };
	struct mh_spe_record r;
	struct mh_spe_buffer in;
	int i;

	(void)state;
	for (i = 0; i < 7; i++)
		byte(&b, 0);
	packet(&b, 0xb0, 0xa0ff800010001234, 8); /* EL1, non-secure */
	DATA(&b, 0x00ff888012345678);
	byte(&b, 0x20); /* alignment */
	byte(&b, 0x03);
	byte(&b, 0);
	byte(&b, 0x20); /* a counter of index 8, extended */
	byte(&b, 0x9b);
	byte(&b, 0x21);
	byte(&b, 0x43);
	packet(&b, 0xb1, 0x1111, 8); /* branch target */
	packet(&b, 0x72, 0xffff, 8); /* events of 8 bytes */
	OP(&b, 1, 1);
	END(&b);
	END(&b); /* a record of nothing is none */
	in = reader(&b);
	assert_int_equal(mh_spe_next(&r, &in), MH_OK);
	assert_int_equal(r.pc, 0xffff800010001234);
	assert_int_equal(r.addr, 0xffff888012345678);
	assert_true(r.is_kernel);
	assert_int_equal(r.latency, 0);
	assert_int_equal(r.events, 0xffff);
	assert_int_equal(r.op, MH_SPE_STORE);
	assert_int_equal(mh_spe_next(&r, &in), MH_END);
	assert_int_equal(in.nr_skipped, 0);
}

static void test_no_packets(void **state)
{
	struct buffer b = { 0 };
	struct mh_spe_record r;
	struct mh_spe_buffer in;

	(void)state;
	PC(&b, 0x1000);
	byte(&b, 0x3f); /* no header begins so */
	OP(&b, 1, 0);
	END(&b);
	load(&b);
	in = reader(&b);
	/* The record with the foreign byte is given up, the next one is whole. */
	assert_int_equal(mh_spe_next(&r, &in), MH_OK);
	assert_int_equal(r.pc, 0xaaaa00001234);
	assert_int_equal(in.nr_skipped, 1);
}

/* Cut anywhere, in memory of its own: nothing is read past the end or made up. */
static void test_every_cut(void **state)
{
	struct buffer b = { 0 };
	size_t len;

	(void)state;
	load(&b);
	for (len = 0; len < b.len; len++) {
		uint8_t *cut = malloc(len + 1);
		struct mh_spe_buffer in = { .p = cut, .end = cut + len };
		struct mh_spe_record r;

		memcpy(cut, b.p, len);
		assert_int_equal(mh_spe_next(&r, &in), MH_END);
		free(cut);
	}
}

static void test_cores(void **state)
{
	(void)state;
	assert_true(mh_spe_is_neoverse(0x413fd0c1));  /* Neoverse N1 */
	assert_true(mh_spe_is_neoverse(0x410fd4f0));  /* V2 */
	assert_false(mh_spe_is_neoverse(0x413fd080)); /* Cortex-A72 */
	assert_false(mh_spe_is_neoverse(0xc00fac30)); /* AmpereOne */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),        cmocka_unit_test(test_sources),
		cmocka_unit_test(test_events),      cmocka_unit_test(test_operations),
		cmocka_unit_test(test_odd_packets), cmocka_unit_test(test_no_packets),
		cmocka_unit_test(test_every_cut),   cmocka_unit_test(test_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
