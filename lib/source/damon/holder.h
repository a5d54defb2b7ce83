/* SPDX-License-Identifier: MIT */
/* Who has DAMON, as far as its files and the kernel's threads tell; by reading only. */
#ifndef MEMHEAT_SOURCE_DAMON_HOLDER_H
#define MEMHEAT_SOURCE_DAMON_HOLDER_H

#include "source/damon/fs.h"

enum damon_held_by {
	DAMON_FREE,
	DAMON_BY_SYSFS,  /* kdamonds of the sysfs interface, that somebody made */
	DAMON_BY_MODULE, /* damon_stat, damon_reclaim or damon_lru_sort */
	DAMON_BY_US,     /* a memheat that is recording now */
	DAMON_LEFT       /* what a killed memheat left: ours to remove */
};

struct damon_holder {
	enum damon_held_by by;
	char module[32];     /* DAMON_BY_MODULE: its name */
	char operations[16]; /* of its first context; "" if not known */
	uint64_t nr_kdamonds;
	uint64_t index; /* DAMON_BY_SYSFS: of the first that runs */
	pid_t kdamond;  /* thread id of the one that runs; 0: none runs, or not known */
	pid_t recorder; /* DAMON_BY_US */
};

/*
 * Returns MH_OK; MH_ENOSUP, MH_EPERM when DAMON's files cannot be read at all.
 */
int mh_damon_holder_read(struct damon_holder *out, struct damon_fs *fs,
			 struct mh_err *err) MH_MUST_CHECK;

/* The modules alone, where kdamonds of ours stand in the way. False: none runs. */
bool mh_damon_holder_module(struct damon_holder *out, struct damon_fs *fs);

/* Read anew what the kdamond of its index watches. */
void mh_damon_holder_operations(struct damon_holder *h, struct damon_fs *fs);

/* In words, as "kdamond 77 (paddr), set up through sysfs". */
void mh_damon_holder_words(char *buf, size_t size, const struct damon_holder *h);

#endif
