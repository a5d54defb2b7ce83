/* SPDX-License-Identifier: MIT */
/*
 * The view `code` by functions, each with what it called: `self` is of samples in it,
 * `children` of those in it or in what it called. Inlined functions are functions too. A
 * function that is in a chain several times has the sample once.
 */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/calls.h"
#include "analyze/code.h"

/* A function that a symbol names; symbols are of sites first, then of calls. */
struct use {
	const char *module, *name, *file;
	uint32_t line;
	uint32_t nr; /* its place among all uses */
};

struct function {
	struct mh_code_row row;
	uint64_t levels[MH_NR_MEM_LEVELS];
	const struct mh_site *last; /* that it was counted for */
};

struct work {
	struct mh_code *out;
	const struct mh_site *sites;
	size_t nr_sites, nr_symbols, nr_functions;
	struct mh_calls calls;
	uint32_t *caller_of; /* of each site */
	struct mh_symbol *symbols;
	uint32_t *first; /* use of each symbol, innermost first; one more for the end */
	uint32_t *function_of; /* of each use */
	struct function *functions;
};

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the table of code");
}

static struct mh_symbol_query query_of(uint64_t key, uint64_t ip, uint64_t time_ns)
{
	return (struct mh_symbol_query){ .space = key & MH_KEY_UNKNOWN ? SIZE_MAX
								       : (size_t)key,
					 .addr = ip,
					 .time_ns = time_ns };
}

static int resolve(struct work *w, struct mh_symtab *st, struct mh_err *err)
{
	struct mh_symbol_query *q;
	size_t i;
	int ret;

	w->nr_symbols = w->nr_sites + w->calls.list.nr;
	q = calloc(w->nr_symbols + 1, sizeof(*q));
	w->symbols = calloc(w->nr_symbols + 1, sizeof(*w->symbols));
	if (!q || !w->symbols) {
		free(q);
		return no_memory(err);
	}
	for (i = 0; i < w->nr_sites; i++)
		q[i] = query_of(w->sites[i].key, w->sites[i].ip, w->sites[i].time_ns);
	for (; i < w->nr_symbols; i++) {
		const struct mh_call *c = &w->calls.list.v[i - w->nr_sites];

		q[i] = query_of(c->key, c->ip, c->time_ns);
	}
	ret = mh_symtab_resolve(st, q, w->nr_symbols, w->symbols, err);
	free(q);
	return ret;
}

/* ---- functions ---- */

static int by_function(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int d = mh_code_by_text(x->module, y->module);

	return d ? d : mh_code_by_text(x->name, y->name);
}

static unsigned nr_uses(const struct mh_symbol *s)
{
	return s->nr_frames ? s->nr_frames : 1;
}

static struct use use_of(const struct mh_symbol *s, unsigned frame, uint32_t nr)
{
	if (!s->nr_frames)
		return (struct use){ s->module, s->name, s->file, 0, nr };
	return (struct use){ s->module, s->frames[frame].function, s->frames[frame].file,
			     s->frames[frame].start_line, nr };
}

static int describe(struct mh_code_row *row, const struct use *u)
{
	row->module = strdup(u->module);
	row->function = strdup(u->name);
	row->file = strdup(u->file);
	row->line = u->line;
	return row->module && row->function && row->file ? 0 : -1;
}

static int number(struct work *w, struct use *uses, uint32_t nr)
{
	uint32_t i;

	w->function_of = calloc((size_t)nr + 1, sizeof(*w->function_of));
	w->functions = calloc((size_t)nr + 1, sizeof(*w->functions));
	if (!w->function_of || !w->functions)
		return -1;
	qsort(uses, nr, sizeof(*uses), by_function);
	for (i = 0; i < nr; i++) {
		if ((!i || by_function(&uses[i - 1], &uses[i])) &&
		    describe(&w->functions[w->nr_functions++].row, &uses[i]))
			return -1;
		w->function_of[uses[i].nr] = (uint32_t)w->nr_functions - 1;
	}
	return 0;
}

static int make_functions(struct work *w)
{
	struct use *uses;
	uint32_t nr = 0;
	unsigned frame;
	size_t i;
	int ret;

	w->first = calloc(w->nr_symbols + 1, sizeof(*w->first));
	if (!w->first)
		return -1;
	for (i = 0; i < w->nr_symbols; i++) {
		w->first[i] = nr;
		nr += nr_uses(&w->symbols[i]);
	}
	w->first[i] = nr;
	uses = calloc((size_t)nr + 1, sizeof(*uses));
	if (!uses)
		return -1;
	for (nr = 0, i = 0; i < w->nr_symbols; i++)
		for (frame = 0; frame < nr_uses(&w->symbols[i]); frame++, nr++)
			uses[nr] = use_of(&w->symbols[i], frame, nr);
	ret = number(w, uses, nr);
	free(uses);
	return ret;
}

/* ---- counting ---- */

/* Each of the functions that symbol @i names has the sample once. */
static void count_symbol(struct work *w, size_t i, const struct mh_site *s)
{
	uint32_t use;

	for (use = w->first[i]; use < w->first[i + 1]; use++) {
		struct function *f = &w->functions[w->function_of[use]];

		if (f->last == s)
			continue;
		f->last = s;
		f->row.nr_children += s->samples;
		f->row.children += (double)s->periods;
	}
}

static void count_site(struct work *w, size_t i)
{
	const struct mh_site *s = &w->sites[i];
	struct function *self = &w->functions[w->function_of[w->first[i]]];
	uint32_t call = w->caller_of ? w->caller_of[i] : MH_CALL_NONE;

	mh_code_add(&self->row, s, self->levels);
	w->out->from.nr_samples += s->samples;
	w->out->nr_chained += call == MH_CALL_NONE ? 0 : s->samples;
	if (!*w->symbols[i].name)
		w->out->nr_unnamed += s->samples;
	count_symbol(w, i, s);
	for (; call != MH_CALL_NONE; call = w->calls.list.v[call].parent)
		count_symbol(w, w->nr_sites + call, s);
}

static int make_rows(struct work *w)
{
	struct mh_code *out = w->out;
	double all = 0;
	size_t i;

	for (i = 0; i < w->nr_sites; i++) {
		count_site(w, i);
		all += (double)w->sites[i].periods;
	}
	out->rows = calloc(w->nr_functions + 1, sizeof(*out->rows));
	if (!out->rows)
		return -1;
	for (i = 0; i < w->nr_functions; i++) {
		out->rows[i] = w->functions[i].row;
		out->rows[i].share /= all;
		out->rows[i].children /= all;
	}
	out->nr_rows = w->nr_functions;
	w->nr_functions = 0; /* their strings are the rows' now */
	mh_code_sort(out, MH_CODE_BY_CHILDREN);
	return 0;
}

static int make_notes(const struct work *w, const struct mh_symtab *st)
{
	struct mh_code_named *named = calloc(w->nr_sites + 1, sizeof(*named));
	size_t i;
	int ret = 0;

	if (!named)
		return -1;
	for (i = 0; i < w->nr_sites; i++)
		named[i] = (struct mh_code_named){ &w->sites[i], w->symbols[i] };
	ret = mh_code_notes(w->out, named, w->nr_sites, st);
	free(named);
	return ret;
}

static void work_fini(struct work *w)
{
	size_t i;

	for (i = 0; w->functions && i < w->nr_functions; i++) {
		free(w->functions[i].row.module);
		free(w->functions[i].row.function);
		free(w->functions[i].row.file);
	}
	mh_calls_fini(&w->calls);
	free(w->caller_of);
	free(w->symbols);
	free(w->first);
	free(w->function_of);
	free(w->functions);
}

static int fill(struct work *w, const struct mh_session *s,
		const struct mh_symtab_opts *opts, struct mh_err *err)
{
	struct mh_symtab *st = NULL;
	int ret = mh_session_symtab(&st, s, opts, err);

	if (!ret && w->calls.frames) {
		w->caller_of = mh_calls_of_all(&w->calls, w->sites, w->nr_sites);
		ret = w->caller_of ? MH_OK : no_memory(err);
	}
	if (!ret)
		ret = resolve(w, st, err);
	if (!ret && (make_functions(w) || make_rows(w) || make_notes(w, st)))
		ret = no_memory(err);
	mh_symtab_free(st);
	return ret;
}

int mh_code_children_analyze(struct mh_code *out, struct mh_session *s,
			     const struct mh_symtab_opts *opts, struct mh_err *err)
{
	struct work w = { .out = out };
	const struct mh_session_source *src;
	struct mh_analysis a = { 0 };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, 1u << MH_EV_SAMPLE, "table of code", &src, err);
	if (!ret)
		ret = mh_calls_init(&w.calls, s, src, err);
	if (!ret)
		ret = mh_code_collect(&a, s, src, w.calls.frames != NULL, err);
	if (ret)
		return ret;
	out->unit = mh_session_unit(src, false);
	out->has_children = true;
	mh_session_provenance(s, src, 1u << MH_EV_SAMPLE, &out->from);
	out->from.nr_samples = 0;
	w.sites = ((const struct mh_sites *)a.part)->sites.v;
	w.nr_sites = ((const struct mh_sites *)a.part)->sites.nr;
	ret = fill(&w, s, opts, err);
	work_fini(&w);
	mh_pass_release(&a, 1);
	if (ret)
		mh_code_fini(out);
	return ret;
}
