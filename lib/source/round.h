/* SPDX-License-Identifier: MIT */
/*
 * One round of a source that looks at its target now and then: what the events of a scan
 * share, and the few that every such source sends.
 */
#ifndef MEMHEAT_SOURCE_ROUND_H
#define MEMHEAT_SOURCE_ROUND_H

#include <sys/types.h>

#include <memheat/source.h>

struct round {
	const char *sysroot;
	uint16_t source;
	uint64_t time_ns; /* of the scan: one for all, so that moments add up */
	mh_event_fn fn;
	void *arg;
};

uint64_t mh_round_now_ns(void);

/* An event of this source at the time of the scan. */
struct mh_event mh_round_event(const struct round *r, enum mh_event_kind kind);

int mh_round_send(const struct round *r, const struct mh_event *ev, struct mh_err *err);

int mh_round_gap(const struct round *r, uint64_t start_ns, pid_t pid,
		 enum mh_gap_cause cause, struct mh_err *err);
int mh_round_stat(const struct round *r, pid_t pid, const char *name, uint64_t value,
		  struct mh_err *err);

/* META "source.<id>.<name>". */
int mh_round_meta(const struct round *r, const char *name, const char *value,
		  struct mh_err *err);

/* What errno says of opening, reading or writing /proc/@pid/@file: MH_ENOTARGET when the
 * process has gone, MH_EPERM, MH_ESYS. */
int mh_round_failed(struct mh_err *err, pid_t pid, const char *file);

/* /proc/@pid/@file. Statuses as above. */
int mh_round_open(int *fd, const struct round *r, pid_t pid, const char *file, int flags,
		  struct mh_err *err) MH_MUST_CHECK;

#endif
