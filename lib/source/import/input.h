/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a recording in order, from a file or a pipe, through one buffer whose size
 * does not depend on theirs.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_INPUT_H
#define MEMHEAT_SOURCE_IMPORT_INPUT_H

#include <stdbool.h>

#include <memheat/base.h>

#define MH_INPUT_PEEK_MAX (1u << 17)

struct mh_input {
	const char *name; /* for messages; borrowed */
	int fd;
	bool seekable, owned;
	uint64_t size; /* of a file; UINT64_MAX: not known */
	uint64_t pos;  /* of the byte at @start */
	uint8_t *buf;
	size_t start, end;
	bool ended;
};

/* @path: "-" is standard input. Returns MH_OK; MH_ESYS, MH_EPERM, MH_EINPUT, MH_ENOMEM.
 */
int mh_input_open(struct mh_input *in, const char *path,
		  struct mh_err *err) MH_MUST_CHECK;

/* @bytes: borrowed; for tests and fuzzing */
int mh_input_memory(struct mh_input *in, const void *bytes, size_t len,
		    struct mh_err *err) MH_MUST_CHECK;
void mh_input_close(struct mh_input *in);

/*
 * Look at the next bytes without taking them.
 *
 * @want: at most MH_INPUT_PEEK_MAX
 * @p: valid until the next call; *got is less than @want only at the end
 * Returns MH_OK; MH_ESYS.
 */
int mh_input_peek(struct mh_input *in, size_t want, const uint8_t **p, size_t *got,
		  struct mh_err *err) MH_MUST_CHECK;

/* Take what was peeked. */
void mh_input_take(struct mh_input *in, size_t len);

/* Pass over @len bytes; *skipped is less only at the end. */
int mh_input_skip(struct mh_input *in, uint64_t len, uint64_t *skipped,
		  struct mh_err *err) MH_MUST_CHECK;

/* Go on at @pos. Only for a seekable input. */
int mh_input_seek(struct mh_input *in, uint64_t pos, struct mh_err *err) MH_MUST_CHECK;

#endif
