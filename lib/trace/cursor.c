/* SPDX-License-Identifier: MIT */
/*
 * Cursors: block after block, chosen by header, decoded, cut down to the filter. Each
 * has its own buffers, and bytes come by pread(), so one reader serves many threads.
 */
#include <stdlib.h>

#include "trace/filter.h"
#include "trace/reader.h"

/* What is read of a block for its occupancy; more only if that is longer. */
#define OCCUPANCY_BYTES 8192

struct mh_cursor {
	const struct mh_reader *r;
	struct mh_filter filter;
	size_t next, end; /* blocks */
	struct mh_wbuf buf;
	struct mh_decoder *decoder;
	struct mh_filter_scratch *scratch;
	uint64_t nr_damaged;
};

/* Blocks from which the parts of a parallel pass begin: equal shares of bytes. */
static size_t part_start(const struct mh_reader *r, uint32_t part, uint32_t nr_parts)
{
	uint64_t total = 0, sum = 0;
	size_t i;

	for (i = 0; i < r->index.nr; i++)
		total += r->index.v[i].stored_len + 64;
	for (i = 0; i < r->index.nr; i++) {
		if ((unsigned __int128)sum * nr_parts >= (unsigned __int128)total * part)
			break;
		sum += r->index.v[i].stored_len + 64;
	}
	return i;
}

int mh_cursor_open(struct mh_cursor **out, const struct mh_reader *r,
		   const struct mh_filter *filter, struct mh_err *err)
{
	struct mh_cursor *c = calloc(1, sizeof(*c));
	int status;

	*out = NULL;
	if (!c)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	c->r = r;
	if (filter)
		c->filter = *filter;
	c->end = r->index.nr;
	if (c->filter.nr_parts) {
		mh_assert(c->filter.part < c->filter.nr_parts);
		c->next = part_start(r, c->filter.part, c->filter.nr_parts);
		if (c->filter.part + 1 < c->filter.nr_parts)
			c->end = part_start(r, c->filter.part + 1, c->filter.nr_parts);
	}
	status = mh_decoder_new(&c->decoder, err);
	c->scratch = malloc(sizeof(*c->scratch));
	if (!status && !c->scratch)
		status = mh_fail(err, MH_ENOMEM, "out of memory");
	if (status) {
		mh_cursor_close(c);
		return status;
	}
	*out = c;
	return MH_OK;
}

void mh_cursor_close(struct mh_cursor *c)
{
	if (!c)
		return;
	mh_decoder_free(c->decoder);
	mh_wbuf_fini(&c->buf);
	free(c->scratch);
	free(c);
}

static int say_damaged(struct mh_cursor *c, size_t i, struct mh_err *err)
{
	const struct mh_entry *e = &c->r->index.v[i];

	c->nr_damaged++;
	return mh_fail(err, MH_EFORMAT, "'%s': block %zu at offset %llu is damaged",
		       c->r->path, i, (unsigned long long)e->offset);
}

static int load(struct mh_cursor *c, size_t i, size_t max, struct mh_block *b,
		struct mh_err *err)
{
	const uint8_t *bytes;
	size_t len;
	int status;

	status = mh_reader_load(c->r, i, max, &c->buf, &bytes, &len, err);
	if (status == MH_EFORMAT)
		return say_damaged(c, i, err);
	if (status)
		return status;
	if (!mh_block_parse(b, bytes, len) ||
	    !mh_entry_matches(&c->r->index.v[i], &b->head, c->r->uuid))
		return say_damaged(c, i, err);
	return MH_OK;
}

int mh_cursor_next(struct mh_cursor *c, struct mh_batch *batch, struct mh_err *err)
{
	while (c->next < c->end) {
		size_t i = c->next++;
		struct mh_block b;
		int status;

		if (!mh_filter_block(&c->filter, &c->r->index.v[i]))
			continue;
		status = load(c, i, 0, &b, err);
		if (status)
			return status;
		status = mh_decode_block(c->decoder, &b, mh_filter_columns(&c->filter),
					 mh_filter_any_order(&c->filter), batch);
		if (status == MH_EFORMAT)
			return say_damaged(c, i, err);
		if (status)
			return mh_fail(err, status, "out of memory");
		mh_filter_batch(&c->filter, c->decoder, c->scratch, batch);
		if (batch->nr)
			return MH_OK;
	}
	return MH_END;
}

uint64_t mh_cursor_nr_damaged(const struct mh_cursor *c)
{
	return c->nr_damaged;
}

/* Bytes up to the end of the occupancy column. */
static size_t occupancy_end(const struct mh_block *b)
{
	unsigned i;

	for (i = 0; i < b->nr; i++) {
		if (b->v[i].id == MH_COLID_OCCUPANCY)
			return b->v[i].offset + b->v[i].len;
	}
	return 0;
}

int mh_cursor_occupancy(struct mh_cursor *c, size_t i,
			const struct mh_occupancy_run **runs, size_t *nr,
			struct mh_err *err)
{
	struct mh_block b;
	size_t end;
	int status;

	mh_assert(i < c->r->index.nr);
	*nr = 0;
	*runs = NULL;
	if (!c->r->index.v[i].kind || c->r->index.v[i].kind >= MH_NR_EVENT_KINDS)
		return MH_OK;
	status = load(c, i, OCCUPANCY_BYTES, &b, err);
	if (status)
		return status;
	end = occupancy_end(&b);
	if (end > b.len)
		status = load(c, i, end, &b, err);
	if (status)
		return status;
	c->decoder->u.no_memory = false;
	status = mh_occupancy_get(&c->decoder->occupancy, &c->decoder->u, &b);
	if (status == MH_EFORMAT)
		return say_damaged(c, i, err);
	if (status)
		return mh_fail(err, status, "out of memory");
	*runs = c->decoder->occupancy.v;
	*nr = c->decoder->occupancy.nr;
	return MH_OK;
}
