/* SPDX-License-Identifier: MIT */
/*
 * Source `mem`: memory accesses that the hardware samples (PEBS, IBS) or stops at
 * (breakpoints), each with the data's address, the instruction, and what the hardware
 * tells of the cache level, the TLB and the latency.
 *
 * Samples come with perf's clock and are converted on the way out; pairs of clocks are
 * taken each second. What is no access (IBS samples any micro-op) is dropped and counted.
 */
#include "source/mem/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ring/callgraph.h"
#include "ring/open.h"
#include "source/attach.h"
#include "source/mem/budget.h"
#include "source/mem/clock.h"
#include "source/mem/setup.h"
#include "source/mem/spe.h"

#define DRAIN_NS        250000000u
#define STAT_NS         1000000000u
#define RING_KIB        1024u
#define STACKS_RING_KIB 8192u /* samples are many times as large */

#define COST_INTERRUPT_NS 1500u
#define COST_BUFFERED_NS  300u

struct mh_source {
	const struct mh_source_ops *ops;
	uint16_t id;
	struct mh_sampler *sampler;
	struct mem_events events;
	struct mem_clock clock;
	struct mem_budget budget;
	struct mh_callgraph callgraph;
	struct mem_spe spe;
	struct mh_log log;
	bool filters_modes, user_only, kernel_only, enabled;
	uint64_t drain_ns, stat_ns, start_ns; /* when next */
	uint64_t delay_ns;
	uint64_t nonmem, nonmem_told, nonmem_since_ns;
	uint64_t other_mode; /* samples of a mode that was not wanted */
	struct mh_warned warned;
	/* Where step() is told to put things, with times converted. */
	mh_event_fn fn;
	void *arg;
};

/* ---- what comes out of the rings ---- */

static int convert(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct mh_source *src = arg;
	struct mh_event out = *ev;

	out.time_ns = mh_mem_clock_monotonic(&src->clock, ev->time_ns);
	if (out.kind == MH_EV_LOST)
		out.lost.start_ns =
			mh_mem_clock_monotonic(&src->clock, ev->lost.start_ns);
	return src->fn(src->arg, &out, err);
}

static bool is_wanted_mode(const struct mh_source *src, const struct mh_ev_sample *s)
{
	bool kernel = s->flags & MH_SAMPLE_KERNEL;

	return !src->filters_modes || !(kernel ? src->user_only : src->kernel_only);
}

/*
 * Returns 1 for what is no memory access. An address of 0 is the hardware's way to say
 * that it has none, but not a breakpoint's.
 */
static int on_sample(void *arg, struct mh_event *ev, const struct mh_ring_extra *extra,
		     struct mh_err *err)
{
	struct mh_source *src = arg;
	struct mh_ev_sample *s = &ev->sample;
	enum mem_kind kind = src->events.v[s->event].kind;
	struct mh_mem_access access;

	if (!is_wanted_mode(src, s)) {
		src->other_mode++;
		return 1;
	}
	if (kind == MEM_IBS) {
		mh_mem_access_decode(&access, s->data_src);
		if (access.op == MH_MEM_OP_UNKNOWN) {
			src->nonmem++;
			return 1;
		}
	}
	if (!s->addr && (kind == MEM_IBS || kind == MEM_PRECISE))
		s->flags &= (uint8_t)~MH_SAMPLE_ADDR;
	return mh_callgraph_take(
		&src->callgraph, ev, extra,
		mh_sampler_attr(src->sampler, s->event)->sample_regs_user, convert, src,
		err);
}

static int on_aux(void *arg, const struct mh_sampler_aux *aux, mh_event_fn fn,
		  void *fn_arg, struct mh_err *err)
{
	struct mh_source *src = arg;
	int ret = mh_mem_spe_samples(&src->spe, aux, fn, fn_arg, err);

	src->nonmem = src->spe.nr_nonmem;
	return ret;
}

/* ---- META ---- */

static int tell_event(const struct mh_source *src, size_t i,
		      const struct mh_source_opts *opts, const struct mh_tell *to,
		      struct mh_err *err)
{
	const struct perf_event_attr *attr = mh_sampler_attr(src->sampler, i);
	const struct mem_event *e = &src->events.v[i];
	char name[64];
	int ret;

#define TELL(what, ...)                                                                  \
	(snprintf(name, sizeof(name), "event.%zu" what, i),                              \
	 mh_tell_meta(to, err, name, __VA_ARGS__))
	ret = TELL("", "%s", e->name);
	if (!ret && *e->pmu)
		ret = TELL(".pmu", "%s", e->pmu);
	if (!ret && attr->freq)
		ret = TELL(".freq", "%" PRIu64, (uint64_t)attr->sample_freq);
	if (!ret && !attr->freq)
		ret = TELL(".period", "%" PRIu64, (uint64_t)attr->sample_period);
	if (!ret)
		ret = TELL(".precise", "%u", (unsigned)attr->precise_ip);
	if (!ret)
		ret = TELL(".type", "%" PRIu32, attr->type);
	if (!ret)
		ret = TELL(".config", "0x%" PRIx64, (uint64_t)attr->config);
	if (!ret && attr->config1)
		ret = TELL(".config1", "0x%" PRIx64, (uint64_t)attr->config1);
	if (!ret && attr->config2)
		ret = TELL(".config2", "0x%" PRIx64, (uint64_t)attr->config2);
	if (!ret)
		ret = TELL(".sample_type", "0x%" PRIx64, (uint64_t)attr->sample_type);
	if (!ret && e->kind == MEM_PRECISE) {
		const char *why = mh_mem_interrupts(e, opts);

		ret = TELL(".large_pebs", "%s%s", why ? "no: " : "yes", why ? why : "");
	}
	if (!ret && e->no_scale)
		ret = TELL(".scale", "none: the period is not one of accesses");
#undef TELL
	return ret;
}

/* One period for all, as a report's first line tells it. */
static uint64_t common_period(const struct mh_source *src)
{
	uint64_t period = 0;
	size_t i;

	for (i = 0; i < src->events.nr; i++) {
		const struct perf_event_attr *attr = mh_sampler_attr(src->sampler, i);

		if (attr->freq || (period && period != attr->sample_period))
			return 0;
		period = attr->sample_period;
	}
	return period;
}

static int tell_lacks(const struct mh_source *src, const struct mh_tell *to,
		      struct mh_err *err)
{
	unsigned lacks = mh_sampler_lacks(src->sampler), bit;
	char text[400] = "";

	for (bit = 0; *mh_perf_lack_words(bit); bit++) {
		size_t used = strlen(text);

		if (lacks >> bit & 1)
			snprintf(text + used, sizeof(text) - used, "%s%s",
				 used ? ", " : "", mh_perf_lack_words(bit));
	}
	if (!*text)
		return MH_OK;
	mh_log_say(&src->log, MH_NOTICE, "mem: given up, since the kernel refuses it: %s",
		   text);
	return mh_tell_meta(to, err, "given_up", "%s", text);
}

static int tell_params(const struct mh_source *src, const struct mh_source_opts *opts,
		       const struct mh_tell *to, struct mh_err *err)
{
	uint64_t period = common_period(src);
	size_t i;
	int ret;

	ret = mh_tell_meta(to, err, "name", "mem");
	if (!ret)
		ret = mh_tell_meta(to, err, "unit", "samples x period");
	if (!ret)
		ret = mh_tell_meta(to, err, "clock", "perf, converted to monotonic");
	if (!ret && period)
		ret = mh_tell_meta(to, err, "period", "%" PRIu64, period);
	if (!ret)
		ret = mh_tell_meta(to, err, "user_only", "%d",
				   mh_sampler_attr(src->sampler, 0)->exclude_kernel ||
					   src->filters_modes);
	if (!ret)
		ret = mh_tell_meta(to, err, "ring_kib", "%u",
				   mh_sampler_ring_kib(src->sampler));
	if (!ret)
		ret = mh_tell_meta(to, err, "nr_rings", "%u",
				   mh_sampler_nr_rings(src->sampler));
	if (!ret && opts->mem.chains)
		ret = mh_tell_meta(to, err, "call_graph", "%s",
				   opts->mem.stack_len ? "dwarf" : "fp");
	if (!ret && opts->mem.stack_len)
		ret = mh_tell_meta(to, err, "stack_bytes", "%u", opts->mem.stack_len);
	for (i = 0; !ret && i < src->events.nr; i++)
		ret = tell_event(src, i, opts, to, err);
	return ret ? ret : tell_lacks(src, to, err);
}

static void say_events(const struct mh_source *src, const struct mh_source_opts *opts)
{
	size_t i;

	for (i = 0; i < src->events.nr; i++) {
		const struct mem_event *e = &src->events.v[i];
		const char *why = mh_mem_interrupts(e, opts);

		if (e->kind == MEM_PRECISE && why)
			mh_log_say(&src->log, MH_NOTICE,
				   "mem: %s interrupts for every sample: %s", e->name,
				   why);
		if (e->no_scale)
			mh_log_say(&src->log, MH_NOTICE,
				   "mem: %s: samples tell where accesses are, not how "
				   "many: the hardware skips by a count of its own",
				   e->name);
	}
}

/* ---- opening ---- */

static void mem_close(struct mh_source *src)
{
	if (!src)
		return;
	mh_sampler_close(src->sampler);
	mh_mem_clock_close(&src->clock);
	mh_callgraph_fini(&src->callgraph);
	free(src);
}

static int open_sampler(struct mh_source *src, const struct mh_target *target,
			const struct mh_source_opts *opts, struct mh_err *err)
{
	struct mh_sampler_event events[MH_SAMPLER_EVENTS_MAX];
	struct mh_sampler_spec spec = {
		.events = events,
		.nr_events = src->events.nr,
		.children = target->children || target->spawned,
		.on_exec = target->spawned && !opts->mem.delay_ns,
		.ring_kib = opts->ring_kib        ? opts->ring_kib
			    : opts->mem.stack_len ? STACKS_RING_KIB
						  : RING_KIB,
		.cpus = opts->mem.cpus,
		.source = src->id,
		.name = "mem",
		.log = &src->log,
		.on_sample = on_sample,
		.on_aux = on_aux,
		.arg = src,
	};
	size_t i;

	for (i = 0; i < src->events.nr; i++) {
		mh_mem_sampler_event(&events[i], &src->events.v[i], opts);
		src->filters_modes |= mh_mem_filters_modes(&src->events.v[i], opts);
	}
	return mh_sampler_open(&src->sampler, &spec, err);
}

static void sync_clock(struct mh_source *src)
{
	mh_mem_clock_pair(&src->clock);
	mh_sampler_set_clock(src->sampler,
			     (int64_t)(src->clock.mono_ns - src->clock.perf_ns));
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void start_budget(struct mh_source *src, const struct mh_source_opts *opts)
{
	bool buffered = !mh_mem_interrupts(&src->events.v[0], opts);

	src->budget = (struct mem_budget){
		.share = opts->mem.overhead,
		.sample_cost_ns = buffered ? COST_BUFFERED_NS : COST_INTERRUPT_NS,
		.time_ns = mh_tell_now_ns(),
		.cpu_ns = cpu_ns(),
	};
}

static int open_all(struct mh_source *src, const struct mh_target *target,
		    const struct mh_source_opts *opts, const struct mh_tell *to,
		    struct mh_err *err)
{
	struct mh_attach attach = { .target = target,
				    .sysroot = opts->sysroot ? opts->sysroot : "",
				    .name = "mem",
				    .log = &src->log,
				    .tell = *to };
	int ret = mh_mem_prepare(&src->events, opts, target->type != MH_TARGET_PROCESSES,
				 err);

	if (!ret)
		ret = mh_mem_clock_open(&src->clock, err);
	if (!ret)
		ret = open_sampler(src, target, opts, err);
	if (ret)
		return ret;
	sync_clock(src);
	attach.sampler = src->sampler;
	ret = mh_attach(&attach, err);
	if (!ret)
		ret = tell_params(src, opts, to, err);
	if (!ret && !target->spawned && !opts->mem.delay_ns)
		ret = mh_sampler_enable(src->sampler, err);
	return ret;
}

static int mem_open(struct mh_source **out, uint16_t id, const struct mh_target *target,
		    const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		    struct mh_err *err)
{
	const struct mh_tell to = { .fn = fn, .arg = arg, .source = id };
	struct mh_source *src = calloc(1, sizeof(*src));
	struct mh_err why = { 0 };
	uint64_t now;
	int ret;

	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_mem;
	src->id = id;
	src->clock.fd = -1;
	src->user_only = opts->user_only;
	src->kernel_only = opts->mem.kernel_only;
	if (opts->log)
		src->log = *opts->log;
	src->spe.user_only = opts->user_only;
	src->spe.kernel_only = opts->mem.kernel_only;
	mh_mem_spe_init(&src->spe, opts->sysroot ? opts->sysroot : "");
	ret = open_all(src, target, opts, &to, &why);
	if (ret) {
		mem_close(src);
		return mh_fail(err, ret, "mem: %s", why.msg);
	}
	say_events(src, opts);
	start_budget(src, opts);
	now = mh_tell_now_ns();
	src->enabled = !opts->mem.delay_ns;
	src->delay_ns = opts->mem.delay_ns;
	src->start_ns = src->enabled ? UINT64_MAX : 0;
	src->drain_ns = now + DRAIN_NS;
	src->stat_ns = now + STAT_NS;
	src->nonmem_since_ns = now;
	*out = src;
	return MH_OK;
}

/* ---- running ---- */

static size_t mem_wait(const struct mh_source *src, int *fds, size_t max,
		       uint64_t *deadline_ns)
{
	*deadline_ns = src->start_ns < src->drain_ns ? src->start_ns : src->drain_ns;
	if (!max)
		return 0;
	fds[0] = mh_sampler_fd(src->sampler);
	return 1;
}

/* What was dropped on purpose, as LOST of its own cause. */
static int tell_nonmem(struct mh_source *src, const struct mh_tell *to,
		       struct mh_err *err)
{
	struct mh_event ev;

	if (src->nonmem == src->nonmem_told)
		return MH_OK;
	mh_event_init(&ev, MH_EV_LOST);
	ev.source = src->id;
	ev.time_ns = mh_tell_now_ns();
	ev.lost.start_ns = src->nonmem_since_ns;
	ev.lost.count = src->nonmem - src->nonmem_told;
	ev.lost.cause = MH_LOST_NONMEM;
	src->nonmem_told = src->nonmem;
	src->nonmem_since_ns = ev.time_ns;
	return to->fn(to->arg, &ev, err);
}

static bool is_counted(const struct mh_source *src)
{
	size_t i;

	for (i = 0; i < src->events.nr; i++) {
		if (src->events.v[i].kind == MEM_BREAKPOINT ||
		    src->events.v[i].enc.type == PERF_TYPE_SOFTWARE)
			return true;
	}
	return false;
}

static int tell_totals(struct mh_source *src, int last, const struct mh_tell *to,
		       struct mh_err *err)
{
	struct mh_sampler_totals t;
	int ret;

	mh_sampler_totals(src->sampler, &t);
	mh_attach_warn(&src->warned, &t, "mem", &src->log);
	ret = mh_tell_stat(to, err, "mem.samples",
			   t.samples - t.left_out + src->spe.nr_samples);
	if (!ret && src->spe.nr_truncated)
		ret = mh_tell_stat(to, err, "mem.aux_truncated", src->spe.nr_truncated);
	if (!ret && src->spe.nr_collisions)
		ret = mh_tell_stat(to, err, "mem.aux_collisions", src->spe.nr_collisions);
	if (!ret && src->spe.nr_skipped)
		ret = mh_tell_stat(to, err, "mem.aux_skipped", src->spe.nr_skipped);
	if (!ret && is_counted(src))
		ret = mh_tell_stat(to, err, "mem.count", t.count);
	if (!ret)
		ret = mh_tell_stat(to, err, "mem.lost", t.lost);
	if (!ret && last && !(mh_sampler_lacks(src->sampler) & MH_LACKS_LOST))
		ret = mh_tell_stat(to, err, "mem.kernel_lost", t.kernel_lost);
	if (!ret && src->nonmem)
		ret = mh_tell_stat(to, err, "mem.nonmem", src->nonmem);
	if (!ret && src->other_mode)
		ret = mh_tell_stat(to, err, "mem.other_mode", src->other_mode);
	if (!ret && src->callgraph.chains.nr_cut)
		ret = mh_tell_stat(to, err, "mem.chains_cut",
				   src->callgraph.chains.nr_cut);
	if (!ret && src->callgraph.copies.nr_foreign)
		ret = mh_tell_stat(to, err, "mem.stacks_foreign",
				   src->callgraph.copies.nr_foreign);
	if (!ret && t.side_lost)
		ret = mh_tell_stat(to, err, "mem.side_lost", t.side_lost);
	if (!ret && t.malformed)
		ret = mh_tell_stat(to, err, "mem.malformed", t.malformed);
	if (!ret)
		ret = mh_tell_stat(to, err, "mem.clock_residual_ns",
				   src->clock.residual_max_ns);
	return ret ? ret : tell_nonmem(src, to, err);
}

static int adapt_one(struct mh_source *src, size_t i, double used,
		     const struct mh_tell *to, struct mh_err *err)
{
	uint64_t period = mh_sampler_attr(src->sampler, i)->sample_period, next;
	char name[32];
	int ret;

	next = mh_mem_budget_period(&src->budget, period, used,
				    src->events.v[i].kind == MEM_IBS ? 16 : 1);
	if (next == period)
		return MH_OK;
	ret = mh_sampler_set_period(src->sampler, i, next, err);
	snprintf(name, sizeof(name), "mem.period.%zu", i);
	return ret ? ret : mh_tell_stat(to, err, name, next);
}

static int adapt(struct mh_source *src, const struct mh_tell *to, struct mh_err *err)
{
	struct mh_sampler_totals t;
	double used;
	size_t i;
	int ret = MH_OK;

	if (src->budget.share <= 0 || mh_sampler_attr(src->sampler, 0)->freq)
		return MH_OK;
	mh_sampler_totals(src->sampler, &t);
	used = mh_mem_budget_used(&src->budget, mh_tell_now_ns(), cpu_ns(),
				  t.samples + t.lost + src->spe.nr_samples);
	for (i = 0; !ret && i < src->events.nr; i++)
		ret = adapt_one(src, i, used, to, err);
	return ret;
}

/* A delay is the target's, which begins after open() and before the first step. */
static int start(struct mh_source *src, struct mh_err *err)
{
	uint64_t now = mh_tell_now_ns();

	if (src->enabled)
		return MH_OK;
	if (!src->start_ns)
		src->start_ns = now + src->delay_ns;
	if (now < src->start_ns)
		return MH_OK;
	src->enabled = true;
	src->start_ns = UINT64_MAX;
	return mh_sampler_enable(src->sampler, err);
}

static int mem_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		    struct mh_err *err)
{
	const struct mh_tell to = { .fn = fn, .arg = arg, .source = src->id };
	uint64_t now = mh_tell_now_ns();
	bool stat = now >= src->stat_ns;
	int ret, gone;

	ret = start(src, err);
	if (ret)
		return ret;
	if (last)
		mh_sampler_disable(src->sampler);
	/* Before what is drained, which it shall be true for. */
	if (last || stat)
		sync_clock(src);
	src->fn = fn;
	src->arg = arg;
	src->drain_ns = now + DRAIN_NS;
	gone = mh_sampler_drain(src->sampler, last, convert, src, err);
	if (gone == MH_END && !last) {
		/* Nobody is left to write: what no record told can be told now. */
		gone = mh_sampler_drain(src->sampler, 1, convert, src, err);
		last = 1;
	}
	if (gone < 0 || (!last && !stat))
		return gone;
	src->stat_ns = now + STAT_NS;
	ret = tell_totals(src, last, &to, err);
	if (!ret && !last)
		ret = adapt(src, &to, err);
	return ret ? ret : gone;
}

const struct mh_source_ops mh_source_mem = {
	.name = "mem",
	.summary =
		"loads and stores that the CPU samples (PEBS, IBS), with cache level and "
		"latency; or every access to a few bytes (breakpoints)",
	.gives_tasks = 1,
	.probe = mh_mem_probe,
	.open = mem_open,
	.wait = mem_wait,
	.step = mem_step,
	.close = mem_close,
};
