/* SPDX-License-Identifier: MIT */
/*
 * Growing arrays: any struct with members `T *v; size_t nr, cap;` is one.
 *
 *	struct { struct mh_range *v; size_t nr, cap; } ranges = { 0 };
 *	struct mh_range *r = mh_vec_push(&ranges);   // zeroed; NULL: out of memory
 *	...
 *	free(ranges.v);
 */
#ifndef MEMHEAT_BASE_VEC_H
#define MEMHEAT_BASE_VEC_H

#include <stddef.h>

/* Add a zeroed element and return its address; NULL when memory is out (@vec unchanged).
 */
#define mh_vec_push(vec)                                                                 \
	((__typeof__(*(vec)->v) *)mh_vec_grow(&(vec)->v, &(vec)->nr, &(vec)->cap,        \
					      sizeof(*(vec)->v)))

/* @v: address of the array pointer, whatever its type is */
void *mh_vec_grow(void *v, size_t *nr, size_t *cap, size_t size);

#endif
