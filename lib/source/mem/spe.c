/* SPDX-License-Identifier: MIT */
/*
 * The PMU's records have no thread: a piece is of the thread that ran when the kernel
 * took it, and it takes one at each switch. Written after the architecture and the
 * kernel's documents and tried on built packets only.
 */
#include "source/mem/spe.h"

#include <stdio.h>
#include <stdlib.h>

#include "event/spe.h"

void mh_mem_spe_init(struct mem_spe *s, const char *sysroot)
{
	char path[512], line[64];
	FILE *f;

	snprintf(path, sizeof(path),
		 "%s/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", sysroot);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f))
		s->neoverse = mh_spe_is_neoverse(strtoull(line, NULL, 16));
	if (f)
		fclose(f);
}

static uint64_t last_timestamp(const struct mh_sampler_aux *aux)
{
	struct mh_spe_buffer in = { .p = aux->p, .end = aux->p + aux->len };
	struct mh_spe_record r;
	uint64_t last = 0;

	while (mh_spe_next(&r, &in) == MH_OK)
		last = r.timestamp ? r.timestamp : last;
	return last;
}

static uint64_t time_of(const struct mh_sampler_aux *aux, uint64_t timestamp,
			uint64_t last)
{
	uint64_t ago;

	if (!timestamp || timestamp > last || !aux->time_mult)
		return aux->time_ns;
	ago = (uint64_t)((unsigned __int128)(last - timestamp) * aux->time_mult >>
			 aux->time_shift);
	return ago < aux->time_ns ? aux->time_ns - ago : 0;
}

static bool is_wanted(struct mem_spe *s, const struct mh_ev_sample *sample)
{
	struct mh_mem_access access;

	mh_mem_access_decode(&access, sample->data_src);
	if (access.op == MH_MEM_OP_UNKNOWN) {
		s->nr_nonmem++;
		return false;
	}
	return sample->flags & MH_SAMPLE_KERNEL ? !s->user_only : !s->kernel_only;
}

int mh_mem_spe_samples(struct mem_spe *s, const struct mh_sampler_aux *aux,
		       mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_spe_buffer in = { .p = aux->p, .end = aux->p + aux->len };
	uint64_t last = last_timestamp(aux);
	struct mh_spe_record r;
	struct mh_event ev;
	int ret = MH_OK;

	s->nr_truncated += !!(aux->flags & PERF_AUX_FLAG_TRUNCATED);
	s->nr_collisions += !!(aux->flags & PERF_AUX_FLAG_COLLISION);
	while (!ret && mh_spe_next(&r, &in) == MH_OK) {
		mh_event_init(&ev, MH_EV_SAMPLE);
		mh_spe_fill(&ev.sample, &r, s->neoverse);
		if (!is_wanted(s, &ev.sample))
			continue;
		ev.source = aux->source;
		ev.time_ns = time_of(aux, r.timestamp, last);
		ev.sample.event = aux->event;
		ev.sample.period = aux->period;
		ev.sample.pid = aux->pid;
		ev.sample.tid = aux->tid;
		ev.sample.cpu = aux->cpu;
		s->nr_samples++;
		ret = fn(arg, &ev, err);
	}
	s->nr_skipped += in.nr_skipped;
	return ret;
}
