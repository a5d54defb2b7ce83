/* SPDX-License-Identifier: MIT */
/*
 * A first look at the data, to lay out the address axis: how much heat each place has,
 * which ranges were ever touched, and which ranges data exist for. Sample traces answer
 * from the blocks' occupancy, 2 MiB exact, without decoding; snapshots are read through.
 */
#ifndef MEMHEAT_ANALYZE_SURVEY_H
#define MEMHEAT_ANALYZE_SURVEY_H

#include "analyze/moments.h"
#include "analyze/numbering.h"
#include "analyze/places.h"
#include "analyze/ranges.h"
#include "analyze/scan.h"

#define MH_CHUNK (UINT64_C(1) << MH_OCCUPANCY_SHIFT)

struct mh_survey_space {
	uint64_t key;
	struct mh_ranges extents; /* data exist (samples: were touched) */
	struct mh_ranges hot;     /* touched at least once; closer than a chunk: joined */
	struct mh_ranges outside; /* touched, and in no place although places are known */
};

struct mh_survey {
	struct {
		struct mh_survey_space *v;
		size_t nr, cap;
	} spaces;                  /* sorted by key once the survey is done */
	struct mh_numbering index; /* key to spaces, while the survey is made */
	double *place_heat;        /* by index of the places that were given */
	size_t nr_places;
	struct mh_range time_ns; /* absolute, of the snapshots; empty: none */
	double heat;
};

/* NULL: no data of that space. */
const struct mh_survey_space *mh_survey_space(const struct mh_survey *sv, uint64_t key);

/*
 * What a view of all addresses begins with: data, where they may lie, and the survey. The
 * places are in line with the data: spaces of which no mapping is known get places from
 * their extents, addresses outside every mapping get some where they are hot, and what a
 * process had mapped before an exec goes if nothing was seen of it.
 */
struct mh_overview {
	const struct mh_session_source *src;
	enum mh_event_kind kind;
	struct mh_scan_opts scan;
	struct mh_places places; /* of the maps and of the data */
	struct mh_survey survey;
};

/* @what: the view's name. mh_overview_fini() whatever is returned. */
int mh_overview_init(struct mh_overview *o, struct mh_session *s, const char *what,
		     struct mh_err *err);
void mh_overview_fini(struct mh_overview *o);

#endif
