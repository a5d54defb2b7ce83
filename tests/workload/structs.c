/* SPDX-License-Identifier: MIT */
/*
 * Objects that a symbolizer can name: an array in .bss, blocks from three malloc call
 * sites in three functions, a buffer on the stack. Each has one accessor function, and
 * each round makes a fixed number of accesses to each, so that shares are exact.
 *
 * Built with -g -O1; sites and accessors are never inlined. All accesses are one byte,
 * the first ones populate: who touches a page first is the accessor, but for pages that
 * malloc wrote its own headers to. first_touches leaves those out (mincore before, and
 * after).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

#define NOINLINE        __attribute__((noinline))
#define STRIDE          4096 /* one access per so many bytes of a block */
#define NR_OBJECTS      5
#define TABLE_SIZE      (4 * 1024 * 1024)
#define INDEX_SIZE      (8 * 1024 * 1024)
#define LOG_SIZE        (1024 * 1024)
#define NR_CACHE_BLOCKS 512
#define CACHE_BLOCK     (8192 - 16) /* 8 KiB with malloc's header: on the heap */
#define STACK_SIZE      (64 * 1024)
#define NR_FIRST_ROUNDS 4 /* sweep all of the index, which takes the most */

struct hot_entry {
	uint64_t key;
	uint64_t hits;
	char name[48];
};

enum {
	HOT_TABLE_LINE = __LINE__ + 2
};
struct hot_entry hot_table[TABLE_SIZE / sizeof(struct hot_entry)]
	__attribute__((aligned(STRIDE)));

/* The place of the next access. Accessors keep it in registers. */
struct cursor {
	char *const *blocks;
	uint64_t nr_blocks, bytes, block, at;
};

struct object {
	struct share share;
	struct cursor cursor;
	char *blocks[NR_CACHE_BLOCKS];
};

static struct object objects[NR_OBJECTS];

#define TABLE (&objects[0])
#define INDEX (&objects[1])
#define CACHE (&objects[2])
#define LOG   (&objects[3])
#define STACK (&objects[4])

static void object_make(struct object *object, const char *name, const char *kind,
			const char *function, int line, uint64_t bytes)
{
	object->share = (struct share){ .name = name,
					.kind = kind,
					.function = function,
					.file = __FILE__,
					.line = line,
					.bytes = bytes };
}

static int object_add(struct object *object, void *block)
{
	struct share *share = &object->share;
	uint64_t start = (uint64_t)(uintptr_t)block;

	if (!block) {
		fprintf(stderr, "workload: %s\n", strerror(ENOMEM));
		return -1;
	}
	if (!share->nr_blocks || start < share->range.start)
		share->range.start = start;
	if (start + share->bytes > share->range.end)
		share->range.end = start + share->bytes;
	object->blocks[share->nr_blocks++] = block;
	return 0;
}

static NOINLINE int make_index(void)
{
	object_make(INDEX, "index", "heap", __func__, __LINE__ + 1, INDEX_SIZE);
	return object_add(INDEX, malloc(INDEX_SIZE));
}

static NOINLINE int make_cache(void)
{
	object_make(CACHE, "cache", "heap", __func__, __LINE__ + 2, CACHE_BLOCK);
	for (int i = 0; i < NR_CACHE_BLOCKS; i++)
		if (object_add(CACHE, malloc(CACHE_BLOCK)) < 0)
			return -1;
	return 0;
}

static NOINLINE int make_log(void)
{
	object_make(LOG, "log", "heap", __func__, __LINE__ + 1, LOG_SIZE);
	return object_add(LOG, malloc(LOG_SIZE));
}

static inline __attribute__((always_inline)) char *cursor_next(struct cursor *cursor)
{
	char *byte = cursor->blocks[cursor->block] + cursor->at;

	cursor->at += STRIDE;
	if (cursor->at >= cursor->bytes) {
		cursor->at = 0;
		cursor->block =
			cursor->block + 1 < cursor->nr_blocks ? cursor->block + 1 : 0;
	}
	return byte;
}

/* Where the one access is, for who compares it with what a sample says. */
static void accesses_made(struct object *object, const struct cursor *cursor, uint64_t nr,
			  const char *function, int line)
{
	object->cursor = *cursor;
	object->share.accesses += nr;
	object->share.accessor = function;
	object->share.accessor_line = line;
}

static NOINLINE void update_table(uint64_t nr, bool write)
{
	struct cursor cursor = TABLE->cursor;

	for (uint64_t i = 0; i < nr; i++)
		touch(cursor_next(&cursor), write);
	accesses_made(TABLE, &cursor, nr, __func__, __LINE__ - 1);
}

static NOINLINE void probe_index(uint64_t nr, bool write)
{
	struct cursor cursor = INDEX->cursor;

	for (uint64_t i = 0; i < nr; i++)
		touch(cursor_next(&cursor), write);
	accesses_made(INDEX, &cursor, nr, __func__, __LINE__ - 1);
}

static NOINLINE void read_cache(uint64_t nr, bool write)
{
	struct cursor cursor = CACHE->cursor;

	for (uint64_t i = 0; i < nr; i++)
		touch(cursor_next(&cursor), write);
	accesses_made(CACHE, &cursor, nr, __func__, __LINE__ - 1);
}

static NOINLINE void append_log(uint64_t nr, bool write)
{
	struct cursor cursor = LOG->cursor;

	for (uint64_t i = 0; i < nr; i++)
		touch(cursor_next(&cursor), write);
	accesses_made(LOG, &cursor, nr, __func__, __LINE__ - 1);
}

static NOINLINE void fill_stack(uint64_t nr, bool write)
{
	struct cursor cursor = STACK->cursor;

	for (uint64_t i = 0; i < nr; i++)
		touch(cursor_next(&cursor), write);
	accesses_made(STACK, &cursor, nr, __func__, __LINE__ - 1);
}

/* 40, 30, 20, 5 and 5 of 100 accesses. */
static void round_of_all(bool write)
{
	update_table(800, write);
	probe_index(600, write);
	read_cache(400, write);
	append_log(100, write);
	fill_stack(100, write);
}

/* Resident pages among those that the object's accesses touch. */
static uint64_t nr_resident(const struct workload *w, const struct object *object)
{
	uint64_t nr = 0;
	unsigned char resident;

	for (uint64_t i = 0; i < object->share.nr_blocks; i++)
		for (uint64_t at = 0; at < object->share.bytes; at += STRIDE) {
			uint64_t byte = (uint64_t)(uintptr_t)object->blocks[i] + at;
			void *page = (void *)(uintptr_t)(byte / w->page * w->page);

			if (mincore(page, 1, &resident) == 0)
				nr += resident & 1;
		}
	return nr;
}

/* first_touches: what is resident after the first rounds and was not before. */
static void first_rounds(struct workload *w)
{
	struct share *share;

	for (int i = 0; i < NR_OBJECTS; i++)
		objects[i].share.first_touches = nr_resident(w, &objects[i]);
	w->truth->populate_ns.start = clock_ns();
	for (int i = 0; i < NR_FIRST_ROUNDS; i++)
		round_of_all(w->opt.write);
	w->truth->populate_ns.end = clock_ns();
	for (int i = 0; i < NR_OBJECTS; i++) {
		share = &objects[i].share;
		share->first_touches = nr_resident(w, &objects[i]) - share->first_touches;
		w->truth->nr_first_touches += share->first_touches;
	}
}

/* Two accesses are a page apart or more: each access of a sweep is to a page of its own.
 */
static void objects_describe(struct workload *w, struct phase *phase)
{
	static struct share shares[NR_OBJECTS];

	for (int i = 0; i < NR_OBJECTS; i++) {
		struct share *share = &objects[i].share;

		share->wss_bytes = share->nr_blocks *
				   ((share->bytes + STRIDE - 1) / STRIDE) * w->page;
		phase->hot[i] = share->range;
		phase->wss_bytes += share->wss_bytes;
		shares[i] = *share;
	}
	w->shares = shares;
	w->nr_shares = NR_OBJECTS;
}

static int objects_make(char *stack_buffer, int stack_line)
{
	object_make(TABLE, "hot_table", "static", "", HOT_TABLE_LINE, TABLE_SIZE);
	object_make(STACK, "stack", "stack", "run_structs", stack_line, STACK_SIZE);
	if (object_add(TABLE, hot_table) < 0 || object_add(STACK, stack_buffer) < 0 ||
	    make_index() < 0 || make_cache() < 0 || make_log() < 0)
		return -1;
	for (int i = 0; i < NR_OBJECTS; i++)
		objects[i].cursor =
			(struct cursor){ .blocks = objects[i].blocks,
					 .nr_blocks = objects[i].share.nr_blocks,
					 .bytes = objects[i].share.bytes };
	return 0;
}

NOINLINE int run_structs(struct workload *w)
{
	char stack_buffer[STACK_SIZE];
	int stack_line = __LINE__ - 1;
	struct phase phase = { .pid = getpid(), .nr_hot = NR_OBJECTS };
	uint64_t deadline;

	if (w->page != STRIDE) {
		fprintf(stderr, "workload: structs needs pages of %d bytes\n", STRIDE);
		return -1;
	}
	if (objects_make(stack_buffer, stack_line) < 0 || overhead_add(w) < 0)
		return -1;
	for (int i = 0; i < NR_OBJECTS; i++)
		truth_region(w, objects[i].share.name, i == 0 ? "hot_table" : "",
			     objects[i].share.range);
	first_rounds(w);
	if (w->opt.layout_path && layout_write(w) < 0)
		return -1;
	sleep_until(w, clock_ns() + w->opt.settle_ns);

	phase.start_ns = clock_ns();
	deadline = phase.start_ns + w->opt.time_ns;
	while (!w->stop && clock_ns() < deadline) {
		round_of_all(w->opt.write);
		phase.sweeps++;
		burst_end(w);
	}
	phase.end_ns = clock_ns();
	objects_describe(w, &phase);
	phase.sweeps /= NR_FIRST_ROUNDS;
	truth_phase(w, &phase);
	return 0;
}
