/* SPDX-License-Identifier: MIT */
/*
 * Files of the cache of names: any bytes are refused or give a table that is in order and
 * comes out the same when it is written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "symbol/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_strings(const struct mh_symbol *s)
{
	uint32_t i;

	if (s->why >= MH_NR_UNNAMED || !s->file || !s->name || !s->linkage || !s->type ||
	    !s->path)
		abort();
	for (i = 0; i < s->nr_frames; i++) {
		if (!s->frames[i].function || !s->frames[i].file)
			abort();
	}
}

static void check(const struct mh_cache *c)
{
	size_t i;

	for (i = 0; i < c->symbols.nr; i++) {
		check_strings(&c->symbols.v[i].symbol);
		if (mh_cache_symbol(c, c->symbols.v[i].vaddr) != &c->symbols.v[i].symbol)
			abort();
	}
	for (i = 0; i < c->types.nr; i++) {
		if (c->types.v[i].type.why >= MH_NR_UNTYPED ||
		    mh_cache_type(c, c->types.v[i].vaddr) != &c->types.v[i].type)
			abort();
	}
}

static void check_again(const struct mh_cache *c, struct mh_names *names)
{
	struct mh_cache again = { .key = c->key };
	struct mh_wbuf bytes = { 0 };
	size_t i;

	mh_cache_encode(c, &bytes);
	if (bytes.bad)
		return;
	if (!mh_cache_decode(&again, bytes.p, bytes.len, names) ||
	    again.symbols.nr != c->symbols.nr || again.types.nr != c->types.nr)
		abort();
	for (i = 0; i < c->symbols.nr; i++) {
		const struct mh_cache_symbol *a = &c->symbols.v[i];
		const struct mh_cache_symbol *b = &again.symbols.v[i];

		if (a->vaddr != b->vaddr || a->symbol.name != b->symbol.name ||
		    a->symbol.path != b->symbol.path ||
		    a->symbol.nr_frames != b->symbol.nr_frames)
			abort();
	}
	mh_cache_fini(&again);
	mh_wbuf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_names names = { .raw = true };
	struct mh_cache c = { 0 };

	/* The key that the bytes have, so that they are looked at. */
	if (size >= 24)
		memcpy(&c.key, data + 16, sizeof(c.key));
	if (mh_cache_decode(&c, data, size, &names)) {
		check(&c);
		check_again(&c, &names);
	} else if (c.symbols.nr || c.types.nr) {
		abort();
	}
	mh_cache_fini(&c);
	mh_names_fini(&names);
	return 0;
}
