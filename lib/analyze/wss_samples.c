/* SPDX-License-Identifier: MIT */
/*
 * A set of pages per window, in one word a page: 45 bits of page number, 17 of address
 * space, 2 of how often it was seen (3: more often than twice).
 *
 * Samples come nearly in the order of time. A window stays open until no block that is
 * still to come begins before its end, which the trace's index tells; so nothing is ever
 * too late, and rarely more than two sets are in memory.
 */
#include "analyze/wss_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/numbering.h"
#include "analyze/unseen.h"
#include "base/vec.h"

#define WINDOW_NS  UINT64_C(1000000000)
#define PAGE_SHIFT 12
#define PAGE_BITS  45 /* no CPU translates more than 57 bits; the others repeat them */
#define SPACES_MAX (1u << 17)

/* What a window came to. */
struct window {
	uint64_t number; /* from the start */
	uint64_t nr_samples, once, twice, more;
};

/* A window that samples may still fall into. */
struct open_window {
	struct window w;
	uint64_t *slots; /* page and count; 0: free */
	size_t nr, cap;
};

struct part {
	const struct mh_scan_opts *scan;
	const struct mh_session_source *src;
	struct mh_range span; /* absolute; windows are counted from its start */
	/* Blocks that will come, and for each the earliest time from it on. */
	struct mh_range *block;
	uint64_t *horizon;
	size_t nr_blocks, next;
	struct mh_keys keys;
	struct mh_numbering spaces;
	uint64_t last_key;
	uint32_t last_space;
	struct {
		struct open_window *v;
		size_t nr, cap;
	} open;
	struct {
		struct window *v;
		size_t nr, cap;
	} closed;
};

static size_t slot_of(const struct open_window *o, uint64_t page)
{
	return (size_t)(page * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (o->cap - 1);
}

static int grow(struct open_window *o)
{
	struct open_window bigger = { .cap = o->cap ? 2 * o->cap : 4096 };
	size_t i, k;

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (i = 0; i < o->cap; i++) {
		if (!o->slots[i])
			continue;
		k = slot_of(&bigger, o->slots[i] >> 2);
		while (bigger.slots[k])
			k = (k + 1) & (bigger.cap - 1);
		bigger.slots[k] = o->slots[i];
	}
	free(o->slots);
	o->slots = bigger.slots;
	o->cap = bigger.cap;
	return 0;
}

static int add_page(struct open_window *o, uint64_t page)
{
	size_t k;

	if (2 * o->nr >= o->cap && grow(o))
		return -1;
	k = slot_of(o, page);
	while (o->slots[k] && o->slots[k] >> 2 != page)
		k = (k + 1) & (o->cap - 1);
	if (!o->slots[k]) {
		o->slots[k] = page << 2;
		o->nr++;
	}
	o->slots[k] += (o->slots[k] & 3) < 3;
	o->w.nr_samples++;
	return 0;
}

static int close_window(struct part *p, struct open_window *o)
{
	uint64_t seen[4] = { 0 };
	struct window *w = mh_vec_push(&p->closed);
	size_t i;

	if (!w)
		return -1;
	for (i = 0; i < o->cap; i++)
		seen[o->slots[i] & 3]++;
	*w = o->w;
	w->once = seen[1];
	w->twice = seen[2];
	w->more = seen[3];
	free(o->slots);
	return 0;
}

/* Close the windows that end at @time_ns or before. */
static int close_until(struct part *p, uint64_t time_ns)
{
	size_t i, n = 0;
	int failed = 0;

	for (i = 0; i < p->open.nr; i++) {
		struct open_window *o = &p->open.v[i];

		if (!failed && time_ns >= p->span.start &&
		    (time_ns - p->span.start) / WINDOW_NS > o->w.number) {
			failed = close_window(p, o);
			if (!failed)
				continue;
		}
		p->open.v[n++] = *o;
	}
	p->open.nr = n;
	return failed;
}

/* What is still to come begins here or later. A batch names no block: it is the next one
 * that has its time; a block that was passed over is at worst waited for. */
static uint64_t horizon(struct part *p, const struct mh_batch *b)
{
	size_t i = p->next;

	while (i < p->nr_blocks &&
	       (p->block[i].start > b->time_ns.start || p->block[i].end < b->time_ns.end))
		i++;
	if (i == p->nr_blocks)
		return 0;
	p->next = i + 1;
	return p->horizon[i];
}

static size_t window_at(struct part *p, uint64_t time_ns)
{
	uint64_t number = (time_ns - p->span.start) / WINDOW_NS;
	struct open_window *o;
	size_t i;

	for (i = 0; i < p->open.nr; i++) {
		if (p->open.v[i].w.number == number)
			return i;
	}
	o = mh_vec_push(&p->open);
	if (!o)
		return SIZE_MAX;
	*o = (struct open_window){ .w.number = number };
	return i;
}

/* A small number for an address space; SPACES_MAX: there are too many; above: no memory
 */
static uint32_t space_of(struct part *p, uint64_t key)
{
	uint32_t space;

	if (key == p->last_key)
		return p->last_space;
	space = mh_numbering_get(&p->spaces, key);
	if (space == MH_NUMBER_NONE) {
		space = (uint32_t)p->spaces.nr;
		if (space >= SPACES_MAX)
			return SPACES_MAX;
		if (mh_numbering_set(&p->spaces, key, space))
			return MH_NUMBER_NONE;
	}
	p->last_key = key;
	p->last_space = space;
	return space;
}

/* --at */
static bool is_wanted(const struct mh_places *at, uint64_t key, uint64_t addr)
{
	size_t i = mh_places_find(at, key, addr);

	return i < at->nr && at->v[i].key == key && at->v[i].addr.start <= addr;
}

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the working set sizes");
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *c = &b->sample;
	struct part *p = part;
	struct mh_range in = { 0, 0 }; /* time of the window `at` */
	size_t at = 0;
	uint32_t i;

	if (close_until(p, horizon(p, b)))
		return no_memory(err);
	if (!c->addr || !c->time_ns)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		uint64_t addr = c->addr[i], t = c->time_ns[i], key;
		uint32_t space;

		/* Address 0 stands for samples without one. */
		if (!addr || t - p->span.start >= mh_range_len(p->span))
			continue;
		key = mh_keys_of(&p->keys, c->pid ? c->pid[i] : 0, t);
		if (p->scan->at && !is_wanted(p->scan->at, key, addr))
			continue;
		if (t - in.start >= mh_range_len(in)) {
			at = window_at(p, t);
			if (at == SIZE_MAX)
				return no_memory(err);
			in.start = p->span.start + p->open.v[at].w.number * WINDOW_NS;
			in.end = in.start + WINDOW_NS;
		}
		space = space_of(p, key);
		if (space == SPACES_MAX)
			return mh_fail(
				err, MH_ENOSUP,
				"more than %u address spaces; choose some by --pid",
				SPACES_MAX);
		addr = addr >> PAGE_SHIFT & ((UINT64_C(1) << PAGE_BITS) - 1);
		if (space == MH_NUMBER_NONE ||
		    add_page(&p->open.v[at], addr | (uint64_t)space << PAGE_BITS))
			return no_memory(err);
	}
	return MH_OK;
}

/* ---- the life of a part ---- */

static void part_free(void *part)
{
	struct part *p = part;
	size_t i;

	for (i = 0; i < p->open.nr; i++)
		free(p->open.v[i].slots);
	free(p->open.v);
	free(p->closed.v);
	free(p->block);
	free(p->horizon);
	mh_numbering_fini(&p->spaces);
	free(p);
}

static int list_blocks(struct part *p)
{
	const struct mh_reader *r = p->scan->session->reader;
	size_t i, nr = mh_reader_nr_blocks(r);

	p->block = malloc((nr + 1) * sizeof(*p->block));
	p->horizon = malloc((nr + 1) * sizeof(*p->horizon));
	if (!p->block || !p->horizon)
		return -1;
	for (i = 0; i < nr; i++) {
		const struct mh_block_info *b = mh_reader_block(r, i);

		if (b->kind == MH_EV_SAMPLE && b->source == p->src->id)
			p->block[p->nr_blocks++] = b->time_ns;
	}
	for (i = p->nr_blocks; i-- > 0;) {
		p->horizon[i] = p->block[i].start;
		if (i + 1 < p->nr_blocks && p->horizon[i + 1] < p->horizon[i])
			p->horizon[i] = p->horizon[i + 1];
	}
	return 0;
}

struct shared {
	const struct mh_scan_opts *scan;
	const struct mh_session_source *src;
	struct mh_range span;
};

static void *part_new(const void *arg)
{
	const struct shared *shared = arg;
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->scan = shared->scan;
	p->src = shared->src;
	p->span = shared->span;
	p->keys.maps = p->scan->session->maps;
	p->last_key = UINT64_MAX;
	if (list_blocks(p)) {
		part_free(p);
		return NULL;
	}
	return p;
}

/* ---- the view ---- */

static int by_number(const void *a, const void *b)
{
	const struct window *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static uint64_t pages_of(const struct window *w)
{
	return w->once + w->twice + w->more;
}

static struct mh_unseen unseen_of(const struct window *w)
{
	return mh_unseen_estimate(w->nr_samples, pages_of(w), w->once, w->twice);
}

/* Of samples that hardly hit a page twice the estimate is beyond all memory. */
static uint64_t bytes_of(double nr_pages)
{
	double bytes = nr_pages * (1 << PAGE_SHIFT);

	return bytes < 0x1p63 ? (uint64_t)bytes : UINT64_C(1) << 63;
}

/* One moment per window, those without samples included. */
static int make_moments(struct mh_moments *out, const struct part *p, uint64_t skip)
{
	uint64_t nr = (mh_range_len(p->span) + WINDOW_NS - 1) / WINDOW_NS, i;
	size_t k = 0;

	out->interval_ns = WINDOW_NS;
	for (i = 0; i < nr; i++) {
		uint64_t start = p->span.start + i * WINDOW_NS;
		struct mh_moment *m;

		if (i < skip) {
			k += k < p->closed.nr && p->closed.v[k].number == i;
			continue;
		}
		m = mh_vec_push(out);
		if (!m)
			return -1;
		*m = (struct mh_moment){ .time_ns = { start, start + WINDOW_NS },
					 .bytes = MH_NO_DATA };
		if (m->time_ns.end > p->span.end)
			m->time_ns.end = p->span.end;
		if (k < p->closed.nr && p->closed.v[k].number == i)
			m->bytes = pages_of(&p->closed.v[k++]) << PAGE_SHIFT;
	}
	return 0;
}

static int by_total(const void *a, const void *b)
{
	const struct mh_unseen *x = a, *y = b;

	return x->total < y->total ? -1 : x->total > y->total;
}

static int by_share(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int fill_estimates(struct mh_wss *out, const struct part *p, uint64_t skip)
{
	double *coverage = malloc((p->closed.nr + 1) * sizeof(*coverage));
	struct mh_unseen *all = malloc((p->closed.nr + 1) * sizeof(*all));
	size_t i, n = 0;

	for (i = 0; coverage && all && i < p->closed.nr; i++) {
		const struct window *w = &p->closed.v[i];
		struct mh_unseen u = unseen_of(w);
		struct mh_wss_point *point;

		if (w->number < skip)
			continue;
		point = &out->points[w->number - skip];
		point->coverage = coverage[n] = u.coverage;
		point->chao1 = bytes_of(u.total);
		point->chao1_low = bytes_of(u.low);
		point->chao1_high = bytes_of(u.high);
		all[n++] = u;
		out->from.nr_samples += w->nr_samples;
	}
	out->from.nr_intervals = 0;
	out->sampled = true;
	out->chao1_p50 = out->chao1_p50_low = out->chao1_p50_high = MH_NO_DATA;
	if (n) {
		qsort(coverage, n, sizeof(*coverage), by_share);
		qsort(all, n, sizeof(*all), by_total);
		out->coverage_p50 = coverage[n / 2];
		out->chao1_p50 = bytes_of(all[n / 2].total);
		out->chao1_p50_low = bytes_of(all[n / 2].low);
		out->chao1_p50_high = bytes_of(all[n / 2].high);
	}
	i = coverage && all;
	free(coverage);
	free(all);
	return i ? 0 : -1;
}

/* From the first word of the trace, or the start of --time, to its last. */
static struct mh_range span_of(const struct mh_session *s,
			       const struct mh_session_source *src)
{
	struct mh_range t = { s->start_ns, mh_reader_info(s->reader)->time_ns.end };

	if (src->time_ns.start < t.start)
		t.start = src->time_ns.start;
	if (t.end < src->time_ns.end)
		t.end = src->time_ns.end;
	if (t.start < s->window.start)
		t.start = s->window.start;
	if (t.end > s->window.end)
		t.end = s->window.end;
	if (t.end < t.start)
		t.end = t.start;
	return t;
}

static int fill(struct mh_wss *out, struct mh_wss_input *in, struct mh_scan_opts *scan,
		struct part *p, struct mh_err *err)
{
	struct mh_moments moments = { 0 };
	uint64_t nr = (mh_range_len(p->span) + WINDOW_NS - 1) / WINDOW_NS;
	uint64_t skip = in->s->opts.skip < nr ? in->s->opts.skip : nr;
	int ret = MH_OK;

	scan->nr_skipped = skip;
	if (close_until(p, UINT64_MAX))
		return no_memory(err);
	/* cppcheck-suppress autoVariables ; for the calls below only */
	in->moments = &moments;
	if (p->closed.nr)
		qsort(p->closed.v, p->closed.nr, sizeof(*p->closed.v), by_number);
	if (make_moments(&moments, p, skip))
		ret = no_memory(err);
	if (!ret)
		ret = mh_wss_fill(out, in, err);
	if (!ret && fill_estimates(out, p, skip))
		ret = no_memory(err);
	snprintf(out->windows_note, sizeof(out->windows_note),
		 "%s only samples what was used: longer windows need damon or idle",
		 in->src->name);
	mh_moments_fini(&moments);
	in->moments = NULL;
	return ret;
}

int mh_wss_from_samples(struct mh_wss *out, struct mh_session *s,
			const struct mh_session_source *src, struct mh_err *err)
{
	struct mh_scan_opts scan = { .session = s };
	struct shared shared = { &scan, src, span_of(s, src) };
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .part_free = part_free };
	struct mh_wss_input in = {
		.s = s, .src = src, .kind = MH_EV_SAMPLE, .scan = &scan
	};
	struct mh_places places = { 0 };
	struct mh_filter f;
	int ret = MH_OK;

	if (s->opts.at) {
		ret = mh_places_of_maps(&places, s, err);
		scan.at = &places;
	}
	if (ret)
		goto out;
	mh_session_filter(s, src, &f);
	f.kinds = 1u << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_ADDR | MH_COL_THREAD;
	f.any_order = 1;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret)
		ret = fill(out, &in, &scan, a.part, err);
	mh_pass_release(&a, 1);
out:
	mh_places_fini(&places);
	return ret;
}
