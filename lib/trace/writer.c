/* SPDX-License-Identifier: MIT */
/*
 * The writer. Events become rows of the log; when a kind has as many as a block holds, or
 * the log is full, blocks are made of them and appended, each with one write(). Tables
 * come before the data that refers to them. Rows of slow sources stay in the log (they
 * are carried over) until there are enough of them, so that they do not pay for the pace
 * of a fast one.
 *
 * Does not encode in threads: callers that have them encode batches themselves
 * (trace/encode.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "trace/columnar.h"
#include "trace/index.h"
#include "trace/log.h"

/* Blocks of fewer rows than this are carried over, if the log has room for them. */
#define SMALL_BLOCK 16384
#define CARRY_MAX   MH_LOG_CARRY

/* Rows of one kind and source that are in no block yet. */
struct open_block {
	uint16_t kind, source;
	uint32_t nr, cap;
	const uint8_t **rows; /* in the log */
	uint64_t bytes;
};

struct mh_writer {
	int fd;
	bool is_pipe, failed;
	char *path;
	uint8_t uuid[16];
	const struct mh_log *log;
	uint64_t offset, seq, index_offset;
	uint64_t nr_blocks;
	uint32_t flush_ms;
	uint64_t oldest_ns; /* when the first open row came, by flush_ms's clock */
	struct mh_rowlog rows;
	struct {
		struct open_block *v;
		size_t nr, cap;
	} open;
	struct open_block *last; /* the one added to last */
	struct mh_encoder *encoder;
	struct mh_wbuf block;
	struct mh_index index;
	struct mh_columnar *columns; /* that rows are turned into */
	struct mh_event *events;
	uint64_t count[MH_NR_EVENT_KINDS];
};

static int write_all(struct mh_writer *w, const uint8_t *p, size_t len,
		     struct mh_err *err)
{
	while (len) {
		ssize_t n = write(w->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int status;

			if (!n)
				errno = ENOSPC;
			status = mh_fail_errno(err, "cannot write '%s'", w->path);
			/* What is there stays readable: whole blocks only. */
			w->failed = true;
			if (!w->is_pipe && ftruncate(w->fd, (off_t)w->offset) < 0)
				mh_log_say(w->log, MH_WARNING,
					   "'%s' ends with a part of a block", w->path);
			return status == MH_EPERM ? MH_ESYS : status;
		}
		p += n;
		len -= (size_t)n;
	}
	return MH_OK;
}

static int say_failed(struct mh_writer *w, struct mh_err *err)
{
	return mh_fail(err, MH_ESYS, "'%s' could not be written to before", w->path);
}

static int open_file(struct mh_writer *w, struct mh_err *err)
{
	struct stat st;

	if (strcmp(w->path, "-") == 0) {
		w->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		w->is_pipe = true;
	} else {
		w->fd = open(w->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	}
	if (w->fd < 0 || fstat(w->fd, &st) < 0)
		return mh_fail_errno(err, "cannot create '%s'", w->path);
	if (!S_ISREG(st.st_mode))
		w->is_pipe = true;
	else if (!w->is_pipe && fchmod(w->fd, 0600) < 0)
		return mh_fail_errno(err, "cannot set the mode of '%s'", w->path);
	return MH_OK;
}

static int make_uuid(struct mh_writer *w, struct mh_err *err)
{
	size_t have = 0;

	while (have < sizeof(w->uuid)) {
		ssize_t n = getrandom(w->uuid + have, sizeof(w->uuid) - have, 0);

		if (n < 0 && errno != EINTR)
			return mh_fail_errno(err, "no random numbers");
		have += n > 0 ? (size_t)n : 0;
	}
	return MH_OK;
}

/* The log of open rows: shared beside the trace where that can be. */
static int open_rows(struct mh_writer *w, const struct mh_writer_opts *opts,
		     struct mh_err *err)
{
	struct mh_err why = { 0 };
	char *tail = NULL;
	int status;

	if (!w->is_pipe && asprintf(&tail, "%s.tail", w->path) < 0)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	/* A tail left by an earlier recording into this file is of no use any more. */
	if (tail)
		unlink(tail);
	status =
		mh_rowlog_open(&w->rows, opts->no_tail ? NULL : tail, w->uuid, &why, err);
	if (!status && !w->rows.path && !w->flush_ms)
		w->flush_ms = 1000;
	if (!status && why.msg[0])
		mh_log_say(w->log, MH_NOTICE, "%s; blocks close every %u ms instead",
			   why.msg, w->flush_ms);
	free(tail);
	return status;
}

int mh_writer_open(struct mh_writer **out, const char *path,
		   const struct mh_writer_opts *opts, struct mh_err *err)
{
	static const struct mh_writer_opts defaults;
	struct mh_file_head head = { .major = MH_FORMAT_MAJOR,
				     .minor = MH_FORMAT_MINOR,
				     .header_len = MH_FILE_HEADER_LEN };
	uint8_t bytes[MH_FILE_HEADER_LEN];
	struct mh_writer *w = calloc(1, sizeof(*w));
	int status;

	*out = NULL;
	if (!w)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (!opts)
		opts = &defaults;
	w->fd = -1;
	w->log = opts->log;
	w->flush_ms = opts->flush_ms;
	w->path = strdup(path);
	status = w->path ? MH_OK : mh_fail(err, MH_ENOMEM, "out of memory");
	if (!status)
		status = make_uuid(w, err);
	if (!status)
		status = mh_encoder_new(&w->encoder, opts->policy, err);
	if (!status)
		status = open_file(w, err);
	if (!status)
		status = open_rows(w, opts, err);
	if (status)
		goto out;
	memcpy(head.uuid, w->uuid, sizeof(head.uuid));
	mh_file_head_put(bytes, &head);
	status = write_all(w, bytes, sizeof(bytes), err);
	w->offset = sizeof(bytes);
out:
	if (status) {
		w->failed = true;
		(void)!mh_writer_close(w, NULL);
		return status;
	}
	*out = w;
	return MH_OK;
}

/* ---- blocks ---- */

static int write_index(struct mh_writer *w, struct mh_err *err)
{
	uint64_t here = w->offset;
	struct mh_block_head head;
	int status;

	w->block.len = 0;
	status = mh_index_block(w->encoder, &w->index, w->index_offset, &w->block, err);
	if (status)
		return status;
	mh_assert(mh_block_head_get(&head, w->block.p));
	head.seq = w->seq;
	head.uuid4 = mh_uuid4(w->uuid);
	mh_block_head_put(w->block.p, &head);
	status = write_all(w, w->block.p, w->block.len, err);
	if (status)
		return status;
	w->offset += w->block.len;
	w->index_offset = here;
	w->index.nr = 0;
	return MH_OK;
}

/* Write one encoded block. Index blocks come in between when enough have gathered. */
static int write_block(struct mh_writer *w, uint8_t *block, size_t len,
		       struct mh_err *err)
{
	struct mh_block_head head;
	struct mh_entry *entry;
	int status;

	mh_assert(mh_block_head_get(&head, block) &&
		  mh_block_len(head.stored_len) == len);
	head.seq = w->seq;
	head.uuid4 = mh_uuid4(w->uuid);
	mh_block_head_put(block, &head);
	entry = mh_vec_push(&w->index);
	if (!entry)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*entry = mh_entry_of(&head, w->offset);
	status = write_all(w, block, len, err);
	if (status) {
		w->index.nr--;
		return status;
	}
	w->offset += len;
	w->seq++;
	w->nr_blocks++;
	if (head.kind < MH_NR_EVENT_KINDS)
		w->count[head.kind] += head.items;
	return w->index.nr < MH_INDEX_MAX ? MH_OK : write_index(w, err);
}

/* Make a batch of an open block's rows. */
static int gather(struct mh_writer *w, const struct open_block *o, struct mh_batch *batch,
		  struct mh_err *err)
{
	bool columns = o->kind == MH_EV_SAMPLE || o->kind == MH_EV_REGION;
	struct mh_event ev;
	uint32_t i;
	int status;

	*batch = (struct mh_batch){ .kind = o->kind, .source = o->source, .nr = o->nr };
	if (columns) {
		status = w->columns ? MH_OK : mh_columnar_new(&w->columns, err);
		if (status)
			return status;
		for (i = 0; i < o->nr; i++) {
			mh_row_get(o->rows[i], &ev);
			mh_columnar_set(w->columns, i, &ev);
		}
		mh_columnar_lend(w->columns, batch);
		return MH_OK;
	}
	if (!w->events)
		w->events = malloc(MH_BATCH_MAX * sizeof(*w->events));
	if (!w->events)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (i = 0; i < o->nr; i++)
		mh_row_get(o->rows[i], &w->events[i]);
	batch->events = w->events;
	return MH_OK;
}

static int write_rows(struct mh_writer *w, struct open_block *o, struct mh_err *err)
{
	struct mh_batch batch;
	int status;

	status = gather(w, o, &batch, err);
	if (status)
		return status;
	w->block.len = 0;
	status = mh_encoder_block(w->encoder, &batch, &w->block, err);
	if (status)
		return status;
	status = write_block(w, w->block.p, w->block.len, err);
	if (status)
		return status;
	/* write_block() counts what is in blocks; these were counted when they came. */
	w->count[o->kind] -= o->nr;
	o->nr = 0;
	o->bytes = 0;
	return MH_OK;
}

/* Tables before the data that refers to them. */
static int compare_open(const void *a, const void *b)
{
	const struct open_block *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->source < y->source ? -1 : x->source > y->source;
}

static bool is_table(uint16_t kind)
{
	return kind == MH_EV_META || kind == MH_EV_MAP || kind == MH_EV_TASK ||
	       kind == MH_EV_STACK;
}

/* Move the rows that are left into the log's new beginning. */
static int carry_rows(struct mh_writer *w, struct mh_err *err)
{
	const uint8_t **rows;
	size_t i, nr = 0, at = 0;

	for (i = 0; i < w->open.nr; i++)
		nr += w->open.v[i].nr;
	rows = malloc((nr + 1) * sizeof(*rows));
	if (!rows)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (i = 0; i < w->open.nr; i++) {
		const struct open_block *o = &w->open.v[i];

		if (o->nr)
			memcpy(rows + at, o->rows, o->nr * sizeof(*rows));
		at += o->nr;
	}
	mh_rowlog_reset(&w->rows, w->seq, rows, nr, rows);
	for (at = 0, i = 0; i < w->open.nr; i++) {
		struct open_block *o = &w->open.v[i];

		if (o->nr)
			memcpy(o->rows, rows + at, o->nr * sizeof(*rows));
		at += o->nr;
	}
	free(rows);
	w->oldest_ns = 0;
	return MH_OK;
}

/* Write open blocks: @all, or all but a few small ones. */
static int flush(struct mh_writer *w, bool all, struct mh_err *err)
{
	uint64_t carried = 0;
	size_t i;
	int status;

	if (w->open.nr)
		qsort(w->open.v, w->open.nr, sizeof(*w->open.v), compare_open);
	w->last = NULL;
	for (i = 0; i < w->open.nr; i++) {
		struct open_block *o = &w->open.v[i];

		if (!o->nr)
			continue;
		if (!all && !is_table(o->kind) && o->nr < SMALL_BLOCK &&
		    carried + o->bytes <= CARRY_MAX) {
			carried += o->bytes;
			continue;
		}
		status = write_rows(w, o, err);
		if (status)
			return status;
	}
	return carry_rows(w, err);
}

static struct open_block *find_open(struct mh_writer *w, const struct mh_event *ev)
{
	struct open_block *o;
	size_t i;

	for (i = 0; i < w->open.nr; i++) {
		o = &w->open.v[i];
		if (o->kind == ev->kind && o->source == ev->source)
			return o;
	}
	o = mh_vec_push(&w->open);
	if (!o)
		return NULL;
	o->kind = (uint16_t)ev->kind;
	o->source = ev->source;
	return o;
}

static bool grow_rows(struct open_block *o)
{
	uint32_t cap = o->cap ? o->cap * 4 : 256;
	const uint8_t **rows = realloc(o->rows, cap * sizeof(*rows));

	if (!rows)
		return false;
	o->rows = rows;
	o->cap = cap;
	return true;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int add_row(struct mh_writer *w, const struct mh_event *ev, struct mh_err *err)
{
	size_t len = mh_row_len(ev);
	struct open_block *o = w->last;
	uint8_t *row;
	int status;

	if (!len || len > MH_LOG_ROWS)
		return mh_fail(err, MH_EINPUT, "an event of %zu bytes is too large", len);
	if (!o || o->kind != ev->kind || o->source != ev->source)
		o = find_open(w, ev);
	w->last = o;
	if (!o)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	row = mh_rowlog_room(&w->rows, len);
	if (__builtin_expect(!row || o->nr == MH_BATCH_MAX, 0)) {
		status = flush(w, false, err);
		if (status)
			return status;
		w->last = o = find_open(w, ev);
		row = mh_rowlog_room(&w->rows, len);
		mh_assert(o && row && o->nr < MH_BATCH_MAX);
	}
	if (__builtin_expect(o->nr == o->cap, 0) && !grow_rows(o))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	mh_row_put(row, ev, len);
	mh_rowlog_commit(&w->rows, len);
	o->rows[o->nr++] = row;
	o->bytes += len;
	w->count[ev->kind]++;
	return MH_OK;
}

/* A long range of pages as several rows of a whole number of bytes each. */
static int add_pages(struct mh_writer *w, const struct mh_event *ev, struct mh_err *err)
{
	struct mh_event part = *ev;
	uint64_t left = ev->pages.nr_pages, done = 0;
	int status = MH_OK;

	mh_assert(ev->pages.accessed && ev->pages.page_shift < 40);
	while (!status && left) {
		uint64_t nr = left < MH_PAGES_ROW_MAX ? left : MH_PAGES_ROW_MAX;

		part.pages.start = ev->pages.start + (done << ev->pages.page_shift);
		part.pages.nr_pages = nr;
		part.pages.accessed = ev->pages.accessed + done / 8;
		if (ev->pages.observed)
			part.pages.observed = ev->pages.observed + done / 8;
		status = add_row(w, &part, err);
		done += nr;
		left -= nr;
	}
	return status;
}

int mh_writer_add(struct mh_writer *w, const struct mh_event *ev, struct mh_err *err)
{
	int status;

	mh_assert(ev->kind >= MH_EV_META && ev->kind < MH_NR_EVENT_KINDS);
	if (w->failed)
		return say_failed(w, err);
	if (ev->kind == MH_EV_PAGES && ev->pages.nr_pages > MH_PAGES_ROW_MAX)
		status = add_pages(w, ev, err);
	else
		status = add_row(w, ev, err);
	if (status || !w->flush_ms)
		return status;
	if (!w->oldest_ns)
		w->oldest_ns = now_ns();
	else if (now_ns() - w->oldest_ns >= (uint64_t)w->flush_ms * 1000000)
		status = flush(w, true, err);
	return status;
}

int mh_writer_sink(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	return mh_writer_add(arg, ev, err);
}

int mh_writer_flush(struct mh_writer *w, struct mh_err *err)
{
	if (w->failed)
		return say_failed(w, err);
	return flush(w, true, err);
}

int mh_writer_append_block(struct mh_writer *w, uint8_t *block, size_t len,
			   struct mh_err *err)
{
	int status;

	if (w->failed)
		return say_failed(w, err);
	status = flush(w, true, err);
	if (!status)
		status = write_block(w, block, len, err);
	/* The log is empty, so nothing can be counted twice until its number moves on. */
	if (!status)
		mh_rowlog_reset(&w->rows, w->seq, NULL, 0, NULL);
	return status;
}

uint64_t mh_writer_bytes(const struct mh_writer *w)
{
	return w->offset;
}

uint64_t mh_writer_count(const struct mh_writer *w, enum mh_event_kind kind)
{
	mh_assert(kind < MH_NR_EVENT_KINDS);
	return w->count[kind];
}

static int write_end(struct mh_writer *w, struct mh_err *err)
{
	uint8_t bytes[MH_TRAILER_LEN];
	int status;

	status = flush(w, true, err);
	/* One index block at least: a trace without any block has an empty one. */
	if (!status && (w->index.nr || !w->index_offset))
		status = write_index(w, err);
	if (status)
		return status;
	mh_trailer_put(bytes, &(struct mh_trailer){ .index_offset = w->index_offset,
						    .nr_blocks = w->nr_blocks,
						    .uuid4 = mh_uuid4(w->uuid) });
	status = write_all(w, bytes, sizeof(bytes), err);
	if (!status)
		w->offset += sizeof(bytes);
	return status;
}

int mh_writer_close(struct mh_writer *w, struct mh_err *err)
{
	int status = MH_OK;
	bool left = false;
	size_t i;

	if (!w)
		return MH_OK;
	if (!w->failed)
		status = write_end(w, err);
	for (i = 0; i < w->open.nr; i++)
		left |= w->open.v[i].nr != 0;
	/* Rows that could not be written stay where a reader finds them. */
	mh_rowlog_close(&w->rows, left);
	if (w->fd >= 0 && close(w->fd) < 0 && !status)
		status = mh_fail_errno(err, "cannot close '%s'", w->path);
	for (i = 0; i < w->open.nr; i++)
		free(w->open.v[i].rows);
	free(w->open.v);
	free(w->index.v);
	mh_columnar_free(w->columns);
	free(w->events);
	free(w->path);
	mh_wbuf_fini(&w->block);
	mh_encoder_free(w->encoder);
	free(w);
	return status;
}
