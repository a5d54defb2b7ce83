/* SPDX-License-Identifier: MIT */
/* Cursors against a naive loop over all rows; columns, parts and occupancy. */
#include "rows.h"

#define NR_SAMPLES 150000

/* Sample i of a program with a few threads, like those that hardware gives. */
static void sample(uint64_t i, struct mh_event *ev)
{
	struct rng r = { i * 31 };

	mh_event_init(ev, MH_EV_SAMPLE);
	ev->source = 2;
	ev->time_ns = 1000000 + i * 10 + below(&r, 300);
	ev->sample.pid = 100 + (uint32_t)(i / 20000 % 3);
	ev->sample.tid = ev->sample.pid + (uint32_t)(i / 5000 % 2);
	ev->sample.ip = 0x400000 + below(&r, 50) * 16;
	ev->sample.addr = 0x7f0000000000 + below(&r, 3000) * 4096 + below(&r, 64) * 8;
	ev->sample.phys = (ev->sample.addr * 7 & ~0xfffull & 0xffffffffffull) |
			  (ev->sample.addr & 0xfff);
	if (i % 50 == 3)
		ev->sample.phys = rnd(&r);
	ev->sample.page_shift = i % 7 ? 12 : 21;
	ev->sample.data_src = below(&r, 5) * 0x1001;
	ev->sample.weight = 7 + below(&r, 400);
	ev->sample.ins_lat = (uint16_t)below(&r, 99);
	ev->sample.p_stage = (uint16_t)below(&r, 9);
	ev->sample.cpu = (uint32_t)(i / 700 % 4);
	ev->sample.event = (uint16_t)(i % 3);
	ev->sample.stack = (uint32_t)below(&r, 300);
	ev->sample.period = 1000 + below(&r, 50);
	ev->sample.flags = MH_SAMPLE_ADDR;
	if (i % 40 == 7) {
		ev->sample.flags = MH_SAMPLE_KERNEL;
		ev->sample.addr = 0;
	}
}

static char *sample_trace(void)
{
	char *path = temp_path("filter");
	struct mh_writer *w = writer(path, NULL);
	struct bits b = { 0 };
	struct rng r = { 3 };
	struct mh_event ev;
	uint64_t i;

	for (i = 0; i < NR_SAMPLES; i++) {
		sample(i, &ev);
		add(w, &ev);
		if (i % 100 == 0) {
			random_event(&r, &b, MH_EV_REGION, 0, &ev);
			ev.source = 4;
			add(w, &ev);
			random_event(&r, &b, MH_EV_GAP, 0, &ev);
			add(w, &ev);
		}
	}
	close_writer(w);
	return path;
}

static bool in_list(const uint32_t *v, size_t nr, uint32_t x)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (v[i] == x)
			return true;
	}
	return false;
}

static bool is_set(struct mh_range r)
{
	return r.start || r.end;
}

static uint64_t begin_of(uint64_t start_ns, uint64_t time_ns)
{
	return start_ns && start_ns < time_ns ? start_ns : time_ns;
}

/* What the header says a filter does, row by row. */
static bool passes(const struct mh_filter *f, const struct mh_event *ev)
{
	uint64_t begin = ev->time_ns;

	if (f->kinds && !(f->kinds >> ev->kind & 1))
		return false;
	if (f->source && ev->source != f->source - 1)
		return false;
	if (ev->kind == MH_EV_REGION)
		begin = begin_of(ev->region.start_ns, ev->time_ns);
	if (ev->kind == MH_EV_GAP)
		begin = begin_of(ev->gap.start_ns, ev->time_ns);
	if (is_set(f->time_ns) &&
	    (ev->time_ns < f->time_ns.start || begin >= f->time_ns.end))
		return false;
	if (ev->kind == MH_EV_SAMPLE) {
		if (is_set(f->addr) &&
		    (!(ev->sample.flags & MH_SAMPLE_ADDR) ||
		     ev->sample.addr < f->addr.start || ev->sample.addr >= f->addr.end))
			return false;
		if (f->tids && !in_list(f->tids, f->nr_tids, ev->sample.tid))
			return false;
		return !f->pids || in_list(f->pids, f->nr_pids, ev->sample.pid);
	}
	if (ev->kind == MH_EV_REGION) {
		if (is_set(f->addr) &&
		    (ev->region.start >= f->addr.end || ev->region.end <= f->addr.start))
			return false;
		return !f->pids || in_list(f->pids, f->nr_pids, ev->region.pid);
	}
	return !f->pids || !ev->gap.pid || in_list(f->pids, f->nr_pids, ev->gap.pid);
}

static void compare(const struct mh_reader *r, struct mh_filter f, uint32_t nr_parts)
{
	struct walk all = { .c = cursor(r, NULL) };
	struct mh_event want, got;
	struct walk some;
	uint32_t part;

	for (part = 0; part < (nr_parts ? nr_parts : 1); part++) {
		f.part = part;
		f.nr_parts = nr_parts;
		some = (struct walk){ .c = cursor(r, &f) };
		while (walk(&some, &got)) {
			do
				assert_true(walk(&all, &want));
			while (!passes(&f, &want));
			assert_same(&want, &got);
			if (got.kind == MH_EV_SAMPLE && is_set(f.time_ns))
				assert_true(some.batch.time_ns.start >= f.time_ns.start);
		}
		mh_cursor_close(some.c);
	}
	while (walk(&all, &want))
		assert_false(passes(&f, &want));
	mh_cursor_close(all.c);
}

static void against_naive(void **state)
{
	static const uint32_t pids[] = { 101, 4000000 }, tids[] = { 102, 101, 103 };
	char *path = sample_trace();
	struct mh_reader *r = reader(path);
	struct mh_range t = { 1300000, 1700000 }, a = { 0x7f0000100000, 0x7f0000200000 };

	(void)state;
	compare(r, (struct mh_filter){ 0 }, 0);
	compare(r, (struct mh_filter){ 0 }, 3);
	compare(r, (struct mh_filter){ 0 }, 100);
	compare(r, (struct mh_filter){ .kinds = 1 << MH_EV_SAMPLE }, 2);
	compare(r, (struct mh_filter){ .source = 3 }, 0);
	compare(r, (struct mh_filter){ .source = 9 }, 0);
	compare(r, (struct mh_filter){ .time_ns = t }, 2);
	compare(r, (struct mh_filter){ .time_ns = { 5, 6 } }, 0);
	compare(r, (struct mh_filter){ .addr = a }, 0);
	compare(r, (struct mh_filter){ .addr = { 1, 2 } }, 0);
	compare(r, (struct mh_filter){ .pids = pids, .nr_pids = 2 }, 0);
	compare(r, (struct mh_filter){ .tids = tids, .nr_tids = 3 }, 0);
	compare(r,
		(struct mh_filter){ .time_ns = t,
				    .addr = a,
				    .pids = pids,
				    .nr_pids = 2,
				    .tids = tids,
				    .nr_tids = 3 },
		2);
	mh_reader_close(r);
	unlink(path);
	free(path);
}

/* Whatever is chosen comes as it does among all columns. */
static void columns_alone(void **state)
{
	char *path = sample_trace();
	struct mh_reader *r = reader(path);
	uint32_t columns;

	(void)state;
	for (columns = 1; columns < 1024; columns += columns < 16 ? 1 : 13) {
		struct mh_filter f = { .kinds = 1 << MH_EV_SAMPLE, .columns = columns };
		struct mh_cursor *c = cursor(r, &f);
		struct mh_sample_columns *s;
		struct mh_batch b;
		struct mh_event ev;
		uint32_t i;

		assert_int_equal(mh_cursor_next(c, &b, NULL), MH_OK);
		s = &b.sample;
		assert_int_equal(s->time_ns != NULL, !!(columns & MH_COL_TIME));
		assert_int_equal(s->ip != NULL, !!(columns & MH_COL_IP));
		if (columns & MH_COL_ADDR)
			assert_non_null(s->addr);
		if (columns & MH_COL_OTHER)
			assert_true(s->event && s->flags && s->page_shift && s->stack);
		if (columns & MH_COL_WEIGHT)
			assert_true(s->weight && s->ins_lat && s->p_stage);
		for (i = 0; i < b.nr; i += 17) {
			sample(i, &ev);
			if (s->time_ns)
				assert_true(s->time_ns[i] == ev.time_ns);
			if (s->addr)
				assert_true(s->addr[i] == ev.sample.addr);
			if (columns & MH_COL_PHYS)
				assert_true(s->phys[i] == ev.sample.phys);
			if (columns & MH_COL_THREAD)
				assert_true(s->tid[i] == ev.sample.tid);
			if (columns & MH_COL_DATA_SRC)
				assert_true(s->data_src[i] == ev.sample.data_src);
			if (columns & MH_COL_WEIGHT)
				assert_true(s->weight[i] == ev.sample.weight);
			if (columns & MH_COL_CPU)
				assert_true(s->cpu[i] == ev.sample.cpu);
			if (columns & MH_COL_PERIOD)
				assert_true(s->period[i] == ev.sample.period);
		}
		mh_cursor_close(c);
	}
	mh_reader_close(r);
	unlink(path);
	free(path);
}

/* ---- rows in any order ---- */

struct counted {
	uint64_t time_ns, addr, period;
	uint32_t pid, tid;
	uint32_t pad;
};

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct counted));
}

/* What a cursor gives to who only counts; the rows of each batch sorted on demand. */
static struct counted *collect(const struct mh_reader *r, const struct mh_filter *f,
			       bool sorted, size_t *nr)
{
	struct counted *v = calloc(NR_SAMPLES, sizeof(*v));
	struct mh_cursor *c = cursor(r, f);
	struct mh_batch b;
	uint32_t i;

	assert_non_null(v);
	*nr = 0;
	while (mh_cursor_next(c, &b, NULL) == MH_OK) {
		const struct mh_sample_columns *s = &b.sample;

		assert_true(b.nr <= NR_SAMPLES - *nr);
		for (i = 0; i < b.nr; i++)
			v[*nr + i] =
				(struct counted){ s->time_ns[i], s->addr[i], s->period[i],
						  s->pid[i],     s->tid[i],  0 };
		if (sorted)
			qsort(v + *nr, b.nr, sizeof(*v), by_bytes);
		*nr += b.nr;
	}
	mh_cursor_close(c);
	return v;
}

/* Each block's rows are the same ones, whole; returns whether they came otherwise. */
static bool same_rows(const struct mh_reader *r, struct mh_filter f)
{
	struct counted *want, *got, *raw;
	size_t nr, nr_got, nr_raw;
	bool moved;

	f.kinds = 1 << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_ADDR | MH_COL_THREAD | MH_COL_PERIOD;
	raw = collect(r, &f, false, &nr_raw);
	want = collect(r, &f, true, &nr);
	f.any_order = 1;
	got = collect(r, &f, true, &nr_got);
	assert_true(nr > 0);
	assert_int_equal(nr, nr_got);
	assert_memory_equal(want, got, nr * sizeof(*want));
	free(got);
	got = collect(r, &f, false, &nr_got);
	moved = memcmp(raw, got, nr * sizeof(*raw)) != 0;
	free(raw);
	free(want);
	free(got);
	return moved;
}

static void any_order_is_the_same_rows(void **state)
{
	static const uint32_t pids[] = { 101 }, tids[] = { 102, 101 };
	char *path = sample_trace();
	struct mh_reader *r = reader(path);
	struct mh_range t = { 1300000, 1700000 }, a = { 0x7f0000100000, 0x7f0000200000 };

	(void)state;
	/* Were they in the order of time, the field would do nothing. */
	assert_true(same_rows(r, (struct mh_filter){ 0 }));
	assert_true(same_rows(r, (struct mh_filter){ .time_ns = t }));
	same_rows(r, (struct mh_filter){ .addr = a });
	same_rows(r, (struct mh_filter){ .time_ns = t, .addr = a });
	same_rows(r, (struct mh_filter){ .pids = pids, .nr_pids = 1 });
	same_rows(r, (struct mh_filter){ .tids = tids, .nr_tids = 2, .time_ns = t });
	mh_reader_close(r);
	unlink(path);
	free(path);
}

/* Occupancy of sample blocks: exactly the chunks that samples with an address touch. */
static void occupancy_is_what_rows_touch(void **state)
{
	char *path = sample_trace();
	struct mh_reader *r = reader(path);
	struct mh_cursor *c = cursor(r, NULL);
	struct walk w = { .c = c };
	struct mh_event ev;
	size_t i, k, nr;

	(void)state;
	for (i = 0; i < mh_reader_nr_blocks(r); i++) {
		const struct mh_occupancy_run *runs;
		uint64_t total = 0, want = 0;

		assert_int_equal(mh_cursor_occupancy(c, i, &runs, &nr, NULL), MH_OK);
		if (mh_reader_block(r, i)->kind == MH_EV_GAP)
			assert_int_equal(nr, 0);
		if (mh_reader_block(r, i)->kind != MH_EV_SAMPLE)
			continue;
		assert_true(nr > 0);
		for (k = 1; k < nr; k++)
			assert_true(runs[k].pid > runs[k - 1].pid ||
				    (runs[k].pid == runs[k - 1].pid &&
				     runs[k].chunk > runs[k - 1].chunk));
		for (k = 0; k < nr; k++) {
			assert_int_equal(runs[k].nr_chunks, 1);
			total += runs[k].count;
		}
		while (want < mh_reader_block(r, i)->nr && walk(&w, &ev)) {
			if (ev.kind != MH_EV_SAMPLE)
				continue;
			want++;
			if (want == mh_reader_block(r, i)->nr)
				break;
		}
		assert_true(total >= want * 39 / 40 - 2);
		assert_true(total <= want + want / 4);
		break;
	}
	mh_cursor_close(c);
	mh_reader_close(r);
	unlink(path);
	free(path);
}

/* Regions and pages of known size touch a known number of chunks. */
static void occupancy_of_ranges(void **state)
{
	char *path = temp_path("occupancy");
	struct mh_writer *w = writer(path, NULL);
	uint8_t bitmap[2048 / 8];
	const struct mh_occupancy_run *runs;
	struct mh_reader *r;
	struct mh_cursor *c;
	struct mh_event ev;
	size_t nr;

	(void)state;
	mh_event_init(&ev, MH_EV_REGION);
	ev.time_ns = 10;
	ev.region.pid = 5;
	ev.region.start = 3 << 20;
	ev.region.end = 7 << 20;
	ev.region.nr_accesses = 1;
	ev.region.max_accesses = 2;
	add(w, &ev);
	ev.region.start = 1ull << 40;
	ev.region.end = 1ull << 41;
	add(w, &ev);
	ev.region.start = 0;
	ev.region.end = UINT64_MAX;
	ev.region.nr_accesses = 0;
	add(w, &ev);
	mh_event_init(&ev, MH_EV_PAGES);
	memset(bitmap, 0, sizeof(bitmap));
	bitmap[0] = 0x81;
	bitmap[64] = 0xff;
	bitmap[2047 / 8] = 0x80;
	ev.pages.start = 4 << 20;
	ev.pages.nr_pages = 2048;
	ev.pages.page_shift = 12;
	ev.pages.accessed = bitmap;
	add(w, &ev);
	close_writer(w);
	r = reader(path);
	c = cursor(r, NULL);

	assert_int_equal(mh_cursor_occupancy(c, 0, &runs, &nr, NULL), MH_OK);
	assert_int_equal(nr, 6);
	assert_int_equal(runs[0].chunk, 1);
	assert_int_equal(runs[0].count, 1 << 19);
	assert_int_equal(runs[1].count, 1 << 20);
	assert_int_equal(runs[2].chunk, 3);
	assert_int_equal(runs[4].chunk, (1ull << 19) + 1);
	assert_true(runs[4].nr_chunks == (1ull << 19) - 2);
	assert_true(runs[4].count == 1ull << 39);

	assert_int_equal(mh_cursor_occupancy(c, 1, &runs, &nr, NULL), MH_OK);
	assert_int_equal(nr, 3);
	assert_int_equal(runs[0].chunk, 2);
	assert_int_equal(runs[0].count, 2);
	assert_int_equal(runs[1].count, 8);
	assert_int_equal(runs[2].chunk, 5);
	assert_int_equal(runs[2].count, 1);
	mh_cursor_close(c);
	mh_reader_close(r);
	unlink(path);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_naive),
		cmocka_unit_test(columns_alone),
		cmocka_unit_test(any_order_is_the_same_rows),
		cmocka_unit_test(occupancy_is_what_rows_touch),
		cmocka_unit_test(occupancy_of_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
