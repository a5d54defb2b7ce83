/* SPDX-License-Identifier: MIT */
/*
 * Writers that die: what was added is read again, once, whenever the writer was killed;
 * a disk that is full leaves a readable trace; memory that is out leaves no leak.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "rows.h"

/* Event i of the writer under test: three kinds at different paces. */
static void numbered(uint64_t i, struct mh_event *ev)
{
	switch (i % 64) {
	case 5:
		mh_event_init(ev, MH_EV_STAT);
		ev->stat.name = "n";
		ev->stat.value = i;
		break;
	case 9:
		mh_event_init(ev, MH_EV_REGION);
		ev->region.start = i << 12;
		ev->region.end = (i + 1) << 12;
		break;
	case 11:
		mh_event_init(ev, MH_EV_MAP);
		ev->map.start = i;
		ev->map.path = "/a/path";
		break;
	default:
		mh_event_init(ev, MH_EV_SAMPLE);
		ev->sample.addr = i * 977;
		ev->sample.flags = MH_SAMPLE_ADDR;
		break;
	}
	ev->source = (uint16_t)(i % 128 == 9);
	ev->time_ns = 1000 + i;
}

/* Writes until it is killed; *added counts what was taken. */
static void write_forever(const char *path, volatile uint64_t *added)
{
	struct mh_writer *w;
	struct mh_event ev;
	uint64_t i;

	if (mh_writer_open(&w, path, NULL, NULL))
		_exit(1);
	for (i = 0;; i++) {
		numbered(i, &ev);
		if (mh_writer_add(w, &ev, NULL))
			_exit(1);
		__atomic_store_n(added, i + 1, __ATOMIC_RELEASE);
	}
}

/* Every event 0..n-1 once, and n is all that was added, or one more. */
static void check_numbered(const char *path, uint64_t added)
{
	struct mh_reader *r = reader(path);
	struct walk w = { .c = cursor(r, NULL) };
	struct mh_event ev, want;
	uint64_t nr = 0, i;
	uint8_t *seen = calloc(1, added + 2);

	assert_non_null(seen);
	while (walk(&w, &ev)) {
		i = ev.time_ns - 1000;
		assert_true(i <= added);
		assert_int_equal(seen[i], 0);
		seen[i] = 1;
		numbered(i, &want);
		assert_same(&want, &ev);
		nr++;
	}
	assert_int_equal(w.nr_damaged, 0);
	assert_true(nr == added || nr == added + 1);
	for (i = 0; i < nr; i++)
		assert_int_equal(seen[i], 1);
	free(seen);
	mh_cursor_close(w.c);
	mh_reader_close(r);
}

static void killed(void **state)
{
	const char *kills = getenv("MEMHEAT_KILLS");
	int nr = kills ? atoi(kills) : 5, k;
	char *path = temp_path("killed"), *tail = temp_path("killed.tail");
	struct rng r = { (uint64_t)time(NULL) };
	volatile uint64_t *added;

	(void)state;
	added = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_true(added != MAP_FAILED);
	for (k = 0; k < nr; k++) {
		pid_t pid;

		*added = 0;
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			write_forever(path, added);
		while (*added < 1 + (uint64_t)k * 40000)
			usleep(1000);
		usleep((useconds_t)below(&r, 60000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		check_numbered(path, *added);
		assert_int_equal(access(tail, F_OK), 0);
	}
	munmap((void *)(uintptr_t)added, 4096);
	unlink(path);
	unlink(tail);
	free(path);
	free(tail);
}

/* A trace that is being written can be read at any time. */
static void read_while_written(void **state)
{
	char *path = temp_path("live"), *tail = temp_path("live.tail");
	struct mh_writer *w = writer(path, NULL);
	struct mh_event ev;
	struct stat st;
	uint64_t i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		if (i % 33333 == 0 || i == 65536 + 2000)
			check_numbered(path, i);
		numbered(i, &ev);
		add(w, &ev);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(tail, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close_writer(w);
	assert_int_equal(access(tail, F_OK), -1);
	check_numbered(path, i);
	unlink(path);
	free(path);
	free(tail);
}

/* Slow sources beside a fast one do not get blocks of a few rows. */
static void slow_sources_wait(void **state)
{
	char *path = temp_path("slow");
	struct mh_writer *w = writer(path, NULL);
	struct mh_reader *r;
	struct mh_event ev;
	size_t i, regions = 0;

	(void)state;
	for (i = 0; i < 400000; i++) {
		numbered(i, &ev);
		add(w, &ev);
	}
	close_writer(w);
	r = reader(path);
	for (i = 0; i < mh_reader_nr_blocks(r); i++)
		regions += mh_reader_block(r, i)->kind == MH_EV_REGION;
	assert_int_equal(regions, 2); /* one for each source */
	mh_reader_close(r);
	unlink(path);
	free(path);
}

/* A limit on file size stands for a full disk: no root, no mount. */
static void disk_full(void **state)
{
	char *path = temp_path("full"), *tail = temp_path("full.tail");
	struct rlimit old, low;
	struct mh_err err = { 0 };
	struct mh_writer *w;
	struct mh_reader *r;
	struct mh_event ev;
	struct rng rng = { 5 };
	uint64_t i, rows = 0;
	int status = MH_OK;
	size_t k;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = 700000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	w = writer(path, NULL);
	for (i = 0; status == MH_OK && i < 1000000; i++) {
		mh_event_init(&ev, MH_EV_SAMPLE);
		ev.time_ns = rnd(&rng);
		status = mh_writer_add(w, &ev, &err);
	}
	assert_int_equal(status, MH_ESYS);
	assert_int_not_equal(err.sys_errno, 0);
	assert_int_equal(mh_writer_add(w, &ev, &err), MH_ESYS);
	assert_int_equal(mh_writer_flush(w, &err), MH_ESYS);
	assert_int_equal(mh_writer_close(w, &err), MH_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);

	r = reader(path);
	assert_false(mh_reader_info(r)->complete);
	assert_int_equal(mh_reader_info(r)->nr_damaged, 0);
	for (k = 0; k < mh_reader_nr_blocks(r); k++)
		rows += mh_reader_block(r, k)->nr;
	assert_true(rows > 0);
	assert_int_equal(mh_reader_info(r)->rows[MH_EV_SAMPLE], rows);
	mh_reader_close(r);
	unlink(path);
	unlink(tail);
	free(path);
	free(tail);
}

/* Through a pipe: blocks close by age, a reader spools. */
static void pipe_to_pipe(void **state)
{
	struct mh_writer_opts opts = { .flush_ms = 20 };
	char *fifo = temp_path("fifo");
	struct mh_reader *r;
	struct mh_event ev;
	uint64_t i;
	pid_t pid;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct mh_writer *w;
		int fd = open(fifo, O_WRONLY);

		dup2(fd, STDOUT_FILENO);
		if (mh_writer_open(&w, "-", &opts, NULL))
			_exit(1);
		for (i = 0; i < 2000; i++) {
			numbered(i, &ev);
			if (i % 500 == 499)
				usleep(40000);
			if (mh_writer_add(w, &ev, NULL))
				_exit(1);
		}
		_exit(mh_writer_close(w, NULL) != MH_OK);
	}
	r = reader(fifo);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(mh_reader_info(r)->complete);
	assert_int_equal(mh_reader_info(r)->nr_lost_blocks, 0);
	/* Four kinds, more than once. */
	assert_true(mh_reader_nr_blocks(r) > 6);
	mh_reader_close(r);
	unlink(fifo);
	free(fifo);
}

#if !TEST_SANITIZED
/* The allocator of this program, which counts, and fails when told to. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);
static long fail_at = -1, nr_live;

static void *counted(void *p)
{
	nr_live += p != NULL;
	return p;
}

static int fails(void)
{
	return fail_at >= 0 && fail_at-- == 0;
}

void *malloc(size_t size)
{
	return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t nr, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(nr, size));
}

void *realloc(void *p, size_t size)
{
	if (fails())
		return NULL;
	return p ? __libc_realloc(p, size) : counted(__libc_malloc(size));
}

void free(void *p)
{
	nr_live -= p != NULL;
	__libc_free(p);
}

/* All of writing and reading a little, with the n-th allocation failing. */
static int write_and_read(const char *path)
{
	struct mh_writer *w = NULL;
	struct mh_reader *r = NULL;
	struct mh_cursor *c = NULL;
	struct mh_batch batch;
	struct mh_event ev;
	uint64_t i;
	int status;

	status = mh_writer_open(&w, path, NULL, NULL);
	for (i = 0; !status && i < 300; i++) {
		numbered(i, &ev);
		status = mh_writer_add(w, &ev, NULL);
	}
	if (!status)
		status = mh_writer_flush(w, NULL);
	if (w) {
		int closed = mh_writer_close(w, NULL);

		status = status ? status : closed;
	}
	if (!status)
		status = mh_reader_open(&r, path, NULL);
	if (!status)
		status = mh_cursor_open(&c, r, NULL, NULL);
	while (!status)
		status = mh_cursor_next(c, &batch, NULL);
	mh_cursor_close(c);
	mh_reader_close(r);
	return status;
}

static void memory_out(void **state)
{
	char *path = temp_path("nomem"), *tail = temp_path("nomem.tail");
	long n, left = -1;

	(void)state;
	/* Once without failure: the C library keeps some memory of its own. */
	assert_int_equal(write_and_read(path), MH_END);
	for (n = 0; left < 0; n++) {
		long before = nr_live;
		int status;

		fail_at = n;
		status = write_and_read(path);
		assert_int_equal(nr_live, before);
		left = fail_at;
		fail_at = -1;
		/* The C library does without some of its own. */
		if (status == MH_END)
			check_numbered(path, 300);
		else if (left >= 0 || status != MH_ENOMEM)
			fail_msg("allocation %ld: status %d", n, status);
		assert_true(n < 2000);
		unlink(tail);
	}
	assert_true(n > 20);
	unlink(path);
	free(path);
	free(tail);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed),
		cmocka_unit_test(read_while_written),
		cmocka_unit_test(slow_sources_wait),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(pipe_to_pipe),
#if !TEST_SANITIZED
		cmocka_unit_test(memory_out),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
