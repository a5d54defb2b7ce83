/* SPDX-License-Identifier: MIT */
/*
 * Runs for a check. A command is recorded one run after the other into traces that are
 * read and thrown away; its standard output goes to standard error, since standard output
 * is the verdict's. The overhead limit is loose: a window that is lengthened to save CPU
 * time is another window, and its working set is not comparable.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memheat/record.h>
#include <memheat/render.h>

#include "check_runs.h"
#include "heap_shim.h"

#define HEAP_BYTES 65536u

#define AT(member) .offset = offsetof(struct mh_run_source, member)

const struct mh_option mh_run_source_options[] = {
	{ "repeat", 'n', MH_OPT_COUNT, "N", "record the command N times; default 5",
	  AT(repeat), .min = 1, .max = MH_RUNS_MAX },
	{ "source", 's', MH_OPT_STRING, "SOURCE,...",
	  "what to record with; default refs, and faults where allowed", AT(sources) },
	{ "interval", 'I', MH_OPT_TIME, "TIME", "length of a window; default 1s",
	  AT(interval_ns), .min = 1000000 },
	{ "overhead", 0, MH_OPT_RATIO, "SHARE",
	  "lengthen windows when scans take more of the time; default 50%",
	  AT(overhead) },
	{ "skip", 0, MH_OPT_TIME, "TIME", "leave out the warm-up; default 2s",
	  AT(skip_ns) },
	{ "metric", 0, MH_OPT_LIST, "NAME,...",
	  "metrics; default wss.p50,wss.p90,wss.mean", AT(metrics) },
	{ "label", 0, MH_OPT_STRING, "TEXT", "what to call the runs: a branch, a commit",
	  AT(label) },
	{ "name", 0, MH_OPT_STRING, "TEXT", "the workload's name; default its command",
	  AT(name) },
	{ "no-heap", 0, MH_OPT_FLAG, NULL,
	  "do not log allocations: growth is told by mapping only", AT(no_heap) },
	{ "keep", 0, MH_OPT_FILE, "DIR", "keep the recorded traces in this folder",
	  AT(keep) },
	{ 0 },
};

int mh_is_command(int argc, char *const *argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return i + 1 < argc;
	return 0;
}

/* ---- from a trace ---- */

static int broken(const struct mh_err *err)
{
	mh_failed(err);
	return MH_EXIT_USAGE;
}

static void name_workload(struct mh_runs *runs, const struct mh_run_source *src,
			  const struct mh_reader *r)
{
	const char *command = mh_reader_meta(r, "target.command");

	if (*runs->workload)
		return;
	if (src->name)
		command = src->name;
	mh_text_safe(runs->workload, sizeof(runs->workload),
		     command ? command : "workload", 1);
}

/* All runs of one side were made alike, or their values are no sample of anything. */
static int check_alike(struct mh_runs *runs, const struct mh_environment *env,
		       const char *path, struct mh_err *err)
{
	char why[320];

	if (runs->nr == 1) {
		runs->env = *env;
		return MH_OK;
	}
	if (mh_environment_compare(&runs->env, env, why, sizeof(why)) !=
	    MH_ENVIRONMENT_OTHER)
		return MH_OK;
	return mh_fail(err, MH_EINPUT, "%s was not recorded like the first trace: %s",
		       path, why);
}

static int add_trace(struct mh_runs *runs, const struct mh_run_source *src,
		     const struct mh_strings *wanted, const char *path,
		     struct mh_err *err)
{
	struct mh_run_opts ropts = { .skip_ns = src->skip_ns,
				     .metrics = wanted->v,
				     .nr_metrics = wanted->nr };
	struct mh_session_opts sopts = { 0 };
	struct mh_session *s = NULL;
	struct mh_environment env;
	struct mh_err why = { 0 };
	struct mh_run run, *v;
	int ret = mh_session_open(&s, path, &sopts, err);

	if (ret)
		return ret;
	ret = mh_run_analyze(&run, &env, s, &ropts, &why);
	if (ret) {
		mh_session_close(s);
		return mh_fail(err, ret, "%s: %.400s", path, why.msg);
	}
	name_workload(runs, src, mh_session_reader(s));
	mh_session_close(s);
	snprintf(run.label, sizeof(run.label), "%s", src->label);
	v = realloc(runs->v, (runs->nr + 1) * sizeof(*v));
	if (!v) {
		mh_run_fini(&run);
		return mh_fail_errno(err, "cannot keep a run");
	}
	runs->v = v;
	runs->v[runs->nr++] = run;
	return check_alike(runs, &env, path, err);
}

/* ---- a command ---- */

/* Refs tells how much of a mapping was used. Where in it the used pages are is told by
 * page faults; they serve the heap log's blocks only. */
static const char *sources_of(const struct mh_run_source *src, int heap)
{
	const struct mh_source_ops *faults = mh_source_find("faults");
	struct mh_source_opts opts = { 0 };
	struct mh_probe probe = { 0 };

	if (src->sources)
		return src->sources;
	return heap && faults && !faults->probe(&probe, NULL, &opts, NULL) && probe.usable
		       ? "refs,faults"
		       : "refs";
}

struct recorder {
	const struct mh_run_source *src;
	const char *sources;
	int heap; /* log allocations */
	char shim[PATH_MAX];
	char **command, **argv;
	int argc;
	char *dir; /* owned */
	int signal_fd;
	sigset_t before;
	int stopped_by; /* signal */
};

/* Sources that are known and work here; otherwise the first reason why not is said. */
static int check_sources(const char *sources)
{
	struct mh_source_opts opts = { 0 };
	struct mh_probe probe = { 0 };
	char *list = strdup(sources), *rest = list, *name;
	int code = list ? MH_EXIT_OK : MH_EXIT_USAGE;

	while (code == MH_EXIT_OK && strcmp(sources, "auto") != 0 &&
	       (name = strsep(&rest, ","))) {
		const struct mh_source_ops *ops = mh_source_find(name);
		struct mh_err err = { 0 };

		/* A name that is not known is for the recording to refuse. */
		if (!ops)
			continue;
		if (ops->probe(&probe, NULL, &opts, &err)) {
			code = broken(&err);
		} else if (!probe.usable) {
			mh_say("source %s does not work here: %s%s%s", name, probe.reason,
			       *probe.fix ? "; run: " : "", probe.fix);
			code = MH_EXIT_NO_SOURCE;
		}
	}
	free(list);
	return code;
}

static int block_signals(struct recorder *r)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa;
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &sa) && sa.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, &r->before))
		return -1;
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signal_fd < 0 ? -1 : 0;
}

static void restore_signals(struct recorder *r)
{
	if (r->signal_fd >= 0)
		close(r->signal_fd);
	r->signal_fd = -1;
	sigprocmask(SIG_SETMASK, &r->before, NULL);
}

/* The terminal tells the command itself; what was sent to us alone is passed on. */
static void read_signals(struct recorder *r, pid_t command)
{
	struct signalfd_siginfo info;

	while (read(r->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		r->stopped_by = (int)info.ssi_signo;
		if (info.ssi_code != SI_KERNEL)
			kill(command, (int)info.ssi_signo);
	}
}

/* The command inherits standard output at the fork within: lend it standard error. */
static int open_recording(struct mh_recording **rec, const struct mh_record_opts *opts,
			  struct mh_err *err)
{
	int ours, ret;

	fflush(stdout);
	ours = dup(STDOUT_FILENO);
	if (ours < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		ret = mh_fail_errno(err, "cannot lend the command standard error");
	} else {
		ret = mh_recording_open(rec, opts, err);
		dup2(ours, STDOUT_FILENO);
	}
	if (ours >= 0)
		close(ours);
	return ret;
}

/* @started: the command ran, and *wait_status is its */
static int record_into(struct recorder *r, const char *path, int *wait_status,
		       int *started, struct mh_err *err)
{
	struct mh_record_opts opts = {
		.sources = r->sources,
		.command = r->command,
		.source = { .interval_ns = r->src->interval_ns,
			    .overhead = r->src->overhead,
			    .log = &mh_log_stderr },
		.path = path,
		.writer = { .log = &mh_log_stderr },
		.argc = r->argc,
		.argv = r->argv,
		.log = &mh_log_stderr,
	};
	struct mh_recording *rec;
	int ret, closed;

	if (r->heap) {
		opts.heap_bytes = HEAP_BYTES;
		opts.heap_shim = r->shim;
	}
	ret = open_recording(&rec, &opts, err);

	if (ret)
		return ret;
	if (block_signals(r))
		ret = mh_fail_errno(err, "cannot take signals");
	if (!ret)
		ret = mh_recording_start(rec, err);
	*started = !ret;
	while (!ret) {
		ret = mh_recording_step(rec, r->signal_fd, UINT64_MAX, err);
		read_signals(r, mh_recording_command_pid(rec));
	}
	*wait_status = mh_recording_wait_status(rec);
	closed = mh_recording_close(rec, ret < 0 ? NULL : err);
	restore_signals(r);
	return ret < 0 ? ret : closed;
}

static int one_run(struct recorder *r, struct mh_runs_result *out,
		   const struct mh_strings *wanted, unsigned nr)
{
	struct mh_err err = { 0 };
	int started = 0, wait_status = -1, ret;
	char *path;

	if (asprintf(&path, "%s/run-%u.data", r->dir, nr) < 0) {
		mh_fail_errno(&err, "cannot record");
		return broken(&err);
	}
	if (isatty(STDERR_FILENO))
		mh_say("run %u of %u", nr, (unsigned)r->src->repeat);
	ret = record_into(r, path, &wait_status, &started, &err);
	if (!ret && !r->stopped_by && wait_status == 0)
		ret = add_trace(&out->runs, r->src, wanted, path, &err);
	if (!r->src->keep)
		unlink(path);
	free(path);
	if (r->stopped_by)
		return MH_EXIT_SIGNAL + r->stopped_by;
	if (ret == MH_ENOTARGET && !started && err.sys_errno) {
		mh_failed(&err);
		return MH_EXIT_WORKLOAD;
	}
	if (ret)
		return broken(&err);
	if (wait_status == 0)
		return MH_EXIT_OK;
	out->wait_status = wait_status;
	return MH_EXIT_WORKLOAD;
}

static int make_dir(struct recorder *r)
{
	const char *tmp = getenv("TMPDIR");
	struct mh_err err = { 0 };

	if (r->src->keep) {
		r->dir = strdup(r->src->keep);
		if (r->dir && (mkdir(r->dir, 0777) == 0 || errno == EEXIST))
			return MH_EXIT_OK;
	} else if (asprintf(&r->dir, "%s/memheat-check-XXXXXX",
			    tmp && *tmp ? tmp : "/tmp") < 0) {
		r->dir = NULL;
	} else if (mkdtemp(r->dir)) {
		return MH_EXIT_OK;
	}
	mh_fail_errno(&err, "cannot make the folder %s for traces", r->dir ? r->dir : "");
	return broken(&err);
}

static int take_command(struct mh_runs_result *out, const struct mh_run_source *src,
			const struct mh_strings *wanted, int argc, char **argv)
{
	struct recorder r = {
		.src = src, .command = argv, .argv = argv, .argc = argc, .signal_fd = -1
	};
	unsigned i;
	int code;

	/* An installation without the shim still checks, by mapping. */
	r.heap = !src->no_heap && !access(mh_heap_shim(r.shim), R_OK);
	r.sources = sources_of(src, r.heap);
	code = check_sources(r.sources);

	if (code == MH_EXIT_OK)
		code = make_dir(&r);
	for (i = 1; code == MH_EXIT_OK && i <= src->repeat; i++)
		code = one_run(&r, out, wanted, i);
	if (r.dir && !src->keep)
		rmdir(r.dir);
	free(r.dir);
	return code;
}

static int take_traces(struct mh_runs_result *out, const struct mh_run_source *src,
		       const struct mh_strings *wanted, int argc, char **argv)
{
	struct mh_err err = { 0 };
	int i;

	for (i = 0; i < argc; i++)
		if (add_trace(&out->runs, src, wanted, argv[i], &err))
			return broken(&err);
	return MH_EXIT_OK;
}

int mh_runs_take(struct mh_runs_result *out, const struct mh_run_source *src,
		 const struct mh_strings *wanted, int command, int argc, char **argv)
{
	int code;

	memset(out, 0, sizeof(*out));
	out->wait_status = -1;
	if (src->name)
		mh_text_safe(out->runs.workload, sizeof(out->runs.workload), src->name,
			     1);
	code = command ? take_command(out, src, wanted, argc, argv)
		       : take_traces(out, src, wanted, argc, argv);
	if (code == MH_EXIT_WORKLOAD && !*out->runs.workload)
		mh_text_safe(out->runs.workload, sizeof(out->runs.workload), argv[0], 1);
	return code;
}
