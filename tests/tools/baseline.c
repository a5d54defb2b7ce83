/* SPDX-License-Identifier: MIT */
/*
 * What others need for the same samples, in bytes per sample, one JSON object per file.
 *
 *	baseline FILE.smp...
 *
 * perf_record: perf.data's sample records of 80 bytes (IP TID TIME ADDR CPU WEIGHT
 * DATA_SRC PHYS_ADDR DATA_PAGE_SIZE).
 * perf_z: the same as `perf record -z` stores them: one zstd stream at level 1 over all
 * rings, flushed at the end of every record of at most 64 KiB, at least one to each read
 * of a ring; here a ring is read every 10 ms.  null without libzstd.
 * columns_varint_z6: blocks of 65,536, each of ten fields a column of zigzag deltas to
 *the previous sample as varints, each column deflated at level 6. raw_z6: the 64-byte
 *input records in blocks of 65,536, deflated at level 6.
 */
#include "stream_deflate.h"

#include <linux/perf_event.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define BLOCK      65536
#define NR_COLUMNS 10
#define ROUND_NS   UINT64_C(10000000)

static uint64_t column_value(const struct stream_sample *s, unsigned column)
{
	const uint64_t values[NR_COLUMNS] = { s->time_ns,  s->ip,        s->addr, s->phys,
					      s->data_src, s->pid,       s->tid,  s->cpu,
					      s->weight,   s->page_shift };

	return values[column];
}

static size_t column_varints(uint8_t *to, const struct stream_sample *s, size_t nr,
			     unsigned column)
{
	uint64_t before = 0;
	size_t size = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t v = column_value(&s[i], column), delta = v - before;

		before = v;
		delta = delta << 1 ^ (0 - (delta >> 63));
		for (; delta >= 0x80; delta >>= 7)
			to[size++] = (uint8_t)(delta | 0x80);
		to[size++] = (uint8_t)delta;
	}
	return size;
}

static size_t columns_size(const struct stream_sample *s, size_t nr)
{
	uint8_t *to = stream_alloc(BLOCK, 10);
	size_t size = 0;

	for (size_t at = 0; at < nr; at += BLOCK) {
		size_t items = nr - at < BLOCK ? nr - at : BLOCK;

		for (unsigned c = 0; c < NR_COLUMNS; c++)
			size += stream_deflated(to, column_varints(to, s + at, items, c),
						8, Z_DEFAULT_STRATEGY);
	}
	free(to);
	return size;
}

static size_t raw_size(const struct stream_sample *s, size_t nr)
{
	size_t size = 0;

	for (size_t at = 0; at < nr; at += BLOCK)
		size += stream_deflated((const uint8_t *)(s + at),
					(nr - at < BLOCK ? nr - at : BLOCK) * sizeof(*s),
					8, Z_DEFAULT_STRATEGY);
	return size;
}

struct perf_record {
	struct perf_event_header header;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time, addr;
	uint32_t cpu, reserved;
	uint64_t weight, data_src, phys, page_size;
};

_Static_assert(sizeof(struct perf_record) == 80, "perf's record of these fields");

#ifdef HAVE_ZSTD
static void to_perf(struct perf_record *r, const struct stream_sample *s)
{
	*r = (struct perf_record){
		.header = { PERF_RECORD_SAMPLE,
			    PERF_RECORD_MISC_USER | PERF_RECORD_MISC_EXACT_IP,
			    sizeof(*r) },
		.ip = s->ip,
		.pid = s->pid,
		.tid = s->tid,
		.time = s->time_ns,
		.addr = s->addr,
		.cpu = s->cpu,
		.weight = s->weight,
		.data_src = s->data_src,
		.phys = s->phys,
		.page_size = UINT64_C(1) << s->page_shift,
	};
}

/* One read of a ring: records of type COMPRESSED of at most 64 KiB, each flushed. */
static size_t push(ZSTD_CStream *z, const struct perf_record *records, size_t nr)
{
	static uint8_t to[UINT16_MAX - 7 - sizeof(struct perf_event_header)];
	ZSTD_inBuffer in = { records, nr * sizeof(*records), 0 };
	size_t size = 0, left = 1;

	while (in.pos < in.size || left) {
		ZSTD_outBuffer out = { to, sizeof(to), 0 };

		left = ZSTD_compressStream2(z, &out, &in, ZSTD_e_flush);
		if (ZSTD_isError(left))
			stream_die("zstd", ZSTD_getErrorName(left));
		size += sizeof(struct perf_event_header) + out.pos;
	}
	return size;
}

static double perf_z(const struct stream_sample *s, size_t nr)
{
	ZSTD_CStream *z = ZSTD_createCStream();
	struct perf_record *records = stream_alloc(nr, sizeof(*records));
	size_t size = 0, end;

	if (!z || ZSTD_isError(ZSTD_initCStream(z, 1)))
		stream_die("zstd", "cannot be set up");
	for (size_t at = 0; at < nr; at = end) {
		uint64_t round = s[at].time_ns / ROUND_NS;

		for (end = at; end < nr && s[end].cpu == s[at].cpu &&
			       s[end].time_ns / ROUND_NS == round;
		     end++)
			to_perf(&records[end - at], &s[end]);
		size += push(z, records, end - at);
	}
	free(records);
	ZSTD_freeCStream(z);
	return (double)size / (double)nr;
}
#endif

/* Rings are per CPU: a stream in time order was in ring order when perf read it. */
static int in_ring_order(const struct stream_sample *s, size_t nr)
{
	size_t changes = 0;

	for (size_t i = 1; i < nr; i++)
		changes += s[i].cpu != s[i - 1].cpu;
	return changes * 16 < nr;
}

static void measure(const char *path)
{
	size_t nr;
	struct stream_sample *s = stream_load(&nr, path);

	if (!nr)
		stream_die(path, "has no samples");
	printf("{\"file\": \"%s\", \"samples\": %zu, \"perf_record\": %zu, \"perf_z\": ",
	       path, nr, sizeof(struct perf_record));
#ifdef HAVE_ZSTD
	if (in_ring_order(s, nr))
		printf("%.4f", perf_z(s, nr));
	else
		printf("null");
#else
	(void)in_ring_order;
	printf("null");
#endif
	printf(", \"columns_varint_z6\": %.4f, \"raw_z6\": %.4f}\n",
	       (double)columns_size(s, nr) / (double)nr,
	       (double)raw_size(s, nr) / (double)nr);
	free(s);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "baseline: FILE.smp...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		measure(argv[i]);
	return 0;
}
