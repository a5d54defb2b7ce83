/* SPDX-License-Identifier: MIT */
/*
 * Records that make events. Every sample is kept, with an address or without; the only
 * samples that become something else are DAMON's, which are regions. What the trace has
 * no place for (branches, AUX data but Arm SPE's) is counted and the counts are told.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "source/import/perf_import.h"

/* ---- what the events are ---- */

static enum perf_source source_of(const struct perf_attr *a)
{
	switch (a->meaning) {
	case PERF_FAULT:
	case PERF_TRACE_FAULT:
		return PERF_SOURCE_FAULTS;
	case PERF_DAMON:
		return PERF_SOURCE_DAMON;
	case PERF_PLAIN:
	case PERF_BREAKPOINT:
	case PERF_IBS_OP:
	default:
		return PERF_SOURCE_SAMPLES;
	}
}

static uint16_t source_id(const struct perf_import *p, enum perf_source source)
{
	return (uint16_t)(p->first_source + source);
}

static const char *pmu_of(const struct perf_import *p, uint32_t type)
{
	size_t i;

	for (i = 0; i < p->pmus.nr; i++)
		if (p->pmus.v[i].type == type)
			return p->pmus.v[i].name;
	return NULL;
}

static bool named(const struct perf_attr *a, const char *name)
{
	return a->name && !strncmp(a->name, name, strlen(name));
}

static int name_attr(struct perf_import *p, struct perf_attr *a, struct mh_err *err)
{
	const struct perf_format *f = NULL;
	const char *pmu = pmu_of(p, a->type);
	char name[128];

	if (a->type == PERF_TYPE_TRACEPOINT)
		f = mh_perf_formats_find(&p->formats, a->config);
	if (pmu && !a->pmu)
		a->pmu = strdup(pmu);
	if (!a->name) {
		if (f)
			snprintf(name, sizeof(name), "%s", f->name);
		else if (!mh_perf_attr_generic_name(name, sizeof(name), a))
			snprintf(name, sizeof(name),
				 "%s%" PRIu32 "/config=0x%" PRIx64 "/",
				 pmu ? pmu : "type ", a->type, a->config);
		a->name = strdup(name);
	}
	if (!a->name)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (pmu && !strcmp(pmu, "ibs_op"))
		a->meaning = PERF_IBS_OP;
	else if (a->type == PERF_TYPE_TRACEPOINT && named(a, "damon:damon_aggregated"))
		a->meaning = PERF_DAMON;
	else if (a->type == PERF_TYPE_TRACEPOINT && named(a, "exceptions:page_fault_"))
		a->meaning = PERF_TRACE_FAULT;
	return MH_OK;
}

static int perf_begin(struct perf_import *p, struct mh_err *err)
{
	int ret = MH_OK;
	size_t i;

	for (i = 0; i < p->attrs.nr && !ret; i++)
		ret = name_attr(p, &p->attrs.v[i], err);
	p->started = true;
	return ret;
}

/* ---- META ---- */

static int tell(struct perf_import *p, enum perf_source source, const char *name,
		const char *value, struct mh_err *err)
{
	char key[96];

	snprintf(key, sizeof(key), "source.%u.%s", source_id(p, source), name);
	return mh_perf_meta(p, err, key, "%s", value);
}

static const char *clock_name(const struct perf_attr *a)
{
	static const char *const names[] = {
		"realtime", "monotonic", NULL,       NULL, "monotonic_raw",
		NULL,       NULL,        "boottime", NULL, NULL,
		NULL,       "tai"
	};
	const size_t nr = sizeof(names) / sizeof(names[0]);

	if (!(a->layout.sample_type & PERF_SAMPLE_TIME))
		return "none";
	if (!(a->flags & PERF_ATTR_USE_CLOCKID))
		return "perf";
	return a->clockid < nr && names[a->clockid] ? names[a->clockid] : "other";
}

static int tell_source(struct perf_import *p, enum perf_source source,
		       const struct perf_attr *a, struct mh_err *err)
{
	static const struct {
		const char *name, *unit;
	} words[PERF_NR_SOURCES] = {
		[PERF_SOURCE_SAMPLES] = { "perf", "samples x period" },
		[PERF_SOURCE_FAULTS] = { "faults", "first touches (page faults)" },
		[PERF_SOURCE_DAMON] = { "damon", "accesses of checks" },
	};
	int ret;

	if (p->source_told[source])
		return MH_OK;
	p->source_told[source] = true;
	ret = tell(p, source, "name", words[source].name, err);
	if (!ret)
		ret = tell(p, source, "unit", words[source].unit, err);
	if (!ret)
		ret = tell(p, source, "clock", clock_name(a), err);
	if (!ret && source == PERF_SOURCE_DAMON)
		ret = tell(p, source, "checks",
			   "20, DAMON's default: the recording does not tell", err);
	return ret;
}

static int tell_u64(struct perf_import *p, const struct perf_attr *a, const char *what,
		    const char *fmt, uint64_t value, struct mh_err *err)
{
	char name[64], text[32];

	snprintf(name, sizeof(name), "event.%u%s%s", a->layout.event, *what ? "." : "",
		 what);
	snprintf(text, sizeof(text), *fmt == 'x' ? "0x%" PRIx64 : "%" PRIu64, value);
	return tell(p, source_of(a), name, text, err);
}

static int tell_attr(struct perf_import *p, struct perf_attr *a, struct mh_err *err)
{
	enum perf_source source = source_of(a);
	char name[64];
	int ret;

	a->told = true;
	ret = tell_source(p, source, a, err);
	snprintf(name, sizeof(name), "event.%u", a->layout.event);
	if (!ret)
		ret = tell(p, source, name, a->name, err);
	snprintf(name, sizeof(name), "event.%u.pmu", a->layout.event);
	if (!ret && a->pmu)
		ret = tell(p, source, name, a->pmu, err);
	if (!ret)
		ret = tell_u64(p, a, a->flags & PERF_ATTR_FREQ ? "freq" : "period", "u",
			       a->period, err);
	if (!ret)
		ret = tell_u64(p, a, "precise", "u", PERF_ATTR_PRECISE(a), err);
	if (!ret)
		ret = tell_u64(p, a, "type", "u", a->type, err);
	if (!ret)
		ret = tell_u64(p, a, "config", "x", a->config, err);
	if (!ret && a->config1)
		ret = tell_u64(p, a, "config1", "x", a->config1, err);
	if (!ret && a->config2)
		ret = tell_u64(p, a, "config2", "x", a->config2, err);
	if (!ret)
		ret = tell_u64(p, a, "sample_type", "x", a->layout.sample_type, err);
	return ret;
}

/* ---- samples ---- */

static void note_extra(struct perf_import *p, const struct mh_ring_extra *extra)
{
	p->count.chains += extra->nr_chain != 0;
	p->count.stacks += extra->stack_len != 0;
	p->count.branches += extra->nr_branches != 0;
	p->count.raws += extra->raw != NULL;
}

/* The ADDR of an event that has none is 0. Only a fault or a breakpoint may mean it. */
static void judge_addr(const struct perf_attr *a, struct mh_ev_sample *s)
{
	if (!s->addr && a->meaning != PERF_FAULT && a->meaning != PERF_BREAKPOINT)
		s->flags &= (uint8_t)~MH_SAMPLE_ADDR;
}

static void fill_ibs(struct perf_import *p, const struct perf_attr *a,
		     struct mh_ev_sample *s, const struct mh_ring_extra *extra)
{
	struct mh_ev_sample full = *s;
	struct mh_ibs_op op;
	struct mh_mem_access access;

	if (extra->raw && !mh_ibs_op_read(&op, extra->raw, extra->raw_len)) {
		mh_ibs_op_fill(&full, &op, &p->cpu);
		/* What the kernel said itself is kept: it knew its CPU. */
		if (!(a->layout.sample_type & PERF_SAMPLE_DATA_SRC))
			s->data_src = full.data_src;
		if (!(a->layout.sample_type & PERF_SAMPLE_WEIGHT_TYPE)) {
			s->weight = full.weight;
			s->ins_lat = full.ins_lat;
		}
		if (!(a->layout.sample_type & PERF_SAMPLE_PHYS_ADDR))
			s->phys = full.phys;
		if (!(s->flags & MH_SAMPLE_ADDR)) {
			s->addr = full.addr;
			s->flags = full.flags;
		}
	}
	mh_mem_access_decode(&access, s->data_src);
	p->count.nonmem += access.op == MH_MEM_OP_UNKNOWN;
}

static void fill_trace_fault(struct perf_import *p, const struct perf_attr *a,
			     struct mh_ev_sample *s, const struct mh_ring_extra *extra)
{
	static const struct perf_format usual = { .field = {
							  [FIELD_ADDRESS] = { 8, 8 } } };
	const struct perf_format *f = mh_perf_formats_find(&p->formats, a->config);

	if (!extra->raw)
		return;
	s->addr = mh_perf_field_get(f && f->field[FIELD_ADDRESS].size ? f : &usual,
				    FIELD_ADDRESS, extra->raw, extra->raw_len, p->swap);
	s->flags |= MH_SAMPLE_ADDR;
}

static int order_sink(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	return mh_perf_order_add(arg, ev, err);
}

static int add_region(struct perf_import *p, const struct perf_attr *a,
		      const struct mh_event *ev, const struct mh_ring_extra *extra,
		      struct mh_err *err)
{
	const struct perf_format *f = mh_perf_formats_find(&p->formats, a->config);
	const uint8_t *raw = extra->raw;
	size_t len = extra->raw_len;
	struct perf_damon_row row = { .time_ns = ev->time_ns };

	if (!f || !f->field[FIELD_START].size)
		f = &mh_perf_format_damon;
	if (!raw || len < 8) {
		p->count.malformed++;
		return MH_OK;
	}
	row.target = mh_perf_field_get(f, FIELD_TARGET_ID, raw, len, p->swap);
	row.nr_regions =
		(uint32_t)mh_perf_field_get(f, FIELD_NR_REGIONS, raw, len, p->swap);
	row.start = mh_perf_field_get(f, FIELD_START, raw, len, p->swap);
	row.end = mh_perf_field_get(f, FIELD_END, raw, len, p->swap);
	row.nr_accesses =
		(uint32_t)mh_perf_field_get(f, FIELD_NR_ACCESSES, raw, len, p->swap);
	row.age = f->field[FIELD_AGE].size
			  ? (uint32_t)mh_perf_field_get(f, FIELD_AGE, raw, len, p->swap)
			  : MH_NO_AGE;
	return mh_perf_damon_add(&p->damon, &row, source_id(p, PERF_SOURCE_DAMON),
				 order_sink, &p->order, err);
}

static void note_time(struct perf_import *p, uint64_t time_ns)
{
	if (!time_ns)
		return;
	if (!p->first_ns || time_ns < p->first_ns)
		p->first_ns = time_ns;
	if (time_ns > p->last_ns)
		p->last_ns = time_ns;
}

/* Where the stream begins before the features, the registers tell the machine. */
static uint16_t machine_of(const struct perf_import *p, uint64_t mask)
{
	uint64_t arm = mh_copies_mask(MH_MACHINE_AARCH64);

	if (p->machine)
		return p->machine;
	return (mask & arm) == arm ? MH_MACHINE_AARCH64 : MH_MACHINE_X86_64;
}

static int add_chain(struct perf_import *p, const struct perf_attr *a,
		     struct mh_event *ev, const struct mh_ring_extra *extra,
		     struct mh_err *err)
{
	const uint64_t mask = a->layout.regs_user;
	const struct mh_stack_sample s = { .abi = extra->regs_abi,
					   .mask = mask,
					   .regs = extra->regs,
					   .stack = extra->stack,
					   .stack_len = extra->stack_len,
					   .swapped = p->swap };
	uint32_t *id = &ev->sample.stack;
	int ret = MH_OK;

	if (extra->nr_chain)
		ret = mh_chains_put(&p->chains[source_of(a)], id, ev, extra->chain,
				    (size_t)extra->nr_chain, p->swap, p->fn, p->arg, err);
	if (!ret && a->layout.sample_type & PERF_SAMPLE_STACK_USER)
		ret = mh_copies_put(&p->copies[source_of(a)], id, ev, machine_of(p, mask),
				    &s, *id, p->fn, p->arg, err);
	return ret;
}

static int add_sample(struct perf_import *p, struct perf_attr *a, struct mh_event *ev,
		      const struct mh_ring_extra *extra, struct mh_err *err)
{
	struct mh_ev_sample *s = &ev->sample;
	int ret = MH_OK;

	if (!a->told)
		ret = tell_attr(p, a, err);
	if (ret)
		return ret;
	p->count.samples++;
	a->samples++;
	note_time(p, ev->time_ns);
	note_extra(p, extra);
	if (a->meaning == PERF_DAMON)
		return add_region(p, a, ev, extra, err);
	if (a->meaning == PERF_TRACE_FAULT)
		fill_trace_fault(p, a, s, extra);
	judge_addr(a, s);
	if (a->meaning == PERF_IBS_OP)
		fill_ibs(p, a, s, extra);
	p->count.with_addr += !!(s->flags & MH_SAMPLE_ADDR);
	ev->source = source_id(p, source_of(a));
	ret = add_chain(p, a, ev, extra, err);
	return ret ? ret : mh_perf_order_add(&p->order, ev, err);
}

int mh_perf_made(struct perf_import *p, struct perf_attr *a, struct mh_event *ev,
		 struct mh_err *err)
{
	int ret = p->started ? MH_OK : perf_begin(p, err);

	if (!ret && !a->told)
		ret = tell_attr(p, a, err);
	if (ret)
		return ret;
	a->samples++;
	note_time(p, ev->time_ns);
	p->count.with_addr += !!(ev->sample.flags & MH_SAMPLE_ADDR);
	ev->source = source_id(p, source_of(a));
	return mh_perf_order_add(&p->order, ev, err);
}

/* ---- the other records ---- */

static void add_build_id(const struct perf_import *p, struct mh_ev_map *m)
{
	size_t i;

	if (m->build_id_len || !*m->path)
		return;
	for (i = 0; i < p->build_ids.nr; i++) {
		const struct perf_build_id *b = &p->build_ids.v[i];

		if (strcmp(b->path, m->path))
			continue;
		memcpy(m->build_id, b->id, b->len);
		m->build_id_len = b->len;
		return;
	}
}

static int add_read(struct perf_import *p, const struct perf_attr *a, struct mh_event *ev,
		    struct mh_err *err)
{
	char name[64];

	snprintf(name, sizeof(name), "event.%u.count", a->layout.event);
	ev->stat.name = name;
	ev->source = source_id(p, source_of(a));
	if (!ev->time_ns)
		ev->time_ns = p->last_ns;
	p->count.reads++;
	return mh_perf_order_add(&p->order, ev, err);
}

static int add_other(struct perf_import *p, const struct perf_attr *a,
		     struct mh_event *ev, struct mh_err *err)
{
	ev->source = source_id(p, PERF_SOURCE_SAMPLES);
	if (ev->kind == MH_EV_MAP) {
		add_build_id(p, &ev->map);
	} else if (ev->kind == MH_EV_TASK) {
		mh_perf_spe_task(p, ev->task.pid, ev->task.tid);
		/* perf tells of what was there before as a fork at no time. */
		if (ev->task.op == MH_TASK_FORK && !ev->time_ns)
			ev->task.op = MH_TASK_FOUND;
	} else if (ev->kind == MH_EV_LOST) {
		ev->source = source_id(p, source_of(a));
		if (!ev->time_ns)
			ev->time_ns = ev->lost.start_ns = p->last_ns;
		if (ev->lost.cause == MH_LOST_THROTTLE)
			p->count.throttled += ev->lost.count;
		else
			p->count.lost += ev->lost.count;
	} else if (ev->kind == MH_EV_STAT) {
		return add_read(p, a, ev, err);
	}
	return mh_perf_order_add(&p->order, ev, err);
}

static int malformed(struct perf_import *p, const char *what, uint64_t at)
{
	if (!p->count.malformed++)
		mh_perf_damaged(
			p, "%s: %s at byte %" PRIu64 " is not laid out as its event says",
			p->in->name, what, at);
	return MH_OK;
}

/* Records that carry nothing for the trace; counted where a person may miss it. */
static bool is_passed_over(struct perf_import *p, uint32_t type, const uint8_t *record,
			   size_t len)
{
	struct mh_rbuf b = mh_rbuf(record, len);

	switch (type) {
	case PERF_RECORD_AUX:
		b.swap = p->swap;
		mh_rbuf_host_u64(&b); /* header */
		mh_rbuf_host_u64(&b); /* offset */
		mh_rbuf_host_u64(&b); /* size; counted with the data */
		p->count.aux_truncated += mh_rbuf_host_u64(&b) & 1;
		return true;
	case PERF_RECORD_SWITCH:
	case PERF_RECORD_SWITCH_CPU_WIDE:
		p->count.switches++;
		mh_perf_spe_switch(p, record, len);
		return true;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
	case PERF_RECORD_COMM:
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
	case PERF_RECORD_THROTTLE:
	case PERF_RECORD_READ:
	case PERF_RECORD_SAMPLE:
		return false;
	default:
		p->count.other++;
		return true;
	}
}

int mh_perf_record(struct perf_import *p, const uint8_t *record, size_t len, uint64_t at,
		   struct mh_err *err)
{
	struct mh_rbuf head = mh_rbuf(record, len);
	struct mh_ring_extra extra;
	struct perf_attr *a;
	struct mh_event ev;
	uint32_t type;
	int ret = MH_OK;

	head.swap = p->swap;
	type = mh_rbuf_host_u32(&head);
	if (is_passed_over(p, type, record, len))
		return MH_OK;
	if (!p->attrs.nr)
		return malformed(p, "a record before any event", at);
	if (!p->started)
		ret = perf_begin(p, err);
	if (ret)
		return ret;
	a = mh_perf_attrs_of(&p->attrs, record, len, type);
	if (!a) {
		p->count.unnamed++;
		return malformed(p, "a record of an event that is not described", at);
	}
	ret = mh_ring_parse(&ev, &a->layout, record, len, &extra);
	if (ret == MH_END)
		return MH_OK;
	if (ret)
		return malformed(
			p, type == PERF_RECORD_SAMPLE ? "the sample" : "the record", at);
	if (ev.kind == MH_EV_SAMPLE)
		return add_sample(p, a, &ev, &extra, err);
	return add_other(p, a, &ev, err);
}

/* ---- the end ---- */

static int tell_count(struct perf_import *p, const char *name, uint64_t value,
		      struct mh_err *err)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STAT);
	ev.source = source_id(p, PERF_SOURCE_SAMPLES);
	ev.time_ns = p->last_ns;
	ev.stat.name = name;
	ev.stat.value = value;
	return p->fn(p->arg, &ev, err);
}

/* Stacks of machines that no chain can be unwound for. */
static uint64_t nr_foreign(const struct perf_import *p)
{
	uint64_t nr = 0;
	size_t i;

	for (i = 0; i < PERF_NR_SOURCES; i++)
		nr += p->copies[i].nr_foreign;
	return nr;
}

static int tell_counts(struct perf_import *p, struct mh_err *err)
{
	const struct perf_counts *c = &p->count;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "import.records", c->records },
		{ "import.samples", c->samples },
		{ "import.samples_with_addr", c->with_addr },
		{ "import.malformed", c->malformed },
		{ "import.late", p->order.nr_late },
		{ "import.nonmem", c->nonmem },
		{ "import.chains", c->chains },
		{ "import.stacks", c->stacks },
		{ "import.stacks_foreign", nr_foreign(p) },
		{ "import.branches_dropped", c->branches },
		{ "import.raw", c->raws },
		{ "import.aux_bytes_skipped", c->aux_bytes },
		{ "import.aux_truncated", c->aux_truncated },
		{ "import.spe_operations", c->spe },
		{ "import.spe_nonmem", c->spe_nonmem },
		{ "import.spe_bytes_skipped", c->spe_skipped },
		{ "import.switches", c->switches },
		{ "import.other_records", c->other },
		{ "import.unknown_records", c->unknown_types },
		{ "import.regions_missing", p->damon.nr_missing },
		{ "import.regions_refused", p->damon.nr_refused },
	};
	int ret = MH_OK;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && !ret; i++)
		if (rows[i].value || i < 3)
			ret = tell_count(p, rows[i].name, rows[i].value, err);
	return ret;
}

static void say_counts(struct perf_import *p)
{
	const struct perf_counts *c = &p->count;

	if (c->lost)
		mh_log_say(p->log, MH_WARNING,
			   "%s: its recorder lost %" PRIu64 " records", p->in->name,
			   c->lost);
	if (c->throttled)
		mh_log_say(p->log, MH_WARNING,
			   "%s: the kernel throttled its events %" PRIu64 " times",
			   p->in->name, c->throttled);
	if (c->branches)
		mh_log_say(p->log, MH_NOTICE,
			   "%s: branches (%" PRIu64 ") of samples are not kept",
			   p->in->name, c->branches);
	if (nr_foreign(p))
		mh_log_say(p->log, MH_NOTICE,
			   "%s: stacks (%" PRIu64
			   ") of samples are not kept: only those of 64-bit x86 and Arm "
			   "programs, with all registers, can be unwound",
			   p->in->name, nr_foreign(p));
	if (c->aux_bytes)
		mh_log_say(p->log, MH_WARNING,
			   "%s: %" PRIu64 " bytes of AUX data (not Arm SPE) were "
			   "skipped; 'perf inject --itrace' makes samples of them",
			   p->in->name, c->aux_bytes);
	if (c->spe)
		mh_log_say(p->log, MH_NOTICE,
			   "%s: %" PRIu64 " operations of Arm SPE, of which %" PRIu64
			   " are no memory access and are left out%s",
			   p->in->name, c->spe, c->spe_nonmem,
			   p->spe.time_mult ? ""
					    : "; the recording does not tell when they "
					      "were");
	if (p->source_told[PERF_SOURCE_DAMON])
		mh_log_say(p->log, MH_NOTICE,
			   "%s: the recording does not tell DAMON's sampling interval; "
			   "%u checks per snapshot are assumed%s",
			   p->in->name, MH_DAMON_CHECKS,
			   p->damon.raised ? ", too few for some regions" : "");
}

int mh_perf_finish(struct perf_import *p, struct mh_err *err)
{
	int ret = MH_OK;
	size_t i;

	if (!p->started)
		ret = perf_begin(p, err);
	if (!ret)
		ret = mh_perf_damon_flush(&p->damon, source_id(p, PERF_SOURCE_DAMON),
					  order_sink, &p->order, err);
	if (!ret)
		ret = mh_perf_order_flush(&p->order, err);
	for (i = 0; i < p->attrs.nr && !ret; i++)
		if (!p->attrs.v[i].told)
			ret = tell_attr(p, &p->attrs.v[i], err);
	if (!ret && p->first_ns)
		ret = mh_perf_meta(p, err, "trace.start_ns", "%" PRIu64, p->first_ns);
	if (!ret && p->last_ns)
		ret = mh_perf_meta(p, err, "trace.end_ns", "%" PRIu64, p->last_ns);
	if (!ret && *p->damage.msg)
		ret = mh_perf_meta(p, err, "import.damage", "%s", p->damage.msg);
	if (!ret && p->killed)
		ret = mh_perf_meta(p, err, "import.killed", "1");
	if (!ret)
		ret = tell_counts(p, err);
	say_counts(p);
	return ret;
}
