/* SPDX-License-Identifier: MIT */
/*
 * Which pages were touched at all, from page faults: sources that count the used bytes of
 * a whole mapping do not say where in it they are, but a page that never faulted is not
 * among them.
 */
#ifndef MEMHEAT_ANALYZE_TOUCHED_H
#define MEMHEAT_ANALYZE_TOUCHED_H

#include "analyze/session.h"

struct mh_touched_page {
	uint64_t key, page; /* of the space; number of the page */
	uint64_t time_ns;   /* of its first fault */
};

struct mh_touched {
	struct {
		struct mh_touched_page *v; /* by key, then page; each once */
		size_t nr, cap;
	} pages;
	size_t joined;      /* of them, sorted and each once */
	uint64_t page_size; /* 0: no page faults in the trace */
};

/* Read them. A trace without is no error, and nothing is known then. */
int mh_touched_read(struct mh_touched *out, struct mh_session *s, struct mh_err *err);
void mh_touched_fini(struct mh_touched *t);

/* Bytes of a range in pages that had faulted by then. */
uint64_t mh_touched_bytes(const struct mh_touched *t, uint64_t key, struct mh_range addr,
			  uint64_t time_ns);

#endif
