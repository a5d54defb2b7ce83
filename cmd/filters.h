/* SPDX-License-Identifier: MIT */
/*
 * The filters that all readers of traces share: one fragment of an option table, and what
 * it means for events. Times are relative to the trace's start.
 */
#ifndef MEMHEAT_FILTERS_H
#define MEMHEAT_FILTERS_H

#include <memheat/analyze.h>
#include <memheat/symbol.h>
#include <memheat/trace.h>

#include "cache_dir.h"
#include "options.h"

struct mh_filters {
	const char *input; /* -i FILE */
	struct mh_range time_ns, addr;
	const char *at;
	struct mh_ids pids, tids;
	double min_rate;
	uint64_t min_size;
	struct mh_range age_ns;
	uint64_t skip;
	const char *source;
	int no_cache;
};

/* For MH_OPT_GROUP; offsets count from a struct mh_filters. */
extern const struct mh_option mh_input_option[]; /* -i FILE alone */
extern const struct mh_option mh_filter_options[];
extern const struct mh_option mh_cache_option[]; /* of who names addresses */

/*
 * The trace to read: -i FILE, the first operand, or memheat.data.
 *
 * Returns NULL when there is more than one; that was told.
 */
const char *mh_filters_input(const struct mh_filters *f, const struct mh_cmd *cmd, int nr,
			     char **operands);

/* For the analyses; borrows from @f. */
void mh_filters_session(struct mh_session_opts *out, const struct mh_filters *f);
/* The same with kept names, unless --no-cache was given; borrows @cache_dir, too. */
void mh_filters_naming(struct mh_session_opts *out, const struct mh_filters *f,
		       char cache_dir[MH_CACHE_DIR_MAX]);

/*
 * A walk over a trace's events under the filters: first what describes the rest (META,
 * TASK, MAP; of the wanted processes, but of all times), then the data in file order.
 */
struct mh_walk {
	const struct mh_reader *reader;
	const struct mh_filters *filters;
	uint32_t kinds; /* 1 << enum mh_event_kind; 0: all */
	int source;     /* id + 1; 0: as the filters say */
	mh_event_fn fn;
	void *arg;
	void (*progress)(void *arg, double done); /* NULL: none */
	void *progress_arg;
	struct mh_session *session; /* of mh_walk_at(), for the caller to close; NULL */
	uint64_t nr_damaged;        /* out: blocks that could not be read */
};
/* Let --at name variables and allocating functions, too, which needs a look at all of the
 * trace at @path. */
int mh_walk_at(struct mh_walk *w, const char *path, struct mh_err *err) MH_MUST_CHECK;
int mh_walk_run(struct mh_walk *w, struct mh_err *err) MH_MUST_CHECK;

/* META "source.<id>.<key>"; NULL: not there. */
const char *mh_source_meta(const struct mh_reader *r, unsigned id, const char *key);

/* Whether a META key is "source.<id>.name", and its id. */
int mh_is_source_name(const char *key, unsigned *id);

/* Id of the source of that name; MH_EINPUT names those that are there. */
int mh_source_id(unsigned *out, const struct mh_reader *r, const char *name,
		 struct mh_err *err) MH_MUST_CHECK;

/* META "source.<id>.sample_us", "source.<id>.aggr_us" as a number; 0: not there. */
uint64_t mh_source_number(const struct mh_reader *r, unsigned id, const char *key);

#endif
