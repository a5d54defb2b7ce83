/* SPDX-License-Identifier: MIT */
/*
 * A baseline file into memory, and from there to the parser. Also what is checked of the
 * whole: the schema, and that there is something to compare with.
 */
#include <stdlib.h>
#include <string.h>

#include <memheat/baseline.h>

#include "baseline/parse.h"

#define SIZE_LIMIT (16u << 20)

static int slurp(char **out, size_t *len, const char *path, struct mh_err *err)
{
	FILE *f = fopen(path, "re");
	char *buf = NULL;
	int ret = MH_OK;

	if (!f)
		return mh_fail_errno(err, "cannot read the baseline %s", path);
	buf = malloc(SIZE_LIMIT + 1);
	if (!buf)
		ret = mh_fail_errno(err, "cannot read the baseline %s", path);
	*len = ret ? 0 : fread(buf, 1, SIZE_LIMIT + 1, f);
	if (!ret && ferror(f))
		ret = mh_fail_errno(err, "cannot read the baseline %s", path);
	if (!ret && *len > SIZE_LIMIT)
		ret = mh_fail(err, MH_EFORMAT,
			      "%s is no baseline: it is larger than %u MiB", path,
			      SIZE_LIMIT >> 20);
	fclose(f);
	if (ret)
		free(buf);
	else
		*out = buf;
	return ret;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct mh_run_object *)a)->key,
		      ((const struct mh_run_object *)b)->key);
}

/* Edited by hand, objects may stand in any order; look-ups want them sorted. */
static void sort_objects(struct mh_runs *runs)
{
	size_t i;

	for (i = 0; i < runs->nr; i++)
		if (runs->v[i].objects.nr)
			qsort(runs->v[i].objects.v, runs->v[i].objects.nr,
			      sizeof(*runs->v[i].objects.v), by_key);
}

static int check(const struct mh_runs *runs, const char *schema, const char *path,
		 struct mh_err *err)
{
	if (!*schema)
		return mh_fail(err, MH_EFORMAT,
			       "%s is no baseline: it does not say \"schema\": \"%s\"; "
			       "make one with: memheat baseline create FILE TRACE...",
			       path, MH_BASELINE_SCHEMA);
	if (strcmp(schema, MH_BASELINE_SCHEMA) != 0)
		return mh_fail(err, MH_EFORMAT,
			       "%s has the schema '%s', this version reads '%s'", path,
			       schema, MH_BASELINE_SCHEMA);
	if (!runs->nr)
		return mh_fail(err, MH_EFORMAT,
			       "the baseline %s has no runs; add some with: memheat "
			       "baseline add %s TRACE...",
			       path, path);
	return MH_OK;
}

int mh_baseline_read(struct mh_runs *out, const char *path, struct mh_err *err)
{
	char schema[64] = "", *text = NULL;
	size_t len = 0;
	int ret = slurp(&text, &len, path, err);

	memset(out, 0, sizeof(*out));
	if (ret)
		return ret;
#ifdef HAVE_YAJL
	ret = mh_baseline_parse(out, schema, sizeof(schema), path, text, len, err);
#else
	ret = mh_fail(err, MH_ENOSUP,
		      "this build has no JSON library and cannot read %s; install "
		      "libyajl-dev and build again",
		      path);
#endif
	free(text);
	if (!ret)
		ret = check(out, schema, path, err);
	sort_objects(out);
	if (ret)
		mh_runs_fini(out);
	return ret;
}
