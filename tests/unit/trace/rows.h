/* SPDX-License-Identifier: MIT */
/*
 * Seeded events for tests of the trace, their comparison, and traces made of them.
 * The generator gives plain and extreme values; what it gives for row i of a kind depends
 * on the seed alone, so a reader can be compared with it again.
 */
#ifndef MEMHEAT_TEST_ROWS_H
#define MEMHEAT_TEST_ROWS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memheat/trace.h>

#include "test.h"

struct rng {
	uint64_t s;
};

static inline uint64_t rnd(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint64_t below(struct rng *r, uint64_t n)
{
	return rnd(r) % n;
}

/* Mostly small, sometimes 0 or all ones. */
static inline uint64_t wild(struct rng *r)
{
	switch (below(r, 8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return rnd(r);
	default:
		return rnd(r) >> below(r, 64);
	}
}

/* Memory that the events of one generator point to. */
struct bits {
	uint8_t *v[4096];
	size_t nr;
	uint8_t *stack; /* one of them: 4 KiB that copies of stacks lie in */
};

static inline uint8_t *random_bitmap(struct rng *r, struct bits *b, uint64_t nr_pages,
				     unsigned density)
{
	size_t len = (size_t)(nr_pages + 7) / 8, i;
	uint8_t *p = calloc(1, len + 1);

	assert_non_null(p);
	assert_true(b->nr < 4096);
	b->v[b->nr++] = p;
	for (i = 0; i < nr_pages; i++) {
		if (below(r, 100) < density)
			p[i / 8] |= (uint8_t)(1u << i % 8);
	}
	return p;
}

static inline void free_bits(struct bits *b)
{
	while (b->nr)
		free(b->v[--b->nr]);
	b->stack = NULL;
}

static const char *const words[] = { "",
				     "a",
				     "observer.cpu_ns",
				     "/usr/lib/libc.so.6",
				     "[heap]",
				     "x y \"z\"\n\t\x01",
				     "trace.start_ns" };

static inline const char *word(struct rng *r)
{
	return words[below(r, sizeof(words) / sizeof(words[0]))];
}

/* Of few threads, whose stacks overlap often: what is stored leans on the row before. */
static inline void random_copy(struct rng *r, struct bits *b, struct mh_event *ev)
{
	struct mh_ev_stack_copy *s = &ev->stack_copy;

	if (!b->stack)
		b->stack = random_bitmap(r, b, 1 << 15, 50);

	s->pid = (uint32_t)below(r, 3);
	s->tid = (uint32_t)below(r, 3);
	s->sp = below(r, 3) ? 0x7ffc00000000 + below(r, 64) : s->sp;
	s->regs =
		(struct mh_blob){ b->stack + below(r, 512), 8 * (uint32_t)below(r, 18) };
	s->stack = (struct mh_blob){ b->stack + below(r, 2048), (uint32_t)below(r, 100) };
}

/* Every field of a kind at random; PAGES have up to @max_pages pages. */
static inline void random_event(struct rng *r, struct bits *b, enum mh_event_kind kind,
				uint64_t max_pages, struct mh_event *ev)
{
	const struct mh_field *f;
	size_t i, nr;

	mh_event_init(ev, kind);
	ev->source = 3;
	ev->time_ns = wild(r);
	f = mh_event_fields(kind, &nr);
	for (i = 0; i < nr; i++) {
		const char *s = word(r);

		if (f[i].type == MH_FIELD_STRING)
			memcpy((char *)ev + f[i].offset, &s, sizeof(s));
		else if (f[i].type <= MH_FIELD_U64)
			mh_field_set(&f[i], ev, wild(r));
	}
	if (kind == MH_EV_MAP) {
		ev->map.build_id_len = (uint8_t)below(r, MH_BUILD_ID_MAX + 1);
		memset(ev->map.build_id, 0, MH_BUILD_ID_MAX);
		for (i = 0; i < ev->map.build_id_len; i++)
			ev->map.build_id[i] = (uint8_t)rnd(r);
	}
	if (kind == MH_EV_STACK_COPY)
		random_copy(r, b, ev);
	if (kind == MH_EV_PAGES) {
		ev->pages.page_shift = (uint8_t)below(r, 31);
		ev->pages.nr_pages = below(r, max_pages + 1);
		ev->pages.start = rnd(r) >> 20;
		ev->pages.accessed =
			random_bitmap(r, b, ev->pages.nr_pages, (unsigned)below(r, 101));
		ev->pages.observed = NULL;
		if (below(r, 2))
			ev->pages.observed = random_bitmap(r, b, ev->pages.nr_pages, 90);
	}
}

static inline void assert_same_bits(const uint8_t *a, const uint8_t *b, uint64_t nr)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a && nr)
		assert_memory_equal(a, b, (size_t)(nr + 7) / 8);
}

/* Two events are the same in every field. */
static inline void assert_same(const struct mh_event *a, const struct mh_event *b)
{
	const struct mh_field *f;
	size_t i, nr;

	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->source, b->source);
	assert_true(a->time_ns == b->time_ns);
	f = mh_event_fields(a->kind, &nr);
	for (i = 0; i < nr; i++) {
		const char *x, *y;

		memcpy(&x, (const char *)a + f[i].offset, sizeof(x));
		memcpy(&y, (const char *)b + f[i].offset, sizeof(y));
		if (f[i].type == MH_FIELD_STRING)
			assert_string_equal(x, y);
		else if (f[i].type <= MH_FIELD_U64 &&
			 mh_field_get(&f[i], a) != mh_field_get(&f[i], b))
			fail_msg("field %s: %llu != %llu", f[i].name,
				 (unsigned long long)mh_field_get(&f[i], a),
				 (unsigned long long)mh_field_get(&f[i], b));
	}
	if (a->kind == MH_EV_MAP) {
		assert_int_equal(a->map.build_id_len, b->map.build_id_len);
		assert_memory_equal(a->map.build_id, b->map.build_id,
				    a->map.build_id_len);
	}
	if (a->kind == MH_EV_STACK_COPY) {
		assert_int_equal(a->stack_copy.regs.len, b->stack_copy.regs.len);
		assert_int_equal(a->stack_copy.stack.len, b->stack_copy.stack.len);
		assert_memory_equal(a->stack_copy.regs.p, b->stack_copy.regs.p,
				    a->stack_copy.regs.len);
		assert_memory_equal(a->stack_copy.stack.p, b->stack_copy.stack.p,
				    a->stack_copy.stack.len);
	}
	if (a->kind == MH_EV_PAGES) {
		assert_same_bits(a->pages.accessed, b->pages.accessed, a->pages.nr_pages);
		assert_same_bits(a->pages.observed, b->pages.observed, a->pages.nr_pages);
	}
}

/* A name in the test's own folder; freed by the caller. */
static inline char *temp_path(const char *name)
{
	const char *dir = getenv("TMPDIR");
	char *path = NULL;

	assert_true(asprintf(&path, "%s/trace-%d-%s", dir ? dir : "/tmp", (int)getpid(),
			     name) > 0);
	return path;
}

static inline struct mh_writer *writer(const char *path,
				       const struct mh_writer_opts *opts)
{
	struct mh_err err = { 0 };
	struct mh_writer *w;

	if (mh_writer_open(&w, path, opts, &err))
		fail_msg("%s", err.msg);
	return w;
}

static inline void add(struct mh_writer *w, const struct mh_event *ev)
{
	struct mh_err err = { 0 };

	if (mh_writer_add(w, ev, &err))
		fail_msg("%s", err.msg);
}

static inline void close_writer(struct mh_writer *w)
{
	struct mh_err err = { 0 };

	if (mh_writer_close(w, &err))
		fail_msg("%s", err.msg);
}

static inline struct mh_reader *reader(const char *path)
{
	struct mh_err err = { 0 };
	struct mh_reader *r;

	if (mh_reader_open(&r, path, &err))
		fail_msg("%s", err.msg);
	return r;
}

static inline struct mh_cursor *cursor(const struct mh_reader *r,
				       const struct mh_filter *f)
{
	struct mh_err err = { 0 };
	struct mh_cursor *c;

	if (mh_cursor_open(&c, r, f, &err))
		fail_msg("%s", err.msg);
	return c;
}

/* Step through every row of a cursor as events; false at the end. */
struct walk {
	struct mh_cursor *c;
	struct mh_batch batch;
	uint32_t i;
	uint64_t nr_damaged;
};

static inline bool walk(struct walk *w, struct mh_event *ev)
{
	int status;

	while (w->i >= w->batch.nr) {
		w->i = 0;
		w->batch.nr = 0;
		status = mh_cursor_next(w->c, &w->batch, NULL);
		if (status == MH_EFORMAT) {
			w->batch.nr = 0;
			w->nr_damaged++;
			continue;
		}
		if (status == MH_END)
			return false;
		assert_int_equal(status, MH_OK);
		assert_true(w->batch.nr > 0);
	}
	mh_batch_event(&w->batch, w->i++, ev);
	return true;
}

static inline uint8_t *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	long n;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	n = ftell(f);
	assert_true(n >= 0);
	rewind(f);
	p = malloc((size_t)n + 1);
	assert_non_null(p);
	assert_int_equal(fread(p, 1, (size_t)n, f), n);
	fclose(f);
	*len = (size_t)n;
	return p;
}

static inline void spill(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

#endif
