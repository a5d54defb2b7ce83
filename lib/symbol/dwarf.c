/* SPDX-License-Identifier: MIT */
/*
 * Units, abbreviation tables and DIEs.
 *
 * A file's units are listed once by their headers. A unit is loaded when something in it
 * is asked for: its abbreviation table, shared by units that name the same one, and the
 * bases that its top DIE gives for indexed forms.
 */
#include "symbol/dwarf.h"

#include <dwarf.h>
#include <stdlib.h>

#include "base/vec.h"

#define ATTRS_MAX            4096   /* of one abbreviation */
#define AT_GNU_DISCRIMINATOR 0x2136 /* dwarf.h of elfutils 0.188 lacks it */

_Static_assert(MH_DW_NR_SLOTS <= 64, "a DIE has a bit of 64 per slot");

static const struct {
	uint16_t name;
	uint8_t slot;
} slots[] = {
	{ DW_AT_sibling, MH_DW_SIBLING },
	{ DW_AT_name, MH_DW_NAME },
	{ DW_AT_linkage_name, MH_DW_LINKAGE_NAME },
	{ DW_AT_MIPS_linkage_name, MH_DW_LINKAGE_NAME },
	{ DW_AT_low_pc, MH_DW_LOW_PC },
	{ DW_AT_high_pc, MH_DW_HIGH_PC },
	{ DW_AT_ranges, MH_DW_RANGES },
	{ DW_AT_abstract_origin, MH_DW_ABSTRACT_ORIGIN },
	{ DW_AT_specification, MH_DW_SPECIFICATION },
	{ DW_AT_call_file, MH_DW_CALL_FILE },
	{ DW_AT_call_line, MH_DW_CALL_LINE },
	{ DW_AT_call_column, MH_DW_CALL_COLUMN },
	{ AT_GNU_DISCRIMINATOR, MH_DW_DISCRIMINATOR },
	{ DW_AT_decl_file, MH_DW_DECL_FILE },
	{ DW_AT_decl_line, MH_DW_DECL_LINE },
	{ DW_AT_location, MH_DW_LOCATION },
	{ DW_AT_type, MH_DW_TYPE },
	{ DW_AT_byte_size, MH_DW_BYTE_SIZE },
	{ DW_AT_upper_bound, MH_DW_UPPER_BOUND },
	{ DW_AT_lower_bound, MH_DW_LOWER_BOUND },
	{ DW_AT_count, MH_DW_COUNT },
	{ DW_AT_data_member_location, MH_DW_MEMBER_LOCATION },
	{ DW_AT_data_bit_offset, MH_DW_DATA_BIT_OFFSET },
	{ DW_AT_stmt_list, MH_DW_STMT_LIST },
	{ DW_AT_comp_dir, MH_DW_COMP_DIR },
	{ DW_AT_str_offsets_base, MH_DW_STR_OFFSETS_BASE },
	{ DW_AT_addr_base, MH_DW_ADDR_BASE },
	{ DW_AT_GNU_addr_base, MH_DW_ADDR_BASE },
	{ DW_AT_rnglists_base, MH_DW_RNGLISTS_BASE },
	{ DW_AT_GNU_ranges_base, MH_DW_GNU_RANGES_BASE },
	{ DW_AT_dwo_name, MH_DW_DWO_NAME },
	{ DW_AT_GNU_dwo_name, MH_DW_DWO_NAME },
	{ DW_AT_GNU_dwo_id, MH_DW_DWO_ID },
	{ DW_AT_signature, MH_DW_SIGNATURE },
	{ DW_AT_frame_base, MH_DW_FRAME_BASE },
	{ DW_AT_loclists_base, MH_DW_LOCLISTS_BASE },
	{ DW_AT_bit_size, MH_DW_BIT_SIZE },
	{ DW_AT_call_return_pc, MH_DW_RETURN_PC },
	{ DW_AT_call_origin, MH_DW_CALL_ORIGIN },
	{ DW_AT_declaration, MH_DW_DECLARATION },
};

/* ---- units ---- */

/* One header at @off. 0: listed; 1: no more; -1: out of memory. What cannot be read ends
 * the list: the lengths chain the headers, so nothing behind it can be found. */
static int unit_scan(struct mh_dwarf *dw, const struct mh_bytes *sec, uint64_t off,
		     int types, uint64_t *next)
{
	struct mh_rbuf b = mh_rbuf(sec->p + off, sec->len - off);
	struct mh_dw_unit u = { .dw = dw, .sec = *sec, .off = off, .off_size = 4 };
	uint64_t len = mh_rbuf_u32(&b), type_off = 0;
	struct mh_dw_unit *slot;

	if (len == 0xffffffff) {
		u.off_size = 8;
		len = mh_rbuf_u64(&b);
	} else if (len >= 0xfffffff0) {
		return 1;
	}
	if (b.bad || len > mh_rbuf_left(&b))
		return 1;
	b.end = b.p + len;
	u.end = (uint64_t)(b.end - sec->p);
	*next = u.end;
	u.version = (uint8_t)mh_rbuf_u16(&b);
	u.type = types ? DW_UT_type : DW_UT_compile;
	if (u.version >= 5) {
		u.type = mh_rbuf_u8(&b);
		u.addr_size = mh_rbuf_u8(&b);
		u.abbrev_off = mh_dw_uint(&b, u.off_size);
	} else {
		u.abbrev_off = mh_dw_uint(&b, u.off_size);
		u.addr_size = mh_rbuf_u8(&b);
	}
	if (u.type == DW_UT_type || u.type == DW_UT_split_type) {
		u.id = mh_rbuf_u64(&b);
		type_off = mh_dw_uint(&b, u.off_size);
		u.type_die = type_off < u.end - off ? off + type_off : u.end;
	} else if (u.type == DW_UT_skeleton || u.type == DW_UT_split_compile) {
		u.id = mh_rbuf_u64(&b);
	}
	u.die = (uint64_t)(b.p - sec->p);
	u.stmt_list = UINT64_MAX;
	u.comp_dir = u.name = "";
	if (b.bad || u.version < 2 || u.version > 5 ||
	    (u.addr_size != 4 && u.addr_size != 8))
		u.state = MH_DW_BAD;
	slot = mh_vec_push(&dw->units);
	if (!slot)
		return -1;
	*slot = u;
	return 0;
}

static int units_scan(struct mh_dwarf *dw, const struct mh_bytes *sec, int types)
{
	uint64_t off = 0;
	int ret = 0;

	while (!ret && off < sec->len)
		ret = unit_scan(dw, sec, off, types, &off);
	return ret < 0 ? -1 : 0;
}

int mh_dwarf_scan_units(struct mh_dwarf *dw, struct mh_err *err)
{
	if (units_scan(dw, &dw->info, 0))
		return mh_fail(err, MH_ENOMEM, "no memory for the units of DWARF");
	dw->nr_info_units = dw->units.nr;
	if (units_scan(dw, &dw->types, 1))
		return mh_fail(err, MH_ENOMEM, "no memory for the units of DWARF");
	return MH_OK;
}

/* A .dwo file's sections are named with that suffix. */
static int section(struct mh_dwarf *dw, struct mh_elf *elf, const char *name,
		   struct mh_bytes *out, struct mh_err *err)
{
	char dwo[32];

	if (!dw->split)
		return mh_elf_bytes(elf, name, out, err);
	snprintf(dwo, sizeof(dwo), "%s.dwo", name);
	return mh_elf_bytes(elf, dwo, out, err);
}

int mh_dwarf_open(struct mh_dwarf *dw, struct mh_elf *elf, struct mh_dw_fuel *fuel,
		  struct mh_err *err)
{
	const struct {
		const char *name;
		struct mh_bytes *out;
	} want[] = {
		{ ".debug_info", &dw->info },
		{ ".debug_abbrev", &dw->abbrev },
		{ ".debug_str", &dw->str },
		{ ".debug_line", &dw->line },
		{ ".debug_line_str", &dw->line_str },
		{ ".debug_str_offsets", &dw->str_offsets },
		{ ".debug_addr", &dw->addr },
		{ ".debug_ranges", &dw->ranges },
		{ ".debug_rnglists", &dw->rnglists },
		{ ".debug_types", &dw->types },
	};
	size_t i;
	int ret = MH_OK;

	*dw = (struct mh_dwarf){ .elf = elf, .fuel = fuel };
	dw->split = mh_elf_section_find(elf, ".debug_info.dwo") != NULL;
	for (i = 0; !ret && i < sizeof(want) / sizeof(*want); i++)
		ret = section(dw, elf, want[i].name, want[i].out, err);
	if (!ret && !dw->info.len)
		return MH_END;
	if (!ret)
		ret = mh_dwarf_scan_units(dw, err);
	if (ret)
		mh_dwarf_close(dw);
	return ret;
}

void mh_dwarf_locations(struct mh_dwarf *dw, struct mh_elf *elf)
{
	if (dw->has_locations)
		return;
	dw->has_locations = true;
	if (elf) {
		(void)section(dw, elf, ".debug_loc", &dw->loc, NULL);
		(void)section(dw, elf, ".debug_loclists", &dw->loclists, NULL);
	}
}

static void tables_free(struct mh_dwarf *dw)
{
	size_t i;

	for (i = 0; i < dw->tables.cap; i++) {
		if (!dw->tables.v[i])
			continue;
		free(dw->tables.v[i]->abbrevs.v);
		free(dw->tables.v[i]->attrs.v);
		free(dw->tables.v[i]);
	}
	free(dw->tables.v);
	memset(&dw->tables, 0, sizeof(dw->tables));
	dw->table_bytes = 0;
}

void mh_dwarf_close(struct mh_dwarf *dw)
{
	if (!dw)
		return;
	tables_free(dw);
	free(dw->units.v);
	free(dw->signatures.v);
	memset(dw, 0, sizeof(*dw));
}

void mh_dwarf_trim(struct mh_dwarf *dw, size_t keep)
{
	size_t i;

	if (dw->table_bytes <= keep)
		return;
	tables_free(dw);
	for (i = 0; i < dw->units.nr; i++) {
		dw->units.v[i].abbrevs = NULL;
		if (dw->units.v[i].state == MH_DW_READY)
			dw->units.v[i].state = MH_DW_FRESH;
	}
}

void mh_dw_unit_release(const struct mh_dw_unit *u)
{
	if (u->dw->elf)
		mh_elf_release(u->dw->elf, u->sec.p + u->off, u->end - u->off);
}

struct mh_dw_unit *mh_dw_unit_at(struct mh_dwarf *dw, uint64_t off)
{
	size_t lo = 0, hi = dw->nr_info_units;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (dw->units.v[mid].end <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < dw->nr_info_units && dw->units.v[lo].off <= off ? &dw->units.v[lo]
								    : NULL;
}

static int by_signature(const void *a, const void *b)
{
	const struct mh_dw_unit *x = *(struct mh_dw_unit *const *)a;
	const struct mh_dw_unit *y = *(struct mh_dw_unit *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static bool signatures_make(struct mh_dwarf *dw)
{
	size_t i;

	dw->signatures.made = true;
	dw->signatures.v = calloc(dw->units.nr + 1, sizeof(struct mh_dw_unit *));
	if (!dw->signatures.v)
		return false;
	for (i = 0; i < dw->units.nr; i++) {
		struct mh_dw_unit *u = &dw->units.v[i];

		if (u->type == DW_UT_type || u->type == DW_UT_split_type)
			dw->signatures.v[dw->signatures.nr++] = u;
	}
	qsort(dw->signatures.v, dw->signatures.nr, sizeof(struct mh_dw_unit *),
	      by_signature);
	return true;
}

struct mh_dw_unit *mh_dw_unit_of_signature(struct mh_dwarf *dw, uint64_t signature)
{
	struct mh_dw_unit key = { .id = signature }, *k = &key, **found;

	if (!dw->signatures.made && !signatures_make(dw))
		return NULL;
	if (!dw->signatures.nr)
		return NULL;
	found = bsearch(&k, dw->signatures.v, dw->signatures.nr,
			sizeof(struct mh_dw_unit *), by_signature);
	return found ? *found : NULL;
}

/* ---- abbreviations ---- */

static uint8_t slot_of(uint64_t name)
{
	size_t i;

	for (i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		if (slots[i].name == name)
			return slots[i].slot;
	}
	return MH_DW_OTHER;
}

static bool abbrev_attrs(struct mh_dw_abbrevs *t, struct mh_dw_abbrev *a,
			 struct mh_rbuf *b)
{
	for (;;) {
		uint64_t name = mh_dw_uleb(b), form = mh_dw_uleb(b);
		struct mh_dw_attr *attr;
		int size;

		if (b->bad || form > UINT16_MAX)
			return false;
		if (!name && !form)
			return true;
		attr = a->nr < ATTRS_MAX ? mh_vec_push(&t->attrs) : NULL;
		if (!attr)
			return false;
		a->nr++;
		attr->form = (uint16_t)form;
		attr->slot = slot_of(name);
		if (form == DW_FORM_implicit_const)
			attr->implicit = mh_dw_sleb(b);
		size = mh_dw_form_size(attr->form, t->addr_size, t->off_size);
		a->fixed = a->fixed < 0 || size < 0 ? -1 : a->fixed + size;
	}
}

static int by_code(const void *a, const void *b)
{
	const struct mh_dw_abbrev *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* @only: stop at this code; 0: read the whole table. */
static bool table_read(struct mh_dw_abbrevs *t, const struct mh_dwarf *dw, uint64_t only)
{
	struct mh_rbuf b;
	bool sorted = true;

	if (t->off >= dw->abbrev.len)
		return false;
	b = mh_rbuf(dw->abbrev.p + t->off, dw->abbrev.len - t->off);
	for (;;) {
		struct mh_dw_abbrev a = { .code = mh_dw_uleb(&b) }, *slot;
		const uint8_t *from = b.p;

		if (b.bad)
			return false;
		if (!a.code)
			break;
		a.tag = (uint16_t)mh_dw_uleb(&b);
		a.children = mh_rbuf_u8(&b) != 0;
		a.first = (uint32_t)t->attrs.nr;
		if (!abbrev_attrs(t, &a, &b) || b.bad ||
		    !mh_dw_burn(dw->fuel, (uint64_t)(b.p - from) + 16))
			return false;
		sorted = sorted && (!t->abbrevs.nr ||
				    t->abbrevs.v[t->abbrevs.nr - 1].code < a.code);
		slot = mh_vec_push(&t->abbrevs);
		if (!slot)
			return false;
		*slot = a;
		if (a.code == only)
			break;
	}
	if (!sorted)
		qsort(t->abbrevs.v, t->abbrevs.nr, sizeof(*t->abbrevs.v), by_code);
	return true;
}

static struct mh_dw_abbrevs **table_slot(const struct mh_dwarf *dw, uint64_t off,
					 unsigned addr_size, unsigned off_size)
{
	size_t i = (size_t)(off * 0x9e3779b97f4a7c15u >> 32) & (dw->tables.cap - 1);

	while (dw->tables.v[i] &&
	       (dw->tables.v[i]->off != off || dw->tables.v[i]->addr_size != addr_size ||
		dw->tables.v[i]->off_size != off_size))
		i = (i + 1) & (dw->tables.cap - 1);
	return &dw->tables.v[i];
}

static bool tables_room(struct mh_dwarf *dw)
{
	struct mh_dwarf more = { .tables.cap = dw->tables.cap ? dw->tables.cap * 2 : 64 };
	size_t i;

	if (2 * (dw->tables.nr + 1) <= dw->tables.cap)
		return true;
	more.tables.v = calloc(more.tables.cap, sizeof(*more.tables.v));
	if (!more.tables.v)
		return false;
	for (i = 0; i < dw->tables.cap; i++) {
		struct mh_dw_abbrevs *t = dw->tables.v[i];

		if (t)
			*table_slot(&more, t->off, t->addr_size, t->off_size) = t;
	}
	free(dw->tables.v);
	dw->tables.v = more.tables.v;
	dw->tables.cap = more.tables.cap;
	return true;
}

/* A damaged table keeps what could be read: many DIEs need only its beginning. */
static struct mh_dw_abbrevs *table_get(struct mh_dw_unit *u)
{
	struct mh_dwarf *dw = u->dw;
	struct mh_dw_abbrevs **slot, *t;

	if (!tables_room(dw))
		return NULL;
	slot = table_slot(dw, u->abbrev_off, u->addr_size, u->off_size);
	if (*slot)
		/* cppcheck-suppress identicalInnerCondition ; what it points to */
		return *slot;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->off = u->abbrev_off;
	t->addr_size = u->addr_size;
	t->off_size = u->off_size;
	if (!table_read(t, dw, 0) && t->abbrevs.nr)
		qsort(t->abbrevs.v, t->abbrevs.nr, sizeof(*t->abbrevs.v), by_code);
	dw->tables.nr++;
	dw->table_bytes += sizeof(*t) + t->abbrevs.cap * sizeof(*t->abbrevs.v) +
			   t->attrs.cap * sizeof(*t->attrs.v);
	*slot = t;
	return t;
}

static const struct mh_dw_abbrev *abbrev_find(const struct mh_dw_abbrevs *t,
					      uint64_t code)
{
	size_t lo = 0, hi = t->abbrevs.nr;

	if (code - 1 < hi && t->abbrevs.v[code - 1].code == code)
		return &t->abbrevs.v[code - 1];
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->abbrevs.v[mid].code < code)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->abbrevs.nr && t->abbrevs.v[lo].code == code ? &t->abbrevs.v[lo]
								   : NULL;
}

/* ---- DIEs ---- */

const struct mh_dw_abbrev *mh_dw_peek(struct mh_dw_unit *u, uint64_t off,
				      uint64_t *attrs_off, int *what)
{
	const struct mh_dw_abbrev *a;
	struct mh_rbuf b;
	uint64_t code;

	*what = -1;
	if (!u->abbrevs || off < u->die || off >= u->end || !mh_dw_burn(u->dw->fuel, 1))
		return NULL;
	b = mh_rbuf(u->sec.p + off, u->end - off);
	code = mh_dw_uleb(&b);
	if (b.bad)
		return NULL;
	*attrs_off = (uint64_t)(b.p - u->sec.p);
	if (!code) {
		*what = 1;
		return NULL;
	}
	a = abbrev_find(u->abbrevs, code);
	*what = a ? 0 : -1;
	return a;
}

uint64_t mh_dw_skip(struct mh_dw_unit *u, const struct mh_dw_abbrev *a, uint64_t off)
{
	struct mh_rbuf b = mh_rbuf(u->sec.p + off, u->end - off);
	struct mh_dw_value v;
	unsigned i;

	if (a->fixed >= 0)
		return (uint64_t)a->fixed <= u->end - off ? off + (uint64_t)a->fixed : 0;
	for (i = 0; i < a->nr; i++) {
		uint16_t form = u->abbrevs->attrs.v[a->first + i].form;
		int size = mh_dw_form_size(form, u->addr_size, u->off_size);

		if (size >= 0)
			(void)mh_rbuf_bytes(&b, (size_t)size);
		else if (!mh_dw_form_read(u, &b, form, 0, &v))
			return 0;
	}
	return b.bad ? 0 : (uint64_t)(b.p - u->sec.p);
}

bool mh_dw_die_read(struct mh_dw_die *die, struct mh_dw_unit *u, uint64_t off)
{
	struct mh_dw_value other = { 0 };
	struct mh_rbuf b;
	uint64_t at = 0;
	unsigned i;
	int what;

	die->unit = u;
	die->off = off;
	die->has = 0;
	die->abbrev = mh_dw_peek(u, off, &at, &what);
	if (what < 0)
		return false;
	die->next = at;
	if (what)
		return true;
	b = mh_rbuf(u->sec.p + at, u->end - at);
	for (i = 0; i < die->abbrev->nr; i++) {
		const struct mh_dw_attr *attr =
			&u->abbrevs->attrs.v[die->abbrev->first + i];
		struct mh_dw_value *v = attr->slot ? &die->v[attr->slot] : &other;

		if (!mh_dw_form_read(u, &b, attr->form, attr->implicit, v))
			return false;
		die->has |= (uint64_t)1 << attr->slot;
	}
	die->next = (uint64_t)(b.p - u->sec.p);
	return true;
}

uint64_t mh_dw_after(const struct mh_dw_die *die)
{
	struct mh_dw_unit *u = die->unit;
	uint64_t off = die->next;
	unsigned depth = 1;

	if (!die->abbrev || !die->abbrev->children)
		return off;
	if (mh_dw_has(die, MH_DW_SIBLING)) {
		struct mh_dw_ref r = mh_dw_reference(die, MH_DW_SIBLING);

		/* Forwards only: a loop would be endless. */
		if (r.unit == u && r.off > off)
			return r.off;
	}
	while (depth) {
		const struct mh_dw_abbrev *a;
		int what;

		a = mh_dw_peek(u, off, &off, &what);
		if (what < 0)
			return 0;
		if (what > 0) {
			depth--;
			continue;
		}
		off = mh_dw_skip(u, a, off);
		if (!off)
			return 0;
		depth += a->children;
	}
	return off;
}

/* ---- loading a unit ---- */

/* Indexed forms of the top DIE need bases that the same DIE gives further on. */
static void take_bases(struct mh_dw_unit *u, const struct mh_dw_die *die)
{
	unsigned header = u->off_size == 8 ? 16 : 8;

	/* A .dwo has one table each, right behind its header; before DWARF 5 the tables
	 * had no header. */
	u->str_offsets_base = u->dw->split && u->version >= 5 ? header : 0;
	u->addr_base = u->version >= 5 ? header : 0;
	u->rnglists_base = u->off_size == 8 ? 20 : 12;
	u->loclists_base = u->rnglists_base;
	u->ranges_base = 0;
	if (u->version >= 5 && !u->dw->split)
		u->str_offsets_base = header;
	(void)mh_dw_offset(die, MH_DW_STR_OFFSETS_BASE, &u->str_offsets_base);
	(void)mh_dw_offset(die, MH_DW_ADDR_BASE, &u->addr_base);
	(void)mh_dw_offset(die, MH_DW_RNGLISTS_BASE, &u->rnglists_base);
	(void)mh_dw_offset(die, MH_DW_GNU_RANGES_BASE, &u->ranges_base);
	(void)mh_dw_offset(die, MH_DW_LOCLISTS_BASE, &u->loclists_base);
}

static const char *string_or_empty(const struct mh_dw_die *die, enum mh_dw_slot slot)
{
	const char *s = mh_dw_string(die, slot);

	return s ? s : "";
}

bool mh_dw_unit_load(struct mh_dw_unit *u)
{
	struct mh_dw_die die;
	int64_t id;

	if (u->state != MH_DW_FRESH)
		return u->state == MH_DW_READY;
	u->state = MH_DW_BAD;
	u->abbrevs = table_get(u);
	if (!u->abbrevs || !mh_dw_die_read(&die, u, u->die) || !die.abbrev)
		return false;
	u->state = MH_DW_READY;
	take_bases(u, &die);
	(void)mh_dw_offset(&die, MH_DW_STMT_LIST, &u->stmt_list);
	u->comp_dir = string_or_empty(&die, MH_DW_COMP_DIR);
	u->name = string_or_empty(&die, MH_DW_NAME);
	if (!u->dw->split)
		u->dwo_name = mh_dw_string(&die, MH_DW_DWO_NAME);
	if (u->version < 5 && mh_dw_number(&die, MH_DW_DWO_ID, &id))
		u->id = (uint64_t)id;
	u->low_pc = 0;
	(void)mh_dw_address(&die, MH_DW_LOW_PC, &u->low_pc);
	return true;
}
