/* SPDX-License-Identifier: MIT */
/*
 * One document fits on standard output, and workflow commands (github) may follow a text,
 * since the runner picks them out of the log. Everything else wants a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memheat/render.h>

#include "check_output.h"
#include "output.h"

static void text(FILE *out, const struct mh_verdict *v)
{
	const char *no_color = getenv("NO_COLOR");

	mh_verdict_text(out, v,
			out == stdout && isatty(STDOUT_FILENO) &&
				!(no_color && *no_color));
}

static const struct format {
	const char *name;
	void (*write)(FILE *out, const struct mh_verdict *v);
} known[] = {
	{ "text", text },
	{ "json", mh_verdict_json },
	{ "md", mh_verdict_markdown },
	{ "junit", mh_verdict_junit },
	{ "sarif", mh_verdict_sarif },
	{ "github", mh_verdict_github },
	{ "bmf", mh_verdict_bmf },
	{ "gha-benchmark", mh_verdict_gha_benchmark },
	{ "openmetrics", mh_verdict_openmetrics },
};

static const struct format *find(const char *word, const char **path)
{
	size_t i, len = strcspn(word, "=");

	*path = word[len] && strcmp(word + len, "=-") != 0 ? word + len + 1 : NULL;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && !strncmp(known[i].name, word, len))
			return &known[i];
	return NULL;
}

int mh_check_formats(const struct mh_strings *formats, struct mh_err *err)
{
	const char *first = NULL, *path;
	size_t i;

	for (i = 0; i < formats->nr; i++) {
		const struct format *f = find(formats->v[i], &path);

		if (!f)
			return mh_fail(err, MH_EINPUT,
				       "--format: '%s' is none of text, json, md, junit, "
				       "sarif, github, bmf, gha-benchmark, openmetrics",
				       formats->v[i]);
		if (path && !*path)
			return mh_fail(err, MH_EINPUT, "--format: '%s' names no file",
				       formats->v[i]);
		if (path || f->write == mh_verdict_github)
			continue;
		if (first)
			return mh_fail(err, MH_EINPUT,
				       "--format: %s and %s cannot both go to standard "
				       "output; write %s=FILE",
				       first, f->name, f->name);
		first = f->name;
	}
	return MH_OK;
}

static int write_one(const struct format *f, const char *path, const struct mh_verdict *v,
		     struct mh_err *err)
{
	struct mh_output out;
	int status = mh_output_open(&out, path, 0, err);

	if (status == MH_OK)
		f->write(out.f, v);
	return mh_output_close(&out, status, err);
}

static int append_summary(const struct mh_verdict *v, struct mh_err *err)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	FILE *f;
	int bad;

	if (!path || !*path)
		return MH_OK;
	f = fopen(path, "ae");
	if (!f)
		return mh_fail_errno(err, "cannot add to $GITHUB_STEP_SUMMARY, %s", path);
	mh_verdict_markdown(f, v);
	bad = ferror(f);
	if (fclose(f) || bad)
		return mh_fail_errno(err, "cannot add to $GITHUB_STEP_SUMMARY, %s", path);
	return MH_OK;
}

/* A document on standard output leaves no room for a text. */
static int wants_text(const struct mh_strings *formats)
{
	const char *path;
	size_t i;

	for (i = 0; i < formats->nr; i++) {
		const struct format *f = find(formats->v[i], &path);

		if (!path && f->write != mh_verdict_github)
			return 0;
	}
	return 1;
}

int mh_check_write(const struct mh_verdict *v, const struct mh_strings *formats,
		   struct mh_err *err)
{
	int status = MH_OK;
	size_t i;

	if (wants_text(formats))
		text(stdout, v);
	for (i = 0; status == MH_OK && i < formats->nr; i++) {
		const char *path;
		const struct format *f = find(formats->v[i], &path);

		status = write_one(f, path, v, err);
	}
	return status == MH_OK ? append_summary(v, err) : status;
}
