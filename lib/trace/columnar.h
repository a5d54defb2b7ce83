/* SPDX-License-Identifier: MIT */
/* Events to batches: rows of the kinds that are read as columns are turned into columns.
 */
#ifndef MEMHEAT_TRACE_COLUMNAR_H
#define MEMHEAT_TRACE_COLUMNAR_H

#include <memheat/trace.h>

struct mh_columnar;

int mh_columnar_new(struct mh_columnar **out, struct mh_err *err) MH_MUST_CHECK;
void mh_columnar_free(struct mh_columnar *c);

/* Put the columns of event @ev into row @i, which is below MH_BATCH_MAX; of SAMPLE and
 * REGION only. */
void mh_columnar_set(struct mh_columnar *c, uint32_t i, const struct mh_event *ev);

/* A batch of the rows that were set; only kind, source and nr are to be filled in. */
void mh_columnar_lend(struct mh_columnar *c, struct mh_batch *batch);

/*
 * A batch of @nr events of one kind and source.
 *
 * @batch: borrows @ev or @c's memory until the next call
 */
void mh_columnar_batch(struct mh_columnar *c, struct mh_batch *batch,
		       const struct mh_event *ev, uint32_t nr);

#endif
