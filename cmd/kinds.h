/* SPDX-License-Identifier: MIT */
/* Kinds of events as words of an option. */
#ifndef MEMHEAT_KINDS_H
#define MEMHEAT_KINDS_H

#include "options.h"

/* Bits 1 << enum mh_event_kind; an empty list: 0, which is all. MH_EINPUT. */
int mh_kinds(uint32_t *out, const struct mh_strings *words,
	     struct mh_err *err) MH_MUST_CHECK;

#endif
