/* SPDX-License-Identifier: MIT */
/*
 * memheat report footprint: resident memory over time, as the kernel counts it. It needs
 * no access tracking, so it is there for every source that can read smaps.
 */
#include <stdio.h>
#include <stdlib.h>

#include "report.h"

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	return mh_footprint_analyze(view, r->session, err);
}

static void fini(void *view)
{
	mh_footprint_fini(view);
}

static const struct mh_table_column columns[] = {
	{ "time_ns", "time", MH_CELL_TYPE_NS },
	{ "rss", "RSS", MH_CELL_TYPE_BYTES },
	{ "pss", "PSS", MH_CELL_TYPE_BYTES },
	{ "swap", "swap", MH_CELL_TYPE_BYTES },
	{ "huge", "huge pages", MH_CELL_TYPE_BYTES },
	{ "processes", "processes", MH_CELL_TYPE_U64 },
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static struct mh_table_cell *make_cells(const struct mh_footprint *f)
{
	struct mh_table_cell *cells, *c;
	size_t i;

	cells = c = calloc(f->nr_points ? f->nr_points : 1, NR_COLUMNS * sizeof(*cells));
	for (i = 0; c && i < f->nr_points; i++) {
		const struct mh_footprint_point *p = &f->points[i];

		*c++ = (struct mh_table_cell){ .u64 = p->time_ns };
		*c++ = (struct mh_table_cell){ .u64 = p->rss };
		*c++ = (struct mh_table_cell){ .u64 = p->pss };
		*c++ = (struct mh_table_cell){ .u64 = p->swap };
		*c++ = (struct mh_table_cell){ .u64 = p->huge };
		*c++ = (struct mh_table_cell){ .u64 = p->nr_processes };
	}
	return cells;
}

static void write_pss(FILE *out, const struct mh_footprint *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->nr_points; i++)
		n += f->points[i].pss != MH_NO_DATA;
	if (!n)
		fprintf(out, "PSS was not recorded\n");
	else if (n < f->nr_points)
		fprintf(out,
			"PSS of all processes is known at %zu of %zu moments: it costs a "
			"walk of page tables\n",
			n, f->nr_points);
}

static void write_text(FILE *out, const struct mh_footprint *f,
		       const struct mh_table_cell *cells, const struct mh_terminal *term)
{
	mh_report_header(out, &f->from, term);
	fprintf(out, "\n\n");
	if (f->nr_points)
		mh_table_print(out, MH_FORMAT_TEXT, NULL, columns, NR_COLUMNS, cells,
			       f->nr_points);
	else
		fprintf(out, "Nothing in this span.\n");
	fputc('\n', out);
	write_pss(out, f);
	mh_report_footer(out, &f->from);
}

static void write_json(FILE *out, const struct mh_footprint *f,
		       const struct mh_table_cell *cells)
{
	struct mh_json j;

	mh_report_json_begin(&j, out, "memheat.footprint/1");
	mh_report_json_from(&j, &f->from);
	mh_json_key(&j, "points");
	mh_table_print(out, MH_FORMAT_JSON, &j, columns, NR_COLUMNS, cells, f->nr_points);
	mh_report_json_end(&j);
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	const struct mh_footprint *f = view;
	struct mh_table_cell *cells = make_cells(f);

	if (!cells)
		return mh_fail_errno(err, "cannot print the footprint");
	if (r->format == MH_REPORT_TEXT)
		write_text(out, f, cells, &r->term);
	else if (r->format == MH_REPORT_JSON)
		write_json(out, f, cells);
	else
		mh_table_print(out, MH_FORMAT_CSV, NULL, columns, NR_COLUMNS, cells,
			       f->nr_points);
	free(cells);
	return MH_OK;
}

const struct mh_report_type mh_report_footprint = {
	.name = "footprint",
	.summary = "resident memory, swap and huge pages over time",
	.view_size = sizeof(struct mh_footprint),
	.analyze = analyze,
	.write = write_view,
	.fini = fini,
};
