/* SPDX-License-Identifier: MIT */
/*
 * Codes with the same frames become one, then rows of one code and object. Strings of one
 * profile are kept once, so that they compare by address.
 */
#include "export/pairs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_pointer(const void *a, const void *b)
{
	return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static int by_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_frames(const struct mh_profile_code *x, const struct mh_profile_code *y)
{
	int d = by_u64(x->pid, y->pid);
	uint32_t i;

	d = d ? d : by_u64(x->module, y->module);
	d = d ? d : by_u64(x->nr_frames, y->nr_frames);
	/* Without a name each address is a place of its own. */
	if (!d && !x->nr_frames)
		return by_u64(x->addr, y->addr);
	for (i = 0; !d && i < x->nr_frames; i++) {
		const struct mh_profile_frame *f = &x->frames[i], *g = &y->frames[i];

		d = by_pointer(f->function, g->function);
		d = d ? d : by_pointer(f->file, g->file);
		d = d ? d : by_u64(f->line, g->line);
	}
	return d;
}

static int code_order(const void *a, const void *b)
{
	const struct mh_profile_code *x = *(const struct mh_profile_code *const *)a;
	const struct mh_profile_code *y = *(const struct mh_profile_code *const *)b;
	int d = by_frames(x, y);

	return d ? d : by_pointer(x, y);
}

/* For each code the first one with the same frames. */
static uint32_t *same_codes(const struct mh_profile *p)
{
	const struct mh_profile_code **v =
		calloc(p->nr_codes + 1, sizeof(const struct mh_profile_code *));
	uint32_t *first = calloc(p->nr_codes + 1, sizeof(*first));
	size_t i, of = 0;

	if (!v || !first) {
		free(v);
		free(first);
		return NULL;
	}
	for (i = 0; i < p->nr_codes; i++)
		v[i] = &p->codes[i];
	qsort(v, p->nr_codes, sizeof(*v), code_order);
	for (i = 0; i < p->nr_codes; i++) {
		if (by_frames(v[of], v[i]))
			of = i;
		first[v[i] - p->codes] = (uint32_t)(v[of] - p->codes);
	}
	free(v);
	return first;
}

static int pair_order(const void *a, const void *b)
{
	const struct mh_pair *x = a, *y = b;
	int d = by_u64(x->code, y->code);

	d = d ? d : by_u64(x->object, y->object);
	return d ? d : by_u64(x->level, y->level);
}

static int by_events(const void *a, const void *b)
{
	const struct mh_pair *x = a, *y = b;
	int d = by_u64(y->events, x->events);

	return d ? d : pair_order(a, b);
}

int mh_pairs_make(struct mh_pairs *out, const struct mh_profile *p, bool by_level,
		  struct mh_err *err)
{
	uint32_t *first = same_codes(p);
	struct mh_pair *v = calloc(p->nr_rows + 1, sizeof(*v));
	size_t i, nr = 0;

	out->v = v;
	out->nr = 0;
	if (!first || !v) {
		free(first);
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	}
	for (i = 0; i < p->nr_rows; i++) {
		const struct mh_profile_row *r = &p->rows[i];

		v[i] = (struct mh_pair){ .code = r->code == MH_PROFILE_NONE
							 ? r->code
							 : first[r->code],
					 .object = r->object,
					 .level = by_level ? r->level : 0,
					 .samples = r->samples,
					 .events = r->events,
					 .cycles = r->cycles,
					 .bytes = r->bytes };
	}
	free(first);
	qsort(v, p->nr_rows, sizeof(*v), pair_order);
	for (i = 0; i < p->nr_rows; i++) {
		if (!nr || pair_order(&v[nr - 1], &v[i])) {
			v[nr++] = v[i];
			continue;
		}
		v[nr - 1].samples += v[i].samples;
		v[nr - 1].events += v[i].events;
		v[nr - 1].cycles += v[i].cycles;
		v[nr - 1].bytes += v[i].bytes;
	}
	qsort(v, nr, sizeof(*v), by_events);
	out->nr = nr;
	return MH_OK;
}

void mh_pairs_fini(struct mh_pairs *pairs)
{
	free(pairs->v);
	pairs->v = NULL;
	pairs->nr = 0;
}

const char *mh_label_module(const struct mh_profile *p, uint32_t module)
{
	const char *path = module == MH_PROFILE_NONE ? "" : p->modules[module].path;
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

uint32_t mh_label_frames(const struct mh_profile *p, uint32_t code)
{
	if (code == MH_PROFILE_NONE || !p->codes[code].nr_frames)
		return 1;
	return p->codes[code].nr_frames;
}

const char *mh_label_code(char buf[MH_LABEL_MAX], const struct mh_profile *p,
			  uint32_t code, uint32_t frame)
{
	const struct mh_profile_code *c =
		code == MH_PROFILE_NONE ? NULL : &p->codes[code];

	if (!c)
		snprintf(buf, MH_LABEL_MAX, "[code not known]");
	else if (c->nr_frames && *c->frames[frame].function)
		snprintf(buf, MH_LABEL_MAX, "%s", c->frames[frame].function);
	else if (c->addr >> 63)
		snprintf(buf, MH_LABEL_MAX, "[kernel]");
	else if (c->module != MH_PROFILE_NONE)
		snprintf(buf, MH_LABEL_MAX, "[%.400s+0x%" PRIx64 "]",
			 mh_label_module(p, c->module), c->vaddr);
	else
		snprintf(buf, MH_LABEL_MAX, "[0x%" PRIx64 "]", c->addr);
	return buf;
}
