/* SPDX-License-Identifier: MIT */
/*
 * Build-ids of mapped files: the kernel's word and the file's own are the same, and a
 * file that was replaced since it was mapped gives its own, not that of its successor.
 */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <memheat/symbol.h>

#include "record/buildid.h"

/* A copy of this very program, mapped; its MAP event. */
static struct mh_ev_map map_copy(const char *path)
{
	char command[600];
	struct mh_ev_map map = { .op = MH_MAP_ADD,
				 .pid = (uint32_t)getpid(),
				 .path = path };
	struct stat st;
	void *at;
	int fd;

	snprintf(command, sizeof(command), "cp /proc/%d/exe '%s'", (int)getpid(), path);
	assert_int_equal(system(command), 0);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(at != MAP_FAILED);
	close(fd);
	map.start = (uint64_t)(uintptr_t)at;
	map.end = map.start + 4096;
	map.ino = st.st_ino;
	map.maj = major(st.st_dev);
	map.min = minor(st.st_dev);
	return map;
}

/* PROCMAP_QUERY: Linux 6.11. */
static int kernel_tells(void)
{
	unsigned version = 0, level = 0;
	struct utsname name;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%u.%u", &version, &level), 2);
	return version > 6 || (version == 6 && level >= 11);
}

static void replaced_files_keep_their_id(void **state)
{
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char path[512], command[1200];
	struct mh_build_ids ids = { 0 };
	struct mh_elf_facts facts;
	struct mh_ev_map map;
	struct mh_err err;

	(void)state;
	/* With neither, only the path is left, which is another file by then. */
	if (!kernel_tells() && geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/program", dir);
	map = map_copy(path);
	assert_status(mh_elf_facts_of_file(&facts, path, &err), MH_OK, &err);
	assert_true(facts.build_id_len > 0);
	snprintf(command, sizeof(command), "rm '%s' && cp /bin/sh '%s'", path, path);
	assert_int_equal(system(command), 0);
	mh_build_ids_fill(&ids, &map, "");
	assert_int_equal(map.build_id_len, facts.build_id_len);
	assert_memory_equal(map.build_id, facts.build_id, facts.build_id_len);
	/* Once for each file. */
	assert_int_equal(ids.nr, 1);
	map.build_id_len = 0;
	mh_build_ids_fill(&ids, &map, "");
	assert_int_equal(ids.nr, 1);
	assert_int_equal(map.build_id_len, facts.build_id_len);
	mh_build_ids_fini(&ids);
	munmap((void *)(uintptr_t)map.start, 4096);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced_files_keep_their_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
