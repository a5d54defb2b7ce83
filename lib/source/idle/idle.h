/* SPDX-License-Identifier: MIT */
/* The page_idle bitmap's source, opened on files of a test's own. */
#ifndef MEMHEAT_SOURCE_IDLE_IDLE_H
#define MEMHEAT_SOURCE_IDLE_IDLE_H

#include <memheat/source.h>

#include "source/idle/blocks.h"

extern const struct mh_source_ops mh_source_idle;

/* Put @io in place of the kernel's files; its memory is lent until close. */
void mh_idle_use(struct mh_source *src, const struct idle_io *io);

#endif
