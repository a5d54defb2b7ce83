/* SPDX-License-Identifier: MIT */
/*
 * Occupancy, counted and coded. Counts keep three significant bits, rounded up: whoever
 * chooses bands wants to know where the weight is, and exact counts would cost a fifth of
 * a byte per region.
 */
#include "trace/occupancy.h"

#include <stdlib.h>

#include "base/vec.h"

/* Regions longer than this many chunks become one run (and two ends). */
#define LONG_RUN 8

void mh_occupancy_reset(struct mh_occupancy *o)
{
	if (o->nr)
		memset(o->slot, 0, o->nr_slots * sizeof(*o->slot));
	o->nr = 0;
	o->last = 0;
	o->bad = false;
}

void mh_occupancy_fini(struct mh_occupancy *o)
{
	free(o->v);
	free(o->slot);
	*o = (struct mh_occupancy){ 0 };
}

static size_t slot_of(const struct mh_occupancy *o, uint32_t pid, uint64_t chunk)
{
	uint64_t h = (chunk ^ (uint64_t)pid << 40) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) & (o->nr_slots - 1);
}

static bool grow_slots(struct mh_occupancy *o)
{
	size_t i, nr = o->nr_slots ? o->nr_slots * 4 : 1024;
	uint32_t *slot = calloc(nr, sizeof(*slot));

	if (!slot) {
		o->bad = true;
		return false;
	}
	free(o->slot);
	o->slot = slot;
	o->nr_slots = nr;
	for (i = 0; i < o->nr; i++) {
		size_t s;

		if (o->v[i].nr_chunks != 1)
			continue;
		s = slot_of(o, o->v[i].pid, o->v[i].chunk);
		while (slot[s])
			s = (s + 1) & (nr - 1);
		slot[s] = (uint32_t)i + 1;
	}
	return true;
}

struct mh_occupancy_run *mh_occupancy_find(struct mh_occupancy *o, uint32_t pid,
					   uint64_t chunk)
{
	struct mh_occupancy_run *run;
	size_t s;

	if (o->nr * 2 >= o->nr_slots && !grow_slots(o))
		return NULL;
	for (s = slot_of(o, pid, chunk); o->slot[s]; s = (s + 1) & (o->nr_slots - 1)) {
		run = &o->v[o->slot[s] - 1];
		if (run->chunk == chunk && run->pid == pid) {
			o->last = o->slot[s] - 1;
			return run;
		}
	}
	run = mh_vec_push(o);
	if (!run) {
		o->bad = true;
		return NULL;
	}
	*run = (struct mh_occupancy_run){ .pid = pid, .chunk = chunk, .nr_chunks = 1 };
	o->last = (uint32_t)(o->nr - 1);
	o->slot[s] = (uint32_t)o->nr;
	return run;
}

void mh_occupancy_add_run(struct mh_occupancy *o, struct mh_occupancy_run run)
{
	struct mh_occupancy_run *r;

	if (!run.nr_chunks)
		return;
	if (run.nr_chunks == 1) {
		mh_occupancy_add(o, run.pid, run.chunk, run.count);
		return;
	}
	/* Reset clears the slots only when there are any. */
	if (!o->nr_slots && !grow_slots(o))
		return;
	r = mh_vec_push(o);
	if (r)
		*r = run;
	else
		o->bad = true;
}

/* bytes x hits / checks, rounded up */
static uint64_t hit_bytes(uint64_t bytes, uint32_t hits, uint32_t checks)
{
	unsigned __int128 x = (unsigned __int128)bytes * hits;

	if (!checks || hits >= checks)
		return bytes;
	return (uint64_t)((x + checks - 1) / checks);
}

void mh_occupancy_add_bytes(struct mh_occupancy *o, uint32_t pid, uint64_t start,
			    uint64_t end, uint32_t hits, uint32_t checks)
{
	const uint64_t size = (uint64_t)1 << MH_OCCUPANCY_SHIFT;
	uint64_t first, last, chunk;

	if (!hits || start >= end)
		return;
	first = start >> MH_OCCUPANCY_SHIFT;
	last = (end - 1) >> MH_OCCUPANCY_SHIFT;
	if (first == last) {
		mh_occupancy_add(o, pid, first, hit_bytes(end - start, hits, checks));
		return;
	}
	mh_occupancy_add(o, pid, first,
			 hit_bytes(size - (start & (size - 1)), hits, checks));
	mh_occupancy_add(o, pid, last,
			 hit_bytes(((end - 1) & (size - 1)) + 1, hits, checks));
	if (last - first > LONG_RUN) {
		mh_occupancy_add_run(
			o, (struct mh_occupancy_run){
				   .pid = pid,
				   .chunk = first + 1,
				   .nr_chunks = last - first - 1,
				   .count = hit_bytes((last - first - 1)
							      << MH_OCCUPANCY_SHIFT,
						      hits, checks) });
		return;
	}
	for (chunk = first + 1; chunk < last; chunk++)
		mh_occupancy_add(o, pid, chunk, hit_bytes(size, hits, checks));
}

static int compare(const void *a, const void *b)
{
	const struct mh_occupancy_run *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->chunk != y->chunk)
		return x->chunk < y->chunk ? -1 : 1;
	return x->nr_chunks < y->nr_chunks ? -1 : x->nr_chunks > y->nr_chunks;
}

/* Join equal runs; beyond the limit also neighbours of one pid, two by two. */
static void join(struct mh_occupancy *o)
{
	bool all = false;

	do {
		size_t i, nr = 0;

		for (i = 0; i < o->nr; i++) {
			struct mh_occupancy_run *prev = nr ? &o->v[nr - 1] : NULL;
			struct mh_occupancy_run r = o->v[i];
			uint64_t end = r.chunk + r.nr_chunks;

			if (!prev || prev->pid != r.pid ||
			    (!(all && i % 2) && (prev->chunk != r.chunk ||
						 prev->nr_chunks != r.nr_chunks))) {
				o->v[nr++] = r;
				continue;
			}
			if (end > prev->chunk + prev->nr_chunks)
				prev->nr_chunks = end - prev->chunk;
			if (__builtin_add_overflow(prev->count, r.count, &prev->count))
				prev->count = UINT64_MAX;
		}
		/* More pids than the limit allows cannot be joined: one entry each. */
		if (all && nr == o->nr)
			break;
		o->nr = nr;
		all = true;
	} while (o->nr > MH_OCCUPANCY_MAX);
}

static uint8_t count_code(uint64_t count)
{
	unsigned e;
	uint64_t m;

	if (count < 8)
		return (uint8_t)count;
	e = 61 - (unsigned)__builtin_clzll(count);
	m = (count >> e) + ((count & (((uint64_t)1 << e) - 1)) != 0);
	if (m == 8 && e < 61) {
		m = 4;
		e++;
	}
	return m == 8 ? 251 : (uint8_t)(4 * e + m);
}

static uint64_t count_of(uint8_t code)
{
	if (code < 8)
		return code;
	return (uint64_t)(4 + (code & 3)) << ((code - 4) >> 2);
}

void mh_occupancy_put(struct mh_occupancy *o, struct mh_packer *p, struct mh_columns *c,
		      struct mh_wbuf *scratch)
{
	struct mh_wbuf *out = &c->body;
	struct mh_occupancy_run prev = { 0 };
	size_t i;

	out->bad |= o->bad;
	if (!o->nr || o->bad)
		return;
	qsort(o->v, o->nr, sizeof(*o->v), compare);
	join(o);

	mh_column_begin(c, MH_COLID_OCCUPANCY, MH_ENCODING_PLAIN);
	mh_wbuf_varint(out, o->nr);
	scratch->len = 0;
	for (i = 0; i < o->nr; prev = o->v[i++])
		mh_wbuf_varint(scratch, o->v[i].pid - prev.pid);
	mh_stream_put(p, out, scratch->p, scratch->len, MH_EFFORT_5);
	scratch->len = 0;
	prev = (struct mh_occupancy_run){ 0 };
	for (i = 0; i < o->nr; prev = o->v[i++])
		mh_wbuf_svarint(scratch,
				(int64_t)(o->v[i].chunk - prev.chunk - prev.nr_chunks));
	mh_stream_put(p, out, scratch->p, scratch->len, MH_EFFORT_5);
	scratch->len = 0;
	for (i = 0; i < o->nr; i++)
		mh_wbuf_varint(scratch, o->v[i].nr_chunks - 1);
	mh_stream_put(p, out, scratch->p, scratch->len, MH_EFFORT_5);
	scratch->len = 0;
	for (i = 0; i < o->nr; i++)
		mh_wbuf_u8(scratch, count_code(o->v[i].count));
	mh_stream_put(p, out, scratch->p, scratch->len, MH_EFFORT_5);
	out->bad |= scratch->bad;
	mh_column_end(c);
}

static bool get_runs(struct mh_occupancy *o, struct mh_unpacker *u, struct mh_rbuf *in,
		     uint64_t *v, uint8_t *bytes)
{
	struct mh_occupancy_run prev = { 0 };
	size_t i, nr = o->nr;

	if (!mh_varints_get(u, in, v, nr, bytes))
		return false;
	for (i = 0; i < nr; i++) {
		o->v[i].pid = prev.pid + (uint32_t)v[i];
		prev.pid = o->v[i].pid;
	}
	if (!mh_varints_get(u, in, v, nr, bytes))
		return false;
	for (i = 0; i < nr; i++)
		o->v[i].chunk = (uint64_t)mh_unzigzag(v[i]);
	if (!mh_varints_get(u, in, v, nr, bytes) || !mh_stream_get(u, in, bytes, nr))
		return false;
	for (i = 0; i < nr; i++) {
		o->v[i].nr_chunks = v[i] + 1;
		o->v[i].chunk += prev.chunk + prev.nr_chunks;
		o->v[i].count = count_of(bytes[i]);
		prev = o->v[i];
		/* Nothing outside the address space can have been touched. */
		if (prev.chunk >> (64 - MH_OCCUPANCY_SHIFT) || !prev.nr_chunks ||
		    (prev.chunk + v[i]) >> (64 - MH_OCCUPANCY_SHIFT) ||
		    v[i] >> (64 - MH_OCCUPANCY_SHIFT))
			return false;
	}
	return true;
}

int mh_occupancy_get(struct mh_occupancy *o, struct mh_unpacker *u,
		     const struct mh_block *b)
{
	enum mh_column_state state;
	struct mh_rbuf in;
	uint8_t *bytes = NULL;
	uint64_t *v = NULL;
	int status = MH_OK;
	uint64_t nr;

	o->nr = 0;
	state = mh_block_column(b, MH_COLID_OCCUPANCY, MH_ENCODING_PLAIN, NULL, &in);
	if (state == MH_COLUMN_ABSENT || state == MH_COLUMN_UNKNOWN)
		return MH_OK;
	if (state == MH_COLUMN_DAMAGED)
		return MH_EFORMAT;
	nr = mh_rbuf_varint(&in);
	if (in.bad || nr > MH_OCCUPANCY_MAX)
		return MH_EFORMAT;
	while (o->cap < nr) {
		size_t have = o->nr;

		o->nr = o->cap;
		if (!mh_vec_push(o)) {
			o->nr = have;
			return MH_ENOMEM;
		}
	}
	o->nr = nr;
	v = malloc((nr + 1) * sizeof(*v));
	bytes = malloc(MH_VARINTS_SCRATCH(nr));
	if (!v || !bytes)
		status = MH_ENOMEM;
	else if (!get_runs(o, u, &in, v, bytes))
		status = u->no_memory ? MH_ENOMEM : MH_EFORMAT;
	if (status)
		o->nr = 0;
	free(bytes);
	free(v);
	return status;
}
