/* SPDX-License-Identifier: MIT */
/*
 * Source `faults`: perf's page-fault event, one sample per fault with the exact byte that
 * was touched, the instruction, the thread and the CPU. It needs no PMU and works in any
 * virtual machine, and without privilege where perf_event_paranoid is at most 2.
 *
 * What it shows are first touches (after mmap, after the page was taken away, or of the
 * write kind after the read kind), never all accesses. With transparent huge pages one
 * fault covers 2 MiB. A second event of the same group only counts; samples + lost equal
 * its count at the end.
 *
 * Not handled: address ranges of the target are not filtered here, the kernel has no
 * filter for faults.
 */
#include "source/faults/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring/callgraph.h"
#include "ring/open.h"
#include "ring/sampler.h"
#include "source/attach.h"

/* A ring that fills slowly is emptied this often, so that a killed recorder loses less
 * than a second. */
#define DRAIN_NS        250000000u
#define STAT_NS         1000000000u
#define RING_KIB        1024u
#define STACKS_RING_KIB 8192u /* samples are many times as large */
#define SAMPLE_TYPE                                                                      \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR |        \
	 PERF_SAMPLE_CPU)

struct mh_source {
	const struct mh_source_ops *ops;
	uint16_t id;
	struct mh_sampler *sampler;
	struct mh_callgraph callgraph;
	struct mh_log log;
	uint64_t drain_ns, stat_ns; /* when next */
	struct mh_warned warned;
	/* Where step() is told to put things. */
	mh_event_fn fn;
	void *arg;
};

/* ---- probing ---- */

static bool is_wide(const struct mh_target *target)
{
	return target && target->type != MH_TARGET_PROCESSES;
}

/* Opens a stopped event on ourselves: sandboxes refuse what the numbers allow. */
static int try_self(struct mh_err *err)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_PAGE_FAULTS,
					.disabled = 1,
					.exclude_kernel = 1 };
	struct mh_perf_place self = { .pid = 0, .cpu = -1, .group_fd = -1 };
	int fd, ret = mh_perf_open(&fd, &attr, &self, NULL, err);

	if (!ret)
		close(fd);
	return ret;
}

static void probe_unsupported(struct mh_probe *out)
{
	out->usable = 0;
	snprintf(out->reason, sizeof(out->reason),
		 "no /proc/sys/kernel/perf_event_paranoid: the kernel lacks "
		 "CONFIG_PERF_EVENTS");
}

static void probe_paranoid(struct mh_probe *out, int paranoid, int most)
{
	out->usable = 0;
	snprintf(out->reason, sizeof(out->reason),
		 "perf_event_paranoid is %d, %d is needed%s", paranoid, most,
		 most ? "" : " for other users' processes");
	snprintf(out->fix, sizeof(out->fix), "sysctl kernel.perf_event_paranoid=%d",
		 most);
}

static int faults_probe(struct mh_probe *out, const struct mh_target *target,
			const struct mh_source_opts *opts, struct mh_err *err)
{
	const char *sysroot = opts && opts->sysroot ? opts->sysroot : "";
	int most = is_wide(target) ? 0 : 2;
	struct mh_perf_rights rights;
	struct mh_err why = { 0 };

	(void)err;
	*out = (struct mh_probe){ .usable = 1 };
	mh_perf_rights_read(&rights, sysroot);
	if (!rights.supported) {
		probe_unsupported(out);
	} else if (!rights.perfmon && rights.paranoid > most) {
		probe_paranoid(out, rights.paranoid, most);
	} else if (!*sysroot && try_self(&why)) {
		out->usable = 0;
		snprintf(out->reason, sizeof(out->reason), "%.255s", why.msg);
	} else if (!rights.perfmon && rights.paranoid > 1) {
		snprintf(out->reason, sizeof(out->reason),
			 "own processes only, and not the faults that the kernel takes "
			 "for "
			 "them (perf_event_paranoid is %d)",
			 rights.paranoid);
	}
	return MH_OK;
}

/* ---- opening ---- */

static bool kernel_counts_lost(const struct mh_source *src)
{
	return !(mh_sampler_lacks(src->sampler) & MH_LACKS_LOST);
}

static int tell_params(const struct mh_source *src, uint64_t period,
		       const struct mh_source_opts *opts, const struct mh_tell *to,
		       struct mh_err *err)
{
	unsigned lacks = mh_sampler_lacks(src->sampler);
	struct mh_perf_rights rights;
	int ret;

	mh_perf_rights_read(&rights, NULL);
	ret = mh_tell_meta(to, err, "name", "faults");
	if (!ret)
		ret = mh_tell_meta(to, err, "unit", "first touches (page faults)");
	if (!ret)
		ret = mh_tell_meta(to, err, "period", "%" PRIu64, period);
	if (!ret)
		ret = mh_tell_meta(to, err, "clock", "monotonic");
	if (!ret)
		ret = mh_tell_meta(to, err, "event.0", "page-faults");
	if (!ret)
		ret = mh_tell_meta(to, err, "paranoid", "%d", rights.paranoid);
	if (!ret)
		ret = mh_tell_meta(to, err, "user_only", "%d",
				   !!(lacks & MH_LACKS_KERNEL));
	if (!ret)
		ret = mh_tell_meta(to, err, "ring_kib", "%u",
				   mh_sampler_ring_kib(src->sampler));
	if (!ret)
		ret = mh_tell_meta(to, err, "nr_rings", "%u",
				   mh_sampler_nr_rings(src->sampler));
	if (!ret)
		ret = mh_tell_meta(to, err, "lost_from", "%s",
				   kernel_counts_lost(src) ? "the kernel's counter"
							   : "the counting event");
	if (!ret && opts->mem.chains)
		ret = mh_tell_meta(to, err, "call_graph", "%s",
				   opts->mem.stack_len ? "dwarf" : "fp");
	if (!ret && opts->mem.stack_len)
		ret = mh_tell_meta(to, err, "stack_bytes", "%u", opts->mem.stack_len);
	return ret;
}

static int refine(int status, const struct mh_err *why, struct mh_err *err)
{
	return mh_fail(err, status, "faults: %s", why->msg);
}

static void faults_close(struct mh_source *src)
{
	if (!src)
		return;
	mh_sampler_close(src->sampler);
	mh_callgraph_fini(&src->callgraph);
	free(src);
}

static struct mh_sampler_event event_of(const struct mh_source_opts *opts)
{
	struct mh_sampler_event event = { .led_by = MH_LEAD_COUNT };

	event.attr = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = opts->period ? opts->period : 1,
		.sample_type = SAMPLE_TYPE,
		.exclude_kernel = opts->user_only ? 1 : 0,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	if (opts->mem.chains)
		mh_callgraph_ask(&event.attr, opts->mem.stack_len);
	return event;
}

static int on_sample(void *arg, struct mh_event *ev, const struct mh_ring_extra *extra,
		     struct mh_err *err)
{
	struct mh_source *src = arg;

	return mh_callgraph_take(&src->callgraph, ev, extra,
				 mh_sampler_attr(src->sampler, 0)->sample_regs_user,
				 src->fn, src->arg, err);
}

static struct mh_sampler_spec spec_of(struct mh_source *src,
				      const struct mh_sampler_event *event,
				      const struct mh_target *target,
				      const struct mh_source_opts *opts)
{
	return (struct mh_sampler_spec){
		.events = event,
		.nr_events = 1,
		.children = target->children || target->spawned,
		.on_exec = target->spawned,
		.ring_kib = opts->ring_kib        ? opts->ring_kib
			    : opts->mem.stack_len ? STACKS_RING_KIB
						  : RING_KIB,
		.source = src->id,
		.name = "faults",
		.log = &src->log,
		.on_sample = opts->mem.chains ? on_sample : NULL,
		.arg = src,
	};
}

static int faults_open(struct mh_source **out, uint16_t id,
		       const struct mh_target *target, const struct mh_source_opts *opts,
		       mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_source *src = calloc(1, sizeof(*src));
	struct mh_tell to = { .fn = fn, .arg = arg, .source = id };
	struct mh_attach attach = { .target = target,
				    .sysroot = opts->sysroot ? opts->sysroot : "",
				    .name = "faults",
				    .tell = to };
	struct mh_sampler_event event = event_of(opts);
	struct mh_sampler_spec spec;
	struct mh_err why = { 0 };
	int ret;

	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_faults;
	src->id = id;
	if (opts->log)
		src->log = *opts->log;
	spec = spec_of(src, &event, target, opts);
	ret = mh_sampler_open(&src->sampler, &spec, &why);
	attach.sampler = src->sampler;
	attach.log = &src->log;
	if (!ret)
		ret = mh_attach(&attach, &why);
	if (!ret)
		ret = tell_params(src, event.attr.sample_period, opts, &to, &why);
	if (!ret && !target->spawned)
		ret = mh_sampler_enable(src->sampler, &why);
	if (ret) {
		faults_close(src);
		return refine(ret, &why, err);
	}
	if (mh_sampler_lacks(src->sampler) & MH_LACKS_KERNEL && !opts->user_only)
		mh_log_say(opts->log, MH_NOTICE,
			   "faults: user mode only; first touches by the kernel, as by "
			   "read(2) into a fresh buffer, are not seen; run: sysctl "
			   "kernel.perf_event_paranoid=1");
	src->drain_ns = mh_tell_now_ns() + DRAIN_NS;
	src->stat_ns = mh_tell_now_ns() + STAT_NS;
	*out = src;
	return MH_OK;
}

/* ---- running ---- */

static size_t faults_wait(const struct mh_source *src, int *fds, size_t max,
			  uint64_t *deadline_ns)
{
	*deadline_ns = src->drain_ns;
	if (!max)
		return 0;
	fds[0] = mh_sampler_fd(src->sampler);
	return 1;
}

static int tell_totals(struct mh_source *src, int last, const struct mh_tell *to,
		       struct mh_err *err)
{
	struct mh_sampler_totals totals;
	int ret;

	mh_sampler_totals(src->sampler, &totals);
	mh_attach_warn(&src->warned, &totals, "faults", &src->log);
	ret = mh_tell_stat(to, err, "faults.count", totals.count);
	if (!ret)
		ret = mh_tell_stat(to, err, "faults.samples", totals.samples);
	if (!ret)
		ret = mh_tell_stat(to, err, "faults.lost", totals.lost);
	if (!ret && last && kernel_counts_lost(src))
		ret = mh_tell_stat(to, err, "faults.kernel_lost", totals.kernel_lost);
	if (!ret && src->callgraph.chains.nr_cut)
		ret = mh_tell_stat(to, err, "faults.chains_cut",
				   src->callgraph.chains.nr_cut);
	if (!ret && src->callgraph.copies.nr_foreign)
		ret = mh_tell_stat(to, err, "faults.stacks_foreign",
				   src->callgraph.copies.nr_foreign);
	if (!ret && totals.side_lost)
		ret = mh_tell_stat(to, err, "faults.side_lost", totals.side_lost);
	if (!ret && totals.malformed)
		ret = mh_tell_stat(to, err, "faults.malformed", totals.malformed);
	return ret;
}

static int faults_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		       struct mh_err *err)
{
	struct mh_tell to = { .fn = fn, .arg = arg, .source = src->id };
	uint64_t now = mh_tell_now_ns();
	int ret, gone;

	if (last)
		mh_sampler_disable(src->sampler);
	src->fn = fn;
	src->arg = arg;
	src->drain_ns = now + DRAIN_NS;
	gone = mh_sampler_drain(src->sampler, last, fn, arg, err);
	if (gone == MH_END && !last) {
		/* Nobody is left to write: what no record told can be told now. */
		gone = mh_sampler_drain(src->sampler, 1, fn, arg, err);
		last = 1;
	}
	if (gone < 0)
		return gone;
	if (!last && now < src->stat_ns)
		return gone;
	src->stat_ns = now + STAT_NS;
	ret = tell_totals(src, last, &to, err);
	return ret ? ret : gone;
}

const struct mh_source_ops mh_source_faults = {
	.name = "faults",
	.summary =
		"first touches at their exact byte, with the code that made them (perf "
		"page faults); any machine, no PMU",
	.gives_tasks = 1,
	.probe = faults_probe,
	.open = faults_open,
	.wait = faults_wait,
	.step = faults_step,
	.close = faults_close,
};
