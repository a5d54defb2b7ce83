/* SPDX-License-Identifier: MIT */
/*
 * Importers: what others recorded, as the same events that sources give. An importer
 * reads its input as a stream and hands out events as it goes; it never sees a trace.
 */
#ifndef MEMHEAT_IMPORT_H
#define MEMHEAT_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <memheat/base.h>
#include <memheat/event.h>

#define MH_IMPORT_HEAD 4096

/* A file or a pipe of which the first bytes were looked at; `f` still begins with them.
 */
struct mh_import_input {
	const char *path; /* borrowed; "-" is standard input */
	const char *name; /* for messages */
	FILE *f;
	bool seekable; /* rewind() works on `f` */
	uint8_t head[MH_IMPORT_HEAD];
	size_t nr_head;
};

/* Returns MH_OK; MH_EINPUT for a directory; MH_ESYS, MH_EPERM. */
int mh_import_open(struct mh_import_input *in, const char *path,
		   struct mh_err *err) MH_MUST_CHECK;
/* Likewise of an open stream, which is closed whatever is returned. */
int mh_import_wrap(struct mh_import_input *in, FILE *f, const char *path,
		   struct mh_err *err) MH_MUST_CHECK;
/* A zeroed one is allowed. */
void mh_import_close(struct mh_import_input *in);

struct mh_import_opts {
	const struct mh_log *log; /* NULL: silent */
};

struct mh_importer {
	const char *name;    /* as typed after `import` */
	const char *summary; /* for help: what files these are */
	/* Whether an input that begins with these bytes is surely one of its kind. */
	bool (*recognize)(const uint8_t *head, size_t len);
	/*
	 * Hand every event to @fn, in the order of the input.
	 *
	 * Returns MH_OK; MH_EFORMAT with the place; MH_ENOSUP when this build lacks a
	 * library; MH_ENOMEM; MH_ESYS; a failure of @fn is passed on.
	 */
	int (*run)(struct mh_import_input *in, const struct mh_import_opts *opts,
		   mh_event_fn fn, void *arg, struct mh_err *err);
};

/* DAMO's records: json, json_compressed, perf script text, old binary. */
extern const struct mh_importer mh_import_damo;

#endif
