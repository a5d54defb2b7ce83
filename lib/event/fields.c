/* SPDX-License-Identifier: MIT */
/*
 * The field tables: one line per member of each event kind. The text form, the tail file
 * and the generic table blocks are made from them, so a new member is one new line here
 * (at the end: the order is part of the trace format).
 */
#include <memheat/event.h>

#include <string.h>

#define COUNT(a)       (sizeof(a) / sizeof((a)[0]))
#define AT(kind, name) #name, offsetof(struct mh_event, kind.name)

#define DEC(kind, name, type)                                                            \
	{                                                                                \
		AT(kind, name), MH_FIELD_##type, MH_BASE_DEC, 0, NULL                    \
	}
#define HEX(kind, name, type)                                                            \
	{                                                                                \
		AT(kind, name), MH_FIELD_##type, MH_BASE_HEX, 0, NULL                    \
	}
#define OPT(kind, name, type, absent)                                                    \
	{                                                                                \
		AT(kind, name), MH_FIELD_##type, MH_BASE_DEC, absent, NULL               \
	}
#define NAME(kind, name, fn)                                                             \
	{                                                                                \
		AT(kind, name), MH_FIELD_U8, MH_BASE_NAME, UINT64_MAX, fn                \
	}
#define STR(kind, name)                                                                  \
	{                                                                                \
		AT(kind, name), MH_FIELD_STRING, MH_BASE_DEC, 0, NULL                    \
	}
#define BITS(kind, name)                                                                 \
	{                                                                                \
		AT(kind, name), MH_FIELD_BITMAP, MH_BASE_DEC, 0, NULL                    \
	}

#define BLOB(kind, name)                                                                 \
	{                                                                                \
		AT(kind, name), MH_FIELD_BLOB, MH_BASE_HEX, 0, NULL                      \
	}

/* clang-format off */
static const struct mh_field meta_fields[] = {
	STR(meta, key),
	STR(meta, value),
};

static const struct mh_field map_fields[] = {
	NAME(map, op, mh_map_op_name),
	DEC(map, pid, U32),
	HEX(map, start, U64),
	HEX(map, end, U64),
	HEX(map, pgoff, U64),
	DEC(map, prot, U8),
	DEC(map, shared, U8),
	DEC(map, maj, U32),
	DEC(map, min, U32),
	DEC(map, ino, U64),
	DEC(map, ino_gen, U64),
	STR(map, path),
	{ AT(map, build_id), MH_FIELD_BUILD_ID, MH_BASE_HEX, 0, NULL },
};

static const struct mh_field task_fields[] = {
	NAME(task, op, mh_task_op_name),
	DEC(task, pid, U32),
	DEC(task, tid, U32),
	DEC(task, ppid, U32),
	STR(task, comm),
};

static const struct mh_field sample_fields[] = {
	DEC(sample, pid, U32),
	DEC(sample, tid, U32),
	DEC(sample, cpu, U32),
	HEX(sample, ip, U64),
	HEX(sample, addr, U64),
	HEX(sample, phys, U64),
	HEX(sample, data_src, U64),
	DEC(sample, weight, U64),
	DEC(sample, ins_lat, U16),
	DEC(sample, p_stage, U16),
	OPT(sample, period, U64, 1),
	DEC(sample, event, U16),
	DEC(sample, flags, U8),
	DEC(sample, page_shift, U8),
	DEC(sample, stack, U32),
};

static const struct mh_field region_fields[] = {
	DEC(region, start_ns, U64),
	DEC(region, pid, U32),
	HEX(region, start, U64),
	HEX(region, end, U64),
	DEC(region, nr_accesses, U32),
	DEC(region, max_accesses, U32),
	OPT(region, age, U32, MH_NO_AGE),
	OPT(region, touched, U64, MH_NO_BYTES),
};

static const struct mh_field pages_fields[] = {
	DEC(pages, start_ns, U64),
	DEC(pages, pid, U32),
	HEX(pages, start, U64),
	DEC(pages, nr_pages, U64),
	DEC(pages, page_shift, U8),
	NAME(pages, layer, mh_pages_layer_name),
	BITS(pages, accessed),
	BITS(pages, observed),
};

static const struct mh_field footprint_fields[] = {
	DEC(footprint, pid, U32),
	HEX(footprint, start, U64),
	HEX(footprint, end, U64),
	DEC(footprint, rss, U64),
	DEC(footprint, pss, U64),
	DEC(footprint, swap, U64),
	DEC(footprint, huge, U64),
};

static const struct mh_field stat_fields[] = {
	STR(stat, name),
	DEC(stat, pid, U32),
	DEC(stat, value, U64),
};

static const struct mh_field lost_fields[] = {
	NAME(lost, cause, mh_lost_cause_name),
	DEC(lost, start_ns, U64),
	OPT(lost, cpu, U32, UINT32_MAX),
	DEC(lost, count, U64),
};

static const struct mh_field gap_fields[] = {
	NAME(gap, cause, mh_gap_cause_name),
	DEC(gap, start_ns, U64),
	DEC(gap, pid, U32),
};

static const struct mh_field heap_fields[] = {
	NAME(heap, op, mh_heap_op_name),
	DEC(heap, pid, U32),
	HEX(heap, addr, U64),
	DEC(heap, size, U64),
	DEC(heap, stack, U32),
};

static const struct mh_field stack_fields[] = {
	DEC(stack, id, U32),
	DEC(stack, parent, U32),
	HEX(stack, ip, U64),
};

static const struct mh_field stack_copy_fields[] = {
	DEC(stack_copy, pid, U32),
	DEC(stack_copy, tid, U32),
	DEC(stack_copy, id, U32),
	DEC(stack_copy, inner, U32),
	DEC(stack_copy, machine, U16),
	BLOB(stack_copy, regs),
	HEX(stack_copy, sp, U64),
	BLOB(stack_copy, stack),
};
/* clang-format on */

#define TABLE(kind, name) [kind] = { name##_fields, COUNT(name##_fields) }

const struct mh_field *mh_event_fields(enum mh_event_kind kind, size_t *nr)
{
	static const struct {
		const struct mh_field *fields;
		size_t nr;
	} tables[MH_NR_EVENT_KINDS] = {
		TABLE(MH_EV_META, meta),
		TABLE(MH_EV_MAP, map),
		TABLE(MH_EV_TASK, task),
		TABLE(MH_EV_SAMPLE, sample),
		TABLE(MH_EV_REGION, region),
		TABLE(MH_EV_PAGES, pages),
		TABLE(MH_EV_STAT, stat),
		TABLE(MH_EV_FOOTPRINT, footprint),
		TABLE(MH_EV_LOST, lost),
		TABLE(MH_EV_GAP, gap),
		TABLE(MH_EV_STACK, stack),
		TABLE(MH_EV_HEAP, heap),
		TABLE(MH_EV_STACK_COPY, stack_copy),
	};

	mh_assert(kind < MH_NR_EVENT_KINDS && tables[kind].fields);
	*nr = tables[kind].nr;
	return tables[kind].fields;
}

uint64_t mh_field_get(const struct mh_field *f, const struct mh_event *ev)
{
	const char *p = (const char *)ev + f->offset;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (f->type) {
	case MH_FIELD_U8:
		return *(const uint8_t *)p;
	case MH_FIELD_U16:
		memcpy(&u16, p, sizeof(u16));
		return u16;
	case MH_FIELD_U32:
		memcpy(&u32, p, sizeof(u32));
		return u32;
	default:
		mh_assert(f->type == MH_FIELD_U64);
		memcpy(&u64, p, sizeof(u64));
		return u64;
	}
}

void mh_field_set(const struct mh_field *f, struct mh_event *ev, uint64_t value)
{
	char *p = (char *)ev + f->offset;
	uint16_t u16 = (uint16_t)value;
	uint32_t u32 = (uint32_t)value;

	switch (f->type) {
	case MH_FIELD_U8:
		*(uint8_t *)p = (uint8_t)value;
		break;
	case MH_FIELD_U16:
		memcpy(p, &u16, sizeof(u16));
		break;
	case MH_FIELD_U32:
		memcpy(p, &u32, sizeof(u32));
		break;
	default:
		mh_assert(f->type == MH_FIELD_U64);
		memcpy(p, &value, sizeof(value));
	}
}

uint64_t mh_field_max(const struct mh_field *f)
{
	switch (f->type) {
	case MH_FIELD_U8:
		return UINT8_MAX;
	case MH_FIELD_U16:
		return UINT16_MAX;
	case MH_FIELD_U32:
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

void mh_event_init(struct mh_event *ev, enum mh_event_kind kind)
{
	const struct mh_field *f;
	size_t i, nr;

	memset(ev, 0, sizeof(*ev));
	ev->kind = kind;
	f = mh_event_fields(kind, &nr);
	for (i = 0; i < nr; i++) {
		const char *empty = "";

		if (f[i].type == MH_FIELD_STRING)
			memcpy((char *)ev + f[i].offset, &empty, sizeof(empty));
		else if (f[i].type <= MH_FIELD_U64 && f[i].base != MH_BASE_NAME)
			mh_field_set(&f[i], ev, f[i].absent);
	}
}
