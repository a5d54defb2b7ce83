/* SPDX-License-Identifier: MIT */
/*
 * Arm SPE in a perf.data, built here: what the packets behind AUXTRACE records say, whose
 * they are and when. No such recording is public.
 */
#include "perf_build.h"

#include <memheat/source.h>

#include "source/import/import.h"

#define PMU_TYPE 12

static const struct event_spec spe = {
	.type = PMU_TYPE,
	.size = 136,
	.config = 0x10001,
	.period = 4096,
	.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
		       PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU,
	.flags = SAMPLE_ID_ALL,
	.ids = { 101, 102 },
	.name = "arm_spe_0//",
};

struct got {
	struct mh_event first[8];
	uint64_t samples, operations, nonmem, skipped_bytes, aux_skipped;
};

static int take(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct got *g = arg;

	(void)err;

	if (ev->kind == MH_EV_STAT) {
		const struct mh_ev_stat *s = &ev->stat;

		if (!strcmp(s->name, "import.spe_operations"))
			g->operations = s->value;
		else if (!strcmp(s->name, "import.spe_nonmem"))
			g->nonmem = s->value;
		else if (!strcmp(s->name, "import.spe_bytes_skipped"))
			g->skipped_bytes = s->value;
		else if (!strcmp(s->name, "import.aux_bytes_skipped"))
			g->aux_skipped = s->value;
	}
	if (ev->kind != MH_EV_SAMPLE)
		return MH_OK;
	if (g->samples < 8)
		g->first[g->samples] = *ev;
	g->samples++;
	return MH_OK;
}

static int run(struct got *g, const struct build *f, struct mh_err *err)
{
	struct mh_import_opts opts = { 0 };
	struct mh_input in;
	int ret;

	*g = (struct got){ 0 };
	assert_status(mh_input_memory(&in, f->b.p, f->b.len, err), MH_OK, err);
	ret = mh_importer_perf.run(&in, &opts, take, g, err);
	mh_input_close(&in);
	return ret;
}

/* ---- packets: bytes, whatever the machine that perf ran on ---- */

static void packet(struct mh_wbuf *b, uint8_t header, uint64_t v, unsigned len)
{
	mh_wbuf_u8(b, header);
	for (; len; len--, v >>= 8)
		mh_wbuf_u8(b, (uint8_t)v);
}

#define NO_CONTEXT UINT32_MAX

static void operation(struct mh_wbuf *b, bool store, uint64_t addr, uint32_t context,
		      uint64_t ticks)
{
	packet(b, 0xb0, 0x0000aaaa00001234, 8);
	packet(b, 0x49, store, 1);
	packet(b, 0x52, 1 << 1 | 1 << 2, 2); /* retired, first level accessed */
	packet(b, 0x98, 300, 2);
	if (context != NO_CONTEXT)
		packet(b, 0x65, context, 4);
	packet(b, 0xb2, addr, 8);
	if (!store)
		packet(b, 0x43, 0xe, 1); /* local memory, on those that number so */
	packet(b, 0x71, ticks, 8);
}

static void branch(struct mh_wbuf *b)
{
	packet(b, 0xb0, 0x0000aaaa00001300, 8);
	packet(b, 0x4a, 0, 1);
	mh_wbuf_u8(b, 1); /* end, without a timestamp */
}

/* ---- records ---- */

static void head(struct build *f, bool big)
{
	*f = (struct build){ .big = big };
	mh_wbuf_bytes(&f->b, big ? "2ELIFREP" : "PERFILE2", 8);
	u64(f, 16);
	begin(f, 64, 0);
	attr(f, &spe);
	u64(f, 101);
	u64(f, 102);
	end(f);
}

static void info(struct build *f, uint32_t type, const uint64_t *words, size_t nr)
{
	size_t i;

	begin(f, 70, 0);
	u32(f, type);
	u32(f, 0);
	for (i = 0; i < nr; i++)
		u64(f, words[i]);
	end(f);
}

/* A tick is 40 ns. */
static void time_conv(struct build *f)
{
	begin(f, 79, 0);
	u64(f, 3);
	u64(f, 320);
	u64(f, 1000000);
	u64(f, 0);
	u64(f, 0);
	u64(f, 0);
	end(f);
}

static void thread(struct build *f, uint32_t pid, uint32_t tid)
{
	begin(f, PERF_RECORD_COMM, 0);
	u32(f, pid);
	u32(f, tid);
	padded(f, "a.out");
	u32(f, pid);
	u32(f, tid);
	u64(f, 0);
	u32(f, 0);
	u32(f, 0);
	u64(f, 101);
	end(f);
}

static void aux(struct build *f, uint32_t tid, uint32_t cpu, const struct mh_wbuf *b)
{
	begin(f, 71, 0);
	u64(f, b->len);
	u64(f, 0);
	u64(f, 0);
	u32(f, 0);
	u32(f, tid);
	u32(f, cpu);
	u32(f, 0);
	end(f);
	mh_wbuf_bytes(&f->b, b->p, b->len);
}

/* An N1 and a core that numbers its data sources in its own way. */
static const uint64_t version_2[] = { 2,
				      4,
				      PMU_TYPE,
				      2,
				      0x1010101010101010,
				      0,
				      3,
				      0x410fd0c0,
				      PMU_TYPE,
				      1024,
				      0x1010101010101010,
				      1,
				      4,
				      0x610f0220,
				      PMU_TYPE,
				      1024,
				      7 };
static const uint64_t version_1[] = { PMU_TYPE, 1 };
#define WORDS(of) of, sizeof(of) / sizeof((of)[0])

static void check(const struct mh_event *ev, uint64_t time_ns, uint32_t pid, uint32_t tid,
		  uint32_t cpu, uint64_t addr, uint8_t level)
{
	const struct mh_ev_sample *s = &ev->sample;
	struct mh_mem_access access;

	mh_mem_access_decode(&access, s->data_src);
	assert_int_equal(ev->time_ns, time_ns);
	assert_int_equal(s->pid, pid);
	assert_int_equal(s->tid, tid);
	assert_int_equal(s->cpu, cpu);
	assert_int_equal(s->ip, 0xaaaa00001234);
	assert_int_equal(s->addr, addr);
	assert_int_equal(s->period, 4096);
	assert_true(s->flags & MH_SAMPLE_ADDR);
	assert_int_equal(access.op, level == MH_LEVEL_L1 && addr == 0xffff12345680
					    ? MH_MEM_STORE
					    : MH_MEM_LOAD);
	assert_int_equal(access.level, level);
}

static void test_whose_and_when(void **state)
{
	struct mh_err err = { 0 };
	struct mh_wbuf b = { 0 };
	struct build f;
	struct got g;
	int big;

	(void)state;
	for (big = 0; big < 2; big++) {
		head(&f, big);
		info(&f, 4, WORDS(version_2));
		time_conv(&f);
		thread(&f, 7, 7);
		thread(&f, 7, 8);
		b.len = 0;
		operation(&b, false, 0xffff12345678, 8, 100);
		branch(&b);
		operation(&b, true, 0xffff12345680, 7, 200);
		aux(&f, UINT32_MAX, 0, &b);
		/* Another CPU; then a thread's own buffer, and one that is nobody's. */
		b.len = 0;
		operation(&b, false, 0xffff12345678, 8, 300);
		aux(&f, UINT32_MAX, 1, &b);
		b.len = 0;
		operation(&b, false, 0xffff12345678, NO_CONTEXT, 401);
		aux(&f, 8, UINT32_MAX, &b);
		aux(&f, UINT32_MAX, 0, &b);
		assert_status(run(&g, &f, &err), MH_OK, &err);
		check(&g.first[0], 1004000, 7, 8, 0, 0xffff12345678, MH_LEVEL_RAM);
		check(&g.first[1], 1008000, 7, 7, 0, 0xffff12345680, MH_LEVEL_L1);
		check(&g.first[2], 1012000, 7, 8, 1, 0xffff12345678, MH_LEVEL_L1);
		check(&g.first[3], 1016040, 7, 8, 0, 0xffff12345678, MH_LEVEL_RAM);
		check(&g.first[4], 1016040, 0, 0, 0, 0xffff12345678, MH_LEVEL_RAM);
		assert_int_equal(g.samples, 5);
		assert_int_equal(g.operations, 6);
		assert_int_equal(g.nonmem, 1);
		assert_int_equal(g.skipped_bytes, 0);
		assert_int_equal(g.aux_skipped, 0);
		mh_wbuf_fini(&f.b);
	}
	mh_wbuf_fini(&b);
}

/* @other: pid and tid, of the record that a whole CPU's event gets */
static void switched(struct build *f, uint32_t cpu, uint64_t time_ns, uint32_t pid,
		     uint32_t tid, bool out, const uint32_t *other)
{
	begin(f, other ? PERF_RECORD_SWITCH_CPU_WIDE : PERF_RECORD_SWITCH,
	      out ? PERF_RECORD_MISC_SWITCH_OUT : 0);
	if (other) {
		u32(f, other[0]);
		u32(f, other[1]);
	}
	u32(f, pid);
	u32(f, tid);
	u64(f, time_ns);
	u32(f, cpu);
	u32(f, 0);
	u64(f, 101);
	end(f);
}

static void expect_thread(const struct mh_event *ev, uint32_t pid, uint32_t tid)
{
	assert_int_equal(ev->sample.pid, pid);
	assert_int_equal(ev->sample.tid, tid);
}

/* No context packets: the records of switches tell who was on the buffer's CPU. */
static void test_switches(void **state)
{
	/* 1004000, 1008000, ... ns */
	static const uint64_t ticks[] = { 90, 100, 199, 200, 300, 400 };
	static const uint32_t second[] = { 9, 19 };
	struct mh_err err = { 0 };
	struct mh_wbuf b = { 0 };
	struct build f;
	struct got g;
	size_t i;
	int big;

	(void)state;
	for (big = 0; big < 2; big++) {
		head(&f, big);
		info(&f, 4, WORDS(version_2));
		time_conv(&f);
		switched(&f, 1, 1003000, 5, 5, false, NULL);
		switched(&f, 0, 1004000, 7, 8, false, NULL);
		/* One goes as the other comes; the latter's record may be first. */
		switched(&f, 0, 1008000, 9, 18, false, NULL);
		switched(&f, 0, 1008000, 7, 8, true, NULL);
		switched(&f, 0, 1012000, 9, 18, true, second);
		switched(&f, 0, 1016000, 9, 19, true, NULL);
		b.len = 0;
		for (i = 0; i < 6; i++)
			operation(&b, false, 0x1000, NO_CONTEXT, ticks[i]);
		aux(&f, UINT32_MAX, 0, &b);
		b.len = 0;
		/* A context is believed first; a CPU of which nothing is told. */
		operation(&b, false, 0x1000, 33, 200);
		aux(&f, UINT32_MAX, 0, &b);
		b.len = 0;
		operation(&b, false, 0x1000, NO_CONTEXT, 200);
		aux(&f, UINT32_MAX, 2, &b);
		assert_status(run(&g, &f, &err), MH_OK, &err);
		assert_int_equal(g.samples, 8);
		/* They come out by time; of one time, as they were read. */
		expect_thread(&g.first[0], 0, 0);
		expect_thread(&g.first[1], 7, 8);
		expect_thread(&g.first[2], 7, 8);
		expect_thread(&g.first[3], 9, 18);
		expect_thread(&g.first[4], 33, 33);
		expect_thread(&g.first[5], 0, 0);
		expect_thread(&g.first[6], 9, 19);
		expect_thread(&g.first[7], 0, 0);
		mh_wbuf_fini(&f.b);
	}

	/* Without a word on the clock, nothing tells. */
	head(&f, false);
	info(&f, 4, WORDS(version_2));
	switched(&f, 0, 1004000, 7, 8, false, NULL);
	b.len = 0;
	operation(&b, false, 0x1000, NO_CONTEXT, 200);
	aux(&f, UINT32_MAX, 0, &b);
	assert_status(run(&g, &f, &err), MH_OK, &err);
	assert_int_equal(g.samples, 1);
	expect_thread(&g.first[0], 0, 0);
	mh_wbuf_fini(&f.b);
	mh_wbuf_fini(&b);
}

static void cpuid(struct build *f, const char *id)
{
	begin(f, 80, 0);
	u64(f, 9);
	counted(f, id);
	end(f);
}

/* The first version does not name its CPUs: the recording's own word on them decides. */
static void test_cpuid(void **state)
{
	static const struct {
		const char *id;
		uint8_t level;
	} rows[] = {
		{ "0x00000000410fd0c0", MH_LEVEL_RAM }, /* N1 */
		{ "0x00000000610f0220", MH_LEVEL_L1 },  /* numbers in its own way */
		{ "GenuineIntel,6,85,4", MH_LEVEL_L1 },
		{ NULL, MH_LEVEL_L1 },
	};
	struct mh_err err = { 0 };
	struct mh_wbuf b = { 0 };
	struct build f;
	struct got g;
	size_t i;

	(void)state;
	operation(&b, false, 0x1000, 7, 100);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		head(&f, false);
		if (rows[i].id)
			cpuid(&f, rows[i].id);
		info(&f, 4, WORDS(version_1));
		time_conv(&f);
		aux(&f, UINT32_MAX, 0, &b);
		assert_status(run(&g, &f, &err), MH_OK, &err);
		assert_int_equal(g.samples, 1);
		check(&g.first[0], 1004000, 7, 7, 0, 0x1000, rows[i].level);
		mh_wbuf_fini(&f.b);
	}
	/* Each CPU's own word goes before it. */
	head(&f, false);
	cpuid(&f, "0x00000000410fd0c0");
	info(&f, 4, WORDS(version_2));
	time_conv(&f);
	aux(&f, UINT32_MAX, 1, &b);
	assert_status(run(&g, &f, &err), MH_OK, &err);
	check(&g.first[0], 1004000, 7, 7, 1, 0x1000, MH_LEVEL_L1);
	mh_wbuf_fini(&f.b);
	mh_wbuf_fini(&b);
}

#define MANY 5000u /* far more than a buffer of the reader holds */

/* Operations that straddle the reader's buffers, behind padding; the end is cut. */
static void test_many_and_cut(void **state)
{
	struct mh_err err = { 0 };
	struct mh_wbuf b = { 0 };
	struct build f;
	struct got g;
	unsigned i;

	(void)state;
	head(&f, false);
	info(&f, 4, WORDS(version_1));
	time_conv(&f);
	for (i = 0; i < 100000; i++)
		mh_wbuf_u8(&b, 0);
	for (i = 0; i < MANY; i++)
		operation(&b, i & 1, 0x1000 + 8 * i, 7, 100 + i);
	aux(&f, UINT32_MAX, 0, &b);
	assert_status(run(&g, &f, &err), MH_OK, &err);
	assert_int_equal(g.samples, MANY);
	assert_int_equal(g.operations, MANY);
	assert_int_equal(g.skipped_bytes, 0);

	f.b.len -= 10;
	assert_int_equal(run(&g, &f, &err), MH_EFORMAT);
	assert_non_null(strstr(err.msg, "truncated"));
	assert_int_equal(g.samples, MANY - 1);
	mh_wbuf_fini(&f.b);
	mh_wbuf_fini(&b);
}

/* Without a word on the clock there are samples all the same; of another kind, none. */
static void test_others(void **state)
{
	struct mh_err err = { 0 };
	struct mh_wbuf b = { 0 };
	struct build f;
	struct got g;

	(void)state;
	operation(&b, false, 0x1000, 7, 100);
	head(&f, false);
	info(&f, 4, WORDS(version_1));
	aux(&f, UINT32_MAX, 0, &b);
	assert_status(run(&g, &f, &err), MH_OK, &err);
	assert_int_equal(g.samples, 1);
	mh_wbuf_fini(&f.b);

	head(&f, false);
	info(&f, 1, WORDS(version_1)); /* Intel PT */
	aux(&f, UINT32_MAX, 0, &b);
	assert_status(run(&g, &f, &err), MH_OK, &err);
	assert_int_equal(g.samples, 0);
	assert_int_equal(g.aux_skipped, b.len);
	mh_wbuf_fini(&f.b);

	/* Of a PMU that no event is of. */
	head(&f, false);
	info(&f, 4, (const uint64_t[]){ PMU_TYPE + 1, 1 }, 2);
	aux(&f, UINT32_MAX, 0, &b);
	assert_status(run(&g, &f, &err), MH_OK, &err);
	assert_int_equal(g.samples, 0);
	assert_int_equal(g.aux_skipped, b.len);
	mh_wbuf_fini(&f.b);
	mh_wbuf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_and_when),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_cpuid),
		cmocka_unit_test(test_many_and_cut),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
