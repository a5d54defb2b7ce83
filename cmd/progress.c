/* SPDX-License-Identifier: MIT */
/*
 * Progress appears on a terminal only, after half a second, ten times a second at most,
 * and is taken away at the end: what is short needs none, and a log wants none.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <memheat/render.h>

#include "progress.h"

#define FIRST_NS 500000000ull
#define EVERY_NS 100000000ull

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void mh_progress_start(struct mh_progress *p, const char *what)
{
	*p = (struct mh_progress){ .what = what,
				   .tty = isatty(STDERR_FILENO),
				   .start_ns = now_ns() };
}

void mh_progress_update(void *arg, double done)
{
	struct mh_progress *p = arg;
	char eta[MH_TEXT_MAX];
	uint64_t now, spent;

	if (!p->tty || !(done > 0) || done > 1)
		return;
	now = now_ns();
	spent = now - p->start_ns;
	if (spent < FIRST_NS || now - p->last_ns < EVERY_NS)
		return;
	p->last_ns = now;
	p->shown = 1;
	fprintf(stderr, "\rmemheat: %s  %3.0f%%  ETA %s \033[K", p->what, done * 100,
		mh_text_ns(eta, (uint64_t)((double)spent * (1 - done) / done)));
}

void mh_progress_end(struct mh_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = 0;
}
