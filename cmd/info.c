/* SPDX-License-Identifier: MIT */
/*
 * memheat info: what a trace is, before anything is analysed: how it was made, what is in
 * it, and whether it is whole.
 */
#include <inttypes.h>
#include <string.h>

#include <memheat/render.h>

#include "cmd.h"
#include "filters.h"
#include "options.h"
#include "output.h"
#include "provenance.h"
#include "terminal.h"

struct info {
	struct mh_filters filters; /* -i alone */
	const char *output;
	int format; /* enum mh_format */
};

static const char *const formats[] = { "text", "json", NULL };

#define AT(member) .offset = offsetof(struct info, member)

static const struct mh_option info_options[] = {
	{ .type = MH_OPT_GROUP, .group = mh_input_option, AT(filters) },
	{ "output", 'o', MH_OPT_FILE, "FILE", "write here instead of to standard output",
	  AT(output) },
	{ "format", 0, MH_OPT_CHOICE, "FORM", "text or json; default text", AT(format),
	  .choices = formats },
	{ 0 },
};

/* ---- sources: ids with a name in META ---- */

static const char *source_at(const struct mh_reader *r, size_t *i)
{
	const char *key, *value;
	unsigned id;

	while ((key = mh_reader_meta_at(r, (*i)++, &value)))
		if (mh_is_source_name(key, &id))
			return value;
	return NULL;
}

/* ---- text ---- */

static void text_records(FILE *out, const struct mh_trace_info *info)
{
	int kind, nr = 0;

	fprintf(out, "records    ");
	for (kind = 1; kind < MH_NR_EVENT_KINDS; kind++)
		if (info->rows[kind])
			fprintf(out, "%s%s %" PRIu64, nr++ ? ", " : "",
				mh_event_kind_name((enum mh_event_kind)kind),
				info->rows[kind]);
	fprintf(out, "%s\n", nr ? "" : "none");
}

static void text_state(FILE *out, const struct mh_trace_info *info,
		       const struct mh_provenance *from)
{
	fprintf(out,
		"lost       %" PRIu64 " events, %" PRIu64 " throttlings, %" PRIu64
		" gaps, %" PRIu64 " damaged blocks, %" PRIu64 " missing blocks\n",
		from->lost, from->throttled, from->nr_gaps, from->nr_damaged,
		info->nr_lost_blocks);
	if (info->nr_unknown)
		fprintf(out,
			"unknown    %" PRIu64 " blocks of a newer version were skipped\n",
			info->nr_unknown);
	if (from->complete)
		fprintf(out, "complete   yes\n");
	else
		fprintf(out,
			"complete   no: the trace was not closed (its recorder was "
			"killed, the disk was full, or the file was cut); %" PRIu64
			" rows come from its tail file\n",
			info->tail_rows);
}

static void text_meta(FILE *out, const struct mh_reader *r, int utf8)
{
	const char *key, *value;
	char safe_key[256], safe[4096];
	size_t i;

	fprintf(out, "\nprovenance\n");
	for (i = 0; (key = mh_reader_meta_at(r, i, &value)); i++) {
		mh_text_safe(safe_key, sizeof(safe_key), key, utf8);
		mh_text_safe(safe, sizeof(safe), value, utf8);
		fprintf(out, "  %-24s %s\n", safe_key, safe);
	}
	if (!i)
		fprintf(out, "  none was recorded\n");
}

static void write_text(FILE *out, const char *path, const struct mh_reader *r,
		       const struct mh_provenance *from)
{
	const struct mh_trace_info *info = mh_reader_info(r);
	struct mh_terminal term;
	const char *name;
	char a[MH_TEXT_MAX], safe[512];
	size_t i = 0, nr = 0;

	mh_terminal_look(&term, -1, MH_COLOR_NEVER, 0);
	mh_text_safe(safe, sizeof(safe), path, term.utf8);
	fprintf(out, "trace      %s, %s (%" PRIu64 " bytes) in %" PRIu64 " blocks\n",
		safe, mh_text_bytes(a, info->bytes), info->bytes, info->nr_blocks);
	fprintf(out, "duration   %s\n", mh_text_ns(a, from->duration_ns));
	fprintf(out, "sources    ");
	while ((name = source_at(r, &i))) {
		mh_text_safe(safe, sizeof(safe), name, term.utf8);
		fprintf(out, "%s%s", nr++ ? ", " : "", safe);
	}
	fprintf(out, "%s\n", nr ? "" : "none is named");
	text_records(out, info);
	text_state(out, info, from);
	if (from->observer_cpu_ns)
		fprintf(out, "cost       %s of CPU time for watching\n",
			mh_text_ns(a, from->observer_cpu_ns));
	text_meta(out, r, term.utf8);
}

/* ---- JSON ---- */

static void json_u64(struct mh_json *j, const char *key, uint64_t v)
{
	mh_json_key(j, key);
	mh_json_u64(j, v);
}

static void json_records(struct mh_json *j, const struct mh_trace_info *info,
			 const struct mh_provenance *from)
{
	mh_json_key(j, "records");
	mh_json_object(j);
	json_u64(j, "samples", info->rows[MH_EV_SAMPLE]);
	json_u64(j, "regions", info->rows[MH_EV_REGION]);
	json_u64(j, "pages", info->rows[MH_EV_PAGES]);
	json_u64(j, "maps", info->rows[MH_EV_MAP]);
	json_u64(j, "lost", from->lost);
	json_u64(j, "tasks", info->rows[MH_EV_TASK]);
	json_u64(j, "footprints", info->rows[MH_EV_FOOTPRINT]);
	json_u64(j, "stats", info->rows[MH_EV_STAT]);
	json_u64(j, "gaps", info->rows[MH_EV_GAP]);
	json_u64(j, "meta", info->rows[MH_EV_META]);
	json_u64(j, "heap", info->rows[MH_EV_HEAP]);
	json_u64(j, "stacks", info->rows[MH_EV_STACK]);
	json_u64(j, "stack_copies", info->rows[MH_EV_STACK_COPY]);
	mh_json_end_object(j);
}

/* The last value of each key, as mh_reader_meta() gives it: a JSON key stands once. */
static void json_meta(struct mh_json *j, const struct mh_reader *r)
{
	const char *key, *value;
	size_t i;

	mh_json_key(j, "meta");
	mh_json_object(j);
	for (i = 0; (key = mh_reader_meta_at(r, i, &value)); i++) {
		if (mh_reader_meta(r, key) != value)
			continue;
		mh_json_key(j, key);
		mh_json_string(j, value);
	}
	mh_json_end_object(j);
}

static void write_json(FILE *out, const struct mh_reader *r,
		       const struct mh_provenance *from)
{
	const struct mh_trace_info *info = mh_reader_info(r);
	struct mh_json j;
	const char *name;
	size_t i = 0;

	mh_json_init(&j, out);
	mh_json_object(&j);
	mh_json_key(&j, "schema");
	mh_json_string(&j, "memheat.info/1");
	mh_json_key(&j, "source");
	mh_json_array(&j);
	while ((name = source_at(r, &i)))
		mh_json_string(&j, name);
	mh_json_end_array(&j);
	json_u64(&j, "duration_ns", from->duration_ns);
	json_records(&j, info, from);
	json_u64(&j, "bytes", info->bytes);
	mh_json_key(&j, "complete");
	mh_json_bool(&j, from->complete);
	json_u64(&j, "blocks", info->nr_blocks);
	json_u64(&j, "damaged_blocks", from->nr_damaged);
	json_u64(&j, "missing_blocks", info->nr_lost_blocks);
	json_u64(&j, "unknown_blocks", info->nr_unknown);
	json_u64(&j, "tail_rows", info->tail_rows);
	json_u64(&j, "throttled", from->throttled);
	json_u64(&j, "gap_ns", from->gap_ns);
	json_u64(&j, "start_ns", info->start_ns);
	json_u64(&j, "observer_cpu_ns", from->observer_cpu_ns);
	json_u64(&j, "stall_max_ns", from->stall_max_ns);
	json_meta(&j, r);
	mh_json_end_object(&j);
	fputc('\n', out);
}

static int show(const struct info *opts, const char *path, struct mh_err *err)
{
	struct mh_provenance from;
	struct mh_output out = { 0 };
	struct mh_reader *r = NULL;
	int status = mh_reader_open(&r, path, err);

	if (status == MH_OK)
		status = mh_provenance_read(&from, r, 0, err);
	if (status == MH_OK)
		status = mh_output_open(&out, opts->output, 0, err);
	if (status == MH_OK && opts->format == MH_FORMAT_JSON)
		write_json(out.f, r, &from);
	else if (status == MH_OK)
		write_text(out.f, path, r, &from);
	status = mh_output_close(&out, status, err);
	mh_reader_close(r);
	return status;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct info opts = { 0 };
	struct mh_args args;
	struct mh_err err;
	const char *path;
	int parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	path = mh_filters_input(&opts.filters, cmd, args.argc, args.argv);
	if (!path)
		return MH_EXIT_USAGE;
	return show(&opts, path, &err) == MH_OK ? MH_EXIT_OK : mh_failed(&err);
}

const struct mh_cmd mh_cmd_info = {
	.name = "info",
	.summary = "what a trace is: sources, provenance, counts, whether it is whole",
	.usage = "[FILE] [--format text|json]",
	.examples = "  memheat info                  of memheat.data\n"
		    "  memheat info --format json old.data\n",
	.opts = info_options,
	.operands = MH_OPERANDS_FILES,
	.run = run,
};
