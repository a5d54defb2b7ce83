/* SPDX-License-Identifier: MIT */
/* The fixed headers of a trace, to and from bytes, as memheat-trace(5) lists them. */
#include "trace/format.h"

#include <string.h>

#include "base/buf.h"
#include "trace/inflate.h"

static const uint8_t file_magic[8] = { 0x89, 'M', 'H', 'T', '\r', '\n', 0x1a, '\n' };
static const uint8_t block_sync[4] = { 'M', 'H', 'B', 'K' };
static const uint8_t trailer_magic[8] = { 'M', 'H', 'T', 'E', 'N', 'D', '\r', '\n' };

uint32_t mh_crc(const void *bytes, size_t len)
{
	return mh_crc32(bytes, len);
}

bool mh_crc_ok(const void *bytes, size_t len, uint32_t want)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	/* A fuzzer cannot guess checksums; let it reach what is behind them. */
	(void)bytes, (void)len, (void)want;
	return true;
#else
	return mh_crc(bytes, len) == want;
#endif
}

uint32_t mh_uuid4(const uint8_t uuid[16])
{
	return (uint32_t)uuid[0] | (uint32_t)uuid[1] << 8 | (uint32_t)uuid[2] << 16 |
	       (uint32_t)uuid[3] << 24;
}

/* A fixed header is written through the growing buffer's calls into the caller's bytes.
 */
struct put {
	uint8_t *p;
};

static void put16(struct put *b, uint16_t v)
{
	*b->p++ = (uint8_t)v;
	*b->p++ = (uint8_t)(v >> 8);
}

static void put32(struct put *b, uint32_t v)
{
	put16(b, (uint16_t)v);
	put16(b, (uint16_t)(v >> 16));
}

static void put64(struct put *b, uint64_t v)
{
	put32(b, (uint32_t)v);
	put32(b, (uint32_t)(v >> 32));
}

static void put_bytes(struct put *b, const void *bytes, size_t len)
{
	memcpy(b->p, bytes, len);
	b->p += len;
}

void mh_file_head_put(uint8_t p[MH_FILE_HEADER_LEN], const struct mh_file_head *h)
{
	struct put b = { p };

	put_bytes(&b, file_magic, sizeof(file_magic));
	put16(&b, h->major);
	put16(&b, h->minor);
	put32(&b, h->header_len);
	put64(&b, h->incompat);
	put64(&b, h->compat);
	put_bytes(&b, h->uuid, sizeof(h->uuid));
	put32(&b, 0);
	put32(&b, 0);
	put32(&b, 0);
	put32(&b, mh_crc(p, 60));
}

int mh_file_head_get(struct mh_file_head *h, const uint8_t p[MH_FILE_HEADER_LEN],
		     struct mh_err *err)
{
	struct mh_rbuf b = mh_rbuf(p, MH_FILE_HEADER_LEN);

	if (memcmp(mh_rbuf_bytes(&b, 8), file_magic, 8) != 0)
		return mh_fail(err, MH_EFORMAT, "not a memheat trace");
	h->major = mh_rbuf_u16(&b);
	h->minor = mh_rbuf_u16(&b);
	h->header_len = mh_rbuf_u32(&b);
	h->incompat = mh_rbuf_u64(&b);
	h->compat = mh_rbuf_u64(&b);
	memcpy(h->uuid, mh_rbuf_bytes(&b, 16), 16);
	mh_rbuf_bytes(&b, 12);
	if (!mh_crc_ok(p, 60, mh_rbuf_u32(&b)))
		return mh_fail(err, MH_EFORMAT, "the trace's file header is damaged");
	if (h->major != MH_FORMAT_MAJOR)
		return mh_fail(err, MH_EFORMAT,
			       "trace format %u.%u is not known; this memheat reads %u.x",
			       h->major, h->minor, MH_FORMAT_MAJOR);
	if (h->incompat)
		return mh_fail(err, MH_EFORMAT,
			       "the trace needs format feature bit %d of a newer memheat",
			       __builtin_ctzll(h->incompat));
	if (h->header_len < MH_FILE_HEADER_LEN || h->header_len > 65536 ||
	    h->header_len % 8)
		return mh_fail(err, MH_EFORMAT, "file header length %u is out of range",
			       h->header_len);
	return MH_OK;
}

void mh_block_head_put(uint8_t p[MH_BLOCK_HEADER_LEN], const struct mh_block_head *h)
{
	struct put b = { p };

	put_bytes(&b, block_sync, sizeof(block_sync));
	put16(&b, h->kind);
	put16(&b, h->flags);
	put32(&b, h->stored_len);
	put32(&b, h->memory_len);
	put32(&b, h->items);
	put32(&b, h->source);
	put64(&b, h->seq);
	put64(&b, h->t_min);
	put64(&b, h->t_max);
	put64(&b, h->addr_min);
	put64(&b, h->addr_max);
	put32(&b, h->uuid4);
	put32(&b, h->dir_crc);
	put32(&b, h->nr_columns);
	put32(&b, mh_crc(p, 76));
}

bool mh_block_head_get(struct mh_block_head *h, const uint8_t p[MH_BLOCK_HEADER_LEN])
{
	struct mh_rbuf b = mh_rbuf(p, MH_BLOCK_HEADER_LEN);

	if (memcmp(mh_rbuf_bytes(&b, 4), block_sync, 4) != 0)
		return false;
	h->kind = mh_rbuf_u16(&b);
	h->flags = mh_rbuf_u16(&b);
	h->stored_len = mh_rbuf_u32(&b);
	h->memory_len = mh_rbuf_u32(&b);
	h->items = mh_rbuf_u32(&b);
	h->source = mh_rbuf_u32(&b);
	h->seq = mh_rbuf_u64(&b);
	h->t_min = mh_rbuf_u64(&b);
	h->t_max = mh_rbuf_u64(&b);
	h->addr_min = mh_rbuf_u64(&b);
	h->addr_max = mh_rbuf_u64(&b);
	h->uuid4 = mh_rbuf_u32(&b);
	h->dir_crc = mh_rbuf_u32(&b);
	h->nr_columns = mh_rbuf_u32(&b);
	return mh_crc_ok(p, 76, mh_rbuf_u32(&b)) && h->stored_len <= MH_MAX_STORED;
}

void mh_trailer_put(uint8_t p[MH_TRAILER_LEN], const struct mh_trailer *t)
{
	struct put b = { p };

	put64(&b, t->index_offset);
	put64(&b, t->nr_blocks);
	put32(&b, t->uuid4);
	put32(&b, mh_crc(p, 20));
	put_bytes(&b, trailer_magic, sizeof(trailer_magic));
}

bool mh_trailer_get(struct mh_trailer *t, const uint8_t p[MH_TRAILER_LEN])
{
	struct mh_rbuf b = mh_rbuf(p, MH_TRAILER_LEN);

	if (memcmp(p + 24, trailer_magic, 8) != 0)
		return false;
	t->index_offset = mh_rbuf_u64(&b);
	t->nr_blocks = mh_rbuf_u64(&b);
	t->uuid4 = mh_rbuf_u32(&b);
	return mh_crc_ok(p, 20, mh_rbuf_u32(&b));
}

uint64_t mh_event_begin(const struct mh_event *ev)
{
	switch (ev->kind) {
	case MH_EV_REGION:
		return mh_interval_begin(ev->region.start_ns, ev->time_ns);
	case MH_EV_PAGES:
		return mh_interval_begin(ev->pages.start_ns, ev->time_ns);
	case MH_EV_LOST:
		return mh_interval_begin(ev->lost.start_ns, ev->time_ns);
	case MH_EV_GAP:
		return mh_interval_begin(ev->gap.start_ns, ev->time_ns);
	case MH_EV_META:
	case MH_EV_MAP:
	case MH_EV_TASK:
	case MH_EV_SAMPLE:
	case MH_EV_FOOTPRINT:
	case MH_EV_STAT:
	case MH_EV_HEAP:
	case MH_EV_STACK:
	case MH_EV_STACK_COPY:
		break;
	}
	return ev->time_ns;
}
