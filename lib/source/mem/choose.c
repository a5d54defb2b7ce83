/* SPDX-License-Identifier: MIT */
/*
 * The best memory-sampling event of this CPU. sysfs is asked first: where the kernel
 * names mem-loads, its encoding is right for this very machine, hybrid or not. Where it
 * does not, libpfm4's names are tried, from newer CPUs to older.
 */
#include <stdio.h>
#include <string.h>

#include "source/mem/event.h"

/*
 * Fixed periods, so that PEBS may write many records per interrupt; primes, so that no
 * loop keeps step with them. IBS takes multiples of 16 only.
 */
#define PERIOD_LOADS  4001u /* of loads that take as long as --ldlat */
#define PERIOD_STORES 10007u
#define PERIOD_IBS    524288u
#define PERIOD_SPE    65536u
#define LDLAT         30u

struct wish {
	const char *sysroot;
	bool loads, stores;
	uint32_t ldlat;
	const struct mh_source_opts *opts;
};

static struct wish wish_of(const struct mh_source_opts *opts)
{
	bool both = !opts->mem.loads && !opts->mem.stores;

	return (struct wish){ .sysroot = opts->sysroot ? opts->sysroot : "",
			      .loads = both || opts->mem.loads,
			      .stores = both || opts->mem.stores,
			      .ldlat = opts->mem.ldlat ? opts->mem.ldlat : LDLAT,
			      .opts = opts };
}

static struct mem_event *add(struct mem_events *out, const struct mem_pmu *pmu,
			     const char *name)
{
	struct mem_event *e = &out->v[out->nr++];

	mh_assert(out->nr <= MH_SAMPLER_EVENTS_MAX);
	*e = (struct mem_event){ .kind = MEM_PRECISE };
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(e->pmu, sizeof(e->pmu), "%s", pmu->name);
	snprintf(e->cpus, sizeof(e->cpus), "%s", pmu->cpus);
	return e;
}

/* As precise as the PMU can; the kernel steps it down where it must. */
static int precision(const struct mem_pmu *pmu)
{
	return pmu->max_precise < 0 ? 3 : pmu->max_precise;
}

/* ---- Intel ---- */

static int add_loads(struct mem_events *out, const struct mem_pmu *pmu,
		     const struct wish *w, struct mh_err *err)
{
	bool ldlat = mh_mem_pmu_has(pmu, "format/ldlat");
	char name[160], terms[64] = "mem-loads";
	struct mem_event *e;
	int ret;

	if (ldlat)
		snprintf(terms, sizeof(terms), "mem-loads,ldlat=%u", w->ldlat);
	snprintf(name, sizeof(name), "%s/%s/", pmu->name, terms);
	e = add(out, pmu, name);
	e->period = PERIOD_LOADS;
	ret = mh_mem_pmu_encode(&e->enc, pmu, terms, err);
	if (!ret && mh_mem_pmu_has(pmu, "events/mem-loads-aux")) {
		e->has_lead = true;
		ret = mh_mem_pmu_encode(&e->lead, pmu, "mem-loads-aux", err);
		e->lead.precise = precision(pmu);
	}
	e->enc.precise = precision(pmu);
	return ret;
}

static int add_stores(struct mem_events *out, const struct mem_pmu *pmu,
		      struct mh_err *err)
{
	char name[160];
	struct mem_event *e;
	int ret;

	snprintf(name, sizeof(name), "%s/mem-stores/", pmu->name);
	e = add(out, pmu, name);
	e->period = PERIOD_STORES;
	ret = mh_mem_pmu_encode(&e->enc, pmu, "mem-stores", err);
	e->enc.precise = precision(pmu);
	return ret;
}

/* The first of these names that libpfm4 knows for this CPU. */
static int add_pfm(struct mem_events *out, const struct mem_pmu *pmu,
		   const char *const *names, uint32_t ldlat, uint64_t period)
{
	struct mem_encoding enc;
	char name[128], full[160];
	struct mem_event *e;

	for (; *names; names++) {
		snprintf(name, sizeof(name), "%s", *names);
		if (name[strlen(name) - 1] == '=')
			snprintf(name + strlen(name), 16, "%u", ldlat);
		if (mh_mem_pfm_encode(&enc, name, full, sizeof(full), NULL))
			continue;
		e = add(out, pmu, full);
		e->enc = enc;
		e->enc.precise = precision(pmu);
		e->period = period;
		return MH_OK;
	}
	return MH_END;
}

static int add_by_pfm(struct mem_events *out, const struct mem_pmu *pmu,
		      const struct wish *w)
{
	static const char *const loads[] = {
		"MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=",
		"MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=",
		"MEM_INST_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=",
		NULL,
	};
	static const char *const stores[] = {
		"MEM_TRANS_RETIRED:STORE_SAMPLE",
		"MEM_INST_RETIRED:ALL_STORES",
		"MEM_UOPS_RETIRED:ALL_STORES",
		"MEM_TRANS_RETIRED:PRECISE_STORE",
		NULL,
	};
	int ret = MH_END;

	if (w->loads)
		ret = add_pfm(out, pmu, loads, w->ldlat, PERIOD_LOADS);
	if (w->stores && !add_pfm(out, pmu, stores, 0, PERIOD_STORES))
		ret = MH_OK;
	return ret;
}

static bool is_virtual(const char *sysroot)
{
	char path[512], line[4096];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", sysroot);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "flags", 5) && strstr(line, " hypervisor");
	if (f)
		fclose(f);
	return found;
}

static int not_precise(struct mem_events *out, const struct mem_pmu *pmu,
		       struct mh_err *err)
{
	snprintf(out->fix, sizeof(out->fix), "memheat record -s faults ...");
	return mh_fail(err, MH_ENOSUP,
		       "PMU %s does not sample precisely (max_precise is 0), so samples "
		       "have no data addresses: a hypervisor must pass PEBS through",
		       pmu->name);
}

static int add_intel(struct mem_events *out, const struct mem_pmu *pmu,
		     const struct wish *w, struct mh_err *err)
{
	bool loads = mh_mem_pmu_has(pmu, "events/mem-loads");
	bool stores = mh_mem_pmu_has(pmu, "events/mem-stores");
	int ret = MH_OK;

	if (!pmu->max_precise)
		return not_precise(out, pmu, err);
	if (!loads && !stores)
		return add_by_pfm(out, pmu, w);
	if (loads && w->loads)
		ret = add_loads(out, pmu, w, err);
	if (!ret && stores && w->stores)
		ret = add_stores(out, pmu, err);
	return ret;
}

/* ---- AMD ---- */

static int add_ibs(struct mem_events *out, const struct mem_pmu *pmu,
		   const struct wish *w, struct mh_err *err)
{
	bool ops = mh_mem_pmu_has(pmu, "format/cnt_ctl");
	struct mem_event *e;
	char terms[96];
	int ret;

	/* Micro-ops, not cycles: every access has the same chance then. */
	snprintf(terms, sizeof(terms), "%s", ops ? "cnt_ctl=1" : "");
	if (w->opts->mem.ldlat && mh_mem_pmu_has(pmu, "format/ldlat"))
		snprintf(terms + strlen(terms), sizeof(terms) - strlen(terms),
			 "%sldlat=%u", *terms ? "," : "", w->ldlat);
	e = add(out, pmu, "");
	snprintf(e->name, sizeof(e->name), "%s/%s/", pmu->name, terms);
	e->kind = MEM_IBS;
	e->period = PERIOD_IBS;
	e->cpus[0] = '\0';
	e->swfilt = mh_mem_pmu_has(pmu, "format/swfilt");
	ret = mh_mem_pmu_encode(&e->enc, pmu, terms, err);
	if (!ret && w->opts->mem.ldlat && !strstr(terms, "ldlat"))
		mh_log_say(w->opts->log, MH_NOTICE,
			   "mem: this CPU's IBS has no latency filter; --ldlat is left "
			   "out");
	return ret;
}

/* ---- Arm ---- */

static int add_spe(struct mem_events *out, const struct mem_pmu *pmu,
		   const struct wish *w, struct mh_err *err)
{
	struct mem_event *e;
	char terms[128];

	snprintf(terms, sizeof(terms),
		 "ts_enable=1,load_filter=%d,store_filter=%d,min_latency=%u%s", w->loads,
		 w->stores, w->opts->mem.ldlat, w->opts->mem.phys ? ",pa_enable=1" : "");
	e = add(out, pmu, "");
	snprintf(e->name, sizeof(e->name), "%s/%s/", pmu->name, terms);
	e->kind = MEM_SPE;
	e->period = PERIOD_SPE;
	return mh_mem_pmu_encode(&e->enc, pmu, terms, err);
}

/* ---- the machine ---- */

static int none(struct mem_events *out, const struct wish *w, bool cpu,
		struct mh_err *err)
{
	bool guest = is_virtual(w->sysroot);

	snprintf(out->fix, sizeof(out->fix), "memheat record -s faults ...");
	if (cpu)
		return mh_fail(
			err, MH_ENOSUP,
			"this CPU's PMU has no event that samples memory accesses");
	if (guest)
		return mh_fail(
			err, MH_ENOSUP,
			"this virtual machine was given no PMU; the host must pass "
			"it through");
	return mh_fail(err, MH_ENOSUP, "the kernel has no PMU of this CPU");
}

int mh_mem_choose(struct mem_events *out, const struct mh_source_opts *opts,
		  struct mh_err *err)
{
	static const struct {
		const char *name;
		int (*add)(struct mem_events *out, const struct mem_pmu *pmu,
			   const struct wish *w, struct mh_err *err);
	} pmus[] = {
		{ "ibs_op", add_ibs },     { "arm_spe_0", add_spe },
		{ "cpu_core", add_intel }, { "cpu_atom", add_intel },
		{ "cpu", add_intel },
	};
	struct wish w = wish_of(opts);
	struct mem_pmu pmu;
	bool cpu = false;
	size_t i;
	int ret;

	*out = (struct mem_events){ 0 };
	for (i = 0; i < sizeof(pmus) / sizeof(pmus[0]); i++) {
		if (mh_mem_pmu_read(&pmu, w.sysroot, pmus[i].name))
			continue;
		cpu |= pmus[i].add == add_intel;
		if (out->nr && out->v[0].kind != MEM_PRECISE)
			break; /* AMD and Arm have a `cpu` too, which gives no addresses
				*/
		ret = pmus[i].add(out, &pmu, &w, err);
		if (ret < 0)
			return ret;
	}
	return out->nr ? MH_OK : none(out, &w, cpu, err);
}

int mh_mem_events(struct mem_events *out, const struct mh_source_opts *opts,
		  struct mh_err *err)
{
	size_t i;
	int ret = MH_OK;

	if (!opts->mem.nr_events)
		return mh_mem_choose(out, opts, err);
	*out = (struct mem_events){ 0 };
	for (i = 0; !ret && i < opts->mem.nr_events; i++)
		ret = mh_mem_add_named(out, opts->mem.events[i], opts, err);
	return ret;
}
