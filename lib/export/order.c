/* SPDX-License-Identifier: MIT */
/*
 * The order of symbols for linkers, hot first: names for lld, sections for gold, a script
 * for GNU ld. Hot is what samples hit, by events per byte, so that the hot bytes come to
 * stand together. Objects must be built with -ffunction-sections and -fdata-sections.
 *
 * A name that several symbols have is left out, as a linker could not tell which is
 * meant.
 */
#include <stdlib.h>
#include <string.h>

#include "export/about.h"
#include "export/exporters.h"
#include "export/symbols.h"

struct order {
	const struct mh_profile_symbol **v; /* hottest first, code before data */
	size_t nr;
	uint64_t ambiguous;
};

static double density(const struct mh_profile_symbol *s)
{
	return (double)s->events / (double)(s->size ? s->size : 1);
}

static int by_density(const void *a, const void *b)
{
	const struct mh_profile_symbol *x = *(const struct mh_profile_symbol *const *)a;
	const struct mh_profile_symbol *y = *(const struct mh_profile_symbol *const *)b;
	double d = density(y) - density(x);

	if (x->code != y->code)
		return x->code ? -1 : 1;
	if (d != 0)
		return d > 0 ? 1 : -1;
	return (x->vaddr > y->vaddr) - (x->vaddr < y->vaddr);
}

static int order_make(struct order *o, const struct mh_profile *p, const char *name,
		      struct mh_err *err)
{
	size_t i;

	*o = (struct order){ .v = calloc(p->nr_symbols + 1, sizeof(*o->v)) };
	if (!o->v)
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	for (i = 0; i < p->nr_symbols; i++) {
		const struct mh_profile_symbol *s = &p->symbols[i];

		if (!s->events)
			continue;
		if (s->ambiguous)
			o->ambiguous++;
		else
			o->v[o->nr++] = s;
	}
	qsort(o->v, o->nr, sizeof(*o->v), by_density);
	if (o->nr)
		return MH_OK;
	free(o->v);
	return mh_fail(
		err, MH_ENOSUP,
		"%s: no sample is in a function or variable of %s that has a name of "
		"its own; record a run that uses it, or name a file by --module",
		name, p->modules[p->program].path);
}

static void about_order(struct mh_about *about, const char *name,
			const struct mh_export_input *in, const struct order *o)
{
	mh_about_profile(about, name, in);
	mh_about_program(about, in->profile);
	mh_about_left_out(about, o->ambiguous, "hot symbols",
			  "others have the same name");
	mh_about_add(about,
		     "order: events per byte, hot first; functions, then data; "
		     "%zu symbols",
		     o->nr);
	mh_about_add(about, "build with -ffunction-sections -fdata-sections");
}

static int run_symbols(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct mh_about about;
	struct order o;
	size_t i;
	int ret = order_make(&o, in->profile, "symbol-order", err);

	if (ret)
		return ret;
	about_order(&about, "symbol-order", in, &o);
	mh_about_add(&about, "link with -fuse-ld=lld -Wl,--symbol-ordering-file=THIS");
	mh_about_print(out, &about, "# ", "");
	for (i = 0; i < o.nr; i++)
		fprintf(out, "%s\n", o.v[i]->name);
	free(o.v);
	return MH_OK;
}

/* gold puts what is listed behind the rest, in this order. */
static int run_sections(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct mh_about about;
	struct order o;
	size_t i;
	int ret = order_make(&o, in->profile, "section-order", err);

	if (ret)
		return ret;
	about_order(&about, "section-order", in, &o);
	mh_about_add(&about, "link with -fuse-ld=gold -Wl,--section-ordering-file=THIS");
	mh_about_print(out, &about, "# ", "");
	for (i = 0; i < o.nr; i++) {
		if (mh_symbol_section(o.v[i]))
			fprintf(out, "%s.%s\n", mh_symbol_section(o.v[i]), o.v[i]->name);
	}
	free(o.v);
	return MH_OK;
}

/* One output section per kind, before the one that it is taken from. */
static void put_section(FILE *out, const struct order *o, const char *prefix)
{
	bool any = false;
	size_t i;

	for (i = 0; i < o->nr; i++) {
		const char *of = mh_symbol_section(o->v[i]);

		if (!of || strcmp(of, prefix) != 0)
			continue;
		if (!any)
			fprintf(out, "SECTIONS\n{\n\t%s.hot :\n\t{\n", prefix);
		any = true;
		fprintf(out, "\t\t*(%s.%s)\n", prefix, o->v[i]->name);
	}
	if (any)
		fprintf(out, "\t\t*(%s.hot %s.hot.*)\n\t}\n}\nINSERT BEFORE %s;\n",
			prefix, prefix, prefix);
}

static int run_script(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	static const char *const kinds[] = { ".text", ".rodata", ".data", ".bss" };
	struct mh_about about;
	struct order o;
	size_t i;
	int ret = order_make(&o, in->profile, "linker-script", err);

	if (ret)
		return ret;
	about_order(&about, "linker-script", in, &o);
	mh_about_add(&about, "link with -Wl,-T,THIS: it adds to the default script");
	fputs("/*\n", out);
	mh_about_print(out, &about, " * ", "");
	fputs(" */\n", out);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		put_section(out, &o, kinds[i]);
	free(o.v);
	return MH_OK;
}

const struct mh_exporter mh_exporter_symbol_order = {
	.name = "symbol-order",
	.summary = "functions and variables, hot first, for lld's --symbol-ordering-file",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS,
	.run = run_symbols,
};

const struct mh_exporter mh_exporter_section_order = {
	.name = "section-order",
	.summary = "the same for gold's --section-ordering-file",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS,
	.run = run_sections,
};

const struct mh_exporter mh_exporter_linker_script = {
	.name = "linker-script",
	.summary = "a fragment for GNU ld that puts hot sections together",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS,
	.run = run_script,
};
