/* SPDX-License-Identifier: MIT */
/*
 * A trace opened for analysis. One pass reads all small tables; the data blocks are left
 * to the passes of the views.
 */
#include "analyze/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory to open the trace for analysis");
}

/* ---- options: the session owns what its caller may let go ---- */

static int copy_array(const uint32_t **array, size_t nr)
{
	uint32_t *copy;

	if (!*array)
		return 0;
	copy = malloc((nr + 1) * sizeof(*copy));
	if (copy)
		memcpy(copy, *array, nr * sizeof(*copy));
	*array = copy;
	return copy ? 0 : -1;
}

static int copy_string(const char **str)
{
	if (!*str)
		return 0;
	*str = strdup(*str);
	return *str ? 0 : -1;
}

/* In one piece: the pointers, then what they point to. */
static int copy_list(const char *const **list)
{
	size_t nr = 0, len = 0, i;
	const char **copy;
	char *to;

	if (!*list)
		return 0;
	for (; (*list)[nr]; nr++)
		len += strlen((*list)[nr]) + 1;
	copy = malloc((nr + 1) * sizeof(*copy) + len);
	if (copy) {
		to = (char *)(copy + nr + 1);
		for (i = 0; i < nr; i++) {
			copy[i] = to;
			to = stpcpy(to, (*list)[i]) + 1;
		}
		copy[nr] = NULL;
	}
	*list = copy;
	return copy ? 0 : -1;
}

static int copy_opts(struct mh_session_opts *to, const struct mh_session_opts *from)
{
	int failed;

	*to = *from;
	failed = copy_array(&to->filter.pids, to->filter.nr_pids);
	failed |= copy_array(&to->filter.tids, to->filter.nr_tids);
	failed |= copy_string(&to->source);
	failed |= copy_string(&to->at);
	failed |= copy_string(&to->cache_dir);
	failed |= copy_list(&to->debug_dirs);
	return failed;
}

/* free() of what is const to everybody but its owner. */
static void drop(const void *p)
{
	free((void *)(uintptr_t)p);
}

/* ---- tables ---- */

const char *mh_session_meta(const struct mh_session *s, uint16_t source, const char *name)
{
	char key[96];

	snprintf(key, sizeof(key), "source.%u.%s", source, name);
	return mh_reader_meta(s->reader, key);
}

static struct mh_session_source *source_get(struct mh_session *s, uint16_t id)
{
	struct mh_session_source *src;
	size_t i;

	for (i = 0; i < s->sources.nr; i++) {
		if (s->sources.v[i].id == id)
			return &s->sources.v[i];
	}
	src = mh_vec_push(&s->sources);
	if (!src)
		return NULL;
	src->id = id;
	src->name = mh_session_meta(s, id, "name");
	if (!src->name)
		src->name = "unnamed";
	src->weight = (uint32_t)mh_session_meta_u64(s, id, "one_page_in");
	if (!src->weight)
		src->weight = 1;
	src->time_ns = (struct mh_range){ UINT64_MAX, 0 };
	return src;
}

static int by_id(const void *a, const void *b)
{
	const struct mh_session_source *x = a, *y = b;

	return (int)x->id - (int)y->id;
}

static int is_data(enum mh_event_kind kind)
{
	return kind == MH_EV_SAMPLE || kind == MH_EV_REGION || kind == MH_EV_PAGES;
}

static int read_sources(struct mh_session *s)
{
	size_t i, nr = mh_reader_nr_blocks(s->reader);

	for (i = 0; i < nr; i++) {
		const struct mh_block_info *b = mh_reader_block(s->reader, i);
		struct mh_session_source *src;

		if (!is_data(b->kind))
			continue;
		src = source_get(s, b->source);
		if (!src)
			return -1;
		src->rows[b->kind] += b->nr;
		src->has_addr |= b->kind != MH_EV_SAMPLE || b->addr.end > b->addr.start;
		if (b->time_ns.start < src->time_ns.start)
			src->time_ns.start = b->time_ns.start;
		if (b->time_ns.end > src->time_ns.end)
			src->time_ns.end = b->time_ns.end;
	}
	if (s->sources.nr)
		qsort(s->sources.v, s->sources.nr, sizeof(*s->sources.v), by_id);
	return 0;
}

static int take_charge(struct mh_session *s, const struct mh_event *ev,
		       struct mh_err *err)
{
	static const char *const names[MH_NR_CHARGES] = { "current", "peak",
							  "inactive_file", "unevictable",
							  "kernel" };
	const char *name = ev->stat.name + strlen("cgroup.");
	struct mh_charge *charge;
	uint8_t i;

	for (i = 0; i < MH_NR_CHARGES && strcmp(name, names[i]) != 0; i++)
		;
	if (i == MH_NR_CHARGES)
		return MH_OK;
	charge = mh_vec_push(&s->charges);
	if (!charge)
		return no_memory(err);
	*charge = (struct mh_charge){ ev->time_ns, ev->stat.value, i };
	return MH_OK;
}

uint64_t mh_session_aggr_ns(const struct mh_session *s, uint16_t source, uint64_t time_ns)
{
	return mh_intervals_at(&s->intervals, source, time_ns);
}

static int take_ran(struct mh_session *s, const struct mh_event *ev, bool waited,
		    struct mh_err *err)
{
	struct mh_ran *r;

	if (!mh_session_has_pid(s, ev->stat.pid))
		return MH_OK;
	r = mh_vec_push(&s->ran);
	if (!r)
		return no_memory(err);
	*r = (struct mh_ran){ ev->time_ns, ev->stat.value, ev->source, waited };
	return MH_OK;
}

static int take_stat(struct mh_session *s, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_stat *st = &ev->stat;
	const struct {
		const char *name;
		uint64_t *value;
	} wanted[] = { { "observer.cpu_ns", &s->observer_cpu_ns },
		       { "observer.stall_max_ns", &s->stall_max_ns },
		       { "kdamond.cpu_ns", &s->kdamond_cpu_ns },
		       { "damon.snapshots", &s->nr_snapshots } };
	size_t i;

	if (!strncmp(st->name, "cgroup.", strlen("cgroup.")))
		return take_charge(s, ev, err);
	if (!strcmp(st->name, "window.run_ns") || !strcmp(st->name, "window.wait_ns"))
		return take_ran(s, ev, !strcmp(st->name, "window.wait_ns"), err);
	/* Counters only grow: the largest is the last. */
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!strcmp(st->name, wanted[i].name) && st->value > *wanted[i].value)
			*wanted[i].value = st->value;
	}
	return mh_intervals_take(&s->intervals, ev, err);
}

static int take_event(struct mh_session *s, const struct mh_event *ev, struct mh_err *err)
{
	struct mh_event *fp;
	struct mh_gap *gap;

	switch (ev->kind) {
	case MH_EV_MAP:
	case MH_EV_TASK:
		return mh_maps_add(s->maps, ev, err);
	case MH_EV_STAT:
		return take_stat(s, ev, err);
	case MH_EV_LOST:
		if (ev->lost.cause == MH_LOST_THROTTLE)
			s->throttled += ev->lost.count;
		else if (ev->lost.cause == MH_LOST_HEAP)
			s->heap_lost += ev->lost.count;
		else if (ev->lost.cause == MH_LOST_NONMEM)
			s->nonmem += ev->lost.count;
		else
			s->lost += ev->lost.count;
		return MH_OK;
	case MH_EV_GAP:
		gap = mh_vec_push(&s->gaps);
		if (!gap)
			return no_memory(err);
		*gap = (struct mh_gap){ .time_ns = { ev->gap.start_ns, ev->time_ns },
					.pid = ev->gap.pid,
					.source = ev->source,
					.cause = ev->gap.cause };
		return MH_OK;
	case MH_EV_FOOTPRINT:
		fp = mh_vec_push(&s->footprints);
		if (!fp)
			return no_memory(err);
		*fp = *ev;
		return MH_OK;
	case MH_EV_META:
	case MH_EV_SAMPLE:
	case MH_EV_REGION:
	case MH_EV_PAGES:
	case MH_EV_HEAP:
	case MH_EV_STACK:
	case MH_EV_STACK_COPY:
		break;
	}
	return MH_OK;
}

static int read_tables(struct mh_session *s, struct mh_err *err)
{
	struct mh_filter f = { .kinds = 1u << MH_EV_MAP | 1u << MH_EV_TASK |
					1u << MH_EV_STAT | 1u << MH_EV_LOST |
					1u << MH_EV_GAP | 1u << MH_EV_FOOTPRINT };
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	uint32_t i;
	int ret;

	ret = mh_cursor_open(&c, s->reader, &f, err);
	if (ret)
		return ret;
	while ((ret = mh_cursor_next(c, &batch, err)) != MH_END) {
		if (ret == MH_EFORMAT)
			continue;
		if (ret)
			goto out;
		for (i = 0; i < batch.nr; i++) {
			ret = take_event(s, &batch.events[i], err);
			if (ret)
				goto out;
		}
	}
	mh_intervals_sort(&s->intervals);
	ret = mh_maps_finish(s->maps, err);
out:
	mh_cursor_close(c);
	return ret;
}

int mh_session_open(struct mh_session **out, const char *path,
		    const struct mh_session_opts *opts, struct mh_err *err)
{
	struct mh_session *s = calloc(1, sizeof(*s));
	const struct mh_range *t;
	int ret;

	*out = NULL;
	if (!s || copy_opts(&s->opts, opts ? opts : &(struct mh_session_opts){ 0 })) {
		ret = no_memory(err);
		goto out;
	}
	ret = mh_reader_open(&s->reader, path, err);
	if (ret)
		goto out;
	s->intervals.reader = s->reader;
	ret = mh_maps_new(&s->maps, err);
	if (ret)
		goto out;
	s->start_ns = mh_reader_info(s->reader)->start_ns;
	t = &s->opts.filter.time_ns;
	s->window = (struct mh_range){ 0, UINT64_MAX };
	if (t->start || t->end) {
		s->window.start = s->start_ns + t->start;
		if (t->end && t->end < UINT64_MAX - s->start_ns)
			s->window.end = s->start_ns + t->end;
	}
	if (read_sources(s)) {
		ret = no_memory(err);
		goto out;
	}
	ret = read_tables(s, err);
	if (!ret && s->opts.at)
		ret = mh_at_find(s, err);
out:
	if (ret)
		mh_session_close(s);
	else
		*out = s;
	return ret;
}

void mh_session_close(struct mh_session *s)
{
	if (!s)
		return;
	mh_reader_close(s->reader);
	mh_jit_times_free(s->jit);
	mh_maps_free(s->maps);
	free(s->sources.v);
	free(s->gaps.v);
	free(s->ran.v);
	free(s->footprints.v);
	mh_intervals_fini(&s->intervals);
	free(s->charges.v);
	drop(s->opts.filter.pids);
	drop(s->opts.filter.tids);
	drop(s->opts.source);
	drop(s->opts.at);
	drop(s->opts.cache_dir);
	drop(s->opts.debug_dirs);
	free(s->at.v);
	mh_frames_fini(&s->frames);
	free(s);
}

const struct mh_reader *mh_session_reader(const struct mh_session *s)
{
	return s->reader;
}

const struct mh_maps *mh_session_maps(const struct mh_session *s)
{
	return s->maps;
}

void mh_session_on_progress(struct mh_session *s, void (*fn)(void *arg, double done),
			    void *arg)
{
	s->progress = fn;
	s->progress_arg = arg;
}

/* ---- sources ---- */

static int fits(const struct mh_session_source *src, uint32_t kinds)
{
	unsigned kind;

	for (kind = 1; kind < MH_NR_EVENT_KINDS; kind++) {
		if (kinds & 1u << kind && src->rows[kind] &&
		    (kind != MH_EV_SAMPLE || src->has_addr))
			return 1;
	}
	return 0;
}

/* "damon" names "damon:vaddr" too. */
static int is_named(const struct mh_session_source *src, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(src->name, name, len) &&
	       (!src->name[len] || src->name[len] == ':');
}

/* Written pages are a layer that not every trace has. */
static int check_writes(const struct mh_session *s, const struct mh_session_source *src,
			struct mh_err *err)
{
	const char *writes = mh_session_meta(s, src->id, "writes");

	if (!s->opts.writes || (writes && strcmp(writes, "no") != 0))
		return MH_OK;
	return mh_fail(
		err, MH_ENOSUP,
		"the trace does not tell of written pages by source %s: that needs "
		"record -s idle --writes",
		src->name);
}

int mh_session_pick(const struct mh_session *s, uint32_t kinds, const char *what,
		    const struct mh_session_source **out, struct mh_err *err)
{
	const char *name = s->opts.source;
	char have[128] = "";
	size_t i, len = 0;

	for (i = 0; i < s->sources.nr; i++) {
		const struct mh_session_source *src = &s->sources.v[i];

		if (fits(src, kinds) && (!name || is_named(src, name))) {
			*out = src;
			return check_writes(s, src, err);
		}
		if (len < sizeof(have))
			len += (size_t)snprintf(have + len, sizeof(have) - len, "%s%s",
						len ? ", " : "", src->name);
	}
	if (name)
		return mh_fail(err, MH_ENOSUP,
			       "source %s has no data for %s here; the trace has: %s",
			       name, what, *have ? have : "no accesses");
	if (!*have)
		return mh_fail(err, MH_ENOSUP,
			       "the trace holds no accesses for a %s: its recording "
			       "was cut, or over before the first interval was (memheat "
			       "info tells; record -I TIME sets the interval)",
			       what);
	return mh_fail(
		err, MH_ENOSUP,
		"no source in the trace gives a %s (it has: %s); record with -s %s", what,
		have,
		kinds == 1u << MH_EV_SAMPLE  ? "mem or -s faults"
		: kinds & 1u << MH_EV_SAMPLE ? "damon, idle, refs, mem or faults"
					     : "damon, idle or refs");
}

enum mh_event_kind mh_session_data_kind(const struct mh_session_source *src)
{
	if (src->rows[MH_EV_REGION])
		return MH_EV_REGION;
	return src->rows[MH_EV_PAGES] ? MH_EV_PAGES : MH_EV_SAMPLE;
}

enum mh_unit mh_session_unit(const struct mh_session_source *src, bool hits)
{
	if (mh_session_data_kind(src) != MH_EV_SAMPLE)
		return hits ? MH_UNIT_HIT_RATIO : MH_UNIT_TOUCHED_RATIO;
	return strncmp(src->name, "faults", 6) ? MH_UNIT_ACCESSES_PER_S
					       : MH_UNIT_FAULTS_PER_S;
}

int mh_session_symtab(struct mh_symtab **out, const struct mh_session *s,
		      const struct mh_symtab_opts *opts, struct mh_err *err)
{
	struct mh_symtab_opts names = opts ? *opts : (struct mh_symtab_opts){ 0 };

	names.cache_dir = s->opts.cache_dir;
	return mh_symtab_new(out, s->maps, &names, err);
}

void mh_session_filter(const struct mh_session *s, const struct mh_session_source *src,
		       struct mh_filter *out)
{
	*out = s->opts.filter;
	out->kinds = 0;
	out->columns = 0;
	out->source = src->id + 1;
	out->time_ns = s->window;
	if (!s->window.start && s->window.end == UINT64_MAX)
		out->time_ns = (struct mh_range){ 0, 0 };
}

uint32_t mh_session_weight(const struct mh_session *s, uint16_t id)
{
	size_t i;

	for (i = 0; i < s->sources.nr; i++)
		if (s->sources.v[i].id == id)
			return s->sources.v[i].weight;
	return 1;
}

int mh_session_has_pid(const struct mh_session *s, uint32_t pid)
{
	size_t i;

	if (!s->opts.filter.pids)
		return 1;
	for (i = 0; i < s->opts.filter.nr_pids; i++) {
		if (s->opts.filter.pids[i] == pid)
			return 1;
	}
	return 0;
}

uint64_t mh_session_meta_u64(const struct mh_session *s, uint16_t source,
			     const char *name)
{
	const char *value = mh_session_meta(s, source, name);

	return value ? strtoull(value, NULL, 10) : 0;
}

/* ---- address spaces ---- */

uint64_t mh_keys_miss(struct mh_keys *k, uint32_t pid, uint64_t time_ns)
{
	unsigned i = pid % MH_KEYS_SLOTS;
	long space = mh_maps_space_at(k->maps, pid, time_ns);
	size_t next = (size_t)(space + 1);
	uint64_t until = UINT64_MAX;

	k->slots[i].pid = pid;
	k->slots[i].from = 0;
	if (space < 0) {
		k->slots[i].key = MH_KEY_UNKNOWN | pid;
		k->slots[i].len = UINT64_MAX;
		return k->slots[i].key;
	}
	if (mh_maps_space(k->maps, (size_t)space)->generation)
		k->slots[i].from = mh_maps_space(k->maps, (size_t)space)->time_ns.start;
	if (next < mh_maps_nr_spaces(k->maps) && mh_maps_space(k->maps, next)->pid == pid)
		until = mh_maps_space(k->maps, next)->time_ns.start;
	k->slots[i].len = until - k->slots[i].from;
	k->slots[i].key = (uint64_t)space;
	return k->slots[i].key;
}
