/* SPDX-License-Identifier: MIT */
/*
 * Traces of a later version: unknown kinds, columns and encodings are passed over. Also
 * repacking, encoders beside the writer, and indexes of more than one block.
 */
#include "rows.h"

#include "trace/encode.h"
#include "trace/format.h"

#define NR 500

static void region(uint64_t i, struct mh_event *ev)
{
	mh_event_init(ev, MH_EV_REGION);
	ev->source = 1;
	ev->time_ns = 1000 + i / 10 * 100;
	ev->region.start_ns = ev->time_ns - 100;
	ev->region.pid = 7;
	ev->region.start = (i % 10) << 20;
	ev->region.end = (i % 10 + 1) << 20;
	ev->region.nr_accesses = (uint32_t)i % 21;
	ev->region.max_accesses = 20;
	ev->region.age = (uint32_t)i;
}

static void sample(uint64_t i, struct mh_event *ev)
{
	mh_event_init(ev, MH_EV_SAMPLE);
	ev->source = 1;
	ev->time_ns = 1000 + i;
	ev->sample.pid = 7;
	ev->sample.ip = 0x400000 + i % 50;
	ev->sample.addr = 0x10000 + i * i;
	ev->sample.weight = i % 90;
	ev->sample.data_src = i % 4;
	ev->sample.cpu = 3;
}

static void stat_event(uint64_t i, struct mh_event *ev)
{
	mh_event_init(ev, MH_EV_STAT);
	ev->time_ns = 1000 + i;
	ev->stat.name = i % 2 ? "one" : "two";
	ev->stat.value = i * 100;
}

static char *make_trace(const char *name)
{
	char *path = temp_path(name);
	struct mh_writer *w = writer(path, NULL);
	struct mh_event ev;
	uint64_t i;

	for (i = 0; i < NR; i++) {
		region(i, &ev);
		add(w, &ev);
		sample(i, &ev);
		add(w, &ev);
		stat_event(i, &ev);
		add(w, &ev);
	}
	close_writer(w);
	return path;
}

/* A directory entry of the first block of a kind; its header and bytes. */
struct place {
	uint8_t *block, *entry;
	struct mh_block_head head;
};

static struct place find(uint8_t *bytes, size_t len, uint16_t kind, uint8_t id)
{
	struct place p = { 0 };
	size_t at = MH_FILE_HEADER_LEN;
	unsigned i;

	while (at + MH_BLOCK_HEADER_LEN < len) {
		p.block = bytes + at;
		assert_true(mh_block_head_get(&p.head, p.block));
		if (p.head.kind == kind)
			break;
		at += mh_block_len(p.head.stored_len);
	}
	assert_int_equal(p.head.kind, kind);
	for (i = 0; i < p.head.nr_columns; i++) {
		p.entry = p.block + MH_BLOCK_HEADER_LEN + i * MH_COLUMN_ENTRY_LEN;
		if (p.entry[0] == id)
			return p;
	}
	fail_msg("column %u is not there", id);
	return p;
}

static void put_back(struct place *p)
{
	p->head.dir_crc = mh_crc(p->block + MH_BLOCK_HEADER_LEN,
				 (size_t)p->head.nr_columns * MH_COLUMN_ENTRY_LEN);
	mh_block_head_put(p->block, &p->head);
}

/* Write changed bytes without their index and read them as rows. */
static struct mh_reader *reopen(const char *path, const uint8_t *bytes, size_t len)
{
	spill(path, bytes, len - MH_TRAILER_LEN);
	return reader(path);
}

static void unknown_kind(void **state)
{
	char *path = make_trace("kind");
	struct mh_reader *r;
	struct mh_err err = { 0 };
	size_t len;
	uint8_t *bytes = slurp(path, &len);
	struct place p = find(bytes, len, MH_EV_REGION, MH_COLID_GAP);
	struct walk w = { 0 };
	struct mh_event ev;
	uint64_t nr = 0;

	(void)state;
	p.head.kind = 200;
	put_back(&p);
	r = reopen(path, bytes, len);
	assert_int_equal(mh_reader_info(r)->nr_unknown, 1);
	assert_int_equal(mh_reader_info(r)->rows[MH_EV_REGION], 0);
	w.c = cursor(r, NULL);
	while (walk(&w, &ev))
		nr++;
	assert_int_equal(nr, 2 * NR);
	mh_cursor_close(w.c);
	mh_reader_close(r);

	p.head.flags = MH_BLOCK_MUST_UNDERSTAND;
	put_back(&p);
	spill(path, bytes, len - MH_TRAILER_LEN);
	assert_int_equal(mh_reader_open(&r, path, &err), MH_EFORMAT);
	assert_non_null(strstr(err.msg, "200"));
	free(bytes);
	unlink(path);
	free(path);
}

/* What each unknown column or encoding leaves of its block. */
static void unknown_columns(void **state)
{
	static const struct {
		enum mh_event_kind kind;
		uint8_t id, new_id, encoding;
	} cases[] = {
		{ MH_EV_SAMPLE, MH_COLID_CPU, 99, 1 },
		{ MH_EV_SAMPLE, MH_COLID_CPU, MH_COLID_CPU, 7 },
		{ MH_EV_SAMPLE, MH_COLID_IP, MH_COLID_IP, 7 },
		{ MH_EV_SAMPLE, MH_COLID_THREAD, MH_COLID_THREAD, 7 },
		{ MH_EV_SAMPLE, MH_COLID_DATA_SRC, MH_COLID_DATA_SRC, 9 },
		{ MH_EV_SAMPLE, MH_COLID_OCCUPANCY, 100, 1 },
		{ MH_EV_REGION, MH_COLID_AGE, MH_COLID_AGE, 9 },
		{ MH_EV_REGION, MH_COLID_SIZE, MH_COLID_SIZE, 9 },
		{ MH_EV_REGION, MH_COLID_AGE, 77, 1 },
		{ MH_EV_STAT, MH_COLID_FIELD(0), MH_COLID_FIELD(0), 50 },
		{ MH_EV_STAT, MH_COLID_FIELD(2), MH_COLID_FIELD(2), 50 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mh_filter f = { .kinds = 1u << cases[i].kind };
		char *path = make_trace("column");
		struct mh_event ev, want;
		struct walk w = { 0 };
		struct mh_reader *r;
		uint64_t nr = 0;
		size_t len;
		uint8_t *bytes = slurp(path, &len);
		struct place p;

		if (cases[i].id == MH_COLID_OCCUPANCY) {
			/* Samples here have no valid address and so no such column. */
			p = find(bytes, len, MH_EV_REGION, MH_COLID_OCCUPANCY);
			f.kinds = 1u << MH_EV_REGION;
		} else {
			p = find(bytes, len, (uint16_t)cases[i].kind, cases[i].id);
		}
		p.entry[0] = cases[i].new_id;
		p.entry[1] = cases[i].encoding;
		put_back(&p);
		r = reopen(path, bytes, len);
		w.c = cursor(r, &f);
		for (; walk(&w, &ev); nr++) {
			if (ev.kind == MH_EV_SAMPLE) {
				bool grouped = w.batch.sample.addr != NULL;

				sample(nr, &want);
				assert_int_equal(grouped,
						 cases[i].id != MH_COLID_IP &&
							 cases[i].id != MH_COLID_THREAD);
				assert_true(!grouped ||
					    ev.sample.addr == want.sample.addr);
				assert_int_equal(w.batch.sample.weight != NULL,
						 grouped && cases[i].id !=
								    MH_COLID_DATA_SRC);
				assert_int_equal(w.batch.sample.cpu != NULL,
						 cases[i].id != MH_COLID_CPU);
			} else if (ev.kind == MH_EV_REGION) {
				region(nr, &want);
				assert_int_equal(ev.region.nr_accesses,
						 want.region.nr_accesses);
				if (cases[i].id == MH_COLID_AGE)
					assert_int_equal(ev.region.age, MH_NO_AGE);
			} else {
				stat_event(nr, &want);
				if (cases[i].id == MH_COLID_FIELD(0))
					assert_string_equal(ev.stat.name, "");
				else
					assert_string_equal(ev.stat.name, want.stat.name);
			}
			assert_true(ev.time_ns == want.time_ns);
		}
		assert_int_equal(nr, NR);
		assert_int_equal(w.nr_damaged, 0);
		mh_cursor_close(w.c);
		mh_reader_close(r);
		free(bytes);
		unlink(path);
		free(path);
	}
}

/* Many small blocks become few, and the rows stay. */
static void repack(void **state)
{
	struct mh_writer_opts best = { .policy = MH_POLICY_BEST,
				       .no_tail = 1,
				       .flush_ms = UINT32_MAX };
	char *path = temp_path("small"), *packed = temp_path("packed");
	struct mh_writer *w = writer(path, NULL);
	struct mh_reader *a, *b;
	struct mh_event ev, got;
	struct walk x = { 0 }, y = { 0 };
	struct mh_filter samples = { .kinds = 1 << MH_EV_SAMPLE };
	uint64_t i, nr_damaged = 9;

	(void)state;
	for (i = 0; i < 3000; i++) {
		sample(i, &ev);
		add(w, &ev);
		stat_event(i, &ev);
		add(w, &ev);
		/* More blocks than one index block holds. */
		assert_int_equal(mh_writer_flush(w, NULL), MH_OK);
	}
	close_writer(w);
	a = reader(path);
	assert_int_equal(mh_reader_nr_blocks(a), 6000);
	assert_true(mh_reader_info(a)->complete);
	w = writer(packed, &best);
	assert_int_equal(mh_trace_repack(w, a, NULL, &nr_damaged, NULL), MH_OK);
	close_writer(w);
	assert_int_equal(nr_damaged, 0);
	b = reader(packed);
	assert_int_equal(mh_reader_nr_blocks(b), 2);
	assert_true(mh_reader_info(b)->bytes * 20 < mh_reader_info(a)->bytes);
	x.c = cursor(a, &samples);
	y.c = cursor(b, &samples);
	while (walk(&x, &ev)) {
		assert_true(walk(&y, &got));
		assert_same(&ev, &got);
	}
	assert_false(walk(&y, &got));
	mh_cursor_close(x.c);
	mh_cursor_close(y.c);
	mh_reader_close(a);
	mh_reader_close(b);
	unlink(path);
	unlink(packed);
	free(path);
	free(packed);
}

/* Blocks that were encoded elsewhere, between rows of the writer's own. */
static void appended_blocks(void **state)
{
	char *path = temp_path("append");
	struct mh_writer *w = writer(path, NULL);
	struct mh_encoder *e;
	struct mh_wbuf block = { 0 };
	struct mh_event ev[2], got;
	struct mh_batch batch = { .kind = MH_EV_STAT, .nr = 2, .events = ev };
	struct mh_reader *r;
	struct walk walker = { 0 };
	uint64_t i;

	(void)state;
	assert_int_equal(mh_encoder_new(&e, MH_POLICY_FAST, NULL), MH_OK);
	for (i = 0; i < 10; i++) {
		stat_event(3 * i, &ev[0]);
		add(w, &ev[0]);
		stat_event(3 * i + 1, &ev[0]);
		stat_event(3 * i + 2, &ev[1]);
		block.len = 0;
		assert_int_equal(mh_encoder_block(e, &batch, &block, NULL), MH_OK);
		assert_int_equal(mh_writer_append_block(w, block.p, block.len, NULL),
				 MH_OK);
	}
	assert_int_equal(mh_writer_count(w, MH_EV_STAT), 30);
	close_writer(w);
	mh_wbuf_fini(&block);
	mh_encoder_free(e);
	r = reader(path);
	assert_int_equal(mh_reader_info(r)->nr_lost_blocks, 0);
	walker.c = cursor(r, NULL);
	for (i = 0; walk(&walker, &got); i++) {
		stat_event(i, &ev[0]);
		assert_same(&ev[0], &got);
	}
	assert_int_equal(i, 30);
	mh_cursor_close(walker.c);
	mh_reader_close(r);
	unlink(path);
	free(path);
}

/* META is to be had by key, the last value counting, and in file order. */
static void meta_by_key(void **state)
{
	char *path = temp_path("meta");
	struct mh_writer *w = writer(path, NULL);
	const char *value = NULL;
	struct mh_reader *r;
	struct mh_event ev;

	(void)state;
	mh_event_init(&ev, MH_EV_META);
	ev.meta.key = "trace.start_ns";
	ev.meta.value = "12345";
	add(w, &ev);
	ev.meta.key = "command";
	ev.meta.value = "a";
	add(w, &ev);
	ev.meta.value = "b";
	add(w, &ev);
	/* From the tail as well as from blocks. */
	r = reader(path);
	assert_int_equal(mh_reader_info(r)->tail_rows, 3);
	assert_string_equal(mh_reader_meta(r, "command"), "b");
	mh_reader_close(r);
	close_writer(w);
	r = reader(path);
	assert_int_equal(mh_reader_info(r)->start_ns, 12345);
	assert_string_equal(mh_reader_meta(r, "command"), "b");
	assert_null(mh_reader_meta(r, "none"));
	assert_string_equal(mh_reader_meta_at(r, 1, &value), "command");
	assert_string_equal(value, "a");
	assert_null(mh_reader_meta_at(r, 3, &value));
	mh_reader_close(r);
	unlink(path);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_kind), cmocka_unit_test(unknown_columns),
		cmocka_unit_test(repack),       cmocka_unit_test(appended_blocks),
		cmocka_unit_test(meta_by_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
