/* SPDX-License-Identifier: MIT */
/* The directory of a block's columns, both ways. */
#include "trace/column.h"

void mh_columns_reset(struct mh_columns *c)
{
	c->nr = 0;
	c->body.len = 0;
	c->body.bad = false;
}

void mh_columns_fini(struct mh_columns *c)
{
	mh_wbuf_fini(&c->body);
}

void mh_column_begin(struct mh_columns *c, uint8_t id, uint8_t encoding)
{
	mh_assert(c->nr < MH_MAX_COLUMNS);
	c->v[c->nr++] = (struct mh_stored){ .id = id,
					    .encoding = encoding,
					    .offset = c->body.len };
}

void mh_column_end(struct mh_columns *c)
{
	struct mh_stored *col = &c->v[c->nr - 1];

	if (c->body.bad)
		return;
	col->len = (uint32_t)(c->body.len - col->offset);
	col->crc = mh_crc(c->body.p + col->offset, col->len);
}

void mh_columns_finish(struct mh_columns *c, struct mh_block_head *head,
		       struct mh_wbuf *out)
{
	static const uint8_t padding[8];
	size_t start = out->len, dir_len = (size_t)c->nr * MH_COLUMN_ENTRY_LEN;
	size_t stored = dir_len + c->body.len;
	unsigned i;

	out->bad |= c->body.bad;
	if (!mh_wbuf_room(out, mh_block_len((uint32_t)stored)))
		return;
	out->len += MH_BLOCK_HEADER_LEN;
	for (i = 0; i < c->nr; i++) {
		mh_wbuf_u8(out, c->v[i].id);
		mh_wbuf_u8(out, c->v[i].encoding);
		mh_wbuf_u16(out, 0);
		mh_wbuf_u32(out, c->v[i].len);
		mh_wbuf_u32(out, c->v[i].crc);
	}
	head->nr_columns = c->nr;
	head->stored_len = (uint32_t)stored;
	head->dir_crc = mh_crc(out->p + start + MH_BLOCK_HEADER_LEN, dir_len);
	mh_block_head_put(out->p + start, head);
	mh_wbuf_bytes(out, c->body.p, c->body.len);
	mh_wbuf_bytes(out, padding, mh_block_len((uint32_t)stored) - (out->len - start));
}

bool mh_block_parse(struct mh_block *b, const uint8_t *bytes, size_t len)
{
	size_t dir_len, offset;
	struct mh_rbuf in;
	unsigned i;

	b->bytes = bytes;
	b->len = len;
	if (len < MH_BLOCK_HEADER_LEN || !mh_block_head_get(&b->head, bytes))
		return false;
	dir_len = (size_t)b->head.nr_columns * MH_COLUMN_ENTRY_LEN;
	if (b->head.nr_columns > MH_MAX_COLUMNS || dir_len > b->head.stored_len ||
	    MH_BLOCK_HEADER_LEN + dir_len > len)
		return false;
	if (!mh_crc_ok(bytes + MH_BLOCK_HEADER_LEN, dir_len, b->head.dir_crc))
		return false;
	in = mh_rbuf(bytes + MH_BLOCK_HEADER_LEN, dir_len);
	offset = MH_BLOCK_HEADER_LEN + dir_len;
	for (i = 0; i < b->head.nr_columns; i++) {
		struct mh_stored *c = &b->v[i];

		c->id = mh_rbuf_u8(&in);
		c->encoding = mh_rbuf_u8(&in);
		mh_rbuf_u16(&in);
		c->len = mh_rbuf_u32(&in);
		c->crc = mh_rbuf_u32(&in);
		c->offset = offset;
		offset += c->len;
		if (offset > MH_BLOCK_HEADER_LEN + (size_t)b->head.stored_len)
			return false;
	}
	b->nr = b->head.nr_columns;
	return true;
}

enum mh_column_state mh_block_column(const struct mh_block *b, uint8_t id,
				     uint8_t max_encoding, uint8_t *encoding,
				     struct mh_rbuf *in)
{
	const struct mh_stored *c;
	unsigned i;

	for (i = 0; i < b->nr && b->v[i].id != id; i++)
		;
	if (i == b->nr)
		return MH_COLUMN_ABSENT;
	c = &b->v[i];
	if (!c->encoding || c->encoding > max_encoding)
		return MH_COLUMN_UNKNOWN;
	if (c->offset + c->len > b->len ||
	    !mh_crc_ok(b->bytes + c->offset, c->len, c->crc))
		return MH_COLUMN_DAMAGED;
	if (encoding)
		*encoding = c->encoding;
	*in = mh_rbuf(b->bytes + c->offset, c->len);
	return MH_COLUMN_OK;
}
