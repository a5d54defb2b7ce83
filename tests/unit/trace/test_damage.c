/* SPDX-License-Identifier: MIT */
/*
 * Traces that were cut, damaged or made to deceive: every whole block is read, nothing
 * wrong is ever given, and memory stays bounded.
 */
#include <sys/resource.h>

#include "rows.h"

#include "base/buf.h"
#include "trace/format.h"

#define NR_PER_KIND 6

/*
 * Each cut, flipped byte and deceived trace is read anew, which is ten times slower in a
 * sanitizer's build: there one in STRIDE is taken, and main() says so.
 */
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRIDE 8
#endif
#endif
#ifndef STRIDE
#define STRIDE 1
#endif

/* A trace with some blocks of every kind; row i of each is tagged by its time. */
static char *make_trace(const char *name)
{
	char *path = temp_path(name);
	struct mh_writer *w = writer(path, NULL);
	struct rng r = { 7 };
	struct bits b = { 0 };
	enum mh_event_kind kind;
	struct mh_event ev;
	int round, i;

	for (round = 0; round < 2; round++) {
		for (kind = MH_EV_META; kind < MH_NR_EVENT_KINDS; kind++) {
			for (i = 0; i < NR_PER_KIND; i++) {
				random_event(&r, &b, kind, 60, &ev);
				add(w, &ev);
			}
		}
		assert_int_equal(mh_writer_flush(w, NULL), MH_OK);
	}
	close_writer(w);
	free_bits(&b);
	return path;
}

/* Events of a whole trace, printed one per line: what a damaged copy may give some of. */
struct lines {
	char **v;
	size_t nr, cap;
	uint64_t nr_damaged;
};

static char *line_of(const struct mh_event *ev)
{
	char *line = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&line, &len);

	assert_non_null(f);
	assert_int_equal(mh_event_print(f, ev, NULL), MH_OK);
	fclose(f);
	return line;
}

/* Every cursor and every block's occupancy of a reader. */
static void read_all(const struct mh_reader *r, struct lines *lines)
{
	struct walk w = { .c = cursor(r, NULL) };
	const struct mh_occupancy_run *runs;
	struct mh_event ev;
	size_t i, nr;

	while (walk(&w, &ev)) {
		if (lines->nr == lines->cap) {
			lines->cap = lines->cap ? lines->cap * 2 : 256;
			lines->v = realloc(lines->v, lines->cap * sizeof(*lines->v));
			assert_non_null(lines->v);
		}
		lines->v[lines->nr++] = line_of(&ev);
	}
	lines->nr_damaged = w.nr_damaged;
	assert_true(w.nr_damaged <= mh_cursor_nr_damaged(w.c));
	for (i = 0; i < mh_reader_nr_blocks(r); i++)
		(void)!mh_cursor_occupancy(w.c, i, &runs, &nr, NULL);
	mh_cursor_close(w.c);
}

static void free_lines(struct lines *l)
{
	while (l->nr)
		free(l->v[--l->nr]);
	free(l->v);
}

/* The rows of a copy are rows of the original, in its order. */
static void assert_subsequence(const struct lines *part, const struct lines *all)
{
	size_t i, k = 0;

	for (i = 0; i < part->nr; i++) {
		while (k < all->nr && strcmp(part->v[i], all->v[k]) != 0)
			k++;
		if (k == all->nr)
			fail_msg("a row that was never written: %s", part->v[i]);
		k++;
	}
}

static void read_original(const char *path, struct lines *all)
{
	struct mh_reader *r = reader(path);

	read_all(r, all);
	assert_int_equal(all->nr_damaged, 0);
	assert_int_equal(all->nr, 2 * NR_PER_KIND * (MH_NR_EVENT_KINDS - 1));
	mh_reader_close(r);
}

/* C1: cut at any byte, the whole blocks before the cut are there. */
static void cut_anywhere(void **state)
{
	char *path = make_trace("cut"), *copy = temp_path("cut-copy");
	struct mh_reader *r = reader(path);
	size_t len, at, i, nr_blocks = mh_reader_nr_blocks(r);
	uint8_t *bytes = slurp(path, &len);
	struct mh_reader *c;

	(void)state;
	spill(copy, bytes, len);
	for (at = len; at-- > 0;) {
		uint64_t rows = 0, got = 0;
		unsigned kind;

		if (at % STRIDE)
			continue;
		assert_int_equal(truncate(copy, (off_t)at), 0);
		if (at < MH_FILE_HEADER_LEN) {
			assert_int_equal(mh_reader_open(&c, copy, NULL), MH_EFORMAT);
			continue;
		}
		for (i = 0; i < nr_blocks; i++) {
			const struct mh_block_info *b = mh_reader_block(r, i);

			if (b->offset + mh_block_len((uint32_t)b->stored_len) <= at)
				rows += b->nr;
		}
		c = reader(copy);
		for (kind = 0; kind < MH_NR_EVENT_KINDS; kind++)
			got += mh_reader_info(c)->rows[kind];
		assert_int_equal(got, rows);
		assert_false(mh_reader_info(c)->complete);
		if (at / STRIDE % 97 == 0) {
			struct lines l = { 0 };

			read_all(c, &l);
			assert_int_equal(l.nr, rows);
			free_lines(&l);
		}
		mh_reader_close(c);
	}
	mh_reader_close(r);
	free(bytes);
	unlink(path);
	unlink(copy);
	free(path);
	free(copy);
}

/* C2: one damaged byte, and the rest is read; never a wrong row. */
static void damage_anywhere(void **state)
{
	char *path = make_trace("flip"), *copy = temp_path("flip-copy");
	struct lines all = { 0 };
	struct mh_reader *c;
	size_t len, at;
	uint8_t *bytes = slurp(path, &len);

	(void)state;
	read_original(path, &all);
	for (at = 0; at < len; at += STRIDE * (at < 400 ? 1 : 7)) {
		uint8_t was = bytes[at];
		struct lines l = { 0 };

		bytes[at] ^= (uint8_t)(1u << at % 8);
		spill(copy, bytes, len);
		bytes[at] = was;
		if (mh_reader_open(&c, copy, NULL)) {
			assert_true(at < MH_FILE_HEADER_LEN);
			continue;
		}
		read_all(c, &l);
		assert_subsequence(&l, &all);
		/* One block at most is lost. */
		assert_true(l.nr >= all.nr - NR_PER_KIND);
		free_lines(&l);
		mh_reader_close(c);
	}
	free_lines(&all);
	free(bytes);
	unlink(path);
	unlink(copy);
	free(path);
	free(copy);
}

/* Make directory and header of the block at @p agree with its bytes again. */
static void repair(uint8_t *p, const struct mh_block_head *head)
{
	struct mh_block_head h = *head;
	uint8_t *dir = p + MH_BLOCK_HEADER_LEN;
	size_t at = (size_t)h.nr_columns * MH_COLUMN_ENTRY_LEN, dir_len = at;
	unsigned i;

	for (i = 0; i < h.nr_columns && at <= h.stored_len; i++) {
		uint8_t *e = dir + i * MH_COLUMN_ENTRY_LEN;
		uint32_t n = (uint32_t)e[4] | (uint32_t)e[5] << 8 | (uint32_t)e[6] << 16 |
			     (uint32_t)e[7] << 24;
		uint32_t crc;

		if (n > h.stored_len - at)
			break;
		crc = mh_crc(dir + at, n);
		e[8] = (uint8_t)crc;
		e[9] = (uint8_t)(crc >> 8);
		e[10] = (uint8_t)(crc >> 16);
		e[11] = (uint8_t)(crc >> 24);
		at += n;
	}
	h.dir_crc = mh_crc(dir, dir_len);
	mh_block_head_put(p, &h);
}

/* Damage with right checksums: no crash, bounded memory, and an end. */
static void deceive(void **state)
{
	char *path = make_trace("lie"), *copy = temp_path("lie-copy");
	struct mh_reader *r = reader(path), *c;
	struct rng rng = { 11 };
	struct rusage before, after;
	size_t len, i, round, nr = mh_reader_nr_blocks(r);
	uint8_t *bytes = slurp(path, &len);

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	for (round = 0; round < 300 / STRIDE; round++) {
		uint8_t *bad = malloc(len);
		struct lines l = { 0 };

		assert_non_null(bad);
		memcpy(bad, bytes, len);
		for (i = 0; i < nr; i++) {
			const struct mh_block_info *b = mh_reader_block(r, i);
			struct mh_block_head h;
			unsigned k;

			assert_true(mh_block_head_get(&h, bad + b->offset));
			for (k = 0; k < 3; k++) {
				uint64_t at = b->offset + MH_BLOCK_HEADER_LEN +
					      below(&rng, b->stored_len);

				bad[at] = (uint8_t)(below(&rng, 2) ? rnd(&rng)
								   : bad[at] + 1u);
			}
			if (below(&rng, 4) == 0)
				h.items = (uint32_t)wild(&rng);
			if (below(&rng, 8) == 0)
				h.kind = (uint16_t)below(&rng, 12);
			if (below(&rng, 8) == 0)
				h.nr_columns = (uint32_t)below(&rng, 70);
			if (h.nr_columns * MH_COLUMN_ENTRY_LEN <= h.stored_len)
				repair(bad + b->offset, &h);
		}
		/* No trailer, so that headers are followed. */
		spill(copy, bad, len - 40);
		free(bad);
		if (mh_reader_open(&c, copy, NULL) == MH_OK) {
			read_all(c, &l);
			free_lines(&l);
			mh_reader_close(c);
		}
	}
	getrusage(RUSAGE_SELF, &after);
#if STRIDE == 1 /* a sanitizer keeps what was freed */
	assert_true(after.ru_maxrss - before.ru_maxrss < 400 << 10);
#endif
	mh_reader_close(r);
	free(bytes);
	unlink(path);
	unlink(copy);
	free(path);
	free(copy);
}

static void not_traces(void **state)
{
	char *path = temp_path("not");
	struct mh_err err = { 0 };
	struct mh_reader *r;
	uint8_t head[MH_FILE_HEADER_LEN];
	struct mh_file_head h = { .major = 1, .header_len = MH_FILE_HEADER_LEN };

	(void)state;
	assert_int_equal(mh_reader_open(&r, path, &err), MH_ESYS);
	spill(path, "", 0);
	assert_int_equal(mh_reader_open(&r, path, &err), MH_EFORMAT);
	spill(path,
	      "PERFILE2 and so on, longer than a header of ours is, which is 64 bytes",
	      70);
	assert_int_equal(mh_reader_open(&r, path, &err), MH_EFORMAT);
	h.major = 2;
	mh_file_head_put(head, &h);
	spill(path, head, sizeof(head));
	assert_int_equal(mh_reader_open(&r, path, &err), MH_EFORMAT);
	assert_non_null(strstr(err.msg, "2.0"));
	h.major = 1;
	h.incompat = 1 << 5;
	mh_file_head_put(head, &h);
	spill(path, head, sizeof(head));
	assert_int_equal(mh_reader_open(&r, path, &err), MH_EFORMAT);
	assert_non_null(strstr(err.msg, "bit 5"));
	h.incompat = 0;
	h.compat = UINT64_MAX;
	h.minor = 9;
	mh_file_head_put(head, &h);
	spill(path, head, sizeof(head));
	r = reader(path);
	assert_false(mh_reader_info(r)->complete);
	assert_int_equal(mh_reader_nr_blocks(r), 0);
	mh_reader_close(r);
	unlink(path);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(damage_anywhere),
		cmocka_unit_test(deceive),
		cmocka_unit_test(not_traces),
	};

	if (STRIDE > 1)
		printf("# note: sanitizer, so one cut, flipped byte and deceived trace "
		       "in %d\n",
		       STRIDE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
