/* SPDX-License-Identifier: MIT */
/*
 * Arm's statistical profiling extension: the packets of its buffer (Arm ARM, chapter
 * "Statistical Profiling Extension sample record specification") as samples. Pure
 * functions of the bytes, so that they are tested without the hardware.
 */
#ifndef MEMHEAT_EVENT_SPE_H
#define MEMHEAT_EVENT_SPE_H

#include <memheat/event.h>

enum mh_spe_op {
	MH_SPE_OTHER,
	MH_SPE_LOAD,
	MH_SPE_STORE,
	MH_SPE_ATOMIC, /* a load and a store at once: lock prefixes of other machines */
	MH_SPE_BRANCH
};

/* One sampled operation: the packets up to its end or its timestamp. */
struct mh_spe_record {
	uint64_t pc, addr, phys;
	uint64_t events;             /* bits of the events packet */
	uint64_t timestamp;          /* of the generic timer; 0: none */
	uint32_t context;            /* of CONTEXTIDR; UINT32_MAX: none */
	uint32_t latency;            /* cycles from dispatch to completion; 0: none */
	uint32_t issue, translation; /* parts of it */
	uint16_t source;             /* of a load's data; UINT16_MAX: not told */
	uint8_t op;                  /* enum mh_spe_op */
	uint8_t has_addr, has_phys, is_kernel;
};

/* What is left of a buffer. Zero nr_skipped. */
struct mh_spe_buffer {
	const uint8_t *p, *end;
	uint64_t nr_skipped; /* bytes that were no packet */
};

/*
 * The next record.
 *
 * Returns MH_OK; MH_END when what is left holds no whole record: a buffer may be cut
 * anywhere. Bytes that are no packet are stepped over, and the record that they are in is
 * given up.
 */
int mh_spe_next(struct mh_spe_record *out, struct mh_spe_buffer *b) MH_MUST_CHECK;

/*
 * The fields of a sample: ip, addr, phys, weight, ins_lat, data_src and flags. Others are
 * left alone.
 *
 * @neoverse: the numbers of data sources are those of Arm's own cores; other makers have
 *	numbers of their own, of which nothing is made
 */
void mh_spe_fill(struct mh_ev_sample *s, const struct mh_spe_record *r, int neoverse);

/* Whether CPU @midr numbers data sources as Arm's Neoverse cores do. */
int mh_spe_is_neoverse(uint64_t midr);

#endif
