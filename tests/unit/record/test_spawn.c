/* SPDX-License-Identifier: MIT */
/*
 * The command gets what we got: status, mask and dispositions; and a command that is not
 * there is told before anything starts.
 */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/spawn.h"

static int run(char *const *argv, struct mh_err *err)
{
	struct pollfd fd = { .events = POLLIN };
	char path[PATH_MAX];
	struct mh_child c;
	int ret, status;

	ret = mh_child_look(path, argv[0], err);
	if (!ret)
		ret = mh_child_spawn(&c, argv, NULL, false, err);
	if (ret)
		return ret;
	ret = mh_child_go(&c, argv[0], err);
	fd.fd = c.pidfd;
	while (!mh_child_reap(&c))
		poll(&fd, 1, c.pidfd >= 0 ? -1 : 10);
	status = c.status;
	mh_child_fini(&c);
	return ret ? ret : status;
}

static int run_shell(const char *script)
{
	char text[256];
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, text, NULL };
	struct mh_err err;

	strcpy(text, script);
	return run(argv, &err);
}

static void test_exit_status(void **state)
{
	int status = run_shell("exit 7");

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void test_killed(void **state)
{
	int status = run_shell("kill -KILL $$");

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_not_found(void **state)
{
	char name[] = "memheat-no-such-command", path[] = "/no/such/file";
	char *by_name[] = { name, NULL }, *by_path[] = { path, NULL };
	struct mh_err err = { 0 };

	(void)state;
	assert_int_equal(run(by_name, &err), MH_ENOTARGET);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_non_null(strstr(err.msg, name));
	assert_int_equal(run(by_path, &err), MH_ENOTARGET);
	assert_int_equal(err.sys_errno, ENOENT);
}

static void test_not_executable(void **state)
{
	char dir[] = "/tmp";
	char *argv[] = { dir, NULL };
	struct mh_err err = { 0 };

	(void)state;
	assert_int_equal(run(argv, &err), MH_ENOTARGET);
	assert_int_equal(err.sys_errno, EACCES);
}

/* What looks executable and is not is found out by exec alone. */
static void test_exec_fails(void **state)
{
	char path[] = "/tmp/memheat-test-XXXXXX";
	int fd = mkstemp(path);
	char *argv[] = { path, NULL };
	struct mh_err err = { 0 };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "#!/no/such/interpreter\n", 23), 23);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	assert_int_equal(run(argv, &err), MH_ENOTARGET);
	assert_int_equal(err.sys_errno, ENOENT);
	unlink(path);
}

static void test_leaves_without_go(void **state)
{
	char sleeper[] = "sleep", time[] = "1000";
	char *argv[] = { sleeper, time, NULL };
	struct mh_child c;
	pid_t pid;

	(void)state;
	assert_int_equal(mh_child_spawn(&c, argv, NULL, false, NULL), MH_OK);
	pid = c.pid;
	assert_int_equal(kill(pid, 0), 0);
	mh_child_fini(&c);
	assert_int_equal(kill(pid, 0), -1);
}

static void test_killed_while_held(void **state)
{
	char name[] = "true";
	char *argv[] = { name, NULL };
	struct mh_child c;
	siginfo_t info;

	(void)state;
	assert_int_equal(mh_child_spawn(&c, argv, NULL, false, NULL), MH_OK);
	kill(c.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(mh_child_go(&c, name, NULL), MH_OK);
	assert_true(mh_child_reap(&c));
	assert_int_equal(WTERMSIG(c.status), SIGKILL);
	mh_child_fini(&c);
}

static void test_dispositions(void **state)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;

	(void)state;
	/* A child that ignores SIGTERM outlives it; else its status is a signal's. */
	sigaction(SIGTERM, &ignore, &old);
	assert_int_equal(run_shell("kill -TERM $$; exit 4"), 4 << 8);
	sigaction(SIGTERM, &old, NULL);
	assert_int_equal(WTERMSIG(run_shell("kill -TERM $$; exit 4")), SIGTERM);
}

/* Not through a shell: it may set a mask of its own. */
static void test_mask(void **state)
{
	char grep[] = "grep", quiet[] = "-q", blocked[] = "^SigBlk:.*0800$",
	     file[] = "/proc/self/status";
	char *argv[] = { grep, quiet, blocked, file, NULL };
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	assert_int_equal(run(argv, NULL), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_int_not_equal(run(argv, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_not_executable),
		cmocka_unit_test(test_exec_fails),
		cmocka_unit_test(test_leaves_without_go),
		cmocka_unit_test(test_killed_while_held),
		cmocka_unit_test(test_dispositions),
		cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
