/* SPDX-License-Identifier: MIT */
/*
 * DAMO's records in all their formats: the first bytes choose, as in life. What comes out
 * must be what the trace's writer may be given: regions that are not empty, snapshots in
 * one piece, times in order.
 */
#include <stdlib.h>

#include "source/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 200000 /* a small zlib stream may hold a large record */

static int check(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	uint64_t *nr = arg;

	if (++*nr > EVENTS_MAX)
		return mh_fail(err, MH_ENOMEM, "enough");
	if (ev->kind == MH_EV_REGION &&
	    (ev->region.start >= ev->region.end || ev->region.start_ns > ev->time_ns ||
	     !ev->region.max_accesses))
		abort();
	if (ev->kind == MH_EV_META && (!ev->meta.key || !ev->meta.value))
		abort();
	return MH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_import_opts opts = { 0 };
	struct mh_input in;
	struct mh_err err;
	uint64_t nr = 0;

	if (mh_input_memory(&in, data, size, &err) != MH_OK)
		return 0;
	mh_importer_damo.run(&in, &opts, check, &nr, &err);
	mh_input_close(&in);
	return 0;
}
