/* SPDX-License-Identifier: MIT */
/*
 * memheat report footprint: resident memory over time, as the kernel counts it. It needs
 * no access tracking, so it is there for every source that can read smaps.
 */
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

static void put_rows(struct mh_table *t, const void *view)
{
	const struct mh_footprint *f = view;
	size_t i;

	for (i = 0; i < f->nr_points; i++) {
		const struct mh_footprint_point *p = &f->points[i];

		mh_table_put_u64(t, p->time_ns);
		mh_table_put_u64(t, p->rss);
		mh_table_put_u64(t, p->pss);
		mh_table_put_u64(t, p->swap);
		mh_table_put_u64(t, p->huge);
		mh_table_put_u64(t, p->nr_processes);
	}
}

static void put_pss(FILE *out, const struct mh_footprint *f)
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

static int put_text(FILE *out, const void *view, struct mh_report *r, struct mh_err *err)
{
	const struct mh_footprint *f = view;
	struct mh_table t;
	int status = MH_OK;

	mh_report_header(out, &f->from, &r->term);
	fprintf(out, "\n\n");
	if (f->nr_points) {
		mh_table_begin_text(&t, out, r->term.utf8, MH_COLUMNS(columns));
		put_rows(&t, f);
		status = mh_table_end(&t, err);
	} else {
		fprintf(out, "Nothing in this span.\n");
	}
	fputc('\n', out);
	put_pss(out, f);
	mh_report_footer(out, &f->from);
	return status;
}

static void put_json(struct mh_json *j, const void *view)
{
	const struct mh_footprint *f = view;

	mh_report_json_from(j, &f->from);
	mh_report_json_rows(j, "points", &mh_report_footprint.rows, f);
}

const struct mh_report_type mh_report_footprint = {
	.name = "footprint",
	.summary = "resident memory, swap and huge pages over time",
	.view_size = sizeof(struct mh_footprint),
	.analyze = analyze,
	.fini = fini,
	.text = put_text,
	.json = put_json,
	.rows = { MH_COLUMNS(columns), put_rows },
};
