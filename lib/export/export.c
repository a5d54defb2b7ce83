/* SPDX-License-Identifier: MIT */
/* The table of exporters, and what all of them ask of a trace. */
#include <memheat/export.h>

#include "export/exporters.h"

static const struct mh_exporter *const exporters[] = {
	&mh_exporter_folded,
	&mh_exporter_csv,
	&mh_exporter_json,
	&mh_exporter_pprof,
	&mh_exporter_callgrind,
	&mh_exporter_speedscope,
	&mh_exporter_perfetto,
	&mh_exporter_symbol_order,
	&mh_exporter_section_order,
	&mh_exporter_linker_script,
	&mh_exporter_llvm_data_access,
	&mh_exporter_bolt,
	&mh_exporter_llvm_sample,
	&mh_exporter_gcc_afdo,
	&mh_exporter_memprof_heap,
	&mh_exporter_prefetch,
	&mh_exporter_llvm_prefetch,
	&mh_exporter_damos,
	&mh_exporter_madvise,
	&mh_exporter_damo,
	&mh_exporter_perf_data,
};

const struct mh_exporter *mh_exporter_at(size_t i)
{
	return i < sizeof(exporters) / sizeof(exporters[0]) ? exporters[i] : NULL;
}

static int no_code(const struct mh_profile *p)
{
	size_t i;

	for (i = 0; i < p->nr_rows; i++) {
		if (p->rows[i].code != MH_PROFILE_NONE)
			return 0;
	}
	return 1;
}

/* Why there are no symbols of the program; its file knows. */
static const char *no_symbols(const struct mh_profile *p)
{
	if (p->program == MH_PROFILE_NONE)
		return "no file with samples is known";
	return *p->modules[p->program].why ? p->modules[p->program].why
					   : "it has no symbol table";
}

static int check(const struct mh_exporter *e, const struct mh_profile *p,
		 struct mh_err *err)
{
	if (!p->nr_rows)
		return mh_fail(err, MH_ENOSUP,
			       "%s: no samples with data addresses pass the filters; "
			       "record with -s mem or -s faults",
			       e->name);
	if (e->needs & MH_EXPORT_CODE && no_code(p))
		return mh_fail(err, MH_ENOSUP,
			       "%s: the samples of source %s have no code addresses; "
			       "record with -s mem or -s faults",
			       e->name, p->from.source);
	if (e->needs & MH_EXPORT_UNBIASED && *p->bias)
		return mh_fail(
			err, MH_ENOSUP,
			"%s: %s; record all loads or stores at a fixed period (perf "
			"record -d -e mem_inst_retired.all_loads, or IBS with "
			"cnt_ctl=1) and import that",
			e->name, p->bias);
	if (e->needs & MH_EXPORT_SYMBOLS && !p->nr_symbols)
		return mh_fail(
			err, MH_ENOSUP,
			"%s: no symbols of %s: %s; record a program that is not "
			"stripped, and export where its file still is, or name one "
			"by --module",
			e->name,
			p->program == MH_PROFILE_NONE ? "the program"
						      : p->modules[p->program].path,
			no_symbols(p));
	return MH_OK;
}

int mh_exporter_run(const struct mh_exporter *e, FILE *out,
		    const struct mh_export_input *in, struct mh_err *err)
{
	int ret = in->profile ? check(e, in->profile, err) : MH_OK;

	if (!ret)
		ret = e->run(out, in, err);
	if (!ret && (fflush(out) || ferror(out)))
		ret = mh_fail_errno(err, "cannot write the export");
	return ret;
}
