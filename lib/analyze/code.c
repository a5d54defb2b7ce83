/* SPDX-License-Identifier: MIT */
/*
 * The view `code`: which functions and lines made the accesses. Code addresses are
 * counted first and named all together, then those with one name become one row.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/code.h"
#include "analyze/places.h"
#include "base/vec.h"

int mh_code_by_text(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a, b);
}

static int by_name(const void *a, const void *b)
{
	const struct mh_symbol *x = &((const struct mh_code_named *)a)->symbol;
	const struct mh_symbol *y = &((const struct mh_code_named *)b)->symbol;
	int d = mh_code_by_text(x->module, y->module);

	d = d ? d : mh_code_by_text(x->name, y->name);
	d = d ? d : mh_code_by_text(x->file, y->file);
	return d ? d : (x->line > y->line) - (x->line < y->line);
}

/* What --sort puts first; rows without it are last. */
static double sort_value(const struct mh_code_row *r, enum mh_code_sort sort)
{
	switch (sort) {
	case MH_CODE_BY_WEIGHT:
		return (double)r->weight;
	case MH_CODE_BY_LATENCY:
		return r->nr_latency ? (double)r->weight / (double)r->nr_latency : 0;
	case MH_CODE_BY_LEVEL:
		return (double)r->nr_far;
	case MH_CODE_BY_TLB:
		return (double)r->nr_tlb_miss;
	case MH_CODE_BY_SNOOP:
		return (double)r->nr_hitm;
	case MH_CODE_BY_LOCK:
		return (double)r->nr_locked;
	case MH_CODE_BY_CHILDREN:
		return r->children;
	case MH_CODE_BY_SHARE:
	default:
		return r->share;
	}
}

static int by_share(const void *a, const void *b)
{
	const struct mh_code_row *x = a, *y = b;
	int d;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	d = strcmp(x->module, y->module);
	d = d ? d : strcmp(x->function, y->function);
	d = d ? d : strcmp(x->file, y->file);
	return d ? d : (x->line > y->line) - (x->line < y->line);
}

static int by_wish(const void *a, const void *b, void *sort)
{
	double x = sort_value(a, *(enum mh_code_sort *)sort);
	double y = sort_value(b, *(enum mh_code_sort *)sort);

	return x != y ? (x > y ? -1 : 1) : by_share(a, b);
}

void mh_code_sort(struct mh_code *code, enum mh_code_sort sort)
{
	if (code->nr_rows)
		qsort_r(code->rows, code->nr_rows, sizeof(*code->rows), by_wish, &sort);
}

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the table of code");
}

static int resolve(struct mh_code_named *named, const struct mh_sites *sites,
		   struct mh_symtab *st, struct mh_err *err)
{
	size_t nr = sites->sites.nr, i;
	struct mh_symbol_query *q = calloc(nr + 1, sizeof(*q));
	struct mh_symbol *symbols = calloc(nr + 1, sizeof(*symbols));
	int ret = q && symbols ? MH_OK : no_memory(err);

	for (i = 0; !ret && i < nr; i++) {
		const struct mh_site *s = &sites->sites.v[i];

		q[i].space = s->key & MH_KEY_UNKNOWN ? SIZE_MAX : (size_t)s->key;
		q[i].addr = s->ip;
		q[i].time_ns = s->time_ns;
	}
	if (!ret)
		ret = mh_symtab_resolve(st, q, nr, symbols, err);
	for (i = 0; !ret && i < nr; i++)
		named[i] = (struct mh_code_named){ &sites->sites.v[i], symbols[i] };
	free(q);
	free(symbols);
	return ret;
}

/* ---- rows ---- */

static int row_of(struct mh_code_row *row, const struct mh_symbol *s)
{
	row->function = strdup(s->name);
	row->file = strdup(s->file);
	row->line = s->line;
	row->module = strdup(s->module);
	return row->function && row->file && row->module ? 0 : -1;
}

void mh_code_add(struct mh_code_row *row, const struct mh_site *s, uint64_t *levels)
{
	uint8_t i;

	row->samples += s->samples;
	row->weight += s->weight;
	row->share += (double)s->periods;
	row->nr_told += s->nr_told;
	row->nr_loads += s->nr_loads;
	row->nr_stores += s->nr_stores;
	row->nr_latency += s->nr_latency;
	row->nr_tlb_miss += s->nr_tlb_miss;
	row->nr_hitm += s->nr_hitm;
	row->nr_locked += s->nr_locked;
	row->nr_far += s->nr_far;
	for (i = 0; i < MH_NR_MEM_LEVELS; i++) {
		levels[i] += s->levels[i];
		if (levels[i] > row->nr_at_level) {
			row->level = i;
			row->nr_at_level = levels[i];
		}
	}
}

static int make_rows(struct mh_code *out, const struct mh_code_named *named, size_t nr)
{
	uint64_t levels[MH_NR_MEM_LEVELS] = { 0 };
	double all = 0;
	size_t i;

	out->rows = calloc(nr + 1, sizeof(*out->rows));
	if (!out->rows)
		return -1;
	for (i = 0; i < nr; i++) {
		const struct mh_site *s = named[i].site;

		if (!i || by_name(&named[i - 1], &named[i])) {
			if (row_of(&out->rows[out->nr_rows++], &named[i].symbol))
				return -1;
			memset(levels, 0, sizeof(levels));
		}
		mh_code_add(&out->rows[out->nr_rows - 1], s, levels);
		all += (double)s->periods;
		out->from.nr_samples += s->samples;
		if (!*named[i].symbol.name)
			out->nr_unnamed += s->samples;
	}
	for (i = 0; i < out->nr_rows; i++)
		out->rows[i].share /= all;
	qsort(out->rows, out->nr_rows, sizeof(*out->rows), by_share);
	return 0;
}

/* ---- notes ---- */

static int add_note(struct mh_code *out, const char *text)
{
	char **more = realloc(out->notes, (out->nr_notes + 1) * sizeof(*more));

	if (!more)
		return -1;
	out->notes = more;
	out->notes[out->nr_notes] = strdup(text);
	return out->notes[out->nr_notes++] ? 0 : -1;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* One line per module and reason, most samples first within the order of modules. */
int mh_code_notes(struct mh_code *out, const struct mh_code_named *named, size_t nr,
		  const struct mh_symtab *st)
{
	uint64_t samples[MH_NR_UNNAMED];
	char text[512];
	size_t i, m, why;

	for (m = 0; m < mh_symtab_nr_modules(st); m++) {
		struct mh_symtab_module mod = mh_symtab_module(st, m);

		memset(samples, 0, sizeof(samples));
		for (i = 0; i < nr; i++) {
			if (named[i].symbol.module == mod.path)
				samples[named[i].symbol.why] += named[i].site->samples;
		}
		for (why = MH_NAMED + 1; why < MH_NR_UNNAMED; why++) {
			if (!samples[why])
				continue;
			snprintf(text, sizeof(text), "%s: %s%s%.12s%s, %" PRIu64 " %s",
				 base_name(mod.path), mh_unnamed_words(why),
				 *mod.build_id ? " (build-id " : "", mod.build_id,
				 *mod.build_id ? "...)" : "", samples[why],
				 samples[why] == 1 ? "sample" : "samples");
			if (add_note(out, text))
				return -1;
		}
	}
	return 0;
}

/* ---- the view ---- */

int mh_code_collect(struct mh_analysis *a, struct mh_session *s,
		    const struct mh_session_source *src, bool by_stack,
		    struct mh_err *err)
{
	struct mh_sites_frame frame = { .session = s, .by_stack = by_stack };
	struct mh_places at = { 0 };
	struct mh_filter f;
	int ret = MH_OK;

	if (s->opts.at) {
		ret = mh_places_of_maps(&at, s, err);
		frame.at = &at;
	}
	mh_session_filter(s, src, &f);
	f.kinds = 1u << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_IP | MH_COL_THREAD | MH_COL_PERIOD |
		    MH_COL_WEIGHT | MH_COL_DATA_SRC | (s->opts.at ? MH_COL_ADDR : 0) |
		    (by_stack ? MH_COL_OTHER : 0);
	if (!ret)
		ret = mh_sites_run(a, s, &f, &frame, err);
	mh_places_fini(&at);
	return ret;
}

static int fill(struct mh_code *out, const struct mh_session *s,
		const struct mh_sites *sites, const struct mh_symtab_opts *opts,
		struct mh_err *err)
{
	struct mh_code_named *named = calloc(sites->sites.nr + 1, sizeof(*named));
	size_t nr = sites->sites.nr;
	struct mh_symtab *st = NULL;
	int ret = named ? mh_session_symtab(&st, s, opts, err) : no_memory(err);

	if (!ret)
		ret = resolve(named, sites, st, err);
	if (!ret) {
		qsort(named, nr, sizeof(*named), by_name);
		if (make_rows(out, named, nr) || mh_code_notes(out, named, nr, st))
			ret = no_memory(err);
	}
	mh_symtab_free(st);
	free(named);
	return ret;
}

int mh_code_analyze(struct mh_code *out, struct mh_session *s,
		    const struct mh_symtab_opts *opts, struct mh_err *err)
{
	const struct mh_session_source *src;
	struct mh_analysis a = { 0 };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, 1u << MH_EV_SAMPLE, "table of code", &src, err);
	if (!ret)
		ret = mh_code_collect(&a, s, src, false, err);
	if (ret)
		return ret;
	out->unit = mh_session_unit(src, false);
	mh_session_provenance(s, src, 1u << MH_EV_SAMPLE, &out->from);
	out->from.nr_samples = 0;
	ret = fill(out, s, a.part, opts, err);
	mh_pass_release(&a, 1);
	if (ret)
		mh_code_fini(out);
	return ret;
}
