/* SPDX-License-Identifier: MIT */
/* Code ranges of a DIE: .debug_ranges of DWARF 2 to 4, .debug_rnglists of DWARF 5. */
#include <dwarf.h>
#include <stdlib.h>

#include "base/vec.h"
#include "symbol/dwarf.h"

/* Linkers set discarded code to 0, 1, -1 or -2, depending on linker and section. */
static bool discarded(uint64_t start, unsigned addr_size)
{
	uint64_t max = addr_size == 4 ? UINT32_MAX : UINT64_MAX;

	return start <= 1 || start >= max - 1;
}

static bool add(struct mh_dw_ranges *out, unsigned addr_size, uint64_t start,
		uint64_t end)
{
	struct mh_range *r;

	if (start >= end || discarded(start, addr_size))
		return true;
	r = mh_vec_push(out);
	if (!r)
		return false;
	*r = (struct mh_range){ start, end };
	return true;
}

/* The base address is the compilation unit's, which a split unit has in its skeleton. */
static uint64_t base_of(const struct mh_dw_unit *u)
{
	return u->skeleton ? u->skeleton->low_pc : u->low_pc;
}

static bool ranges4(const struct mh_dw_unit *u, uint64_t off, struct mh_dw_ranges *out)
{
	const struct mh_dw_unit *from = u->skeleton ? u->skeleton : u;
	const struct mh_bytes *sec = &from->dw->ranges;
	uint64_t base = base_of(u), max = u->addr_size == 4 ? UINT32_MAX : UINT64_MAX;
	struct mh_rbuf b;

	/* The base counts for the DIEs of a split unit, not for the skeleton's own. */
	if (u->skeleton)
		off += from->ranges_base;
	if (off >= sec->len)
		return true;
	b = mh_rbuf(sec->p + off, sec->len - off);
	while (mh_dw_burn(u->dw->fuel, 1)) {
		uint64_t start = mh_dw_uint(&b, u->addr_size);
		uint64_t end = mh_dw_uint(&b, u->addr_size);

		if (b.bad || (!start && !end))
			break;
		if (start == max)
			base = end;
		else if (!discarded(base, u->addr_size) || !base) {
			if (!add(out, u->addr_size, base + start, base + end))
				return false;
		}
	}
	return true;
}

static bool rnglist(const struct mh_dw_unit *u, uint64_t off, struct mh_dw_ranges *out)
{
	const struct mh_bytes *sec = &u->dw->rnglists;
	uint64_t base = base_of(u), start, end;
	struct mh_rbuf b;

	if (off >= sec->len)
		return true;
	b = mh_rbuf(sec->p + off, sec->len - off);
	while (mh_dw_burn(u->dw->fuel, 1)) {
		uint8_t kind = mh_rbuf_u8(&b);

		start = end = 0;
		switch (kind) {
		case DW_RLE_base_addressx:
			if (!mh_dw_address_index(u, mh_dw_uleb(&b), &base))
				return true;
			continue;
		case DW_RLE_base_address:
			base = mh_dw_uint(&b, u->addr_size);
			if (b.bad)
				return true;
			continue;
		case DW_RLE_startx_endx:
			if (!mh_dw_address_index(u, mh_dw_uleb(&b), &start) ||
			    !mh_dw_address_index(u, mh_dw_uleb(&b), &end))
				return true;
			break;
		case DW_RLE_startx_length:
			if (!mh_dw_address_index(u, mh_dw_uleb(&b), &start))
				return true;
			end = start + mh_dw_uleb(&b);
			break;
		case DW_RLE_offset_pair:
			start = base + mh_dw_uleb(&b);
			end = base + mh_dw_uleb(&b);
			if (base && discarded(base, u->addr_size))
				continue;
			break;
		case DW_RLE_start_end:
			start = mh_dw_uint(&b, u->addr_size);
			end = mh_dw_uint(&b, u->addr_size);
			break;
		case DW_RLE_start_length:
			start = mh_dw_uint(&b, u->addr_size);
			end = start + mh_dw_uleb(&b);
			break;
		default: /* DW_RLE_end_of_list, or unknown */
			return true;
		}
		if (b.bad)
			return true;
		if (!add(out, u->addr_size, start, end))
			return false;
	}
	return true;
}

static bool rnglist_index(const struct mh_dw_unit *u, uint64_t index,
			  struct mh_dw_ranges *out)
{
	const struct mh_bytes *sec = &u->dw->rnglists;
	uint64_t base = u->rnglists_base;
	struct mh_rbuf b;

	if (base >= sec->len || index >= (sec->len - base) / u->off_size)
		return true;
	b = mh_rbuf(sec->p + base + index * u->off_size, u->off_size);
	return rnglist(u, base + mh_dw_uint(&b, u->off_size), out);
}

bool mh_dw_die_ranges(const struct mh_dw_die *die, struct mh_dw_ranges *out)
{
	const struct mh_dw_unit *u = die->unit;
	uint64_t low, high;
	int64_t len;

	out->nr = 0;
	if (mh_dw_has(die, MH_DW_RANGES)) {
		const struct mh_dw_value *v = &die->v[MH_DW_RANGES];

		if (v->form == DW_FORM_rnglistx)
			return rnglist_index(u, v->u, out);
		return u->version >= 5 ? rnglist(u, v->u, out) : ranges4(u, v->u, out);
	}
	if (!mh_dw_address(die, MH_DW_LOW_PC, &low))
		return true;
	if (mh_dw_address(die, MH_DW_HIGH_PC, &high))
		return add(out, u->addr_size, low, high);
	if (mh_dw_number(die, MH_DW_HIGH_PC, &len))
		return add(out, u->addr_size, low, low + (uint64_t)len);
	return true;
}
