/* SPDX-License-Identifier: MIT */
/*
 * Codes with the same frames become one, then chains of callers, then rows of one code,
 * object and chain. Strings of one
 * profile are kept once, so that they compare by address.
 */
#include "export/pairs.h"

#include <inttypes.h>
#include <stdio.h>
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

/* ---- callers ---- */

/* A hash table of callers by their code and what called that, both the first alike. */
struct same {
	const struct mh_profile *p;
	uint32_t *code, *caller; /* the first with the same frames; of each caller */
	uint32_t *slots;         /* caller + 1; 0: free */
	size_t nr_slots;
};

static uint32_t parent_of(const struct same *s, uint32_t caller)
{
	uint32_t parent = s->p->callers[caller].parent;

	return parent == MH_PROFILE_NONE ? parent : s->caller[parent];
}

static uint32_t *slot_of(const struct same *s, uint32_t caller)
{
	uint32_t code = s->code[s->p->callers[caller].code], *slot;
	uint32_t parent = parent_of(s, caller);
	uint64_t h = (code + ((uint64_t)parent << 32)) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h ^ h >> 29);

	for (;; i++) {
		slot = &s->slots[i & (s->nr_slots - 1)];
		if (!*slot)
			return slot;
		if (s->code[s->p->callers[*slot - 1].code] == code &&
		    parent_of(s, *slot - 1) == parent)
			return slot;
	}
}

/* For each caller the first one with the same frames all the way up. */
static int same_callers(struct same *s)
{
	const struct mh_profile *p = s->p;
	uint32_t i, *slot;

	for (s->nr_slots = 16; s->nr_slots < 2 * p->nr_callers; s->nr_slots *= 2)
		;
	s->caller = calloc(p->nr_callers + 1, sizeof(*s->caller));
	s->slots = calloc(s->nr_slots, sizeof(*s->slots));
	if (!s->caller || !s->slots)
		return -1;
	for (i = 0; i < p->nr_callers; i++) {
		slot = slot_of(s, i);
		if (!*slot)
			*slot = i + 1;
		s->caller[i] = *slot - 1;
	}
	return 0;
}

static void same_fini(struct same *s)
{
	free(s->code);
	free(s->caller);
	free(s->slots);
}

static int pair_order(const void *a, const void *b)
{
	const struct mh_pair *x = a, *y = b;
	int d = by_u64(x->code, y->code);

	d = d ? d : by_u64(x->object, y->object);
	d = d ? d : by_u64(x->caller, y->caller);
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
	struct same same = { .p = p, .code = same_codes(p) };
	struct mh_pair *v = calloc(p->nr_rows + 1, sizeof(*v));
	size_t i, nr = 0;

	out->v = v;
	out->nr = 0;
	if (!same.code || !v || same_callers(&same)) {
		same_fini(&same);
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	}
	for (i = 0; i < p->nr_rows; i++) {
		const struct mh_profile_row *r = &p->rows[i];

		v[i] = (struct mh_pair){
			.code = r->code == MH_PROFILE_NONE ? r->code : same.code[r->code],
			.object = r->object,
			.caller = r->caller == MH_PROFILE_NONE ? r->caller
							       : same.caller[r->caller],
			.level = by_level ? r->level : 0,
			.samples = r->samples,
			.events = r->events,
			.cycles = r->cycles,
			.bytes = r->bytes
		};
	}
	same_fini(&same);
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

/* ';' ends a frame, and nothing else is special. */
void mh_put_name(FILE *out, const char *name)
{
	for (; *name; name++)
		putc(*name == ';' || *name == '\n' ? ':' : *name, out);
}

void mh_put_code(FILE *out, const struct mh_profile *p, uint32_t code)
{
	char label[MH_LABEL_MAX];
	uint32_t i;

	for (i = mh_label_frames(p, code); i-- > 0;) {
		mh_put_name(out, mh_label_code(label, p, code, i));
		putc(';', out);
	}
}

/* As deep as chains are, which the profile limits. */
void mh_put_callers(FILE *out, const struct mh_profile *p, uint32_t caller)
{
	if (caller == MH_PROFILE_NONE)
		return;
	mh_put_callers(out, p, p->callers[caller].parent);
	mh_put_code(out, p, p->callers[caller].code);
}
