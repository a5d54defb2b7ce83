/* SPDX-License-Identifier: MIT */
/*
 * Call chains read back: the other side of chains.h, and the one way to ask for the chain
 * of a sample. Whoever has a chain in another form (a stored stack that is unwound later)
 * adds its frames here and makes the id that samples have stand for the innermost one.
 *
 *	const struct mh_stack_frame *f = mh_frames_find(frames, source, sample->stack);
 *
 *	for (; f; f = mh_frames_caller(frames, f))
 *		... f->ip: innermost first; a caller's is where the call returns to
 */
#ifndef MEMHEAT_EVENT_FRAMES_H
#define MEMHEAT_EVENT_FRAMES_H

#include <stdbool.h>

#include <memheat/event.h>

struct mh_stack_frame {
	uint64_t ip;
	uint32_t id, parent; /* 0: no caller is known */
	uint16_t source;
	bool alias; /* id stands for the chain of `parent` */
};

/* Zeroed: empty. */
struct mh_frames {
	struct {
		struct mh_stack_frame *v; /* by source and id, once finished */
		size_t nr, cap;
	} list;
};

/* Both return negative when out of memory. Of two with one id only one counts. */
int mh_frames_add(struct mh_frames *f, uint16_t source, const struct mh_ev_stack *frame);
/* @id: not that of a frame. @to: a frame's, may be added later. */
int mh_frames_alias(struct mh_frames *f, uint16_t source, uint32_t id, uint32_t to);

/* A number that no frame or alias of @source has, nor any above it. */
uint32_t mh_frames_free_id(const struct mh_frames *f, uint16_t source);

/* Call after adding; more can be added then, and needs another call. */
void mh_frames_finish(struct mh_frames *f);
void mh_frames_fini(struct mh_frames *f);

/* The frame of that id, or what an alias stands for; NULL: 0, or it was never told. */
const struct mh_stack_frame *mh_frames_find(const struct mh_frames *f, uint16_t source,
					    uint32_t id);
/* Who called it; NULL: not known. A caller's id is smaller: chains end. */
const struct mh_stack_frame *mh_frames_caller(const struct mh_frames *f,
					      const struct mh_stack_frame *frame);

/* Addresses of the kernel are in the upper half on every architecture that has 64 bits.
 */
static inline bool mh_ip_is_kernel(uint64_t ip)
{
	return ip >> 63;
}

/*
 * The first caller of where a sample was taken. The innermost frame of a chain is where
 * the interrupt came, which hardware that samples precisely leaves some instructions
 * behind @ip, so that is left out - unless it is of the other mode: then the chain has
 * user frames only of a sample in the kernel, and all of it called.
 */
const struct mh_stack_frame *mh_frames_caller_of(const struct mh_frames *f,
						 uint16_t source, uint32_t stack,
						 uint64_t ip);

#endif
