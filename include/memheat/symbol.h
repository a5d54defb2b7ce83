/* SPDX-License-Identifier: MIT */
/*
 * From addresses to what they belong to: the recorded mappings of each address space over
 * time, and names of objects and code through ELF and DWARF on top of them.
 */
#ifndef MEMHEAT_SYMBOL_H
#define MEMHEAT_SYMBOL_H

#include <memheat/base.h>
#include <memheat/event.h>

/* An address space: a pid between two execs (or a fork and its exec). */
struct mh_space {
	uint32_t pid;
	uint32_t generation;     /* 0, 1, ... of this pid */
	struct mh_range time_ns; /* it lived; end UINT64_MAX: to the end of the trace */
	const char *comm;        /* last name; "" if not known */
};

struct mh_mapping {
	uint32_t space; /* index for mh_maps_space() */
	struct mh_range addr;
	struct mh_range time_ns; /* when it was there */
	uint64_t pgoff;
	uint8_t prot, shared;
	const char *path;     /* as in /proc/PID/maps */
	const char *build_id; /* of the file, as lower-case hex; "" if not recorded */
};

struct mh_maps;

int mh_maps_new(struct mh_maps **out, struct mh_err *err) MH_MUST_CHECK;
void mh_maps_free(struct mh_maps *maps);

/* Learn from MAP and TASK events; other kinds are ignored. They are applied by time, and
 * those of one time in the order in which they were added. */
int mh_maps_add(struct mh_maps *maps, const struct mh_event *ev,
		struct mh_err *err) MH_MUST_CHECK;

/* Call once after the last mh_maps_add(): sorts and indexes; look-ups work from then on.
 */
int mh_maps_finish(struct mh_maps *maps, struct mh_err *err) MH_MUST_CHECK;

size_t mh_maps_nr_spaces(const struct mh_maps *maps);
const struct mh_space *mh_maps_space(const struct mh_maps *maps, size_t i);
/* Index of the space of @pid at @time_ns; a pid never heard of, or pid 0, has a space too
 * when a mapping or task of it was added; -1 otherwise. */
long mh_maps_space_at(const struct mh_maps *maps, uint32_t pid, uint64_t time_ns);

/* Mappings of a space, sorted by address, then time. */
const struct mh_mapping *mh_maps_of(const struct mh_maps *maps, size_t space, size_t *nr);
/* The mapping of @addr at that time; NULL: none known. */
const struct mh_mapping *mh_maps_find(const struct mh_maps *maps, size_t space,
				      uint64_t addr, uint64_t time_ns);

/* A short name for a person: "[heap]", "libc.so.6 rw-", "[anon]", "[anon:NAME]". */
void mh_mapping_name(const struct mh_mapping *m, char *buf, size_t size);

/* ---- what a recorder reads from a file that is mapped ---- */

/* A piece of a file as program headers place it; memsz beyond filesz is .bss, which is
 * anonymous memory right behind the file's mapping. */
struct mh_elf_load {
	uint64_t offset, filesz; /* in the file */
	uint64_t vaddr, memsz;   /* before relocation */
	uint8_t prot;            /* PROT_READ | PROT_WRITE | PROT_EXEC */
};

#define MH_ELF_LOADS_MAX 16

struct mh_elf_facts {
	uint8_t build_id_len; /* 0: the file has none */
	uint8_t build_id[MH_BUILD_ID_MAX];
	uint32_t nr_loads; /* those beyond MH_ELF_LOADS_MAX are left out */
	struct mh_elf_load loads[MH_ELF_LOADS_MAX];
};

/*
 * Read an ELF file's build-id and PT_LOAD headers; reads little, opens no debug info.
 * A path under /proc/PID/map_files or /proc/PID/root works for what was deleted or lives
 * in another mount namespace.
 *
 * Returns MH_OK; MH_ESYS, MH_EPERM: cannot be opened; MH_EFORMAT: not an ELF file or a
 * damaged one; MH_ENOSUP: big-endian.
 */
int mh_elf_facts_of_file(struct mh_elf_facts *out, const char *path,
			 struct mh_err *err) MH_MUST_CHECK;

/* ---- names ---- */

enum mh_build_id_state {
	MH_BUILD_ID_UNKNOWN, /* none recorded or none in the file: the path is trusted */
	MH_BUILD_ID_OK,
	MH_BUILD_ID_STALE /* the file differs from the one that was mapped; not used */
};

/* Why something has no name, or not all of it. */
enum mh_unnamed {
	MH_NAMED,              /* all that was asked is there */
	MH_UNNAMED_UNMAPPED,   /* no mapping was recorded for the address */
	MH_UNNAMED_ANON,       /* memory without a file: heap, stack, mmap */
	MH_UNNAMED_NO_FILE,    /* the file cannot be opened (any more) */
	MH_UNNAMED_STALE,      /* the file's build-id differs from the recorded one */
	MH_UNNAMED_NOT_ELF,    /* a file mapping of other data, or a damaged file */
	MH_UNNAMED_STRIPPED,   /* neither symbols nor debug information */
	MH_UNNAMED_NO_SYMBOL,  /* no symbol or variable covers the address */
	MH_UNNAMED_NO_DEBUG,   /* named by its ELF symbol; no debug information */
	MH_UNNAMED_NO_LINE,    /* named; debug information has no line or type for it */
	MH_UNNAMED_COMPRESSED, /* named by ELF; debug sections packed in a way unknown */
	MH_UNNAMED_SPLIT,      /* named by ELF; the .dwo or .dwp file was not found */
	MH_UNNAMED_DAMAGED,    /* debug information is damaged, or past a limit of work */
	MH_UNNAMED_JIT         /* code without a file, a perf map or a jitdump */
};
#define MH_NR_UNNAMED 14

#define MH_NO_MODULE UINT32_MAX

/* For a person: "stripped", "build-id differs", ... */
const char *mh_unnamed_words(enum mh_unnamed why);

enum mh_symbol_kind {
	MH_SYMBOL_NONE,    /* not even a mapping */
	MH_SYMBOL_MAPPING, /* only the mapping is known */
	MH_SYMBOL_CODE,
	MH_SYMBOL_DATA
};

struct mh_symbol_frame {
	const char *function;   /* "" where not known */
	const char *file;       /* "" where not known; as recorded by the compiler */
	uint32_t line;          /* 0: not known */
	uint32_t start_line;    /* where the function is declared; 0: not known */
	uint32_t column;        /* of the line; 0: not known */
	uint32_t discriminator; /* of the line's code; as in DWARF */
};

struct mh_symbol {
	uint8_t kind;           /* enum mh_symbol_kind */
	uint8_t why;            /* enum mh_unnamed */
	uint8_t build_id_state; /* enum mh_build_id_state */
	uint16_t nr_frames;
	uint32_t line; /* 0: not known */
	/* Code: where the address is, inlining undone. Data: the declaration. */
	const char *file;
	const struct mh_mapping *mapping; /* NULL: none */
	const char *module;               /* path of the file; "" if none */
	uint32_t module_index;            /* for mh_symtab_module(); MH_NO_MODULE: none */
	uint64_t vaddr;                   /* address in the module's own terms */
	const char *section;              /* ".bss"; "" if not known */

	/* Code: the innermost function, inlined or not. Data: the variable. "" if none.
	 */
	const char *name;
	uint64_t offset; /* of the address in the ELF symbol or the variable */
	uint64_t size;   /* of these; 0: not known */
	/* The ELF symbol that covers the address, as linkers know it; "" if none. */
	const char *linkage;
	uint64_t linkage_offset;

	/* Code: innermost first; the last one is the function that is not inlined. */
	const struct mh_symbol_frame *frames; /* nr_frames of them */

	/* Data. */
	const char *type; /* of the variable: "struct rec[64]"; "" if not known */
	const char *path; /* "hot_table[1].val"; the name alone without a type */
};

struct mh_symtab_opts {
	const char *const *debug_dirs; /* with .build-id/xx/ inside; NULL ends the list;
					  NULL: /usr/lib/debug */
	const char *sysroot;           /* before every path of a module; NULL: none */
	const char *perf_map_dir;      /* of perf-PID.map; NULL: /tmp */
	const char *kallsyms; /* file in the form of /proc/kallsyms; NULL: none */
	int no_demangle;
	int no_debuginfod; /* else asked when DEBUGINFOD_URLS is set */
	/* The user's folder of caches: names are kept in its memheat/symbols, by
	 * build-id, and read from there; NULL: none. Not used where it is not the user's
	 * own. */
	const char *cache_dir;
	uint64_t cache_max; /* bytes of all; what was not used for longest goes; 0: 256
			       MiB */
};

struct mh_symtab;

/*
 * @maps: finished; must outlive the symtab
 * @opts: NULL: defaults; its strings must outlive the symtab
 */
int mh_symtab_new(struct mh_symtab **out, const struct mh_maps *maps,
		  const struct mh_symtab_opts *opts, struct mh_err *err) MH_MUST_CHECK;
void mh_symtab_free(struct mh_symtab *st);

struct mh_symbol_query {
	size_t space; /* index for mh_maps_space(); SIZE_MAX: the kernel */
	uint64_t addr, time_ns;
};

/*
 * Name @nr places at once, in any order; out[i] is for places[i]. A place that has no
 * name is not a failure: out[i].why says it. One call with many places costs far less
 * than many calls. Strings and frames are lent until the symtab is freed.
 *
 * Returns MH_OK; MH_ENOMEM.
 */
int mh_symtab_resolve(struct mh_symtab *st, const struct mh_symbol_query *places,
		      size_t nr, struct mh_symbol *out, struct mh_err *err) MH_MUST_CHECK;

/* ---- generated code over time ---- */

/* What JIT compilers put where and when, by the jitdump files that spaces map. */
struct mh_jit_times;

/*
 * *out is NULL where no space maps such a file.
 * @maps: finished; must outlive what is made
 * Returns MH_OK; MH_ENOMEM.
 */
int mh_jit_times_new(struct mh_jit_times **out, const struct mh_maps *maps,
		     struct mh_err *err) MH_MUST_CHECK;
void mh_jit_times_free(struct mh_jit_times *t);
/* A number for the function that was at @addr then, another one for each that was there;
 * 0: none is known. Threads may ask at once. */
uint32_t mh_jit_times_at(const struct mh_jit_times *t, size_t space, uint64_t addr,
			 uint64_t time_ns);

/* ---- what code accesses ---- */

/* Why the type of an access is not known. */
enum mh_untyped {
	MH_TYPED,
	MH_UNTYPED_NO_DECODER,  /* built, or here, without capstone */
	MH_UNTYPED_SKID,        /* the source's code addresses are not exact */
	MH_UNTYPED_NO_CODE,     /* no code address, or no file with the code */
	MH_UNTYPED_NO_DEBUG,    /* no debug information of the function */
	MH_UNTYPED_PROCESSOR,   /* code of a processor that is not decoded */
	MH_UNTYPED_INSTRUCTION, /* not an instruction, or one that accesses no data */
	MH_UNTYPED_STACK,       /* push, pop, call, a spilled register */
	MH_UNTYPED_THREAD,      /* relative to a thread or CPU */
	MH_UNTYPED_STRING,      /* one instruction that reads and writes at two places */
	MH_UNTYPED_NO_LOCATION, /* no variable leads to the address */
	MH_UNTYPED_OPTIMIZED,   /* the same, where variables are optimized away */
	MH_UNTYPED_NO_OBJECT,   /* a pointer to void, or to a type that is not defined */
	MH_UNTYPED_OUTSIDE,     /* not in the type that is pointed to */
	MH_UNTYPED_VARIES       /* one of several members: .type is known */
};
#define MH_NR_UNTYPED 15

/* For a person: "optimized away", ... */
const char *mh_untyped_words(enum mh_untyped why);

struct mh_access_type {
	uint8_t why;        /* enum mh_untyped */
	uint8_t size;       /* bytes accessed; 0: not known */
	const char *type;   /* what the pointer points to: "struct node"; "" */
	const char *member; /* in it: "left.key", "v[3]"; "" for the whole */
	uint64_t type_size;
};

/*
 * Which type's member the instruction at each place accesses, by the instruction and the
 * debug information of variables. The addresses must be exact.
 *
 * @code: results of mh_symtab_resolve() of this symtab, of code addresses
 * Strings are lent until the symtab is freed.
 * Returns MH_OK; MH_ENOMEM.
 */
int mh_symtab_access_types(struct mh_symtab *st, const struct mh_symbol *code, size_t nr,
			   struct mh_access_type *out, struct mh_err *err) MH_MUST_CHECK;

/*
 * Where static data of a name is: in every space that maps a file which has it, by ELF
 * symbols, so that what is only in debug information is not found. A C++ name may be
 * given as linked or readable; "x" finds "x.0", a variable inside of a function, too.
 *
 * @fn: called with each place; a negative return stops and is passed on
 * Returns MH_OK; MH_ENOMEM; what @fn returned.
 */
int mh_symtab_find(struct mh_symtab *st, const char *name,
		   int (*fn)(void *arg, size_t space, struct mh_range addr), void *arg,
		   struct mh_err *err) MH_MUST_CHECK;

/* How many places got each reason so far, by enum mh_unnamed. */
const uint64_t *mh_symtab_counts(const struct mh_symtab *st);

/* A file that places were in, for "libfoo.so.2 is stripped (build-id 3f2a...)". */
struct mh_symtab_module {
	const char *path, *build_id; /* recorded; "" */
	const char *debug_file;      /* separate debug information in use; "" */
	enum mh_build_id_state state;
	enum mh_unnamed why; /* of the module as a whole; MH_NAMED: has debug info */
	uint64_t nr_places, nr_unnamed;
};
size_t mh_symtab_nr_modules(const struct mh_symtab *st);
struct mh_symtab_module mh_symtab_module(const struct mh_symtab *st, size_t i);

/* A function or variable of a module's symbol table. */
struct mh_symtab_object {
	const char *name;    /* not demangled */
	const char *section; /* ".bss" */
	uint64_t vaddr, size;
	int code, local; /* local: not seen by other objects */
};

/*
 * All of module @i, code first, each by address; one per address. The array is the
 * caller's to free, its strings are lent until the symtab is freed.
 *
 * Returns MH_OK, with none where the module cannot be opened; MH_ENOMEM.
 */
int mh_symtab_objects(struct mh_symtab *st, size_t i, struct mh_symtab_object **out,
		      size_t *nr, struct mh_err *err) MH_MUST_CHECK;

/* ---- call chains from copies of stacks ---- */

/* How a chain ended. Only the first reached the outermost frame. */
enum mh_unwind_end {
	MH_UNWIND_OUTERMOST,
	MH_UNWIND_STACK,    /* the copy of the stack does not reach further */
	MH_UNWIND_UNMAPPED, /* a return address that no mapping was recorded for */
	MH_UNWIND_ANON,     /* code without a file */
	MH_UNWIND_NO_FILE,  /* the file cannot be opened (any more), or is no ELF file */
	MH_UNWIND_STALE,    /* the file's build-id differs from the recorded one */
	MH_UNWIND_NO_CFI,   /* no unwinding table of the file has the address */
	MH_UNWIND_BAD_CFI,  /* one has, but makes no sense here */
	MH_UNWIND_LOOP,     /* frames do not get nearer to the beginning of the stack */
	MH_UNWIND_MACHINE   /* registers of a machine that is not known here */
};
#define MH_NR_UNWIND_ENDS 10

/* For a person: "the copied stack ends", ... */
const char *mh_unwind_words(enum mh_unwind_end end);

struct mh_unwinder;

/* As mh_symtab_new(). */
int mh_unwinder_new(struct mh_unwinder **out, const struct mh_maps *maps,
		    const struct mh_symtab_opts *opts, struct mh_err *err) MH_MUST_CHECK;
void mh_unwinder_free(struct mh_unwinder *u);

struct mh_unwound {
	const uint64_t *ips; /* innermost first; lent until the next call */
	size_t nr;
	enum mh_unwind_end end;
};

/*
 * The chain of a STACK_COPY by the unwinding tables of the files that were mapped when it
 * was taken. Any bytes may be given; what they lead to ends in bounded time.
 *
 * Returns MH_OK; MH_ENOMEM.
 */
int mh_unwind(struct mh_unwinder *u, struct mh_unwound *out, const struct mh_event *ev,
	      struct mh_err *err) MH_MUST_CHECK;

#endif
