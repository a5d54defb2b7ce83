/* SPDX-License-Identifier: MIT */
/*
 * The miss-ratio curve of page scans against exact LRU: the same references are scanned
 * into a trace and run through an LRU stack of unlimited size.
 */
#include "fixture.h"

#include <math.h>

#define PAGES     8192u
#define PAGE      4096u
#define BASE      UINT64_C(0x10000000)
#define SCAN_NS   UINT64_C(100000000)
#define NR_POINTS 400

/* ---- references ---- */

static uint64_t random_state;

static uint32_t next_random(void)
{
	random_state =
		random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33);
}

static double zipf_cdf[PAGES];
static uint32_t zipf_page[PAGES]; /* rank to page: neighbours are not of one rank */

static void prepare_zipf(void)
{
	double sum = 0;
	uint32_t i, j, swap;

	for (i = 0; i < PAGES; i++) {
		zipf_cdf[i] = sum += 1 / pow(i + 1, 0.9);
		zipf_page[i] = i;
	}
	for (i = 0; i < PAGES; i++) {
		zipf_cdf[i] /= sum;
		j = next_random() % PAGES;
		swap = zipf_page[i];
		zipf_page[i] = zipf_page[j];
		zipf_page[j] = swap;
	}
}

static uint32_t zipf(void)
{
	double u = next_random() / 2147483648.0;
	uint32_t lo = 0, hi = PAGES - 1;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (zipf_cdf[mid] < u)
			lo = mid + 1;
		else
			hi = mid;
	}
	return zipf_page[lo];
}

static uint32_t ref_zipf(uint32_t i)
{
	(void)i;
	return zipf();
}

static uint32_t ref_loop(uint32_t i)
{
	return i % 6000;
}

/* Every so often everything is read through once. */
static uint32_t ref_zipf_and_scans(uint32_t i)
{
	uint32_t at = i % 80000;

	return at < PAGES ? at : zipf();
}

/* Four working sets in turn, each uniform over pages of its own. */
static uint32_t ref_phases(uint32_t i)
{
	static const uint32_t first[] = { 0, 1000, 1500, 5000 };
	static const uint32_t nr[] = { 1000, 2500, 400, 3000 };
	uint32_t phase = i / 40000 % 4;

	return first[phase] + next_random() % nr[phase];
}

/* ---- exact LRU ---- */

/* Stack distances by a tree over time that counts each page's last reference. */
struct lru {
	uint32_t *tree, nr;
	uint32_t last[PAGES];         /* time + 1; 0: never */
	uint64_t distance[PAGES + 1]; /* references by how many pages were used since */
	uint64_t nr_first;
};

static void tree_add(struct lru *l, uint32_t i, uint32_t d)
{
	for (; i <= l->nr; i += i & -i)
		l->tree[i] += d;
}

static uint32_t tree_sum(const struct lru *l, uint32_t i)
{
	uint32_t sum = 0;

	for (; i; i -= i & -i)
		sum += l->tree[i];
	return sum;
}

static void lru_reference(struct lru *l, uint32_t time, uint32_t page)
{
	uint32_t before = l->last[page];

	if (before) {
		l->distance[tree_sum(l, time) - tree_sum(l, before)]++;
		tree_add(l, before, UINT32_MAX);
	} else {
		l->nr_first++;
	}
	tree_add(l, time + 1, 1);
	l->last[page] = time + 1;
}

/* ---- the comparison ---- */

static void add_scan(struct fixture *fx, uint32_t nr, const uint8_t *touched)
{
	struct mh_event ev;
	struct mh_err err = { 0 };

	mh_event_init(&ev, MH_EV_PAGES);
	ev.source = 1;
	ev.pages.start_ns = nr * SCAN_NS;
	ev.time_ns = (nr + 1) * SCAN_NS;
	ev.pages.pid = 7;
	ev.pages.start = BASE;
	ev.pages.nr_pages = PAGES;
	ev.pages.page_shift = 12;
	ev.pages.accessed = touched;
	assert_status(mh_writer_add(fx->writer, &ev, &err), MH_OK, &err);
}

static void run(uint32_t (*reference)(uint32_t), uint32_t nr, uint32_t per_scan,
		struct lru *lru, struct mh_mrc *mrc)
{
	uint8_t touched[PAGES / 8] = { 0 };
	struct mh_err err = { 0 };
	struct mh_session *s;
	struct fixture fx;
	uint32_t i, page;

	fixture_begin(&fx);
	fixture_add(&fx, "meta time=0 key=source.1.name value=idle\n"
			 "meta time=0 key=trace.start_ns value=0");
	memset(lru, 0, sizeof(*lru));
	lru->nr = nr;
	lru->tree = calloc(nr + 1, sizeof(*lru->tree));
	assert_non_null(lru->tree);
	for (i = 0; i < nr; i++) {
		page = reference(i);
		lru_reference(lru, i, page);
		touched[page / 8] |= (uint8_t)(1u << page % 8);
		if (i % per_scan == per_scan - 1) {
			add_scan(&fx, i / per_scan, touched);
			memset(touched, 0, sizeof(touched));
		}
	}
	s = fixture_open(&fx, NULL);
	assert_status(mh_mrc_analyze(mrc, s, nr, &err), MH_OK, &err);
	mh_session_close(s);
	fixture_end(&fx);
	free(lru->tree);
}

static double exact_ratio(const struct lru *lru, uint32_t pages, uint32_t nr)
{
	uint64_t misses = lru->nr_first;
	uint32_t d;

	/* A page is still there if fewer others were used since. */
	for (d = pages; d <= PAGES; d++)
		misses += lru->distance[d];
	return (double)misses / nr;
}

static void is_near_lru(const char *name, uint32_t (*reference)(uint32_t), uint32_t nr,
			uint32_t per_scan)
{
	static struct lru lru;
	struct mh_mrc mrc;
	double first, last, sum = 0, worst = 0;
	size_t i;

	random_state = 1;
	prepare_zipf();
	run(reference, nr, per_scan, &lru, &mrc);
	assert_true(mrc.nr_points > 10);
	first = (double)mrc.points[0].bytes / PAGE;
	last = (double)mrc.points[mrc.nr_points - 1].bytes / PAGE;
	for (i = 0; i < NR_POINTS; i++) {
		uint32_t pages = (uint32_t)(first + (last - first) * ((double)i + 0.5) /
							    NR_POINTS);
		double got = mh_mrc_ratio(&mrc, (double)pages * PAGE);
		double error = fabs(got - exact_ratio(&lru, pages, nr));

		if (pages < first)
			continue;
		sum += error;
		worst = error > worst ? error : worst;
	}
	print_message("%s: mean error %.5f, worst %.5f, from %.0f to %.0f pages\n", name,
		      sum / NR_POINTS, worst, first, last);
	assert_true(sum / NR_POINTS < 0.005);
	/* The curve begins with an interval's working set, well below all of it. */
	assert_true(first < last / 4);
	mh_mrc_fini(&mrc);
}

static void zipf_is_near_lru(void **state)
{
	(void)state;
	is_near_lru("zipf", ref_zipf, 400000, 1000);
}

static void loop_is_near_lru(void **state)
{
	(void)state;
	is_near_lru("loop", ref_loop, 240000, 50);
}

static void zipf_and_scans_are_near_lru(void **state)
{
	(void)state;
	is_near_lru("zipf and scans", ref_zipf_and_scans, 400000, 500);
}

static void phases_are_near_lru(void **state)
{
	(void)state;
	is_near_lru("phases", ref_phases, 480000, 200);
}

static void near_to(double got, double want)
{
	if (fabs(got - want) > 1e-9 * fabs(want))
		fail_msg("%.12g is not %.12g", got, want);
}

/* A trace from text whose every number can be followed by hand. */
static void small_numbers(void **state)
{
	struct mh_session *s;
	struct mh_err err = { 0 };
	struct mh_mrc mrc;
	struct fixture fx;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx,
		    "meta time=0 key=source.1.name value=idle\n"
		    "meta time=0 key=trace.start_ns value=0\n"
		    "pages time=100000000 source=1 start_ns=0 pid=7 start=0x1000 "
		    "nr_pages=4 page_shift=12 accessed=0+2\n"
		    "pages time=200000000 source=1 start_ns=100000000 pid=7 start=0x1000 "
		    "nr_pages=4 page_shift=12 accessed=0+1\n"
		    "pages time=300000000 source=1 start_ns=200000000 pid=7 start=0x1000 "
		    "nr_pages=4 page_shift=12 accessed=0+3\n"
		    "pages time=400000000 source=1 start_ns=300000000 pid=7 start=0x1000 "
		    "nr_pages=4 page_shift=12 accessed=0+1\n");
	s = fixture_open(&fx, NULL);
	assert_status(mh_mrc_analyze(&mrc, s, 0, &err), MH_OK, &err);
	/* Touches: 2 + 1 + 3 + 1; first ones: pages 0, 1 and 2. */
	assert_int_equal(mrc.touched_bytes, 7 * PAGE);
	assert_int_equal(mrc.first_bytes, 3 * PAGE);
	assert_int_equal(mrc.interval_ns, SCAN_NS);
	assert_int_equal(mrc.span_ns, 4 * SCAN_NS);
	assert_int_equal(mrc.wss_bytes, 7 * PAGE / 4);
	/*
	 * Page 0 comes again in the second scan: 0, 1.5 and 2 pages are the least, the
	 * middle and the most that lie between. In the third page 0 has 0, 2 and 3, page
	 * 1 has 1, 2.5 and 3; in the fourth page 0 has 0, 2 and 3. Of the halves on both
	 * sides of each middle these parts are above 1.75 and above 2 pages:
	 */
	assert_int_equal(mrc.points[0].bytes, mrc.wss_bytes);
	near_to(mrc.points[0].miss_ratio,
		(3 + 0.5 * 0.5 + (0.5 / 8 + 0.5) + (0.5 / 2 + 0.5) + (0.5 / 8 + 0.5)) /
			7);
	near_to(mh_mrc_ratio(&mrc, 2 * PAGE), (3 + 0.5 + (0.5 / 3 + 0.5) + 0.5) / 7);
	near_to(mrc.points[0].miss_bytes_per_s,
		mrc.points[0].miss_ratio * 7 * PAGE / 0.4);
	assert_int_equal(mrc.points[mrc.nr_points - 1].bytes, 3 * PAGE);
	near_to(mrc.points[mrc.nr_points - 1].miss_ratio, 3 / 7.);
	assert_true(isnan(mh_mrc_ratio(&mrc, 100)));
	near_to(mh_mrc_ratio(&mrc, 1e9), 3 / 7.);
	mh_mrc_fini(&mrc);
	mh_session_close(s);
	fixture_end(&fx);
}

static void counts_are_refused(void **state)
{
	struct mh_session *s;
	struct mh_err err = { 0 };
	struct mh_mrc mrc;
	struct fixture fx;

	(void)state;
	fixture_begin(&fx);
	fixture_add(&fx, "meta time=0 key=source.1.name value=refs\n"
			 "region time=100000000 source=1 start_ns=0 pid=7 start=0x1000 "
			 "end=0x9000 touched=4096\n");
	s = fixture_open(&fx, NULL);
	assert_fails(mh_mrc_analyze(&mrc, s, 0, &err), MH_ENOSUP, &err,
		     "a miss-ratio curve needs damon or idle");
	mh_session_close(s);
	fixture_end(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zipf_is_near_lru),
		cmocka_unit_test(loop_is_near_lru),
		cmocka_unit_test(zipf_and_scans_are_near_lru),
		cmocka_unit_test(phases_are_near_lru),
		cmocka_unit_test(small_numbers),
		cmocka_unit_test(counts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
