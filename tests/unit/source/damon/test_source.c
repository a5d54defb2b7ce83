/* SPDX-License-Identifier: MIT */
/*
 * The source as a whole on a model of the kernel's files, with snapshots on demand (a
 * ring cannot be modelled), what it refuses, and the real files' helpers.
 */
#include "../../test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/damon/holder.h"
#include "source/damon/live.h"
#include "source/damon/ram.h"
#include "tests/fake/damon.h"

struct seen {
	size_t nr_regions, nr_snapshots, nr_lost, nr_maps;
	uint64_t last_ns, sample_us, touched;
	char filters[192];
	struct mh_ev_region region;
};

static int keep(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct seen *s = arg;

	(void)err;
	if (ev->kind == MH_EV_REGION) {
		s->nr_snapshots += ev->time_ns != s->last_ns;
		s->last_ns = ev->time_ns;
		s->nr_regions++;
		s->region = ev->region;
		if (ev->region.touched != MH_NO_BYTES)
			s->touched += ev->region.touched;
		assert_true(ev->region.start_ns < ev->time_ns);
	}
	if (ev->kind == MH_EV_META && strstr(ev->meta.key, ".filters"))
		snprintf(s->filters, sizeof(s->filters), "%s", ev->meta.value);
	s->nr_lost += ev->kind == MH_EV_LOST;
	s->nr_maps += ev->kind == MH_EV_MAP;
	if (ev->kind == MH_EV_STAT && !strcmp(ev->stat.name, "damon.sample_us"))
		s->sample_us = ev->stat.value;
	return MH_OK;
}

static const pid_t target_pid = 42;

static struct mh_target one_process(void)
{
	return (struct mh_target){ .type = MH_TARGET_PROCESSES,
				   .pids = &target_pid,
				   .nr_pids = 1 };
}

static void wait_until(uint64_t deadline_ns)
{
	while (mh_tell_now_ns() < deadline_ns)
		usleep(1000);
}

static void test_polled(void **state)
{
	struct mh_source_opts opts = { .polled = { 5000000, 3 }, .auto_intervals.on = 1 };
	struct mh_target target = one_process();
	struct seen seen = { 0 };
	struct mh_source *src;
	struct fake_damon f;
	uint64_t deadline;
	struct mh_err err;
	int ret = MH_OK;

	(void)state;
	fake_init(&f);
	f.has_goal = true;
	f.tuned_sample_us = 40000;
	f.nr_tried = 12;
	assert_status(mh_damon_open(&src, DAMON_VADDR, &f.fs, 1, &target, &opts, keep,
				    &seen, &err),
		      MH_OK, &err);
	assert_true(f.running);
	while (ret == MH_OK) {
		assert_int_equal(src->ops->wait(src, NULL, 0, &deadline), 0);
		wait_until(deadline);
		ret = src->ops->step(src, 0, keep, &seen, &err);
	}
	assert_int_equal(ret, MH_END); /* after COUNT */
	assert_int_equal(seen.nr_snapshots, 3);
	assert_int_equal(seen.nr_regions, 36);
	assert_int_equal(seen.nr_lost, 0);
	assert_int_equal(seen.sample_us, 40000); /* as the kernel tuned it */
	assert_int_equal(seen.region.pid, 42);
	assert_int_equal(seen.region.age, 7);
	assert_true(seen.region.touched == MH_NO_BYTES); /* no filters */
	assert_int_equal(seen.region.max_accesses, 20);
	/* One aggregation interval, not the time since the snapshot before. */
	assert_int_equal(seen.last_ns - seen.region.start_ns, 800000000);
	src->ops->close(src);
	assert_string_equal(fake_find(&f, DAMON_KDAMONDS "/nr_kdamonds"), "0");
}

static const struct mh_page_filter filters[] = {
	{ .type = "memcg", .memcg = "/a/b c" },
	{ .type = "anon", .reject = 1, .non = 1 },
	{ .type = "hugepage_size", .huge = { 0x200000, 0x40000000 } },
};

static void expect_file(struct fake_damon *f, const char *path, const char *value)
{
	const char *have = fake_find(f, path);

	assert_non_null(have);
	assert_string_equal(have, value);
}

/* Kernel by kernel: where the filters are, and what is counted. */
static void test_page_filters(void **state)
{
	struct mh_source_opts opts = { .polled = { 1000000, 1 },
				       .filters = filters,
				       .nr_filters = 3 };
	const char *dir = FAKE_CONTEXT "/schemes/0/ops_filters";
	struct mh_target target = one_process();
	struct seen seen = { 0 };
	struct mh_source *src;
	struct fake_damon f;
	char path[160];
	uint64_t deadline;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	fake_make_newer(&f);
	f.nr_tried = 4;
	assert_status(mh_damon_open(&src, DAMON_VADDR, &f.fs, 1, &target, &opts, keep,
				    &seen, &err),
		      MH_OK, &err);
	snprintf(path, sizeof(path), "%s/0/memcg_path", dir);
	expect_file(&f, path, "/a/b c");
	snprintf(path, sizeof(path), "%s/0/allow", dir);
	expect_file(&f, path, "Y");
	snprintf(path, sizeof(path), "%s/0/matching", dir);
	expect_file(&f, path, "Y");
	snprintf(path, sizeof(path), "%s/1/type", dir);
	expect_file(&f, path, "anon");
	snprintf(path, sizeof(path), "%s/1/allow", dir);
	expect_file(&f, path, "N");
	snprintf(path, sizeof(path), "%s/1/matching", dir);
	expect_file(&f, path, "N");
	snprintf(path, sizeof(path), "%s/2/max", dir);
	expect_file(&f, path, "1073741824");
	expect_file(&f, FAKE_CONTEXT "/schemes/0/filters/nr_filters", "0");
	assert_string_equal(seen.filters,
			    "allow memcg, reject non anon, allow hugepage_size");
	src->ops->wait(src, NULL, 0, &deadline);
	wait_until(deadline);
	assert_int_equal(src->ops->step(src, 0, keep, &seen, &err), MH_END);
	assert_int_equal(seen.nr_regions, 4);
	assert_int_equal(seen.touched, 2 * 1024);
	src->ops->close(src);
}

static void expect_no_filters(struct fake_damon *f, enum damon_mode mode,
			      const struct mh_page_filter *filter, uint64_t delay_ns,
			      int status, const char *words)
{
	struct mh_source_opts opts = { .polled = { delay_ns, 1 },
				       .filters = filter,
				       .nr_filters = 1 };
	struct mh_target one = one_process(), machine = { .type = MH_TARGET_SYSTEM };
	struct mh_source *src = NULL;
	struct seen seen = { 0 };
	struct mh_err err;

	assert_fails(mh_damon_open(&src, mode, &f->fs, 1,
				   mode == DAMON_PADDR ? &machine : &one, &opts, keep,
				   &seen, &err),
		     status, &err, words);
	assert_string_equal(fake_find(f, DAMON_KDAMONDS "/nr_kdamonds"), "0");
}

static void test_page_filters_refused(void **state)
{
	static const struct mh_page_filter odd = { .type = "odd" };
	struct fake_damon f;

	(void)state;
	fake_init(&f); /* 6.12 */
	expect_no_filters(&f, DAMON_VADDR, filters, 1000000, MH_ENOSUP, "Linux 6.14");
	fake_init(&f); /* 6.14: filters beside each other, physical memory only */
	f.has_pages = true;
	expect_no_filters(&f, DAMON_VADDR, filters, 1000000, MH_ENOSUP, "Linux 6.18");
	fake_init(&f);
	fake_make_newer(&f);
	expect_no_filters(&f, DAMON_VADDR, &odd, 1000000, MH_ENOSUP, "no filter 'odd'");
	expect_no_filters(&f, DAMON_VADDR, filters, 0, MH_EINPUT, "--snapshot");
}

static void refuse(enum damon_mode mode, const struct mh_target *target,
		   const struct mh_source_opts *opts, int status, const char *words)
{
	struct seen seen = { 0 };
	struct mh_source *src = NULL;
	struct fake_damon f;
	struct mh_err err;

	fake_init(&f);
	assert_fails(mh_damon_open(&src, mode, &f.fs, 1, target, opts, keep, &seen, &err),
		     status, &err, words);
	assert_null(src);
	assert_string_equal(fake_find(&f, DAMON_KDAMONDS "/nr_kdamonds"), "0");
}

static void test_refusals(void **state)
{
	static const struct mh_range overlap[] = { { 0x2000, 0x4000 },
						   { 0x1000, 0x3000 } };
	struct mh_target one = one_process(), machine = { .type = MH_TARGET_SYSTEM };
	struct mh_target ranges = one_process();
	struct mh_source_opts opts = { .sample_ns = 1500 };

	(void)state;
	refuse(DAMON_VADDR, &one, &opts, MH_EINPUT, "whole microseconds");
	opts = (struct mh_source_opts){ .sample_ns = 5000000, .aggr_ns = 1000000 };
	refuse(DAMON_VADDR, &one, &opts, MH_EINPUT, "--aggr");
	opts = (struct mh_source_opts){ .nr_regions_min = 2 };
	refuse(DAMON_VADDR, &one, &opts, MH_EINPUT, "--regions");
	opts = (struct mh_source_opts){ .auto_intervals = { 1, 10001, 0, 0, 0 } };
	refuse(DAMON_VADDR, &one, &opts, MH_EINPUT, "--auto-intervals");
	opts = (struct mh_source_opts){ 0 };
	refuse(DAMON_FVADDR, &one, &opts, MH_EINPUT, "add --addr");
	refuse(DAMON_VADDR, &machine, &opts, MH_EINPUT, "watches processes");
	refuse(DAMON_PADDR, &one, &opts, MH_EINPUT, "use -a");
	ranges.ranges = overlap;
	ranges.nr_ranges = 2;
	refuse(DAMON_FVADDR, &ranges, &opts, MH_EINPUT, "overlap");
	refuse(DAMON_ATTACH, &machine, &opts, MH_ENOTARGET, "no kdamond runs");
}

static void test_probe(void **state)
{
	struct mh_target one = one_process();
	struct mh_probe probe;
	struct fake_damon f;

	(void)state;
	fake_init(&f);
	mh_damon_probe(&probe, DAMON_AUTO, &f.fs, &one);
	assert_true(probe.usable);
	mh_damon_probe(&probe, DAMON_ATTACH, &f.fs, &one);
	assert_false(probe.usable);
	/* Somebody else's: not for us, but to be listened to. */
	fake_count(&f, DAMON_KDAMONDS "/nr_kdamonds", "1");
	fake_count(&f, DAMON_OWN "/contexts/nr_contexts", "1");
	assert_int_equal(fake_state(&f, "on"), 0);
	mh_damon_probe(&probe, DAMON_AUTO, &f.fs, &one);
	assert_false(probe.usable);
	assert_non_null(strstr(probe.reason, "kdamond 500"));
	assert_non_null(strstr(probe.fix, "damon:attach"));
	mh_damon_probe(&probe, DAMON_ATTACH, &f.fs, &one);
	assert_true(probe.usable);
	assert_int_equal(f.nr_writes, 0);
}

/* Without CONFIG_DAMON_VADDR: physical memory, and words for processes. */
static void test_probe_paddr_only(void **state)
{
	struct mh_target one = one_process(), machine = { .type = MH_TARGET_SYSTEM };
	struct mh_probe probe;
	struct fake_damon f;

	(void)state;
	fake_init(&f);
	fake_file(&f.fs, "/proc/kallsyms",
		  "0000000000000000 t damon_start\n0000000000000000 t damon_pa_init\n");
	mh_damon_probe(&probe, DAMON_AUTO, &f.fs, &one);
	assert_false(probe.usable);
	assert_non_null(strstr(probe.reason, "has no vaddr"));
	mh_damon_probe(&probe, DAMON_AUTO, &f.fs, &machine);
	assert_true(probe.usable);
	assert_int_equal(f.nr_writes, 0);
}

static void test_probe_without_damon(void **state)
{
	struct mh_target one = one_process();
	struct mh_probe probe;
	struct damon_fs fs;

	(void)state;
	mh_damon_fs_init(&fs, "/nowhere");
	mh_damon_probe(&probe, DAMON_AUTO, &fs, &one);
	assert_false(probe.usable);
	assert_non_null(strstr(probe.reason, "CONFIG_DAMON_SYSFS"));
}

/* ---- the real files, below a folder of our own ---- */

static void test_real_files(void **state)
{
	struct fake_damon f;
	struct damon_fs fs;
	struct mh_err err;
	char text[16];
	uint64_t nr;

	(void)state;
	fake_init(&f);
	mh_damon_fs_init(&fs, f.fs.root);
	fake_file(&fs, DAMON_OWN "/state", "off\n");
	fake_file(&fs, DAMON_OWN "/pid", "-1\n");
	/* By a helper process, which leaves nothing behind. */
	assert_status(mh_damon_write(&fs, DAMON_OWN "/state", "on\n", &err), MH_OK, &err);
	assert_status(mh_damon_read(&fs, text, sizeof(text), &err, DAMON_OWN "/state"),
		      MH_OK, &err);
	assert_string_equal(text, "on");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_status(mh_damon_read_u64(&fs, &nr, &err, DAMON_OWN "/pid"), MH_OK, &err);
	assert_true((int64_t)nr == -1);
	assert_fails(mh_damon_write(&fs, DAMON_KDAMONDS "/1/state", "on", &err),
		     MH_ENOSUP, &err, "no '");
	assert_fails(mh_damon_read_u64(&fs, &nr, &err, DAMON_OWN "/state"), MH_EFORMAT,
		     &err, "no number");
}

/* A pipe that nobody reads keeps its writer for ever, as the kernel may. */
static void test_write_that_hangs(void **state)
{
	struct fake_damon f;
	struct damon_fs fs;
	char path[PATH_MAX];
	struct mh_err err;
	int status;

	(void)state;
	fake_init(&f);
	mh_damon_fs_init(&fs, f.fs.root);
	fake_file(&fs, DAMON_OWN "/pid", "-1\n");
	snprintf(path, sizeof(path), "%s" DAMON_OWN "/state", fs.root);
	assert_int_equal(mkfifo(path, 0600), 0);
	fs.state_ms = 50;
	assert_fails(mh_damon_write(&fs, DAMON_OWN "/state", "on", &err), MH_ESYS, &err,
		     "hangs");
	assert_true(fs.hung > 0);
	/* It is not tried twice: one helper is enough to be stuck. */
	assert_fails(mh_damon_write(&fs, DAMON_OWN "/state", "off", &err), MH_ESYS, &err,
		     "hangs");
	assert_int_equal(waitpid(fs.hung, &status, WNOHANG), 0); /* it is still there */
	assert_int_equal(kill(fs.hung, SIGKILL), 0);
	assert_int_equal(waitpid(fs.hung, &status, 0), fs.hung);
}

/* The name is of no file: should the guard be broken, the kernel has nothing to write. */
static void test_guard(void **state)
{
	struct damon_fs fs;
	struct mh_err err;

	(void)state;
	assert_int_equal(setenv(DAMON_READONLY, "1", 1), 0);
	mh_damon_fs_init(&fs, NULL);
	assert_fails(mh_damon_write(&fs, DAMON_DIR "/none", "1", &err), MH_EPERM, &err,
		     DAMON_READONLY);
	assert_fails(mh_damon_write(&fs, DAMON_DIR "/none/state", "1", &err), MH_EPERM,
		     &err, DAMON_READONLY);
	assert_false(fs.may_write(&fs));
}

static void keep_words(void *arg, enum mh_level level, const char *words)
{
	char *out = arg;

	(void)level;
	if (strstr(words, "are watched"))
		snprintf(out, 512, "%s", words);
}

/* The gap between a program and its heap is watched too, which is worth a word. */
static void test_gaps(void **state)
{
	char words[512] = "";
	struct mh_log log = { .fn = keep_words, .arg = words };
	struct mh_source_opts opts = { .polled = { 1000000, 0 }, .log = &log };
	struct mh_target target = one_process();
	struct seen seen = { 0 };
	struct mh_source *src;
	struct fake_damon f;
	uint64_t until;
	struct mh_err err;

	(void)state;
	fake_init(&f);
	f.nr_tried = 4;
	f.tried_size = 64 << 20;
	fake_file(&f.fs, "/proc/42/maps",
		  "00400000-00800000 r-xp 00000000 08:01 1 /bin/x\n"
		  "0f800000-10000000 rw-p 00000000 00:00 0 [heap]\n");
	assert_status(mh_damon_open(&src, DAMON_VADDR, &f.fs, 1, &target, &opts, keep,
				    &seen, &err),
		      MH_OK, &err);
	until = mh_tell_now_ns() + 1100000000; /* its counts are told each second */
	while (mh_tell_now_ns() < until) {
		usleep(20000);
		assert_status(src->ops->step(src, 0, keep, &seen, &err), MH_OK, &err);
	}
	assert_non_null(strstr(words, "256 MiB are watched and 12 MiB of them"));
	src->ops->close(src);
}

static void test_ram(void **state)
{
	struct damon_rams rams;
	struct fake_damon f;
	struct mh_range r;
	struct mh_err err;

	(void)state;
	assert_int_equal(mh_damon_ram_line(&r, "  00001000-00001fff : Kernel code\n"),
			 MH_END);
	assert_int_equal(mh_damon_ram_line(&r, "000a0000-000fffff : Reserved\n"), MH_END);
	assert_int_equal(mh_damon_ram_line(&r, "100000000-63fffffff : System RAM\n"),
			 MH_OK);
	assert_true(r.start == 0x100000000 && r.end == 0x640000000);

	fake_init(&f);
	fake_file(&f.fs, "/proc/iomem",
		  "00001000-0009fbff : System RAM\n000a0000-000fffff : Reserved\n"
		  "00100000-2fffffff : System RAM\n  01000000-01ffffff : Kernel code\n");
	fake_file(&f.fs, "/sys/devices/system/memory/block_size_bytes", "10000000\n");
	fake_file(&f.fs, "/sys/devices/system/memory/memory0/node0/x", "");
	fake_file(&f.fs, "/sys/devices/system/memory/memory1/node0/x", "");
	fake_file(&f.fs, "/sys/devices/system/memory/memory2/node1/x", "");
	assert_status(mh_damon_ram_read(&rams, f.fs.root, &err), MH_OK, &err);
	assert_int_equal(rams.nr, 3);
	assert_true(rams.v[0].range.start == 0x1000 && rams.v[0].range.end == 0x9f000);
	assert_true(rams.v[1].range.end == 0x20000000 && rams.v[1].node == 0);
	assert_true(rams.v[2].range.start == 0x20000000 && rams.v[2].node == 1);
	free(rams.v);
	/* As an ordinary user sees it. */
	fake_file(&f.fs, "/proc/iomem", "00000000-00000000 : Reserved\n");
	assert_fails(mh_damon_ram_read(&rams, f.fs.root, &err), MH_EPERM, &err, "root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polled),
		cmocka_unit_test(test_page_filters),
		cmocka_unit_test(test_page_filters_refused),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_paddr_only),
		cmocka_unit_test(test_probe_without_damon),
		cmocka_unit_test(test_real_files),
		cmocka_unit_test(test_write_that_hangs),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
