/* SPDX-License-Identifier: MIT */
/* Static variables: where they are, of which type, and what is at an offset in them. */
#ifndef MEMHEAT_SYMBOL_VARS_H
#define MEMHEAT_SYMBOL_VARS_H

#include "symbol/dwarf.h"

struct mh_dw_var {
	uint64_t addr;
	uint64_t die;  /* in its unit */
	uint32_t unit; /* as given to mh_dw_vars_add() */
};

struct mh_dw_vars {
	struct mh_dw_var *v; /* by address once sorted */
	size_t nr, cap;
};

/* Add the variables with a fixed address of a loaded unit, function-local ones too.
 * False: out of memory. */
bool mh_dw_vars_add(struct mh_dw_vars *vars, struct mh_dw_unit *u, uint32_t number);
void mh_dw_vars_sort(struct mh_dw_vars *vars);
/* Index behind the last variable that begins at or below @addr. */
size_t mh_dw_vars_upto(const struct mh_dw_vars *vars, uint64_t addr);

/* Bytes of a type; 0: not known. */
uint64_t mh_dw_type_size(struct mh_dw_ref type);

struct mh_dw_ref mh_dw_type_of(const struct mh_dw_die *die);

/* The type behind typedefs and qualifiers, read into *die. False: none. */
bool mh_dw_type_strip(struct mh_dw_die *die, struct mh_dw_ref type);

#define MH_DW_DIMS_MAX 8
/* Elements of each dimension; 0: not known. Returns their number. */
unsigned mh_dw_array_dims(const struct mh_dw_die *array, uint64_t dims[MH_DW_DIMS_MAX]);
/* Where a member is. False: it has no place, as static ones. */
bool mh_dw_member_place(const struct mh_dw_die *die, bool in_union, uint64_t *off);

/* "struct rec[64]", "char *"; as much as fits. */
void mh_dw_type_text(struct mh_dw_ref type, char *buf, size_t size);

/* Append to @buf, which has the variable's name, what is at @off of @type:
 * "[1].val", ".<padding>", "+7". */
void mh_dw_type_path(struct mh_dw_ref type, uint64_t off, char *buf, size_t size);

#endif
