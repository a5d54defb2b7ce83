/* SPDX-License-Identifier: MIT */
/*
 * The shared filters. What a trace's own filter knows (time, address, pid, tid, kind,
 * source) is left to its cursor, which skips whole blocks by it; the rest (mapping, rate,
 * size, age, skipped snapshots) is asked row by row here.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "filters.h"
#include "values.h"

#define AT(member) .offset = offsetof(struct mh_filters, member)

const struct mh_option mh_input_option[] = {
	{ "input", 'i', MH_OPT_FILE, "FILE",
	  "the trace; default memheat.data, - for a pipe", AT(input) },
	{ 0 },
};

const struct mh_option mh_filter_options[] = {
	{ .type = MH_OPT_GROUP, .group = mh_input_option },
	{ "time", 0, MH_OPT_TIME_RANGE, "FROM:TO",
	  "only this span, counted from the start: 2s:10s, 5s:", AT(time_ns) },
	{ "addr", 0, MH_OPT_SIZE_RANGE, "START:END",
	  "only these addresses: 0x7f00:0x8000, 0x7f00:+64M", AT(addr) },
	{ "at", 0, MH_OPT_STRING, "NAME",
	  "only mappings whose name contains NAME (heap, libc), else the variable or the "
	  "blocks of the function of that name",
	  AT(at) },
	{ "pid", 0, MH_OPT_IDS, "PID,...", "only these processes", AT(pids) },
	{ "tid", 0, MH_OPT_IDS, "TID,...", "only samples of these threads", AT(tids) },
	{ "min-rate", 0, MH_OPT_RATIO, "SHARE",
	  "leave out regions accessed in less than this share of checks: 5%",
	  AT(min_rate) },
	{ "min-size", 0, MH_OPT_SIZE, "SIZE", "leave out smaller regions: 64K",
	  AT(min_size) },
	{ "age", 0, MH_OPT_TIME_RANGE, "FROM:TO",
	  "only regions whose rate has been stable for so long: 10s:", AT(age_ns) },
	{ "skip", 0, MH_OPT_COUNT, "N",
	  "leave out the first N snapshots or intervals (warm-up); default 0", AT(skip) },
	{ "source", 0, MH_OPT_STRING, "NAME",
	  "take this source; default the first that fits the view", AT(source) },
	{ 0 },
};

const struct mh_option mh_cache_option[] = {
	{ "no-cache", 0, MH_OPT_FLAG, NULL,
	  "neither read nor keep names of addresses in $XDG_CACHE_HOME", AT(no_cache) },
	{ 0 },
};

const char *mh_filters_input(const struct mh_filters *f, const struct mh_cmd *cmd, int nr,
			     char **operands)
{
	if (nr + (f->input != NULL) > 1) {
		mh_usage(cmd, "one trace at a time; '%s' is too much", operands[nr - 1]);
		return NULL;
	}
	if (f->input)
		return f->input;
	return nr ? operands[0] : "memheat.data";
}

/* The part that the trace's cursors know; @start_ns: of the trace. */
static struct mh_filter base_filter(const struct mh_filters *f, uint64_t start_ns)
{
	struct mh_filter out = { .addr = f->addr,
				 .pids = f->pids.v,
				 .nr_pids = f->pids.nr,
				 .tids = f->tids.v,
				 .nr_tids = f->tids.nr };

	if (f->time_ns.end) {
		out.time_ns.start = f->time_ns.start + start_ns;
		out.time_ns.end = f->time_ns.end + start_ns;
		if (out.time_ns.start < start_ns)
			out.time_ns.start = UINT64_MAX;
		if (out.time_ns.end < start_ns)
			out.time_ns.end = UINT64_MAX;
	}
	return out;
}

void mh_filters_session(struct mh_session_opts *out, const struct mh_filters *f)
{
	*out = (struct mh_session_opts){ .filter = base_filter(f, 0),
					 .source = f->source,
					 .at = f->at,
					 .min_rate = f->min_rate,
					 .min_size = f->min_size,
					 .age_ns = f->age_ns,
					 .skip = f->skip };
}

void mh_filters_naming(struct mh_session_opts *out, const struct mh_filters *f,
		       char cache_dir[MH_CACHE_DIR_MAX])
{
	mh_filters_session(out, f);
	out->cache_dir = f->no_cache ? NULL : mh_cache_dir(cache_dir);
}

const char *mh_source_meta(const struct mh_reader *r, unsigned id, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "source.%u.%s", id, key);
	return mh_reader_meta(r, name);
}

uint64_t mh_source_number(const struct mh_reader *r, unsigned id, const char *key)
{
	const char *s = mh_source_meta(r, id, key);
	uint64_t v;

	return s && mh_value_count(&v, s, NULL) == MH_OK ? v : 0;
}

int mh_is_source_name(const char *key, unsigned *id)
{
	static const char prefix[] = "source.";
	char *end;
	unsigned long v;

	if (strncmp(key, prefix, strlen(prefix)) != 0 ||
	    !isdigit((unsigned char)key[strlen(prefix)]))
		return 0;
	v = strtoul(key + strlen(prefix), &end, 10);
	if (v > UINT16_MAX || strcmp(end, ".name") != 0)
		return 0;
	*id = (unsigned)v;
	return 1;
}

/* "damon" names "damon:vaddr" too. */
static int is_named(const char *source, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(source, name, len) && (!source[len] || source[len] == ':');
}

int mh_source_id(unsigned *out, const struct mh_reader *r, const char *name,
		 struct mh_err *err)
{
	const char *key, *value;
	char known[256] = "";
	size_t i, len = 0;
	unsigned id;

	for (i = 0; (key = mh_reader_meta_at(r, i, &value)); i++) {
		if (!mh_is_source_name(key, &id))
			continue;
		if (is_named(value, name)) {
			*out = id;
			return MH_OK;
		}
		if (len < sizeof(known) - 1)
			len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
						len ? ", " : "", value);
	}
	return mh_fail(err, MH_EINPUT, "the trace has no source '%s'; it has: %s", name,
		       *known ? known : "none");
}

/* ---- rows ---- */

/* How many snapshots of one space a walk has seen. */
struct snapshots {
	uint32_t pid;
	uint16_t source;
	uint64_t start_ns, time_ns; /* the last one */
	uint64_t nr;
};

struct rows {
	const struct mh_walk *walk;
	struct mh_maps *maps;           /* NULL: no --at */
	struct mh_intervals *intervals; /* NULL: no --age */
	struct snapshots *seen;
	size_t nr_seen, cap_seen;
	uint64_t done, total;
};

static struct snapshots *snapshots_of(struct rows *rows, uint16_t source, uint32_t pid,
				      struct mh_err *err)
{
	struct snapshots *v;
	size_t i;

	for (i = 0; i < rows->nr_seen; i++)
		if (rows->seen[i].pid == pid && rows->seen[i].source == source)
			return &rows->seen[i];
	if (rows->nr_seen == rows->cap_seen) {
		v = realloc(rows->seen, (rows->cap_seen + 16) * sizeof(*v));
		if (!v) {
			mh_fail_errno(err, "cannot count snapshots");
			return NULL;
		}
		rows->seen = v;
		rows->cap_seen += 16;
	}
	v = &rows->seen[rows->nr_seen++];
	*v = (struct snapshots){ .pid = pid, .source = source };
	return v;
}

/* Whether a snapshot or scan is among the first --skip of its space; < 0: failed. */
static int skipped(struct rows *rows, const struct mh_event *ev, uint32_t pid,
		   uint64_t start_ns, struct mh_err *err)
{
	struct snapshots *s;

	if (!rows->walk->filters->skip)
		return 0;
	s = snapshots_of(rows, ev->source, pid, err);
	if (!s)
		return MH_ENOMEM;
	if (!s->nr || s->start_ns != start_ns || s->time_ns != ev->time_ns) {
		s->start_ns = start_ns;
		s->time_ns = ev->time_ns;
		s->nr++;
	}
	return s->nr <= rows->walk->filters->skip;
}

static int is_at(const struct rows *rows, uint32_t pid, uint64_t time_ns, uint64_t addr)
{
	const char *want = rows->walk->filters->at;
	const struct mh_mapping *m;
	char name[128];
	long space;

	if (!rows->maps)
		return 1;
	space = mh_maps_space_at(rows->maps, pid, time_ns);
	m = space < 0 ? NULL : mh_maps_find(rows->maps, (size_t)space, addr, time_ns);
	if (!m)
		return 0;
	mh_mapping_name(m, name, sizeof(name));
	return strstr(name, want) || strstr(m->path, want) ||
	       (rows->walk->session &&
		mh_session_is_at(rows->walk->session, pid, time_ns, addr));
}

static int region_passes(struct rows *rows, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_filters *f = rows->walk->filters;
	const struct mh_ev_region *r = &ev->region;
	uint64_t aggr_ns, age_ns;
	int skip = skipped(rows, ev, r->pid, r->start_ns, err);

	if (skip)
		return skip < 0 ? skip : 0;
	if (r->end - r->start < f->min_size)
		return 0;
	if (f->min_rate > 0 && r->nr_accesses < f->min_rate * r->max_accesses)
		return 0;
	if (f->age_ns.end) {
		aggr_ns = mh_intervals_at(rows->intervals, ev->source, ev->time_ns);
		if (r->age == MH_NO_AGE || !aggr_ns)
			return 0;
		age_ns = r->age * aggr_ns;
		if (age_ns < f->age_ns.start || age_ns >= f->age_ns.end)
			return 0;
	}
	return is_at(rows, r->pid, ev->time_ns, r->start);
}

static int pages_pass(struct rows *rows, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_pages *p = &ev->pages;
	int skip = skipped(rows, ev, p->pid, p->start_ns, err);

	if (skip)
		return skip < 0 ? skip : 0;
	if (p->nr_pages << p->page_shift < rows->walk->filters->min_size)
		return 0;
	return is_at(rows, p->pid, ev->time_ns, p->start);
}

/* 1: wanted, 0: not, < 0: failed. */
static int passes(struct rows *rows, const struct mh_event *ev, struct mh_err *err)
{
	switch (ev->kind) {
	case MH_EV_REGION:
		return region_passes(rows, ev, err);
	case MH_EV_PAGES:
		return pages_pass(rows, ev, err);
	case MH_EV_SAMPLE:
		if (!(ev->sample.flags & MH_SAMPLE_ADDR))
			return !rows->maps;
		return is_at(rows, ev->sample.pid, ev->time_ns, ev->sample.addr);
	case MH_EV_FOOTPRINT:
		return ev->footprint.end == 0 ||
		       is_at(rows, ev->footprint.pid, ev->time_ns, ev->footprint.start);
	case MH_EV_META:
	case MH_EV_MAP:
	case MH_EV_TASK:
	case MH_EV_STAT:
	case MH_EV_LOST:
	case MH_EV_GAP:
	case MH_EV_HEAP:
	case MH_EV_STACK:
	case MH_EV_STACK_COPY:
		break;
	}
	return 1;
}

#define BIT(kind) (1u << (kind))

/* What describes the data and is needed whatever the time or the address is. */
#define STATE_KINDS                                                                      \
	(BIT(MH_EV_META) | BIT(MH_EV_MAP) | BIT(MH_EV_TASK) | BIT(MH_EV_STACK) |         \
	 BIT(MH_EV_HEAP))

static int hand_over(struct rows *rows, const struct mh_event *ev, int state,
		     struct mh_err *err)
{
	const struct mh_walk *w = rows->walk;
	int status;

	if (state && rows->maps) {
		status = mh_maps_add(rows->maps, ev, err);
		if (status != MH_OK)
			return status;
	}
	if (w->kinds && !(w->kinds & BIT(ev->kind)))
		return MH_OK;
	status = state ? 1 : passes(rows, ev, err);
	if (status <= 0)
		return status;
	return w->fn(w->arg, ev, err);
}

/* @state: the first of the two passes */
static int pass(struct mh_walk *w, struct rows *rows, const struct mh_filter *filter,
		int state, struct mh_err *err)
{
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	struct mh_event ev;
	int status = mh_cursor_open(&c, w->reader, filter, err);
	uint32_t i;

	while (status == MH_OK) {
		status = mh_cursor_next(c, &batch, err);
		if (status == MH_EFORMAT) {
			status = MH_OK;
			continue;
		}
		for (i = 0; status == MH_OK && i < batch.nr; i++) {
			mh_batch_event(&batch, i, &ev);
			status = hand_over(rows, &ev, state, err);
		}
		rows->done += status == MH_OK ? batch.nr : 0;
		if (w->progress && rows->total)
			w->progress(w->progress_arg,
				    (double)rows->done / (double)rows->total);
	}
	if (c)
		w->nr_damaged += mh_cursor_nr_damaged(c);
	mh_cursor_close(c);
	return status == MH_END ? MH_OK : status;
}

static uint32_t data_kinds(const struct mh_walk *w)
{
	uint32_t all = (1u << MH_NR_EVENT_KINDS) - 2;

	return (w->kinds ? w->kinds & all : all) & ~STATE_KINDS;
}

static int data_source(const struct mh_walk *w, int *source, struct mh_err *err)
{
	unsigned id = 0;
	int status;

	*source = w->source;
	if (w->source || !w->filters->source)
		return MH_OK;
	status = mh_source_id(&id, w->reader, w->filters->source, err);
	if (status == MH_OK)
		*source = (int)id + 1;
	return status;
}

int mh_walk_run(struct mh_walk *w, struct mh_err *err)
{
	const struct mh_trace_info *info = mh_reader_info(w->reader);
	struct mh_filter filter = { .kinds = STATE_KINDS,
				    .pids = w->filters->pids.v,
				    .nr_pids = w->filters->pids.nr };
	struct rows rows = { .walk = w };
	int status = MH_OK, i;

	w->nr_damaged = 0;
	for (i = 0; i < MH_NR_EVENT_KINDS; i++)
		rows.total += info->rows[i];
	if (w->filters->at)
		status = mh_maps_new(&rows.maps, err);
	if (status == MH_OK && w->filters->age_ns.end)
		status = mh_intervals_read(&rows.intervals, w->reader, err);
	if (status == MH_OK)
		status = pass(w, &rows, &filter, 1, err);
	if (status == MH_OK && rows.maps)
		status = mh_maps_finish(rows.maps, err);
	filter = base_filter(w->filters, info->start_ns);
	filter.kinds = data_kinds(w);
	if (status == MH_OK && filter.kinds)
		status = data_source(w, &filter.source, err);
	if (status == MH_OK && filter.kinds)
		status = pass(w, &rows, &filter, 0, err);
	mh_maps_free(rows.maps);
	mh_intervals_free(rows.intervals);
	free(rows.seen);
	return status;
}

int mh_walk_at(struct mh_walk *w, const char *path, struct mh_err *err)
{
	const struct mh_session_opts opts = { .at = w->filters->at };

	/* A pipe cannot be read twice; its mappings are found all the same. */
	if (!w->filters->at || !strcmp(path, "-"))
		return MH_OK;
	return mh_session_open(&w->session, path, &opts, err);
}
