/* SPDX-License-Identifier: MIT */
/*
 * Filters: blocks by what their header says, then rows. Rows that pass are numbered
 * first and moved together column by column, without a branch per row.
 */
#include "trace/filter.h"

static bool is_set(struct mh_range r)
{
	return r.start || r.end;
}

static bool has_addr(uint16_t kind)
{
	return kind == MH_EV_SAMPLE || kind == MH_EV_REGION || kind == MH_EV_PAGES;
}

bool mh_filter_block(const struct mh_filter *f, const struct mh_entry *e)
{
	if (!e->kind || e->kind >= MH_NR_EVENT_KINDS)
		return false;
	if (f->kinds && !(f->kinds >> e->kind & 1))
		return false;
	if (f->source && e->source != (uint32_t)f->source - 1)
		return false;
	if (is_set(f->time_ns) &&
	    (e->t_max < f->time_ns.start || e->t_min >= f->time_ns.end))
		return false;
	if (is_set(f->addr) && has_addr(e->kind) &&
	    (e->addr_min > e->addr_max || e->addr_max < f->addr.start ||
	     e->addr_min >= f->addr.end))
		return false;
	return true;
}

uint32_t mh_filter_columns(const struct mh_filter *f)
{
	uint32_t columns = f->columns;

	if (!columns)
		return 0;
	if (is_set(f->time_ns))
		columns |= MH_COL_TIME;
	if (is_set(f->addr))
		columns |= MH_COL_ADDR | MH_COL_OTHER;
	if (f->pids || f->tids)
		columns |= MH_COL_THREAD;
	return columns;
}

/* Threads are chosen by sample number. */
bool mh_filter_any_order(const struct mh_filter *f)
{
	return f->any_order && !f->pids && !f->tids;
}

static bool in_list(const uint32_t *list, size_t nr, uint32_t v)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (list[i] == v)
			return true;
	}
	return false;
}

static bool pid_passes(const struct mh_filter *f, uint32_t pid)
{
	return !f->pids || in_list(f->pids, f->nr_pids, pid);
}

/* An interval that ends at @time_ns overlaps the window. */
static bool time_passes(const struct mh_filter *f, uint64_t begin_ns, uint64_t time_ns)
{
	return !is_set(f->time_ns) ||
	       (time_ns >= f->time_ns.start && begin_ns < f->time_ns.end);
}

/* A range [start, end) of addresses overlaps the wanted one. */
static bool addr_passes(const struct mh_filter *f, uint64_t start, uint64_t end)
{
	return !is_set(f->addr) || (start < f->addr.end && end > f->addr.start);
}

/* ---- SAMPLE ---- */

static uint32_t keep_samples(const struct mh_filter *f, const struct mh_sample_rows *r,
			     struct mh_filter_scratch *s, const struct mh_batch *batch)
{
	bool by_thread = f->pids || f->tids, by_addr = is_set(f->addr);
	struct mh_range t = f->time_ns;
	uint64_t span = is_set(t) ? mh_range_len(t) : UINT64_MAX;
	uint64_t addr_span = mh_range_len(f->addr);
	bool all_times = !is_set(t);
	const uint64_t *addr = batch->sample.addr;
	const uint8_t *flags = batch->sample.flags;
	uint32_t i, nr = 0;

	for (i = 0; by_thread && i < r->nr_threads; i++)
		s->thread[i] =
			pid_passes(f, r->thread_pid[i]) &&
			(!f->tids || in_list(f->tids, f->nr_tids, r->thread_tid[i]));
	for (i = 0; i < batch->nr; i++) {
		bool ok = all_times || r->time_ns[i] - t.start < span;

		if (by_thread)
			ok &= s->thread[r->thread[i]];
		if (by_addr)
			ok &= flags && flags[i] & MH_SAMPLE_ADDR &&
			      (addr ? addr[i] : 0) - f->addr.start < addr_span;
		s->keep[nr] = (uint16_t)i;
		nr += ok;
	}
	return nr;
}

#define MOVE(rows, shown, column)                                                        \
	do {                                                                             \
		if (!(shown)->column)                                                    \
			break;                                                           \
		for (i = 0; i < nr; i++)                                                 \
			(rows)->column[i] = (rows)->column[keep[i]];                     \
	} while (0)

static void move_samples(struct mh_sample_rows *r, const struct mh_sample_columns *c,
			 const uint16_t *keep, uint32_t nr)
{
	uint32_t i;

	MOVE(r, c, time_ns);
	MOVE(r, c, ip);
	MOVE(r, c, addr);
	MOVE(r, c, phys);
	MOVE(r, c, data_src);
	MOVE(r, c, period);
	MOVE(r, c, weight);
	MOVE(r, c, pid);
	MOVE(r, c, tid);
	MOVE(r, c, cpu);
	MOVE(r, c, stack);
	MOVE(r, c, ins_lat);
	MOVE(r, c, p_stage);
	MOVE(r, c, event);
	MOVE(r, c, flags);
	MOVE(r, c, page_shift);
}

static void filter_samples(const struct mh_filter *f, struct mh_decoder *d,
			   struct mh_filter_scratch *s, struct mh_batch *batch)
{
	uint32_t nr = keep_samples(f, d->sample, s, batch);

	if (nr == batch->nr)
		return;
	batch->nr = nr;
	move_samples(d->sample, &batch->sample, s->keep, nr);
}

/* ---- REGION ---- */

static void filter_regions(const struct mh_filter *f, struct mh_decoder *d,
			   struct mh_filter_scratch *s, struct mh_batch *batch)
{
	const struct mh_region_columns *c = &batch->region;
	struct mh_region_rows *r = d->region;
	const uint16_t *keep = s->keep;
	uint32_t i, nr = 0;

	for (i = 0; i < batch->nr; i++) {
		uint64_t begin = mh_interval_begin(r->start_ns[i], r->time_ns[i]);

		s->keep[nr] = (uint16_t)i;
		nr += time_passes(f, begin, r->time_ns[i]) &&
		      addr_passes(f, r->start[i], r->end[i]) && pid_passes(f, r->pid[i]);
	}
	if (nr == batch->nr)
		return;
	batch->nr = nr;
	MOVE(r, c, start_ns);
	MOVE(r, c, time_ns);
	MOVE(r, c, start);
	MOVE(r, c, end);
	MOVE(r, c, touched);
	MOVE(r, c, pid);
	MOVE(r, c, nr_accesses);
	MOVE(r, c, max_accesses);
	MOVE(r, c, age);
}

/* ---- events ---- */

/* The process an event is about; false: it is about none. */
static bool pid_of(const struct mh_event *ev, uint32_t *pid)
{
	switch (ev->kind) {
	case MH_EV_MAP:
		*pid = ev->map.pid;
		return true;
	case MH_EV_TASK:
		*pid = ev->task.pid;
		return true;
	case MH_EV_PAGES:
		*pid = ev->pages.pid;
		return true;
	case MH_EV_FOOTPRINT:
		*pid = ev->footprint.pid;
		return true;
	case MH_EV_STAT:
		*pid = ev->stat.pid;
		return *pid != 0;
	case MH_EV_GAP:
		*pid = ev->gap.pid;
		return *pid != 0;
	case MH_EV_HEAP:
		*pid = ev->heap.pid;
		return true;
	case MH_EV_STACK_COPY:
		*pid = ev->stack_copy.pid;
		return true;
	case MH_EV_META:
	case MH_EV_SAMPLE:
	case MH_EV_REGION:
	case MH_EV_LOST:
	case MH_EV_STACK:
		break;
	}
	return false;
}

static bool event_passes(const struct mh_filter *f, const struct mh_event *ev)
{
	uint32_t pid;

	if (!time_passes(f, mh_event_begin(ev), ev->time_ns))
		return false;
	if (pid_of(ev, &pid) && !pid_passes(f, pid))
		return false;
	if (ev->kind != MH_EV_PAGES)
		return true;
	return addr_passes(f, ev->pages.start,
			   ev->pages.start +
				   (ev->pages.nr_pages << ev->pages.page_shift));
}

static void filter_events(const struct mh_filter *f, struct mh_decoder *d,
			  struct mh_batch *batch)
{
	struct mh_event *ev = d->events->ev;
	uint32_t i, nr = 0;

	for (i = 0; i < batch->nr; i++) {
		if (!event_passes(f, &ev[i]))
			continue;
		if (nr != i)
			ev[nr] = ev[i];
		nr++;
	}
	batch->nr = nr;
}

void mh_filter_batch(const struct mh_filter *f, struct mh_decoder *d,
		     struct mh_filter_scratch *s, struct mh_batch *batch)
{
	if (!is_set(f->time_ns) && !is_set(f->addr) && !f->pids && !f->tids)
		return;
	if (batch->kind == MH_EV_SAMPLE)
		filter_samples(f, d, s, batch);
	else if (batch->kind == MH_EV_REGION)
		filter_regions(f, d, s, batch);
	else
		filter_events(f, d, batch);
	/* The block's bounds still cover what is left; the window may be closer. */
	if (batch->kind == MH_EV_SAMPLE && is_set(f->time_ns)) {
		if (batch->time_ns.start < f->time_ns.start)
			batch->time_ns.start = f->time_ns.start;
		if (batch->time_ns.end > f->time_ns.end)
			batch->time_ns.end = f->time_ns.end;
	}
}
