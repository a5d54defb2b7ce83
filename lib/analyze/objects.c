/* SPDX-License-Identifier: MIT */
/*
 * Sizes by object, for saying what grew between two runs. An object is what has the same
 * key in every run: the program's name and the mapping's. Addresses change with ASLR and
 * offsets with every build, so neither is in it; mappings of one key are one object. The
 * size is the mean over the windows with data, since means add up to the whole and
 * medians do not.
 *
 * All anonymous memory of a program is one object: telling its parts apart needs the
 * allocations.
 */
#include "analyze/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct sums {
	struct {
		const struct mh_scan_opts *scan;
		const struct mh_places *places;
	} shared;
	struct mh_scan scan;
	double *bytes; /* per place; the last: in none */
};

static void part_free(void *part)
{
	struct sums *p = part;

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

/* A count of bytes belongs to the places that the range covers, by their part of it. */
static int on_row(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct sums *p = arg;
	const struct mh_places *places = p->shared.places;
	double size = (double)mh_range_len(row->addr);
	double touched = (double)row->touched * snap->weight, left = touched;
	size_t i;

	if (!row->touched)
		return 0;
	for (i = mh_places_find(places, snap->key, row->addr.start);
	     i < places->nr && places->v[i].key == snap->key &&
	     places->v[i].addr.start < row->addr.end;
	     i++) {
		struct mh_range r = places->v[i].addr;
		double bytes;

		if (r.start < row->addr.start)
			r.start = row->addr.start;
		if (r.end > row->addr.end)
			r.end = row->addr.end;
		bytes = touched * ((double)mh_range_len(r) / size);
		p->bytes[i] += bytes;
		left -= bytes;
	}
	if (left > 0)
		p->bytes[places->nr] += left;
	return 0;
}

static int part_batch(void *part, const struct mh_batch *b, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { NULL, on_row };
	struct sums *p = part;

	return mh_scan_batch(&p->scan, b, &ops, p, err);
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct sums *a = into, *b = from;
	size_t i;

	(void)err;
	for (i = 0; i <= a->shared.places->nr; i++)
		a->bytes[i] += b->bytes[i];
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

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct mh_run_object *)a)->key,
		      ((const struct mh_run_object *)b)->key);
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
			free(o->key);
		} else {
			run->objects.v[n++] = *o;
		}
	}
	run->objects.nr = n;
}

static int fill(struct mh_run *run, const struct mh_session *s,
		const struct mh_places *places, const double *bytes, size_t nr_windows)
{
	char key[320];
	size_t i;

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
	struct sums shared = { .shared = { scan, &places } };
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
	mh_session_filter(s, src, &f);
	f.kinds = 1u << kind;
	ret = mh_pass_run(s, &f, &a, 1, err);
	if (!ret && fill(run, s, &places, ((struct sums *)a.part)->bytes, nr_windows))
		ret = mh_fail(err, MH_ENOMEM, "no memory for sizes by object");
	if (a.part)
		part_free(a.part);
out:
	mh_places_fini(&places);
	return ret;
}
