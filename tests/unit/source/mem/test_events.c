/* SPDX-License-Identifier: MIT */
/*
 * Which events are chosen on machines made of files (Sapphire Rapids, hybrid Alder Lake,
 * Zen 3, Zen 5), what names stand for, and libpfm4 made to believe in other CPUs.
 */
#include "test.h"

#include <limits.h>
#include <linux/hw_breakpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/mem/budget.h"
#include "source/mem/clock.h"
#include "source/mem/mem.h"
#include "source/mem/setup.h"

static char root[64];

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/memheat-mem-XXXXXX");
	return !mkdtemp(root);
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command); /* NOLINT: the folder is our own */
}

static void put(const char *name, const char *text)
{
	char path[PATH_MAX], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static void pmu(const char *name, const char *file, const char *text)
{
	char path[300];

	snprintf(path, sizeof(path), "sys/bus/event_source/devices/%s/%s", name, file);
	put(path, text);
}

static void rights(int paranoid, const char *caps)
{
	char text[64];

	snprintf(text, sizeof(text), "%d", paranoid);
	put("proc/sys/kernel/perf_event_paranoid", text);
	snprintf(text, sizeof(text), "Name:\tx\nCapEff:\t%s", caps);
	put("proc/self/status", text);
}

#define NO_CAPS "0000000000000000"
#define PERFMON "0000004000000000"

/* The formats of an Intel core PMU, as 6.x kernels have them. */
static void intel(const char *name, const char *type, const char *precise)
{
	pmu(name, "type", type);
	pmu(name, "format/event", "config:0-7");
	pmu(name, "format/umask", "config:8-15");
	pmu(name, "format/edge", "config:18");
	pmu(name, "format/inv", "config:23");
	pmu(name, "format/cmask", "config:24-31");
	pmu(name, "format/ldlat", "config1:0-15");
	pmu(name, "format/offcore_rsp", "config1:0-63");
	pmu(name, "caps/max_precise", precise);
}

static void sapphire_rapids(void)
{
	intel("cpu", "4", "3");
	pmu("cpu", "events/mem-loads", "event=0xcd,umask=0x1,ldlat=3");
	pmu("cpu", "events/mem-loads-aux", "event=0x03,umask=0x82");
	pmu("cpu", "events/mem-stores", "event=0xcd,umask=0x2");
	rights(2, NO_CAPS);
}

static void alder_lake(void)
{
	intel("cpu_core", "4", "3");
	pmu("cpu_core", "cpus", "0-15");
	pmu("cpu_core", "events/mem-loads", "event=0xcd,umask=0x1,ldlat=3");
	pmu("cpu_core", "events/mem-loads-aux", "event=0x03,umask=0x82");
	pmu("cpu_core", "events/mem-stores", "event=0xcd,umask=0x2");
	intel("cpu_atom", "10", "3");
	pmu("cpu_atom", "cpus", "16-23");
	pmu("cpu_atom", "events/mem-loads", "event=0xd0,umask=0x5,ldlat=3");
	pmu("cpu_atom", "events/mem-stores", "event=0xd0,umask=0x6");
	rights(2, NO_CAPS);
}

static void zen(bool newer)
{
	pmu("cpu", "type", "4");
	pmu("cpu", "format/event", "config:0-7,32-35");
	pmu("cpu", "format/umask", "config:8-15");
	pmu("ibs_op", "type", newer ? "11" : "9");
	pmu("ibs_op", "format/cnt_ctl", "config:19");
	if (newer) {
		pmu("ibs_op", "format/l3missonly", "config:16");
		pmu("ibs_op", "format/swfilt", "config2:0");
		pmu("ibs_op", "format/ldlat", "config1:0-11");
		pmu("ibs_op", "caps/zen4_ibs_extensions", "1");
	}
}

/* ---- choices ---- */

static struct mem_events choose(struct mh_source_opts opts)
{
	struct mem_events events;
	struct mh_err err = { 0 };

	opts.sysroot = root;
	if (mh_mem_choose(&events, &opts, &err))
		fail_msg("%s", err.msg);
	return events;
}

static void test_sapphire_rapids(void **state)
{
	struct mem_events e;
	struct mh_sampler_event we;
	struct mh_source_opts opts = { .mem.ldlat = 64 };

	(void)state;
	sapphire_rapids();
	e = choose(opts);
	assert_int_equal(e.nr, 2);
	assert_string_equal(e.v[0].name, "cpu/mem-loads,ldlat=64/");
	assert_int_equal(e.v[0].enc.type, 4);
	assert_int_equal(e.v[0].enc.config, 0x1cd);
	assert_int_equal(e.v[0].enc.config1, 64);
	assert_true(e.v[0].has_lead);
	assert_int_equal(e.v[0].lead.config, 0x8203);
	assert_int_equal(e.v[1].enc.config, 0x2cd);
	assert_false(e.v[1].has_lead);

	mh_mem_sampler_event(&we, &e.v[0], &opts);
	assert_int_equal(we.led_by, MH_LEAD_OTHER);
	assert_int_equal(we.attr.precise_ip, 3);
	assert_int_equal(we.attr.freq, 0);
	assert_int_equal(we.attr.use_clockid, 0);
	/* Nothing that would make the hardware interrupt for each sample. */
	assert_int_equal(we.attr.sample_type &
				 (PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_DATA_PAGE_SIZE |
				  PERF_SAMPLE_RAW | PERF_SAMPLE_READ |
				  PERF_SAMPLE_CGROUP),
			 0);
	assert_true(we.attr.sample_type & PERF_SAMPLE_DATA_SRC);
	assert_true(we.attr.sample_type & PERF_SAMPLE_WEIGHT_STRUCT);
	assert_null(mh_mem_interrupts(&e.v[0], &opts));
	opts.mem.chains = 1;
	assert_non_null(mh_mem_interrupts(&e.v[0], &opts));
}

/* What record's options make of the event: -c, -F, --overhead, -u, -k, --phys,
 * --page-size.
 */
static void test_options(void **state)
{
	struct mh_source_opts opts = { .period = 5000, .mem.loads = 1 };
	struct mh_sampler_event we;
	struct mem_events e;

	(void)state;
	sapphire_rapids();
	e = choose(opts);
	mh_mem_sampler_event(&we, &e.v[0], &opts);
	assert_int_equal(we.attr.freq, 0);
	assert_int_equal(we.attr.sample_period, 5000);
	assert_false(we.attr.exclude_kernel || we.attr.exclude_user);
	assert_int_equal(we.attr.sample_type &
				 (PERF_SAMPLE_PERIOD | PERF_SAMPLE_PHYS_ADDR |
				  PERF_SAMPLE_DATA_PAGE_SIZE),
			 0);

	opts = (struct mh_source_opts){ .user_only = 1, .mem.freq = 997, .mem.loads = 1 };
	mh_mem_sampler_event(&we, &e.v[0], &opts);
	assert_int_equal(we.attr.freq, 1);
	assert_int_equal(we.attr.sample_freq, 997);
	assert_true(we.attr.exclude_kernel && !we.attr.exclude_user);
	assert_true(we.lead.exclude_kernel && !we.lead.exclude_user);
	assert_true(we.attr.sample_type & PERF_SAMPLE_PERIOD);

	opts = (struct mh_source_opts){
		.mem = { .kernel_only = 1, .phys = 1, .page_size = 1, .overhead = 0.02 }
	};
	mh_mem_sampler_event(&we, &e.v[0], &opts);
	assert_true(we.attr.exclude_user && !we.attr.exclude_kernel);
	assert_true(we.attr.sample_type & PERF_SAMPLE_PHYS_ADDR);
	assert_true(we.attr.sample_type & PERF_SAMPLE_DATA_PAGE_SIZE);
	/* A period that is changed on the way must be told with each sample. */
	assert_true(we.attr.sample_type & PERF_SAMPLE_PERIOD);
	assert_int_equal(we.attr.freq, 0);
}

static void test_loads_or_stores(void **state)
{
	struct mem_events e;

	(void)state;
	sapphire_rapids();
	e = choose((struct mh_source_opts){ .mem.loads = 1 });
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.v[0].enc.config, 0x1cd);
	assert_int_equal(e.v[0].enc.config1, 30);
	e = choose((struct mh_source_opts){ .mem.stores = 1 });
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.v[0].enc.config, 0x2cd);
}

static void test_alder_lake(void **state)
{
	struct mem_events e;

	(void)state;
	alder_lake();
	e = choose((struct mh_source_opts){ 0 });
	assert_int_equal(e.nr, 4);
	assert_string_equal(e.v[0].pmu, "cpu_core");
	assert_string_equal(e.v[0].cpus, "0-15");
	assert_true(e.v[0].has_lead);
	assert_int_equal(e.v[0].enc.type, 4);
	assert_string_equal(e.v[2].pmu, "cpu_atom");
	assert_string_equal(e.v[2].cpus, "16-23");
	assert_int_equal(e.v[2].enc.type, 10);
	assert_int_equal(e.v[2].enc.config, 0x5d0);
	assert_int_equal(e.v[2].enc.config1, 30);
	assert_false(e.v[2].has_lead);
	assert_int_equal(e.v[3].enc.config, 0x6d0);
}

static void test_zen3(void **state)
{
	struct mh_source_opts opts = { .user_only = 1, .period = 100001 };
	struct mh_sampler_event we;
	struct mem_events e;

	(void)state;
	zen(false);
	e = choose(opts);
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.v[0].kind, MEM_IBS);
	assert_int_equal(e.v[0].enc.type, 9);
	assert_int_equal(e.v[0].enc.config, 1 << 19);
	mh_mem_sampler_event(&we, &e.v[0], &opts);
	assert_int_equal(we.attr.sample_period, 100016);
	/* Without the filter the kernel would refuse to leave a mode out: we do it. */
	assert_int_equal(we.attr.exclude_kernel, 0);
	assert_true(mh_mem_filters_modes(&e.v[0], &opts));
}

static void test_zen5(void **state)
{
	struct mh_source_opts opts = { .user_only = 1, .mem.ldlat = 128 };
	struct mh_sampler_event we;
	struct mem_events e;

	(void)state;
	zen(true);
	e = choose(opts);
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.v[0].enc.type, 11);
	assert_int_equal(e.v[0].enc.config1, 128);
	mh_mem_sampler_event(&we, &e.v[0], &opts);
	assert_int_equal(we.attr.exclude_kernel, 1);
	assert_int_equal(we.attr.config2, 1);
	assert_false(mh_mem_filters_modes(&e.v[0], &opts));
}

static void test_neoverse(void **state)
{
	static const char *const fields[][2] = { { "format/ts_enable", "config:0" },
						 { "format/pa_enable", "config:1" },
						 { "format/load_filter", "config:33" },
						 { "format/store_filter", "config:34" },
						 { "format/min_latency",
						   "config2:0-11" } };
	struct mh_source_opts opts = { .mem = { .stores = 1, .ldlat = 40, .phys = 1 } };
	struct mh_sampler_event we;
	struct mem_events e;
	size_t i;

	(void)state;
	rights(2, NO_CAPS);
	pmu("armv8_pmuv3_0", "type", "8");
	pmu("arm_spe_0", "type", "9");
	pmu("arm_spe_0", "cpumask", "0-79");
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		pmu("arm_spe_0", fields[i][0], fields[i][1]);
	e = choose(opts);
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.v[0].kind, MEM_SPE);
	assert_string_equal(e.v[0].cpus, "0-79");
	assert_int_equal(e.v[0].enc.config, UINT64_C(1) << 34 | 3);
	assert_int_equal(e.v[0].enc.config2, 40);
	mh_mem_sampler_event(&we, &e.v[0], &opts);
	assert_true(we.aux_kib > 0);
	assert_int_equal(we.attr.sample_type,
			 PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU);
}

/* ---- absence, with its reason ---- */

static struct mh_probe probe(const struct mh_target *target)
{
	const struct mh_source_opts opts = { .sysroot = root };
	struct mh_probe out;

	assert_int_equal(mh_source_mem.probe(&out, target, &opts, NULL), MH_OK);
	return out;
}

static void test_probe(void **state)
{
	static const struct mh_target machine = { .type = MH_TARGET_SYSTEM };
	struct mh_probe p;

	(void)state;
	rights(2, NO_CAPS);
	p = probe(NULL);
	assert_false(p.usable);
	assert_non_null(strstr(p.reason, "no PMU"));
	assert_non_null(strstr(p.fix, "faults"));
	put("proc/cpuinfo", "flags\t\t: fpu vme hypervisor lahf_lm");
	assert_non_null(strstr(probe(NULL).reason, "virtual machine"));

	intel("cpu", "4", "0");
	assert_non_null(strstr(probe(NULL).reason, "max_precise is 0"));

	sapphire_rapids();
	assert_true(probe(NULL).usable);
	p = probe(&machine);
	assert_false(p.usable);
	assert_string_equal(p.fix, "sysctl kernel.perf_event_paranoid=0");
	rights(3, NO_CAPS);
	p = probe(NULL);
	assert_false(p.usable);
	assert_string_equal(p.fix, "sysctl kernel.perf_event_paranoid=2");
	rights(4, PERFMON);
	assert_true(probe(&machine).usable);
}

static void test_probe_ibs(void **state)
{
	(void)state;
	zen(false);
	rights(2, NO_CAPS);
	assert_string_equal(probe(NULL).fix, "sysctl kernel.perf_event_paranoid=1");
	pmu("ibs_op", "format/swfilt", "config2:0");
	assert_true(probe(NULL).usable);
}

/* ---- names ---- */

static int named(struct mem_event *out, const char *name, struct mh_err *err)
{
	const struct mh_source_opts opts = { .sysroot = root };
	struct mem_events events = { 0 };
	int ret = mh_mem_add_named(&events, name, &opts, err);

	*out = events.v[0];
	assert_int_equal(events.nr, !ret);
	return ret;
}

static void test_breakpoint_names(void **state)
{
	static const struct {
		const char *name;
		uint64_t addr, len, type;
	} rows[] = {
		{ "mem:0x7f0000000010", 0x7f0000000010, 8, HW_BREAKPOINT_RW },
		{ "mem:0x7f0000000012", 0x7f0000000012, 2, HW_BREAKPOINT_RW },
		{ "mem:0x7f0000000011:w", 0x7f0000000011, 1, HW_BREAKPOINT_W },
		{ "mem:4096/4:rw", 4096, 4, HW_BREAKPOINT_RW },
		{ "mem:4096/4:r", 4096, 4, HW_BREAKPOINT_RW },
	};
	static const char *const bad[] = { "mem:",        "mem:x",       "mem:4096/3",
					   "mem:4097/2",  "mem:4096/16", "mem:4096:x",
					   "mem:4096/4w", "mem:1e99999" };
	struct mem_event e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(named(&e, rows[i].name, NULL), MH_OK);
		assert_int_equal(e.kind, MEM_BREAKPOINT);
		assert_int_equal(e.enc.config1, rows[i].addr);
		assert_int_equal(e.enc.config2, rows[i].len);
		assert_int_equal(e.bp_type, rows[i].type);
		assert_int_equal(e.period, 1);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(named(&e, bad[i], NULL), MH_EINPUT);
}

static void test_sysfs_names(void **state)
{
	struct mh_err err = { 0 };
	struct mem_event e;

	(void)state;
	sapphire_rapids();
	zen(true);
	assert_int_equal(named(&e, "cpu/mem-loads,ldlat=100/P", NULL), MH_OK);
	assert_int_equal(e.enc.config, 0x1cd);
	assert_int_equal(e.enc.config1, 100);
	assert_int_equal(e.enc.precise, 3);
	assert_true(e.has_lead);
	assert_int_equal(named(&e, "mem-stores:u", NULL), MH_OK);
	assert_int_equal(e.enc.config, 0x2cd);
	assert_true(e.enc.exclude_kernel);
	assert_int_equal(e.enc.precise, 3);
	assert_int_equal(named(&e, "cpu/event=0xd1,umask=0x20,cmask=1/pp", NULL), MH_OK);
	assert_int_equal(e.enc.config, 0x010020d1);
	assert_int_equal(e.enc.precise, 2);
	assert_int_equal(named(&e, "cpu/event=0x1ff/", NULL), MH_OK);
	assert_int_equal(e.enc.config, 0x1000000ff); /* AMD's split field */
	assert_int_equal(named(&e, "r20d1:k", NULL), MH_OK);
	assert_int_equal(e.enc.config, 0x20d1);
	assert_true(e.enc.exclude_user);
	assert_int_equal(named(&e, "page-faults", NULL), MH_OK);
	assert_int_equal(e.period, 1);
	assert_int_equal(named(&e, "ibs_op/l3missonly,cnt_ctl=1/", NULL), MH_OK);
	assert_int_equal(e.kind, MEM_IBS);
	assert_int_equal(e.enc.config, 1 << 16 | 1 << 19);
	assert_true(e.no_scale);

	assert_int_equal(named(&e, "cpu/nonsense=1/", &err), MH_EINPUT);
	assert_non_null(strstr(err.msg, "no term 'nonsense'"));
	assert_int_equal(named(&e, "cpu/umask=0x100/", &err), MH_EINPUT);
	assert_non_null(strstr(err.msg, "too large"));
	assert_int_equal(named(&e, "nopmu/x/", &err), MH_ENOSUP);
	assert_int_equal(named(&e, "page-faults:z", &err), MH_EINPUT);
	assert_int_equal(named(&e, "no-such-event", &err), MH_EINPUT);
	assert_non_null(strstr(err.msg, "no-such-event"));
}

/* ---- libpfm4, in a process of its own: it looks for its CPU once ---- */

#ifdef HAVE_PFM

struct expected {
	const char *cpu, *name;
	uint64_t config, config1;
	int precise;
};

/* Exit status for the child: 0 as expected. */
static int encode_as(const struct expected *x)
{
	struct mem_event e;
	struct mh_err err = { 0 };

	setenv("LIBPFM_FORCE_PMU", x->cpu, 1);
	if (named(&e, x->name, &err)) {
		fprintf(stderr, "%s %s: %s\n", x->cpu, x->name, err.msg);
		return 1;
	}
	if (e.enc.config == x->config && e.enc.config1 == x->config1 &&
	    e.enc.precise == x->precise)
		return 0;
	fprintf(stderr, "%s %s: config 0x%llx config1 0x%llx precise %d\n", x->cpu,
		x->name, (unsigned long long)e.enc.config,
		(unsigned long long)e.enc.config1, e.enc.precise);
	return 1;
}

static int choose_as(const struct expected *x)
{
	const struct mh_source_opts opts = { .sysroot = root };
	struct mem_events events;

	setenv("LIBPFM_FORCE_PMU", x->cpu, 1);
	if (mh_mem_choose(&events, &opts, NULL))
		return 1;
	return events.v[0].enc.config != x->config ||
	       events.v[0].enc.config1 != x->config1 || events.v[0].enc.precise != 2;
}

static void in_a_child(int (*fn)(const struct expected *x), const struct expected *x)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn(x));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("%s: %s", x->cpu, x->name);
}

static void test_pfm_names(void **state)
{
	static const struct expected rows[] = {
		{ "skx", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=64:precise=2", 0x1cd, 0x40,
		  2 },
		{ "skl", "MEM_INST_RETIRED:ALL_STORES", 0x82d0, 0, 3 },
		{ "hsw", "MEM_UOPS_RETIRED:ALL_STORES", 0x82d0, 0, 3 },
		{ "ivb", "MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=30", 0x1cd, 30,
		  3 },
		{ "snb", "MEM_TRANS_RETIRED:PRECISE_STORE", 0x2cd, 0, 3 },
		{ "nhm", "MEM_INST_RETIRED:LATENCY_ABOVE_THRESHOLD", 0x100b, 3, 3 },
		{ "icl", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=30", 0x1cd, 30, 3 },
		/* The library says 0x3cd. */
		{ "spr", "MEM_TRANS_RETIRED:STORE_SAMPLE", 0x2cd, 0, 3 },
		{ "skx", "MEM_LOAD_L3_MISS_RETIRED:LOCAL_DRAM", 0x1d3, 0, 3 },
		{ "amd64_fam17h_zen2", "RETIRED_INSTRUCTIONS", 0xc0, 0, -1 },
		{ "amd64_fam19h_zen4", "RETIRED_INSTRUCTIONS", 0xc0, 0, -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		in_a_child(encode_as, &rows[i]);
}

/* A kernel that names no memory events, but has PEBS. */
static void test_pfm_choice(void **state)
{
	static const struct expected rows[] = {
		{ "skx", "loads", 0x1cd, 30, 2 },
		{ "ivb", "loads", 0x1cd, 30, 2 },
		{ "nhm", "loads", 0x100b, 30, 2 },
	};
	size_t i;

	(void)state;
	intel("cpu", "4", "2");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		in_a_child(choose_as, &rows[i]);
}

/* Debian's x86 build has no tables of Arm; elsewhere they are asked. */
static int encode_arm(const struct expected *x)
{
	struct mem_event e;

	setenv("LIBPFM_FORCE_PMU", x->cpu, 1);
	if (named(&e, x->name, NULL))
		return 77;
	return e.enc.config != x->config;
}

static void test_pfm_arm(void **state)
{
	static const struct expected arm = { "arm_n1", "MEM_ACCESS", 0x13, 0, -1 };
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		_exit(encode_arm(&arm));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		skip_because("this libpfm4 has no tables of Arm's events");
	}
	assert_int_equal(status, 0);
}

#endif

/* ---- clock and budget ---- */

static void test_clock(void **state)
{
	struct mem_clock c = { 0 };

	(void)state;
	mh_mem_clock_take(&c, 1000000000, 5000000000);
	assert_int_equal(mh_mem_clock_monotonic(&c, 1000000500), 5000000500);
	assert_int_equal(mh_mem_clock_monotonic(&c, 999999500), 4999999500);
	/* 100 ppm faster: the second pair is off by 100 us, the third is foreseen. */
	mh_mem_clock_take(&c, 2000000000, 6000100000);
	mh_mem_clock_take(&c, 3000000000, 7000200000);
	assert_true(c.residual_max_ns <= 1);
	assert_in_range(mh_mem_clock_monotonic(&c, 3500000000), 7500249999, 7500250001);
	mh_mem_clock_take(&c, 4000000000, 8000310000);
	assert_true(c.residual_max_ns >= 9999 && c.residual_max_ns <= 10001);
}

static void test_clock_for_real(void **state)
{
	struct mh_err err = { 0 };
	struct mem_clock c;
	int ret = mh_mem_clock_open(&c, &err);

	(void)state;
	if (ret == MH_EPERM || ret == MH_ENOSUP)
		skip_because("%s", err.msg);
	assert_int_equal(ret, MH_OK);
	assert_int_equal(c.nr_pairs, 1);
	mh_mem_clock_pair(&c);
	assert_int_equal(c.nr_pairs, 2);
	mh_mem_clock_close(&c);
}

static void test_budget(void **state)
{
	struct mem_budget b = { .share = 0.02, .sample_cost_ns = 1000 };
	double used = mh_mem_budget_used(&b, 1000000000, 20000000, 80000);

	(void)state;
	/* 20 ms of ours and 80 ms of the target's in a second: five times too much. */
	assert_true(used > 0.0999 && used < 0.1001);
	assert_int_equal(mh_mem_budget_period(&b, 10007, used, 1), 50035);
	assert_int_equal(mh_mem_budget_period(&b, 16000, used, 16) % 16, 0);
	assert_int_equal(mh_mem_budget_period(&b, 10007, 0.02, 1), 10007);
	assert_int_equal(mh_mem_budget_period(&b, 10007, 0, 1), 10007);
	assert_true(mh_mem_budget_period(&b, 80056, 0.001, 1) < 10100);
	assert_true(mh_mem_budget_period(&b, 10007, 100, 1) <= 8 * 10007 + 1);
	used = mh_mem_budget_used(&b, 2000000000, 20000000, 80000);
	assert_true(used == 0); /* nothing since the last look */
}

#define ON_FILES(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_PFM
		/* First: the library looks for its CPU once, and children inherit that.
		 */
		ON_FILES(test_pfm_names),
		ON_FILES(test_pfm_choice),
		ON_FILES(test_pfm_arm),
#endif
		ON_FILES(test_sapphire_rapids),
		ON_FILES(test_options),
		ON_FILES(test_loads_or_stores),
		ON_FILES(test_alder_lake),
		ON_FILES(test_zen3),
		ON_FILES(test_zen5),
		ON_FILES(test_neoverse),
		ON_FILES(test_probe),
		ON_FILES(test_probe_ibs),
		ON_FILES(test_breakpoint_names),
		ON_FILES(test_sysfs_names),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_clock_for_real),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
