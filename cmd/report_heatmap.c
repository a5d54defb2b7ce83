/* SPDX-License-Identifier: MIT */
/*
 * memheat report heatmap: addresses over time, in the terminal, as a picture, or as
 * numbers. A picture asks its renderer first how many cells fit, so that one cell is
 * whole pixels and hot pages are not blurred away; numbers are one contiguous range.
 */
#include <inttypes.h>
#include <math.h>

#include "report.h"

#define CELLS_MAX (1ull << 26)

static struct mh_picture_opts picture_opts(const struct mh_report *r)
{
	const struct mh_report_opts *o = r->opts;

	/* The command line is left out: identical input gives identical bytes. */
	return (struct mh_picture_opts){ .cmap = (enum mh_cmap)o->cmap,
					 .scale = (enum mh_scale)o->scale,
					 .lo = o->range[0],
					 .hi = o->range[1],
					 .width_px = o->size_px[0],
					 .height_px = o->size_px[1],
					 .light = o->theme };
}

struct mh_term_opts mh_report_term_opts(const struct mh_report *r)
{
	const struct mh_report_opts *o = r->opts;
	uint32_t height = (uint32_t)o->height;

	/* Two lines stay free: the shell's prompt, and one against scrolling. */
	if (!height)
		height = r->term.is_tty && r->term.height > 12 ? r->term.height - 2 : 24;
	return (struct mh_term_opts){ .width = r->term.width,
				      .height = height,
				      .color = r->term.color,
				      .utf8 = r->term.utf8,
				      .cmap = (enum mh_cmap)o->cmap,
				      .scale = (enum mh_scale)o->scale,
				      .lo = o->range[0],
				      .hi = o->range[1] };
}

static int is_plain(const struct mh_report *r)
{
	return r->format == MH_REPORT_JSON || r->format == MH_REPORT_CSV;
}

int mh_report_map(struct mh_heatmap *out, struct mh_session *s, const struct mh_report *r,
		  struct mh_err *err)
{
	const struct mh_report_opts *o = r->opts;
	struct mh_picture_opts picture = picture_opts(r);
	struct mh_term_opts term = mh_report_term_opts(r);
	struct mh_heatmap_opts opts = { .plain = is_plain(r),
					.no_collapse = o->no_collapse,
					.cells_damo = o->cells };

	if (r->format == MH_REPORT_PNG || r->format == MH_REPORT_SVG)
		mh_png_cells(&picture, &opts.rows, &opts.cols);
	else if (r->format == MH_REPORT_TEXT)
		mh_term_cells(&term, &opts.rows, &opts.cols);
	if (o->rows)
		opts.rows = (uint32_t)o->rows;
	if (o->cols)
		opts.cols = (uint32_t)o->cols;
	if ((uint64_t)opts.rows * opts.cols > CELLS_MAX)
		return mh_fail(err, MH_EINPUT,
			       "%" PRIu32 " x %" PRIu32
			       " cells are too many; at most %llu",
			       opts.rows, opts.cols, CELLS_MAX);
	opts.addr = o->filters.addr;
	return mh_heatmap_analyze(out, s, &opts, err);
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_report_map(view, r->session, r, err);
}

static void fini(void *view)
{
	mh_heatmap_fini(view);
}

int mh_report_picture(FILE *out, const struct mh_heatmap *map, const struct mh_report *r,
		      struct mh_err *err)
{
	const struct mh_picture_opts opts = picture_opts(r);

	if (r->format == MH_REPORT_PNG)
		return mh_png_write(out, map, &opts, err);
	return mh_svg_write(out, map, &opts, err);
}

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_heatmap *map = view;
	struct mh_term_opts term = mh_report_term_opts(r);
	char sentence[1024];
	int status;

	if (r->opts->describe) {
		mh_heatmap_describe(map, sentence, sizeof(sentence));
		fprintf(out, "%s\n", sentence);
		return MH_OK;
	}
	status = mh_term_heatmap(out, map, &term, err);
	fputc('\n', out);
	mh_report_footer(out, &map->from);
	return status;
}

/* ---- numbers ---- */

static void json_range(struct mh_json *j, const char *key, struct mh_range range)
{
	mh_json_key(j, key);
	mh_json_array(j);
	mh_json_u64(j, range.start);
	mh_json_u64(j, range.end);
	mh_json_end_array(j);
}

/* One list per row of addresses, from low to high; what was not observed is null. */
static void json_cells(struct mh_json *j, const char *key, const struct mh_heatmap *map,
		       const double *cells)
{
	uint32_t row, col;

	mh_json_key(j, key);
	mh_json_array(j);
	for (row = 0; row < map->rows; row++) {
		mh_json_array(j);
		for (col = 0; col < map->cols; col++)
			mh_json_double(j, cells[(size_t)row * map->cols + col]);
		mh_json_end_array(j);
	}
	mh_json_end_array(j);
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_heatmap *map = view;

	mh_report_json_from(j, &map->from);
	mh_json_put_u64(j, "pid", map->nr_bands ? map->bands[0].pid : 0);
	json_range(j, "time_ns", map->time_ns);
	json_range(j, "addr", map->addr);
	mh_json_put_u64(j, "rows", map->rows);
	mh_json_put_u64(j, "cols", map->cols);
	mh_json_put_string(j, "unit", mh_unit_word(map->unit));
	json_cells(j, "mean", map, map->mean);
	json_cells(j, "max", map, map->max);
}

/* Edge @i of @nr equal bins of a range. */
static uint64_t edge(struct mh_range r, uint32_t i, uint32_t nr)
{
	return r.start + (uint64_t)((unsigned __int128)mh_range_len(r) * i / nr);
}

static void csv_value(FILE *out, double v)
{
	if (isnan(v))
		fputc(',', out);
	else
		fprintf(out, ",%.9g", v);
}

static void put_csv(FILE *out, const void *view)
{
	static const char *const states[] = { "unmapped", "not_observed", "zero", "value",
					      "few" };
	const struct mh_heatmap *map = view;
	uint32_t row, col;

	fprintf(out, "start,end,start_ns,end_ns,state,mean,max\n");
	for (row = 0; row < map->rows; row++) {
		for (col = 0; col < map->cols; col++) {
			size_t i = (size_t)row * map->cols + col;

			fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s",
				edge(map->addr, row, map->rows),
				edge(map->addr, row + 1, map->rows),
				edge(map->time_ns, col, map->cols),
				edge(map->time_ns, col + 1, map->cols),
				states[map->state[i]]);
			csv_value(out, map->mean[i]);
			csv_value(out, map->max[i]);
			fputc('\n', out);
		}
	}
}

static int put_picture(FILE *out, const void *view, struct mh_report *r,
		       struct mh_err *err)
{
	return mh_report_picture(out, view, r, err);
}

const struct mh_report_type mh_report_heatmap = {
	.name = "heatmap",
	.summary = "addresses over time",
	.view_size = sizeof(struct mh_heatmap),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.picture = put_picture,
	.json = put_json,
	.csv = put_csv,
};
