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

static const char *text(const char *s)
{
	return *s ? s : NULL;
}

static uint64_t line_of(uint32_t line)
{
	return line ? line : MH_NO_DATA;
}

static const char *module_path(const struct mh_profile *p, uint32_t module)
{
	return module == MH_PROFILE_NONE ? NULL : text(p->modules[module].path);
}

/* "outer;...;inner" */
static void put_callers(struct mh_table *t, const struct mh_profile *p, uint32_t caller)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = caller == MH_PROFILE_NONE ? NULL : open_memstream(&text, &len);

	if (f) {
		mh_put_callers(f, p, caller);
		if (!fclose(f) && len)
			text[len - 1] = '\0';
	}
	mh_table_put_text(t, text);
	free(text);
}

static void put_row(struct mh_table *t, const struct mh_profile *p,
		    const struct mh_pair *pair)
{
	const struct mh_profile_object *o = &p->objects[pair->object];
	const struct mh_profile_code *code =
		pair->code == MH_PROFILE_NONE ? NULL : &p->codes[pair->code];
	const struct mh_profile_frame *f =
		code && code->nr_frames ? &code->frames[0] : NULL;

	mh_table_put_u64(t, pair->samples);
	mh_table_put_u64(t, pair->events);
	mh_table_put_u64(t, pair->bytes);
	mh_table_put_u64(t, p->has_cycles ? pair->cycles : MH_NO_DATA);
	mh_table_put_text(t, pair->level ? mh_mem_level_name(pair->level) : NULL);
	mh_table_put_u64(t, o->pid);
	mh_table_put_text(t, code ? module_path(p, code->module) : NULL);
	mh_table_put_text(t, f ? text(f->function) : NULL);
	mh_table_put_text(t, f ? text(f->file) : NULL);
	mh_table_put_u64(t, f ? line_of(f->line) : MH_NO_DATA);
	mh_table_put_text(t, o->name);
	mh_table_put_text(t, text(o->type));
	mh_table_put_text(t, module_path(p, o->module));
	mh_table_put_u64(t, o->addr);
	mh_table_put_u64(t, o->size);
	mh_table_put_text(t, text(o->why));
	put_callers(t, p, pair->caller);
}

static void put_rows(struct mh_table *t, const struct mh_profile *p,
		     const struct mh_pairs *pairs)
{
	size_t i;

	for (i = 0; i < pairs->nr; i++)
		put_row(t, p, &pairs->v[i]);
	mh_table_end(t, NULL);
}

static void put_csv(FILE *out, const struct mh_about *about, const struct mh_profile *p,
		    const struct mh_pairs *pairs)
{
	struct mh_table t;

	mh_about_print(out, about, "# ", "");
	mh_table_begin_csv(&t, out, MH_COLUMNS(columns));
	put_rows(&t, p, pairs);
}

static void put_json(FILE *out, const struct mh_about *about, const struct mh_profile *p,
		     const struct mh_pairs *pairs)
{
	struct mh_table t;
	struct mh_json j;

	mh_json_init(&j, out);
	mh_json_object(&j);
	mh_json_put_string(&j, "schema", "memheat.profile/1");
	mh_json_key(&j, "about");
	mh_about_json(&j, about);
	mh_json_put_string(&j, "source", p->from.source);
	mh_json_put_u64(&j, "duration_ns", p->from.duration_ns);
	mh_json_put_bool(&j, "complete", p->from.complete);
	mh_json_put_u64(&j, "lost", p->from.lost);
	mh_json_put_u64(&j, "samples", p->nr_samples);
	mh_json_key(&j, "units");
	mh_json_object(&j);
	mh_json_put_string(&j, "accesses", mh_about_events(p));
	mh_json_put_u64(&j, "bytes_grain", p->grain);
	mh_json_put_string(&j, "cycles", p->has_cycles ? "latency, summed" : NULL);
	mh_json_end_object(&j);
	mh_json_put_string(&j, "bias", text(p->bias));
	mh_json_key(&j, "rows");
	mh_table_begin_json(&t, &j, MH_COLUMNS(columns));
	put_rows(&t, p, pairs);
	mh_json_end_object(&j);
	putc('\n', out);
}

static int run_table(FILE *out, const struct mh_export_input *in, const char *name,
		     void (*put)(FILE *, const struct mh_about *,
				 const struct mh_profile *, const struct mh_pairs *),
		     struct mh_err *err)
{
	struct mh_pairs pairs;
	struct mh_about about;
	int ret = mh_pairs_make(&pairs, in->profile, true, err);

	mh_about_profile(&about, name, in);
	mh_about_add(&about, "bytes: of memory that was hit, in units of %u",
		     in->profile->grain);
	if (!ret)
		put(out, &about, in->profile, &pairs);
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
