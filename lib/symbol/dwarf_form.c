/* SPDX-License-Identifier: MIT */
/* Attribute values of DWARF 2 to 5 and of the GNU extensions, by their form. */
#include <dwarf.h>

#include "symbol/dwarf.h"

int mh_dw_form_size(uint16_t form, unsigned addr_size, unsigned off_size)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_ref_sup4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
		return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return (int)addr_size;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_strp_sup:
	case DW_FORM_sec_offset:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		return (int)off_size;
	default:
		return -1;
	}
}

static bool block(struct mh_rbuf *b, uint64_t len, struct mh_dw_value *out)
{
	out->u = len;
	out->p = mh_rbuf_bytes(b, len);
	return out->p != NULL;
}

static bool string_in_place(struct mh_rbuf *b, struct mh_dw_value *out)
{
	const uint8_t *zero = memchr(b->p, 0, mh_rbuf_left(b));

	out->p = b->p;
	if (!zero)
		return false;
	b->p = zero + 1;
	return true;
}

static uint64_t fixed_value(struct mh_rbuf *b, unsigned size)
{
	if (size == 16) {
		(void)mh_rbuf_bytes(b, 16);
		return 0;
	}
	return mh_dw_uint(b, size);
}

bool mh_dw_form_read(const struct mh_dw_unit *u, struct mh_rbuf *b, uint16_t form,
		     int64_t implicit, struct mh_dw_value *out)
{
	int size;

	if (form == DW_FORM_indirect) {
		form = (uint16_t)mh_dw_uleb(b);
		if (form == DW_FORM_indirect || form == DW_FORM_implicit_const)
			return false;
	}
	out->form = form;
	out->p = NULL;
	size = mh_dw_form_size(form, u->addr_size, u->off_size);
	if (size >= 0) {
		out->u = size                             ? fixed_value(b, (unsigned)size)
			 : form == DW_FORM_implicit_const ? (uint64_t)implicit
							  : 1;
		return !b->bad;
	}
	switch (form) {
	case DW_FORM_sdata:
		out->u = (uint64_t)mh_dw_sleb(b);
		return !b->bad;
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		out->u = mh_dw_uleb(b);
		return !b->bad;
	case DW_FORM_ref_addr: /* as wide as an address in DWARF 2 */
		out->u = mh_dw_uint(b, u->version <= 2 ? u->addr_size : u->off_size);
		return !b->bad;
	case DW_FORM_string:
		return string_in_place(b, out);
	case DW_FORM_block1:
		return block(b, mh_rbuf_u8(b), out);
	case DW_FORM_block2:
		return block(b, mh_rbuf_u16(b), out);
	case DW_FORM_block4:
		return block(b, mh_rbuf_u32(b), out);
	case DW_FORM_block:
	case DW_FORM_exprloc:
		return block(b, mh_dw_uleb(b), out);
	default:
		return false;
	}
}

/* ---- values by meaning ---- */

/* Entry @index of a table of @size-byte numbers that begins at @base. */
static bool table_entry(const struct mh_bytes *sec, uint64_t base, uint64_t index,
			unsigned size, uint64_t *out)
{
	struct mh_rbuf b;

	if (base > sec->len || index >= (sec->len - base) / size)
		return false;
	b = mh_rbuf(sec->p + base + index * size, size);
	*out = mh_dw_uint(&b, size);
	return true;
}

const char *mh_dw_value_string(const struct mh_dw_unit *u, const struct mh_dw_value *v)
{
	const struct mh_dwarf *dw = u->dw;
	uint64_t off;

	switch (v->form) {
	case DW_FORM_string:
		return (const char *)v->p;
	case DW_FORM_strp:
		return mh_bytes_string(&dw->str, v->u);
	case DW_FORM_line_strp:
		return mh_bytes_string(&dw->line_str, v->u);
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return dw->alt ? mh_bytes_string(&dw->alt->str, v->u) : NULL;
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		if (!table_entry(&dw->str_offsets, u->str_offsets_base, v->u, u->off_size,
				 &off))
			return NULL;
		return mh_bytes_string(&dw->str, off);
	default:
		return NULL;
	}
}

const char *mh_dw_string(const struct mh_dw_die *die, enum mh_dw_slot slot)
{
	return mh_dw_has(die, slot) ? mh_dw_value_string(die->unit, &die->v[slot]) : NULL;
}

bool mh_dw_number(const struct mh_dw_die *die, enum mh_dw_slot slot, int64_t *out)
{
	const struct mh_dw_value *v = &die->v[slot];

	if (!mh_dw_has(die, slot))
		return false;
	switch (v->form) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
	case DW_FORM_sec_offset:
		*out = (int64_t)v->u;
		return true;
	default:
		return false;
	}
}

bool mh_dw_offset(const struct mh_dw_die *die, enum mh_dw_slot slot, uint64_t *out)
{
	const struct mh_dw_value *v = &die->v[slot];

	if (!mh_dw_has(die, slot) ||
	    (v->form != DW_FORM_sec_offset && v->form != DW_FORM_data4 &&
	     v->form != DW_FORM_data8))
		return false;
	*out = v->u;
	return true;
}

/* A split unit's addresses are in the table of the file that was linked. */
bool mh_dw_address_index(const struct mh_dw_unit *u, uint64_t index, uint64_t *out)
{
	const struct mh_dw_unit *from = u->skeleton ? u->skeleton : u;

	return table_entry(&from->dw->addr, from->addr_base, index, u->addr_size, out);
}

bool mh_dw_address(const struct mh_dw_die *die, enum mh_dw_slot slot, uint64_t *out)
{
	const struct mh_dw_value *v = &die->v[slot];

	if (!mh_dw_has(die, slot))
		return false;
	switch (v->form) {
	case DW_FORM_addr:
		*out = v->u;
		return true;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		return mh_dw_address_index(die->unit, v->u, out);
	default:
		return false;
	}
}

static struct mh_dw_ref in_unit(struct mh_dw_unit *u, uint64_t off)
{
	if (!u || off < u->die || off >= u->end || !mh_dw_unit_load(u))
		return (struct mh_dw_ref){ NULL, 0 };
	return (struct mh_dw_ref){ u, off };
}

struct mh_dw_ref mh_dw_reference(const struct mh_dw_die *die, enum mh_dw_slot slot)
{
	const struct mh_dw_value *v = &die->v[slot];
	struct mh_dw_unit *u = die->unit;
	struct mh_dw_ref none = { NULL, 0 };

	if (!mh_dw_has(die, slot))
		return none;
	switch (v->form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		return v->u < u->end - u->off ? in_unit(u, u->off + v->u) : none;
	case DW_FORM_ref_addr:
		return in_unit(mh_dw_unit_at(u->dw, v->u), v->u);
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
	case DW_FORM_GNU_ref_alt:
		if (!u->dw->alt)
			return none;
		return in_unit(mh_dw_unit_at(u->dw->alt, v->u), v->u);
	case DW_FORM_ref_sig8:
		u = mh_dw_unit_of_signature(u->dw, v->u);
		return u ? in_unit(u, u->type_die) : none;
	default:
		return none;
	}
}

#define ORIGINS_MAX 16

bool mh_dw_integrate(struct mh_dw_die *out, const struct mh_dw_die *die,
		     enum mh_dw_slot slot)
{
	int depth;

	if (out != die)
		*out = *die;
	for (depth = 0; depth < ORIGINS_MAX; depth++) {
		struct mh_dw_ref ref;

		if (mh_dw_has(out, slot))
			return true;
		ref = mh_dw_reference(out, mh_dw_has(out, MH_DW_ABSTRACT_ORIGIN)
						   ? MH_DW_ABSTRACT_ORIGIN
						   : MH_DW_SPECIFICATION);
		if (!ref.unit || !mh_dw_die_read(out, ref.unit, ref.off))
			return false;
	}
	return false;
}
