/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one record of a perf ring, as an event. A pure function of the bytes and
 * of how the kernel was asked to lay them out, so that it can be tested and fuzzed
 * without a kernel.
 */
#ifndef MEMHEAT_RING_PARSE_H
#define MEMHEAT_RING_PARSE_H

#include <stdbool.h>

#include <memheat/base.h>
#include <memheat/event.h>

/* What of struct perf_event_attr decides the layout, and what its events stand for. */
struct mh_ring_layout {
	uint64_t sample_type; /* PERF_SAMPLE_* */
	uint64_t read_format; /* PERF_FORMAT_*, for PERF_SAMPLE_READ */
	bool sample_id_all;   /* the other records end with a trailer of ids */
	bool branch_hw_index; /* PERF_SAMPLE_BRANCH_HW_INDEX was asked for */
	bool branch_counters; /* PERF_SAMPLE_BRANCH_COUNTERS was */
	bool swapped;         /* the bytes are of the other byte order */
	bool exact_ip;        /* IP is that of the access, whatever the records say */
	bool longer; /* the records may hold more than we know of: do not ask for their
		      * exact end */
	uint64_t regs_user, regs_intr; /* masks of sample_regs_user, sample_regs_intr */
	uint64_t period;               /* of a sample that does not carry its own */
	uint16_t event;                /* put into the samples */
};

/* What a record says beside its event; pointers are into the record. */
struct mh_ring_extra {
	uint64_t id;        /* of the event that fired; 0: not in the layout */
	const uint8_t *raw; /* PERF_SAMPLE_RAW: a tracepoint's fields; NULL: none */
	uint32_t raw_len;
	const uint8_t *chain; /* PERF_SAMPLE_CALLCHAIN: u64s as recorded, unaligned */
	uint64_t nr_chain;
	uint64_t regs_abi;    /* PERF_SAMPLE_REGS_USER: PERF_SAMPLE_REGS_ABI_* */
	const uint8_t *regs;  /* u64s by the layout's regs_user; NULL: none */
	const uint8_t *stack; /* PERF_SAMPLE_STACK_USER; NULL: none */
	uint64_t stack_len;   /* bytes of it that were copied */
	uint64_t nr_branches; /* PERF_SAMPLE_BRANCH_STACK */
	uint64_t aux_offset, aux_size,
		aux_flags; /* of PERF_RECORD_AUX, which is MH_END */
	uint32_t pid;      /* UINT32_MAX: not in the layout */
	uint32_t cpu;      /* UINT32_MAX: not in the layout */
	uint32_t tid;      /* UINT32_MAX: not in the layout */
};

/*
 * Parse one record, header included.
 *
 * @ev: source is left 0; strings point into the record. READ becomes a STAT "read"
 * @extra: may be NULL
 * Returns MH_OK; MH_END for a record that no event stands for; MH_EFORMAT when the bytes
 * do not end exactly where the header says, or a string has no end.
 */
int mh_ring_parse(struct mh_event *ev, const struct mh_ring_layout *layout,
		  const uint8_t *record, size_t len,
		  struct mh_ring_extra *extra) MH_MUST_CHECK;

#endif
