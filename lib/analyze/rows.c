/* SPDX-License-Identifier: MIT */
#include "analyze/rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* A mapping appears or goes: bytes are added to a row. */
struct change {
	uint64_t time_ns, bytes;
	uint32_t row;
	bool gone;
};

struct changes {
	struct change *v;
	size_t nr, cap;
};

static uint64_t hash_name(uint32_t pid, const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ pid;

	while (*name)
		h = (h ^ (uint8_t)*name++) * UINT64_C(0x100000001b3);
	return h;
}

/* The row of (@pid, @name); MH_NUMBER_NONE and the *slot to put it: there is none. */
static uint32_t row_find(const struct mh_rows *r, uint32_t pid, const char *name,
			 uint64_t *slot)
{
	uint32_t i;

	for (*slot = hash_name(pid, name);; ++*slot) {
		i = mh_numbering_get(&r->by_name, *slot);
		if (i == MH_NUMBER_NONE || (r->rows.v[i].pid == pid &&
					   !strcmp(r->rows.v[i].name, name)))
			return i;
	}
}

/* The same, made when it is new; MH_NUMBER_NONE: out of memory. */
static uint32_t row_get(struct mh_rows *r, uint32_t pid, const char *name)
{
	struct mh_mapping_row *row;
	uint64_t h;
	uint32_t i = row_find(r, pid, name, &h);

	if (i != MH_NUMBER_NONE)
		return i;
	i = (uint32_t)r->rows.nr;
	row = mh_vec_push(&r->rows);
	if (!row || mh_numbering_set(&r->by_name, h, i))
		return MH_NUMBER_NONE;
	snprintf(row->name, sizeof(row->name), "%s", name);
	row->pid = pid;
	row->rss = row->swap = row->huge = MH_NO_DATA;
	row->wss_p50 = row->wss_max = MH_NO_DATA;
	row->busy = row->idle_share = NAN;
	return i;
}

static void name_place(const struct mh_place *p, char *buf, size_t size)
{
	if (p->mapping)
		mh_mapping_name(p->mapping, buf, size);
	else if (!(p->key & MH_KEY_UNKNOWN))
		snprintf(buf, size, "[unmapped]");
	else
		snprintf(buf, size, "%s %" PRIx64, (uint32_t)p->key ? "area" : "phys",
			 p->addr.start);
}

static int row_of_place(struct mh_rows *r, const struct mh_session *s,
			const struct mh_place *p, uint32_t *out)
{
	uint32_t pid = mh_key_pid(s->maps, p->key);
	struct mh_mapping_row *row;
	char name[96];

	name_place(p, name, sizeof(name));
	*out = row_get(r, pid, name);
	if (*out == MH_NUMBER_NONE)
		return -1;
	row = &r->rows.v[*out];
	if (!(p->key & MH_KEY_UNKNOWN))
		snprintf(row->comm, sizeof(row->comm), "%.15s",
			 mh_maps_space(s->maps, p->key)->comm);
	if (!row->addr.end || p->addr.start < row->addr.start)
		row->addr.start = p->addr.start;
	if (p->addr.end > row->addr.end)
		row->addr.end = p->addr.end;
	if (!p->mapping)
		row->bytes += mh_range_len(p->addr);
	return 0;
}

/* ---- sizes over time ---- */

static int by_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	/* What goes makes room for what comes at the same time. */
	return (int)y->gone - (int)x->gone;
}

static int has_prot(const struct mh_session *s)
{
	size_t i, k, nr;

	for (i = 0; i < mh_maps_nr_spaces(s->maps); i++) {
		const struct mh_mapping *m = mh_maps_of(s->maps, i, &nr);

		for (k = 0; k < nr; k++) {
			if (m[k].prot)
				return 1;
		}
	}
	return 0;
}

static int add_changes(struct changes *c, const struct mh_mapping *m, uint32_t row)
{
	struct change *in = mh_vec_push(c), *out;

	if (!in)
		return -1;
	*in = (struct change){ m->time_ns.start, mh_range_len(m->addr), row, false };
	out = mh_vec_push(c);
	if (!out)
		return -1;
	*out = (struct change){ m->time_ns.end, mh_range_len(m->addr), row, true };
	return 0;
}

/* The mappings of all spaces that have places; @r NULL: all in row 0. */
static int collect(struct changes *c, struct mh_rows *r, const struct mh_session *s,
		   const struct mh_places *places)
{
	int prot = has_prot(s);
	size_t i, k, nr, at;

	for (i = 0; i < mh_maps_nr_spaces(s->maps); i++) {
		const struct mh_mapping *m = mh_maps_of(s->maps, i, &nr);

		at = mh_places_find(places, i, 0);
		if (at == places->nr || places->v[at].key != i)
			continue;
		for (k = 0; k < nr; k++) {
			uint32_t pid = mh_maps_space(s->maps, i)->pid, row = 0;
			char name[96];
			uint64_t slot;

			if (r) {
				mh_mapping_name(&m[k], name, sizeof(name));
				row = row_find(r, pid, name, &slot);
				if (row == MH_NUMBER_NONE)
					continue; /* filtered out */
			} else if (prot && !m[k].prot) {
				/* Reserved address space that nothing can touch. */
				continue;
			}
			if (add_changes(c, &m[k], row))
				return -1;
		}
	}
	return 0;
}

/* Largest running sum per row into @peak. */
static int find_peaks(const struct changes *c, uint64_t *peak, size_t nr)
{
	uint64_t *now = calloc(nr + 1, sizeof(*now));
	size_t i;

	if (!now)
		return -1;
	if (c->nr)
		qsort(c->v, c->nr, sizeof(*c->v), by_time);
	for (i = 0; i < c->nr; i++) {
		const struct change *ch = &c->v[i];

		if (ch->gone)
			now[ch->row] -= ch->bytes;
		else
			now[ch->row] += ch->bytes;
		if (now[ch->row] > peak[ch->row])
			peak[ch->row] = now[ch->row];
	}
	free(now);
	return 0;
}

int mh_rows_mapped_bytes(uint64_t *out, const struct mh_session *s,
			 const struct mh_places *places, struct mh_err *err)
{
	struct changes c = { 0 };
	uint64_t peak = 0;
	int failed = collect(&c, NULL, s, places) || find_peaks(&c, &peak, 1);

	*out = c.nr ? peak : MH_NO_DATA;
	free(c.v);
	return failed ? mh_fail(err, MH_ENOMEM, "no memory for mappings") : MH_OK;
}

int mh_rows_init(struct mh_rows *r, const struct mh_session *s,
		 const struct mh_places *places, struct mh_err *err)
{
	struct changes c = { 0 };
	uint64_t *peak = NULL;
	size_t i;
	int failed = -1;

	memset(r, 0, sizeof(*r));
	r->of_place = malloc((places->nr + 1) * sizeof(*r->of_place));
	if (!r->of_place)
		goto out;
	for (i = 0; i < places->nr; i++) {
		if (row_of_place(r, s, &places->v[i], &r->of_place[i]))
			goto out;
	}
	peak = calloc(r->rows.nr + 1, sizeof(*peak));
	failed = !peak || collect(&c, r, s, places) || find_peaks(&c, peak, r->rows.nr);
	for (i = 0; i < r->rows.nr && !failed; i++) {
		if (peak[i])
			r->rows.v[i].bytes = peak[i];
	}
out:
	free(c.v);
	free(peak);
	if (failed)
		mh_rows_fini(r);
	return failed ? mh_fail(err, MH_ENOMEM, "no memory for mappings") : MH_OK;
}

void mh_rows_fini(struct mh_rows *r)
{
	free(r->rows.v);
	free(r->of_place);
	mh_numbering_fini(&r->by_name);
	memset(r, 0, sizeof(*r));
}

/* ---- footprints of mappings ---- */

struct sums {
	uint64_t time_ns, rss, swap, huge;
};

static void add_bytes(uint64_t *sum, uint64_t bytes)
{
	if (bytes != MH_NO_BYTES)
		*sum = (*sum == MH_NO_DATA ? 0 : *sum) + bytes;
}

static void raise(uint64_t *most, uint64_t value)
{
	if (value != MH_NO_DATA && (*most == MH_NO_DATA || value > *most))
		*most = value;
}

static void close_sums(struct mh_mapping_row *row, struct sums *now, uint64_t time_ns)
{
	raise(&row->rss, now->rss);
	raise(&row->swap, now->swap);
	raise(&row->huge, now->huge);
	*now = (struct sums){ time_ns, MH_NO_DATA, MH_NO_DATA, MH_NO_DATA };
}

int mh_rows_footprint(struct mh_rows *r, const struct mh_session *s,
		      const struct mh_places *places, struct mh_err *err)
{
	struct sums *now = calloc(r->rows.nr + 1, sizeof(*now));
	struct mh_keys keys = { .maps = s->maps };
	size_t i, at;

	if (!now)
		return mh_fail(err, MH_ENOMEM, "no memory for mappings");
	for (i = 0; i < r->rows.nr; i++)
		now[i] = (struct sums){ 0, MH_NO_DATA, MH_NO_DATA, MH_NO_DATA };
	for (i = 0; i < s->footprints.nr; i++) {
		const struct mh_event *ev = &s->footprints.v[i];
		const struct mh_ev_footprint *f = &ev->footprint;
		struct sums *sum;
		uint64_t key;

		if (f->start >= f->end || ev->time_ns < s->window.start ||
		    ev->time_ns >= s->window.end)
			continue;
		key = mh_keys_of(&keys, f->pid, ev->time_ns);
		at = mh_places_find(places, key, f->start);
		if (at == places->nr || places->v[at].key != key ||
		    places->v[at].addr.start >= f->end)
			continue;
		sum = &now[r->of_place[at]];
		if (sum->time_ns != ev->time_ns)
			close_sums(&r->rows.v[r->of_place[at]], sum, ev->time_ns);
		add_bytes(&sum->rss, f->rss);
		add_bytes(&sum->swap, f->swap);
		add_bytes(&sum->huge, f->huge);
	}
	for (i = 0; i < r->rows.nr; i++)
		close_sums(&r->rows.v[i], &now[i], 0);
	free(now);
	return MH_OK;
}
