/* SPDX-License-Identifier: MIT */
/* Finding what belongs to a module: debug files, dwz's files, .dwo and .dwp files. */
#ifndef MEMHEAT_SYMBOL_DEBUGFILE_H
#define MEMHEAT_SYMBOL_DEBUGFILE_H

#include "symbol/dwarf.h"

#define MH_PATH_MAX 4096

/* A module's file and the separate debug information of @main, which was opened from
 * @path. True: *out is open, found[MH_PATH_MAX] has its path. */
bool mh_debug_find(struct mh_elf *out, char *found, const struct mh_elf *main,
		   const char *path, const struct mh_symtab_opts *opts);
/* dwz's supplementary file of @from. */
bool mh_debug_find_alt(struct mh_elf *out, struct mh_elf *from, const char *path,
		       const struct mh_symtab_opts *opts);
/* The file <dir>/.build-id/xx/yyyy<suffix>, checked. */
bool mh_debug_find_by_id(struct mh_elf *out, char *found, const uint8_t *id, size_t len,
			 const char *suffix, const struct mh_symtab_opts *opts);

/* A .dwp file next to a module: all split units in one. */
struct mh_dwp {
	struct mh_elf elf;
	struct mh_bytes index, info, abbrev, str, str_offsets, rnglists, loc, loclists;
	uint32_t nr_columns, nr_units, nr_slots;
	bool open;
};

/* Into path[MH_PATH_MAX]; false: too long. */
bool mh_dwp_path(char *path, const char *module_path);
void mh_dwp_find(struct mh_dwp *dwp, const char *module_path);
void mh_dwp_close(struct mh_dwp *dwp);

/* The other half of a skeleton unit. */
struct mh_split {
	struct mh_elf elf; /* the .dwo; unused with a .dwp */
	struct mh_dwarf dw;
	struct mh_dw_unit *unit;
};

/* Returns MH_OK; MH_END: not found; negative: damaged. */
int mh_split_open(struct mh_split *out, const struct mh_dwp *dwp,
		  const struct mh_dw_unit *skeleton, const char *module_path,
		  struct mh_err *err);
void mh_split_close(struct mh_split *split);

#endif
