/* SPDX-License-Identifier: MIT */
/*
 * Types of C, C++ and Rust from DWARF: their size, their name, and the path to what is at
 * an offset. Types can be cyclic in a damaged file, so every walk has a depth.
 *
 * Not handled: arrays whose bounds are computed at run time; which member of a union or
 * variant of an enum is in use (the first member of a union is named).
 */
#include <dwarf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "symbol/vars.h"

#define DEPTH_MAX 32
#define DIMS_MAX  MH_DW_DIMS_MAX

static struct mh_dw_ref none(void)
{
	return (struct mh_dw_ref){ NULL, 0 };
}

static bool read_ref(struct mh_dw_die *die, struct mh_dw_ref ref)
{
	return ref.unit && mh_dw_die_read(die, ref.unit, ref.off) && die->abbrev;
}

struct mh_dw_ref mh_dw_type_of(const struct mh_dw_die *die)
{
	struct mh_dw_die with;

	if (!mh_dw_integrate(&with, die, MH_DW_TYPE))
		return none();
	return mh_dw_reference(&with, MH_DW_TYPE);
}

/* A declaration by signature stands for the type unit's definition. */
static struct mh_dw_ref definition(const struct mh_dw_die *die)
{
	return mh_dw_reference(die, MH_DW_SIGNATURE);
}

static bool transparent(unsigned tag)
{
	return tag == DW_TAG_typedef || tag == DW_TAG_const_type ||
	       tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type ||
	       tag == DW_TAG_atomic_type;
}

bool mh_dw_type_strip(struct mh_dw_die *die, struct mh_dw_ref type)
{
	int depth;

	for (depth = 0; depth < DEPTH_MAX && read_ref(die, type); depth++) {
		if (mh_dw_has(die, MH_DW_SIGNATURE))
			type = definition(die);
		else if (transparent(die->abbrev->tag))
			type = mh_dw_reference(die, MH_DW_TYPE);
		else
			return true;
	}
	return false;
}

/* ---- arrays ---- */

unsigned mh_dw_array_dims(const struct mh_dw_die *array, uint64_t dims[DIMS_MAX])
{
	uint64_t off = array->next;
	struct mh_dw_die die;
	unsigned nr = 0;

	if (!array->abbrev->children)
		return 0;
	while (nr < DIMS_MAX && off && mh_dw_die_read(&die, array->unit, off) &&
	       die.abbrev) {
		int64_t n, low = 0;

		if (die.abbrev->tag == DW_TAG_subrange_type ||
		    die.abbrev->tag == DW_TAG_enumeration_type) {
			(void)mh_dw_number(&die, MH_DW_LOWER_BOUND, &low);
			if (mh_dw_number(&die, MH_DW_COUNT, &n))
				dims[nr++] = n > 0 ? (uint64_t)n : 0;
			/* -1 is how some compilers say [0]. */
			else if (mh_dw_number(&die, MH_DW_UPPER_BOUND, &n) && n >= low)
				dims[nr++] = (uint64_t)n - (uint64_t)low + 1;
			else
				dims[nr++] = 0;
		}
		off = mh_dw_after(&die);
	}
	return nr;
}

static uint64_t product(uint64_t a, uint64_t b)
{
	uint64_t p;

	return __builtin_mul_overflow(a, b, &p) ? 0 : p;
}

static uint64_t size_at(struct mh_dw_ref type, int depth)
{
	struct mh_dw_die die;
	uint64_t dims[DIMS_MAX], size;
	unsigned nr, i;
	int64_t n;

	if (depth >= DEPTH_MAX || !mh_dw_type_strip(&die, type))
		return 0;
	if (mh_dw_number(&die, MH_DW_BYTE_SIZE, &n))
		return n > 0 ? (uint64_t)n : 0;
	switch (die.abbrev->tag) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return die.unit->addr_size;
	case DW_TAG_enumeration_type:
		return size_at(mh_dw_reference(&die, MH_DW_TYPE), depth + 1);
	case DW_TAG_array_type:
		size = size_at(mh_dw_reference(&die, MH_DW_TYPE), depth + 1);
		nr = mh_dw_array_dims(&die, dims);
		for (i = 0; i < nr; i++)
			size = product(size, dims[i]);
		return nr ? size : 0;
	default:
		return 0;
	}
}

uint64_t mh_dw_type_size(struct mh_dw_ref type)
{
	return size_at(type, 0);
}

/* ---- names ---- */

struct text {
	char *buf;
	size_t len, size;
};

static void MH_PRINTF(2, 3) put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->len + 1 >= t->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

static void put_name(struct text *t, const char *before, const struct mh_dw_die *die)
{
	const char *name = mh_dw_string(die, MH_DW_NAME);

	put(t, "%s%s", before, name ? name : "{...}");
}

/* A const array of const elements, and what a typedef and its user both say, is said
 * once: none of the qualifiers right before is the same. */
static void put_qualifier(struct text *t, const char *word)
{
	static const char *const words[] = { "const ", "volatile " };
	size_t end = t->len, i;

	for (i = 0; i < 2; i++) {
		size_t len = strlen(words[i]);

		if (end < len || strncmp(t->buf + end - len, words[i], len) != 0)
			continue;
		if (!strcmp(words[i], word))
			return;
		end -= len;
		i = (size_t)-1;
	}
	put(t, "%s", word);
}

static void put_type(struct text *t, struct mh_dw_ref type, int depth)
{
	struct mh_dw_die die;
	uint64_t dims[DIMS_MAX];
	struct mh_dw_ref def;
	unsigned nr, i;

	if (!type.unit) {
		put(t, "void");
		return;
	}
	if (depth >= DEPTH_MAX || !read_ref(&die, type)) {
		put(t, "?");
		return;
	}
	def = definition(&die);
	if (def.unit) {
		put_type(t, def, depth + 1);
		return;
	}
	type = mh_dw_reference(&die, MH_DW_TYPE);
	switch (die.abbrev->tag) {
	case DW_TAG_structure_type:
		put_name(t, "struct ", &die);
		break;
	case DW_TAG_union_type:
		put_name(t, "union ", &die);
		break;
	case DW_TAG_enumeration_type:
		put_name(t, "enum ", &die);
		break;
	case DW_TAG_const_type:
		put_qualifier(t, "const ");
		put_type(t, type, depth + 1);
		break;
	case DW_TAG_volatile_type:
		put_qualifier(t, "volatile ");
		put_type(t, type, depth + 1);
		break;
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		put_type(t, type, depth + 1);
		break;
	case DW_TAG_pointer_type:
		if (mh_dw_string(&die, MH_DW_NAME)) { /* Rust names its pointers */
			put_name(t, "", &die);
			break;
		}
		put_type(t, type, depth + 1);
		put(t, t->len && t->buf[t->len - 1] == '*' ? "*" : " *");
		break;
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		put_type(t, type, depth + 1);
		put(t, die.abbrev->tag == DW_TAG_reference_type ? " &" : " &&");
		break;
	case DW_TAG_array_type:
		put_type(t, type, depth + 1);
		nr = mh_dw_array_dims(&die, dims);
		for (i = 0; i < nr; i++) {
			if (dims[i])
				put(t, "[%llu]", (unsigned long long)dims[i]);
			else
				put(t, "[]");
		}
		break;
	case DW_TAG_subroutine_type:
		put(t, "function");
		break;
	default:
		put_name(t, "", &die);
	}
}

void mh_dw_type_text(struct mh_dw_ref type, char *buf, size_t size)
{
	struct text t = { buf, 0, size };

	*buf = 0;
	put_type(&t, type, 0);
}

/* ---- paths ---- */

/* A constant, or an expression of DWARF 2 that adds one. */
bool mh_dw_member_place(const struct mh_dw_die *die, bool in_union, uint64_t *off)
{
	const struct mh_dw_value *v = &die->v[MH_DW_MEMBER_LOCATION];
	int64_t n;

	if (mh_dw_number(die, MH_DW_MEMBER_LOCATION, &n)) {
		*off = (uint64_t)n;
		return true;
	}
	if (mh_dw_number(die, MH_DW_DATA_BIT_OFFSET, &n)) {
		*off = (uint64_t)n / 8;
		return true;
	}
	if (mh_dw_has(die, MH_DW_MEMBER_LOCATION)) {
		struct mh_rbuf b = mh_rbuf(v->p, v->p ? v->u : 0);

		if (mh_rbuf_u8(&b) != DW_OP_plus_uconst)
			return false;
		*off = mh_dw_uleb(&b);
		return !b.bad;
	}
	*off = 0;
	return in_union; /* in a struct, a static member has no place */
}

enum found {
	MEMBER,
	PADDING,
	UNKNOWN
};

static enum found find_member(const struct mh_dw_die *st, uint64_t *off,
			      struct mh_dw_die *member)
{
	bool in_union = st->abbrev->tag == DW_TAG_union_type, any = false;
	uint64_t at = st->next, place;

	if (!st->abbrev->children)
		return UNKNOWN;
	while (at && mh_dw_die_read(member, st->unit, at) && member->abbrev) {
		unsigned tag = member->abbrev->tag;

		if (tag == DW_TAG_variant_part)
			return UNKNOWN;
		if ((tag == DW_TAG_member || tag == DW_TAG_inheritance) &&
		    mh_dw_member_place(member, in_union, &place)) {
			struct mh_dw_ref type = mh_dw_reference(member, MH_DW_TYPE);
			uint64_t size = mh_dw_type_size(type);

			any = true;
			if (*off >= place && *off - place < size) {
				*off -= place;
				return MEMBER;
			}
		}
		at = mh_dw_after(member);
	}
	return any ? PADDING : UNKNOWN;
}

/* True: go on inside the element. */
static bool into_array(struct text *t, const struct mh_dw_die *array, uint64_t *off,
		       struct mh_dw_ref *type)
{
	struct mh_dw_ref element = mh_dw_reference(array, MH_DW_TYPE);
	uint64_t dims[DIMS_MAX], size = mh_dw_type_size(element), index;
	unsigned nr = mh_dw_array_dims(array, dims), i, k;

	if (!size || !nr)
		return false;
	index = *off / size;
	for (i = 0; i < nr; i++) {
		uint64_t stride = 1;

		for (k = i + 1; k < nr; k++)
			stride = product(stride, dims[k]);
		if (!stride)
			return false;
		if (dims[i] && index / stride >= dims[i])
			return false;
		put(t, "[%llu]", (unsigned long long)(index / stride));
		index %= stride;
	}
	*off %= size;
	*type = element;
	return true;
}

/* True: go on inside the member. */
static bool into_struct(struct text *t, const struct mh_dw_die *st, uint64_t *off,
			struct mh_dw_ref *type)
{
	struct mh_dw_die member;
	const char *name;

	switch (find_member(st, off, &member)) {
	case MEMBER:
		name = member.abbrev->tag == DW_TAG_member
			       ? mh_dw_string(&member, MH_DW_NAME)
			       : NULL;
		if (name)
			put(t, ".%s", name);
		*type = mh_dw_reference(&member, MH_DW_TYPE);
		return true;
	case PADDING:
		put(t, ".<padding>");
		*off = 0;
		return false;
	case UNKNOWN:
	default:
		return false;
	}
}

void mh_dw_type_path(struct mh_dw_ref type, uint64_t off, char *buf, size_t size)
{
	struct text t = { buf, strlen(buf), size };
	struct mh_dw_die die;
	int depth;

	for (depth = 0; depth < DEPTH_MAX && mh_dw_type_strip(&die, type); depth++) {
		unsigned tag = die.abbrev->tag;

		if (tag == DW_TAG_array_type) {
			if (!into_array(&t, &die, &off, &type))
				break;
		} else if (tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
			   tag == DW_TAG_union_type) {
			if (!into_struct(&t, &die, &off, &type))
				break;
		} else {
			break;
		}
	}
	if (off)
		put(&t, "+%llu", (unsigned long long)off);
}
