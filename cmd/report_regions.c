/* SPDX-License-Identifier: MIT */
/*
 * memheat report regions: every snapshot's regions as they were recorded, one snapshot
 * after the other. A record may hold millions of rows, so they are printed while the
 * trace is read and nothing is kept but the snapshot that is open.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provenance.h"
#include "report.h"
#include "report_access.h"

struct regions_view {
	unsigned source;
	struct mh_provenance from;
};

#define NR_RATES 64 /* hits of checks: DAMON's own default has 20 */

/* A listing under way. */
struct listing {
	FILE *out;
	struct mh_report *r;
	const struct mh_maps *maps;
	struct mh_json j;
	unsigned source;
	const struct mh_intervals *intervals;
	uint64_t start_ns;        /* of the trace */
	struct mh_ev_region last; /* of the open snapshot: pid and start_ns */
	uint64_t last_end_ns;
	uint64_t nr; /* snapshots */
	struct rate {
		uint32_t nr, max;
		unsigned len; /* of the cell; 0 at first */
		char text[MH_TEXT_MAX + 4];
	} rates[NR_RATES];
	const struct mh_mapping *mapping; /* the last, by this `name` */
	char name[256];
	struct mh_listing lines;
};

static int choose_source(unsigned *out, struct mh_report *r, struct mh_err *err)
{
	const struct mh_reader *reader = mh_session_reader(r->session);
	const char *wanted = r->opts->filters.source;
	uint64_t bits = mh_provenance_sources(reader, MH_EV_REGION);
	int status;

	if (wanted) {
		status = mh_source_id(out, reader, wanted, err);
		if (status != MH_OK)
			return status;
		if (*out >= 64 || !(bits >> *out & 1))
			return mh_fail(err, MH_ENOSUP, "source '%s' recorded no regions",
				       wanted);
		return MH_OK;
	}
	if (!bits)
		return mh_fail(err, MH_ENOSUP,
			       "no source of this trace recorded regions (damon and refs "
			       "do); 'memheat info' shows what is in it");
	*out = (unsigned)__builtin_ctzll(bits);
	return MH_OK;
}

static int analyze(void *view, struct mh_report *r, struct mh_err *err)
{
	struct regions_view *v = view;
	int status = choose_source(&v->source, r, err);

	if (status == MH_OK)
		status = mh_provenance_read(&v->from, mh_session_reader(r->session),
					    (int)v->source + 1, err);
	return status;
}

static void fini(void *view)
{
	(void)view;
}

static uint64_t relative(const struct listing *l, uint64_t time_ns)
{
	return time_ns > l->start_ns ? time_ns - l->start_ns : 0;
}

/* What the recorder called the target, where that is not the pid. */
static uint64_t target_of(const struct listing *l, uint32_t pid)
{
	char key[32];
	const char *name;

	snprintf(key, sizeof(key), "target.%" PRIu32, pid);
	name = mh_source_meta(mh_session_reader(l->r->session), l->source, key);
	return name ? strtoull(name, NULL, 10) : pid;
}

/* Of the snapshot; ages count it. */
static uint64_t aggr_us(const struct listing *l, const struct mh_event *ev)
{
	return mh_intervals_at(l->intervals, l->source, ev->time_ns) / 1000;
}

static int is_new_snapshot(struct listing *l, const struct mh_event *ev)
{
	const struct mh_ev_region *g = &ev->region;

	if (l->nr && l->last.pid == g->pid && l->last.start_ns == g->start_ns &&
	    l->last_end_ns == ev->time_ns)
		return 0;
	l->last = *g;
	l->last_end_ns = ev->time_ns;
	l->nr++;
	return 1;
}

/* ---- text ---- */

static const char *mapping_of(struct listing *l, const struct mh_event *ev)
{
	const struct mh_ev_region *g = &ev->region;
	const struct mh_mapping *m = NULL;
	long space = mh_maps_space_at(l->maps, g->pid, ev->time_ns);
	char name[96];

	if (space >= 0)
		m = mh_maps_find(l->maps, (size_t)space, g->start, ev->time_ns);
	if (!m)
		return "";
	if (m != l->mapping) {
		mh_mapping_name(m, name, sizeof(name));
		mh_text_safe(l->name, sizeof(l->name), name, l->r->term.utf8);
		l->mapping = m;
	}
	return l->name;
}

/* Few values come again and again. */
static const struct rate *rate_of(struct listing *l, const struct mh_ev_region *g)
{
	struct rate *r = &l->rates[g->nr_accesses % NR_RATES];
	char text[MH_TEXT_MAX];

	if (r->len && r->nr == g->nr_accesses && r->max == g->max_accesses)
		return r;
	r->nr = g->nr_accesses;
	r->max = g->max_accesses;
	if (r->max)
		mh_text_percent(text, (double)r->nr / (double)r->max);
	r->len = (unsigned)snprintf(r->text, sizeof(r->text), "  %6s  ",
				    r->max ? text : "-");
	return r;
}

static void text_snapshot(struct listing *l, const struct mh_event *ev)
{
	mh_listing_flush(&l->lines);
	fprintf(l->out, "%ssnapshot %" PRIu64 ", target %" PRIu32 ", %.3f s to %.3f s\n",
		l->nr > 1 ? "\n" : "", l->nr, ev->region.pid,
		(double)relative(l, ev->region.start_ns) / 1e9,
		(double)relative(l, ev->time_ns) / 1e9);
	fprintf(l->out, "  %-16s %-16s %10s  %6s  %9s  %4s  %s\n", "start", "end", "size",
		"rate", "touched", "age", "mapping");
}

static int text_region(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct listing *l = arg;
	struct mh_listing *lines = &l->lines;
	const struct mh_ev_region *g = &ev->region;
	const struct rate *rate = rate_of(l, g);
	const char *mapping;

	(void)err;
	if (is_new_snapshot(l, ev))
		text_snapshot(l, ev);
	mh_listing_blank(lines, 2);
	mh_listing_hex(lines, g->start, 17);
	mh_listing_hex(lines, g->end, 17);
	mh_listing_bytes(lines, g->end - g->start, 10);
	mh_listing_text(lines, rate->text, rate->len);
	mh_listing_bytes(lines, g->touched, 9);
	mh_listing_blank(lines, 2);
	if (g->age == MH_NO_AGE)
		mh_listing_text(lines, "   -", 4);
	else
		mh_listing_u64(lines, g->age, 4);
	mh_listing_blank(lines, 2);
	mapping = mapping_of(l, ev);
	if (*mapping)
		mh_listing_text(lines, mapping, strlen(mapping));
	mh_listing_char(lines, '\n');
	return MH_OK;
}

/* ---- JSON: {"target", "start_ns", "end_ns", "regions": [...]} ---- */

static void json_u64(struct mh_json *j, const char *key, uint64_t v)
{
	mh_json_key(j, key);
	mh_json_u64(j, v);
}

static void json_interval(struct mh_json *j, const char *key, uint64_t us)
{
	mh_json_key(j, key);
	if (us)
		mh_json_u64(j, us);
	else
		mh_json_null(j);
}

static void json_close_snapshot(struct mh_json *j)
{
	mh_json_end_array(j);
	mh_json_end_object(j);
}

static void put_member(struct mh_listing *lines, const char *key, int known, uint64_t v)
{
	mh_listing_text(lines, key, strlen(key));
	if (known)
		mh_listing_u64(lines, v, 0);
	else
		mh_listing_text(lines, "null", 4);
}

/* One of millions of objects: it is made whole, and not asked what it may contain. */
static void put_object(struct mh_listing *lines, const struct mh_ev_region *g)
{
	put_member(lines, "{\"start\":", 1, g->start);
	put_member(lines, ",\"end\":", 1, g->end);
	put_member(lines, ",\"nr_accesses\":", 1, g->nr_accesses);
	put_member(lines, ",\"max_accesses\":", 1, g->max_accesses);
	put_member(lines, ",\"age\":", g->age != MH_NO_AGE, g->age);
	put_member(lines, ",\"touched\":", g->touched != MH_NO_BYTES, g->touched);
	mh_listing_char(lines, '}');
}

static int json_region(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct listing *l = arg;
	const struct mh_ev_region *g = &ev->region;
	int first = l->nr == 0;

	(void)err;
	if (is_new_snapshot(l, ev)) {
		if (!first)
			json_close_snapshot(&l->j);
		mh_json_object(&l->j);
		json_u64(&l->j, "target", target_of(l, g->pid));
		json_u64(&l->j, "start_ns", relative(l, g->start_ns));
		json_u64(&l->j, "end_ns", relative(l, ev->time_ns));
		json_interval(&l->j, "aggr_us", aggr_us(l, ev));
		mh_json_key(&l->j, "regions");
		mh_json_array(&l->j);
	}
	put_object(&l->lines, g);
	mh_json_raw(&l->j, l->lines.buf, l->lines.at);
	l->lines.at = 0;
	return MH_OK;
}

/* ---- CSV ---- */

static void put_field(struct mh_listing *lines, uint64_t v)
{
	mh_listing_u64(lines, v, 0);
	mh_listing_char(lines, ',');
}

static int csv_region(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct listing *l = arg;
	struct mh_listing *lines = &l->lines;
	const struct mh_ev_region *g = &ev->region;

	(void)err;
	put_field(lines, g->pid);
	put_field(lines, relative(l, g->start_ns));
	put_field(lines, relative(l, ev->time_ns));
	put_field(lines, g->start);
	put_field(lines, g->end);
	put_field(lines, g->nr_accesses);
	put_field(lines, g->max_accesses);
	if (g->age != MH_NO_AGE)
		mh_listing_u64(lines, g->age, 0);
	mh_listing_char(lines, ',');
	if (g->touched != MH_NO_BYTES)
		mh_listing_u64(lines, g->touched, 0);
	mh_listing_char(lines, '\n');
	return MH_OK;
}

static int walk(struct listing *l, struct regions_view *v, mh_event_fn fn,
		struct mh_err *err)
{
	struct mh_walk w = { .reader = mh_session_reader(l->r->session),
			     .filters = &l->r->opts->filters,
			     .kinds = 1u << MH_EV_REGION,
			     .source = (int)v->source + 1,
			     .fn = fn,
			     .arg = l };
	int status = mh_walk_run(&w, err);

	mh_listing_flush(&l->lines);
	v->from.nr_damaged += w.nr_damaged;
	v->from.nr_intervals = l->nr;
	return status;
}

/* ---- text, a snapshot at a time ---- */

struct access_listing {
	struct listing *l;
	struct mh_access access;
};

static int access_region(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct access_listing *a = arg;
	struct listing *l = a->l;
	uint64_t nr = l->nr;

	if (is_new_snapshot(l, ev)) {
		int status = nr ? mh_access_end(&a->access, l->out, err) : MH_OK;

		if (status != MH_OK)
			return status;
		fprintf(l->out,
			"%ssnapshot %" PRIu64 ", target %" PRIu64 ", %.3f s to %.3f s\n",
			nr ? "\n" : "", l->nr, target_of(l, ev->region.pid),
			(double)relative(l, ev->region.start_ns) / 1e9,
			(double)relative(l, ev->time_ns) / 1e9);
		a->access.aggr_us = aggr_us(l, ev);
	}
	return mh_access_add(&a->access, &ev->region, err);
}

static int write_access(struct listing *l, struct regions_view *v, struct mh_err *err)
{
	const struct mh_reader *reader = mh_session_reader(l->r->session);
	struct access_listing a = {
		.l = l, .access = { .opts = l->r->opts, .term = &l->r->term }
	};
	struct mh_walk w = { .reader = reader,
			     .filters = &l->r->opts->filters,
			     .kinds = 1u << MH_EV_REGION,
			     .source = (int)v->source + 1,
			     .fn = access_region,
			     .arg = &a };
	int status;

	status = mh_walk_run(&w, err);
	if (status == MH_OK && l->nr)
		status = mh_access_end(&a.access, l->out, err);
	v->from.nr_damaged += w.nr_damaged;
	v->from.nr_intervals = l->nr;
	mh_access_fini(&a.access);
	return status;
}

static int write_text(struct listing *l, struct regions_view *v, struct mh_err *err)
{
	int status;

	mh_report_header(l->out, &v->from, &l->r->term);
	fprintf(l->out, "\n\n");
	status = mh_access_wanted(l->r->opts) ? write_access(l, v, err)
					      : walk(l, v, text_region, err);
	if (!l->nr)
		fprintf(l->out, "No region passes the filters.\n");
	fputc('\n', l->out);
	mh_report_footer(l->out, &v->from);
	return status;
}

static int write_json(struct listing *l, struct regions_view *v, struct mh_err *err)
{
	const struct mh_reader *reader = mh_session_reader(l->r->session);
	int status;

	mh_report_json_begin(&l->j, l->out, "memheat.regions/1");
	json_interval(&l->j, "sample_us",
		      mh_source_number(reader, v->source, "sample_us"));
	json_interval(&l->j, "aggr_us", mh_source_number(reader, v->source, "aggr_us"));
	mh_json_key(&l->j, "snapshots");
	mh_json_array(&l->j);
	status = walk(l, v, json_region, err);
	if (l->nr)
		json_close_snapshot(&l->j);
	mh_json_end_array(&l->j);
	mh_report_json_from(&l->j, &v->from);
	mh_report_json_end(&l->j);
	return status;
}

static int write_as(struct listing *l, struct regions_view *v, struct mh_err *err)
{
	if (l->r->format == MH_REPORT_TEXT)
		return write_text(l, v, err);
	if (l->r->format == MH_REPORT_JSON)
		return write_json(l, v, err);
	fprintf(l->out, "target,start_ns,end_ns,start,end,nr_accesses,max_accesses,age,"
			"touched\n");
	return walk(l, v, csv_region, err);
}

static int write_view(FILE *out, const void *view, struct mh_report *r,
		      struct mh_err *err)
{
	/* The view is only where to look; counts are known when it was listed. */
	struct regions_view v = *(const struct regions_view *)view;
	struct listing l = { .out = out,
			     .r = r,
			     .maps = mh_session_maps(r->session),
			     .source = v.source,
			     .start_ns = v.from.start_ns };
	struct mh_intervals *intervals;
	int status;

	mh_listing_init(&l.lines, out);
	status = mh_intervals_read(&intervals, mh_session_reader(r->session), err);

	l.intervals = intervals;
	if (status == MH_OK)
		status = write_as(&l, &v, err);
	mh_intervals_free(intervals);
	return status;
}

const struct mh_report_type mh_report_regions = {
	.name = "regions",
	.summary = "every snapshot's regions, as recorded",
	.view_size = sizeof(struct regions_view),
	.analyze = analyze,
	.write = write_view,
	.fini = fini,
};
