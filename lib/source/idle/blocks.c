/* SPDX-License-Identifier: MIT */
/*
 * Only folios on an LRU list have an idle bit, and of a folio only its head has one. So
 * kpageflags is read first: tails are led to their head, and what is not on a list is
 * untracked. A page that is not tracked reads as "not idle", which must not be taken for
 * accessed. A single page that was armed and still reads as idle can only be the same
 * page on the same list, since the bit goes when a page is freed: of those that were
 * tracked before, only the ones that read as "not idle" are looked up again.
 *
 * Only what is not idle is armed: the kernel has just looked whether an idle page was
 * accessed, and it was not.
 *
 * Only bits of wanted heads are written. A bit of 0 changes nothing, so pages of others
 * in the same word stay as they are: no second pass is needed, and two recorders on
 * different pages do not notice each other.
 *
 * Not handled: folios of more than 512 pages other than hugetlb (their inner tails count
 * as untracked). Pages that were just faulted in wait in per-CPU batches for their LRU
 * list; they are untracked until the kernel empties the batch.
 */
#include "source/idle/blocks.h"

#include "base/vec.h"
#include "source/round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bits of /proc/kpageflags. */
#define KPF_LRU           (1u << 5)
#define KPF_ANON          (1u << 12)
#define KPF_COMPOUND_HEAD (1u << 15)
#define KPF_COMPOUND_TAIL (1u << 16)
#define KPF_COMPOUND      (KPF_COMPOUND_HEAD | KPF_COMPOUND_TAIL)
#define KPF_HUGE          (1u << 17)
#define KPF_HWPOISON      (1u << 19)
#define KPF_NOPAGE        (1u << 20)
#define KPF_OFFLINE       (1u << 23)
#define KPF_ZERO_PAGE     (1u << 24)
#define KPF_NEVER         (KPF_HUGE | KPF_HWPOISON | KPF_NOPAGE | KPF_OFFLINE | KPF_ZERO_PAGE)

/* A folio of the usual sizes lies in one such group. */
#define GROUP_PFNS 512u
/* Flags of so many pages between wanted ones are read along: the kernel takes some 0.2 us
 * for each, and a call costs as much as a few of them. */
#define GAP_PFNS 8u
#define NO_HEAD  UINT16_MAX

struct idle_scratch {
	uint64_t flags[IDLE_BLOCK_PFNS];
	uint16_t head[IDLE_BLOCK_PFNS]; /* of each tracked page, within the block */
	uint64_t heads[IDLE_BLOCK_WORDS];
	uint64_t idle[IDLE_BLOCK_WORDS];
	uint64_t look[IDLE_BLOCK_WORDS]; /* wanted pages whose flags are to be read */
	uint64_t arm[IDLE_BLOCK_WORDS];
};

static void clear_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] &= ~(1ull << i % 64);
}

/* ---- which ---- */

void mh_idle_blocks_begin(struct idle_blocks *b)
{
	size_t i;

	for (i = 0; i < b->at.nr; i++) {
		struct idle_block *block = b->at.v[i];

		if (block && !block->is_wanted) {
			free(block);
			b->at.v[i] = NULL;
		} else if (block) {
			memcpy(block->armed, block->tracked, sizeof(block->armed));
			memset(block->wanted, 0, sizeof(block->wanted));
			memset(block->tracked, 0, sizeof(block->tracked));
			memset(block->accessed, 0, sizeof(block->accessed));
			memset(block->anon, 0, sizeof(block->anon));
			memset(block->told, 0, sizeof(block->told));
			block->is_wanted = false;
		}
	}
	b->windows_ns.nr = 0;
	b->nr_hugetlb = b->nr_other = 0;
}

struct idle_block *mh_idle_block_make(struct idle_blocks *b, uint64_t pfn)
{
	size_t i = (size_t)(pfn >> IDLE_BLOCK_SHIFT);

	while (b->at.nr <= i) {
		struct idle_block **slot = mh_vec_push(&b->at);

		if (!slot)
			return NULL;
		*slot = NULL;
	}
	if (!b->at.v[i])
		b->at.v[i] = calloc(1, sizeof(*b->at.v[i]));
	return b->at.v[i];
}

/* ---- what the kernel tracks ---- */

/* The next bit from @i on; IDLE_BLOCK_PFNS: none. */
static uint32_t next_bit(const uint64_t *bits, uint32_t i)
{
	uint32_t word = i / 64;
	uint64_t left;

	if (i >= IDLE_BLOCK_PFNS)
		return IDLE_BLOCK_PFNS;
	left = bits[word] >> i % 64 << i % 64;
	while (!left && ++word < IDLE_BLOCK_WORDS)
		left = bits[word];
	return left ? word * 64 + (uint32_t)__builtin_ctzll(left) : IDLE_BLOCK_PFNS;
}

/* Read until @size or the file's end; the length read, or -1. */
static ssize_t read_whole(ssize_t (*fn)(void *, void *, size_t, uint64_t), void *arg,
			  void *buf, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = fn(arg, (char *)buf + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		/* Past the last page frame: nothing, or an error that says so. */
		if (n == 0 || (n < 0 && errno == ENXIO))
			break;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Frames beyond the end of the file are no pages. */
static int read_flags(struct idle_scratch *s, const struct idle_io *io, uint64_t base,
		      uint32_t first, uint32_t end, struct mh_err *err)
{
	size_t size = (end - first) * sizeof(s->flags[0]), got;
	ssize_t n = read_whole(io->flags, io->arg, &s->flags[first], size,
			       (base + first) * sizeof(s->flags[0]));

	if (n < 0)
		return mh_fail_errno(err, "cannot read /proc/kpageflags");
	for (got = (size_t)n / sizeof(s->flags[0]); got < end - first; got++)
		s->flags[first + got] = KPF_NOPAGE;
	return MH_OK;
}

/* The head of the folio whose tail is @first: before it, in its group. */
static int find_head(struct idle_scratch *s, const struct idle_io *io, uint64_t base,
		     uint32_t first, uint32_t *head, struct mh_err *err)
{
	uint32_t floor = first - first % GROUP_PFNS, at = first, step = GAP_PFNS, from;
	int status;

	*head = NO_HEAD;
	while (at > floor) {
		from = at - floor > step ? at - step : floor;
		status = read_flags(s, io, base, from, at, err);
		if (status)
			return status;
		while (at > from)
			if (!(s->flags[--at] & KPF_COMPOUND_TAIL)) {
				*head = at;
				return MH_OK;
			}
		step *= 2;
	}
	return MH_OK;
}

static void judge_pages(struct idle_blocks *b, struct idle_block *block, uint32_t first,
			uint32_t end, uint32_t head)
{
	struct idle_scratch *s = b->scratch;
	uint32_t i;

	for (i = first; i < end; i++) {
		uint64_t flags = s->flags[i];

		/* A folio larger than a group has its head elsewhere. */
		if (i % GROUP_PFNS == 0)
			head = NO_HEAD;
		if (!(flags & KPF_COMPOUND_TAIL))
			head = i;
		if (!mh_idle_bit(s->look, i))
			continue;
		if (flags & KPF_HUGE) {
			b->nr_hugetlb++;
		} else if (head == NO_HEAD || !(s->flags[head] & KPF_LRU) ||
			   s->flags[head] & KPF_NEVER) {
			b->nr_other++;
		} else {
			s->head[i] = (uint16_t)head;
			mh_idle_set_bit(block->tracked, i);
			if (!(flags & KPF_COMPOUND))
				mh_idle_set_bit(block->single, i);
			if (s->flags[head] & KPF_ANON)
				mh_idle_set_bit(block->anon, i);
			mh_idle_set_bit(s->heads, head);
		}
	}
}

/* Pages of a process may lie scattered over all of memory: only runs of those in look are
 * looked at. */
static int find_heads(struct idle_blocks *b, const struct idle_io *io,
		      struct idle_block *block, uint64_t base, struct mh_err *err)
{
	const uint64_t *look = b->scratch->look;
	uint32_t first = next_bit(look, 0), next, end, head;
	int status = MH_OK;

	for (; !status && first < IDLE_BLOCK_PFNS; first = next) {
		next = first;
		do {
			end = next + 1;
			next = next_bit(look, end);
		} while (next < IDLE_BLOCK_PFNS && next - end <= GAP_PFNS);
		status = read_flags(b->scratch, io, base, first, end, err);
		head = NO_HEAD;
		if (!status && (b->scratch->flags[first] &
				(KPF_COMPOUND_TAIL | KPF_HUGE)) == KPF_COMPOUND_TAIL)
			status = find_head(b->scratch, io, base, first, &head, err);
		if (!status)
			judge_pages(b, block, first, end, head);
	}
	return status;
}

/* Single pages that were tracked are taken to be still; the others are looked up. */
static int find_tracked(struct idle_blocks *b, const struct idle_io *io,
			struct idle_block *block, uint64_t base, struct mh_err *err)
{
	struct idle_scratch *s = b->scratch;
	uint32_t i;

	for (i = 0; i < IDLE_BLOCK_WORDS; i++) {
		uint64_t sure = block->wanted[i] & block->armed[i] & block->single[i];

		block->tracked[i] = block->single[i] = s->heads[i] = sure;
		s->look[i] = block->wanted[i] & ~sure;
	}
	return find_heads(b, io, block, base, err);
}

/* ---- reading and arming ---- */

/* The words from the first to the last one that holds a head; false: there is none. */
static bool span_of_heads(const struct idle_scratch *s, uint32_t *first, uint32_t *end)
{
	*first = 0;
	*end = IDLE_BLOCK_WORDS;
	while (*first < *end && !s->heads[*first])
		++*first;
	while (*end > *first && !s->heads[*end - 1])
		--*end;
	return *first < *end;
}

static int write_whole(const struct idle_io *io, const uint64_t *words, size_t nr,
		       uint64_t offset, struct mh_err *err)
{
	size_t size = nr * sizeof(*words), done = 0;

	while (done < size) {
		ssize_t n = io->write(io->arg, (const char *)words + done, size - done,
				      offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : ENXIO;
			return mh_fail_errno(err, "cannot write the page_idle bitmap");
		}
		done += (size_t)n;
	}
	return MH_OK;
}

static uint32_t head_of(const struct idle_scratch *s, const struct idle_block *block,
			uint32_t i)
{
	return mh_idle_bit(block->single, i) ? i : s->head[i];
}

/* Heads whose bit the kernel does not give (a last word that is not whole). */
static void drop_unreadable(struct idle_blocks *b, struct idle_block *block,
			    uint32_t from_word)
{
	struct idle_scratch *s = b->scratch;
	uint32_t i;

	for (i = from_word; i < IDLE_BLOCK_WORDS; i++)
		s->heads[i] = 0;
	for (i = 0; i < IDLE_BLOCK_PFNS; i++) {
		if (mh_idle_bit(block->tracked, i) &&
		    !mh_idle_bit(s->heads, head_of(s, block, i))) {
			clear_bit(block->tracked, i);
			clear_bit(block->single, i);
			b->nr_other++;
		}
	}
}

static int note_window(struct idle_blocks *b, const struct idle_block *block,
		       uint64_t read_ns, struct mh_err *err)
{
	uint64_t *slot;

	if (!block->armed_ns)
		return MH_OK;
	slot = mh_vec_push(&b->windows_ns);
	if (!slot)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*slot = read_ns - block->armed_ns;
	return MH_OK;
}

/* The state of every tracked page is that of its head. */
static void spread(const struct idle_scratch *s, struct idle_block *block)
{
	uint32_t i, bit;

	for (i = 0; i < IDLE_BLOCK_WORDS; i++) {
		uint64_t single = block->tracked[i] & block->single[i];
		uint64_t left = block->tracked[i] & ~single;

		block->accessed[i] = single & ~s->idle[i];
		for (; left; left &= left - 1) {
			bit = i * 64 + (uint32_t)__builtin_ctzll(left);
			if (!mh_idle_bit(s->idle, head_of(s, block, bit)))
				mh_idle_set_bit(block->accessed, bit);
		}
	}
}

/*
 * Single pages that were taken to be tracked and read as "not idle": accessed, or not
 * tracked any more. What became part of a larger folio was freed in between, and is
 * accessed whatever that folio's bit says.
 */
static int look_again(struct idle_blocks *b, const struct idle_io *io,
		      struct idle_block *block, uint64_t base, struct mh_err *err)
{
	struct idle_scratch *s = b->scratch;
	uint64_t before[IDLE_BLOCK_WORDS], any = 0;
	uint32_t i;
	int status;

	for (i = 0; i < IDLE_BLOCK_WORDS; i++) {
		/* Those that were looked up already have no bit in armed and single. */
		s->look[i] = block->single[i] & block->armed[i] & s->heads[i] &
			     ~s->idle[i] & ~s->look[i];
		any |= s->look[i];
		block->tracked[i] &= ~s->look[i];
		block->single[i] &= ~s->look[i];
		s->heads[i] &= ~s->look[i];
		before[i] = s->heads[i];
	}
	if (!any)
		return MH_OK;
	status = find_heads(b, io, block, base, err);
	for (i = 0; i < IDLE_BLOCK_WORDS; i++)
		s->idle[i] &= ~(s->heads[i] & ~before[i]);
	return status;
}

/* Words of heads that are not idle; a stretch without any is not written. */
static int arm(const struct idle_scratch *s, const struct idle_io *io, uint64_t base,
	       struct mh_err *err)
{
	uint32_t first = 0, end;
	int status = MH_OK;

	while (!status && first < IDLE_BLOCK_WORDS) {
		if (!s->arm[first]) {
			first++;
			continue;
		}
		for (end = first + 1; end < IDLE_BLOCK_WORDS && s->arm[end]; end++)
			;
		status = write_whole(io, &s->arm[first], end - first,
				     base / 8 + first * sizeof(uint64_t), err);
		first = end;
	}
	return status;
}

static int scan_block(struct idle_blocks *b, const struct idle_io *io,
		      struct idle_block *block, uint64_t base, struct mh_err *err)
{
	struct idle_scratch *s = b->scratch;
	uint64_t now;
	uint32_t first, end, got, i;
	int status = find_tracked(b, io, block, base, err);
	ssize_t n;

	if (status || !span_of_heads(s, &first, &end))
		return status;
	memset(s->idle, 0, sizeof(s->idle));
	n = read_whole(io->read, io->arg, &s->idle[first],
		       (end - first) * sizeof(uint64_t),
		       base / 8 + first * sizeof(uint64_t));
	if (n < 0)
		return mh_fail_errno(err, "cannot read the page_idle bitmap");
	now = mh_round_now_ns();
	got = (uint32_t)((size_t)n / sizeof(uint64_t));
	if (got < end - first)
		drop_unreadable(b, block, first + got);
	status = look_again(b, io, block, base, err);
	for (i = 0; i < IDLE_BLOCK_WORDS; i++)
		s->arm[i] = s->heads[i] & ~s->idle[i];
	if (!status)
		status = arm(s, io, base, err);
	if (!status)
		status = note_window(b, block, now, err);
	block->armed_ns = mh_round_now_ns();
	if (!status)
		spread(s, block);
	return status;
}

int mh_idle_blocks_scan(struct idle_blocks *b, const struct idle_io *io,
			struct mh_err *err)
{
	int status = MH_OK;
	size_t i;

	if (!b->scratch)
		b->scratch = calloc(1, sizeof(*b->scratch));
	if (!b->scratch)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	for (i = 0; !status && i < b->at.nr; i++) {
		if (b->at.v[i] && b->at.v[i]->is_wanted)
			status = scan_block(b, io, b->at.v[i],
					    (uint64_t)i << IDLE_BLOCK_SHIFT, err);
	}
	return status;
}

/* ---- asking ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t mh_idle_blocks_window_ns(struct idle_blocks *b, double share)
{
	size_t nr = b->windows_ns.nr, i = (size_t)(share * (double)nr);

	if (!nr)
		return 0;
	qsort(b->windows_ns.v, nr, sizeof(*b->windows_ns.v), by_value);
	return b->windows_ns.v[i < nr ? i : nr - 1];
}

void mh_idle_blocks_fini(struct idle_blocks *b)
{
	size_t i;

	for (i = 0; i < b->at.nr; i++)
		free(b->at.v[i]);
	free(b->at.v);
	free(b->windows_ns.v);
	free(b->scratch);
}
