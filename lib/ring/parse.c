/* SPDX-License-Identifier: MIT */
/*
 * Records of the kernel's ABI (include/uapi/linux/perf_event.h), field by field in the
 * order of the header's comments. A ring is never of a foreign byte order, a file may be.
 *
 * A record must be used up exactly; anything else means that the layout is not what we
 * think, and then no field of it can be trusted.
 */
#include "ring/parse.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"

static uint64_t word(struct mh_rbuf *b)
{
	return mh_rbuf_host_u64(b);
}

static uint32_t half(struct mh_rbuf *b)
{
	return mh_rbuf_host_u32(b);
}

static void skip(struct mh_rbuf *b, uint64_t count, size_t size)
{
	if (count > mh_rbuf_left(b) / size)
		b->bad = true;
	else
		mh_rbuf_bytes(b, (size_t)count * size);
}

/* ---- samples ---- */

static void skip_read(struct mh_rbuf *b, uint64_t format)
{
	unsigned times = !!(format & PERF_FORMAT_TOTAL_TIME_ENABLED) +
			 !!(format & PERF_FORMAT_TOTAL_TIME_RUNNING);
	unsigned entry = 1 + !!(format & PERF_FORMAT_ID) + !!(format & PERF_FORMAT_LOST);

	if (format & PERF_FORMAT_GROUP) {
		uint64_t nr = word(b);

		skip(b, times, 8);
		skip(b, nr, 8 * entry);
	} else {
		skip(b, times + entry, 8);
	}
}

static void read_chain(struct mh_rbuf *b, struct mh_ring_extra *extra)
{
	extra->nr_chain = word(b);
	extra->chain = b->p;
	skip(b, extra->nr_chain, 8);
}

static void read_raw(struct mh_rbuf *b, struct mh_ring_extra *extra)
{
	extra->raw_len = half(b);
	extra->raw = mh_rbuf_bytes(b, extra->raw_len);
}

static void skip_branches(struct mh_rbuf *b, const struct mh_ring_layout *l,
			  struct mh_ring_extra *extra)
{
	uint64_t nr = word(b);

	if (l->branch_hw_index)
		word(b);
	skip(b, nr, 24);
	if (l->branch_counters)
		skip(b, nr, 8);
	extra->nr_branches = nr;
}

static void skip_regs(struct mh_rbuf *b, uint64_t mask)
{
	if (word(b) != PERF_SAMPLE_REGS_ABI_NONE)
		skip(b, (uint64_t)__builtin_popcountll(mask), 8);
}

static void read_user_regs(struct mh_rbuf *b, uint64_t mask, struct mh_ring_extra *extra)
{
	extra->regs_abi = word(b);
	if (extra->regs_abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	extra->regs = b->p;
	skip(b, (uint64_t)__builtin_popcountll(mask), 8);
}

/* Of what there is room for, the kernel says how much it could copy. */
static void read_stack(struct mh_rbuf *b, struct mh_ring_extra *extra)
{
	uint64_t size = word(b);

	extra->stack = b->p;
	skip(b, size, 1);
	if (!size)
		return;
	extra->stack_len = word(b);
	if (extra->stack_len > size)
		b->bad = true;
}

static void read_weight(struct mh_rbuf *b, uint64_t type, struct mh_ev_sample *s)
{
	uint64_t v = word(b);

	if (type & PERF_SAMPLE_WEIGHT) {
		s->weight = v;
		return;
	}
	s->weight = (uint32_t)v;
	s->ins_lat = (uint16_t)(v >> 32);
	s->p_stage = (uint16_t)(v >> 48);
}

static uint8_t shift_of(uint64_t page_size)
{
	return page_size ? (uint8_t)__builtin_ctzll(page_size) : 0;
}

static uint8_t flags_of(uint16_t misc)
{
	unsigned flags = 0;

	switch (misc & PERF_RECORD_MISC_CPUMODE_MASK) {
	case PERF_RECORD_MISC_KERNEL:
	case PERF_RECORD_MISC_HYPERVISOR:
		flags |= MH_SAMPLE_KERNEL;
		break;
	case PERF_RECORD_MISC_GUEST_KERNEL:
		flags |= MH_SAMPLE_KERNEL | MH_SAMPLE_GUEST;
		break;
	case PERF_RECORD_MISC_GUEST_USER:
		flags |= MH_SAMPLE_GUEST;
		break;
	default:
		break;
	}
	if (misc & PERF_RECORD_MISC_EXACT_IP)
		flags |= MH_SAMPLE_EXACT_IP;
	return (uint8_t)flags;
}

/* What stands behind CPU and PERIOD: none of it in the records of a software event. */
static void parse_sample_rest(struct mh_ev_sample *s, const struct mh_ring_layout *l,
			      struct mh_rbuf *b, struct mh_ring_extra *extra)
{
	uint64_t type = l->sample_type;

	if (type & PERF_SAMPLE_READ)
		skip_read(b, l->read_format);
	if (type & PERF_SAMPLE_CALLCHAIN)
		read_chain(b, extra);
	if (type & PERF_SAMPLE_RAW)
		read_raw(b, extra);
	if (type & PERF_SAMPLE_BRANCH_STACK)
		skip_branches(b, l, extra);
	if (type & PERF_SAMPLE_REGS_USER)
		read_user_regs(b, l->regs_user, extra);
	if (type & PERF_SAMPLE_STACK_USER)
		read_stack(b, extra);
	if (type & PERF_SAMPLE_WEIGHT_TYPE)
		read_weight(b, type, s);
	if (type & PERF_SAMPLE_DATA_SRC)
		s->data_src = word(b);
	if (type & PERF_SAMPLE_TRANSACTION)
		word(b);
	if (type & PERF_SAMPLE_REGS_INTR)
		skip_regs(b, l->regs_intr);
	if (type & PERF_SAMPLE_PHYS_ADDR)
		s->phys = word(b);
	if (type & PERF_SAMPLE_CGROUP)
		word(b);
	if (type & PERF_SAMPLE_DATA_PAGE_SIZE)
		s->page_shift = shift_of(word(b));
	if (type & PERF_SAMPLE_CODE_PAGE_SIZE)
		word(b);
	if (type & PERF_SAMPLE_AUX) {
		uint64_t size = word(b);

		skip(b, size, 1);
	}
}

#define SAMPLE_FRONT                                                                     \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |  \
	 PERF_SAMPLE_ADDR | PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |   \
	 PERF_SAMPLE_PERIOD)

static void parse_sample(struct mh_event *ev, const struct mh_ring_layout *l,
			 struct mh_rbuf *b, uint16_t misc, struct mh_ring_extra *extra)
{
	struct mh_ev_sample *s = &ev->sample;
	uint64_t type = l->sample_type;

	ev->kind = MH_EV_SAMPLE;
	s->flags = flags_of(misc);
	if (l->exact_ip)
		s->flags |= MH_SAMPLE_EXACT_IP;
	s->event = l->event;
	s->period = l->period;
	if (type & PERF_SAMPLE_IDENTIFIER)
		extra->id = word(b);
	if (type & PERF_SAMPLE_IP)
		s->ip = word(b);
	if (type & PERF_SAMPLE_TID) {
		s->pid = extra->pid = half(b);
		s->tid = extra->tid = half(b);
	}
	if (type & PERF_SAMPLE_TIME)
		ev->time_ns = word(b);
	if (type & PERF_SAMPLE_ADDR) {
		s->addr = word(b);
		s->flags |= MH_SAMPLE_ADDR;
	}
	if (type & PERF_SAMPLE_ID)
		extra->id = word(b);
	if (type & PERF_SAMPLE_STREAM_ID)
		word(b);
	if (type & PERF_SAMPLE_CPU) {
		s->cpu = extra->cpu = half(b);
		half(b);
	}
	if (type & PERF_SAMPLE_PERIOD)
		s->period = word(b);
	if (type & ~(uint64_t)SAMPLE_FRONT)
		parse_sample_rest(s, l, b, extra);
}

/* ---- the other records ---- */

#define TRAILER                                                                          \
	(PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID |   \
	 PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER)

/* Cuts the trailer off the end of @b and reads it. */
static void parse_trailer(struct mh_event *ev, const struct mh_ring_layout *l,
			  struct mh_rbuf *b, struct mh_ring_extra *extra)
{
	uint64_t type = l->sample_id_all ? l->sample_type & TRAILER : 0;
	size_t size = 8 * (size_t)__builtin_popcountll(type);
	struct mh_rbuf t;

	if (size > mh_rbuf_left(b)) {
		b->bad = true;
		return;
	}
	t = mh_rbuf(b->end - size, size);
	t.swap = b->swap;
	b->end -= size;
	if (type & PERF_SAMPLE_TID) {
		extra->pid = half(&t);
		extra->tid = half(&t);
	}
	if (type & PERF_SAMPLE_TIME)
		ev->time_ns = word(&t);
	if (type & PERF_SAMPLE_ID)
		extra->id = word(&t);
	if (type & PERF_SAMPLE_STREAM_ID)
		word(&t);
	if (type & PERF_SAMPLE_CPU)
		extra->cpu = half(&t);
	if (type & PERF_SAMPLE_IDENTIFIER)
		extra->id = word(&t);
}

/* The rest of @b is a string, padded with zeros. */
static const char *string(struct mh_rbuf *b)
{
	size_t len = mh_rbuf_left(b);
	const uint8_t *p = mh_rbuf_bytes(b, len);

	if (!p || !memchr(p, 0, len)) {
		b->bad = true;
		return "";
	}
	return (const char *)p;
}

/*
 * Memory without a file: the kernel's word for its path, and the page number that it
 * keeps for it, are not what /proc/PID/maps says.
 */
static void parse_path(struct mh_ev_map *m, struct mh_rbuf *b)
{
	m->path = string(b);
	if (!strcmp(m->path, "//anon"))
		m->path = "";
	if (m->pid != UINT32_MAX && (!*m->path || *m->path == '['))
		m->pgoff = 0;
}

static void parse_object(struct mh_ev_map *m, struct mh_rbuf *b, uint16_t misc)
{
	if (misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		unsigned len = mh_rbuf_u8(b);
		const uint8_t *id = mh_rbuf_bytes(b, 3 + MH_BUILD_ID_MAX);

		if (!id || len > MH_BUILD_ID_MAX) {
			b->bad = true;
			return;
		}
		memcpy(m->build_id, id + 3, len);
		m->build_id_len = (uint8_t)len;
	} else {
		m->maj = half(b);
		m->min = half(b);
		m->ino = word(b);
		m->ino_gen = word(b);
	}
}

static void parse_mmap(struct mh_event *ev, struct mh_rbuf *b, uint32_t type,
		       uint16_t misc)
{
	struct mh_ev_map *m = &ev->map;
	uint64_t len;

	ev->kind = MH_EV_MAP;
	m->op = MH_MAP_ADD;
	m->pid = half(b);
	half(b);
	m->start = word(b);
	len = word(b);
	m->pgoff = word(b);
	if (type == PERF_RECORD_MMAP2) {
		parse_object(m, b, misc);
		m->prot = (uint8_t)(half(b) & (PROT_READ | PROT_WRITE | PROT_EXEC));
		m->shared = !!(half(b) & MAP_SHARED);
	} else {
		m->prot = misc & PERF_RECORD_MISC_MMAP_DATA ? PROT_READ
							    : PROT_READ | PROT_EXEC;
	}
	parse_path(m, b);
	if (m->start + len < m->start)
		b->bad = true;
	m->end = m->start + len;
}

static void parse_comm(struct mh_event *ev, struct mh_rbuf *b, uint16_t misc)
{
	ev->kind = MH_EV_TASK;
	ev->task.op = misc & PERF_RECORD_MISC_COMM_EXEC ? MH_TASK_EXEC : MH_TASK_COMM;
	ev->task.pid = half(b);
	ev->task.tid = half(b);
	ev->task.comm = string(b);
}

static void parse_task(struct mh_event *ev, struct mh_rbuf *b, enum mh_task_op op)
{
	ev->kind = MH_EV_TASK;
	ev->task.op = (uint8_t)op;
	ev->task.comm = "";
	ev->task.pid = half(b);
	ev->task.ppid = half(b);
	ev->task.tid = half(b);
	half(b);
	ev->time_ns = word(b);
}

static void parse_lost(struct mh_event *ev, uint64_t count, enum mh_lost_cause cause)
{
	ev->kind = MH_EV_LOST;
	ev->lost.count = count;
	ev->lost.cause = (uint8_t)cause;
	ev->lost.start_ns = ev->time_ns;
	ev->lost.cpu = UINT32_MAX;
}

static void parse_throttle(struct mh_event *ev, struct mh_rbuf *b)
{
	ev->time_ns = word(b);
	word(b);
	word(b);
	parse_lost(ev, 1, MH_LOST_THROTTLE);
}

/* A thread's counter at its end. In a group the first is the leader's. */
static void parse_read(struct mh_event *ev, const struct mh_ring_layout *l,
		       struct mh_rbuf *b, struct mh_ring_extra *extra)
{
	struct mh_rbuf from;

	ev->kind = MH_EV_STAT;
	ev->stat.name = "read";
	ev->stat.pid = half(b);
	extra->tid = half(b);
	from = *b;
	skip_read(b, l->read_format);
	if (l->read_format & PERF_FORMAT_GROUP)
		word(&from);
	else
		ev->stat.value = word(&from);
	if (l->read_format & PERF_FORMAT_TOTAL_TIME_ENABLED)
		word(&from);
	if (l->read_format & PERF_FORMAT_TOTAL_TIME_RUNNING)
		word(&from);
	if (l->read_format & PERF_FORMAT_GROUP)
		ev->stat.value = word(&from);
	if (l->read_format & PERF_FORMAT_ID)
		extra->id = word(&from);
	if (from.bad)
		b->bad = true;
}

/* Returns MH_END for a record that says nothing to us. */
static int parse_other(struct mh_event *ev, const struct mh_ring_layout *l,
		       struct mh_rbuf *b, const struct perf_event_header *h,
		       struct mh_ring_extra *extra)
{
	parse_trailer(ev, l, b, extra);
	switch (h->type) {
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		parse_mmap(ev, b, h->type, h->misc);
		return MH_OK;
	case PERF_RECORD_COMM:
		parse_comm(ev, b, h->misc);
		return MH_OK;
	case PERF_RECORD_FORK:
		parse_task(ev, b, MH_TASK_FORK);
		return MH_OK;
	case PERF_RECORD_EXIT:
		parse_task(ev, b, MH_TASK_EXIT);
		return MH_OK;
	case PERF_RECORD_LOST:
		word(b);
		parse_lost(ev, word(b), MH_LOST_RING);
		ev->lost.cpu = extra->cpu;
		return MH_OK;
	case PERF_RECORD_LOST_SAMPLES:
		parse_lost(ev, word(b), MH_LOST_RING);
		ev->lost.cpu = extra->cpu;
		return MH_OK;
	case PERF_RECORD_READ:
		parse_read(ev, l, b, extra);
		return MH_OK;
	case PERF_RECORD_THROTTLE:
		parse_throttle(ev, b);
		ev->lost.cpu = extra->cpu;
		return MH_OK;
	case PERF_RECORD_AUX:
		extra->aux_offset = word(b);
		extra->aux_size = word(b);
		extra->aux_flags = word(b);
		return MH_END;
	default:
		return MH_END;
	}
}

int mh_ring_parse(struct mh_event *ev, const struct mh_ring_layout *layout,
		  const uint8_t *record, size_t len, struct mh_ring_extra *extra)
{
	struct mh_ring_extra unwanted;
	struct perf_event_header h;
	struct mh_rbuf b;
	int ret = MH_OK;

	b = mh_rbuf(record, len);
	b.swap = layout->swapped;
	h.type = half(&b);
	h.misc = mh_rbuf_host_u16(&b);
	h.size = mh_rbuf_host_u16(&b);
	if (b.bad || h.size != len)
		return MH_EFORMAT;
	if (!extra)
		extra = &unwanted;
	*extra = (struct mh_ring_extra){ .pid = UINT32_MAX,
					 .cpu = UINT32_MAX,
					 .tid = UINT32_MAX };
	*ev = (struct mh_event){ 0 };
	if (h.type == PERF_RECORD_SAMPLE)
		parse_sample(ev, layout, &b, h.misc, extra);
	else
		ret = parse_other(ev, layout, &b, &h, extra);
	if (b.bad || (ret == MH_OK && mh_rbuf_left(&b) && !layout->longer))
		return MH_EFORMAT;
	return ret;
}
