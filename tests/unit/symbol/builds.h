/* SPDX-License-Identifier: MIT */
/* A table of builds of one program, each a test: its claims hold in every build. */
#ifndef MEMHEAT_TEST_SYMBOL_BUILDS_H
#define MEMHEAT_TEST_SYMBOL_BUILDS_H

#include "program.h"

struct build {
	const char *name;
	const char *needs; /* programs, by spaces */
	const char *command;
	const char *debug_dir; /* in the program's folder; NULL: the usual */
	const char *as;        /* recorded path; NULL: its own */
};

static inline int have_all(const char *needs)
{
	char list[256], *tool, *save = NULL;

	snprintf(list, sizeof(list), "%s", needs);
	for (tool = strtok_r(list, " ", &save); tool; tool = strtok_r(NULL, " ", &save)) {
		if (!have(tool))
			return 0;
	}
	return 1;
}

static inline void names_of_a_build(void **state)
{
	const struct build *b = *state;
	char dir[600], caches[600];
	const char *dirs[] = { dir, NULL };
	struct mh_symtab_opts opts = { .debug_dirs = b->debug_dir ? dirs : NULL };
	struct program p;

	if (!have_all(b->needs))
		skip_because("%s is not here", b->needs);
	program_dir(&p, b->name);
	if (program_build(&p, b->command))
		skip_because("this compiler cannot build it");
	snprintf(dir, sizeof(dir), "%s/%s", p.dir, b->debug_dir ? b->debug_dir : "");
	program_run(&p, b->as);
	program_check(&p, &opts);
	/* The same while they are kept, and from what was kept. */
	snprintf(caches, sizeof(caches), "%s/caches", p.dir);
	opts.cache_dir = caches;
	program_check(&p, &opts);
	program_check(&p, &opts);
	program_fini(&p);
}

#define BUILDS_MAX 64

static inline int test_builds(const struct build *builds, size_t nr)
{
	struct CMUnitTest tests[BUILDS_MAX] = { 0 };
	struct build copies[BUILDS_MAX];
	size_t i;

	assert_true(nr <= BUILDS_MAX);
	for (i = 0; i < nr; i++) {
		copies[i] = builds[i];
		tests[i].name = builds[i].name;
		tests[i].test_func = names_of_a_build;
		tests[i].initial_state = &copies[i];
	}
	return _cmocka_run_group_tests("builds", tests, nr, NULL, NULL);
}

#endif
