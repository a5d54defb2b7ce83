/* SPDX-License-Identifier: MIT */
/*
 * The reader: which blocks there are. A trailer leads to the index; without one, or with
 * a damaged one, block headers are followed from the first to the last, and searched for
 * after damage. Rows of a tail file are encoded into further blocks in memory, so that
 * cursors know one form only.
 */
#include "trace/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "trace/columnar.h"
#include "trace/log.h"

/* Bytes read at a time when a header is searched for. */
#define SEARCH_BYTES (64u << 10)

static int read_at(const struct mh_reader *r, uint64_t offset, uint8_t *p, size_t len,
		   struct mh_err *err)
{
	while (len) {
		ssize_t n = pread(r->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mh_fail_errno(err, "cannot read '%s'", r->path);
		if (!n)
			return mh_fail(err, MH_EFORMAT, "'%s' is cut off", r->path);
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return MH_OK;
}

/* ---- the file ---- */

/* An unnamed file with what a pipe says. */
static int spool(struct mh_reader *r, struct mh_err *err)
{
	const char *dir = getenv("TMPDIR");
	char name[4096], buf[65536];
	int to;

	snprintf(name, sizeof(name), "%s/memheat.XXXXXX", dir && *dir ? dir : "/tmp");
	to = mkostemp(name, O_CLOEXEC);
	if (to < 0)
		return mh_fail_errno(err, "cannot create a temporary file for '%s'",
				     r->path);
	unlink(name);
	for (;;) {
		ssize_t n = read(r->fd, buf, sizeof(buf)), done = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(to);
			return mh_fail_errno(err, "cannot read '%s'", r->path);
		}
		if (!n)
			break;
		while (done < n) {
			ssize_t m = write(to, buf + done, (size_t)(n - done));

			if (m < 0 && errno == EINTR)
				continue;
			if (m <= 0) {
				int status = mh_fail_errno(
					err, "cannot keep what '%s' says", r->path);

				close(to);
				return status;
			}
			done += m;
		}
	}
	close(r->fd);
	r->fd = to;
	return MH_OK;
}

static int open_file(struct mh_reader *r, struct mh_err *err)
{
	bool is_stdin = strcmp(r->path, "-") == 0;
	struct stat st;
	int status;

	r->fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			 : open(r->path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0 && errno == ENOENT)
		return mh_fail(err, MH_ESYS,
			       "cannot open '%s': No such file or directory; 'memheat "
			       "record' makes a trace",
			       r->path);
	if (r->fd < 0 || fstat(r->fd, &st) < 0)
		return mh_fail_errno(err, "cannot open '%s'", r->path);
	if (S_ISDIR(st.st_mode))
		return mh_fail(err, MH_EFORMAT, "'%s' is a directory", r->path);
	if (is_stdin || !S_ISREG(st.st_mode)) {
		status = spool(r, err);
		if (status)
			return status;
		if (fstat(r->fd, &st) < 0)
			return mh_fail_errno(err, "cannot read '%s'", r->path);
	}
	r->size = (uint64_t)st.st_size;
	return MH_OK;
}

static int read_head(struct mh_reader *r, struct mh_file_head *head, struct mh_err *err)
{
	uint8_t bytes[MH_FILE_HEADER_LEN];
	struct mh_err why = { 0 };
	int status;

	if (r->size < sizeof(bytes))
		return mh_fail(err, MH_EFORMAT, "'%s' is not a memheat trace", r->path);
	status = read_at(r, 0, bytes, sizeof(bytes), err);
	if (status)
		return status;
	status = mh_file_head_get(head, bytes, &why);
	if (status)
		return mh_fail(err, status, "'%s': %s", r->path, why.msg);
	memcpy(r->uuid, head->uuid, sizeof(r->uuid));
	return MH_OK;
}

/* ---- the index ---- */

/* Whether a block that the index names can be where it says. */
static bool is_sane(const struct mh_reader *r, const struct mh_entry *e)
{
	return e->offset >= MH_FILE_HEADER_LEN && e->offset % 8 == 0 &&
	       e->stored_len <= MH_MAX_STORED && e->offset <= r->size &&
	       mh_block_len(e->stored_len) <= r->size - e->offset;
}

/* Read the index block at @offset to the end of @index. */
static int read_index_block(struct mh_reader *r, struct mh_unpacker *u, uint64_t offset,
			    struct mh_index *index, uint64_t *prev, struct mh_err *err)
{
	uint8_t bytes[MH_BLOCK_HEADER_LEN], *p;
	struct mh_block_head head;
	struct mh_block b;
	size_t len;
	int status;

	if (offset < MH_FILE_HEADER_LEN || offset > r->size ||
	    r->size - offset < sizeof(bytes))
		return MH_EFORMAT;
	status = read_at(r, offset, bytes, sizeof(bytes), err);
	if (status)
		return status;
	if (!mh_block_head_get(&head, bytes) || head.uuid4 != mh_uuid4(r->uuid) ||
	    head.stored_len > r->size - offset - sizeof(bytes))
		return MH_EFORMAT;
	len = MH_BLOCK_HEADER_LEN + head.stored_len;
	p = malloc(len);
	if (!p)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	status = read_at(r, offset, p, len, err);
	if (!status)
		status = mh_block_parse(&b, p, len) ? mh_index_read(index, u, &b, prev)
						    : MH_EFORMAT;
	free(p);
	return status;
}

/* Put the entries of an index block in front of those that were read before. */
static void rotate(struct mh_index *index, size_t before)
{
	size_t more = index->nr - before;
	struct mh_entry *tmp = index->v;
	size_t i, k;

	/* Reverse both parts, then the whole. */
	for (i = 0, k = before; i + 1 < k; i++) {
		struct mh_entry e = tmp[i];

		tmp[i] = tmp[--k];
		tmp[k] = e;
	}
	for (i = before, k = before + more; i + 1 < k; i++) {
		struct mh_entry e = tmp[i];

		tmp[i] = tmp[--k];
		tmp[k] = e;
	}
	for (i = 0, k = before + more; i + 1 < k; i++) {
		struct mh_entry e = tmp[i];

		tmp[i] = tmp[--k];
		tmp[k] = e;
	}
}

/* Follow the trailer. MH_END: there is no index to be believed. */
static int read_index(struct mh_reader *r, struct mh_err *err)
{
	uint8_t bytes[MH_TRAILER_LEN];
	struct mh_trailer trailer;
	struct mh_unpacker u;
	uint64_t offset, prev = 0;
	int status;
	size_t i;

	if (r->size < MH_FILE_HEADER_LEN + MH_TRAILER_LEN)
		return MH_END;
	status = read_at(r, r->size - MH_TRAILER_LEN, bytes, sizeof(bytes), err);
	if (status)
		return status;
	if (!mh_trailer_get(&trailer, bytes) || trailer.uuid4 != mh_uuid4(r->uuid))
		return MH_END;
	if (!mh_unpacker_init(&u))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (offset = trailer.index_offset; offset && !status; offset = prev) {
		size_t before = r->index.nr;

		status = read_index_block(r, &u, offset, &r->index, &prev, err);
		/* Offsets fall, so that a chain cannot be a ring. */
		if (!status && prev >= offset)
			status = MH_EFORMAT;
		if (!status)
			rotate(&r->index, before);
	}
	for (i = 0; !status && i < r->index.nr; i++) {
		if (!is_sane(r, &r->index.v[i]) ||
		    (i && r->index.v[i].offset <= r->index.v[i - 1].offset))
			status = MH_EFORMAT;
	}
	if (!status && r->index.nr != trailer.nr_blocks)
		status = MH_EFORMAT;
	mh_unpacker_fini(&u);
	r->info.complete = !status;
	return status == MH_EFORMAT ? MH_END : status;
}

/* ---- headers, one after another ---- */

struct search {
	struct mh_reader *r;
	uint8_t *buf;
	uint64_t at; /* of buf's first byte */
	size_t len;
};

/* @len bytes of the file at @offset, read ahead; NULL at the end or on failure. */
static const uint8_t *look(struct search *s, uint64_t offset, size_t len, int *status,
			   struct mh_err *err)
{
	uint64_t left = s->r->size - offset;

	if (offset > s->r->size || left < len)
		return NULL;
	if (offset < s->at || offset + len > s->at + s->len) {
		s->len = 0;
		*status = read_at(s->r, offset, s->buf,
				  left < SEARCH_BYTES ? (size_t)left : SEARCH_BYTES, err);
		if (*status)
			return NULL;
		s->at = offset;
		s->len = left < SEARCH_BYTES ? (size_t)left : SEARCH_BYTES;
	}
	return s->buf + (offset - s->at);
}

static bool is_ours(const struct mh_reader *r, const uint8_t *p, struct mh_block_head *h)
{
	return mh_block_head_get(h, p) && h->uuid4 == mh_uuid4(r->uuid);
}

/* Whether the trailer stands here: the end of a whole file. */
static bool is_trailer(struct search *s, uint64_t offset, int *status, struct mh_err *err)
{
	const uint8_t *p = look(s, offset, MH_TRAILER_LEN, status, err);
	struct mh_trailer t;

	return p && offset + MH_TRAILER_LEN == s->r->size && mh_trailer_get(&t, p) &&
	       t.uuid4 == mh_uuid4(s->r->uuid);
}

static int scan(struct mh_reader *r, uint64_t offset, struct mh_err *err)
{
	struct search s = { .r = r, .buf = malloc(SEARCH_BYTES) };
	bool lost = false; /* in damaged bytes */
	struct mh_block_head h;
	const uint8_t *p;
	int status = MH_OK;

	r->index.nr = 0;
	if (!s.buf)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	while (!status && (p = look(&s, offset, MH_BLOCK_HEADER_LEN, &status, err))) {
		uint64_t len;

		if (!is_ours(r, p, &h)) {
			if (!lost && is_trailer(&s, offset, &status, err)) {
				r->info.complete = 1;
				break;
			}
			r->info.nr_damaged += !lost;
			lost = true;
			offset += 8;
			continue;
		}
		lost = false;
		len = mh_block_len(h.stored_len);
		if (len > r->size - offset)
			break; /* cut off: the end of what can be read */
		if (h.kind != MH_KIND_INDEX) {
			struct mh_entry *e = mh_vec_push(&r->index);

			if (!e) {
				status = mh_fail(err, MH_ENOMEM, "out of memory");
				break;
			}
			*e = mh_entry_of(&h, offset);
		}
		offset += len;
	}
	if (!status && !lost && is_trailer(&s, offset, &status, err))
		r->info.complete = 1;
	free(s.buf);
	return status;
}

/* ---- the tail ---- */

/* Rows of the tail that are in no block of the file, by kind and source. */
struct tail_rows {
	uint16_t kind, source;
	uint64_t skip; /* the oldest so many are in blocks */
	struct mh_event *v;
	size_t nr, cap;
};

struct tail {
	struct tail_rows *v;
	size_t nr, cap;
};

static struct tail_rows *tail_rows_of(struct tail *t, uint16_t kind, uint16_t source)
{
	struct tail_rows *rows;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (t->v[i].kind == kind && t->v[i].source == source)
			return &t->v[i];
	}
	rows = mh_vec_push(t);
	if (rows) {
		rows->kind = kind;
		rows->source = source;
	}
	return rows;
}

/* What the blocks of the file that were written after the log began have of it. */
static bool count_written(const struct mh_reader *r, struct tail *t, uint64_t seq)
{
	size_t i;

	for (i = 0; i < r->index.nr; i++) {
		const struct mh_entry *e = &r->index.v[i];
		struct tail_rows *rows;

		if (e->seq < seq)
			continue;
		rows = tail_rows_of(t, e->kind, (uint16_t)e->source);
		if (!rows)
			return false;
		rows->skip += e->items;
	}
	return true;
}

static bool take_rows(struct tail *t, const uint8_t *bytes, size_t len)
{
	while (mh_row_check(bytes, len)) {
		struct tail_rows *rows;
		struct mh_row_head head;
		struct mh_event *ev;

		memcpy(&head, bytes, sizeof(head));
		rows = tail_rows_of(t, head.kind, head.source);
		if (!rows)
			return false;
		if (rows->skip) {
			rows->skip--;
		} else {
			ev = mh_vec_push(rows);
			if (!ev)
				return false;
			mh_row_get(bytes, ev);
		}
		bytes += head.len;
		len -= head.len;
	}
	return true;
}

static int compare_tail(const void *a, const void *b)
{
	const struct tail_rows *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->source < y->source ? -1 : x->source > y->source;
}

static int encode_tail(struct mh_reader *r, struct mh_encoder *e, struct mh_columnar *c,
		       const struct tail_rows *rows, struct mh_err *err)
{
	size_t done = 0;
	int status = MH_OK;

	while (!status && done < rows->nr) {
		size_t nr = rows->nr - done, start = r->tail.len;
		struct mh_batch batch;
		struct mh_block_head head;
		struct mh_entry *entry;

		nr = nr < MH_BATCH_MAX ? nr : MH_BATCH_MAX;
		mh_columnar_batch(c, &batch, rows->v + done, (uint32_t)nr);
		status = mh_encoder_block(e, &batch, &r->tail, err);
		if (status)
			break;
		mh_assert(mh_block_head_get(&head, r->tail.p + start));
		head.uuid4 = mh_uuid4(r->uuid);
		head.seq = r->index.nr ? r->index.v[r->index.nr - 1].seq + 1 : 0;
		mh_block_head_put(r->tail.p + start, &head);
		entry = mh_vec_push(&r->index);
		if (!entry)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		*entry = mh_entry_of(&head, start);
		r->info.tail_rows += nr;
		done += nr;
	}
	return status;
}

/* Make blocks of the rows that a tail file has. */
static int add_tail(struct mh_reader *r, const uint8_t *bytes, size_t len, uint64_t seq,
		    struct mh_err *err)
{
	struct mh_encoder *e = NULL;
	struct mh_columnar *c = NULL;
	struct tail t = { 0 };
	int status;
	size_t i;

	if (!count_written(r, &t, seq) || !take_rows(&t, bytes, len)) {
		status = mh_fail(err, MH_ENOMEM, "out of memory");
		goto out;
	}
	status = mh_encoder_new(&e, MH_POLICY_FAST, err);
	if (!status)
		status = mh_columnar_new(&c, err);
	if (status)
		goto out;
	if (t.nr)
		qsort(t.v, t.nr, sizeof(*t.v), compare_tail);
	for (i = 0; !status && i < t.nr; i++)
		status = encode_tail(r, e, c, &t.v[i], err);
out:
	for (i = 0; i < t.nr; i++)
		free(t.v[i].v);
	free(t.v);
	mh_columnar_free(c);
	mh_encoder_free(e);
	return status;
}

/* ---- META ---- */

static int keep_meta(struct mh_reader *r, const struct mh_batch *batch,
		     struct mh_err *err)
{
	uint32_t i;

	for (i = 0; i < batch->nr; i++) {
		struct mh_meta *m = mh_vec_push(&r->meta);

		if (m) {
			m->key = strdup(batch->events[i].meta.key);
			m->value = strdup(batch->events[i].meta.value);
		}
		if (!m || !m->key || !m->value)
			return mh_fail(err, MH_ENOMEM, "out of memory");
	}
	return MH_OK;
}

static int read_meta(struct mh_reader *r, struct mh_err *err)
{
	struct mh_filter filter = { .kinds = 1 << MH_EV_META };
	struct mh_cursor *c;
	struct mh_batch batch;
	const char *start;
	int status;

	status = mh_cursor_open(&c, r, &filter, err);
	if (status)
		return status;
	do {
		status = mh_cursor_next(c, &batch, err);
		if (status == MH_OK)
			status = keep_meta(r, &batch, err);
	} while (status == MH_OK || status == MH_EFORMAT);
	mh_cursor_close(c);
	start = mh_reader_meta(r, "trace.start_ns");
	r->info.start_ns = r->info.time_ns.start;
	if (start && *start >= '0' && *start <= '9')
		r->info.start_ns = strtoull(start, NULL, 10);
	return status == MH_END ? MH_OK : status;
}

/* ---- what was found ---- */

static void count_seq(struct mh_reader *r)
{
	uint64_t next = 0;
	size_t i;

	for (i = 0; i < r->nr_file_blocks; i++) {
		uint64_t seq = r->index.v[i].seq;

		if (seq > next)
			r->info.nr_lost_blocks += seq - next;
		next = seq + 1 > next ? seq + 1 : next;
	}
}

static bool is_known(uint16_t kind)
{
	return kind && kind < MH_NR_EVENT_KINDS;
}

static int summarize(struct mh_reader *r, struct mh_err *err)
{
	struct mh_range *t = &r->info.time_ns;
	bool any = false;
	size_t i;

	r->blocks = calloc(r->index.nr + 1, sizeof(*r->blocks));
	if (!r->blocks)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (i = 0; i < r->index.nr; i++) {
		const struct mh_entry *e = &r->index.v[i];
		struct mh_block_info *b = &r->blocks[i];

		b->kind = e->kind;
		b->source = (uint16_t)e->source;
		b->nr = e->items;
		b->offset = e->offset;
		b->stored_len = e->stored_len;
		b->time_ns = (struct mh_range){ e->t_min, mh_after(e->t_max) };
		if (e->addr_min <= e->addr_max)
			b->addr = (struct mh_range){ e->addr_min, mh_after(e->addr_max) };
		if (!is_known(e->kind)) {
			r->info.nr_unknown++;
			if (e->flags & MH_BLOCK_MUST_UNDERSTAND)
				return mh_fail(err, MH_EFORMAT,
					       "'%s' needs blocks of kind %u, which a "
					       "newer memheat reads",
					       r->path, e->kind);
			continue;
		}
		r->info.rows[e->kind] += e->items;
		if (e->kind <= MH_EV_TASK)
			continue;
		if (!any || e->t_min < t->start)
			t->start = e->t_min;
		if (!any || b->time_ns.end > t->end)
			t->end = b->time_ns.end;
		any = true;
	}
	return MH_OK;
}

int mh_reader_open(struct mh_reader **out, const char *path, struct mh_err *err)
{
	struct mh_reader *r = calloc(1, sizeof(*r));
	uint8_t *tail = NULL;
	char *tail_path = NULL;
	struct mh_file_head head;
	size_t tail_len = 0;
	uint64_t tail_seq = 0;
	int status;

	*out = NULL;
	if (!r)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	r->fd = -1;
	r->path = strdup(path);
	if (!r->path || asprintf(&tail_path, "%s.tail", path) < 0) {
		tail_path = NULL;
		status = mh_fail(err, MH_ENOMEM, "out of memory");
		goto out;
	}
	status = open_file(r, err);
	if (!status)
		status = read_head(r, &head, err);
	/* The tail first: what its writer moves into blocks meanwhile is found below. */
	if (!status && strcmp(path, "-") != 0)
		status = mh_rowlog_read(tail_path, r->uuid, &tail, &tail_len, &tail_seq);
	if (status == MH_ENOMEM)
		mh_fail(err, status, "out of memory");
	if (status < 0)
		goto out;
	if (tail && lseek(r->fd, 0, SEEK_END) > 0)
		r->size = (uint64_t)lseek(r->fd, 0, SEEK_END);
	status = read_index(r, err);
	if (status == MH_END)
		status = scan(r, head.header_len, err);
	if (status)
		goto out;
	r->nr_file_blocks = r->index.nr;
	r->info.bytes = r->size;
	r->info.nr_blocks = r->index.nr;
	memcpy(r->info.uuid, r->uuid, sizeof(r->uuid));
	count_seq(r);
	if (tail && tail_len)
		status = add_tail(r, tail, tail_len, tail_seq, err);
	if (!status)
		status = summarize(r, err);
	if (!status)
		status = read_meta(r, err);
out:
	free(tail);
	free(tail_path);
	if (status) {
		mh_reader_close(r);
		return status;
	}
	*out = r;
	return MH_OK;
}

void mh_reader_close(struct mh_reader *r)
{
	size_t i;

	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	for (i = 0; i < r->meta.nr; i++) {
		free(r->meta.v[i].key);
		free(r->meta.v[i].value);
	}
	free(r->meta.v);
	free(r->index.v);
	free(r->blocks);
	free(r->path);
	mh_wbuf_fini(&r->tail);
	free(r);
}

const struct mh_trace_info *mh_reader_info(const struct mh_reader *r)
{
	return &r->info;
}

const char *mh_reader_meta(const struct mh_reader *r, const char *key)
{
	size_t i;

	for (i = r->meta.nr; i-- > 0;) {
		if (strcmp(r->meta.v[i].key, key) == 0)
			return r->meta.v[i].value;
	}
	return NULL;
}

const char *mh_reader_meta_at(const struct mh_reader *r, size_t i, const char **value)
{
	if (i >= r->meta.nr)
		return NULL;
	*value = r->meta.v[i].value;
	return r->meta.v[i].key;
}

size_t mh_reader_nr_blocks(const struct mh_reader *r)
{
	return r->index.nr;
}

const struct mh_block_info *mh_reader_block(const struct mh_reader *r, size_t i)
{
	mh_assert(i < r->index.nr);
	return &r->blocks[i];
}

int mh_reader_load(const struct mh_reader *r, size_t i, size_t max, struct mh_wbuf *buf,
		   const uint8_t **bytes, size_t *len, struct mh_err *err)
{
	const struct mh_entry *e = &r->index.v[i];

	*len = MH_BLOCK_HEADER_LEN + (size_t)e->stored_len;
	if (max && max < *len)
		*len = max;
	if (i >= r->nr_file_blocks) {
		*bytes = r->tail.p + e->offset;
		return MH_OK;
	}
	buf->len = 0;
	if (!mh_wbuf_room(buf, *len)) {
		buf->bad = false;
		return mh_fail(err, MH_ENOMEM, "out of memory");
	}
	*bytes = buf->p;
	return read_at(r, e->offset, buf->p, *len, err);
}

bool mh_entry_matches(const struct mh_entry *e, const struct mh_block_head *h,
		      const uint8_t uuid[16])
{
	return h->uuid4 == mh_uuid4(uuid) && h->kind == e->kind && h->items == e->items &&
	       h->source == e->source && h->seq == e->seq &&
	       h->stored_len == e->stored_len && h->t_min == e->t_min &&
	       h->t_max == e->t_max;
}
