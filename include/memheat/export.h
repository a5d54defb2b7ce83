/* SPDX-License-Identifier: MIT */
/* Exporters: a trace in the form of another tool. */
#ifndef MEMHEAT_EXPORT_H
#define MEMHEAT_EXPORT_H

#include <stdio.h>

#include <memheat/base.h>
#include <memheat/trace.h>

struct mh_exporter {
	const char *name;    /* as typed after `memheat export` */
	const char *summary; /* one line: what it writes, from which sources */
	/*
	 * Write the events that pass @filter (zeroed: all) to @out.
	 *
	 * Returns MH_OK; MH_ENOSUP when no source of the trace fits; MH_ESYS, MH_ENOMEM.
	 */
	int (*run)(FILE *out, const struct mh_reader *r, const struct mh_filter *filter,
		   struct mh_err *err);
};

/* DAMO's record (json_compressed) from DAMON's regions. */
extern const struct mh_exporter mh_exporter_damo;

/* The exporters of this build; NULL past the end. */
const struct mh_exporter *mh_exporter_at(size_t i);

#endif
