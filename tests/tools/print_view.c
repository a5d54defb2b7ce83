/* SPDX-License-Identifier: MIT */
/*
 * Print what the analyses find in a trace, plainly: for a person who works on them.
 *
 *	print_view heatmap|plain|wss|mappings|footprint|summary FILE [ROWS COLS [SOURCE]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/analyze.h>

static void print_from(const struct mh_provenance *p)
{
	printf("%s: %s, %s; others %s; %" PRIu64 " intervals, %" PRIu64
	       " samples, lost %" PRIu64 ", %" PRIu64 " gaps of %.3f s, %.3f s%s\n",
	       p->title, p->source, p->params, *p->others ? p->others : "none",
	       p->nr_intervals, p->nr_samples, p->lost, p->nr_gaps,
	       (double)p->gap_ns * 1e-9, (double)p->duration_ns * 1e-9,
	       p->complete ? "" : ", incomplete");
}

static int heatmap(struct mh_session *s, const struct mh_heatmap_opts *o,
		   struct mh_err *err)
{
	struct mh_heatmap map;
	size_t i;
	int ret = mh_heatmap_analyze(&map, s, o, err);

	if (ret)
		return ret;
	print_from(&map.from);
	ret = mh_heatmap_print(stdout, &map, err);
	for (i = 0; i < map.nr_spots; i++)
		printf("spot %zu band %u %s +%" PRIu64 " len %" PRIu64 " %.2f-%.2f s %g\n",
		       i + 1, map.spots[i].band, map.bands[map.spots[i].band].name,
		       map.spots[i].addr.start - map.bands[map.spots[i].band].addr.start,
		       mh_range_len(map.spots[i].addr),
		       (double)map.spots[i].time_ns.start * 1e-9,
		       (double)map.spots[i].time_ns.end * 1e-9, map.spots[i].value);
	printf("wss p50 %" PRIu64 " p95 %" PRIu64 " peak %" PRIu64 " p999 %g outside %" PRIu64
	       "\n",
	       map.wss_p50, map.wss_p95, map.wss_peak, map.value_p999, map.nr_outside);
	mh_heatmap_fini(&map);
	return ret;
}

static void print_series(const struct mh_wss_series *s)
{
	static const int ps[] = { 0, 25, 50, 75, 90, 95, 99, 100 };
	size_t i;

	printf("%-8s n %zu mean %.0f:", s->name, s->n, s->mean);
	for (i = 0; i < sizeof(ps) / sizeof(*ps) && s->n; i++)
		printf(" %d:%" PRIu64, ps[i], mh_wss_percentile(s, ps[i]));
	putchar('\n');
}

static void print_wss(const struct mh_wss *w)
{
	size_t i;

	print_from(&w->from);
	printf("window %.3f s, %zu points, %zu without data, %zu skipped, rss %" PRIu64 "\n",
	       (double)w->window_ns * 1e-9, w->nr_points, w->nr_no_data, w->nr_skipped,
	       w->rss_p50);
	print_series(&w->any);
	for (i = 0; i < w->nr_thresholds; i++)
		print_series(&w->thresholds[i]);
	for (i = 0; i < w->nr_windows; i++)
		print_series(&w->windows[i]);
	puts(w->windows_note);
}

static void print_mappings(const struct mh_mappings *m)
{
	size_t i;

	print_from(&m->from);
	printf("unit %s, %zu unmapped\n", mh_unit_word(m->unit), m->nr_unmapped);
	for (i = 0; i < m->nr_rows; i++) {
		const struct mh_mapping_row *r = &m->rows[i];

		printf("%6u %-12s %-28s %12" PRIu64 " %6.2f%% busy %4.2f idle %4.2f p50 "
		       "%" PRIu64 " max %" PRIu64 " rss %" PRIu64 " hot %g %.2f s +%" PRIu64
		       " %" PRIu64 "\n",
		       r->pid, r->comm, r->name, r->bytes, 100 * r->share, r->busy,
		       r->idle_share, r->wss_p50, r->wss_max, r->rss, r->hottest,
		       (double)r->hottest_ns * 1e-9, r->hottest_addr.start - r->addr.start,
		       mh_range_len(r->hottest_addr));
	}
}

static int tables(const char *view, struct mh_session *s, struct mh_err *err)
{
	struct mh_summary sum = { 0 };
	struct mh_footprint f = { 0 };
	size_t i;
	int ret = MH_OK;

	if (!strcmp(view, "wss")) {
		ret = mh_wss_analyze(&sum.wss, s, err);
		if (!ret)
			print_wss(&sum.wss);
	} else if (!strcmp(view, "mappings")) {
		ret = mh_mappings_analyze(&sum.mappings, s, err);
		if (!ret)
			print_mappings(&sum.mappings);
	} else if (!strcmp(view, "summary")) {
		ret = mh_summary_analyze(&sum, s, err);
		if (!ret) {
			print_wss(&sum.wss);
			print_mappings(&sum.mappings);
			printf("mapped %" PRIu64 " peak at %.3f s\n", sum.mapped_bytes,
			       (double)sum.peak_at_ns * 1e-9);
		}
	} else {
		ret = mh_footprint_analyze(&f, s, err);
		for (i = 0; i < f.nr_points; i++)
			printf("%.3f rss %" PRIu64 " pss %" PRIu64 " of %u\n",
			       (double)f.points[i].time_ns * 1e-9, f.points[i].rss,
			       f.points[i].pss, f.points[i].nr_processes);
	}
	mh_summary_fini(&sum);
	mh_footprint_fini(&f);
	return ret;
}

int main(int argc, char **argv)
{
	struct mh_session_opts o = { .source = argc > 5 ? argv[5] : NULL };
	struct mh_heatmap_opts h = { .rows = 24, .cols = 80 };
	struct mh_session *s = NULL;
	struct mh_err err = { 0 };
	int ret;

	if (argc < 3) {
		fputs("usage: print_view VIEW FILE [ROWS COLS [SOURCE]]\n", stderr);
		return 2;
	}
	if (argc > 4) {
		h.rows = (uint32_t)strtoul(argv[3], NULL, 10);
		h.cols = (uint32_t)strtoul(argv[4], NULL, 10);
	}
	h.plain = !strcmp(argv[1], "plain");
	ret = mh_session_open(&s, argv[2], &o, &err);
	if (!ret && (h.plain || !strcmp(argv[1], "heatmap")))
		ret = heatmap(s, &h, &err);
	else if (!ret)
		ret = tables(argv[1], s, &err);
	mh_session_close(s);
	if (ret)
		fprintf(stderr, "print_view: %s\n", err.msg);
	return ret ? 1 : 0;
}
