/* SPDX-License-Identifier: MIT */
/*
 * Address spaces and their mappings over time, from MAP and TASK events.
 *
 * Several sources of a trace tell of the same processes, each in its own blocks: events
 * are gathered first and applied by time in mh_maps_finish(). Then every process has one
 * open space with its live mappings, sorted by address and disjoint, as in the kernel. A
 * mapping that is cut, unmapped, or left behind by exec or exit is closed: a rectangle of
 * address and time. The rectangles of a space never overlap, so a look-up has one answer.
 *
 * Look-ups go through a tree over the address boundaries of a space: a mapping is listed
 * in the O(log n) nodes that it covers whole, each node's list is disjoint in time and
 * sorted by it. A place that is mapped again a thousand times costs log(1000), not 1000.
 *
 * Not handled: mremap() is what the recorder makes of it, a REMOVE and an ADD; a process
 * whose first thread exits before the others counts as ended.
 */
#include <memheat/symbol.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "symbol/maps.h"

/* A mapping that is there at the moment; its space ends it. */
struct live {
	struct mh_range addr;
	uint64_t since_ns, pgoff;
	uint8_t prot, shared;
	const char *path, *build_id;
};

struct space {
	struct mh_space pub;
	struct {
		struct live *v;
		size_t nr, cap;
	} live;
	/* after mh_maps_finish() */
	size_t first, nr; /* of maps->mappings */
	struct mh_maps_tree tree;
};

/* An event that waits for its turn. */
struct pending {
	struct mh_event ev; /* its string is kept */
	uint8_t rank;       /* among those of one moment */
	size_t number;
};

struct mh_maps {
	struct {
		struct space *v;
		size_t nr, cap;
	} spaces; /* in order of appearance; by pid and generation once finished */
	struct {
		struct mh_mapping *v;
		size_t nr, cap;
	} mappings;
	struct {
		uint32_t *v; /* open addressing: 1 + index of a pid's open space */
		size_t nr, cap;
	} open;
	struct {
		struct pending *v;
		size_t nr, cap;
	} pending; /* events until mh_maps_finish() */
	struct mh_maps_strings strings;
	int finished;
};

int mh_maps_new(struct mh_maps **out, struct mh_err *err)
{
	struct mh_maps *maps = calloc(1, sizeof(*maps));

	*out = maps;
	return maps ? MH_OK : mh_fail(err, MH_ENOMEM, "no memory for address spaces");
}

void mh_maps_free(struct mh_maps *maps)
{
	size_t i;

	if (!maps)
		return;
	for (i = 0; i < maps->spaces.nr; i++) {
		free(maps->spaces.v[i].live.v);
		mh_maps_tree_fini(&maps->spaces.v[i].tree);
	}
	free(maps->spaces.v);
	free(maps->mappings.v);
	free(maps->open.v);
	free(maps->pending.v);
	mh_maps_strings_fini(&maps->strings);
	free(maps);
}

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the table of mappings");
}

/* ---- spaces by pid while events come in ---- */

static uint32_t *open_slot(struct mh_maps *maps, uint32_t pid)
{
	size_t i = pid * 0x9e3779b1u & (maps->open.cap - 1);

	while (maps->open.v[i] && maps->spaces.v[maps->open.v[i] - 1].pub.pid != pid)
		i = (i + 1) & (maps->open.cap - 1);
	return &maps->open.v[i];
}

static int open_room(struct mh_maps *maps)
{
	size_t cap = maps->open.cap ? maps->open.cap * 2 : 64, i;
	uint32_t *old = maps->open.v;
	size_t old_cap = maps->open.cap;

	if (2 * (maps->open.nr + 1) <= maps->open.cap)
		return 0;
	maps->open.v = calloc(cap, sizeof(*maps->open.v));
	if (!maps->open.v) {
		maps->open.v = old;
		return -1;
	}
	maps->open.cap = cap;
	for (i = 0; i < old_cap; i++) {
		if (old[i])
			*open_slot(maps, maps->spaces.v[old[i] - 1].pub.pid) = old[i];
	}
	free(old);
	return 0;
}

static struct space *space_open(struct mh_maps *maps, uint32_t pid)
{
	uint32_t *slot = maps->open.cap ? open_slot(maps, pid) : NULL;

	return slot && *slot ? &maps->spaces.v[*slot - 1] : NULL;
}

/* A new space becomes the open one of its pid. Moves spaces: pointers are stale. */
static struct space *space_begin(struct mh_maps *maps, uint32_t pid, uint64_t time_ns)
{
	const struct space *before = space_open(maps, pid);
	uint32_t generation = before ? before->pub.generation + 1 : 0;
	const char *comm = before ? before->pub.comm : "";
	struct space *sp;
	uint32_t *slot;

	if (open_room(maps) || !(sp = mh_vec_push(&maps->spaces)))
		return NULL;
	sp->pub = (struct mh_space){ .pid = pid,
				     .generation = generation,
				     .time_ns = { time_ns, UINT64_MAX },
				     .comm = comm };
	slot = open_slot(maps, pid);
	maps->open.nr += !*slot;
	*slot = (uint32_t)maps->spaces.nr;
	return sp;
}

static struct space *space_get(struct mh_maps *maps, uint32_t pid, uint64_t time_ns)
{
	struct space *sp = space_open(maps, pid);

	return sp ? sp : space_begin(maps, pid, time_ns);
}

/* ---- mappings of an open space ---- */

/* A life of no length was replaced at once: nothing could have been seen in it. */
static int mapping_close(struct mh_maps *maps, const struct space *sp,
			 const struct live *l, uint64_t time_ns)
{
	struct mh_mapping *m;

	if (l->since_ns >= time_ns)
		return 0;
	m = mh_vec_push(&maps->mappings);
	if (!m)
		return -1;
	*m = (struct mh_mapping){ .space = (uint32_t)(sp - maps->spaces.v),
				  .addr = l->addr,
				  .time_ns = { l->since_ns, time_ns },
				  .pgoff = l->pgoff,
				  .prot = l->prot,
				  .shared = l->shared,
				  .path = l->path,
				  .build_id = l->build_id };
	return 0;
}

static int space_end(struct mh_maps *maps, struct space *sp, uint64_t time_ns)
{
	size_t i;

	for (i = 0; i < sp->live.nr; i++) {
		if (mapping_close(maps, sp, &sp->live.v[i], time_ns))
			return -1;
	}
	sp->live.nr = 0;
	if (sp->pub.time_ns.end == UINT64_MAX)
		sp->pub.time_ns.end = time_ns;
	return 0;
}

/* Index of the first live mapping that ends above @addr. */
static size_t live_find(const struct space *sp, uint64_t addr)
{
	size_t lo = 0, hi = sp->live.nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (sp->live.v[mid].addr.end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int live_insert(struct space *sp, size_t at, const struct live *l)
{
	if (!mh_vec_push(&sp->live))
		return -1;
	memmove(&sp->live.v[at + 1], &sp->live.v[at],
		(sp->live.nr - 1 - at) * sizeof(*sp->live.v));
	sp->live.v[at] = *l;
	return 0;
}

/* Take [@cut) out of the live mappings; what is left of a cut one lives on from now. */
static int live_cut(struct mh_maps *maps, struct space *sp, struct mh_range cut,
		    uint64_t time_ns)
{
	size_t i = live_find(sp, cut.start), end = i, nr_keep = 0;
	struct live keep[2];

	while (end < sp->live.nr && sp->live.v[end].addr.start < cut.end) {
		const struct live *l = &sp->live.v[end++];

		if (mapping_close(maps, sp, l, time_ns))
			return -1;
		if (l->addr.start < cut.start) {
			keep[nr_keep] = *l;
			keep[nr_keep].addr.end = cut.start;
			keep[nr_keep++].since_ns = time_ns;
		}
		if (l->addr.end > cut.end) {
			keep[nr_keep] = *l;
			keep[nr_keep].pgoff += cut.end - l->addr.start;
			keep[nr_keep].addr.start = cut.end;
			keep[nr_keep++].since_ns = time_ns;
		}
	}
	if (end == i)
		return 0;
	memmove(&sp->live.v[i], &sp->live.v[end],
		(sp->live.nr - end) * sizeof(*sp->live.v));
	sp->live.nr -= end - i;
	while (nr_keep) {
		if (live_insert(sp, i, &keep[--nr_keep]))
			return -1;
	}
	return 0;
}

static int live_same(const struct live *a, const struct live *b)
{
	return a->addr.start == b->addr.start && a->addr.end == b->addr.end &&
	       a->pgoff == b->pgoff && a->prot == b->prot && a->shared == b->shared &&
	       a->path == b->path;
}

static const char *build_id_keep(struct mh_maps *maps, const struct mh_ev_map *m)
{
	char hex[2 * MH_BUILD_ID_MAX + 1] = "";
	size_t i;

	for (i = 0; i < m->build_id_len && i < MH_BUILD_ID_MAX; i++)
		snprintf(hex + 2 * i, 3, "%02x", m->build_id[i]);
	return mh_maps_strings_keep(&maps->strings, hex);
}

static int add_map(struct mh_maps *maps, const struct mh_event *ev)
{
	const struct mh_ev_map *m = &ev->map;
	struct space *sp = space_get(maps, m->pid, ev->time_ns);
	struct live l = { .addr = { m->start, m->end },
			  .since_ns = ev->time_ns,
			  .pgoff = m->pgoff,
			  .prot = m->prot,
			  .shared = m->shared,
			  .path = m->path };
	size_t at;

	if (!sp)
		return -1;
	if (m->start >= m->end)
		return 0;
	if (m->op == MH_MAP_REMOVE)
		return live_cut(maps, sp, l.addr, ev->time_ns);
	l.build_id = build_id_keep(maps, m);
	if (!l.build_id)
		return -1;
	/* A recorder that reads /proc/PID/maps again says what is known already, but for
	 * the build-id: the kernel's mmap event may come without it. */
	at = live_find(sp, m->start);
	if (at < sp->live.nr && live_same(&sp->live.v[at], &l)) {
		if (*l.build_id)
			sp->live.v[at].build_id = l.build_id;
		return 0;
	}
	if (live_cut(maps, sp, l.addr, ev->time_ns))
		return -1;
	return live_insert(sp, live_find(sp, m->start), &l);
}

static void set_comm(struct space *sp, const char *comm)
{
	if (*comm)
		sp->pub.comm = comm;
}

static int add_fork(struct mh_maps *maps, const struct mh_event *ev)
{
	const struct space *parent = space_open(maps, ev->task.ppid);
	size_t from = parent ? (size_t)(parent - maps->spaces.v) : SIZE_MAX, i;
	struct space *sp = space_open(maps, ev->task.pid);

	if (sp && space_end(maps, sp, ev->time_ns))
		return -1;
	sp = space_begin(maps, ev->task.pid, ev->time_ns);
	if (!sp)
		return -1;
	if (from == SIZE_MAX)
		return 0;
	sp->pub.comm = maps->spaces.v[from].pub.comm;
	for (i = 0; i < maps->spaces.v[from].live.nr; i++) {
		struct live *l = mh_vec_push(&sp->live);

		if (!l)
			return -1;
		*l = maps->spaces.v[from].live.v[i];
		l->since_ns = ev->time_ns;
	}
	return 0;
}

static int add_task(struct mh_maps *maps, const struct mh_event *ev)
{
	const struct mh_ev_task *t = &ev->task;
	int thread = t->tid && t->tid != t->pid;
	struct space *sp;

	if (t->op == MH_TASK_FORK) {
		if (t->pid == t->ppid || thread)
			return 0;
		if (add_fork(maps, ev))
			return -1;
		set_comm(space_open(maps, t->pid), t->comm);
		return 0;
	}
	sp = space_get(maps, t->pid, ev->time_ns);
	if (!sp)
		return -1;
	if (t->op == MH_TASK_EXIT)
		return thread ? 0 : space_end(maps, sp, ev->time_ns);
	if (t->op == MH_TASK_EXEC) {
		/* An exec that is the first thing heard of a pid begins its space. */
		if (sp->live.nr || sp->pub.time_ns.start != ev->time_ns) {
			if (space_end(maps, sp, ev->time_ns) ||
			    !(sp = space_begin(maps, t->pid, ev->time_ns)))
				return -1;
		}
	}
	if (!thread)
		set_comm(sp, t->comm);
	return 0;
}

/* At one moment a space begins, then gets its mappings, then ends. */
static uint8_t rank_of(const struct mh_event *ev)
{
	if (ev->kind == MH_EV_MAP)
		return 1;
	return ev->task.op == MH_TASK_EXIT ? 2 : 0;
}

int mh_maps_add(struct mh_maps *maps, const struct mh_event *ev, struct mh_err *err)
{
	struct pending *p;
	const char **str;

	mh_assert(!maps->finished);
	if (ev->kind != MH_EV_MAP && ev->kind != MH_EV_TASK)
		return MH_OK;
	p = mh_vec_push(&maps->pending);
	if (!p)
		return no_memory(err);
	p->ev = *ev;
	p->rank = rank_of(ev);
	p->number = maps->pending.nr;
	str = ev->kind == MH_EV_MAP ? &p->ev.map.path : &p->ev.task.comm;
	*str = mh_maps_strings_keep(&maps->strings, *str ? *str : "");
	return *str ? MH_OK : no_memory(err);
}

static int by_turn(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	if (x->ev.time_ns != y->ev.time_ns)
		return x->ev.time_ns < y->ev.time_ns ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static int apply_pending(struct mh_maps *maps)
{
	size_t i;

	if (maps->pending.nr)
		qsort(maps->pending.v, maps->pending.nr, sizeof(*maps->pending.v),
		      by_turn);
	for (i = 0; i < maps->pending.nr; i++) {
		const struct mh_event *ev = &maps->pending.v[i].ev;

		if (ev->kind == MH_EV_MAP ? add_map(maps, ev) : add_task(maps, ev))
			return -1;
	}
	free(maps->pending.v);
	memset(&maps->pending, 0, sizeof(maps->pending));
	return 0;
}

/* ---- finishing and look-up ---- */

static int by_pid(const void *a, const void *b)
{
	const struct mh_space *x = &(*(const struct space *const *)a)->pub;
	const struct mh_space *y = &(*(const struct space *const *)b)->pub;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

static int by_place(const void *a, const void *b)
{
	const struct mh_mapping *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	if (x->addr.start != y->addr.start)
		return x->addr.start < y->addr.start ? -1 : 1;
	return x->time_ns.start < y->time_ns.start ? -1
						   : x->time_ns.start > y->time_ns.start;
}

/* Bring the spaces into the order by pid and give the mappings their new numbers. */
static int sort_spaces(struct mh_maps *maps)
{
	size_t n = maps->spaces.nr, i;
	struct space **order = malloc((n + 1) * sizeof(*order));
	struct space *sorted = malloc((n + 1) * sizeof(*sorted));
	uint32_t *number = malloc((n + 1) * sizeof(*number));
	int failed = !order || !sorted || !number;

	if (failed)
		goto out;
	for (i = 0; i < n; i++)
		order[i] = &maps->spaces.v[i];
	qsort(order, n, sizeof(struct space *), by_pid);
	for (i = 0; i < n; i++) {
		number[order[i] - maps->spaces.v] = (uint32_t)i;
		sorted[i] = *order[i];
	}
	for (i = 0; i < maps->mappings.nr; i++)
		maps->mappings.v[i].space = number[maps->mappings.v[i].space];
	free(maps->spaces.v);
	maps->spaces.v = sorted;
	maps->spaces.cap = n + 1;
	sorted = NULL;
out:
	free(order);
	free(sorted);
	free(number);
	return failed ? -1 : 0;
}

int mh_maps_finish(struct mh_maps *maps, struct mh_err *err)
{
	size_t i, next = 0;

	mh_assert(!maps->finished);
	if (apply_pending(maps))
		return no_memory(err);
	for (i = 0; i < maps->spaces.nr; i++) {
		struct space *sp = &maps->spaces.v[i];

		/* What is live to the end has no end; the space's own end stays open. */
		if (space_end(maps, sp, UINT64_MAX))
			return no_memory(err);
		free(sp->live.v);
		memset(&sp->live, 0, sizeof(sp->live));
	}
	if (sort_spaces(maps))
		return no_memory(err);
	if (maps->mappings.nr)
		qsort(maps->mappings.v, maps->mappings.nr, sizeof(*maps->mappings.v),
		      by_place);
	for (i = 0; i < maps->spaces.nr; i++) {
		struct space *sp = &maps->spaces.v[i];

		sp->first = next;
		while (next < maps->mappings.nr && maps->mappings.v[next].space == i)
			next++;
		sp->nr = next - sp->first;
		if (sp->nr &&
		    mh_maps_tree_init(&sp->tree, maps->mappings.v + sp->first, sp->nr))
			return no_memory(err);
	}
	free(maps->open.v);
	memset(&maps->open, 0, sizeof(maps->open));
	maps->finished = 1;
	return MH_OK;
}

size_t mh_maps_nr_spaces(const struct mh_maps *maps)
{
	return maps->spaces.nr;
}

const struct mh_space *mh_maps_space(const struct mh_maps *maps, size_t i)
{
	mh_assert(i < maps->spaces.nr);
	return &maps->spaces.v[i].pub;
}

long mh_maps_space_at(const struct mh_maps *maps, uint32_t pid, uint64_t time_ns)
{
	size_t lo = 0, hi = maps->spaces.nr;

	/* The last space of @pid that began by then; what came before the first event of
	 * a pid belongs to its first space. */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mh_space *sp = &maps->spaces.v[mid].pub;

		if (sp->pid < pid || (sp->pid == pid && (sp->generation == 0 ||
							 sp->time_ns.start <= time_ns)))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || maps->spaces.v[lo - 1].pub.pid != pid)
		return -1;
	return (long)lo - 1;
}

const struct mh_mapping *mh_maps_of(const struct mh_maps *maps, size_t space, size_t *nr)
{
	mh_assert(maps->finished && space < maps->spaces.nr);
	*nr = maps->spaces.v[space].nr;
	return *nr ? maps->mappings.v + maps->spaces.v[space].first : NULL;
}

const struct mh_mapping *mh_maps_find(const struct mh_maps *maps, size_t space,
				      uint64_t addr, uint64_t time_ns)
{
	const struct space *sp = &maps->spaces.v[space];

	mh_assert(maps->finished && space < maps->spaces.nr);
	if (!sp->nr)
		return NULL;
	return mh_maps_tree_find(&sp->tree, maps->mappings.v + sp->first, addr, time_ns);
}

void mh_mapping_name(const struct mh_mapping *m, char *buf, size_t size)
{
	const char *path = m->path, *slash = strrchr(path, '/');

	if (!*path || !strcmp(path, "//anon"))
		snprintf(buf, size, "[anon]");
	else if (*path != '/')
		snprintf(buf, size, "%s", path);
	else
		snprintf(buf, size, "%s %c%c%c", slash[1] ? slash + 1 : path,
			 m->prot & 1 ? 'r' : '-', m->prot & 2 ? 'w' : '-',
			 m->prot & 4 ? 'x' : '-');
}
