/* SPDX-License-Identifier: MIT */
/* Index blocks, both ways: about 20 bytes for each block of the trace. */
#include "trace/index.h"

#include <stdlib.h>

#include "base/vec.h"

enum part {
	OFFSET,
	STORED,
	KIND,
	SOURCE,
	ITEMS,
	SEQ,
	T_MIN,
	T_SPAN,
	A_MIN,
	A_SPAN,
	NR_PARTS
};

struct mh_entry mh_entry_of(const struct mh_block_head *h, uint64_t offset)
{
	return (struct mh_entry){ .offset = offset,
				  .stored_len = h->stored_len,
				  .items = h->items,
				  .source = h->source,
				  .kind = h->kind,
				  .flags = h->flags,
				  .seq = h->seq,
				  .t_min = h->t_min,
				  .t_max = h->t_max,
				  .addr_min = h->addr_min,
				  .addr_max = h->addr_max };
}

/* One number of an entry, as the difference to what the entry before suggests. */
static uint64_t part_of(const struct mh_entry *e, const struct mh_entry *prev,
			enum part part)
{
	switch (part) {
	case OFFSET:
		return mh_zigzag((int64_t)(e->offset - prev->offset -
					   mh_block_len(prev->stored_len)));
	case STORED:
		return e->stored_len;
	case KIND:
		return (uint64_t)e->flags << 16 | e->kind;
	case SOURCE:
		return e->source;
	case ITEMS:
		return e->items;
	case SEQ:
		return mh_zigzag((int64_t)(e->seq - prev->seq - 1));
	case T_MIN:
		return mh_zigzag((int64_t)(e->t_min - prev->t_min));
	case T_SPAN:
		return mh_zigzag((int64_t)(e->t_max - e->t_min));
	case A_MIN:
		return mh_zigzag((int64_t)(e->addr_min - prev->addr_min));
	case A_SPAN:
		return mh_zigzag((int64_t)(e->addr_max - e->addr_min));
	case NR_PARTS:
		break;
	}
	return 0;
}

static void set_part(struct mh_entry *e, const struct mh_entry *prev, enum part part,
		     uint64_t v)
{
	uint64_t d = (uint64_t)mh_unzigzag(v);

	switch (part) {
	case OFFSET:
		e->offset = prev->offset + mh_block_len(prev->stored_len) + d;
		break;
	case STORED:
		e->stored_len = (uint32_t)v;
		break;
	case KIND:
		e->kind = (uint16_t)v;
		e->flags = (uint16_t)(v >> 16);
		break;
	case SOURCE:
		e->source = (uint32_t)v;
		break;
	case ITEMS:
		e->items = (uint32_t)v;
		break;
	case SEQ:
		e->seq = prev->seq + 1 + d;
		break;
	case T_MIN:
		e->t_min = prev->t_min + d;
		break;
	case T_SPAN:
		e->t_max = e->t_min + d;
		break;
	case A_MIN:
		e->addr_min = prev->addr_min + d;
		break;
	case A_SPAN:
		e->addr_max = e->addr_min + d;
		break;
	case NR_PARTS:
		break;
	}
}

/* The parts are in the order in which they depend on each other: STORED of the entry
 * before is needed for OFFSET, so it is written first. */
static const enum part order[NR_PARTS] = { STORED, OFFSET, KIND,   SOURCE, ITEMS,
					   SEQ,    T_MIN,  T_SPAN, A_MIN,  A_SPAN };

int mh_index_block(struct mh_encoder *e, const struct mh_index *index, uint64_t prev,
		   struct mh_wbuf *out, struct mh_err *err)
{
	struct mh_columns *c = &e->columns;
	uint64_t *v = malloc((index->nr + 1) * sizeof(*v));
	size_t i, start = out->len;
	unsigned k;

	if (!v)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	mh_columns_reset(c);
	e->head = (struct mh_block_head){ .kind = MH_KIND_INDEX,
					  .items = (uint32_t)index->nr,
					  .addr_min = UINT64_MAX };
	mh_column_begin(c, MH_COLID_TIME, MH_ENCODING_PLAIN);
	mh_wbuf_varint(&c->body, prev);
	for (k = 0; k < NR_PARTS; k++) {
		static const struct mh_entry none;

		for (i = 0; i < index->nr; i++)
			v[i] = part_of(&index->v[i], i ? &index->v[i - 1] : &none,
				       order[k]);
		mh_varints_put(&e->packer, &c->body, v, index->nr, &e->scratch,
			       MH_EFFORT_6);
	}
	mh_column_end(c);
	e->head.memory_len = (uint32_t)(index->nr * sizeof(struct mh_entry));
	mh_columns_finish(c, &e->head, out);
	free(v);
	if (!out->bad)
		return MH_OK;
	out->bad = false;
	out->len = start;
	return mh_fail(err, MH_ENOMEM, "out of memory");
}

static int read_parts(struct mh_index *index, struct mh_unpacker *u, struct mh_rbuf *in,
		      size_t nr, uint64_t *v, uint8_t *bytes)
{
	static const struct mh_entry none;
	size_t first = index->nr, i;
	unsigned k;

	for (i = 0; i < nr; i++) {
		if (!mh_vec_push(index))
			return MH_ENOMEM;
	}
	for (k = 0; k < NR_PARTS; k++) {
		if (!mh_varints_get(u, in, v, nr, bytes))
			return u->no_memory ? MH_ENOMEM : MH_EFORMAT;
		for (i = 0; i < nr; i++)
			set_part(&index->v[first + i],
				 i ? &index->v[first + i - 1] : &none, order[k], v[i]);
	}
	return in->p == in->end ? MH_OK : MH_EFORMAT;
}

int mh_index_read(struct mh_index *index, struct mh_unpacker *u, const struct mh_block *b,
		  uint64_t *prev)
{
	size_t nr = b->head.items;
	struct mh_rbuf in;
	uint64_t *v;
	uint8_t *bytes;
	int status = MH_ENOMEM;

	if (b->head.kind != MH_KIND_INDEX || nr > MH_BATCH_MAX ||
	    mh_block_column(b, MH_COLID_TIME, MH_ENCODING_PLAIN, NULL, &in) !=
		    MH_COLUMN_OK)
		return MH_EFORMAT;
	*prev = mh_rbuf_varint(&in);
	v = malloc((nr + 1) * sizeof(*v));
	bytes = malloc(MH_VARINTS_SCRATCH(nr));
	if (v && bytes)
		status = read_parts(index, u, &in, nr, v, bytes);
	free(v);
	free(bytes);
	return status;
}
