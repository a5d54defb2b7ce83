/* SPDX-License-Identifier: MIT */
/*
 * memheat record: watch a program or running processes into a trace.
 *
 * A recorded command must not notice us: it has the terminal and standard output, so we
 * print nothing while it runs but what went wrong, and its exit status is ours. Signals
 * that the terminal makes reach it by themselves; those that somebody sends to us are
 * passed on to it.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <memheat/record.h>
#include <memheat/render.h>

#include "cmd.h"
#include "heap_shim.h"
#include "options.h"
#include "record_damon.h"
#include "record_mem.h"
#include "values.h"

#define STATUS_NS 500000000u

struct record {
	const char *sources, *output, *cgroup, *heap;
	struct mh_ids pids;
	int all, only, user_only, writes, page_cache, aging, force, quiet;
	int policy; /* enum mh_policy */
	uint64_t for_ns, interval_ns, ring, period;
	double overhead, rate;
	struct record_damon damon;
	struct record_mem mem;
};

static const char *const policies[] = { "default", "fast", "best", NULL };

#define AT(member) .offset = offsetof(struct record, member)

static const struct mh_option record_options[] = {
	{ "source", 's', MH_OPT_STRING, "SOURCE,...",
	  "what to record with (see: memheat sources); default auto", AT(sources) },
	{ "output", 'o', MH_OPT_FILE, "FILE", "the trace; default memheat.data",
	  AT(output) },
	{ "for", 0, MH_OPT_TIME, "TIME", "stop recording after this time", AT(for_ns),
	  .min = 1 },
	{ "pid", 'p', MH_OPT_IDS, "PID,...", "watch running processes", AT(pids) },
	{ "no-children", 0, MH_OPT_FLAG, NULL,
	  "with -p: leave out the processes that they started or start", AT(only) },
	{ "all", 'a', MH_OPT_FLAG, NULL, "watch the whole machine", AT(all) },
	{ "cgroup", 0, MH_OPT_FILE, "PATH", "watch the processes of a control group",
	  AT(cgroup) },
	{ "interval", 'I', MH_OPT_TIME, "TIME", "length of a scan's interval; default 1s",
	  AT(interval_ns), .min = 1000000 },
	{ "overhead", 0, MH_OPT_RATIO, "SHARE",
	  "share of time that scans may take, default 1%, idle 5%; mem: adapt the "
	  "period to it",
	  AT(overhead) },
	{ "rate", 0, MH_OPT_RATIO, "SHARE",
	  "idle: look at this share of the pages, as 1/16; default all", AT(rate) },
	{ "period", 'c', MH_OPT_COUNT, "N",
	  "sample every Nth event; default all, of hardware events some thousand",
	  AT(period), .min = 1 },
	{ "user", 'u', MH_OPT_FLAG, NULL, "leave out what the kernel does for the target",
	  AT(user_only) },
	{ "writes", 0, MH_OPT_FLAG, NULL,
	  "idle: record which pages were written too (soft-dirty bits)", AT(writes) },
	{ "page-cache", 0, MH_OPT_FLAG, NULL,
	  "idle, with --cgroup: record its page cache too that no process maps",
	  AT(page_cache) },
	{ "aging", 0, MH_OPT_FLAG, NULL,
	  "mglru: have the kernel age its lists before each reading; disturbs reclaim",
	  AT(aging) },
	{ "ring", 0, MH_OPT_SIZE, "SIZE", "ring buffer per CPU; default 1M", AT(ring),
	  .min = 4096, .max = 1u << 30 },
	{ "heap", 0, MH_OPT_STRING, "SIZE",
	  "log where the command allocates blocks of SIZE or more; default 64K", AT(heap),
	  .otherwise = MH_HEAP_DEFAULT },
	{ .type = MH_OPT_GROUP, .group = record_mem_options, AT(mem) },
	{ .type = MH_OPT_GROUP, .group = record_damon_options, AT(damon) },
	{ "policy", 0, MH_OPT_CHOICE, "POLICY",
	  "how hard to compress: default, fast or best", AT(policy),
	  .choices = policies },
	{ "force", 'f', MH_OPT_FLAG, NULL, "allow sources that disturb each other",
	  AT(force) },
	{ "quiet", 'q', MH_OPT_FLAG, NULL, "say only what went wrong", AT(quiet) },
	{ 0 },
};

/* What the loop has to do with. */
struct session {
	const struct record *opts;
	struct mh_recording *rec;
	char **command; /* NULL: attached */
	int signal_fd;
	sigset_t blocked, before; /* before: as we got the mask */
	uint64_t end_ns, status_ns;
	int stop;      /* a signal asked for the end */
	int nr_forced; /* signals sent to us while a command runs */
	int show_status;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- signals ---- */

/* A signal that was ignored when we came (nohup, background) stays so. */
static void add_signal(sigset_t *set, int sig)
{
	struct sigaction sa;

	if (!sigaction(sig, NULL, &sa) && sa.sa_handler != SIG_IGN)
		sigaddset(set, sig);
}

static int take_signals(struct session *s)
{
	sigemptyset(&s->blocked);
	add_signal(&s->blocked, SIGINT);
	add_signal(&s->blocked, SIGTERM);
	add_signal(&s->blocked, SIGHUP);
	sigaddset(&s->blocked, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &s->blocked, &s->before))
		return -1;
	s->signal_fd = signalfd(-1, &s->blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? -1 : 0;
}

/*
 * From here on a signal ends us at once, as it did before we came; the trace is readable
 * as far as it got. What came while we closed is dropped first.
 */
static void give_signals_back(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

/*
 * The terminal gives its signals to the command too (si_code SI_KERNEL): it decides what
 * they mean, however often. One that was sent to us alone is passed on; the second such
 * one asks us to leave.
 */
static void signal_with_command(struct session *s, const struct signalfd_siginfo *info,
				pid_t pid)
{
	if (info->ssi_code == SI_KERNEL || (pid_t)info->ssi_pid == pid)
		return;
	kill(pid, (int)info->ssi_signo);
	if (++s->nr_forced > 1)
		s->stop = (int)info->ssi_signo;
}

static void read_signals(struct session *s, pid_t command)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (command)
			signal_with_command(s, &info, command);
		else
			s->stop = (int)info.ssi_signo;
	}
}

/* ---- words ---- */

static void text_clock(char buf[MH_TEXT_MAX], uint64_t ns)
{
	uint64_t s = ns / 1000000000u;

	if (s >= 3600)
		snprintf(buf, MH_TEXT_MAX, "%" PRIu64 ":%02u:%02u", s / 3600,
			 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		snprintf(buf, MH_TEXT_MAX, "%02u:%02u", (unsigned)(s / 60),
			 (unsigned)(s % 60));
}

/* Only on a terminal that we do not share with a command. */
static void print_status(struct session *s)
{
	char time[MH_TEXT_MAX], bytes[MH_TEXT_MAX], touched[MH_TEXT_MAX];
	struct mh_record_status st;

	mh_recording_status(s->rec, &st);
	text_clock(time, st.elapsed_ns);
	fprintf(stderr, "\r\033[Krecording %s", time);
	if (st.nr_events[MH_EV_REGION])
		fprintf(stderr, "  regions %" PRIu64, st.nr_events[MH_EV_REGION]);
	if (st.nr_events[MH_EV_SAMPLE])
		fprintf(stderr, "  samples %" PRIu64, st.nr_events[MH_EV_SAMPLE]);
	if (st.referenced != MH_NO_BYTES)
		fprintf(stderr, "  touched %s", mh_text_bytes(touched, st.referenced));
	fprintf(stderr, "  %s  lost %" PRIu64, mh_text_bytes(bytes, st.bytes), st.lost);
	fflush(stderr);
}

static void clear_status(const struct session *s)
{
	if (s->show_status)
		fprintf(stderr, "\r\033[K");
}

struct totals {
	struct mh_record_status st;
	char what[160]; /* the target, safe for a terminal */
};

static void take_totals(struct totals *t, const struct session *s)
{
	const struct record *opts = s->opts;

	mh_recording_status(s->rec, &t->st);
	if (s->command)
		mh_text_safe(t->what, sizeof(t->what), s->command[0], 0);
	else if (opts->all)
		snprintf(t->what, sizeof(t->what), "the whole machine");
	else if (opts->cgroup)
		mh_text_safe(t->what, sizeof(t->what), opts->cgroup, 0);
	else
		snprintf(t->what, sizeof(t->what), "pid %" PRIu32 "%s", opts->pids.v[0],
			 opts->pids.nr > 1 ? " and others" : "");
}

static void print_counts(const struct mh_record_status *st)
{
	static const struct {
		enum mh_event_kind kind;
		const char *name;
	} kinds[] = { { MH_EV_REGION, "regions" },
		      { MH_EV_PAGES, "page scans" },
		      { MH_EV_SAMPLE, "samples" } };
	uint64_t nr = 0;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		nr += st->nr_events[kinds[i].kind];
		if (st->nr_events[kinds[i].kind])
			fprintf(stderr, ", %" PRIu64 " %s", st->nr_events[kinds[i].kind],
				kinds[i].name);
	}
	if (!nr)
		fprintf(stderr, ", no accesses (no interval came to its end)");
	fprintf(stderr, ", %" PRIu64 " lost", st->lost);
}

static void print_last_words(const struct session *s, const struct totals *t)
{
	const char *file = s->opts->output;
	char time[MH_TEXT_MAX], stall[MH_TEXT_MAX], cpu[MH_TEXT_MAX], name[256];
	const struct mh_record_status *st = &t->st;

	mh_text_safe(name, sizeof(name), file, 0);
	fprintf(stderr, "[ memheat recorded %s of %s", mh_text_ns(time, st->elapsed_ns),
		t->what);
	print_counts(st);
	fprintf(stderr, " -> %s; it took %s of CPU", name,
		mh_text_ns(cpu, st->observer_cpu_ns));
	if (st->stall_max_ns)
		fprintf(stderr, ", longest stall %s",
			mh_text_ns(stall, st->stall_max_ns));
	fprintf(stderr, " ]\n");
	if (!strcmp(file, "-") || !isatty(STDERR_FILENO))
		return;
	if (!strcmp(file, "memheat.data"))
		fprintf(stderr, "  next: memheat report            summary\n"
				"        memheat report heatmap    when and where\n"
				"        memheat report wss        how much memory\n");
	else
		fprintf(stderr,
			"  next: memheat report -i %s            summary\n"
			"        memheat report heatmap -i %s    when and where\n",
			name, name);
}

/* ---- the recording ---- */

static int command_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return MH_EXIT_SIGNAL + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

static int could_not(const struct session *s, int status, const struct mh_err *err)
{
	if (s->command && status == MH_ENOTARGET && err->sys_errno) {
		mh_failed(err);
		return err->sys_errno == ENOENT ? MH_EXIT_NOT_FOUND
						: MH_EXIT_NOT_RUNNABLE;
	}
	mh_failed(err);
	if (status == MH_EINPUT)
		return MH_EXIT_USAGE;
	return s->command ? MH_EXIT_RECORDING : MH_EXIT_FAILED;
}

/* Returns as mh_recording_step(), or MH_END when it was told to end. */
static int loop(struct session *s, struct mh_err *err)
{
	pid_t command = mh_recording_command_pid(s->rec);
	int status = MH_OK;

	while (status == MH_OK && !s->stop) {
		uint64_t now = now_ns(), until = s->end_ns;

		if (now >= s->end_ns)
			return MH_END;
		if (s->show_status && now >= s->status_ns) {
			print_status(s);
			s->status_ns = now + STATUS_NS;
		}
		if (s->show_status && s->status_ns < until)
			until = s->status_ns;
		status = mh_recording_step(s->rec, s->signal_fd, until, err);
		read_signals(s, command);
	}
	return status < 0 ? status : MH_END;
}

/*
 * The recording is over and closed, the command is not: its end is still ours to give.
 * Returns an exit status.
 */
static int outlive(struct session *s, pid_t pid)
{
	struct pollfd fd = { .fd = s->signal_fd, .events = POLLIN };
	int wait_status;
	pid_t ended;

	if (!s->opts->quiet)
		mh_say("waiting for the command (pid %d) to end", (int)pid);
	while ((ended = waitpid(pid, &wait_status, WNOHANG)) == 0 && !s->stop) {
		poll(&fd, 1, -1);
		read_signals(s, pid);
	}
	if (ended == pid)
		return command_status(wait_status);
	return s->stop ? MH_EXIT_SIGNAL + s->stop : MH_EXIT_RECORDING;
}

static int begin(struct session *s, const struct mh_record_opts *ropts)
{
	struct mh_err err = { 0 };
	int status = MH_OK;

	/* Opening sets things up in the kernel, and a signal must not leave them there.
	 * But a command is forked meanwhile, with the mask and the dispositions that we
	 * got. */
	if (!s->command && take_signals(s))
		status = mh_fail_errno(&err, "cannot take signals");
	if (!status)
		status = mh_recording_open(&s->rec, ropts, &err);
	if (status)
		return could_not(s, status, &err);
	if (s->command && take_signals(s))
		status = mh_fail_errno(&err, "cannot take signals");
	if (!status)
		status = mh_recording_start(s->rec, &err);
	if (!status)
		return MH_EXIT_OK;
	if (mh_recording_close(s->rec, NULL))
		mh_say("the unfinished trace '%s' could not be closed", s->opts->output);
	return could_not(s, status, &err);
}

/* Returns a status of the library; the reason of a failure has been said. */
static int end(struct session *s, int status, const struct mh_err *why)
{
	struct mh_err err = { 0 };
	struct totals totals;
	int closed;

	clear_status(s);
	if (!s->command)
		give_signals_back(s);
	take_totals(&totals, s);
	if (status < 0)
		mh_failed(why);
	closed = mh_recording_close(s->rec, &err);
	if (closed < 0 && status >= 0)
		mh_failed(&err);
	if (status < 0 || closed < 0)
		return status < 0 ? status : closed;
	if (!s->opts->quiet)
		print_last_words(s, &totals);
	return MH_OK;
}

static int run_session(struct session *s, const struct mh_record_opts *ropts)
{
	struct mh_err err = { 0 };
	int status = begin(s, ropts), wait_status, code;
	pid_t pid;

	if (status)
		return status;
	if (s->opts->for_ns)
		s->end_ns = now_ns() + s->opts->for_ns;
	status = loop(s, &err);
	wait_status = mh_recording_wait_status(s->rec);
	pid = mh_recording_command_pid(s->rec);
	status = end(s, status, &err);
	if (!s->command)
		return status < 0 ? MH_EXIT_FAILED : MH_EXIT_OK;
	if (wait_status >= 0)
		code = command_status(wait_status);
	else
		code = outlive(s, pid);
	return status < 0 ? MH_EXIT_RECORDING : code;
}

/* ---- options ---- */

static int check_target(const struct mh_cmd *cmd, const struct record *opts, int nr_words)
{
	int nr = !!opts->pids.nr + !!opts->all + !!opts->cgroup + !!nr_words;

	if (!nr)
		return mh_usage(cmd, "name what to record: a command, -p PID, -a or "
				     "--cgroup PATH");
	if (nr > 1)
		return mh_usage(cmd,
				"one of a command, -p, -a and --cgroup, not several");
	if (opts->rate > 0 && (opts->rate < 1e-6 ||
			       fabs(1 / opts->rate - floor(1 / opts->rate + 0.5)) > 1e-6))
		return mh_usage(cmd, "--rate is one page in so many: 1/16, 1/64");
	if (opts->page_cache && !opts->cgroup)
		return mh_usage(cmd, "--page-cache goes with --cgroup");
	if (opts->only && !opts->pids.nr)
		return mh_usage(cmd, "--no-children goes with -p");
	if (opts->heap && !nr_words)
		return mh_usage(cmd, "--heap goes with a command: what runs already "
				     "cannot be preloaded");
	return MH_EXIT_OK;
}

static struct mh_target target_of(const struct record *opts)
{
	struct mh_target target = { .type = MH_TARGET_PROCESSES };

	_Static_assert(sizeof(pid_t) == sizeof(uint32_t), "pids are lent as they are");
	if (opts->all)
		target.type = MH_TARGET_SYSTEM;
	if (opts->cgroup)
		target.type = MH_TARGET_CGROUP;
	target.cgroup = opts->cgroup;
	target.pids = (const pid_t *)opts->pids.v;
	target.nr_pids = opts->pids.nr;
	target.children = !opts->only;
	return target;
}

static int record(struct record *opts, char **command, int argc, char **argv)
{
	const struct mh_log *log = opts->quiet ? &mh_log_quiet : &mh_log_stderr;
	struct mh_record_opts ropts = {
		.sources = opts->sources,
		.force = opts->force,
		.command = command,
		.target = target_of(opts),
		.source = { .interval_ns = opts->interval_ns,
			    .overhead = opts->overhead,
			    .one_page_in =
				    (uint32_t)(opts->rate > 0 ? 1 / opts->rate + 0.5 : 0),
			    .writes = opts->writes,
			    .page_cache = opts->page_cache,
			    .aging = opts->aging,
			    .ring_kib = (uint32_t)(opts->ring / 1024),
			    .period = opts->period,
			    .user_only = opts->user_only,
			    .log = log },
		.path = opts->output,
		.writer = { .policy = (enum mh_policy)opts->policy, .log = log },
		.argc = argc,
		.argv = argv,
		.log = log,
	};
	struct session s = {
		.opts = opts,
		.command = command,
		.signal_fd = -1,
		.end_ns = UINT64_MAX,
		.show_status = !command && !opts->quiet && isatty(STDERR_FILENO),
	};
	struct mh_err err = { 0 };
	char shim[PATH_MAX];
	int code;

	if (opts->heap) {
		ropts.heap_shim = mh_heap_shim(shim);
		if (mh_value_size(&ropts.heap_bytes, opts->heap, &err))
			return mh_usage(&mh_cmd_record, "--heap: %s", err.msg);
		if (!ropts.heap_bytes)
			return mh_usage(&mh_cmd_record, "--heap: 0 is too small");
	}
	if (record_damon_apply(&opts->damon, &ropts, &err) ||
	    record_mem_apply(&opts->mem, &ropts, &err))
		return mh_usage(&mh_cmd_record, "%s", err.msg);
	code = run_session(&s, &ropts);

	if (s.signal_fd >= 0)
		close(s.signal_fd);
	return code;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct record opts = { .output = "memheat.data" };
	struct mh_args args;
	int parsed = mh_options_parse(cmd, &opts, &args, argc, argv), code;

	if (parsed)
		return mh_options_exit(parsed);
	code = check_target(cmd, &opts, args.argc);
	if (code == MH_EXIT_OK)
		code = record(&opts, args.argc ? args.argv : NULL, argc, argv);
	mh_options_fini(cmd, &opts);
	return code;
}

const struct mh_cmd mh_cmd_record = {
	.name = "record",
	.summary = "watch a program, running processes or the machine into a trace",
	.usage = "[options] [--] CMD [ARG...]\n"
		 "[options] -p PID[,PID...] | -a | --cgroup PATH",
	.about = "The command keeps its terminal, its output and its exit status, which\n"
		 "becomes that of memheat: 128+N after signal N, 125 when the recording\n"
		 "failed, 126 or 127 when the command could not be started. Ctrl-C ends "
		 "a\n"
		 "recording of running processes cleanly; a command gets it itself.\n"
		 "\n"
		 "An existing trace is kept as FILE.old.\n",
	.examples = "  memheat record -- ./server --port 7000\n"
		    "  memheat record --for 60s -p 4121\n"
		    "  memheat record -s refs,faults -o build.data -- make -j8\n",
	.opts = record_options,
	.operands = MH_OPERANDS_EXECUTABLE,
	.stop_at_operand = 1,
	.run = run,
};
