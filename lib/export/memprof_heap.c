/* SPDX-License-Identifier: MIT */
/*
 * Allocation sites for LLVM's MemProf (YAML), by which clang 22 gives operator new a hint
 * whether what it returns will be hot or cold. The context of an allocation is the
 * function that asks for it and what that is inlined into: callers beyond are left out,
 * so every caller of it counts alike.
 */
#include "export/about.h"
#include "export/exporters.h"

#define NS_PER_MS 1e6

/* As MemProf's runtime counts: accesses per byte and second, times 100, summed over the
 * blocks; here each block of a site has the mean of them. */
static uint64_t density(const struct mh_alloc_site *s)
{
	double seconds = (double)s->lifetime_ns * 1e-9 / (double)s->nr;

	if (!s->bytes || seconds <= 0)
		return 0;
	return (uint64_t)((double)s->events * 100 / (double)s->bytes / seconds *
			  (double)s->nr);
}

static bool is_known(const struct mh_alloc_site *s)
{
	uint32_t i;

	for (i = 0; i < s->nr_frames; i++)
		if (!s->frames[i].column || !*s->frames[i].function)
			return false;
	return s->nr && s->nr_frames;
}

static void put_site(FILE *out, const struct mh_alloc_site *s)
{
	uint32_t i;

	/* A record is of the function whose code it is: the outermost. */
	fprintf(out, "  - GUID: '%s'\n    AllocSites:\n      - Callstack:\n",
		s->frames[s->nr_frames - 1].function);
	for (i = 0; i < s->nr_frames; i++)
		fprintf(out,
			"          - { Function: '%s', LineOffset: %" PRIu32
			", Column: %" PRIu32 ", IsInlineFrame: %s }\n",
			s->frames[i].function, s->frames[i].offset, s->frames[i].column,
			i + 1 < s->nr_frames ? "true" : "false");
	fprintf(out,
		"        MemInfoBlock:\n          AllocCount: %" PRIu64
		"\n          TotalSize: %" PRIu64 "\n          TotalLifetime: %.0f\n"
		"          TotalLifetimeAccessDensity: %" PRIu64 "\n    CallSites: []\n",
		s->nr, s->bytes, (double)s->lifetime_ns / NS_PER_MS, density(s));
}

static int refuse(const struct mh_allocs *a, struct mh_err *err)
{
	if (!a->known)
		return mh_fail(
			err, MH_ENOSUP,
			"memprof-heap: the trace has no log of allocations; record "
			"the command with --heap");
	if (*a->bias)
		return mh_fail(err, MH_ENOSUP,
			       "memprof-heap: %s; record all loads or stores at a fixed "
			       "period beside --heap",
			       a->bias);
	return MH_OK;
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	const struct mh_allocs *a = in->allocs;
	uint64_t nr_unknown = 0, nr_known = 0;
	struct mh_about about;
	size_t i;
	int ret = refuse(a, err);

	if (ret)
		return ret;
	for (i = 0; i < a->nr_sites; i++) {
		nr_known += is_known(&a->sites[i]);
		nr_unknown += !is_known(&a->sites[i]);
	}
	if (!nr_known)
		return mh_fail(
			err, MH_ENOSUP,
			"memprof-heap: of %zu places that allocate none has line and "
			"column; build with clang -gmlt -fdebug-info-for-profiling",
			a->nr_sites);
	mh_about_begin(&about, "memprof-heap", in);
	mh_about_add(&about, "of: %s, %.1f s", a->from.title,
		     (double)a->from.duration_ns / 1e9);
	mh_about_add(&about, "source: %s, and the log of allocations", a->from.source);
	mh_about_add(&about,
		     "units: bytes, milliseconds, accesses per 100 bytes and second");
	mh_about_left_out(&about, nr_unknown, "places", "no line and column is known");
	mh_about_left_out(&about, a->nr_no_site, "blocks", "no call chain is known");
	mh_about_left_out(&about, a->nr_left_out, "allocations",
			  "past the limit of blocks");
	mh_about_left_out(&about, a->nr_elsewhere, "samples", "in no block of the log");
	mh_about_add(&about,
		     "left out: callers: each of a function's callers counts alike");
	mh_about_add(&about, "llvm-profdata merge --memprof-version=4 THIS; clang "
			     "-fmemory-profile-use=... -mllvm -optimize-hot-cold-new");
	fputs("---\n", out);
	mh_about_print(out, &about, "# ", "");
	fputs("HeapProfileRecords:\n", out);
	for (i = 0; i < a->nr_sites; i++) {
		if (is_known(&a->sites[i]))
			put_site(out, &a->sites[i]);
	}
	fputs("...\n", out);
	return MH_OK;
}

const struct mh_exporter mh_exporter_memprof_heap = {
	.name = "memprof-heap",
	.summary = "hot and cold allocation sites for clang 22",
	.needs = MH_EXPORT_ALLOCS,
	.run = run,
};
