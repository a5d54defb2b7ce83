/* SPDX-License-Identifier: MIT */
/*
 * The view `heat`: what every range of addresses was worth, cold ones included, and how
 * long memory stays unused before it is used again. What was not observed is left out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analyze/ages.h"
#include "analyze/density.h"
#include "base/vec.h"

struct ranges {
	struct mh_heat_piece *v;
	size_t nr, cap;
};

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for ranges by heat");
}

static int add(struct ranges *out, const struct mh_session *s,
	       const struct mh_density_piece *piece, struct mh_range addr,
	       const struct mh_place *place)
{
	const struct mh_mapping *m = place ? place->mapping : NULL;
	struct mh_heat_piece *r = mh_vec_push(out);

	if (!r)
		return -1;
	r->pid = mh_key_pid(s->maps, piece->key);
	r->addr = addr;
	r->rate = piece->per_byte / piece->seen_ns;
	r->seen_ns = (uint64_t)piece->seen_ns;
	r->path = "";
	if (!m)
		return 0;
	mh_mapping_name(m, r->mapping, sizeof(r->mapping));
	r->path = m->path;
	r->pgoff = m->pgoff + (addr.start - m->addr.start);
	r->mapped = true;
	r->write = m->prot & PROT_WRITE;
	r->shared = m->shared;
	return 0;
}

/* A piece, cut where mappings begin and end. */
static int add_piece(struct ranges *out, const struct mh_session *s,
		     const struct mh_density_piece *piece, const struct mh_places *places)
{
	uint64_t at = piece->addr.start, end;
	size_t i = mh_places_find(places, piece->key, at);

	for (; at < piece->addr.end; at = end) {
		const struct mh_place *pl = i < places->nr ? &places->v[i] : NULL;
		bool same = pl && pl->key == piece->key;
		bool inside = same && pl->addr.start <= at;

		end = piece->addr.end;
		if (inside && pl->addr.end < end)
			end = pl->addr.end;
		else if (same && !inside && pl->addr.start < end)
			end = pl->addr.start;
		if (add(out, s, piece, (struct mh_range){ at, end }, inside ? pl : NULL))
			return -1;
		i += inside;
	}
	return 0;
}

static int make_ranges(struct mh_heat *out, struct mh_session *s,
		       const struct mh_session_source *src,
		       const struct mh_scan_opts *scan, struct mh_err *err)
{
	struct mh_places places = { 0 };
	struct ranges ranges = { 0 };
	struct mh_density d = { 0 };
	struct mh_analysis a = { 0 };
	struct mh_filter f;
	size_t i;
	int ret = mh_places_of_maps(&places, s, err);

	mh_session_filter(s, src, &f);
	f.kinds = 1u << mh_session_data_kind(src);
	mh_density_analysis(&a, scan);
	if (!ret)
		ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret)
		ret = mh_density_take(&d, &a, true, err);
	for (i = 0; !ret && i < d.pieces.nr; i++)
		ret = add_piece(&ranges, s, &d.pieces.v[i], &places) ? no_memory(err)
								     : MH_OK;
	out->ranges = ranges.v;
	out->nr_ranges = ranges.nr;
	mh_density_fini(&d);
	mh_places_fini(&places);
	return ret;
}

/* Ages from two intervals up to a third of the recording, so that each was tried often
 * enough. */
static int make_ages(struct mh_heat *out, struct mh_session *s,
		     const struct mh_session_source *src, const struct mh_scan_opts *scan,
		     const struct mh_moments *moments, struct mh_err *err)
{
	uint64_t age_ns = 2 * moments->interval_ns;
	struct mh_age ages[MH_HEAT_AGES] = { 0 };
	size_t i, nr = 0;
	int ret;

	for (; age_ns && age_ns <= mh_range_len(src->time_ns) / 3 && nr < MH_HEAT_AGES;
	     age_ns *= 2)
		ages[nr++].age_ns = age_ns;
	if (!nr)
		return MH_OK;
	ret = mh_ages_run(ages, nr, s, src, mh_session_data_kind(src), scan, moments,
			  err);
	if (ret)
		return ret == MH_ENOSUP ? MH_OK : ret;
	for (i = 0; i < nr; i++)
		out->ages[i] = (struct mh_heat_age){ ages[i].age_ns, ages[i].cold,
						     ages[i].promoted };
	out->nr_ages = nr;
	return MH_OK;
}

int mh_heat_analyze(struct mh_heat *out, struct mh_session *s, struct mh_err *err)
{
	const struct mh_session_source *src;
	struct mh_scan_opts scan = { .session = s };
	struct mh_moments moments = { 0 };
	struct mh_places at = { 0 };
	struct mh_analysis a = { 0 };
	enum mh_event_kind kind;
	struct mh_filter f;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, 1u << MH_EV_REGION | 1u << MH_EV_PAGES, "map of heat",
			      &src, err);
	if (ret)
		return ret;
	kind = mh_session_data_kind(src);
	mh_session_provenance(s, src, 1u << kind, &out->from);
	out->unit = mh_session_unit(src, kind == MH_EV_REGION);
	if (s->opts.at) {
		ret = mh_places_of_maps(&at, s, err);
		scan.at = &at;
	}
	if (!ret)
		ret = mh_moments_skip(&scan, src, kind, s, err);
	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	mh_moments_analysis(&a, &scan);
	if (!ret)
		ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret)
		ret = mh_moments_take(&moments, &a, s, src, err);
	out->interval_ns = moments.interval_ns;
	out->from.nr_intervals = moments.nr_snapshots;
	if (!ret)
		ret = make_ranges(out, s, src, &scan, err);
	if (!ret)
		ret = make_ages(out, s, src, &scan, &moments, err);
	mh_moments_fini(&moments);
	mh_places_fini(&at);
	if (ret)
		mh_heat_fini(out);
	return ret;
}
