/* SPDX-License-Identifier: MIT */
/*
 * Time alone does not tell which rows belong together: clocks of CPUs differ by about as
 * much as the rows of one snapshot are apart. So a row joins its target's open snapshot
 * when both say the same number of regions, the row lies in a gap of it, and it came
 * within the window; else it begins the next one.
 */
#include "source/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define WINDOW_NS 1000000000u

struct mh_assembly_target {
	uint64_t target;
	uint64_t first_ns, last_ns;
	uint64_t previous_ns;
	struct {
		struct mh_region_row *v;
		size_t nr, cap;
	} rows;
};

static struct mh_assembly_target *find(struct mh_assembly *a, uint64_t target)
{
	struct mh_assembly_target *t;
	size_t i;

	for (i = 0; i < a->targets.nr; i++) {
		if (a->targets.v[i].target == target)
			return &a->targets.v[i];
	}
	t = mh_vec_push(&a->targets);
	if (t)
		t->target = target;
	return t;
}

/* The place of a row by address; -1 when it overlaps one that is there. */
static long place_of(const struct mh_assembly_target *t, const struct mh_region_row *row)
{
	size_t lo = 0, hi = t->rows.nr;

	if (hi && row->start >= t->rows.v[hi - 1].end)
		return (long)hi; /* the rule: rows come in order */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->rows.v[mid].start < row->start)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && t->rows.v[lo - 1].end > row->start)
		return -1;
	if (lo < t->rows.nr && t->rows.v[lo].start < row->end)
		return -1;
	return (long)lo;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static long joins(const struct mh_assembly *a, const struct mh_assembly_target *t,
		  const struct mh_region_row *row)
{
	uint64_t window = a->window_ns ? a->window_ns : WINDOW_NS;

	if (!t->rows.nr)
		return 0;
	if (row->nr_regions != t->rows.v[0].nr_regions ||
	    distance(row->time_ns, t->first_ns) > window)
		return -1;
	return place_of(t, row);
}

static int hand_out(struct mh_assembly_target *t, mh_snapshot_fn fn, void *arg,
		    struct mh_err *err)
{
	struct mh_snapshot snap = { .target = t->target,
				    .time_ns = t->first_ns,
				    .last_ns = t->last_ns,
				    .previous_ns = t->previous_ns,
				    .rows = t->rows.v,
				    .nr = t->rows.nr };
	int ret;

	if (!t->rows.nr)
		return MH_OK;
	if (t->rows.v[0].nr_regions > t->rows.nr)
		snap.nr_missing = t->rows.v[0].nr_regions - t->rows.nr;
	ret = fn(arg, &snap, err);
	t->previous_ns = t->first_ns;
	t->rows.nr = 0;
	return ret;
}

static int insert(struct mh_assembly_target *t, size_t at,
		  const struct mh_region_row *row, struct mh_err *err)
{
	if (!mh_vec_push(&t->rows))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	memmove(&t->rows.v[at + 1], &t->rows.v[at],
		(t->rows.nr - 1 - at) * sizeof(*t->rows.v));
	t->rows.v[at] = *row;
	if (t->rows.nr == 1) {
		t->first_ns = t->last_ns = row->time_ns;
		return MH_OK;
	}
	if (row->time_ns < t->first_ns)
		t->first_ns = row->time_ns;
	if (row->time_ns > t->last_ns)
		t->last_ns = row->time_ns;
	return MH_OK;
}

int mh_assembly_add(struct mh_assembly *a, const struct mh_region_row *row,
		    mh_snapshot_fn fn, void *arg, struct mh_err *err)
{
	struct mh_assembly_target *t = find(a, row->target);
	long at;
	int ret;

	if (!t)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	at = joins(a, t, row);
	if (at < 0) {
		ret = hand_out(t, fn, arg, err);
		if (ret)
			return ret;
		at = 0;
	}
	ret = insert(t, (size_t)at, row, err);
	if (ret || t->rows.nr < row->nr_regions)
		return ret;
	return hand_out(t, fn, arg, err);
}

int mh_assembly_flush(struct mh_assembly *a, uint64_t before_ns, mh_snapshot_fn fn,
		      void *arg, struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < a->targets.nr; i++) {
		if (a->targets.v[i].last_ns < before_ns)
			ret = hand_out(&a->targets.v[i], fn, arg, err);
	}
	return ret;
}

void mh_assembly_fini(struct mh_assembly *a)
{
	size_t i;

	for (i = 0; i < a->targets.nr; i++)
		free(a->targets.v[i].rows.v);
	free(a->targets.v);
	*a = (struct mh_assembly){ 0 };
}
