/* SPDX-License-Identifier: MIT */
/*
 * Repacking: rows of a trace through a cursor into a writer. The writer gathers what
 * belongs together, so small blocks become large ones, and its policy decides how hard
 * they are compressed. Blocks are not copied as they are: a filter cuts them, and the
 * result must not depend on how the source was cut.
 */
#include <memheat/trace.h>

static int add_batch(struct mh_writer *w, const struct mh_batch *batch,
		     struct mh_err *err)
{
	struct mh_event ev;
	int status = MH_OK;
	uint32_t i;

	for (i = 0; !status && i < batch->nr; i++) {
		mh_batch_event(batch, i, &ev);
		status = mh_writer_add(w, &ev, err);
	}
	return status;
}

int mh_trace_repack(struct mh_writer *w, const struct mh_reader *r,
		    const struct mh_filter *filter, uint64_t *nr_damaged,
		    struct mh_err *err)
{
	struct mh_cursor *c;
	struct mh_batch batch;
	int status;

	status = mh_cursor_open(&c, r, filter, err);
	if (status)
		return status;
	do {
		status = mh_cursor_next(c, &batch, err);
		if (status == MH_OK)
			status = add_batch(w, &batch, err);
	} while (status == MH_OK || status == MH_EFORMAT);
	if (nr_damaged)
		*nr_damaged = mh_cursor_nr_damaged(c);
	mh_cursor_close(c);
	return status == MH_END ? MH_OK : status;
}
