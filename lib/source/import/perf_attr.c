/* SPDX-License-Identifier: MIT */
/*
 * struct perf_event_attr by its offsets, which never change: newer kernels only add to
 * the end. Its bit field is counted from the other end on big-endian machines, so it is
 * turned around bit by bit there; of the fields with several bits only precise_ip is
 * used.
 */
#include "source/import/perf_attr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define ATTR_SIZE_MIN   64
#define ATTR_SIZE_MAX   4096 /* one page, as the kernel demands */
#define KNOWN_SAMPLE    (((uint64_t)PERF_SAMPLE_WEIGHT_STRUCT << 1) - 1)
#define KNOWN_READ      0x1fu
#define BRANCH_HW_INDEX (1u << 17)
#define BRANCH_COUNTERS (1u << 19)

void mh_perf_attrs_fini(struct perf_attrs *attrs)
{
	size_t i;

	for (i = 0; i < attrs->nr; i++) {
		free(attrs->v[i].name);
		free(attrs->v[i].pmu);
	}
	free(attrs->v);
	free(attrs->ids);
	*attrs = (struct perf_attrs){ 0 };
}

static uint64_t turned(uint64_t v)
{
	uint64_t out = 0, precise;
	unsigned i;

	for (i = 0; i < 64; i++)
		out |= (v >> i & 1) << (63 - i);
	precise = out >> 15 & 3;
	out &= ~(3ull << 15);
	return out | ((precise & 1) << 1 | precise >> 1) << 15;
}

static bool is_big_endian(bool swapped)
{
	return (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) != swapped;
}

static void read_fields(struct perf_attr *a, struct mh_rbuf *b)
{
	uint64_t branch;

	a->type = mh_rbuf_host_u32(b);
	a->size = mh_rbuf_host_u32(b);
	a->config = mh_rbuf_host_u64(b);
	a->period = mh_rbuf_host_u64(b);
	a->layout.sample_type = mh_rbuf_host_u64(b);
	a->layout.read_format = mh_rbuf_host_u64(b);
	a->flags = mh_rbuf_host_u64(b);
	if (is_big_endian(b->swap))
		a->flags = turned(a->flags);
	mh_rbuf_host_u32(b); /* wakeup */
	mh_rbuf_host_u32(b); /* bp_type */
	a->config1 = mh_rbuf_host_u64(b);
	/* Here the first version ends; the others may, too. */
	b->bad = false;
	a->config2 = mh_rbuf_host_u64(b);
	branch = mh_rbuf_host_u64(b);
	a->layout.branch_hw_index = branch & BRANCH_HW_INDEX;
	a->layout.branch_counters = branch & BRANCH_COUNTERS;
	a->layout.regs_user = mh_rbuf_host_u64(b);
	mh_rbuf_host_u32(b); /* sample_stack_user */
	a->clockid = mh_rbuf_host_u32(b);
	a->layout.regs_intr = mh_rbuf_host_u64(b);
}

/*
 * A fault's IP is the instruction that faulted, which the kernel has no need to say. Of
 * hardware events it says so sample by sample, and where it does not, it failed to find
 * the instruction, however precise the event was to be. A breakpoint on data stops x86
 * behind the instruction.
 */
static void settle(struct perf_attr *a, size_t index)
{
	a->layout.sample_id_all = a->flags >> 18 & 1;
	a->layout.period = a->flags & PERF_ATTR_FREQ ? 1 : a->period;
	a->layout.event = (uint16_t)index;
	a->layout.longer = a->layout.sample_type & ~KNOWN_SAMPLE ||
			   a->layout.read_format & ~(uint64_t)KNOWN_READ;
	if (a->type == PERF_TYPE_SOFTWARE &&
	    (a->config == PERF_COUNT_SW_PAGE_FAULTS ||
	     a->config == PERF_COUNT_SW_PAGE_FAULTS_MIN ||
	     a->config == PERF_COUNT_SW_PAGE_FAULTS_MAJ))
		a->meaning = PERF_FAULT;
	a->layout.exact_ip = a->meaning == PERF_FAULT;
	if (a->type == PERF_TYPE_BREAKPOINT)
		a->meaning = PERF_BREAKPOINT;
}

int mh_perf_attrs_add(struct perf_attrs *attrs, struct mh_rbuf *b, uint32_t size,
		      struct mh_err *err)
{
	struct perf_attr *a;
	struct mh_rbuf own = *b;

	if (attrs->nr >= MH_PERF_ATTRS_MAX)
		return mh_fail(err, MH_EFORMAT, "it has more than %u events",
			       MH_PERF_ATTRS_MAX);
	mh_rbuf_host_u32(&own);
	if (!size)
		size = mh_rbuf_host_u32(&own);
	if (!size)
		size = ATTR_SIZE_MIN; /* version 0 */
	if (size < ATTR_SIZE_MIN || size > ATTR_SIZE_MAX || size > mh_rbuf_left(b))
		return mh_fail(err, MH_EFORMAT,
			       "the attributes of an event take %u bytes", size);
	a = mh_vec_push(attrs);
	if (!a)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	own = mh_rbuf(mh_rbuf_bytes(b, size), size);
	own.swap = a->layout.swapped = b->swap;
	read_fields(a, &own);
	settle(a, attrs->nr - 1);
	return MH_OK;
}

/* ---- ids ---- */

static size_t slot_of(const struct perf_attrs *attrs, uint64_t id)
{
	size_t i = (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (attrs->nr_slots - 1);

	while (attrs->ids[i].attr && attrs->ids[i].id != id)
		i = (i + 1) & (attrs->nr_slots - 1);
	return i;
}

static int grow_ids(struct perf_attrs *attrs)
{
	struct perf_attrs old = *attrs;
	size_t i;

	attrs->nr_slots = old.nr_slots ? old.nr_slots * 2 : 256;
	attrs->ids = calloc(attrs->nr_slots, sizeof(*attrs->ids));
	if (!attrs->ids) {
		*attrs = old;
		return -1;
	}
	for (i = 0; i < old.nr_slots; i++)
		if (old.ids[i].attr)
			attrs->ids[slot_of(attrs, old.ids[i].id)] = old.ids[i];
	free(old.ids);
	return 0;
}

int mh_perf_attrs_add_id(struct perf_attrs *attrs, uint64_t id, size_t attr,
			 struct mh_err *err)
{
	size_t i;

	if (attrs->nr_ids >= MH_PERF_IDS_MAX)
		return mh_fail(err, MH_EFORMAT, "its events have more than %u ids",
			       MH_PERF_IDS_MAX);
	if (attrs->nr_ids * 2 >= attrs->nr_slots && grow_ids(attrs))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	i = slot_of(attrs, id);
	attrs->nr_ids += !attrs->ids[i].attr;
	attrs->ids[i].id = id;
	attrs->ids[i].attr = (uint32_t)attr + 1;
	return MH_OK;
}

struct perf_attr *mh_perf_attrs_by_id(const struct perf_attrs *attrs, uint64_t id)
{
	size_t i;

	if (!attrs->nr_slots)
		return NULL;
	i = slot_of(attrs, id);
	return attrs->ids[i].attr ? &attrs->v[attrs->ids[i].attr - 1] : NULL;
}

/* Where the id is, counted from the start of a sample or from the end of another record;
 * 0: nowhere. All events of a recording agree on it. */
static size_t id_at(uint64_t type, bool sample)
{
	const uint64_t before =
		PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR;
	const uint64_t behind = PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU;

	if (type & PERF_SAMPLE_IDENTIFIER)
		return 8;
	if (!(type & PERF_SAMPLE_ID))
		return 0;
	if (sample)
		return 8 + 8 * (size_t)__builtin_popcountll(type & before);
	return 8 + 8 * (size_t)__builtin_popcountll(type & behind);
}

struct perf_attr *mh_perf_attrs_of(const struct perf_attrs *attrs, const uint8_t *record,
				   size_t len, uint32_t type)
{
	const struct mh_ring_layout *l = &attrs->v[0].layout;
	bool sample = type == PERF_RECORD_SAMPLE;
	struct perf_attr *a;
	struct mh_rbuf b;
	uint64_t id;
	size_t at;

	if (attrs->nr == 1 || (!sample && !l->sample_id_all))
		return &attrs->v[0];
	at = id_at(l->sample_type, sample);
	if (!at)
		return &attrs->v[0];
	if (at + 8 > len)
		return NULL;
	b = mh_rbuf(record + (sample ? at : len - at), 8);
	b.swap = l->swapped;
	id = mh_rbuf_host_u64(&b);
	a = mh_perf_attrs_by_id(attrs, id);
	/* What perf itself adds has no id. */
	return a || sample || id ? a : &attrs->v[0];
}

/* ---- names ---- */

bool mh_perf_attr_generic_name(char *out, size_t size, const struct perf_attr *a)
{
	static const char *const hardware[] = {
		"cycles",
		"instructions",
		"cache-references",
		"cache-misses",
		"branches",
		"branch-misses",
		"bus-cycles",
		"stalled-cycles-frontend",
		"stalled-cycles-backend",
		"ref-cycles",
	};
	static const char *const software[] = {
		"cpu-clock",        "task-clock",   "page-faults",  "context-switches",
		"cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
		"emulation-faults", "dummy",        "bpf-output",   "cgroup-switches",
	};
	/* Hybrid machines have the PMU in the upper half. */
	uint64_t low = a->config & 0xffffffff;

	if (a->type == PERF_TYPE_HARDWARE && low < sizeof(hardware) / sizeof(hardware[0]))
		snprintf(out, size, "%s", hardware[low]);
	else if (a->type == PERF_TYPE_SOFTWARE &&
		 a->config < sizeof(software) / sizeof(software[0]))
		snprintf(out, size, "%s", software[a->config]);
	else if (a->type == PERF_TYPE_BREAKPOINT)
		snprintf(out, size, "mem:0x%llx", (unsigned long long)a->config1);
	else
		return false;
	return true;
}
