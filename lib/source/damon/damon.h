/* SPDX-License-Identifier: MIT */
/* The backends on DAMON, for the registry: one by itself, and its ways by name. */
#ifndef MEMHEAT_SOURCE_DAMON_DAMON_H
#define MEMHEAT_SOURCE_DAMON_DAMON_H

#include <memheat/source.h>

extern const struct mh_source_ops mh_source_damon;
extern const struct mh_source_ops mh_source_damon_vaddr;
extern const struct mh_source_ops mh_source_damon_fvaddr;
extern const struct mh_source_ops mh_source_damon_paddr;
extern const struct mh_source_ops mh_source_damon_attach;
extern const struct mh_source_ops mh_source_damon_stat;

#endif
