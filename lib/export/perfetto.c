/* SPDX-License-Identifier: MIT */
/*
 * Counter tracks for Perfetto, in Chrome's JSON, which it reads: the working set, and the
 * heat of each mapping (mean over its bytes). Times are microseconds from the start of
 * the trace. A stretch without data is a gap in the view and has no event here.
 */
#include <math.h>

#include "export/about.h"
#include "export/exporters.h"

/* @value: NAN: no data. */
static void put_counter(struct mh_json *j, const char *track, const char *series,
			uint32_t pid, uint64_t time_ns, double value)
{
	if (isnan(value))
		return;
	mh_json_object(j);
	mh_json_key(j, "ph");
	mh_json_string(j, "C");
	mh_json_key(j, "pid");
	mh_json_u64(j, pid);
	mh_json_key(j, "tid");
	mh_json_u64(j, 0);
	mh_json_key(j, "ts");
	mh_json_double(j, (double)time_ns / 1000);
	mh_json_key(j, "name");
	mh_json_string(j, track);
	mh_json_key(j, "args");
	mh_json_object(j);
	mh_json_key(j, series);
	mh_json_double(j, value);
	mh_json_end_object(j);
	mh_json_end_object(j);
}

static void put_name(struct mh_json *j, uint32_t pid, const char *name)
{
	mh_json_object(j);
	mh_json_key(j, "ph");
	mh_json_string(j, "M");
	mh_json_key(j, "pid");
	mh_json_u64(j, pid);
	mh_json_key(j, "name");
	mh_json_string(j, "process_name");
	mh_json_key(j, "args");
	mh_json_object(j);
	mh_json_key(j, "name");
	mh_json_string(j, name);
	mh_json_end_object(j);
	mh_json_end_object(j);
}

/* Over the rows of one band that have data; NAN: none has. */
static double mean_of(const struct mh_heatmap *map, const struct mh_band *b, uint32_t col)
{
	double sum = 0;
	uint32_t row, n = 0;

	for (row = b->row; row < b->row + b->nr_rows; row++) {
		double v = map->mean[(size_t)row * map->cols + col];

		if (isnan(v))
			continue;
		sum += v;
		n++;
	}
	return n ? sum / n : NAN;
}

static void put_bands(struct mh_json *j, const struct mh_heatmap *map)
{
	uint64_t span = mh_range_len(map->time_ns);
	char track[160];
	uint32_t col;
	size_t i;

	for (i = 0; i < map->nr_bands; i++) {
		const struct mh_band *b = &map->bands[i];

		if (!b->nr_rows)
			continue;
		/* Two mappings may have one name; their addresses differ. */
		snprintf(track, sizeof(track), "heat %s %" PRIx64, b->name,
			 b->addr.start);
		for (col = 0; col < map->cols; col++)
			put_counter(j, track, mh_unit_word(map->unit), b->pid,
				    map->time_ns.start + span * col / map->cols,
				    mean_of(map, b, col));
	}
}

static uint64_t put_wss(struct mh_json *j, const struct mh_wss *wss)
{
	uint64_t no_data = 0;
	size_t i;

	for (i = 0; i < wss->nr_points; i++) {
		const struct mh_wss_point *p = &wss->points[i];

		no_data += p->bytes == MH_NO_DATA;
		put_counter(j, "working set", "bytes", 0, p->time_ns.start,
			    p->bytes == MH_NO_DATA ? (double)NAN : (double)p->bytes);
	}
	return no_data;
}

static uint64_t collapsed(const struct mh_heatmap *map)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < map->nr_bands; i++)
		n += !map->bands[i].nr_rows;
	return n;
}

static void put_about(struct mh_json *j, const struct mh_export_input *in,
		      uint64_t no_data)
{
	const struct mh_provenance *from = &in->heatmap->from;
	struct mh_about about;

	mh_about_begin(&about, "perfetto", in);
	mh_about_add(&about, "of: %s, %.1f s", from->title,
		     (double)from->duration_ns / 1e9);
	mh_about_add(&about, "source: %s%s%s", from->source, *from->params ? ", " : "",
		     from->params);
	mh_about_add(&about,
		     "units: heat is the mean of %s; the working set is in bytes%s",
		     mh_unit_name(in->heatmap->unit),
		     in->wss && in->wss->sampled ? ", a lower bound from samples" : "");
	mh_about_left_out(&about, collapsed(in->heatmap), "runs of cold addresses",
			  "never above 1 % of the scale");
	mh_about_left_out(&about, no_data, "moments of the working set",
			  "nothing was observed");
	if (!in->wss)
		mh_about_add(&about, "left out: the working set: this source gives none");
	mh_json_key(j, "otherData");
	mh_json_object(j);
	mh_json_key(j, "memheat");
	mh_about_json(j, &about);
	mh_json_end_object(j);
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	uint64_t no_data = 0;
	struct mh_json j;

	(void)err;
	mh_json_init(&j, out);
	mh_json_object(&j);
	mh_json_key(&j, "displayTimeUnit");
	mh_json_string(&j, "ms");
	mh_json_key(&j, "traceEvents");
	mh_json_array(&j);
	put_name(&j, 0, in->heatmap->from.title);
	if (in->wss)
		no_data = put_wss(&j, in->wss);
	put_bands(&j, in->heatmap);
	mh_json_end_array(&j);
	put_about(&j, in, no_data);
	mh_json_end_object(&j);
	putc('\n', out);
	return MH_OK;
}

const struct mh_exporter mh_exporter_perfetto = {
	.name = "perfetto",
	.summary = "working set and heat over time, as counters (Chrome JSON)",
	.needs = MH_EXPORT_TIME,
	.run = run,
};
