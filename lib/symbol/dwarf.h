/* SPDX-License-Identifier: MIT */
/*
 * DWARF 2 to 5 as bounded bytes: units, abbreviations, DIEs, attribute values, ranges.
 *
 * An own reader, though libdw could do it: libdw inflates every debug section when it
 * opens a file, keeps what it has read, knows no .dwp, and trusts its input more than a
 * profiler may. Here every step spends fuel, so no file can make it run or grow for long.
 */
#ifndef MEMHEAT_SYMBOL_DWARF_H
#define MEMHEAT_SYMBOL_DWARF_H

#include "base/buf.h"
#include "symbol/elf.h"

/* Attributes that are looked at; the others are skipped by their form. */
enum mh_dw_slot {
	MH_DW_OTHER,
	MH_DW_SIBLING,
	MH_DW_NAME,
	MH_DW_LINKAGE_NAME,
	MH_DW_LOW_PC,
	MH_DW_HIGH_PC,
	MH_DW_RANGES,
	MH_DW_ABSTRACT_ORIGIN,
	MH_DW_SPECIFICATION,
	MH_DW_CALL_FILE,
	MH_DW_CALL_LINE,
	MH_DW_CALL_COLUMN,
	MH_DW_DISCRIMINATOR,
	MH_DW_DECL_FILE,
	MH_DW_DECL_LINE,
	MH_DW_LOCATION,
	MH_DW_TYPE,
	MH_DW_BYTE_SIZE,
	MH_DW_UPPER_BOUND,
	MH_DW_LOWER_BOUND,
	MH_DW_COUNT,
	MH_DW_MEMBER_LOCATION,
	MH_DW_DATA_BIT_OFFSET,
	MH_DW_STMT_LIST,
	MH_DW_COMP_DIR,
	MH_DW_STR_OFFSETS_BASE,
	MH_DW_ADDR_BASE,
	MH_DW_RNGLISTS_BASE,
	MH_DW_GNU_RANGES_BASE,
	MH_DW_DWO_NAME,
	MH_DW_DWO_ID,
	MH_DW_SIGNATURE,
	MH_DW_FRAME_BASE,
	MH_DW_LOCLISTS_BASE,
	MH_DW_BIT_SIZE,
	MH_DW_RETURN_PC,
	MH_DW_CALL_ORIGIN,
	MH_DW_DECLARATION,
	MH_DW_NR_SLOTS
};

struct mh_dw_attr {
	uint16_t form;
	uint8_t slot;
	int64_t implicit; /* DW_FORM_implicit_const */
};

struct mh_dw_abbrev {
	uint64_t code;
	uint32_t first; /* of the table's attrs */
	uint16_t nr, tag;
	int32_t fixed; /* bytes of a DIE's attributes; -1: depends */
	uint8_t children;
};

struct mh_dw_abbrevs {
	uint64_t off;
	uint8_t addr_size, off_size;
	struct {
		struct mh_dw_abbrev *v;
		size_t nr, cap;
	} abbrevs; /* by code */
	struct {
		struct mh_dw_attr *v;
		size_t nr, cap;
	} attrs;
};

enum mh_dw_unit_state {
	MH_DW_FRESH,
	MH_DW_READY,
	MH_DW_BAD
};

struct mh_dwarf;

struct mh_dw_unit {
	struct mh_dwarf *dw;
	struct mh_bytes sec;    /* .debug_info or .debug_types */
	uint64_t off, die, end; /* in sec: header, first DIE, end */
	uint64_t abbrev_off;
	uint64_t id;       /* dwo_id or type signature */
	uint64_t type_die; /* type units: offset in sec */
	uint8_t version, addr_size, off_size;
	uint8_t type;  /* DW_UT_ */
	uint8_t state; /* enum mh_dw_unit_state */
	uint64_t str_offsets_base, addr_base, rnglists_base, ranges_base, loclists_base;
	uint64_t low_pc;
	uint64_t stmt_list;                /* UINT64_MAX: none */
	const char *comp_dir, *name;       /* "" where absent */
	const char *dwo_name;              /* NULL: not a skeleton */
	const struct mh_dw_unit *skeleton; /* of a split unit */
	struct mh_dw_abbrevs *abbrevs;
};

/* What is shared by all DWARF files of a module while it is worked on. */
struct mh_dw_fuel {
	uint64_t left;
};

/* Take @n; false: used up. */
static inline bool mh_dw_burn(struct mh_dw_fuel *fuel, uint64_t n)
{
	if (fuel->left < n) {
		fuel->left = 0;
		return false;
	}
	fuel->left -= n;
	return true;
}

struct mh_dwarf {
	struct mh_bytes info, types, abbrev, str, line_str, str_offsets, addr, ranges,
		rnglists, line;
	struct mh_bytes loc, loclists; /* once mh_dwarf_locations() was called */
	bool has_locations;
	const struct mh_elf *elf; /* NULL: a slice */
	struct mh_dw_fuel *fuel;
	struct mh_dwarf *alt; /* dwz's supplementary file; NULL */
	bool split;           /* a .dwo, or a slice of a .dwp */
	struct {
		struct mh_dw_unit *v;
		size_t nr, cap;
	} units; /* of info in order, then of types */
	size_t nr_info_units;
	struct {
		struct mh_dw_abbrevs **v; /* open addressing by offset */
		size_t nr, cap;
	} tables;
	size_t table_bytes;
	struct {
		struct mh_dw_unit **v; /* type units by signature; made when asked */
		size_t nr;
		bool made;
	} signatures;
};

/* Where the bytes come from. @elf must stay open. MH_END: no DWARF in it. */
int mh_dwarf_open(struct mh_dwarf *dw, struct mh_elf *elf, struct mh_dw_fuel *fuel,
		  struct mh_err *err) MH_MUST_CHECK;
/* As the above for sections that are set already (.dwp slices). */
int mh_dwarf_scan_units(struct mh_dwarf *dw, struct mh_err *err) MH_MUST_CHECK;
void mh_dwarf_close(struct mh_dwarf *dw);
/* Load the sections of location lists, which only types of accesses need. @elf: what @dw
 * was opened from; NULL: a slice. Without them there are no lists. */
void mh_dwarf_locations(struct mh_dwarf *dw, struct mh_elf *elf);
/* Give back abbreviation tables past @keep bytes. Units must be loaded again. */
void mh_dwarf_trim(struct mh_dwarf *dw, size_t keep);

/* The unit's bytes are not needed soon. */
void mh_dw_unit_release(const struct mh_dw_unit *u);

/* Read the unit's abbreviations and its top DIE's bases. False: damaged. */
bool mh_dw_unit_load(struct mh_dw_unit *u);
/* The unit that holds @off of .debug_info; NULL. */
struct mh_dw_unit *mh_dw_unit_at(struct mh_dwarf *dw, uint64_t off);
struct mh_dw_unit *mh_dw_unit_of_signature(struct mh_dwarf *dw, uint64_t signature);

struct mh_dw_value {
	uint64_t u;       /* number, offset, index, or length of a block */
	const uint8_t *p; /* block, or string in place */
	uint16_t form;    /* after DW_FORM_indirect */
};

struct mh_dw_die {
	struct mh_dw_unit *unit;
	uint64_t off, next;                /* next: what follows the attributes */
	const struct mh_dw_abbrev *abbrev; /* NULL: end of siblings */
	uint64_t has;                      /* bit per slot */
	struct mh_dw_value v[MH_DW_NR_SLOTS];
};

static inline bool mh_dw_has(const struct mh_dw_die *die, enum mh_dw_slot slot)
{
	return die->has >> slot & 1;
}

struct mh_dw_ref {
	struct mh_dw_unit *unit; /* NULL: nothing */
	uint64_t off;
};

/* Abbreviation at @off; what[0]: 0 an entry, 1 the end of siblings, -1 damaged. */
const struct mh_dw_abbrev *mh_dw_peek(struct mh_dw_unit *u, uint64_t off,
				      uint64_t *attrs_off, int *what);
/* Read all that has a slot. False: damaged or out of fuel. */
bool mh_dw_die_read(struct mh_dw_die *die, struct mh_dw_unit *u, uint64_t off);
/* Offset behind the attributes of an entry without reading them; 0: damaged. */
uint64_t mh_dw_skip(struct mh_dw_unit *u, const struct mh_dw_abbrev *a, uint64_t off);
/* Offset of what follows the DIE and its children; 0: damaged. */
uint64_t mh_dw_after(const struct mh_dw_die *die);

/* Values. Absent or damaged: NULL, false, no unit. */
const char *mh_dw_string(const struct mh_dw_die *die, enum mh_dw_slot slot);
bool mh_dw_number(const struct mh_dw_die *die, enum mh_dw_slot slot, int64_t *out);
bool mh_dw_address(const struct mh_dw_die *die, enum mh_dw_slot slot, uint64_t *out);
bool mh_dw_address_index(const struct mh_dw_unit *u, uint64_t index, uint64_t *out);
struct mh_dw_ref mh_dw_reference(const struct mh_dw_die *die, enum mh_dw_slot slot);
/* An offset into another section (stmt_list, bases); false for other forms. */
bool mh_dw_offset(const struct mh_dw_die *die, enum mh_dw_slot slot, uint64_t *out);

struct mh_dw_ranges {
	struct mh_range *v;
	size_t nr, cap;
};

/* Code of a DIE: low_pc and high_pc, or DW_AT_ranges. Empty and discarded ranges are left
 * out; what a damaged list gave before the damage is kept. False: out of memory. */
bool mh_dw_die_ranges(const struct mh_dw_die *die, struct mh_dw_ranges *out);

/* The attribute reached through abstract_origin and specification, which is where names
 * and types of concrete instances are. Gives the DIE that has it in *out. */
bool mh_dw_integrate(struct mh_dw_die *out, const struct mh_dw_die *die,
		     enum mh_dw_slot slot);

/* ---- readers that forms and line programs share ---- */

static inline uint64_t mh_dw_uint(struct mh_rbuf *b, unsigned size)
{
	const uint8_t *p = mh_rbuf_bytes(b, size);
	uint64_t v = 0;

	if (!p)
		return 0;
	switch (size) {
	case 1:
		return *p;
	case 2:
		return (uint64_t)(p[0] | p[1] << 8);
	case 4: {
		uint32_t w;

		memcpy(&w, p, 4);
		return w;
	}
	default:
		memcpy(&v, p, size < 8 ? size : 8);
		return v;
	}
}

/* LEB128; padding with zero bits beyond 64 is let through, as linkers make it. */
static inline uint64_t mh_dw_uleb(struct mh_rbuf *b)
{
	uint64_t v = 0;
	unsigned shift = 0;

	while (b->p < b->end) {
		uint8_t byte = *b->p++;

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
		shift += 7;
	}
	b->bad = true;
	return 0;
}

static inline int64_t mh_dw_sleb(struct mh_rbuf *b)
{
	uint64_t v = 0;
	unsigned shift = 0;

	while (b->p < b->end) {
		uint8_t byte = *b->p++;

		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80)) {
			if (shift < 64 && byte & 0x40)
				v |= ~(uint64_t)0 << shift;
			return (int64_t)v;
		}
	}
	b->bad = true;
	return 0;
}

/* Skip or read one value. False: damaged or a form unknown. */
bool mh_dw_form_read(const struct mh_dw_unit *u, struct mh_rbuf *b, uint16_t form,
		     int64_t implicit, struct mh_dw_value *out);
/* Bytes of a form; -1: varies. */
int mh_dw_form_size(uint16_t form, unsigned addr_size, unsigned off_size);
/* A string value of a form that needs no unit beyond @u. */
const char *mh_dw_value_string(const struct mh_dw_unit *u, const struct mh_dw_value *v);

#endif
