/* SPDX-License-Identifier: MIT */
/*
 * profile.proto of pprof, gzip'd: stacks are code, innermost first, with callers where
 * samples have call chains (a caller's address is in the call); the object that was
 * accessed is the label "data", its type "type", the level "mem_lvl", the process "pid".
 * `pprof -tagleaf=data` makes the object the leaf.
 *
 * Addresses of data are left out: a label of its own for each would make profiles that
 * the stores of others choke on.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/vec.h"
#include "export/about.h"
#include "export/exporters.h"
#include "export/pairs.h"

/* Field numbers of profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,
	TYPE_TYPE = 1,
	TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STR = 2,
	LABEL_NUM = 3,
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_OFFSET = 4,
	MAPPING_FILENAME = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILENAME = 4,
	FUNCTION_START_LINE = 5
};

/* Things with a number each, by their bytes. */
struct numbers {
	struct {
		char **v; /* owned */
		size_t nr, cap;
	} keys;
	uint32_t *slots; /* 1 + index */
	size_t nr_slots;
};

struct writer {
	const struct mh_profile *p;
	struct mh_wbuf b;
	struct numbers strings, functions;
	bool bad; /* out of memory */
};

/* ---- protobuf ---- */

static void put_number(struct mh_wbuf *b, unsigned field, uint64_t v)
{
	mh_wbuf_varint(b, field << 3);
	mh_wbuf_varint(b, v);
}

static void put_bytes(struct mh_wbuf *b, unsigned field, const void *p, size_t len)
{
	mh_wbuf_varint(b, field << 3 | 2);
	mh_wbuf_varint(b, len);
	mh_wbuf_bytes(b, p, len);
}

/* Consumes @part. */
static void put_message(struct mh_wbuf *b, unsigned field, struct mh_wbuf *part)
{
	b->bad |= part->bad;
	put_bytes(b, field, part->p, part->len);
	mh_wbuf_fini(part);
}

/* ---- numbering ---- */

static uint64_t hash(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

static uint32_t *slot_of(const struct numbers *n, const char *key)
{
	size_t i = hash(key) & (n->nr_slots - 1);

	while (n->slots[i] && strcmp(n->keys.v[n->slots[i] - 1], key) != 0)
		i = (i + 1) & (n->nr_slots - 1);
	return &n->slots[i];
}

static bool grow(struct numbers *n)
{
	size_t i;

	if (n->keys.nr * 2 < n->nr_slots)
		return true;
	free(n->slots);
	n->nr_slots = n->nr_slots ? n->nr_slots * 2 : 1024;
	n->slots = calloc(n->nr_slots, sizeof(*n->slots));
	for (i = 0; n->slots && i < n->keys.nr; i++)
		*slot_of(n, n->keys.v[i]) = (uint32_t)i + 1;
	return n->slots;
}

/* Index of @key; *fresh: it was not there. */
static uint32_t number_of(struct writer *w, struct numbers *n, const char *key,
			  bool *fresh)
{
	uint32_t *slot;
	char **name;

	*fresh = false;
	if (w->bad || !grow(n)) {
		w->bad = true;
		return 0;
	}
	slot = slot_of(n, key);
	if (*slot)
		return *slot - 1;
	name = mh_vec_push(&n->keys);
	if (name)
		*name = strdup(key);
	if (!name || !*name) {
		w->bad = true;
		return 0;
	}
	*slot = (uint32_t)n->keys.nr;
	*fresh = true;
	return *slot - 1;
}

static uint32_t string(struct writer *w, const char *s)
{
	bool fresh;

	return number_of(w, &w->strings, s, &fresh);
}

static void numbers_fini(struct numbers *n)
{
	size_t i;

	for (i = 0; i < n->keys.nr; i++)
		free(n->keys.v[i]);
	free(n->keys.v);
	free(n->slots);
}

/* ---- parts ---- */

static void put_type(struct writer *w, unsigned field, const char *type, const char *unit)
{
	struct mh_wbuf t = { 0 };

	put_number(&t, TYPE_TYPE, string(w, type));
	put_number(&t, TYPE_UNIT, string(w, unit));
	put_message(&w->b, field, &t);
}

static uint32_t function(struct writer *w, const char *name,
			 const struct mh_profile_frame *f)
{
	char key[MH_LABEL_MAX + 512];
	struct mh_wbuf m = { 0 };
	uint32_t id;
	bool fresh;

	snprintf(key, sizeof(key), "%s\n%.480s\n%u", name, f ? f->file : "",
		 f ? f->start_line : 0);
	id = number_of(w, &w->functions, key, &fresh) + 1;
	if (!fresh)
		return id;
	put_number(&m, FUNCTION_ID, id);
	put_number(&m, FUNCTION_NAME, string(w, name));
	put_number(&m, FUNCTION_SYSTEM_NAME, string(w, name));
	if (f && *f->file)
		put_number(&m, FUNCTION_FILENAME, string(w, f->file));
	if (f && f->start_line)
		put_number(&m, FUNCTION_START_LINE, f->start_line);
	put_message(&w->b, PROFILE_FUNCTION, &m);
	return id;
}

/* The last location is for samples without code. */
static void put_location(struct writer *w, uint32_t code)
{
	const struct mh_profile_code *c =
		code < w->p->nr_codes ? &w->p->codes[code] : NULL;
	uint32_t which = c ? code : MH_PROFILE_NONE, i;
	struct mh_wbuf l = { 0 };
	char label[MH_LABEL_MAX];

	put_number(&l, LOCATION_ID, (uint64_t)code + 1);
	if (c && c->map != MH_PROFILE_NONE)
		put_number(&l, LOCATION_MAPPING, (uint64_t)c->map + 1);
	if (c)
		put_number(&l, LOCATION_ADDRESS, c->addr);
	for (i = 0; i < mh_label_frames(w->p, which); i++) {
		const struct mh_profile_frame *f =
			c && c->nr_frames ? &c->frames[i] : NULL;
		struct mh_wbuf line = { 0 };

		mh_label_code(label, w->p, which, i);
		put_number(&line, LINE_FUNCTION, function(w, label, f));
		if (f && f->line)
			put_number(&line, LINE_LINE, f->line);
		put_message(&l, LOCATION_LINE, &line);
	}
	put_message(&w->b, PROFILE_LOCATION, &l);
}

static void put_mapping(struct writer *w, size_t i)
{
	const struct mh_profile_map *map = &w->p->maps[i];
	struct mh_wbuf m = { 0 };

	put_number(&m, MAPPING_ID, i + 1);
	put_number(&m, MAPPING_START, map->addr.start);
	put_number(&m, MAPPING_LIMIT, map->addr.end);
	put_number(&m, MAPPING_OFFSET, map->pgoff);
	put_number(&m, MAPPING_FILENAME, string(w, *map->path ? map->path : map->name));
	if (*map->build_id)
		put_number(&m, MAPPING_BUILD_ID, string(w, map->build_id));
	put_number(&m, MAPPING_HAS_FUNCTIONS, 1);
	put_message(&w->b, PROFILE_MAPPING, &m);
}

static void put_label(struct writer *w, struct mh_wbuf *sample, const char *key,
		      const char *value)
{
	struct mh_wbuf l = { 0 };

	if (!value || !*value)
		return;
	put_number(&l, LABEL_KEY, string(w, key));
	put_number(&l, LABEL_STR, string(w, value));
	put_message(sample, SAMPLE_LABEL, &l);
}

static void put_sample(struct writer *w, const struct mh_profile_row *row)
{
	const struct mh_profile_object *o = &w->p->objects[row->object];
	uint64_t location = row->code == MH_PROFILE_NONE ? w->p->nr_codes : row->code;
	struct mh_wbuf s = { 0 }, packed = { 0 }, label = { 0 };
	uint32_t caller;

	mh_wbuf_varint(&packed, location + 1);
	for (caller = row->caller; caller != MH_PROFILE_NONE;
	     caller = w->p->callers[caller].parent)
		mh_wbuf_varint(&packed, (uint64_t)w->p->callers[caller].code + 1);
	put_message(&s, SAMPLE_LOCATION, &packed);
	mh_wbuf_varint(&packed, row->events);
	mh_wbuf_varint(&packed, row->bytes);
	if (w->p->has_cycles)
		mh_wbuf_varint(&packed, row->cycles);
	put_message(&s, SAMPLE_VALUE, &packed);
	put_label(w, &s, "data", o->name);
	put_label(w, &s, "type", o->type);
	put_label(w, &s, "mem_lvl", row->level ? mh_mem_level_name(row->level) : NULL);
	put_number(&label, LABEL_KEY, string(w, "pid"));
	put_number(&label, LABEL_NUM, o->pid);
	put_message(&s, SAMPLE_LABEL, &label);
	put_message(&w->b, PROFILE_SAMPLE, &s);
}

static bool same_stack(const struct mh_profile_row *a, const struct mh_profile_row *b)
{
	return a->code == b->code && a->object == b->object && a->caller == b->caller;
}

/* Rows of one code, object and caller stand together; they differ by address and level.
 */
static void put_samples(struct writer *w)
{
	const struct mh_profile *p = w->p;
	size_t i, next, j;
	unsigned level;

	for (i = 0; i < p->nr_rows; i = next) {
		struct mh_profile_row sum[MH_NR_MEM_LEVELS];

		memset(sum, 0, sizeof(sum));
		for (next = i; next < p->nr_rows; next++) {
			const struct mh_profile_row *r = &p->rows[next];

			if (!same_stack(r, &p->rows[i]))
				break;
			j = r->level < MH_NR_MEM_LEVELS ? r->level : 0;
			sum[j].code = r->code;
			sum[j].object = r->object;
			sum[j].caller = r->caller;
			sum[j].level = (uint8_t)j;
			sum[j].samples += r->samples;
			sum[j].events += r->events;
			sum[j].bytes += r->bytes;
			sum[j].cycles += r->cycles;
		}
		for (level = 0; level < MH_NR_MEM_LEVELS; level++)
			if (sum[level].samples)
				put_sample(w, &sum[level]);
	}
}

static void put_head(struct writer *w, const struct mh_export_input *in)
{
	const char *real = mh_reader_meta(in->reader, "trace.realtime_ns");
	struct mh_about about;
	size_t i;

	mh_about_profile(&about, "pprof", in);
	mh_about_add(&about, "bytes: of memory that was hit, in units of %u",
		     in->profile->grain);
	mh_about_add(&about, "left out: addresses of data: too many labels");
	for (i = 0; i < about.nr; i++)
		put_number(&w->b, PROFILE_COMMENT, string(w, about.lines[i]));
	put_type(w, PROFILE_SAMPLE_TYPE, "accesses", "count");
	put_type(w, PROFILE_SAMPLE_TYPE, "bytes", "bytes");
	if (w->p->has_cycles)
		put_type(w, PROFILE_SAMPLE_TYPE, "latency", "cycles");
	put_number(&w->b, PROFILE_DEFAULT_TYPE, string(w, "accesses"));
	put_type(w, PROFILE_PERIOD_TYPE, w->p->events, "count");
	if (w->p->period)
		put_number(&w->b, PROFILE_PERIOD, w->p->period);
	if (real)
		put_number(&w->b, PROFILE_TIME_NANOS, strtoull(real, NULL, 10));
	put_number(&w->b, PROFILE_DURATION_NANOS, w->p->from.duration_ns);
}

static void put_all(struct writer *w, const struct mh_export_input *in)
{
	size_t i;

	string(w, ""); /* number 0 by contract */
	put_head(w, in);
	for (i = 0; i < w->p->nr_maps; i++)
		put_mapping(w, i);
	for (i = 0; i <= w->p->nr_codes; i++)
		put_location(w, (uint32_t)i);
	put_samples(w);
	for (i = 0; i < w->strings.keys.nr; i++)
		put_bytes(&w->b, PROFILE_STRING, w->strings.keys.v[i],
			  strlen(w->strings.keys.v[i]));
}

#define GZIP_WINDOW (15 + 16)

static int write_gzip(FILE *out, const struct mh_wbuf *b, struct mh_err *err)
{
	z_stream z = { .next_in = b->p, .avail_in = (uInt)b->len };
	uint8_t buf[65536] = { 0 };
	int ret;

	if (b->len > UINT32_MAX ||
	    deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	do {
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		ret = deflate(&z, Z_FINISH);
		/* cppcheck-suppress uninitvar ; deflate() fills it */
		fwrite(buf, 1, sizeof(buf) - z.avail_out, out);
	} while (ret == Z_OK);
	deflateEnd(&z);
	return ret == Z_STREAM_END ? MH_OK
				   : mh_fail(err, MH_ENOMEM, "no memory to export");
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct writer w = { .p = in->profile };
	int ret;

	put_all(&w, in);
	ret = w.bad || w.b.bad ? mh_fail(err, MH_ENOMEM, "no memory to export")
			       : write_gzip(out, &w.b, err);
	mh_wbuf_fini(&w.b);
	numbers_fini(&w.strings);
	numbers_fini(&w.functions);
	return ret;
}

const struct mh_exporter mh_exporter_pprof = {
	.name = "pprof",
	.summary = "profile.proto for pprof, Parca and Pyroscope",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CODE | MH_EXPORT_BINARY | MH_EXPORT_CHAINS,
	.run = run,
};
