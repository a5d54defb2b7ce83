/* SPDX-License-Identifier: MIT */
/*
 * The footprint: resident, proportional, swapped and huge bytes, summed over processes.
 * Processes are read one after the other; readings closer together than half of the usual
 * distance of one process's readings are one moment.
 */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/numbering.h"
#include "analyze/wss.h"
#include "base/vec.h"

struct points {
	struct mh_footprint_point *v;
	size_t nr, cap;
};

static int by_time(const void *a, const void *b)
{
	const struct mh_event *x = *(const struct mh_event *const *)a;
	const struct mh_event *y = *(const struct mh_event *const *)b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->footprint.pid < y->footprint.pid ? -1
						   : x->footprint.pid > y->footprint.pid;
}

static int is_wanted(const struct mh_session *s, const struct mh_event *ev)
{
	const struct mh_ev_footprint *f = &ev->footprint;

	return !f->start && !f->end && mh_session_has_pid(s, f->pid) &&
	       ev->time_ns >= s->window.start && ev->time_ns < s->window.end;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Median distance between two readings of one process; 0: there are no two. */
static int usual_distance(uint64_t *out, const struct mh_event **ev, size_t nr)
{
	uint64_t *d = malloc((nr + 1) * sizeof(*d));
	struct mh_numbering last = { 0 };
	size_t i, n = 0;
	int failed = !d;

	for (i = 0; i < nr && !failed; i++) {
		uint32_t pid = ev[i]->footprint.pid,
			 before = mh_numbering_get(&last, pid);

		if (before != MH_NUMBER_NONE)
			d[n++] = ev[i]->time_ns - ev[before]->time_ns;
		failed = mh_numbering_set(&last, pid, (uint32_t)i);
	}
	if (n)
		qsort(d, n, sizeof(*d), by_value);
	*out = n ? d[n / 2] : 0;
	free(d);
	mh_numbering_fini(&last);
	return failed ? -1 : 0;
}

/* What one process does not tell, the sum cannot. */
static void add_to(uint64_t *sum, uint64_t bytes)
{
	if (bytes == MH_NO_BYTES)
		*sum = MH_NO_DATA;
	else if (*sum != MH_NO_DATA)
		*sum += bytes;
}

static int make_points(struct points *out, const struct mh_session *s,
		       const struct mh_event **ev, size_t nr, uint64_t distance)
{
	struct mh_numbering seen = { 0 };
	uint64_t first = 0;
	size_t i;
	int failed = 0;

	for (i = 0; i < nr && !failed; i++) {
		const struct mh_ev_footprint *f = &ev[i]->footprint;
		struct mh_footprint_point *p = out->nr ? &out->v[out->nr - 1] : NULL;

		if (!p || 2 * (ev[i]->time_ns - first) > distance ||
		    mh_numbering_get(&seen, f->pid) == out->nr) {
			p = mh_vec_push(out);
			if (!p) {
				failed = -1;
				break;
			}
			first = ev[i]->time_ns;
			p->time_ns = first > s->start_ns ? first - s->start_ns : 0;
		}
		failed = mh_numbering_set(&seen, f->pid, (uint32_t)out->nr);
		p->nr_processes++;
		add_to(&p->rss, f->rss);
		add_to(&p->pss, f->pss);
		add_to(&p->swap, f->swap);
		add_to(&p->huge, f->huge);
	}
	mh_numbering_fini(&seen);
	return failed;
}

static int collect(struct points *out, const struct mh_session *s)
{
	const struct mh_event **ev = malloc((s->footprints.nr + 1) * sizeof(*ev));
	uint64_t distance;
	size_t i, n = 0;
	int failed = -1;

	if (!ev)
		return -1;
	for (i = 0; i < s->footprints.nr; i++) {
		if (is_wanted(s, &s->footprints.v[i]))
			ev[n++] = &s->footprints.v[i];
	}
	qsort(ev, n, sizeof(*ev), by_time);
	if (!usual_distance(&distance, ev, n))
		failed = make_points(out, s, ev, n, distance);
	free(ev);
	return failed;
}

uint64_t mh_footprint_rss_p50(const struct mh_session *s)
{
	struct points points = { 0 };
	uint64_t *v, found = MH_NO_DATA;
	size_t i, n = 0;

	if (!collect(&points, s) && points.nr) {
		v = malloc(points.nr * sizeof(*v));
		for (i = 0; v && i < points.nr; i++) {
			if (points.v[i].rss != MH_NO_DATA)
				v[n++] = points.v[i].rss;
		}
		if (n) {
			qsort(v, n, sizeof(*v), by_value);
			found = v[n / 2];
		}
		free(v);
	}
	free(points.v);
	return found;
}

int mh_footprint_analyze(struct mh_footprint *out, struct mh_session *s,
			 struct mh_err *err)
{
	struct points points = { 0 };

	memset(out, 0, sizeof(*out));
	if (collect(&points, s)) {
		free(points.v);
		return mh_fail(err, MH_ENOMEM, "no memory for the footprint");
	}
	if (!points.nr) {
		free(points.v);
		return mh_fail(err, MH_ENOSUP,
			       "the trace has no footprint (RSS) of these processes");
	}
	mh_session_provenance(s, NULL, 0, &out->from);
	out->from.nr_intervals = points.nr;
	out->points = points.v;
	out->nr_points = points.nr;
	return MH_OK;
}
