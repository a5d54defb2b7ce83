/* SPDX-License-Identifier: MIT */
/*
 * Ticks and labels. Time steps are the ones of clocks (1, 2, 5, 10, 15, 30), size steps
 * powers of two: an offset of +10 MB would lie in no page's beginning.
 */
#include "render/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/text.h"

#define SECOND 1000000000ull

static uint64_t time_step(uint64_t len, unsigned most)
{
	static const uint64_t clock[] = { 1,    2,    5,     10,    15,   30,
					  60,   120,  300,   600,   900,  1800,
					  3600, 7200, 21600, 43200, 86400 };
	uint64_t step = 1, decade;
	size_t i;

	if (!most)
		most = 1;
	for (decade = 1; decade < SECOND; decade *= 10) {
		for (i = 0; i < 3; i++) {
			step = clock[i] * decade;
			if (len / step < most)
				return step;
		}
	}
	for (i = 0; i < sizeof(clock) / sizeof(clock[0]); i++) {
		step = clock[i] * SECOND;
		if (len / step < most)
			return step;
	}
	/* Days, doubled until they fit. */
	while (len / step >= most && step < UINT64_MAX / 2)
		step *= 2;
	return step;
}

/* Digits after the point that tell multiples of @step ns of a @unit apart. */
static int decimals(uint64_t step, uint64_t unit)
{
	int n = 0;

	while (unit > 1 && step % unit) {
		unit /= 10;
		n++;
	}
	return n;
}

static void time_text(char *buf, size_t size, uint64_t at, uint64_t step, uint64_t end)
{
	unsigned long long s = at / SECOND;
	double rest = (double)(at % SECOND) / SECOND;
	int digits = decimals(step, SECOND);
	int width = digits ? 3 + digits : 2;

	if (end < 10000)
		snprintf(buf, size, "%llu ns", (unsigned long long)at);
	else if (end < SECOND / 100)
		snprintf(buf, size, "%.*f us", decimals(step, 1000), (double)at / 1e3);
	else if (end <= SECOND)
		snprintf(buf, size, "%.*f ms", decimals(step, 1000000), (double)at / 1e6);
	else if (end <= 120 * SECOND)
		snprintf(buf, size, "%.*f s", digits, (double)at / SECOND);
	else if (end <= 3600 * SECOND)
		snprintf(buf, size, "%llu:%0*.*f", s / 60, width, digits,
			 (double)(s % 60) + rest);
	else
		snprintf(buf, size, "%llu:%02llu:%0*.*f", s / 3600, s / 60 % 60, width,
			 digits, (double)(s % 60) + rest);
}

size_t mh_axis_time(struct mh_tick *ticks, size_t max, struct mh_range ns, unsigned most)
{
	uint64_t step, at;
	size_t n = 0;

	if (max > most)
		max = most;
	if (ns.end <= ns.start || !max)
		return 0;
	step = time_step(mh_range_len(ns), (unsigned)max);
	at = ns.start / step * step;
	if (at < ns.start && __builtin_add_overflow(at, step, &at))
		return 0;
	while (at <= ns.end && n < max) {
		ticks[n].at = at;
		time_text(ticks[n].text, sizeof(ticks[n].text), at, step, ns.end);
		n++;
		if (__builtin_add_overflow(at, step, &at))
			break;
	}
	return n;
}

size_t mh_axis_offsets(struct mh_tick *ticks, size_t max, uint64_t bytes, unsigned most)
{
	uint64_t step = 1, at;
	size_t n = 0;

	if (max > most)
		max = most;
	if (!max || !bytes)
		return 0;
	while ((bytes - 1) / step > max) {
		if (step > UINT64_MAX / 2)
			return 0;
		step *= 2;
	}
	for (at = step; at < bytes && n < max; n++) {
		char size[MH_TEXT_MAX];

		ticks[n].at = at;
		snprintf(ticks[n].text, sizeof(ticks[n].text), "+%.20s",
			 mh_text_bytes(size, at));
		if (__builtin_add_overflow(at, step, &at)) {
			n++;
			break;
		}
	}
	return n;
}

/* Show the @room heaviest; ties go to the first. */
static size_t choose(struct mh_label *labels, size_t nr, size_t room)
{
	size_t shown = 0, i;

	for (i = 0; i < nr; i++)
		labels[i].shown = nr <= room;
	if (nr <= room)
		return nr;
	while (shown < room) {
		size_t best = nr;

		for (i = 0; i < nr; i++) {
			if (!labels[i].shown &&
			    (best == nr || labels[i].weight > labels[best].weight))
				best = i;
		}
		labels[best].shown = true;
		shown++;
	}
	return shown;
}

size_t mh_axis_spread(struct mh_label *labels, size_t nr, double lo, double hi,
		      double height)
{
	size_t room = hi > lo && height > 0 ? (size_t)((hi - lo) / height) : 0;
	size_t shown = choose(labels, nr, room), i;
	double limit = lo;

	/* Down: no label before the end of the one above. */
	for (i = 0; i < nr; i++) {
		if (!labels[i].shown)
			continue;
		labels[i].at = fmax(labels[i].wish, limit + height / 2);
		limit = labels[i].at + height / 2;
	}
	/* Up: what ran over the end pushes back. */
	limit = hi;
	for (i = nr; i-- > 0;) {
		if (!labels[i].shown)
			continue;
		labels[i].at = fmin(labels[i].at, limit - height / 2);
		limit = labels[i].at - height / 2;
	}
	return shown;
}
