/* SPDX-License-Identifier: MIT */
/*
 * The table of patterns and the life of a run: options, pattern, truth, exit status.
 * Silent unless asked: it runs under recorders whose own output is compared.
 */
#include <string.h>
#include <unistd.h>

#include "workload.h"

const struct pattern patterns[] = {
	{ .name = "static",
	  .help = "--hot of --total touched all the time, for --time",
	  .run = run_static,
	  .hot = 16 * MIB },
	{ .name = "window",
	  .help = "--hot bytes that move on by --step (default half of --hot) each phase",
	  .run = run_window,
	  .hot = 16 * MIB,
	  .phase_ns = 10 * NS_PER_S },
	{ .name = "stairs",
	  .help = "--total in as many equal steps as phases, each touched in its own "
		  "phase",
	  .run = run_stairs,
	  .phase_ns = 10 * NS_PER_S },
	{ .name = "zigzag",
	  .help = "the two halves of --total in turn",
	  .run = run_zigzag,
	  .phase_ns = 10 * NS_PER_S },
	{ .name = "zipf",
	  .help = "pages drawn by popularity 1/rank^--exponent; a phase is a window (1s)",
	  .run = run_zipf,
	  .phase_ns = NS_PER_S,
	  .burst = 64 },
	{ .name = "antiphase",
	  .help = "two processes in turn, each with --hot of its own --total",
	  .run = run_antiphase,
	  .hot = 16 * MIB,
	  .phase_ns = 10 * NS_PER_S },
	{ .name = "server",
	  .help = "a worker forked per request (--phase, 100ms) touches --hot of its own",
	  .run = run_server,
	  .hot = 4 * MIB,
	  .phase_ns = NS_PER_S / 10 },
	{ .name = "thp",
	  .help = "--hot of --total in huge pages, one byte per --stride (64K)",
	  .run = run_thp,
	  .hot = 16 * MIB,
	  .stride = 64 * KIB },
	{ .name = "short",
	  .help = "static that is over after 50 ms",
	  .run = run_static,
	  .hot = 4 * MIB,
	  .total = 4 * MIB,
	  .time_ns = NS_PER_S / 20,
	  .is_short = true },
	{ .name = "structs",
	  .help = "an array, three allocation sites and a stack buffer with known shares",
	  .run = run_structs,
	  .write = true },
	{ .name = "first-touch",
	  .help = "every page of --total touched once, in a random order at a random "
		  "byte",
	  .run = run_first_touch,
	  .burst = 64,
	  .write = true,
	  .is_short = true },
	{ .name = "idle",
	  .help = "writes --total once, then sleeps for --time",
	  .run = run_idle },
	{ .name = NULL },
};

static const struct pattern *pattern_find(const char *name)
{
	const struct pattern *pattern;

	for (pattern = patterns; pattern->name; pattern++)
		if (strcmp(pattern->name, name) == 0)
			return pattern;
	return NULL;
}

static uint64_t first_of(uint64_t given, uint64_t pattern, uint64_t general)
{
	return given ? given : pattern ? pattern : general;
}

/* The number and length of phases from any two of --time, --phase and --phases. */
static void resolve_times(struct options *opt, const struct pattern *pattern)
{
	bool time_given = opt->time_ns != 0;

	opt->time_ns = first_of(opt->time_ns, pattern->time_ns, 30 * NS_PER_S);
	if (!opt->phase_ns && opt->nr_phases && time_given)
		opt->phase_ns = opt->time_ns / opt->nr_phases;
	if (!pattern->phase_ns) {
		if (opt->phase_ns && !time_given)
			opt->time_ns = opt->phase_ns * first_of(opt->nr_phases, 0, 1);
		opt->phase_ns = opt->time_ns;
		opt->nr_phases = 1;
		return;
	}
	opt->phase_ns = first_of(opt->phase_ns, pattern->phase_ns, 1);
	if (!opt->nr_phases)
		opt->nr_phases = (opt->time_ns + opt->phase_ns - 1) / opt->phase_ns;
	opt->time_ns = opt->phase_ns * opt->nr_phases;
}

static int resolve_sizes(struct options *opt, const struct pattern *pattern,
			 uint64_t page)
{
	const char *wrong = NULL;

	if (!opt->total) {
		opt->total = first_of(pattern->total, 64 * MIB, 0);
		opt->total = opt->hot > opt->total ? opt->hot : opt->total;
	}
	opt->hot = first_of(opt->hot, pattern->hot, opt->total);
	opt->stride = first_of(opt->stride, pattern->stride, page);
	opt->step = first_of(opt->step, opt->hot / 2 / page * page, page);
	opt->burst = first_of(opt->burst, pattern->burst, 4096);
	opt->write = opt->write || pattern->write;
	if (pattern->is_short && opt->settle_ns == UINT64_MAX)
		opt->settle_ns = 0;
	if (opt->settle_ns == UINT64_MAX)
		opt->settle_ns = NS_PER_S / 10;

	if (opt->hot > opt->total)
		wrong = "--hot is larger than --total";
	else if ((opt->hot | opt->total | opt->stride | opt->step) % page)
		wrong = "--hot, --total, --stride and --step must be whole pages";
	else if (opt->thp != THP_UNSET && pattern->run != run_thp)
		wrong = "--thp is for the pattern thp; the others have small pages only";
	else if (pattern->run == run_thp && HUGE_SIZE % opt->stride)
		wrong = "--stride must divide 2M";
	else if (pattern->run == run_stairs && opt->total / page < opt->nr_phases)
		wrong = "--total has fewer pages than there are phases";
	else if (pattern->run == run_zigzag && opt->total < 2 * page)
		wrong = "--total must be two pages or more";
	if (wrong)
		fprintf(stderr, "workload: %s\n", wrong);
	return wrong ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct workload w = { .page = (uint64_t)sysconf(_SC_PAGESIZE) };
	const struct pattern *pattern;
	int status = options_parse(&w.opt, argc, argv);

	if (status)
		return status < 0 ? 2 : 0;
	pattern = w.opt.pattern ? pattern_find(w.opt.pattern) : NULL;
	if (!pattern) {
		fprintf(stderr, "workload: no pattern %s; run: workload --list\n",
			w.opt.pattern ? w.opt.pattern : "given");
		return 2;
	}
	resolve_times(&w.opt, pattern);
	if (resolve_sizes(&w.opt, pattern, w.page) < 0)
		return 2;

	if (workload_init(&w) < 0 || pattern->run(&w) < 0)
		return 1;
	if (w.opt.truth_path && truth_write(&w, w.opt.truth_path) < 0)
		return 1;
	return (int)w.opt.exit_status;
}
