/* SPDX-License-Identifier: MIT */
/*
 * Events: what an acquisition interface can say, in one vocabulary. Sources and importers
 * make them, the trace stores them, analyses read them as batches (memheat/trace.h).
 *
 * Times are CLOCK_MONOTONIC ns, absolute. Addresses and sizes are bytes, ranges
 * half-open. pid 0 stands for physical memory. An address space is a pid between two TASK
 * events EXEC or FORK of it. Strings are borrowed: valid while the event is handed over.
 */
#ifndef MEMHEAT_EVENT_H
#define MEMHEAT_EVENT_H

#include <stdio.h>

#include <memheat/base.h>

enum mh_event_kind {
	MH_EV_META = 1,   /* key and value: host, command line, source parameters, ... */
	MH_EV_MAP = 2,    /* a mapping appeared or went */
	MH_EV_TASK = 3,   /* fork, exec, comm, exit */
	MH_EV_SAMPLE = 4, /* one access (or first touch) with its address */
	MH_EV_REGION = 5, /* accesses of a range in a snapshot interval */
	MH_EV_PAGES = 6,  /* a scan's result, page by page */
	MH_EV_FOOTPRINT = 7,  /* RSS, PSS, swap, huge pages of a process or a mapping */
	MH_EV_STAT = 8,       /* a named counter's value: observer's cost, event totals */
	MH_EV_LOST = 9,       /* events that the interface dropped */
	MH_EV_GAP = 10,       /* a span without data, and why */
	MH_EV_STACK = 11,     /* one frame of call chains */
	MH_EV_HEAP = 12,      /* a block was allocated or freed */
	MH_EV_STACK_COPY = 13 /* registers and stack of a thread, to be unwound */
};
#define MH_NR_EVENT_KINDS 14

/* Absent numbers: distinguishable from every value that a source gives. */
#define MH_NO_AGE   UINT32_MAX
#define MH_NO_BYTES UINT64_MAX

struct mh_ev_meta {
	const char *key, *value;
};

enum mh_map_op {
	MH_MAP_ADD,
	MH_MAP_REMOVE
};

#define MH_BUILD_ID_MAX 20

struct mh_ev_map {
	uint32_t pid;
	uint8_t op;   /* enum mh_map_op */
	uint8_t prot; /* PROT_READ | PROT_WRITE | PROT_EXEC as in mmap(2) */
	uint8_t shared;
	uint8_t build_id_len; /* 0: not known */
	uint8_t build_id[MH_BUILD_ID_MAX];
	uint32_t maj, min;
	uint64_t ino, ino_gen;
	uint64_t start, end;
	uint64_t pgoff;   /* bytes into the file */
	const char *path; /* as in /proc/PID/maps: file, "[heap]", "[anon:NAME]", "" */
};

enum mh_task_op {
	MH_TASK_FORK, /* pid/tid: the new one; ppid: its parent process */
	MH_TASK_EXEC, /* a new address space; comm: the new name */
	MH_TASK_COMM, /* renamed */
	MH_TASK_EXIT,
	MH_TASK_FOUND /* it ran already when the recording met it */
};

struct mh_ev_task {
	uint32_t pid, tid, ppid;
	uint8_t op;       /* enum mh_task_op */
	const char *comm; /* "" where not known */
};

enum mh_sample_flag {
	MH_SAMPLE_ADDR = 1 << 0,     /* addr is valid */
	MH_SAMPLE_KERNEL = 1 << 1,   /* taken in kernel mode */
	MH_SAMPLE_EXACT_IP = 1 << 2, /* PERF_RECORD_MISC_EXACT_IP */
	MH_SAMPLE_GUEST = 1 << 3     /* taken in a virtual machine */
};

struct mh_ev_sample {
	uint64_t ip, addr, phys;
	uint64_t data_src; /* PERF_SAMPLE_DATA_SRC's bits; 0: none */
	uint64_t period;   /* events that this sample stands for */
	uint64_t weight;   /* cycles: load latency (PERF_SAMPLE_WEIGHT, var1_dw) */
	uint32_t pid, tid, cpu;
	uint32_t stack;            /* id of its call chain; 0: none */
	uint16_t ins_lat, p_stage; /* PERF_SAMPLE_WEIGHT_STRUCT var2_w, var3_w */
	uint16_t event;            /* index into the source's events (META) */
	uint8_t flags;             /* enum mh_sample_flag */
	uint8_t page_shift;        /* 0: page size not known */
};

/*
 * One range of one snapshot. The rows of a snapshot share source, pid, start_ns and the
 * event's time (its end) and come in ascending address order. What a snapshot does not
 * cover was not observed.
 */
struct mh_ev_region {
	uint64_t start_ns; /* of the interval; the event's time_ns is its end */
	uint64_t start, end;
	uint64_t touched; /* bytes known to be touched (refs, filters); MH_NO_BYTES: none
			   */
	uint32_t pid;     /* or DAMON's target where no pid is known */
	uint32_t nr_accesses, max_accesses; /* hits, of so many checks in the interval */
	uint32_t age;                       /* aggregation intervals; MH_NO_AGE */
};

/*
 * Beside what was done to pages, what they are: a bit says that a page is of that kind.
 * Kinds are told when they change and hold until they are told again.
 */
enum mh_pages_layer {
	MH_PAGES_ACCESS,
	MH_PAGES_WRITE,
	MH_PAGES_FILE,  /* of a file, or shared memory; else anonymous */
	MH_PAGES_NODE0, /* on NUMA node 0, 1, ... */
	MH_PAGES_NODES_END = MH_PAGES_NODE0 + 64
};

#define MH_PAGES_MAX (1u << 27) /* pages of one event: 512 GiB of 4 KiB pages */

/* One range of one scan; bit i of the bitmaps is page i, least significant bit first. */
struct mh_ev_pages {
	uint64_t start_ns; /* the pages were armed; the event's time_ns: they were read */
	uint64_t start;    /* virtual address, or physical where pid is 0 */
	uint64_t nr_pages;
	uint32_t pid;
	uint8_t page_shift;
	uint8_t layer;           /* enum mh_pages_layer */
	const uint8_t *accessed; /* (nr_pages + 7) / 8 bytes; padding bits are 0 */
	const uint8_t *observed; /* likewise; NULL: every page was observed */
};

struct mh_ev_footprint {
	uint32_t pid;
	uint64_t start, end; /* of the mapping; 0, 0: the whole process */
	uint64_t rss, pss, swap;
	uint64_t huge; /* bytes mapped by huge pages (THP, hugetlb) */
};

struct mh_ev_stat {
	uint32_t pid;     /* 0: the recording itself or the machine */
	const char *name; /* e.g. "observer.cpu_ns"; the names are in memheat-trace(5) */
	uint64_t value;
};

enum mh_lost_cause {
	MH_LOST_RING,     /* the ring was full (PERF_RECORD_LOST) */
	MH_LOST_THROTTLE, /* the kernel throttled the event; count: times */
	MH_LOST_SNAPSHOT, /* regions of a snapshot that did not arrive */
	MH_LOST_NONMEM,   /* samples without a memory access, dropped on purpose */
	MH_LOST_WRITE,    /* could not be written to the trace */
	MH_LOST_HEAP      /* allocations or frees that the heap log had no room for */
};

struct mh_ev_lost {
	uint64_t start_ns; /* lost between this and the event's time_ns */
	uint64_t count;
	uint32_t cpu;  /* UINT32_MAX: not known */
	uint8_t cause; /* enum mh_lost_cause */
};

enum mh_gap_cause {
	MH_GAP_NOT_RUN,   /* the target had no CPU time in the span */
	MH_GAP_EXITED,    /* the target ended within the span */
	MH_GAP_STOPPED,   /* the source paused or failed */
	MH_GAP_UNREADABLE /* the kernel refused to tell (permission, race) */
};

struct mh_ev_gap {
	uint64_t start_ns; /* the event's time_ns ends the span */
	uint32_t pid;      /* 0: all targets */
	uint8_t cause;     /* enum mh_gap_cause */
};

enum mh_heap_op {
	MH_HEAP_ALLOC,
	MH_HEAP_FREE,  /* of a block that may not have been told */
	MH_HEAP_ATTACH /* the log begins in this address space; size: its threshold */
};

/* Those of one address space stand in the order of what happened; time nearly so. */
struct mh_ev_heap {
	uint32_t pid;
	uint8_t op;          /* enum mh_heap_op */
	uint32_t stack;      /* ALLOC: id of its innermost frame; 0: none */
	uint64_t addr, size; /* size: as asked for; FREE: 0 */
};

/*
 * Call chains are paths in a tree: a frame has an id, the id of its caller and an
 * address, and a sample or an allocation names its innermost frame. A chain that is met
 * again costs nothing, one that differs in its last frames costs those. Ids are one
 * source's (the heap log is source 0) and come before the events that name them;
 * addresses are those of the process of that event. The address of a caller is that of
 * its return; the innermost frame of an allocation returns from the allocator.
 */
struct mh_ev_stack {
	uint32_t id;     /* not 0 */
	uint32_t parent; /* 0: the outermost frame that is known */
	uint64_t ip;
};

/* Bytes that an event points to; p is valid as long as a string would be. */
struct mh_blob {
	const uint8_t *p; /* not read where len is 0 */
	uint32_t len;
};

/*
 * What a thread's call chain can be found from later (mh_unwinder). It is called by its
 * id as a chain by that of its innermost frame: ids of both are never the same.
 */
struct mh_ev_stack_copy {
	uint32_t pid, tid;
	uint32_t id;         /* not 0 */
	uint32_t inner;      /* innermost frame of the kernel's part of the chain; 0: none
			      */
	uint16_t machine;    /* as e_machine of ELF: 62 x86-64, 183 AArch64 */
	struct mh_blob regs; /* u64s by their numbers in DWARF, the pc last */
	uint64_t sp;         /* address of the first byte of stack */
	struct mh_blob stack; /* cut off where the thread's stack or the copy ends */
};

struct mh_event {
	enum mh_event_kind kind;
	uint16_t
		source; /* id of the source in META "source.<id>.name"; 0: the recorder */
	uint64_t time_ns;
	union {
		struct mh_ev_meta meta;
		struct mh_ev_map map;
		struct mh_ev_task task;
		struct mh_ev_sample sample;
		struct mh_ev_region region;
		struct mh_ev_pages pages;
		struct mh_ev_footprint footprint;
		struct mh_ev_stat stat;
		struct mh_ev_lost lost;
		struct mh_ev_gap gap;
		struct mh_ev_heap heap;
		struct mh_ev_stack stack;
		struct mh_ev_stack_copy stack_copy;
	};
};

/* Takes an event. @ev is borrowed for the call. A negative status stops the giver. */
typedef int (*mh_event_fn)(void *arg, const struct mh_event *ev, struct mh_err *err);

/* The lower-case name of a kind or enum value ("sample", "not_run"); NULL if out of
 * range. */
const char *mh_event_kind_name(enum mh_event_kind kind);
const char *mh_map_op_name(unsigned op);
const char *mh_task_op_name(unsigned op);
const char *mh_pages_layer_name(unsigned layer);
const char *mh_lost_cause_name(unsigned cause);
const char *mh_gap_cause_name(unsigned cause);
const char *mh_heap_op_name(unsigned op);

/*
 * How a kind's payload is laid out, field by field: the text form, the tail file and the
 * generic table blocks of the trace are all made from these tables.
 */
enum mh_field_type {
	MH_FIELD_U8,
	MH_FIELD_U16,
	MH_FIELD_U32,
	MH_FIELD_U64,
	MH_FIELD_STRING,   /* const char *, never NULL once filled in */
	MH_FIELD_BUILD_ID, /* build_id and build_id_len */
	MH_FIELD_BITMAP,   /* PAGES: as runs in text */
	MH_FIELD_BLOB      /* struct mh_blob: as hex digits in text */
};

enum mh_field_base {
	MH_BASE_DEC,
	MH_BASE_HEX,
	MH_BASE_NAME /* an enum: names in the table */
};

struct mh_field {
	const char *name;
	uint16_t offset; /* into struct mh_event */
	uint8_t type;    /* enum mh_field_type */
	uint8_t base;    /* enum mh_field_base */
	uint64_t absent; /* value that the text form leaves out */
	const char *(*value_name)(unsigned value); /* for MH_BASE_NAME */
};

/* The fields of @kind in storage order, without time_ns and source, which every event
 * has; *nr receives their count. */
const struct mh_field *mh_event_fields(enum mh_event_kind kind, size_t *nr);

/* Read or write an integer field of an event (types U8..U64). */
uint64_t mh_field_get(const struct mh_field *f, const struct mh_event *ev);
void mh_field_set(const struct mh_field *f, struct mh_event *ev, uint64_t value);
/* The largest value that an integer field holds. */
uint64_t mh_field_max(const struct mh_field *f);

/* An event of @kind with every field absent: numbers at their absent value, strings "".
 */
void mh_event_init(struct mh_event *ev, enum mh_event_kind kind);

/*
 * Write one event as one line of text: `kind time=... source=... field=value ...`.
 * Fields with their absent value are left out; strings are quoted when needed.
 *
 * Returns MH_OK; MH_ESYS if the stream failed.
 */
int mh_event_print(FILE *out, const struct mh_event *ev, struct mh_err *err);

/*
 * Parse one line of the text form. Empty lines and lines beginning with '#' give MH_END.
 *
 * @line: modified; the event's strings and bitmaps point into it or into @scratch
 * @scratch: growing memory for bitmaps; start zeroed, release with
 * mh_event_scratch_fini() Returns MH_OK; MH_END; MH_EFORMAT; MH_ENOMEM.
 */
struct mh_event_scratch {
	uint8_t *bytes;
	size_t cap;
};
int mh_event_parse(struct mh_event *ev, char *line, struct mh_event_scratch *scratch,
		   struct mh_err *err) MH_MUST_CHECK;
void mh_event_scratch_fini(struct mh_event_scratch *scratch);

/* ---- memory accesses: what PERF_SAMPLE_DATA_SRC says, without the vendor's accent ----
 */

/* In each of these 0 is "the hardware did not tell", which is not "none". */
enum mh_mem_op {
	MH_MEM_OP_UNKNOWN,
	MH_MEM_LOAD,
	MH_MEM_STORE,
	MH_MEM_PREFETCH,
	MH_MEM_EXEC
};

enum mh_mem_level {
	MH_LEVEL_UNKNOWN,
	MH_LEVEL_L1,
	MH_LEVEL_LFB, /* a miss of the first level that was already under way (MAB) */
	MH_LEVEL_L2,
	MH_LEVEL_L3,
	MH_LEVEL_L4,
	MH_LEVEL_MSC,          /* a cache on the memory's side */
	MH_LEVEL_NODE_CACHE,   /* another core's cache, same node */
	MH_LEVEL_REMOTE_CACHE, /* another node's cache */
	MH_LEVEL_RAM,          /* this node's */
	MH_LEVEL_REMOTE_RAM,
	MH_LEVEL_CXL,
	MH_LEVEL_PMEM,
	MH_LEVEL_IO,
	MH_LEVEL_UNCACHED
};
#define MH_NR_MEM_LEVELS 15

enum mh_mem_hit {
	MH_HIT_UNKNOWN,
	MH_HIT,
	MH_MISS /* of that level; where it was served is not told */
};

enum mh_mem_snoop {
	MH_SNOOP_UNKNOWN,
	MH_SNOOP_NONE,
	MH_SNOOP_MISS,
	MH_SNOOP_HIT,
	MH_SNOOP_HITM, /* another cache had it modified: true or false sharing */
	MH_SNOOP_FWD,  /* a clean line was forwarded */
	MH_SNOOP_PEER  /* from a peer, its state is not told */
};

enum mh_mem_tlb {
	MH_TLB_UNKNOWN,
	MH_TLB_L1,
	MH_TLB_L2,
	MH_TLB_L1_OR_L2, /* hit, the hardware does not tell which */
	MH_TLB_WALK,     /* the hardware walked the page table */
	MH_TLB_MISS,
	MH_TLB_FAULT /* the operating system had to help */
};

enum mh_mem_lock {
	MH_LOCK_UNKNOWN,
	MH_LOCK_NO,
	MH_LOCK_YES
};

#define MH_BLOCKED_KNOWN 1 /* of mh_mem_access.blocked: the hardware tells it */
#define MH_BLOCKED_DATA  2 /* a store's data could not be forwarded to the load */
#define MH_BLOCKED_ADDR  4 /* an address conflict */

struct mh_mem_access {
	uint8_t op, level, hit, snoop, tlb, lock; /* the enums above */
	uint8_t blocked;                          /* MH_BLOCKED_* */
};

/* Any value can be decoded; bits of a newer kernel are ignored. 0 says nothing at all. */
void mh_mem_access_decode(struct mh_mem_access *out, uint64_t data_src);

/* Short lower-case names ("l1", "remote_ram", "hitm", "unknown"); NULL if out of range.
 */
const char *mh_mem_op_name(unsigned value);
const char *mh_mem_level_name(unsigned value);
const char *mh_mem_hit_name(unsigned value);
const char *mh_mem_snoop_name(unsigned value);
const char *mh_mem_tlb_name(unsigned value);
const char *mh_mem_lock_name(unsigned value);

#define MH_DATA_SRC_TEXT_MAX 256

/*
 * As perf prints it: "OP LOAD|LVL L3 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK N/A".
 *
 * @out: room for MH_DATA_SRC_TEXT_MAX; returned
 */
const char *mh_data_src_text(char *out, uint64_t data_src);

#endif
