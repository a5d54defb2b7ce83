/* SPDX-License-Identifier: MIT */
/*
 * The jitdump format, version 1: a header, then records of code that was loaded or moved
 * and of its lines, each with a time. The code itself is passed over.
 *
 * Times are those of CLOCK_MONOTONIC, which is a trace's, unless a flag says that they
 * are the processor's own counter: then they cannot be compared, and as in a perf map the
 * last load of an address is taken. A file that is still being written ends in the middle
 * of a record; it is read up to there.
 *
 * Not handled: unwinding tables (records are passed over), lines beyond LINES_MAX or of a
 * function that has more than RECORD_MAX bytes of them, code beyond CODES_MAX, code that
 * more than OVERLAP_MAX later ones lie over.
 */
#include "symbol/jitdump.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/vec.h"

#define MAGIC        0x4a695444u
#define MAGIC_SWAP   0x4454694au
#define HEADER_SIZE  40
#define PREFIX_SIZE  16
#define LOAD_SIZE    40
#define ARCH_TIMES   1u /* flag: of the processor's counter */
#define CODES_MAX    (8u << 20)
#define LINES_MAX    (16u << 20)
#define RECORD_MAX   (16u << 20)
#define OVERLAP_MAX  65536
#define SAME_FILE    "\xff" /* in place of a name: as the line before */
#define NO_CODE      UINT32_MAX
#define LOAD_BYTES   (LOAD_SIZE + MH_NAME_MAX)
#define MOVE_SIZE    48
#define LINES_HEADER 16

enum record {
	CODE_LOAD,
	CODE_MOVE,
	CODE_LINES,
	CODE_CLOSE
};

struct reading {
	struct mh_jitdump *out;
	struct mh_names *names;
	bool swap, timed;
	uint64_t time_ns;
	/* Lines come before the code they belong to. */
	uint64_t lines_of;
	size_t line, nr_lines;
	/* The last code that begins at an address: open addressing, 1 + its index. */
	uint32_t *at;
	size_t nr_at, cap_at;
};

/* ---- the last code of an address ---- */

static uint32_t *slot_of(const struct reading *r, uint64_t addr)
{
	size_t i = (size_t)(addr * 0x9e3779b97f4a7c15u >> 32) & (r->cap_at - 1);

	while (r->at[i] && r->out->v[r->at[i] - 1].addr.start != addr)
		i = (i + 1) & (r->cap_at - 1);
	return &r->at[i];
}

static int slots_room(struct reading *r)
{
	size_t cap = r->cap_at ? r->cap_at * 2 : 256, old_cap = r->cap_at, i;
	uint32_t *old = r->at;

	if (2 * (r->nr_at + 1) <= r->cap_at)
		return 0;
	r->at = calloc(cap, sizeof(*r->at));
	if (!r->at) {
		r->at = old;
		return -1;
	}
	r->cap_at = cap;
	for (i = 0; i < old_cap; i++) {
		if (old[i])
			*slot_of(r, r->out->v[old[i] - 1].addr.start) = old[i];
	}
	free(old);
	return 0;
}

static int add(struct reading *r, const struct mh_jit_code *code)
{
	struct mh_jit_code *to;
	uint32_t *slot;

	if (r->out->nr >= CODES_MAX)
		return 0;
	if (slots_room(r))
		return -1;
	to = mh_vec_push(r->out);
	if (!to)
		return -1;
	*to = *code;
	to->order = (uint32_t)r->out->nr;
	to->time_ns = (struct mh_range){ r->timed ? r->time_ns : 0, UINT64_MAX };
	slot = slot_of(r, code->addr.start);
	r->nr_at += !*slot;
	*slot = (uint32_t)r->out->nr;
	return 0;
}

/* ---- records ---- */

static int code_load(struct reading *r, struct mh_rbuf *b)
{
	struct mh_jit_code code = { 0 };
	char name[MH_NAME_MAX + 1];
	uint64_t size;
	size_t len;

	mh_rbuf_bytes(b, 16); /* pid, tid, and an address that is code_addr again */
	code.addr.start = mh_rbuf_host_u64(b);
	size = mh_rbuf_host_u64(b);
	code.addr.end = code.addr.start + size;
	code.index = mh_rbuf_host_u64(b);
	if (b->bad || !size || code.addr.end < code.addr.start)
		return 0;
	len = strnlen((const char *)b->p, mh_rbuf_left(b));
	len = len < MH_NAME_MAX ? len : MH_NAME_MAX;
	memcpy(name, b->p, len);
	name[len] = '\0';
	code.name = mh_names_keep(r->names, name);
	if (!code.name)
		return -1;
	if (r->nr_lines && r->lines_of == code.addr.start) {
		code.line = r->line;
		code.nr_lines = r->nr_lines;
	}
	r->nr_lines = 0;
	return add(r, &code);
}

static int code_move(struct reading *r, struct mh_rbuf *b)
{
	uint64_t from, to, size, index;
	struct mh_jit_code *old, code;
	uint32_t at;

	mh_rbuf_bytes(b, 16);
	from = mh_rbuf_host_u64(b);
	to = mh_rbuf_host_u64(b);
	size = mh_rbuf_host_u64(b);
	index = mh_rbuf_host_u64(b);
	if (b->bad || !size || to + size < to || !r->cap_at)
		return 0;
	at = *slot_of(r, from);
	old = at ? &r->out->v[at - 1] : NULL;
	if (!old || old->index != index)
		return 0;
	code = *old;
	code.addr = (struct mh_range){ to, to + size };
	old->time_ns.end = r->timed ? r->time_ns : 0;
	return add(r, &code);
}

static int by_offset(const void *a, const void *b)
{
	const struct mh_jit_line *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int code_lines(struct reading *r, struct mh_rbuf *b)
{
	uint64_t code = mh_rbuf_host_u64(b), nr = mh_rbuf_host_u64(b), i;
	const char *file = "";

	r->lines_of = code;
	r->line = r->out->lines.nr;
	for (i = 0; i < nr && !b->bad && r->out->lines.nr < LINES_MAX; i++) {
		struct mh_jit_line line = { .offset = mh_rbuf_host_u64(b) - code };
		struct mh_jit_line *to;
		size_t len;

		line.line = mh_rbuf_host_u32(b);
		line.discriminator = mh_rbuf_host_u32(b);
		len = strnlen((const char *)b->p, mh_rbuf_left(b));
		if (b->bad || len == mh_rbuf_left(b))
			break;
		if (strcmp((const char *)b->p, SAME_FILE) != 0)
			file = mh_names_keep(r->names, (const char *)b->p);
		mh_rbuf_bytes(b, len + 1);
		to = file ? mh_vec_push(&r->out->lines) : NULL;
		if (!to)
			return -1;
		*to = line;
		to->file = file;
	}
	r->nr_lines = r->out->lines.nr - r->line;
	if (r->nr_lines)
		qsort(r->out->lines.v + r->line, r->nr_lines, sizeof(*r->out->lines.v),
		      by_offset);
	return 0;
}

/* ---- the file ---- */

static struct mh_rbuf rbuf(const struct reading *r, const void *bytes, size_t len)
{
	struct mh_rbuf b = mh_rbuf(bytes, len);

	b.swap = r->swap;
	return b;
}

/* 1: the next record follows; 0: the end of what can be read. */
static int record_read(struct reading *r, FILE *f, uint8_t *room)
{
	uint8_t prefix[PREFIX_SIZE];
	struct mh_rbuf b = rbuf(r, prefix, sizeof(prefix));
	uint32_t id, size, wanted = 0;
	int ret = 0;

	if (fread(prefix, sizeof(prefix), 1, f) != 1)
		return 0;
	id = mh_rbuf_host_u32(&b);
	size = mh_rbuf_host_u32(&b);
	r->time_ns = mh_rbuf_host_u64(&b);
	if (size < PREFIX_SIZE || id == CODE_CLOSE)
		return 0;
	size -= PREFIX_SIZE;
	if (id == CODE_LOAD)
		wanted = size < LOAD_BYTES ? size : LOAD_BYTES;
	else if (id == CODE_MOVE || (id == CODE_LINES && size <= RECORD_MAX))
		wanted = size <= RECORD_MAX ? size : MOVE_SIZE;
	if (wanted && fread(room, wanted, 1, f) != 1)
		return 0;
	b = rbuf(r, room, wanted);
	if (id == CODE_LOAD)
		ret = code_load(r, &b);
	else if (id == CODE_MOVE)
		ret = code_move(r, &b);
	else if (id == CODE_LINES && wanted >= LINES_HEADER)
		ret = code_lines(r, &b);
	if (ret)
		return ret;
	return size == wanted || !fseeko(f, (off_t)(size - wanted), SEEK_CUR);
}

/* False: not a jitdump file. */
static bool header_read(struct reading *r, FILE *f)
{
	uint8_t header[HEADER_SIZE];
	struct mh_rbuf b = mh_rbuf(header, sizeof(header));
	uint32_t magic, size;

	if (fread(header, sizeof(header), 1, f) != 1)
		return false;
	magic = mh_rbuf_host_u32(&b);
	r->swap = b.swap = magic == MAGIC_SWAP;
	if ((magic != MAGIC && magic != MAGIC_SWAP) || mh_rbuf_host_u32(&b) != 1)
		return false;
	size = mh_rbuf_host_u32(&b);
	mh_rbuf_bytes(&b, 20); /* machine, pid and the time of the start */
	r->timed = !(mh_rbuf_host_u64(&b) & ARCH_TIMES);
	return size >= HEADER_SIZE && !fseeko(f, (off_t)size, SEEK_SET);
}

int mh_jitdump_read(struct mh_jitdump *out, FILE *f, struct mh_names *names)
{
	struct reading r = { .out = out, .names = names };
	uint8_t *room;
	int ret;

	if (!header_read(&r, f))
		return 0;
	room = malloc(RECORD_MAX);
	if (!room)
		return -1;
	do
		ret = record_read(&r, f, room);
	while (ret > 0);
	free(room);
	free(r.at);
	return ret;
}

/* ---- asking ---- */

static int by_address(const void *a, const void *b)
{
	const struct mh_jit_code *x = a, *y = b;

	if (x->addr.start != y->addr.start)
		return x->addr.start < y->addr.start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int mh_jitdump_index(struct mh_jitdump *d)
{
	uint64_t reach = 0;
	size_t i;

	if (!d->nr)
		return 0;
	qsort(d->v, d->nr, sizeof(*d->v), by_address);
	d->reach = malloc(d->nr * sizeof(*d->reach));
	if (!d->reach)
		return -1;
	for (i = 0; i < d->nr; i++) {
		if (d->v[i].addr.end > reach)
			reach = d->v[i].addr.end;
		d->reach[i] = reach;
	}
	return 0;
}

void mh_jitdump_fini(struct mh_jitdump *d)
{
	free(d->v);
	free(d->reach);
	free(d->lines.v);
	memset(d, 0, sizeof(*d));
}

static bool is_later(const struct mh_jit_code *a, const struct mh_jit_code *b)
{
	if (a->time_ns.start != b->time_ns.start)
		return a->time_ns.start > b->time_ns.start;
	return a->order > b->order;
}

const struct mh_jit_code *mh_jitdump_find(const struct mh_jitdump *d, uint64_t addr,
					  uint64_t time_ns)
{
	const struct mh_jit_code *best = NULL;
	size_t lo = 0, hi = d->nr, tries;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (d->v[mid].addr.start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (tries = OVERLAP_MAX; lo && tries && d->reach[lo - 1] > addr; lo--, tries--) {
		const struct mh_jit_code *c = &d->v[lo - 1];

		if (addr < c->addr.end && c->time_ns.start <= time_ns &&
		    (!best || is_later(c, best)))
			best = c;
	}
	return best && time_ns < best->time_ns.end ? best : NULL;
}

const struct mh_jit_line *mh_jitdump_line(const struct mh_jitdump *d,
					  const struct mh_jit_code *code, uint64_t offset)
{
	const struct mh_jit_line *lines;
	size_t lo = 0, hi = code->nr_lines;

	if (!hi)
		return NULL;
	lines = d->lines.v + code->line;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (lines[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &lines[lo - 1] : NULL;
}
