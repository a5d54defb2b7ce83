/* SPDX-License-Identifier: MIT */
/* Which sources a recording uses: as asked, or chosen by what works here. */
#ifndef MEMHEAT_RECORD_CHOOSE_H
#define MEMHEAT_RECORD_CHOOSE_H

#include <memheat/base.h>
#include <memheat/source.h>

#define MH_SOURCES_MAX 8

struct mh_choice {
	const struct mh_source_ops *ops[MH_SOURCES_MAX];
	size_t nr;
	int automatic; /* one that then fails to open may be left out */
};

/*
 * Parse "refs,faults", or probe for "auto" (NULL too) and say what was chosen and why.
 *
 * @force: allow sources that disturb each other
 * Returns MH_OK; MH_EINPUT for an unknown name or sources that disturb each other;
 * MH_ENOSUP, with the reason and what mends it, when a source does not work here.
 */
int mh_choose_sources(struct mh_choice *out, const char *names, int force,
		      const struct mh_target *target, const struct mh_source_opts *opts,
		      struct mh_err *err) MH_MUST_CHECK;

#endif
