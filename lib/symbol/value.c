/* SPDX-License-Identifier: MIT */
/* Arithmetic on what is known of registers. Overflow is the machine's: it wraps. */
#include "symbol/value.h"

#include "symbol/member.h"

static int64_t wrap_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrap_mul(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a * (uint64_t)b);
}

static int64_t magnitude(int64_t n)
{
	return n < 0 ? (int64_t)(0 - (uint64_t)n) : n;
}

static int64_t gcd(int64_t a, int64_t b)
{
	uint64_t x = (uint64_t)magnitude(a), y = (uint64_t)magnitude(b), t;

	while (y) {
		t = x % y;
		x = y;
		y = t;
	}
	return (int64_t)x;
}

static struct mh_value any(void)
{
	return (struct mh_value){ .step = 1 };
}

/* The varying parts of a sum. */
static void add_steps(struct mh_value *out, const struct mh_value *a,
		      const struct mh_value *b)
{
	if (!a->step || !b->step) {
		out->step = a->step ? a->step : b->step;
		out->symbol = a->step ? a->symbol : b->symbol;
	} else if (a->symbol && a->symbol == b->symbol) {
		out->step = wrap_add(a->step, b->step);
		out->symbol = out->step ? a->symbol : 0;
	} else {
		out->step = gcd(a->step, b->step);
		out->symbol = 0;
	}
}

/* Whole objects more or less are elements of an array. */
static void settle(struct mh_value *v)
{
	uint64_t bytes;

	if (v->kind != MH_VALUE_POINTER || !v->step)
		return;
	bytes = mh_dw_type_stride(v->type);
	if (!bytes || bytes > INT64_MAX || v->step % (int64_t)bytes != 0)
		return;
	v->element = true;
	v->step = 0;
	v->symbol = 0;
	v->add %= (int64_t)bytes;
	if (v->add < 0)
		v->add += (int64_t)bytes;
}

struct mh_value mh_value_add(const struct mh_value *a, const struct mh_value *b)
{
	struct mh_value out = mh_value_is_number(a) ? *b : *a;

	if (!mh_value_is_number(a) && !mh_value_is_number(b))
		return any();
	out.add = wrap_add(a->add, b->add);
	add_steps(&out, a, b);
	settle(&out);
	return out;
}

struct mh_value mh_value_mul(const struct mh_value *a, int64_t n)
{
	struct mh_value out = *a;

	if (n == 1)
		return out;
	if (!mh_value_is_number(a))
		return any();
	out.add = wrap_mul(a->add, n);
	out.step = wrap_mul(a->step, n);
	if (!out.step)
		out.symbol = 0;
	return out;
}

struct mh_value mh_value_sub(const struct mh_value *a, const struct mh_value *b)
{
	struct mh_value minus;

	if (!mh_value_is_number(b))
		return any();
	minus = mh_value_mul(b, -1);
	return mh_value_add(a, &minus);
}

static bool same_object(const struct mh_value *a, const struct mh_value *b)
{
	return a->kind == b->kind && a->type.unit == b->type.unit &&
	       a->type.off == b->type.off;
}

bool mh_value_same(const struct mh_value *a, const struct mh_value *b)
{
	return same_object(a, b) && a->add == b->add && a->step == b->step &&
	       a->symbol == b->symbol && a->element == b->element;
}

static bool is_null(const struct mh_value *v)
{
	return mh_value_is_number(v) && !v->step && !v->add;
}

struct mh_value mh_value_join(const struct mh_value *a, const struct mh_value *b)
{
	struct mh_value out = *a;

	if (mh_value_same(a, b))
		return out;
	/* What is null is not accessed. */
	if (is_null(a) && !mh_value_is_number(b))
		return *b;
	if (is_null(b) && !mh_value_is_number(a))
		return out;
	if (!same_object(a, b))
		return any();
	out.step = gcd(gcd(a->step, b->step), wrap_add(a->add, wrap_mul(b->add, -1)));
	out.symbol = 0;
	out.element = a->element || b->element;
	settle(&out);
	return out;
}
