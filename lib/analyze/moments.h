/* SPDX-License-Identifier: MIT */
/*
 * Working set sizes moment by moment. Every target has its own snapshots; a moment is
 * what one interval of the source says of all of them, and targets are added up within a
 * moment before anything is sorted.
 */
#ifndef MEMHEAT_ANALYZE_MOMENTS_H
#define MEMHEAT_ANALYZE_MOMENTS_H

#include "analyze/pass.h"
#include "analyze/scan.h"

#define MH_NR_LEVELS 3 /* of hits: >= 5 %, >= 25 %, >= 50 % of the checks */

struct mh_moment {
	struct mh_range time_ns; /* absolute */
	uint64_t bytes;          /* with any access; MH_NO_DATA */
	uint64_t at_least[MH_NR_LEVELS];
};

struct mh_moments {
	struct mh_moment *v; /* by time */
	size_t nr, cap;
	uint64_t interval_ns; /* median length of a snapshot */
	bool hits;            /* at_least[] is known */
	bool exact;           /* every snapshot named the very bytes */
	uint64_t nr_snapshots;
};

/* The analysis; its part goes to mh_moments_take(). @arg of it: the scan options. */
void mh_moments_analysis(struct mh_analysis *out, const struct mh_scan_opts *scan);

/* Group what a pass collected, with the gaps of @src. Consumes a->part. */
int mh_moments_take(struct mh_moments *out, struct mh_analysis *a,
		    const struct mh_session *s, const struct mh_session_source *src,
		    struct mh_err *err);
/* Both, in a pass of their own. */
int mh_moments_run(struct mh_moments *out, const struct mh_scan_opts *scan,
		   const struct mh_session_source *src, enum mh_event_kind kind,
		   struct mh_session *s, struct mh_err *err);
void mh_moments_fini(struct mh_moments *m);

/*
 * A run's moments that say nothing of its working set lose their data: those in which the
 * program was kept from running, and the last one of a program that was giving its memory
 * back. *nr: how many; *nr_busy: of those left, with more waiting than running.
 */
int mh_moments_leave_out(struct mh_moments *m, const struct mh_session *s,
			 const struct mh_session_source *src, size_t *nr, size_t *nr_busy,
			 struct mh_err *err);

/* Index of the moment whose middle is nearest to @time_ns; @m is not empty. */
size_t mh_moments_nearest(const struct mh_moments *m, uint64_t time_ns);

/* Fill in what --skip leaves out (@scan is zeroed but for its session). Runs a pass. */
int mh_moments_skip(struct mh_scan_opts *scan, const struct mh_session_source *src,
		    enum mh_event_kind kind, struct mh_session *s, struct mh_err *err);

#endif
