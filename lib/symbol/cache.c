/* SPDX-License-Identifier: MIT */
/*
 * Names that were found, as a table by address: what was asked before is answered without
 * opening debug information at all, which takes long where it has to be inflated. Results
 * are kept rather than indexes of the debug information, as they are few, do not depend
 * on how they were found, and are all that a second report needs.
 *
 * A file of the cache is a header (magic, version, the module's state, key, checksum) and
 * varints: strings; chains of frames; symbols; types of accesses. The last two ascend by
 * address and refer to the others by number. Nothing in it is trusted: what does not
 * decode is as if it were not there.
 */
#include "symbol/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define VERSION    1 /* raise it when the bytes change, or names for the same files */
#define HEADER     32
#define FRAMES_MAX 1024
#define FRAME_LEN  6 /* bytes that each takes at least */
#define SYMBOL_LEN 11
#define TYPE_LEN   6

static const uint8_t magic[8] = { 0x89, 'M', 'H', 'S', 'Y', 'M', '\r', '\n' };

void mh_cache_fini(struct mh_cache *c)
{
	free(c->symbols.v);
	free(c->types.v);
	memset(c, 0, sizeof(*c));
}

/* ---- the tables ---- */

/* Both begin with the address. */
static int by_vaddr(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

_Static_assert(!offsetof(struct mh_cache_symbol, vaddr) &&
		       !offsetof(struct mh_cache_type, vaddr),
	       "entries are compared by what they begin with");

const struct mh_symbol *mh_cache_symbol(const struct mh_cache *c, uint64_t vaddr)
{
	const struct mh_cache_symbol *e =
		c->symbols.nr ? bsearch(&vaddr, c->symbols.v, c->symbols.nr,
					sizeof(*c->symbols.v), by_vaddr)
			      : NULL;

	return e ? &e->symbol : NULL;
}

const struct mh_access_type *mh_cache_type(const struct mh_cache *c, uint64_t vaddr)
{
	const struct mh_cache_type *e = c->types.nr
						? bsearch(&vaddr, c->types.v, c->types.nr,
							  sizeof(*c->types.v), by_vaddr)
						: NULL;

	return e ? &e->type : NULL;
}

bool mh_cache_symbol_add(struct mh_cache *c, uint64_t vaddr, const struct mh_symbol *s)
{
	struct mh_cache_symbol *e = mh_vec_push(&c->symbols);

	if (!e)
		return false;
	*e = (struct mh_cache_symbol){ vaddr, *s };
	c->changed = true;
	return true;
}

bool mh_cache_type_add(struct mh_cache *c, uint64_t vaddr, const struct mh_access_type *t)
{
	struct mh_cache_type *e = mh_vec_push(&c->types);

	if (!e)
		return false;
	*e = (struct mh_cache_type){ vaddr, *t };
	c->changed = true;
	return true;
}

void mh_cache_sort(struct mh_cache *c)
{
	if (c->symbols.nr)
		qsort(c->symbols.v, c->symbols.nr, sizeof(*c->symbols.v), by_vaddr);
	if (c->types.nr)
		qsort(c->types.v, c->types.nr, sizeof(*c->types.v), by_vaddr);
}

uint64_t mh_cache_hash(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t word;

	for (h ^= len; len; len -= len < 8 ? len : 8, p += 8) {
		word = 0;
		memcpy(&word, p, len < 8 ? len : 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return h;
}

/* ---- to bytes ---- */

/* Numbers of strings and chains by where they are in memory: each is there once. */
struct numbers {
	struct {
		const void *of;
		uint32_t number;
	} * v; /* open addressing */
	size_t nr, cap;
	struct mh_wbuf bytes; /* of all that have a number, in its order */
};

struct encoder {
	struct numbers strings, chains;
	struct mh_wbuf body;
};

static size_t numbers_slot(const struct numbers *n, const void *of)
{
	size_t i = (size_t)((uintptr_t)of * 0x9e3779b97f4a7c15u >> 32) & (n->cap - 1);

	while (n->v[i].of && n->v[i].of != of)
		i = (i + 1) & (n->cap - 1);
	return i;
}

static bool numbers_room(struct numbers *n)
{
	struct numbers more = { .cap = n->cap ? n->cap * 2 : 1024 };
	size_t i;

	if (2 * (n->nr + 1) <= n->cap)
		return true;
	more.v = calloc(more.cap, sizeof(*more.v));
	if (!more.v)
		return false;
	for (i = 0; i < n->cap; i++) {
		if (n->v[i].of)
			more.v[numbers_slot(&more, n->v[i].of)] = n->v[i];
	}
	free(n->v);
	n->v = more.v;
	n->cap = more.cap;
	return true;
}

/* *number is that of @of; true: it is a new one, whose bytes are to follow. */
static bool number_of(struct numbers *n, const void *of, uint32_t *number)
{
	size_t i;

	*number = 0;
	if (!numbers_room(n)) {
		n->bytes.bad = true;
		return false;
	}
	i = numbers_slot(n, of);
	*number = n->v[i].number;
	if (n->v[i].of)
		return false;
	n->v[i].of = of;
	*number = n->v[i].number = (uint32_t)n->nr++;
	return true;
}

static void put_string(struct encoder *e, struct mh_wbuf *out, const char *s)
{
	uint32_t number;

	if (number_of(&e->strings, s, &number)) {
		mh_wbuf_varint(&e->strings.bytes, strlen(s));
		mh_wbuf_bytes(&e->strings.bytes, s, strlen(s));
	}
	mh_wbuf_varint(out, number);
}

/* 0: no frames; else 1 + the chain's number. */
static void put_chain(struct encoder *e, const struct mh_symbol *s)
{
	struct mh_wbuf *out = &e->chains.bytes;
	uint32_t number, i;

	if (!s->nr_frames) {
		mh_wbuf_varint(&e->body, 0);
		return;
	}
	if (number_of(&e->chains, s->frames, &number)) {
		mh_wbuf_varint(out, s->nr_frames);
		for (i = 0; i < s->nr_frames; i++) {
			put_string(e, out, s->frames[i].function);
			put_string(e, out, s->frames[i].file);
			mh_wbuf_varint(out, s->frames[i].line);
			mh_wbuf_varint(out, s->frames[i].start_line);
			mh_wbuf_varint(out, s->frames[i].column);
			mh_wbuf_varint(out, s->frames[i].discriminator);
		}
	}
	mh_wbuf_varint(&e->body, (uint64_t)number + 1);
}

static void put_symbols(struct encoder *e, const struct mh_cache *c)
{
	uint64_t last = 0;
	size_t i;

	mh_wbuf_varint(&e->body, c->symbols.nr);
	for (i = 0; i < c->symbols.nr; i++) {
		const struct mh_cache_symbol *s = &c->symbols.v[i];

		mh_wbuf_varint(&e->body, s->vaddr - last);
		last = s->vaddr;
		mh_wbuf_u8(&e->body, s->symbol.why);
		put_chain(e, &s->symbol);
		put_string(e, &e->body, s->symbol.file);
		mh_wbuf_varint(&e->body, s->symbol.line);
		put_string(e, &e->body, s->symbol.name);
		mh_wbuf_varint(&e->body, s->symbol.offset);
		mh_wbuf_varint(&e->body, s->symbol.size);
		put_string(e, &e->body, s->symbol.linkage);
		mh_wbuf_varint(&e->body, s->symbol.linkage_offset);
		put_string(e, &e->body, s->symbol.type);
		put_string(e, &e->body, s->symbol.path);
	}
}

static void put_types(struct encoder *e, const struct mh_cache *c)
{
	uint64_t last = 0;
	size_t i;

	mh_wbuf_varint(&e->body, c->types.nr);
	for (i = 0; i < c->types.nr; i++) {
		const struct mh_cache_type *t = &c->types.v[i];

		mh_wbuf_varint(&e->body, t->vaddr - last);
		last = t->vaddr;
		mh_wbuf_u8(&e->body, t->type.why);
		mh_wbuf_u8(&e->body, t->type.size);
		put_string(e, &e->body, t->type.type);
		put_string(e, &e->body, t->type.member);
		mh_wbuf_varint(&e->body, t->type.type_size);
	}
}

static void put_numbers(struct mh_wbuf *out, const struct numbers *n)
{
	mh_wbuf_varint(out, n->nr);
	mh_wbuf_bytes(out, n->bytes.p, n->bytes.len);
	out->bad |= n->bytes.bad;
}

static uint64_t checksum(const uint8_t *head, const uint8_t *body, size_t len)
{
	return mh_cache_hash(mh_cache_hash(0, head, HEADER - 8), body, len);
}

static void put_file(struct mh_wbuf *out, const struct mh_cache *c,
		     const struct mh_wbuf *body)
{
	mh_wbuf_bytes(out, magic, sizeof(magic));
	mh_wbuf_u32(out, VERSION);
	mh_wbuf_u32(out, c->why);
	mh_wbuf_u64(out, c->key);
	out->bad |= body->bad;
	if (!out->bad)
		mh_wbuf_u64(out, checksum(out->p, body->p, body->len));
	mh_wbuf_bytes(out, body->p, body->len);
}

static void numbers_fini(struct numbers *n)
{
	free(n->v);
	mh_wbuf_fini(&n->bytes);
}

void mh_cache_encode(const struct mh_cache *c, struct mh_wbuf *out)
{
	struct encoder e = { 0 };
	struct mh_wbuf body = { 0 };

	put_symbols(&e, c);
	put_types(&e, c);
	put_numbers(&body, &e.strings);
	put_numbers(&body, &e.chains);
	mh_wbuf_bytes(&body, e.body.p, e.body.len);
	body.bad |= e.body.bad;
	put_file(out, c, &body);
	numbers_fini(&e.strings);
	numbers_fini(&e.chains);
	mh_wbuf_fini(&e.body);
	mh_wbuf_fini(&body);
}

/* ---- from bytes ---- */

struct decoder {
	struct mh_rbuf b;
	struct mh_names *names;
	const char **strings;
	struct chain {
		const struct mh_symbol_frame *frames;
		uint16_t nr;
	} * chains;
	size_t nr_strings, nr_chains;
};

/* A count of items that take at least @least bytes each. */
static size_t get_count(struct mh_rbuf *b, size_t least)
{
	uint64_t nr = mh_rbuf_varint(b);

	if (nr > mh_rbuf_left(b) / least) {
		b->bad = true;
		return 0;
	}
	return (size_t)nr;
}

static uint32_t get_u32(struct mh_rbuf *b)
{
	uint64_t v = mh_rbuf_varint(b);

	b->bad |= v > UINT32_MAX;
	return (uint32_t)v;
}

static const char *get_string(struct decoder *d)
{
	uint64_t number = mh_rbuf_varint(&d->b);

	if (number < d->nr_strings)
		return d->strings[number];
	d->b.bad = true;
	return "";
}

static bool get_strings(struct decoder *d)
{
	size_t nr = get_count(&d->b, 1);
	char *text = malloc(MH_NAME_MAX + 4);

	d->strings = calloc(nr + 1, sizeof(*d->strings));
	while (text && d->strings && d->nr_strings < nr) {
		uint64_t len = mh_rbuf_varint(&d->b);
		const uint8_t *p =
			len < MH_NAME_MAX + 4 ? mh_rbuf_bytes(&d->b, len) : NULL;

		if (!p)
			break;
		memcpy(text, p, len);
		text[len] = 0;
		d->strings[d->nr_strings] = mh_names_keep(d->names, text);
		if (!d->strings[d->nr_strings])
			break;
		d->nr_strings++;
	}
	free(text);
	return !d->b.bad && d->strings && d->nr_strings == nr;
}

static bool get_chain(struct decoder *d, struct chain *out)
{
	size_t nr = get_count(&d->b, FRAME_LEN), i;
	struct mh_symbol_frame *v;

	v = nr && nr <= FRAMES_MAX ? mh_names_room(d->names, nr * sizeof(*v)) : NULL;
	if (!v)
		return false;
	for (i = 0; i < nr; i++) {
		v[i].function = get_string(d);
		v[i].file = get_string(d);
		v[i].line = get_u32(&d->b);
		v[i].start_line = get_u32(&d->b);
		v[i].column = get_u32(&d->b);
		v[i].discriminator = get_u32(&d->b);
	}
	*out = (struct chain){ v, (uint16_t)nr };
	return !d->b.bad;
}

static bool get_chains(struct decoder *d)
{
	size_t nr = get_count(&d->b, 1 + FRAME_LEN);

	d->chains = calloc(nr + 1, sizeof(*d->chains));
	for (; d->chains && d->nr_chains < nr; d->nr_chains++) {
		if (!get_chain(d, &d->chains[d->nr_chains]))
			return false;
	}
	return d->chains && !d->b.bad;
}

/* An address behind *last; false: not behind it. */
static bool get_vaddr(struct decoder *d, bool first, uint64_t *last)
{
	uint64_t step = mh_rbuf_varint(&d->b);

	if ((!first && !step) || *last + step < *last)
		return false;
	*last += step;
	return !d->b.bad;
}

static void get_symbol(struct decoder *d, struct mh_symbol *s)
{
	uint64_t chain;

	s->why = mh_rbuf_u8(&d->b);
	chain = mh_rbuf_varint(&d->b);
	if (chain && chain <= d->nr_chains) {
		s->frames = d->chains[chain - 1].frames;
		s->nr_frames = d->chains[chain - 1].nr;
	}
	s->file = get_string(d);
	s->line = get_u32(&d->b);
	s->name = get_string(d);
	s->offset = mh_rbuf_varint(&d->b);
	s->size = mh_rbuf_varint(&d->b);
	s->linkage = get_string(d);
	s->linkage_offset = mh_rbuf_varint(&d->b);
	s->type = get_string(d);
	s->path = get_string(d);
	d->b.bad |= chain > d->nr_chains || s->why >= MH_NR_UNNAMED;
}

static bool get_symbols(struct decoder *d, struct mh_cache *c)
{
	size_t nr = get_count(&d->b, SYMBOL_LEN);
	uint64_t vaddr = 0;
	bool first = true;

	c->symbols.v = calloc(nr + 1, sizeof(*c->symbols.v));
	c->symbols.cap = c->symbols.v ? nr + 1 : 0;
	for (; c->symbols.v && c->symbols.nr < nr; c->symbols.nr++, first = false) {
		if (!get_vaddr(d, first, &vaddr))
			return false;
		c->symbols.v[c->symbols.nr].vaddr = vaddr;
		get_symbol(d, &c->symbols.v[c->symbols.nr].symbol);
	}
	return c->symbols.v && !d->b.bad;
}

static void get_type(struct decoder *d, struct mh_access_type *t)
{
	t->why = mh_rbuf_u8(&d->b);
	t->size = mh_rbuf_u8(&d->b);
	t->type = get_string(d);
	t->member = get_string(d);
	t->type_size = mh_rbuf_varint(&d->b);
	d->b.bad |= t->why >= MH_NR_UNTYPED;
}

static bool get_types(struct decoder *d, struct mh_cache *c)
{
	size_t nr = get_count(&d->b, TYPE_LEN);
	uint64_t vaddr = 0;
	bool first = true;

	c->types.v = calloc(nr + 1, sizeof(*c->types.v));
	c->types.cap = c->types.v ? nr + 1 : 0;
	for (; c->types.v && c->types.nr < nr; c->types.nr++, first = false) {
		if (!get_vaddr(d, first, &vaddr))
			return false;
		c->types.v[c->types.nr].vaddr = vaddr;
		get_type(d, &c->types.v[c->types.nr].type);
	}
	return c->types.v && !d->b.bad;
}

static bool sum_is_right(const uint8_t *head, const struct mh_rbuf *body, uint64_t sum)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	/* A fuzzer cannot guess it; let it reach what is behind. */
	(void)head, (void)body, (void)sum;
	return true;
#else
	return checksum(head, body->p, mh_rbuf_left(body)) == sum;
#endif
}

static bool get_header(struct mh_rbuf *b, struct mh_cache *c)
{
	const uint8_t *head = mh_rbuf_bytes(b, sizeof(magic));
	uint32_t version = mh_rbuf_u32(b), why = mh_rbuf_u32(b);
	uint64_t key = mh_rbuf_u64(b), sum = mh_rbuf_u64(b);

	if (b->bad || memcmp(head, magic, sizeof(magic)) != 0 || version != VERSION ||
	    why >= MH_NR_UNNAMED || key != c->key)
		return false;
	c->why = (uint8_t)why;
	return sum_is_right(head, b, sum);
}

bool mh_cache_decode(struct mh_cache *c, const void *bytes, size_t len,
		     struct mh_names *names)
{
	struct decoder d = { .b = mh_rbuf(bytes, len), .names = names };
	uint64_t key = c->key;
	bool ok;

	mh_cache_fini(c);
	c->key = key;
	ok = get_header(&d.b, c) && get_strings(&d) && get_chains(&d) &&
	     get_symbols(&d, c) && get_types(&d, c) && !mh_rbuf_left(&d.b);
	free(d.strings);
	free(d.chains);
	if (!ok) {
		mh_cache_fini(c);
		c->key = key;
	}
	c->changed = false;
	return ok;
}
