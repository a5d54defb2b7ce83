/* SPDX-License-Identifier: MIT */
/*
 * The command of a recording: forked early, held before its exec until the sources are
 * ready. It gets everything as we got it: standard input and output, terminal, process
 * group, signal dispositions and mask, limits. So it must be spawned before any of these
 * is changed.
 */
#ifndef MEMHEAT_RECORD_SPAWN_H
#define MEMHEAT_RECORD_SPAWN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <memheat/base.h>

struct mh_child {
	pid_t pid;         /* 0: none */
	int pidfd;         /* readable when it has ended; -1: kernel before 5.3 */
	int go_fd;         /* a byte lets it go, closing it makes it leave */
	int errno_fd;      /* errno of an exec that failed, or end of file */
	int status;        /* of wait(2); -1: not ended */
	struct rusage use; /* its own and its waited-for children's, once ended */
};

/*
 * Look for the command, so that a misspelt name is told before anything is recorded.
 *
 * Returns MH_OK, then it is @path unless PATH is not set; MH_ENOTARGET (sys_errno as of
 * execve(2)).
 */
int mh_child_look(char path[PATH_MAX], const char *name,
		  struct mh_err *err) MH_MUST_CHECK;

/*
 * Fork.
 *
 * @env: "NAME=VALUE" on top of our environment, ended by NULL; NULL: nothing
 * @quiet_stdout: its standard output is our standard error, because ours is the trace
 * Returns MH_OK; MH_ESYS, MH_ENOMEM.
 */
int mh_child_spawn(struct mh_child *c, char *const *argv, const char *const *env,
		   bool quiet_stdout, struct mh_err *err) MH_MUST_CHECK;

/* Let it exec; returns when it has. MH_ENOTARGET with sys_errno when it could not. */
int mh_child_go(struct mh_child *c, const char *name, struct mh_err *err) MH_MUST_CHECK;

/* Collect its end if it has ended; true then, and c->status is set. */
bool mh_child_reap(struct mh_child *c);

/* Collect other children that have ended: orphans that a subreaper is given. */
void mh_child_reap_orphans(const struct mh_child *c);

/* Before mh_child_go() the child leaves; after it, it is left running. */
void mh_child_fini(struct mh_child *c);

#endif
