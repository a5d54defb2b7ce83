/* SPDX-License-Identifier: MIT */
/* Working set sizes: moments become points and sorted series; longer windows come from a
 * second pass, where the source says which bytes it was. */
#include "analyze/wss.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/windows.h"
#include "analyze/wss_samples.h"

#define WSS_KINDS (1u << MH_EV_REGION | 1u << MH_EV_PAGES)

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the working set sizes");
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* @value: taken over */
static void fill_series(struct mh_wss_series *s, const char *name, uint64_t window_ns,
			uint64_t *value, size_t n)
{
	double sum = 0;
	size_t i;

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->window_ns = window_ns;
	s->sorted = value;
	s->n = n;
	if (n)
		qsort(value, n, sizeof(*value), by_value);
	for (i = 0; i < n; i++)
		sum += (double)value[i];
	s->mean = n ? sum / (double)n : 0;
}

static void name_window(char *buf, size_t size, uint64_t ns)
{
	/* The clock's jitter is no part of an interval's name. */
	if (ns >= 10000000000)
		snprintf(buf, size, "%.0fs", (double)ns * 1e-9);
	else if (ns >= 995000000)
		snprintf(buf, size, "%.3gs", (double)ns * 1e-9);
	else if (ns >= 995000)
		snprintf(buf, size, "%.3gms", (double)ns * 1e-6);
	else
		snprintf(buf, size, "%.3gus", (double)ns * 1e-3);
}

/* The values of the moments with data: @level 0 any access, 1.. hits at least. */
static int series_of(struct mh_wss_series *s, const char *name,
		     const struct mh_moments *m, unsigned level)
{
	uint64_t *v = malloc((m->nr + 1) * sizeof(*v));
	size_t i, n = 0;

	if (!v)
		return -1;
	for (i = 0; i < m->nr; i++) {
		if (m->v[i].bytes != MH_NO_DATA)
			v[n++] = level ? m->v[i].at_least[level - 1] : m->v[i].bytes;
	}
	fill_series(s, name, m->interval_ns, v, n);
	return 0;
}

/* An interval that was measured with the jitter of timers is called by its setting. */
static uint64_t nominal_window(const struct mh_session *s,
			       const struct mh_session_source *src,
			       const struct mh_moments *m)
{
	uint64_t aggr_ns = mh_session_meta_u64(s, src->id, "aggr_us") * 1000;
	uint64_t tenth = aggr_ns / 10;

	return m->interval_ns >= aggr_ns - tenth && m->interval_ns <= aggr_ns + tenth
		       ? aggr_ns
		       : m->interval_ns;
}

static int fill_points(struct mh_wss *out, const struct mh_session *s,
		       const struct mh_session_source *src, const struct mh_moments *m)
{
	size_t i;

	out->points = calloc(m->nr + 1, sizeof(*out->points));
	if (!out->points)
		return -1;
	out->nr_points = m->nr;
	out->window_ns = nominal_window(s, src, m);
	for (i = 0; i < m->nr; i++) {
		struct mh_range t = m->v[i].time_ns;

		t.start = t.start > s->start_ns ? t.start - s->start_ns : 0;
		t.end = t.end > s->start_ns ? t.end - s->start_ns : 0;
		out->points[i] =
			(struct mh_wss_point){ .time_ns = t, .bytes = m->v[i].bytes };
		out->nr_no_data += m->v[i].bytes == MH_NO_DATA;
	}
	return 0;
}

static int fill_thresholds(struct mh_wss *out, const struct mh_moments *m)
{
	static const char *const names[MH_WSS_THRESHOLDS] = { "any", ">=5%", ">=25%",
							      ">=50%" };
	unsigned i;

	if (!m->hits)
		return 0;
	for (i = 0; i < MH_WSS_THRESHOLDS; i++, out->nr_thresholds++) {
		if (series_of(&out->thresholds[i], names[i], m, i))
			return -1;
	}
	return 0;
}

static int add_window(struct mh_wss *out, uint64_t window_ns, const char *name,
		      const uint64_t *values, size_t n)
{
	struct mh_wss_series *s = &out->windows[out->nr_windows];
	uint64_t *copy = malloc((n + 1) * sizeof(*copy));
	char buf[32];

	if (!copy)
		return -1;
	if (n)
		memcpy(copy, values, n * sizeof(*copy));
	name_window(buf, sizeof(buf), window_ns);
	fill_series(s, name ? name : buf, window_ns, copy, n);
	out->nr_windows++;
	return 0;
}

static int fill_windows(struct mh_wss *out, const struct mh_wss_input *in,
			struct mh_err *err)
{
	const struct mh_moments *m = in->moments;
	struct mh_windows w;
	uint64_t len = out->window_ns,
		 span = m->v[m->nr - 1].time_ns.end - m->v[0].time_ns.start;
	unsigned i;
	int ret;

	ret = add_window(out, len, NULL, out->any.sorted, out->any.n) ? no_memory(err)
								      : MH_OK;
	if (ret)
		return ret;
	if (!m->exact) {
		snprintf(out->windows_note, sizeof(out->windows_note),
			 "%s tells how many bytes were touched, not which: longer "
			 "windows need damon or idle",
			 in->src->name);
		return MH_OK;
	}
	memset(&w, 0, sizeof(w));
	ret = mh_windows_run(&w, in->s, in->src, in->kind, in->scan, m, err);
	for (i = 0; !ret && i < MH_NR_WINDOW_LEVELS; i++) {
		len *= 10;
		if (w.level[i].nr &&
		    add_window(out, len, NULL, w.level[i].v, w.level[i].nr))
			ret = no_memory(err);
	}
	if (!ret && add_window(out, span, "all", &w.all, 1))
		ret = no_memory(err);
	mh_windows_fini(&w);
	return ret;
}

/* Each page is in the sample by chance of its own, whatever its neighbours do: the
 * variance of a sum of y pages found is (1 - 1/N) N^2 y. */
static void fill_error(struct mh_wss *out, const struct mh_wss_input *in)
{
	const char *meta = mh_reader_meta(in->s->reader, "host.page_size");
	double page = meta ? strtod(meta, NULL) : 4096;
	uint64_t p50 = mh_wss_percentile(&out->any, 50);

	out->one_page_in = in->src->weight;
	out->error_p50 = MH_NO_DATA;
	if (out->one_page_in > 1 && p50 != MH_NO_DATA)
		out->error_p50 =
			(uint64_t)sqrt((out->one_page_in - 1) * (double)p50 * page);
}

int mh_wss_fill(struct mh_wss *out, const struct mh_wss_input *in, struct mh_err *err)
{
	const struct mh_moments *m = in->moments;
	char name[32];
	int ret;

	name_window(name, sizeof(name), m->interval_ns);
	out->rss_p50 = mh_footprint_rss_p50(in->s);
	out->nr_skipped = in->scan->nr_skipped;
	if (fill_points(out, in->s, in->src, m) || series_of(&out->any, "any", m, 0) ||
	    fill_thresholds(out, m))
		return no_memory(err);
	if (m->nr) {
		ret = fill_windows(out, in, err);
		if (ret)
			return ret;
	}
	fill_error(out, in);
	mh_session_provenance(in->s, in->src, WSS_KINDS, &out->from);
	out->from.nr_intervals = out->any.n;
	return MH_OK;
}

/* A source of snapshots; else one of samples that says which bytes were used. First
 * touches of pages are not use: faults stay out. */
static int pick_source(const struct mh_session_source **out, const struct mh_session *s,
		       struct mh_err *err)
{
	int ret = mh_session_pick(s, WSS_KINDS, "working set size", out, err);

	if (ret != MH_ENOSUP ||
	    mh_session_pick(s, 1u << MH_EV_SAMPLE, "working set size", out, NULL))
		return ret;
	return (*out)->has_addr && mh_session_unit(*out, false) != MH_UNIT_FAULTS_PER_S
		       ? MH_OK
		       : ret;
}

int mh_wss_analyze(struct mh_wss *out, struct mh_session *s, struct mh_err *err)
{
	struct mh_scan_opts scan = { .session = s };
	struct mh_wss_input in = { .s = s, .scan = &scan };
	struct mh_moments moments = { 0 };
	struct mh_places places = { 0 };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = pick_source(&in.src, s, err);
	if (ret)
		return ret;
	in.kind = mh_session_data_kind(in.src);
	if (in.kind == MH_EV_SAMPLE) {
		ret = mh_wss_from_samples(out, s, in.src, err);
		if (ret)
			mh_wss_fini(out);
		return ret;
	}
	ret = mh_moments_skip(&scan, in.src, in.kind, s, err);
	if (!ret && s->opts.at) {
		ret = mh_places_of_maps(&places, s, err);
		scan.at = &places;
	}
	if (ret)
		goto out;
	ret = mh_moments_run(&moments, &scan, in.src, in.kind, s, err);
	in.moments = &moments;
	if (!ret)
		ret = mh_wss_fill(out, &in, err);
out:
	mh_moments_fini(&moments);
	mh_places_fini(&places);
	if (ret)
		mh_wss_fini(out);
	return ret;
}
