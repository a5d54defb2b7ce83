/* SPDX-License-Identifier: MIT */
/* One line on standard error that says how far long work has come. */
#ifndef MEMHEAT_PROGRESS_H
#define MEMHEAT_PROGRESS_H

#include <stdint.h>

struct mh_progress {
	const char *what; /* "reading the trace" */
	int tty;
	int shown;
	uint64_t start_ns, last_ns;
};

void mh_progress_start(struct mh_progress *p, const char *what);
/* @arg: struct mh_progress; @done: 0..1. Fits mh_session_on_progress(). */
void mh_progress_update(void *arg, double done);
/* Take the line away. */
void mh_progress_end(struct mh_progress *p);

#endif
