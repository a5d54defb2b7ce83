/* SPDX-License-Identifier: MIT */
/* Ticks at round places and labels that do not overlap: arithmetic, no drawing. */
#ifndef MEMHEAT_RENDER_AXIS_H
#define MEMHEAT_RENDER_AXIS_H

#include <stdbool.h>

#include <memheat/base.h>

struct mh_tick {
	uint64_t at;
	char text[24];
};

/*
 * Ticks inside @ns (both ends included) at multiples of a round step, at most @most of
 * them and at most @max; labelled "16 s", "250 ms", "1:30", "1:05:00". Returns how many.
 */
size_t mh_axis_time(struct mh_tick *ticks, size_t max, struct mh_range ns, unsigned most);

/* Offsets strictly between 0 and @bytes by a power of two: "+16 MiB". */
size_t mh_axis_offsets(struct mh_tick *ticks, size_t max, uint64_t bytes, unsigned most);

struct mh_label {
	double wish;   /* where its middle would best be */
	double weight; /* when room is short the heaviest stay */
	double at;     /* where its middle is, if shown */
	bool shown;
};

/*
 * Place labels of one @height between @lo and @hi without overlap, in the order of their
 * wishes, which must ascend. Returns how many are shown.
 */
size_t mh_axis_spread(struct mh_label *labels, size_t nr, double lo, double hi,
		      double height);

#endif
