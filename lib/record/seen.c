/* SPDX-License-Identifier: MIT */
/*
 * Two sources tell of the same mappings and tasks, one as they come and one by looking
 * now and then. A mapping that is known in the same shape is not kept again, unless the
 * repetition is the earlier of the two. Tasks are believed from the source that sees them
 * happen; from others only what is not known at all.
 *
 * Mappings of an address space that has gone are not taken out of the table one by one:
 * their generation is no longer the process's, and they fall out when it grows.
 */
#include "record/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

void mh_seen_fini(struct mh_seen *s)
{
	free(s->processes.v);
	free(s->mappings);
	*s = (struct mh_seen){ 0 };
}

/* ---- processes ---- */

static struct mh_seen_process *find(struct mh_seen *s, uint32_t pid)
{
	size_t i;

	for (i = 0; i < s->processes.nr; i++) {
		if (s->processes.v[i].pid == pid)
			return &s->processes.v[i];
	}
	return NULL;
}

static struct mh_seen_process *find_or_add(struct mh_seen *s, uint32_t pid)
{
	struct mh_seen_process *p = find(s, pid);

	if (p)
		return p;
	p = mh_vec_push(&s->processes);
	if (p)
		*p = (struct mh_seen_process){ .pid = pid,
					       .generation = ++s->generations,
					       .touched = MH_NO_BYTES };
	return p;
}

void mh_seen_drop(struct mh_seen *s, size_t i)
{
	s->processes.v[i] = s->processes.v[--s->processes.nr];
}

static bool believed(const struct mh_seen *s, const struct mh_event *ev)
{
	if (!s->exact_tasks || !ev->source)
		return true;
	return s->exact_tasks >> (ev->source & 63) & 1;
}

static int see_task(struct mh_seen *s, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_task *task = &ev->task;
	struct mh_seen_process *p = find(s, task->pid);
	bool known = p && !p->ended;
	bool appears = task->op == MH_TASK_FORK || task->op == MH_TASK_FOUND;

	if (known && task->op == MH_TASK_FOUND)
		return MH_END;
	if (!believed(s, ev) && (known || !appears))
		return MH_END;
	if (task->op == MH_TASK_EXIT) {
		if (task->tid == task->pid && p) {
			if (p->ended)
				return MH_END;
			p->ended = true;
		}
		return MH_OK;
	}
	if (task->op == MH_TASK_FORK && task->tid != task->pid)
		return MH_OK; /* a thread */
	p = find_or_add(s, task->pid);
	if (!p)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	p->ended = false;
	if (task->op != MH_TASK_COMM) {
		p->generation = ++s->generations;
		p->since_ns = ev->time_ns;
	}
	return MH_OK;
}

uint64_t mh_seen_time(struct mh_seen *s, const struct mh_event *ev)
{
	const struct mh_seen_process *p = NULL;

	if (ev->kind == MH_EV_MAP)
		p = find(s, ev->map.pid);
	else if (ev->kind == MH_EV_TASK && ev->task.op == MH_TASK_EXEC)
		p = find(s, ev->task.pid);
	return p && p->since_ns > ev->time_ns ? p->since_ns : ev->time_ns;
}

size_t mh_seen_nr_live(const struct mh_seen *s)
{
	size_t i, nr = 0;

	for (i = 0; i < s->processes.nr; i++)
		nr += !s->processes.v[i].ended;
	return nr;
}

/* ---- mappings ---- */

static uint64_t mix(uint64_t v)
{
	v ^= v >> 33;
	v *= 0xff51afd7ed558ccdull;
	return v ^ v >> 29;
}

static uint64_t what_of(const struct mh_ev_map *m)
{
	uint64_t hash =
		mix(m->pgoff ^ (uint64_t)m->prot << 56 ^ (uint64_t)m->shared << 48);
	const char *c;

	for (c = m->path; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ull;
	return hash;
}

/* The mapping's place: where it is, or the free one where it belongs. */
static struct mh_seen_mapping *place_of(struct mh_seen_mapping *table, size_t cap,
					uint32_t pid, uint64_t start)
{
	size_t i = (size_t)mix(start ^ (uint64_t)pid << 40) & (cap - 1);

	while (table[i].used && (table[i].pid != pid || table[i].start != start))
		i = (i + 1) & (cap - 1);
	return &table[i];
}

static bool is_current(struct mh_seen *s, const struct mh_seen_mapping *m)
{
	const struct mh_seen_process *p = find(s, m->pid);

	return p && p->generation == m->generation && m->end > m->start;
}

static int make_room(struct mh_seen *s, struct mh_err *err)
{
	size_t i, cap = 1024, live = 0;
	struct mh_seen_mapping *fresh;

	if (s->nr_mappings * 2 < s->cap_mappings)
		return MH_OK;
	for (i = 0; i < s->cap_mappings; i++)
		live += s->mappings[i].used && is_current(s, &s->mappings[i]);
	while (cap < live * 4)
		cap *= 2;
	fresh = calloc(cap, sizeof(*fresh));
	if (!fresh)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (i = 0; i < s->cap_mappings; i++) {
		const struct mh_seen_mapping *m = &s->mappings[i];

		if (m->used && is_current(s, m))
			*place_of(fresh, cap, m->pid, m->start) = *m;
	}
	free(s->mappings);
	s->mappings = fresh;
	s->cap_mappings = cap;
	s->nr_mappings = live;
	return MH_OK;
}

static int see_map(struct mh_seen *s, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_ev_map *map = &ev->map;
	struct mh_seen_process *p;
	struct mh_seen_mapping *m;
	uint64_t what;

	if (!s->several)
		return MH_OK;
	p = find_or_add(s, map->pid);
	if (!p || make_room(s, err))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	m = place_of(s->mappings, s->cap_mappings, map->pid, map->start);
	what = what_of(map);
	if (map->op == MH_MAP_ADD && m->used && m->generation == p->generation &&
	    m->end == map->end && m->what == what && m->time_ns <= ev->time_ns)
		return MH_END;
	s->nr_mappings += !m->used;
	*m = (struct mh_seen_mapping){ .start = map->start,
				       .end = map->op == MH_MAP_ADD ? map->end
								    : map->start,
				       .time_ns = ev->time_ns,
				       .what = what,
				       .pid = map->pid,
				       .generation = p->generation,
				       .used = true };
	return MH_OK;
}

/* ---- snapshots ---- */

static int see_region(struct mh_seen *s, const struct mh_event *ev, struct mh_err *err)
{
	struct mh_seen_process *p;

	if (ev->region.touched == MH_NO_BYTES)
		return MH_OK;
	p = find_or_add(s, ev->region.pid);
	if (!p)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	if (p->snapshot_ns != ev->time_ns) {
		p->snapshot_ns = ev->time_ns;
		p->summing = 0;
	}
	p->summing += ev->region.touched;
	p->touched = p->summing;
	return MH_OK;
}

uint64_t mh_seen_touched(const struct mh_seen *s)
{
	uint64_t sum = 0;
	bool any = false;
	size_t i;

	for (i = 0; i < s->processes.nr; i++) {
		const struct mh_seen_process *p = &s->processes.v[i];

		if (p->ended || p->touched == MH_NO_BYTES)
			continue;
		sum += p->touched;
		any = true;
	}
	return any ? sum : MH_NO_BYTES;
}

int mh_seen_event(struct mh_seen *s, const struct mh_event *ev, struct mh_err *err)
{
	if (ev->kind == MH_EV_TASK)
		return see_task(s, ev, err);
	if (ev->kind == MH_EV_MAP)
		return see_map(s, ev, err);
	if (ev->kind == MH_EV_REGION)
		return see_region(s, ev, err);
	return MH_OK;
}
