/* SPDX-License-Identifier: MIT */
/* The words at the head of exports. They come from traces and go into the comments of
 * other languages, so that a line feed or an end of comment must not be in them. */
#include "export/about.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static void make_plain(char *s)
{
	for (; *s; s++) {
		if (!isprint((unsigned char)*s) || (s[0] == '*' && s[1] == '/'))
			*s = '?';
	}
}

void mh_about_add(struct mh_about *a, const char *fmt, ...)
{
	va_list ap;

	mh_assert(a->nr < MH_ABOUT_LINES);
	va_start(ap, fmt);
	vsnprintf(a->lines[a->nr], MH_ABOUT_LEN, fmt, ap);
	va_end(ap);
	make_plain(a->lines[a->nr++]);
}

void mh_about_left_out(struct mh_about *a, uint64_t n, const char *what, const char *why)
{
	if (n)
		mh_about_add(a, "left out: %" PRIu64 " %s: %s", n, what, why);
}

void mh_about_begin(struct mh_about *a, const char *name,
		    const struct mh_export_input *in)
{
	a->nr = 0;
	mh_about_add(a, "memheat " MEMHEAT_VERSION " export %s", name);
	mh_about_add(a, "trace: %s", in->trace);
}

const char *mh_about_events(const struct mh_profile *p)
{
	return p->faults ? "first touches (page faults)" : p->events;
}

static void add_source(struct mh_about *a, const struct mh_profile *p)
{
	const struct mh_provenance *from = &p->from;

	mh_about_add(a, "of: %s, %.1f s%s", from->title, (double)from->duration_ns / 1e9,
		     from->complete ? "" : ", not closed by its recorder");
	mh_about_add(a, "source: %s%s%s, %" PRIu64 " samples", from->source,
		     *from->params ? ", " : "", from->params, p->nr_samples);
	mh_about_add(a, "units: accesses are %s%s", mh_about_events(p),
		     p->has_cycles ? "; latency is in cycles" : "");
	if (*p->bias)
		mh_about_add(a, "bias: %s", p->bias);
}

void mh_about_profile(struct mh_about *a, const char *name,
		      const struct mh_export_input *in)
{
	const struct mh_profile *p = in->profile;

	mh_about_begin(a, name, in);
	add_source(a, p);
	mh_about_left_out(a, p->nr_no_data, "samples", "they have no data address");
	mh_about_left_out(a, p->nr_left_out, "samples",
			  "past the limit of distinct places");
	mh_about_left_out(a, p->from.lost, "samples", "lost by the recorder");
	if (p->nr_callers && p->nr_chained < p->nr_samples)
		mh_about_add(a, "without a call chain: %" PRIu64 " samples",
			     p->nr_samples - p->nr_chained);
	if (p->nr_unnamed_code)
		mh_about_add(a, "without a function's name: %" PRIu64 " samples",
			     p->nr_unnamed_code);
	if (p->nr_unnamed_data)
		mh_about_add(a, "in no static variable: %" PRIu64 " samples",
			     p->nr_unnamed_data);
	if (*p->from.others)
		mh_about_add(a, "left out: the sources %s: one at a time",
			     p->from.others);
}

void mh_about_program(struct mh_about *a, const struct mh_profile *p)
{
	const struct mh_profile_module *m = &p->modules[p->program];
	uint64_t others = 0;
	size_t i;

	mh_about_add(a, "program: %s%s%s", m->path, *m->build_id ? ", build-id " : "",
		     m->build_id);
	for (i = 0; i < p->nr_rows; i++) {
		const struct mh_profile_row *row = &p->rows[i];

		if (p->objects[row->object].module != p->program &&
		    (row->code == MH_PROFILE_NONE ||
		     p->codes[row->code].module != p->program))
			others += row->samples;
	}
	mh_about_left_out(a, others, "samples",
			  "neither code nor data of this file (--module names another)");
}

void mh_about_print(FILE *out, const struct mh_about *a, const char *prefix,
		    const char *suffix)
{
	size_t i;

	for (i = 0; i < a->nr; i++)
		fprintf(out, "%s%s%s\n", prefix, a->lines[i], suffix);
}

void mh_about_json(struct mh_json *j, const struct mh_about *a)
{
	size_t i;

	mh_json_array(j);
	for (i = 0; i < a->nr; i++)
		mh_json_string(j, a->lines[i]);
	mh_json_end_array(j);
}
