/* SPDX-License-Identifier: MIT */
/*
 * Types of accesses against the truth: programs of tests/symbol say where their blocks
 * and members are and are run a step at a time; each access to a block then has a known
 * member, by its address alone, which the code's debug information has to give too.
 */
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "program.h"
#include "symbol/insn.h"

#if defined(HAVE_CAPSTONE) && defined(__x86_64__)

#define STEPS_MAX 400000

struct block {
	uint64_t addr, bytes, size;
	char type[64];
};

struct member {
	char owner[64], type[64], path[64];
	uint64_t off, bytes;
};

struct inside {
	char owner[64], type[64];
	uint64_t off;
};

/* Accesses by one instruction to one member. */
struct seen {
	uint64_t ip, off, nr;
	uint32_t block;
	struct mh_insn insn;
};

struct run {
	struct program program;
	struct block *blocks;
	struct member *members;
	struct inside *inside;
	struct seen *seen;
	size_t nr_blocks, nr_members, nr_inside, nr_seen;
	uint64_t code_start, code_end; /* of the program's own code */
	uint64_t nr_steps;
};

#define MORE(v, nr)                                                                      \
	((v) = realloc((v), ((nr) + 1) * sizeof(*(v))), assert_non_null(v), &(v)[(nr)++])

/* ---- what the program says ---- */

static void take_line(struct run *r, const char *line, const struct mh_elf_facts *facts)
{
	if (!strncmp(line, "block ", 6)) {
		struct block *b = MORE(r->blocks, r->nr_blocks);

		assert_int_equal(sscanf(line,
					"block %" SCNx64 " %" SCNu64 " %" SCNu64
					"\t%63[^\n]",
					&b->addr, &b->bytes, &b->size, b->type),
				 4);
	} else if (!strncmp(line, "member ", 7)) {
		struct member *m = MORE(r->members, r->nr_members);

		memset(m, 0, sizeof(*m));
		assert_true(sscanf(line,
				   "member %63[^\t]\t%" SCNu64 " %" SCNu64
				   "\t%63[^\t\n]\t%63[^\n]",
				   m->owner, &m->off, &m->bytes, m->type, m->path) >= 4);
	} else if (!strncmp(line, "sub ", 4)) {
		struct inside *s = MORE(r->inside, r->nr_inside);

		assert_int_equal(sscanf(line, "sub %63[^\t]\t%" SCNu64 "\t%63[^\n]",
					s->owner, &s->off, s->type),
				 3);
	} else if (!strncmp(line, "map ", 4)) {
		uint64_t start, end;
		char prot[8], path[4096] = "";

		take_map(&r->program, line, NULL, facts);
		if (sscanf(line, "map %" SCNx64 "-%" SCNx64 " %7s %*x %4095[^\n]", &start,
			   &end, prot, path) == 4 &&
		    prot[2] == 'x' && !strcmp(path, r->program.path)) {
			r->code_start = start;
			r->code_end = end;
		}
	}
}

/* ---- single steps ---- */

static uint64_t reg_of(const struct user_regs_struct *u, uint8_t reg)
{
	const uint64_t regs[MH_NR_REGS] = { u->rax, u->rdx, u->rcx, u->rbx,
					    u->rsi, u->rdi, u->rbp, u->rsp,
					    u->r8,  u->r9,  u->r10, u->r11,
					    u->r12, u->r13, u->r14, u->r15 };

	return reg < MH_NR_REGS ? regs[reg] : 0;
}

static void see(struct run *r, const struct mh_insn *in,
		const struct user_regs_struct *regs)
{
	uint64_t addr = reg_of(regs, in->mem.base) +
			reg_of(regs, in->mem.index) * in->mem.scale +
			(uint64_t)in->mem.disp;
	uint32_t b;
	size_t i;

	for (b = 0; b < r->nr_blocks; b++) {
		if (addr - r->blocks[b].addr < r->blocks[b].bytes)
			break;
	}
	if (b == r->nr_blocks)
		return;
	addr = (addr - r->blocks[b].addr) % r->blocks[b].size;
	for (i = 0; i < r->nr_seen; i++) {
		struct seen *s = &r->seen[i];

		if (s->ip == in->addr && s->off == addr &&
		    !strcmp(r->blocks[s->block].type, r->blocks[b].type)) {
			s->nr++;
			return;
		}
	}
	*MORE(r->seen, r->nr_seen) = (struct seen){ in->addr, addr, 1, b, *in };
}

static int waited(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void step_through(struct run *r, pid_t pid)
{
	struct mh_insn_decoder *d;
	struct user_regs_struct regs;
	size_t len = r->code_end - r->code_start;
	struct mh_insn *known = calloc(len, sizeof(*known)), *in;

	assert_int_equal(mh_insn_decoder_new(&d), MH_OK);
	assert_non_null(known);
	for (; r->nr_steps < STEPS_MAX; r->nr_steps++) {
		uint8_t bytes[16];
		uint64_t *words = (uint64_t *)(void *)bytes;

		assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
		if (regs.rip - r->code_start < len) {
			in = &known[regs.rip - r->code_start];
			if (!in->len) {
				words[0] = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid,
							    regs.rip, NULL);
				words[1] = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid,
							    regs.rip + 8, NULL);
				if (bytes[0] == 0xcc) /* the second trap */
					break;
				assert_true(mh_decode(d, in, bytes, 16, regs.rip));
			}
			if (in->access == MH_ACCESS_OPERAND && in->op != MH_INSN_LEA)
				see(r, in, &regs);
		}
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_true(WIFSTOPPED(waited(pid)));
	}
	assert_true(r->nr_steps < STEPS_MAX);
	free(known);
	mh_insn_decoder_free(d);
}

static pid_t start(const char *path, FILE **out)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	*out = fdopen(fds[0], "r");
	return pid;
}

static void run_program(struct run *r)
{
	struct mh_elf_facts facts;
	struct mh_err err;
	char line[8192];
	FILE *f;
	pid_t pid = start(r->program.path, &f);
	int status = waited(pid);

	assert_status(mh_elf_facts_of_file(&facts, r->program.path, &err), MH_OK, &err);
	assert_status(mh_maps_new(&r->program.maps, &err), MH_OK, &err);
	assert_true(WIFSTOPPED(status)); /* exec */
	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	status = waited(pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	/* It is stopped: what it wrote fits into the pipe. The [vsyscall] is the last. */
	while (fgets(line, sizeof(line), f)) {
		take_line(r, line, &facts);
		if (strstr(line, "[vsyscall]"))
			break;
	}
	assert_true(r->nr_blocks > 0 && r->code_end > r->code_start);
	step_through(r, pid);
	ptrace(PTRACE_KILL, pid, NULL, NULL);
	waitpid(pid, &status, 0);
	fclose(f);
	assert_status(mh_maps_finish(r->program.maps, &err), MH_OK, &err);
}

/* ---- judging ---- */

/* "v[3].x" as "v[].x" */
static void without_numbers(char *out, const char *path)
{
	while (*path) {
		*out++ = *path;
		if (*path++ == '[')
			path += strcspn(path, "]");
	}
	*out = 0;
}

static const char *plain(const char *type)
{
	if (!strncmp(type, "const ", 6))
		type += 6;
	return !strcmp(type, "long int")    ? "long"
	       : !strcmp(type, "short int") ? "short"
					    : type;
}

static int is_member(const struct run *r, const char *owner, uint64_t off,
		     const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < r->nr_members; i++) {
		const struct member *m = &r->members[i];

		if (strcmp(m->owner, owner) != 0 || off - m->off >= m->bytes)
			continue;
		if (!strcmp(m->path, path))
			return 1;
		/* The union alone, where its members are of one size. */
		if (!strcmp(m->type, "union number") && !strncmp(m->path, path, len))
			return 1;
	}
	return 0;
}

static int is_scalar(const struct run *r, const char *owner, uint64_t off,
		     const char *type)
{
	size_t i;

	for (i = 0; i < r->nr_members; i++) {
		const struct member *m = &r->members[i];

		if (!strcmp(m->owner, owner) && off - m->off < m->bytes &&
		    !strcmp(plain(type), m->type))
			return 1;
	}
	return 0;
}

/* The answer may be of an object inside of the block's, or of the scalar there. */
static int is_right(const struct run *r, const struct seen *s,
		    const struct mh_access_type *t)
{
	const char *owner = r->blocks[s->block].type;
	char path[512];
	size_t i;

	without_numbers(path, t->member);
	if (!strcmp(plain(t->type), owner))
		return is_member(r, owner, s->off, path);
	for (i = 0; i < r->nr_inside; i++) {
		const struct inside *in = &r->inside[i];

		if (!strcmp(in->owner, owner) && !strcmp(in->type, plain(t->type)) &&
		    s->off >= in->off && is_member(r, in->type, s->off - in->off, path))
			return 1;
	}
	return !*path && is_scalar(r, owner, s->off, t->type);
}

struct score {
	uint64_t nr, typed, right;
};

static void resolve(struct run *r, struct mh_access_type *types, struct mh_symtab *st)
{
	struct mh_symbol_query *q = calloc(r->nr_seen, sizeof(*q));
	struct mh_symbol *code = calloc(r->nr_seen, sizeof(*code));
	struct mh_err err;
	size_t i;

	assert_non_null(q);
	assert_non_null(code);
	for (i = 0; i < r->nr_seen; i++)
		q[i] = (struct mh_symbol_query){ 0, r->seen[i].ip, 2 };
	assert_status(mh_symtab_resolve(st, q, r->nr_seen, code, &err), MH_OK, &err);
	assert_status(mh_symtab_access_types(st, code, r->nr_seen, types, &err), MH_OK,
		      &err);
	free(q);
	free(code);
}

/* Every instruction once; it is right when it is for all that it accessed. */
static void count_places(const struct run *r, const struct mh_access_type *types,
			 struct score *out)
{
	size_t i, k;

	for (i = 0; i < r->nr_seen; i++) {
		int right = 1;

		for (k = 0; k < i && r->seen[k].ip != r->seen[i].ip; k++)
			;
		if (k < i)
			continue;
		for (; k < r->nr_seen; k++) {
			if (r->seen[k].ip == r->seen[i].ip)
				right &= is_right(r, &r->seen[k], &types[k]);
		}
		out->nr++;
		out->typed += types[i].why == MH_TYPED;
		out->right += (uint64_t)(types[i].why == MH_TYPED && right);
	}
}

/* Weighted by how often, and every instruction once. */
static void judge(struct run *r)
{
	struct mh_access_type *types = calloc(r->nr_seen, sizeof(*types));
	struct score runs = { 0 }, places = { 0 };
	struct mh_symtab *st;
	struct mh_err err;
	size_t i;

	assert_non_null(types);
	assert_status(mh_symtab_new(&st, r->program.maps, NULL, &err), MH_OK, &err);
	resolve(r, types, st);
	for (i = 0; i < r->nr_seen; i++) {
		const struct seen *s = &r->seen[i];
		int typed = types[i].why == MH_TYPED;
		int right = typed && is_right(r, s, &types[i]);

		runs.nr += s->nr;
		runs.typed += typed ? s->nr : 0;
		runs.right += right ? s->nr : 0;
		if (getenv("VERBOSE") && !right)
			print_message("%s %#" PRIx64 " +%" PRIu64 " of %s, size %u: "
				      "%s .%s (%s)\n",
				      typed ? "wrong  " : "unknown",
				      s->ip - r->code_start, s->off,
				      r->blocks[s->block].type, s->insn.mem.size,
				      types[i].type, types[i].member,
				      mh_untyped_words(types[i].why));
	}
	count_places(r, types, &places);
	print_message("accesses %" PRIu64 ", resolved %.1f %%, right %.1f %%; "
		      "instructions %" PRIu64 ", %.1f %%, %.1f %%; %" PRIu64 " steps\n",
		      runs.nr, 100.0 * (double)runs.typed / (double)runs.nr,
		      100.0 * (double)runs.right / (double)runs.typed, places.nr,
		      100.0 * (double)places.typed / (double)places.nr,
		      100.0 * (double)places.right / (double)places.typed, r->nr_steps);
	assert_true(places.nr > 30);
	assert_true(runs.typed * 100 >= runs.nr * 75);
	assert_true(runs.right * 100 >= runs.typed * 95);
	assert_true(places.typed * 100 >= places.nr * 75);
	assert_true(places.right * 100 >= places.typed * 95);
	mh_symtab_free(st);
	free(types);
}

struct build {
	const char *name, *needs, *command;
};

static const struct build builds[] = {
	{ "gcc_O0", "gcc", "gcc -g -O0 $SRC/members.c -o prog" },
	{ "gcc_O2", "gcc", "gcc -g -O2 $SRC/members.c -o prog" },
	{ "gcc_O2_no_pie", "gcc", "gcc -g -O2 -no-pie -fno-pie $SRC/members.c -o prog" },
	{ "gcc_O2_dwarf4", "gcc", "gcc -gdwarf-4 -O2 $SRC/members.c -o prog" },
	{ "gcc_O2_split", "gcc", "gcc -g -gsplit-dwarf -O2 $SRC/members.c -o prog" },
	{ "gcc_O2_stripped", "gcc objcopy strip",
	  "gcc -g -O2 $SRC/members.c -o prog && objcopy --only-keep-debug prog "
	  "prog.debug "
	  "&& strip prog && objcopy --add-gnu-debuglink=prog.debug prog" },
	{ "clang_O2", "clang", "clang -g -O2 $SRC/members.c -o prog" },
	{ "clang_O2_split", "clang",
	  "clang -gdwarf-5 -gsplit-dwarf -O2 -c $SRC/members.c -o prog.o && "
	  "clang prog.o -o prog" },
	{ "gxx_O0", "g++", "g++ -g -O0 $SRC/members.cc -o prog" },
	{ "gxx_O2", "g++", "g++ -g -O2 $SRC/members.cc -o prog" },
	{ "clangxx_O2", "clang++", "clang++ -g -O2 $SRC/members.cc -o prog" },
	/* These with TEST_MORE in the environment, which scripts/soak sets. */
	{ "gcc_O1", "gcc", "gcc -g -O1 $SRC/members.c -o prog" },
	{ "clang_O0", "clang", "clang -g -O0 $SRC/members.c -o prog" },
	{ "clang_O1", "clang", "clang -g -O1 $SRC/members.c -o prog" },
	{ "gxx_O1", "g++", "g++ -g -O1 $SRC/members.cc -o prog" },
	{ "clangxx_O0", "clang++", "clang++ -g -O0 $SRC/members.cc -o prog" },
	{ "clangxx_O1", "clang++", "clang++ -g -O1 $SRC/members.cc -o prog" },
};

static void types_of_a_build(void **state)
{
	const struct build *b = *state;
	struct run r = { 0 };
	char needs[64], *tool, *save = NULL;

	snprintf(needs, sizeof(needs), "%s", b->needs);
	for (tool = strtok_r(needs, " ", &save); tool;
	     tool = strtok_r(NULL, " ", &save)) {
		if (!have(tool))
			skip_because("%s is not here", tool);
	}
	program_dir(&r.program, b->name);
	if (program_build(&r.program, b->command))
		skip_because("this compiler cannot build it");
	run_program(&r);
	judge(&r);
	program_fini(&r.program);
	free(r.blocks);
	free(r.members);
	free(r.inside);
	free(r.seen);
}

int main(void)
{
	enum {
		NR = sizeof(builds) / sizeof(*builds),
		NR_MORE = 6
	};
	struct CMUnitTest tests[NR] = { 0 };
	struct build copies[NR];
	size_t nr = getenv("TEST_MORE") ? NR : NR - NR_MORE, i;

	for (i = 0; i < nr; i++) {
		copies[i] = builds[i];
		tests[i].name = builds[i].name;
		tests[i].test_func = types_of_a_build;
		tests[i].initial_state = &copies[i];
	}
	return _cmocka_run_group_tests("types of accesses", tests, nr, NULL, NULL);
}

#else

static void no_decoder(void **state)
{
	(void)state;
	skip_because("built without capstone, or not for x86-64");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_decoder) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
