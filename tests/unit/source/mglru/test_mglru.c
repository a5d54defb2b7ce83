/* SPDX-License-Identifier: MIT */
/* The lists of lru_gen: its text, read well and damaged, and a source on a fake tree. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memheat/source.h>

#include "source/mglru/group.h"
#include "source/mglru/lists.h"

extern const struct mh_source_ops mh_source_mglru;

#define LRU_GEN  "/sys/kernel/debug/lru_gen"
#define ENABLED  "/sys/kernel/mm/lru_gen/enabled"
#define INTERVAL 20000000u
#define NR_SEEN  64

static char root[256];

struct region {
	uint64_t start, end;
	uint32_t hits, age;
};

static struct seen {
	struct region regions[NR_SEEN];
	size_t nr_regions;
	char maps[4096]; /* "+name bytes\n", "-name bytes\n" */
	char metas[1024];
	uint64_t bytes, young, agings, refused;
} seen;

/* ---- the text ---- */

static struct lru_node nodes[8];
static char paths[8][32];
static size_t nr_nodes;

static int keep(void *arg, const struct lru_node *n, struct mh_err *err)
{
	(void)arg;
	(void)err;
	assert_true(nr_nodes < 8);
	snprintf(paths[nr_nodes], sizeof(paths[0]), "%s", n->path);
	nodes[nr_nodes++] = *n;
	return MH_OK;
}

static int parse(const char *text, struct mh_err *err)
{
	char *copy = strdup(text);
	int status;

	nr_nodes = 0;
	assert_non_null(copy);
	status = mh_lru_parse(copy, keep, NULL, err);
	free(copy);
	return status;
}

/* As Linux 6.12 prints it; without groups the path is missing. */
static void text_of_groups_and_nodes(void **state)
{
	struct mh_err err;

	(void)state;
	assert_status(parse("memcg     1 /\n"
			    " node     0\n"
			    "          0      12345       1000        200 \n"
			    "          1        999         10          0 \n"
			    " node     1\n"
			    "          7         10          0          3 \n"
			    "memcg    40 /a b/c:d\n"
			    "memcg    41 /e\n"
			    " node     0\n"
			    "          9          1          2          3 ",
			    &err),
		      MH_OK, &err);
	assert_int_equal(nr_nodes, 3);
	assert_int_equal(nodes[0].memcg, 1);
	assert_int_equal(nodes[0].nr, 2);
	assert_int_equal(nodes[0].gens[0].pages[LRU_ANON], 1000);
	assert_int_equal(nodes[0].gens[0].pages[LRU_FILE], 200);
	assert_int_equal(mh_lru_idle_ms(&nodes[0], 0), 999);
	assert_int_equal(mh_lru_idle_ms(&nodes[0], 1), 0);
	assert_int_equal(nodes[1].node, 1);
	assert_string_equal(paths[2], "/e");
	assert_status(parse("memcg     0 \n node     0\n 1 2 3 4\n", &err), MH_OK, &err);
	assert_string_equal(paths[0], "/");
	assert_status(parse("", &err), MH_OK, &err);
	assert_int_equal(nr_nodes, 0);
}

static void damaged_text_is_refused(void **state)
{
	static const char *const texts[] = {
		" node     0\n 1 2 3 4\n",                       /* of no group */
		"memcg     1 /\n 1 2 3 4\n",                     /* of no node */
		"memcg     1 /\n node     0\n",                  /* without generations */
		"memcg     1 /\n node     0\n 1 2 3\n",          /* too short */
		"memcg     1 /\n node     0\n 1 2 3 4 5\n",      /* too long */
		"memcg     1 /\n node     0\n 1 2 3 -4\n",       /* negative */
		"memcg     1 /\n node     0\n 2 2 3 4\n1 2 3 4", /* descending */
		"memcg     1 /\n node     0\n 1 2 3 99999999999999999999\n",
		"memcg     1 /\n node     0\n 1 99999999999 3 4\n",
		"memcg     1 /\n node     x\n 1 2 3 4\n",
		"memcg     x /\n",
		"memcg\n",
		"nothing\n",
	};
	struct mh_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_fails(parse(texts[i], &err), MH_EFORMAT, &err,
			     "unknown form: line");
}

/* Every cut of a good text is either good or said to be none. */
static void cut_text(void **state)
{
	static const char text[] =
		"memcg     1 /\n node     0\n  0 12 10 20 \n  1 9 1 0 \n";
	char cut[sizeof(text)];
	struct mh_err err;
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof(text); i++) {
		memcpy(cut, text, i);
		cut[i] = '\0';
		status = parse(cut, &err);
		assert_true(status == MH_OK || status == MH_EFORMAT);
	}
}

/* ---- the source ---- */

static void put(const char *file, const char *text)
{
	char path[512], *slash;
	FILE *out;

	snprintf(path, sizeof(path), "%s%s", root, file);
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int setup(void **state)
{
	static unsigned nr;

	(void)state;
	snprintf(root, sizeof(root), "%s/mglru%u",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", nr++);
	mkdir(root, 0755);
	memset(&seen, 0, sizeof(seen));
	put(ENABLED, "0x0007\n");
	put("/proc/self/mountinfo",
	    "20 1 0:20 / /sys rw - sysfs sys rw\n"
	    "30 1 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 none rw\n"
	    "31 1 0:31 /user.slice /run/cg rw shared:1 - cgroup cg rw,memory\n");
	return 0;
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void see_stat(const struct mh_ev_stat *s)
{
	if (!strcmp(s->name, "mglru.bytes"))
		seen.bytes = s->value;
	else if (!strcmp(s->name, "mglru.young_bytes"))
		seen.young = s->value;
	else if (!strcmp(s->name, "mglru.agings"))
		seen.agings = s->value;
	else if (!strcmp(s->name, "mglru.agings_refused"))
		seen.refused = s->value;
}

static int look(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	size_t used = strlen(seen.maps);

	(void)arg;
	(void)err;
	if (ev->kind == MH_EV_REGION) {
		assert_true(seen.nr_regions < NR_SEEN);
		assert_true(ev->region.start_ns < ev->time_ns);
		seen.regions[seen.nr_regions++] =
			(struct region){ ev->region.start, ev->region.end,
					 ev->region.nr_accesses, ev->region.age };
	} else if (ev->kind == MH_EV_MAP) {
		snprintf(seen.maps + used, sizeof(seen.maps) - used, "%c%s %llu\n",
			 ev->map.op == MH_MAP_ADD ? '+' : '-', ev->map.path,
			 (unsigned long long)(ev->map.end - ev->map.start) >> 20);
	} else if (ev->kind == MH_EV_STAT) {
		see_stat(&ev->stat);
	} else if (ev->kind == MH_EV_META) {
		used = strlen(seen.metas);
		snprintf(seen.metas + used, sizeof(seen.metas) - used, "%s=%s\n",
			 ev->meta.key, ev->meta.value);
	}
	return MH_OK;
}

static int try_open(struct mh_source **src, const char *group, int aging,
		    struct mh_err *err)
{
	struct mh_target target = { .type = group ? MH_TARGET_CGROUP : MH_TARGET_SYSTEM,
				    .cgroup = group };
	struct mh_source_opts opts = { .interval_ns = INTERVAL,
				       .sysroot = root,
				       .aging = aging };

	return mh_source_mglru.open(src, 1, &target, &opts, look, NULL, err);
}

static struct mh_source *open_on(const char *group, int aging)
{
	struct mh_source *src = NULL;
	struct mh_err err;

	assert_status(try_open(&src, group, aging, &err), MH_OK, &err);
	return src;
}

static int step(struct mh_source *src, struct mh_err *err)
{
	uint64_t deadline, now;

	seen.nr_regions = 0;
	seen.maps[0] = '\0';
	mh_source_mglru.wait(src, NULL, 0, &deadline);
	while ((now = mh_round_now_ns()) < deadline)
		usleep((unsigned)((deadline - now) / 1000 + 1));
	return mh_source_mglru.step(src, 0, look, NULL, err);
}

static void step_well(struct mh_source *src)
{
	struct mh_err err;

	assert_status(step(src, &err), MH_OK, &err);
}

/* The youngest first, at their sizes; ages are those of the next younger. */
static void generations_become_regions(void **state)
{
	struct mh_source *src;
	uint64_t base;

	(void)state;
	put(LRU_GEN, "memcg 1 /\n node 0\n"
		     " 4 90000 100 0\n 5 60000 200 7\n 6 30000 300 0\n"
		     "memcg 9 /a\n node 1\n 2 5 50 0\n");
	src = open_on(NULL, 0);
	assert_non_null(strstr(seen.metas, "source.1.aggr_us=1000\n"));
	assert_non_null(strstr(seen.metas, "source.1.aging=no\n"));
	step_well(src);
	assert_string_equal(seen.maps, "+[lru:/:node0:anon] 4\n+[lru:/:node0:file] 2\n"
				       "+[lru:/a:node1:anon] 2\n");
	assert_int_equal(seen.nr_regions, 5);
	base = seen.regions[0].start;
	assert_int_equal(seen.regions[0].end, base + 300 * 4096);
	assert_int_equal(seen.regions[0].hits, 1);
	assert_int_equal(seen.regions[1].start, base + 300 * 4096);
	assert_int_equal(seen.regions[1].end, base + 500 * 4096);
	assert_int_equal(seen.regions[1].hits, 0);
	assert_int_equal(seen.regions[1].age, 29999);
	assert_int_equal(seen.regions[2].age, 59999);
	assert_int_equal(seen.regions[3].end - seen.regions[3].start, 7 * 4096);
	assert_int_equal(seen.regions[4].hits, 1);
	assert_int_equal(seen.bytes, 657 * 4096);
	assert_int_equal(seen.young, 350 * 4096);
	/* Just aged: what the generation before had was used in the interval. A list
	 * that grows is mapped anew, one that is gone is removed. */
	put(LRU_GEN, "memcg 1 /\n node 0\n"
		     " 5 60000 200 0\n 6 30000 2000 0\n 7 0 10 0\n");
	step_well(src);
	assert_string_equal(seen.maps, "-[lru:/:node0:anon] 4\n+[lru:/:node0:anon] 10\n"
				       "-[lru:/:node0:file] 2\n-[lru:/a:node1:anon] 2\n");
	assert_int_equal(seen.nr_regions, 3);
	assert_int_equal(seen.regions[1].hits, 1);
	assert_int_equal(seen.regions[2].hits, 0);
	assert_int_equal(seen.young, 2010 * 4096);
	mh_source_mglru.close(src);
}

/* A group that was removed keeps its pages for a while, beside a new one of its name. */
static void groups_of_one_name(void **state)
{
	struct mh_source *src;

	(void)state;
	put(LRU_GEN, "memcg 7 /a\n node 0\n 1 5 50 0\nmemcg 9 /a\n node 0\n 2 5 60 0\n");
	src = open_on(NULL, 0);
	step_well(src);
	assert_int_equal(seen.nr_regions, 2);
	assert_true(seen.regions[0].end <= seen.regions[1].start);
	mh_source_mglru.close(src);
}

static void only_the_group_and_those_below(void **state)
{
	struct mh_source *src;
	struct mh_err err;

	(void)state;
	put(LRU_GEN,
	    "memcg 1 /\n node 0\n 1 5 50 0\nmemcg 2 /a\n node 0\n 1 5 51 0\n"
	    "memcg 3 /a/b\n node 0\n 1 5 52 0\nmemcg 4 /ab\n node 0\n 1 5 53 0\n");
	src = open_on("/sys/fs/cgroup/a/", 0);
	step_well(src);
	assert_int_equal(seen.bytes, (51 + 52) * 4096);
	put(LRU_GEN, "memcg 1 /\n node 0\n 1 5 50 0\n");
	assert_int_equal(step(src, &err), MH_END);
	mh_source_mglru.close(src);
	assert_fails(try_open(&src, "/nowhere/a", 0, &err), MH_ENOTARGET, &err,
		     "in no cgroup hierarchy");
}

static void paths_of_groups(void **state)
{
	static const char *const cases[][2] = {
		{ "/sys/fs/cgroup", "/" },        { "/sys/fs/cgroup/", "/" },
		{ "/sys/fs/cgroup/a/b", "/a/b" }, { "/run/cg", "/user.slice" },
		{ "/run/cg/x", "/user.slice/x" },
	};
	struct mh_err err;
	char *path;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_status(mh_lru_group_path(&path, root, cases[i][0], &err), MH_OK,
			      &err);
		assert_string_equal(path, cases[i][1]);
		free(path);
	}
	assert_fails(mh_lru_group_path(&path, root, "/run/cgroup", &err), MH_ENOTARGET,
		     &err, "hierarchy");
}

/* The fake file keeps what was written: the command, in the kernel's form. */
static void aging_is_asked_for_only(void **state)
{
	char path[512], text[256] = "";
	struct mh_source *src;
	struct mh_err err;
	FILE *in;

	(void)state;
	put(LRU_GEN, "memcg 3 /a\n node 1\n 41 5 50 0\n 42 1 50 0\n");
	snprintf(path, sizeof(path), "%s" LRU_GEN, root);
	src = open_on(NULL, 0);
	step_well(src);
	mh_source_mglru.close(src);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(text, sizeof(text), in));
	fclose(in);
	assert_string_equal(text, "memcg 3 /a\n");
	src = open_on(NULL, 1);
	assert_non_null(strstr(seen.metas, "source.1.aging=before each reading\n"));
	/* It then reads what it wrote, which is no list. */
	assert_fails(step(src, &err), MH_EFORMAT, &err, "unknown form: line 1");
	mh_source_mglru.close(src);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(text, sizeof(text), in));
	fclose(in);
	assert_string_equal(text, "+ 3 1 42 1 1\n");
}

static void probe_says_what_is_missing(void **state)
{
	struct mh_target processes = { .type = MH_TARGET_PROCESSES };
	struct mh_source_opts opts = { .sysroot = root };
	struct mh_probe p;
	struct mh_err err;
	char path[512];

	(void)state;
	mh_source_mglru.probe(&p, NULL, &opts, &err);
	assert_int_equal(p.usable, 0);
	assert_non_null(strstr(p.reason, "debugfs is not mounted"));
	assert_non_null(strstr(p.fix, "mount -t debugfs"));
	put(LRU_GEN, "");
	mh_source_mglru.probe(&p, NULL, &opts, &err);
	assert_int_equal(p.usable, 1);
	mh_source_mglru.probe(&p, &processes, &opts, &err);
	assert_int_equal(p.usable, 0);
	assert_non_null(strstr(p.reason, "--cgroup PATH"));
	put(ENABLED, "0x0000\n");
	mh_source_mglru.probe(&p, NULL, &opts, &err);
	assert_int_equal(p.usable, 0);
	assert_non_null(strstr(p.reason, "is off"));
	assert_non_null(strstr(p.fix, "echo y"));
	snprintf(path, sizeof(path), "%s" ENABLED, root);
	assert_int_equal(unlink(path), 0);
	mh_source_mglru.probe(&p, NULL, &opts, &err);
	assert_int_equal(p.usable, 0);
	assert_non_null(strstr(p.reason, "CONFIG_LRU_GEN"));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_groups_and_nodes),
		cmocka_unit_test(damaged_text_is_refused),
		cmocka_unit_test(cut_text),
		CASE(generations_become_regions),
		CASE(groups_of_one_name),
		CASE(only_the_group_and_those_below),
		CASE(paths_of_groups),
		CASE(aging_is_asked_for_only),
		CASE(probe_says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
