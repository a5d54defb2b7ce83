/* SPDX-License-Identifier: MIT */
#include "analyze/survey.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/pass.h"
#include "base/vec.h"

#define OUTSIDE_HEAT 0.01 /* of heat: touched addresses in no mapping that are shown */

/* ---- the table of spaces ---- */

static struct mh_survey_space *space_of(struct mh_survey *sv, uint64_t key)
{
	uint32_t i = mh_numbering_get(&sv->index, key);
	struct mh_survey_space *sp;

	if (i != MH_NUMBER_NONE)
		return &sv->spaces.v[i];
	if (mh_numbering_set(&sv->index, key, (uint32_t)sv->spaces.nr))
		return NULL;
	sp = mh_vec_push(&sv->spaces);
	if (!sp)
		return NULL;
	sp->key = key;
	sp->hot.join = MH_CHUNK;
	sp->outside.join = MH_CHUNK;
	return sp;
}

static int by_key(const void *a, const void *b)
{
	const struct mh_survey_space *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

const struct mh_survey_space *mh_survey_space(const struct mh_survey *sv, uint64_t key)
{
	struct mh_survey_space want = { .key = key };

	if (!sv->spaces.nr)
		return NULL;
	return bsearch(&want, sv->spaces.v, sv->spaces.nr, sizeof(want), by_key);
}

static void survey_fini(struct mh_survey *sv)
{
	size_t i;

	for (i = 0; i < sv->spaces.nr; i++) {
		mh_ranges_fini(&sv->spaces.v[i].extents);
		mh_ranges_fini(&sv->spaces.v[i].hot);
		mh_ranges_fini(&sv->spaces.v[i].outside);
	}
	free(sv->spaces.v);
	mh_numbering_fini(&sv->index);
	free(sv->place_heat);
	memset(sv, 0, sizeof(*sv));
}

static int survey_init(struct mh_survey *sv, const struct mh_places *places)
{
	memset(sv, 0, sizeof(*sv));
	sv->nr_places = places->nr;
	sv->place_heat = calloc(places->nr + 1, sizeof(*sv->place_heat));
	return sv->place_heat ? 0 : -1;
}

/*
 * Put heat that is spread evenly over @r into the places there. Returns how many bytes
 * of @r are in places.
 */
static uint64_t spread(struct mh_survey *sv, const struct mh_places *places, uint64_t key,
		       struct mh_range r, double heat)
{
	uint64_t inside = 0;
	size_t i;

	for (i = mh_places_find(places, key, r.start);
	     i < places->nr && places->v[i].key == key && places->v[i].addr.start < r.end;
	     i++) {
		const struct mh_range *p = &places->v[i].addr;
		uint64_t lo = p->start > r.start ? p->start : r.start;
		uint64_t hi = p->end < r.end ? p->end : r.end;

		inside += hi - lo;
		if (heat > 0)
			sv->place_heat[i] +=
				heat * (double)(hi - lo) / (double)mh_range_len(r);
	}
	return inside;
}

static int add_hot(struct mh_survey *sv, const struct mh_places *places,
		   struct mh_survey_space *sp, struct mh_range r, double heat)
{
	uint64_t inside = spread(sv, places, sp->key, r, heat);

	sv->heat += heat;
	if (mh_ranges_add(&sp->hot, r, heat))
		return -1;
	if (!inside && !(sp->key & MH_KEY_UNKNOWN))
		return mh_ranges_add(&sp->outside, r, heat);
	return 0;
}

/* ---- snapshots ---- */

struct part {
	struct mh_survey sv;
	struct mh_scan scan;
	const struct mh_places *places;
};

struct shared {
	const struct mh_scan_opts *scan;
	const struct mh_places *places;
};

static void part_free(void *part)
{
	struct part *p = part;

	survey_fini(&p->sv);
	free(p);
}

static void *part_new(const void *arg)
{
	const struct shared *shared = arg;
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->places = shared->places;
	mh_scan_init(&p->scan, shared->scan);
	if (survey_init(&p->sv, shared->places)) {
		free(p);
		return NULL;
	}
	return p;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	struct part *p = arg;
	struct mh_range *t = &p->sv.time_ns;

	if (!t->end || snap->time_ns.start < t->start)
		t->start = snap->time_ns.start;
	if (snap->time_ns.end > t->end)
		t->end = snap->time_ns.end;
	return 0;
}

static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct part *p = arg;
	struct mh_survey_space *sp = space_of(&p->sv, snap->key);
	double heat = row->value * (double)mh_range_len(row->addr) *
		      (double)mh_range_len(snap->time_ns) * 1e-9;

	if (!sp || mh_ranges_add(&sp->extents, row->addr, heat))
		return -1;
	return heat > 0 ? add_hot(&p->sv, p->places, sp, row->addr, heat) : 0;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct part *p = part;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct mh_survey *a = &((struct part *)into)->sv, *b = &((struct part *)from)->sv;
	size_t i;

	for (i = 0; i < a->nr_places; i++)
		a->place_heat[i] += b->place_heat[i];
	for (i = 0; i < b->spaces.nr; i++) {
		struct mh_survey_space *sp = space_of(a, b->spaces.v[i].key);

		if (!sp || mh_ranges_merge(&sp->extents, &b->spaces.v[i].extents) ||
		    mh_ranges_merge(&sp->hot, &b->spaces.v[i].hot) ||
		    mh_ranges_merge(&sp->outside, &b->spaces.v[i].outside))
			return mh_fail(err, MH_ENOMEM, "no memory for the view");
	}
	if (b->time_ns.end && (!a->time_ns.end || b->time_ns.start < a->time_ns.start))
		a->time_ns.start = b->time_ns.start;
	if (b->time_ns.end > a->time_ns.end)
		a->time_ns.end = b->time_ns.end;
	a->heat += b->heat;
	return MH_OK;
}

static int survey_snapshots(struct mh_survey *out, struct mh_session *s,
			    const struct mh_session_source *src, enum mh_event_kind kind,
			    const struct shared *shared, struct mh_err *err)
{
	struct mh_analysis a = { .arg = shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .merge = part_merge,
				 .part_free = part_free };
	struct mh_filter f;
	int ret;

	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (ret)
		return ret;
	*out = ((struct part *)a.part)->sv;
	free(a.part);
	return MH_OK;
}

/* ---- samples: by the blocks' occupancy ---- */

struct occupied {
	const struct mh_session *s;
	const struct mh_places *places;
	struct mh_survey *sv;
	struct mh_keys keys;
};

/*
 * A run has no time of its own, only its block's. An exec in the middle of a block leaves
 * open which of the two spaces it was: the one that has the address mapped.
 */
static uint64_t run_key(struct occupied *o, uint32_t pid, const struct mh_range *time_ns,
			struct mh_range r)
{
	uint64_t last = mh_keys_of(&o->keys, pid, time_ns->end - 1);
	uint64_t first = mh_keys_of(&o->keys, pid, time_ns->start), key;

	for (key = last; key > first; key--) {
		size_t i = mh_places_find(o->places, key, r.start);

		if (i < o->places->nr && o->places->v[i].key == key &&
		    o->places->v[i].addr.start < r.end)
			return key;
	}
	return key == first ? first : last;
}

static int take_run(struct occupied *o, const struct mh_block_info *b,
		    const struct mh_occupancy_run *run)
{
	const struct mh_range *only = &o->s->opts.filter.addr;
	struct mh_range r = { run->chunk << MH_OCCUPANCY_SHIFT,
			      (run->chunk + run->nr_chunks) << MH_OCCUPANCY_SHIFT };
	struct mh_survey_space *sp;

	if (r.end <= r.start) /* up to the last byte of the address space */
		r.end = UINT64_MAX;
	if (!mh_session_has_pid(o->s, run->pid))
		return 0;
	if (only->end && !mh_range_overlaps(*only, r))
		return 0;
	/* Address 0 stands for samples without one. */
	if (!run->chunk && !b->addr.start)
		return 0;
	sp = space_of(o->sv, run_key(o, run->pid, &b->time_ns, r));
	if (!sp || mh_ranges_add(&sp->extents, r, (double)run->count))
		return -1;
	return add_hot(o->sv, o->places, sp, r, (double)run->count);
}

static int survey_samples(struct mh_survey *out, const struct mh_session *s,
			  const struct mh_session_source *src,
			  const struct mh_places *places, struct mh_err *err)
{
	struct occupied o = { s, places, out, { .maps = s->maps } };
	const struct mh_occupancy_run *runs;
	struct mh_cursor *c = NULL;
	struct mh_filter f;
	size_t i, k, nr;
	int ret;

	if (survey_init(out, places))
		return mh_fail(err, MH_ENOMEM, "no memory for the view");
	mh_session_filter(s, src, &f);
	ret = mh_cursor_open(&c, s->reader, &f, err);
	for (i = 0; !ret && i < mh_reader_nr_blocks(s->reader); i++) {
		const struct mh_block_info *b = mh_reader_block(s->reader, i);

		if (b->kind != MH_EV_SAMPLE || b->source != src->id ||
		    !mh_range_overlaps(b->time_ns, s->window))
			continue;
		ret = mh_cursor_occupancy(c, i, &runs, &nr, err);
		if (ret == MH_EFORMAT) { /* the data pass counts it */
			ret = MH_OK;
			continue;
		}
		for (k = 0; !ret && k < nr; k++) {
			if (take_run(&o, b, &runs[k]))
				ret = mh_fail(err, MH_ENOMEM, "no memory for the view");
		}
	}
	mh_cursor_close(c);
	return ret;
}

/* @places: may be empty; their heat is filled in. @kind: of the data to look at. */
static int survey_run(struct mh_survey *out, struct mh_session *s,
		      const struct mh_session_source *src, enum mh_event_kind kind,
		      const struct mh_scan_opts *scan, struct mh_places *places,
		      struct mh_err *err)
{
	struct shared shared = { scan, places };
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	if (kind == MH_EV_SAMPLE)
		ret = survey_samples(out, s, src, places, err);
	else
		ret = survey_snapshots(out, s, src, kind, &shared, err);
	if (ret)
		return ret;
	if (out->spaces.nr)
		qsort(out->spaces.v, out->spaces.nr, sizeof(*out->spaces.v), by_key);
	mh_numbering_fini(&out->index);
	for (i = 0; i < places->nr; i++)
		places->v[i].heat = out->place_heat[i];
	return MH_OK;
}

/* ---- places from data ---- */

/* An exec replaced it, and no data show that it was ever used. */
static bool is_forgotten(const struct mh_session *s, const struct mh_survey *sv,
			 uint64_t key)
{
	size_t next = (size_t)key + 1;

	return !(key & MH_KEY_UNKNOWN) && !mh_survey_space(sv, key) &&
	       next < mh_maps_nr_spaces(s->maps) &&
	       mh_maps_space(s->maps, next)->pid == mh_maps_space(s->maps, key)->pid;
}

static void drop_forgotten(struct mh_places *places, const struct mh_session *s,
			   const struct mh_survey *sv)
{
	size_t i, n = 0;

	for (i = 0; i < places->nr; i++) {
		if (!is_forgotten(s, sv, places->v[i].key))
			places->v[n++] = places->v[i];
	}
	places->nr = n;
}

static int add_places(struct mh_places *places, const struct mh_survey *sv)
{
	size_t nr = places->nr, i, k;

	for (i = 0; i < sv->spaces.nr; i++) {
		const struct mh_survey_space *sp = &sv->spaces.v[i];
		struct mh_places known = { places->v, nr, nr };
		size_t at = mh_places_find(&known, sp->key, 0);
		bool has_maps = at < nr && places->v[at].key == sp->key;
		const struct mh_ranges *set = has_maps ? &sp->outside : &sp->extents;

		for (k = 0; k < set->nr; k++) {
			struct mh_place *p;

			if (has_maps && set->v[k].heat < OUTSIDE_HEAT * sv->heat)
				continue;
			p = mh_vec_push(places);
			if (!p)
				return -1;
			*p = (struct mh_place){ .key = sp->key,
						.addr = set->v[k].r,
						.heat = set->v[k].heat };
		}
	}
	return 0;
}

static int survey_places(struct mh_places *places, const struct mh_session *s,
			 const struct mh_survey *sv, struct mh_err *err)
{
	size_t i;

	drop_forgotten(places, s, sv);
	if (s->opts.at)
		return MH_OK;
	if (add_places(places, sv))
		return mh_fail(err, MH_ENOMEM, "no memory for mappings");
	mh_places_sort(places);
	/* Outside ranges are joined over small gaps and may reach over a mapping. */
	for (i = 1; i < places->nr; i++) {
		struct mh_place *a = &places->v[i - 1], *b = &places->v[i];

		if (a->key == b->key && a->addr.end > b->addr.start)
			a->addr.end = b->addr.start;
	}
	return MH_OK;
}

int mh_overview_init(struct mh_overview *o, struct mh_session *s, const char *what,
		     struct mh_err *err)
{
	int ret;

	*o = (struct mh_overview){ .scan = { .session = s } };
	ret = mh_session_pick(s, MH_DATA_KINDS, what, &o->src, err);
	if (ret)
		return ret;
	o->kind = mh_session_data_kind(o->src);
	ret = mh_moments_skip(&o->scan, o->src, o->kind, s, err);
	if (!ret)
		ret = mh_places_of_maps(&o->places, s, err);
	if (ret)
		return ret;
	if (s->opts.at)
		o->scan.at = &o->places;
	ret = survey_run(&o->survey, s, o->src, o->kind, &o->scan, &o->places, err);
	return ret ? ret : survey_places(&o->places, s, &o->survey, err);
}

void mh_overview_fini(struct mh_overview *o)
{
	mh_places_fini(&o->places);
	survey_fini(&o->survey);
}
