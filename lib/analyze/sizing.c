/* SPDX-License-Identifier: MIT */
/*
 * Advice from sizes over time. What is in use is the working set of the longest window of
 * up to 10 minutes that the trace has: what was not touched in it may be reclaimed, so a
 * request from it is below RSS and needs swap or droppable page cache to hold.
 *
 * Beside it stands what Kubernetes' Vertical Pod Autoscaler would say of the same span:
 * daily peaks in buckets that grow by 5 %, the later of them counting more, percentiles
 * 50, 90 and 95, and 15 % on top.
 *
 * The split between near and far memory is where so little comes back from far that the
 * promotion rate is within what was asked.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/ages.h"
#include "analyze/sweep.h"
#include "analyze/wss.h"
#include "base/vec.h"

#define NS_PER_S      UINT64_C(1000000000)
#define WINDOW_NS     (600 * NS_PER_S) /* of what counts as in use */
#define RATE_NS       (120 * NS_PER_S) /* of the working set in promotion rates */
#define DAY_NS        (86400 * NS_PER_S)
#define MARGIN        1.15
#define SLO_DEFAULT   0.002
#define VPA_FLOOR     (UINT64_C(250) << 20)
#define VPA_FIRST     1e7 /* bytes of the first bucket */
#define VPA_GROWTH    1.05
#define VPA_BUCKETS   176 /* up to 1e12 */
#define VPA_UPPER_EXP 1
#define VPA_LOWER_EXP (-2)

struct values {
	uint64_t *v;
	size_t nr, cap;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t percentile(const struct values *s, unsigned p)
{
	size_t i = s->nr * p / 100;

	return s->nr ? s->v[i < s->nr ? i : s->nr - 1] : MH_NO_DATA;
}

static struct mh_sizing_size size_of(struct values *s)
{
	if (s->nr)
		qsort(s->v, s->nr, sizeof(*s->v), by_value);
	return (struct mh_sizing_size){ percentile(s, 50), percentile(s, 90),
					percentile(s, 100) };
}

static int put(struct values *to, uint64_t value)
{
	uint64_t *slot = value == MH_NO_DATA ? NULL : mh_vec_push(to);

	if (slot)
		*slot = value;
	return value == MH_NO_DATA || slot ? 0 : -1;
}

/* ---- VPA ---- */

/* Peaks by day; a day's weight is twice that of the one before. */
struct peaks {
	struct values days;
};

static int put_peak(struct peaks *p, uint64_t time_ns, uint64_t bytes)
{
	size_t day = (size_t)(time_ns / DAY_NS);

	while (p->days.nr <= day)
		if (put(&p->days, 0))
			return -1;
	if (bytes > p->days.v[day])
		p->days.v[day] = bytes;
	return 0;
}

static size_t vpa_bucket(double bytes)
{
	size_t i = 0;
	double end = VPA_FIRST, width = VPA_FIRST;

	while (i + 1 < VPA_BUCKETS && bytes >= end) {
		width *= VPA_GROWTH;
		end += width;
		i++;
	}
	return i;
}

/* The end of the bucket with which the sum of weights reaches the share. */
static double vpa_percentile(const struct peaks *p, double share)
{
	double weights[VPA_BUCKETS] = { 0 }, all = 0, sum = 0, end = 0;
	double width = VPA_FIRST;
	size_t i;

	for (i = 0; i < p->days.nr; i++) {
		double weight = p->days.v[i] ? pow(2, (double)i - (double)p->days.nr) : 0;

		weights[vpa_bucket((double)p->days.v[i])] += weight;
		all += weight;
	}
	for (i = 0; i < VPA_BUCKETS; i++) {
		end += width;
		width *= VPA_GROWTH;
		sum += weights[i];
		if (sum >= share * all)
			break;
	}
	return end;
}

static uint64_t vpa_round(double bytes)
{
	if (bytes < (double)VPA_FLOOR)
		return VPA_FLOOR;
	return bytes < 1e18 ? (uint64_t)bytes : (uint64_t)1e18;
}

static void fill_vpa(struct mh_sizing *out, const struct peaks *p, const char *of)
{
	double days = (double)out->span_ns / (double)DAY_NS;

	out->vpa.of = of;
	out->vpa.lower = out->vpa.target = out->vpa.upper = MH_NO_DATA;
	if (!p->days.nr || !out->span_ns)
		return;
	out->vpa.target = vpa_round(vpa_percentile(p, 0.9) * MARGIN);
	out->vpa.lower = vpa_round(vpa_percentile(p, 0.5) * MARGIN *
				   pow(1 + 0.001 / days, VPA_LOWER_EXP));
	out->vpa.upper = vpa_round(vpa_percentile(p, 0.95) * MARGIN *
				   pow(1 + 1 / days, VPA_UPPER_EXP));
}

/* ---- sizes that the kernel keeps ---- */

static int fill_footprint(struct mh_sizing *out, struct mh_session *s,
			  struct peaks *peaks, struct mh_err *err)
{
	struct values rss = { 0 }, pss = { 0 };
	struct mh_footprint f;
	size_t i;
	int ret = mh_footprint_analyze(&f, s, err), failed = 0;

	out->rss = out->pss = size_of(&rss);
	if (ret)
		return ret == MH_ENOSUP ? MH_OK : ret;
	for (i = 0; i < f.nr_points && !failed; i++) {
		const struct mh_footprint_point *p = &f.points[i];

		failed = put(&rss, p->rss) || put(&pss, p->pss) ||
			 (p->rss != MH_NO_DATA && put_peak(peaks, p->time_ns, p->rss));
	}
	out->rss = size_of(&rss);
	out->pss = size_of(&pss);
	free(rss.v);
	free(pss.v);
	mh_footprint_fini(&f);
	return failed ? mh_fail(err, MH_ENOMEM, "no memory for the sizes") : MH_OK;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	if (a == MH_NO_DATA || b == MH_NO_DATA)
		return a == MH_NO_DATA ? b : a;
	return a > b ? a : b;
}

/* The readings of one second follow each other, the charge first. */
static int take_charges(struct mh_sizing *out, const struct mh_session *s,
			struct values *usage, struct values *k8s, struct peaks *peaks)
{
	uint64_t current = MH_NO_DATA;
	size_t i;
	int failed = 0;

	for (i = 0; i < s->charges.nr && !failed; i++) {
		const struct mh_charge *c = &s->charges.v[i];
		uint64_t used;

		if (c->time_ns < s->window.start || c->time_ns >= s->window.end)
			continue;
		switch ((enum mh_charge_kind)c->kind) {
		case MH_CHARGE_CURRENT:
			current = c->bytes;
			failed = put(usage, current);
			break;
		case MH_CHARGE_INACTIVE_FILE:
			if (current == MH_NO_DATA)
				break;
			used = current > c->bytes ? current - c->bytes : 0;
			failed = put(k8s, used) ||
				 put_peak(peaks, c->time_ns - s->start_ns, used);
			break;
		case MH_CHARGE_PEAK:
			out->peak = larger(out->peak, c->bytes);
			break;
		case MH_CHARGE_KERNEL:
			out->kernel = larger(out->kernel, c->bytes);
			break;
		case MH_CHARGE_UNEVICTABLE:
			out->unevictable = larger(out->unevictable, c->bytes);
			break;
		}
	}
	return failed;
}

static int fill_kernel_sizes(struct mh_sizing *out, struct mh_session *s,
			     struct mh_err *err)
{
	struct peaks of_rss = { 0 }, of_k8s = { 0 };
	struct values usage = { 0 }, k8s = { 0 };
	int ret = fill_footprint(out, s, &of_rss, err);

	out->peak = out->kernel = out->unevictable = MH_NO_DATA;
	if (!ret && take_charges(out, s, &usage, &k8s, &of_k8s))
		ret = mh_fail(err, MH_ENOMEM, "no memory for the sizes");
	out->usage = size_of(&usage);
	out->k8s = size_of(&k8s);
	if (!ret && k8s.nr)
		fill_vpa(out, &of_k8s, "k8s_working_set");
	else if (!ret)
		fill_vpa(out, &of_rss, "rss");
	free(usage.v);
	free(k8s.v);
	free(of_rss.days.v);
	free(of_k8s.days.v);
	return ret;
}

/* ---- working sets ---- */

/* The longest window of at most @most_ns. */
static const struct mh_wss_series *window_up_to(const struct mh_wss *w, uint64_t most_ns)
{
	const struct mh_wss_series *found = &w->any;
	size_t i;

	for (i = 0; i < w->nr_windows; i++)
		if (w->windows[i].n && w->windows[i].window_ns <= most_ns &&
		    w->windows[i].window_ns > found->window_ns)
			found = &w->windows[i];
	return found;
}

static uint64_t with_margin(uint64_t bytes)
{
	return (uint64_t)((double)bytes * MARGIN);
}

static uint64_t or_0(uint64_t bytes)
{
	return bytes == MH_NO_DATA ? 0 : bytes;
}

static void fill_advice(struct mh_sizing *out, const struct mh_wss *w)
{
	const struct mh_wss_series *use = window_up_to(w, WINDOW_NS);
	uint64_t most = mh_wss_percentile(use, 100);

	out->wss = (struct mh_sizing_size){ mh_wss_percentile(&w->any, 50),
					    mh_wss_percentile(&w->any, 90),
					    mh_wss_percentile(&w->any, 100) };
	out->interval_ns = w->window_ns;
	out->window_ns = use->window_ns;
	out->request = with_margin(mh_wss_percentile(use, 90) + or_0(out->kernel) +
				   or_0(out->unevictable));
	out->low = mh_wss_percentile(use, 50);
	out->high = mh_wss_percentile(use, 95);
	most = larger(most, out->peak == MH_NO_DATA ? out->rss.max : out->peak);
	out->limit = with_margin(most);
}

/* ---- near and far ---- */

static size_t choose_ages(struct mh_age *ages, const struct mh_sizing *out)
{
	uint64_t age = NS_PER_S;
	size_t nr = 1; /* the first: every byte, of whatever age */

	for (; nr <= MH_SIZING_AGES && age < out->span_ns; age *= 2)
		if (age >= out->interval_ns)
			ages[nr++].age_ns = age;
	return nr;
}

static void take_ages(struct mh_sizing *out, const struct mh_age *ages, size_t nr,
		      const struct mh_wss *w)
{
	const struct mh_wss_series *of = window_up_to(w, RATE_NS);
	uint64_t wss = mh_wss_percentile(of, 50);
	size_t i;

	out->observed = ages[0].cold;
	out->rate_window_ns = of->window_ns;
	for (i = 1; i < nr; i++) {
		struct mh_sizing_age *a = &out->ages[out->nr_ages];

		if (ages[i].cold == MH_NO_DATA || isnan(ages[i].promoted))
			continue;
		a->idle_ns = ages[i].age_ns;
		a->far_bytes = ages[i].cold;
		a->promoted_bytes_per_s = ages[i].promoted;
		a->promoted_per_min = wss ? ages[i].promoted * 60 / (double)wss : NAN;
		out->nr_ages++;
	}
	out->split = 0;
	while (out->split < out->nr_ages &&
	       !(out->ages[out->split].promoted_per_min <= out->slo))
		out->split++;
}

static int fill_ages(struct mh_sizing *out, struct mh_sweep *w,
		     const struct mh_moments *moments, const struct mh_wss *wss,
		     struct mh_err *err)
{
	struct mh_age ages[MH_SIZING_AGES + 1] = { 0 };
	size_t nr = choose_ages(ages, out);
	int ret;

	out->observed = MH_NO_DATA;
	if (!moments->exact) {
		snprintf(out->why, sizeof(out->why),
			 "%s tells how many bytes were touched, not which: a split needs "
			 "damon or idle",
			 w->src->name);
		return MH_OK;
	}
	ret = mh_ages_run(ages, nr, w->s, w->src, w->kind, &w->scan, moments, err);
	if (ret)
		return ret;
	take_ages(out, ages, nr, wss);
	if (!out->nr_ages)
		snprintf(out->why, sizeof(out->why),
			 "the recording is too short to tell what stays idle");
	return MH_OK;
}

static int fill(struct mh_sizing *out, struct mh_sweep *w, struct mh_err *err)
{
	struct mh_moments moments = { 0 };
	struct mh_wss wss = { 0 };
	struct mh_wss_input in = { w->s, w->src, w->kind, &w->scan, &moments };
	int ret = mh_sweep_moments(&moments, w, err);

	if (!ret)
		ret = mh_wss_fill(&wss, &in, err);
	if (!ret && !wss.any.n)
		ret = mh_fail(err, MH_ENOSUP,
			      "sizing needs intervals with data; the trace has none "
			      "under these filters");
	if (!ret) {
		out->span_ns = moments.v[moments.nr - 1].time_ns.end -
			       moments.v[0].time_ns.start;
		ret = fill_kernel_sizes(out, w->s, err);
	}
	if (!ret) {
		fill_advice(out, &wss);
		ret = fill_ages(out, w, &moments, &wss, err);
		out->from = wss.from;
	}
	mh_wss_fini(&wss);
	mh_moments_fini(&moments);
	return ret;
}

int mh_sizing_analyze(struct mh_sizing *out, struct mh_session *s, double slo,
		      struct mh_err *err)
{
	struct mh_sweep sweep;
	int ret;

	memset(out, 0, sizeof(*out));
	out->slo = slo > 0 ? slo : SLO_DEFAULT;
	ret = mh_sweep_init(&sweep, s, "sizing", err);
	if (!ret)
		ret = fill(out, &sweep, err);
	mh_sweep_fini(&sweep);
	return ret;
}
