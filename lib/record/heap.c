/* SPDX-License-Identifier: MIT */
/*
 * The reading side of the heap log. Frames of call chains are told once, before the first
 * block whose chain has them.
 *
 * The ring is an unnamed file that the program opens through our /proc/PID/fd, so that no
 * descriptor is handed down to a program that may count or close them. It is sealed: a
 * program that cut it short would kill us by SIGBUS.
 *
 * A writer that was killed between taking a slot and filling it leaves a hole. It is
 * passed over after a second, and counted as lost.
 */
#include "record/heap.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/vec.h"
#include "event/chains.h"
#include "record/heap_ring.h"
#include "record/host.h"

#define LOOK_NS  50000000u /* from one look to the next; a */
#define HURRY_NS 1000000u  /* shorter time when a quarter of the ring had come */
#define HOLE_NS  1000000000u

struct mh_heap_log {
	struct mh_heap_ring *ring;
	int fd;
	uint64_t tail, lost, lost_ns; /* lost: told up to now */
	bool hurry;
	uint64_t hole_ns; /* since when the next slot is being filled; 0 */
	char *env[3];
	struct {
		uint32_t *v; /* pids */
		size_t nr, cap;
	} attached;
	struct mh_chains chains;
};

/* ---- opening ---- */

static int make_ring(struct mh_heap_log *log, uint64_t threshold, struct mh_err *err)
{
	log->fd = memfd_create("memheat-heap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (log->fd < 0 || ftruncate(log->fd, sizeof(*log->ring)) ||
	    fcntl(log->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return mh_fail_errno(err, "cannot make the heap log");
	log->ring = mmap(NULL, sizeof(*log->ring), PROT_READ | PROT_WRITE, MAP_SHARED,
			 log->fd, 0);
	if (log->ring == MAP_FAILED) {
		log->ring = NULL;
		return mh_fail_errno(err, "cannot map the heap log");
	}
	log->ring->threshold = threshold;
	memcpy(log->ring->magic, MH_HEAP_MAGIC, sizeof(log->ring->magic));
	return MH_OK;
}

static int make_env(struct mh_heap_log *log, const char *shim, struct mh_err *err)
{
	const char *old = getenv("LD_PRELOAD");

	if (strpbrk(shim, ": "))
		return mh_fail(err, MH_ENOSUP,
			       "'%s' cannot be preloaded: the loader takes blanks and "
			       "colons for ends of names",
			       shim);
	if (access(shim, R_OK))
		return mh_fail(err, MH_ENOSUP,
			       "no heap log: '%s' is not there; it is built and "
			       "installed beside memheat",
			       shim);
	/* The heap log goes first, so that it sees what the program asks for. */
	if (asprintf(&log->env[0], "LD_PRELOAD=%s%s%s", shim, old && *old ? ":" : "",
		     old ? old : "") < 0)
		log->env[0] = NULL;
	if (asprintf(&log->env[1], "%s=/proc/%d/fd/%d", MH_HEAP_ENV, (int)getpid(),
		     log->fd) < 0)
		log->env[1] = NULL;
	return log->env[0] && log->env[1] ? MH_OK
					  : mh_fail(err, MH_ENOMEM, "out of memory");
}

int mh_heap_log_open(struct mh_heap_log **out, const char *shim, uint64_t threshold,
		     struct mh_err *err)
{
	struct mh_heap_log *log = calloc(1, sizeof(*log));
	int ret;

	*out = NULL;
	if (!log)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	log->fd = -1;
	log->lost_ns = mh_now_ns();
	ret = make_ring(log, threshold, err);
	if (!ret)
		ret = make_env(log, shim, err);
	if (ret)
		mh_heap_log_close(log);
	else
		*out = log;
	return ret;
}

void mh_heap_log_close(struct mh_heap_log *log)
{
	if (!log)
		return;
	if (log->ring)
		munmap(log->ring, sizeof(*log->ring));
	if (log->fd >= 0)
		close(log->fd);
	free(log->env[0]);
	free(log->env[1]);
	free(log->attached.v);
	mh_chains_fini(&log->chains);
	free(log);
}

const char *const *mh_heap_log_env(const struct mh_heap_log *log)
{
	return (const char *const *)log->env;
}

/* ---- processes ---- */

int mh_heap_log_has(const struct mh_heap_log *log, uint32_t pid)
{
	size_t i;

	for (i = 0; i < log->attached.nr; i++) {
		if (log->attached.v[i] == pid)
			return 1;
	}
	return 0;
}

static int see_attached(struct mh_heap_log *log, uint32_t pid)
{
	uint32_t *a = mh_heap_log_has(log, pid) ? &pid : mh_vec_push(&log->attached);

	if (!a)
		return -1;
	*a = pid;
	return 0;
}

/* ---- taking ---- */

static int tell_slot(struct mh_heap_log *log, const struct mh_heap_slot *s,
		     mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_event ev;
	int ret;

	mh_event_init(&ev, MH_EV_HEAP);
	ev.time_ns = s->time_ns;
	ev.heap.op = (uint8_t)s->op;
	ev.heap.pid = s->pid;
	ev.heap.addr = s->addr;
	ev.heap.size = s->size;
	if (s->op == MH_HEAP_ATTACH && see_attached(log, s->pid))
		return mh_fail(err, MH_ENOMEM, "out of memory");
	ret = mh_chains_put(&log->chains, &ev.heap.stack, &ev, (const uint8_t *)s->frames,
			    s->nr_frames, false, fn, arg, err);
	return ret ? ret : fn(arg, &ev, err);
}

/* A copy that can be believed as far as that goes; false: nonsense. */
static bool copy_slot(struct mh_heap_slot *to, const struct mh_heap_slot *from)
{
	uint64_t now = mh_now_ns();

	memcpy(to, from, sizeof(*to));
	if (to->op > MH_HEAP_ATTACH || to->nr_frames > MH_HEAP_FRAMES || !to->pid)
		return false;
	if (to->time_ns > now)
		to->time_ns = now;
	if (to->op != MH_HEAP_ALLOC)
		to->nr_frames = 0;
	return true;
}

static int tell_lost(struct mh_heap_log *log, uint64_t holes, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	uint64_t lost = atomic_load_explicit(&log->ring->lost, memory_order_relaxed);
	struct mh_event ev;
	int ret;

	if (lost <= log->lost && !holes)
		return MH_OK;
	mh_event_init(&ev, MH_EV_LOST);
	ev.time_ns = mh_now_ns();
	ev.lost.start_ns = log->lost_ns;
	ev.lost.cause = MH_LOST_HEAP;
	ev.lost.count = holes + (lost > log->lost ? lost - log->lost : 0);
	ret = fn(arg, &ev, err);
	log->lost = lost;
	log->lost_ns = ev.time_ns;
	return ret;
}

/* Whether the slot at the tail is to be passed over. */
static bool is_hole(struct mh_heap_log *log, int last)
{
	uint64_t now = mh_now_ns();

	if (atomic_load_explicit(&log->ring->head, memory_order_acquire) == log->tail)
		return false;
	if (!log->hole_ns)
		log->hole_ns = now;
	return last || now - log->hole_ns > HOLE_NS;
}

int mh_heap_log_take(struct mh_heap_log *log, int last, mh_event_fn fn, void *arg,
		     struct mh_err *err)
{
	struct mh_heap_slot copy;
	uint64_t holes = 0;
	unsigned i;
	int ret = MH_OK;

	for (i = 0; !ret && i < MH_HEAP_SLOTS; i++) {
		struct mh_heap_slot *slot = &log->ring->slots[log->tail % MH_HEAP_SLOTS];

		if (atomic_load_explicit(&slot->seq, memory_order_acquire) ==
		    log->tail + 1) {
			if (copy_slot(&copy, slot))
				ret = tell_slot(log, &copy, fn, arg, err);
			else
				holes++;
		} else if (is_hole(log, last)) {
			holes++;
		} else {
			break;
		}
		log->hole_ns = 0;
		log->tail++;
		atomic_store_explicit(&log->ring->tail, log->tail, memory_order_release);
	}
	log->hurry = i > MH_HEAP_SLOTS / 4;
	return ret ? ret : tell_lost(log, holes, fn, arg, err);
}

uint64_t mh_heap_log_next_ns(const struct mh_heap_log *log)
{
	return mh_now_ns() + (log->hurry ? HURRY_NS : LOOK_NS);
}
