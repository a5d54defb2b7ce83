/* SPDX-License-Identifier: MIT */
/*
 * The words that perf (6.2 and later) has for a data source, so that a person finds here
 * what another tool printed. Older ones print a level twice where both fields have it.
 */
#include "event/data_src.h"

#include <string.h>

#include <memheat/event.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct line {
	char *p;
	size_t len;
};

static void put(struct line *l, const char *s)
{
	size_t n = strlen(s);

	if (n > MH_DATA_SRC_TEXT_MAX - 1 - l->len)
		n = MH_DATA_SRC_TEXT_MAX - 1 - l->len;
	memcpy(l->p + l->len, s, n);
	l->len += n;
	l->p[l->len] = '\0';
}

/* The names of the bits that are set, with " or " between; how many there were. */
static unsigned put_bits(struct line *l, unsigned bits, const char *const *names,
			 size_t nr, unsigned before)
{
	unsigned done = before;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!(bits >> i & 1) || !names[i])
			continue;
		if (done++)
			put(l, " or ");
		put(l, names[i]);
	}
	return done;
}

static void put_op(struct line *l, uint64_t v)
{
	static const char *const names[] = { "N/A", "LOAD", "STORE", "PFETCH", "EXEC" };

	if (!put_bits(l, MH_DS_GET(v, OP), names, COUNT(names), 0))
		put(l, "N/A");
}

static void put_level_number(struct line *l, uint64_t v)
{
	static const char *const numbers[16] = {
		[MH_DS_LVLNUM_L0] = "L0",
		[MH_DS_LVLNUM_L1] = "L1",
		[MH_DS_LVLNUM_L2] = "L2",
		[MH_DS_LVLNUM_L3] = "L3",
		[MH_DS_LVLNUM_L4] = "L4",
		[MH_DS_LVLNUM_L2_MHB] = "L2 MHB",
		[MH_DS_LVLNUM_MSC] = "Memory-side Cache",
		[MH_DS_LVLNUM_UNC] = "Uncached",
		[MH_DS_LVLNUM_CXL] = "CXL",
		[MH_DS_LVLNUM_IO] = "I/O",
		[MH_DS_LVLNUM_ANY_CACHE] = "Any cache",
		[MH_DS_LVLNUM_LFB] = "LFB/MAB",
		[MH_DS_LVLNUM_RAM] = "RAM",
		[MH_DS_LVLNUM_PMEM] = "PMEM",
	};
	static const char *const hops[8] = { [1] = "core, same node ",
					     [2] = "node, same socket ",
					     [3] = "socket, same board ",
					     [4] = "board " };
	unsigned hop = MH_DS_GET(v, HOPS);

	if (MH_DS_GET(v, REMOTE))
		put(l, "Remote ");
	if (hops[hop])
		put(l, hops[hop]);
	put(l, numbers[MH_DS_GET(v, LVLNUM)]);
}

static void put_hit(struct line *l, unsigned bits, unsigned hit, unsigned miss)
{
	if (bits & hit)
		put(l, " hit");
	else if (bits & miss)
		put(l, " miss");
}

static void put_level(struct line *l, uint64_t v)
{
	static const char *const names[] = {
		NULL,
		NULL,
		NULL,
		"L1",
		"LFB/MAB",
		"L2",
		"L3",
		"Local RAM",
		"Remote RAM (1 hop)",
		"Remote RAM (2 hops)",
		"Remote Cache (1 hop)",
		"Remote Cache (2 hops)",
		"I/O",
		"Uncached",
	};
	unsigned number = MH_DS_GET(v, LVLNUM), lvl = MH_DS_GET(v, LVL);

	if (number && number != MH_DS_LVLNUM_NA) {
		put_level_number(l, v);
	} else if (!put_bits(l, lvl, names, COUNT(names), 0)) {
		put(l, "N/A");
		return;
	}
	put_hit(l, lvl, MH_DS_LVL_HIT, MH_DS_LVL_MISS);
}

static void put_snoop(struct line *l, uint64_t v)
{
	static const char *const names[] = { "N/A", "None", "Hit", "Miss", "HitM" };
	static const char *const more[] = { "Fwd", "Peer" };
	unsigned n = put_bits(l, MH_DS_GET(v, SNOOP), names, COUNT(names), 0);

	if (!put_bits(l, MH_DS_GET(v, SNOOPX), more, COUNT(more), n))
		put(l, "N/A");
}

static void put_tlb(struct line *l, uint64_t v)
{
	static const char *const names[] = { "N/A", NULL,     NULL,   "L1",
					     "L2",  "Walker", "Fault" };
	unsigned tlb = MH_DS_GET(v, TLB);

	if (!put_bits(l, tlb, names, COUNT(names), 0)) {
		put(l, "N/A");
		return;
	}
	put_hit(l, tlb, MH_DS_TLB_HIT, MH_DS_TLB_MISS);
}

static void put_lock(struct line *l, uint64_t v)
{
	unsigned lock = MH_DS_GET(v, LOCK);

	if (lock & MH_DS_LOCK_NA)
		put(l, "N/A");
	else
		put(l, lock & MH_DS_LOCK_LOCKED ? "Yes" : "No");
}

static void put_blocked(struct line *l, uint64_t v)
{
	static const char *const names[] = { NULL, "Data", "Addr" };

	if (!put_bits(l, MH_DS_GET(v, BLK), names, COUNT(names), 0))
		put(l, "N/A");
}

const char *mh_data_src_text(char *out, uint64_t data_src)
{
	uint64_t v = data_src;
	struct line l = { .p = out };

	out[0] = '\0';
	put(&l, "OP ");
	put_op(&l, v);
	put(&l, "|LVL ");
	put_level(&l, v);
	put(&l, "|SNP ");
	put_snoop(&l, v);
	put(&l, "|TLB ");
	put_tlb(&l, v);
	put(&l, "|LCK ");
	put_lock(&l, v);
	put(&l, "|BLK ");
	put_blocked(&l, v);
	return out;
}
