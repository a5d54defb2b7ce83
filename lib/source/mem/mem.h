/* SPDX-License-Identifier: MIT */
/* The backend `mem`, for the registry. */
#ifndef MEMHEAT_SOURCE_MEM_MEM_H
#define MEMHEAT_SOURCE_MEM_MEM_H

#include <memheat/source.h>

extern const struct mh_source_ops mh_source_mem;

#endif
