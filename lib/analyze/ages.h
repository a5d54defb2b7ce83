/* SPDX-License-Identifier: MIT */
/*
 * Idle ages: how long ago each byte was last accessed, followed from snapshot to
 * snapshot. Needs a source that says which bytes were accessed.
 */
#ifndef MEMHEAT_ANALYZE_AGES_H
#define MEMHEAT_ANALYZE_AGES_H

#include "analyze/moments.h"

struct mh_age {
	uint64_t age_ns;
	/* Median over the windows of the bytes that had not been accessed for age_ns; a
	 * window counts once the recording is that old. MH_NO_DATA: there is none. */
	uint64_t cold;
	/* Bytes per second accessed again after not being accessed for age_ns; NAN. */
	double promoted;
};

/* @ages: age_ns given, the rest filled in. MH_ENOSUP where only counts are known. */
int mh_ages_run(struct mh_age *ages, size_t nr, struct mh_session *s,
		const struct mh_session_source *src, enum mh_event_kind kind,
		const struct mh_scan_opts *scan, const struct mh_moments *moments,
		struct mh_err *err);

#endif
