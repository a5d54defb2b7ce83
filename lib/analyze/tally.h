/* SPDX-License-Identifier: MIT */
/*
 * What data say of each row of the view `mappings`: heat, working set sizes, busy time,
 * idle bytes at the end, and the hottest range.
 */
#ifndef MEMHEAT_ANALYZE_TALLY_H
#define MEMHEAT_ANALYZE_TALLY_H

#include "analyze/pass.h"
#include "analyze/rows.h"
#include "analyze/scan.h"

struct mh_tally_frame {
	const struct mh_scan_opts *scan;
	const struct mh_places *places;
	const struct mh_rows *rows;
	struct mh_range time_ns; /* absolute: of all data */
	bool periods;            /* samples: weigh by period */
};

/*
 * The analyses: .arg is the frame, .part is private. Then fill the rows from the part,
 * which is consumed, and get how many samples or ranges were in no place.
 */
void mh_tally_snapshots(struct mh_analysis *out, const struct mh_tally_frame *f);
int mh_tally_snapshots_take(struct mh_rows *rows, uint64_t *nr_outside,
			    struct mh_analysis *a, struct mh_err *err);

void mh_tally_samples(struct mh_analysis *out, const struct mh_tally_frame *f);
int mh_tally_samples_take(struct mh_rows *rows, uint64_t *nr_outside,
			  struct mh_analysis *a, struct mh_err *err);

#endif
