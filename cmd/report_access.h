/* SPDX-License-Identifier: MIT */
/*
 * One snapshot's regions in other forms than the list in order of address: sorted, as
 * bytes by idle time or temperature, as a line of heat. DAMO's `report access`.
 */
#ifndef MEMHEAT_CMD_REPORT_ACCESS_H
#define MEMHEAT_CMD_REPORT_ACCESS_H

#include "report.h"

enum mh_access_style {
	MH_ACCESS_LIST,
	MH_ACCESS_RECENCY,
	MH_ACCESS_TEMPERATURE,
	MH_ACCESS_LINE
};

enum mh_access_sort {
	MH_SORT_ADDRESS,
	MH_SORT_RATE,
	MH_SORT_AGE,
	MH_SORT_SIZE,
	MH_SORT_TEMPERATURE,
	MH_SORT_CODE /* from here on enum mh_code_sort */
};

struct mh_access {
	const struct mh_report_opts *opts;
	const struct mh_terminal *term;
	uint64_t aggr_us; /* of the snapshot; 0: not known */
	struct {
		struct mh_ev_region *v;
		size_t nr, cap;
	} rows;
};

/* Whether the options ask for another form than the plain list. */
int mh_access_wanted(const struct mh_report_opts *opts);

int mh_access_add(struct mh_access *a, const struct mh_ev_region *row,
		  struct mh_err *err);
/* Print the snapshot that was added and begin the next. */
int mh_access_end(struct mh_access *a, FILE *out, struct mh_err *err);
void mh_access_fini(struct mh_access *a);

#endif
