/* SPDX-License-Identifier: MIT */
/* Words of a verdict that several formats use. */
#ifndef MEMHEAT_RENDER_VERDICT_H
#define MEMHEAT_RENDER_VERDICT_H

#include <memheat/render.h>

#define MH_VERDICT_LINE 512

/* "190.8 MiB", "1.2 MiB/s", "-". */
const char *mh_verdict_amount(char buf[MH_TEXT_MAX], const char *metric, double v);
/* "+12.5%", "-3%"; "new" from zero; "-" where there is no ratio. */
const char *mh_verdict_change(char buf[MH_TEXT_MAX], double ratio);

/* "wss.p90", or with its limit "wss.p90<=512 MiB": unique among a verdict's metrics. */
void mh_verdict_title(char *buf, size_t size, const struct mh_verdict_metric *m);

/* One metric in a line without its name: "190.8 MiB -> 214.6 MiB  +12.5% (limit ...)" */
void mh_verdict_sentence(char *buf, size_t size, const struct mh_verdict_metric *m);

/* Rows of growth worth showing: at most @max, only what grew. */
size_t mh_verdict_nr_growth(const struct mh_verdict *v, size_t max);

/* " table.c:31" of what grew; "" where it is not known. */
#define MH_VERDICT_PLACE 112
const char *mh_verdict_place(char buf[MH_VERDICT_PLACE], const struct mh_growth *g);

/* A path as services want it: relative to the checkout where it is in that. */
const char *mh_verdict_path(const char *path);

/* "workload ended with status 3", "... was killed by signal 11"; "" if it did not fail.
 */
void mh_verdict_workload(char *buf, size_t size, const struct mh_verdict *v);

/* Earlier metrics have the same name: budgets and baselines may name one twice. */
int mh_verdict_repeated(const struct mh_verdict *v, size_t i);

#endif
