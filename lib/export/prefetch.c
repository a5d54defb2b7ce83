/* SPDX-License-Identifier: MIT */
/*
 * Loads that could be prefetched: as a table for people and tools, and as the hints that
 * clang 14 to 19 take (-mllvm -prefetch-hints-file); LLVM 22 has that pass no more.
 *
 * Such a hint prefetches the load's own address plus a distance, so it is written for
 * loads with a stride only. How far ahead is a guess: as many steps as hide the median
 * latency at CYCLES_PER_STEP each.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export/about.h"
#include "export/exporters.h"
#include "export/inlines.h"
#include "export/pairs.h"

#define MISS_MIN        0.25 /* of the load's samples */
#define LATENCY_MIN     30   /* cycles, where levels are not known */
#define CYCLES_PER_STEP 10
#define STEPS_MIN       4
#define STEPS_MAX       64

static double miss_share(const struct mh_profile_load *l)
{
	return l->leveled ? (double)l->missed / (double)l->leveled : 0;
}

static bool is_candidate(const struct mh_profile_load *l)
{
	return l->leveled ? miss_share(l) >= MISS_MIN : l->latency_p50 >= LATENCY_MIN;
}

struct entry {
	const struct mh_profile_code *code;
	const struct mh_profile_load *load;
};

/* What there is to gain: misses, else cycles. */
static double gain(const struct entry *e)
{
	return e->load->leveled ? miss_share(e->load) * (double)e->load->samples
				: (double)e->load->latency_p50 * (double)e->load->samples;
}

static int by_gain(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	double d = gain(y) - gain(x);

	if (d != 0)
		return d > 0 ? 1 : -1;
	return (x->code->addr > y->code->addr) - (x->code->addr < y->code->addr);
}

/* Candidates, best first. */
static int entries_make(struct entry **out, size_t *nr, const struct mh_profile *p,
			const char *name, struct mh_err *err)
{
	uint64_t known = 0;
	size_t i;

	*nr = 0;
	*out = calloc(p->nr_codes + 1, sizeof(**out));
	if (!*out)
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	for (i = 0; i < p->nr_codes; i++) {
		const struct mh_profile_load *l = &p->loads[i];

		known += l->leveled + l->latency_p50;
		if (l->samples && is_candidate(l))
			(*out)[(*nr)++] = (struct entry){ &p->codes[i], l };
	}
	qsort(*out, *nr, sizeof(**out), by_gain);
	if (*nr)
		return MH_OK;
	free(*out);
	*out = NULL;
	if (!known)
		return mh_fail(
			err, MH_ENOSUP,
			"%s: the samples of source %s have neither latency nor the "
			"level that served them; record with -s mem, or import perf "
			"mem record",
			name, p->from.source);
	return mh_fail(
		err, MH_ENOSUP,
		"%s: no load misses the second level often (25%% of its samples) or "
		"is slow; there is nothing to prefetch",
		name);
}

/* ---- CSV ---- */

static const struct mh_table_column columns[] = {
	{ "samples", "", MH_CELL_TYPE_U64 },
	{ "miss_share", "", MH_CELL_TYPE_RATIO },
	{ "latency_p50", "", MH_CELL_TYPE_BYTES },
	{ "latency_p95", "", MH_CELL_TYPE_BYTES },
	{ "stride", "", MH_CELL_TYPE_TEXT },
	{ "confidence", "", MH_CELL_TYPE_RATIO },
	{ "function", "", MH_CELL_TYPE_TEXT },
	{ "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_BYTES },
	{ "module", "", MH_CELL_TYPE_TEXT },
	{ "address", "", MH_CELL_TYPE_U64 },
};

static void put_row(struct mh_table *t, const struct entry *e, const struct mh_profile *p)
{
	const struct mh_profile_frame *f =
		e->code->nr_frames ? &e->code->frames[0] : NULL;
	const struct mh_profile_load *l = e->load;

	mh_table_put_u64(t, l->samples);
	mh_table_put_ratio(t, l->leveled ? miss_share(l) : (double)NAN);
	mh_table_put_u64(t, l->latency_p50 ? l->latency_p50 : MH_NO_DATA);
	mh_table_put_u64(t, l->latency_p95 ? l->latency_p95 : MH_NO_DATA);
	if (l->stride)
		mh_table_put_words(t, "%" PRId64, l->stride);
	else
		mh_table_put_text(t, NULL);
	mh_table_put_ratio(t, l->stride ? l->confidence : (double)NAN);
	mh_table_put_text(t, f ? f->function : NULL);
	mh_table_put_text(t, f ? f->file : NULL);
	mh_table_put_u64(t, f && f->line ? f->line : MH_NO_DATA);
	mh_table_put_text(t, mh_label_module(p, e->code->module));
	mh_table_put_u64(t, e->code->vaddr);
}

static int run_csv(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct entry *v;
	struct mh_about about;
	struct mh_table t;
	size_t i, nr;
	int ret = entries_make(&v, &nr, in->profile, "prefetch", err);

	if (ret)
		return ret;
	mh_about_profile(&about, "prefetch", in);
	mh_about_add(&about, "loads: 25%% of the samples served beyond the second "
			     "level, or median latency of 30 cycles; most to gain first");
	mh_about_add(&about, "stride: bytes, seen in samples that are far apart; "
			     "empty: none");
	mh_about_print(out, &about, "# ", "");
	mh_table_begin_csv(&t, out, MH_COLUMNS(columns));
	for (i = 0; i < nr; i++)
		put_row(&t, &v[i], in->profile);
	mh_table_end(&t, NULL);
	free(v);
	return MH_OK;
}

/* ---- LLVM ---- */

static int64_t distance(const struct mh_profile_load *l)
{
	int64_t steps = (int64_t)l->latency_p50 / CYCLES_PER_STEP;

	steps = steps < STEPS_MIN ? STEPS_MIN : steps > STEPS_MAX ? STEPS_MAX : steps;
	return steps * l->stride;
}

/* Calls that were inlined nest, one level each; the load's line is the last. */
static void put_hint(FILE *out, const struct entry *e)
{
	const struct mh_profile_code *c = e->code;
	uint32_t i;

	fprintf(out, "%s:0:0\n", c->frames[c->nr_frames - 1].function);
	for (i = c->nr_frames; i-- > 0;) {
		const struct mh_profile_frame *f = &c->frames[i];
		uint32_t base = mh_inline_base(f->discriminator);

		fprintf(out, "%*s%" PRIu32, (int)(c->nr_frames - i), "",
			(f->line - f->start_line) & 0xffff);
		if (base)
			fprintf(out, ".%" PRIu32, base);
		if (i)
			fprintf(out, ": %s:0\n", c->frames[i - 1].function);
		else
			fprintf(out, ": 0 __prefetch_t0_0:%" PRIu64 "\n",
				(uint64_t)distance(e->load));
	}
}

static bool has_place(const struct mh_profile *p, const struct entry *e)
{
	uint32_t i;

	for (i = 0; i < e->code->nr_frames; i++)
		if (!e->code->frames[i].line || !e->code->frames[i].start_line)
			return false;
	return e->code->nr_frames && e->code->module == p->program;
}

static int run_llvm(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	uint64_t no_stride = 0, no_place = 0, hints = 0;
	struct entry *v;
	struct mh_about about;
	size_t i, nr;
	int ret = entries_make(&v, &nr, in->profile, "llvm-prefetch", err);

	for (i = 0; i < nr; i++) {
		if (!v[i].load->stride)
			no_stride++;
		else if (!has_place(in->profile, &v[i]))
			no_place++;
		else
			v[hints++] = v[i];
	}
	if (!ret && !hints)
		ret = mh_fail(
			err, MH_ENOSUP,
			"llvm-prefetch: of %zu loads that miss none has both a stride "
			"and a line; build with -gmlt -fdebug-info-for-profiling, or "
			"see 'memheat export prefetch'",
			nr);
	if (ret) {
		free(v);
		return ret;
	}
	mh_about_profile(&about, "llvm-prefetch", in);
	mh_about_program(&about, in->profile);
	mh_about_left_out(&about, no_stride, "loads", "no stride was seen");
	mh_about_left_out(&about, no_place, "loads", "no line, or of other files");
	mh_about_add(&about,
		     "distance: a guess, the median latency at %d cycles per step",
		     CYCLES_PER_STEP);
	mh_about_add(&about, "clang 14 to 19: -gmlt -fdebug-info-for-profiling -mllvm "
			     "-x86-discriminate-memops -mllvm -prefetch-hints-file=THIS");
	mh_about_print(out, &about, "# ", "");
	for (i = 0; i < hints; i++)
		put_hint(out, &v[i]);
	free(v);
	return MH_OK;
}

const struct mh_exporter mh_exporter_prefetch = {
	.name = "prefetch",
	.summary = "loads that miss: share, latency, stride (CSV)",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CODE | MH_EXPORT_LOADS,
	.run = run_csv,
};

const struct mh_exporter mh_exporter_llvm_prefetch = {
	.name = "llvm-prefetch",
	.summary = "prefetch hints for clang 14 to 19",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS | MH_EXPORT_CODE | MH_EXPORT_LOADS,
	.run = run_llvm,
};
