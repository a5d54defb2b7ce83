/* SPDX-License-Identifier: MIT */
/* Snapshots summed up over time: the heat of every byte, as pieces of equal density. */
#ifndef MEMHEAT_ANALYZE_DENSITY_H
#define MEMHEAT_ANALYZE_DENSITY_H

#include "analyze/numbering.h"
#include "analyze/pass.h"
#include "analyze/scan.h"

struct mh_density_piece {
	uint64_t key;
	struct mh_range addr;
	double per_byte; /* value x ns, summed over the snapshots */
	double seen_ns;  /* observed for so long */
};

struct mh_density {
	struct {
		struct mh_density_piece *v;
		size_t nr, cap;
	} pieces; /* by key, then address */
};

/* .arg: the scan options, .part is private. */
void mh_density_analysis(struct mh_analysis *out, const struct mh_scan_opts *scan);
/* Consumes a->part. @cold: pieces without heat too, else only those that have some. */
int mh_density_take(struct mh_density *out, struct mh_analysis *a, bool cold,
		    struct mh_err *err);
void mh_density_fini(struct mh_density *d);

#endif
