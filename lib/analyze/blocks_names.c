/* SPDX-License-Identifier: MIT */
/*
 * Which frame of a call chain is the site. Passed over are frames in the C and C++
 * libraries, in allocators, and functions that are wrappers of one by their name; what is
 * left first is whose memory it is. Where nothing is left the innermost frame with a name
 * has to do.
 */
#include "analyze/blocks_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define DEPTH_MAX 256 /* frames of one chain that are looked at */

void mh_callers_fini(struct mh_callers *c)
{
	free(c->frames.v);
	free(c->callers.v);
	mh_numbering_fini(&c->numbers);
	memset(c, 0, sizeof(*c));
}

/* ---- what is nobody's site ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool is_library(const char *module)
{
	static const char *const names[] = { "libc.so",       "libc-2",
					     "ld-linux",      "libstdc++.so",
					     "libc++",        "libmemheat-heap.so",
					     "libjemalloc",   "libtcmalloc",
					     "libmimalloc",   "libglib-2.0.so",
					     "libpthread.so", "libpthread-2" };
	const char *name = base_name(module);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (begins(name, names[i]))
			return true;
	}
	return false;
}

/* malloc, xmalloc, zmalloc, my_calloc, PyMem_RawMalloc, strdup, ...: it ends so. */
static bool is_wrapper(const char *name)
{
	static const char *const ends[] = { "malloc",       "calloc",   "realloc",
					    "reallocarray", "memalign", "valloc",
					    "strdup",       "strndup",  "memdup",
					    "_alloc",       "allocate" };
	size_t len = strcspn(name, "(<["), i, k;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end = strlen(ends[i]);

		if (len < end)
			continue;
		for (k = 0;
		     k < end && (name[len - end + k] | 0x20) == (ends[i][k] | 0x20); k++)
			;
		if (k == end)
			return true;
	}
	return false;
}

static bool is_allocator(const char *name)
{
	static const char *const starts[] = {
		"operator new", "std::", "__gnu_cxx::", "alloc::", "__rust_", "__rdl_",
		"__rg_", "hashbrown::",
		/* not demangled */
		"_Znw", "_Zna", "_ZNSt", "_ZNKSt", "_ZSt", "_ZN9__gnu_cxx"
	};
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (begins(name, starts[i]))
			return true;
	}
	/* "void std::vector<...>::..." and "<alloc::vec::Vec<T> as ...>" */
	return strstr(name, " std::") || begins(name, "<alloc::") || is_wrapper(name);
}

/* ---- the frame ---- */

struct pick {
	const char *function, *file, *module;
	uint32_t line;
	uint64_t vaddr;
	const struct mh_symbol_frame *frames; /* this one, and what it is inlined in */
	unsigned nr_frames;
};

static struct pick pick_of(const struct mh_symbol *s, unsigned frame)
{
	if (frame < s->nr_frames)
		return (struct pick){ .function = s->frames[frame].function,
				      .file = s->frames[frame].file,
				      .module = s->module,
				      .line = s->frames[frame].line,
				      .vaddr = s->vaddr,
				      .frames = &s->frames[frame],
				      .nr_frames = s->nr_frames - frame };
	return (struct pick){ .function = s->name,
			      .file = s->file,
			      .module = s->module,
			      .line = s->line,
			      .vaddr = s->vaddr };
}

static bool choose_frame(struct pick *out, const struct mh_symbol *s)
{
	unsigned i, nr = s->nr_frames ? s->nr_frames : 1;

	if (is_library(s->module))
		return false;
	for (i = 0; i < nr; i++) {
		*out = pick_of(s, i);
		if (!is_allocator(out->function))
			return *s->module || *out->function;
	}
	return false;
}

static struct pick choose(const struct mh_symbol *symbols, size_t nr)
{
	struct pick pick;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (choose_frame(&pick, &symbols[i]))
			return pick;
	}
	for (i = 0; i < nr; i++) {
		if (*symbols[i].name)
			return pick_of(&symbols[i], 0);
	}
	return (struct pick){ .function = "", .file = "", .module = "" };
}

/* ---- sites ---- */

static int same_site(const struct mh_block_site *s, uint64_t key, const char *function,
		     const struct pick *p)
{
	return s->key == key && s->line == p->line && !strcmp(s->function, function) &&
	       !strcmp(s->file, p->file);
}

void mh_block_site_fini(struct mh_block_site *s)
{
	uint32_t i;

	for (i = 0; i < s->nr_frames; i++)
		free(s->frames[i].function);
	free(s->function);
	free(s->file);
}

static int copy_frames(struct mh_block_site *s, const struct pick *p)
{
	unsigned i;

	if (p->nr_frames > MH_BLOCK_FRAMES)
		return 0;
	for (i = 0; i < p->nr_frames; i++)
		if (!p->frames[i].line || !p->frames[i].start_line)
			return 0;
	for (i = 0; i < p->nr_frames; i++) {
		struct mh_block_frame *f = &s->frames[s->nr_frames];

		f->function = strdup(p->frames[i].function);
		if (!f->function)
			return -1;
		s->nr_frames++;
		f->offset = (p->frames[i].line - p->frames[i].start_line) & 0xffff;
		f->column = p->frames[i].column;
	}
	return 0;
}

/* The site's index; MH_NO_SITE: out of memory. */
static uint32_t site_of(struct mh_blocks *out, uint64_t key, const struct pick *p)
{
	const char *function = p->function;
	struct mh_block_site *s;
	char text[320];
	size_t i;

	if (!*function && *p->module) {
		snprintf(text, sizeof(text), "%.255s+0x%" PRIx64, base_name(p->module),
			 p->vaddr);
		function = text;
	}
	for (i = 0; i < out->sites.nr; i++) {
		if (same_site(&out->sites.v[i], key, function, p))
			return (uint32_t)i;
	}
	s = mh_vec_push(&out->sites);
	if (!s)
		return MH_NO_SITE;
	s->key = key;
	s->line = p->line;
	s->function = strdup(function);
	s->file = strdup(p->file);
	if (s->function && s->file && !copy_frames(s, p))
		return (uint32_t)i;
	mh_block_site_fini(s);
	out->sites.nr--;
	return MH_NO_SITE;
}

/* ---- callers ---- */

static int by_id(const void *a, const void *b)
{
	const struct mh_ev_stack *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static const struct mh_ev_stack *frame_of(const struct mh_callers *c, uint32_t id)
{
	struct mh_ev_stack key = { .id = id };

	return id && c->frames.nr
		       ? bsearch(&key, c->frames.v, c->frames.nr, sizeof(key), by_id)
		       : NULL;
}

int mh_callers_add_frame(struct mh_callers *c, const struct mh_ev_stack *frame)
{
	struct mh_ev_stack *f = mh_vec_push(&c->frames);

	if (!f)
		return -1;
	*f = *frame;
	return 0;
}

/* The slot of a caller: where it is, or the free one. */
static uint64_t slot_of(const struct mh_callers *c, uint64_t key, uint32_t stack,
			uint32_t *i)
{
	uint64_t h = (key ^ (uint64_t)stack << 32) * UINT64_C(0x9e3779b97f4a7c15);

	for (;; h++) {
		*i = mh_numbering_get(&c->numbers, h);
		if (*i == MH_NUMBER_NONE)
			return h;
		if (c->callers.v[*i].key == key && c->callers.v[*i].stack == stack)
			return h;
	}
}

int mh_callers_add(struct mh_callers *c, uint64_t key, const struct mh_event *alloc)
{
	struct mh_caller *caller;
	uint64_t slot;
	uint32_t i;

	slot = slot_of(c, key, alloc->heap.stack, &i);
	if (i != MH_NUMBER_NONE)
		return 0;
	caller = mh_vec_push(&c->callers);
	if (!caller)
		return -1;
	*caller = (struct mh_caller){ key, alloc->time_ns, alloc->heap.pid,
				      alloc->heap.stack, MH_NO_SITE };
	return mh_numbering_set(&c->numbers, slot, (uint32_t)(c->callers.nr - 1));
}

uint32_t mh_callers_site(const struct mh_callers *c, uint64_t key, uint32_t stack)
{
	uint32_t i;

	slot_of(c, key, stack, &i);
	return i == MH_NUMBER_NONE ? MH_NO_SITE : c->callers.v[i].site;
}

/* ---- naming ---- */

struct naming {
	struct {
		struct mh_symbol_query *v; /* chains, one after the other */
		size_t nr, cap;
	} queries;
	size_t *first; /* query of each caller; one more for the end */
	struct mh_symbol *symbols;
};

static int ask(struct naming *n, const struct mh_callers *c, const struct mh_caller *of,
	       const struct mh_session *s)
{
	long space = mh_maps_space_at(s->maps, of->pid, of->time_ns);
	const struct mh_ev_stack *f = frame_of(c, of->stack);
	unsigned depth;

	/* A caller was told before what it calls; anything else is damage. */
	for (depth = 0; f && depth < DEPTH_MAX; depth++) {
		struct mh_symbol_query *q = mh_vec_push(&n->queries);

		if (!q)
			return -1;
		/* The call is before the address to which it returns. */
		*q = (struct mh_symbol_query){ space < 0 ? SIZE_MAX : (size_t)space,
					       f->ip - 1, of->time_ns };
		f = f->parent < f->id ? frame_of(c, f->parent) : NULL;
	}
	return 0;
}

static int ask_all(struct naming *n, const struct mh_callers *c,
		   const struct mh_session *s)
{
	size_t i;

	n->first = calloc(c->callers.nr + 1, sizeof(*n->first));
	if (!n->first)
		return -1;
	for (i = 0; i < c->callers.nr; i++) {
		n->first[i] = n->queries.nr;
		if (ask(n, c, &c->callers.v[i], s))
			return -1;
	}
	n->first[i] = n->queries.nr;
	n->symbols = calloc(n->queries.nr + 1, sizeof(*n->symbols));
	return n->symbols ? 0 : -1;
}

static int name_all(const struct naming *n, struct mh_callers *c, struct mh_blocks *out)
{
	size_t i;

	for (i = 0; i < c->callers.nr; i++) {
		struct pick pick =
			choose(n->symbols + n->first[i], n->first[i + 1] - n->first[i]);

		c->callers.v[i].site = site_of(out, c->callers.v[i].key, &pick);
		if (c->callers.v[i].site == MH_NO_SITE)
			return -1;
	}
	return 0;
}

int mh_callers_name(struct mh_callers *c, struct mh_blocks *out,
		    const struct mh_session *s, const struct mh_symtab_opts *opts,
		    struct mh_err *err)
{
	struct naming n = { 0 };
	struct mh_symtab *st = NULL;
	int ret = mh_session_symtab(&st, s, opts, err);
	bool full = false;

	if (c->frames.nr)
		qsort(c->frames.v, c->frames.nr, sizeof(*c->frames.v), by_id);
	if (!ret)
		full = ask_all(&n, c, s) < 0;
	if (!ret && !full)
		ret = mh_symtab_resolve(st, n.queries.v, n.queries.nr, n.symbols, err);
	if (!ret && !full)
		full = name_all(&n, c, out) < 0;
	mh_symtab_free(st);
	free(n.queries.v);
	free(n.first);
	free(n.symbols);
	return full ? mh_fail(err, MH_ENOMEM, "no memory for call chains") : ret;
}
