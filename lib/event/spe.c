/* SPDX-License-Identifier: MIT */
/*
 * Packets begin with a header of one byte, two where the first says "extended"; its bits
 * tell kind, index and length, so that packets of kinds not known here are stepped over.
 *
 * Data sources are as implementations like: those of Arm's own Neoverse cores are read as
 * Linux reads them. Without one, the level is what the events say.
 */
#include "event/spe.h"

#include <stdbool.h>

#include "base/buf.h"
#include "event/data_src.h"

#define KERNEL_BYTE (UINT64_C(0xff) << 56)
#define ADDR_BITS   (~KERNEL_BYTE)

/* Bits of the events packet. */
enum {
	EV_L1_ACCESS = 2,
	EV_L1_REFILL = 3,
	EV_TLB_ACCESS = 4,
	EV_TLB_WALK = 5,
	EV_LLC_ACCESS = 8,
	EV_LLC_MISS = 9,
	EV_REMOTE = 10
};

/* Indices of address packets. */
enum {
	ADDR_PC = 0,
	ADDR_DATA = 2,
	ADDR_PHYS = 3
};

/* Indices of counter packets. */
enum {
	COUNT_TOTAL = 0,
	COUNT_ISSUE = 1,
	COUNT_TRANSLATION = 2
};

/* ---- packets ---- */

enum packet_kind {
	PACKET_BAD,
	PACKET_SKIP, /* padding, alignment, or nothing for us */
	PACKET_END,
	PACKET_TIMESTAMP,
	PACKET_EVENTS,
	PACKET_SOURCE,
	PACKET_CONTEXT,
	PACKET_OPERATION,
	PACKET_ADDRESS,
	PACKET_COUNTER
};

struct packet {
	enum packet_kind kind;
	unsigned index;
	size_t len; /* of the payload */
};

static size_t len_of(uint8_t header)
{
	return (size_t)1 << (header >> 4 & 3);
}

/* A header without extension, or the second byte of one with. @high: index bits of it */
static struct packet classify(uint8_t h, unsigned high)
{
	unsigned index = high << 3 | (h & 7);

	if ((h & 0xf8) == 0xb0)
		return (struct packet){ PACKET_ADDRESS, index, 8 };
	if ((h & 0xf8) == 0x98)
		return (struct packet){ PACKET_COUNTER, index, 2 };
	if (h == 0x71)
		return (struct packet){ PACKET_TIMESTAMP, 0, 8 };
	if ((h & 0xcf) == 0x42)
		return (struct packet){ PACKET_EVENTS, 0, len_of(h) };
	if ((h & 0xcf) == 0x43)
		return (struct packet){ PACKET_SOURCE, 0, len_of(h) };
	if ((h & 0xfc) == 0x64)
		return (struct packet){ PACKET_CONTEXT, h & 3, 4 };
	if ((h & 0xfc) == 0x48)
		return (struct packet){ PACKET_OPERATION, h & 3, 1 };
	/* Bits 6 and 7 tell the others' lengths, where they have a payload at all. */
	if (h & 0xc0)
		return (struct packet){ PACKET_SKIP, 0, len_of(h) };
	return (struct packet){ PACKET_BAD, 0, 0 };
}

/* Padding up to a multiple of 2 << bits, counted from the buffer's start by the CPU. */
static bool is_alignment(uint8_t second)
{
	return (second & 0xf0) == 0;
}

/* Reads the header. */
static struct packet take_header(struct mh_rbuf *b)
{
	uint8_t h = mh_rbuf_u8(b), second;

	if (h == 0)
		return (struct packet){ PACKET_SKIP, 0, 0 };
	if (h == 1)
		return (struct packet){ PACKET_END, 0, 0 };
	if ((h & 0xfc) != 0x20)
		return classify(h, 0);
	second = mh_rbuf_u8(b);
	if (is_alignment(second))
		return (struct packet){ PACKET_SKIP, 0, 0 }; /* zeros follow */
	return classify(second, h & 3);
}

static uint64_t payload(struct mh_rbuf *b, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++)
		v |= (uint64_t)mh_rbuf_u8(b) << 8 * i;
	return v;
}

/* ---- records ---- */

static void take_address(struct mh_spe_record *r, unsigned index, uint64_t v)
{
	unsigned el = (unsigned)(v >> 61 & 3);

	switch (index) {
	case ADDR_PC:
		r->is_kernel = el != 0;
		r->pc = v & ADDR_BITS;
		/* The byte was used for the exception level; the kernel's half is ones.
		 */
		if (el)
			r->pc |= KERNEL_BYTE;
		break;
	case ADDR_DATA:
		/* The top byte is a tag, or nothing. */
		r->addr = v & ADDR_BITS;
		if (v >> 52 & 8)
			r->addr |= KERNEL_BYTE;
		r->has_addr = 1;
		break;
	case ADDR_PHYS:
		r->phys = v & ADDR_BITS;
		r->has_phys = 1;
		break;
	default:
		break; /* branch targets */
	}
}

static void take_counter(struct mh_spe_record *r, unsigned index, uint32_t v)
{
	if (index == COUNT_TOTAL)
		r->latency = v;
	else if (index == COUNT_ISSUE)
		r->issue = v;
	else if (index == COUNT_TRANSLATION)
		r->translation = v;
}

static uint8_t op_of(unsigned class, uint64_t v)
{
	if (class == 2)
		return MH_SPE_BRANCH;
	if (class != 1)
		return MH_SPE_OTHER;
	/* Extended loads and stores with the atomic bit: exclusives are plain ones. */
	if ((v & 0xe2) == 0x02 && v & 4)
		return MH_SPE_ATOMIC;
	return v & 1 ? MH_SPE_STORE : MH_SPE_LOAD;
}

static void take_packet(struct mh_spe_record *r, const struct packet *p, uint64_t v)
{
	switch (p->kind) {
	case PACKET_TIMESTAMP:
		r->timestamp = v;
		break;
	case PACKET_EVENTS:
		r->events = v;
		break;
	case PACKET_SOURCE:
		r->source = (uint16_t)v;
		break;
	case PACKET_CONTEXT:
		r->context = (uint32_t)v;
		break;
	case PACKET_OPERATION:
		r->op = op_of(p->index, v);
		break;
	case PACKET_ADDRESS:
		take_address(r, p->index, v);
		break;
	case PACKET_COUNTER:
		take_counter(r, p->index, (uint32_t)v);
		break;
	case PACKET_BAD:
	case PACKET_SKIP:
	case PACKET_END:
		break;
	}
}

static void begin(struct mh_spe_record *r)
{
	*r = (struct mh_spe_record){ .context = UINT32_MAX, .source = UINT16_MAX };
}

int mh_spe_next(struct mh_spe_record *out, struct mh_spe_buffer *b)
{
	bool any = false, spoilt = false;

	begin(out);
	while (b->p < b->end) {
		struct mh_rbuf in = mh_rbuf(b->p, (size_t)(b->end - b->p));
		struct packet p = take_header(&in);
		uint64_t v = p.len <= 8 ? payload(&in, p.len) : 0;

		if (in.bad)
			return MH_END; /* cut within a packet */
		b->p = in.p;
		if (p.kind == PACKET_BAD) {
			b->nr_skipped++;
			spoilt = true;
			continue;
		}
		take_packet(out, &p, v);
		any |= p.kind > PACKET_END;
		if (p.kind != PACKET_END && p.kind != PACKET_TIMESTAMP)
			continue;
		if (any && !spoilt)
			return MH_OK;
		begin(out);
		any = spoilt = false;
	}
	return MH_END;
}

/* ---- samples ---- */

static bool has(const struct mh_spe_record *r, unsigned event)
{
	return r->events >> event & 1;
}

struct place {
	unsigned lvl, number, snoop, snoopx, remote;
};

/* As arch-independent words for what Arm's cores say; false: another number. */
static bool place_of_source(struct place *out, uint16_t source)
{
	static const struct {
		uint16_t source;
		struct place place;
	} sources[] = {
		{ 0x0, { MH_DS_LVL_L1, MH_DS_LVLNUM_L1, MH_DS_SNOOP_NONE, 0, 0 } },
		{ 0x8, { MH_DS_LVL_L2, MH_DS_LVLNUM_L2, MH_DS_SNOOP_NONE, 0, 0 } },
		/* another core, another core of the cluster */
		{ 0x9, { MH_DS_LVL_L2, MH_DS_LVLNUM_L2, 0, MH_DS_SNOOPX_PEER, 0 } },
		{ 0xa, { MH_DS_LVL_L3, MH_DS_LVLNUM_L3, 0, MH_DS_SNOOPX_PEER, 0 } },
		{ 0xb, { MH_DS_LVL_L3, MH_DS_LVLNUM_L3, MH_DS_SNOOP_HIT, 0, 0 } },
		/* another cluster, another chip */
		{ 0xc,
		  { MH_DS_LVL_REM_CCE1, MH_DS_LVLNUM_ANY_CACHE, 0, MH_DS_SNOOPX_PEER,
		    0 } },
		{ 0xd,
		  { MH_DS_LVL_REM_CCE1, MH_DS_LVLNUM_ANY_CACHE, 0, MH_DS_SNOOPX_PEER,
		    1 } },
		{ 0xe, { MH_DS_LVL_LOC_RAM, MH_DS_LVLNUM_RAM, MH_DS_SNOOP_NONE, 0, 0 } },
	};
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i].source != source)
			continue;
		*out = sources[i].place;
		out->lvl |= MH_DS_LVL_HIT;
		return true;
	}
	return false;
}

static unsigned hit_or_miss(bool miss)
{
	return miss ? MH_DS_LVL_MISS : MH_DS_LVL_HIT;
}

/* The outermost level that the events speak of. */
static struct place place_of_events(const struct mh_spe_record *r)
{
	struct place out = { .lvl = MH_DS_LVL_NA, .number = MH_DS_LVLNUM_NA };

	if (has(r, EV_REMOTE)) {
		out.lvl = MH_DS_LVL_REM_CCE1 | MH_DS_LVL_HIT;
		out.number = MH_DS_LVLNUM_ANY_CACHE;
		out.remote = 1;
	} else if (has(r, EV_LLC_ACCESS) || has(r, EV_LLC_MISS)) {
		out.lvl = MH_DS_LVL_L3 | hit_or_miss(has(r, EV_LLC_MISS));
		out.number = MH_DS_LVLNUM_L3;
	} else if (has(r, EV_L1_ACCESS) || has(r, EV_L1_REFILL)) {
		out.lvl = MH_DS_LVL_L1 | hit_or_miss(has(r, EV_L1_REFILL));
		out.number = MH_DS_LVLNUM_L1;
	}
	return out;
}

static unsigned tlb_of(const struct mh_spe_record *r)
{
	if (has(r, EV_TLB_WALK))
		return MH_DS_TLB_WK | MH_DS_TLB_MISS;
	if (has(r, EV_TLB_ACCESS))
		return MH_DS_TLB_L1 | MH_DS_TLB_L2 | MH_DS_TLB_HIT;
	return MH_DS_TLB_NA;
}

static uint64_t data_src_of(const struct mh_spe_record *r, int neoverse)
{
	bool load = r->op == MH_SPE_LOAD || r->op == MH_SPE_ATOMIC;
	unsigned op = load ? MH_DS_OP_LOAD : MH_DS_OP_STORE;
	struct place at;

	if (!load && r->op != MH_SPE_STORE)
		return MH_DS_PUT(MH_DS_OP_NA, OP);
	if (!load || !neoverse || r->source == UINT16_MAX ||
	    !place_of_source(&at, r->source))
		at = place_of_events(r);
	if (!at.snoop && !at.snoopx)
		at.snoop = MH_DS_SNOOP_NA;
	return MH_DS_PUT(op, OP) | MH_DS_PUT(at.lvl, LVL) | MH_DS_PUT(at.number, LVLNUM) |
	       MH_DS_PUT(at.snoop, SNOOP) | MH_DS_PUT(at.snoopx, SNOOPX) |
	       MH_DS_PUT(at.remote, REMOTE) | MH_DS_PUT(tlb_of(r), TLB) |
	       MH_DS_PUT(r->op == MH_SPE_ATOMIC ? MH_DS_LOCK_LOCKED : MH_DS_LOCK_NA,
			 LOCK) |
	       MH_DS_PUT(MH_DS_BLK_NA, BLK);
}

void mh_spe_fill(struct mh_ev_sample *s, const struct mh_spe_record *r, int neoverse)
{
	s->ip = r->pc;
	s->addr = r->addr;
	s->phys = r->phys;
	s->data_src = data_src_of(r, neoverse);
	s->weight = r->latency;
	s->ins_lat = r->issue < UINT16_MAX ? (uint16_t)r->issue : UINT16_MAX;
	s->flags = (uint8_t)(MH_SAMPLE_EXACT_IP | (r->has_addr ? MH_SAMPLE_ADDR : 0) |
			     (r->is_kernel ? MH_SAMPLE_KERNEL : 0));
}

int mh_spe_is_neoverse(uint64_t midr)
{
	/* Implementer Arm; N1, N2, N3, V1, V2, V3, Cortex-A720, A725, X1C, X3, X925. */
	static const uint16_t parts[] = { 0xd0c, 0xd49, 0xd8e, 0xd40, 0xd4f, 0xd84,
					  0xd81, 0xd87, 0xd4c, 0xd4e, 0xd85 };
	size_t i;

	if ((midr >> 24 & 0xff) != 0x41)
		return 0;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if ((midr >> 4 & 0xfff) == parts[i])
			return 1;
	}
	return 0;
}
