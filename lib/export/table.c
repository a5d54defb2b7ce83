/* SPDX-License-Identifier: MIT */
/*
 * CSV and JSON: a row for each place in the source, object, level and chain of callers.
 * CSV has its head as comments ('#'), which most readers can be told to skip.
 */
#include <stdlib.h>

#include "export/about.h"
#include "export/exporters.h"
#include "export/pairs.h"

static const struct mh_table_column columns[] = {
	{ "samples", "", MH_CELL_TYPE_U64 },
	{ "accesses", "", MH_CELL_TYPE_U64 },
	{ "bytes", "", MH_CELL_TYPE_U64 },
	{ "cycles", "", MH_CELL_TYPE_BYTES },
	{ "level", "", MH_CELL_TYPE_TEXT },
	{ "pid", "", MH_CELL_TYPE_U64 },
	{ "module", "", MH_CELL_TYPE_TEXT },
	{ "function", "", MH_CELL_TYPE_TEXT },
	{ "file", "", MH_CELL_TYPE_TEXT },
	{ "line", "", MH_CELL_TYPE_BYTES },
	{ "object", "", MH_CELL_TYPE_TEXT },
	{ "object_type", "", MH_CELL_TYPE_TEXT },
	{ "object_module", "", MH_CELL_TYPE_TEXT },
	{ "object_start", "", MH_CELL_TYPE_U64 },
	{ "object_size", "", MH_CELL_TYPE_U64 },
	{ "why", "", MH_CELL_TYPE_TEXT },
	{ "callers", "", MH_CELL_TYPE_TEXT },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *text(const char *s)
{
	return *s ? s : NULL;
}

static uint64_t line_of(uint32_t line)
{
	return line ? line : MH_NO_DATA;
}

static void put_row(struct mh_table_cell *c, const struct mh_profile *p,
		    const struct mh_pair *pair, const char *callers)
{
	const struct mh_profile_object *o = &p->objects[pair->object];
	const struct mh_profile_code *code =
		pair->code == MH_PROFILE_NONE ? NULL : &p->codes[pair->code];
	const struct mh_profile_frame *f =
		code && code->nr_frames ? &code->frames[0] : NULL;

	c++->u64 = pair->samples;
	c++->u64 = pair->events;
	c++->u64 = pair->bytes;
	c++->u64 = p->has_cycles ? pair->cycles : MH_NO_DATA;
	c++->text = pair->level ? mh_mem_level_name(pair->level) : NULL;
	c++->u64 = o->pid;
	c++->text = code && code->module != MH_PROFILE_NONE
			    ? text(p->modules[code->module].path)
			    : NULL;
	c++->text = f ? text(f->function) : NULL;
	c++->text = f ? text(f->file) : NULL;
	c++->u64 = f ? line_of(f->line) : MH_NO_DATA;
	c++->text = o->name;
	c++->text = text(o->type);
	c++->text =
		o->module == MH_PROFILE_NONE ? NULL : text(p->modules[o->module].path);
	c++->u64 = o->addr;
	c++->u64 = o->size;
	c++->text = text(o->why);
	c->text = callers;
}

/* "outer;...;inner" of each caller that a pair has. */
static int name_callers(char **names, const struct mh_profile *p,
			const struct mh_pairs *pairs)
{
	size_t i, len;

	for (i = 0; i < pairs->nr; i++) {
		uint32_t caller = pairs->v[i].caller;
		FILE *f;

		if (caller == MH_PROFILE_NONE || names[caller])
			continue;
		f = open_memstream(&names[caller], &len);
		if (!f)
			return -1;
		mh_put_callers(f, p, caller);
		if (fclose(f))
			return -1;
		names[caller][len - 1] = '\0';
	}
	return 0;
}

static struct mh_table_cell *make_cells(const struct mh_profile *p, char *const *names,
					const struct mh_pairs *pairs, struct mh_err *err)
{
	struct mh_table_cell *cells = calloc(pairs->nr + 1, COLUMNS * sizeof(*cells));
	size_t i;

	if (!cells)
		mh_fail(err, MH_ENOMEM, "no memory to export");
	for (i = 0; cells && i < pairs->nr; i++)
		put_row(&cells[i * COLUMNS], p, &pairs->v[i],
			pairs->v[i].caller == MH_PROFILE_NONE
				? NULL
				: names[pairs->v[i].caller]);
	return cells;
}

static void put_csv(FILE *out, const struct mh_about *about, const struct mh_profile *p,
		    const struct mh_table_cell *cells, size_t nr)
{
	(void)p;
	mh_about_print(out, about, "# ", "");
	mh_table_print(out, MH_FORMAT_CSV, NULL, columns, COLUMNS, cells, nr);
}

static void put_json(FILE *out, const struct mh_about *about, const struct mh_profile *p,
		     const struct mh_table_cell *cells, size_t nr)
{
	struct mh_json j;

	mh_json_init(&j, out);
	mh_json_object(&j);
	mh_json_key(&j, "schema");
	mh_json_string(&j, "memheat.profile/1");
	mh_json_key(&j, "about");
	mh_about_json(&j, about);
	mh_json_key(&j, "source");
	mh_json_string(&j, p->from.source);
	mh_json_key(&j, "duration_ns");
	mh_json_u64(&j, p->from.duration_ns);
	mh_json_key(&j, "complete");
	mh_json_bool(&j, p->from.complete);
	mh_json_key(&j, "lost");
	mh_json_u64(&j, p->from.lost);
	mh_json_key(&j, "samples");
	mh_json_u64(&j, p->nr_samples);
	mh_json_key(&j, "units");
	mh_json_object(&j);
	mh_json_key(&j, "accesses");
	mh_json_string(&j, mh_about_events(p));
	mh_json_key(&j, "bytes_grain");
	mh_json_u64(&j, p->grain);
	mh_json_key(&j, "cycles");
	mh_json_string(&j, p->has_cycles ? "latency, summed" : NULL);
	mh_json_end_object(&j);
	mh_json_key(&j, "bias");
	mh_json_string(&j, text(p->bias));
	mh_json_key(&j, "rows");
	mh_table_print(out, MH_FORMAT_JSON, &j, columns, COLUMNS, cells, nr);
	mh_json_end_object(&j);
	putc('\n', out);
}

static int run_table(FILE *out, const struct mh_export_input *in, const char *name,
		     void (*put)(FILE *, const struct mh_about *,
				 const struct mh_profile *, const struct mh_table_cell *,
				 size_t),
		     struct mh_err *err)
{
	struct mh_pairs pairs;
	struct mh_about about;
	struct mh_table_cell *cells = NULL;
	char **names = calloc(in->profile->nr_callers + 1, sizeof(*names));
	int ret = mh_pairs_make(&pairs, in->profile, true, err);
	size_t i;

	if (!ret && (!names || name_callers(names, in->profile, &pairs)))
		ret = mh_fail(err, MH_ENOMEM, "no memory to export");
	if (!ret) {
		cells = make_cells(in->profile, names, &pairs, err);
		ret = cells ? MH_OK : MH_ENOMEM;
	}
	mh_about_profile(&about, name, in);
	mh_about_add(&about, "bytes: of memory that was hit, in units of %u",
		     in->profile->grain);
	if (!ret)
		put(out, &about, in->profile, cells, pairs.nr);
	free(cells);
	for (i = 0; names && i < in->profile->nr_callers; i++)
		free(names[i]);
	free(names);
	mh_pairs_fini(&pairs);
	return ret;
}

static int run_csv(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	return run_table(out, in, "csv", put_csv, err);
}

static int run_json(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	return run_table(out, in, "json", put_json, err);
}

const struct mh_exporter mh_exporter_csv = {
	.name = "csv",
	.summary = "a row per place in the source and object, for spreadsheets",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CHAINS,
	.run = run_csv,
};

const struct mh_exporter mh_exporter_json = {
	.name = "json",
	.summary = "the same with a schema version, for programs",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CHAINS,
	.run = run_json,
};
