/* SPDX-License-Identifier: MIT */
/*
 * The miss-ratio curve of an LRU memory, from idle ages. What is accessed again is a miss
 * where the memory is smaller than all that was accessed in between (the stack distance),
 * and what is accessed for the first time always is.
 *
 * An interval does not tell the order in it. What was accessed in interval j and again in
 * i may be that close together that only what lies between the two counts, or so far
 * apart that both count whole; so the distance lies between these sizes, and its middle
 * is halfway: the working set that counts one of the two (a step of half an interval at
 * each end; without it curves are off by several percent). Half of the bytes are spread
 * over each side of the middle.
 *
 * Distances are taken where they happen, not from mean sizes as in Denning's formula,
 * which phases of different size would mislead. All processes share one memory.
 *
 * Not handled: what happens within an interval, so there is no curve below the mean
 * working set of one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/idleness.h"
#include "analyze/sweep.h"
#include "base/vec.h"

/* Sizes are told apart to a share of 1 / NR_BINS to 2 / NR_BINS of the largest. */
#define NR_BINS 4096
/* Points whose misses differ by less than this share of all are one. */
#define LEAST_RATIO 0.0002

/* Bytes that were accessed last in a moment. */
struct at_moment {
	size_t moment;
	double bytes;
	double between, with; /* accessed since then, before this moment; and in it */
};

struct at_moments {
	struct at_moment *v;
	size_t nr, cap;
};

struct mrc {
	const struct mh_moments *moments;
	size_t now;    /* moment under way */
	double *held;  /* tree over moments: bytes that were accessed last in each */
	double *again; /* by moment before: bytes accessed again in this one */
	struct at_moments earlier,
		fresh;               /* moments with bytes in again; newly accessed */
	double bins[NR_BINS], width; /* bytes by distance */
	double first, touched;
	bool no_memory;
};

/* ---- bytes by the moment of their last access: a Fenwick tree ---- */

static void hold(struct mrc *m, size_t moment, double bytes)
{
	size_t i;

	for (i = moment + 1; i <= m->moments->nr; i += i & -i)
		m->held[i] += bytes;
}

/* Of moments before @moment. */
static double held_before(const struct mrc *m, size_t moment)
{
	double sum = 0;
	size_t i;

	for (i = moment; i; i -= i & -i)
		sum += m->held[i];
	return sum;
}

/* Of moments from @from on, before @end. */
static double held_from(const struct mrc *m, size_t from, size_t end)
{
	return from < end ? held_before(m, end) - held_before(m, from) : 0;
}

/* ---- distances ---- */

static void widen(struct mrc *m, double size)
{
	size_t i;

	while (size >= m->width * NR_BINS) {
		for (i = 0; i < NR_BINS / 2; i++)
			m->bins[i] = m->bins[2 * i] + m->bins[2 * i + 1];
		memset(m->bins + NR_BINS / 2, 0, sizeof(m->bins) / 2);
		m->width *= 2;
	}
}

/* @bytes have distances of @from to @to, all alike. */
static void spread(struct mrc *m, double from, double to, double bytes)
{
	double at = from, next;
	size_t i = (size_t)(from / m->width);

	if (to <= from) {
		/* A memory as large as the distance has it still. */
		i = (size_t)ceil(from / m->width);
		m->bins[i ? i - 1 : 0] += bytes;
		return;
	}
	for (; at < to; at = next, i++) {
		next = (double)(i + 1) * m->width < to ? (double)(i + 1) * m->width : to;
		m->bins[i] += bytes * (next - at) / (to - from);
	}
}

/* The moment is over: what came again had these distances. */
static void close_moment(struct mrc *m)
{
	size_t k, now = m->now;

	for (k = 0; k < m->earlier.nr; k++) {
		struct at_moment *b = &m->earlier.v[k];

		b->bytes = m->again[b->moment];
		b->between = held_from(m, b->moment + 1, now);
		b->with = held_from(m, b->moment, now);
	}
	for (k = 0; k < m->earlier.nr; k++)
		hold(m, m->earlier.v[k].moment, -m->earlier.v[k].bytes);
	for (k = 0; k < m->fresh.nr; k++)
		hold(m, m->fresh.v[k].moment, m->fresh.v[k].bytes);
	for (k = 0; k < m->earlier.nr; k++) {
		const struct at_moment *b = &m->earlier.v[k];
		double most = held_from(m, b->moment, now + 1);
		double middle = (b->with + held_from(m, b->moment + 1, now + 1)) / 2;

		widen(m, most);
		spread(m, b->between, middle, b->bytes / 2);
		spread(m, middle, most, b->bytes / 2);
		m->again[b->moment] = 0;
	}
	m->earlier.nr = m->fresh.nr = 0;
}

/* ---- what the ages say ---- */

/* The moment whose snapshots end at @end_ns. */
static size_t moment_of(const struct mrc *m, uint64_t end_ns)
{
	return mh_moments_nearest(m->moments, end_ns - m->moments->interval_ns / 2);
}

static void note(struct mrc *m, struct at_moments *to, size_t moment, double bytes)
{
	struct at_moment *slot = mh_vec_push(to);

	if (slot)
		*slot = (struct at_moment){ .moment = moment, .bytes = bytes };
	else
		m->no_memory = true;
}

/* Targets that are read one after the other share a moment. */
static void access_in(struct mrc *m, const struct mh_snap *snap, double bytes)
{
	size_t moment = moment_of(m, snap->time_ns.end);

	if (moment > m->now) {
		close_moment(m);
		m->now = moment;
	}
	m->touched += bytes;
	if (m->fresh.nr && m->fresh.v[m->fresh.nr - 1].moment == moment)
		m->fresh.v[m->fresh.nr - 1].bytes += bytes;
	else
		note(m, &m->fresh, moment, bytes);
}

static void first(void *arg, const struct mh_snap *snap, uint64_t bytes)
{
	struct mrc *m = arg;

	access_in(m, snap, (double)bytes);
	m->first += (double)bytes;
}

static void again(void *arg, const struct mh_snap *snap, const struct mh_idle_run *run,
		  uint64_t bytes)
{
	struct mrc *m = arg;
	size_t before;

	if (run->assumed) {
		first(arg, snap, bytes);
		return;
	}
	access_in(m, snap, (double)bytes);
	before = moment_of(m, run->last_ns);
	if (!m->again[before])
		note(m, &m->earlier, before, 0);
	m->again[before] += (double)bytes;
}

static void gone(void *arg, const struct mh_snap *snap, const struct mh_idle_run *run,
		 uint64_t bytes)
{
	struct mrc *m = arg;

	(void)snap;
	if (!run->assumed)
		note(m, &m->fresh, moment_of(m, run->last_ns), -(double)bytes);
}

/* ---- the curve ---- */

static int add_point(struct mh_mrc *out, double bytes, double misses)
{
	double of = out->nr_accesses ? (double)out->nr_accesses * (double)out->page_size
				     : (double)out->touched_bytes;
	struct mh_mrc_point *v =
		reallocarray(out->points, out->nr_points + 1, sizeof(*v));

	if (!v)
		return -1;
	out->points = v;
	v[out->nr_points++] = (struct mh_mrc_point){
		.bytes = (uint64_t)bytes,
		.miss_bytes_per_s = misses / ((double)out->span_ns * 1e-9),
		.miss_ratio = misses / of,
	};
	return 0;
}

/*
 * From the mean working set of an interval to where only first accesses miss. Where many
 * bins have next to no misses, only the first and the last of them are told: the curve is
 * a line between two points.
 */
static int fill(struct mh_mrc *out, const struct mrc *m)
{
	double misses = m->first, least = LEAST_RATIO * m->touched, told;
	size_t i, nr = 0, at = (size_t)((double)out->wss_bytes / m->width);

	for (i = at; i < NR_BINS; i++) {
		if (m->bins[i] > 0)
			nr = i + 1;
		misses += m->bins[i];
	}
	told = misses;
	if (!m->touched)
		return 0;
	if (add_point(out, (double)at * m->width, misses))
		return -1;
	for (i = at; i < nr; i++) {
		double next = misses - m->bins[i];

		if (told - next > least || i + 1 == nr) {
			if (i > at && add_point(out, (double)i * m->width, misses))
				return -1;
			if (add_point(out, (double)(i + 1) * m->width, next))
				return -1;
			told = next;
			at = i + 1;
		}
		misses = next;
	}
	return 0;
}

static void measure(struct mh_mrc *out, const struct mh_moments *moments)
{
	uint64_t sum = 0;
	size_t i, nr = 0;

	for (i = 0; i < moments->nr; i++) {
		if (moments->v[i].bytes == MH_NO_DATA)
			continue;
		nr++;
		sum += moments->v[i].bytes;
		out->span_ns += mh_range_len(moments->v[i].time_ns);
	}
	out->wss_bytes = nr ? sum / nr : 0;
	out->interval_ns = moments->interval_ns;
	out->by_region = moments->hits;
}

static int follow(struct mrc *m, struct mh_sweep *w, struct mh_err *err)
{
	static const struct mh_idleness_ops ops = { .again = again,
						    .first = first,
						    .gone = gone };
	size_t nr = m->moments->nr;
	int ret;

	m->held = calloc(nr + 1, sizeof(*m->held));
	m->again = calloc(nr, sizeof(*m->again));
	if (!m->held || !m->again)
		return mh_fail(err, MH_ENOMEM, "no memory for the miss-ratio curve");
	ret = mh_idleness_run(w->s, w->src, w->kind, &w->scan, &ops, m,
			      "a miss-ratio curve needs", err);
	close_moment(m);
	return ret;
}

static int curve(struct mh_mrc *out, struct mh_sweep *w, struct mh_err *err)
{
	struct mh_moments moments = { 0 };
	struct mrc *m = calloc(1, sizeof(*m));
	int ret = m ? mh_sweep_moments(&moments, w, err) : MH_ENOMEM;

	if (!ret) {
		measure(out, &moments);
		if (!out->span_ns)
			ret = mh_fail(err, MH_ENOSUP,
				      "a miss-ratio curve needs intervals with data; the "
				      "trace has none under these filters");
	}
	if (!ret) {
		m->moments = &moments;
		m->width = (double)out->page_size / 16;
		ret = follow(m, w, err);
		out->touched_bytes = (uint64_t)m->touched;
		out->first_bytes = (uint64_t)m->first;
	}
	if (ret == MH_ENOMEM || (!ret && (m->no_memory || fill(out, m))))
		ret = mh_fail(err, MH_ENOMEM, "no memory for the miss-ratio curve");
	if (m) {
		free(m->held);
		free(m->again);
		free(m->earlier.v);
		free(m->fresh.v);
	}
	free(m);
	mh_moments_fini(&moments);
	return ret;
}

static uint64_t page_size(const struct mh_session *s)
{
	const char *value = mh_reader_meta(s->reader, "host.page_size");
	uint64_t size = value ? strtoull(value, NULL, 10) : 0;

	return size ? size : 4096;
}

int mh_mrc_analyze(struct mh_mrc *out, struct mh_session *s, uint64_t nr_accesses,
		   struct mh_err *err)
{
	struct mh_sweep sweep;
	int ret;

	memset(out, 0, sizeof(*out));
	out->nr_accesses = nr_accesses;
	out->page_size = page_size(s);
	ret = mh_sweep_init(&sweep, s, "miss-ratio curve", err);
	if (!ret)
		ret = curve(out, &sweep, err);
	if (!ret)
		mh_session_provenance(s, sweep.src, 1u << sweep.kind, &out->from);
	mh_sweep_fini(&sweep);
	if (ret)
		mh_mrc_fini(out);
	return ret;
}
