/* SPDX-License-Identifier: MIT */
/*
 * Thresholds that a trace gives, instead of guesses: how long memory must be idle until
 * it hardly comes back, and from which rate on memory gets half of the accesses.
 */
#include "export/thresholds.h"

#include <math.h>
#include <stdlib.h>

#define COMES_BACK 0.01 /* of the idle bytes, within as long as they were idle */

static void find_idle(struct mh_thresholds *out, const struct mh_heat *h)
{
	size_t i;

	for (i = 0; i < h->nr_ages; i++) {
		const struct mh_heat_age *a = &h->ages[i];

		if (a->cold == MH_NO_DATA || !a->cold || isnan(a->promoted))
			continue;
		if (a->promoted * (double)a->age_ns * 1e-9 > COMES_BACK * (double)a->cold)
			continue;
		out->idle_ns = a->age_ns;
		out->cold = a->cold;
		out->promoted = a->promoted;
		return;
	}
}

int mh_thresholds_make(struct mh_thresholds *out, const struct mh_heat *h,
		       struct mh_err *err)
{
	struct mh_weighed *v = calloc(h->nr_ranges + 1, sizeof(*v));
	size_t i, nr = 0;

	*out = (struct mh_thresholds){ .hot_rate = NAN };
	if (!v)
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	for (i = 0; i < h->nr_ranges; i++) {
		const struct mh_heat_piece *r = &h->ranges[i];

		if (r->rate > 0)
			v[nr++] = (struct mh_weighed){
				r->rate,
				(uint64_t)(r->rate * (double)mh_range_len(r->addr)) + 1
			};
	}
	mh_weighed_sort(v, nr);
	if (nr)
		out->hot_rate = mh_weighed_percentile(v, nr, 50);
	free(v);
	find_idle(out, h);
	return MH_OK;
}

void mh_thresholds_about(struct mh_about *a, const char *name,
			 const struct mh_export_input *in)
{
	const struct mh_provenance *from = &in->heat->from;

	mh_about_begin(a, name, in);
	mh_about_add(a, "of: %s, %.1f s%s", from->title, (double)from->duration_ns / 1e9,
		     from->complete ? "" : ", not closed by its recorder");
	mh_about_add(a, "source: %s%s%s, %" PRIu64 " snapshots", from->source,
		     *from->params ? ", " : "", from->params, from->nr_intervals);
	mh_about_add(a, "units: rates are the mean of %s", mh_unit_name(in->heat->unit));
	mh_about_left_out(a, from->lost, "snapshots or regions", "lost by the recorder");
	if (*from->others)
		mh_about_add(a, "left out: the sources %s: one at a time", from->others);
}
