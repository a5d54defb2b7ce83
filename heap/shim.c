/* SPDX-License-Identifier: MIT */
/*
 * libmemheat-heap.so: preloaded into a program by `memheat record --heap`, it logs the
 * allocations and frees of large blocks into the ring of heap_ring.h.
 *
 * It must not change what the program does: errno, results and the order of calls stay;
 * it writes to no descriptor and keeps none open. Where the ring cannot be had (another
 * user, a recorder that has gone) every call is passed on and nothing else happens.
 *
 * Whether a block that is freed was logged is asked of the allocator, by the block's
 * usable size, so there is no table to keep and no lock to take. A free of a block
 * somewhat smaller than the threshold may be logged, too; readers know no such block.
 *
 * Call chains come from the unwinder, not from frame pointers: operator new of libstdc++
 * and most of the distribution's libraries have none, and a chain of frame pointers then
 * leaves out their caller, which is the one that is wanted. The unwinder is linked
 * statically, so that no library is added to the program.
 *
 * A child has a copy of its parent's memory and logs on as itself: its pid is kept in a
 * page that the kernel wipes on fork(2). What a signal handler allocates while its thread
 * is in here is passed on without a log.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include "record/heap_ring.h"

#define EXPORT     __attribute__((visibility("default")))
#define FAST_TLS   __attribute__((tls_model("initial-exec")))
#define EARLY_SIZE 65536
#define SKIP_MAX   8 /* own frames, and those of the unwinder */

enum op { /* as enum mh_heap_op */
	ALLOC,
	FREE,
	ATTACH
};

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void (*free)(void *);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	size_t (*usable)(void *);
} next;

static struct mh_heap_ring *_Atomic ring; /* NULL: passed on without a log */
static uint32_t *own_pid;                 /* 0: not known in this process yet */
static size_t threshold;
static atomic_bool tried;
static __thread bool busy FAST_TLS;

/* ---- before the allocator is known ---- */

/* dlsym(3) may allocate; what it gets is never given back. */
static alignas(16) unsigned char early[EARLY_SIZE];
static size_t early_used;
static bool resolving;

static void *early_alloc(size_t size)
{
	void *p = early + early_used;

	size = (size + 31) & ~(size_t)15;
	if (size < 16 || size > sizeof(early) - early_used)
		return NULL;
	/* In front of a block is its size, for realloc(3). */
	memcpy(p, &size, sizeof(size));
	early_used += size;
	return (unsigned char *)p + 16;
}

static bool is_early(const void *p)
{
	return (const unsigned char *)p - early < EARLY_SIZE &&
	       (const unsigned char *)p >= early;
}

static size_t early_size(const void *p)
{
	size_t size;

	memcpy(&size, (const unsigned char *)p - 16, sizeof(size));
	return size - 16;
}

static void *find(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

#define FIND(member, name)                                                               \
	do {                                                                             \
		void *f_ = find(name);                                                   \
		memcpy(&next.member, &f_, sizeof(f_));                                   \
	} while (0)

/* Programs have one thread when their first allocation comes. */
static bool resolve(void)
{
	if (next.malloc)
		return true;
	if (resolving)
		return false;
	resolving = true;
	FIND(calloc, "calloc");
	FIND(realloc, "realloc");
	FIND(free, "free");
	FIND(aligned_alloc, "aligned_alloc");
	FIND(posix_memalign, "posix_memalign");
	FIND(memalign, "memalign");
	FIND(valloc, "valloc");
	FIND(pvalloc, "pvalloc");
	FIND(usable, "malloc_usable_size");
	FIND(malloc, "malloc");
	resolving = false;
	return next.malloc != NULL;
}

/* ---- the log ---- */

static uint32_t pid_of_process(void)
{
	if (!*own_pid)
		*own_pid = (uint32_t)getpid();
	return *own_pid;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct chain {
	uint64_t from; /* return address of the first frame that is wanted */
	uint16_t nr, nr_skipped;
	bool found;
	uint64_t frames[MH_HEAP_FRAMES];
};

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *arg)
{
	struct chain *c = arg;
	uint64_t ip = _Unwind_GetIP(context);

	c->found |= ip == c->from;
	if (!c->found)
		return ++c->nr_skipped < SKIP_MAX ? _URC_NO_REASON : _URC_END_OF_STACK;
	if (c->nr == MH_HEAP_FRAMES || !ip)
		return _URC_END_OF_STACK;
	c->frames[c->nr++] = ip;
	return _URC_NO_REASON;
}

static void take_chain(struct chain *c, const void *from)
{
	c->from = (uintptr_t)from;
	c->nr = c->nr_skipped = 0;
	c->found = false;
	_Unwind_Backtrace(take_frame, c);
	if (!c->nr) {
		c->frames[0] = c->from;
		c->nr = 1;
	}
}

static bool reserve(struct mh_heap_ring *r, uint64_t *number)
{
	*number = atomic_load_explicit(&r->head, memory_order_relaxed);
	do {
		if (*number - atomic_load_explicit(&r->tail, memory_order_acquire) >=
		    MH_HEAP_SLOTS) {
			atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(&r->head, number, *number + 1,
							memory_order_acq_rel,
							memory_order_relaxed));
	return true;
}

static void put(enum op op, const void *p, size_t size, const struct chain *c)
{
	struct mh_heap_ring *r = atomic_load_explicit(&ring, memory_order_acquire);
	struct mh_heap_slot *slot;
	uint64_t number;

	if (!reserve(r, &number))
		return;
	slot = &r->slots[number % MH_HEAP_SLOTS];
	slot->time_ns = now_ns();
	slot->addr = (uintptr_t)p;
	slot->size = size;
	slot->pid = pid_of_process();
	slot->op = (uint16_t)op;
	slot->nr_frames = c ? c->nr : 0;
	if (c)
		memcpy(slot->frames, c->frames, c->nr * sizeof(c->frames[0]));
	atomic_store_explicit(&slot->seq, number + 1, memory_order_release);
}

static void attach(void)
{
	const char *path = getenv(MH_HEAP_ENV);
	void *map, *page;
	long fd;

	if (!path || atomic_exchange(&tried, true))
		return;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(struct mh_heap_ring), PROT_READ | PROT_WRITE, MAP_SHARED,
		   (int)fd, 0);
	syscall(SYS_close, fd);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (map == MAP_FAILED || page == MAP_FAILED ||
	    madvise(page, 4096, MADV_WIPEONFORK) ||
	    memcmp(((struct mh_heap_ring *)map)->magic, MH_HEAP_MAGIC, 8) != 0) {
		if (map != MAP_FAILED)
			munmap(map, sizeof(struct mh_heap_ring));
		if (page != MAP_FAILED)
			munmap(page, 4096);
		return;
	}
	own_pid = page;
	threshold = ((struct mh_heap_ring *)map)->threshold;
	atomic_store_explicit(&ring, map, memory_order_release);
	put(ATTACH, NULL, threshold, NULL);
}

__attribute__((constructor)) static void begin(void)
{
	int saved = errno;

	if (resolve())
		attach();
	errno = saved;
}

/* The environment is there only after the C library has been set up. */
static bool is_logged(size_t size)
{
	if (!atomic_load_explicit(&ring, memory_order_acquire)) {
		if (atomic_load_explicit(&tried, memory_order_relaxed) || !environ)
			return false;
		begin();
	}
	return atomic_load_explicit(&ring, memory_order_acquire) && size >= threshold &&
	       !busy;
}

static void log_alloc(const void *p, size_t size, const void *from)
{
	struct chain c;
	int saved = errno;

	if (!p || !is_logged(size))
		return;
	busy = true;
	take_chain(&c, from);
	put(ALLOC, p, size, &c);
	busy = false;
	errno = saved;
}

/* Whether it was one to log. */
static bool log_free(void *p)
{
	int saved = errno;

	if (!p || !atomic_load_explicit(&ring, memory_order_relaxed) || !next.usable ||
	    !is_logged(next.usable(p)))
		return false;
	busy = true;
	put(FREE, p, 0, NULL);
	busy = false;
	errno = saved;
	return true;
}

/* ---- the allocator's calls ---- */

#define CALLER __builtin_return_address(0)

EXPORT void *malloc(size_t size)
{
	void *p;

	if (!resolve())
		return early_alloc(size);
	p = next.malloc(size);
	log_alloc(p, size, CALLER);
	return p;
}

EXPORT void *calloc(size_t nr, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(nr, size, &bytes))
		bytes = 0; /* the allocator refuses it */
	if (!resolve())
		return bytes || !nr || !size ? early_alloc(bytes) : NULL;
	p = next.calloc(nr, size);
	log_alloc(p, bytes, CALLER);
	return p;
}

EXPORT void free(void *p)
{
	if (!p || is_early(p) || !resolve())
		return;
	log_free(p);
	next.free(p);
}

static void *resize(void *p, size_t size, const void *from)
{
	bool logged;
	void *q;

	if (!resolve())
		return p ? NULL : early_alloc(size);
	if (p && is_early(p)) {
		size_t had = early_size(p);

		q = next.malloc(size);
		if (q)
			memcpy(q, p, had < size ? had : size);
		log_alloc(q, size, from);
		return q;
	}
	logged = log_free(p);
	q = next.realloc(p, size);
	if (q)
		log_alloc(q, size, from);
	else if (logged && size) /* it is where it was */
		log_alloc(p, next.usable(p), from);
	return q;
}

EXPORT void *realloc(void *p, size_t size)
{
	return resize(p, size, CALLER);
}

EXPORT void *reallocarray(void *p, size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return resize(p, bytes, CALLER);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	void *p;

	if (!resolve() || !next.aligned_alloc)
		return NULL;
	p = next.aligned_alloc(align, size);
	log_alloc(p, size, CALLER);
	return p;
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
	int ret;

	if (!resolve() || !next.posix_memalign)
		return ENOMEM;
	ret = next.posix_memalign(out, align, size);
	if (!ret)
		log_alloc(*out, size, CALLER);
	return ret;
}

EXPORT void *memalign(size_t align, size_t size);
EXPORT void *memalign(size_t align, size_t size)
{
	void *p;

	if (!resolve() || !next.memalign)
		return NULL;
	p = next.memalign(align, size);
	log_alloc(p, size, CALLER);
	return p;
}

EXPORT void *valloc(size_t size);
EXPORT void *valloc(size_t size)
{
	void *p;

	if (!resolve() || !next.valloc)
		return NULL;
	p = next.valloc(size);
	log_alloc(p, size, CALLER);
	return p;
}

EXPORT void *pvalloc(size_t size);
EXPORT void *pvalloc(size_t size)
{
	void *p;

	if (!resolve() || !next.pvalloc)
		return NULL;
	p = next.pvalloc(size);
	log_alloc(p, size, CALLER);
	return p;
}
