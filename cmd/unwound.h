/* SPDX-License-Identifier: MIT */
/* What became of copies of stacks, for a person. */
#ifndef MEMHEAT_UNWOUND_H
#define MEMHEAT_UNWOUND_H

#include <memheat/analyze.h>

/* How many chains of the session were unwound. */
uint64_t mh_nr_unwound(const struct mh_session *s);
/* A line for each reason why chains are cut short; none where none is. @s: may be NULL */
void mh_say_cut_chains(const struct mh_session *s);

#endif
