/* SPDX-License-Identifier: MIT */
/* Which of DAMON's intervals holds when. */
#include "test.h"

#include <memheat/event.h>

#include "trace/intervals.h"

static void tell(struct mh_intervals *t, uint16_t source, uint64_t time_ns,
		 const char *name, uint64_t value)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STAT);
	ev.source = source;
	ev.time_ns = time_ns;
	ev.stat.name = name;
	ev.stat.value = value;
	assert_int_equal(mh_intervals_take(t, &ev, NULL), MH_OK);
}

static void the_last_by_then_holds(void **state)
{
	static const struct {
		unsigned source;
		uint64_t time_ns, aggr_ns;
	} cases[] = {
		{ 0, 1000, 0 },       { 1, 0, 0 },       { 1, 99, 0 },
		{ 1, 100, 7000 },     { 1, 299, 7000 },  { 1, 300, 9000 },
		{ 1, 1000000, 5000 }, { 2, 1000000, 0 }, { 3, 49, 0 },
		{ 3, 50, 1000 },      { 4, 1000, 0 },
	};
	struct mh_intervals t = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(mh_intervals_tuned(&t, 1, 1), 0);
	/* Blocks are not in the order of time; of one moment the last that is told
	 * counts. */
	tell(&t, 3, 50, "damon.aggr_us", 1);
	tell(&t, 1, 500, "damon.aggr_us", 5);
	tell(&t, 1, 300, "damon.aggr_us", 8);
	tell(&t, 1, 300, "damon.aggr_us", 9);
	tell(&t, 1, 100, "damon.aggr_us", 7);
	tell(&t, 2, 100, "damon.snapshots", 7);
	tell(&t, 1, 400, "kdamond.cpu_ns", 7);
	mh_intervals_sort(&t);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			mh_intervals_tuned(&t, cases[i].source, cases[i].time_ns),
			cases[i].aggr_ns);
	mh_intervals_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_by_then_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
