/* SPDX-License-Identifier: MIT */
/*
 * Builds one of the programs of tests/symbol, runs it, and holds what it says about
 * itself against the names that the library gives. Made for inclusion by one test file
 * each.
 */
#ifndef MEMHEAT_TEST_SYMBOL_PROGRAM_H
#define MEMHEAT_TEST_SYMBOL_PROGRAM_H

#include <inttypes.h>
#include <memheat/symbol.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

struct claim {
	uint64_t addr;
	char is_code;
	char text[512];
};

struct program {
	char dir[512], path[600];
	struct mh_maps *maps;
	struct claim *claims;
	size_t nr_claims;
};

static inline const char *top(void)
{
	const char *t = getenv("TOP");

	return t ? t : ".";
}

static inline int shell(const char *fmt, ...) MH_PRINTF(1, 2);
static inline int shell(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

static inline int have(const char *tool)
{
	return shell("command -v %s >/dev/null 2>&1", tool) == 0;
}

static inline void program_dir(struct program *p, const char *name)
{
	const char *tmp = getenv("TMPDIR");

	memset(p, 0, sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "%s/%s.%d", tmp ? tmp : "/tmp", name,
		 (int)getpid());
	snprintf(p->path, sizeof(p->path), "%s/prog", p->dir);
	assert_int_equal(shell("rm -rf '%s' && mkdir -p '%s'", p->dir, p->dir), 0);
}

/* @build: a shell command in the program's folder; $SRC is tests/symbol. 0: built. */
static inline int program_build(struct program *p, const char *build)
{
	char *src = realpath(top(), NULL);
	int ret;

	assert_non_null(src);
	ret = shell("cd '%s' && SRC='%s/tests/symbol' && %s", p->dir, src, build);
	free(src);
	return ret;
}

static inline void take_map(struct program *p, const char *line, const char *as,
			    const struct mh_elf_facts *facts)
{
	struct mh_event ev;
	char prot[8], path[4096] = "";
	struct mh_err err;

	mh_event_init(&ev, MH_EV_MAP);
	ev.time_ns = 1;
	ev.map.pid = 7;
	assert_true(sscanf(line, "map %" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %4095[^\n]",
			   &ev.map.start, &ev.map.end, prot, &ev.map.pgoff, path) >= 4);
	ev.map.prot = (uint8_t)((prot[0] == 'r' ? PROT_READ : 0) |
				(prot[1] == 'w' ? PROT_WRITE : 0) |
				(prot[2] == 'x' ? PROT_EXEC : 0));
	ev.map.path = path;
	if (!strcmp(path, p->path)) {
		ev.map.path = as ? as : path;
		ev.map.build_id_len = facts->build_id_len;
		memcpy(ev.map.build_id, facts->build_id, MH_BUILD_ID_MAX);
	}
	if (ev.map.start < (uint64_t)1 << 63)
		assert_status(mh_maps_add(p->maps, &ev, &err), MH_OK, &err);
}

static inline void take_claim(struct program *p, const char *line)
{
	struct claim *c;
	char *tab;

	p->claims = realloc(p->claims, (p->nr_claims + 1) * sizeof(*p->claims));
	assert_non_null(p->claims);
	c = &p->claims[p->nr_claims++];
	memset(c, 0, sizeof(*c));
	c->is_code = !strncmp(line, "code ", 5);
	c->addr = strtoull(line + 5, &tab, 16);
	assert_int_equal(*tab, '\t');
	snprintf(c->text, sizeof(c->text), "%.*s", (int)strcspn(tab + 1, "\n"), tab + 1);
}

/* Run it and keep its mappings, under the name @as if that is not NULL, and claims. */
static inline void program_run(struct program *p, const char *as)
{
	struct mh_elf_facts facts;
	struct mh_err err;
	char cmd[700], line[8192];
	FILE *f;

	assert_status(mh_elf_facts_of_file(&facts, p->path, &err), MH_OK, &err);
	assert_status(mh_maps_new(&p->maps, &err), MH_OK, &err);
	snprintf(cmd, sizeof(cmd), "'%s'", p->path);
	f = popen(cmd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "map ", 4))
			take_map(p, line, as, &facts);
		else
			take_claim(p, line);
	}
	assert_int_equal(pclose(f), 0);
	assert_status(mh_maps_finish(p->maps, &err), MH_OK, &err);
	assert_true(p->nr_claims > 0);
}

static inline void program_fini(struct program *p)
{
	mh_maps_free(p->maps);
	free(p->claims);
}

/* "inner:51<tab>outer:60", as the program writes it. */
static inline void chain_text(const struct mh_symbol *s, char *buf, size_t size)
{
	size_t len = 0;
	uint32_t i;

	*buf = 0;
	for (i = 0; i < s->nr_frames && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s:%" PRIu32,
					i ? "\t" : "", s->frames[i].function,
					s->frames[i].line);
}

/* Compilers name lambdas as they like: "*lambda:LINE" is any of them at that line. */
static inline int claim_holds(const struct claim *c, const struct mh_symbol *s)
{
	char text[2048];
	const char *colon;

	if (!c->is_code)
		return s->kind == MH_SYMBOL_DATA && !strcmp(s->path, c->text);
	chain_text(s, text, sizeof(text));
	if (c->text[0] != '*')
		return s->kind == MH_SYMBOL_CODE && !strcmp(text, c->text);
	colon = strrchr(c->text, ':');
	return s->kind == MH_SYMBOL_CODE && strstr(text, "operator()") &&
	       strlen(text) > strlen(colon) &&
	       !strcmp(text + strlen(text) - strlen(colon), colon);
}

static inline struct mh_symbol *program_resolve(struct program *p, struct mh_symtab **st,
						const struct mh_symtab_opts *opts)
{
	struct mh_symbol_query *q = calloc(p->nr_claims, sizeof(*q));
	struct mh_symbol *s = calloc(p->nr_claims, sizeof(*s));
	struct mh_err err;
	size_t i;

	assert_non_null(q);
	assert_non_null(s);
	for (i = 0; i < p->nr_claims; i++)
		q[i] = (struct mh_symbol_query){ 0, p->claims[i].addr, 2 };
	assert_status(mh_symtab_new(st, p->maps, opts, &err), MH_OK, &err);
	assert_status(mh_symtab_resolve(*st, q, p->nr_claims, s, &err), MH_OK, &err);
	free(q);
	return s;
}

/* Every claim holds, and all is named with its file. */
static inline void program_check(struct program *p, const struct mh_symtab_opts *opts)
{
	struct mh_symtab *st;
	struct mh_symbol *s = program_resolve(p, &st, opts);
	char text[2048];
	int failed = 0;
	size_t i;

	for (i = 0; i < p->nr_claims; i++) {
		const struct claim *c = &p->claims[i];

		if (claim_holds(c, &s[i]) && s[i].why == MH_NAMED &&
		    strstr(s[i].file, "prog."))
			continue;
		chain_text(&s[i], text, sizeof(text));
		print_error("%" PRIx64 " should be \"%s\", is \"%s\" %s:%" PRIu32
			    " (%s)\n",
			    c->addr, c->text, c->is_code ? text : s[i].path, s[i].file,
			    s[i].line, mh_unnamed_words(s[i].why));
		failed = 1;
	}
	assert_int_equal(failed, 0);
	assert_int_equal(mh_symtab_counts(st)[MH_NAMED], p->nr_claims);
	mh_symtab_free(st);
	free(s);
}

#endif
