/* SPDX-License-Identifier: MIT */
/*
 * LLVM's sample profile as text, for clang -fprofile-sample-use. Counts are those of
 * instructions that access memory, which stand for the blocks that have some; a block
 * without any looks as if it never ran.
 */
#include "export/about.h"
#include "export/exporters.h"
#include "export/inlines.h"

static void put_place(FILE *out, unsigned depth, uint32_t offset, uint32_t discriminator)
{
	uint32_t base = mh_inline_base(discriminator);

	fprintf(out, "%*s%" PRIu32, (int)depth, "", offset);
	if (base)
		fprintf(out, ".%" PRIu32, base);
	fputs(": ", out);
}

/* Discriminators that differ in what LLVM ignores are one place. */
static uint64_t most(const struct mh_inline *f, size_t *i)
{
	const struct mh_inline_line *first = &f->lines.v[*i];
	uint64_t count = first->count;

	while (*i + 1 < f->lines.nr && f->lines.v[*i + 1].offset == first->offset &&
	       mh_inline_base(f->lines.v[*i + 1].discriminator) ==
		       mh_inline_base(first->discriminator)) {
		++*i;
		if (f->lines.v[*i].count > count)
			count = f->lines.v[*i].count;
	}
	return count;
}

static void put_body(FILE *out, const struct mh_inline *f, unsigned depth)
{
	size_t i;

	for (i = 0; i < f->lines.nr; i++) {
		const struct mh_inline_line *l = &f->lines.v[i];

		put_place(out, depth, l->offset, l->discriminator);
		fprintf(out, "%" PRIu64 "\n", most(f, &i));
	}
	for (i = 0; i < f->inner.nr; i++) {
		const struct mh_inline *in = f->inner.v[i];

		put_place(out, depth, in->offset, in->discriminator);
		fprintf(out, "%.*s:%" PRIu64 "\n", (int)in->name_len, in->name,
			in->total);
		put_body(out, in, depth + 1);
	}
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	const struct mh_profile *p = in->profile;
	struct mh_inlines all;
	struct mh_about about;
	size_t i;
	int ret = mh_inlines_make(&all, p, err);

	if (ret)
		return ret;
	if (!all.top.inner.nr) {
		mh_inlines_fini(&all);
		return mh_fail(
			err, MH_ENOSUP,
			"llvm-sample: no sample is in a function of %s whose lines "
			"are known; build it with -g1 (clang: -gmlt "
			"-fdebug-info-for-profiling) and record that",
			p->modules[p->program].path);
	}
	mh_about_profile(&about, "llvm-sample", in);
	mh_about_program(&about, p);
	mh_about_left_out(&about, all.nr_lineless, "samples", "their line is not known");
	mh_about_add(&about,
		     "left out: counts of blocks that access no memory: never sampled");
	mh_about_add(&about,
		     "head counts: of the first line with samples, a guess at calls");
	mh_about_print(out, &about, "# ", "");
	for (i = 0; i < all.top.inner.nr; i++) {
		const struct mh_inline *f = all.top.inner.v[i];

		fprintf(out, "%.*s:%" PRIu64 ":%" PRIu64 "\n", (int)f->name_len, f->name,
			f->total, mh_inline_head(f));
		put_body(out, f, 1);
	}
	mh_inlines_fini(&all);
	return MH_OK;
}

const struct mh_exporter mh_exporter_llvm_sample = {
	.name = "llvm-sample",
	.summary = "execution counts for clang -fprofile-sample-use",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS | MH_EXPORT_CODE |
		 MH_EXPORT_UNBIASED,
	.run = run,
};
