/* SPDX-License-Identifier: MIT */
/* A pager between a long text and a person. */
#ifndef MEMHEAT_PAGER_H
#define MEMHEAT_PAGER_H

#include <stdio.h>
#include <sys/types.h>

/*
 * Start $MEMHEAT_PAGER, $PAGER or less when standard output is a terminal, and make *f
 * the pipe to it. Otherwise, and when none can be started, both are left alone.
 */
void mh_pager_start(pid_t *pid, FILE **f);

/* Close the pipe and wait until the person has read enough. */
void mh_pager_wait(pid_t pid, FILE *f);

#endif
