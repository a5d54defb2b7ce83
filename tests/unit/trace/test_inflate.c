/* SPDX-License-Identifier: MIT */
/* Inflating, compared with zlib: the same bytes, and the same verdict on damaged ones. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "test.h"
#include "trace/inflate.h"

#define LEN 70000

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* Noise, skewed bytes, runs, text of a few words, and a code with very rare bytes. */
static void fill(uint8_t *p, size_t len, unsigned kind)
{
	uint64_t seed = kind + 1;
	size_t i;

	for (i = 0; i < len; i++) {
		uint64_t r = next(&seed);

		switch (kind) {
		case 0:
			p[i] = (uint8_t)r;
			break;
		case 1:
			p[i] = (uint8_t)(r & (r >> 8) & (r >> 16));
			break;
		case 2:
			p[i] = i && r % 50 ? p[i - 1] : (uint8_t)r;
			break;
		case 3:
			p[i] = (uint8_t) "the map of the heat in pages"[(i + r % 2) % 28];
			break;
		default:
			p[i] = (uint8_t)__builtin_ctzll(r | 1u << 24);
		}
	}
}

static size_t deflate_raw(uint8_t *dst, size_t cap, const uint8_t *raw, size_t len,
			  int level, int strategy)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15, 9, strategy), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)raw;
	z.avail_in = (uInt)len;
	z.next_out = dst;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	len = z.total_out;
	deflateEnd(&z);
	return len;
}

static bool inflate_raw(const uint8_t *stored, size_t stored_len, uint8_t *dst,
			size_t len)
{
	z_stream z = { 0 };
	bool ok;

	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)stored;
	z.avail_in = (uInt)stored_len;
	z.next_out = dst;
	z.avail_out = (uInt)len;
	ok = inflate(&z, Z_FINISH) == Z_STREAM_END && !z.avail_in && !z.avail_out;
	inflateEnd(&z);
	return ok;
}

struct bench {
	struct mh_inflate s;
	uint8_t raw[LEN], stored[2 * LEN], ours[LEN], theirs[LEN];
};

static const struct {
	int level, strategy;
} ways[] = { { 0, Z_DEFAULT_STRATEGY }, { 1, Z_RLE },     { 1, Z_DEFAULT_STRATEGY },
	     { 6, Z_DEFAULT_STRATEGY }, { 6, Z_FIXED },   { 6, Z_HUFFMAN_ONLY },
	     { 9, Z_DEFAULT_STRATEGY }, { 6, Z_FILTERED } };
#define NR_WAYS  (sizeof(ways) / sizeof(ways[0]))
#define NR_KINDS 5

static void same_bytes(void **state)
{
	static const size_t lens[] = { 0, 1, 2, 3, 7, 8, 9, 258, 259, 1000, 65536, LEN };
	struct bench *b = malloc(sizeof(*b));
	size_t i, way, kind;

	(void)state;
	assert_non_null(b);
	for (kind = 0; kind < NR_KINDS; kind++) {
		fill(b->raw, LEN, (unsigned)kind);
		for (i = 0; i < sizeof(lens) / sizeof(lens[0]) * NR_WAYS; i++) {
			size_t len = lens[i / NR_WAYS], n;
			/* Of their own size, so that a step too far is seen. */
			uint8_t *stored, *dst = malloc(len + !len);

			way = i % NR_WAYS;
			n = deflate_raw(b->stored, sizeof(b->stored), b->raw, len,
					ways[way].level, ways[way].strategy);
			stored = malloc(n);
			assert_non_null(stored);
			assert_non_null(dst);
			memcpy(stored, b->stored, n);
			assert_true(mh_inflate(&b->s, stored, n, dst, len));
			assert_memory_equal(dst, b->raw, len);
			/* One byte less or more of either is not it. */
			assert_false(mh_inflate(&b->s, stored, n - 1, dst, len));
			if (len)
				assert_false(mh_inflate(&b->s, stored, n, dst, len - 1));
			b->stored[n] = 0;
			assert_false(mh_inflate(&b->s, b->stored, n + 1, dst, len));
			assert_false(mh_inflate(&b->s, stored, n, b->ours, len + 1));
			free(stored);
			free(dst);
		}
	}
	free(b);
}

static void same_verdict_on_damage(void **state)
{
	struct bench *b = malloc(sizeof(*b));
	uint64_t seed = 99;
	size_t i, k, nr_bad = 0;

	(void)state;
	assert_non_null(b);
	for (i = 0; i < 4000; i++) {
		size_t len = 40 + next(&seed) % 3000, n, way = i % NR_WAYS;
		bool ok;

		fill(b->raw, len, (unsigned)(i / NR_WAYS % NR_KINDS));
		n = deflate_raw(b->stored, sizeof(b->stored), b->raw, len,
				ways[way].level, ways[way].strategy);
		for (k = 0; k < 1 + i % 3; k++)
			b->stored[next(&seed) % (i % 2    ? n
						 : n < 60 ? n
							  : 60)] ^=
				(uint8_t)(1u << next(&seed) % 8);
		ok = inflate_raw(b->stored, n, b->theirs, len);
		assert_int_equal(mh_inflate(&b->s, b->stored, n, b->ours, len), ok);
		if (ok)
			assert_memory_equal(b->ours, b->theirs, len);
		nr_bad += !ok;
	}
	/* Most damage shows, and not all: both verdicts were compared. */
	assert_in_range(nr_bad, 1000, 3999);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bytes),
		cmocka_unit_test(same_verdict_on_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
