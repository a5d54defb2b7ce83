/* SPDX-License-Identifier: MIT */
/* Counts by line and inlined call of each function: what sample profiles are made of. */
#ifndef MEMHEAT_EXPORT_INLINES_H
#define MEMHEAT_EXPORT_INLINES_H

#include <memheat/export.h>

struct mh_inline_line {
	uint32_t offset, discriminator; /* from the function's first line; as in DWARF */
	uint64_t count;                 /* the most that one of its instructions has */
};

/* A function, or a function that was inlined into another. */
struct mh_inline {
	const char *name;               /* as linked */
	size_t name_len;                /* without suffixes of the compiler's clones */
	uint32_t offset, discriminator; /* of the call in the function around it */
	uint64_t total;                 /* of its lines and of what is inlined */
	struct {
		struct mh_inline_line *v; /* by offset, then discriminator */
		size_t nr, cap;
	} lines;
	struct {
		struct mh_inline **v; /* by offset, discriminator, name */
		size_t nr, cap;
	} inner;
};

struct mh_inlines {
	struct mh_inline top;  /* its `inner` are the functions, most counts first */
	uint64_t nr_lineless;  /* samples without a line or a function's first line */
	uint64_t nr_elsewhere; /* samples of other files */
};

/* The functions of the profile's program. */
int mh_inlines_make(struct mh_inlines *out, const struct mh_profile *p,
		    struct mh_err *err) MH_MUST_CHECK;
void mh_inlines_fini(struct mh_inlines *in);

/* The part of a discriminator that tells blocks of one line apart, as LLVM encodes it. */
uint32_t mh_inline_base(uint32_t discriminator);

/* Counts of the function's first line that has any: the best guess at its calls. */
uint64_t mh_inline_head(const struct mh_inline *f);

#endif
