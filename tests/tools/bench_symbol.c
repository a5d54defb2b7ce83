/* SPDX-License-Identifier: MIT */
/*
 * Names of code, measured against other tools on the same addresses.
 *
 *	bench_symbol addrs FILE N		N random addresses of .text, one per line
 *	bench_symbol names FILE [CACHE] <ADDRESSES
 *		their names as llvm-symbolizer writes them, kept in the folder CACHE
 *	bench_symbol data FILE <ADDRESSES	names of data addresses
 *	bench_symbol compare FILE N TOOL...	run all on one list; JSON on stdout
 *	bench_symbol access FILE N		types of what N pieces of code access;
 *JSON bench_symbol types FILE <ADDRESSES	the same of addresses, one per line
 *
 * TOOL is a path of llvm-symbolizer, or of addr2line (its name tells). CPU and memory are
 * those of the child process, by wait4().
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memheat/symbol.h>

#include "symbol/elfsyms.h"
#include "symbol/insn.h"

static void die(const char *what, const struct mh_err *err)
{
	fprintf(stderr, "bench_symbol: %s%s%s\n", what, err ? ": " : "",
		err ? err->msg : "");
	exit(1);
}

/* ---- addresses ---- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void write_addresses(FILE *out, const char *path, size_t n)
{
	const struct mh_elf_section *text;
	uint64_t state = 88172645463325252u;
	struct mh_elf elf;
	struct mh_err err;

	if (mh_elf_open(&elf, path, &err))
		die(path, &err);
	text = mh_elf_section_find(&elf, ".text");
	if (!text || !text->size)
		die("no .text", NULL);
	while (n--)
		fprintf(out, "0x%" PRIx64 "\n",
			text->addr + next_random(&state) % text->size);
	mh_elf_close(&elf);
}

/* ---- our own names ---- */

/* The file's segments as the loader would map them, without a slide. */
static struct mh_maps *maps_of(const char *path)
{
	struct mh_elf_facts facts;
	struct mh_maps *maps;
	struct mh_event ev;
	struct mh_err err;
	uint32_t i;

	if (mh_elf_facts_of_file(&facts, path, &err) || mh_maps_new(&maps, &err))
		die(path, &err);
	for (i = 0; i < facts.nr_loads; i++) {
		const struct mh_elf_load *l = &facts.loads[i];
		uint64_t skew = l->offset & 4095;

		mh_event_init(&ev, MH_EV_MAP);
		ev.time_ns = 1;
		ev.map.pid = 1;
		ev.map.prot = l->prot;
		ev.map.start = l->vaddr - skew;
		ev.map.pgoff = l->offset - skew;
		ev.map.end = (l->vaddr + l->filesz + 4095) & ~(uint64_t)4095;
		ev.map.path = path;
		ev.map.build_id_len = facts.build_id_len;
		memcpy(ev.map.build_id, facts.build_id, sizeof(facts.build_id));
		if (mh_maps_add(maps, &ev, &err))
			die("maps", &err);
		ev.map.start = ev.map.end;
		ev.map.end = (l->vaddr + l->memsz + 4095) & ~(uint64_t)4095;
		ev.map.path = "";
		ev.map.pgoff = 0;
		ev.map.build_id_len = 0;
		if (ev.map.start < ev.map.end && mh_maps_add(maps, &ev, &err))
			die("maps", &err);
	}
	if (mh_maps_finish(maps, &err))
		die("maps", &err);
	return maps;
}

static struct mh_symbol_query *read_places(FILE *in, size_t *nr)
{
	struct mh_symbol_query *v = NULL;
	size_t cap = 0;
	uint64_t addr;

	*nr = 0;
	while (fscanf(in, "%" SCNx64, &addr) == 1) {
		if (*nr == cap) {
			cap = cap ? cap * 2 : 1024;
			v = realloc(v, cap * sizeof(*v));
			if (!v)
				die("no memory", NULL);
		}
		v[(*nr)++] = (struct mh_symbol_query){ 0, addr, 2 };
	}
	return v;
}

static void print_code(const struct mh_symbol *s)
{
	uint32_t k;

	for (k = 0; k < s->nr_frames; k++)
		printf("%s\n%s:%" PRIu32 ":0\n",
		       *s->frames[k].function ? s->frames[k].function : "??",
		       *s->frames[k].file ? s->frames[k].file : "??", s->frames[k].line);
	if (!s->nr_frames)
		printf("??\n??:0:0\n");
	putchar('\n');
}

static void print_data(const struct mh_symbol *s)
{
	printf("%#" PRIx64 " %s %s (%s, %" PRIu64 " B, %s:%" PRIu32 ") %s\n", s->vaddr,
	       s->section, *s->path ? s->path : "??", s->type, s->size, s->file, s->line,
	       mh_unnamed_words(s->why));
}

static void print_memory(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "RssAnon:", 8))
			printf("#anon_kib %lu\n", strtoul(line + 8, NULL, 10));
	}
	if (f)
		fclose(f);
}

static int names(const char *path, int data, const char *cache)
{
	struct mh_symtab_opts opts = { .no_demangle = !data, .cache_dir = cache };
	struct mh_maps *maps = maps_of(path);
	struct mh_symtab *st;
	struct mh_symbol *out;
	struct mh_symbol_query *places;
	struct mh_err err;
	size_t nr, i;

	places = read_places(stdin, &nr);
	out = calloc(nr + 1, sizeof(*out));
	if (!out || mh_symtab_new(&st, maps, &opts, &err) ||
	    mh_symtab_resolve(st, places, nr, out, &err))
		die("resolve", out ? &err : NULL);
	for (i = 0; i < nr; i++) {
		if (data)
			print_data(&out[i]);
		else
			print_code(&out[i]);
	}
	print_memory();
	for (i = 0; i < MH_NR_UNNAMED; i++) {
		if (mh_symtab_counts(st)[i])
			printf("#%s %" PRIu64 "\n", mh_unnamed_words(i),
			       mh_symtab_counts(st)[i]);
	}
	mh_symtab_free(st);
	mh_maps_free(maps);
	free(places);
	free(out);
	return 0;
}

/* ---- types of accesses ---- */

static struct mh_access_type *types_of(const char *path,
				       const struct mh_symbol_query *places, size_t nr,
				       struct mh_symtab **st)
{
	struct mh_maps *maps = maps_of(path);
	struct mh_access_type *out = calloc(nr + 1, sizeof(*out));
	struct mh_symbol *code = calloc(nr + 1, sizeof(*code));
	struct mh_err err;

	if (!out || !code || mh_symtab_new(st, maps, NULL, &err) ||
	    mh_symtab_resolve(*st, places, nr, code, &err) ||
	    mh_symtab_access_types(*st, code, nr, out, &err))
		die("types", code ? &err : NULL);
	free(code);
	return out;
}

static int types(const char *path)
{
	struct mh_symbol_query *places;
	struct mh_access_type *t;
	struct mh_symtab *st;
	size_t nr, i;

	places = read_places(stdin, &nr);
	t = types_of(path, places, nr, &st);
	for (i = 0; i < nr; i++)
		printf("%#" PRIx64 " %s .%s (%u B, %s)\n", places[i].addr, t[i].type,
		       t[i].member, t[i].size, mh_untyped_words(t[i].why));
	return 0;
}

#ifdef HAVE_CAPSTONE

/* All instructions that access memory other than their stack, in functions around random
 * addresses, as a share of them that has a type. */
static int access_shares(const char *path, size_t n)
{
	const struct mh_elf_section *text;
	struct mh_insn_decoder *d;
	struct mh_symbol_query *places = NULL;
	uint64_t state = 88172645463325252u, counts[MH_NR_UNTYPED] = { 0 }, all;
	struct mh_elf_names names = { 0 };
	struct mh_access_type *t;
	struct rusage before, after;
	struct mh_symtab *st;
	struct mh_elf elf;
	struct mh_err err;
	size_t nr = 0, cap = 0, i;

	if (mh_insn_decoder_new(&d) || mh_elf_open(&elf, path, &err) ||
	    mh_elf_names_read(&names, &elf, &err))
		die(path, NULL);
	text = mh_elf_section_find(&elf, ".text");
	if (!text || !text->size)
		die("no .text", NULL);
	while (n--) {
		const struct mh_elf_symbol *s = mh_elf_symbol_find(
			&names.code, text->addr + next_random(&state) % text->size);
		uint64_t at = s ? s->addr : 0, end = s ? s->addr + s->size : 0;

		while (s && at < end && at >= text->addr &&
		       at < text->addr + text->size) {
			uint64_t off = at - text->addr + text->offset;
			struct mh_insn in;

			if (!mh_decode(d, &in, elf.image + off, elf.len - off, at))
				break;
			at += in.len;
			/* As DWARF's evaluations do it: stack and code left out. */
			if (in.access != MH_ACCESS_OPERAND || in.mem.absolute ||
			    in.mem.base == MH_REG_RSP || in.mem.base == MH_REG_RBP)
				continue;
			if (nr == cap) {
				cap = cap ? cap * 2 : 1024;
				places = realloc(places, cap * sizeof(*places));
				if (!places)
					die("no memory", NULL);
			}
			places[nr++] = (struct mh_symbol_query){ 0, in.addr, 2 };
		}
	}
	getrusage(RUSAGE_SELF, &before);
	t = types_of(path, places, nr, &st);
	getrusage(RUSAGE_SELF, &after);
	for (i = 0; i < nr; i++)
		counts[t[i].why]++;
	all = nr - counts[MH_UNTYPED_NO_DEBUG];
	printf("{\"file\": \"%s\", \"accesses\": %zu, \"with_debug\": %" PRIu64
	       ", \"typed\": %.4f, \"cpu_s\": %.2f",
	       path, nr, all, (double)counts[MH_TYPED] / (double)(all ? all : 1),
	       (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
		       (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6);
	for (i = 1; i < MH_NR_UNTYPED; i++) {
		if (counts[i])
			printf(", \"%s\": %" PRIu64, mh_untyped_words((enum mh_untyped)i),
			       counts[i]);
	}
	printf("}\n");
	mh_insn_decoder_free(d);
	return 0;
}

#else

static int access_shares(const char *path, size_t n)
{
	(void)path;
	(void)n;
	fprintf(stderr, "bench_symbol: built without capstone\n");
	return 77;
}

#endif

/* ---- running and comparing ---- */

struct run {
	const char *tool;
	FILE *out;
	double cpu_s;
	long rss_kib;
};

static void run(struct run *r, char *const argv[], const char *input)
{
	char path[] = "/tmp/bench_symbol.XXXXXX";
	int fd = mkstemp(path), status;
	struct rusage ru;
	pid_t pid;

	if (fd < 0)
		die("mkstemp", NULL);
	unlink(path);
	r->out = fdopen(fd, "w+");
	pid = fork();
	if (!pid) {
		int in = open(input, O_RDONLY);

		if (in < 0 || dup2(in, 0) < 0 || dup2(fd, 1) < 0)
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status))
		die(argv[0], NULL);
	r->cpu_s = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		   (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	r->rss_kib = ru.ru_maxrss;
	rewind(r->out);
}

#define DEPTH 64

struct chain {
	int depth;
	char function[DEPTH][512];
	char file[DEPTH][256];
	long line[DEPTH];
};

static void cut(char *line)
{
	line[strcspn(line, "\n")] = 0;
}

static int read_chain(FILE *f, struct chain *c)
{
	char fn[8192], at[8192], *colon;

	for (c->depth = 0; fgets(fn, sizeof(fn), f) && fn[0] != '\n' && fn[0] != '#';) {
		if (c->depth == DEPTH || !fgets(at, sizeof(at), f))
			die("unexpected output", NULL);
		cut(fn);
		colon = strrchr(at, ':');
		if (colon)
			*colon = 0;
		colon = strrchr(at, ':');
		c->line[c->depth] = colon ? strtol(colon + 1, NULL, 10) : 0;
		if (colon)
			*colon = 0;
		snprintf(c->function[c->depth], 512, "%.511s", fn);
		colon = strrchr(at, '/');
		snprintf(c->file[c->depth], 256, "%.255s", colon ? colon + 1 : at);
		c->depth++;
	}
	return c->depth;
}

struct agreement {
	size_t nr, depth, function, line, all;
};

/* llvm-symbolizer's answer is what we are held against, address by address. */
static struct agreement compare(FILE *ours, FILE *theirs, FILE *addrs, int show)
{
	static struct chain a, b;
	struct agreement g = { 0 };
	char addr[64];
	int i;

	while (fgets(addr, sizeof(addr), addrs) && read_chain(theirs, &b) &&
	       read_chain(ours, &a)) {
		int depth = a.depth == b.depth, function = depth, line = depth;

		for (i = 0; depth && i < a.depth; i++) {
			function &= !strcmp(a.function[i], b.function[i]);
			line &= a.line[i] == b.line[i] && !strcmp(a.file[i], b.file[i]);
		}
		g.nr++;
		g.depth += (size_t)depth;
		g.function += (size_t)function;
		g.line += (size_t)line;
		g.all += (size_t)(function && line);
		if (!(function && line) && show-- > 0) {
			cut(addr);
			fprintf(stderr, "%s: %d %s %s:%ld / %d %s %s:%ld\n", addr,
				a.depth, a.function[0], a.file[0], a.line[0], b.depth,
				b.function[0], b.file[0], b.line[0]);
			for (i = 0; depth && i < a.depth; i++)
				fprintf(stderr, "   %s %s:%ld / %s %s:%ld\n",
					a.function[i], a.file[i], a.line[i],
					b.function[i], b.file[i], b.line[i]);
		}
	}
	return g;
}

static long find_anon(FILE *f)
{
	char line[8192];
	long kib = 0;

	rewind(f);
	while (fgets(line, sizeof(line), f))
		(void)sscanf(line, "#anon_kib %ld", &kib);
	return kib;
}

static void print_run(const struct run *r, const char *more)
{
	printf("  {\"tool\":\"%s\",\"cpu_s\":%.3f,\"rss_kib\":%ld%s}", r->tool, r->cpu_s,
	       r->rss_kib, more);
}

/* The first run keeps the names that the second one reads. */
static void compare_kept(char *self, char *path, size_t n, const char *end)
{
	char input[] = "/tmp/bench_symbol.XXXXXX", dir[] = "/tmp/bench_symbol.XXXXXX";
	char mode[] = "names", cmd[64];
	char *const argv[] = { self, mode, path, dir, NULL };
	struct run plain = { 0 }, first = { 0 }, second = { 0 };
	int fd = mkstemp(input);
	FILE *addrs = fd < 0 ? NULL : fdopen(fd, "w");

	if (!addrs || !mkdtemp(dir))
		die("temporary files", NULL);
	write_addresses(addrs, path, n);
	fclose(addrs);
	run(&plain, (char *[]){ self, mode, path, NULL }, input);
	run(&first, argv, input);
	run(&second, argv, input);
	printf("  {\"addresses\":%zu,\"without_cpu_s\":%.3f,\"first_cpu_s\":%.3f,"
	       "\"second_cpu_s\":%.3f,\"second_of_first\":%.4f}%s\n",
	       n, plain.cpu_s, first.cpu_s, second.cpu_s, second.cpu_s / first.cpu_s,
	       end);
	fclose(plain.out);
	fclose(first.out);
	fclose(second.out);
	unlink(input);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		die(cmd, NULL);
}

#define TYPICAL 300 /* addresses of a report */

static int compare_all(char *self, char *path, const char *n, char **tools)
{
	char input[] = "/tmp/bench_symbol.XXXXXX", more[512];
	struct run ours = { .tool = "memheat" };
	char obj[4096];
	int fd = mkstemp(input);
	FILE *addrs = fd < 0 ? NULL : fdopen(fd, "w+");
	char mode[] = "names";

	if (!addrs)
		die("mkstemp", NULL);
	write_addresses(addrs, path, strtoul(n, NULL, 10));
	fflush(addrs);
	run(&ours, (char *[]){ self, mode, path, NULL }, input);
	snprintf(obj, sizeof(obj), "--obj=%s", path);
	printf("{\"schema\":\"memheat.bench-symbol/1\",\"file\":\"%s\",\"addresses\":%s,"
	       "\"runs\":[\n",
	       path, n);
	snprintf(more, sizeof(more), ",\"anon_kib\":%ld", find_anon(ours.out));
	print_run(&ours, more);
	for (; *tools; tools++) {
		struct run r = { .tool = *tools };
		struct agreement g;
		char a[] = "--inlines", b[] = "--functions=linkage",
		     c[] = "--no-demangle", e[] = "-e", fi[] = "-fi";

		if (strstr(*tools, "addr2line")) {
			run(&r, (char *[]){ *tools, e, path, fi, NULL }, input);
			*more = 0;
		} else {
			run(&r, (char *[]){ *tools, obj, a, b, c, NULL }, input);
			rewind(addrs);
			rewind(ours.out);
			g = compare(ours.out, r.out, addrs, 10);
			snprintf(more, sizeof(more),
				 ",\"compared\":%zu,\"same_depth\":%zu,"
				 "\"same_function\":%zu,\"same_line\":%zu,"
				 "\"same_chain\":%zu,\"cpu_ratio\":%.2f,"
				 "\"rss_ratio\":%.2f",
				 g.nr, g.depth, g.function, g.line, g.all,
				 r.cpu_s / ours.cpu_s,
				 (double)r.rss_kib / (double)ours.rss_kib);
		}
		printf(",\n");
		print_run(&r, more);
		fclose(r.out);
	}
	printf("\n],\"kept\":[\n");
	compare_kept(self, path, TYPICAL, ",");
	compare_kept(self, path, strtoul(n, NULL, 10), "");
	printf("]}\n");
	unlink(input);
	fclose(addrs);
	fclose(ours.out);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "addrs")) {
		write_addresses(stdout, argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "names"))
		return names(argv[2], 0, argc > 3 ? argv[3] : NULL);
	if (argc == 3 && !strcmp(argv[1], "data"))
		return names(argv[2], 1, NULL);
	if (argc >= 4 && !strcmp(argv[1], "compare"))
		return compare_all(argv[0], argv[2], argv[3], argv + 4);
	if (argc == 4 && !strcmp(argv[1], "access"))
		return access_shares(argv[2], strtoul(argv[3], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "types"))
		return types(argv[2]);
	fprintf(stderr,
		"usage: bench_symbol addrs|names|data|compare|access|types FILE ...\n");
	return 2;
}
