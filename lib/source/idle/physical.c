/* SPDX-License-Identifier: MIT */
/*
 * Every page frame of RAM is wanted; those that are on no LRU list (free, slab, page
 * tables, the kernel) come out as not observed. A frame that came onto a list since the
 * scan before was allocated in the interval, which counts as accessed, or a page was
 * moved there, with its idle bit.
 */
#include "source/idle/physical.h"

#include "source/idle/kinds.h"

#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_frames(struct idle_physical *ram, uint64_t start, uint64_t end,
		      struct mh_err *err)
{
	while (start < end) {
		uint64_t cut = (start / IDLE_BLOCK_PFNS + 1) * IDLE_BLOCK_PFNS;
		struct mh_range *piece = mh_vec_push(&ram->pieces);

		if (!piece)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		*piece = (struct mh_range){ start, cut < end ? cut : end };
		start = piece->end;
	}
	return MH_OK;
}

/* The part of [start, end) that is asked for. */
static int add_ram(struct idle_physical *ram, const struct mh_target *target,
		   struct mh_range found, unsigned shift, struct mh_err *err)
{
	uint64_t page = 1ull << shift;
	int status = MH_OK;
	size_t i;

	if (!target->nr_ranges)
		return add_frames(ram, (found.start + page - 1) >> shift,
				  found.end >> shift, err);
	for (i = 0; !status && i < target->nr_ranges; i++) {
		struct mh_range part = target->ranges[i];

		if (part.start < found.start)
			part.start = found.start;
		if (part.end > found.end)
			part.end = found.end;
		if (part.start < part.end)
			status = add_frames(ram, (part.start + page - 1) >> shift,
					    part.end >> shift, err);
	}
	return status;
}

int mh_idle_physical_init(struct idle_physical *ram, const char *sysroot,
			  const struct mh_target *target, unsigned page_shift,
			  struct mh_err *err)
{
	char path[PATH_MAX], line[256], name[128];
	struct mh_range found;
	int status = MH_OK;
	FILE *in;

	snprintf(path, sizeof(path), "%s/proc/iomem", sysroot);
	in = fopen(path, "re");
	if (!in)
		return mh_fail_errno(err, "cannot open /proc/iomem");
	while (!status && fgets(line, sizeof(line), in)) {
		/* Indented lines are parts of the ones above them. */
		if (line[0] == ' ' ||
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " : %127[^\n]", &found.start,
			   &found.end, name) != 3 ||
		    strcmp(name, "System RAM"))
			continue;
		found.end++;
		status = add_ram(ram, target, found, page_shift, err);
	}
	fclose(in);
	if (!status && !ram->pieces.nr)
		return mh_fail(err, MH_ENOTARGET,
			       "/proc/iomem tells of no System RAM in the ranges asked "
			       "for");
	return status;
}

int mh_idle_physical_choose(struct idle_physical *ram, struct mh_err *err)
{
	uint64_t end = 0;
	size_t i;

	for (i = 0; i < ram->pieces.nr; i++)
		if (ram->pieces.v[i].end > end)
			end = ram->pieces.v[i].end;
	ram->nr_only = (size_t)(end / 64 + 1);
	ram->only = calloc(ram->nr_only, sizeof(*ram->only));
	return ram->only ? MH_OK : mh_fail(err, MH_ENOMEM, "out of memory");
}

void mh_idle_physical_set(struct idle_physical *ram, uint64_t pfn)
{
	ram->only[pfn / 64] |= 1ull << pfn % 64;
}

void mh_idle_physical_unset(struct idle_physical *ram)
{
	memset(ram->only, 0, ram->nr_only * sizeof(*ram->only));
}

static bool is_chosen(const struct idle_physical *ram, const struct idle_scan *scan,
		      uint64_t pfn)
{
	return (!ram->only || ram->only[pfn / 64] >> pfn % 64 & 1) &&
	       mh_idle_is_sampled(scan, pfn);
}

int mh_idle_physical_want(struct idle_physical *ram, struct idle_scan *scan,
			  struct mh_err *err)
{
	int status = MH_OK;
	uint64_t pfn;
	size_t i;

	for (i = 0; !status && i < ram->pieces.nr; i++) {
		struct mh_range pfns = ram->pieces.v[i];

		for (pfn = pfns.start; !status && pfn < pfns.end; pfn++) {
			if (!is_chosen(ram, scan, pfn))
				continue;
			scan->sums.nr_present++;
			status = mh_idle_blocks_want(&scan->blocks, pfn, 1, err);
		}
	}
	return status;
}

static uint64_t mix(uint64_t h, const uint8_t *bits)
{
	size_t i;

	for (i = 0; i < IDLE_BLOCK_PFNS / 8; i += 8) {
		uint64_t word;

		memcpy(&word, bits + i, 8);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return h;
}

/* Again where they are others than the last time, by a sum of 64 bits. */
static int tell_kinds(uint64_t *told, struct mh_range pfns, const struct idle_scan *scan,
		      const uint8_t *known, const uint8_t *file, struct mh_err *err)
{
	struct idle_kinds kinds = { .start = pfns.start << scan->page_shift,
				    .nr = mh_range_len(pfns),
				    .page_shift = scan->page_shift,
				    .known = known,
				    .file = file,
				    .first_pfn = pfns.start };
	uint64_t sum = mix(mix(1, known), file);

	if (*told == sum)
		return MH_OK;
	*told = sum;
	return mh_idle_kinds_tell(&kinds, &scan->nodes, scan->round, err);
}

static int tell_piece(const struct idle_physical *ram, struct mh_range pfns,
		      uint64_t *told, struct idle_scan *scan, uint64_t armed_ns,
		      struct mh_err *err)
{
	uint8_t accessed[IDLE_BLOCK_PFNS / 8] = { 0 },
					   observed[IDLE_BLOCK_PFNS / 8] = { 0 },
					   file[IDLE_BLOCK_PFNS / 8] = { 0 };
	uint64_t i, nr = 0, page = scan->unit;
	int status;
	struct mh_event ev = mh_round_event(scan->round, MH_EV_PAGES);

	for (i = 0; i < mh_range_len(pfns); i++) {
		enum idle_state state =
			mh_idle_blocks_state(&scan->blocks, pfns.start + i);
		bool anon;

		if (state == IDLE_UNTRACKED || !is_chosen(ram, scan, pfns.start + i))
			continue;
		if (state == IDLE_UNARMED &&
		    mh_idle_blocks_is_idle(&scan->blocks, pfns.start + i))
			state = IDLE_IDLE;
		nr++;
		scan->sums.observed += page;
		observed[i / 8] |= (uint8_t)(1u << i % 8);
		mh_idle_nodes_count(&scan->nodes, pfns.start + i, page,
				    state != IDLE_IDLE ? page : 0);
		anon = mh_idle_blocks_is_anon(&scan->blocks, pfns.start + i);
		mh_idle_count_type(scan, anon, page, state != IDLE_IDLE ? page : 0);
		if (!anon)
			file[i / 8] |= (uint8_t)(1u << i % 8);
		if (state == IDLE_IDLE)
			continue;
		accessed[i / 8] |= (uint8_t)(1u << i % 8);
	}
	if (!nr)
		return MH_OK;
	status = tell_kinds(told, pfns, scan, observed, file, err);
	if (status)
		return status;
	ev.pages.start_ns = armed_ns;
	ev.pages.start = pfns.start << scan->page_shift;
	ev.pages.nr_pages = mh_range_len(pfns);
	ev.pages.page_shift = (uint8_t)scan->page_shift;
	ev.pages.layer = MH_PAGES_ACCESS;
	ev.pages.accessed = accessed;
	ev.pages.observed = nr < mh_range_len(pfns) ? observed : NULL;
	return mh_round_send(scan->round, &ev, err);
}

int mh_idle_physical_tell(struct idle_physical *ram, struct idle_scan *scan,
			  uint64_t armed_ns, struct mh_err *err)
{
	int status = MH_OK;
	size_t i;

	if (!ram->told)
		ram->told = calloc(ram->pieces.nr + 1, sizeof(*ram->told));
	if (!ram->told)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (i = 0; armed_ns && !status && i < ram->pieces.nr; i++)
		status = tell_piece(ram, ram->pieces.v[i], &ram->told[i], scan, armed_ns,
				    err);
	return status;
}

void mh_idle_physical_fini(struct idle_physical *ram)
{
	free(ram->pieces.v);
	free(ram->only);
	free(ram->told);
}
