/* SPDX-License-Identifier: MIT */
/* One file that was mapped: what is opened of it, and names of addresses in it. */
#ifndef MEMHEAT_SYMBOL_MODULE_H
#define MEMHEAT_SYMBOL_MODULE_H

#include "symbol/cache.h"
#include "symbol/debugfile.h"
#include "symbol/elfsyms.h"
#include "symbol/line.h"
#include "symbol/names.h"
#include "symbol/vars.h"

struct mh_cu_range {
	uint64_t start, end;
	uint64_t reach; /* the highest end up to here */
	uint32_t unit;  /* of the DWARF file */
};

struct mh_module {
	const char *path, *build_id; /* as recorded; build_id "" */
	const char *debug_file;      /* "" */
	bool open;
	bool loaded;     /* symbols and debug information, too */
	bool incomplete; /* parts of the latter were not found */
	enum mh_build_id_state state;
	enum mh_unnamed why; /* of the whole module */

	struct mh_elf elf, debug, alt; /* debug, alt: where there are such files */
	struct mh_dw_fuel fuel;
	struct mh_dwarf dw, alt_dw;
	bool has_dwarf;
	struct mh_dwp dwp;
	struct mh_elf_names names;
	struct {
		struct mh_cu_range *v;
		size_t nr, cap;
		bool made;
	} cus;
	struct mh_dw_vars vars;
	bool vars_made;
	char dir_path[MH_PATH_MAX];   /* the file that was opened */
	char debug_path[MH_PATH_MAX]; /* the one with the debug information, if separate
				       */

	struct mh_cache cache;
	char cache_name[2 * MH_BUILD_ID_MAX + 8]; /* "": not kept */

	uint64_t nr_places, nr_unnamed;
};

/* What all modules of a symtab share. */
struct mh_naming {
	const struct mh_symtab_opts *opts;
	struct mh_names names;
	bool cache_written;
};

/* Open the module's file and what belongs to it; m->why says how far that came. Where
 * names of it are kept, the rest is left to mh_module_load(). Only memory is a failure.
 */
int mh_module_open(struct mh_module *m, struct mh_naming *naming,
		   struct mh_err *err) MH_MUST_CHECK;
/* Open only the file that was mapped, if it is still the same; false: m->why says it.
 * mh_elf_close() of m->elf ends it. */
bool mh_module_find(struct mh_module *m, const struct mh_symtab_opts *opts);
/* Read symbols and debug information of an open module, once. MH_OK or MH_ENOMEM. */
int mh_module_load(struct mh_module *m, struct mh_err *err) MH_MUST_CHECK;
/* From an image in memory (the vdso, tests). */
int mh_module_open_memory(struct mh_module *m, const void *image, size_t len,
			  struct mh_naming *naming, struct mh_err *err) MH_MUST_CHECK;
void mh_module_close(struct mh_module *m, struct mh_naming *naming);

struct mh_module_item {
	uint64_t vaddr;
	struct mh_symbol *out; /* mapping, module and vaddr are set */
};

/* Name @items, which it reorders: those that no kept name was there for come first, code
 * before data, by vaddr. The module is open. MH_OK or MH_ENOMEM. */
int mh_module_resolve(struct mh_module *m, struct mh_naming *naming,
		      struct mh_module_item *items, size_t nr,
		      struct mh_err *err) MH_MUST_CHECK;

/* Kept names: read those of an open module; write them before it is closed; take @items
 * that are known, move the others to the front and give their number; learn those. */
bool mh_module_kept_read(struct mh_module *m, struct mh_naming *naming);
void mh_module_kept_write(struct mh_module *m, struct mh_naming *naming);
size_t mh_module_kept(const struct mh_module *m, struct mh_module_item *items, size_t nr);
int mh_module_keep(struct mh_module *m, const struct mh_module_item *items, size_t nr);

/* The kernel maps the same code into every process: ours, lent for ever; 0: none. */
size_t mh_vdso_image(const void **image);

/* Parts of the above. Items are all code, or all data, and ascend by vaddr. */
int mh_module_resolve_code(struct mh_module *m, struct mh_naming *naming,
			   const struct mh_module_item *items, size_t nr);
int mh_module_resolve_data(struct mh_module *m, struct mh_naming *naming,
			   const struct mh_module_item *items, size_t nr);

#define MH_NO_UNIT UINT32_MAX
/* Index the units by their code, once. False: out of memory. */
bool mh_module_units(struct mh_module *m);
/* The unit whose code holds @addr; MH_NO_UNIT. */
uint32_t mh_module_owner(struct mh_module *m, uint64_t addr);
/* Index the static variables, once. False: out of memory. */
bool mh_module_vars(struct mh_module *m);

struct mh_module_access {
	uint64_t vaddr;
	struct mh_access_type *out;
};

/* Types of accesses by code of the module, which is open, kept ones first. @items ascend
 * by vaddr. MH_OK or MH_ENOMEM. */
int mh_module_accesses(struct mh_module *m, struct mh_naming *naming,
		       const struct mh_module_access *items, size_t nr,
		       struct mh_err *err) MH_MUST_CHECK;
/* The same by instructions and debug information alone. */
int mh_module_access_types(struct mh_module *m, struct mh_naming *naming,
			   const struct mh_module_access *items, size_t nr);

/* What the lack of debug information for an address is called. */
enum mh_unnamed mh_module_lack(const struct mh_module *m);

#endif
