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

void mh_chains_fini(struct mh_chains *c)
{
	free(c->frames.v);
	free(c->sites.v);
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
	static const char *const starts[] = { "operator new", "std::",      "__gnu_cxx::",
					      "alloc::",      "__rust_",    "__rdl_",
					      "__rg_",        "hashbrown::" };
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
};

static struct pick pick_of(const struct mh_symbol *s, unsigned frame)
{
	if (frame < s->nr_frames)
		return (struct pick){ s->frames[frame].function, s->frames[frame].file,
				      s->module, s->frames[frame].line, s->vaddr };
	return (struct pick){ s->name, s->file, s->module, s->line, s->vaddr };
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
	if (s->function && s->file)
		return (uint32_t)i;
	free(s->function);
	free(s->file);
	out->sites.nr--;
	return MH_NO_SITE;
}

static int by_chain(const void *a, const void *b)
{
	const struct mh_chain_frame *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (int)x->depth - (int)y->depth;
}

static int resolve(const struct mh_chains *c, struct mh_symbol *out, struct mh_symtab *st,
		   const struct mh_session *s, struct mh_err *err)
{
	struct mh_symbol_query *q = calloc(c->frames.nr + 1, sizeof(*q));
	size_t i;
	int ret;

	if (!q)
		return mh_fail(err, MH_ENOMEM, "no memory for call chains");
	for (i = 0; i < c->frames.nr; i++) {
		const struct mh_chain_frame *f = &c->frames.v[i];
		long space = mh_maps_space_at(s->maps, f->pid, f->time_ns);

		/* The call is before the address to which it returns. */
		q[i] = (struct mh_symbol_query){ space < 0 ? SIZE_MAX : (size_t)space,
						 f->ip - 1, f->time_ns };
	}
	ret = mh_symtab_resolve(st, q, c->frames.nr, out, err);
	free(q);
	return ret;
}

static int name_all(struct mh_chains *c, struct mh_blocks *out,
		    const struct mh_session *s, const struct mh_symbol *symbols)
{
	struct mh_keys keys = { .maps = s->maps };
	size_t i, next;

	for (i = 0; i < c->frames.nr; i = next) {
		const struct mh_chain_frame *f = &c->frames.v[i];
		struct chain_site *site = mh_vec_push(&c->sites);
		struct pick pick;

		for (next = i + 1; next < c->frames.nr; next++) {
			if (c->frames.v[next].id != f->id)
				break;
		}
		if (!site)
			return -1;
		pick = choose(symbols + i, next - i);
		site->id = f->id;
		site->site = site_of(out, mh_keys_of(&keys, f->pid, f->time_ns), &pick);
		if (site->site == MH_NO_SITE)
			return -1;
	}
	return 0;
}

int mh_chains_name(struct mh_chains *c, struct mh_blocks *out, const struct mh_session *s,
		   const struct mh_symtab_opts *opts, struct mh_err *err)
{
	struct mh_symbol *symbols = calloc(c->frames.nr + 1, sizeof(*symbols));
	struct mh_symtab *st = NULL;
	int ret = symbols ? mh_symtab_new(&st, s->maps, opts, err)
			  : mh_fail(err, MH_ENOMEM, "no memory for call chains");

	if (!ret && c->frames.nr)
		qsort(c->frames.v, c->frames.nr, sizeof(*c->frames.v), by_chain);
	if (!ret)
		ret = resolve(c, symbols, st, s, err);
	if (!ret && name_all(c, out, s, symbols))
		ret = mh_fail(err, MH_ENOMEM, "no memory for call chains");
	mh_symtab_free(st);
	free(symbols);
	return ret;
}

uint32_t mh_chains_site(const struct mh_chains *c, uint32_t id)
{
	size_t lo = 0, hi = c->sites.nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->sites.v[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->sites.nr && c->sites.v[lo].id == id ? c->sites.v[lo].site
							   : MH_NO_SITE;
}
