/* SPDX-License-Identifier: MIT */
/*
 * Samples of instructions to counts of lines. A line's count is that of its most sampled
 * instruction: a line with three loads did not run three times. Lines are counted from
 * where the function is declared, so that edits above it do not matter.
 */
#include "export/inlines.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define OFFSET_MASK 0xffffu /* what readers keep of a line's offset */

/* GCC and LLVM name clones NAME.WORD or NAME.WORD.NUMBER. */
static size_t plain_length(const char *name)
{
	static const char *const clones[] = { ".cold", ".part.", ".constprop.", ".isra.",
					      ".llvm." };
	size_t len = strlen(name), i;

	for (i = 0; i < sizeof(clones) / sizeof(clones[0]); i++) {
		const char *at = strstr(name, clones[i]);

		if (at && (size_t)(at - name) < len)
			len = (size_t)(at - name);
	}
	return len;
}

static struct mh_inline *inner_of(struct mh_inline *around, const char *name,
				  uint32_t offset, uint32_t discriminator)
{
	size_t i, len = plain_length(name);
	struct mh_inline **slot, *f;

	for (i = around->inner.nr; i-- > 0;) {
		f = around->inner.v[i];
		if (f->offset == offset && f->discriminator == discriminator &&
		    f->name_len == len && !memcmp(f->name, name, len))
			return f;
	}
	slot = mh_vec_push(&around->inner);
	f = slot ? calloc(1, sizeof(*f)) : NULL;
	if (!f) {
		around->inner.nr -= slot != NULL;
		return NULL;
	}
	*slot = f;
	f->name = name;
	f->name_len = len;
	f->offset = offset;
	f->discriminator = discriminator;
	return f;
}

static int add_line(struct mh_inline *f, uint32_t offset, uint32_t discriminator,
		    uint64_t count)
{
	struct mh_inline_line *l;
	size_t i;

	for (i = 0; i < f->lines.nr; i++) {
		l = &f->lines.v[i];
		if (l->offset != offset || l->discriminator != discriminator)
			continue;
		if (l->count < count)
			l->count = count;
		return 0;
	}
	l = mh_vec_push(&f->lines);
	if (l)
		*l = (struct mh_inline_line){ offset, discriminator, count };
	return l ? 0 : -1;
}

/* 1: it has no lines; -1: out of memory. */
static int add_code(struct mh_inline *top, const struct mh_profile_code *c,
		    uint64_t count)
{
	struct mh_inline *f = top;
	uint32_t offset = 0, discriminator = 0, i;

	for (i = 0; i < c->nr_frames; i++) {
		const struct mh_profile_frame *frame = &c->frames[i];

		if (!frame->line || !frame->start_line || !*frame->function)
			return 1;
	}
	for (i = c->nr_frames; i-- > 0;) {
		const struct mh_profile_frame *frame = &c->frames[i];

		f = inner_of(f, frame->function, offset, discriminator);
		if (!f)
			return -1;
		offset = (frame->line - frame->start_line) & OFFSET_MASK;
		discriminator = frame->discriminator;
	}
	return add_line(f, offset, discriminator, count);
}

static int by_line(const void *a, const void *b)
{
	const struct mh_inline_line *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->discriminator > y->discriminator) -
	       (x->discriminator < y->discriminator);
}

static int by_place(const void *a, const void *b)
{
	const struct mh_inline *x = *(struct mh_inline *const *)a;
	const struct mh_inline *y = *(struct mh_inline *const *)b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->discriminator != y->discriminator)
		return x->discriminator < y->discriminator ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_total(const void *a, const void *b)
{
	const struct mh_inline *x = *(struct mh_inline *const *)a;
	const struct mh_inline *y = *(struct mh_inline *const *)b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* As deep as inlining goes, which the resolver limits. */
static void finish(struct mh_inline *f)
{
	size_t i;

	if (f->lines.nr)
		qsort(f->lines.v, f->lines.nr, sizeof(*f->lines.v), by_line);
	for (i = 0; i < f->lines.nr; i++)
		f->total += f->lines.v[i].count;
	for (i = 0; i < f->inner.nr; i++) {
		finish(f->inner.v[i]);
		f->total += f->inner.v[i]->total;
	}
	if (f->inner.nr)
		qsort(f->inner.v, f->inner.nr, sizeof(struct mh_inline *),
		      f->name ? by_place : by_total);
}

static void release(struct mh_inline *f)
{
	size_t i;

	for (i = 0; i < f->inner.nr; i++) {
		release(f->inner.v[i]);
		free(f->inner.v[i]);
	}
	free(f->inner.v);
	free(f->lines.v);
}

void mh_inlines_fini(struct mh_inlines *in)
{
	release(&in->top);
	memset(in, 0, sizeof(*in));
}

int mh_inlines_make(struct mh_inlines *out, const struct mh_profile *p,
		    struct mh_err *err)
{
	size_t i, next;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < p->nr_rows; i = next) {
		uint32_t code = p->rows[i].code;
		uint64_t events = 0, samples = 0;
		int lacks;

		for (next = i; next < p->nr_rows && p->rows[next].code == code; next++) {
			events += p->rows[next].events;
			samples += p->rows[next].samples;
		}
		if (code == MH_PROFILE_NONE || p->codes[code].module != p->program) {
			out->nr_elsewhere += samples;
			continue;
		}
		lacks = p->codes[code].nr_frames
				? add_code(&out->top, &p->codes[code], events)
				: 1;
		if (lacks < 0) {
			mh_inlines_fini(out);
			return mh_fail(err, MH_ENOMEM, "no memory to export");
		}
		out->nr_lineless += lacks ? samples : 0;
	}
	finish(&out->top);
	return MH_OK;
}

uint32_t mh_inline_base(uint32_t d)
{
	if (d & 1)
		return 0;
	d >>= 1;
	return d & 0x20 ? (d >> 1 & 0xfe0) | (d & 0x1f) : d & 0x1f;
}

uint64_t mh_inline_head(const struct mh_inline *f)
{
	while (f->inner.nr &&
	       (!f->lines.nr || f->inner.v[0]->offset < f->lines.v[0].offset))
		f = f->inner.v[0];
	return f->lines.nr ? f->lines.v[0].count : 0;
}
