/* SPDX-License-Identifier: MIT */
/*
 * The source on a tree of files in place of /proc, and a bitmap that behaves as the
 * kernel's does: who is told what, when pages move, processes end or rights are missing.
 */
#include "../../test.h"

#include "source/idle/idle.h"
#include "source/idle/pagemap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_bitmap.h"

#define BASE     0x10000000ull /* of every process's mapping */
#define NR_PAGES 4096u
#define INTERVAL 100000000u

/* What was told in the last step, page by page of the mapping at BASE. */
struct seen {
	uint8_t access[3][NR_PAGES], observed[3][NR_PAGES]; /* by pid - 100 */
	uint8_t written[NR_PAGES], file[NR_PAGES], node[NR_PAGES];
	size_t nr_kinds;                /* layers of them, in all steps */
	size_t nr_cache, nr_cache_used; /* pages told under pid 0 */
	size_t nr_pages_events, nr_maps, nr_removed, nr_execs, nr_exits;
	size_t nr_gaps[4];
	uint64_t stats[16];
	char metas[768], said[2048];
};

static const char *const stat_names[] = {
	"idle.observed_bytes",
	"idle.accessed_bytes",
	"idle.shared_bytes",
	"idle.exclusive_bytes",
	"idle.untracked_bytes",
	"idle.hugetlb_bytes",
	"idle.swapped_bytes",
	"idle.moved",
	"idle.window_p50_ns",
	"idle.window_p99_ns",
	"scan_ns",
	"stall_ns",
	"idle.node0.observed_bytes",
	"idle.node0.accessed_bytes",
	"idle.node1.observed_bytes",
	"idle.node1.accessed_bytes",
};

enum {
	OBSERVED,
	ACCESSED,
	SHARED,
	EXCLUSIVE,
	UNTRACKED,
	HUGETLB,
	SWAPPED,
	MOVED,
	WINDOW_P50,
	WINDOW_P99,
	NODE0 = 12,
	NR_STATS_SEEN = 16
};

static char root[256];
static struct fake_bitmap *fake;
static struct seen seen;
static struct idle_io io;

/* ---- the tree ---- */

static void put(const char *file, const char *text)
{
	char path[512], *slash;
	FILE *out;

	snprintf(path, sizeof(path), "%s%s", root, file);
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void take_away(const char *file)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s", root, file);
	assert_int_equal(unlink(path), 0);
}

static void put_run(int pid, unsigned run)
{
	char file[64], text[64];

	snprintf(file, sizeof(file), "/proc/%d/task/%d/schedstat", pid, pid);
	snprintf(text, sizeof(text), "%u 0 0\n", run);
	put(file, text);
}

static void put_stat(int pid, unsigned start_code)
{
	char file[64], text[256];

	snprintf(file, sizeof(file), "/proc/%d/stat", pid);
	snprintf(text, sizeof(text),
		 "%d (prog) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 %u 0 77\n",
		 pid, start_code);
	put(file, text);
}

static void set_entry(int pid, size_t i, uint64_t entry)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/proc/%d/pagemap", root, pid);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(
		pwrite(fd, &entry, sizeof(entry), (off_t)((BASE / 4096 + i) * 8)),
		sizeof(entry));
	close(fd);
}

static uint64_t at_frame(uint64_t pfn)
{
	return PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE | pfn;
}

/* A process with the frames from @pfn on; 0: none is there. */
static void put_process(int pid, uint64_t pfn)
{
	char file[64];
	size_t i;

	put_stat(pid, 1);
	put_run(pid, 1);
	snprintf(file, sizeof(file), "/proc/%d/maps", pid);
	put(file, "10000000-11000000 rw-p 00000000 00:00 0 \n");
	for (i = 0; i < NR_PAGES; i++)
		set_entry(pid, i, pfn ? at_frame(pfn + i) : 0);
}

static int setup(void **state)
{
	static unsigned nr;

	(void)state;
	snprintf(root, sizeof(root), "%s/idle%u",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", nr++);
	mkdir(root, 0755);
	memset(&seen, 0, sizeof(seen));
	fake = malloc(sizeof(*fake));
	assert_non_null(fake);
	fake_init(fake);
	io = fake_io(fake);
	put("/sys/kernel/mm/page_idle/bitmap", "");
	put("/proc/kpageflags", "");
	put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
	return 0;
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	free(fake);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

/* ---- what is told ---- */

static int bit(const uint8_t *bits, size_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void see_pages(const struct mh_ev_pages *p)
{
	size_t i, first = (size_t)((p->start - BASE) >> p->page_shift);

	if (p->layer > MH_PAGES_WRITE) {
		assert_non_null(p->observed);
		seen.nr_kinds++;
		for (i = 0; p->pid && i < p->nr_pages; i++) {
			/* Of a page that is not there nothing is said. */
			assert_true(bit(p->observed, i) || !bit(p->accessed, i));
			if (!bit(p->observed, i))
				continue;
			if (p->layer == MH_PAGES_FILE)
				seen.file[first + i] = bit(p->accessed, i) ? 1 : 0;
			else if (bit(p->accessed, i))
				seen.node[first + i] =
					(uint8_t)(p->layer - MH_PAGES_NODE0 + 1);
		}
		return;
	}
	if (!p->pid) {
		for (i = 0; i < p->nr_pages; i++) {
			seen.nr_cache += !p->observed || bit(p->observed, i);
			seen.nr_cache_used += (size_t)bit(p->accessed, i);
		}
		return;
	}
	seen.nr_pages_events++;
	assert_true(p->pid >= 100 && p->pid < 103);
	if (p->layer == MH_PAGES_WRITE) {
		for (i = 0; i < p->nr_pages; i++)
			seen.written[first + i] = bit(p->accessed, i) ? 1 : 0;
		return;
	}
	for (i = 0; i < p->nr_pages; i++) {
		seen.observed[p->pid - 100][first + i] =
			!p->observed || bit(p->observed, i);
		seen.access[p->pid - 100][first + i] = bit(p->accessed, i) ? 1 : 0;
	}
}

static void see_stat(const struct mh_ev_stat *s)
{
	size_t i;

	for (i = 0; i < NR_STATS_SEEN; i++)
		if (!strcmp(stat_names[i], s->name)) {
			seen.stats[i] = s->value;
			return;
		}
}

static int look(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	(void)arg;
	(void)err;
	if (ev->kind == MH_EV_PAGES) {
		assert_true(ev->pages.layer > MH_PAGES_WRITE
				    ? ev->pages.start_ns == ev->time_ns
				    : ev->pages.start_ns < ev->time_ns);
		see_pages(&ev->pages);
	} else if (ev->kind == MH_EV_STAT) {
		see_stat(&ev->stat);
	} else if (ev->kind == MH_EV_GAP) {
		seen.nr_gaps[ev->gap.cause]++;
	} else if (ev->kind == MH_EV_MAP) {
		seen.nr_maps++;
		seen.nr_removed += ev->map.op == MH_MAP_REMOVE;
	} else if (ev->kind == MH_EV_TASK) {
		seen.nr_execs += ev->task.op == MH_TASK_EXEC;
		seen.nr_exits += ev->task.op == MH_TASK_EXIT;
	} else if (ev->kind == MH_EV_META) {
		size_t used = strlen(seen.metas);

		snprintf(seen.metas + used, sizeof(seen.metas) - used, "%s=%s\n",
			 ev->meta.key, ev->meta.value);
	}
	return MH_OK;
}

static void say(void *arg, enum mh_level level, const char *msg)
{
	size_t used = strlen(seen.said);

	(void)arg;
	(void)level;
	snprintf(seen.said + used, sizeof(seen.said) - used, "%s\n", msg);
}

static const pid_t pids[] = { 100, 101, 102 };

static int with_writes;
static uint32_t one_page_in;
static double overhead = 1;

static struct mh_source *open_on(size_t nr)
{
	static struct mh_target target;
	static const struct mh_log log = { say, NULL };
	struct mh_source_opts opts = { .interval_ns = INTERVAL,
				       .overhead = overhead,
				       .writes = with_writes,
				       .one_page_in = one_page_in,
				       .sysroot = root,
				       .log = &log };
	struct mh_source *src = NULL;
	struct mh_err err;

	target = (struct mh_target){ .pids = pids, .nr_pids = nr };
	assert_status(mh_source_idle.open(&src, 1, &target, &opts, look, NULL, &err),
		      MH_OK, &err);
	mh_idle_use(src, &io);
	return src;
}

static int step(struct mh_source *src, struct mh_err *err)
{
	uint64_t deadline, now;

	memset(seen.observed, 0, sizeof(seen.observed));
	memset(seen.access, 0, sizeof(seen.access));
	memset(seen.nr_gaps, 0, sizeof(seen.nr_gaps));
	seen.nr_pages_events = seen.nr_cache = seen.nr_cache_used = 0;
	mh_source_idle.wait(src, NULL, 0, &deadline);
	while ((now = mh_round_now_ns()) < deadline)
		usleep((unsigned)((deadline - now) / 1000 + 1));
	return mh_source_idle.step(src, 0, look, NULL, err);
}

static void step_well(struct mh_source *src)
{
	struct mh_err err;

	assert_status(step(src, &err), MH_OK, &err);
}

static size_t count(const uint8_t *v)
{
	size_t i, nr = 0;

	for (i = 0; i < NR_PAGES; i++)
		nr += v[i];
	return nr;
}

/* ---- cases ---- */

static void tells_exactly_the_touched_pages(void **state)
{
	struct mh_source *src;
	size_t i;

	(void)state;
	put_process(100, 5000);
	src = open_on(1);
	step_well(src);
	assert_int_equal(seen.nr_pages_events, 0);
	assert_int_equal(seen.nr_maps, 1);
	for (i = 1000; i < 2024; i++)
		fake_touch(fake, 5000 + i);
	put_run(100, 2);
	step_well(src);
	assert_int_equal(seen.nr_pages_events, 1);
	for (i = 0; i < NR_PAGES; i++) {
		assert_true(seen.observed[0][i]);
		assert_int_equal(seen.access[0][i], i >= 1000 && i < 2024);
	}
	assert_int_equal(seen.stats[OBSERVED], NR_PAGES * 4096u);
	assert_int_equal(seen.stats[EXCLUSIVE], NR_PAGES * 4096u);
	assert_int_equal(seen.stats[ACCESSED], 1024 * 4096u);
	assert_true(seen.stats[WINDOW_P50] > 0);
	assert_true(seen.stats[WINDOW_P99] >= seen.stats[WINDOW_P50]);
	put_run(100, 3);
	step_well(src);
	assert_int_equal(count(seen.access[0]), 0);
	assert_int_equal(count(seen.observed[0]), NR_PAGES);
	assert_int_equal(seen.nr_maps, 1);
	mh_source_idle.close(src);
}

/* Frames in no order, in runs of one to many, of files and not, and some mapped twice. */
static void frames_in_any_order(void **state)
{
	static const size_t orders[] = { 0, 1, 2, 0x2b, 0x40, 0xfff };
	uint64_t frame;
	struct mh_source *src;
	size_t k, i, nr_used;

	(void)state;
	put_process(100, 5000);
	for (k = 0; k < sizeof(orders) / sizeof(orders[0]); k++) {
		for (i = 0; i < NR_PAGES - 100; i++) {
			frame = 5000 + ((i + 3 * k) % (NR_PAGES - 100) ^ orders[k]);
			set_entry(100, i,
				  at_frame(frame) | (i / 37 % 2 ? PAGEMAP_FILE : 0));
		}
		for (i = NR_PAGES - 100; i < NR_PAGES; i++)
			set_entry(100, i, at_frame(5000 + i - (NR_PAGES - 100)));
		src = open_on(1);
		step_well(src);
		put_run(100, (unsigned)k * 3 + 2);
		step_well(src);
		for (i = 0; i < FAKE_PFNS; i++)
			if (i % 11 == 0 || i / 90 % 3 == 1)
				fake_touch(fake, i);
		put_run(100, (unsigned)k * 3 + 3);
		step_well(src);
		for (nr_used = i = 0; i < NR_PAGES - 100; i++) {
			frame = 5000 + ((i + 3 * k) % (NR_PAGES - 100) ^ orders[k]);
			assert_true(seen.observed[0][i]);
			assert_int_equal(seen.access[0][i],
					 frame % 11 == 0 || frame / 90 % 3 == 1);
			assert_int_equal(seen.file[i], i / 37 % 2);
			nr_used += seen.access[0][i];
		}
		assert_int_equal(seen.stats[OBSERVED] / 4096, count(seen.observed[0]));
		assert_int_equal(seen.stats[ACCESSED] / 4096, count(seen.access[0]));
		assert_in_range(nr_used, 1000, 2000);
		/* All of order 0 are told by then; in the others some are left. */
		if (!orders[k])
			assert_int_equal(count(seen.observed[0]), NR_PAGES - 100);
		mh_source_idle.close(src);
	}
}

static void pages_that_come_go_and_move(void **state)
{
	struct mh_source *src;

	(void)state;
	put_process(100, 5000);
	set_entry(100, 0, 0);
	src = open_on(1);
	step_well(src);
	set_entry(100, 0, at_frame(40000));       /* faulted in */
	set_entry(100, 1, at_frame(50000));       /* moved */
	set_entry(100, 2, PAGEMAP_SWAPPED | 123); /* swapped out: 123 is no frame */
	set_entry(100, 3, 0);                     /* given back */
	fake->flags[5004] = 0;                    /* isolated */
	put_run(100, 2);
	step_well(src);
	assert_int_equal(count(seen.access[0]), 2);
	assert_true(seen.access[0][0] && seen.access[0][1]);
	assert_int_equal(count(seen.observed[0]), NR_PAGES - 3);
	assert_false(seen.observed[0][2] || seen.observed[0][3] || seen.observed[0][4]);
	assert_int_equal(seen.stats[MOVED], 1);
	assert_int_equal(seen.stats[SWAPPED], 4096);
	assert_int_equal(seen.stats[UNTRACKED], 4096);
	assert_false(fake_is_idle(fake, 123));
	/* Back on the list: armed from now on, so not known before the next scan. */
	fake->flags[5004] = FAKE_LRU;
	put_run(100, 3);
	step_well(src);
	assert_false(seen.observed[0][4]);
	put_run(100, 4);
	step_well(src);
	assert_true(seen.observed[0][4]);
	assert_int_equal(count(seen.access[0]), 0);
	/* Moved with its idle bit: not used. Swapped in to a frame that had one: used. */
	set_entry(100, 1, at_frame(50001));
	fake->idle[50001 / 64] |= UINT64_C(1) << 50001 % 64;
	set_entry(100, 2, at_frame(50002));
	fake->idle[50002 / 64] |= UINT64_C(1) << 50002 % 64;
	put_run(100, 5);
	step_well(src);
	assert_int_equal(seen.stats[MOVED], 1);
	assert_true(seen.observed[0][1] && !seen.access[0][1]);
	assert_true(seen.access[0][2]);
	mh_source_idle.close(src);
}

static void huge_pages_and_hugetlb(void **state)
{
	struct mh_source *src;
	size_t i;

	(void)state;
	fake_folio(fake, 5120, 512, FAKE_LRU);
	fake_folio(fake, 5632, 512, FAKE_LRU);
	fake_folio(fake, 6144, 512, FAKE_HUGETLB);
	put_process(100, 5120);
	src = open_on(1);
	step_well(src);
	fake_touch(fake, 5120 + 700);
	put_run(100, 2);
	step_well(src);
	for (i = 0; i < NR_PAGES; i++) {
		assert_int_equal(seen.access[0][i], i >= 512 && i < 1024);
		assert_int_equal(seen.observed[0][i], !(i >= 1024 && i < 1536));
	}
	assert_int_equal(seen.stats[HUGETLB], 512 * 4096u);
	mh_source_idle.close(src);
}

static void shared_pages_are_told_once(void **state)
{
	struct mh_source *src;
	size_t i;
	int pid;

	(void)state;
	for (pid = 100; pid < 103; pid++) {
		put_process(pid, 5000);
		for (i = 0; i < NR_PAGES; i++)
			set_entry(pid, i, PAGEMAP_PRESENT | (5000 + i));
	}
	set_entry(102, 7, at_frame(30000));
	src = open_on(3);
	step_well(src);
	fake_touch(fake, 5003);
	for (pid = 100; pid < 103; pid++)
		put_run(pid, 2);
	step_well(src);
	assert_int_equal(count(seen.observed[0]), NR_PAGES);
	assert_int_equal(count(seen.observed[1]), 0);
	assert_int_equal(count(seen.observed[2]), 1);
	assert_int_equal(count(seen.access[0]), 1);
	assert_int_equal(seen.stats[SHARED], NR_PAGES * 4096u);
	assert_int_equal(seen.stats[EXCLUSIVE], 4096);
	/* The first one did not run: the second tells. */
	put_run(101, 3);
	put_run(102, 3);
	step_well(src);
	assert_int_equal(seen.nr_gaps[MH_GAP_NOT_RUN], 1);
	assert_int_equal(count(seen.observed[0]), 0);
	assert_int_equal(count(seen.observed[1]), NR_PAGES);
	mh_source_idle.close(src);
}

static void ends_and_execs(void **state)
{
	struct mh_source *src;
	struct mh_err err;

	(void)state;
	put_process(100, 5000);
	put_process(101, 20000);
	src = open_on(2);
	step_well(src);
	/* Between the list of processes and their pages: the files are empty. */
	put("/proc/100/pagemap", "");
	put_stat(101, 2);
	put_run(101, 2);
	step_well(src);
	assert_int_equal(seen.nr_gaps[MH_GAP_EXITED], 1);
	assert_int_equal(seen.nr_exits, 1);
	assert_int_equal(seen.nr_execs, 1);
	assert_int_equal(count(seen.observed[1]), NR_PAGES);
	take_away("/proc/100/stat");
	take_away("/proc/101/stat");
	assert_status(step(src, &err), MH_END, &err);
	assert_int_equal(seen.nr_exits, 2);
	mh_source_idle.close(src);
}

static void changed_mappings_are_told(void **state)
{
	struct mh_source *src;

	(void)state;
	put_process(100, 5000);
	src = open_on(1);
	step_well(src);
	put("/proc/100/maps", "10000000-10800000 rw-p 00000000 00:00 0 \n"
			      "10800000-11000000 r--p 00000000 00:00 0 [heap]\n"
			      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 "
			      "[vsyscall]\n");
	put_run(100, 2);
	step_well(src);
	assert_int_equal(seen.nr_removed, 1);
	assert_int_equal(seen.nr_maps, 5);
	assert_int_equal(seen.nr_pages_events, 2);
	assert_int_equal(count(seen.observed[0]), NR_PAGES);
	mh_source_idle.close(src);
}

static void written_pages_are_a_layer(void **state)
{
	struct mh_source *src;
	char buf[8] = "";
	FILE *in;
	char path[512];
	int i;

	(void)state;
	put_process(100, 5000);
	put("/proc/100/clear_refs", "");
	with_writes = 1;
	src = open_on(1);
	with_writes = 0;
	step_well(src);
	snprintf(path, sizeof(path), "%s/proc/100/clear_refs", root);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(buf, sizeof(buf), in));
	fclose(in);
	assert_string_equal(buf, "4");
	for (i = 10; i < 20; i++)
		set_entry(100, (size_t)i,
			  at_frame(5000 + (uint64_t)i) | PAGEMAP_SOFT_DIRTY);
	fake_touch(fake, 5100);
	put_run(100, 2);
	step_well(src);
	assert_int_equal(count(seen.access[0]), 1);
	assert_int_equal(count(seen.written), 10);
	assert_true(seen.written[10] && seen.written[19]);
	mh_source_idle.close(src);
}

/* The same pages in every scan; sizes stand for all. */
static void a_sample_stands_for_all(void **state)
{
	struct mh_source *src;
	uint8_t first[NR_PAGES];
	size_t i, nr;

	(void)state;
	one_page_in = 16;
	put_process(100, 5000);
	src = open_on(1);
	one_page_in = 0;
	step_well(src);
	for (i = 0; i < NR_PAGES / 2; i++)
		fake_touch(fake, 5000 + i);
	put_run(100, 2);
	step_well(src);
	nr = count(seen.observed[0]);
	/* 256 expected, with a standard deviation of 15.5. */
	assert_in_range(nr, 256 - 78, 256 + 78);
	assert_int_equal(seen.stats[OBSERVED], nr * 16 * 4096);
	for (i = 0; i < NR_PAGES; i++)
		assert_int_equal(seen.access[0][i],
				 seen.observed[0][i] && i < NR_PAGES / 2);
	assert_int_equal(seen.stats[ACCESSED], count(seen.access[0]) * 16 * 4096);
	memcpy(first, seen.observed[0], sizeof(first));
	assert_non_null(strstr(seen.metas, "one_page_in=16"));
	put_run(100, 3);
	step_well(src);
	assert_memory_equal(first, seen.observed[0], sizeof(first));
	assert_int_equal(count(seen.access[0]), 0);
	mh_source_idle.close(src);
}

/* Also the last scan waits until the one before has been paid for. */
static void the_end_keeps_the_overhead(void **state)
{
	struct mh_source *src;
	struct mh_err err;

	(void)state;
	put_process(100, 5000);
	overhead = 1e-6;
	src = open_on(1);
	overhead = 1;
	step_well(src);
	put_run(100, 2);
	usleep(INTERVAL / 1000);
	seen.nr_pages_events = 0;
	assert_status(mh_source_idle.step(src, 1, look, NULL, &err), MH_OK, &err);
	assert_int_equal(seen.nr_pages_events, 0);
	assert_non_null(strstr(seen.said, "interval lengthened"));
	mh_source_idle.close(src);
}

/* Frames [9000, 9100) are the group's; its process maps those below 9096. */
static void page_cache_of_a_group(void **state)
{
	struct mh_target target = { .type = MH_TARGET_CGROUP };
	struct mh_source_opts opts = {
		.interval_ns = INTERVAL, .overhead = 1, .page_cache = 1, .sysroot = root
	};
	struct mh_source *src = NULL;
	char dir[300], path[320];
	uint64_t entries[100];
	struct mh_err err;
	struct stat st;
	size_t i;
	int fd;

	(void)state;
	put_process(100, 5000);
	put("/group/cgroup.procs", "100\n");
	put("/proc/iomem", "00000000-05ffffff : System RAM\n");
	snprintf(dir, sizeof(dir), "%s/group", root);
	target.cgroup = dir;
	assert_fails(mh_source_idle.open(&src, 1, &target, &opts, look, NULL, &err),
		     MH_ENOSUP, &err, "CONFIG_MEMCG");
	assert_int_equal(stat(dir, &st), 0);
	for (i = 0; i < 100; i++)
		entries[i] = st.st_ino;
	put("/proc/kpagecgroup", "");
	snprintf(path, sizeof(path), "%s/proc/kpagecgroup", root);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, entries, sizeof(entries), 9000 * 8), sizeof(entries));
	close(fd);
	assert_status(mh_source_idle.open(&src, 1, &target, &opts, look, NULL, &err),
		      MH_OK, &err);
	mh_idle_use(src, &io);
	step_well(src);
	assert_int_equal(seen.nr_cache, 0);
	fake_touch(fake, 9050);
	fake_touch(fake, 9097);
	put_run(100, 2);
	step_well(src);
	assert_int_equal(count(seen.observed[0]), NR_PAGES);
	assert_int_equal(count(seen.access[0]), 1);
	assert_int_equal(seen.nr_cache, 4);
	assert_int_equal(seen.nr_cache_used, 1);
	assert_int_equal(seen.stats[OBSERVED], (NR_PAGES + 4) * 4096u);
	assert_int_equal(seen.stats[ACCESSED], 2 * 4096u);
	mh_source_idle.close(src);
}

/* Two nodes; what lies in zones of both is of neither. */
static void bytes_by_node(void **state)
{
	struct mh_source *src;

	(void)state;
	put("/proc/zoneinfo", "Node 0, zone      DMA\n"
			      "        spanned  4095\n"
			      "        present  3998\n"
			      "  start_pfn:           1\n"
			      "Node 0, zone   Normal\n"
			      "        spanned  3000\n"
			      "  start_pfn:           4096\n"
			      "Node 1, zone   Normal\n"
			      "        spanned  10000\n"
			      "  start_pfn:           7000\n");
	put_process(100, 5000);
	src = open_on(1);
	step_well(src);
	fake_touch(fake, 5001);
	fake_touch(fake, 7050);
	fake_touch(fake, 8000);
	put_run(100, 2);
	step_well(src);
	/* Frames 5000 to 6999, and 7096 to 9095. */
	assert_int_equal(seen.stats[NODE0], 2000 * 4096u);
	assert_int_equal(seen.stats[NODE0 + 1], 4096);
	assert_int_equal(seen.stats[NODE0 + 2], 2000 * 4096u);
	assert_int_equal(seen.stats[NODE0 + 3], 4096);
	assert_int_equal(seen.stats[ACCESSED], 3 * 4096);
	assert_int_equal(seen.node[0], 1);
	assert_int_equal(seen.node[1999], 1);
	assert_int_equal(seen.node[2000], 0);
	assert_int_equal(seen.node[2096], 2);
	assert_int_equal(seen.node[NR_PAGES - 1], 2);
	mh_source_idle.close(src);
}

/* What pages are is told once, and again when it is something else. */
static void kinds_are_told_when_they_change(void **state)
{
	struct mh_source *src;

	(void)state;
	put_process(100, 5000);
	set_entry(100, 7, at_frame(5007) | PAGEMAP_FILE);
	src = open_on(1);
	step_well(src);
	put_run(100, 2);
	step_well(src);
	assert_int_equal(seen.nr_kinds, 1);
	assert_int_equal(count(seen.file), 1);
	assert_int_equal(seen.file[7], 1);
	put_run(100, 3);
	step_well(src);
	assert_int_equal(seen.nr_kinds, 1);
	/* Written to: a copy of its own; and a page that went is no change. */
	set_entry(100, 7, at_frame(5007));
	set_entry(100, 9, 0);
	put_run(100, 4);
	step_well(src);
	assert_int_equal(seen.nr_kinds, 2);
	assert_int_equal(count(seen.file), 0);
	/* It did not run while one changed: said once it does. */
	set_entry(100, 8, at_frame(5008) | PAGEMAP_FILE);
	step_well(src);
	assert_int_equal(seen.nr_kinds, 2);
	put_run(100, 5);
	step_well(src);
	assert_int_equal(seen.nr_kinds, 3);
	assert_int_equal(seen.file[8], 1);
	mh_source_idle.close(src);
}

static void hidden_frames_are_refused(void **state)
{
	struct mh_source *src;
	struct mh_err err;
	size_t i;

	(void)state;
	put_process(100, 5000);
	for (i = 0; i < NR_PAGES; i++)
		set_entry(100, i, PAGEMAP_PRESENT);
	src = open_on(1);
	assert_fails(step(src, &err), MH_EPERM, &err, "CAP_SYS_ADMIN");
	assert_int_equal(fake->nr_writes, 0);
	mh_source_idle.close(src);
}

static void probe_says_what_is_missing(void **state)
{
	struct mh_source_opts opts = { .sysroot = root };
	struct mh_probe out;
	struct mh_err err;

	(void)state;
	assert_status(mh_source_idle.probe(&out, NULL, &opts, &err), MH_OK, &err);
	assert_true(out.usable);
	put("/sys/kernel/mm/lru_gen/enabled", "0x0007\n");
	mh_source_idle.probe(&out, NULL, &opts, &err);
	assert_true(out.usable && strstr(out.reason, "multi-gen"));
	put("/proc/self/status", "CapEff:\t00000000a80425fb\n");
	mh_source_idle.probe(&out, NULL, &opts, &err);
	assert_true(!out.usable && strstr(out.reason, "CAP_SYS_ADMIN"));
	take_away("/proc/kpageflags");
	mh_source_idle.probe(&out, NULL, &opts, &err);
	assert_true(!out.usable && strstr(out.reason, "CONFIG_PROC_PAGE_MONITOR"));
	take_away("/sys/kernel/mm/page_idle/bitmap");
	mh_source_idle.probe(&out, NULL, &opts, &err);
	assert_true(!out.usable && strstr(out.reason, "CONFIG_IDLE_PAGE_TRACKING"));
}

static void conflicts_are_said_and_kept(void **state)
{
	(void)state;
	put_process(100, 5000);
	mh_source_idle.close(open_on(1));
	assert_string_equal(seen.said, "");
	assert_non_null(strstr(seen.metas, "source.1.conflicts=none\n"));
	put("/sys/kernel/mm/lru_gen/enabled", "0x0007\n");
	put("/proc/sys/kernel/numa_balancing", "1\n");
	put("/proc/55/comm", "kdamond.0\n");
	put("/proc/cpuinfo", "flags\t\t: fpu hypervisor lahf_lm\n");
	mh_source_idle.close(open_on(1));
	assert_non_null(strstr(seen.metas, "source.1.conflicts=kdamond,lru_gen,"
					   "numa_balancing,hypervisor\n"));
	assert_non_null(strstr(seen.said, "kdamond"));
	assert_non_null(strstr(seen.said, "lru_gen/enabled"));
	assert_non_null(strstr(seen.said, "kernel.numa_balancing=0"));
	assert_non_null(strstr(seen.said, "virtual machine"));
}

static void short_intervals_are_refused(void **state)
{
	struct mh_target target = { .pids = pids, .nr_pids = 1 };
	struct mh_source_opts opts = { .interval_ns = INTERVAL - 1, .sysroot = root };
	struct mh_source *src;
	struct mh_err err;

	(void)state;
	assert_fails(mh_source_idle.open(&src, 1, &target, &opts, look, NULL, &err),
		     MH_EINPUT, &err, "100 ms");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(tells_exactly_the_touched_pages), CASE(frames_in_any_order),
		CASE(pages_that_come_go_and_move),     CASE(huge_pages_and_hugetlb),
		CASE(shared_pages_are_told_once),      CASE(ends_and_execs),
		CASE(changed_mappings_are_told),       CASE(written_pages_are_a_layer),
		CASE(a_sample_stands_for_all),         CASE(the_end_keeps_the_overhead),
		CASE(page_cache_of_a_group),           CASE(bytes_by_node),
		CASE(kinds_are_told_when_they_change), CASE(hidden_frames_are_refused),
		CASE(probe_says_what_is_missing),      CASE(conflicts_are_said_and_kept),
		CASE(short_intervals_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
