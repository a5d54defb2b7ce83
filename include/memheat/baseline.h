/* SPDX-License-Identifier: MIT */
/*
 * The baseline of checks: runs as a JSON file that is kept in a repository. Keys stand in
 * a fixed order and one run's numbers on lines of their own, so that a change of it can
 * be reviewed like one of the source.
 */
#ifndef MEMHEAT_BASELINE_H
#define MEMHEAT_BASELINE_H

#include <stdio.h>

#include <memheat/base.h>
#include <memheat/view.h>

#define MH_BASELINE_SCHEMA "memheat.baseline/1"

/*
 * Read a baseline. Somebody else's bytes: size, depth and counts are limited, and an
 * unknown member is skipped.
 *
 * Returns MH_OK; MH_ESYS, MH_EPERM; MH_EFORMAT with the line, when it is no baseline or a
 * damaged one; MH_ENOSUP in a build without a JSON library.
 */
int mh_baseline_read(struct mh_runs *out, const char *path,
		     struct mh_err *err) MH_MUST_CHECK;

/* Write @runs to a stream. */
void mh_baseline_write(FILE *out, const struct mh_runs *runs);

#endif
