/* SPDX-License-Identifier: MIT */
/* See perf_order.h. Runs that are in order already, the usual case, are not sorted. */
#include "source/import/perf_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (8u << 20)

struct order_key {
	uint64_t time_ns;
	uint32_t index;
};

void mh_perf_order_init(struct perf_order *o, mh_event_fn fn, void *arg)
{
	*o = (struct perf_order){ .fn = fn, .arg = arg };
}

/* Both arrays of events change places, so they grow together. */
static int grow(struct perf_order *o, struct mh_err *err)
{
	size_t cap = o->cap ? o->cap * 2 : 256;
	struct mh_event *v = realloc(o->v, cap * sizeof(*o->v)), *spare;
	struct order_key *keys;

	if (v)
		o->v = v;
	spare = realloc(o->spare, cap * sizeof(*o->spare));
	if (spare)
		o->spare = spare;
	keys = realloc(o->keys, cap * sizeof(*o->keys));
	if (keys)
		o->keys = keys;
	if (!v || !spare || !keys)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	o->cap = cap;
	return MH_OK;
}

/* The one string of an event that has one. */
static const char **text_of(struct mh_event *ev)
{
	if (ev->kind == MH_EV_MAP)
		return &ev->map.path;
	if (ev->kind == MH_EV_TASK)
		return &ev->task.comm;
	return ev->kind == MH_EV_STAT ? &ev->stat.name : NULL;
}

static void drop_text(struct perf_order *o, struct mh_event *ev)
{
	const char **text = text_of(ev);
	char *own;

	if (!text)
		return;
	memcpy(&own, text, sizeof(own));
	o->text -= strlen(own) + 1;
	free(own);
}

void mh_perf_order_fini(struct perf_order *o)
{
	size_t i;

	for (i = 0; i < o->nr; i++)
		drop_text(o, &o->v[i]);
	free(o->v);
	free(o->spare);
	free(o->keys);
	*o = (struct perf_order){ 0 };
}

static int by_time(const void *a, const void *b)
{
	const struct order_key *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void sort(struct perf_order *o)
{
	bool sorted = true;
	size_t i;

	for (i = 0; i < o->nr; i++) {
		o->keys[i] = (struct order_key){ o->v[i].time_ns, (uint32_t)i };
		sorted = sorted && (!i || o->v[i - 1].time_ns <= o->v[i].time_ns);
	}
	if (!sorted)
		qsort(o->keys, o->nr, sizeof(*o->keys), by_time);
}

static int give(struct perf_order *o, struct mh_event *ev, struct mh_err *err)
{
	/* What perf made up at the start, about what was there before, has no time. */
	if (ev->time_ns && ev->time_ns < o->out_ns)
		o->nr_late++;
	else if (ev->time_ns)
		o->out_ns = ev->time_ns;
	return o->fn(o->arg, ev, err);
}

/* Hand over the first @nr of the order, keep the others. */
static int give_first(struct perf_order *o, size_t nr, struct mh_err *err)
{
	struct mh_event *kept = o->spare;
	int ret = MH_OK;
	size_t i;

	for (i = 0; i < o->nr; i++) {
		struct mh_event *ev = &o->v[o->keys[i].index];

		if (i >= nr) {
			kept[i - nr] = *ev;
			continue;
		}
		if (!ret)
			ret = give(o, ev, err);
		drop_text(o, ev);
	}
	o->nr -= nr;
	o->spare = o->v;
	o->v = kept;
	return ret;
}

static int hold_text(struct perf_order *o, struct mh_event *ev, struct mh_err *err)
{
	const char **text = text_of(ev);

	if (!text)
		return MH_OK;
	*text = strdup(*text);
	if (!*text)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	o->text += strlen(*text) + 1;
	return MH_OK;
}

int mh_perf_order_add(struct perf_order *o, const struct mh_event *ev, struct mh_err *err)
{
	int ret = MH_OK;

	if (o->nr == MH_PERF_ORDER_EVENTS || o->text > TEXT_MAX) {
		sort(o);
		ret = give_first(o, (o->nr + 1) / 2, err);
	} else if (o->nr == o->cap) {
		ret = grow(o, err);
	}
	if (ret)
		return ret;
	o->v[o->nr] = *ev;
	ret = hold_text(o, &o->v[o->nr], err);
	if (ret)
		return ret;
	o->nr++;
	if (ev->time_ns > o->newest)
		o->newest = ev->time_ns;
	return MH_OK;
}

int mh_perf_order_round(struct perf_order *o, struct mh_err *err)
{
	uint64_t until = o->round_newest;
	size_t nr = 0;

	o->round_newest = o->newest;
	if (!o->nr)
		return MH_OK;
	sort(o);
	while (nr < o->nr && o->keys[nr].time_ns <= until)
		nr++;
	return nr ? give_first(o, nr, err) : MH_OK;
}

int mh_perf_order_flush(struct perf_order *o, struct mh_err *err)
{
	if (!o->nr)
		return MH_OK;
	sort(o);
	return give_first(o, o->nr, err);
}
