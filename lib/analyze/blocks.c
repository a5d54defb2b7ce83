/* SPDX-License-Identifier: MIT */
/*
 * The heap log replayed: allocations open blocks, frees close them, an exec closes all of
 * its process, and a child gets those that its parent has at the fork.
 *
 * A block without a known free (the log lost it) ends when something else is allocated at
 * its start. Of blocks that overlap at a time, for the same reason, the younger one is
 * believed.
 *
 * Addresses are used again and again, so blocks of exactly the same place are a group,
 * sorted by time; groups are an interval tree in an array, one per space.
 */
#include "analyze/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/blocks_names.h"
#include "analyze/numbering.h"
#include "base/vec.h"

#define BLOCKS_MAX (1u << 22)

struct mh_block_group {
	uint64_t key;
	struct mh_range addr;
	uint64_t max_end; /* of its subtree */
	uint64_t life_ns; /* of all its blocks */
	size_t first, nr; /* blocks */
};

struct fork {
	uint64_t time_ns;
	uint32_t pid, parent;
};

/* What is known of a process while the log is replayed. */
struct process {
	uint32_t pid;
	bool attached; /* by itself: what its parent has is not its any more */
	struct {
		uint32_t *v; /* blocks, some of them closed */
		size_t nr, cap;
	} open;
};

struct replay {
	struct mh_blocks *out;
	struct mh_callers callers;
	struct mh_keys keys;
	struct mh_numbering live; /* (pid, address) to block */
	uint32_t *pid;            /* of each block */
	size_t cap_pid;
	struct {
		struct process *v;
		size_t nr, cap;
	} processes;
	struct {
		struct fork *v;
		size_t nr, cap;
	} forks;
	size_t next_fork;
};

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for blocks of the heap");
}

/* ---- replaying ---- */

static struct process *process_of(struct replay *r, uint32_t pid)
{
	struct process *p;
	size_t i;

	for (i = r->processes.nr; i-- > 0;) {
		if (r->processes.v[i].pid == pid)
			return &r->processes.v[i];
	}
	p = mh_vec_push(&r->processes);
	if (p)
		p->pid = pid;
	return p;
}

/* The slot of an address: where it is, or the free one. */
static uint64_t slot_of(const struct replay *r, uint32_t pid, uint64_t addr, uint32_t *i)
{
	uint64_t h = (addr ^ (uint64_t)pid << 40) * UINT64_C(0x9e3779b97f4a7c15);

	for (;; h++) {
		*i = mh_numbering_get(&r->live, h);
		if (*i == MH_NUMBER_NONE)
			return h;
		if (r->pid[*i] == pid && r->out->blocks.v[*i].addr.start == addr)
			return h;
	}
}

static void close_block(struct replay *r, uint32_t i, uint64_t time_ns)
{
	struct mh_block *b = &r->out->blocks.v[i];

	if (b->time_ns.end != UINT64_MAX)
		return;
	b->time_ns.end = time_ns > b->time_ns.start ? time_ns : b->time_ns.start;
	if (b->site != MH_NO_SITE)
		r->out->sites.v[b->site].live -= mh_range_len(b->addr);
}

static void count_live(struct mh_blocks *out, const struct mh_block *b)
{
	struct mh_block_site *s;

	if (b->site == MH_NO_SITE)
		return;
	s = &out->sites.v[b->site];
	s->live += mh_range_len(b->addr);
	if (s->live > s->peak)
		s->peak = s->live;
}

static int room_for_pid(struct replay *r)
{
	size_t cap = r->cap_pid ? 2 * r->cap_pid : 1024;
	uint32_t *more;

	if (r->out->blocks.nr < r->cap_pid)
		return 0;
	more = realloc(r->pid, cap * sizeof(*more));
	if (!more)
		return -1;
	r->pid = more;
	r->cap_pid = cap;
	return 0;
}

static int open_block(struct replay *r, uint32_t pid, struct mh_block block)
{
	uint32_t before, i = (uint32_t)r->out->blocks.nr, *open;
	struct process *p = process_of(r, pid);
	uint64_t slot = slot_of(r, pid, block.addr.start, &before);
	struct mh_block *b;

	if (before != MH_NUMBER_NONE)
		close_block(r, before, block.time_ns.start);
	if (i >= BLOCKS_MAX) {
		r->out->nr_left_out++;
		return 0;
	}
	if (!p || room_for_pid(r))
		return -1;
	b = mh_vec_push(&r->out->blocks);
	open = mh_vec_push(&p->open);
	if (!b || !open || mh_numbering_set(&r->live, slot, i))
		return -1;
	*b = block;
	*open = i;
	r->pid[i] = pid;
	count_live(r->out, b);
	return 0;
}

static void close_all(struct replay *r, struct process *p, uint64_t time_ns)
{
	size_t i;

	for (i = 0; i < p->open.nr; i++)
		close_block(r, p->open.v[i], time_ns);
	p->open.nr = 0;
}

/* A site of the parent, in the child's space. */
static uint32_t site_in(struct mh_blocks *out, uint32_t site, uint64_t key)
{
	struct mh_block_site *s;
	size_t i;

	if (site == MH_NO_SITE || out->sites.v[site].key == key)
		return site;
	for (i = 0; i < out->sites.nr; i++) {
		s = &out->sites.v[i];
		if (s->key == key && s->line == out->sites.v[site].line &&
		    !strcmp(s->function, out->sites.v[site].function) &&
		    !strcmp(s->file, out->sites.v[site].file))
			return (uint32_t)i;
	}
	s = mh_vec_push(&out->sites);
	if (!s)
		return MH_NO_SITE;
	s->key = key;
	s->line = out->sites.v[site].line;
	s->function = strdup(out->sites.v[site].function);
	s->file = strdup(out->sites.v[site].file);
	if (s->function && s->file)
		return (uint32_t)i;
	free(s->function);
	free(s->file);
	out->sites.nr--;
	return MH_NO_SITE;
}

static int copy_to_child(struct replay *r, const struct fork *f)
{
	struct process *parent = process_of(r, f->parent);
	struct process *child = process_of(r, f->pid);
	size_t i, n = 0;

	/* The second call may have moved what the first one found. */
	if (parent && child)
		parent = process_of(r, f->parent);
	if (!parent || !child)
		return -1;
	if (child->attached || child->open.nr)
		return 0;
	for (i = 0; i < parent->open.nr; i++) {
		uint32_t k = parent->open.v[i];
		struct mh_block b = r->out->blocks.v[k];

		if (b.time_ns.end != UINT64_MAX)
			continue;
		parent->open.v[n++] = k;
		b.time_ns.start = f->time_ns;
		b.key = mh_keys_of(&r->keys, f->pid, f->time_ns);
		b.site = site_in(r->out, b.site, b.key);
		if (open_block(r, f->pid, b))
			return -1;
	}
	parent->open.nr = n;
	return 0;
}

static int do_forks(struct replay *r, uint64_t until_ns)
{
	for (; r->next_fork < r->forks.nr; r->next_fork++) {
		const struct fork *f = &r->forks.v[r->next_fork];

		if (f->time_ns > until_ns)
			break;
		if (copy_to_child(r, f))
			return -1;
	}
	return 0;
}

static int do_alloc(struct replay *r, const struct mh_event *ev)
{
	const struct mh_ev_heap *h = &ev->heap;
	uint64_t key;

	if (!h->size || h->addr + h->size < h->addr)
		return 0;
	key = mh_keys_of(&r->keys, h->pid, ev->time_ns);
	return open_block(
		r, h->pid,
		(struct mh_block){ key,
				   { h->addr, h->addr + h->size },
				   { ev->time_ns, UINT64_MAX },
				   h->stack ? mh_callers_site(&r->callers, key, h->stack)
					    : MH_NO_SITE });
}

static int do_event(struct replay *r, const struct mh_event *ev)
{
	const struct mh_ev_heap *h = &ev->heap;
	struct process *p;
	uint32_t i;

	r->out->known = true;
	if (do_forks(r, ev->time_ns))
		return -1;
	switch ((enum mh_heap_op)h->op) {
	case MH_HEAP_ALLOC:
		return do_alloc(r, ev);
	case MH_HEAP_FREE:
		slot_of(r, h->pid, h->addr, &i);
		if (i != MH_NUMBER_NONE)
			close_block(r, i, ev->time_ns);
		return 0;
	case MH_HEAP_ATTACH:
		p = process_of(r, h->pid);
		if (!p)
			return -1;
		close_all(r, p, ev->time_ns);
		p->attached = true;
		return 0;
	}
	return 0;
}

/* ---- reading ---- */

static int take_task(struct replay *r, const struct mh_event *ev)
{
	const struct mh_ev_task *t = &ev->task;
	struct fork *f;

	if ((t->op != MH_TASK_FORK && t->op != MH_TASK_FOUND) || t->pid == t->ppid ||
	    !t->ppid || (t->tid && t->tid != t->pid))
		return 0;
	f = mh_vec_push(&r->forks);
	if (!f)
		return -1;
	*f = (struct fork){ ev->time_ns, t->pid, t->ppid };
	return 0;
}

static int take_caller(struct replay *r, const struct mh_event *ev)
{
	if (ev->heap.op != MH_HEAP_ALLOC || !ev->heap.stack)
		return 0;
	return mh_callers_add(&r->callers,
			      mh_keys_of(&r->keys, ev->heap.pid, ev->time_ns), ev);
}

/* First who is there and who allocates: sites have names before blocks get them. */
static int take_names(struct replay *r, const struct mh_event *ev)
{
	if (ev->kind == MH_EV_TASK)
		return take_task(r, ev);
	if (ev->kind == MH_EV_STACK)
		return ev->source ? 0 : mh_callers_add_frame(&r->callers, &ev->stack);
	return take_caller(r, ev);
}

static int read_kinds(struct replay *r, const struct mh_session *s, uint32_t kinds,
		      int (*take)(struct replay *r, const struct mh_event *ev),
		      struct mh_err *err)
{
	struct mh_filter f = { .kinds = kinds,
			       .pids = s->opts.filter.pids,
			       .nr_pids = s->opts.filter.nr_pids };
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	uint32_t i;
	int ret = mh_cursor_open(&c, s->reader, &f, err);

	if (ret)
		return ret;
	while ((ret = mh_cursor_next(c, &batch, err)) != MH_END) {
		if (ret && ret != MH_EFORMAT)
			break;
		for (i = 0; !ret && i < batch.nr; i++) {
			if (!take(r, &batch.events[i]))
				continue;
			mh_cursor_close(c);
			return no_memory(err);
		}
	}
	mh_cursor_close(c);
	return ret == MH_END ? MH_OK : ret;
}

static int by_time(const void *a, const void *b)
{
	const struct fork *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* ---- the tree ---- */

static int by_place(const void *a, const void *b)
{
	const struct mh_block *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->addr.start != y->addr.start)
		return x->addr.start < y->addr.start ? -1 : 1;
	if (x->addr.end != y->addr.end)
		return x->addr.end < y->addr.end ? -1 : 1;
	return x->time_ns.start < y->time_ns.start ? -1
						   : x->time_ns.start > y->time_ns.start;
}

static uint64_t set_max_end(struct mh_blocks *b, size_t lo, size_t hi)
{
	size_t mid = lo + (hi - lo) / 2;
	uint64_t most, below;

	if (lo >= hi)
		return 0;
	most = b->groups.v[mid].addr.end;
	below = set_max_end(b, lo, mid);
	most = below > most ? below : most;
	below = set_max_end(b, mid + 1, hi);
	most = below > most ? below : most;
	b->groups.v[mid].max_end = most;
	return most;
}

static size_t first_of_key(const struct mh_blocks *b, uint64_t key)
{
	size_t lo = 0, hi = b->groups.nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (b->groups.v[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int make_groups(struct mh_blocks *b)
{
	size_t i, next;

	if (b->blocks.nr)
		qsort(b->blocks.v, b->blocks.nr, sizeof(*b->blocks.v), by_place);
	for (i = 0; i < b->blocks.nr; i++) {
		const struct mh_block *at = &b->blocks.v[i];
		struct mh_block_group *g =
			b->groups.nr ? &b->groups.v[b->groups.nr - 1] : NULL;

		if (!g || g->key != at->key || g->addr.start != at->addr.start ||
		    g->addr.end != at->addr.end) {
			g = mh_vec_push(&b->groups);
			if (!g)
				return -1;
			g->key = at->key;
			g->addr = at->addr;
			g->first = i;
		}
		g->nr++;
		/* One that was never freed outlives all others, without overflow. */
		g->life_ns += at->time_ns.end == UINT64_MAX ? UINT64_C(1) << 62
							    : mh_range_len(at->time_ns);
	}
	for (i = 0; i < b->groups.nr; i = next) {
		next = first_of_key(b, b->groups.v[i].key + 1);
		set_max_end(b, i, next);
	}
	return 0;
}

int mh_blocks_read(struct mh_blocks *out, struct mh_session *s,
		   const struct mh_symtab_opts *opts, struct mh_err *err)
{
	struct replay r = { .out = out, .keys = { .maps = s->maps } };
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	if (!mh_reader_info(s->reader)->rows[MH_EV_HEAP])
		return MH_OK;
	ret = read_kinds(&r, s, 1u << MH_EV_TASK | 1u << MH_EV_STACK | 1u << MH_EV_HEAP,
			 take_names, err);
	if (!ret && r.forks.nr)
		qsort(r.forks.v, r.forks.nr, sizeof(*r.forks.v), by_time);
	if (!ret)
		ret = mh_callers_name(&r.callers, out, s, opts, err);
	if (!ret)
		ret = read_kinds(&r, s, 1u << MH_EV_HEAP, do_event, err);
	if (!ret && (do_forks(&r, UINT64_MAX) || make_groups(out)))
		ret = no_memory(err);
	for (i = 0; i < r.processes.nr; i++)
		free(r.processes.v[i].open.v);
	free(r.processes.v);
	free(r.forks.v);
	free(r.pid);
	mh_numbering_fini(&r.live);
	mh_callers_fini(&r.callers);
	if (ret)
		mh_blocks_fini(out);
	return ret;
}

void mh_blocks_fini(struct mh_blocks *b)
{
	size_t i;

	for (i = 0; i < b->sites.nr; i++)
		mh_block_site_fini(&b->sites.v[i]);
	free(b->sites.v);
	free(b->blocks.v);
	free(b->groups.v);
	memset(b, 0, sizeof(*b));
}

/* ---- asking ---- */

struct search {
	const struct mh_blocks *b;
	struct mh_range addr;
	void (*fn)(void *arg, const struct mh_block_group *g);
	void *arg;
};

static void search(const struct search *q, size_t lo, size_t hi)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct mh_block_group *g = &q->b->groups.v[mid];

		if (g->max_end <= q->addr.start)
			return;
		search(q, lo, mid);
		if (g->addr.start >= q->addr.end)
			return;
		if (g->addr.end > q->addr.start)
			q->fn(q->arg, g);
		lo = mid + 1;
	}
}

static void search_key(const struct mh_blocks *b, uint64_t key, struct mh_range addr,
		       void (*fn)(void *arg, const struct mh_block_group *g), void *arg)
{
	const struct search q = { b, addr, fn, arg };

	search(&q, first_of_key(b, key), first_of_key(b, key + 1));
}

/* The block of a group at a time; NULL. */
static const struct mh_block *block_at(const struct mh_blocks *b,
				       const struct mh_block_group *g, uint64_t time_ns)
{
	size_t lo = g->first, hi = g->first + g->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (b->blocks.v[mid].time_ns.start <= time_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == g->first || b->blocks.v[lo - 1].time_ns.end <= time_ns)
		return NULL;
	return &b->blocks.v[lo - 1];
}

struct best {
	const struct mh_blocks *b;
	uint64_t time_ns, life_ns;
	const struct mh_block *block;
};

static void younger(void *arg, const struct mh_block_group *g)
{
	struct best *best = arg;
	const struct mh_block *block = block_at(best->b, g, best->time_ns);

	if (block && (!best->block || block->time_ns.start > best->block->time_ns.start))
		best->block = block;
}

uint32_t mh_blocks_site(const struct mh_blocks *b, uint64_t key, uint64_t addr,
			uint64_t time_ns)
{
	struct best best = { b, time_ns, 0, NULL };

	search_key(b, key, (struct mh_range){ addr, addr + 1 }, younger, &best);
	return best.block ? best.block->site : MH_NO_SITE;
}

static void longer(void *arg, const struct mh_block_group *g)
{
	struct best *best = arg;

	if (best->block && g->life_ns <= best->life_ns)
		return;
	best->life_ns = g->life_ns;
	best->block = &best->b->blocks.v[g->first + g->nr - 1];
}

uint32_t mh_blocks_usual_site(const struct mh_blocks *b, uint64_t key, uint64_t addr)
{
	struct best best = { b, 0, 0, NULL };

	search_key(b, key, (struct mh_range){ addr, addr + 1 }, longer, &best);
	return best.block ? best.block->site : MH_NO_SITE;
}

struct bound {
	uint64_t above, bound;
};

static void nearer(void *arg, const struct mh_block_group *g)
{
	struct bound *b = arg;

	if (g->addr.start > b->above && g->addr.start < b->bound)
		b->bound = g->addr.start;
	if (g->addr.end > b->above && g->addr.end < b->bound)
		b->bound = g->addr.end;
}

uint64_t mh_blocks_next_bound(const struct mh_blocks *b, uint64_t key, uint64_t addr)
{
	size_t lo = first_of_key(b, key), end = first_of_key(b, key + 1), hi = end;
	struct bound bound = { addr, UINT64_MAX };

	search_key(b, key, (struct mh_range){ addr, addr + 1 }, nearer, &bound);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (b->groups.v[mid].addr.start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < end)
		nearer(&bound, &b->groups.v[lo]);
	return bound.bound;
}

struct each {
	const struct mh_blocks *b;
	struct mh_range addr;
	uint64_t time_ns;
	void (*fn)(void *arg, const struct mh_block *block, uint64_t bytes);
	void *arg;
};

static void hand_over(void *arg, const struct mh_block_group *g)
{
	const struct each *e = arg;
	const struct mh_block *block = block_at(e->b, g, e->time_ns);
	struct mh_range r = g->addr;

	if (!block)
		return;
	if (r.start < e->addr.start)
		r.start = e->addr.start;
	if (r.end > e->addr.end)
		r.end = e->addr.end;
	e->fn(e->arg, block, mh_range_len(r));
}

void mh_blocks_each(const struct mh_blocks *b, uint64_t key, struct mh_range addr,
		    uint64_t time_ns,
		    void (*fn)(void *arg, const struct mh_block *block, uint64_t bytes),
		    void *arg)
{
	struct each e = { b, addr, time_ns, fn, arg };

	search_key(b, key, addr, hand_over, &e);
}
