/* SPDX-License-Identifier: MIT */
/*
 * DAMO's JSON, read as a stream: 700 MB of text pass through while one snapshot is in
 * memory. A stack says which object each bracket opened; a place with a rule is filled,
 * everything else is skipped, since DAMO adds keys from version to version.
 *
 * Two thirds of DAMO's text are indentation. A line feed cannot be inside a JSON string,
 * so blanks after one are taken out before the parser sees them, in a tenth of its time.
 *
 * The heading of a record (intervals, target) must come before its snapshots, as DAMO
 * writes it.
 */
#include "source/import/damo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/vec.h"
#include "source/import/damo_values.h"

#define CHUNK      65536
#define DEPTH_MAX  64
#define SILENT_MAX (1u << 20) /* bytes without a token: no value is that long */

enum place {
	SKIP,
	TOP, /* list of records, or an object around it */
	RECORD,
	INTERVALS,
	GOAL,
	FILTERS,
	FILTER,
	SNAPSHOTS,
	SNAPSHOT,
	REGIONS,
	REGION,
	ACCESSES,
	AGE,
	PROBES
};

struct parser {
	struct damo *d;
	struct damo_record record;
	struct damo_snapshot snap;
	struct damo_region region;
	enum place stack[DEPTH_MAX];
	unsigned depth;
	char key[32];              /* of the value that comes; "" in a list */
	const struct field *field; /* what it fills; NULL: nothing */
	bool snapshots_began, heading_late;
	bool after_line; /* the last byte of the chunk before was a line feed or a blank
			  */
	struct {
		char type[32];
		int matching, allow; /* -1: not said */
	} filter;
	size_t silent;
	bool stopped; /* status and *err say why */
	int status;
	struct mh_err *err;
};

static int stop(struct parser *p, int status)
{
	p->stopped = true;
	p->status = status;
	return 0;
}

static enum place now(const struct parser *p)
{
	return p->depth ? p->stack[p->depth - 1] : TOP;
}

/* ---- which object a bracket opens ---- */

struct rule {
	enum place in;
	const char *key;
	bool array;
	enum place opens;
};

static const struct rule rules[] = {
	{ RECORD, "intervals", false, INTERVALS },
	{ INTERVALS, "intervals_goal", false, GOAL },
	{ RECORD, "scheme_filters", true, FILTERS },
	{ FILTERS, "", false, FILTER },
	{ RECORD, "snapshots", true, SNAPSHOTS },
	{ SNAPSHOTS, "", false, SNAPSHOT },
	{ SNAPSHOT, "regions", true, REGIONS },
	{ REGIONS, "", false, REGION },
	{ REGION, "nr_accesses", false, ACCESSES },
	{ REGION, "age", false, AGE },
	{ REGION, "probe_hits", true, PROBES },
};

static enum place opened(const struct parser *p, bool array)
{
	enum place in = now(p);
	size_t i;

	/* A list of records, also inside an object that keeps other things beside it. */
	if (in == TOP && !p->depth)
		return TOP;
	if (in == TOP) {
		if (array)
			return strstr(p->key, "record") || !*p->key ? TOP : SKIP;
		return *p->key && !strstr(p->key, "record") ? SKIP : RECORD;
	}
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].in == in && rules[i].array == array &&
		    !strcmp(rules[i].key, p->key))
			return rules[i].opens;
	return SKIP;
}

static int begin(struct parser *p, enum place place)
{
	switch ((int)place) {
	case RECORD:
		mh_damo_record_init(&p->record);
		p->snapshots_began = p->heading_late = false;
		break;
	case SNAPSHOTS:
		p->snapshots_began = true;
		break;
	case SNAPSHOT:
		p->snap.start_ns = p->snap.end_ns = p->snap.sample_us = 0;
		p->snap.regions.nr = 0;
		break;
	case REGION:
		mh_damo_region_init(&p->region);
		break;
	case FILTER:
		p->filter.type[0] = '\0';
		p->filter.matching = p->filter.allow = -1;
		break;
	case PROBES:
		p->d->probes = true;
		break;
	}
	return 1;
}

static int push(struct parser *p, bool array)
{
	enum place place = opened(p, array);

	p->silent = 0;
	if (p->depth == DEPTH_MAX)
		return stop(p, mh_fail(p->err, MH_EFORMAT,
				       "%s: brackets are nested deeper than %d",
				       p->d->in->name, DEPTH_MAX));
	p->stack[p->depth++] = place;
	p->key[0] = '\0';
	p->field = NULL;
	return begin(p, place);
}

static void keep_filter(struct parser *p)
{
	char *to = p->record.filters;
	size_t len = strlen(to), size = sizeof(p->record.filters);

	snprintf(to + len, size - len, "%s%s %s%s", len ? ", " : "",
		 p->filter.allow == 0 ? "reject" : "allow",
		 p->filter.matching == 0 ? "non " : "", p->filter.type);
}

static int keep_region(struct parser *p)
{
	struct damo_region *r;

	if (p->snap.regions.nr == DAMO_REGIONS_MAX)
		return stop(p, mh_fail(p->err, MH_EFORMAT,
				       "%s: a snapshot has more than %u regions",
				       p->d->in->name, DAMO_REGIONS_MAX));
	r = mh_vec_push(&p->snap.regions);
	if (!r)
		return stop(p, mh_fail(p->err, MH_ENOMEM, "no memory for a snapshot"));
	*r = p->region;
	return 1;
}

static int end(struct parser *p)
{
	enum place place = now(p);
	int status;

	p->silent = 0;
	p->depth--;
	p->key[0] = '\0';
	p->field = NULL;
	switch ((int)place) {
	case REGION:
		return keep_region(p);
	case FILTER:
		keep_filter(p);
		return 1;
	case SNAPSHOT:
		status = mh_damo_give(p->d, &p->record, &p->snap, p->err);
		return status == MH_OK ? 1 : stop(p, status);
	case RECORD:
		if (p->heading_late)
			return stop(p, mh_fail(p->err, MH_EFORMAT,
					       "%s: a record tells its target or "
					       "intervals after its snapshots; DAMO "
					       "writes them before",
					       p->d->in->name));
		return 1;
	}
	return 1;
}

/* ---- values ---- */

enum type {
	COUNT,
	BYTES,
	TIME_NS,
	TIME_US,
	BP
};

struct field {
	enum place in;
	const char *key;
	enum type type;
	size_t offset; /* into struct parser */
};

#define AT(member) offsetof(struct parser, member)

static const struct field fields[] = {
	{ REGION, "start", BYTES, AT(region.start) },
	{ REGION, "end", BYTES, AT(region.end) },
	{ ACCESSES, "samples", COUNT, AT(region.samples) },
	{ AGE, "aggr_intervals", COUNT, AT(region.age_aggrs) },
	{ AGE, "usec", TIME_US, AT(region.age_us) },
	{ REGION, "sz_filter_passed", BYTES, AT(region.passed) },
	{ SNAPSHOT, "start_time", TIME_NS, AT(snap.start_ns) },
	{ SNAPSHOT, "end_time", TIME_NS, AT(snap.end_ns) },
	{ SNAPSHOT, "sample_interval_us", TIME_US, AT(snap.sample_us) },
	{ RECORD, "kdamond_idx", COUNT, AT(record.kdamond) },
	{ RECORD, "context_idx", COUNT, AT(record.context) },
	{ RECORD, "scheme_idx", COUNT, AT(record.scheme) },
	{ RECORD, "target_id", COUNT, AT(record.target) },
	{ INTERVALS, "sample_us", TIME_US, AT(record.sample_us) },
	{ INTERVALS, "aggr_us", TIME_US, AT(record.aggr_us) },
	{ INTERVALS, "ops_update_us", TIME_US, AT(record.update_us) },
	{ GOAL, "access_bp", BP, AT(record.goal_bp) },
	{ GOAL, "aggrs", COUNT, AT(record.goal_aggrs) },
	{ GOAL, "min_sample_us", TIME_US, AT(record.goal_min_us) },
	{ GOAL, "max_sample_us", TIME_US, AT(record.goal_max_us) },
};

static bool take(uint64_t *out, enum type type, const char *s, size_t len)
{
	bool ok = false;

	switch (type) {
	case COUNT:
		return mh_damo_count(out, s, len);
	case BYTES:
		return mh_damo_bytes(out, s, len);
	case BP:
		return mh_damo_bp(out, s, len);
	case TIME_NS:
		return mh_damo_time(out, s, len, 1);
	case TIME_US:
		ok = mh_damo_time(out, s, len, 1000);
		*out /= 1000;
		return ok;
	}
	return ok;
}

static int bad_value(struct parser *p, const char *s, size_t len)
{
	char where[48] = "";

	if (p->snapshots_began)
		snprintf(where, sizeof(where), "snapshot %" PRIu64 ": ",
			 p->d->nr_snapshots + 1);
	return stop(p,
		    mh_fail(p->err, MH_EFORMAT, "%s: %s\"%s\" cannot be '%.*s'",
			    p->d->in->name, where, p->key, len > 40 ? 40 : (int)len, s));
}

/* DAMO marks a snapshot that stands alone by a second one with "-1" in it. */
static bool is_minus_one(const char *s, size_t len)
{
	return len == 2 && s[0] == '-' && s[1] == '1';
}

static const struct field *field_of(enum place in, const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].in == in && *fields[i].key == *key &&
		    !strcmp(fields[i].key, key))
			return &fields[i];
	return NULL;
}

static int on_scalar(struct parser *p, const char *s, size_t len)
{
	enum place in = now(p);
	const struct field *f = p->field;

	p->silent = 0;
	if (f) {
		p->heading_late |= p->snapshots_began && in != SNAPSHOT && in != REGION &&
				   in != ACCESSES && in != AGE;
		if ((in == ACCESSES || in == AGE) && is_minus_one(s, len))
			return 1;
		if (!take((uint64_t *)(void *)((char *)p + f->offset), f->type, s, len))
			return bad_value(p, s, len);
		return 1;
	}
	if (in == ACCESSES && !strcmp(p->key, "percent") &&
	    !mh_damo_percent(&p->region.percent, s, len))
		return bad_value(p, s, len);
	return 1;
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;
	int n = len < 31 ? (int)len : 31;

	if (now(p) == FILTER && !strcmp(p->key, "filter_type"))
		snprintf(p->filter.type, sizeof(p->filter.type), "%.*s", n,
			 (const char *)s);
	if (now(p) == RECORD && !strcmp(p->key, "data_source"))
		snprintf(p->record.data_source, sizeof(p->record.data_source), "%.*s", n,
			 (const char *)s);
	return on_scalar(p, (const char *)s, len);
}

static int on_number(void *ctx, const char *s, size_t len)
{
	return on_scalar(ctx, s, len);
}

static int on_null(void *ctx)
{
	((struct parser *)ctx)->silent = 0;
	return 1;
}

static int on_boolean(void *ctx, int value)
{
	struct parser *p = ctx;

	p->silent = 0;
	if (now(p) != FILTER)
		return 1;
	if (!strcmp(p->key, "matching"))
		p->filter.matching = value;
	if (!strcmp(p->key, "allow") || !strcmp(p->key, "filter_pass"))
		p->filter.allow = value;
	return 1;
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;

	p->silent = 0;
	/* Longer ones are none of ours. */
	if (len >= sizeof(p->key) || memchr(s, 0, len)) {
		s = (const unsigned char *)"?";
		len = 1;
	}
	memcpy(p->key, s, len);
	p->key[len] = '\0';
	p->field = field_of(now(p), p->key);
	return 1;
}

static int on_map(void *ctx)
{
	return push(ctx, false);
}

static int on_array(void *ctx)
{
	return push(ctx, true);
}

static int on_end(void *ctx)
{
	return end(ctx);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_end,
};

/* ---- feeding ---- */

static int explain(struct parser *p, yajl_handle h)
{
	unsigned char *words;

	if (p->stopped)
		return p->status;
	words = yajl_get_error(h, 0, NULL, 0);
	mh_fail(p->err, MH_EFORMAT,
		"%s: not the JSON of a DAMO record, after %" PRIu64 " snapshots: %.200s",
		p->d->in->name, p->d->nr_snapshots, words ? (const char *)words : "");
	if (words)
		yajl_free_error(h, words);
	p->err->msg[strcspn(p->err->msg, "\n")] = '\0';
	return MH_EFORMAT;
}

static size_t blanks(const unsigned char *p, const unsigned char *end)
{
	static const char eight[8] = { ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ' };
	const unsigned char *from = p;

	while (end - p >= 8 && !memcmp(p, eight, 8))
		p += 8;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return (size_t)(p - from);
}

/* Take out the indentation, in place. Returns the bytes that are left. */
static size_t squeeze(struct parser *p, unsigned char *buf, size_t len)
{
	const unsigned char *from = buf, *end = buf + len, *line;
	unsigned char *to = buf;

	if (p->after_line)
		from += blanks(from, end);
	p->after_line &= from == end;
	while (from < end) {
		line = memchr(from, '\n', (size_t)(end - from));
		len = (size_t)((line ? line + 1 : end) - from);
		memmove(to, from, len);
		to += len;
		from += len;
		if (line)
			from += blanks(from, end);
		p->after_line = line && from == end;
	}
	return (size_t)(to - buf);
}

static int feed(struct parser *p, yajl_handle h, damo_read_fn read, void *arg)
{
	unsigned char *buf = malloc(CHUNK);
	size_t got, left;
	int ret;

	if (!buf)
		return mh_fail(p->err, MH_ENOMEM, "no memory to read JSON");
	while ((ret = read(arg, buf, CHUNK, &got, p->err)) == MH_OK && got) {
		left = squeeze(p, buf, got);
		if (yajl_parse(h, buf, left) != yajl_status_ok) {
			ret = explain(p, h);
			break;
		}
		p->silent += left;
		if (p->silent > SILENT_MAX) {
			ret = mh_fail(p->err, MH_EFORMAT,
				      "%s: a value is longer than %u bytes",
				      p->d->in->name, SILENT_MAX);
			break;
		}
	}
	if (ret == MH_OK && yajl_complete_parse(h) != yajl_status_ok)
		ret = explain(p, h);
	free(buf);
	return ret;
}

int mh_damo_json(struct damo *d, damo_read_fn read, void *arg, struct mh_err *err)
{
	struct mh_err own = { 0 };
	struct parser p = { .d = d, .err = err ? err : &own };
	yajl_handle h = yajl_alloc(&callbacks, NULL, &p);
	int ret;

	if (!h)
		return mh_fail(err, MH_ENOMEM, "no memory to read JSON");
	mh_damo_record_init(&p.record);
	ret = feed(&p, h, read, arg);
	yajl_free(h);
	free(p.snap.regions.v);
	return ret;
}
