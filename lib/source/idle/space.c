/* SPDX-License-Identifier: MIT */
/*
 * An access belongs to an address, the bit to a page frame; the frame of each address is
 * looked up anew in every scan and compared with the scan before:
 *
 *	frame was armed (for whomever)      the bitmap tells
 *	same frame, not tracked before      not observed
 *	other frame, idle bit there         idle: it was moved, and its bit with it
 *	other frame, or none before         accessed: it was faulted in, or used and moved
 *
 * A page that several watched processes map is told once, in the first of them: its bit
 * is one, and sizes must add up. So are the sums of bytes.
 *
 * Mappings are cut into pieces as large as a block of the bitmap, and a piece without
 * pages is not told, so that a reserve of terabytes costs nothing.
 */
#include "source/idle/space.h"

#include "base/vec.h"
#include "source/idle/kinds.h"
#include "source/maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE_PAGES 32768u /* 256 KiB of pagemap in one read */

/* ---- looking ---- */

static int reserve_entries(struct idle_view *view, size_t nr, struct mh_err *err)
{
	size_t cap = view->entries.cap ? view->entries.cap : 4096;
	uint64_t *v;

	if (view->entries.nr + nr <= view->entries.cap)
		return MH_OK;
	while (cap < view->entries.nr + nr)
		cap *= 2;
	v = reallocarray(view->entries.v, cap, sizeof(*v));
	if (!v)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	view->entries.v = v;
	view->entries.cap = cap;
	return MH_OK;
}

static int want_page(struct idle_scan *scan, uint64_t entry, struct mh_err *err)
{
	uint64_t pfn = entry & PAGEMAP_PFN_MASK;

	if (!(entry & PAGEMAP_PRESENT)) {
		if (entry & PAGEMAP_SWAPPED)
			scan->sums.swapped += 1ull << scan->page_shift;
		return MH_OK;
	}
	scan->sums.nr_present++;
	if (!pfn) {
		scan->sums.nr_hidden++;
		return MH_OK;
	}
	return mh_idle_is_sampled(scan, pfn)
		       ? mh_idle_blocks_want(&scan->blocks, pfn, 1, err)
		       : MH_OK;
}

/*
 * Pages from the first one on, frame after frame in one word of the bitmap and alike in
 * all else: most memory is, and is handled by words of bits.
 */
static size_t run_length(const uint64_t *entries, size_t nr)
{
	size_t n = 1, max = 64 - entries[0] % 64; /* the frame's number is lowest */

	while (n < nr && n < max && entries[n] == entries[0] + n)
		n++;
	return n;
}

static uint64_t run_mask(size_t nr)
{
	return ~0ull >> (64 - nr);
}

static int want_run(struct idle_scan *scan, const uint64_t *entries, size_t nr,
		    struct mh_err *err)
{
	uint64_t pfn = entries[0] & PAGEMAP_PFN_MASK;
	int status = MH_OK;
	size_t i;

	if (scan->one_in <= 1 && pfn && entries[0] & PAGEMAP_PRESENT) {
		scan->sums.nr_present += nr;
		return mh_idle_blocks_want(&scan->blocks, pfn, run_mask(nr), err);
	}
	for (i = 0; !status && i < nr; i++)
		status = want_page(scan, entries[i], err);
	return status;
}

static int look_at_piece(struct idle_view *view, struct idle_scan *scan,
			 struct pagemap *pm, uint64_t start, size_t nr,
			 struct mh_err *err)
{
	struct idle_piece *piece = mh_vec_push(&view->pieces);
	size_t i, run;
	int status;

	if (!piece)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*piece = (struct idle_piece){ .start = start,
				      .first = view->entries.nr,
				      .nr = nr };
	status = reserve_entries(view, nr, err);
	if (!status)
		status = mh_pagemap_read(pm, view->entries.v + piece->first, start, nr,
					 err);
	if (status)
		return status;
	view->entries.nr += nr;
	for (i = 0; !status && i < nr; i += run) {
		const uint64_t *entries = view->entries.v + piece->first + i;

		run = run_length(entries, nr - i);
		status = want_run(scan, entries, run, err);
	}
	return status;
}

/* Pieces are cut at multiples of their size, so that a mapping that grows changes its
 * last one only. */
static int look_at_mapping(struct idle_space *p, struct idle_scan *scan,
			   struct pagemap *pm, const struct vma *vma, struct mh_err *err)
{
	uint64_t size = (uint64_t)PIECE_PAGES << scan->page_shift;
	uint64_t at = vma->start, start, end;
	int status = MH_OK;

	while (!status && at < vma->end) {
		at = mh_pagemap_skip_hole(pm, at, vma->end);
		if (at >= vma->end)
			break;
		start = at & ~(size - 1);
		end = start + size;
		if (start < vma->start)
			start = vma->start;
		if (end > vma->end || end < start)
			end = vma->end;
		status = look_at_piece(&p->now, scan, pm, start,
				       (size_t)((end - start) >> scan->page_shift), err);
		at = end;
	}
	return status;
}

/* The upper half is the kernel's: [vsyscall] has no pagemap. */
static bool has_pages(const struct vma *vma)
{
	return vma->end <= 1ull << 63 && vma->start < vma->end;
}

static int look_at_line(struct idle_space *p, struct idle_scan *scan, struct pagemap *pm,
			char *line, size_t *old, struct vma *vma, struct mh_err *err)
{
	struct mh_ev_map map;
	size_t same;
	int status;

	if (mh_maps_line(&map, line))
		return mh_fail(err, MH_EFORMAT, "/proc/%d/maps has a line that is none",
			       (int)p->proc.stat.pid);
	*vma = mh_vma_of(&map);
	status = mh_vmas_meet(&p->vmas, old, &same, &map, &p->proc, scan->round, err);
	if (!status && has_pages(vma))
		status = look_at_mapping(p, scan, pm, vma, err);
	return status;
}

static int look_at_mappings(struct idle_space *p, struct idle_scan *scan,
			    struct pagemap *pm, FILE *maps, struct mh_err *err)
{
	struct vmas found = { 0 };
	struct vma *vma;
	char *line = NULL;
	size_t cap = 0, old = 0;
	int status = MH_OK;

	while (!status && getline(&line, &cap, maps) > 0) {
		vma = mh_vec_push(&found);
		status = vma ? look_at_line(p, scan, pm, line, &old, vma, err)
			     : mh_fail(err, MH_ENOMEM, "out of memory");
	}
	if (!status && !found.nr) /* its address space is gone: it is ending */
		status = mh_fail(err, MH_ENOTARGET, "process %d ended",
				 (int)p->proc.stat.pid);
	if (!status)
		status = mh_vmas_end(&p->vmas, old, &p->proc, scan->round, err);
	free(line);
	free(p->vmas.v);
	p->vmas = found;
	return status;
}

int mh_idle_space_look(struct idle_space *p, struct idle_scan *scan, struct mh_err *err)
{
	struct watched *w = &p->proc;
	struct pagemap pm;
	FILE *maps;
	int fd, status = mh_pagemap_open(&pm, scan->round, w->stat.pid, err);

	if (status)
		return status;
	p->now.pieces.nr = p->now.entries.nr = 0;
	status = mh_watch_ran(w, scan->round, &p->ran, err);
	mh_watch_note_run(w, scan->round);
	if (!status)
		status = mh_round_open(&fd, scan->round, w->stat.pid, "maps", O_RDONLY,
				       err);
	maps = status ? NULL : fdopen(fd, "r");
	if (maps)
		status = look_at_mappings(p, scan, &pm, maps, err);
	else if (!status)
		status =
			mh_fail_errno(err, "cannot read /proc/%d/maps", (int)w->stat.pid);
	if (maps)
		fclose(maps);
	mh_pagemap_close(&pm);
	if (pm.stall_max_ns > scan->sums.stall_max_ns)
		scan->sums.stall_max_ns = pm.stall_max_ns;
	p->looked = !status;
	return status;
}

/* ---- telling ---- */

/*
 * The entries from an address on, and how many there are; none: the page was not there.
 * Both views ascend, so the place in the one before moves along.
 */
static const uint64_t *entries_before(const struct idle_view *before, size_t *piece,
				      uint64_t addr, unsigned shift, size_t *nr)
{
	const struct idle_piece *b;

	*nr = 0;
	for (; *piece < before->pieces.nr; ++*piece) {
		b = &before->pieces.v[*piece];
		if (addr < b->start)
			return NULL;
		if (addr < b->start + ((uint64_t)b->nr << shift)) {
			*nr = b->nr - (size_t)((addr - b->start) >> shift);
			return &before->entries.v[b->first + b->nr - *nr];
		}
	}
	return NULL;
}

static bool same_frame(uint64_t a, uint64_t b)
{
	return a & b & PAGEMAP_PRESENT && !((a ^ b) & PAGEMAP_PFN_MASK);
}

/* What is known of a page that is there now. */
static enum idle_state judge(struct idle_scan *scan, uint64_t now, uint64_t before)
{
	enum idle_state state =
		mh_idle_blocks_state(&scan->blocks, now & PAGEMAP_PFN_MASK);

	if (before & PAGEMAP_PRESENT && !same_frame(now, before))
		scan->sums.nr_moved++;
	if (state != IDLE_UNARMED || same_frame(now, before))
		return state;
	return before & PAGEMAP_PRESENT && mh_idle_blocks_is_idle(&scan->blocks,
								  now & PAGEMAP_PFN_MASK)
		       ? IDLE_IDLE
		       : IDLE_ACCESSED;
}

void mh_idle_count_type(struct idle_scan *scan, bool anon, uint64_t bytes,
			uint64_t accessed)
{
	struct idle_sums *sums = &scan->sums;

	*(anon ? &sums->anon : &sums->file) += bytes;
	sums->accessed += accessed;
	*(anon ? &sums->anon_accessed : &sums->file_accessed) += accessed;
}

/* Bytes of pages that are alike. */
static void count(struct idle_scan *scan, uint64_t entry, uint64_t bytes,
		  uint64_t accessed)
{
	scan->sums.observed += bytes;
	mh_idle_count_type(scan, !(entry & PAGEMAP_FILE), bytes, accessed);
	*(entry & PAGEMAP_EXCLUSIVE ? &scan->sums.exclusive : &scan->sums.shared) +=
		bytes;
}

struct bitmaps {
	uint8_t accessed[PIECE_PAGES / 8], observed[PIECE_PAGES / 8];
	uint8_t written[PIECE_PAGES / 8], present[PIECE_PAGES / 8];
	uint8_t file[PIECE_PAGES / 8];
	size_t nr_observed, nr_present;
	bool changed; /* what its pages are */
};

/* It may be of another kind or on another node than in the scan before. */
static bool may_differ(uint64_t now, uint64_t before)
{
	return (now ^ before) & (PAGEMAP_PFN_MASK | PAGEMAP_FILE | PAGEMAP_PRESENT);
}

static void note_page(struct bitmaps *bits, struct idle_scan *scan, size_t i,
		      uint64_t now, uint64_t before)
{
	uint64_t pfn = now & PAGEMAP_PFN_MASK, size = scan->unit;
	uint8_t bit = (uint8_t)(1u << i % 8);
	enum idle_state state;

	if (!(now & PAGEMAP_PRESENT) || !pfn || !mh_idle_is_sampled(scan, pfn))
		return;
	bits->present[i / 8] |= bit;
	bits->nr_present++;
	bits->changed |= may_differ(now, before);
	if (now & PAGEMAP_FILE)
		bits->file[i / 8] |= bit;
	if (now & PAGEMAP_SOFT_DIRTY)
		bits->written[i / 8] |= bit;
	state = judge(scan, now, before);
	if (state == IDLE_UNTRACKED) {
		scan->sums.untracked += size;
	} else if (state == IDLE_UNARMED) {
		scan->sums.unarmed += size;
	} else if (mh_idle_blocks_first(&scan->blocks, pfn)) {
		bits->observed[i / 8] |= bit;
		bits->nr_observed++;
		if (state == IDLE_ACCESSED)
			bits->accessed[i / 8] |= bit;
		mh_idle_nodes_count(&scan->nodes, pfn, size,
				    state == IDLE_ACCESSED ? size : 0);
		count(scan, now, size, state == IDLE_ACCESSED ? size : 0);
	}
}

/* Set the bits of @set from bit @i on. */
static void put_bits(uint8_t *bits, size_t i, uint64_t set)
{
	while (set) {
		bits[i / 8] |= (uint8_t)(set << i % 8);
		set >>= 8 - i % 8;
		i += 8 - i % 8;
	}
}

static void count_nodes(struct idle_scan *scan, uint64_t pfn, uint64_t observed,
			uint64_t accessed)
{
	for (; observed; observed &= observed - 1) {
		unsigned i = (unsigned)__builtin_ctzll(observed);

		mh_idle_nodes_count(&scan->nodes, pfn + i, scan->unit,
				    accessed >> i & 1 ? scan->unit : 0);
	}
}

static uint64_t bytes_of(const struct idle_scan *scan, uint64_t pages)
{
	return (uint64_t)__builtin_popcountll(pages) * scan->unit;
}

/* A run of pages that all are where they were, and as they were. Their frames were
 * wanted, so their block is there. */
static void note_run(struct bitmaps *bits, struct idle_scan *scan, size_t i,
		     uint64_t entry, size_t nr)
{
	uint64_t pfn = entry & PAGEMAP_PFN_MASK, all = run_mask(nr);
	struct idle_block *block = mh_idle_block_at(&scan->blocks, pfn);
	uint32_t word = (uint32_t)(pfn % IDLE_BLOCK_PFNS / 64), at = pfn % 64;
	uint64_t tracked = block->tracked[word] >> at & all;
	uint64_t armed = tracked & block->armed[word] >> at;
	uint64_t observed = armed & ~(block->told[word] >> at);
	uint64_t accessed = observed & block->accessed[word] >> at;

	block->told[word] |= observed << at;
	put_bits(bits->present, i, all);
	put_bits(bits->observed, i, observed);
	put_bits(bits->accessed, i, accessed);
	put_bits(bits->file, i, entry & PAGEMAP_FILE ? all : 0);
	put_bits(bits->written, i, entry & PAGEMAP_SOFT_DIRTY ? all : 0);
	bits->nr_present += nr;
	bits->nr_observed += (size_t)__builtin_popcountll(observed);
	scan->sums.untracked += bytes_of(scan, all & ~tracked);
	scan->sums.unarmed += bytes_of(scan, tracked & ~armed);
	if (scan->nodes.nr_nodes > 1)
		count_nodes(scan, pfn, observed, accessed);
	count(scan, entry, bytes_of(scan, observed), bytes_of(scan, accessed));
}

/* The pages from the first one on that were handled. */
static size_t note_pages(struct bitmaps *bits, struct idle_scan *scan, size_t i,
			 const uint64_t *now, size_t nr, const uint64_t *before,
			 size_t nr_before)
{
	bool plain = nr_before && scan->one_in <= 1 && now[0] == before[0] &&
		     now[0] & PAGEMAP_PRESENT && now[0] & PAGEMAP_PFN_MASK;
	size_t same = 0, run;

	if (plain) {
		run = run_length(now, nr < nr_before ? nr : nr_before);
		for (same = 1; same < run && now[same] == before[same]; same++)
			;
	}
	if (same)
		note_run(bits, scan, i, now[0], same);
	else
		note_page(bits, scan, i, now[0], nr_before ? before[0] : 0);
	return same ? same : 1;
}

static int tell_layer(const struct idle_space *p, const struct idle_scan *scan,
		      const struct idle_piece *piece, enum mh_pages_layer layer,
		      const uint8_t *accessed, const uint8_t *observed,
		      struct mh_err *err)
{
	struct mh_event ev = mh_round_event(scan->round, MH_EV_PAGES);

	ev.pages.start_ns = p->proc.armed_ns;
	ev.pages.pid = (uint32_t)p->proc.stat.pid;
	ev.pages.start = piece->start;
	ev.pages.nr_pages = piece->nr;
	ev.pages.page_shift = (uint8_t)scan->page_shift;
	ev.pages.layer = (uint8_t)layer;
	ev.pages.accessed = accessed;
	ev.pages.observed = observed;
	return mh_round_send(scan->round, &ev, err);
}

static int tell_kinds(const struct idle_space *p, const struct idle_scan *scan,
		      const struct idle_piece *piece, const struct bitmaps *bits,
		      struct mh_err *err)
{
	struct idle_kinds kinds = { .start = piece->start,
				    .nr = piece->nr,
				    .pid = (uint32_t)p->proc.stat.pid,
				    .page_shift = scan->page_shift,
				    .known = bits->present,
				    .file = bits->file,
				    .entries = &p->now.entries.v[piece->first] };

	return mh_idle_kinds_tell(&kinds, &scan->nodes, scan->round, err);
}

static int tell_piece(const struct idle_space *p, struct idle_scan *scan,
		      const struct idle_piece *piece, size_t *before, struct mh_err *err)
{
	const uint64_t *now = &p->now.entries.v[piece->first];
	struct bitmaps bits = { 0 };
	int status = MH_OK;
	size_t i = 0, nr;

	while (i < piece->nr) {
		uint64_t addr = piece->start + ((uint64_t)i << scan->page_shift);
		const uint64_t *old =
			entries_before(&p->before, before, addr, scan->page_shift, &nr);

		i += note_pages(&bits, scan, i, now + i, piece->nr - i, old, nr);
	}
	if (bits.nr_present && (bits.changed || !p->kinds))
		status = tell_kinds(p, scan, piece, &bits, err);
	if (!status && bits.nr_observed)
		status = tell_layer(p, scan, piece, MH_PAGES_ACCESS, bits.accessed,
				    bits.nr_observed < piece->nr ? bits.observed : NULL,
				    err);
	if (!status && scan->writes && bits.nr_present)
		status = tell_layer(p, scan, piece, MH_PAGES_WRITE, bits.written,
				    bits.nr_present < piece->nr ? bits.present : NULL,
				    err);
	return status;
}

static int tell_pieces(struct idle_space *p, struct idle_scan *scan, struct mh_err *err)
{
	size_t i, before = 0;
	int status = MH_OK;

	for (i = 0; !status && i < p->now.pieces.nr; i++)
		status = tell_piece(p, scan, &p->now.pieces.v[i], &before, err);
	return status;
}

int mh_idle_space_tell(struct idle_space *p, struct idle_scan *scan, struct mh_err *err)
{
	struct watched *w = &p->proc;
	struct idle_view swap;
	int status = MH_OK;

	if (w->armed_ns && w->armed_ns < scan->round->time_ns)
		status = p->ran ? tell_pieces(p, scan, err)
				: mh_round_gap(scan->round, w->armed_ns, w->stat.pid,
					       MH_GAP_NOT_RUN, err);
	p->kinds = !status && w->armed_ns && w->armed_ns < scan->round->time_ns && p->ran;
	swap = p->before;
	p->before = p->now;
	p->now = swap;
	w->armed_ns = scan->round->time_ns;
	return status;
}

/* ---- the rest of its life ---- */

int mh_idle_space_arm_writes(const struct idle_space *p, const struct idle_scan *scan,
			     struct mh_err *err)
{
	pid_t pid = p->proc.stat.pid;
	int fd, status =
			mh_round_open(&fd, scan->round, pid, "clear_refs", O_WRONLY, err);

	if (status)
		return status;
	if (write(fd, "4", 1) != 1)
		status = mh_round_failed(err, pid, "clear_refs");
	close(fd);
	return status;
}

void mh_idle_space_forget(struct watched *proc)
{
	struct idle_space *p = (struct idle_space *)proc;

	p->vmas.nr = 0;
	p->kinds = false;
	p->before.pieces.nr = p->before.entries.nr = 0;
}

void mh_idle_space_fini(struct watched *proc)
{
	struct idle_space *p = (struct idle_space *)proc;

	free(p->vmas.v);
	free(p->now.pieces.v);
	free(p->now.entries.v);
	free(p->before.pieces.v);
	free(p->before.entries.v);
}
