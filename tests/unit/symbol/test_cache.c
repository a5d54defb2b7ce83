/* SPDX-License-Identifier: MIT */
/*
 * Kept names: what was kept comes out as it went in, whatever is wrong with a file makes
 * names be found anew, and nothing is kept where it is not the user's to keep.
 */
#include "program.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

#include "symbol/cache.h"

/* ---- the table as bytes ---- */

static const struct mh_symbol_frame two_frames[] = {
	{ .function = "inner", .file = "a.c", .line = 7, .start_line = 3, .column = 9 },
	{ .function = "outer()", .file = "b.c", .line = UINT32_MAX, .discriminator = 2 },
};

static const struct mh_symbol code_symbol = { .why = MH_NAMED,
					      .nr_frames = 2,
					      .frames = two_frames,
					      .name = "inner",
					      .file = "a.c",
					      .line = 7,
					      .offset = 12,
					      .size = UINT64_MAX,
					      .linkage = "_Z5outerv",
					      .linkage_offset = 12,
					      .type = "",
					      .path = "" };

static const struct mh_symbol data_symbol = { .why = MH_UNNAMED_NO_DEBUG,
					      .name = "table",
					      .file = "",
					      .offset = 76,
					      .size = 128,
					      .linkage = "table",
					      .linkage_offset = 76,
					      .type = "int[32]",
					      .path = "table[19]" };

static const struct mh_access_type access_type = { .why = MH_TYPED,
						   .size = 8,
						   .type = "struct node",
						   .member = "left.key",
						   .type_size = 40 };

static void fill(struct mh_cache *c)
{
	*c = (struct mh_cache){ .key = 0x1122334455667788, .why = MH_UNNAMED_NO_DEBUG };
	assert_true(mh_cache_symbol_add(c, UINT64_MAX, &data_symbol));
	assert_true(mh_cache_symbol_add(c, 0x1000, &code_symbol));
	assert_true(mh_cache_symbol_add(c, 0x1004, &code_symbol));
	assert_true(mh_cache_type_add(c, 0x1004, &access_type));
	mh_cache_sort(c);
}

static void is_same(const struct mh_symbol *a, const struct mh_symbol *b)
{
	size_t i;

	assert_non_null(a);
	assert_int_equal(a->why, b->why);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->file, b->file);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->offset, b->offset);
	assert_int_equal(a->size, b->size);
	assert_string_equal(a->linkage, b->linkage);
	assert_int_equal(a->linkage_offset, b->linkage_offset);
	assert_string_equal(a->type, b->type);
	assert_string_equal(a->path, b->path);
	assert_int_equal(a->nr_frames, b->nr_frames);
	for (i = 0; i < a->nr_frames; i++) {
		assert_string_equal(a->frames[i].function, b->frames[i].function);
		assert_string_equal(a->frames[i].file, b->frames[i].file);
		assert_int_equal(a->frames[i].line, b->frames[i].line);
		assert_int_equal(a->frames[i].start_line, b->frames[i].start_line);
		assert_int_equal(a->frames[i].column, b->frames[i].column);
		assert_int_equal(a->frames[i].discriminator, b->frames[i].discriminator);
	}
}

static void what_is_kept_comes_back(void **state)
{
	struct mh_names names = { .raw = true };
	struct mh_cache c, back;
	struct mh_wbuf bytes = { 0 };
	const struct mh_access_type *t;

	(void)state;
	fill(&c);
	mh_cache_encode(&c, &bytes);
	assert_false(bytes.bad);
	back = (struct mh_cache){ .key = c.key };
	assert_true(mh_cache_decode(&back, bytes.p, bytes.len, &names));
	assert_false(back.changed);
	assert_int_equal(back.why, MH_UNNAMED_NO_DEBUG);
	assert_int_equal(back.symbols.nr, 3);
	is_same(mh_cache_symbol(&back, 0x1000), &code_symbol);
	is_same(mh_cache_symbol(&back, 0x1004), &code_symbol);
	is_same(mh_cache_symbol(&back, UINT64_MAX), &data_symbol);
	assert_null(mh_cache_symbol(&back, 0x1001));
	t = mh_cache_type(&back, 0x1004);
	assert_non_null(t);
	assert_string_equal(t->member, "left.key");
	assert_int_equal(t->type_size, 40);
	assert_null(mh_cache_type(&back, 0x1000));
	mh_cache_fini(&c);
	mh_cache_fini(&back);
	mh_wbuf_fini(&bytes);
	mh_names_fini(&names);
}

static void every_changed_byte_is_noticed(void **state)
{
	struct mh_names names = { .raw = true };
	struct mh_cache c, back = { 0 };
	struct mh_wbuf bytes = { 0 };
	size_t i;

	(void)state;
	fill(&c);
	mh_cache_encode(&c, &bytes);
	for (i = 0; i < bytes.len; i++) {
		back.key = c.key;
		bytes.p[i] ^= 0x10;
		assert_false(mh_cache_decode(&back, bytes.p, bytes.len, &names));
		assert_int_equal(back.symbols.nr + back.types.nr, 0);
		bytes.p[i] ^= 0x10;
		assert_false(mh_cache_decode(&back, bytes.p, i, &names));
	}
	back.key = c.key + 1;
	assert_false(mh_cache_decode(&back, bytes.p, bytes.len, &names));
	back.key = c.key;
	assert_true(mh_cache_decode(&back, bytes.p, bytes.len, &names));
	mh_cache_fini(&c);
	mh_cache_fini(&back);
	mh_wbuf_fini(&bytes);
	mh_names_fini(&names);
}

/* ---- files ---- */

struct place {
	struct program p;
	char base[600], folder[640], file[900];
	struct mh_symtab_opts opts;
};

/* A program that was built and run, and an empty folder for caches. */
static void setup(struct place *at, const char *name)
{
	struct stat st;

	if (!have("gcc") || !have("objcopy"))
		skip_because("gcc or objcopy is not here");
	memset(at, 0, sizeof(*at));
	program_dir(&at->p, name);
	assert_int_equal(program_build(&at->p, "gcc -g -O2 -Wl,--build-id=sha1 "
					       "$SRC/prog.c -o prog"),
			 0);
	program_run(&at->p, NULL);
	snprintf(at->base, sizeof(at->base), "%s/caches", at->p.dir);
	snprintf(at->folder, sizeof(at->folder), "%s/memheat/symbols", at->base);
	assert_int_not_equal(stat(at->folder, &st), 0);
	at->opts.cache_dir = at->base;
}

/* Files in the folder; the path of the last one in at->file. */
static int nr_files(struct place *at)
{
	DIR *dir = opendir(at->folder);
	const struct dirent *e;
	int nr = 0;

	while (dir && (e = readdir(dir)) != NULL) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(at->file, sizeof(at->file), "%s/%s", at->folder, e->d_name);
		nr++;
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* When its contents were made, which using it does not change. */
static struct stat file_stat(const struct place *at)
{
	struct stat st;

	assert_int_equal(stat(at->file, &st), 0);
	return st;
}

/* All claims hold, and the names are those that are found without a cache. */
static void names_are_right(struct place *at)
{
	struct mh_symtab *plain, *st;
	struct mh_symbol *a = program_resolve(&at->p, &plain, NULL);
	struct mh_symbol *b = program_resolve(&at->p, &st, &at->opts);
	size_t i;

	for (i = 0; i < at->p.nr_claims; i++) {
		assert_true(claim_holds(&at->p.claims[i], &b[i]));
		is_same(&b[i], &a[i]);
		assert_int_equal(a[i].kind, b[i].kind);
		assert_string_equal(a[i].section, b[i].section);
	}
	assert_int_equal(mh_symtab_module(st, 0).why, mh_symtab_module(plain, 0).why);
	mh_symtab_free(plain);
	mh_symtab_free(st);
	free(a);
	free(b);
}

static void a_file_is_made_and_used(void **state)
{
	struct place at;
	struct stat st, again;

	(void)state;
	setup(&at, "cache_made");
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 1);
	st = file_stat(&at);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(at.folder, &again), 0);
	assert_int_equal(again.st_mode & 0777, 0700);
	names_are_right(&at);
	again = file_stat(&at);
	assert_int_equal(st.st_ino, again.st_ino);
	program_fini(&at.p);
}

/* Nothing but the file can have said it. */
static void kept_names_are_what_is_told(void **state)
{
	struct mh_names names = { .raw = true };
	struct mh_symtab *st;
	struct mh_symbol *s;
	struct place at;
	struct mh_cache c = { 0 };
	char *name;
	uint8_t head[24];
	size_t i;
	int fd;

	(void)state;
	setup(&at, "cache_told");
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 1);
	fd = open(at.file, O_RDONLY);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	close(fd);
	memcpy(&c.key, head + 16, sizeof(c.key));
	name = strrchr(at.file, '/') + 1;
	assert_true(mh_cache_read(&c, at.base, name, &names));
	for (i = 0; i < c.symbols.nr; i++)
		c.symbols.v[i].symbol.name = "told";
	assert_true(mh_cache_write(&c, at.base, name));
	s = program_resolve(&at.p, &st, &at.opts);
	for (i = 0; i < at.p.nr_claims; i++)
		assert_string_equal(s[i].name, "told");
	mh_symtab_free(st);
	free(s);
	mh_cache_fini(&c);
	mh_names_fini(&names);
	program_fini(&at.p);
}

static void damaged_files_are_replaced(void **state)
{
	static const char *const damages[] = {
		"printf 'X' | dd of=$F bs=1 seek=40 conv=notrunc 2>/dev/null",
		"truncate -s 100 $F",
		"truncate -s 0 $F",
		"truncate -s 70M $F",
		"printf '\\377' | dd of=$F bs=1 seek=8 conv=notrunc 2>/dev/null",
		"printf 'other key' | dd of=$F bs=1 seek=16 conv=notrunc 2>/dev/null",
		"rm $F && mkfifo $F",
		"mv $F $F.away && ln -s $F.away $F && chmod 0 $F.away",
	};
	struct place at;
	char file[900];
	struct stat whole, st;
	size_t i;

	(void)state;
	setup(&at, "cache_damaged");
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 1);
	memcpy(file, at.file, sizeof(file));
	whole = file_stat(&at);
	for (i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		assert_int_equal(shell("F='%s'; %s", file, damages[i]), 0);
		names_are_right(&at);
		assert_int_equal(lstat(file, &st), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_size, whole.st_size);
	}
	program_fini(&at.p);
}

static void debug_information_that_comes_later_is_seen(void **state)
{
	struct mh_symtab *st;
	struct mh_symbol *s;
	struct place at;
	char dir[600];
	const char *dirs[] = { dir, NULL };

	(void)state;
	setup(&at, "cache_later");
	snprintf(dir, sizeof(dir), "%s/debug", at.p.dir);
	assert_int_equal(
		program_build(&at.p, "objcopy --only-keep-debug prog away && strip prog"),
		0);
	at.opts.debug_dirs = dirs;
	s = program_resolve(&at.p, &st, &at.opts);
	assert_int_not_equal(s[0].why, MH_NAMED);
	mh_symtab_free(st);
	free(s);
	assert_int_equal(nr_files(&at), 1);
	assert_int_equal(program_build(&at.p, "id=$(readelf -n prog | sed -n "
					      "'s/.*Build ID: //p') && "
					      "d=debug/.build-id/${id%${id#??}} && "
					      "mkdir -p $d && mv away $d/${id#??}.debug"),
			 0);
	program_check(&at.p, &at.opts);
	program_check(&at.p, &at.opts);
	/* And when it goes. */
	at.opts.debug_dirs = (const char *[]){ "/no/such/folder", NULL };
	s = program_resolve(&at.p, &st, &at.opts);
	assert_int_not_equal(s[0].why, MH_NAMED);
	mh_symtab_free(st);
	free(s);
	program_fini(&at.p);
}

static void split_debug_information_that_comes_later_is_seen(void **state)
{
	struct mh_symtab *st;
	struct mh_symbol *s;
	struct place at;

	(void)state;
	setup(&at, "cache_split");
	program_fini(&at.p);
	program_dir(&at.p, "cache_split");
	assert_int_equal(program_build(&at.p,
				       "gcc -g -O2 -gsplit-dwarf -Wl,--build-id=sha1 "
				       "$SRC/prog.c -o prog && mkdir away && "
				       "mv *.dwo away"),
			 0);
	program_run(&at.p, NULL);
	s = program_resolve(&at.p, &st, &at.opts);
	assert_int_not_equal(s[0].why, MH_NAMED);
	mh_symtab_free(st);
	free(s);
	assert_int_equal(program_build(&at.p, "mv away/*.dwo ."), 0);
	program_check(&at.p, &at.opts);
	program_check(&at.p, &at.opts);
	assert_int_equal(nr_files(&at), 1);
	program_fini(&at.p);
}

static void nothing_is_written_where_it_may_not(void **state)
{
	struct place at;
	char other[700];

	(void)state;
	setup(&at, "cache_may_not");
	at.opts.cache_dir = NULL;
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 0);
	/* A folder that others can write to. */
	at.opts.cache_dir = at.base;
	assert_int_equal(shell("mkdir -p '%s' && chmod 0777 '%s'", at.folder, at.folder),
			 0);
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 0);
	/* A file where a folder should be, and a link that leads elsewhere. */
	assert_int_equal(shell("rm -r '%s' && : >'%s'", at.folder, at.folder), 0);
	names_are_right(&at);
	snprintf(other, sizeof(other), "%s/other", at.p.dir);
	assert_int_equal(shell("rm '%s' && mkdir '%s' && ln -s '%s' '%s'", at.folder,
			       other, other, at.folder),
			 0);
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 0);
	if (!geteuid()) {
		assert_int_equal(shell("rm '%s' && mkdir -m 700 '%s' && chown 1:1 '%s'",
				       at.folder, at.folder, at.folder),
				 0);
		names_are_right(&at);
		assert_int_equal(nr_files(&at), 0);
	}
	program_fini(&at.p);
}

static void later_names_join_earlier_ones(void **state)
{
	struct place at;
	size_t all;
	off_t one;

	(void)state;
	setup(&at, "cache_join");
	all = at.p.nr_claims;
	at.p.nr_claims = 1;
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 1);
	one = file_stat(&at).st_size;
	at.p.nr_claims = all;
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 1);
	assert_true(file_stat(&at).st_size > one);
	program_fini(&at.p);
}

static void two_at_once_do_no_harm(void **state)
{
	struct place at;
	pid_t pids[4];
	int i, status;

	(void)state;
	setup(&at, "cache_two");
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			int k;

			for (k = 0; k < 20; k++) {
				struct mh_symtab *st;
				struct mh_symbol *s =
					program_resolve(&at.p, &st, &at.opts);
				size_t n;

				for (n = 0; n < at.p.nr_claims; n++) {
					if (!claim_holds(&at.p.claims[n], &s[n]))
						_exit(1);
				}
				mh_symtab_free(st);
				free(s);
				/* So that each has something to write again. */
				if (k % 4 == 3)
					(void)shell("rm -f '%s'/[0-9a-f]*", at.folder);
			}
			_exit(0);
		}
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	names_are_right(&at);
	/* No file that was being written is left. */
	assert_int_equal(nr_files(&at), 1);
	program_fini(&at.p);
}

static void set_age(const char *path, time_t seconds)
{
	const struct timespec then[2] = { { .tv_sec = time(NULL) - seconds },
					  { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
}

static void what_was_not_used_for_longest_goes(void **state)
{
	struct place at;
	char old[900], older[900], left[900], fresh[900];

	(void)state;
	setup(&at, "cache_trim");
	snprintf(old, sizeof(old), "%s/old", at.folder);
	snprintf(older, sizeof(older), "%s/older", at.folder);
	snprintf(left, sizeof(left), "%s/.1.2", at.folder);
	snprintf(fresh, sizeof(fresh), "%s/.1.3", at.folder);
	assert_int_equal(shell("mkdir -p -m 700 '%s/memheat' '%s' && cd '%s' && "
			       "truncate -s 600000 old older .1.2 .1.3",
			       at.base, at.folder, at.folder),
			 0);
	set_age(old, 5000);
	set_age(older, 6000);
	set_age(left, 7000);
	at.opts.cache_max = 1000000;
	names_are_right(&at);
	assert_int_not_equal(access(older, F_OK), 0);
	assert_int_not_equal(access(left, F_OK), 0);
	assert_int_equal(access(old, F_OK), 0);
	assert_int_equal(access(fresh, F_OK), 0);
	program_fini(&at.p);
}

static void names_as_linked_are_kept_apart(void **state)
{
	struct place at;

	(void)state;
	setup(&at, "cache_linked");
	names_are_right(&at);
	at.opts.no_demangle = 1;
	names_are_right(&at);
	assert_int_equal(nr_files(&at), 2);
	program_fini(&at.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_comes_back),
		cmocka_unit_test(every_changed_byte_is_noticed),
		cmocka_unit_test(a_file_is_made_and_used),
		cmocka_unit_test(kept_names_are_what_is_told),
		cmocka_unit_test(damaged_files_are_replaced),
		cmocka_unit_test(debug_information_that_comes_later_is_seen),
		cmocka_unit_test(split_debug_information_that_comes_later_is_seen),
		cmocka_unit_test(nothing_is_written_where_it_may_not),
		cmocka_unit_test(later_names_join_earlier_ones),
		cmocka_unit_test(two_at_once_do_no_harm),
		cmocka_unit_test(what_was_not_used_for_longest_goes),
		cmocka_unit_test(names_as_linked_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
