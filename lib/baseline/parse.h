/* SPDX-License-Identifier: MIT */
/* The JSON of a baseline into runs. */
#ifndef MEMHEAT_BASELINE_PARSE_H
#define MEMHEAT_BASELINE_PARSE_H

#include <memheat/view.h>

/*
 * @schema: what the file says it is; "" if nothing
 * @path: for messages
 * On failure *out holds what was read so far and is to be released all the same.
 */
int mh_baseline_parse(struct mh_runs *out, char *schema, size_t schema_size,
		      const char *path, const char *text, size_t len, struct mh_err *err);

#endif
