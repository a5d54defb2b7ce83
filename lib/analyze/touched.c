/* SPDX-License-Identifier: MIT */
/* Distinct pages, sorted now and then so that pages that fault again cost no memory. */
#include "analyze/touched.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/pass.h"
#include "base/vec.h"

struct part {
	struct mh_touched t;
	struct mh_keys keys;
};

static int by_page(const void *a, const void *b)
{
	const struct mh_touched_page *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static void join(struct mh_touched *t)
{
	struct mh_touched_page *v = t->pages.v;
	size_t i, n = 0;

	if (t->pages.nr)
		qsort(v, t->pages.nr, sizeof(*v), by_page);
	for (i = 0; i < t->pages.nr; i++) {
		if (!n || v[n - 1].key != v[i].key || v[n - 1].page != v[i].page)
			v[n++] = v[i];
	}
	t->pages.nr = t->joined = n;
}

static int add(struct mh_touched *t, struct mh_touched_page page)
{
	struct mh_touched_page *to;

	if (t->pages.nr > 2 * t->joined + 65536)
		join(t);
	to = mh_vec_push(&t->pages);
	if (!to)
		return -1;
	*to = page;
	return 0;
}

static void *part_new(const void *arg)
{
	const struct part *shared = arg;
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		p->t.page_size = shared->t.page_size;
		p->keys = shared->keys;
	}
	return p;
}

static void part_free(void *part)
{
	mh_touched_fini(&((struct part *)part)->t);
	free(part);
}

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the pages that faulted");
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *c = &b->sample;
	struct part *p = part;
	uint32_t i;

	if (b->kind != MH_EV_SAMPLE || !c->addr || !c->time_ns)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		struct mh_touched_page page = { .key = mh_keys_of(&p->keys,
								  c->pid ? c->pid[i] : 0,
								  c->time_ns[i]),
						.page = c->addr[i] / p->t.page_size,
						.time_ns = c->time_ns[i] };

		if (add(&p->t, page))
			return no_memory(err);
	}
	return MH_OK;
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct mh_touched *a = &((struct part *)into)->t, *b = &((struct part *)from)->t;
	size_t i;

	for (i = 0; i < b->pages.nr; i++) {
		if (add(a, b->pages.v[i]))
			return no_memory(err);
	}
	return MH_OK;
}

static const struct mh_session_source *faults_of(const struct mh_session *s)
{
	size_t i;

	for (i = 0; i < s->sources.nr; i++) {
		const struct mh_session_source *src = &s->sources.v[i];

		if (src->rows[MH_EV_SAMPLE] && src->has_addr &&
		    mh_session_unit(src, false) == MH_UNIT_FAULTS_PER_S)
			return src;
	}
	return NULL;
}

int mh_touched_read(struct mh_touched *out, struct mh_session *s, struct mh_err *err)
{
	const struct mh_session_source *src = faults_of(s);
	const char *page_size = mh_reader_meta(s->reader, "host.page_size");
	struct part shared = { .keys = { .maps = s->maps } };
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .merge = part_merge,
				 .part_free = part_free };
	struct mh_filter f;
	int ret;

	memset(out, 0, sizeof(*out));
	shared.t.page_size = page_size ? strtoull(page_size, NULL, 10) : 4096;
	if (!src || !shared.t.page_size)
		return MH_OK;
	mh_session_filter(s, src, &f);
	f.kinds = 1u << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_ADDR | MH_COL_THREAD;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (ret)
		return ret;
	*out = ((struct part *)a.part)->t;
	free(a.part);
	join(out);
	return MH_OK;
}

void mh_touched_fini(struct mh_touched *t)
{
	free(t->pages.v);
	memset(t, 0, sizeof(*t));
}

/* Index of the first page not before it. */
static size_t find(const struct mh_touched *t, uint64_t key, uint64_t page)
{
	size_t lo = 0, hi = t->pages.nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct mh_touched_page *p = &t->pages.v[mid];

		if (p->key < key || (p->key == key && p->page < page))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint64_t mh_touched_bytes(const struct mh_touched *t, uint64_t key, struct mh_range addr,
			  uint64_t time_ns)
{
	uint64_t bytes = 0;
	size_t i;

	if (!t->page_size)
		return 0;
	for (i = find(t, key, addr.start / t->page_size); i < t->pages.nr; i++) {
		const struct mh_touched_page *p = &t->pages.v[i];
		struct mh_range r = { p->page * t->page_size,
				      (p->page + 1) * t->page_size };

		if (p->key != key || r.start >= addr.end)
			break;
		if (p->time_ns >= time_ns)
			continue;
		r.start = r.start < addr.start ? addr.start : r.start;
		r.end = r.end > addr.end ? addr.end : r.end;
		bytes += mh_range_len(r);
	}
	return bytes;
}
