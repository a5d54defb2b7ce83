/* SPDX-License-Identifier: MIT */
/* Lines of /proc/PID/maps, and what a machine says that cannot record faults. */
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/faults/faults.h"
#include "source/maps.h"

static int parse(struct mh_ev_map *m, char buf[256], const char *line)
{
	strcpy(buf, line);
	return mh_maps_line(m, buf);
}

static void test_maps_lines(void **state)
{
	struct mh_ev_map m;
	char buf[256];

	(void)state;
	assert_int_equal(parse(&m, buf,
			       "55d0c2a40000-55d0c2a44000 r-xp 00002000 fe:01 726      "
			       "              /usr/bin/a file\n"),
			 MH_OK);
	assert_int_equal(m.start, 0x55d0c2a40000);
	assert_int_equal(m.end, 0x55d0c2a44000);
	assert_int_equal(m.prot, PROT_READ | PROT_EXEC);
	assert_false(m.shared);
	assert_int_equal(m.pgoff, 0x2000);
	assert_int_equal(m.maj, 0xfe);
	assert_int_equal(m.min, 1);
	assert_int_equal(m.ino, 726);
	assert_string_equal(m.path, "/usr/bin/a file");
	assert_int_equal(parse(&m, buf,
			       "7f0000000000-7f0000001000 rw-s 00000000 00:01 9 "
			       "/dev/zero (deleted)\n"),
			 MH_OK);
	assert_true(m.shared);
	assert_string_equal(m.path, "/dev/zero (deleted)");
	assert_int_equal(parse(&m, buf,
			       "7f0000000000-7f0000001000 ---p 00000000 00:00 "
			       "0 \n"),
			 MH_OK);
	assert_int_equal(m.prot, 0);
	assert_string_equal(m.path, "");
	assert_int_equal(parse(&m, buf,
			       "ffffffffff600000-ffffffffff601000 --xp 00000000 "
			       "00:00 0                  [vsyscall]"),
			 MH_OK);
	assert_string_equal(m.path, "[vsyscall]");
}

static void test_maps_not_lines(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"7f00-",
		"7f00-7f10 rw",
		"x-y rw-p 0 0:0 0",
		"7f10-7f00 rw-p 00000000 00:00 0",
		"7f00-7f10 rw-p 00000000 00:00\n",
	};
	struct mh_ev_map m;
	char buf[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(&m, buf, bad[i]), MH_EFORMAT);
}

/* ---- probing a machine made of files ---- */

static char *root;

static int make_root(void **state)
{
	char path[] = "/tmp/memheat-probe-XXXXXX";

	(void)state;
	root = strdup(mkdtemp(path));
	return !root;
}

static void put(const char *name, const char *text)
{
	char path[PATH_MAX], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int remove_root(void **state)
{
	static const char *const names[] = {
		"proc/sys/kernel/perf_event_paranoid",
		"proc/self/status",
		"proc/sys/kernel",
		"proc/sys",
		"proc/self",
		"proc",
		"",
	};
	char path[PATH_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		remove(path);
	}
	free(root);
	return 0;
}

static struct mh_probe probe(const struct mh_target *target)
{
	const struct mh_source_opts opts = { .sysroot = root };
	struct mh_probe out;

	assert_int_equal(mh_source_faults.probe(&out, target, &opts, NULL), MH_OK);
	return out;
}

static const char no_caps[] = "Name:\tx\nCapEff:\t0000000000000000\n";

static void test_probe_no_perf(void **state)
{
	struct mh_probe p = probe(NULL);

	(void)state;
	assert_false(p.usable);
	assert_non_null(strstr(p.reason, "CONFIG_PERF_EVENTS"));
}

static void test_probe_paranoid(void **state)
{
	static const struct mh_target machine = { .type = MH_TARGET_SYSTEM };
	struct mh_probe p;

	(void)state;
	put("proc/self/status", no_caps);
	put("proc/sys/kernel/perf_event_paranoid", "3\n");
	p = probe(NULL);
	assert_false(p.usable);
	assert_non_null(strstr(p.reason, "perf_event_paranoid is 3"));
	assert_string_equal(p.fix, "sysctl kernel.perf_event_paranoid=2");

	put("proc/sys/kernel/perf_event_paranoid", "2\n");
	p = probe(NULL);
	assert_true(p.usable);
	assert_non_null(strstr(p.reason, "own processes"));
	p = probe(&machine);
	assert_false(p.usable);
	assert_string_equal(p.fix, "sysctl kernel.perf_event_paranoid=0");

	put("proc/sys/kernel/perf_event_paranoid", "-1\n");
	assert_true(probe(&machine).usable);
}

static void test_probe_capability(void **state)
{
	(void)state;
	put("proc/sys/kernel/perf_event_paranoid", "4\n");
	put("proc/self/status", "CapEff:\t0000004000000000\n"); /* CAP_PERFMON */
	assert_true(probe(NULL).usable);
	put("proc/self/status", "CapEff:\t0000002000000000\n");
	assert_false(probe(NULL).usable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_lines),
		cmocka_unit_test(test_maps_not_lines),
		cmocka_unit_test_setup_teardown(test_probe_no_perf, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(test_probe_paranoid, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(test_probe_capability, make_root,
						remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
