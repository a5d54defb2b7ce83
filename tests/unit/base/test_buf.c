/* SPDX-License-Identifier: MIT */
/* Byte cursors: every read is bounded, every number survives the way out and in. */
#include "../test.h"

#include "base/buf.h"

static void numbers_survive(void **state)
{
	static const uint64_t values[] = {
		0, 1, 127, 128, UINT32_MAX, 1ull << 62, 1ull << 63, UINT64_MAX
	};
	struct mh_wbuf out = { 0 };
	struct mh_rbuf in;
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		mh_wbuf_varint(&out, values[i]);
		mh_wbuf_svarint(&out, (int64_t)values[i]);
		mh_wbuf_u64(&out, values[i]);
		mh_wbuf_u32(&out, (uint32_t)values[i]);
		mh_wbuf_u16(&out, (uint16_t)values[i]);
	}
	in = mh_rbuf(out.p, out.len);
	for (i = 0; i < 8; i++) {
		assert_true(mh_rbuf_varint(&in) == values[i]);
		assert_true(mh_rbuf_svarint(&in) == (int64_t)values[i]);
		assert_true(mh_rbuf_u64(&in) == values[i]);
		assert_true(mh_rbuf_u32(&in) == (uint32_t)values[i]);
		assert_true(mh_rbuf_u16(&in) == (uint16_t)values[i]);
	}
	assert_false(in.bad);
	assert_int_equal(mh_rbuf_left(&in), 0);
	mh_wbuf_fini(&out);
}

static void reading_past_the_end_turns_bad_and_stays_bad(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct mh_rbuf in = mh_rbuf(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(mh_rbuf_u32(&in), 0x0201);
	assert_true(in.bad);
	assert_int_equal(mh_rbuf_u8(&in), 0);
	assert_true(in.bad);
}

static void refuses_varints_of_more_than_64_bits(void **state)
{
	static const uint8_t long_one[] = { 255, 255, 255, 255, 255, 255,
					    255, 255, 255, 255, 0 };
	static const uint8_t too_big[] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 2
	};
	struct mh_rbuf in = mh_rbuf(long_one, sizeof(long_one));

	(void)state;
	mh_rbuf_varint(&in);
	assert_true(in.bad);
	in = mh_rbuf(too_big, sizeof(too_big));
	mh_rbuf_varint(&in);
	assert_true(in.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_survive),
		cmocka_unit_test(reading_past_the_end_turns_bad_and_stays_bad),
		cmocka_unit_test(refuses_varints_of_more_than_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
