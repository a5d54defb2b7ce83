/* SPDX-License-Identifier: MIT */
/* What is known of a register's contents: an address in an object, or a number. */
#ifndef MEMHEAT_SYMBOL_VALUE_H
#define MEMHEAT_SYMBOL_VALUE_H

#include "symbol/dwarf.h"

enum mh_value_kind {
	MH_VALUE_NUMBER,  /* of unknown meaning */
	MH_VALUE_POINTER, /* counted from the beginning of an object of .type */
	MH_VALUE_STATIC,  /* an address of the file */
	MH_VALUE_FRAME    /* counted from the canonical frame address */
};

/*
 * add + step * n. Two values with one symbol have the same n, which is how x + 2 * x is
 * known to be a multiple of 3; symbol 0 is any n.
 */
struct mh_value {
	struct mh_dw_ref type; /* POINTER */
	int64_t add, step;
	uint32_t symbol;
	uint8_t kind;
	bool element; /* POINTER: of an array, from one of its elements */
};

static inline struct mh_value mh_value_constant(int64_t n)
{
	return (struct mh_value){ .add = n };
}

/* Nothing is known, but that it is the same wherever @symbol is. */
static inline struct mh_value mh_value_unknown(uint32_t symbol)
{
	return (struct mh_value){ .step = 1, .symbol = symbol };
}

static inline struct mh_value mh_value_pointer(struct mh_dw_ref type, int64_t add)
{
	return (struct mh_value){ .kind = MH_VALUE_POINTER, .type = type, .add = add };
}

static inline bool mh_value_is_number(const struct mh_value *v)
{
	return v->kind == MH_VALUE_NUMBER;
}

/* Of two addresses the sum is unknown: *out is then any number. */
struct mh_value mh_value_add(const struct mh_value *a, const struct mh_value *b);
struct mh_value mh_value_sub(const struct mh_value *a, const struct mh_value *b);
struct mh_value mh_value_mul(const struct mh_value *a, int64_t n);
/* What both are: less is known of it than of either. It counts from where @a does, so
 * that joining again and again comes to an end, and an array's first element stays known.
 */
struct mh_value mh_value_join(const struct mh_value *a, const struct mh_value *b);
bool mh_value_same(const struct mh_value *a, const struct mh_value *b);

#endif
