/* SPDX-License-Identifier: MIT */
/*
 * Records put together word by word after the comments of linux/perf_event.h, and every
 * record cut short by each length: never taken for whole.
 */
#include "test.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "ring/parse.h"

struct record {
	struct mh_wbuf b;
};

static void begin(struct record *r, uint32_t type, uint16_t misc)
{
	*r = (struct record){ 0 };
	mh_wbuf_u32(&r->b, type);
	mh_wbuf_u16(&r->b, misc);
	mh_wbuf_u16(&r->b, 0);
}

static void words(struct record *r, const uint64_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		mh_wbuf_u64(&r->b, v[i]);
}
#define WORDS(r, ...)                                                                    \
	words(r, (const uint64_t[]){ __VA_ARGS__ },                                      \
	      sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static uint64_t pair(uint32_t lo, uint32_t hi)
{
	return lo | (uint64_t)hi << 32;
}

static void text(struct record *r, const char *s)
{
	size_t len = strlen(s) + 1;

	mh_wbuf_bytes(&r->b, s, len);
	while (len++ % 8)
		mh_wbuf_u8(&r->b, 0);
}

static void seal(struct record *r)
{
	assert_false(r->b.bad);
	r->b.p[6] = (uint8_t)r->b.len;
	r->b.p[7] = (uint8_t)(r->b.len >> 8);
}

/*
 * Parses, then parses each shorter one, whose header says so, in memory of its size. A
 * sample cut short must be found out; another record's string may pass for shorter.
 */
static int parse(struct record *r, struct mh_event *ev, const struct mh_ring_layout *l,
		 struct mh_ring_extra *extra)
{
	struct mh_event cut_ev;
	uint8_t *cut;
	size_t len;
	int ret, cut_ret;

	seal(r);
	ret = mh_ring_parse(ev, l, r->b.p, r->b.len, extra);
	for (len = 0; ret == MH_OK && len < r->b.len; len += 4) {
		cut = malloc(len ? len : 1);
		memcpy(cut, r->b.p, len);
		if (len >= 8) {
			cut[6] = (uint8_t)len;
			cut[7] = (uint8_t)(len >> 8);
		}
		cut_ret = mh_ring_parse(&cut_ev, l, cut, len, NULL);
		if (len < 8 || ev->kind == MH_EV_SAMPLE)
			assert_int_equal(cut_ret, MH_EFORMAT);
		free(cut);
	}
	return ret;
}

static const struct mh_ring_layout faults = {
	.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
		       PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU,
	.sample_id_all = true,
	.period = 3,
	.event = 1,
};

static void test_fault(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	WORDS(&r, 0x401000, pair(7, 8), 1234, 0x7f0000001234, pair(5, 0));
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_int_equal(ev.kind, MH_EV_SAMPLE);
	assert_int_equal(ev.time_ns, 1234);
	assert_int_equal(ev.sample.ip, 0x401000);
	assert_int_equal(ev.sample.addr, 0x7f0000001234);
	assert_int_equal(ev.sample.pid, 7);
	assert_int_equal(ev.sample.tid, 8);
	assert_int_equal(ev.sample.cpu, 5);
	assert_int_equal(ev.sample.period, 3);
	assert_int_equal(ev.sample.event, 1);
	assert_int_equal(ev.sample.flags, MH_SAMPLE_ADDR);
	mh_wbuf_fini(&r.b);
}

static void test_one_word_too_many(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	WORDS(&r, 1, 2, 3, 4, 5, 6);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_EFORMAT);
	mh_wbuf_fini(&r.b);
}

/* Every field that a sample can have, in the order of the header. */
static void test_all_fields(void **state)
{
	static const struct mh_ring_layout layout = {
		.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
			       PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID |
			       PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |
			       PERF_SAMPLE_PERIOD | PERF_SAMPLE_READ |
			       PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW |
			       PERF_SAMPLE_BRANCH_STACK | PERF_SAMPLE_REGS_USER |
			       PERF_SAMPLE_STACK_USER | PERF_SAMPLE_WEIGHT_STRUCT |
			       PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_TRANSACTION |
			       PERF_SAMPLE_REGS_INTR | PERF_SAMPLE_PHYS_ADDR |
			       PERF_SAMPLE_CGROUP | PERF_SAMPLE_DATA_PAGE_SIZE |
			       PERF_SAMPLE_CODE_PAGE_SIZE | PERF_SAMPLE_AUX,
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_ID | PERF_FORMAT_LOST,
		.branch_hw_index = true,
		.regs_user = 0x7,
		.regs_intr = 0x3,
	};
	struct mh_ring_extra extra;
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_SAMPLE,
	      PERF_RECORD_MISC_GUEST_KERNEL | PERF_RECORD_MISC_EXACT_IP);
	WORDS(&r, 77, 0x10, pair(1, 2), 3, 0x40, 77, 88, pair(6, 0), 9);
	WORDS(&r, 2, 100, 11, 12, 13, 21, 22, 23); /* read: nr, enabled, 2 x 3 */
	WORDS(&r, 2, 0x1000, 0x2000);              /* chain */
	WORDS(&r, pair(12, 0xa), pair(0xb, 0xc));  /* raw: size, 12 bytes */
	WORDS(&r, 1, 5, 1, 2, 3);                  /* branches: nr, index, entry */
	WORDS(&r, PERF_SAMPLE_REGS_ABI_64, 1, 2, 3);
	WORDS(&r, 16, 1, 2, 16);                   /* stack: size, bytes, used */
	WORDS(&r, 250 | 30ull << 32 | 4ull << 48); /* weight, ins_lat, p_stage */
	WORDS(&r, 0x68100142, 0);
	WORDS(&r, PERF_SAMPLE_REGS_ABI_NONE);
	WORDS(&r, 0x99000, 5, 2u << 20, 4096);
	WORDS(&r, 8, 0xff); /* aux */
	assert_int_equal(parse(&r, &ev, &layout, &extra), MH_OK);
	assert_int_equal(ev.sample.period, 9);
	assert_int_equal(ev.sample.weight, 250);
	assert_int_equal(ev.sample.ins_lat, 30);
	assert_int_equal(ev.sample.p_stage, 4);
	assert_int_equal(ev.sample.data_src, 0x68100142);
	assert_int_equal(ev.sample.phys, 0x99000);
	assert_int_equal(ev.sample.page_shift, 21);
	assert_int_equal(ev.sample.flags, MH_SAMPLE_ADDR | MH_SAMPLE_KERNEL |
						  MH_SAMPLE_GUEST | MH_SAMPLE_EXACT_IP);
	assert_int_equal(extra.id, 77);
	assert_int_equal(extra.nr_chain, 2);
	assert_int_equal(extra.raw_len, 12);
	assert_int_equal(extra.raw[0], 0xa);
	assert_int_equal(extra.regs_abi, PERF_SAMPLE_REGS_ABI_64);
	assert_memory_equal(extra.regs, (&(const uint64_t[]){ 1, 2, 3 }), 24);
	assert_int_equal(extra.stack_len, 16);
	assert_memory_equal(extra.stack, (&(const uint64_t[]){ 1, 2 }), 16);
	mh_wbuf_fini(&r.b);
}

/* Counts in a record that would run past any memory. */
static void test_huge_counts(void **state)
{
	static const uint64_t types[] = {
		PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_BRANCH_STACK, PERF_SAMPLE_STACK_USER,
		PERF_SAMPLE_AUX,       PERF_SAMPLE_RAW,          PERF_SAMPLE_READ
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct mh_ring_layout l = { .sample_type = types[i],
					    .read_format = PERF_FORMAT_GROUP };
		struct mh_event ev;
		struct record r;

		begin(&r, PERF_RECORD_SAMPLE, 0);
		WORDS(&r, UINT64_MAX / 8 + 2, 0, 0);
		assert_int_equal(parse(&r, &ev, &l, NULL), MH_EFORMAT);
		mh_wbuf_fini(&r.b);
	}
}

static void trailer(struct record *r)
{
	WORDS(r, pair(7, 8), 5555, pair(3, 0)); /* tid, time, cpu */
}

static void test_mmap2(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	WORDS(&r, pair(7, 8), 0x400000, 0x3000, 0x1000, pair(254, 1), 726, 42,
	      pair(PROT_READ | PROT_EXEC, MAP_PRIVATE));
	text(&r, "/usr/bin/true");
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_int_equal(ev.kind, MH_EV_MAP);
	assert_int_equal(ev.time_ns, 5555);
	assert_int_equal(ev.map.op, MH_MAP_ADD);
	assert_int_equal(ev.map.pid, 7);
	assert_int_equal(ev.map.start, 0x400000);
	assert_int_equal(ev.map.end, 0x403000);
	assert_int_equal(ev.map.pgoff, 0x1000);
	assert_int_equal(ev.map.maj, 254);
	assert_int_equal(ev.map.ino, 726);
	assert_int_equal(ev.map.prot, PROT_READ | PROT_EXEC);
	assert_false(ev.map.shared);
	assert_string_equal(ev.map.path, "/usr/bin/true");
	mh_wbuf_fini(&r.b);
}

static void test_mmap2_build_id(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_MMAP2,
	      PERF_RECORD_MISC_USER | PERF_RECORD_MISC_MMAP_BUILD_ID);
	WORDS(&r, pair(7, 8), 0x400000, 0x3000, 0, pair(20, 0x11223344), 1, 2,
	      pair(PROT_READ, MAP_SHARED));
	text(&r, "/a");
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_int_equal(ev.map.build_id_len, 20);
	assert_int_equal(ev.map.build_id[0], 0x44);
	assert_int_equal(ev.map.ino, 0);
	assert_true(ev.map.shared);
	mh_wbuf_fini(&r.b);
}

static void test_anonymous_memory(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	WORDS(&r, pair(7, 8), 0x7f0000, 0x1000, 0x7f0000, 0, 0, 0,
	      pair(PROT_READ, MAP_PRIVATE));
	text(&r, "//anon");
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_string_equal(ev.map.path, "");
	assert_int_equal(ev.map.pgoff, 0);
	mh_wbuf_fini(&r.b);
}

static void test_tasks(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_FORK, 0);
	WORDS(&r, pair(20, 10), pair(21, 11), 4444);
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_int_equal(ev.task.op, MH_TASK_FORK);
	assert_int_equal(ev.task.pid, 20);
	assert_int_equal(ev.task.ppid, 10);
	assert_int_equal(ev.task.tid, 21);
	assert_int_equal(ev.time_ns, 4444);
	mh_wbuf_fini(&r.b);

	begin(&r, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	WORDS(&r, pair(20, 21));
	text(&r, "redis");
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_int_equal(ev.task.op, MH_TASK_EXEC);
	assert_string_equal(ev.task.comm, "redis");
	mh_wbuf_fini(&r.b);
}

static void test_string_without_end(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_COMM, 0);
	WORDS(&r, pair(20, 21), 0x4141414141414141);
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_EFORMAT);
	mh_wbuf_fini(&r.b);
}

static void test_lost(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, PERF_RECORD_LOST, 0);
	WORDS(&r, 77, 123);
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_int_equal(ev.kind, MH_EV_LOST);
	assert_int_equal(ev.lost.count, 123);
	assert_int_equal(ev.lost.cause, MH_LOST_RING);
	assert_int_equal(ev.lost.cpu, 3);
	mh_wbuf_fini(&r.b);

	begin(&r, PERF_RECORD_THROTTLE, 0);
	WORDS(&r, 99, 77, 77);
	trailer(&r);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_OK);
	assert_int_equal(ev.lost.cause, MH_LOST_THROTTLE);
	assert_int_equal(ev.lost.count, 1);
	assert_int_equal(ev.time_ns, 99);
	mh_wbuf_fini(&r.b);
}

static void test_unknown_record(void **state)
{
	struct mh_event ev;
	struct record r;

	(void)state;
	begin(&r, 9999, 0);
	WORDS(&r, 1, 2, 3, 4);
	assert_int_equal(parse(&r, &ev, &faults, NULL), MH_END);
	mh_wbuf_fini(&r.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_one_word_too_many),
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_huge_counts),
		cmocka_unit_test(test_mmap2),
		cmocka_unit_test(test_mmap2_build_id),
		cmocka_unit_test(test_anonymous_memory),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_string_without_end),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_unknown_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
