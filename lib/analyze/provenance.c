/* SPDX-License-Identifier: MIT */
/* Where a view's numbers come from, in words and counts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/session.h"

static void format_time(char *buf, size_t size, uint64_t ns)
{
	if (ns % 1000000000 == 0)
		snprintf(buf, size, "%" PRIu64 " s", ns / 1000000000);
	else if (ns % 1000000 == 0)
		snprintf(buf, size, "%" PRIu64 " ms", ns / 1000000);
	else
		snprintf(buf, size, "%" PRIu64 " us", ns / 1000);
}

static void fill_params(const struct mh_session *s, uint16_t id, char *buf, size_t size)
{
	uint64_t sample_us = mh_session_meta_u64(s, id, "sample_us");
	uint64_t aggr_us = mh_session_meta_u64(s, id, "aggr_us");
	uint64_t interval_ns = mh_session_meta_u64(s, id, "interval_ns");
	uint64_t period = mh_session_meta_u64(s, id, "period");
	char a[32], b[32];

	*buf = '\0';
	format_time(a, sizeof(a), interval_ns ? interval_ns : sample_us * 1000);
	format_time(b, sizeof(b), aggr_us * 1000);
	if (sample_us && aggr_us)
		snprintf(buf, size, "sample %s, aggr %s",
			 (format_time(a, sizeof(a), sample_us * 1000), a), b);
	else if (interval_ns)
		snprintf(buf, size, "interval %s", a);
	else if (period)
		snprintf(buf, size, period == 1 ? "every event" : "1 event in %" PRIu64,
			 period);
}

static void fill_others(const struct mh_session *s, const struct mh_session_source *src,
			char *buf, size_t size)
{
	size_t i, len = 0;

	*buf = '\0';
	for (i = 0; i < s->sources.nr && len < size; i++) {
		const struct mh_session_source *other = &s->sources.v[i];

		if (other != src && (!src || strcmp(other->name, src->name)))
			len += (size_t)snprintf(buf + len, size - len, "%s%s",
						len ? ", " : "", other->name);
	}
}

static void fill_title(const struct mh_session *s, char *buf, size_t size)
{
	static const char *const keys[] = { "trace.title", "target.title",
					    "target.command", "trace.command" };
	const struct mh_space *sp;
	const char *value = NULL;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys) && !value; i++)
		value = mh_reader_meta(s->reader, keys[i]);
	if (value) {
		snprintf(buf, size, "%s", value);
		return;
	}
	*buf = '\0';
	if (mh_maps_nr_spaces(s->maps)) {
		/* The oldest process is the one that was asked for. */
		sp = mh_maps_space(s->maps, 0);
		for (i = 1; i < mh_maps_nr_spaces(s->maps); i++) {
			const struct mh_space *other = mh_maps_space(s->maps, i);

			if (other->time_ns.start < sp->time_ns.start ||
			    (other->pid == sp->pid && *other->comm))
				sp = other;
		}
		snprintf(buf, size, "%s (pid %u)", *sp->comm ? sp->comm : "process",
			 sp->pid);
	}
}

void mh_session_provenance(const struct mh_session *s,
			   const struct mh_session_source *src, uint32_t kinds,
			   struct mh_provenance *out)
{
	const struct mh_trace_info *info = mh_reader_info(s->reader);
	size_t i;

	memset(out, 0, sizeof(*out));
	fill_title(s, out->title, sizeof(out->title));
	fill_others(s, src, out->others, sizeof(out->others));
	out->start_ns = s->start_ns;
	/* The range ends one past the last time. */
	if (info->time_ns.end > s->start_ns)
		out->duration_ns = info->time_ns.end - 1 - s->start_ns;
	out->lost = s->lost;
	out->throttled = s->throttled;
	out->nonmem = s->nonmem;
	out->nr_damaged = info->nr_damaged + s->nr_damaged;
	out->observer_cpu_ns = s->observer_cpu_ns;
	out->stall_max_ns = s->stall_max_ns;
	out->kdamond_cpu_ns = s->kdamond_cpu_ns;
	out->nr_snapshots = s->nr_snapshots;
	/* A repacked trace is closed properly; that its input was not is in META. */
	out->complete = info->complete && !mh_reader_meta(s->reader, "trace.incomplete");
	if (!src)
		return;
	snprintf(out->source, sizeof(out->source), "%s", src->name);
	fill_params(s, src->id, out->params, sizeof(out->params));
	if (kinds & 1u << MH_EV_SAMPLE)
		out->nr_samples = src->rows[MH_EV_SAMPLE];
	for (i = 0; i < s->gaps.nr; i++) {
		if (s->gaps.v[i].source != src->id ||
		    !mh_session_has_pid(s, s->gaps.v[i].pid))
			continue;
		out->nr_gaps++;
		out->gap_ns += mh_range_len(s->gaps.v[i].time_ns);
	}
}
