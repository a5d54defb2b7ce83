/* SPDX-License-Identifier: MIT */
/*
 * How long each byte has been idle, followed from snapshot to snapshot. Needs a source
 * that says which bytes were accessed.
 */
#ifndef MEMHEAT_ANALYZE_IDLENESS_H
#define MEMHEAT_ANALYZE_IDLENESS_H

#include <stdbool.h>

#include "analyze/moments.h"

/* Bytes that were accessed last in the snapshot that ended at last_ns. */
struct mh_idle_run {
	struct mh_range addr;
	uint64_t last_ns;
	bool assumed;  /* not accessed since they were first seen: when that began */
	uint64_t seen; /* bytes of it that the snapshot under way covers */
};

struct mh_idleness_ops {
	/* @bytes of @run are accessed again in @snap. */
	void (*again)(void *arg, const struct mh_snap *snap,
		      const struct mh_idle_run *run, uint64_t bytes);
	/* @bytes are accessed in @snap that were not there before. May be NULL. */
	void (*first)(void *arg, const struct mh_snap *snap, uint64_t bytes);
	/* @bytes of @run are not in @snap any more: not mapped, or not observed. May be
	 * NULL. */
	void (*gone)(void *arg, const struct mh_snap *snap, const struct mh_idle_run *run,
		     uint64_t bytes);
	/* All of a space after @snap. @since_ns: it has been watched since then.
	 * May be NULL. */
	void (*after)(void *arg, const struct mh_snap *snap, uint64_t since_ns,
		      const struct mh_idle_run *runs, size_t nr);
};

/*
 * Hand every snapshot of a source to @ops, in order.
 *
 * @what: for the message of MH_ENOSUP where the source counts bytes and does not say
 * which: "a miss-ratio curve needs"
 */
int mh_idleness_run(struct mh_session *s, const struct mh_session_source *src,
		    enum mh_event_kind kind, const struct mh_scan_opts *scan,
		    const struct mh_idleness_ops *ops, void *arg, const char *what,
		    struct mh_err *err);

#endif
