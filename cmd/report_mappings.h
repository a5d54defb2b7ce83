/* SPDX-License-Identifier: MIT */
/* The table of mappings, which the summary shows too. */
#ifndef MEMHEAT_REPORT_MAPPINGS_H
#define MEMHEAT_REPORT_MAPPINGS_H

#include <stdio.h>

#include <memheat/view.h>

/* The first @max rows as text; what is left out is counted in a line. */
int mh_report_mappings_text(FILE *out, const struct mh_mappings *m, size_t max, int utf8,
			    struct mh_err *err) MH_MUST_CHECK;

#endif
