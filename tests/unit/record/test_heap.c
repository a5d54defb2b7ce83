/* SPDX-License-Identifier: MIT */
/*
 * The reading side of the heap log, with the ring filled in by hand: as a shim does, and
 * as a program does that wants to mislead the recorder.
 */
#include "test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/heap.h"
#include "record/heap_ring.h"
#include "record/host.h"

struct seen {
	struct mh_event v[64];
	size_t nr;
};

static int see(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct seen *s = arg;

	(void)err;
	assert_true(s->nr < 64);
	s->v[s->nr++] = *ev;
	return MH_OK;
}

/* The ring as the program gets it: by the path in its environment. */
static struct mh_heap_ring *map_ring(const struct mh_heap_log *log)
{
	const char *const *env = mh_heap_log_env(log);
	struct mh_heap_ring *ring;
	int fd;

	assert_non_null(strstr(env[0], "LD_PRELOAD=/bin/sh"));
	assert_int_equal(strncmp(env[1], MH_HEAP_ENV "=", strlen(MH_HEAP_ENV) + 1), 0);
	fd = open(env[1] + strlen(MH_HEAP_ENV) + 1, O_RDWR);
	assert_true(fd >= 0);
	assert_int_not_equal(ftruncate(fd, 0), 0);
	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(ring != MAP_FAILED);
	close(fd);
	assert_memory_equal(ring->magic, MH_HEAP_MAGIC, 8);
	return ring;
}

static struct mh_heap_slot *fill(struct mh_heap_ring *ring, uint16_t op, uint64_t addr)
{
	uint64_t number = atomic_fetch_add(&ring->head, 1);
	struct mh_heap_slot *s = &ring->slots[number % MH_HEAP_SLOTS];

	s->time_ns = mh_now_ns();
	s->addr = addr;
	s->size = 100;
	s->pid = 7;
	s->op = op;
	s->nr_frames = 0;
	return s;
}

static void publish(struct mh_heap_ring *ring, struct mh_heap_slot *s, uint64_t lap)
{
	atomic_store(&s->seq,
		     (uint64_t)(s - ring->slots) + 1 + lap * (uint64_t)MH_HEAP_SLOTS);
}

static struct mh_heap_log *open_log(struct mh_heap_ring **ring)
{
	struct mh_err err = { 0 };
	struct mh_heap_log *log;

	if (mh_heap_log_open(&log, "/bin/sh", 64, &err))
		fail_msg("%s", err.msg);
	*ring = map_ring(log);
	assert_int_equal((*ring)->threshold, 64);
	return log;
}

static void close_log(struct mh_heap_log *log, struct mh_heap_ring *ring)
{
	munmap(ring, sizeof(*ring));
	mh_heap_log_close(log);
}

static void test_chains_are_told_once(void **state)
{
	struct mh_heap_ring *ring;
	struct mh_heap_log *log = open_log(&ring);
	struct seen seen = { 0 };
	struct mh_heap_slot *s;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		s = fill(ring, MH_HEAP_ALLOC, 0x1000);
		s->nr_frames = 2;
		s->frames[0] = 0x400000;
		s->frames[1] = i == 2 ? 0x500000 : 0x400100;
		publish(ring, s, 0);
	}
	/* Whose addresses they are says the block's process: an exec makes none new. */
	publish(ring, fill(ring, MH_HEAP_ATTACH, 0), 0);
	s = fill(ring, MH_HEAP_ALLOC, 0x1000);
	s->nr_frames = 2;
	s->frames[0] = 0x400000;
	s->frames[1] = 0x400100;
	publish(ring, s, 0);
	assert_int_equal(mh_heap_log_take(log, 0, see, &seen, NULL), MH_OK);
	assert_int_equal(seen.nr, 3 + 1 + 3 + 1 + 1);
	assert_int_equal(seen.v[0].kind, MH_EV_STACK);
	assert_int_equal(seen.v[0].stack.ip, 0x400100);
	assert_int_equal(seen.v[0].stack.parent, 0);
	assert_int_equal(seen.v[1].stack.ip, 0x400000);
	assert_int_equal(seen.v[1].stack.parent, 1);
	assert_int_equal(seen.v[2].heap.stack, 2);
	assert_int_equal(seen.v[3].heap.stack, 2);
	assert_int_equal(seen.v[4].stack.ip, 0x500000);
	assert_int_equal(seen.v[5].stack.parent, 3);
	assert_int_equal(seen.v[6].heap.stack, 4);
	assert_int_equal(seen.v[7].heap.op, MH_HEAP_ATTACH);
	assert_int_equal(seen.v[8].heap.stack, 2);
	assert_true(mh_heap_log_has(log, 7));
	assert_false(mh_heap_log_has(log, 8));
	close_log(log, ring);
}

static uint64_t lost_of(const struct seen *seen)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < seen->nr; i++) {
		if (seen->v[i].kind != MH_EV_LOST)
			continue;
		assert_int_equal(seen->v[i].lost.cause, MH_LOST_HEAP);
		lost += seen->v[i].lost.count;
	}
	return lost;
}

static void test_hole(void **state)
{
	struct mh_heap_ring *ring;
	struct mh_heap_log *log = open_log(&ring);
	struct seen seen = { 0 };

	(void)state;
	publish(ring, fill(ring, MH_HEAP_FREE, 1), 0);
	fill(ring, MH_HEAP_FREE, 2); /* whoever took it was killed */
	publish(ring, fill(ring, MH_HEAP_FREE, 3), 0);
	assert_int_equal(mh_heap_log_take(log, 0, see, &seen, NULL), MH_OK);
	assert_int_equal(seen.nr, 1);
	assert_int_equal(mh_heap_log_take(log, 0, see, &seen, NULL), MH_OK);
	assert_int_equal(seen.nr, 1);
	atomic_fetch_add(&ring->lost, 5);
	assert_int_equal(mh_heap_log_take(log, 1, see, &seen, NULL), MH_OK);
	assert_int_equal(seen.v[1].heap.addr, 3);
	assert_int_equal(lost_of(&seen), 6);
	close_log(log, ring);
}

static void test_nonsense(void **state)
{
	struct mh_heap_ring *ring;
	struct mh_heap_log *log = open_log(&ring);
	struct seen seen = { 0 };
	struct mh_heap_slot *s;

	(void)state;
	s = fill(ring, 77, 1);
	publish(ring, s, 0);
	s = fill(ring, MH_HEAP_ALLOC, 2);
	s->nr_frames = UINT16_MAX;
	publish(ring, s, 0);
	s = fill(ring, MH_HEAP_ALLOC, 3);
	s->pid = 0;
	publish(ring, s, 0);
	s = fill(ring, MH_HEAP_ALLOC, 4);
	s->time_ns = UINT64_MAX;
	publish(ring, s, 0);
	/* Numbers that are not the log's are none of its business. */
	atomic_store(&ring->tail, 1u << 30);
	atomic_store(&ring->lost, 1);
	assert_int_equal(mh_heap_log_take(log, 0, see, &seen, NULL), MH_OK);
	assert_int_equal(lost_of(&seen), 4);
	assert_int_equal(seen.v[0].heap.addr, 4);
	assert_true(seen.v[0].time_ns <= mh_now_ns());
	atomic_store(&ring->lost, 0);
	atomic_store(&ring->head, 0);
	seen.nr = 0;
	assert_int_equal(mh_heap_log_take(log, 1, see, &seen, NULL), MH_OK);
	assert_int_equal(mh_heap_log_take(log, 1, see, &seen, NULL), MH_OK);
	close_log(log, ring);
}

static void test_no_shim(void **state)
{
	struct mh_err err = { 0 };
	struct mh_heap_log *log;

	(void)state;
	assert_int_equal(mh_heap_log_open(&log, "/no/such/shim", 64, &err), MH_ENOSUP);
	assert_non_null(strstr(err.msg, "/no/such/shim"));
	assert_int_equal(mh_heap_log_open(&log, "/a b", 64, &err), MH_ENOSUP);
	assert_null(log);
}

static void test_preload_check(void **state)
{
	char why[256];

	(void)state;
	assert_int_equal(mh_heap_preload_check("/bin/true", why, sizeof(why)), MH_OK);
	assert_string_equal(why, "");
	assert_int_equal(mh_heap_preload_check("/etc/passwd", why, sizeof(why)), MH_OK);
	assert_int_equal(mh_heap_preload_check("/no/such", why, sizeof(why)), MH_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_are_told_once),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_no_shim),
		cmocka_unit_test(test_preload_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
