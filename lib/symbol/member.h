/* SPDX-License-Identifier: MIT */
/* What an access through a pointer touches: type and offset to a member. */
#ifndef MEMHEAT_SYMBOL_MEMBER_H
#define MEMHEAT_SYMBOL_MEMBER_H

#include "symbol/vars.h"

/* A number of which is known: add + step * n, for an n that is not known; step 0: it is
 * add. */
struct mh_dw_offset {
	int64_t add;
	uint64_t step;
	bool element; /* up to whole objects: it is in one of an array */
};

enum mh_dw_reach {
	MH_DW_REACHED,
	MH_DW_OPAQUE,  /* no object: void, a function, a struct only declared */
	MH_DW_OUTSIDE, /* the offset is not in the type */
	MH_DW_VARIES   /* several members are possible */
};

#define MH_DW_PATH 256

struct mh_dw_member {
	enum mh_dw_reach reach;
	struct mh_dw_ref
		owner;         /* the type that the path is of, arrays around it undone */
	struct mh_dw_ref leaf; /* what is there; no unit: several may be */
	bool exact;            /* the offset is the leaf's beginning */
	bool in_struct;        /* the owner has members */
	uint64_t leaf_size;
	char path[MH_DW_PATH]; /* ".left.key", "[3].val"; "" for the whole */
};

/*
 * What @size bytes at @off from the beginning of an object of @type are. An offset that
 * varies by whole objects is one into an array of them. Of a union's members the one that
 * begins there with this size is taken if it is the only one; else the union is named.
 */
void mh_dw_member_find(struct mh_dw_member *out, struct mh_dw_ref type,
		       struct mh_dw_offset off, uint64_t size);

/* The type that a pointer or reference points to; no unit: it is none of these, or
 * points to void. */
struct mh_dw_ref mh_dw_pointee(struct mh_dw_ref type);

/* Bytes of a type of which objects can stand in an array; 0: it has no size, or ends in
 * an array without one. */
uint64_t mh_dw_type_stride(struct mh_dw_ref type);

/* The type without qualifiers, and without typedefs where it has a name of its own. */
struct mh_dw_ref mh_dw_type_named(struct mh_dw_ref type);

#endif
