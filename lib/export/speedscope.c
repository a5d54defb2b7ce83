/* SPDX-License-Identifier: MIT */
/*
 * speedscope's own file format (https://www.speedscope.app/file-format-schema.json): a
 * sampled profile per process, whose weights are accesses. Frames are functions, callers
 * below where they are known, and the object that was accessed on top. It knows no
 * comments: what is to be said of the export is in its names and the field "exporter".
 */
#include <stdlib.h>
#include <string.h>

#include "export/about.h"
#include "export/exporters.h"
#include "export/pairs.h"

/* Frames are numbered: those of codes first, then one per object. */
struct writer {
	struct mh_json j;
	const struct mh_profile *p;
	struct mh_pairs pairs;
	uint32_t *first; /* of each code: its first frame */
	uint32_t nr_frames;
};

static void put_frame(struct writer *w, const char *name, const char *file, uint32_t line)
{
	mh_json_object(&w->j);
	mh_json_key(&w->j, "name");
	mh_json_string(&w->j, name);
	if (*file) {
		mh_json_key(&w->j, "file");
		mh_json_string(&w->j, file);
	}
	if (line) {
		mh_json_key(&w->j, "line");
		mh_json_u64(&w->j, line);
	}
	mh_json_end_object(&w->j);
}

static void put_frames(struct writer *w)
{
	char label[MH_LABEL_MAX];
	uint32_t code, i;

	mh_json_key(&w->j, "frames");
	mh_json_array(&w->j);
	/* The last one is for samples without code. */
	for (code = 0; code <= w->p->nr_codes; code++) {
		bool known = code < w->p->nr_codes;
		uint32_t which = known ? code : MH_PROFILE_NONE;

		w->first[code] = w->nr_frames;
		for (i = 0; i < mh_label_frames(w->p, which); i++) {
			const struct mh_profile_frame *f =
				known && w->p->codes[code].nr_frames
					? &w->p->codes[code].frames[i]
					: NULL;

			put_frame(w, mh_label_code(label, w->p, which, i),
				  f ? f->file : "", f ? f->line : 0);
			w->nr_frames++;
		}
	}
	for (i = 0; i < w->p->nr_objects; i++)
		put_frame(w, w->p->objects[i].name, w->p->objects[i].file,
			  w->p->objects[i].line);
	mh_json_end_array(&w->j);
}

static void put_code(struct writer *w, uint32_t code)
{
	uint32_t i;

	for (i = mh_label_frames(w->p, code); i-- > 0;)
		mh_json_u64(&w->j,
			    w->first[code == MH_PROFILE_NONE ? w->p->nr_codes : code] +
				    i);
}

/* As deep as chains are, which the profile limits. */
static void put_callers(struct writer *w, uint32_t caller)
{
	if (caller == MH_PROFILE_NONE)
		return;
	put_callers(w, w->p->callers[caller].parent);
	put_code(w, w->p->callers[caller].code);
}

static void put_stack(struct writer *w, const struct mh_pair *pair)
{
	mh_json_array(&w->j);
	put_callers(w, pair->caller);
	put_code(w, pair->code);
	mh_json_u64(&w->j, (uint64_t)w->nr_frames + pair->object);
	mh_json_end_array(&w->j);
}

static void put_profile(struct writer *w, uint32_t pid)
{
	uint64_t all = 0;
	char name[64];
	size_t i;

	snprintf(name, sizeof(name), "pid %" PRIu32, pid);
	mh_json_object(&w->j);
	mh_json_key(&w->j, "type");
	mh_json_string(&w->j, "sampled");
	mh_json_key(&w->j, "name");
	mh_json_string(&w->j, name);
	mh_json_key(&w->j, "unit");
	mh_json_string(&w->j, "none");
	mh_json_key(&w->j, "samples");
	mh_json_array(&w->j);
	for (i = 0; i < w->pairs.nr; i++) {
		if (w->p->objects[w->pairs.v[i].object].pid != pid)
			continue;
		all += w->pairs.v[i].events;
		put_stack(w, &w->pairs.v[i]);
	}
	mh_json_end_array(&w->j);
	mh_json_key(&w->j, "weights");
	mh_json_array(&w->j);
	for (i = 0; i < w->pairs.nr; i++) {
		if (w->p->objects[w->pairs.v[i].object].pid == pid)
			mh_json_u64(&w->j, w->pairs.v[i].events);
	}
	mh_json_end_array(&w->j);
	mh_json_key(&w->j, "startValue");
	mh_json_u64(&w->j, 0);
	mh_json_key(&w->j, "endValue");
	mh_json_u64(&w->j, all);
	mh_json_end_object(&w->j);
}

/* Objects of one process stand together. */
static void put_profiles(struct writer *w)
{
	size_t i, k;

	mh_json_key(&w->j, "profiles");
	mh_json_array(&w->j);
	for (i = 0; i < w->p->nr_objects; i++) {
		uint32_t pid = w->p->objects[i].pid;

		for (k = 0; k < i && w->p->objects[k].pid != pid; k++)
			;
		if (k == i)
			put_profile(w, pid);
	}
	mh_json_end_array(&w->j);
}

static void put_about(struct writer *w, const struct mh_export_input *in)
{
	char text[MH_ABOUT_LINES * MH_ABOUT_LEN];
	struct mh_about about;
	size_t i, len = 0;

	mh_about_profile(&about, "speedscope", in);
	for (i = 0; i < about.nr; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i ? "; " : "", about.lines[i]);
	mh_json_key(&w->j, "$schema");
	mh_json_string(&w->j, "https://www.speedscope.app/file-format-schema.json");
	mh_json_key(&w->j, "exporter");
	mh_json_string(&w->j, text);
	mh_json_key(&w->j, "name");
	mh_json_string(&w->j, w->p->from.title);
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct writer w = { .p = in->profile };
	int ret = mh_pairs_make(&w.pairs, in->profile, false, err);

	w.first = calloc(in->profile->nr_codes + 1, sizeof(*w.first));
	if (!ret && !w.first)
		ret = mh_fail(err, MH_ENOMEM, "no memory to export");
	if (!ret) {
		mh_json_init(&w.j, out);
		mh_json_object(&w.j);
		put_about(&w, in);
		mh_json_key(&w.j, "shared");
		mh_json_object(&w.j);
		put_frames(&w);
		mh_json_end_object(&w.j);
		put_profiles(&w);
		mh_json_end_object(&w.j);
		putc('\n', out);
	}
	free(w.first);
	mh_pairs_fini(&w.pairs);
	return ret;
}

const struct mh_exporter mh_exporter_speedscope = {
	.name = "speedscope",
	.summary = "its own JSON, a profile per process",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CODE | MH_EXPORT_CHAINS,
	.run = run,
};
