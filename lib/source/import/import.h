/* SPDX-License-Identifier: MIT */
/* What an importer is: a folder member with one of these, listed in import.c. */
#ifndef MEMHEAT_SOURCE_IMPORT_IMPORT_H
#define MEMHEAT_SOURCE_IMPORT_IMPORT_H

#include <stdbool.h>

#include <memheat/source.h>

#include "source/import/input.h"

struct mh_importer_ops {
	struct mh_importer pub;
	/* Whether these, the first bytes of it, are its own. */
	bool (*recognise)(const uint8_t *head, size_t len);
	/* As mh_import(). */
	int (*run)(struct mh_input *in, const struct mh_import_opts *opts, mh_event_fn fn,
		   void *arg, struct mh_err *err);
};

extern const struct mh_importer_ops mh_importer_damo;
extern const struct mh_importer_ops mh_importer_perf;
extern const struct mh_importer_ops mh_importer_text;

#endif
