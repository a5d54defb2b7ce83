/* SPDX-License-Identifier: MIT */
/*
 * Data access profile of LLVM (MemProf's YAML): how often each variable was accessed, and
 * which were not. llvm-profdata (LLVM 22) merges it, clang places variables by it.
 *
 * Of page faults nothing is called cold: a variable on a page that is there already is
 * accessed without a fault.
 */
#include "export/about.h"
#include "export/exporters.h"
#include "export/symbols.h"

/* A variable with a name that YAML takes as it is; others are quoted. */
static void put_name(FILE *out, const char *name)
{
	putc('\'', out);
	for (; *name; name++) {
		if (*name == '\'')
			putc('\'', out);
		putc(*name, out);
	}
	putc('\'', out);
}

static bool is_data(const struct mh_profile_symbol *s)
{
	return !s->code && s->size && mh_symbol_section(s);
}

static void put_hot(FILE *out, const struct mh_profile *p)
{
	size_t i;

	fputs("DataAccessProfiles:\n  SampledRecords:\n", out);
	for (i = 0; i < p->nr_symbols; i++) {
		const struct mh_profile_symbol *s = &p->symbols[i];

		if (!is_data(s) || s->ambiguous || !s->events)
			continue;
		fputs("    - Symbol:          ", out);
		put_name(out, s->name);
		fprintf(out, "\n      AccessCount:     %" PRIu64 "\n", s->events);
	}
}

static void put_cold(FILE *out, const struct mh_profile *p)
{
	size_t i;

	fputs("  KnownColdSymbols:\n", out);
	for (i = 0; i < p->nr_symbols; i++) {
		const struct mh_profile_symbol *s = &p->symbols[i];

		if (!is_data(s) || s->ambiguous || s->events)
			continue;
		fputs("    - ", out);
		put_name(out, s->name);
		putc('\n', out);
	}
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	const struct mh_profile *p = in->profile;
	uint64_t hot = 0, cold = 0, ambiguous = 0;
	struct mh_about about;
	size_t i;

	for (i = 0; i < p->nr_symbols; i++) {
		const struct mh_profile_symbol *s = &p->symbols[i];

		if (!is_data(s))
			continue;
		ambiguous += s->ambiguous;
		hot += !s->ambiguous && s->events;
		cold += !s->ambiguous && !s->events;
	}
	if (!hot)
		return mh_fail(err, MH_ENOSUP,
			       "llvm-data-access: no sample is in a variable of %s that "
			       "has a name of its own; record a run that uses it with -s "
			       "mem or -s faults",
			       p->modules[p->program].path);
	mh_about_profile(&about, "llvm-data-access", in);
	mh_about_program(&about, p);
	mh_about_left_out(&about, ambiguous, "variables", "others have the same name");
	if (p->faults)
		mh_about_left_out(&about, cold, "variables without a sample",
				  "first touches do not tell that they are cold");
	mh_about_add(&about,
		     "llvm-profdata merge --memprof-version=4 THIS -o x.memprofdata; "
		     "clang -fmemory-profile-use=x.memprofdata "
		     "-fpartition-static-data-sections");
	/* Readers know the form by its first bytes. */
	fputs("---\n", out);
	mh_about_print(out, &about, "# ", "");
	put_hot(out, p);
	if (!p->faults && cold)
		put_cold(out, p);
	fputs("...\n", out);
	return MH_OK;
}

const struct mh_exporter mh_exporter_llvm_data_access = {
	.name = "llvm-data-access",
	.summary = "accesses of variables for clang 22: .data.hot, .data.unlikely",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS,
	.run = run,
};
