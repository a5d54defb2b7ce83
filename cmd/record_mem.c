/* SPDX-License-Identifier: MIT */
/* Hardware samples, with perf's letters where they are free. */
#include "record_mem.h"

#include <stdio.h>
#include <string.h>

#include "values.h"

#define STACK_LEN     8192u
#define STACK_LEN_MAX 65528u

#define AT(member) .offset = offsetof(struct record_mem, member)

static const char *const call_graphs[] = { "fp", "dwarf", NULL };

const struct mh_option record_mem_options[] = {
	{ "event", 'e', MH_OPT_STRING, "EVENT,...",
	  "mem: these instead of the CPU's best: mem:0x7f00/8:rw, ibs_op//, a libpfm4 "
	  "name",
	  AT(events) },
	{ "freq", 'F', MH_OPT_COUNT, "HZ",
	  "mem: so many samples per second and CPU, instead of a fixed period", AT(freq),
	  .min = 1 },
	{ "loads", 0, MH_OPT_FLAG, NULL, "mem: loads only", AT(loads) },
	{ "stores", 0, MH_OPT_FLAG, NULL, "mem: stores only", AT(stores) },
	{ "ldlat", 0, MH_OPT_COUNT, "CYCLES",
	  "mem: only loads that take at least so long; default 30", AT(ldlat), .min = 3,
	  .max = 65535 },
	{ "cpu", 'C', MH_OPT_STRING, "LIST", "mem: sample on these CPUs only: 0-3,8",
	  AT(cpus) },
	{ "kernel", 'k', MH_OPT_FLAG, NULL,
	  "mem: only what the kernel does for the target", AT(kernel_only) },
	{ "phys", 0, MH_OPT_FLAG, NULL, "mem: record physical addresses too", AT(phys) },
	{ "page-size", 0, MH_OPT_FLAG, NULL,
	  "mem: record the size of the page that was accessed", AT(page_size) },
	{ "call-graph", 'g', MH_OPT_STRING, "WAY",
	  "mem, faults: record call chains; fp (default): by frame pointers; "
	  "dwarf[,SIZE]: by copies of SIZE bytes of stack, default 8K, for code without "
	  "them",
	  AT(call_graph), .choices = call_graphs, .otherwise = "fp" },
	{ "delay", 0, MH_OPT_TIME, "TIME", "mem: begin sampling so long after the target",
	  AT(delay_ns), .min = 1 },
	{ 0 },
};

/* The comma after @p that ends an event's name: not one within PMU/TERM,TERM/. */
static char *end_of(char *p)
{
	int breakpoint = !strncmp(p, "mem:", 4), within = 0;

	for (; *p && (*p != ',' || within); p++)
		within ^= *p == '/' && !breakpoint;
	return p;
}

static int cut_events(struct record_mem *mem, size_t *nr, struct mh_err *err)
{
	char *p = mem->text, *end;

	if (snprintf(mem->text, sizeof(mem->text), "%s", mem->events) >=
	    (int)sizeof(mem->text))
		return mh_fail(err, MH_EINPUT, "the list of events is too long");
	for (*nr = 0;; p = end + 1) {
		end = end_of(p);
		if (end == p)
			return mh_fail(err, MH_EINPUT, "--event '%s': a name is empty",
				       mem->events);
		if (*nr == RECORD_EVENTS_MAX)
			return mh_fail(err, MH_EINPUT, "at most %d events",
				       RECORD_EVENTS_MAX);
		mem->event[(*nr)++] = p;
		if (!*end)
			return MH_OK;
		*end = '\0';
	}
}

static int check(const struct record_mem *mem, const struct mh_record_opts *opts,
		 struct mh_err *err)
{
	if (mem->freq && opts->source.period)
		return mh_fail(err, MH_EINPUT, "either --period or --freq, not both");
	if (mem->kernel_only && opts->source.user_only)
		return mh_fail(err, MH_EINPUT, "either --user or --kernel, not both");
	if (mem->events && (mem->loads || mem->stores || mem->ldlat))
		return mh_fail(
			err, MH_EINPUT,
			"--loads, --stores and --ldlat choose events; with --event "
			"they are chosen already");
	if (mem->cpus && mem->cpus[strspn(mem->cpus, "0123456789,-")])
		return mh_fail(err, MH_EINPUT, "'%s' is no list of CPUs: 0-3,8",
			       mem->cpus);
	return MH_OK;
}

/* "fp" or "dwarf[,SIZE]". */
static int apply_call_graph(const char *way, struct mh_record_opts *opts,
			    struct mh_err *err)
{
	uint64_t size = STACK_LEN;
	int ret = MH_OK;

	if (!way)
		return MH_OK;
	opts->source.mem.chains = 1;
	if (!strcmp(way, "fp"))
		return MH_OK;
	if (strncmp(way, "dwarf", 5) != 0 || (way[5] && way[5] != ','))
		return mh_fail(err, MH_EINPUT,
			       "--call-graph '%s' is not one of: fp, dwarf, dwarf,SIZE",
			       way);
	if (way[5])
		ret = mh_value_size(&size, way + 6, err);
	if (ret)
		return ret;
	size = (size + 7) & ~UINT64_C(7);
	if (!size || size > STACK_LEN_MAX)
		return mh_fail(err, MH_EINPUT,
			       "--call-graph '%s': the kernel copies 1 to %u bytes of a "
			       "stack",
			       way, STACK_LEN_MAX);
	opts->source.mem.stack_len = (uint32_t)size;
	return MH_OK;
}

int record_mem_apply(struct record_mem *mem, struct mh_record_opts *opts,
		     struct mh_err *err)
{
	size_t nr = 0;
	int ret = check(mem, opts, err);

	if (!ret && mem->events)
		ret = cut_events(mem, &nr, err);
	if (ret)
		return ret;
	/* Who names an event says what to record with. */
	if (mem->events && !opts->sources)
		opts->sources = "mem";
	opts->source.mem.events = mem->event;
	opts->source.mem.nr_events = nr;
	opts->source.mem.loads = mem->loads;
	opts->source.mem.stores = mem->stores;
	opts->source.mem.ldlat = (uint32_t)mem->ldlat;
	opts->source.mem.freq = mem->freq;
	opts->source.mem.cpus = mem->cpus;
	opts->source.mem.kernel_only = mem->kernel_only;
	opts->source.mem.phys = mem->phys;
	opts->source.mem.page_size = mem->page_size;
	opts->source.mem.delay_ns = mem->delay_ns;
	opts->source.mem.overhead = opts->source.overhead;
	return apply_call_graph(mem->call_graph, opts, err);
}
