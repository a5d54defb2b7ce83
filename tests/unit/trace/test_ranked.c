/* SPDX-License-Identifier: MIT */
/*
 * Times and addresses of samples that take few steps: they are numbered by how often they
 * come, read again in every way that a cursor gives, and refused where they lie.
 */
#include "rows.h"

#include "trace/column.h"
#include "trace/decode.h"
#include "trace/format.h"

#define NR 3000

/* Faults at a random byte of each page, by two threads; the clock ticks in tens of ns. */
static void stepping(struct rng *r, struct mh_event *ev, uint64_t i)
{
	uint64_t page = 0x7f0000000 + i % 2 * 100000 + i * 0x5cc3 % NR;

	mh_event_init(ev, MH_EV_SAMPLE);
	ev->source = 1;
	ev->sample.pid = 7;
	ev->sample.tid = 7 + i % 2;
	ev->sample.ip = 0x400000 + i % 2;
	ev->sample.addr = page << 12 | below(r, 4096);
	ev->sample.flags = MH_SAMPLE_ADDR;
	/* Rare ones: the first of all, and a step now and then of any length. */
	ev->time_ns = i * 1000 + 10 * below(r, 12) + (below(r, 50) ? 0 : below(r, 300));
}

static char *make_trace(enum mh_policy policy)
{
	struct mh_writer_opts opts = { .policy = policy };
	char *path = temp_path("ranked");
	struct mh_writer *w = writer(path, &opts);
	struct rng r = { 5 };
	struct mh_event ev;
	uint64_t i;

	for (i = 0; i < NR; i++) {
		stepping(&r, &ev, i);
		add(w, &ev);
		if (i == NR / 2)
			assert_int_equal(mh_writer_flush(w, NULL), MH_OK);
	}
	close_writer(w);
	return path;
}

/* How a column of the block at @p is stored; its directory entry. */
static uint8_t *entry_of(uint8_t *p, uint8_t id)
{
	struct mh_block_head head;
	unsigned i;

	assert_true(mh_block_head_get(&head, p));
	for (i = 0; i < head.nr_columns; i++) {
		uint8_t *entry = p + MH_BLOCK_HEADER_LEN + i * MH_COLUMN_ENTRY_LEN;

		if (entry[0] == id)
			return entry;
	}
	fail_msg("column %u is not there", id);
	return NULL;
}

static void read_again(void **state)
{
	static const enum mh_policy policies[] = { MH_POLICY_DEFAULT, MH_POLICY_FAST,
						   MH_POLICY_BEST };
	struct mh_filter any = { .any_order = 1, .columns = MH_COL_TIME | MH_COL_ADDR };
	unsigned p;

	(void)state;
	for (p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
		char *path = make_trace(policies[p]);
		struct mh_reader *rd = reader(path);
		struct walk plain = { .c = cursor(rd, NULL) };
		struct walk grouped = { .c = cursor(rd, &any) };
		struct rng r = { 5 };
		struct mh_event ev, got;
		uint64_t i, sum = 0;
		size_t len;
		uint8_t *bytes = slurp(path, &len);

		assert_int_equal(mh_reader_nr_blocks(rd), 2);
		for (i = 0; i < 2; i++) {
			uint8_t *block = bytes + mh_reader_block(rd, i)->offset;

			assert_int_equal(entry_of(block, MH_COLID_TIME)[1],
					 MH_ENCODING_RANKED);
			assert_int_equal(entry_of(block, MH_COLID_ADDR)[1],
					 MH_ENCODING_RANKED);
		}
		for (i = 0; walk(&plain, &got); i++) {
			stepping(&r, &ev, i);
			assert_same(&ev, &got);
			sum += ev.time_ns * (ev.sample.addr | 1);
		}
		assert_int_equal(i, NR);
		/* In another order; each time still with its own address. */
		for (i = 0; walk(&grouped, &got); i++)
			sum -= got.time_ns * (got.sample.addr | 1);
		assert_int_equal(i, NR);
		assert_true(sum == 0);
		mh_cursor_close(plain.c);
		mh_cursor_close(grouped.c);
		mh_reader_close(rd);
		free(bytes);
		unlink(path);
		free(path);
	}
}

/* An encoding of a later version: rows without times are none, addresses can be spared.
 */
static void later_encoding(void **state)
{
	static const uint8_t ids[] = { MH_COLID_TIME, MH_COLID_ADDR };
	unsigned k;

	(void)state;
	for (k = 0; k < 2; k++) {
		char *path = make_trace(MH_POLICY_DEFAULT);
		struct mh_block_head head;
		struct mh_reader *rd;
		struct walk w = { 0 };
		struct mh_event ev;
		uint64_t nr = 0;
		size_t len;
		uint8_t *bytes = slurp(path, &len), *block = bytes + MH_FILE_HEADER_LEN;

		entry_of(block, ids[k])[1] = MH_ENCODING_RANKED + 1;
		assert_true(mh_block_head_get(&head, block));
		head.dir_crc = mh_crc(block + MH_BLOCK_HEADER_LEN,
				      (size_t)head.nr_columns * MH_COLUMN_ENTRY_LEN);
		mh_block_head_put(block, &head);
		spill(path, bytes, len - MH_TRAILER_LEN);
		rd = reader(path);
		w.c = cursor(rd, NULL);
		while (walk(&w, &ev)) {
			if (nr++ == 0 && ids[k] == MH_COLID_ADDR)
				assert_null(w.batch.sample.addr);
		}
		assert_int_equal(w.nr_damaged, ids[k] == MH_COLID_TIME);
		assert_int_equal(nr, ids[k] == MH_COLID_TIME ? NR / 2 - 1 : NR);
		mh_cursor_close(w.c);
		mh_reader_close(rd);
		free(bytes);
		unlink(path);
		free(path);
	}
}

/* ---- by hand, as memheat-trace(5) has it ---- */

#define ROWS 5

static int decode(struct mh_decoder *d, uint8_t id, const uint8_t *bytes, size_t len,
		  struct mh_batch *batch, struct mh_wbuf *out)
{
	struct mh_columns columns = { 0 };
	struct mh_block_head head = {
		.kind = MH_EV_SAMPLE, .items = ROWS, .t_min = 1000, .t_max = 2000
	};
	struct mh_block block;

	mh_columns_reset(&columns);
	mh_column_begin(&columns, id, MH_ENCODING_RANKED);
	mh_wbuf_bytes(&columns.body, bytes, len);
	mh_column_end(&columns);
	out->len = 0;
	mh_columns_finish(&columns, &head, out);
	mh_columns_fini(&columns);
	assert_true(mh_block_parse(&block, out->p, out->len));
	return mh_decode_block(d, &block, id == MH_COLID_TIME ? MH_COL_TIME : MH_COL_ADDR,
			       false, batch);
}

/* Two common values, 10 and -3 (zigzag 20 and 5), and a rare one, 300. */
static const uint8_t by_hand[] = {
	2,                                 /* common values */
	0, 2, 2, 1,          1,            /* their lengths */
	1,                                 /* planes */
	0, 2, 2, 20,         5,            /* the first */
	1,                                 /* planes of ranks */
	0, 5, 5, 1,          1, 2, 0, 1,   /* ranks */
	0, 1, 1, 2,          2,            /* the rare value's length, planes */
	0, 1, 1, 600 & 0xff,               /* its bytes */
	0, 1, 1, 600 >> 8,                 /* ... */
	2,                                 /* planes of the low bits */
	0, 5, 5, 1,          2, 3, 4, 255, /* their low bytes */
	0, 5, 5, 15,         0, 0, 1, 2,   /* and the high ones */
};

#define TIME_LEN   (sizeof(by_hand) - 17)
#define FIRST_RANK 16
#define LAST_HIGH  (sizeof(by_hand) - 1)

static void known_bytes(void **state)
{
	static const uint64_t times[ROWS] = { 1010, 1020, 1017, 1317, 1327 };
	static const uint64_t addrs[ROWS] = { 10 << 12 | 0xf01, 20 << 12 | 2,
					      17 << 12 | 3, 317 << 12 | 0x104,
					      327 << 12 | 0x2ff };
	struct mh_decoder *d;
	struct mh_batch batch;
	struct mh_wbuf out = { 0 };
	int i;

	(void)state;
	assert_int_equal(mh_decoder_new(&d, NULL), MH_OK);
	assert_int_equal(decode(d, MH_COLID_TIME, by_hand, TIME_LEN, &batch, &out),
			 MH_OK);
	for (i = 0; i < ROWS; i++)
		assert_int_equal(batch.sample.time_ns[i], times[i]);
	assert_int_equal(decode(d, MH_COLID_ADDR, by_hand, sizeof(by_hand), &batch, &out),
			 MH_OK);
	for (i = 0; i < ROWS; i++)
		assert_int_equal(batch.sample.addr[i], addrs[i]);
	mh_wbuf_fini(&out);
	mh_decoder_free(d);
}

static void lies(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = {
		{ 0, 3 },              /* more common values than there are lengths */
		{ 0, ROWS + 1 },       /* than rows */
		{ FIRST_RANK, 3 },     /* a number that no value has */
		{ FIRST_RANK, 0 },     /* a rare value too few */
		{ FIRST_RANK + 3, 1 }, /* and too many */
		{ LAST_HIGH, 16 },     /* low bits that are high ones */
	};
	struct mh_decoder *d;
	struct mh_batch batch;
	struct mh_wbuf out = { 0 };
	uint8_t bad[sizeof(by_hand) + 1] = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(mh_decoder_new(&d, NULL), MH_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bad, by_hand, sizeof(by_hand));
		bad[cases[i].at] = cases[i].value;
		assert_int_equal(
			decode(d, MH_COLID_ADDR, bad, sizeof(by_hand), &batch, &out),
			MH_EFORMAT);
	}
	memcpy(bad, by_hand, sizeof(by_hand));
	for (i = 0; i < sizeof(bad); i++) {
		if (i != sizeof(by_hand))
			assert_int_equal(decode(d, MH_COLID_ADDR, bad, i, &batch, &out),
					 MH_EFORMAT);
		if (i != TIME_LEN)
			assert_int_equal(decode(d, MH_COLID_TIME, bad, i, &batch, &out),
					 MH_EFORMAT);
	}
	assert_int_equal(decode(d, MH_COLID_ADDR, bad, sizeof(bad), &batch, &out),
			 MH_EFORMAT);
	mh_wbuf_fini(&out);
	mh_decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_again),
		cmocka_unit_test(later_encoding),
		cmocka_unit_test(known_bytes),
		cmocka_unit_test(lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
