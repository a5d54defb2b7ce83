/* SPDX-License-Identifier: MIT */
/*
 * The plain address axis: one contiguous range of one process, for programs that read the
 * map as a matrix.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/layout.h"

/* Heat of a space in @range (0, 0: everywhere). */
static double heat_in(const struct mh_survey_space *sp, struct mh_range range)
{
	double heat = 0;
	size_t i;

	for (i = 0; i < sp->extents.nr; i++) {
		const struct mh_heat_range *e = &sp->extents.v[i];
		uint64_t lo = e->r.start > range.start ? e->r.start : range.start;
		uint64_t hi = !range.end || e->r.end < range.end ? e->r.end : range.end;

		if (hi > lo)
			heat += e->heat * (double)(hi - lo) / (double)mh_range_len(e->r);
	}
	return heat;
}

static uint32_t busiest_pid(const struct mh_session *s, const struct mh_survey *sv,
			    struct mh_range range)
{
	double most = -1;
	uint32_t best = 0;
	size_t i, k;

	/* The spaces of a pid stand together but for the unknown ones. */
	for (i = 0; i < sv->spaces.nr; i++) {
		uint32_t pid = mh_key_pid(s->maps, sv->spaces.v[i].key);
		double heat = 0;

		for (k = i;
		     k < sv->spaces.nr && mh_key_pid(s->maps, sv->spaces.v[k].key) == pid;
		     k++)
			heat += heat_in(&sv->spaces.v[k], range);
		if (heat > most) {
			most = heat;
			best = pid;
		}
	}
	return best;
}

/* Places that touch each other make one range; its heat is theirs. */
static struct mh_range hottest_run(const struct mh_places *places, uint64_t key,
				   double *heat)
{
	struct mh_range best = { 0, 0 }, run = { 0, 0 };
	double most = -1, sum = 0;
	size_t i;

	for (i = mh_places_find(places, key, 0);
	     i < places->nr && places->v[i].key == key; i++) {
		const struct mh_place *p = &places->v[i];

		if (!run.end || p->addr.start != run.end) {
			run = p->addr;
			sum = 0;
		}
		run.end = p->addr.end;
		sum += p->heat;
		if (sum > most || (sum >= most && best.start == run.start)) {
			most = sum;
			best = run;
		}
	}
	*heat = most;
	return best;
}

static struct mh_range hottest_extent(const struct mh_survey_space *sp, double *heat)
{
	struct mh_range best = { 0, 0 };
	size_t i;

	*heat = -1;
	for (i = 0; i < sp->extents.nr; i++) {
		if (sp->extents.v[i].heat > *heat) {
			*heat = sp->extents.v[i].heat;
			best = sp->extents.v[i].r;
		}
	}
	return best;
}

/* Snapshots say themselves what is contiguous; samples only touch, mappings tell. */
static struct mh_range choose(const struct mh_session *s, const struct mh_places *places,
			      const struct mh_survey *sv, uint32_t pid)
{
	struct mh_range best = { 0, 0 };
	double most = -1;
	size_t i;

	for (i = 0; i < sv->spaces.nr; i++) {
		const struct mh_survey_space *sp = &sv->spaces.v[i];
		struct mh_range r = { 0, 0 };
		double heat = -1;

		if (mh_key_pid(s->maps, sp->key) != pid)
			continue;
		if (!sv->time_ns.end)
			r = hottest_run(places, sp->key, &heat);
		if (heat <= 0)
			r = hottest_extent(sp, &heat);
		if (heat > most) {
			most = heat;
			best = r;
		}
	}
	return best;
}

int mh_layout_plain(struct mh_layout *out, const struct mh_session *s,
		    const struct mh_places *places, const struct mh_survey *sv,
		    struct mh_range range, uint32_t rows, bool whole, struct mh_err *err)
{
	uint32_t pid = busiest_pid(s, sv, range);
	double all = 0;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (!range.end)
		range = choose(s, places, sv, pid);
	if (whole && rows && mh_range_len(range) >= rows)
		range.end -= mh_range_len(range) % rows;
	if (range.start >= range.end)
		return mh_fail(err, MH_ENOSUP,
			       "nothing to draw: no data pass the filters");
	out->bands = calloc(1, sizeof(*out->bands));
	out->segs = calloc(sv->spaces.nr + 1, sizeof(*out->segs));
	if (!out->bands || !out->segs) {
		mh_layout_fini(out);
		return mh_fail(err, MH_ENOMEM, "no memory for the map");
	}
	out->rows = rows;
	out->nr_bands = 1;
	out->bands[0] = (struct mh_band){
		.pid = pid, .addr = range, .nr_rows = rows, .bytes = mh_range_len(range)
	};
	snprintf(out->bands[0].name, sizeof(out->bands[0].name), "pid %u", pid);
	for (i = 0; i < sv->spaces.nr; i++) {
		const struct mh_survey_space *sp = &sv->spaces.v[i];
		struct mh_row_seg *seg;
		size_t nr = 0;

		all += heat_in(sp, (struct mh_range){ 0, 0 });
		if (mh_key_pid(s->maps, sp->key) != pid)
			continue;
		seg = &out->segs[out->nr_segs++];
		if (!(sp->key & MH_KEY_UNKNOWN))
			mh_maps_of(s->maps, sp->key, &nr);
		*seg = (struct mh_row_seg){
			.key = sp->key, .weight = 1, .rows = true, .has_maps = nr > 0
		};
		mh_axis_init(&seg->axis, range, rows);
		out->bands[0].share += heat_in(sp, range);
	}
	out->bands[0].share = all > 0 ? out->bands[0].share / all : 0;
	return MH_OK;
}
