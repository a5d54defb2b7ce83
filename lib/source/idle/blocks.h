/* SPDX-License-Identifier: MIT */
/*
 * The page_idle bitmap, block by block: which page frames are wanted, which of them the
 * kernel tracks, and which were accessed since they were armed.
 *
 * A block is what one read of the bitmap may give: 4 KiB, 32,768 page frames. A set of
 * page frames is a bit each, so nothing has to be sorted.
 */
#ifndef MEMHEAT_SOURCE_IDLE_BLOCKS_H
#define MEMHEAT_SOURCE_IDLE_BLOCKS_H

#include <stdbool.h>
#include <sys/types.h>

#include <memheat/base.h>

#define IDLE_BLOCK_SHIFT 15
#define IDLE_BLOCK_PFNS  (1u << IDLE_BLOCK_SHIFT)
#define IDLE_BLOCK_WORDS (IDLE_BLOCK_PFNS / 64)

/* The kernel's two files; a test puts its own memory here. Statuses as of pread(2). */
struct idle_io {
	void *arg;
	ssize_t (*read)(void *arg, void *buf, size_t size, uint64_t offset);
	ssize_t (*write)(void *arg, const void *buf, size_t size, uint64_t offset);
	ssize_t (*flags)(void *arg, void *buf, size_t size, uint64_t offset);
};

struct idle_block {
	uint64_t armed_ns; /* of its last arming; 0: never */
	bool is_wanted;    /* any of it */
	uint64_t wanted[IDLE_BLOCK_WORDS];
	uint64_t armed[IDLE_BLOCK_WORDS];    /* tracked by the scan before */
	uint64_t tracked[IDLE_BLOCK_WORDS];  /* wanted, and the kernel keeps a bit */
	uint64_t single[IDLE_BLOCK_WORDS];   /* of these: a folio of one page */
	uint64_t accessed[IDLE_BLOCK_WORDS]; /* of the tracked ones */
	uint64_t anon[IDLE_BLOCK_WORDS];     /* likewise: neither of a file nor shared */
	uint64_t told[IDLE_BLOCK_WORDS];     /* a process has told of it already */
};

struct idle_blocks {
	struct {
		struct idle_block **v; /* by page frame number; NULL: none wanted */
		size_t nr, cap;
	} at;
	struct {
		uint64_t *v; /* read minus armed, a block each, of the last scan */
		size_t nr, cap;
	} windows_ns;
	uint64_t nr_hugetlb, nr_other; /* wanted but not tracked, of the last scan */
	struct idle_scratch *scratch;
};

/* Forget what the scan before wanted; what it armed stays known. */
void mh_idle_blocks_begin(struct idle_blocks *b);

static inline bool mh_idle_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static inline void mh_idle_set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= 1ull << i % 64;
}

/* What follows is asked for each page, and inline: calls were half of a scan's own time.
 */

static inline struct idle_block *mh_idle_block_at(const struct idle_blocks *b,
						  uint64_t pfn)
{
	size_t i = (size_t)(pfn >> IDLE_BLOCK_SHIFT);

	return i < b->at.nr ? b->at.v[i] : NULL;
}

/* The block of a page frame, made where there is none; NULL: out of memory. */
struct idle_block *mh_idle_block_make(struct idle_blocks *b, uint64_t pfn);

/* Want those page frames from @pfn on whose bits are set, all in one word of the bitmap;
 * again is the same as once. */
static inline int mh_idle_blocks_want(struct idle_blocks *b, uint64_t pfn, uint64_t set,
				      struct mh_err *err)
{
	struct idle_block *block = mh_idle_block_at(b, pfn);

	if (!block)
		block = mh_idle_block_make(b, pfn);
	if (!block)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	block->wanted[pfn % IDLE_BLOCK_PFNS / 64] |= set << pfn % 64;
	block->is_wanted = true;
	return MH_OK;
}

/*
 * Read the state of all that is wanted and arm it again, in one pass.
 *
 * Returns MH_OK; MH_ESYS; MH_EPERM; MH_ENOMEM.
 */
int mh_idle_blocks_scan(struct idle_blocks *b, const struct idle_io *io,
			struct mh_err *err) MH_MUST_CHECK;

enum idle_state {
	IDLE_UNTRACKED, /* the kernel keeps no bit for this page */
	IDLE_UNARMED,   /* was not armed as this frame; see mh_idle_blocks_is_idle() */
	IDLE_IDLE,
	IDLE_ACCESSED
};

/* The last scan's word on a page frame that was wanted. */
static inline enum idle_state mh_idle_blocks_state(const struct idle_blocks *b,
						   uint64_t pfn)
{
	const struct idle_block *block = mh_idle_block_at(b, pfn);
	uint32_t i = (uint32_t)(pfn % IDLE_BLOCK_PFNS);

	if (!block || !mh_idle_bit(block->tracked, i))
		return IDLE_UNTRACKED;
	if (!mh_idle_bit(block->armed, i))
		return IDLE_UNARMED;
	return mh_idle_bit(block->accessed, i) ? IDLE_ACCESSED : IDLE_IDLE;
}

/*
 * Whether the bit of a tracked page was set at the last scan. Of a frame that was not
 * armed it says that a page that was has come here: migration takes the bit along, and a
 * page that is new has none.
 */
static inline bool mh_idle_blocks_is_idle(const struct idle_blocks *b, uint64_t pfn)
{
	const struct idle_block *block = mh_idle_block_at(b, pfn);
	uint32_t i = (uint32_t)(pfn % IDLE_BLOCK_PFNS);

	return block && mh_idle_bit(block->tracked, i) &&
	       !mh_idle_bit(block->accessed, i);
}

static inline bool mh_idle_blocks_is_wanted(const struct idle_blocks *b, uint64_t pfn)
{
	const struct idle_block *block = mh_idle_block_at(b, pfn);

	return block && mh_idle_bit(block->wanted, (uint32_t)(pfn % IDLE_BLOCK_PFNS));
}

/* Of a page frame that is tracked. */
static inline bool mh_idle_blocks_is_anon(const struct idle_blocks *b, uint64_t pfn)
{
	const struct idle_block *block = mh_idle_block_at(b, pfn);

	return block && mh_idle_bit(block->anon, (uint32_t)(pfn % IDLE_BLOCK_PFNS));
}

/* Whether the page frame is told for the first time since begin(). */
static inline bool mh_idle_blocks_first(struct idle_blocks *b, uint64_t pfn)
{
	struct idle_block *block = mh_idle_block_at(b, pfn);
	uint32_t i = (uint32_t)(pfn % IDLE_BLOCK_PFNS);

	if (!block || mh_idle_bit(block->told, i))
		return false;
	mh_idle_set_bit(block->told, i);
	return true;
}

/* The windows' value of which @share (0 to 1) are less; 0: there are none. Sorts them. */
uint64_t mh_idle_blocks_window_ns(struct idle_blocks *b, double share);

void mh_idle_blocks_fini(struct idle_blocks *b);

#endif
