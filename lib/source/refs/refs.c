/* SPDX-License-Identifier: MIT */
/*
 * Source `refs`: clear_refs and smaps, the working set that any kernel tells to any user
 * about their own processes. Sizes are page-exact, places are whole mappings.
 *
 * A scan reads every process of the target, then clears its accessed bits. Scans cost the
 * target the time that its mmap lock is held and us a walk of its page tables. A target
 * that touches all of its memory loses up to half as much more, as each of its pages has
 * to be marked anew: hence a default of the overhead that keeps that below 2 %.
 *
 * Not handled: processes that begin and end between two scans (they are never seen),
 * pages of hugetlb mappings, accesses of a KVM guest (clear_refs does not reach its
 * tables).
 */
#include "source/refs/refs.h"

#include "source/refs/proc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mh_source {
	const struct mh_source_ops *ops;
	struct watch watch;
	struct refs_scan scan;
};

/* ---- probing ---- */

static int probe(struct mh_probe *out, const struct mh_target *target,
		 const struct mh_source_opts *opts, struct mh_err *err)
{
	const char *root = opts && opts->sysroot ? opts->sysroot : "";
	char path[PATH_MAX];

	(void)err;
	*out = (struct mh_probe){ .usable = 1 };
	snprintf(path, sizeof(path), "%s/proc/self/clear_refs", root);
	if (access(path, W_OK)) {
		out->usable = 0;
		snprintf(out->reason, sizeof(out->reason),
			 "no /proc/PID/clear_refs: the kernel lacks "
			 "CONFIG_PROC_PAGE_MONITOR, "
			 "or /proc is read-only");
	} else if (target && target->type == MH_TARGET_SYSTEM) {
		out->usable = 0;
		snprintf(out->reason, sizeof(out->reason), "refs watches processes");
		snprintf(out->fix, sizeof(out->fix),
			 "use -p PID, --cgroup PATH or -- CMD");
	} else if (geteuid()) {
		snprintf(out->reason, sizeof(out->reason),
			 "own processes only (not root)");
	}
	return MH_OK;
}

/* ---- scanning ---- */

static int scan_proc(struct mh_source *src, struct refs_proc *p, struct mh_err *err)
{
	struct mh_err why = { 0 };
	int status = mh_refs_read(p, &src->scan, &why);

	if (!status)
		status = mh_refs_arm(p, &src->scan, &why);
	return mh_watch_failed(&src->watch, &p->proc, status, &why, err);
}

static int scan(void *arg, struct mh_err *err)
{
	struct mh_source *src = arg;
	struct watch *w = &src->watch;
	int status = MH_OK;
	size_t i;

	src->scan.stall_max_ns = src->scan.referenced = src->scan.rss = 0;
	for (i = 0; !status && i < w->procs.nr; i++)
		if (w->procs.v[i]->alive)
			status = scan_proc(src, (struct refs_proc *)w->procs.v[i], err);
	return status;
}

static int tell_cost(void *arg, uint64_t took_ns, struct mh_err *err)
{
	const struct mh_source *src = arg;
	const struct round *r = &src->watch.round;
	int status = mh_round_stat(r, 0, "scan_ns", took_ns, err);

	return status ? status
		      : mh_round_stat(r, 0, "stall_ns", src->scan.stall_max_ns, err);
}

static uint64_t scanned(const void *arg)
{
	return ((const struct mh_source *)arg)->scan.rss;
}

static const struct watch_ops watch_ops = {
	.name = "refs",
	.overhead = 0.01,
	.size = sizeof(struct refs_proc),
	.forget = mh_refs_proc_forget,
	.fini = mh_refs_proc_fini,
	.scan = scan,
	.tell_cost = tell_cost,
	.scanned = scanned,
};

/* ---- opening ---- */

static int tell_params(struct mh_source *src, mh_event_fn fn, void *arg,
		       struct mh_err *err)
{
	struct round *r = &src->watch.round;
	int status;

	r->fn = fn;
	r->arg = arg;
	status = mh_round_meta(r, "name", "refs", err);
	if (!status)
		status = mh_round_meta(r, "unit", "touched bytes per mapping", err);
	return status ? status : mh_watch_tell_params(&src->watch, err);
}

static void refs_close(struct mh_source *src)
{
	if (!src)
		return;
	mh_watch_fini(&src->watch);
	free(src->scan.vmas.v);
	free(src->scan.sizes.v);
	free(src);
}

static int refs_open(struct mh_source **out, uint16_t id, const struct mh_target *target,
		     const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_source *src;
	int status;

	if (target->type == MH_TARGET_SYSTEM)
		return mh_fail(
			err, MH_ENOSUP,
			"refs watches processes: use -p PID, --cgroup PATH or -- CMD");
	src = calloc(1, sizeof(*src));
	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_refs;
	src->scan.round = &src->watch.round;
	status = mh_watch_init(&src->watch, &watch_ops, src, id, target, opts, err);
	if (!status)
		status = tell_params(src, fn, arg, err);
	if (status) {
		refs_close(src);
		return status;
	}
	*out = src;
	return MH_OK;
}

static size_t refs_wait(const struct mh_source *src, int *fds, size_t max,
			uint64_t *deadline_ns)
{
	(void)fds;
	(void)max;
	*deadline_ns = src->watch.deadline_ns;
	return 0;
}

static int refs_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	return mh_watch_step(&src->watch, last, fn, arg, err);
}

const struct mh_source_ops mh_source_refs = {
	.name = "refs",
	.summary =
		"touched bytes per mapping and interval (clear_refs, smaps); any kernel, "
		"own processes without root",
	.uses_accessed_bits = 1,
	.gives_footprint = 1,
	.probe = probe,
	.open = refs_open,
	.wait = refs_wait,
	.step = refs_step,
	.close = refs_close,
};
