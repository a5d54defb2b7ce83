/* SPDX-License-Identifier: MIT */
/*
 * What a symtab says where not all is there: stripped, replaced and deleted files, other
 * roots, memory without a file, generated code, the kernel, the vdso.
 */
#include "program.h"

#include <sys/auxv.h>

/* Build prog.c with @more commands, run it under the name @as, resolve all claims. */
struct outcome {
	struct program p;
	struct mh_symtab *st;
	struct mh_symbol *s;
};

static void outcome_of(struct outcome *o, const char *name, const char *command,
		       const char *as, const char *after,
		       const struct mh_symtab_opts *opts)
{
	if (!have("gcc") || !have("objcopy"))
		skip_because("gcc or objcopy is not here");
	program_dir(&o->p, name);
	assert_int_equal(program_build(&o->p, command), 0);
	program_run(&o->p, as);
	assert_int_equal(program_build(&o->p, after), 0);
	o->s = program_resolve(&o->p, &o->st, opts);
}

static void outcome_fini(struct outcome *o)
{
	mh_symtab_free(o->st);
	free(o->s);
	program_fini(&o->p);
}

static const struct mh_symbol *of_claim(const struct outcome *o, const char *text)
{
	size_t i;

	for (i = 0; i < o->p.nr_claims; i++) {
		if (!strcmp(o->p.claims[i].text, text))
			return &o->s[i];
	}
	fail_msg("no claim %s", text);
	return NULL;
}

/* .bss past the file's last page cannot be told from other memory without the file. */
static void all_are(const struct outcome *o, enum mh_unnamed why,
		    enum mh_build_id_state state)
{
	size_t i;

	for (i = 0; i < o->p.nr_claims; i++) {
		if (strstr(o->p.claims[i].text, "big_bss")) {
			assert_int_equal(o->s[i].why, MH_UNNAMED_ANON);
			continue;
		}
		assert_string_equal(mh_unnamed_words(o->s[i].why), mh_unnamed_words(why));
		assert_int_equal(o->s[i].build_id_state, state);
		assert_string_equal(o->s[i].name, "");
		assert_int_equal(o->s[i].kind, MH_SYMBOL_MAPPING);
	}
	assert_true(mh_symtab_counts(o->st)[why] > 0);
}

static void no_debug_leaves_elf_symbols(void **state)
{
	struct outcome o;
	const struct mh_symbol *s;

	(void)state;
	outcome_of(&o, "no_debug", "gcc -O2 $SRC/prog.c -o prog", NULL, "true", NULL);
	s = of_claim(&o, "matrix[2][3]");
	assert_string_equal(s->path, "matrix+76");
	assert_string_equal(s->section, ".bss");
	assert_int_equal(s->size, 128);
	assert_int_equal(s->why, MH_UNNAMED_NO_DEBUG);
	s = &o.s[0];
	assert_int_equal(s->kind, MH_SYMBOL_CODE);
	assert_string_equal(s->name, "work");
	assert_int_equal(s->nr_frames, 1);
	assert_int_equal(s->why, MH_UNNAMED_NO_DEBUG);
	assert_true(s->offset > 0 && s->offset < s->size);
	outcome_fini(&o);
}

static void stripped_is_said(void **state)
{
	struct outcome o;
	size_t i;

	(void)state;
	outcome_of(&o, "stripped",
		   "gcc -O2 -static-pie $SRC/prog.c -o prog && strip prog", NULL, "true",
		   NULL);
	for (i = 0; i < o.p.nr_claims; i++) {
		assert_int_equal(o.s[i].why, MH_UNNAMED_STRIPPED);
		assert_string_equal(o.s[i].name, "");
		assert_true(*o.s[i].section);
	}
	assert_int_equal(mh_symtab_nr_modules(o.st), 1);
	assert_int_equal(mh_symtab_module(o.st, 0).why, MH_UNNAMED_STRIPPED);
	assert_int_equal(mh_symtab_module(o.st, 0).nr_unnamed, o.p.nr_claims);
	assert_int_equal(strlen(mh_symtab_module(o.st, 0).build_id), 40);
	outcome_fini(&o);
}

static const char zstd_test[] = "for c in objcopy llvm-objcopy llvm-objcopy-19; do $c "
				"--compress-debug-sections=zstd \"${TMPDIR:-/tmp}/z\" "
				"2>/dev/null && exit 0; done; "
				"exit 1";

static void zstd_is_said(void **state)
{
	struct outcome o;

	(void)state;
	if (shell("cp /bin/true \"${TMPDIR:-/tmp}/z\" && (%s)", zstd_test))
		skip_because("no objcopy here compresses by zstd");
	outcome_of(&o, "zstd",
		   "gcc -g -O2 $SRC/prog.c -o prog && for c in objcopy llvm-objcopy "
		   "llvm-objcopy-19; do $c --compress-debug-sections=zstd prog && break; "
		   "done 2>/dev/null",
		   NULL, "true", NULL);
	assert_int_equal(o.s[0].why, MH_UNNAMED_COMPRESSED);
	assert_string_equal(o.s[0].name, "work");
	outcome_fini(&o);
}

static void a_file_built_anew_is_stale(void **state)
{
	struct outcome o;

	(void)state;
	outcome_of(&o, "stale", "gcc -g -O2 $SRC/prog.c -o prog", NULL,
		   "gcc -g -O1 $SRC/prog.c -o prog", NULL);
	all_are(&o, MH_UNNAMED_STALE, MH_BUILD_ID_STALE);
	outcome_fini(&o);
}

static void without_a_build_id_the_path_is_trusted(void **state)
{
	struct outcome o;
	const struct mh_symbol *s;

	(void)state;
	outcome_of(&o, "no_id", "gcc -g -O2 -Wl,--build-id=none $SRC/prog.c -o prog",
		   NULL, "true", NULL);
	s = of_claim(&o, "odd.link");
	assert_int_equal(s->why, MH_NAMED);
	assert_int_equal(s->build_id_state, MH_BUILD_ID_UNKNOWN);
	outcome_fini(&o);
}

static void a_deleted_file_has_no_names(void **state)
{
	struct outcome o;

	(void)state;
	outcome_of(&o, "deleted", "gcc -g -O2 $SRC/prog.c -o prog",
		   "/nowhere/at/all (deleted)", "rm prog", NULL);
	all_are(&o, MH_UNNAMED_NO_FILE, MH_BUILD_ID_UNKNOWN);
	outcome_fini(&o);
}

static void a_container_has_another_root(void **state)
{
	struct mh_symtab_opts opts = { 0 };
	struct outcome o;
	char root[600];

	(void)state;
	program_dir(&o.p, "container");
	snprintf(root, sizeof(root), "%s/root", o.p.dir);
	opts.sysroot = root;
	outcome_of(&o, "container", "gcc -g -O2 $SRC/prog.c -o prog", "/app/bin/prog",
		   "mkdir -p root/app/bin && mv prog root/app/bin/", &opts);
	assert_int_equal(mh_symtab_counts(o.st)[MH_NAMED], o.p.nr_claims);
	assert_int_equal(o.s[0].build_id_state, MH_BUILD_ID_OK);
	assert_string_equal(o.s[0].module, "/app/bin/prog");
	outcome_fini(&o);
}

static void split_without_its_file_is_said(void **state)
{
	struct outcome o;

	(void)state;
	outcome_of(&o, "no_dwo", "gcc -g -O2 -gsplit-dwarf $SRC/prog.c -o prog", NULL,
		   "rm -f *.dwo", NULL);
	/* The line table stays in the linked file. */
	assert_int_equal(o.s[0].why, MH_UNNAMED_SPLIT);
	assert_string_equal(o.s[0].name, "work");
	assert_int_equal(o.s[0].line, 52);
	outcome_fini(&o);
}

static void a_dwo_of_another_build_is_not_used(void **state)
{
	struct outcome o;

	(void)state;
	outcome_of(&o, "other_dwo", "gcc -g -O2 -gsplit-dwarf $SRC/prog.c -o prog", NULL,
		   "rm -f *.dwo && gcc -g -O1 -gsplit-dwarf $SRC/prog.c -o prog.2 && "
		   "for f in prog.2-*.dwo; do mv $f prog-${f#prog.2-}; done",
		   NULL);
	assert_int_equal(o.s[0].why, MH_UNNAMED_SPLIT);
	outcome_fini(&o);
}

static void debuginfod_is_asked_when_told(void **state)
{
	struct mh_symtab_opts opts = { 0 };
	struct outcome o;
	char urls[700];

	(void)state;
	if (!have("readelf") ||
	    shell("ldconfig -p 2>/dev/null | grep -q libdebuginfod.so.1"))
		skip_because("the library libdebuginfod.so.1 is not here");
	program_dir(&o.p, "debuginfod");
	snprintf(urls, sizeof(urls), "file://%s/server", o.p.dir);
	setenv("DEBUGINFOD_URLS", urls, 1);
	setenv("DEBUGINFOD_CACHE_PATH", o.p.dir, 1);
	outcome_of(&o, "debuginfod",
		   "gcc -g -O2 $SRC/prog.c -o prog && id=$(readelf -n prog | sed -n "
		   "'s/.*Build ID: //p') && mkdir -p server/buildid/$id && objcopy "
		   "--only-keep-debug prog server/buildid/$id/debuginfo && strip prog",
		   NULL, "true", &opts);
	assert_int_equal(mh_symtab_counts(o.st)[MH_NAMED], o.p.nr_claims);
	mh_symtab_free(o.st);
	free(o.s);
	opts.no_debuginfod = 1;
	o.s = program_resolve(&o.p, &o.st, &opts);
	assert_int_equal(mh_symtab_counts(o.st)[MH_NAMED], 0);
	unsetenv("DEBUGINFOD_URLS");
	outcome_fini(&o);
}

/* ---- without programs ---- */

struct mapping {
	uint64_t start, end;
	uint8_t prot;
	const char *path;
};

static struct mh_maps *maps_of(const struct mapping *v, size_t nr)
{
	struct mh_maps *maps;
	struct mh_event ev;
	struct mh_err err;
	size_t i;

	assert_status(mh_maps_new(&maps, &err), MH_OK, &err);
	for (i = 0; i < nr; i++) {
		mh_event_init(&ev, MH_EV_MAP);
		ev.time_ns = 1;
		ev.map.pid = 42;
		ev.map.start = v[i].start;
		ev.map.end = v[i].end;
		ev.map.prot = v[i].prot;
		ev.map.path = v[i].path;
		assert_status(mh_maps_add(maps, &ev, &err), MH_OK, &err);
	}
	assert_status(mh_maps_finish(maps, &err), MH_OK, &err);
	return maps;
}

static struct mh_symbol one(struct mh_symtab *st, size_t space, uint64_t addr)
{
	struct mh_symbol_query q = { space, addr, 2 };
	struct mh_symbol s;
	struct mh_err err;

	assert_status(mh_symtab_resolve(st, &q, 1, &s, &err), MH_OK, &err);
	return s;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void memory_without_a_file(void **state)
{
	const struct mapping v[] = {
		{ 0x1000, 0x2000, PROT_READ | PROT_WRITE, "[heap]" },
		{ 0x3000, 0x4000, PROT_READ | PROT_WRITE, "" },
		{ 0x5000, 0x6000, PROT_READ | PROT_EXEC, "" },
		{ 0x7000, 0x8000, PROT_READ, "/memfd:x (deleted)" },
		{ 0x9000, 0xa000, PROT_READ, "/no/such/file" },
		{ 0xb000, 0xc000, PROT_READ, "/proc/self/status" },
	};
	struct mh_symtab_opts opts = { .perf_map_dir = "/no/such/folder" };
	struct mh_maps *maps = maps_of(v, 6);
	struct mh_symtab *st;
	struct mh_err err;

	(void)state;
	assert_status(mh_symtab_new(&st, maps, &opts, &err), MH_OK, &err);
	assert_int_equal(one(st, 0, 0x1008).why, MH_UNNAMED_ANON);
	assert_string_equal(one(st, 0, 0x1008).mapping->path, "[heap]");
	assert_int_equal(one(st, 0, 0x3000).why, MH_UNNAMED_ANON);
	assert_int_equal(one(st, 0, 0x5000).why, MH_UNNAMED_JIT);
	assert_int_equal(one(st, 0, 0x7000).why, MH_UNNAMED_ANON);
	assert_int_equal(one(st, 0, 0x9000).why, MH_UNNAMED_NO_FILE);
	assert_int_equal(one(st, 0, 0xb000).why, MH_UNNAMED_NOT_ELF);
	assert_int_equal(one(st, 0, 0x2000).why, MH_UNNAMED_UNMAPPED);
	assert_null(one(st, 0, 0x2000).mapping);
	assert_int_equal(one(st, 0, 0x2000).kind, MH_SYMBOL_NONE);
	assert_int_equal(mh_symtab_counts(st)[MH_UNNAMED_UNMAPPED], 3);
	mh_symtab_free(st);
	mh_maps_free(maps);
}

static void generated_code_by_its_perf_map(void **state)
{
	const struct mapping v[] = { { 0x10000, 0x20000, PROT_READ | PROT_EXEC, "" } };
	struct mh_symtab_opts opts = { .perf_map_dir = getenv("TMPDIR") };
	struct mh_maps *maps = maps_of(v, 1);
	struct mh_symtab *st;
	struct mh_err err;
	char path[600];

	(void)state;
	if (!opts.perf_map_dir)
		opts.perf_map_dir = "/tmp";
	snprintf(path, sizeof(path), "%s/perf-42.map", opts.perf_map_dir);
	write_file(path, "10000 100 old one\n"
			 "10080 80 newer\x1b[31m\n"
			 "nonsense\n"
			 "10000 20 newest\n"
			 "fffffffffffffff0 7fffffffffffffff overflow\n"
			 "10200 0 empty\n"
			 "10300 10\n");
	assert_status(mh_symtab_new(&st, maps, &opts, &err), MH_OK, &err);
	assert_string_equal(one(st, 0, 0x10010).name, "newest");
	assert_string_equal(one(st, 0, 0x10040).name, "old one");
	assert_int_equal(one(st, 0, 0x10040).offset, 0x40);
	assert_string_equal(one(st, 0, 0x10090).name, "newer?[31m");
	assert_int_equal(one(st, 0, 0x10090).kind, MH_SYMBOL_CODE);
	assert_int_equal(one(st, 0, 0x10200).why, MH_UNNAMED_NO_SYMBOL);
	assert_int_equal(one(st, 0, 0x10300).why, MH_UNNAMED_NO_SYMBOL);
	mh_symtab_free(st);
	mh_maps_free(maps);
	unlink(path);
}

static void the_kernel_by_its_kallsyms(void **state)
{
	const struct mapping v[] = { { 0x1000, 0x2000, PROT_READ, "" } };
	struct mh_maps *maps = maps_of(v, 1);
	struct mh_symtab_opts opts = { 0 };
	struct mh_symtab *st;
	struct mh_err err;
	char path[600];

	(void)state;
	snprintf(path, sizeof(path), "%s/kallsyms",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	write_file(path, "ffffffff81000000 T _text\n"
			 "ffffffff81000000 T startup_64\n"
			 "ffffffff81000100 t do_it\n"
			 "ffffffff81000180 d some_data\n"
			 "ffffffffc0000000 t ext4_fill\t[ext4]\n");
	assert_status(mh_symtab_new(&st, maps, &opts, &err), MH_OK, &err);
	assert_int_equal(one(st, 0, 0xffffffff81000104).why, MH_UNNAMED_UNMAPPED);
	mh_symtab_free(st);
	opts.kallsyms = path;
	assert_status(mh_symtab_new(&st, maps, &opts, &err), MH_OK, &err);
	assert_string_equal(one(st, 0, 0xffffffff81000104).name, "do_it");
	assert_string_equal(one(st, 0, 0xffffffff81000104).module, "[kernel]");
	assert_string_equal(one(st, SIZE_MAX, 0xffffffff81000190).name, "do_it");
	assert_string_equal(one(st, SIZE_MAX, 0xffffffff81000010).name, "startup_64");
	assert_string_equal(one(st, SIZE_MAX, 0xffffffffc0000001).module, "[ext4]");
	assert_int_equal(one(st, SIZE_MAX, 0xffffffff80000000).why, MH_UNNAMED_NO_SYMBOL);
	mh_symtab_free(st);
	mh_maps_free(maps);
	unlink(path);
}

static void the_vdso_has_symbols(void **state)
{
	uint64_t base = getauxval(AT_SYSINFO_EHDR);
	const struct mapping v[] = { { base, base + 0x2000, PROT_READ | PROT_EXEC,
				       "[vdso]" } };
	struct mh_maps *maps;
	struct mh_symtab *st;
	struct mh_err err;
	uint64_t off;
	int named = 0;

	(void)state;
	if (!base)
		skip_because("this machine gives no vdso");
	maps = maps_of(v, 1);
	assert_status(mh_symtab_new(&st, maps, NULL, &err), MH_OK, &err);
	for (off = 0; off < 0x2000; off += 16)
		named |= strstr(one(st, 0, base + off).name, "gettime") != NULL;
	assert_true(named);
	mh_symtab_free(st);
	mh_maps_free(maps);
}

static void facts_of_a_file(void **state)
{
	struct mh_elf_facts facts;
	struct mh_err err;
	struct program p;
	uint64_t bss = 0;
	uint32_t i;

	(void)state;
	if (!have("gcc"))
		skip_because("gcc is not here");
	program_dir(&p, "facts");
	assert_int_equal(program_build(&p, "gcc -g $SRC/prog.c -o prog"), 0);
	assert_status(mh_elf_facts_of_file(&facts, p.path, &err), MH_OK, &err);
	assert_int_equal(facts.build_id_len, 20);
	for (i = 0; i < facts.nr_loads; i++)
		bss += facts.loads[i].memsz - facts.loads[i].filesz;
	assert_true(bss >= 1 << 20);
	assert_fails(mh_elf_facts_of_file(&facts, "/no/such/file", &err), MH_ESYS, &err,
		     "/no/such/file");
	assert_fails(mh_elf_facts_of_file(&facts, "/etc/passwd", &err), MH_EFORMAT, &err,
		     "not an ELF file");
	assert_fails(mh_elf_facts_of_file(&facts, "/dev/null", &err), MH_EFORMAT, &err,
		     "not a regular file");
	assert_int_equal(facts.nr_loads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_debug_leaves_elf_symbols),
		cmocka_unit_test(stripped_is_said),
		cmocka_unit_test(zstd_is_said),
		cmocka_unit_test(a_file_built_anew_is_stale),
		cmocka_unit_test(without_a_build_id_the_path_is_trusted),
		cmocka_unit_test(a_deleted_file_has_no_names),
		cmocka_unit_test(a_container_has_another_root),
		cmocka_unit_test(split_without_its_file_is_said),
		cmocka_unit_test(a_dwo_of_another_build_is_not_used),
		cmocka_unit_test(debuginfod_is_asked_when_told),
		cmocka_unit_test(memory_without_a_file),
		cmocka_unit_test(generated_code_by_its_perf_map),
		cmocka_unit_test(the_kernel_by_its_kallsyms),
		cmocka_unit_test(the_vdso_has_symbols),
		cmocka_unit_test(facts_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
