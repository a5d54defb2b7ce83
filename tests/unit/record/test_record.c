/* SPDX-License-Identifier: MIT */
/* The small parts of a recording: early events, the previous trace, sizes, sources. */
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/choose.h"
#include "record/cost.h"
#include "record/early.h"
#include "record/file.h"
#include "record/host.h"

/* ---- early events ---- */

struct heard {
	char text[256];
};

static int hear(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct heard *h = arg;
	size_t used = strlen(h->text);

	(void)err;
	snprintf(h->text + used, sizeof(h->text) - used, "%s=%s;",
		 ev->kind == MH_EV_META ? ev->meta.key : "map",
		 ev->kind == MH_EV_META ? ev->meta.value : ev->map.path);
	return MH_OK;
}

static int keep(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	return mh_early_keep(arg, ev, err);
}

static void test_early(void **state)
{
	struct mh_early early = { 0 };
	struct heard heard = { "" };
	char path[] = "/a";
	struct mh_event ev;

	(void)state;
	assert_int_equal(mh_meta_tell(keep, &early, NULL, "k", "%d", 1), MH_OK);
	mh_event_init(&ev, MH_EV_MAP);
	ev.map.path = path;
	assert_int_equal(mh_early_keep(&early, &ev, NULL), MH_OK);
	path[1] = 'b'; /* what was lent may change */
	assert_int_equal(mh_early_replay(&early, hear, &heard, NULL), MH_OK);
	assert_string_equal(heard.text, "k=1;map=/a;");
	assert_int_equal(early.nr, 0);
	mh_early_fini(&early);
}

static void test_command_line(void **state)
{
	char a[] = "echo", b[] = "it's", c[] = "", d[] = "a b";
	char *argv[] = { a, b, c, d, NULL };
	struct heard heard = { "" };

	(void)state;
	assert_int_equal(mh_meta_tell_words(hear, &heard, NULL, "k", argv), MH_OK);
	assert_string_equal(heard.text, "k=echo 'it'\\''s' '' 'a b';");
}

/* ---- the previous trace ---- */

static void put(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void expect(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX], got[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!text) {
		assert_null(f);
		return;
	}
	assert_non_null(f);
	assert_non_null(fgets(got, sizeof(got), f));
	fclose(f);
	assert_string_equal(got, text);
}

static void empty_dir(const char *dir)
{
	static const char *const names[] = { "t", "t.tail", "t.old", "t.old.tail", "" };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
}

static void test_old_trace(void **state)
{
	char dir[] = "/tmp/memheat-old-XXXXXX", path[PATH_MAX];
	bool moved;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t", dir);
	assert_int_equal(mh_trace_keep_old(path, &moved, NULL), MH_OK);
	assert_false(moved);
	put(dir, "t", "first");
	put(dir, "t.tail", "first's tail");
	assert_int_equal(mh_trace_keep_old(path, &moved, NULL), MH_OK);
	assert_true(moved);
	expect(dir, "t", NULL);
	expect(dir, "t.old", "first");
	expect(dir, "t.tail", NULL);
	expect(dir, "t.old.tail", "first's tail");
	/* A new one that does not come about. */
	put(dir, "t", "second");
	mh_trace_bring_back(path, moved);
	expect(dir, "t", "first");
	expect(dir, "t.tail", "first's tail");
	expect(dir, "t.old", NULL);
	/* A whole trace over an unfinished one: the tail is not the whole one's. */
	put(dir, "t.old.tail", "stale");
	remove(strcat(path, ".tail"));
	path[strlen(path) - 5] = '\0';
	assert_int_equal(mh_trace_keep_old(path, &moved, NULL), MH_OK);
	expect(dir, "t.old", "first");
	expect(dir, "t.old.tail", NULL);
	empty_dir(dir);
}

static void test_devices_stay(void **state)
{
	bool moved;

	(void)state;
	assert_int_equal(mh_trace_keep_old("/dev/null", &moved, NULL), MH_OK);
	assert_false(moved);
	mh_trace_bring_back("/dev/null", false);
	assert_int_equal(access("/dev/null", F_OK), 0);
}

/* ---- sizes ---- */

static void test_status(void **state)
{
	struct mh_ev_footprint f;

	(void)state;
	assert_int_equal(mh_cost_parse_status(&f,
					      "Name:\tVmRSS:\nVmPeak:\t 9 kB\n"
					      "VmRSS:\t    1234 kB\nVmSwap:\t 8 kB\n"),
			 MH_OK);
	assert_int_equal(f.rss, 1234 * 1024);
	assert_int_equal(f.swap, 8 * 1024);
	assert_true(f.pss == MH_NO_BYTES);
	assert_int_equal(mh_cost_parse_status(&f, "Name:\tkthreadd\nState:\tS\n"),
			 MH_ENOTARGET);
}

static void test_rollup(void **state)
{
	struct mh_ev_footprint f = { .pss = MH_NO_BYTES, .huge = MH_NO_BYTES };

	(void)state;
	mh_cost_parse_rollup(&f, "");
	assert_true(f.pss == MH_NO_BYTES && f.huge == MH_NO_BYTES);
	mh_cost_parse_rollup(&f, "1000-2000 ---p 0 00:00 0 [rollup]\n"
				 "Rss:   80 kB\nPss:   30 kB\nPss_Dirty:  9 kB\n"
				 "SwapPss:  7 kB\nAnonHugePages:  2048 kB\n"
				 "FilePmdMapped:  4096 kB\n");
	assert_int_equal(f.pss, 30 * 1024);
	assert_int_equal(f.huge, 6 << 20);
}

/* A walk that took 20 ms puts the next off for 2 s. */
static void test_rollups_take_turns(void **state)
{
	const uint64_t s = 1000000000;
	struct mh_rollups r = { 0 };
	struct mh_ev_footprint f = { .pid = (uint32_t)getpid(), .pss = MH_NO_BYTES };

	(void)state;
	mh_rollups_begin(&r, s);
	assert_true(r.turn);
	mh_rollups_read(&r, &f, "");
	assert_true(f.pss != MH_NO_BYTES || access("/proc/self/smaps_rollup", R_OK));
	r.cpu_ns = s / 50;
	assert_true(mh_rollups_end(&r, s));
	f.pss = MH_NO_BYTES;
	mh_rollups_begin(&r, 3 * s - 1);
	assert_false(r.turn);
	mh_rollups_read(&r, &f, "");
	assert_true(f.pss == MH_NO_BYTES);
	assert_false(mh_rollups_end(&r, 3 * s - 1));
	mh_rollups_begin(&r, 3 * s);
	assert_true(r.turn);
}

/* ---- sources ---- */

static int choose(struct mh_choice *c, const char *names, struct mh_err *err)
{
	const struct mh_source_opts opts = { 0 };

	return mh_choose_sources(c, names, 0, NULL, &opts, err);
}

static void test_unknown_source(void **state)
{
	struct mh_choice c;
	struct mh_err err;

	(void)state;
	assert_int_equal(choose(&c, "nonsense", &err), MH_EINPUT);
	assert_non_null(strstr(err.msg, "'nonsense'"));
	assert_non_null(strstr(err.msg, "refs"));
	assert_int_equal(choose(&c, "refs,", &err), MH_EINPUT);
	assert_int_equal(choose(&c, "refs,refs", &err), MH_EINPUT);
}

static void test_named_source(void **state)
{
	struct mh_choice c;
	struct mh_err err;

	(void)state;
	if (choose(&c, "refs", &err) == MH_ENOSUP)
		skip_because("%s", err.msg);
	assert_int_equal(c.nr, 1);
	assert_string_equal(c.ops[0]->name, "refs");
	assert_false(c.automatic);
}

struct said {
	char text[512];
};

static void say(void *arg, enum mh_level level, const char *msg)
{
	struct said *s = arg;

	(void)level;
	snprintf(s->text, sizeof(s->text), "%s", msg);
}

/* A machine without any of it: every reason is told. */
static void test_nothing_works(void **state)
{
	struct said said = { "" };
	const struct mh_log log = { .fn = say, .arg = &said };
	const struct mh_source_opts opts = { .sysroot = "/nonexistent", .log = &log };
	struct mh_choice c;
	struct mh_err err;

	(void)state;
	assert_int_equal(mh_choose_sources(&c, "auto", 0, NULL, &opts, &err), MH_ENOSUP);
	assert_non_null(strstr(err.msg, "refs ("));
	assert_non_null(strstr(err.msg, "faults ("));
	assert_string_equal(said.text, "");
	assert_int_equal(mh_choose_sources(&c, "faults", 0, NULL, &opts, &err),
			 MH_ENOSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_old_trace),
		cmocka_unit_test(test_devices_stay),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_rollup),
		cmocka_unit_test(test_rollups_take_turns),
		cmocka_unit_test(test_unknown_source),
		cmocka_unit_test(test_named_source),
		cmocka_unit_test(test_nothing_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
