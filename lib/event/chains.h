/* SPDX-License-Identifier: MIT */
/*
 * Call chains as frames of a tree: those that are new are told as STACK, and each chain
 * gets the id of its innermost frame.
 */
#ifndef MEMHEAT_EVENT_CHAINS_H
#define MEMHEAT_EVENT_CHAINS_H

#include <stdbool.h>

#include <memheat/event.h>

/* Frames of one source; more are not told apart. */
#define MH_CHAINS_MAX (1u << 22)

struct mh_chains {
	struct {
		struct mh_chain_frame {
			uint64_t ip;
			uint32_t parent;
		} * v;
		size_t nr, cap;
	} frames;        /* id - 1 */
	uint32_t *slots; /* ids by hash; 0: free */
	size_t nr_slots;
	uint32_t base;   /* added to all ids: what is below is another's */
	uint64_t nr_cut; /* chains whose inner frames went over the limit */
};

/*
 * The id of a chain's innermost frame, 0 for a chain without frames. Frames that are not
 * known yet go to @fn as STACK, with the time and source of @of, the event that has the
 * chain.
 *
 * @chain: @nr words as perf records them, innermost first, with its marks of where kernel
 *	and user mode begin; need not be aligned
 * @swapped: of the other byte order
 * Returns MH_OK; MH_ENOMEM; a failure of @fn.
 */
int mh_chains_put(struct mh_chains *c, uint32_t *id, const struct mh_event *of,
		  const uint8_t *chain, size_t nr, bool swapped, mh_event_fn fn,
		  void *arg, struct mh_err *err) MH_MUST_CHECK;

void mh_chains_fini(struct mh_chains *c);

#endif
