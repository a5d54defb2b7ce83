/* SPDX-License-Identifier: MIT */
/*
 * How long DAMON's aggregation intervals are, at each moment. META has what they began
 * with; where the kernel tunes them, STAT events tell what they are from there on.
 *
 * The kernel tunes right before it tells a snapshot, and counts that snapshot's ages anew
 * in the new interval: the one that counts is that of a snapshot's end.
 */
#include "trace/intervals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct mh_tuned {
	uint64_t time_ns, aggr_ns; /* from then on */
	size_t order;              /* as told */
	uint16_t source;
};

static uint64_t number(const struct mh_intervals *t, unsigned source, const char *name)
{
	const char *value;
	char key[64];

	snprintf(key, sizeof(key), "source.%u.%s", source, name);
	value = mh_reader_meta(t->reader, key);
	return value ? strtoull(value, NULL, 10) : 0;
}

/* Checks per snapshot stay as many when the kernel tunes how far they are apart. */
static uint64_t told_ns(const struct mh_intervals *t, const struct mh_event *ev)
{
	uint64_t sample_us;

	if (!strcmp(ev->stat.name, "damon.aggr_us"))
		return ev->stat.value * 1000;
	if (strcmp(ev->stat.name, "damon.sample_us") != 0)
		return 0;
	sample_us = number(t, ev->source, "sample_us");
	if (!sample_us)
		return 0;
	return number(t, ev->source, "aggr_us") / sample_us * ev->stat.value * 1000;
}

int mh_intervals_take(struct mh_intervals *t, const struct mh_event *ev,
		      struct mh_err *err)
{
	uint64_t aggr_ns = told_ns(t, ev);
	struct mh_tuned *tuned;

	if (!aggr_ns)
		return MH_OK;
	tuned = mh_vec_push(&t->tuned);
	if (!tuned)
		return mh_fail(err, MH_ENOMEM, "no memory for tuned intervals");
	*tuned = (struct mh_tuned){ .time_ns = ev->time_ns,
				    .aggr_ns = aggr_ns,
				    .order = t->tuned.nr,
				    .source = ev->source };
	return MH_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct mh_tuned *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void mh_intervals_sort(struct mh_intervals *t)
{
	if (t->tuned.nr)
		qsort(t->tuned.v, t->tuned.nr, sizeof(*t->tuned.v), by_time);
}

/* The last that was told by then; NULL: none. */
static const struct mh_tuned *last_by(const struct mh_intervals *t, unsigned source,
				      uint64_t time_ns)
{
	size_t lo = 0, hi = t->tuned.nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct mh_tuned *x = &t->tuned.v[mid];

		if (x->source < source || (x->source == source && x->time_ns <= time_ns))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && t->tuned.v[lo - 1].source == source ? &t->tuned.v[lo - 1] : NULL;
}

uint64_t mh_intervals_tuned(const struct mh_intervals *t, unsigned source,
			    uint64_t time_ns)
{
	const struct mh_tuned *tuned = last_by(t, source, time_ns);

	return tuned ? tuned->aggr_ns : 0;
}

uint64_t mh_intervals_at(const struct mh_intervals *t, unsigned source, uint64_t time_ns)
{
	uint64_t tuned_ns = mh_intervals_tuned(t, source, time_ns);

	return tuned_ns ? tuned_ns : number(t, source, "aggr_us") * 1000;
}

static int read_stats(struct mh_intervals *t, struct mh_err *err)
{
	struct mh_filter f = { .kinds = 1u << MH_EV_STAT };
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	int ret = mh_cursor_open(&c, t->reader, &f, err);
	uint32_t i;

	if (ret)
		return ret;
	while (ret == MH_OK || ret == MH_EFORMAT) {
		ret = mh_cursor_next(c, &batch, err);
		for (i = 0; ret == MH_OK && i < batch.nr; i++)
			ret = mh_intervals_take(t, &batch.events[i], err);
	}
	mh_cursor_close(c);
	return ret == MH_END ? MH_OK : ret;
}

int mh_intervals_read(struct mh_intervals **out, const struct mh_reader *r,
		      struct mh_err *err)
{
	struct mh_intervals *t = calloc(1, sizeof(*t));
	int ret;

	*out = NULL;
	if (!t)
		return mh_fail(err, MH_ENOMEM, "no memory for tuned intervals");
	t->reader = r;
	ret = read_stats(t, err);
	if (ret) {
		mh_intervals_free(t);
		return ret;
	}
	mh_intervals_sort(t);
	*out = t;
	return MH_OK;
}

void mh_intervals_fini(struct mh_intervals *t)
{
	free(t->tuned.v);
}

void mh_intervals_free(struct mh_intervals *t)
{
	if (t)
		mh_intervals_fini(t);
	free(t);
}
