/* SPDX-License-Identifier: MIT */
/*
 * From a type and an offset to a member, where the offset may be known only up to whole
 * steps (a[i].x) and the access has a size, which tells the members of a union apart.
 * Unlike the paths of static data (type.c) nothing is guessed here: what the address does
 * not decide is not named.
 *
 * Not handled: members whose place is computed at run time (virtual bases, Rust's enums).
 */
#include "symbol/member.h"

#include <dwarf.h>
#include <stdarg.h>
#include <stdio.h>

#define DEPTH_MAX 24
#define TRIES_MAX 3 /* unions in unions of which all members are tried */

struct walk {
	struct mh_dw_member *out;
	size_t len;
	struct mh_dw_offset off;
	uint64_t size;
	int tries;
};

static void MH_PRINTF(2, 3) put(struct walk *w, const char *fmt, ...)
{
	size_t room = sizeof(w->out->path) - w->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->out->path + w->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->len += (size_t)n < room ? (size_t)n : room - 1;
}

static bool has_members(unsigned tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
	       tag == DW_TAG_union_type;
}

struct mh_dw_ref mh_dw_pointee(struct mh_dw_ref type)
{
	struct mh_dw_ref none = { NULL, 0 };
	struct mh_dw_die die;

	if (!type.unit || !mh_dw_type_strip(&die, type))
		return none;
	switch (die.abbrev->tag) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return mh_dw_reference(&die, MH_DW_TYPE);
	default:
		return none;
	}
}

struct mh_dw_ref mh_dw_type_named(struct mh_dw_ref type)
{
	struct mh_dw_ref named = type;
	struct mh_dw_die die;
	int depth;

	for (depth = 0; depth < DEPTH_MAX && type.unit &&
			mh_dw_die_read(&die, type.unit, type.off) && die.abbrev;
	     depth++) {
		switch (die.abbrev->tag) {
		case DW_TAG_typedef:
			named = type;
			break;
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			if (named.unit == type.unit && named.off == type.off)
				named = mh_dw_reference(&die, MH_DW_TYPE);
			break;
		default:
			return mh_dw_has(&die, MH_DW_NAME) ||
					       !has_members(die.abbrev->tag)
				       ? type
				       : named;
		}
		type = mh_dw_reference(&die, MH_DW_TYPE);
	}
	return named;
}

/* Remainder that is not negative. */
static int64_t modulo(int64_t a, uint64_t n)
{
	int64_t r = n > INT64_MAX ? a : a % (int64_t)n;

	return r >= 0 ? r : n > INT64_MAX ? 0 : r + (int64_t)n;
}

/* ---- members ---- */

struct candidate {
	struct mh_dw_die die;
	struct mh_dw_ref type;
	uint64_t place, bytes;
	bool bits;
};

/* Bytes that belong to a member, from its place on. */
static bool measure(struct candidate *c, bool in_union)
{
	unsigned tag = c->die.abbrev->tag;
	int64_t bits, bit_off = 0;

	if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
	    !mh_dw_member_place(&c->die, in_union, &c->place))
		return false;
	c->type = mh_dw_reference(&c->die, MH_DW_TYPE);
	c->bytes = mh_dw_type_size(c->type);
	c->bits = mh_dw_number(&c->die, MH_DW_BIT_SIZE, &bits);
	if (c->bits && mh_dw_number(&c->die, MH_DW_DATA_BIT_OFFSET, &bit_off))
		c->bytes = ((uint64_t)(bit_off % 8) + (uint64_t)bits + 7) / 8;
	return true;
}

/* An array without a size at the end of a struct: it goes on as far as one looks. */
static bool is_flexible(const struct candidate *c)
{
	uint64_t dims[MH_DW_DIMS_MAX];
	struct mh_dw_die die;

	return !c->bytes && mh_dw_type_strip(&die, c->type) &&
	       die.abbrev->tag == DW_TAG_array_type && mh_dw_array_dims(&die, dims) &&
	       !dims[0];
}

static bool holds(const struct walk *w, const struct candidate *c)
{
	uint64_t at = (uint64_t)w->off.add;

	if (w->off.add < 0 || at < c->place)
		return false;
	return at - c->place < c->bytes || is_flexible(c);
}

static const char *name_of(const struct candidate *c)
{
	return c->die.abbrev->tag == DW_TAG_member ? mh_dw_string(&c->die, MH_DW_NAME)
						   : NULL;
}

static void put_member(struct walk *w, const struct candidate *c)
{
	const char *name = name_of(c);

	if (name)
		put(w, ".%s", name);
}

/* All bit-fields that a load of their bytes reads are named: a.b|c. */
static void put_bits(struct walk *w, const struct mh_dw_die *st)
{
	uint64_t at = st->next;
	struct candidate c;
	const char *before = ".";

	while (at && mh_dw_die_read(&c.die, st->unit, at) && c.die.abbrev) {
		uint64_t from = (uint64_t)w->off.add;

		if (measure(&c, false) && c.bits && c.place < from + w->size &&
		    c.place + c.bytes > from && name_of(&c)) {
			put(w, "%s%s", before, name_of(&c));
			before = "|";
		}
		at = mh_dw_after(&c.die);
	}
}

static void walk(struct walk *w, struct mh_dw_ref type, int depth);

/* Does the member begin, at some depth, with something of the access's size? */
static bool fits(const struct walk *w, const struct candidate *c, int depth)
{
	struct mh_dw_member found = { 0 };
	struct walk inner = { .out = &found,
			      .off = { .add = w->off.add - (int64_t)c->place,
				       .step = w->off.step },
			      .size = w->size,
			      .tries = w->tries + 1 };

	walk(&inner, c->type, depth + 1);
	return found.reach == MH_DW_REACHED && found.exact && found.leaf.unit &&
	       found.leaf_size == w->size;
}

static void stop(struct walk *w, enum mh_dw_reach reach)
{
	w->out->reach = reach;
	w->out->leaf = (struct mh_dw_ref){ NULL, 0 };
	w->out->exact = false;
}

/* Goes on in the one member that can be meant. */
static void into_members(struct walk *w, const struct mh_dw_die *st, int depth)
{
	bool in_union = st->abbrev->tag == DW_TAG_union_type;
	uint64_t at = st->abbrev->children ? st->next : 0;
	struct candidate c, only = { .place = 0 }, fitting = { .place = 0 };
	unsigned nr = 0, nr_fitting = 0;

	while (at && mh_dw_die_read(&c.die, st->unit, at) && c.die.abbrev) {
		if (c.die.abbrev->tag == DW_TAG_variant_part) {
			stop(w, MH_DW_VARIES);
			return;
		}
		if (measure(&c, in_union) && holds(w, &c)) {
			if (!nr++)
				only = c;
			if (in_union && w->tries < TRIES_MAX && fits(w, &c, depth) &&
			    !nr_fitting++)
				fitting = c;
			if (!in_union)
				break;
		}
		at = mh_dw_after(&c.die);
	}
	if (nr > 1 && nr_fitting == 1)
		only = fitting;
	if (!nr) {
		stop(w, w->off.step ? MH_DW_VARIES : MH_DW_OUTSIDE);
	} else if (nr > 1 && nr_fitting != 1) {
		/* The union is what is known. */
		stop(w, w->off.step ? MH_DW_VARIES : MH_DW_REACHED);
	} else if (only.bits) {
		put_bits(w, st);
		stop(w, w->off.step ? MH_DW_VARIES : MH_DW_REACHED);
	} else {
		put_member(w, &only);
		w->off.add -= (int64_t)only.place;
		walk(w, only.type, depth + 1);
	}
}

static void into_array(struct walk *w, const struct mh_dw_die *array, int depth)
{
	struct mh_dw_ref element = mh_dw_reference(array, MH_DW_TYPE);
	uint64_t dims[MH_DW_DIMS_MAX], bytes = mh_dw_type_size(element), inner = bytes;
	unsigned nr = mh_dw_array_dims(array, dims), i;

	for (i = 1; i < nr; i++)
		inner *= dims[i];
	if (!bytes || !nr || !inner) {
		stop(w, MH_DW_OPAQUE);
		return;
	}
	for (i = 0; i < nr; i++) {
		if (w->off.step && w->off.step % inner == 0) {
			put(w, "[]");
			w->off.step = 0;
			w->off.add = modulo(w->off.add, inner);
		} else if (w->off.add < 0) {
			stop(w, MH_DW_OUTSIDE);
			return;
		} else if (!w->off.step) {
			put(w, "[%lld]", (long long)(w->off.add / (int64_t)inner));
			w->off.add %= (int64_t)inner;
		} else if (w->off.step % bytes == 0) {
			/* Rows may be crossed: none of the indices is known. */
			put(w, "[]");
			w->off.add = modulo(w->off.add, inner);
		} else {
			put(w, "[%lld]", (long long)(w->off.add / (int64_t)inner));
			w->off.add %= (int64_t)inner;
		}
		inner = i + 1 < nr && dims[i + 1] ? inner / dims[i + 1] : bytes;
	}
	walk(w, element, depth + 1);
}

static void walk(struct walk *w, struct mh_dw_ref type, int depth)
{
	struct mh_dw_die die;
	unsigned tag;

	if (depth >= DEPTH_MAX || !type.unit || !mh_dw_type_strip(&die, type)) {
		stop(w, MH_DW_OPAQUE);
		return;
	}
	tag = die.abbrev->tag;
	if (has_members(tag)) {
		into_members(w, &die, depth);
	} else if (tag == DW_TAG_array_type) {
		into_array(w, &die, depth);
	} else if (w->off.step) {
		stop(w, MH_DW_VARIES);
	} else {
		w->out->leaf = type;
		w->out->leaf_size = mh_dw_type_size(type);
		w->out->exact = !w->off.add;
		w->out->reach = (uint64_t)w->off.add < w->out->leaf_size ? MH_DW_REACHED
				: w->out->leaf_size                      ? MH_DW_OUTSIDE
									 : MH_DW_OPAQUE;
	}
}

/* A struct that ends in an array without a size. */
static bool ends_open(const struct mh_dw_die *st)
{
	uint64_t at = st->abbrev->children ? st->next : 0;
	struct candidate c;
	bool open = false;

	while (at && mh_dw_die_read(&c.die, st->unit, at) && c.die.abbrev) {
		if (measure(&c, false))
			open = is_flexible(&c);
		at = mh_dw_after(&c.die);
	}
	return open;
}

uint64_t mh_dw_type_stride(struct mh_dw_ref type)
{
	struct mh_dw_die die;

	if (!type.unit || !mh_dw_type_strip(&die, type) ||
	    (has_members(die.abbrev->tag) && ends_open(&die)))
		return 0;
	return mh_dw_type_size(type);
}

void mh_dw_member_find(struct mh_dw_member *out, struct mh_dw_ref type,
		       struct mh_dw_offset off, uint64_t size)
{
	struct walk w = { .out = out, .off = off, .size = size };
	struct mh_dw_die die;
	uint64_t bytes;
	bool open;

	*out = (struct mh_dw_member){ .reach = MH_DW_OPAQUE, .owner = type };
	if (!type.unit || !mh_dw_type_strip(&die, type))
		return;
	/* An array's element is as good as what a pointer to it points to. */
	while (die.abbrev->tag == DW_TAG_array_type) {
		struct mh_dw_ref element = mh_dw_reference(&die, MH_DW_TYPE);
		struct mh_dw_die inner;

		bytes = mh_dw_type_size(type);
		if (off.add < 0 || (bytes && (uint64_t)off.add >= bytes)) {
			out->reach = off.step ? MH_DW_VARIES : MH_DW_OUTSIDE;
			return;
		}
		if (!mh_dw_type_strip(&inner, element))
			return;
		bytes = mh_dw_type_size(element);
		if (!bytes)
			return;
		off.add = modulo(off.add, bytes);
		type = element;
		die = inner;
	}
	out->owner = type;
	out->in_struct = has_members(die.abbrev->tag);
	bytes = mh_dw_type_size(type);
	if (!bytes)
		return;
	open = out->in_struct && ends_open(&die);
	if (!open && off.step && off.step % bytes == 0) {
		off.step = 0;
		off.element = true;
	}
	if (!open && off.element)
		off.add = modulo(off.add, bytes);
	if (!off.step && !open && (off.add < 0 || (uint64_t)off.add >= bytes)) {
		out->reach = MH_DW_OUTSIDE;
		return;
	}
	w.off = off;
	walk(&w, type, 0);
}
