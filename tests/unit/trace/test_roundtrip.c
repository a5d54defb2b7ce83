/* SPDX-License-Identifier: MIT */
/* What is written is read again, whatever the values are. */
#include "rows.h"

static void write_and_compare(enum mh_event_kind kind, size_t nr, uint64_t seed,
			      enum mh_policy policy, uint64_t max_pages)
{
	struct mh_writer_opts opts = { .policy = policy };
	char *path = temp_path("roundtrip");
	struct rng r = { seed };
	struct bits b = { 0 };
	struct mh_event ev, got;
	struct mh_writer *w = writer(path, &opts);
	struct mh_reader *rd;
	struct walk walker = { 0 };
	size_t i;

	for (i = 0; i < nr; i++) {
		random_event(&r, &b, kind, max_pages, &ev);
		add(w, &ev);
		if (b.nr > 4000)
			break;
	}
	nr = i < nr ? i + 1 : nr;
	assert_int_equal(mh_writer_count(w, kind), nr);
	close_writer(w);
	free_bits(&b);

	rd = reader(path);
	assert_true(mh_reader_info(rd)->complete);
	assert_int_equal(mh_reader_info(rd)->rows[kind], nr);
	assert_int_equal(mh_reader_info(rd)->nr_damaged, 0);
	assert_int_equal(mh_reader_info(rd)->nr_lost_blocks, 0);
	walker.c = cursor(rd, NULL);
	r.s = seed;
	for (i = 0; walk(&walker, &got); i++) {
		random_event(&r, &b, kind, max_pages, &ev);
		assert_same(&ev, &got);
		assert_true(got.time_ns >= walker.batch.time_ns.start);
		assert_true(got.time_ns <= walker.batch.time_ns.end);
	}
	assert_int_equal(i, nr);
	assert_int_equal(walker.nr_damaged, 0);
	free_bits(&b);
	mh_cursor_close(walker.c);
	mh_reader_close(rd);
	unlink(path);
	free(path);
}

static void every_kind(void **state)
{
	enum mh_event_kind kind;

	(void)state;
	for (kind = MH_EV_META; kind < MH_NR_EVENT_KINDS; kind++) {
		write_and_compare(kind, 1, 1, MH_POLICY_DEFAULT, 100);
		write_and_compare(kind, 2, 2, MH_POLICY_FAST, 100);
		write_and_compare(kind, 777, 3, MH_POLICY_BEST, 300);
		write_and_compare(kind, 3000, 4, MH_POLICY_DEFAULT, 9);
	}
}

static void whole_blocks(void **state)
{
	enum mh_event_kind kind;

	(void)state;
	for (kind = MH_EV_META; kind < MH_NR_EVENT_KINDS; kind++) {
		if (kind == MH_EV_PAGES)
			continue;
		write_and_compare(kind, MH_BATCH_MAX + 1, 6, MH_POLICY_FAST, 0);
	}
	/* The last row fills the block: what then ends the trace knows no kinds. */
	write_and_compare(MH_EV_SAMPLE, MH_BATCH_MAX, 5, MH_POLICY_FAST, 0);
	write_and_compare(MH_EV_META, MH_BATCH_MAX, 5, MH_POLICY_FAST, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
