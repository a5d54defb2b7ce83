/* SPDX-License-Identifier: MIT */
/* The encoder's life, and which kind's columns a batch becomes. */
#include "trace/encode.h"

#include <stdlib.h>

/* Both ways are tried in every so many blocks of a source. */
#define TRIAL_EVERY 16

int mh_encoder_new(struct mh_encoder **out, enum mh_policy policy, struct mh_err *err)
{
	struct mh_encoder *e = calloc(1, sizeof(*e));

	*out = e;
	if (!e)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	mh_packer_init(&e->packer, policy);
	return MH_OK;
}

void mh_encoder_free(struct mh_encoder *e)
{
	if (!e)
		return;
	mh_packer_fini(&e->packer);
	mh_columns_fini(&e->columns);
	mh_occupancy_fini(&e->occupancy);
	mh_wbuf_fini(&e->scratch);
	mh_wbuf_fini(&e->index_bytes);
	mh_sample_scratch_free(e->sample);
	free(e);
}

static bool encode_columns(struct mh_encoder *e, const struct mh_batch *batch)
{
	switch (batch->kind) {
	case MH_EV_SAMPLE:
		return mh_encode_sample(e, batch);
	case MH_EV_REGION:
		return mh_encode_region(e, batch);
	case MH_EV_PAGES:
		return mh_encode_pages(e, batch);
	case MH_EV_META:
	case MH_EV_MAP:
	case MH_EV_TASK:
	case MH_EV_FOOTPRINT:
	case MH_EV_STAT:
	case MH_EV_LOST:
	case MH_EV_GAP:
	case MH_EV_HEAP:
	case MH_EV_STACK:
	case MH_EV_STACK_COPY:
		break;
	}
	return mh_encode_table(e, batch);
}

int mh_encoder_block(struct mh_encoder *e, const struct mh_batch *batch,
		     struct mh_wbuf *out, struct mh_err *err)
{
	size_t start = out->len;

	mh_assert(batch->nr >= 1 && batch->nr <= MH_BATCH_MAX);
	mh_columns_reset(&e->columns);
	mh_occupancy_reset(&e->occupancy);
	e->scratch.bad = e->packer.a.bad = e->packer.b.bad = e->packer.runs.bad = false;
	e->head = (struct mh_block_head){ .kind = (uint16_t)batch->kind,
					  .items = batch->nr,
					  .source = batch->source,
					  .t_min = UINT64_MAX,
					  .addr_min = UINT64_MAX };
	if (!encode_columns(e, batch) || e->columns.body.bad)
		goto fail;
	mh_columns_finish(&e->columns, &e->head, out);
	if (out->bad)
		goto fail;
	return MH_OK;
fail:
	out->len = start;
	out->bad = false;
	return mh_fail(err, MH_ENOMEM, "out of memory while encoding %u rows", batch->nr);
}

struct mh_verdicts *mh_encoder_verdicts(struct mh_encoder *e, uint16_t source)
{
	struct mh_verdicts *v = &e->verdicts[source % MH_NR_VERDICTS];

	if (!v->used || v->source != source)
		*v = (struct mh_verdicts){ .used = true, .source = source };
	e->packer.trial = v->nr_blocks++ % TRIAL_EVERY == 0;
	return v;
}
