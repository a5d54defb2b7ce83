/* SPDX-License-Identifier: MIT */
/* Kinds of events as words of an option. */
#include <stdio.h>
#include <string.h>

#include <memheat/event.h>

#include "cmd.h"
#include "kinds.h"

static int kind_of(const char *word)
{
	int kind;

	for (kind = 1; kind < MH_NR_EVENT_KINDS; kind++)
		if (!strcmp(word, mh_event_kind_name((enum mh_event_kind)kind)))
			return kind;
	return 0;
}

int mh_kinds(uint32_t *out, const struct mh_strings *words, struct mh_err *err)
{
	size_t i;
	int kind;

	*out = 0;
	for (i = 0; i < words->nr; i++) {
		kind = kind_of(words->v[i]);
		if (!kind)
			return mh_fail(
				err, MH_EINPUT,
				"--kind: '%s' is not one of: meta, map, task, sample, "
				"region, pages, footprint, stat, lost, gap, heap, "
				"stack, stack_copy",
				words->v[i]);
		*out |= 1u << kind;
	}
	return MH_OK;
}
