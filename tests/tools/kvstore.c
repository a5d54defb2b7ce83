/* SPDX-License-Identifier: MIT */
/*
 * A key-value store in the manner of memcached that keeps books of the pages it touches.
 *
 *	kvstore --out FILE [--mib N] [--items N] [--intervals N] [--ops N] [--seed N]
 *
 * Slabs of 1 MiB cut into size classes that grow by a quarter, a chained hash table, one
 * list by age per class, an item moved to its front at most once a minute, the oldest
 * evicted when a class has no free chunk and no slab is left.  After all items are set
 * once, clients draw keys from a zipf distribution (0.99) over scrambled keys: 9 gets to
 * 1 set of a new size, 60,000 operations to an interval of one second.
 *
 * It is too large to run under an instrumenting tool, so the store itself notes each page
 * whose bytes it reads or writes (TOUCH), per interval, and writes "pages v1" (stream.h):
 * what an idle-page scan of its hash table and its slabs would see.  The clients' memory
 * is not the store's and is not noted.
 */
#include "stream.h"

#include <getopt.h>
#include <sys/mman.h>

#define PAGE_SHIFT     12
#define SLAB_SIZE      (UINT64_C(1) << 20)
#define MIN_CHUNK      96
#define MAX_VALUE      4096
#define MAX_CLASSES    64
#define BUMP_SECONDS   60
#define WARM_INTERVALS 16
#define SETS_IN_100    10
#define ZIPF_EXPONENT  0.99
#define NONE           UINT32_MAX

/* Offsets into the arena in units of 8 bytes keep links at 32 bits. */
struct item {
	uint32_t chain, newer, older;
	uint32_t key;
	uint32_t size; /* of the value; 0 is a free chunk */
	uint32_t bumped_s;
	uint8_t value[];
};

struct size_class {
	uint32_t chunk;
	uint32_t newest, oldest, free; /* free chunks are chained by `chain` */
};

struct store {
	uint8_t *arena;
	uint32_t *table; /* item by hash, in the arena's first pages */
	uint64_t table_size, arena_size, slabs_used;
	struct size_class classes[MAX_CLASSES];
	unsigned nr_classes;
	uint8_t *touched; /* bitmap over the arena */
	uint64_t nr_hits, nr_misses, nr_evicted, checksum;
	uint32_t now_s;
};

struct options {
	const char *out;
	uint64_t mib, items, intervals, ops, seed;
};

static void touch(struct store *s, const void *p, size_t size)
{
	uint64_t at = (uint64_t)((const uint8_t *)p - s->arena);

	for (uint64_t page = at >> PAGE_SHIFT; page <= (at + size - 1) >> PAGE_SHIFT;
	     page++)
		s->touched[page / 8] |= (uint8_t)(1u << page % 8);
}

#define TOUCH(store, object) touch((store), (object), sizeof(*(object)))

static struct item *item_at(struct store *s, uint32_t ref)
{
	struct item *it = (struct item *)(s->arena + (uint64_t)ref * 8);

	TOUCH(s, it);
	return it;
}

static uint32_t *bucket_of(struct store *s, uint32_t key)
{
	uint64_t state = key;
	uint32_t *b = &s->table[stream_random(&state) & (s->table_size - 1)];

	TOUCH(s, b);
	return b;
}

static struct size_class *class_of(struct store *s, uint32_t size)
{
	unsigned c = 0;

	while (s->classes[c].chunk < sizeof(struct item) + size)
		c++;
	return &s->classes[c];
}

static void age_unlink(struct store *s, struct size_class *c, struct item *it)
{
	if (it->newer != NONE)
		item_at(s, it->newer)->older = it->older;
	else
		c->newest = it->older;
	if (it->older != NONE)
		item_at(s, it->older)->newer = it->newer;
	else
		c->oldest = it->newer;
}

static void age_link(struct store *s, struct size_class *c, struct item *it, uint32_t ref)
{
	it->newer = NONE;
	it->older = c->newest;
	if (c->newest != NONE)
		item_at(s, c->newest)->newer = ref;
	else
		c->oldest = ref;
	c->newest = ref;
	it->bumped_s = s->now_s;
}

/* Takes an item out of its chain and its list and gives its chunk back. */
static void item_drop(struct store *s, uint32_t ref)
{
	struct item *it = item_at(s, ref);
	struct size_class *c = class_of(s, it->size);
	uint32_t *link = bucket_of(s, it->key);

	while (*link != ref)
		link = &item_at(s, *link)->chain;
	*link = it->chain;
	age_unlink(s, c, it);
	it->size = 0;
	it->chain = c->free;
	c->free = ref;
}

/* A slab's chunks become free ones; their headers are written, hence touched. */
static int add_slab(struct store *s, struct size_class *c)
{
	uint64_t at = s->slabs_used, end = at + SLAB_SIZE;

	if (end > s->arena_size)
		return -1;
	s->slabs_used = end;
	for (; at + c->chunk <= end; at += c->chunk) {
		struct item *it = item_at(s, (uint32_t)(at / 8));

		it->chain = c->free;
		c->free = (uint32_t)(at / 8);
	}
	return 0;
}

static uint32_t chunk_take(struct store *s, struct size_class *c)
{
	uint32_t ref;

	if (c->free == NONE && add_slab(s, c) < 0) {
		if (c->oldest == NONE)
			return NONE;
		item_drop(s, c->oldest);
		s->nr_evicted++;
	}
	ref = c->free;
	c->free = item_at(s, ref)->chain;
	return ref;
}

static uint32_t find(struct store *s, uint32_t key)
{
	uint32_t ref = *bucket_of(s, key);

	while (ref != NONE) {
		const struct item *it = item_at(s, ref);

		if (it->key == key)
			break;
		ref = it->chain;
	}
	return ref;
}

static void set(struct store *s, uint32_t key, uint32_t size)
{
	struct size_class *c = class_of(s, size);
	uint32_t ref = find(s, key), *bucket;
	struct item *it;

	if (ref != NONE)
		item_drop(s, ref);
	ref = chunk_take(s, c);
	if (ref == NONE)
		return;
	it = item_at(s, ref);
	it->key = key;
	it->size = size;
	memset(it->value, (int)key, size);
	touch(s, it->value, size);
	bucket = bucket_of(s, key);
	it->chain = *bucket;
	*bucket = ref;
	age_link(s, c, it, ref);
}

static int get(struct store *s, uint32_t key)
{
	uint32_t ref = find(s, key);
	struct item *it;

	if (ref == NONE) {
		s->nr_misses++;
		return 0;
	}
	s->nr_hits++;
	it = item_at(s, ref);
	for (uint32_t i = 0; i < it->size; i += 8)
		s->checksum += it->value[i];
	touch(s, it->value, it->size);
	if (s->now_s - it->bumped_s >= BUMP_SECONDS) {
		struct size_class *c = class_of(s, it->size);

		age_unlink(s, c, it);
		age_link(s, c, it, ref);
	}
	return 1;
}

static void store_init(struct store *s, const struct options *o)
{
	uint32_t chunk = MIN_CHUNK;

	memset(s, 0, sizeof(*s));
	for (s->table_size = 1024; s->table_size < o->items;)
		s->table_size *= 2;
	s->slabs_used = s->table_size * sizeof(*s->table);
	s->arena_size = s->slabs_used + (o->mib << 20);
	s->arena = mmap(NULL, s->arena_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->arena == MAP_FAILED)
		stream_die("memory", "cannot allocate");
	s->table = (uint32_t *)s->arena;
	memset(s->table, 0xff, s->table_size * sizeof(*s->table));
	s->touched = stream_alloc((s->arena_size >> PAGE_SHIFT) / 8 + 1, 1);
	do {
		s->classes[s->nr_classes++] =
			(struct size_class){ chunk, NONE, NONE, NONE };
		chunk = (chunk + chunk / 4 + 7) & ~7u;
	} while (s->classes[s->nr_classes - 1].chunk < MAX_VALUE + sizeof(struct item));
}

static void store_fini(struct store *s)
{
	munmap(s->arena, s->arena_size);
	free(s->touched);
}

/* Sizes from 32 bytes to 4 KiB, every octave as likely as the next. */
static uint32_t value_size(uint64_t *rng)
{
	return (uint32_t)(32 * exp2(stream_uniform(rng) * 7));
}

static double *zipf_make(uint64_t nr)
{
	double *sum = stream_alloc(nr, sizeof(*sum)), total = 0;

	for (uint64_t i = 0; i < nr; i++)
		sum[i] = total += pow((double)(i + 1), -ZIPF_EXPONENT);
	return sum;
}

static uint32_t zipf_draw(const double *sum, uint64_t nr, uint64_t *rng)
{
	double want = stream_uniform(rng) * sum[nr - 1];
	uint64_t low = 0, high = nr - 1;

	while (low < high) {
		uint64_t mid = (low + high) / 2;

		if (sum[mid] < want)
			low = mid + 1;
		else
			high = mid;
	}
	return (uint32_t)low;
}

/* Popularity by rank, keys by a shuffle: popular items lie anywhere. */
static uint32_t *shuffle(uint64_t nr, uint64_t *rng)
{
	uint32_t *keys = stream_alloc(nr, sizeof(*keys));

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t j = stream_random(rng) % (i + 1);

		keys[i] = keys[j];
		keys[j] = (uint32_t)i;
	}
	return keys;
}

static void serve(struct store *s, const struct options *o, const double *sum,
		  const uint32_t *keys, uint64_t *rng)
{
	for (uint64_t i = 0; i < o->ops; i++) {
		uint32_t key = keys[zipf_draw(sum, o->items, rng)];

		/* A client that misses sets what it wanted. */
		if (stream_random(rng) % 100 < SETS_IN_100 || !get(s, key))
			set(s, key, value_size(rng));
	}
	s->now_s++;
}

static uint64_t record(struct store *s, const struct options *o, const double *sum,
		       const uint32_t *keys, uint64_t *rng)
{
	uint64_t nr_pages = s->arena_size >> PAGE_SHIFT, nr_touched = 0;
	struct stream_pages_header h = { STREAM_PAGES_MAGIC, (uint32_t)o->intervals, 1,
					 0 };
	struct stream_pages_range range = { UINT64_C(0x7f0000000), nr_pages };
	FILE *f = stream_create(o->out);

	stream_put(f, &h, sizeof(h));
	stream_put(f, &range, sizeof(range));
	for (uint64_t i = 0; i < o->intervals; i++) {
		uint64_t span[2] = { s->now_s * UINT64_C(1000000000),
				     (s->now_s + 1) * UINT64_C(1000000000) };

		memset(s->touched, 0, (nr_pages + 7) / 8);
		serve(s, o, sum, keys, rng);
		stream_put(f, span, sizeof(span));
		stream_put(f, s->touched, (nr_pages + 7) / 8);
		for (uint64_t b = 0; b < (nr_pages + 7) / 8; b++)
			nr_touched += (uint64_t)__builtin_popcount(s->touched[b]);
	}
	stream_finish(f, o->out);
	return nr_touched;
}

static void run(const struct options *o)
{
	struct store s;
	uint64_t rng = o->seed, nr_pages, nr_touched;
	double *sum = zipf_make(o->items);
	uint32_t *keys = shuffle(o->items, &rng);

	store_init(&s, o);
	for (uint64_t i = 0; i < o->items; i++)
		set(&s, (uint32_t)i, value_size(&rng));
	for (unsigned i = 0; i < WARM_INTERVALS; i++)
		serve(&s, o, sum, keys, &rng);
	s.nr_hits = s.nr_misses = s.nr_evicted = 0;
	nr_touched = record(&s, o, sum, keys, &rng);
	nr_pages = s.arena_size >> PAGE_SHIFT;
	printf("{\"pages\": %llu, \"touched_share\": %.4f, \"hits\": %llu, \"misses\": "
	       "%llu, "
	       "\"evicted\": %llu}\n",
	       (unsigned long long)nr_pages,
	       (double)nr_touched / (double)(nr_pages * o->intervals),
	       (unsigned long long)s.nr_hits, (unsigned long long)s.nr_misses,
	       (unsigned long long)s.nr_evicted);
	store_fini(&s);
	free(sum);
	free(keys);
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "mib", required_argument, NULL, 'm' },
		{ "items", required_argument, NULL, 'k' },
		{ "intervals", required_argument, NULL, 'i' },
		{ "ops", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = {
		.mib = 266, .items = 290000, .intervals = 64, .ops = 60000, .seed = 1
	};
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		uint64_t *number = c == 'm'   ? &o.mib
				   : c == 'k' ? &o.items
				   : c == 'i' ? &o.intervals
				   : c == 'p' ? &o.ops
				   : c == 's' ? &o.seed
					      : NULL;

		bad |= c == '?';
		if (number)
			*number = stream_number(optarg);
		else
			o.out = optarg;
	}
	if (bad || !o.out || optind != argc || !o.items || !o.intervals || !o.mib ||
	    o.mib > 16384) {
		fprintf(stderr, "kvstore: --out FILE is required\n");
		return 2;
	}
	run(&o);
	return 0;
}
