/* SPDX-License-Identifier: MIT */
/*
 * What each backend exports, for the registry alone: the folders of the backends are
 * private.
 */
#ifndef MEMHEAT_SOURCE_BACKENDS_H
#define MEMHEAT_SOURCE_BACKENDS_H

#include <memheat/source.h>

extern const struct mh_source_ops mh_source_damon;
extern const struct mh_source_ops mh_source_damon_vaddr;
extern const struct mh_source_ops mh_source_damon_fvaddr;
extern const struct mh_source_ops mh_source_damon_paddr;
extern const struct mh_source_ops mh_source_damon_attach;
extern const struct mh_source_ops mh_source_damon_stat;
extern const struct mh_source_ops mh_source_faults;
extern const struct mh_source_ops mh_source_idle;
extern const struct mh_source_ops mh_source_mem;
extern const struct mh_source_ops mh_source_mglru;
extern const struct mh_source_ops mh_source_refs;

#endif
