/* SPDX-License-Identifier: MIT */
/*
 * memheat repack: a trace again, with full blocks and the best compression, or only the
 * part of it that the filters let through. What describes the data (META, TASK, MAP) is
 * kept for the wanted processes, so that what is left can still be named.
 */
#include <inttypes.h>
#include <string.h>

#include <memheat/render.h>

#include "cmd.h"
#include "filters.h"
#include "options.h"
#include "progress.h"
#include "trace_output.h"
#include "unwound.h"

struct repack {
	struct mh_filters filters;
	const char *output;
	int policy; /* enum mh_policy */
	int unwind;
	struct mh_strings debug_dirs; /* of unwind */
};

#define AT(member) .offset = offsetof(struct repack, member)

static const char *const policies[] = { "default", "fast", "best", NULL };

static const struct mh_option repack_options[] = {
	{ "output", 'o', MH_OPT_FILE, "FILE",
	  "the trace to make; needed; may be the input", AT(output) },
	{ "policy", 0, MH_OPT_CHOICE, "NAME",
	  "compression: best, default or fast; default best", AT(policy),
	  .choices = policies },
	{ "unwind", 0, MH_OPT_FLAG, NULL,
	  "put call chains in the place of copies of stacks (record -g dwarf)",
	  AT(unwind) },
	{ "debug-dir", 0, MH_OPT_LIST, "DIR,...",
	  "of --unwind: debug files by build-id; default /usr/lib/debug",
	  AT(debug_dirs) },
	{ .type = MH_OPT_GROUP, .group = mh_filter_options, AT(filters) },
	{ 0 },
};

static int add_meta(struct mh_writer *w, const struct mh_reader *r, const char *key,
		    const char *value, struct mh_err *err)
{
	struct mh_event ev = { .kind = MH_EV_META,
			       .time_ns = mh_reader_info(r)->start_ns,
			       .meta = { key, value } };

	return mh_writer_add(w, &ev, err);
}

/* The new trace is closed properly; that its input was not must not be forgotten. */
static int add_history(struct mh_writer *w, const struct mh_reader *r,
		       uint64_t nr_damaged, struct mh_err *err)
{
	const struct mh_trace_info *info = mh_reader_info(r);
	char number[32];
	int status = MH_OK;

	nr_damaged += info->nr_damaged + info->nr_lost_blocks;
	snprintf(number, sizeof(number), "%" PRIu64, nr_damaged);
	if (!info->complete)
		status = add_meta(w, r, "trace.incomplete", "1", err);
	if (status == MH_OK && nr_damaged)
		status = add_meta(w, r, "trace.damaged_blocks", number, err);
	return status;
}

/* ---- --unwind ---- */

struct unwinding {
	struct mh_session *session;
	struct mh_writer *writer;
};

static int pass_on(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	const struct unwinding *u = arg;
	struct mh_event out = *ev;

	if (ev->kind == MH_EV_STACK || ev->kind == MH_EV_STACK_COPY)
		return MH_OK;
	if (ev->kind == MH_EV_SAMPLE && ev->sample.stack)
		out.sample.stack =
			mh_session_frame_of(u->session, ev->source, ev->sample.stack);
	return mh_writer_add(u->writer, &out, err);
}

static void say_unwound(const struct mh_session *s)
{
	mh_say("%" PRIu64 " chains were unwound, %" PRIu64 " of them to the outermost "
	       "frame",
	       mh_nr_unwound(s), mh_session_unwound(s)->nr[MH_UNWIND_OUTERMOST]);
	mh_say_cut_chains(s);
}

/* Frames first, then all else with ids of frames. */
static int start_unwinding(struct unwinding *u, struct mh_walk *w, const char *path,
			   const struct repack *opts, struct mh_err *err)
{
	const struct mh_session_opts so = {
		.filter = { .pids = opts->filters.pids.v,
			    .nr_pids = opts->filters.pids.nr },
		.debug_dirs = (const char *const *)opts->debug_dirs.v,
	};
	int status = mh_session_open(&u->session, path, &so, err);

	if (status == MH_OK)
		status =
			mh_session_each_frame(u->session, mh_writer_sink, u->writer, err);
	w->fn = pass_on;
	w->arg = u;
	return status;
}

static int copy(const struct repack *opts, const char *path, const struct mh_reader *r,
		struct mh_writer *writer, struct mh_err *err)
{
	struct mh_progress progress;
	struct mh_walk w = { .reader = r,
			     .filters = &opts->filters,
			     .fn = mh_writer_sink,
			     .arg = writer,
			     .progress = mh_progress_update,
			     .progress_arg = &progress };
	struct unwinding u = { .writer = writer };
	int status = mh_walk_at(&w, path, err);

	if (status == MH_OK && opts->unwind)
		status = start_unwinding(&u, &w, path, opts, err);
	mh_progress_start(&progress, "repacking");
	if (status == MH_OK)
		status = mh_walk_run(&w, err);
	mh_progress_end(&progress);
	mh_session_close(w.session);
	if (status == MH_OK && u.session)
		say_unwound(u.session);
	mh_session_close(u.session);
	if (w.nr_damaged)
		mh_say("warning: %" PRIu64 " damaged blocks were left out", w.nr_damaged);
	if (status == MH_OK)
		status = add_history(writer, r, w.nr_damaged, err);
	return status == MH_OK ? mh_writer_flush(writer, err) : status;
}

static void say_sizes(uint64_t before, uint64_t after, const char *path)
{
	char a[MH_TEXT_MAX], b[MH_TEXT_MAX], c[MH_TEXT_MAX];

	mh_say("%s -> %s (%s) in %s", mh_text_bytes(a, before), mh_text_bytes(b, after),
	       mh_text_percent(c, before ? (double)after / (double)before : 1), path);
}

static int repack(const struct repack *opts, const char *path, struct mh_err *err)
{
	struct mh_trace_output out = { 0 };
	struct mh_reader *r = NULL;
	uint64_t before = 0, after = 0;
	int status = mh_reader_open(&r, path, err);

	if (status == MH_OK)
		status = mh_trace_output_open(&out, opts->output,
					      (enum mh_policy)opts->policy, err);
	if (status == MH_OK)
		status = copy(opts, path, r, out.writer, err);
	if (status == MH_OK) {
		before = mh_reader_info(r)->bytes;
		after = mh_writer_bytes(out.writer);
	}
	status = mh_trace_output_close(&out, status, err);
	if (status == MH_OK)
		say_sizes(before, after, opts->output);
	mh_reader_close(r);
	return status;
}

static int run_parsed(const struct mh_cmd *cmd, const struct repack *opts,
		      struct mh_args *args)
{
	const char *path = mh_filters_input(&opts->filters, cmd, args->argc, args->argv);
	struct mh_err err;
	int status;

	if (!path)
		return MH_EXIT_USAGE;
	if (opts->unwind && !strcmp(path, "-"))
		return mh_usage(cmd,
				"--unwind reads the trace twice: it cannot be a pipe");
	if (opts->debug_dirs.nr && !opts->unwind)
		return mh_usage(cmd, "--debug-dir is for --unwind");
	if (!opts->output)
		return mh_usage(cmd, "it needs a name for the new trace: -o FILE");
	status = repack(opts, path, &err);
	if (status == MH_OK)
		return MH_EXIT_OK;
	mh_failed(&err);
	return status == MH_EINPUT ? MH_EXIT_USAGE : MH_EXIT_FAILED;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct repack opts = { .policy = MH_POLICY_BEST };
	struct mh_args args;
	int parsed = mh_options_parse(cmd, &opts, &args, argc, argv);
	int status = parsed ? mh_options_exit(parsed) : run_parsed(cmd, &opts, &args);

	mh_options_fini(cmd, &opts);
	return status;
}

const struct mh_cmd mh_cmd_repack = {
	.name = "repack",
	.summary = "merge small blocks, recompress, cut a trace by filters",
	.usage = "[FILE] -o FILE [--policy best|default|fast] [--unwind] [FILTER...]",
	.examples = "  memheat repack big.data -o small.data\n"
		    "  memheat repack big.data -o start.data --time :10s --pid 4121\n"
		    "  memheat repack --unwind memheat.data -o chains.data\n",
	.opts = repack_options,
	.operands = MH_OPERANDS_FILES,
	.run = run,
};
