/* SPDX-License-Identifier: MIT */
/* Address spaces and mappings over time. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/symbol.h>

static void map(struct mh_maps *maps, uint32_t pid, uint64_t t, unsigned op, uint64_t start,
		uint64_t end, const char *path)
{
	struct mh_event ev = { .kind = MH_EV_MAP, .time_ns = t };

	ev.map.pid = pid;
	ev.map.op = (uint8_t)op;
	ev.map.start = start;
	ev.map.end = end;
	ev.map.prot = 3;
	ev.map.path = path;
	assert_int_equal(mh_maps_add(maps, &ev, NULL), MH_OK);
}

static void task(struct mh_maps *maps, uint64_t t, unsigned op, uint32_t pid, uint32_t ppid,
		 const char *comm)
{
	struct mh_event ev = { .kind = MH_EV_TASK, .time_ns = t };

	ev.task.op = (uint8_t)op;
	ev.task.pid = ev.task.tid = pid;
	ev.task.ppid = ppid;
	ev.task.comm = comm;
	assert_int_equal(mh_maps_add(maps, &ev, NULL), MH_OK);
}

static const char *path_at(const struct mh_maps *maps, uint32_t pid, uint64_t addr,
			   uint64_t t)
{
	long space = mh_maps_space_at(maps, pid, t);
	const struct mh_mapping *m;

	if (space < 0)
		return "no space";
	m = mh_maps_find(maps, (size_t)space, addr, t);
	return m ? m->path : "none";
}

static struct mh_maps *begin(void)
{
	struct mh_maps *maps;

	assert_int_equal(mh_maps_new(&maps, NULL), MH_OK);
	return maps;
}

static void done(struct mh_maps *maps)
{
	assert_int_equal(mh_maps_finish(maps, NULL), MH_OK);
}

static void empty_knows_nothing(void **state)
{
	struct mh_maps *maps = begin();

	(void)state;
	done(maps);
	assert_int_equal(mh_maps_nr_spaces(maps), 0);
	assert_int_equal(mh_maps_space_at(maps, 1, 0), -1);
	mh_maps_free(maps);
	mh_maps_free(NULL);
}

static void a_mapping_lives_from_add_to_remove(void **state)
{
	struct mh_maps *maps = begin();

	(void)state;
	map(maps, 7, 100, MH_MAP_ADD, 0x1000, 0x3000, "/a");
	map(maps, 7, 200, MH_MAP_REMOVE, 0x1000, 0x3000, "");
	done(maps);
	assert_string_equal(path_at(maps, 7, 0x1000, 99), "none");
	assert_string_equal(path_at(maps, 7, 0x1000, 100), "/a");
	assert_string_equal(path_at(maps, 7, 0x2fff, 199), "/a");
	assert_string_equal(path_at(maps, 7, 0x3000, 150), "none");
	assert_string_equal(path_at(maps, 7, 0xfff, 150), "none");
	assert_string_equal(path_at(maps, 7, 0x1000, 200), "none");
	assert_string_equal(path_at(maps, 8, 0x1000, 150), "no space");
	mh_maps_free(maps);
}

static void an_overlap_cuts_as_mmap_does(void **state)
{
	struct mh_maps *maps = begin();
	const struct mh_mapping *m;
	size_t nr;

	(void)state;
	map(maps, 7, 0, MH_MAP_ADD, 0x1000, 0x9000, "/a");
	map(maps, 7, 10, MH_MAP_ADD, 0x3000, 0x5000, "/b");
	done(maps);
	assert_string_equal(path_at(maps, 7, 0x4000, 9), "/a");
	assert_string_equal(path_at(maps, 7, 0x4000, 10), "/b");
	assert_string_equal(path_at(maps, 7, 0x2000, 10), "/a");
	assert_string_equal(path_at(maps, 7, 0x8000, 10), "/a");
	m = mh_maps_of(maps, 0, &nr);
	assert_int_equal(nr, 4);
	/* The upper piece still is where it was in its file. */
	assert_int_equal(m[3].addr.start, 0x5000);
	assert_int_equal(m[3].pgoff, 0x4000);
	mh_maps_free(maps);
}

static void saying_it_again_changes_nothing(void **state)
{
	struct mh_maps *maps = begin();
	size_t nr;

	(void)state;
	map(maps, 7, 0, MH_MAP_ADD, 0x1000, 0x2000, "/a");
	map(maps, 7, 5, MH_MAP_ADD, 0x1000, 0x2000, "/a");
	done(maps);
	mh_maps_of(maps, 0, &nr);
	assert_int_equal(nr, 1);
	mh_maps_free(maps);
}

static void exec_begins_a_new_space(void **state)
{
	struct mh_maps *maps = begin();

	(void)state;
	task(maps, 0, MH_TASK_FOUND, 7, 1, "sh");
	map(maps, 7, 1, MH_MAP_ADD, 0x1000, 0x2000, "/bin/sh");
	task(maps, 50, MH_TASK_EXEC, 7, 0, "ls");
	map(maps, 7, 51, MH_MAP_ADD, 0x1000, 0x2000, "/bin/ls");
	task(maps, 90, MH_TASK_EXIT, 7, 0, "");
	done(maps);
	assert_int_equal(mh_maps_nr_spaces(maps), 2);
	assert_string_equal(path_at(maps, 7, 0x1000, 49), "/bin/sh");
	assert_string_equal(path_at(maps, 7, 0x1000, 60), "/bin/ls");
	assert_string_equal(path_at(maps, 7, 0x1000, 90), "none");
	assert_string_equal(mh_maps_space(maps, 0)->comm, "sh");
	assert_string_equal(mh_maps_space(maps, 1)->comm, "ls");
	assert_int_equal(mh_maps_space(maps, 1)->generation, 1);
	assert_int_equal(mh_maps_space(maps, 0)->time_ns.end, 50);
	assert_int_equal(mh_maps_space(maps, 1)->time_ns.end, 90);
	mh_maps_free(maps);
}

static void fork_copies_what_the_parent_has(void **state)
{
	struct mh_maps *maps = begin();

	(void)state;
	map(maps, 7, 0, MH_MAP_ADD, 0x1000, 0x2000, "/a");
	task(maps, 10, MH_TASK_FORK, 9, 7, "");
	map(maps, 7, 20, MH_MAP_REMOVE, 0x1000, 0x2000, "");
	done(maps);
	assert_string_equal(path_at(maps, 9, 0x1000, 30), "/a");
	assert_string_equal(path_at(maps, 7, 0x1000, 30), "none");
	/* A time before its birth still names the child's only space. */
	assert_string_equal(path_at(maps, 9, 0x1000, 5), "none");
	mh_maps_free(maps);
}

static void threads_share_the_space(void **state)
{
	struct mh_maps *maps = begin();
	struct mh_event ev = { .kind = MH_EV_TASK, .time_ns = 5 };

	(void)state;
	map(maps, 7, 0, MH_MAP_ADD, 0x1000, 0x2000, "/a");
	ev.task.op = MH_TASK_FORK;
	ev.task.pid = ev.task.ppid = 7;
	ev.task.tid = 8;
	ev.task.comm = "";
	assert_int_equal(mh_maps_add(maps, &ev, NULL), MH_OK);
	ev.task.op = MH_TASK_EXIT;
	ev.time_ns = 6;
	assert_int_equal(mh_maps_add(maps, &ev, NULL), MH_OK);
	done(maps);
	assert_int_equal(mh_maps_nr_spaces(maps), 1);
	assert_string_equal(path_at(maps, 7, 0x1000, 7), "/a");
	mh_maps_free(maps);
}

/* Against the plainest model there is: an array of pages rewritten at every step. */
static void random_histories_agree_with_a_model(void **state)
{
	enum { PAGES = 40, STEPS = 400, PATHS = 7 };
	static char history[STEPS][PAGES];
	static const char *const paths[PATHS] = { "none", "/1", "/2", "/3", "/4", "/5", "" };
	struct mh_maps *maps = begin();
	unsigned seed = 1, i, k;

	(void)state;
	for (i = 0; i < STEPS; i++) {
		unsigned start, end, path;

		seed = seed * 1103515245 + 12345;
		start = seed >> 16 & 31;
		end = start + 1 + (seed >> 22 & 7);
		path = (seed >> 26) % PATHS;
		if (i)
			memcpy(history[i], history[i - 1], PAGES);
		for (k = start; k < end; k++)
			history[i][k] = (char)path;
		map(maps, 1, 10 * i, path ? MH_MAP_ADD : MH_MAP_REMOVE, start << 12,
		    end << 12, paths[path]);
	}
	done(maps);
	for (i = 0; i < STEPS; i++) {
		for (k = 0; k < PAGES; k++)
			assert_string_equal(path_at(maps, 1, (k << 12) + 5, 10 * i + 3),
					    paths[(unsigned)history[i][k]]);
	}
	mh_maps_free(maps);
}

static void many_processes_are_found(void **state)
{
	struct mh_maps *maps = begin();
	uint32_t pid;

	(void)state;
	for (pid = 1000; pid > 0; pid--) {
		map(maps, pid, pid, MH_MAP_ADD, 0x1000 * pid, 0x1000 * pid + 0x1000, "/a");
		task(maps, pid + 5, MH_TASK_EXEC, pid, 0, "x");
	}
	done(maps);
	assert_int_equal(mh_maps_nr_spaces(maps), 2000);
	for (pid = 1; pid <= 1000; pid++) {
		assert_string_equal(path_at(maps, pid, 0x1000 * pid, pid), "/a");
		assert_int_equal(mh_maps_space(maps, (size_t)mh_maps_space_at(
							     maps, pid, pid + 5))
					 ->pid,
				 pid);
		assert_int_equal(mh_maps_space_at(maps, pid, pid + 5),
				 mh_maps_space_at(maps, pid, pid) + 1);
	}
	mh_maps_free(maps);
}

static void names_are_short(void **state)
{
	struct mh_mapping m = { .prot = 3, .path = "/usr/lib/libc.so.6" };
	char buf[64];

	(void)state;
	mh_mapping_name(&m, buf, sizeof(buf));
	assert_string_equal(buf, "libc.so.6 rw-");
	m.path = "";
	mh_mapping_name(&m, buf, sizeof(buf));
	assert_string_equal(buf, "[anon]");
	m.path = "[anon:heap of x]";
	mh_mapping_name(&m, buf, sizeof(buf));
	assert_string_equal(buf, "[anon:heap of x]");
	m.path = "[heap]";
	mh_mapping_name(&m, buf, 4);
	assert_string_equal(buf, "[he");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_knows_nothing),
		cmocka_unit_test(a_mapping_lives_from_add_to_remove),
		cmocka_unit_test(an_overlap_cuts_as_mmap_does),
		cmocka_unit_test(saying_it_again_changes_nothing),
		cmocka_unit_test(exec_begins_a_new_space),
		cmocka_unit_test(fork_copies_what_the_parent_has),
		cmocka_unit_test(threads_share_the_space),
		cmocka_unit_test(random_histories_agree_with_a_model),
		cmocka_unit_test(many_processes_are_found),
		cmocka_unit_test(names_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
