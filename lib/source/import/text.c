/* SPDX-License-Identifier: MIT */
/*
 * The text of `memheat dump`, one event per line: the way back into a trace, and the way
 * to write a small one by hand. A line that cannot be understood ends the import with its
 * number, and nothing is kept: a person wrote it and can mend it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "source/import/import.h"

#define CHUNK 65536

struct text {
	struct mh_input *in;
	struct mh_wbuf line;
	uint64_t nr; /* lines */
	struct mh_event_scratch scratch;
};

static bool text_recognise(const uint8_t *head, size_t len)
{
	return len && !memchr(head, 0, len);
}

static int add_line(struct text *t, mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_event ev;
	struct mh_err why;
	int ret;

	if (t->line.bad)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (memchr(t->line.p, 0, t->line.len - 1))
		return mh_fail(err, MH_EFORMAT,
			       "%s:%" PRIu64 ": there is a zero byte; this is no text of "
			       "'memheat dump'",
			       t->in->name, t->nr);
	ret = mh_event_parse(&ev, (char *)t->line.p, &t->scratch, &why);
	if (ret == MH_END)
		return MH_OK;
	if (ret)
		return mh_fail(err, ret, "%s:%" PRIu64 ": %.400s", t->in->name, t->nr,
			       why.msg);
	return fn(arg, &ev, err);
}

/* The next line into t->line, its end replaced by a NUL; MH_END: there is none. */
static int next_line(struct text *t, struct mh_err *err)
{
	const uint8_t *p, *feed = NULL;
	size_t got;
	int ret;

	t->line.len = 0;
	do {
		ret = mh_input_peek(t->in, CHUNK, &p, &got, err);
		if (ret)
			return ret;
		if (!got)
			break;
		feed = memchr(p, '\n', got);
		if (feed)
			got = (size_t)(feed - p) + 1;
		mh_wbuf_bytes(&t->line, p, feed ? got - 1 : got);
		mh_input_take(t->in, got);
	} while (!feed);
	if (!feed && !t->line.len)
		return MH_END;
	mh_wbuf_u8(&t->line, 0);
	t->nr++;
	return MH_OK;
}

static int text_run(struct mh_input *in, const struct mh_import_opts *opts,
		    mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct text t = { .in = in };
	int ret;

	(void)opts;
	do {
		ret = next_line(&t, err);
		if (!ret)
			ret = add_line(&t, fn, arg, err);
	} while (!ret);
	mh_wbuf_fini(&t.line);
	mh_event_scratch_fini(&t.scratch);
	return ret == MH_END ? MH_OK : ret;
}

const struct mh_importer_ops mh_importer_text = {
	.pub = { .name = "text",
		 .summary = "the text that 'memheat dump' prints",
		 .all_or_nothing = 1 },
	.recognise = text_recognise,
	.run = text_run,
};
