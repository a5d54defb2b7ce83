/* SPDX-License-Identifier: MIT */
/*
 * The session's inside: small tables in memory, the choice of a source, and how pids and
 * addresses of data become address spaces and parts that the filters let through.
 */
#ifndef MEMHEAT_ANALYZE_SESSION_H
#define MEMHEAT_ANALYZE_SESSION_H

#include <stdbool.h>

#include <memheat/analyze.h>

#include "event/frames.h"
#include "trace/intervals.h"

struct mh_session_source {
	uint16_t id;
	const char *name; /* lent by the reader */
	uint64_t rows[MH_NR_EVENT_KINDS];
	int has_addr;            /* its samples have addresses */
	uint32_t weight;         /* it looked at one page in so many, chosen by chance */
	struct mh_range time_ns; /* of its data blocks */
};

struct mh_gap {
	struct mh_range time_ns;
	uint32_t pid;
	uint16_t source;
	uint8_t cause;
};

/* What was charged to the control group under watch. */
enum mh_charge_kind {
	MH_CHARGE_CURRENT,
	MH_CHARGE_PEAK,
	MH_CHARGE_INACTIVE_FILE,
	MH_CHARGE_UNEVICTABLE,
	MH_CHARGE_KERNEL
};
#define MH_NR_CHARGES 5

struct mh_charge {
	uint64_t time_ns, bytes;
	uint8_t kind; /* enum mh_charge_kind */
};

/* How long a process ran, or stood in line for a CPU, in the interval that ends then. */
struct mh_ran {
	uint64_t time_ns, ns;
	uint16_t source;
	bool waited;
};

struct mh_session {
	struct mh_session_opts opts; /* its strings and arrays are the session's own */
	struct mh_reader *reader;
	struct mh_maps *maps;
	struct mh_jit_times *jit; /* for sites; NULL: not asked, or there is none */
	uint64_t start_ns;        /* absolute: 0 of every view's time */
	struct mh_range window;   /* absolute; what --time lets through */
	struct {
		struct mh_session_source *v;
		size_t nr, cap;
	} sources;
	struct {
		struct mh_gap *v;
		size_t nr, cap;
	} gaps;
	struct {
		struct mh_event *v; /* FOOTPRINT; no pointers in them */
		size_t nr, cap;
	} footprints;
	struct mh_at {
		struct mh_at_range {
			uint64_t key; /* of the space */
			struct mh_range addr;
		} * v; /* by key, then address; disjoint */
		size_t nr, cap;
		bool mappings; /* mappings have the name: v is empty */
	} at;                  /* of opts.at */
	struct {
		struct mh_charge *v; /* by time */
		size_t nr, cap;
	} charges;
	struct {
		struct mh_ran *v;
		size_t nr, cap;
	} ran;
	struct mh_frames frames; /* of call chains, once frames_read */
	bool frames_read;
	struct mh_unwind_counts unwound;
	struct mh_intervals intervals;
	uint64_t lost, throttled, nonmem, observer_cpu_ns, stall_max_ns;
	uint64_t kdamond_cpu_ns, nr_snapshots;
	uint64_t heap_lost;  /* allocations and frees: they hide no access */
	uint64_t nr_damaged; /* blocks that the last pass could not read */
	void (*progress)(void *arg, double done);
	void *progress_arg;
};

/* What an age counts in a snapshot that ends then; 0: not known. */
uint64_t mh_session_aggr_ns(const struct mh_session *s, uint16_t source,
			    uint64_t time_ns);

/*
 * The first source with rows of one of @kinds (1 << kind), or the one that was asked for
 * by name. @what: the view's name, for the message of MH_ENOSUP.
 */
int mh_session_pick(const struct mh_session *s, uint32_t kinds, const char *what,
		    const struct mh_session_source **out, struct mh_err *err);

/* Sources of these kinds fit views of what was accessed where. */
#define MH_DATA_KINDS (1u << MH_EV_REGION | 1u << MH_EV_PAGES | 1u << MH_EV_SAMPLE)

/* REGION, PAGES or SAMPLE: what an analysis of @src reads. */
enum mh_event_kind mh_session_data_kind(const struct mh_session_source *src);

/* A cursor's filter for the data of @src under the session's filters. */
void mh_session_filter(const struct mh_session *s, const struct mh_session_source *src,
		       struct mh_filter *out);

/* What a byte of source @id stands for. */
uint32_t mh_session_weight(const struct mh_session *s, uint16_t id);

int mh_session_has_pid(const struct mh_session *s, uint32_t pid);

/* META "source.<id>.<name>"; NULL, 0: not there. */
const char *mh_session_meta(const struct mh_session *s, uint16_t source,
			    const char *name);
uint64_t mh_session_meta_u64(const struct mh_session *s, uint16_t source,
			     const char *name);

/* What a value of @src means. @hits: its snapshots count hits. */
enum mh_unit mh_session_unit(const struct mh_session_source *src, bool hits);

/* Fill the provenance but for nr_intervals, nr_samples. @kinds: what the view can take.
 */
void mh_session_provenance(const struct mh_session *s,
			   const struct mh_session_source *src, uint32_t kinds,
			   struct mh_provenance *out);

/* Names of the session's addresses. @opts: as for mh_symtab_new(); the cache is the
 * session's. */
int mh_session_symtab(struct mh_symtab **out, const struct mh_session *s,
		      const struct mh_symtab_opts *opts,
		      struct mh_err *err) MH_MUST_CHECK;

/* Add the chains of copied stacks to the frames, which are read and finished. */
int mh_session_unwind(struct mh_session *s, struct mh_err *err) MH_MUST_CHECK;

/* Fill in ->at. */
int mh_at_find(struct mh_session *s, struct mh_err *err);
/* Whether a mapping's name contains @at. */
bool mh_at_names(const struct mh_mapping *m, const char *at);
/* Index of the first range at or after (@key, @addr). */
size_t mh_at_index(const struct mh_at *at, uint64_t key, uint64_t addr);

/* ---- address spaces ---- */

/*
 * A space as the analyses name it: the index for mh_maps_space(), or this bit and the
 * pid where nothing is known of it.
 */
#define MH_KEY_UNKNOWN (UINT64_C(1) << 32)

/* Remembers the last look-ups; zero it, set maps. One per thread. */
#define MH_KEYS_SLOTS 16
struct mh_keys {
	const struct mh_maps *maps;
	struct {
		uint64_t from, len, key;
		uint32_t pid;
	} slots[MH_KEYS_SLOTS];
};

uint64_t mh_keys_miss(struct mh_keys *k, uint32_t pid, uint64_t time_ns);

static inline uint64_t mh_keys_of(struct mh_keys *k, uint32_t pid, uint64_t time_ns)
{
	unsigned i = pid % MH_KEYS_SLOTS;

	if (k->slots[i].pid == pid && time_ns - k->slots[i].from < k->slots[i].len)
		return k->slots[i].key;
	return mh_keys_miss(k, pid, time_ns);
}

/* Whether what mh_keys_of() said of @pid last holds for all of @time_ns, not empty. */
static inline bool mh_keys_cover(const struct mh_keys *k, uint32_t pid,
				 struct mh_range time_ns)
{
	unsigned i = pid % MH_KEYS_SLOTS;

	return k->slots[i].pid == pid &&
	       time_ns.start - k->slots[i].from < k->slots[i].len &&
	       time_ns.end - 1 - k->slots[i].from < k->slots[i].len;
}

static inline uint32_t mh_key_pid(const struct mh_maps *maps, uint64_t key)
{
	return key & MH_KEY_UNKNOWN ? (uint32_t)key : mh_maps_space(maps, key)->pid;
}

#endif
