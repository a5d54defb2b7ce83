/* SPDX-License-Identifier: MIT */
/*
 * Memory events for BOLT (fdata): which instruction accessed which offset of which
 * symbol; `llvm-bolt -reorder-data` puts hot data together. The instruction samples that
 * stand beside them in fdata count executions, so they are written from samples that do.
 *
 * BOLT calls a local symbol NAME/1, /2, ...: one of several of a name is not told apart.
 */
#include "export/about.h"
#include "export/exporters.h"
#include "export/symbols.h"

enum {
	KIND_OTHER = 3,
	KIND_GLOBAL = 4,
	KIND_LOCAL = 5
};

struct counts {
	uint64_t events, no_code, ambiguous, elsewhere;
};

static void put_symbol(FILE *out, const struct mh_profile_symbol *s, uint64_t offset)
{
	if (s->local)
		fprintf(out, "%d %s/1 %" PRIx64, KIND_LOCAL, s->name, offset);
	else
		fprintf(out, "%d %s %" PRIx64, KIND_GLOBAL, s->name, offset);
}

/* The function and the variable of a row; NULL: not to be written. */
static const struct mh_profile_symbol *function_of(const struct mh_profile *p,
						   const struct mh_profile_row *row)
{
	const struct mh_profile_code *c =
		row->code == MH_PROFILE_NONE ? NULL : &p->codes[row->code];

	if (!c || c->module != p->program || !*c->symbol)
		return NULL;
	return mh_profile_symbol_at(p, true, c->vaddr - c->offset);
}

static const struct mh_profile_symbol *variable_of(const struct mh_profile *p,
						   const struct mh_profile_row *row)
{
	const struct mh_profile_object *o = &p->objects[row->object];

	if (!o->variable || o->module != p->program || !*o->symbol)
		return NULL;
	return mh_profile_symbol_at(p, false, o->vaddr);
}

static bool wanted(const struct mh_profile_symbol *f, const struct mh_profile_symbol *v)
{
	return f && v && !f->ambiguous && !v->ambiguous;
}

static void count(struct counts *n, const struct mh_profile *p)
{
	size_t i;

	for (i = 0; i < p->nr_rows; i++) {
		const struct mh_profile_row *row = &p->rows[i];
		const struct mh_profile_symbol *f = function_of(p, row);
		const struct mh_profile_symbol *v = variable_of(p, row);

		if (wanted(f, v))
			n->events += row->samples;
		else if (f && v)
			n->ambiguous += row->samples;
		else if (f)
			n->elsewhere += row->samples;
		else if (row->code != MH_PROFILE_NONE &&
			 p->codes[row->code].module == p->program)
			n->no_code += row->samples;
	}
}

static void put_instructions(FILE *out, const struct mh_profile *p)
{
	size_t i, next;

	for (i = 0; i < p->nr_rows; i = next) {
		const struct mh_profile_symbol *f = function_of(p, &p->rows[i]);
		uint64_t samples = 0;

		for (next = i; next < p->nr_rows && p->rows[next].code == p->rows[i].code;
		     next++)
			samples += p->rows[next].samples;
		if (f && !f->ambiguous)
			fprintf(out, "1 %s%s %" PRIx64 " %" PRIu64 "\n", f->name,
				f->local ? "/1" : "", p->codes[p->rows[i].code].offset,
				samples);
	}
}

static void put_memory(FILE *out, const struct mh_profile *p)
{
	size_t i;

	for (i = 0; i < p->nr_rows; i++) {
		const struct mh_profile_row *row = &p->rows[i];
		const struct mh_profile_symbol *f = function_of(p, row);
		const struct mh_profile_symbol *v = variable_of(p, row);

		if (!wanted(f, v))
			continue;
		put_symbol(out, f, p->codes[row->code].offset);
		putc(' ', out);
		put_symbol(out, v, row->addr - p->objects[row->object].addr);
		fprintf(out, " %" PRIu64 "\n", row->samples);
	}
}

/* fdata has no comments, but names of events: any word will do. */
static void put_head(FILE *out, const struct mh_about *about)
{
	const char *c;
	size_t i;

	fputs("no_lbr", out);
	for (i = 0; i < about->nr; i++) {
		putc(' ', out);
		for (c = about->lines[i]; *c; c++)
			putc(*c == ' ' ? '_' : *c, out);
	}
	putc('\n', out);
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	const struct mh_profile *p = in->profile;
	struct counts n = { 0 };
	struct mh_about about;

	count(&n, p);
	if (!n.events)
		return mh_fail(
			err, MH_ENOSUP,
			"bolt: no sample is of a function and in a variable of %s; "
			"record a run that uses it with -s mem or -s faults",
			p->modules[p->program].path);
	mh_about_profile(&about, "bolt", in);
	mh_about_program(&about, p);
	mh_about_left_out(&about, n.ambiguous, "samples", "others have the same name");
	mh_about_left_out(&about, n.elsewhere, "samples",
			  "in no variable of the program");
	mh_about_left_out(&about, n.no_code, "samples", "code without a symbol");
	if (*p->bias)
		mh_about_add(&about, "left out: instruction counts: %.200s", p->bias);
	put_head(out, &about);
	if (!*p->bias)
		put_instructions(out, p);
	put_memory(out, p);
	return MH_OK;
}

const struct mh_exporter mh_exporter_bolt = {
	.name = "bolt",
	.summary = "memory events for llvm-bolt -reorder-data",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_SYMBOLS | MH_EXPORT_CODE,
	.run = run,
};
