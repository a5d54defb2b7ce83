/* SPDX-License-Identifier: MIT */
/*
 * Each row of a snapshot adds its value where it begins and takes it away where it ends;
 * the sums between the bounds are the density. Bounds repeat from snapshot to snapshot,
 * so their number stays small beside the number of rows.
 */
#include "analyze/density.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct bound {
	uint64_t key, addr;
	double step, seen;
};

struct part {
	struct mh_scan scan;
	struct mh_numbering index;
	struct {
		struct bound *v;
		size_t nr, cap;
	} bounds;
};

static void part_free(void *p)
{
	struct part *part = p;

	mh_numbering_fini(&part->index);
	free(part->bounds.v);
	free(part);
}

static void *part_new(const void *arg)
{
	struct part *part = calloc(1, sizeof(*part));

	if (part)
		mh_scan_init(&part->scan, arg);
	return part;
}

static int step(struct part *p, uint64_t key, uint64_t addr, double by, double seen)
{
	uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15) + addr;
	struct bound *b;
	uint32_t i;

	for (;; h++) {
		i = mh_numbering_get(&p->index, h);
		if (i == MH_NUMBER_NONE)
			break;
		b = &p->bounds.v[i];
		if (b->key == key && b->addr == addr) {
			b->step += by;
			b->seen += seen;
			return 0;
		}
	}
	b = mh_vec_push(&p->bounds);
	if (!b || mh_numbering_set(&p->index, h, (uint32_t)p->bounds.nr - 1))
		return -1;
	*b = (struct bound){ key, addr, by, seen };
	return 0;
}

static int row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *r)
{
	struct part *p = arg;
	double seen = (double)mh_range_len(snap->time_ns), heat = r->value * seen;

	return step(p, snap->key, r->addr.start, heat, seen) ||
			       step(p, snap->key, r->addr.end, -heat, -seen)
		       ? -1
		       : 0;
}

static int part_batch(void *arg, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { .row = row };
	struct part *p = arg;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct part *a = into, *b = from;
	size_t i;

	for (i = 0; i < b->bounds.nr; i++) {
		const struct bound *from_b = &b->bounds.v[i];

		if (step(a, from_b->key, from_b->addr, from_b->step, from_b->seen))
			return mh_fail(err, MH_ENOMEM, "no memory for hot ranges");
	}
	return MH_OK;
}

void mh_density_analysis(struct mh_analysis *out, const struct mh_scan_opts *scan)
{
	*out = (struct mh_analysis){ .arg = scan,
				     .part_new = part_new,
				     .batch = part_batch,
				     .merge = part_merge,
				     .part_free = part_free };
}

static int by_place(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int mh_density_take(struct mh_density *out, struct mh_analysis *a, bool cold,
		    struct mh_err *err)
{
	struct part *p = a->part;
	double sum = 0, seen = 0, most = 0;
	size_t i;
	int ret = MH_OK;

	if (p->bounds.nr)
		qsort(p->bounds.v, p->bounds.nr, sizeof(*p->bounds.v), by_place);
	for (i = 0; !ret && i + 1 < p->bounds.nr; i++) {
		const struct bound *b = &p->bounds.v[i];
		struct mh_density_piece *piece;

		sum += b->step;
		seen += b->seen;
		most = fmax(most, fabs(sum));
		/* What rounding leaves of values that cancel is not heat. */
		if (b->key != b[1].key || seen < 0.5)
			seen = 0;
		if (b->key != b[1].key || sum <= most * 1e-12)
			sum = 0;
		if (!(sum > 0) && !(cold && seen > 0))
			continue;
		piece = mh_vec_push(&out->pieces);
		if (!piece)
			ret = mh_fail(err, MH_ENOMEM, "no memory for hot ranges");
		else
			*piece = (struct mh_density_piece){
				b->key, { b->addr, b[1].addr }, sum, seen
			};
	}
	part_free(p);
	a->part = NULL;
	return ret;
}

void mh_density_fini(struct mh_density *d)
{
	free(d->pieces.v);
	memset(d, 0, sizeof(*d));
}
