/* SPDX-License-Identifier: MIT */
/*
 * DAMO's records: which of their formats an input is, and the stream of JSON out of a
 * zlib stream. perf.data of DAMON's tracepoints is the perf importer's.
 */
#include "source/import/damo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "source/import/damo_side.h"

#define CHUNK 65536

static bool is_zlib(const uint8_t *head, size_t len)
{
	return len >= 2 && head[0] == 0x78 && (head[0] << 8 | head[1]) % 31 == 0;
}

static bool contains(const uint8_t *head, size_t len, const char *word)
{
	return memmem(head, len, word, strlen(word)) != NULL;
}

static bool is_binary(const uint8_t *head, size_t len)
{
	return len >= 16 && !memcmp(head, DAMO_BINARY_MAGIC, 16);
}

static bool is_json(const uint8_t *head, size_t len)
{
	size_t i = 0;

	while (i < len &&
	       (head[i] == ' ' || head[i] == '\t' || head[i] == '\n' || head[i] == '\r'))
		i++;
	return i < len && (head[i] == '[' || head[i] == '{');
}

static bool is_text(const uint8_t *head, size_t len)
{
	return contains(head, len, "damon_aggregated:") ||
	       contains(head, len, "damos_before_apply:") ||
	       contains(head, len, "damo_report_trace_output_format_version");
}

static bool recognise(const uint8_t *head, size_t len)
{
	return is_zlib(head, len) || is_binary(head, len) || is_text(head, len) ||
	       (is_json(head, len) && (contains(head, len, "\"snapshots\"") ||
				       contains(head, len, "\"target_id\"")));
}

/* ---- bytes ---- */

static int read_plain(void *arg, void *buf, size_t size, size_t *got, struct mh_err *err)
{
	struct damo_input *in = arg;

	*got = fread(buf, 1, size, in->f);
	if (!*got && ferror(in->f))
		return mh_fail_errno(err, "cannot read %s", in->name);
	return MH_OK;
}

struct inflater {
	struct damo_input *in;
	z_stream z;
	bool ended;
	uint8_t buf[CHUNK];
};

static int read_zlib(void *arg, void *buf, size_t size, size_t *got, struct mh_err *err)
{
	struct inflater *x = arg;
	size_t n;
	int ret = Z_OK;

	*got = 0;
	x->z.next_out = buf;
	x->z.avail_out = (uInt)size;
	while (x->z.avail_out && !x->ended) {
		if (!x->z.avail_in) {
			n = fread(x->buf, 1, sizeof(x->buf), x->in->f);
			if (!n && ferror(x->in->f))
				return mh_fail_errno(err, "cannot read %s", x->in->name);
			if (!n)
				return mh_fail(err, MH_EFORMAT,
					       "%s is cut short: its zlib stream has no "
					       "end",
					       x->in->name);
			x->z.next_in = x->buf;
			x->z.avail_in = (uInt)n;
		}
		ret = inflate(&x->z, Z_NO_FLUSH);
		x->ended = ret == Z_STREAM_END;
		if (ret == Z_MEM_ERROR)
			return mh_fail(err, MH_ENOMEM, "no memory to decompress");
		if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR)
			return mh_fail(err, MH_EFORMAT, "%s: damaged zlib stream: %s",
				       x->in->name, x->z.msg ? x->z.msg : "no reason");
	}
	*got = size - x->z.avail_out;
	return MH_OK;
}

#ifdef HAVE_YAJL
static int run_beside(struct damo *d, struct mh_err *err)
{
	return mh_damo_side_give(d->side, d->start_ns, d->fn, d->arg, err);
}

static int run_json(struct damo *d, damo_read_fn read, void *arg, struct mh_err *err)
{
	return mh_damo_json(d, read, arg, err);
}
#else
static int run_beside(struct damo *d, struct mh_err *err)
{
	(void)d;
	(void)err;
	return MH_OK;
}

static int run_json(struct damo *d, damo_read_fn read, void *arg, struct mh_err *err)
{
	(void)read;
	(void)arg;
	return mh_fail(err, MH_ENOSUP,
		       "%s is JSON, and memheat was built without yajl; build it with "
		       "the library (Debian: libyajl-dev)",
		       d->in->name);
}
#endif

static int run_zlib(struct damo *d, struct mh_err *err)
{
	struct inflater *x = calloc(1, sizeof(*x));
	int ret;

	if (!x)
		return mh_fail(err, MH_ENOMEM, "no memory to decompress");
	x->in = d->in;
	if (inflateInit(&x->z) != Z_OK) {
		free(x);
		return mh_fail(err, MH_ENOMEM, "no memory to decompress");
	}
	d->format = "DAMO json_compressed";
	ret = run_json(d, read_zlib, x, err);
	inflateEnd(&x->z);
	free(x);
	return ret;
}

/* Text has no zero bytes; the old record has them in its first number. */
static int run_other(struct damo *d, struct mh_err *err)
{
	if (is_binary(d->in->head, d->in->nr_head) ||
	    memchr(d->in->head, 0, d->in->nr_head)) {
		d->format = "DAMO record";
		return mh_damo_binary(d, err);
	}
	d->format = "DAMO perf_script";
	return mh_damo_text(d, err);
}

static int run_format(struct damo *d, struct mh_err *err)
{
	struct damo_input *in = d->in;
	int ret;

	if (in->nr_head >= 7 && !memcmp(in->head, "PERFILE", 7))
		return mh_fail(err, MH_EINPUT,
			       "%s is a perf.data; memheat import perf %s reads it",
			       in->name, in->name);
	if (is_zlib(in->head, in->nr_head)) {
		ret = run_zlib(d, err);
	} else if (is_json(in->head, in->nr_head)) {
		d->format = "DAMO json";
		ret = run_json(d, read_plain, in, err);
	} else {
		ret = run_other(d, err);
	}
	if (ret == MH_OK && !d->nr_snapshots)
		return mh_fail(err, MH_EFORMAT, "%s: there is no snapshot in it",
			       in->name);
	if (ret == MH_OK && d->probes)
		mh_log_say(d->log, MH_NOTICE,
			   "%s: hits of probes are left out; a trace keeps accesses, "
			   "ages and bytes that filters let pass",
			   in->name);
	return ret;
}

/* ---- the importer's input as a stream ---- */

struct cookie {
	struct mh_input *in;
	uint64_t begin;
	struct mh_err err; /* of the last read that failed */
};

static ssize_t cookie_read(void *arg, char *buf, size_t size)
{
	struct cookie *c = arg;
	const uint8_t *p;
	size_t got;

	size = size < MH_INPUT_PEEK_MAX ? size : MH_INPUT_PEEK_MAX;
	if (mh_input_peek(c->in, size, &p, &got, &c->err) != MH_OK) {
		errno = c->err.sys_errno ? c->err.sys_errno : EIO;
		return -1;
	}
	memcpy(buf, p, got);
	mh_input_take(c->in, got);
	return (ssize_t)got;
}

/* Back to the beginning, nothing else. */
static int cookie_seek(void *arg, off64_t *offset, int whence)
{
	struct cookie *c = arg;

	if (whence != SEEK_SET || *offset || !c->in->seekable)
		return -1;
	return mh_input_seek(c->in, c->begin, &c->err) == MH_OK ? 0 : -1;
}

static int run(struct mh_input *input, const struct mh_import_opts *opts, mh_event_fn fn,
	       void *arg, struct mh_err *err)
{
	static const cookie_io_functions_t io = { .read = cookie_read,
						  .seek = cookie_seek };
	struct cookie cookie = { .in = input, .begin = input->pos };
	struct damo_input in = { .name = input->name, .seekable = input->seekable };
	struct damo d = { .in = &in,
			  .log = opts ? opts->log : NULL,
			  .first_id = opts && opts->source ? opts->source : 1,
			  .fn = fn,
			  .arg = arg,
			  .start_ns = DAMO_UNKNOWN };
	struct damo_side side = { 0 };
	const uint8_t *head;
	int ret = mh_input_peek(input, sizeof(in.head), &head, &in.nr_head, err);

	if (ret != MH_OK)
		return ret;
	memcpy(in.head, head, in.nr_head);
	in.f = fopencookie(&cookie, "r", io);
	if (!in.f)
		return mh_fail(err, MH_ENOMEM, "no memory to read %s", in.name);
#ifdef HAVE_YAJL
	mh_damo_side_open(&side, in.name, d.log);
	d.side = &side;
#endif
	ret = run_format(&d, err);
	if (ret == MH_OK)
		ret = run_beside(&d, err);
	fclose(in.f);
	mh_damo_fini(&d);
	free(side.pids.v);
	return ret;
}

const struct mh_importer_ops mh_importer_damo = {
	.pub = { .name = "damo",
		 .summary = "DAMO's record: json_compressed, json, perf script text, old "
			    "binary" },
	.recognise = recognise,
	.run = run,
};
