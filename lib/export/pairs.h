/* SPDX-License-Identifier: MIT */
/* A profile with addresses left out: which place in the source accessed which object. */
#ifndef MEMHEAT_EXPORT_PAIRS_H
#define MEMHEAT_EXPORT_PAIRS_H

#include <memheat/export.h>

struct mh_pair {
	uint32_t code; /* one of those with the same names and lines; MH_PROFILE_NONE */
	uint32_t object;
	uint32_t caller; /* of those with the same names and lines; MH_PROFILE_NONE */
	uint8_t level;
	uint64_t samples, events, cycles, bytes;
};

struct mh_pairs {
	struct mh_pair *v; /* by events, descending */
	size_t nr;
};

/* @by_level: tell levels apart. */
int mh_pairs_make(struct mh_pairs *out, const struct mh_profile *p, bool by_level,
		  struct mh_err *err) MH_MUST_CHECK;
void mh_pairs_fini(struct mh_pairs *pairs);

#define MH_LABEL_MAX 512

/* A name for frame @frame of a code, or for one without: "[libc.so.6+0x1234]". */
const char *mh_label_code(char buf[MH_LABEL_MAX], const struct mh_profile *p,
			  uint32_t code, uint32_t frame);
/* 1 where a code has no frames: it is shown as one. */
uint32_t mh_label_frames(const struct mh_profile *p, uint32_t code);
/* For folded stacks: a name without their separator; the frames of a code, and all who
 * called, outermost first, each with a ';' behind it. */
void mh_put_name(FILE *out, const char *name);
void mh_put_code(FILE *out, const struct mh_profile *p, uint32_t code);
void mh_put_callers(FILE *out, const struct mh_profile *p, uint32_t caller);
/* "libc.so.6", "[kernel]", "". */
const char *mh_label_module(const struct mh_profile *p, uint32_t module);

#endif
