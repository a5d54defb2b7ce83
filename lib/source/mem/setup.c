/* SPDX-License-Identifier: MIT */
/*
 * Attributes. What turns off that PEBS writes many records per interrupt is only set when
 * it was asked for: frequencies, call chains, page sizes, another clock.
 */
#include "source/mem/setup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ring/callgraph.h"
#include "ring/open.h"

#define SAMPLE_TYPE                                                                      \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR |        \
	 PERF_SAMPLE_CPU)

#define AUX_KIB    4096u
#define SWFILT_BIT 1u /* config2:0 */

static bool is_memory(const struct mem_event *e)
{
	return e->kind == MEM_PRECISE || e->kind == MEM_IBS;
}

bool mh_mem_filters_modes(const struct mem_event *e, const struct mh_source_opts *opts)
{
	return e->kind == MEM_IBS && !e->swfilt &&
	       (opts->user_only || opts->mem.kernel_only || e->enc.exclude_kernel ||
		e->enc.exclude_user);
}

const char *mh_mem_interrupts(const struct mem_event *e,
			      const struct mh_source_opts *opts)
{
	if (e->kind != MEM_PRECISE)
		return "only PEBS writes many samples per interrupt";
	if (opts->mem.freq)
		return "-F asks for a frequency";
	if (opts->mem.chains)
		return "-g asks for call chains";
	if (opts->mem.page_size)
		return "--page-size asks for page sizes";
	return NULL;
}

static void put_encoding(struct perf_event_attr *attr, const struct mem_encoding *enc)
{
	*attr = (struct perf_event_attr){
		.type = enc->type,
		.config = enc->config,
		.config1 = enc->config1,
		.config2 = enc->config2,
		.precise_ip = enc->precise > 0 ? (unsigned)enc->precise & 3 : 0,
	};
}

static void put_modes(struct perf_event_attr *attr, const struct mem_event *e,
		      const struct mh_source_opts *opts)
{
	if (e->kind == MEM_IBS && !e->swfilt)
		return; /* it would be refused; see mh_mem_filters_modes() */
	attr->exclude_kernel = opts->user_only || e->enc.exclude_kernel;
	attr->exclude_user = opts->mem.kernel_only || e->enc.exclude_user;
	if (e->kind == MEM_IBS && (attr->exclude_kernel || attr->exclude_user))
		attr->config2 |= SWFILT_BIT;
}

static uint64_t sample_type(const struct mem_event *e, const struct mh_source_opts *opts)
{
	uint64_t type = SAMPLE_TYPE;

	/* Its samples are in the buffer; the records only tell of pieces of it. */
	if (e->kind == MEM_SPE)
		return PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;

	if (is_memory(e))
		type |= PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_WEIGHT_STRUCT;
	if (opts->mem.freq || opts->mem.overhead > 0)
		type |= PERF_SAMPLE_PERIOD;
	if (opts->mem.phys)
		type |= PERF_SAMPLE_PHYS_ADDR;
	if (opts->mem.page_size)
		type |= PERF_SAMPLE_DATA_PAGE_SIZE;
	return type;
}

static uint64_t period_of(const struct mem_event *e, const struct mh_source_opts *opts)
{
	uint64_t period = opts->period ? opts->period : e->period;

	/* IBS counts in sixteens. */
	return e->kind == MEM_IBS && period % 16 ? period + 16 - period % 16 : period;
}

void mh_mem_sampler_event(struct mh_sampler_event *out, const struct mem_event *e,
			  const struct mh_source_opts *opts)
{
	*out = (struct mh_sampler_event){ .cpus = *e->cpus ? e->cpus : NULL,
					  .aux_kib = e->kind == MEM_SPE ? AUX_KIB : 0 };
	put_encoding(&out->attr, &e->enc);
	put_modes(&out->attr, e, opts);
	out->attr.bp_type = (uint32_t)e->bp_type;
	out->attr.sample_type = sample_type(e, opts);
	if (opts->mem.chains && e->kind != MEM_SPE)
		mh_callgraph_ask(&out->attr, opts->mem.stack_len);
	out->attr.freq = opts->mem.freq != 0;
	out->attr.sample_period = opts->mem.freq ? opts->mem.freq : period_of(e, opts);
	if (e->has_lead) {
		out->led_by = MH_LEAD_OTHER;
		put_encoding(&out->lead, &e->lead);
		put_modes(&out->lead, e, opts);
	} else if (e->kind == MEM_BREAKPOINT || e->enc.type == PERF_TYPE_SOFTWARE) {
		out->led_by = MH_LEAD_COUNT;
	}
}

/* ---- may we, can it ---- */

static int check_rights(struct mem_events *events, const struct mh_source_opts *opts,
			bool wide, struct mh_err *err)
{
	struct mh_perf_rights rights;
	int most = wide ? 0 : 2;

	mh_perf_rights_read(&rights, opts->sysroot);
	if (!rights.supported)
		return mh_fail(
			err, MH_ENOSUP,
			"no /proc/sys/kernel/perf_event_paranoid: the kernel lacks "
			"CONFIG_PERF_EVENTS");
	/* IBS without the software filter takes kernel mode along. */
	if (events->nr && events->v[0].kind == MEM_IBS && !events->v[0].swfilt && !wide)
		most = 1;
	if (rights.perfmon || rights.paranoid <= most)
		return MH_OK;
	snprintf(events->fix, sizeof(events->fix), "sysctl kernel.perf_event_paranoid=%d",
		 most);
	return mh_fail(err, MH_EPERM, "perf_event_paranoid is %d, %d is needed%s",
		       rights.paranoid, most, wide ? " for other users' processes" : "");
}

int mh_mem_prepare(struct mem_events *out, const struct mh_source_opts *opts, bool wide,
		   struct mh_err *err)
{
	int ret = mh_mem_events(out, opts, err);

	if (!ret && out->v[0].kind == MEM_SPE && out->nr > 1)
		ret = mh_fail(err, MH_EINPUT,
			      "Arm SPE has one buffer: record nothing else beside it");
	return ret ? ret : check_rights(out, opts, wide, err);
}

/* Opens the events, stopped, on ourselves: what the numbers allow may still be refused.
 */
static int try_self(const struct mem_event *e, const struct mh_source_opts *opts,
		    struct mh_err *err)
{
	struct mh_perf_place self = { .pid = 0, .cpu = -1, .group_fd = -1 };
	struct mh_sampler_event we;
	unsigned lacks = 0;
	int lead = -1, fd, ret = MH_OK;

	mh_mem_sampler_event(&we, e, opts);
	we.attr.disabled = we.lead.disabled = 1;
	if (we.led_by == MH_LEAD_OTHER) {
		ret = mh_perf_open(&lead, &we.lead, &self, &lacks, err);
		self.group_fd = lead;
		we.attr.disabled = 0;
	}
	if (!ret)
		ret = mh_perf_open(&fd, &we.attr, &self, &lacks, err);
	if (!ret)
		close(fd);
	if (lead >= 0)
		close(lead);
	return ret;
}

int mh_mem_probe(struct mh_probe *out, const struct mh_target *target,
		 const struct mh_source_opts *opts, struct mh_err *err)
{
	static const struct mh_source_opts defaults;
	const struct mh_source_opts *o = opts ? opts : &defaults;
	bool wide = target && target->type != MH_TARGET_PROCESSES;
	struct mem_events events;
	struct mh_err why = { 0 };
	int ret;
	size_t i;

	(void)err;
	*out = (struct mh_probe){ .usable = 1 };
	ret = mh_mem_prepare(&events, o, wide, &why);
	for (i = 0; !ret && i < events.nr && !(o->sysroot && *o->sysroot); i++)
		ret = try_self(&events.v[i], o, &why);
	if (ret) {
		out->usable = 0;
		snprintf(out->reason, sizeof(out->reason), "%.255s", why.msg);
		snprintf(out->fix, sizeof(out->fix), "%s", events.fix);
	}
	return MH_OK;
}
