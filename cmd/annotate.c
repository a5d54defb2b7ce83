/* SPDX-License-Identifier: MIT */
/*
 * memheat annotate: source lines with the accesses that they made in the margin. What to
 * show is a source file, or a function, whose lines are those that samples name and what
 * lies between them. The text comes from this machine as it is now.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/analyze.h>
#include <memheat/render.h>

#include "cmd.h"
#include "filters.h"
#include "options.h"
#include "output.h"

#define AROUND 3 /* lines of a function before its first and after its last sample */

struct annotate {
	struct mh_filters filters;
	const char *output, *source_dir;
	int format, no_pager; /* enum mh_format */
};

static const char *const formats[] = { "text", "json", NULL };

#define AT(member) .offset = offsetof(struct annotate, member)

static const struct mh_option annotate_options[] = {
	{ "output", 'o', MH_OPT_FILE, "FILE", "write here instead of to standard output",
	  AT(output) },
	{ "format", 0, MH_OPT_CHOICE, "FORM", "text or json; default text", AT(format),
	  .choices = formats },
	{ "source-dir", 0, MH_OPT_FILE, "DIR",
	  "look for sources here when they are not where they were compiled",
	  AT(source_dir) },
	{ .type = MH_OPT_GROUP, .group = mh_filter_options, AT(filters) },
	{ .type = MH_OPT_GROUP, .group = mh_cache_option, AT(filters) },
	{ "no-pager", 0, MH_OPT_FLAG, NULL, "never start $MEMHEAT_PAGER, $PAGER or less",
	  AT(no_pager) },
	{ 0 },
};

/* The lines of one file, 1 up to nr. */
struct lines {
	const char *file; /* as the compiler recorded it; of the view */
	uint32_t first, last;
	size_t nr;
	struct line {
		uint64_t samples;
		double share; /* of all samples */
	} * v;
};

/* ---- what is meant ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* A whole path, or the end of one at a slash. */
static int is_file(const char *path, const char *name)
{
	size_t n = strlen(path), k = strlen(name);

	return n >= k && !strcmp(path + n - k, name) &&
	       (n == k || path[n - k - 1] == '/' || *name == '/');
}

/* "insert" names "insert" and "insert(int)". */
static int is_function(const char *function, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(function, name, len) && (!function[len] || function[len] == '(');
}

static int is_meant(const struct mh_code_row *row, const char *name, int functions)
{
	if (!*row->file || !row->line)
		return 0;
	return functions ? is_function(row->function, name) : is_file(row->file, name);
}

/* The file with most of what is meant, and the lines of that which have samples. */
static int choose(struct lines *out, const struct mh_code *code, const char *name,
		  int functions)
{
	double best = 0, share;
	size_t i, k;

	for (i = 0; i < code->nr_rows; i++) {
		if (!is_meant(&code->rows[i], name, functions))
			continue;
		share = 0;
		for (k = i; k < code->nr_rows; k++)
			if (is_meant(&code->rows[k], name, functions) &&
			    !strcmp(code->rows[k].file, code->rows[i].file))
				share += code->rows[k].share;
		if (share > best) {
			best = share;
			out->file = code->rows[i].file;
		}
	}
	if (!out->file)
		return 0;
	out->first = UINT32_MAX;
	for (i = 0; i < code->nr_rows; i++) {
		const struct mh_code_row *row = &code->rows[i];

		if (!is_meant(row, name, functions) || strcmp(row->file, out->file) != 0)
			continue;
		out->first = row->line < out->first ? row->line : out->first;
		out->last = row->line > out->last ? row->line : out->last;
	}
	return 1;
}

static int fill(struct lines *out, const struct mh_code *code)
{
	size_t i;

	for (i = 0; i < code->nr_rows; i++)
		if (!strcmp(code->rows[i].file, out->file) &&
		    code->rows[i].line > out->nr)
			out->nr = code->rows[i].line;
	out->v = calloc(out->nr + 1, sizeof(*out->v));
	if (!out->v)
		return -1;
	for (i = 0; i < code->nr_rows; i++) {
		const struct mh_code_row *row = &code->rows[i];

		if (strcmp(row->file, out->file) != 0)
			continue;
		out->v[row->line].samples += row->samples;
		out->v[row->line].share += row->share;
	}
	return 0;
}

/* ---- printing ---- */

/* @path: room for 4096; where the file was found */
static FILE *open_source(const char *file, const struct annotate *opts, char *path)
{
	FILE *f;

	snprintf(path, 4096, "%s", file);
	f = fopen(path, "re");
	if (f || !opts->source_dir)
		return f;
	snprintf(path, 4096, "%s/%s", opts->source_dir, base_name(file));
	return fopen(path, "re");
}

static void put_margin(FILE *out, const struct line *line)
{
	char percent[MH_TEXT_MAX] = "";

	if (line && line->samples)
		mh_text_percent(percent, line->share);
	fprintf(out, "%7s ", percent);
	if (line && line->samples)
		fprintf(out, "%8" PRIu64, line->samples);
	else
		fprintf(out, "%8s", "");
}

static void put_source(FILE *out, FILE *source, const struct lines *l)
{
	char *text = NULL, safe[512];
	size_t cap = 0;
	uint32_t nr = 0;

	while (getline(&text, &cap, source) > 0 && nr < l->last) {
		char *p;

		nr++;
		if (nr < l->first)
			continue;
		text[strcspn(text, "\n")] = '\0';
		for (p = text; (p = strchr(p, '\t')); p++)
			*p = ' '; /* tabs are controls, and would be escaped */
		mh_text_safe(safe, sizeof(safe), text, 1);
		put_margin(out, nr <= l->nr ? &l->v[nr] : NULL);
		fprintf(out, " %6" PRIu32 "  %s\n", nr, safe);
	}
	free(text);
}

static void put_text(FILE *out, const struct mh_code *code, const struct lines *l,
		     const struct annotate *opts)
{
	char path[4096], safe[512];
	FILE *source = open_source(l->file, opts, path);
	double all = 0;
	uint32_t i;

	for (i = 0; i <= l->nr; i++)
		all += l->v[i].share;
	mh_text_safe(safe, sizeof(safe), l->file, 1);
	fprintf(out, "%s: %.1f%% of %" PRIu64 " samples (%s)", safe, all * 100,
		code->from.nr_samples, code->from.source);
	mh_text_safe(safe, sizeof(safe), code->from.title, 1);
	fprintf(out, " of %s\n\n  share  samples   line\n", safe);
	if (source) {
		put_source(out, source, l);
		fclose(source);
		return;
	}
	for (i = 1; i <= l->nr; i++) {
		if (!l->v[i].samples)
			continue;
		put_margin(out, &l->v[i]);
		fprintf(out, " %6" PRIu32 "\n", i);
	}
	fprintf(out, "\nthe source is not there (%s); --source-dir names its folder\n",
		strerror(errno));
}

static void put_json(FILE *out, const struct mh_code *code, const struct lines *l)
{
	struct mh_json j;
	uint32_t i;

	mh_json_init(&j, out);
	mh_json_object(&j);
	mh_json_key(&j, "schema");
	mh_json_string(&j, "memheat.annotate/1");
	mh_json_key(&j, "source");
	mh_json_string(&j, code->from.source);
	mh_json_key(&j, "samples");
	mh_json_u64(&j, code->from.nr_samples);
	mh_json_key(&j, "file");
	mh_json_string(&j, l->file);
	mh_json_key(&j, "lines");
	mh_json_array(&j);
	for (i = 1; i <= l->nr; i++) {
		if (!l->v[i].samples)
			continue;
		mh_json_object(&j);
		mh_json_key(&j, "line");
		mh_json_u64(&j, i);
		mh_json_key(&j, "samples");
		mh_json_u64(&j, l->v[i].samples);
		mh_json_key(&j, "share");
		mh_json_double(&j, l->v[i].share);
		mh_json_end_object(&j);
	}
	mh_json_end_array(&j);
	mh_json_end_object(&j);
	fputc('\n', out);
}

/* ---- the command ---- */

static int make_lines(struct lines *l, const struct mh_code *code, const char *name,
		      struct mh_err *err)
{
	int functions = 0;

	if (!choose(l, code, name, 0)) {
		functions = 1;
		if (!choose(l, code, name, 1))
			return mh_fail(err, MH_EINPUT,
				       "no sample is from a file or a function called "
				       "'%s'; 'memheat report code' lists them",
				       name);
	}
	if (fill(l, code))
		return mh_fail_errno(err, "cannot annotate");
	if (functions) {
		l->first = l->first > AROUND ? l->first - AROUND : 1;
		l->last += AROUND;
	} else {
		l->first = 1;
		l->last = UINT32_MAX;
	}
	return MH_OK;
}

static int annotate(const struct annotate *opts, const char *name, const char *path,
		    struct mh_err *err)
{
	char cache_dir[MH_CACHE_DIR_MAX];
	struct mh_session_opts sopts;
	struct mh_session *s = NULL;
	struct mh_output out = { 0 };
	struct mh_code code = { 0 };
	struct lines l = { 0 };
	int status;

	mh_filters_naming(&sopts, &opts->filters, cache_dir);
	status = mh_session_open(&s, path, &sopts, err);
	if (status == MH_OK)
		status = mh_code_analyze(&code, s, NULL, err);
	if (status == MH_OK)
		status = make_lines(&l, &code, name, err);
	if (status == MH_OK)
		status = mh_output_open(&out, opts->output,
					!opts->no_pager && opts->format == MH_FORMAT_TEXT,
					err);
	if (status == MH_OK && opts->format == MH_FORMAT_JSON)
		put_json(out.f, &code, &l);
	else if (status == MH_OK)
		put_text(out.f, &code, &l, opts);
	status = mh_output_close(&out, status, err);
	free(l.v);
	mh_code_fini(&code);
	mh_session_close(s);
	return status;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct annotate opts = { 0 };
	struct mh_args args;
	struct mh_err err;
	const char *path;
	int parsed = mh_options_parse(cmd, &opts, &args, argc, argv), status;

	if (parsed)
		return mh_options_exit(parsed);
	if (!args.argc) {
		mh_options_fini(cmd, &opts);
		return mh_usage(cmd, "name a source file or a function");
	}
	path = mh_filters_input(&opts.filters, cmd, args.argc - 1, args.argv + 1);
	if (!path) {
		mh_options_fini(cmd, &opts);
		return MH_EXIT_USAGE;
	}
	status = annotate(&opts, args.argv[0], path, &err);
	mh_options_fini(cmd, &opts);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

const struct mh_cmd mh_cmd_annotate = {
	.name = "annotate",
	.summary = "source lines with the accesses that they made in the margin",
	.usage = "FILE|FUNCTION [TRACE] [--source-dir DIR] [FILTER...]",
	.about = "Of sources whose samples tell code addresses (mem, faults).\n",
	.examples = "  memheat annotate table.c              of memheat.data\n"
		    "  memheat annotate cache_insert --at heap old.data\n",
	.opts = annotate_options,
	.operands = MH_OPERANDS_FILES,
	.run = run,
};
