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

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/vec.h"
#include "source/import/damo_values.h"

#define CHUNK      65536
#define PAD        8 /* behind a chunk, so that eight bytes can be moved at once */
#define DEPTH_MAX  64
#define NR_LISTS   (sizeof(element_of) / sizeof(element_of[0]))
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

/* What a key of an object stands for. */
enum what {
	OPENS_MAP, /* the place `opens` */
	OPENS_ARRAY,
	COUNT, /* numbers of these kinds, as strings or bare, at `offset` */
	BYTES,
	TIME_NS,
	TIME_US,
	BP,
	HITS, /* COUNT; "-1" stands for none */
	AGE_US,
	PERCENT, /* double, likewise */
	SOURCE,  /* text */
	FILTER_TYPE,
	MATCHING, /* true or false */
	ALLOW
};

struct key {
	const char *name;
	size_t len;
	enum what what;
	enum place opens;
	size_t offset; /* into struct parser */
};

struct parser {
	struct damo *d;
	struct damo_record record;
	struct damo_snapshot snap;
	struct damo_region region;
	enum place stack[DEPTH_MAX];
	unsigned depth;
	char name[32];         /* TOP: of the value that comes; "" in a list */
	const struct key *key; /* of the value that comes; NULL: none that matters */
	const struct key *guess[PROBES + 1]; /* by place: what followed the last key */
	bool snapshots_began, heading_late;
	bool after_line; /* only blanks came since a line feed */
	struct {
		char type[32];
		int matching, allow; /* -1: not said */
	} filter;
	size_t silent;
	bool stopped; /* status and *err say why */
	int status;
	struct mh_err *err;
};

#define AT(member) offsetof(struct parser, member)
#define KEY(name)  name, sizeof(name) - 1

static const struct key record_keys[] = {
	{ KEY("kdamond_idx"), COUNT, .offset = AT(record.kdamond) },
	{ KEY("context_idx"), COUNT, .offset = AT(record.context) },
	{ KEY("scheme_idx"), COUNT, .offset = AT(record.scheme) },
	{ KEY("target_id"), COUNT, .offset = AT(record.target) },
	{ KEY("intervals"), OPENS_MAP, INTERVALS, 0 },
	{ KEY("scheme_filters"), OPENS_ARRAY, FILTERS, 0 },
	{ KEY("snapshots"), OPENS_ARRAY, SNAPSHOTS, 0 },
	{ KEY("data_source"), SOURCE, .offset = AT(record.data_source) },
	{ 0 },
};

static const struct key interval_keys[] = {
	{ KEY("sample_us"), TIME_US, .offset = AT(record.sample_us) },
	{ KEY("aggr_us"), TIME_US, .offset = AT(record.aggr_us) },
	{ KEY("ops_update_us"), TIME_US, .offset = AT(record.update_us) },
	{ KEY("intervals_goal"), OPENS_MAP, GOAL, 0 },
	{ 0 },
};

static const struct key goal_keys[] = {
	{ KEY("access_bp"), BP, .offset = AT(record.goal_bp) },
	{ KEY("aggrs"), COUNT, .offset = AT(record.goal_aggrs) },
	{ KEY("min_sample_us"), TIME_US, .offset = AT(record.goal_min_us) },
	{ KEY("max_sample_us"), TIME_US, .offset = AT(record.goal_max_us) },
	{ 0 },
};

static const struct key filter_keys[] = {
	{ KEY("filter_type"), FILTER_TYPE, .offset = AT(filter.type) },
	{ KEY("matching"), MATCHING, .offset = 0 },
	{ KEY("allow"), ALLOW, .offset = 0 },
	{ KEY("filter_pass"), ALLOW, .offset = 0 },
	{ 0 },
};

static const struct key snapshot_keys[] = {
	{ KEY("start_time"), TIME_NS, .offset = AT(snap.start_ns) },
	{ KEY("end_time"), TIME_NS, .offset = AT(snap.end_ns) },
	{ KEY("regions"), OPENS_ARRAY, REGIONS, 0 },
	{ KEY("sample_interval_us"), TIME_US, .offset = AT(snap.sample_us) },
	{ 0 },
};

static const struct key region_keys[] = {
	{ KEY("start"), BYTES, .offset = AT(region.start) },
	{ KEY("end"), BYTES, .offset = AT(region.end) },
	{ KEY("nr_accesses"), OPENS_MAP, ACCESSES, 0 },
	{ KEY("age"), OPENS_MAP, AGE, 0 },
	{ KEY("sz_filter_passed"), BYTES, .offset = AT(region.passed) },
	{ KEY("probe_hits"), OPENS_ARRAY, PROBES, 0 },
	{ 0 },
};

static const struct key access_keys[] = {
	{ KEY("samples"), HITS, .offset = AT(region.samples) },
	{ KEY("percent"), PERCENT, .offset = AT(region.percent) },
	{ 0 },
};

static const struct key age_keys[] = {
	{ KEY("usec"), AGE_US, .offset = AT(region.age_us) },
	{ KEY("aggr_intervals"), HITS, .offset = AT(region.age_aggrs) },
	{ 0 },
};

static const struct key *const keys_of[] = {
	[RECORD] = record_keys,
	[INTERVALS] = interval_keys,
	[GOAL] = goal_keys,
	[FILTER] = filter_keys,
	[SNAPSHOT] = snapshot_keys,
	[REGION] = region_keys,
	[ACCESSES] = access_keys,
	[AGE] = age_keys,
	[PROBES] = NULL,
};

/* What a list's elements are. */
static const enum place element_of[] = {
	[FILTERS] = FILTER,
	[SNAPSHOTS] = SNAPSHOT,
	[REGIONS] = REGION,
	[PROBES] = SKIP,
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

/* A list of records, also inside an object that keeps other things beside it. */
static enum place opened_on_top(const struct parser *p, bool array)
{
	bool records = strstr(p->name, "record") != NULL;

	if (!p->depth)
		return TOP;
	if (array)
		return records || !*p->name ? TOP : SKIP;
	return records || !*p->name ? RECORD : SKIP;
}

static enum place opened(const struct parser *p, bool array)
{
	enum place in = now(p);

	if (in == TOP)
		return opened_on_top(p, array);
	if (p->key)
		return p->key->what == (array ? OPENS_ARRAY : OPENS_MAP) ? p->key->opens
									 : SKIP;
	return array || in >= NR_LISTS ? SKIP : element_of[in];
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
	p->name[0] = '\0';
	p->key = NULL;
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
	p->name[0] = '\0';
	p->key = NULL;
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

static int bad_value(struct parser *p, const char *s, size_t len)
{
	char where[48] = "";

	if (p->snapshots_began)
		snprintf(where, sizeof(where), "snapshot %" PRIu64 ": ",
			 p->d->nr_snapshots + 1);
	return stop(p, mh_fail(p->err, MH_EFORMAT, "%s: %s\"%s\" cannot be '%.*s'",
			       p->d->in->name, where, p->key->name,
			       len > 40 ? 40 : (int)len, s));
}

/* DAMO marks a snapshot that stands alone by a second one with "-1" in it. */
static bool is_minus_one(const char *s, size_t len)
{
	return len == 2 && s[0] == '-' && s[1] == '1';
}

static bool take_us(uint64_t *out, const char *s, size_t len)
{
	bool ok = mh_damo_time(out, s, len, 1000);

	*out /= 1000;
	return ok;
}

/* Numbers, as strings or bare; what takes none is passed over. */
static bool take(void *out, enum what what, const char *s, size_t len)
{
	switch (what) {
	case HITS:
		return is_minus_one(s, len) || mh_damo_count(out, s, len);
	case AGE_US:
		return is_minus_one(s, len) || take_us(out, s, len);
	case PERCENT:
		return is_minus_one(s, len) || mh_damo_percent(out, s, len);
	case COUNT:
		return mh_damo_count(out, s, len);
	case BYTES:
		return mh_damo_bytes(out, s, len);
	case BP:
		return mh_damo_bp(out, s, len);
	case TIME_NS:
		return mh_damo_time(out, s, len, 1);
	case TIME_US:
		return take_us(out, s, len);
	case OPENS_MAP:
	case OPENS_ARRAY:
	case SOURCE:
	case FILTER_TYPE:
	case MATCHING:
	case ALLOW:
		break;
	}
	return true;
}

static bool is_heading(enum place place)
{
	return place == RECORD || place == INTERVALS || place == GOAL;
}

static int on_scalar(struct parser *p, const char *s, size_t len)
{
	const struct key *k = p->key;

	p->silent = 0;
	if (!k)
		return 1;
	if (p->snapshots_began && is_heading(now(p)) && k->what >= COUNT && k->what <= BP)
		p->heading_late = true;
	return take((char *)p + k->offset, k->what, s, len) ? 1 : bad_value(p, s, len);
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;

	if (p->key && (p->key->what == FILTER_TYPE || p->key->what == SOURCE)) {
		_Static_assert(sizeof(p->filter.type) == sizeof(p->record.data_source),
			       "one size for both");
		snprintf((char *)p + p->key->offset, sizeof(p->filter.type), "%.*s",
			 len < 31 ? (int)len : 31, (const char *)s);
	}
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
	if (p->key && p->key->what == MATCHING)
		p->filter.matching = value;
	if (p->key && p->key->what == ALLOW)
		p->filter.allow = value;
	return 1;
}

/* Longer ones are none of ours. */
static void keep_name(struct parser *p, const unsigned char *s, size_t len)
{
	bool ours = len < sizeof(p->name) && !memchr(s, 0, len);

	snprintf(p->name, sizeof(p->name), "%.*s", ours ? (int)len : 1,
		 ours ? (const char *)s : "?");
}

static bool is_key(const struct key *k, const unsigned char *s, size_t len)
{
	return k->len == len && !memcmp(k->name, s, len);
}

/* A writer has one order of keys: mostly, the next one of the table comes next. */
static const struct key *key_of(struct parser *p, enum place in, const unsigned char *s,
				size_t len)
{
	const struct key *k = p->guess[in];

	if (!k || !is_key(k, s, len))
		for (k = keys_of[in]; k && k->name && !is_key(k, s, len);)
			k++;
	if (!k || !k->name)
		return NULL;
	p->guess[in] = k[1].name ? k + 1 : keys_of[in];
	return k;
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;
	enum place in = now(p);

	p->silent = 0;
	p->key = key_of(p, in, s, len);
	if (in == TOP)
		keep_name(p, s, len);
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

static uint64_t load(const unsigned char *from)
{
	uint64_t bytes;

	memcpy(&bytes, from, sizeof(bytes));
	return le64toh(bytes);
}

/* Blanks that @from begins with; something else is known to follow. */
static size_t blanks(const unsigned char *from)
{
	const unsigned char *begin = from;
	uint64_t others;

	while (!(others = load(from) ^ UINT64_C(0x2020202020202020)))
		from += 8;
	return (size_t)(from - begin) + (size_t)__builtin_ctzll(others) / 8;
}

/* Copy up to the next line feed, which is known to follow. Returns the bytes before it;
 * up to seven behind them are written too. */
static size_t copy_line(unsigned char *to, const unsigned char *from)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const unsigned char *begin = from;
	uint64_t bytes, found;

	for (;; from += 8, to += 8) {
		memcpy(to, from, 8);
		bytes = load(from) ^ ones * '\n';
		found = (bytes - ones) & ~bytes & ones << 7;
		if (found)
			break;
	}
	return (size_t)(from - begin) + (size_t)__builtin_ctzll(found) / 8;
}

/* Copy without the indentation. Returns the bytes that are left; both have PAD more. */
static size_t squeeze(struct parser *p, unsigned char *to, unsigned char *from,
		      size_t len)
{
	const unsigned char *begin = to, *end = from + len;

	memset(from + len, '\n', PAD);
	while (from < end) {
		if (p->after_line)
			from += blanks(from);
		len = copy_line(to, from);
		from += len;
		to += len;
		p->after_line &= !len;
		if (from < end) {
			*to++ = *from++;
			p->after_line = true;
		}
	}
	return (size_t)(to - begin);
}

static int parse(struct parser *p, yajl_handle h, const unsigned char *text, size_t len)
{
	if (yajl_parse(h, text, len) != yajl_status_ok)
		return explain(p, h);
	p->silent += len;
	if (p->silent > SILENT_MAX)
		return mh_fail(p->err, MH_EFORMAT, "%s: a value is longer than %u bytes",
			       p->d->in->name, SILENT_MAX);
	return MH_OK;
}

static int feed(struct parser *p, yajl_handle h, damo_read_fn read, void *arg)
{
	unsigned char *buf = malloc(2 * (CHUNK + PAD)), *text;
	size_t got = 1;
	int ret = MH_OK;

	if (!buf)
		return mh_fail(p->err, MH_ENOMEM, "no memory to read JSON");
	text = buf + CHUNK + PAD;
	while (ret == MH_OK && got) {
		ret = read(arg, buf, CHUNK, &got, p->err);
		if (ret == MH_OK)
			ret = parse(p, h, text, squeeze(p, text, buf, got));
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
