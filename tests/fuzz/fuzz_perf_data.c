/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a perf.data: header, attributes, sections, records, compressed chunks and
 * tracepoint formats. What comes out must be readable to its end.
 */
#include <stdlib.h>
#include <string.h>

#include "source/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	size_t *total = arg;

	(void)err;
	if (ev->kind == MH_EV_META)
		*total += strlen(ev->meta.key) + strlen(ev->meta.value);
	if (ev->kind == MH_EV_MAP) {
		if (ev->map.start > ev->map.end)
			abort();
		*total += strlen(ev->map.path);
	}
	if (ev->kind == MH_EV_TASK)
		*total += strlen(ev->task.comm);
	if (ev->kind == MH_EV_STAT)
		*total += strlen(ev->stat.name);
	if (ev->kind == MH_EV_REGION &&
	    (ev->region.start >= ev->region.end ||
	     ev->region.nr_accesses > ev->region.max_accesses ||
	     ev->region.start_ns > ev->time_ns))
		abort();
	return MH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_import_opts opts = { 0 };
	struct mh_err err = { 0 };
	struct mh_input in;
	size_t total = 0;
	int ret;

	if (size > 1u << 16 || mh_input_memory(&in, data, size, &err))
		return 0;
	ret = mh_importer_perf.run(&in, &opts, take, &total, &err);
	/* Whoever fails must say why. */
	if (ret < 0 && !*err.msg)
		abort();
	mh_input_close(&in);
	return 0;
}
