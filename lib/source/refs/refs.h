/* SPDX-License-Identifier: MIT */
/* The backend `refs`, for the registry. */
#ifndef MEMHEAT_SOURCE_REFS_REFS_H
#define MEMHEAT_SOURCE_REFS_REFS_H

#include <memheat/source.h>

extern const struct mh_source_ops mh_source_refs;

#endif
