/* SPDX-License-Identifier: MIT */
/*
 * Which moments of a run are fit to be compared with another run's. Two things make a
 * working set look smaller than it is, and both come and go with the machine's load:
 *
 * Ending: what was unmapped before the scan is not there to be seen. A window that ends
 * while the program gives its memory back before its exit has lost what it touched, and
 * whether there is such a window is chance: a matter of milliseconds.
 *
 * Starving: the program wanted to run and got no CPU. A window in which it stood in line
 * for most of the time, longer than it ran, and ran for less than half of what it does in
 * its usual window is one of the machine and not of the program. A window in which it had
 * nothing to do is none of these: then it does not wait either.
 */
#include <stdlib.h>

#include "analyze/moments.h"
#include "analyze/session.h"

struct ran {
	bool known;
	uint64_t run_ns, wait_ns;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* ---- starving ---- */

/* Index of the moment that ends then; m->nr: none does. */
static size_t ends_at(const struct mh_moments *m, uint64_t time_ns)
{
	size_t lo = 0, hi = m->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->v[mid].time_ns.end < time_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->nr && m->v[lo].time_ns.end == time_ns ? lo : m->nr;
}

/* A scan tells of the interval that ends with it. */
static void add_up(struct ran *ran, const struct mh_moments *m,
		   const struct mh_session *s, const struct mh_session_source *src)
{
	size_t i;

	for (i = 0; i < s->ran.nr; i++) {
		const struct mh_ran *r = &s->ran.v[i];
		size_t at = ends_at(m, r->time_ns);

		if (r->source != src->id || at == m->nr)
			continue;
		ran[at].known = true;
		*(r->waited ? &ran[at].wait_ns : &ran[at].run_ns) += r->ns;
	}
}

static uint64_t usual_run(const struct ran *ran, const struct mh_moments *m,
			  uint64_t *scratch)
{
	size_t i, n = 0;

	for (i = 0; i < m->nr; i++)
		if (ran[i].known && m->v[i].bytes != MH_NO_DATA)
			scratch[n++] = ran[i].run_ns;
	if (!n)
		return 0;
	qsort(scratch, n, sizeof(*scratch), by_value);
	return scratch[n / 2];
}

static bool starved(const struct ran *r, const struct mh_moment *at, uint64_t usual_ns)
{
	return r->known && r->wait_ns > mh_range_len(at->time_ns) / 2 &&
	       r->wait_ns > r->run_ns && r->run_ns < usual_ns / 2;
}

/* ---- ending ---- */

/* What was resident at a scan; MH_NO_DATA. */
static uint64_t rss_at(const struct mh_session *s, uint64_t time_ns)
{
	uint64_t sum = MH_NO_DATA;
	size_t i;

	for (i = 0; i < s->footprints.nr; i++) {
		const struct mh_event *ev = &s->footprints.v[i];
		const struct mh_ev_footprint *f = &ev->footprint;

		if (ev->time_ns != time_ns || f->start || f->end ||
		    f->rss == MH_NO_BYTES || !mh_session_has_pid(s, f->pid))
			continue;
		sum = (sum == MH_NO_DATA ? 0 : sum) + f->rss;
	}
	return sum;
}

static bool exits_after(const struct mh_session *s, const struct mh_session_source *src,
			uint64_t time_ns)
{
	size_t i;

	for (i = 0; i < s->gaps.nr; i++) {
		const struct mh_gap *gap = &s->gaps.v[i];

		if (gap->source == src->id && gap->cause == MH_GAP_EXITED &&
		    gap->time_ns.start >= time_ns && mh_session_has_pid(s, gap->pid))
			return true;
	}
	return false;
}

/* The last with data, which the program's end follows, and which began with more resident
 * memory than it ended with. */
static struct mh_moment *ending(struct mh_moments *m, const struct mh_session *s,
				const struct mh_session_source *src)
{
	struct mh_moment *last;
	uint64_t before, after;
	size_t i = m->nr;

	while (i && m->v[i - 1].bytes == MH_NO_DATA)
		i--;
	if (!i)
		return NULL;
	last = &m->v[i - 1];
	before = rss_at(s, last->time_ns.start);
	after = rss_at(s, last->time_ns.end);
	if (before == MH_NO_DATA || after == MH_NO_DATA || after >= before)
		return NULL;
	return exits_after(s, src, last->time_ns.end) ? last : NULL;
}

static size_t nr_with_data(const struct mh_moments *m)
{
	size_t i, nr = 0;

	for (i = 0; i < m->nr; i++)
		nr += m->v[i].bytes != MH_NO_DATA;
	return nr;
}

int mh_moments_leave_out(struct mh_moments *m, const struct mh_session *s,
			 const struct mh_session_source *src, size_t *nr, size_t *nr_busy,
			 struct mh_err *err)
{
	struct ran *ran = calloc(m->nr + 1, sizeof(*ran));
	uint64_t *scratch = malloc((m->nr + 1) * sizeof(*scratch)), usual_ns;
	struct mh_moment *last = ending(m, s, src);
	size_t i, left = nr_with_data(m);

	*nr = *nr_busy = 0;
	if (!ran || !scratch) {
		free(ran);
		free(scratch);
		return mh_fail(err, MH_ENOMEM, "no memory for the windows of a run");
	}
	add_up(ran, m, s, src);
	usual_ns = usual_run(ran, m, scratch);
	for (i = 0; i < m->nr; i++) {
		struct mh_moment *at = &m->v[i];

		if (at->bytes == MH_NO_DATA)
			continue;
		/* A run of one window is better than none. */
		if (left > 1 && (at == last || starved(&ran[i], at, usual_ns))) {
			at->bytes = MH_NO_DATA;
			left--;
			++*nr;
		} else {
			*nr_busy += ran[i].wait_ns > ran[i].run_ns;
		}
	}
	free(ran);
	free(scratch);
	return MH_OK;
}
