/* SPDX-License-Identifier: MIT */
#include "analyze/ages.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/idleness.h"

struct part {
	const struct mh_moments *moments;
	struct mh_age *ages;
	size_t nr_ages;
	uint64_t *cold;   /* [age * nr_moments + moment]; MH_NO_DATA */
	double *promoted; /* per age: bytes */
};

static void add_cold(struct part *p, const struct mh_snap *snap, size_t age,
		     uint64_t bytes)
{
	uint64_t middle = snap->time_ns.start + mh_range_len(snap->time_ns) / 2;
	uint64_t *to =
		&p->cold[age * p->moments->nr + mh_moments_nearest(p->moments, middle)];

	*to = (*to == MH_NO_DATA ? 0 : *to) + bytes;
}

static void after(void *arg, const struct mh_snap *snap, uint64_t since_ns,
		  const struct mh_idle_run *runs, size_t nr)
{
	struct part *p = arg;
	size_t i, j;

	for (i = 0; i < p->nr_ages && p->moments->nr; i++) {
		uint64_t bytes = 0, age_ns = p->ages[i].age_ns;

		if (snap->time_ns.end - since_ns < age_ns)
			continue;
		for (j = 0; j < nr; j++)
			if (snap->time_ns.end - runs[j].last_ns >= age_ns)
				bytes += mh_range_len(runs[j].addr) * snap->weight;
		add_cold(p, snap, i, bytes);
	}
}

static void again(void *arg, const struct mh_snap *snap, const struct mh_idle_run *run,
		  uint64_t bytes)
{
	struct part *p = arg;
	size_t i;

	for (i = 0; i < p->nr_ages; i++)
		if (snap->time_ns.start > run->last_ns &&
		    snap->time_ns.start - run->last_ns >= p->ages[i].age_ns)
			p->promoted[i] += (double)bytes;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* MH_NO_DATA is the largest value: it sorts to the end. */
static uint64_t median_of(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	while (n && v[n - 1] == MH_NO_DATA)
		n--;
	return n ? v[n / 2] : MH_NO_DATA;
}

static void take(struct part *p)
{
	const struct mh_moments *m = p->moments;
	uint64_t span = m->nr ? m->v[m->nr - 1].time_ns.end - m->v[0].time_ns.start : 0;
	size_t i;

	for (i = 0; i < p->nr_ages; i++) {
		struct mh_age *age = &p->ages[i];

		age->cold = m->nr ? median_of(p->cold + i * m->nr, m->nr) : MH_NO_DATA;
		age->promoted =
			span > age->age_ns
				? p->promoted[i] / ((double)(span - age->age_ns) * 1e-9)
				: NAN;
	}
}

int mh_ages_run(struct mh_age *ages, size_t nr, struct mh_session *s,
		const struct mh_session_source *src, enum mh_event_kind kind,
		const struct mh_scan_opts *scan, const struct mh_moments *moments,
		struct mh_err *err)
{
	static const struct mh_idleness_ops ops = { .again = again, .after = after };
	struct part p = { .moments = moments, .ages = ages, .nr_ages = nr };
	size_t i, n = nr * moments->nr;
	int ret;

	p.cold = malloc((n + 1) * sizeof(*p.cold));
	p.promoted = calloc(nr + 1, sizeof(*p.promoted));
	if (p.cold && p.promoted) {
		for (i = 0; i < n; i++)
			p.cold[i] = MH_NO_DATA;
		ret = mh_idleness_run(s, src, kind, scan, &ops, &p,
				      "cold.AGE and promo.AGE need", err);
		if (!ret)
			take(&p);
	} else {
		ret = mh_fail(err, MH_ENOMEM, "no memory for the idle ages");
	}
	free(p.cold);
	free(p.promoted);
	return ret;
}
