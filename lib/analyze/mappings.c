/* SPDX-License-Identifier: MIT */
/*
 * The views `mappings` and `summary`. Both take one pass over the data after the survey:
 * the summary lets the working set sizes ride along.
 */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/moments.h"
#include "analyze/survey.h"
#include "analyze/tally.h"
#include "analyze/wss.h"

struct work {
	struct mh_session *s;
	struct mh_overview of;
	struct mh_rows rows;
	struct mh_moments moments;
	uint64_t mapped_bytes;
};

static int prepare(struct work *w, const char *what, struct mh_err *err)
{
	int ret = mh_overview_init(&w->of, w->s, what, err);

	if (!ret)
		ret = mh_rows_init(&w->rows, w->s, &w->of.places, err);
	if (!ret)
		ret = mh_rows_footprint(&w->rows, w->s, &w->of.places, err);
	if (!ret)
		ret = mh_rows_mapped_bytes(&w->mapped_bytes, w->s, &w->of.places, err);
	return ret;
}

static struct mh_range data_time(const struct work *w)
{
	struct mh_range t = w->of.survey.time_ns;

	if (w->of.kind == MH_EV_SAMPLE) {
		t.start = w->s->start_ns;
		t.end = mh_reader_info(w->s->reader)->time_ns.end;
		if (t.start < w->s->window.start)
			t.start = w->s->window.start;
		if (t.end > w->s->window.end)
			t.end = w->s->window.end;
		if (t.end < t.start)
			t.end = t.start;
	}
	return t;
}

static int by_share(const void *a, const void *b)
{
	const struct mh_mapping_row *x = a, *y = b;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->addr.start < y->addr.start ? -1 : x->addr.start > y->addr.start;
}

static int tally(struct work *w, struct mh_mappings *out, struct mh_err *err)
{
	struct mh_tally_frame frame = { .scan = &w->of.scan,
					.places = &w->of.places,
					.rows = &w->rows,
					.time_ns = data_time(w) };
	bool samples = w->of.kind == MH_EV_SAMPLE;
	struct mh_analysis list[2] = { { 0 } };
	uint64_t nr_outside = 0;
	struct mh_filter f;
	int ret;

	frame.periods = mh_session_unit(w->of.src, false) == MH_UNIT_ACCESSES_PER_S;
	mh_session_filter(w->s, w->of.src, &f);
	f.kinds = 1u << w->of.kind;
	f.columns = MH_COL_TIME | MH_COL_ADDR | MH_COL_THREAD;
	if (frame.periods)
		f.columns |= MH_COL_PERIOD;
	if (samples)
		mh_tally_samples(&list[0], &frame);
	else
		mh_tally_snapshots(&list[0], &frame);
	mh_moments_analysis(&list[1], &w->of.scan);
	ret = mh_pass_run(w->s, &f, list, samples ? 1 : 2, err);
	if (ret)
		return ret;
	if (samples)
		ret = mh_tally_samples_take(&w->rows, &nr_outside, &list[0], err);
	else
		ret = mh_tally_snapshots_take(&w->rows, &nr_outside, &list[0], err);
	if (!ret && !samples)
		ret = mh_moments_take(&w->moments, &list[1], w->s, w->of.src, err);
	mh_pass_release(list, 2);
	out->nr_unmapped = w->s->opts.at ? 0 : nr_outside;
	return ret;
}

static int fill(struct work *w, struct mh_mappings *out, struct mh_err *err)
{
	size_t i;
	int ret = tally(w, out, err);

	if (ret)
		return ret;
	out->unit = mh_session_unit(w->of.src, w->moments.hits);
	mh_session_provenance(w->s, w->of.src, 1u << w->of.kind, &out->from);
	for (i = 0; i < w->moments.nr; i++)
		out->from.nr_intervals += w->moments.v[i].bytes != MH_NO_DATA;
	out->rows = w->rows.rows.v;
	out->nr_rows = w->rows.rows.nr;
	memset(&w->rows.rows, 0, sizeof(w->rows.rows));
	if (out->nr_rows)
		qsort(out->rows, out->nr_rows, sizeof(*out->rows), by_share);
	return MH_OK;
}

static void release(struct work *w)
{
	mh_overview_fini(&w->of);
	mh_rows_fini(&w->rows);
	mh_moments_fini(&w->moments);
}

int mh_mappings_analyze(struct mh_mappings *out, struct mh_session *s, struct mh_err *err)
{
	struct work w = { .s = s };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = prepare(&w, "table of mappings", err);
	if (!ret)
		ret = fill(&w, out, err);
	release(&w);
	if (ret)
		mh_mappings_fini(out);
	return ret;
}

/* Where no mapping was recorded, what snapshots cover is what is known to be there. */
static uint64_t watched_bytes(const struct mh_mappings *m)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < m->nr_rows; i++)
		bytes += m->rows[i].bytes;
	return bytes ? bytes : MH_NO_DATA;
}

int mh_summary_analyze(struct mh_summary *out, struct mh_session *s, struct mh_err *err)
{
	struct work w = { .s = s };
	struct mh_wss_input in;
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = prepare(&w, "summary", err);
	if (!ret)
		ret = fill(&w, &out->mappings, err);
	if (!ret) {
		in = (struct mh_wss_input){ s, w.of.src, w.of.kind, &w.of.scan,
					    &w.moments };
		/* From samples there are no sizes: the view stays without points. */
		ret = mh_wss_fill(&out->wss, &in, err);
		out->wss.from = out->mappings.from;
	}
	release(&w);
	if (ret) {
		mh_summary_fini(out);
		return ret;
	}
	out->mapped_bytes = w.mapped_bytes;
	if (out->mapped_bytes == MH_NO_DATA && w.of.kind != MH_EV_SAMPLE)
		out->mapped_bytes = watched_bytes(&out->mappings);
	out->rss_p50 = out->wss.rss_p50;
	for (i = 0; i < out->wss.nr_points; i++) {
		const struct mh_wss_point *p = &out->wss.points[i];

		if (p->bytes != MH_NO_DATA &&
		    p->bytes == out->wss.any.sorted[out->wss.any.n - 1]) {
			out->peak_at_ns = p->time_ns.start;
			break;
		}
	}
	return MH_OK;
}
