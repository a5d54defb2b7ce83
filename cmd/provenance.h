/* SPDX-License-Identifier: MIT */
/* What a trace says of itself, for the readers that make no view of it. */
#ifndef MEMHEAT_PROVENANCE_H
#define MEMHEAT_PROVENANCE_H

#include <memheat/trace.h>
#include <memheat/view.h>

/*
 * Lost counts, gaps and the observer's cost of the whole trace, and its title.
 *
 * @source: id + 1, for `source`, `params` and `others`; 0: these stay empty
 */
int mh_provenance_read(struct mh_provenance *out, const struct mh_reader *r, int source,
		       struct mh_err *err) MH_MUST_CHECK;

/* Bit i: the trace has a source i with events of that kind (ids 0..63). */
uint64_t mh_provenance_sources(const struct mh_reader *r, enum mh_event_kind kind);

#endif
