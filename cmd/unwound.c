/* SPDX-License-Identifier: MIT */
/* A chain that is cut short looks like one that begins there: it is said, and why. */
#include <inttypes.h>

#include "cmd.h"
#include "unwound.h"

uint64_t mh_nr_unwound(const struct mh_session *s)
{
	const struct mh_unwind_counts *c = mh_session_unwound(s);
	uint64_t nr = 0;
	unsigned end;

	for (end = 0; end < MH_NR_UNWIND_ENDS; end++)
		nr += c->nr[end];
	return nr;
}

void mh_say_cut_chains(const struct mh_session *s)
{
	const struct mh_unwind_counts *c;
	unsigned end;

	if (!s)
		return;
	c = mh_session_unwound(s);
	for (end = MH_UNWIND_OUTERMOST + 1; end < MH_NR_UNWIND_ENDS; end++)
		if (c->nr[end])
			mh_say("%" PRIu64 " of %" PRIu64 " chains are cut short: %s",
			       c->nr[end], mh_nr_unwound(s), mh_unwind_words(end));
}
