/* SPDX-License-Identifier: MIT */
/*
 * Arm SPE in a perf.data: bytes behind AUXTRACE records, whose packets become samples
 * here. AUXTRACE_INFO says whether AUX data are SPE's, of which PMU and CPUs; TIME_CONV
 * turns the generic timer into the recording's clock.
 *
 * An operation is of the thread that its context packet names, else of the one that the
 * buffer was for; the process of a thread is what COMM and FORK said. Without a context
 * and without a thread (one buffer per CPU, CONFIG_PID_IN_CONTEXTIDR off) it is of whom
 * the records of context switches before it put on the CPU; without those nothing tells,
 * and the sample has no process. perf writes a CPU's records before its buffer, but reads
 * them first: a switch between the two reads comes too late for what is behind it in the
 * buffer. Operations that are no memory access are counted and
 * left out. Written after the documents of the architecture and of perf, and tried on
 * built files only.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "event/spe.h"
#include "source/import/perf_import.h"

#define AUXTRACE_ARM_SPE 4
#define CHUNK            (1u << 16)
#define NO_THREAD        UINT32_MAX

/* ---- what records say of it ---- */

/* Words of a version 2 header, and of each CPU's part. */
enum {
	V1_PMU_TYPE = 0,
	V1_WORDS = 2,
	V2_WORDS_OF_HEADER = 1,
	V2_PMU_TYPE = 2,
	V2_NR_CPUS = 3,
	V2_WORDS = 4,
	CPU_NUMBER = 1,
	CPU_NR_PARAMS = 2,
	CPU_MIDR = 3,
	CPU_WORDS_MAX = 64
};

static void read_cpu(struct perf_spe *spe, const uint64_t *words, uint64_t nr)
{
	struct perf_spe_cpu *cpu;

	if (nr <= CPU_MIDR)
		return;
	cpu = mh_vec_push(&spe->cpus);
	if (cpu)
		*cpu = (struct perf_spe_cpu){ .cpu = (uint32_t)words[CPU_NUMBER],
					      .neoverse = mh_spe_is_neoverse(
						      words[CPU_MIDR]) };
}

/* Each CPU's words: a magic number, its own number, how many follow, those. */
static void read_cpus(struct perf_spe *spe, struct mh_rbuf *b, uint64_t nr_cpus)
{
	uint64_t words[CPU_WORDS_MAX] = { 0 }, i, k, nr;

	for (i = 0; i < nr_cpus && !b->bad; i++) {
		for (k = 0; k <= CPU_NR_PARAMS; k++)
			words[k] = mh_rbuf_host_u64(b);
		nr = CPU_NR_PARAMS + 1 + words[CPU_NR_PARAMS];
		if (b->bad || words[CPU_NR_PARAMS] > CPU_WORDS_MAX - CPU_NR_PARAMS - 1)
			return;
		for (; k < nr; k++)
			words[k] = mh_rbuf_host_u64(b);
		if (!b->bad)
			read_cpu(spe, words, nr);
	}
}

void mh_perf_spe_info(struct perf_import *p, struct mh_rbuf b)
{
	uint64_t header[V2_WORDS] = { 0 };
	struct perf_spe *spe = &p->spe;
	size_t i, nr, words;

	if (mh_rbuf_host_u32(&b) != AUXTRACE_ARM_SPE || b.bad)
		return;
	mh_rbuf_host_u32(&b); /* reserved */
	spe->there = true;
	words = mh_rbuf_left(&b) / 8;
	nr = words < V2_WORDS ? words : V2_WORDS;
	for (i = 0; i < nr; i++)
		header[i] = mh_rbuf_host_u64(&b);
	/* The first version is known by its size only. */
	if (words <= V1_WORDS) {
		spe->pmu_type = (uint32_t)header[V1_PMU_TYPE];
		return;
	}
	spe->pmu_type = (uint32_t)header[V2_PMU_TYPE];
	/* A longer header: what is not known yet. */
	for (i = V2_WORDS; i < header[V2_WORDS_OF_HEADER] && !b.bad; i++)
		mh_rbuf_host_u64(&b);
	read_cpus(spe, &b, header[V2_NR_CPUS]);
}

void mh_perf_spe_time(struct perf_import *p, struct mh_rbuf b)
{
	struct perf_spe *spe = &p->spe;

	spe->time_shift = mh_rbuf_host_u64(&b);
	spe->time_mult = mh_rbuf_host_u64(&b);
	spe->time_zero = mh_rbuf_host_u64(&b);
	if (b.bad || spe->time_shift > 63)
		spe->time_mult = 0;
}

/* ---- threads ---- */

void mh_perf_spe_task(struct perf_import *p, uint32_t pid, uint32_t tid)
{
	struct perf_spe_thread *t;

	/* What is its own process needs no entry. */
	if (!p->spe.there || pid == tid)
		return;
	t = mh_vec_push(&p->spe.threads);
	if (t)
		*t = (struct perf_spe_thread){ pid, tid };
}

/* The last that was told: tids are used again. */
static uint32_t pid_of(struct perf_spe *spe, uint32_t tid)
{
	size_t i;

	if (spe->last.tid == tid && spe->last_nr == spe->threads.nr)
		return spe->last.pid;
	spe->last = (struct perf_spe_thread){ tid, tid };
	spe->last_nr = spe->threads.nr;
	for (i = spe->threads.nr; i-- > 0;) {
		if (spe->threads.v[i].tid == tid) {
			spe->last.pid = spe->threads.v[i].pid;
			break;
		}
	}
	return spe->last.pid;
}

/* ---- context switches ---- */

/*
 * A thread's own records tell when it comes and when it goes; those of a CPU, with the
 * thread that goes, which comes.
 */
void mh_perf_spe_switch(struct perf_import *p, const uint8_t *record, size_t len)
{
	const struct perf_attr *a;
	struct perf_spe_switch *one;
	struct mh_ring_extra extra;
	struct mh_rbuf b = mh_rbuf(record, len);
	struct mh_event ev;
	uint32_t type;
	bool out;

	b.swap = p->swap;
	type = mh_rbuf_host_u32(&b);
	out = mh_rbuf_host_u16(&b) & PERF_RECORD_MISC_SWITCH_OUT;
	mh_rbuf_host_u16(&b); /* size */
	a = p->spe.there && p->attrs.nr ? mh_perf_attrs_of(&p->attrs, record, len, type)
					: NULL;
	if (!a || mh_ring_parse(&ev, &a->layout, record, len, &extra) != MH_END ||
	    extra.cpu == UINT32_MAX || !ev.time_ns)
		return;
	one = mh_vec_push(&p->spe.switches);
	if (!one)
		return;
	*one = (struct perf_spe_switch){ ev.time_ns, extra.cpu, { 0, NO_THREAD } };
	if (!out) {
		one->to = (struct perf_spe_thread){ extra.pid, extra.tid };
	} else if (type == PERF_RECORD_SWITCH_CPU_WIDE) {
		one->to.pid = mh_rbuf_host_u32(&b);
		one->to.tid = mh_rbuf_host_u32(&b);
	}
}

static int by_cpu_and_time(const void *a, const void *b)
{
	const struct perf_spe_switch *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	/* Who goes does so before the other comes. */
	return (y->to.tid == NO_THREAD) - (x->to.tid == NO_THREAD);
}

/* Who was on a CPU; NULL: nothing tells. */
static const struct perf_spe_thread *on_cpu(struct perf_spe *spe, uint32_t cpu,
					    uint64_t time_ns)
{
	const struct perf_spe_switch wanted = { .cpu = cpu, .time_ns = time_ns };
	size_t low = 0, high = spe->switches.nr;

	if (spe->switches_sorted != high) {
		qsort(spe->switches.v, high, sizeof(*spe->switches.v), by_cpu_and_time);
		spe->switches_sorted = high;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_cpu_and_time(&spe->switches.v[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || spe->switches.v[low - 1].cpu != cpu ||
	    spe->switches.v[low - 1].to.tid == NO_THREAD)
		return NULL;
	return &spe->switches.v[low - 1].to;
}

/* ---- samples ---- */

struct piece {
	struct perf_attr *attr;
	uint32_t cpu, tid;
	bool cpu_told;
	int neoverse;
};

static uint64_t time_of(const struct perf_import *p, uint64_t ticks)
{
	const struct perf_spe *spe = &p->spe;
	uint64_t rest = ticks & ((UINT64_C(1) << spe->time_shift) - 1);

	if (!ticks || !spe->time_mult)
		return p->last_ns;
	return spe->time_zero + (ticks >> spe->time_shift) * spe->time_mult +
	       (rest * spe->time_mult >> spe->time_shift);
}

static bool is_access(const struct mh_ev_sample *s)
{
	struct mh_mem_access access;

	mh_mem_access_decode(&access, s->data_src);
	return access.op != MH_MEM_OP_UNKNOWN;
}

static int give(struct perf_import *p, const struct piece *piece,
		const struct mh_spe_record *r, struct mh_err *err)
{
	const struct perf_attr *a = piece->attr;
	uint32_t tid = r->context != UINT32_MAX ? r->context : piece->tid;
	const struct perf_spe_thread *on;
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_SAMPLE);
	mh_spe_fill(&ev.sample, r, piece->neoverse);
	p->count.spe++;
	if (!is_access(&ev.sample)) {
		p->count.spe_nonmem++;
		return MH_OK;
	}
	ev.time_ns = time_of(p, r->timestamp);
	ev.sample.event = a->layout.event;
	ev.sample.period = a->flags & PERF_ATTR_FREQ || !a->period ? 1 : a->period;
	ev.sample.cpu = piece->cpu;
	if (tid != NO_THREAD) {
		ev.sample.tid = tid;
		ev.sample.pid = pid_of(&p->spe, tid);
	} else if (piece->cpu_told && p->spe.time_mult && r->timestamp) {
		on = on_cpu(&p->spe, piece->cpu, ev.time_ns);
		ev.sample.tid = on ? on->tid : 0;
		ev.sample.pid = on ? on->pid : 0;
	}
	return mh_perf_made(p, piece->attr, &ev, err);
}

/* Decode what is whole; *len: of the record that is not, which is moved to the front. */
static int decode(struct perf_import *p, const struct piece *piece, uint8_t *bytes,
		  size_t *len, struct mh_err *err)
{
	struct mh_spe_buffer b = { .p = bytes, .end = bytes + *len };
	const uint8_t *begin = bytes;
	struct mh_spe_record r;
	int ret = MH_OK;

	while (!ret && mh_spe_next(&r, &b) == MH_OK) {
		begin = b.p;
		p->count.spe_skipped += b.nr_skipped;
		b.nr_skipped = 0;
		ret = give(p, piece, &r, err);
	}
	*len = (size_t)(bytes + *len - begin);
	/* Longer than any record: padding, or damage. */
	if (*len > CHUNK / 2) {
		p->count.spe_skipped += b.nr_skipped;
		*len = 0;
	}
	memmove(bytes, begin, *len);
	return ret;
}

static struct perf_attr *attr_of(struct perf_import *p)
{
	size_t i;

	for (i = 0; i < p->attrs.nr; i++)
		if (p->attrs.v[i].type == p->spe.pmu_type)
			return &p->attrs.v[i];
	return NULL;
}

static int neoverse_of(const struct perf_import *p, uint32_t cpu)
{
	size_t i;

	for (i = 0; i < p->spe.cpus.nr; i++)
		if (p->spe.cpus.v[i].cpu == cpu)
			return p->spe.cpus.v[i].neoverse;
	return p->spe.cpus.nr ? 0 : mh_spe_is_neoverse(p->midr);
}

int mh_perf_spe_data(struct perf_import *p, struct mh_rbuf b, uint64_t size,
		     uint64_t *done, struct mh_err *err)
{
	struct piece piece = { .attr = attr_of(p) };
	uint8_t *bytes = malloc(CHUNK);
	const uint8_t *more;
	size_t len = 0, got;
	int ret = MH_OK;

	*done = 0;
	mh_rbuf_host_u64(&b); /* offset */
	mh_rbuf_host_u64(&b); /* reference */
	mh_rbuf_host_u32(&b); /* index */
	piece.tid = mh_rbuf_host_u32(&b);
	piece.cpu = mh_rbuf_host_u32(&b);
	piece.cpu_told = piece.cpu != UINT32_MAX && !b.bad;
	if (!piece.cpu_told)
		piece.cpu = 0;
	piece.neoverse = neoverse_of(p, piece.cpu);
	if (!bytes)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	while (!ret && *done < size) {
		size_t want = CHUNK - len;

		if (want > size - *done)
			want = (size_t)(size - *done);
		ret = mh_input_peek(p->in, want, &more, &got, err);
		if (ret || !got)
			break;
		memcpy(bytes + len, more, got);
		mh_input_take(p->in, got);
		*done += got;
		len += got;
		ret = decode(p, &piece, bytes, &len, err);
	}
	free(bytes);
	return ret;
}

bool mh_perf_spe_wanted(struct perf_import *p)
{
	return p->spe.there && attr_of(p);
}

void mh_perf_spe_fini(struct perf_spe *spe)
{
	free(spe->cpus.v);
	free(spe->threads.v);
	free(spe->switches.v);
}
