/* SPDX-License-Identifier: MIT */
/*
 * perf.data out of the samples of a trace, for `perf script`, `perf report --mem-mode`
 * and what else reads that format. File mode: attributes before the records, descriptions
 * (host, command line, names of events) after them, and a header that points to both.
 *
 * All events share one layout, in which a field that a sample lacks is 0 (call chains are
 * in it where a sample has one); the attributes
 * have the size of Linux 4.x's, which every perf since then takes. Records need no order:
 * perf sorts them by time.
 *
 * Not exported: regions, pages and footprints, for which perf has no word; the end of a
 * mapping, which perf does not record either.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/vec.h"
#include "event/frames.h"
#include "export/about.h"
#include "export/exporters.h"

/* linux/perf_event.h may be named by lib/ring and the importer only: its numbers here. */
enum {
	RECORD_LOST = 2,
	RECORD_COMM = 3,
	RECORD_EXIT = 4,
	RECORD_THROTTLE = 5,
	RECORD_FORK = 7,
	RECORD_SAMPLE = 9,
	RECORD_MMAP2 = 10
};

enum {
	MISC_KERNEL = 1,
	MISC_USER = 2,
	MISC_GUEST_KERNEL = 4,
	MISC_GUEST_USER = 5,
	MISC_MMAP_DATA = 1 << 13,
	MISC_COMM_EXEC = 1 << 13,
	MISC_MMAP_BUILD_ID = 1 << 14,
	MISC_EXACT_IP = 1 << 14
};

/* Marks in call chains: the frames that follow are of this mode. */
#define CONTEXT_KERNEL       ((uint64_t)-128)
#define CONTEXT_USER         ((uint64_t)-512)
#define CONTEXT_GUEST_KERNEL ((uint64_t)-2176)
#define CONTEXT_GUEST_USER   ((uint64_t)-2560)
#define CHAIN_MAX            1024 /* words of one chain; perf records 127 frames */

/* IP TID TIME ADDR CPU PERIOD DATA_SRC IDENTIFIER PHYS_ADDR DATA_PAGE_SIZE WEIGHT_STRUCT
 */
#define SAMPLE_TYPE                                                                      \
	(1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 7 | 1u << 8 | 1u << 15 |          \
	 1u << 16 | 1u << 19 | 1u << 22 | 1u << 24)

#define SAMPLE_CALLCHAIN (1u << 5) /* where the trace has any */

#define ATTR_SIZE     112u
#define HEADER_SIZE   104u
#define TYPE_SOFTWARE 1u
#define SW_FAULTS     2u
#define SW_DUMMY      9u
#define NO_DATA_SRC   0x1e05080021u /* what the kernel says when it knows nothing */
#define PATH_LEN_MAX  4095u
#define CLOCK_MONO    1u
#define NO_EVENT      UINT32_MAX

/* Bits of attr's bit field. */
#define FLAG_MMAP          (1ull << 8)
#define FLAG_COMM          (1ull << 9)
#define FLAG_FREQ          (1ull << 10)
#define FLAG_TASK          (1ull << 13)
#define FLAG_MMAP_DATA     (1ull << 17)
#define FLAG_SAMPLE_ID_ALL (1ull << 18)
#define FLAG_MMAP2         (1ull << 23)
#define FLAG_COMM_EXEC     (1ull << 24)
#define FLAG_USE_CLOCKID   (1ull << 25)

/* One event of one source that has samples; its id is its place + 1. */
struct kind {
	uint16_t source, event;
};

struct export
{
	FILE *out;
	const struct mh_reader *r;
	const struct mh_filter *filter;
	const struct mh_frames *frames;
	bool chains;
	struct {
		struct kind *v;
		size_t nr, cap;
	} kinds;
	uint64_t ids_at, attrs_at, data_at, data_end;
	struct mh_wbuf b; /* the record or section under way */
	uint64_t nr_samples;
	char about[1024]; /* what the export says of itself: perf's version, for perf */
};

/* ---- bytes ---- */

static int flush(struct export *x, struct mh_err *err)
{
	size_t len = x->b.len;

	if (x->b.bad)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	x->b.len = 0;
	if (len && fwrite(x->b.p, 1, len, x->out) != len)
		return mh_fail_errno(err, "cannot write the recording");
	return MH_OK;
}

static void begin(struct export *x, uint32_t type, unsigned misc)
{
	x->b.len = 0;
	mh_wbuf_u32(&x->b, type);
	mh_wbuf_u16(&x->b, (uint16_t)misc);
	mh_wbuf_u16(&x->b, 0);
}

static int end(struct export *x, struct mh_err *err)
{
	if (!x->b.bad) {
		x->b.p[6] = (uint8_t)x->b.len;
		x->b.p[7] = (uint8_t)(x->b.len >> 8);
	}
	return flush(x, err);
}

static void put_padded(struct export *x, const char *s)
{
	size_t len = strnlen(s, PATH_LEN_MAX);

	mh_wbuf_bytes(&x->b, s, len);
	do
		mh_wbuf_u8(&x->b, 0);
	while (++len % 8);
}

/* The ids of a record that is no sample. */
static void put_trailer(struct export *x, const struct mh_event *ev, uint32_t pid,
			uint32_t tid)
{
	mh_wbuf_u32(&x->b, pid);
	mh_wbuf_u32(&x->b, tid);
	mh_wbuf_u64(&x->b, ev->time_ns);
	mh_wbuf_u64(&x->b, 0); /* cpu */
	mh_wbuf_u64(&x->b, 1); /* the first event */
}

/* ---- what the events are ---- */

static const char *meta_of(const struct export *x, const struct kind *k, const char *name)
{
	char key[96];

	snprintf(key, sizeof(key), "source.%u.event.%u%s", k->source, k->event, name);
	return mh_reader_meta(x->r, key);
}

static uint64_t number_of(const struct export *x, const struct kind *k, const char *name,
			  uint64_t otherwise)
{
	const char *value = meta_of(x, k, name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

static const char *source_meta(const struct export *x, uint16_t source, const char *name)
{
	char key[96];

	snprintf(key, sizeof(key), "source.%u.%s", source, name);
	return mh_reader_meta(x->r, key);
}

static const char *name_of(const struct export *x, const struct kind *k)
{
	const char *name = meta_of(x, k, "");

	if (!name)
		name = source_meta(x, k->source, "name");
	return name ? name : "samples";
}

static bool is_monotonic(const struct export *x)
{
	size_t i;

	for (i = 0; i < x->kinds.nr; i++) {
		const char *clock = source_meta(x, x->kinds.v[i].source, "clock");

		if (clock && strcmp(clock, "monotonic") != 0)
			return false;
	}
	return true;
}

static uint32_t kind_of(const struct export *x, uint16_t source, uint16_t event)
{
	size_t i;

	for (i = 0; i < x->kinds.nr; i++)
		if (x->kinds.v[i].source == source && x->kinds.v[i].event == event)
			return (uint32_t)i;
	return NO_EVENT;
}

static int find_kinds(struct export *x, const struct mh_batch *b, struct mh_err *err)
{
	uint32_t i;

	for (i = 0; i < b->nr; i++) {
		uint16_t event = b->sample.event ? b->sample.event[i] : 0;
		struct kind *k;

		x->chains |= b->sample.stack && b->sample.stack[i];
		if (kind_of(x, b->source, event) != NO_EVENT)
			continue;
		k = mh_vec_push(&x->kinds);
		if (!k)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		*k = (struct kind){ b->source, event };
	}
	return MH_OK;
}

typedef int (*batch_fn)(struct export *x, const struct mh_batch *b, struct mh_err *err);

/* Damaged blocks are passed over, as by every reader. */
static int pass(struct export *x, uint32_t kinds, uint32_t columns, batch_fn fn,
		struct mh_err *err)
{
	struct mh_filter filter = *x->filter;
	struct mh_cursor *c;
	struct mh_batch b;
	int ret;

	filter.kinds = kinds;
	filter.columns = columns;
	if (!(kinds & 1u << MH_EV_SAMPLE))
		filter.time_ns = filter.addr = (struct mh_range){ 0, 0 };
	ret = mh_cursor_open(&c, x->r, &filter, err);
	if (ret)
		return ret;
	do {
		ret = mh_cursor_next(c, &b, err);
		if (ret == MH_OK)
			ret = fn(x, &b, err);
	} while (ret == MH_OK || ret == MH_EFORMAT);
	mh_cursor_close(c);
	return ret == MH_END ? MH_OK : ret;
}

/* ---- records ---- */

static unsigned mode_of(const struct mh_ev_sample *s)
{
	bool kernel = s->flags & MH_SAMPLE_KERNEL, guest = s->flags & MH_SAMPLE_GUEST;
	unsigned misc = kernel ? MISC_KERNEL : MISC_USER;

	if (guest)
		misc = kernel ? MISC_GUEST_KERNEL : MISC_GUEST_USER;
	return misc | (s->flags & MH_SAMPLE_EXACT_IP ? MISC_EXACT_IP : 0);
}

static uint64_t context_of(const struct mh_ev_sample *s, uint64_t ip)
{
	if (s->flags & MH_SAMPLE_GUEST)
		return mh_ip_is_kernel(ip) ? CONTEXT_GUEST_KERNEL : CONTEXT_GUEST_USER;
	return mh_ip_is_kernel(ip) ? CONTEXT_KERNEL : CONTEXT_USER;
}

/* A sample without a chain has what the kernel gives at least: itself. */
static void put_chain(struct export *x, const struct mh_event *ev)
{
	const struct mh_ev_sample *s = &ev->sample;
	const struct mh_stack_frame *f = mh_frames_find(x->frames, ev->source, s->stack);
	uint64_t words[CHAIN_MAX], mode = 0;
	size_t nr = 0, i;

	if (!f) {
		words[nr++] = s->flags & MH_SAMPLE_KERNEL ? context_of(s, UINT64_MAX)
							  : context_of(s, 0);
		words[nr++] = s->ip;
	}
	for (; f && nr + 2 <= CHAIN_MAX; f = mh_frames_caller(x->frames, f)) {
		if (context_of(s, f->ip) != mode)
			words[nr++] = mode = context_of(s, f->ip);
		words[nr++] = f->ip;
	}
	mh_wbuf_u64(&x->b, nr);
	for (i = 0; i < nr; i++)
		mh_wbuf_u64(&x->b, words[i]);
}

static int put_sample(struct export *x, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_sample *s = &ev->sample;
	uint32_t kind = kind_of(x, ev->source, s->event);

	if (kind == NO_EVENT)
		return MH_OK;
	begin(x, RECORD_SAMPLE, mode_of(s));
	mh_wbuf_u64(&x->b, kind + 1);
	mh_wbuf_u64(&x->b, s->ip);
	mh_wbuf_u32(&x->b, s->pid);
	mh_wbuf_u32(&x->b, s->tid);
	mh_wbuf_u64(&x->b, ev->time_ns);
	mh_wbuf_u64(&x->b, s->flags & MH_SAMPLE_ADDR ? s->addr : 0);
	mh_wbuf_u32(&x->b, s->cpu);
	mh_wbuf_u32(&x->b, 0);
	mh_wbuf_u64(&x->b, s->period);
	if (x->chains)
		put_chain(x, ev);
	mh_wbuf_u32(&x->b, s->weight > UINT32_MAX ? UINT32_MAX : (uint32_t)s->weight);
	mh_wbuf_u16(&x->b, s->ins_lat);
	mh_wbuf_u16(&x->b, s->p_stage);
	mh_wbuf_u64(&x->b, s->data_src ? s->data_src : NO_DATA_SRC);
	mh_wbuf_u64(&x->b, s->phys);
	mh_wbuf_u64(&x->b, s->page_shift ? 1ull << (s->page_shift & 63) : 0);
	x->nr_samples++;
	return end(x, err);
}

static int put_map(struct export *x, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_map *m = &ev->map;
	unsigned misc = m->pid == UINT32_MAX ? MISC_KERNEL : MISC_USER;
	bool build_id = m->build_id_len == MH_BUILD_ID_MAX;

	if (m->op != MH_MAP_ADD)
		return MH_OK;
	if (!(m->prot & 4))
		misc |= MISC_MMAP_DATA;
	begin(x, RECORD_MMAP2, misc | (build_id ? MISC_MMAP_BUILD_ID : 0));
	mh_wbuf_u32(&x->b, m->pid);
	mh_wbuf_u32(&x->b, m->pid);
	mh_wbuf_u64(&x->b, m->start);
	mh_wbuf_u64(&x->b, m->end - m->start);
	mh_wbuf_u64(&x->b, m->pgoff);
	if (build_id) {
		mh_wbuf_u32(&x->b, MH_BUILD_ID_MAX);
		mh_wbuf_bytes(&x->b, m->build_id, MH_BUILD_ID_MAX);
	} else {
		mh_wbuf_u32(&x->b, m->maj);
		mh_wbuf_u32(&x->b, m->min);
		mh_wbuf_u64(&x->b, m->ino);
		mh_wbuf_u64(&x->b, m->ino_gen);
	}
	mh_wbuf_u32(&x->b, m->prot);
	mh_wbuf_u32(&x->b, m->shared ? 1 : 2);
	put_padded(x, *m->path ? m->path : "//anon");
	put_trailer(x, ev, m->pid, m->pid);
	return end(x, err);
}

static int put_comm(struct export *x, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_task *t = &ev->task;
	char comm[16];

	snprintf(comm, sizeof(comm), "%s", t->comm);
	begin(x, RECORD_COMM, MISC_USER | (t->op == MH_TASK_EXEC ? MISC_COMM_EXEC : 0));
	mh_wbuf_u32(&x->b, t->pid);
	mh_wbuf_u32(&x->b, t->tid);
	put_padded(x, comm);
	put_trailer(x, ev, t->pid, t->tid);
	return end(x, err);
}

static int put_task(struct export *x, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_task *t = &ev->task;

	if (t->op != MH_TASK_FORK && t->op != MH_TASK_EXIT)
		return *t->comm ? put_comm(x, ev, err) : MH_OK;
	begin(x, t->op == MH_TASK_FORK ? RECORD_FORK : RECORD_EXIT, MISC_USER);
	mh_wbuf_u32(&x->b, t->pid);
	mh_wbuf_u32(&x->b, t->ppid);
	mh_wbuf_u32(&x->b, t->tid);
	mh_wbuf_u32(&x->b, t->ppid);
	mh_wbuf_u64(&x->b, ev->time_ns);
	put_trailer(x, ev, t->pid, t->tid);
	return end(x, err);
}

static int put_lost(struct export *x, const struct mh_event *ev, struct mh_err *err)
{
	bool throttle = ev->lost.cause == MH_LOST_THROTTLE;

	if (!throttle && ev->lost.cause != MH_LOST_RING)
		return MH_OK;
	begin(x, throttle ? RECORD_THROTTLE : RECORD_LOST, 0);
	mh_wbuf_u64(&x->b, throttle ? ev->time_ns : 1);
	mh_wbuf_u64(&x->b, throttle ? 1 : ev->lost.count);
	if (throttle)
		mh_wbuf_u64(&x->b, 1);
	put_trailer(x, ev, 0, 0);
	return end(x, err);
}

static int put_batch(struct export *x, const struct mh_batch *b, struct mh_err *err)
{
	struct mh_event ev;
	int ret = MH_OK;
	uint32_t i;

	for (i = 0; i < b->nr && !ret; i++) {
		mh_batch_event(b, i, &ev);
		if (ev.kind == MH_EV_SAMPLE)
			ret = put_sample(x, &ev, err);
		else if (ev.kind == MH_EV_MAP)
			ret = put_map(x, &ev, err);
		else if (ev.kind == MH_EV_TASK)
			ret = put_task(x, &ev, err);
		else if (ev.kind == MH_EV_LOST)
			ret = put_lost(x, &ev, err);
	}
	return ret;
}

/* ---- the frame ---- */

static void put_attr(struct export *x, size_t i)
{
	const struct kind *k = &x->kinds.v[i];
	const char *source = source_meta(x, k->source, "name");
	bool faults = source && !strcmp(source, "faults");
	uint64_t freq = number_of(x, k, ".freq", 0);
	uint64_t flags = FLAG_SAMPLE_ID_ALL | (freq ? FLAG_FREQ : 0) |
			 number_of(x, k, ".precise", 0) << 15;

	if (!i)
		flags |= FLAG_MMAP | FLAG_COMM | FLAG_TASK | FLAG_MMAP_DATA | FLAG_MMAP2 |
			 FLAG_COMM_EXEC;
	if (is_monotonic(x))
		flags |= FLAG_USE_CLOCKID;
	mh_wbuf_u32(&x->b, (uint32_t)number_of(x, k, ".type", TYPE_SOFTWARE));
	mh_wbuf_u32(&x->b, ATTR_SIZE);
	mh_wbuf_u64(&x->b, number_of(x, k, ".config", faults ? SW_FAULTS : SW_DUMMY));
	mh_wbuf_u64(&x->b, freq ? freq : number_of(x, k, ".period", 1));
	mh_wbuf_u64(&x->b, SAMPLE_TYPE | (x->chains ? SAMPLE_CALLCHAIN : 0));
	mh_wbuf_u64(&x->b, 0); /* read_format */
	mh_wbuf_u64(&x->b, flags);
	mh_wbuf_u64(&x->b, 0); /* wakeup, breakpoint type */
	mh_wbuf_u64(&x->b, number_of(x, k, ".config1", 0));
	mh_wbuf_u64(&x->b, number_of(x, k, ".config2", 0));
	mh_wbuf_u64(&x->b, 0); /* branch_sample_type */
	mh_wbuf_u64(&x->b, 0); /* sample_regs_user */
	mh_wbuf_u32(&x->b, 0); /* sample_stack_user */
	mh_wbuf_u32(&x->b, flags & FLAG_USE_CLOCKID ? CLOCK_MONO : 0);
	mh_wbuf_u64(&x->b, 0); /* sample_regs_intr */
	mh_wbuf_u64(&x->b, 0); /* aux_watermark, sample_max_stack */
}

static int write_front(struct export *x, struct mh_err *err)
{
	size_t i;

	x->b.len = 0;
	for (i = 0; i < HEADER_SIZE; i++)
		mh_wbuf_u8(&x->b, 0);
	x->ids_at = x->b.len;
	for (i = 0; i < x->kinds.nr; i++)
		mh_wbuf_u64(&x->b, i + 1);
	x->attrs_at = x->b.len;
	for (i = 0; i < x->kinds.nr; i++) {
		put_attr(x, i);
		mh_wbuf_u64(&x->b, x->ids_at + i * 8);
		mh_wbuf_u64(&x->b, 8);
	}
	x->data_at = x->b.len;
	return flush(x, err);
}

/* A length, and bytes with zeros up to a multiple of 64. */
static void put_string(struct export *x, const char *s)
{
	size_t len = strlen(s) + 1, room = (len + 63) / 64 * 64;

	mh_wbuf_u32(&x->b, (uint32_t)room);
	mh_wbuf_bytes(&x->b, s, len);
	for (; len < room; len++)
		mh_wbuf_u8(&x->b, 0);
}

static void put_event_desc(struct export *x)
{
	size_t i;

	mh_wbuf_u32(&x->b, (uint32_t)x->kinds.nr);
	mh_wbuf_u32(&x->b, ATTR_SIZE);
	for (i = 0; i < x->kinds.nr; i++) {
		put_attr(x, i);
		mh_wbuf_u32(&x->b, 1);
		put_string(x, name_of(x, &x->kinds.v[i]));
		mh_wbuf_u64(&x->b, i + 1);
	}
}

enum {
	FEAT_HOSTNAME = 3,
	FEAT_OSRELEASE = 4,
	FEAT_VERSION = 5,
	FEAT_ARCH = 6,
	FEAT_NRCPUS = 7,
	FEAT_CPUDESC = 8,
	FEAT_CMDLINE = 11,
	FEAT_EVENT_DESC = 12
};

/* Puts the feature's contents; false: the trace does not have it. */
static bool put_feature(struct export *x, unsigned bit)
{
	static const char *const keys[] = {
		[FEAT_HOSTNAME] = "host.name", [FEAT_OSRELEASE] = "host.kernel",
		[FEAT_ARCH] = "host.arch",     [FEAT_NRCPUS] = "host.nr_cpus",
		[FEAT_CPUDESC] = "host.cpu",   [FEAT_CMDLINE] = "target.command"
	};
	const char *value = NULL;

	if (bit < sizeof(keys) / sizeof(keys[0]) && keys[bit])
		value = mh_reader_meta(x->r, keys[bit]);
	switch (bit) {
	case FEAT_EVENT_DESC:
		put_event_desc(x);
		return true;
	case FEAT_VERSION:
		put_string(x, x->about);
		return true;
	case FEAT_NRCPUS:
		if (!value)
			return false;
		mh_wbuf_u32(&x->b, (uint32_t)strtoul(value, NULL, 10));
		mh_wbuf_u32(&x->b, (uint32_t)strtoul(value, NULL, 10));
		return true;
	case FEAT_CMDLINE:
		if (!value)
			return false;
		mh_wbuf_u32(&x->b, 1);
		put_string(x, value);
		return true;
	default:
		if (!value)
			return false;
		put_string(x, value);
		return true;
	}
}

/* The table of sections, whose size must be known first, and the sections. */
static uint64_t put_features(struct export *x)
{
	uint64_t features = 0;
	struct mh_wbuf table = { 0 }, body;
	unsigned bit, nr = 0;

	x->b.len = 0;
	for (bit = FEAT_HOSTNAME; bit <= FEAT_EVENT_DESC; bit++) {
		size_t at = x->b.len;

		if (!put_feature(x, bit))
			continue;
		features |= 1ull << bit;
		nr++;
		mh_wbuf_u64(&table, at);
		mh_wbuf_u64(&table, x->b.len - at);
	}
	body = x->b;
	x->b = (struct mh_wbuf){ .bad = table.bad || body.bad };
	for (bit = 0; !x->b.bad && bit < nr; bit++) {
		struct mh_rbuf entry = mh_rbuf(table.p + (size_t)bit * 16, 16);

		mh_wbuf_u64(&x->b, x->data_end + nr * 16u + mh_rbuf_u64(&entry));
		mh_wbuf_u64(&x->b, mh_rbuf_u64(&entry));
	}
	if (!x->b.bad)
		mh_wbuf_bytes(&x->b, body.p, body.len);
	mh_wbuf_fini(&body);
	mh_wbuf_fini(&table);
	return features;
}

static int write_header(struct export *x, uint64_t features, struct mh_err *err)
{
	if (fseeko(x->out, 0, SEEK_SET))
		return mh_fail_errno(err, "cannot write the recording");
	x->b.len = 0;
	mh_wbuf_bytes(&x->b, "PERFILE2", 8);
	mh_wbuf_u64(&x->b, HEADER_SIZE);
	mh_wbuf_u64(&x->b, ATTR_SIZE + 16);
	mh_wbuf_u64(&x->b, x->attrs_at);
	mh_wbuf_u64(&x->b, x->data_at - x->attrs_at);
	mh_wbuf_u64(&x->b, x->data_at);
	mh_wbuf_u64(&x->b, x->data_end - x->data_at);
	mh_wbuf_u64(&x->b, 0); /* event types */
	mh_wbuf_u64(&x->b, 0);
	mh_wbuf_u64(&x->b, features);
	mh_wbuf_u64(&x->b, 0);
	mh_wbuf_u64(&x->b, 0);
	mh_wbuf_u64(&x->b, 0);
	return flush(x, err);
}

static int write_all(struct export *x, struct mh_err *err)
{
	uint64_t features;
	off_t at;
	int ret = write_front(x, err);

	if (!ret)
		ret = pass(x, 1u << MH_EV_TASK | 1u << MH_EV_MAP, 0, put_batch, err);
	if (!ret)
		ret = pass(x, 1u << MH_EV_SAMPLE | 1u << MH_EV_LOST, 0, put_batch, err);
	if (ret)
		return ret;
	at = ftello(x->out);
	if (at < 0)
		return mh_fail_errno(err, "cannot write the recording");
	x->data_end = (uint64_t)at;
	features = put_features(x);
	ret = flush(x, err);
	return ret ? ret : write_header(x, features, err);
}

static void make_about(struct export *x, const struct mh_export_input *in)
{
	const uint64_t *rows = mh_reader_info(in->reader)->rows;
	uint64_t others = rows[MH_EV_REGION] + rows[MH_EV_PAGES];
	struct mh_about a;
	size_t i, len = 0;

	mh_about_begin(&a, "perf-data", in);
	mh_about_add(&a, "source: the events' names; units: their periods");
	mh_about_left_out(&a, others, "regions and page maps", "perf.data holds samples");
	for (i = 0; i < a.nr && len < sizeof(x->about); i++)
		len += (size_t)snprintf(x->about + len, sizeof(x->about) - len, "%s%s",
					i ? "; " : "", a.lines[i]);
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	static const struct mh_filter all;
	struct export x = {
		.out = out, .r = in->reader, .filter = &all, .frames = in->frames
	};
	int ret;

	make_about(&x, in);
	if (ftello(out) != 0)
		return mh_fail(err, MH_EINPUT,
			       "perf.data has its header written last and needs a file "
			       "from its beginning; give -o a name");
	ret = pass(&x, 1u << MH_EV_SAMPLE, MH_COL_OTHER, find_kinds, err);
	if (!ret && !x.kinds.nr)
		ret = mh_fail(
			err, MH_ENOSUP,
			"the trace has no samples, and perf.data holds nothing else; "
			"record with -s faults or -s mem");
	if (!ret)
		ret = write_all(&x, err);
	mh_wbuf_fini(&x.b);
	free(x.kinds.v);
	return ret;
}

const struct mh_exporter mh_exporter_perf_data = {
	.name = "perf-data",
	.summary = "perf.data from samples, for perf script and perf report --mem-mode",
	.needs = MH_EXPORT_EVENTS | MH_EXPORT_BINARY | MH_EXPORT_CHAINS,
	.run = run,
};
