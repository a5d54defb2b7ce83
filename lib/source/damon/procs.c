/* SPDX-License-Identifier: MIT */
/*
 * Looking now and then: what changed is dated at the look before, so that snapshots in
 * between find the mapping that they show. A process that comes and goes between two
 * looks is never met.
 */
#include "source/damon/procs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "source/maps.h"

static struct mh_event new_event(const struct mh_tell *to, enum mh_event_kind kind,
				 uint64_t time_ns)
{
	struct mh_event ev;

	mh_event_init(&ev, kind);
	ev.source = to->source;
	ev.time_ns = time_ns;
	return ev;
}

static uint64_t boot_ticks(void)
{
	struct timespec ts;
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * hz + (uint64_t)ts.tv_nsec * hz / 1000000000u;
}

/* ---- processes ---- */

static int tell_task(const struct mh_tell *to, const struct proc_stat *stat,
		     enum mh_task_op op, uint64_t time_ns, struct mh_err *err)
{
	struct mh_event ev = new_event(to, MH_EV_TASK, time_ns);

	ev.task.op = (uint8_t)op;
	ev.task.pid = ev.task.tid = (uint32_t)stat->pid;
	ev.task.ppid = (uint32_t)stat->ppid;
	ev.task.comm = stat->comm;
	return to->fn(to->arg, &ev, err);
}

static struct damon_proc *find(struct damon_procs *p, const struct proc_stat *stat)
{
	size_t i;

	for (i = 0; i < p->procs.nr; i++) {
		if (p->procs.v[i].stat.pid == stat->pid &&
		    p->procs.v[i].stat.start_ticks == stat->start_ticks)
			return &p->procs.v[i];
	}
	return NULL;
}

static int add(struct damon_procs *p, const struct mh_tell *to,
	       const struct proc_stat *stat, struct mh_err *err)
{
	bool command = p->target->spawned && stat->pid == p->target->pids[0];
	bool born = p->last_ns && stat->start_ticks >= p->last_ticks;
	struct damon_proc *proc = mh_vec_push(&p->procs);
	uint64_t since = to->time_ns;

	if (!proc)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	proc->stat = *stat;
	proc->alive = true;
	p->met_any = true;
	if (command)
		since = p->exec_ns;
	else if (born)
		since = p->last_ns;
	proc->met_ns = proc->seen_ns = since;
	return tell_task(to, stat,
			 command ? MH_TASK_EXEC
			 : born  ? MH_TASK_FORK
				 : MH_TASK_FOUND,
			 since, err);
}

static int update(struct damon_procs *p, const struct mh_tell *to,
		  struct damon_proc *proc, const struct proc_stat *stat,
		  struct mh_err *err)
{
	bool exec = proc->stat.start_code != stat->start_code ||
		    proc->stat.start_stack != stat->start_stack;
	bool renamed = strcmp(proc->stat.comm, stat->comm) != 0;

	proc->alive = true;
	proc->stat = *stat;
	if (exec) {
		proc->vmas.nr = 0;
		return tell_task(to, stat, MH_TASK_EXEC, p->last_ns, err);
	}
	return renamed ? tell_task(to, stat, MH_TASK_COMM, to->time_ns, err) : MH_OK;
}

static int tell_exit(const struct mh_tell *to, const struct damon_proc *proc,
		     struct mh_err *err)
{
	struct mh_event ev = new_event(to, MH_EV_GAP, to->time_ns);
	int ret;

	/* What it did since its last snapshot is not known. */
	ev.gap.start_ns = proc->data_ns ? proc->data_ns : proc->met_ns;
	ev.gap.pid = (uint32_t)proc->stat.pid;
	ev.gap.cause = MH_GAP_EXITED;
	ret = to->fn(to->arg, &ev, err);
	return ret ? ret : tell_task(to, &proc->stat, MH_TASK_EXIT, to->time_ns, err);
}

static int drop_ended(struct damon_procs *p, const struct mh_tell *to, struct mh_err *err)
{
	size_t i = 0;
	int ret;

	while (i < p->procs.nr) {
		if (p->procs.v[i].alive) {
			i++;
			continue;
		}
		ret = tell_exit(to, &p->procs.v[i], err);
		if (ret)
			return ret;
		free(p->procs.v[i].vmas.v);
		p->procs.v[i] = p->procs.v[--p->procs.nr];
	}
	return MH_OK;
}

/* ---- mappings ---- */

static uint32_t hash_of(const struct mh_ev_map *map)
{
	uint32_t h = 2166136261u ^ map->prot ^ (uint32_t)map->shared << 8; /* FNV-1a */
	const char *c;

	for (c = map->path; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	return h;
}

static bool same(const struct damon_vma *a, const struct damon_vma *b)
{
	return a->start == b->start && a->end == b->end && a->pgoff == b->pgoff &&
	       a->what == b->what;
}

static int tell_removed(const struct mh_tell *to, const struct damon_proc *proc,
			const struct damon_vma *vma, struct mh_err *err)
{
	struct mh_event ev = new_event(to, MH_EV_MAP, proc->seen_ns);

	ev.map.op = MH_MAP_REMOVE;
	ev.map.pid = (uint32_t)proc->stat.pid;
	ev.map.start = vma->start;
	ev.map.end = vma->end;
	return to->fn(to->arg, &ev, err);
}

static int tell_added(const struct mh_tell *to, const struct damon_proc *proc,
		      const struct mh_ev_map *map, struct mh_err *err)
{
	struct mh_event ev = new_event(to, MH_EV_MAP, proc->seen_ns);

	ev.map = *map;
	ev.map.pid = (uint32_t)proc->stat.pid;
	return to->fn(to->arg, &ev, err);
}

/* Both lists are in address order; *old is the position in the old one. */
static int take_mapping(struct damon_procs *p, const struct mh_tell *to,
			struct damon_proc *proc, size_t *old, const struct mh_ev_map *map,
			struct mh_err *err)
{
	struct damon_vma vma = { .start = map->start,
				 .end = map->end,
				 .pgoff = map->pgoff,
				 .what = hash_of(map) };
	struct damon_vma *slot = mh_vec_push(&p->scratch);
	int ret;

	if (!slot)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*slot = vma;
	while (*old < proc->vmas.nr && proc->vmas.v[*old].start < vma.end) {
		const struct damon_vma *before = &proc->vmas.v[(*old)++];

		if (same(before, &vma))
			return MH_OK;
		ret = tell_removed(to, proc, before, err);
		if (ret)
			return ret;
	}
	return tell_added(to, proc, map, err);
}

static int read_lines(struct damon_procs *p, const struct mh_tell *to,
		      struct damon_proc *proc, FILE *f, struct mh_err *err)
{
	struct damon_vmas swap;
	struct mh_ev_map map;
	size_t old = 0;
	int ret = MH_OK;

	p->scratch.nr = 0;
	while (!ret && getline(&p->line, &p->line_cap, f) > 0) {
		if (mh_maps_line(&map, p->line))
			return mh_fail(err, MH_EFORMAT,
				       "/proc/%d/maps has a line that is none",
				       (int)proc->stat.pid);
		ret = take_mapping(p, to, proc, &old, &map, err);
	}
	if (ret || !p->scratch.nr) /* its address space is gone: it is ending */
		return ret;
	for (; !ret && old < proc->vmas.nr; old++)
		ret = tell_removed(to, proc, &proc->vmas.v[old], err);
	swap = proc->vmas;
	proc->vmas = p->scratch;
	p->scratch = swap;
	return ret;
}

static int read_maps(struct damon_procs *p, const struct mh_tell *to,
		     struct damon_proc *proc, struct mh_err *err)
{
	char path[PATH_MAX];
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "%s/proc/%d/maps", p->sysroot, (int)proc->stat.pid);
	f = fopen(path, "re");
	if (!f) {
		if (errno != ENOENT && errno != ESRCH && !proc->unreadable)
			mh_log_say(
				p->log, MH_WARNING,
				"damon: cannot read %s: %s; regions stay without names",
				path, strerror(errno));
		proc->unreadable = true;
		return MH_OK;
	}
	ret = read_lines(p, to, proc, f, err);
	fclose(f);
	return ret;
}

/* ---- a look ---- */

/*
 * Whom a parent that ended left behind is nobody's descendant any more, and a pid may be
 * another's by now: after the first look, those that are known to live are the roots.
 */
static int list(struct damon_procs *p, struct mh_err *err)
{
	struct mh_target target = *p->target;
	struct proc_stat st;
	size_t i;
	int ret;

	if (target.type != MH_TARGET_PROCESSES || !p->met_any) {
		ret = mh_tree_list(&p->found, &target, p->sysroot, err);
		/* A control group that was removed has nobody. */
		return ret == MH_ENOTARGET && p->met_any ? MH_OK : ret;
	}
	p->roots.nr = 0;
	for (i = 0; i < p->procs.nr; i++) {
		const struct proc_stat *known = &p->procs.v[i].stat;
		pid_t *root;

		if (mh_proc_stat_read(&st, p->sysroot, known->pid) ||
		    st.start_ticks != known->start_ticks)
			continue;
		root = mh_vec_push(&p->roots);
		if (!root)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		*root = known->pid;
	}
	target.pids = p->roots.v;
	target.nr_pids = p->roots.nr;
	return mh_tree_list(&p->found, &target, p->sysroot, err);
}

int mh_damon_procs_look(struct damon_procs *p, const struct mh_tell *to, bool maps,
			struct mh_err *err)
{
	uint64_t ticks = boot_ticks();
	int ret = list(p, err);
	size_t i;

	for (i = 0; i < p->procs.nr; i++)
		p->procs.v[i].alive = false;
	for (i = 0; !ret && i < p->found.nr; i++) {
		struct damon_proc *proc = find(p, &p->found.v[i]);

		ret = proc ? update(p, to, proc, &p->found.v[i], err)
			   : add(p, to, &p->found.v[i], err);
	}
	for (i = 0; !ret && maps && i < p->procs.nr; i++) {
		if (p->procs.v[i].alive)
			ret = read_maps(p, to, &p->procs.v[i], err);
	}
	if (!ret)
		ret = drop_ended(p, to, err);
	for (i = 0; i < p->procs.nr; i++)
		p->procs.v[i].seen_ns = to->time_ns;
	p->last_ns = to->time_ns;
	p->last_ticks = ticks;
	return ret;
}

void mh_damon_procs_note(struct damon_procs *p, pid_t pid, uint64_t time_ns)
{
	size_t i;

	for (i = 0; i < p->procs.nr; i++) {
		if (p->procs.v[i].stat.pid == pid)
			p->procs.v[i].data_ns = time_ns;
	}
}

uint64_t mh_damon_procs_mapped(const struct damon_procs *p)
{
	uint64_t bytes = 0;
	size_t i, k;

	for (i = 0; i < p->procs.nr; i++) {
		const struct damon_vmas *vmas = &p->procs.v[i].vmas;

		for (k = 0; k < vmas->nr; k++)
			bytes += vmas->v[k].end - vmas->v[k].start;
	}
	return bytes;
}

void mh_damon_procs_fini(struct damon_procs *p)
{
	size_t i;

	for (i = 0; i < p->procs.nr; i++)
		free(p->procs.v[i].vmas.v);
	free(p->procs.v);
	free(p->found.v);
	free(p->roots.v);
	free(p->scratch.v);
	free(p->line);
	*p = (struct damon_procs){ 0 };
}
