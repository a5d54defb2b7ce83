/* SPDX-License-Identifier: MIT */
/*
 * From places to bands.
 *
 * Neighbours of one object become a group. Groups too small to see are folded into one
 * band `other`. In the rest, long runs of whole chunks that were never touched become
 * collapsed bands without rows. The rows go to what is left, half by the square root of
 * its bytes and half by its heat, so that a hot page stands beside a cold gigabyte.
 */
#include "analyze/layout.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define GROUP_GAP  (UINT64_C(1) << 20)
#define FOLD_SHARE 0.001 /* of heat, or of bytes of what has heat */
#define COLD_SHARE 0.05  /* of bytes: cold groups smaller than that are folded */
#define COLD_MIN   (UINT64_C(4) << 20) /* a shorter cold run is not worth a break */
#define COLD_PARTS 12                  /* nor is one below this part of its group */
#define MAX_BANDS  48

/* Neighbouring places of one object. */
struct group {
	size_t first, last; /* of the places */
	uint64_t bytes;
	double heat;
	bool folded;
};

/* What becomes a band. */
struct piece {
	const struct group *group; /* NULL: other */
	struct mh_range addr;
	uint64_t bytes;
	double heat;
	bool cold;
};

struct plan {
	const struct mh_session *s;
	const struct mh_survey *sv;
	const struct mh_layout_opts *opts;
	const struct mh_places *places;
	struct {
		struct group *v;
		size_t nr, cap;
	} groups;
	struct {
		struct piece *v;
		size_t nr, cap;
	} pieces;
	uint64_t bytes, folded_bytes;
	double heat, folded_heat;
	size_t nr_folded;
	size_t nr_processes;
};

/* ---- groups ---- */

static int make_groups(struct plan *p)
{
	struct group *g = NULL;
	size_t i;

	for (i = 0; i < p->places->nr; i++) {
		const struct mh_place *place = &p->places->v[i];
		const struct mh_place *before = g ? &p->places->v[g->last] : NULL;

		if (place->addr.start >= place->addr.end)
			continue;
		/* Reserved address space that nothing can touch is not memory. */
		if (place->mapping && !place->mapping->prot && place->heat <= 0)
			continue;
		if (!before || !mh_places_same_object(before, place) ||
		    place->addr.start - before->addr.end >= GROUP_GAP) {
			g = mh_vec_push(&p->groups);
			if (!g)
				return -1;
			g->first = i;
		}
		g->last = i;
		g->bytes += mh_range_len(place->addr);
		g->heat += place->heat;
		p->bytes += mh_range_len(place->addr);
		p->heat += place->heat;
	}
	return 0;
}

/* ---- which groups are shown ---- */

static double weight_of(const struct plan *p, double sqrt_bytes, uint64_t bytes,
			double heat)
{
	double w = sqrt_bytes > 0 ? 0.5 * sqrt((double)bytes) / sqrt_bytes : 0;

	return w + (p->heat > 0 ? 0.5 * heat / p->heat : 0);
}

static int by_weight(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;

	if (x->heat != y->heat)
		return x->heat > y->heat ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->first < y->first ? -1 : 1;
}

static int fold_groups(struct plan *p)
{
	struct group **order = malloc((p->groups.nr + 1) * sizeof(*order));
	size_t max = p->opts->rows / 3, shown = 0, i;
	uint64_t warm = 0;

	if (!order)
		return -1;
	for (i = 0; i < p->groups.nr; i++) {
		order[i] = &p->groups.v[i];
		warm += order[i]->heat > 0 ? order[i]->bytes : 0;
	}
	qsort(order, p->groups.nr, sizeof(struct group *), by_weight);
	max = max < 1 ? 1 : max > MAX_BANDS ? MAX_BANDS : max;
	for (i = 0; i < p->groups.nr; i++) {
		struct group *g = order[i];
		double bytes = (double)g->bytes;

		if (g->heat > 0)
			g->folded = g->heat < FOLD_SHARE * p->heat &&
				    bytes < FOLD_SHARE * (double)warm;
		else
			g->folded = p->heat > 0 && bytes < COLD_SHARE * (double)p->bytes;
		g->folded |= shown >= max;
		shown += !g->folded;
	}
	/* A fold of one says less than the one. */
	for (i = 0, p->nr_folded = 0; i < p->groups.nr; i++)
		p->nr_folded += p->groups.v[i].folded;
	if (p->nr_folded == 1 && shown < p->opts->rows) {
		for (i = 0; i < p->groups.nr; i++)
			p->groups.v[i].folded = false;
		p->nr_folded = 0;
	}
	for (i = 0; i < p->groups.nr; i++) {
		if (!p->groups.v[i].folded)
			continue;
		p->folded_bytes += p->groups.v[i].bytes;
		p->folded_heat += p->groups.v[i].heat;
	}
	free(order);
	return 0;
}

/* ---- pieces: a group cut at its long cold runs ---- */

static uint64_t mapped_bytes(const struct plan *p, const struct group *g,
			     struct mh_range r)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = g->first; i <= g->last; i++) {
		const struct mh_range *a = &p->places->v[i].addr;
		uint64_t lo = a->start > r.start ? a->start : r.start;
		uint64_t hi = a->end < r.end ? a->end : r.end;

		bytes += hi > lo ? hi - lo : 0;
	}
	return bytes;
}

static int add_piece(struct plan *p, const struct group *g, struct mh_range r,
		     double heat, bool cold)
{
	struct piece *piece;

	if (r.start >= r.end)
		return 0;
	piece = mh_vec_push(&p->pieces);
	if (!piece)
		return -1;
	*piece = (struct piece){ .group = g,
				 .addr = r,
				 .bytes = mapped_bytes(p, g, r),
				 .heat = heat,
				 .cold = cold };
	return 0;
}

static int cut_group(struct plan *p, const struct group *g)
{
	const struct mh_place *first = &p->places->v[g->first];
	struct mh_range hull = { first->addr.start, p->places->v[g->last].addr.end };
	const struct mh_survey_space *sp = mh_survey_space(p->sv, first->key);
	uint64_t len = mh_range_len(hull), from = hull.start, done = from;
	uint64_t min = len / COLD_PARTS > COLD_MIN ? len / COLD_PARTS : COLD_MIN;
	double heat = 0;
	size_t i, nr = sp ? sp->hot.nr : 0;

	if (p->opts->no_collapse)
		return add_piece(p, g, hull, g->heat, false);
	if (g->heat <= 0)
		return add_piece(p, g, hull, 0, true);
	for (i = nr ? mh_ranges_find(&sp->hot, hull.start) : 0; i <= nr; i++) {
		bool last = i == nr || sp->hot.v[i].r.start >= hull.end;
		uint64_t lo = from, hi = last ? hull.end : sp->hot.v[i].r.start;

		/* The cold run between two touched ranges, cut to whole chunks. */
		if (lo != hull.start)
			lo = (lo + MH_CHUNK - 1) & ~(MH_CHUNK - 1);
		if (!last)
			hi &= ~(MH_CHUNK - 1);
		if (hi > lo && hi - lo >= min) {
			if (add_piece(p, g, (struct mh_range){ done, lo }, heat, false) ||
			    add_piece(p, g, (struct mh_range){ lo, hi }, 0, true))
				return -1;
			done = hi;
			heat = 0;
		}
		if (last)
			break;
		heat += sp->hot.v[i].heat;
		from = sp->hot.v[i].r.end;
		if (from >= hull.end)
			break;
	}
	return add_piece(p, g, (struct mh_range){ done, hull.end }, heat, false);
}

/* A touched range that reaches over several groups gives each its share only. */
static void scale_heat(struct plan *p, size_t from, const struct group *g)
{
	double sum = 0;
	size_t i;

	for (i = from; i < p->pieces.nr; i++)
		sum += p->pieces.v[i].heat;
	for (i = from; i < p->pieces.nr; i++)
		p->pieces.v[i].heat *= sum > 0 ? g->heat / sum : 0;
}

static int make_pieces(struct plan *p)
{
	struct piece *other;
	size_t i;

	if (p->nr_folded) {
		other = mh_vec_push(&p->pieces);
		if (!other)
			return -1;
		*other = (struct piece){ .bytes = p->folded_bytes,
					 .heat = p->folded_heat,
					 .cold = p->folded_heat <= 0 &&
						 !p->opts->no_collapse };
	}
	for (i = 0; i < p->groups.nr; i++) {
		size_t from = p->pieces.nr;

		if (p->groups.v[i].folded)
			continue;
		if (cut_group(p, &p->groups.v[i]))
			return -1;
		scale_heat(p, from, &p->groups.v[i]);
	}
	return 0;
}

/* ---- bands ---- */

static void name_group(const struct plan *p, const struct group *g, char *buf,
		       size_t size)
{
	const struct mh_mapping *m = p->places->v[g->first].mapping;
	struct mh_mapping plain;
	size_t i, len;

	if (!m) {
		uint64_t key = p->places->v[g->first].key;

		if (!(key & MH_KEY_UNKNOWN))
			snprintf(buf, size, "[unmapped]");
		else
			snprintf(buf, size, "%s %" PRIx64,
				 (uint32_t)key ? "area" : "phys",
				 p->places->v[g->first].addr.start);
		return;
	}
	mh_mapping_name(m, buf, size);
	for (i = g->first; i <= g->last; i++) {
		if (p->places->v[i].mapping && p->places->v[i].mapping->prot != m->prot)
			break;
	}
	if (i > g->last || *m->path != '/')
		return;
	/* Several protections: the name alone. */
	plain = *m;
	mh_mapping_name(&plain, buf, size);
	len = strlen(buf);
	if (len > 4 && buf[len - 4] == ' ')
		buf[len - 4] = '\0';
}

static void name_owner(const struct plan *p, uint64_t key, char *buf, size_t size)
{
	const struct mh_space *sp;

	if (p->nr_processes < 2)
		return;
	if (key & MH_KEY_UNKNOWN) {
		snprintf(buf, size, "pid %u", (uint32_t)key);
		return;
	}
	sp = mh_maps_space(p->s->maps, key);
	snprintf(buf, size, "%.15s %u", *sp->comm ? sp->comm : "pid", sp->pid);
}

static void count_processes(struct plan *p)
{
	uint64_t before = UINT64_MAX;
	size_t i;

	for (i = 0; i < p->pieces.nr; i++) {
		uint64_t key;

		if (!p->pieces.v[i].group)
			continue;
		key = p->places->v[p->pieces.v[i].group->first].key;
		p->nr_processes += key != before;
		before = key;
	}
}

/* Rows by weight, each at least one; the largest remainders get what is left over. */
static void share_rows(const struct plan *p, struct mh_band *bands)
{
	uint32_t rows = p->opts->rows, used = 0, min = 1;
	double sqrt_bytes = 0;
	size_t i, warm = 0;

	for (i = 0; i < p->pieces.nr; i++) {
		if (p->pieces.v[i].cold)
			continue;
		warm++;
		sqrt_bytes += sqrt((double)p->pieces.v[i].bytes);
	}
	if (!warm)
		return;
	/* A label needs a few rows; with few rows in all, one has to do. */
	if (rows >= 100 * warm / 4)
		min = rows / 100 > 1 ? rows / 100 : 1;
	for (i = 0; i < p->pieces.nr; i++) {
		const struct piece *q = &p->pieces.v[i];

		if (q->cold)
			continue;
		bands[i].nr_rows = min;
		used += min;
	}
	while (used < rows) {
		double most = -INFINITY;
		size_t best = 0;
		uint32_t step = (rows - used) / 64 + 1;

		for (i = 0; i < p->pieces.nr; i++) {
			const struct piece *q = &p->pieces.v[i];
			double want;

			if (q->cold)
				continue;
			want = rows * weight_of(p, sqrt_bytes, q->bytes, q->heat) -
			       bands[i].nr_rows;
			if (want > most) {
				most = want;
				best = i;
			}
		}
		bands[best].nr_rows += step;
		used += step;
	}
}

static int make_bands(struct plan *p, struct mh_layout *out)
{
	uint32_t row = 0;
	size_t i;

	out->bands = calloc(p->pieces.nr + 1, sizeof(*out->bands));
	if (!out->bands)
		return -1;
	out->nr_bands = p->pieces.nr;
	out->rows = p->opts->rows;
	count_processes(p);
	share_rows(p, out->bands);
	for (i = 0; i < p->pieces.nr; i++) {
		const struct piece *q = &p->pieces.v[i], *below = i ? q - 1 : NULL;
		struct mh_band *b = &out->bands[i];

		b->row = row;
		row += b->nr_rows;
		b->bytes = q->bytes;
		b->share = p->heat > 0 ? q->heat / p->heat : 0;
		b->cold = q->cold;
		if (!q->group) {
			snprintf(b->name, sizeof(b->name), "%zu other mappings",
				 p->nr_folded);
			continue;
		}
		b->addr = q->addr;
		b->pid = mh_key_pid(p->s->maps, p->places->v[q->group->first].key);
		name_group(p, q->group, b->name, sizeof(b->name));
		name_owner(p, p->places->v[q->group->first].key, b->owner,
			   sizeof(b->owner));
		if (below && below->group &&
		    p->places->v[below->group->first].key ==
			    p->places->v[q->group->first].key)
			b->gap_before = q->addr.start - below->addr.end;
	}
	return 0;
}

/* ---- stretches ---- */

struct segs {
	struct mh_row_seg *v;
	size_t nr, cap;
};

static int add_seg(struct segs *segs, const struct plan *p, size_t place,
		   struct mh_range r, const struct mh_layout *l, size_t band,
		   uint32_t row, uint32_t rows, double weight)
{
	struct mh_row_seg *seg = mh_vec_push(segs);

	if (!seg)
		return -1;
	*seg = (struct mh_row_seg){ .key = p->places->v[place].key,
				    .row = l->bands[band].row + row,
				    .band = (uint32_t)band,
				    .weight = weight,
				    .rows = l->bands[band].nr_rows > 0,
				    .has_maps = p->places->v[place].mapping != NULL };
	mh_axis_init(&seg->axis, r, rows ? rows : 1);
	return 0;
}

/* Folded places lie end to end in `other`; small ones share a row, by their bytes. */
static int add_folded(struct segs *segs, const struct plan *p, const struct mh_layout *l,
		      size_t band)
{
	uint32_t rows = l->bands[band].nr_rows;
	double per_row = (double)p->folded_bytes / (rows ? rows : 1);
	uint64_t at = 0;
	size_t i, k;

	for (i = 0; i < p->groups.nr; i++) {
		if (!p->groups.v[i].folded)
			continue;
		for (k = p->groups.v[i].first; k <= p->groups.v[i].last; k++) {
			struct mh_range r = p->places->v[k].addr;
			uint64_t len = mh_range_len(r);
			uint32_t lo = (uint32_t)((double)at / per_row), hi;

			if (!len)
				continue;
			hi = (uint32_t)ceil((double)(at + len) / per_row);
			if (lo >= rows && rows)
				lo = rows - 1;
			if (hi > rows)
				hi = rows;
			if (hi <= lo)
				hi = lo + 1;
			if (add_seg(segs, p, k, r, l, band, lo, hi - lo,
				    (double)len / per_row / (hi - lo)))
				return -1;
			at += len;
		}
	}
	return 0;
}

static int by_seg(const void *a, const void *b)
{
	const struct mh_row_seg *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->axis.span.start < y->axis.span.start
		       ? -1
		       : x->axis.span.start > y->axis.span.start;
}

static int make_segs(struct plan *p, struct mh_layout *out)
{
	struct segs segs = { 0 };
	size_t i;
	int failed = 0;

	for (i = 0; i < p->pieces.nr && !failed; i++) {
		const struct piece *q = &p->pieces.v[i];

		if (!q->group)
			failed = add_folded(&segs, p, out, i);
		else
			failed = add_seg(&segs, p, q->group->first, q->addr, out, i, 0,
					 out->bands[i].nr_rows, 1);
	}
	if (segs.nr)
		qsort(segs.v, segs.nr, sizeof(*segs.v), by_seg);
	out->segs = segs.v;
	out->nr_segs = segs.nr;
	return failed;
}

int mh_layout_bands(struct mh_layout *out, const struct mh_session *s,
		    const struct mh_places *places, const struct mh_survey *sv,
		    const struct mh_layout_opts *opts, struct mh_err *err)
{
	struct plan p = { .s = s, .sv = sv, .opts = opts, .places = places };
	int ret = MH_OK;

	memset(out, 0, sizeof(*out));
	if (make_groups(&p)) {
		ret = mh_fail(err, MH_ENOMEM, "no memory for the bands");
		goto out;
	}
	if (!p.groups.nr) {
		ret = mh_fail(err, MH_ENOSUP,
			      "nothing to draw: no mapping and no data pass the filters");
		goto out;
	}
	if (fold_groups(&p) || make_pieces(&p) || make_bands(&p, out) ||
	    make_segs(&p, out))
		ret = mh_fail(err, MH_ENOMEM, "no memory for the bands");
out:
	free(p.groups.v);
	free(p.pieces.v);
	if (ret)
		mh_layout_fini(out);
	return ret;
}

void mh_layout_fini(struct mh_layout *l)
{
	free(l->bands);
	free(l->segs);
	memset(l, 0, sizeof(*l));
}

size_t mh_layout_find(const struct mh_layout *l, uint64_t key, uint64_t addr)
{
	size_t lo = 0, hi = l->nr_segs;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mh_row_seg *at = &l->segs[mid];

		if (at->key < key || (at->key == key && at->axis.span.end <= addr))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
