/* SPDX-License-Identifier: MIT */
/*
 * Sizes by object, for saying what grew between two runs. An object is what has the same
 * key in every run: the program's name and the mapping's. Addresses change with ASLR and
 * offsets with every build, so neither is in it; mappings of one key are one object. The
 * size is the mean over the windows with data, since means add up to the whole and
 * medians do not.
 *
 * Where there is a heap log, what a function allocated is an object, too: of the bytes
 * that were used of a mapping, a block that was live then gets its part of the mapping,
 * as the sources of checks tell of whole mappings at best: its part of the pages that
 * faulted where page faults are in the trace, else of the addresses. The key has the
 * function and no line, since lines move with every edit; the line of the most is told
 * beside it.
 */
#include "analyze/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/blocks.h"
#include "analyze/numbering.h"
#include "analyze/touched.h"
#include "base/vec.h"

/* Bytes of a place that are one site's. */
struct site_bytes {
	uint32_t site;
	size_t place;
	double bytes;
};

struct sums {
	struct {
		const struct mh_scan_opts *scan;
		const struct mh_places *places;
		const struct mh_blocks *blocks;
		const struct mh_moments *moments;
		const struct mh_touched *touched;
	} shared;
	struct mh_scan scan;
	bool left_out; /* the snapshot under way is of a moment without data */
	double *bytes; /* per place, without the sites'; the last: in none */
	struct mh_numbering index; /* (place, site) to sites */
	struct {
		struct site_bytes *v;
		size_t nr, cap;
	} sites;
};

static void part_free(void *part)
{
	struct sums *p = part;

	mh_numbering_fini(&p->index);
	free(p->sites.v);
	free(p->bytes);
	free(p);
}

static void *part_new(const void *arg)
{
	const struct sums *from = arg;
	struct sums *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->shared = from->shared;
	mh_scan_init(&p->scan, from->shared.scan);
	p->bytes = calloc(from->shared.places->nr + 1, sizeof(*p->bytes));
	if (!p->bytes) {
		free(p);
		return NULL;
	}
	return p;
}

static int add_site(struct sums *p, size_t place, uint32_t site, double bytes)
{
	uint64_t key = (uint64_t)place << 32 | site;
	uint32_t i = mh_numbering_get(&p->index, key);
	struct site_bytes *s;

	if (i == MH_NUMBER_NONE) {
		s = mh_vec_push(&p->sites);
		i = (uint32_t)p->sites.nr - 1;
		if (!s || mh_numbering_set(&p->index, key, i))
			return -1;
		s->site = site;
		s->place = place;
	}
	p->sites.v[i].bytes += bytes;
	return 0;
}

/* Where in a row its used bytes are: in the pages that faulted, or anywhere. */
struct spread {
	const struct mh_touched *touched; /* NULL: they are spread evenly */
	uint64_t key, end_ns;
	double per_byte;
};

static double spread_over(const struct spread *s, struct mh_range r)
{
	uint64_t bytes = s->touched ? mh_touched_bytes(s->touched, s->key, r, s->end_ns)
				    : mh_range_len(r);

	return (double)bytes * s->per_byte;
}

/*
 * More bytes were used than faulted: faults do not tell all of it. A fault brings in a
 * huge page, or several of a file, and may be lost.
 */
static struct spread spread_of(const struct sums *p, const struct mh_snap *snap,
			       const struct mh_scan_row *row)
{
	const struct mh_touched *touched = p->shared.touched;
	double bytes = (double)row->touched * snap->weight;
	uint64_t faulted =
		mh_touched_bytes(touched, snap->key, row->addr, snap->time_ns.end);
	struct spread s = { NULL, snap->key, snap->time_ns.end,
			    bytes / (double)mh_range_len(row->addr) };

	if (faulted && (double)faulted >= bytes) {
		s.touched = touched;
		s.per_byte = bytes / (double)faulted;
	}
	return s;
}

/* Of the used bytes of a piece of a place, those in blocks. */
struct share_out {
	struct sums *p;
	const struct spread *spread;
	struct mh_range piece;
	size_t place;
	double left;
	int failed;
};

static void share_out(void *arg, const struct mh_block *block, uint64_t bytes)
{
	struct share_out *s = arg;
	struct mh_range r = block->addr;
	double part;

	(void)bytes;
	r.start = r.start < s->piece.start ? s->piece.start : r.start;
	r.end = r.end > s->piece.end ? s->piece.end : r.end;
	part = spread_over(s->spread, r);

	/* Blocks whose free was lost may lie over others. */
	if (part > s->left)
		part = s->left;
	if (block->site == MH_NO_SITE || !(part > 0) || s->failed)
		return;
	s->failed = add_site(s->p, s->place, block->site, part);
	s->left -= part;
}

static int on_snapshot(void *arg, const struct mh_snap *snap)
{
	const struct mh_moments *moments = ((struct sums *)arg)->shared.moments;
	uint64_t middle = snap->time_ns.start + mh_range_len(snap->time_ns) / 2;

	((struct sums *)arg)->left_out =
		moments->v[mh_moments_nearest(moments, middle)].bytes == MH_NO_DATA;
	return 0;
}

/* A count of bytes belongs to the places that the range covers, by their part of it. */
static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct sums *p = arg;
	const struct mh_places *places = p->shared.places;
	double left = (double)row->touched * snap->weight;
	uint64_t middle = snap->time_ns.start + mh_range_len(snap->time_ns) / 2;
	struct spread spread;
	size_t i;

	if (!row->touched || p->left_out)
		return 0;
	spread = spread_of(p, snap, row);
	for (i = mh_places_find(places, snap->key, row->addr.start);
	     i < places->nr && places->v[i].key == snap->key &&
	     places->v[i].addr.start < row->addr.end;
	     i++) {
		struct mh_range r = places->v[i].addr;
		struct share_out out = { .p = p, .spread = &spread, .place = i };
		double bytes;

		if (r.start < row->addr.start)
			r.start = row->addr.start;
		if (r.end > row->addr.end)
			r.end = row->addr.end;
		bytes = spread_over(&spread, r);
		out.piece = r;
		out.left = bytes;
		mh_blocks_each(p->shared.blocks, snap->key, r, middle, share_out, &out);
		if (out.failed)
			return -1;
		p->bytes[i] += out.left;
		left -= bytes;
	}
	/* Less than a byte is rounding. */
	if (left >= 1)
		p->bytes[places->nr] += left;
	return 0;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { on_snapshot, on_row };
	struct sums *p = part;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct sums *a = into, *b = from;
	size_t i;

	for (i = 0; i <= a->shared.places->nr; i++)
		a->bytes[i] += b->bytes[i];
	for (i = 0; i < b->sites.nr; i++) {
		const struct site_bytes *s = &b->sites.v[i];

		if (add_site(a, s->place, s->site, s->bytes))
			return mh_fail(err, MH_ENOMEM, "no memory for sizes by object");
	}
	return MH_OK;
}

/* ---- keys ---- */

static void key_of(char *buf, size_t size, const struct mh_session *s,
		   const struct mh_place *place)
{
	const char *comm = place->key & MH_KEY_UNKNOWN
				   ? ""
				   : mh_maps_space(s->maps, place->key)->comm;
	char name[256] = "[no mapping]";

	if (place->mapping)
		mh_mapping_name(place->mapping, name, sizeof(name));
	snprintf(buf, size, "%s%s%s", comm, *comm ? " " : "", name);
}

static int add(struct mh_run *run, const char *key, double bytes)
{
	struct mh_run_object *o = mh_vec_push(&run->objects);

	if (!o)
		return -1;
	o->bytes = bytes;
	o->key = strdup(key);
	if (o->key)
		return 0;
	run->objects.nr--;
	return -1;
}

/* "comm function()": how a function's blocks are told from a mapping. */
static int add_blocks(struct mh_run *run, const struct mh_session *s,
		      const struct mh_place *place, const struct mh_block_site *site,
		      double bytes)
{
	const char *comm = place->key & MH_KEY_UNKNOWN
				   ? ""
				   : mh_maps_space(s->maps, place->key)->comm;
	size_t len = strlen(site->function);
	struct mh_run_object *o;
	char key[600], mapping[320];

	key_of(mapping, sizeof(mapping), s, place);
	snprintf(key, sizeof(key), "%s%s%.500s%s", comm, *comm ? " " : "",
		 *site->function ? site->function : "?",
		 len && site->function[len - 1] == ')' ? "" : "()");
	if (add(run, key, bytes))
		return -1;
	o = &run->objects.v[run->objects.nr - 1];
	o->mapping = strdup(mapping);
	o->file = *site->file ? strdup(site->file) : NULL;
	o->line = site->line;
	return o->mapping && (o->file || !*site->file) ? 0 : -1;
}

/* Of one key the largest first: its line stands for all. */
static int by_key(const void *a, const void *b)
{
	const struct mh_run_object *x = a, *y = b;
	int d = strcmp(x->key, y->key);

	return d ? d : (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

/* Sort, then make one of those with the same key. */
static void join(struct mh_run *run)
{
	size_t i, n = 0;

	if (run->objects.nr)
		qsort(run->objects.v, run->objects.nr, sizeof(*run->objects.v), by_key);
	for (i = 0; i < run->objects.nr; i++) {
		struct mh_run_object *o = &run->objects.v[i];
		struct mh_run_object *last = n ? &run->objects.v[n - 1] : NULL;

		if (last && !strcmp(last->key, o->key)) {
			last->bytes += o->bytes;
			mh_run_object_fini(o);
		} else {
			run->objects.v[n++] = *o;
		}
	}
	run->objects.nr = n;
}

static int fill(struct mh_run *run, const struct mh_session *s, const struct sums *sums,
		size_t nr_windows)
{
	const struct mh_places *places = sums->shared.places;
	const double *bytes = sums->bytes;
	char key[320];
	size_t i;

	for (i = 0; i < sums->sites.nr; i++) {
		const struct site_bytes *sb = &sums->sites.v[i];

		if (add_blocks(run, s, &places->v[sb->place],
			       &sums->shared.blocks->sites.v[sb->site],
			       sb->bytes / (double)nr_windows))
			return -1;
	}
	for (i = 0; i < places->nr; i++) {
		if (!(bytes[i] > 0))
			continue;
		key_of(key, sizeof(key), s, &places->v[i]);
		if (add(run, key, bytes[i] / (double)nr_windows))
			return -1;
	}
	if (bytes[places->nr] > 0 &&
	    add(run, "[no mapping]", bytes[places->nr] / (double)nr_windows))
		return -1;
	join(run);
	return 0;
}

int mh_objects_run(struct mh_run *run, struct mh_session *s,
		   const struct mh_session_source *src, enum mh_event_kind kind,
		   const struct mh_scan_opts *scan, const struct mh_moments *moments,
		   struct mh_err *err)
{
	struct mh_places places = { 0 };
	struct mh_blocks blocks = { 0 };
	struct mh_touched touched = { 0 };
	struct sums shared = { .shared = { scan, &places, &blocks, moments, &touched } };
	struct mh_analysis a = { .arg = &shared,
				 .part_new = part_new,
				 .batch = part_batch,
				 .merge = part_merge,
				 .part_free = part_free };
	size_t i, nr_windows = 0;
	struct mh_filter f;
	int ret = mh_places_of_maps(&places, s, err);

	for (i = 0; i < moments->nr; i++)
		nr_windows += moments->v[i].bytes != MH_NO_DATA;
	if (ret || !nr_windows)
		goto out;
	ret = mh_blocks_read(&blocks, s, NULL, err);
	if (!ret && blocks.known)
		ret = mh_touched_read(&touched, s, err);
	if (ret)
		goto out;
	run->refined = touched.page_size != 0;
	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret && fill(run, s, a.part, nr_windows))
		ret = mh_fail(err, MH_ENOMEM, "no memory for sizes by object");
	if (a.part)
		part_free(a.part);
out:
	mh_touched_fini(&touched);
	mh_blocks_fini(&blocks);
	mh_places_fini(&places);
	return ret;
}
