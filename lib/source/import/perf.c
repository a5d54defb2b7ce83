/* SPDX-License-Identifier: MIT */
/*
 * perf.data: the frame around the records. A file begins with a header that says where
 * the events' attributes, the records and the descriptions ("features") are; a pipe has
 * all of that as records. Either may be of the other byte order, have attributes longer
 * than any known here, or be compressed.
 *
 * Memory does not grow with the recording: one input buffer, one of inflated bytes, and
 * perf_order.h's. Damage ends the reading where the next record cannot be found any more;
 * a record that is wrong in itself is passed over.
 *
 * Not read: the first version's files (before Linux 2.6.34) and directories of files.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/import/perf_import.h"

#define FILE_HEADER_SIZE 104
#define PIPE_HEADER_SIZE 16
#define SECTION_MAX      (8u << 20)
#define PLAIN_SIZE       (1u << 18)

/* perf's own records. */
enum {
	RECORD_USER_FIRST = 64,
	RECORD_HEADER_ATTR = 64,
	RECORD_TRACING_DATA = 66,
	RECORD_BUILD_ID = 67,
	RECORD_FINISHED_ROUND = 68,
	RECORD_AUXTRACE_INFO = 70,
	RECORD_AUXTRACE = 71,
	RECORD_EVENT_UPDATE = 78,
	RECORD_TIME_CONV = 79,
	RECORD_FEATURE = 80,
	RECORD_COMPRESSED = 81,
	RECORD_COMPRESSED2 = 83,
	RECORD_USER_LAST = 84
};

#define EVENT_UPDATE_NAME 2

struct section {
	uint64_t offset, size;
};

struct header {
	uint64_t size, attr_size;
	struct section attrs, data;
	uint64_t features[4];
};

/* Inflated bytes: a record may begin in one chunk and end in the next. */
struct plain {
	uint8_t *p;
	size_t len;
};

int mh_perf_meta(struct perf_import *p, struct mh_err *err, const char *key,
		 const char *fmt, ...)
{
	struct mh_event ev;
	char value[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	mh_event_init(&ev, MH_EV_META);
	ev.meta.key = key;
	ev.meta.value = value;
	return p->fn(p->arg, &ev, err);
}

int mh_perf_damaged(struct perf_import *p, const char *fmt, ...)
{
	va_list args;

	if (*p->damage.msg)
		return MH_EFORMAT;
	va_start(args, fmt);
	vsnprintf(p->damage.msg, sizeof(p->damage.msg), fmt, args);
	va_end(args);
	return MH_EFORMAT;
}

/* ---- byte order ---- */

static bool magic_of(const uint8_t *head, size_t len, bool *little)
{
	if (len < 8)
		return false;
	*little = !memcmp(head, "PERFILE2", 8);
	return *little || !memcmp(head, "2ELIFREP", 8);
}

static bool perf_recognise(const uint8_t *head, size_t len)
{
	bool little;

	return magic_of(head, len, &little) || (len >= 8 && !memcmp(head, "PERFFILE", 8));
}

static struct mh_rbuf cursor(const struct perf_import *p, const uint8_t *bytes,
			     size_t len)
{
	struct mh_rbuf b = mh_rbuf(bytes, len);

	b.swap = p->swap;
	return b;
}

/* ---- what records of perf's own say ---- */

static int read_attr(struct perf_import *p, const uint8_t *body, size_t len,
		     struct mh_err *err)
{
	struct mh_rbuf b = cursor(p, body, len);
	int ret = mh_perf_attrs_add(&p->attrs, &b, 0, err);

	p->started = false;
	while (!ret && mh_rbuf_left(&b) >= 8)
		ret = mh_perf_attrs_add_id(&p->attrs, mh_rbuf_host_u64(&b),
					   p->attrs.nr - 1, err);
	if (ret == MH_EFORMAT)
		ret = mh_perf_damaged(p, "%s: %.300s", p->in->name, err ? err->msg : "");
	return ret;
}

static void read_update(struct perf_import *p, const uint8_t *body, size_t len)
{
	struct mh_rbuf b = cursor(p, body, len);
	uint64_t what = mh_rbuf_host_u64(&b);
	struct perf_attr *a = mh_perf_attrs_by_id(&p->attrs, mh_rbuf_host_u64(&b));
	char *name;

	if (b.bad || what != EVENT_UPDATE_NAME || !a || a->told)
		return;
	name = strndup((const char *)b.p, mh_rbuf_left(&b));
	if (name && *name) {
		free(a->name);
		a->name = name;
	} else {
		free(name);
	}
}

static int read_feature_record(struct perf_import *p, const uint8_t *body, size_t len,
			       struct mh_err *err)
{
	struct mh_rbuf b = cursor(p, body, len);
	uint64_t bit = mh_rbuf_host_u64(&b);

	return b.bad || bit > 255
		       ? MH_OK
		       : mh_perf_feature(p, (unsigned)bit, b.p, mh_rbuf_left(&b), err);
}

/* Of @len bytes behind a record @there are. */
static int check_payload(struct perf_import *p, uint64_t there, uint64_t len)
{
	int ret = MH_OK;

	if (there < len && !p->killed)
		ret = mh_perf_damaged(p,
				      "%s: it is truncated: %" PRIu64 " of %" PRIu64
				      " bytes of AUX data are there",
				      p->in->name, there, len);
	return ret;
}

/* Bytes that stand behind a record and do not belong to it. */
static int skip_payload(struct perf_import *p, uint64_t len, struct mh_err *err)
{
	uint64_t skipped;
	int ret = mh_input_skip(p->in, len, &skipped, err);

	return ret ? ret : check_payload(p, skipped, len);
}

/* @b: of the record, behind its size */
static int read_aux(struct perf_import *p, struct mh_rbuf b, uint64_t size,
		    struct mh_err *err)
{
	uint64_t done;
	int ret;

	if (!mh_perf_spe_wanted(p)) {
		p->count.aux_bytes += size;
		return skip_payload(p, size, err);
	}
	ret = mh_perf_spe_data(p, b, size, &done, err);
	return ret ? ret : check_payload(p, done, size);
}

static int read_tracing_data(struct perf_import *p, uint32_t size, struct mh_err *err)
{
	uint32_t len = (size + 7) & ~7u, done = 0;
	const uint8_t *bytes;
	uint8_t *all;
	size_t got;
	int ret = MH_OK;

	if (size > SECTION_MAX)
		return skip_payload(p, len, err);
	all = malloc(len + 1);
	if (!all)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	while (!ret && done < len) {
		uint32_t want = len - done;

		if (want > MH_INPUT_PEEK_MAX)
			want = MH_INPUT_PEEK_MAX;
		ret = mh_input_peek(p->in, want, &bytes, &got, err);
		if (ret || !got)
			break;
		memcpy(all + done, bytes, got);
		mh_input_take(p->in, got);
		done += (uint32_t)got;
	}
	if (!ret)
		ret = mh_perf_feature(p, 1, all, done < size ? done : size, err);
	free(all);
	return ret;
}

/* ---- records ---- */

static int dispatch(struct perf_import *p, const uint8_t *record, size_t len, uint64_t at,
		    struct mh_err *err)
{
	struct mh_rbuf b = cursor(p, record, len);
	uint32_t type = mh_rbuf_host_u32(&b);
	const uint8_t *body = record + 8;
	size_t body_len = len - 8;

	p->count.records++;
	switch (type) {
	case RECORD_FINISHED_ROUND:
		return mh_perf_order_round(&p->order, err);
	case RECORD_HEADER_ATTR:
		return p->pipe ? read_attr(p, body, body_len, err) : MH_OK;
	case RECORD_EVENT_UPDATE:
		read_update(p, body, body_len);
		return MH_OK;
	case RECORD_FEATURE:
		return read_feature_record(p, body, body_len, err);
	case RECORD_AUXTRACE_INFO:
		mh_perf_spe_info(p, cursor(p, body, body_len));
		return MH_OK;
	case RECORD_TIME_CONV:
		mh_perf_spe_time(p, cursor(p, body, body_len));
		return MH_OK;
	case RECORD_BUILD_ID:
		return mh_perf_build_id(p, record, len, err);
	case RECORD_COMPRESSED:
	case RECORD_COMPRESSED2:
		return mh_perf_damaged(
			p,
			"%s: at byte %" PRIu64
			" there is a compressed record in a compressed one",
			p->in->name, at);
	default:
		if (type < RECORD_USER_FIRST)
			return mh_perf_record(p, record, len, at, err);
		p->count.unknown_types += type > RECORD_USER_LAST;
		return MH_OK;
	}
}

/* The length of the record at @b; 0: there can be none. */
static size_t record_len(const struct perf_import *p, const uint8_t *head)
{
	struct mh_rbuf b = cursor(p, head, 8);

	mh_rbuf_host_u32(&b);
	mh_rbuf_host_u16(&b);
	return mh_rbuf_host_u16(&b);
}

static int no_record(struct perf_import *p, size_t len, uint64_t at)
{
	return mh_perf_damaged(p,
			       "%s: the record at byte %" PRIu64 " says that it is %zu "
			       "bytes long; nothing behind it can be read",
			       p->in->name, at, len);
}

static int read_plain(struct perf_import *p, struct plain *z, uint64_t at,
		      struct mh_err *err)
{
	size_t done = 0, len;
	int ret = MH_OK;

	while (!ret && z->len - done >= 8) {
		len = record_len(p, z->p + done);
		if (len < 8)
			return no_record(p, len, at);
		if (len > z->len - done)
			break;
		ret = dispatch(p, z->p + done, len, at, err);
		done += len;
	}
	memmove(z->p, z->p + done, z->len - done);
	z->len -= done;
	return ret;
}

static int read_compressed(struct perf_import *p, struct plain *z, const uint8_t *in,
			   size_t len, uint64_t at, struct mh_err *err)
{
	struct mh_err why = { 0 };
	size_t done, nr;
	int ret = MH_OK;
	bool full;

	if (!p->inflate)
		ret = mh_perf_inflate_new(&p->inflate, err);
	if (!ret && !z->p && !(z->p = malloc(PLAIN_SIZE)))
		ret = mh_fail(err, MH_ENOMEM, "out of memory");
	do {
		if (ret)
			return ret;
		ret = mh_perf_inflate_step(p->inflate, in, len, &done, z->p + z->len,
					   PLAIN_SIZE - z->len, &nr, &why);
		if (ret == MH_EFORMAT)
			return mh_perf_damaged(
				p,
				"%s: the compressed record at byte %" PRIu64
				" cannot be inflated (%.100s)",
				p->in->name, at, why.msg);
		if (ret)
			return mh_fail(err, ret, "%s", why.msg);
		full = nr == PLAIN_SIZE - z->len;
		z->len += nr;
		in += done;
		len -= done;
		ret = read_plain(p, z, at, err);
	} while (len || full);
	return ret;
}

/*
 * A record of the outer stream, which has been taken from the input already: @record is a
 * copy where something behind it must be read.
 */
static int read_outer(struct perf_import *p, struct plain *z, const uint8_t *record,
		      size_t len, uint64_t at, struct mh_err *err)
{
	struct mh_rbuf b = cursor(p, record, len);
	uint32_t type = mh_rbuf_host_u32(&b);
	uint64_t size;

	mh_rbuf_host_u32(&b);
	switch (type) {
	case RECORD_COMPRESSED:
		p->count.records++;
		return read_compressed(p, z, b.p, mh_rbuf_left(&b), at, err);
	case RECORD_COMPRESSED2:
		p->count.records++;
		size = mh_rbuf_host_u64(&b);
		if (b.bad || size > mh_rbuf_left(&b))
			return mh_perf_damaged(
				p,
				"%s: the compressed record at byte %" PRIu64
				" is longer than itself",
				p->in->name, at);
		return read_compressed(p, z, b.p, (size_t)size, at, err);
	case RECORD_AUXTRACE:
		p->count.records++;
		size = mh_rbuf_host_u64(&b);
		if (b.bad)
			return no_record(p, len, at);
		return read_aux(p, b, size, err);
	case RECORD_TRACING_DATA:
		p->count.records++;
		return p->pipe ? read_tracing_data(p, mh_rbuf_host_u32(&b), err) : MH_OK;
	default:
		return dispatch(p, record, len, at, err);
	}
}

static int cut_off(struct perf_import *p, uint64_t at, size_t got)
{
	if (p->killed) {
		if (got)
			mh_log_say(
				p->log, MH_WARNING,
				"%s: its last record was not finished, %zu bytes of it "
				"are left out",
				p->in->name, got);
		return MH_END;
	}
	return mh_perf_damaged(p, "%s: it is truncated at byte %" PRIu64, p->in->name,
			       at + got);
}

static int read_one(struct perf_import *p, struct plain *z, uint64_t end,
		    struct mh_err *err)
{
	uint64_t at = p->in->pos, left = end > at ? end - at : 0;
	uint8_t copy[64];
	const uint8_t *record;
	size_t len, got;
	int ret;

	if (!left)
		return MH_END;
	ret = mh_input_peek(p->in, 8, &record, &got, err);
	if (ret)
		return ret;
	if (!got && p->pipe)
		return MH_END;
	if (got < 8)
		return cut_off(p, at, got);
	len = record_len(p, record);
	if (len < 8 || len > left)
		return no_record(p, len, at);
	ret = mh_input_peek(p->in, len, &record, &got, err);
	if (ret)
		return ret;
	if (got < len)
		return cut_off(p, at, got);
	/* Payloads move the buffer; only short records have one. */
	if (len <= sizeof(copy)) {
		memcpy(copy, record, len);
		record = copy;
	}
	mh_input_take(p->in, len);
	return read_outer(p, z, record, len, at, err);
}

static int read_records(struct perf_import *p, uint64_t end, struct mh_err *err)
{
	struct plain z = { 0 };
	int ret;

	do
		ret = read_one(p, &z, end, err);
	while (ret == MH_OK);
	if (ret == MH_END && z.len && !p->killed)
		mh_perf_damaged(p, "%s: its compressed stream ends within a record",
				p->in->name);
	free(z.p);
	return ret == MH_END || (ret == MH_EFORMAT && *p->damage.msg) ? MH_OK : ret;
}

/* ---- sections of a file ---- */

/* Up to SECTION_MAX bytes of a section; *len is less than its size when it is cut. */
static int load(struct perf_import *p, const struct section *s, uint8_t **out,
		size_t *len, struct mh_err *err)
{
	uint64_t there = p->in->size > s->offset ? p->in->size - s->offset : 0;
	uint64_t want = s->size < there ? s->size : there;
	const uint8_t *bytes;
	size_t got;
	int ret;

	if (want > SECTION_MAX)
		want = SECTION_MAX;
	*len = 0;
	*out = malloc((size_t)want + 1);
	if (!*out)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	ret = want ? mh_input_seek(p->in, s->offset, err) : MH_OK;
	while (!ret && *len < want) {
		size_t more = (size_t)want - *len;

		ret = mh_input_peek(p->in,
				    more < MH_INPUT_PEEK_MAX ? more : MH_INPUT_PEEK_MAX,
				    &bytes, &got, err);
		if (ret || !got)
			break;
		memcpy(*out + *len, bytes, got);
		mh_input_take(p->in, got);
		*len += got;
	}
	return ret;
}

static int read_ids(struct perf_import *p, const struct section *s, struct mh_err *err)
{
	struct mh_rbuf b;
	uint8_t *bytes;
	size_t len;
	int ret = load(p, s, &bytes, &len, err);

	if (!ret) {
		b = cursor(p, bytes, len);
		while (!ret && mh_rbuf_left(&b) >= 8)
			ret = mh_perf_attrs_add_id(&p->attrs, mh_rbuf_host_u64(&b),
						   p->attrs.nr - 1, err);
	}
	free(bytes);
	return ret;
}

static struct section read_section(struct mh_rbuf *b)
{
	struct section s;

	s.offset = mh_rbuf_host_u64(b);
	s.size = mh_rbuf_host_u64(b);
	return s;
}

static int read_attrs(struct perf_import *p, const struct header *h, struct mh_err *err)
{
	uint64_t each = h->attr_size;
	struct section ids;
	struct mh_rbuf b, one;
	uint8_t *bytes;
	size_t len;
	int ret;

	if (each < 64 + 16 || each > 4096 + 16 || h->attrs.size < each)
		return mh_fail(err, MH_EFORMAT,
			       "%s: its header is damaged: events of %" PRIu64
			       " bytes in %" PRIu64,
			       p->in->name, each, h->attrs.size);
	ret = load(p, &h->attrs, &bytes, &len, err);
	b = cursor(p, bytes, len);
	while (!ret && mh_rbuf_left(&b) >= each) {
		one = cursor(p, mh_rbuf_bytes(&b, (size_t)each), (size_t)each);
		ret = mh_perf_attrs_add(&p->attrs, &one, (uint32_t)each - 16, err);
		one = cursor(p, b.p - 16, 16);
		ids = read_section(&one);
		if (!ret)
			ret = read_ids(p, &ids, err);
	}
	free(bytes);
	if (!ret && !p->attrs.nr)
		ret = mh_fail(err, MH_EFORMAT, "%s: it is truncated before its events",
			      p->in->name);
	return ret;
}

static int read_features(struct perf_import *p, const struct header *h,
			 struct mh_err *err)
{
	struct section table = { h->data.offset + h->data.size, 16 * 256 }, s;
	uint8_t *bytes, *body;
	size_t len, body_len;
	struct mh_rbuf b;
	unsigned bit;
	int ret;

	if (p->killed || table.offset < h->data.offset)
		return MH_OK;
	ret = load(p, &table, &bytes, &len, err);
	b = cursor(p, bytes, len);
	for (bit = 0; bit < 256 && !ret; bit++) {
		if (!(h->features[bit / 64] >> bit % 64 & 1))
			continue;
		s = read_section(&b);
		if (b.bad) {
			mh_perf_damaged(
				p,
				"%s: it is truncated: what it says of the machine "
				"and of its events is cut off",
				p->in->name);
			break;
		}
		ret = load(p, &s, &body, &body_len, err);
		if (!ret)
			ret = mh_perf_feature(p, bit, body, body_len, err);
		free(body);
	}
	free(bytes);
	return ret;
}

static void parse_header(const struct perf_import *p, struct header *h,
			 const uint8_t *bytes, size_t len)
{
	struct mh_rbuf b = cursor(p, bytes, len);
	size_t i;

	*h = (struct header){ 0 };
	mh_rbuf_host_u64(&b); /* magic */
	h->size = mh_rbuf_host_u64(&b);
	h->attr_size = mh_rbuf_host_u64(&b);
	h->attrs = read_section(&b);
	h->data = read_section(&b);
	read_section(&b); /* event types: not written since 2013 */
	for (i = 0; i < 4; i++)
		h->features[i] = mh_rbuf_host_u64(&b);
}

static int read_file(struct perf_import *p, const struct header *h, struct mh_err *err)
{
	uint64_t end = h->data.offset + h->data.size;
	int ret;

	if (!p->in->seekable)
		return mh_fail(
			err, MH_EINPUT,
			"%s: this perf.data can only be read from a file, since "
			"what describes it stands at its end; give the file's name",
			p->in->name);
	if (end < h->data.offset)
		return mh_fail(err, MH_EFORMAT, "%s: its header is damaged", p->in->name);
	p->killed = !h->data.size;
	if (p->killed) {
		end = UINT64_MAX;
		mh_log_say(p->log, MH_WARNING,
			   "%s: its recorder was killed; what it wrote is read, events "
			   "have no names of their own",
			   p->in->name);
	}
	ret = read_attrs(p, h, err);
	if (!ret)
		ret = read_features(p, h, err);
	if (!ret)
		ret = mh_input_seek(p->in, h->data.offset, err);
	if (!ret && p->killed && p->in->size <= h->data.offset)
		return MH_OK;
	return ret ? ret : read_records(p, end, err);
}

/* ---- the whole ---- */

static int read_any(struct perf_import *p, struct mh_err *err)
{
	const uint8_t *head;
	struct header h;
	bool little;
	size_t len;
	int ret = mh_input_peek(p->in, FILE_HEADER_SIZE, &head, &len, err);

	if (ret)
		return ret;
	if (!magic_of(head, len, &little))
		return mh_fail(err, MH_EINPUT, "%s is no perf.data%s", p->in->name,
			       len >= 8 && !memcmp(head, "PERFFILE", 8)
				       ? " of version 2; version 1 (before Linux 2.6.34) "
					 "is not read"
				       : "");
	p->swap = little != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
	parse_header(p, &h, head, len);
	p->pipe = h.size == PIPE_HEADER_SIZE;
	if (p->pipe) {
		mh_input_take(p->in, PIPE_HEADER_SIZE);
		return read_records(p, UINT64_MAX, err);
	}
	if (len < FILE_HEADER_SIZE)
		return mh_fail(err, MH_EFORMAT, "%s: it is truncated within its header",
			       p->in->name);
	return read_file(p, &h, err);
}

static int perf_run(struct mh_input *in, const struct mh_import_opts *opts,
		    mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct perf_import p = { .in = in,
				 .log = opts->log,
				 .fn = fn,
				 .arg = arg,
				 .first_source = opts->source ? opts->source : 1 };
	size_t i;
	int ret;

	mh_perf_order_init(&p.order, fn, arg);
	ret = read_any(&p, err);
	if (!ret)
		ret = mh_perf_finish(&p, err);
	if (!ret && *p.damage.msg)
		ret = mh_fail(err, MH_EFORMAT, "%s", p.damage.msg);
	for (i = 0; i < PERF_NR_SOURCES; i++)
		mh_chains_fini(&p.chains[i]);
	mh_perf_inflate_free(p.inflate);
	mh_perf_damon_fini(&p.damon);
	mh_perf_features_fini(&p);
	mh_perf_spe_fini(&p.spe);
	mh_perf_attrs_fini(&p.attrs);
	mh_perf_order_fini(&p.order);
	return ret;
}

const struct mh_importer_ops mh_importer_perf = {
	.pub = { .name = "perf",
		 .summary =
			 "perf.data, as 'perf record' writes it, in a file or a pipe" },
	.recognise = perf_recognise,
	.run = perf_run,
};
