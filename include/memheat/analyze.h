/* SPDX-License-Identifier: MIT */
/*
 * Analyses: batches in, a view out. Several share one pass over the trace.
 *
 * An analysis is a struct of functions; mh_analysis_run() opens cursors with what all of
 * them need, feeds the batches, and merges what parallel workers found. The typed
 * mh_<view>_analyze() calls below are the usual way in.
 */
#ifndef MEMHEAT_ANALYZE_H
#define MEMHEAT_ANALYZE_H

#include <memheat/base.h>
#include <memheat/symbol.h>
#include <memheat/trace.h>
#include <memheat/view.h>

/*
 * A trace that was opened for analysis: the reader, its address spaces, which source a
 * view takes, and the filters. Small tables (MAP, TASK, META, STAT, GAP, LOST) are read
 * at open.
 */
struct mh_session;

struct mh_session_opts {
	struct mh_filter filter; /* time_ns here is relative to the trace's start */
	const char *source;      /* name; NULL: the first that fits the view */
	const char *at;          /* only mappings whose name contains it; NULL: all */
	double min_rate;         /* leave out what is below this share of checks, 0..1 */
	uint64_t min_size;       /* leave out smaller regions */
	struct mh_range age_ns; /* only regions of this age; 0, 0: all */
	uint64_t skip;    /* leave out so many snapshots or intervals at the start */
	unsigned threads; /* for data passes; 0: one per CPU, 8 at most */
};

int mh_session_open(struct mh_session **out, const char *path,
		    const struct mh_session_opts *opts, struct mh_err *err) MH_MUST_CHECK;
void mh_session_close(struct mh_session *s);
const struct mh_reader *mh_session_reader(const struct mh_session *s);
const struct mh_maps *mh_session_maps(const struct mh_session *s);
/* Progress of a running analysis, 0..1, for a person. Called from the calling thread. */
void mh_session_on_progress(struct mh_session *s, void (*fn)(void *arg, double done),
			    void *arg);

struct mh_heatmap_opts {
	uint32_t rows, cols; /* cells; 0: 200 x 400 */
	int plain;           /* one contiguous range, no bands (JSON's map) */
	int no_collapse;     /* true scale: cold runs are drawn */
	struct mh_range
		addr;   /* plain: this range; 0, 0: busiest process's hottest range */
	int cells_damo; /* DAMO's cell rule */
};

/* Each fills *out (zeroed before), which the caller releases with its _fini.
 * MH_ENOSUP when no source of the trace fits the view (the message says which would). */
int mh_heatmap_analyze(struct mh_heatmap *out, struct mh_session *s,
		       const struct mh_heatmap_opts *opts,
		       struct mh_err *err) MH_MUST_CHECK;
int mh_wss_analyze(struct mh_wss *out, struct mh_session *s,
		   struct mh_err *err) MH_MUST_CHECK;
int mh_mappings_analyze(struct mh_mappings *out, struct mh_session *s,
			struct mh_err *err) MH_MUST_CHECK;
int mh_footprint_analyze(struct mh_footprint *out, struct mh_session *s,
			 struct mh_err *err) MH_MUST_CHECK;
/* Of sources that give snapshots. */
int mh_cold_analyze(struct mh_cold *out, struct mh_session *s,
		    struct mh_err *err) MH_MUST_CHECK;
int mh_counts_analyze(struct mh_counts *out, struct mh_session *s,
		      struct mh_err *err) MH_MUST_CHECK;
int mh_times_analyze(struct mh_times *out, struct mh_session *s,
		     struct mh_err *err) MH_MUST_CHECK;
int mh_summary_analyze(struct mh_summary *out, struct mh_session *s,
		       struct mh_err *err) MH_MUST_CHECK;

#endif
