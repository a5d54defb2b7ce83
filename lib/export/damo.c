/* SPDX-License-Identifier: MIT */
/*
 * A record for DAMO: json_compressed, one zlib stream of a list of records, each with the
 * snapshots of one target. The keys and their order are those that DAMO writes; values
 * are written so that nothing is rounded (DAMO itself rounds bytes to 3 decimals).
 *
 * A trace is in the order of time and a record is not: the trace is read once for the
 * targets, then once per target.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/vec.h"
#include "export/about.h"
#include "export/exporters.h"

#define CHUNK 65536

struct key {
	uint16_t source;
	uint32_t pid;
};

struct export
{
	FILE *out;
	const struct mh_reader *r;
	const struct mh_filter *filter;
	struct mh_intervals *intervals;
	z_stream z;
	bool failed; /* errno says why */
	uint8_t buf[CHUNK];
	struct {
		struct key *v;
		size_t nr, cap;
	} keys;
	/* of the record under way */
	uint16_t source;
	uint64_t start_ns, end_ns, bytes, nr_snapshots, nr_regions;
	bool filters;
};

/* ---- bytes ---- */

static void deflate_out(struct export *x, int flush)
{
	int ret;

	do {
		x->z.next_out = x->buf;
		x->z.avail_out = sizeof(x->buf);
		ret = deflate(&x->z, flush);
		if (fwrite(x->buf, 1, sizeof(x->buf) - x->z.avail_out, x->out) !=
		    sizeof(x->buf) - x->z.avail_out)
			x->failed = true;
	} while (!x->failed && ret != Z_STREAM_END &&
		 (x->z.avail_in || x->z.avail_out == 0));
}

static void put(struct export *x, const char *fmt, ...) MH_PRINTF(2, 3);

static void put(struct export *x, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mh_assert(len >= 0 && (size_t)len < sizeof(text));
	x->z.next_in = (uint8_t *)text;
	x->z.avail_in = (uInt)len;
	deflate_out(x, Z_NO_FLUSH);
}

/* Thousands with commas, as DAMO writes addresses. */
static const char *commas(char buf[32], uint64_t v)
{
	char *p = buf + 31;
	unsigned digits = 0;

	*p = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + v % 10);
		digits++;
		v /= 10;
	} while (v);
	return p;
}

/* ---- which records ---- */

static const char *meta(const struct export *x, uint16_t source, const char *name)
{
	char key[96];

	snprintf(key, sizeof(key), "source.%u.%s", source, name);
	return mh_reader_meta(x->r, key);
}

static bool is_damon(const struct export *x, uint16_t source)
{
	const char *name = meta(x, source, "name");

	return name && !strncmp(name, "damon", 5);
}

static int add_key(struct export *x, uint16_t source, uint32_t pid)
{
	struct key *k;
	size_t i;

	for (i = x->keys.nr; i-- > 0;)
		if (x->keys.v[i].source == source && x->keys.v[i].pid == pid)
			return 0;
	k = mh_vec_push(&x->keys);
	if (!k)
		return -1;
	*k = (struct key){ source, pid };
	return 0;
}

static int find_in_batch(struct export *x, const struct mh_batch *b)
{
	const uint32_t *pid = b->region.pid;
	uint32_t i;

	if (!is_damon(x, b->source))
		return 0;
	for (i = 0; i < b->nr; i++) {
		if (i && pid && pid[i] == pid[i - 1])
			continue;
		if (add_key(x, b->source, pid ? pid[i] : 0))
			return -1;
		if (!pid)
			break;
	}
	return 0;
}

typedef int (*batch_fn)(struct export *x, const struct mh_batch *b);

static int each_batch(struct export *x, const struct mh_filter *f, batch_fn fn,
		      struct mh_err *err)
{
	struct mh_cursor *c = NULL;
	struct mh_batch b;
	int ret = mh_cursor_open(&c, x->r, f, err);

	while (ret == MH_OK && (ret = mh_cursor_next(c, &b, err)) != MH_END) {
		if (ret == MH_EFORMAT) { /* a damaged block: go on with the next */
			ret = MH_OK;
			continue;
		}
		if (ret == MH_OK && fn(x, &b))
			ret = mh_fail(err, MH_ENOMEM, "no memory to export");
		if (ret == MH_OK && x->failed)
			ret = mh_fail_errno(err, "cannot write the record");
	}
	mh_cursor_close(c);
	return ret == MH_END ? MH_OK : ret;
}

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* ---- the heading of a record ---- */

static void put_number(struct export *x, uint16_t source, const char *key,
		       const char *name)
{
	const char *v = meta(x, source, name);

	put(x, "\"%s\": ", key);
	if (v)
		put(x, "%" PRIu64, (uint64_t)strtoull(v, NULL, 10));
	else
		put(x, "null");
	put(x, ", ");
}

static uint64_t number(const struct export *x, uint16_t source, const char *name)
{
	const char *v = meta(x, source, name);

	return v ? strtoull(v, NULL, 10) : 0;
}

static void put_goal(struct export *x, uint16_t source)
{
	const char *goal = meta(x, source, "intervals_goal");
	uint64_t v[4];

	if (!goal || sscanf(goal, "%" SCNu64 ":%" SCNu64 ":%" SCNu64 ":%" SCNu64, &v[0],
			    &v[1], &v[2], &v[3]) != 4)
		return;
	put(x,
	    ", \"intervals_goal\": {\"access_bp\": \"%" PRIu64 "\", \"aggrs\": \"%" PRIu64
	    "\", \"min_sample_us\": \"%" PRIu64 "\", \"max_sample_us\": \"%" PRIu64 "\"}",
	    v[0], v[1], v[2], v[3]);
}

static void put_intervals(struct export *x, uint16_t source)
{
	const char *said = meta(x, source, "intervals");
	uint64_t sample_us = number(x, source, "sample_us");
	uint64_t aggr_us = number(x, source, "aggr_us");

	if (!sample_us || !aggr_us || (said && !strcmp(said, "assumed"))) {
		put(x, "\"intervals\": null, ");
		return;
	}
	put(x,
	    "\"intervals\": {\"sample_us\": \"%" PRIu64 "\", \"aggr_us\": \"%" PRIu64
	    "\", \"ops_update_us\": \"%" PRIu64 "\"",
	    sample_us, aggr_us, number(x, source, "update_us"));
	put_goal(x, source);
	put(x, "}, ");
}

/* "allow non anon, reject memcg": what was kept of each filter. */
static void put_filters(struct export *x, uint16_t source)
{
	const char *p = meta(x, source, "filters");
	bool first = true;

	x->filters = p != NULL;
	put(x, "\"scheme_filters\": [");
	while (p && *p) {
		bool allow = strncmp(p, "reject ", 7) != 0, matching = true;
		size_t len;

		p += strcspn(p, " ");
		p += strspn(p, " ");
		if (!strncmp(p, "non ", 4)) {
			matching = false;
			p += 4;
		}
		len = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
		put(x,
		    "%s{\"filter_type\": \"%.*s\", \"matching\": %s, \"allow\": %s, "
		    "\"memcg_path\": \"\", \"address_range\": {\"start\": \"0\", "
		    "\"end\": \"0\"}, \"damon_target_idx\": \"0\", "
		    "\"hugepage_size\": [\"0\", \"0\"]}",
		    first ? "" : ", ", len > 31 ? 31 : (int)len, p,
		    matching ? "true" : "false", allow ? "true" : "false");
		first = false;
		p += strcspn(p, ",");
		p += strspn(p, ", ");
	}
	put(x, "], ");
}

static void put_target(struct export *x, const struct key *k)
{
	char name[32];
	const char *raw;

	snprintf(name, sizeof(name), "target.%" PRIu32, k->pid);
	raw = meta(x, k->source, name);
	/* What was imported without a target is a snapshot. */
	if (!raw && meta(x, k->source, "scheme"))
		put(x, "\"target_id\": null, ");
	else
		put(x, "\"target_id\": %" PRIu64 ", ",
		    raw ? (uint64_t)strtoull(raw, NULL, 10) : k->pid);
}

/* ---- snapshots ---- */

/* The aggregation interval is as many times as long when both are tuned. */
static uint64_t tuned_sample_us(const struct export *x)
{
	uint64_t sample_us = number(x, x->source, "sample_us"),
		 aggr_us = number(x, x->source, "aggr_us");

	if (!sample_us || aggr_us < sample_us)
		return 0;
	return mh_intervals_tuned(x->intervals, x->source, x->end_ns) / 1000 /
	       (aggr_us / sample_us);
}

static void close_snapshot(struct export *x)
{
	char sample[32] = "null";
	uint64_t tuned_us = tuned_sample_us(x);

	if (tuned_us)
		snprintf(sample, sizeof(sample), "\"%" PRIu64 "\"", tuned_us);
	if (x->nr_snapshots)
		put(x,
		    "], \"total_bytes\": \"%" PRIu64
		    "\", \"damos_stats\": null, \"sample_interval_us\": %s}",
		    x->bytes, sample);
	x->bytes = x->nr_regions = 0;
}

static void open_snapshot(struct export *x, uint64_t start_ns, uint64_t end_ns)
{
	close_snapshot(x);
	x->start_ns = start_ns;
	x->end_ns = end_ns;
	put(x,
	    "%s{\"start_time\": \"%" PRIu64 "\", \"end_time\": \"%" PRIu64
	    "\", \"regions\": [",
	    x->nr_snapshots++ ? ", " : "", start_ns, end_ns);
}

static void put_region(struct export *x, const struct mh_region_columns *c, uint32_t i)
{
	char start[32], end[32], age[32] = "null";
	uint64_t touched = c->touched ? c->touched[i] : MH_NO_BYTES;

	if (c->age && c->age[i] != MH_NO_AGE)
		snprintf(age, sizeof(age), "\"%" PRIu32 "\"", c->age[i]);
	put(x,
	    "%s{\"start\": \"%s\", \"end\": \"%s\", \"nr_accesses\": {\"samples\": "
	    "%" PRIu32 ", \"percent\": null}, \"age\": {\"usec\": null, "
	    "\"aggr_intervals\": %s}, \"sz_filter_passed\": \"%" PRIu64 "\"}",
	    x->nr_regions++ ? ", " : "", commas(start, c->start[i]),
	    commas(end, c->end[i]), c->nr_accesses ? c->nr_accesses[i] : 0, age,
	    touched == MH_NO_BYTES ? 0 : touched);
	x->bytes += c->end[i] - c->start[i];
}

static int put_batch(struct export *x, const struct mh_batch *b)
{
	const struct mh_region_columns *c = &b->region;
	uint32_t i;

	for (i = 0; i < b->nr; i++) {
		if (!x->nr_snapshots || c->start_ns[i] != x->start_ns ||
		    c->time_ns[i] != x->end_ns)
			open_snapshot(x, c->start_ns[i], c->time_ns[i]);
		put_region(x, c, i);
	}
	return 0;
}

static int put_record(struct export *x, const struct key *k, struct mh_err *err)
{
	const char *data_source = meta(x, k->source, "data_source");
	struct mh_filter f = *x->filter;
	int ret;

	f.kinds = 1u << MH_EV_REGION;
	f.source = k->source + 1;
	f.pids = &k->pid;
	f.nr_pids = 1;
	put(x, "{");
	put_number(x, k->source, "kdamond_idx", "kdamond");
	put_number(x, k->source, "context_idx", "context");
	put_intervals(x, k->source);
	put_number(x, k->source, "scheme_idx", "scheme");
	put_target(x, k);
	put_filters(x, k->source);
	put(x, "\"snapshots\": [");
	x->source = k->source;
	x->nr_snapshots = x->bytes = x->nr_regions = 0;
	ret = each_batch(x, &f, put_batch, err);
	close_snapshot(x);
	put(x, "], \"data_source\": \"%s\"",
	    data_source && !strcmp(data_source, "damon_stat") ? data_source : "unknown");
	return ret;
}

/* What the export says of itself, in the first record: DAMO asks for the keys that it
 * knows. */
static void put_about(struct export *x, const struct mh_export_input *in)
{
	const uint64_t *rows = mh_reader_info(in->reader)->rows;
	const char *name = meta(x, x->keys.v[0].source, "name");
	struct mh_about a;
	const char *c;
	size_t i;

	mh_about_begin(&a, "damo", in);
	mh_about_add(&a, "source: %s", name ? name : "?");
	mh_about_add(&a, "units: nr_accesses are checks that found an access; addresses "
			 "and sizes in bytes, times in ns");
	mh_about_left_out(&a, rows[MH_EV_SAMPLE] + rows[MH_EV_PAGES],
			  "samples and page maps of other sources",
			  "a record holds regions");
	mh_about_left_out(&a, rows[MH_EV_MAP], "mappings",
			  "a record has no place for them");
	put(x, ", \"memheat\": [");
	for (i = 0; i < a.nr; i++) {
		put(x, "%s\"", i ? ", " : "");
		for (c = a.lines[i]; *c; c++)
			put(x, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
		put(x, "\"");
	}
	put(x, "]");
}

static int put_records(struct export *x, const struct mh_export_input *in,
		       struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	put(x, "[");
	for (i = 0; ret == MH_OK && i < x->keys.nr; i++) {
		if (i)
			put(x, ", ");
		ret = put_record(x, &x->keys.v[i], err);
		if (ret == MH_OK && !i)
			put_about(x, in);
		put(x, "}");
	}
	put(x, "]");
	x->z.avail_in = 0;
	deflate_out(x, Z_FINISH);
	if (ret == MH_OK && (x->failed || fflush(x->out)))
		ret = mh_fail_errno(err, "cannot write the record");
	return ret;
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	static const struct mh_filter all;
	struct export *x = calloc(1, sizeof(*x));
	struct mh_filter f = all;
	int ret;

	if (!x || deflateInit(&x->z, Z_DEFAULT_COMPRESSION) != Z_OK) {
		free(x);
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	}
	x->out = out;
	x->r = in->reader;
	x->filter = &all;
	f.kinds = 1u << MH_EV_REGION;
	ret = each_batch(x, &f, find_in_batch, err);
	if (ret == MH_OK && !x->keys.nr)
		ret = mh_fail(err, MH_ENOSUP,
			      "there are no regions of DAMON to export; record with -s "
			      "damon");
	if (ret == MH_OK)
		ret = mh_intervals_read(&x->intervals, x->r, err);
	if (ret == MH_OK) {
		qsort(x->keys.v, x->keys.nr, sizeof(*x->keys.v), by_key);
		ret = put_records(x, in, err);
	}
	deflateEnd(&x->z);
	mh_intervals_free(x->intervals);
	free(x->keys.v);
	free(x);
	return ret;
}

const struct mh_exporter mh_exporter_damo = {
	.name = "damo",
	.summary = "DAMO's record (json_compressed) from DAMON's regions",
	.needs = MH_EXPORT_EVENTS | MH_EXPORT_BINARY,
	.run = run,
};
