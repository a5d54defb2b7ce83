/* SPDX-License-Identifier: MIT */
/*
 * Numbers of regions per snapshot: few mean that the monitor could not tell places apart,
 * as many as it may have mean that it wanted more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/sweep.h"
#include "base/vec.h"

struct counts {
	struct {
		uint64_t *v;
		size_t nr, cap;
	} of; /* per snapshot */
};

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct counts *c = arg;

	(void)snap;
	return mh_vec_push(&c->of) ? 0 : -1;
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct counts *c = arg;

	(void)snap;
	(void)row;
	c->of.v[c->of.nr - 1]++;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void fill(struct mh_counts *out, const struct mh_sweep *w, struct counts *c)
{
	const char *limits = mh_session_meta(w->s, w->src->id, "nr_regions");
	double sum = 0;
	size_t i;

	out->limit_min = out->limit_max = MH_NO_DATA;
	if (limits)
		sscanf(limits, "%" SCNu64 ":%" SCNu64, &out->limit_min, &out->limit_max);
	out->sorted = c->of.v;
	out->n = c->of.nr;
	c->of.v = NULL;
	if (out->n)
		qsort(out->sorted, out->n, sizeof(*out->sorted), by_value);
	for (i = 0; i < out->n; i++) {
		sum += (double)out->sorted[i];
		out->nr_at_limit += out->sorted[i] >= out->limit_max;
	}
	out->mean = out->n ? sum / (double)out->n : 0;
	mh_session_provenance(w->s, w->src, 1u << w->kind, &out->from);
	out->from.nr_intervals = out->n;
}

int mh_counts_analyze(struct mh_counts *out, struct mh_session *s, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct counts c = { 0 };
	struct mh_sweep w;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_sweep_init(&w, s, "number of regions", err);
	if (!ret)
		ret = mh_sweep_run(&w, &ops, &c, err);
	if (!ret)
		fill(out, &w, &c);
	free(c.of.v);
	mh_sweep_fini(&w);
	return ret;
}
