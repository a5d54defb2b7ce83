/* SPDX-License-Identifier: MIT */
/* What every export says of itself: trace, source, units, what was left out and why. */
#ifndef MEMHEAT_EXPORT_ABOUT_H
#define MEMHEAT_EXPORT_ABOUT_H

#include <inttypes.h>

#include <memheat/export.h>
#include <memheat/render.h>

#define MH_ABOUT_LINES 24
#define MH_ABOUT_LEN   320

struct mh_about {
	size_t nr;
	char lines[MH_ABOUT_LINES][MH_ABOUT_LEN];
};

/* What can be told of any profile; @name: the exporter's. */
void mh_about_profile(struct mh_about *a, const char *name,
		      const struct mh_export_input *in);
/* For the tools of one program: which it is, and what is in others. */
void mh_about_program(struct mh_about *a, const struct mh_profile *p);
/* The first lines: the program's version, the trace. */
void mh_about_begin(struct mh_about *a, const char *name,
		    const struct mh_export_input *in);

/* A further line. What is said twice is a mistake, what is too much too. */
void mh_about_add(struct mh_about *a, const char *fmt, ...) MH_PRINTF(2, 3);
/* "left out: @n @what: @why"; nothing where @n is 0. */
void mh_about_left_out(struct mh_about *a, uint64_t n, const char *what, const char *why);

/* Each line behind @prefix. */
void mh_about_print(FILE *out, const struct mh_about *a, const char *prefix,
		    const char *suffix);
/* An array of strings, as the value of a key that is set. */
void mh_about_json(struct mh_json *j, const struct mh_about *a);

/* "page-faults", "cycles": what a unit of `events` is, for a person. */
const char *mh_about_events(const struct mh_profile *p);

#endif
