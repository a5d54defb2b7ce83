/* SPDX-License-Identifier: MIT */
/*
 * What a trace says of itself: the small tables (LOST, GAP, STAT) and META, summed up.
 * Samples that a source dropped on purpose (NONMEM) are not counted as lost.
 */
#include <stdio.h>
#include <string.h>

#include <memheat/render.h>

#include "filters.h"
#include "provenance.h"

static void take(struct mh_provenance *p, const struct mh_event *ev)
{
	switch ((int)ev->kind) {
	case MH_EV_LOST:
		if (ev->lost.cause == MH_LOST_THROTTLE)
			p->throttled += ev->lost.count;
		else if (ev->lost.cause != MH_LOST_NONMEM &&
			 ev->lost.cause != MH_LOST_HEAP)
			p->lost += ev->lost.count;
		return;
	case MH_EV_GAP:
		p->nr_gaps++;
		if (ev->time_ns > ev->gap.start_ns)
			p->gap_ns += ev->time_ns - ev->gap.start_ns;
		return;
	case MH_EV_STAT:
		/* Counters grow; the last value is the largest. */
		if (!strcmp(ev->stat.name, "observer.cpu_ns") &&
		    ev->stat.value > p->observer_cpu_ns)
			p->observer_cpu_ns = ev->stat.value;
		if (!strcmp(ev->stat.name, "observer.stall_max_ns") &&
		    ev->stat.value > p->stall_max_ns)
			p->stall_max_ns = ev->stat.value;
		return;
	}
}

static int read_tables(struct mh_provenance *p, const struct mh_reader *r,
		       struct mh_err *err)
{
	struct mh_filter filter = { .kinds = 1u << MH_EV_LOST | 1u << MH_EV_GAP |
					     1u << MH_EV_STAT };
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	int status = mh_cursor_open(&c, r, &filter, err);
	uint32_t i;

	while (status == MH_OK || status == MH_EFORMAT) {
		status = mh_cursor_next(c, &batch, err);
		for (i = 0; status == MH_OK && i < batch.nr; i++)
			take(p, &batch.events[i]);
	}
	if (c)
		p->nr_damaged += mh_cursor_nr_damaged(c);
	mh_cursor_close(c);
	return status == MH_END ? MH_OK : status;
}

uint64_t mh_provenance_sources(const struct mh_reader *r, enum mh_event_kind kind)
{
	size_t i, nr = mh_reader_nr_blocks(r);
	uint64_t bits = 0;

	for (i = 0; i < nr; i++) {
		const struct mh_block_info *b = mh_reader_block(r, i);

		if (b->kind == kind && b->source < 64)
			bits |= 1ull << b->source;
	}
	return bits;
}

static const char *name_of(const struct mh_reader *r, unsigned id)
{
	const char *name = mh_source_meta(r, id, "name");

	return name ? name : "unnamed";
}

static void put_sources(struct mh_provenance *p, const struct mh_reader *r, unsigned id)
{
	uint64_t bits = mh_provenance_sources(r, MH_EV_REGION) |
			mh_provenance_sources(r, MH_EV_SAMPLE) |
			mh_provenance_sources(r, MH_EV_PAGES);
	uint64_t sample_us = mh_source_number(r, id, "sample_us");
	uint64_t aggr_us = mh_source_number(r, id, "aggr_us");
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX];
	size_t len = 0;
	unsigned i;

	snprintf(p->source, sizeof(p->source), "%s", name_of(r, id));
	if (sample_us && aggr_us)
		snprintf(p->params, sizeof(p->params), "sample %s, aggr %s",
			 mh_text_ns(a, sample_us * 1000), mh_text_ns(b, aggr_us * 1000));
	for (i = 0; i < 64; i++)
		if ((bits >> i & 1) && i != id && len < sizeof(p->others) - 1)
			len += (size_t)snprintf(p->others + len, sizeof(p->others) - len,
						"%s%s", len ? ", " : "", name_of(r, i));
}

int mh_provenance_read(struct mh_provenance *out, const struct mh_reader *r, int source,
		       struct mh_err *err)
{
	const struct mh_trace_info *info = mh_reader_info(r);
	static const char *const titles[] = { "trace.title", "target.title",
					      "target.command", "trace.command" };
	const char *title = NULL;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < sizeof(titles) / sizeof(titles[0]) && !title; i++)
		title = mh_reader_meta(r, titles[i]);
	snprintf(out->title, sizeof(out->title), "%s", title ? title : "");
	out->start_ns = info->start_ns;
	/* The range ends one past the last time. */
	if (info->time_ns.end > info->start_ns)
		out->duration_ns = info->time_ns.end - 1 - info->start_ns;
	out->nr_damaged = info->nr_damaged;
	/* repack keeps that its input was not whole. */
	out->complete = info->complete && !mh_reader_meta(r, "trace.incomplete");
	if (source)
		put_sources(out, r, (unsigned)source - 1);
	return read_tables(out, r, err);
}
