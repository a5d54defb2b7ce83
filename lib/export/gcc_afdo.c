/* SPDX-License-Identifier: MIT */
/*
 * GCC's automatic profile (gcov format, version 2) for gcc -fauto-profile: the counts of
 * llvm-sample in another form. GCC counts the line's discriminator as DWARF has it. The
 * version is the one that GCC 9 to 14 read; it has no room for comments, so the head is
 * an unused name of the table of strings.
 */
#include <string.h>

#include "base/buf.h"
#include "base/vec.h"
#include "export/about.h"
#include "export/exporters.h"
#include "export/inlines.h"

enum {
	MAGIC = 0x67636461, /* "gcda" */
	VERSION = 2,
	TAG_NAMES = 0xaa000000u,
	TAG_FUNCTIONS = 0xac000000u,
	TAG_MODULES = 0xae000000u
};

/* A name without its suffix of a clone. */
struct name {
	const char *s;
	size_t len;
};

struct writer {
	struct mh_wbuf b;
	struct {
		struct name *v;
		size_t nr, cap;
	} names;
	bool bad; /* out of memory */
};

static uint32_t name_of(struct writer *w, const char *s, size_t len)
{
	struct name *name;
	size_t i;

	for (i = 0; i < w->names.nr; i++) {
		if (w->names.v[i].len == len && !memcmp(w->names.v[i].s, s, len))
			return (uint32_t)i;
	}
	name = mh_vec_push(&w->names);
	if (name)
		*name = (struct name){ s, len };
	else
		w->bad = true;
	return name ? (uint32_t)w->names.nr - 1 : 0;
}

/* Numbers of GCC's streams are words of 32 bits, the low one first. */
static void put_count(struct writer *w, uint64_t v)
{
	mh_wbuf_u32(&w->b, (uint32_t)v);
	mh_wbuf_u32(&w->b, (uint32_t)(v >> 32));
}

static void put_place(struct writer *w, uint32_t offset, uint32_t discriminator)
{
	mh_wbuf_u32(&w->b, offset << 16 | (discriminator & 0xffff));
}

static void put_function(struct writer *w, const struct mh_inline *f)
{
	size_t i;

	mh_wbuf_u32(&w->b, name_of(w, f->name, f->name_len));
	mh_wbuf_u32(&w->b, (uint32_t)f->lines.nr);
	mh_wbuf_u32(&w->b, (uint32_t)f->inner.nr);
	for (i = 0; i < f->lines.nr; i++) {
		put_place(w, f->lines.v[i].offset, f->lines.v[i].discriminator);
		mh_wbuf_u32(&w->b, 0); /* targets of calls */
		put_count(w, f->lines.v[i].count);
	}
	for (i = 0; i < f->inner.nr; i++) {
		put_place(w, f->inner.v[i]->offset, f->inner.v[i]->discriminator);
		put_function(w, f->inner.v[i]);
	}
}

static void put_names(struct mh_wbuf *b, const struct writer *w, const char *about)
{
	struct mh_wbuf table = { 0 };
	size_t i;

	mh_wbuf_u32(&table, (uint32_t)w->names.nr + 1);
	for (i = 0; i < w->names.nr; i++) {
		mh_wbuf_u32(&table, (uint32_t)w->names.v[i].len + 1);
		mh_wbuf_bytes(&table, w->names.v[i].s, w->names.v[i].len);
		mh_wbuf_u8(&table, 0);
	}
	mh_wbuf_u32(&table, (uint32_t)strlen(about) + 1);
	mh_wbuf_bytes(&table, about, strlen(about) + 1);
	mh_wbuf_u32(b, TAG_NAMES);
	mh_wbuf_u32(b, (uint32_t)(table.len + 3) / 4);
	mh_wbuf_bytes(b, table.p, table.len);
	b->bad |= table.bad;
	mh_wbuf_fini(&table);
}

static void join(char *text, size_t size, const struct mh_export_input *in,
		 const struct mh_inlines *all)
{
	struct mh_about about;
	size_t i, len = 0;

	mh_about_profile(&about, "gcc-afdo", in);
	mh_about_program(&about, in->profile);
	mh_about_left_out(&about, all->nr_lineless, "samples", "their line is not known");
	for (i = 0; i < about.nr && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? "; " : "",
					about.lines[i]);
}

static int write_all(FILE *out, struct writer *w, const struct mh_inlines *all,
		     const char *about, struct mh_err *err)
{
	struct mh_wbuf b = { 0 };
	size_t i;
	int ret = MH_OK;

	for (i = 0; i < all->top.inner.nr; i++) {
		put_count(w, mh_inline_head(all->top.inner.v[i]));
		put_function(w, all->top.inner.v[i]);
	}
	mh_wbuf_u32(&b, MAGIC);
	mh_wbuf_u32(&b, VERSION);
	mh_wbuf_u32(&b, 0);
	put_names(&b, w, about);
	mh_wbuf_u32(&b, TAG_FUNCTIONS);
	mh_wbuf_u32(&b, (uint32_t)(w->b.len / 4) + 1);
	mh_wbuf_u32(&b, (uint32_t)all->top.inner.nr);
	mh_wbuf_bytes(&b, w->b.p, w->b.len);
	mh_wbuf_u32(&b, TAG_MODULES);
	mh_wbuf_u32(&b, 0);
	mh_wbuf_u32(&b, 0);
	if (w->bad || w->b.bad || b.bad)
		ret = mh_fail(err, MH_ENOMEM, "no memory to export");
	else
		fwrite(b.p, 1, b.len, out);
	mh_wbuf_fini(&b);
	return ret;
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	char about[MH_ABOUT_LINES * MH_ABOUT_LEN];
	struct writer w = { 0 };
	struct mh_inlines all;
	int ret = mh_inlines_make(&all, in->profile, err);

	if (ret)
		return ret;
	if (all.top.inner.nr) {
		join(about, sizeof(about), in, &all);
		ret = write_all(out, &w, &all, about, err);
	} else {
		ret = mh_fail(
			err, MH_ENOSUP,
			"gcc-afdo: no sample is in a function of %s whose lines are "
			"known; build it with -g1 and record that",
			in->profile->modules[in->profile->program].path);
	}
	mh_wbuf_fini(&w.b);
	free(w.names.v);
	mh_inlines_fini(&all);
	return ret;
}

const struct mh_exporter mh_exporter_gcc_afdo = {
	.name = "gcc-afdo",
	.summary = "the same for gcc -fauto-profile",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS | MH_EXPORT_CODE |
		 MH_EXPORT_UNBIASED | MH_EXPORT_BINARY,
	.run = run,
};
