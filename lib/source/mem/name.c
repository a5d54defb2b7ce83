/* SPDX-License-Identifier: MIT */
/*
 * Events by name, in the words that perf's users type. What can be read without a library
 * is: breakpoints, PMUs with terms, raw codes, software events, names of sysfs. The rest
 * is asked of libpfm4.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/mem/event.h"

#define PERIOD_NAMED 10007u

static struct mem_event *begin(struct mem_events *out, const char *name,
			       struct mh_err *err)
{
	struct mem_event *e;

	if (out->nr == MH_SAMPLER_EVENTS_MAX) {
		mh_fail(err, MH_EINPUT, "at most %d events in one recording",
			MH_SAMPLER_EVENTS_MAX);
		return NULL;
	}
	e = &out->v[out->nr];
	*e = (struct mem_event){ .kind = MEM_OTHER,
				 .period = PERIOD_NAMED,
				 .enc.precise = -1 };
	snprintf(e->name, sizeof(e->name), "%s", name);
	return e;
}

static int unknown(const char *name, struct mh_err *err)
{
	return mh_fail(err, MH_EINPUT,
		       "no event is called '%s': neither sysfs nor libpfm4 knows it here",
		       name);
}

/* "u", "kp", ... behind a name. */
static int modify(struct mem_encoding *enc, const char *mods, const char *name,
		  struct mh_err *err)
{
	bool user = false, kernel = false;

	for (; *mods; mods++) {
		switch (*mods) {
		case 'u':
			user = true;
			break;
		case 'k':
			kernel = true;
			break;
		case 'p':
			enc->precise = enc->precise < 0 ? 1 : enc->precise + 1;
			break;
		case 'P':
			enc->precise = 3;
			break;
		default:
			return mh_fail(
				err, MH_EINPUT,
				"event '%s': '%c' is none of the modifiers u k p P", name,
				*mods);
		}
	}
	if (enc->precise > 3)
		return mh_fail(err, MH_EINPUT, "event '%s': at most three p", name);
	enc->exclude_kernel = user && !kernel;
	enc->exclude_user = kernel && !user;
	return MH_OK;
}

/* ---- mem:ADDR[/LEN][:ACCESS] ---- */

static int access_of(uint64_t *type, const char *text, const char *name,
		     struct mh_err *err)
{
	const char *c;

	*type = *text ? 0 : HW_BREAKPOINT_RW;
	for (c = text; *c; c++) {
		if (*c == 'r')
			*type |= HW_BREAKPOINT_R;
		else if (*c == 'w')
			*type |= HW_BREAKPOINT_W;
		else
			return mh_fail(err, MH_EINPUT,
				       "event '%s': accesses are r, w or rw", name);
	}
	/* No CPU stops at loads alone. */
	if (*type == HW_BREAKPOINT_R)
		*type = HW_BREAKPOINT_RW;
	return MH_OK;
}

static int parse_breakpoint(struct mem_event *e, const char *name, struct mh_err *err)
{
	const char *p = name + strlen("mem:");
	uint64_t len = 0;
	char *end;

	errno = 0;
	e->enc.config1 = strtoull(p, &end, 0);
	if (end == p || errno)
		return mh_fail(err, MH_EINPUT,
			       "event '%s': an address goes after mem:", name);
	if (*end == '/')
		len = strtoull(end + 1, &end, 10);
	if (*end && *end != ':')
		return mh_fail(err, MH_EINPUT, "event '%s': mem:ADDRESS[/BYTES][:rw]",
			       name);
	if (!len) /* as much as is aligned there */
		for (len = sizeof(uint64_t); e->enc.config1 % len;)
			len /= 2;
	if (len > 8 || (len & (len - 1)) || e->enc.config1 % len)
		return mh_fail(err, MH_EINPUT,
			       "event '%s': 1, 2, 4 or 8 bytes, aligned to as many",
			       name);
	e->kind = MEM_BREAKPOINT;
	e->enc.type = PERF_TYPE_BREAKPOINT;
	e->enc.config2 = len;
	e->period = 1;
	return access_of(&e->bp_type, *end ? end + 1 : "", name, err);
}

/* ---- PMU/TERMS/MODS ---- */

/* What a PMU's own name tells of its samples. */
static void judge(struct mem_event *e, const struct mem_pmu *pmu, const char *terms)
{
	snprintf(e->pmu, sizeof(e->pmu), "%s", pmu->name);
	if (!strcmp(pmu->name, "ibs_op")) {
		e->kind = MEM_IBS;
		e->period = 262144;
		e->swfilt = mh_mem_pmu_has(pmu, "format/swfilt");
		e->no_scale = strstr(terms, "l3missonly") != NULL;
		return;
	}
	if (!strncmp(pmu->name, "arm_spe", 7))
		e->kind = MEM_SPE;
	else if (strstr(terms, "mem-") || e->enc.precise > 0)
		e->kind = MEM_PRECISE;
	snprintf(e->cpus, sizeof(e->cpus), "%s", pmu->cpus);
}

/* mem-loads of newer CPUs only count behind mem-loads-aux. */
static int lead(struct mem_event *e, const struct mem_pmu *pmu, struct mh_err *err)
{
	struct mem_encoding loads;

	if (!mh_mem_pmu_has(pmu, "events/mem-loads-aux") ||
	    !mh_mem_pmu_has(pmu, "events/mem-loads") ||
	    mh_mem_pmu_encode(&loads, pmu, "mem-loads", NULL) ||
	    loads.config != e->enc.config)
		return MH_OK;
	e->has_lead = true;
	return mh_mem_pmu_encode(&e->lead, pmu, "mem-loads-aux", err);
}

static int encode_pmu(struct mem_event *e, const struct mem_pmu *pmu, const char *terms,
		      const char *mods, struct mh_err *err)
{
	int ret = mh_mem_pmu_encode(&e->enc, pmu, terms, err);

	if (!ret)
		ret = modify(&e->enc, mods, e->name, err);
	if (ret)
		return ret;
	judge(e, pmu, terms);
	if (e->kind == MEM_PRECISE && e->enc.precise < 0)
		e->enc.precise = pmu->max_precise < 0 ? 3 : pmu->max_precise;
	ret = lead(e, pmu, err);
	e->lead.precise = e->enc.precise;
	return ret;
}

static int parse_pmu(struct mem_event *e, const char *name, const char *sysroot,
		     struct mh_err *err)
{
	const char *slash = strchr(name, '/'), *last = strrchr(name, '/');
	char pmu_name[64], terms[512];
	struct mem_pmu pmu;

	if (last == slash)
		return mh_fail(err, MH_EINPUT, "event '%s': PMU/TERM,.../", name);
	snprintf(pmu_name, sizeof(pmu_name), "%.*s", (int)(slash - name), name);
	snprintf(terms, sizeof(terms), "%.*s", (int)(last - slash - 1), slash + 1);
	if (mh_mem_pmu_read(&pmu, sysroot, pmu_name))
		return mh_fail(err, MH_ENOSUP, "event '%s': there is no PMU %s here",
			       name, pmu_name);
	return encode_pmu(e, &pmu, terms, last[1] == ':' ? last + 2 : last + 1, err);
}

/* ---- plain names ---- */

static bool parse_raw(struct mem_event *e, const char *word)
{
	char *end;

	if (*word != 'r' || !word[1])
		return false;
	e->enc.config = strtoull(word + 1, &end, 16);
	e->enc.type = PERF_TYPE_RAW;
	return !*end;
}

static bool parse_software(struct mem_event *e, const char *word)
{
	static const struct {
		const char *name;
		uint64_t config;
	} events[] = {
		{ "page-faults", PERF_COUNT_SW_PAGE_FAULTS },
		{ "faults", PERF_COUNT_SW_PAGE_FAULTS },
		{ "minor-faults", PERF_COUNT_SW_PAGE_FAULTS_MIN },
		{ "major-faults", PERF_COUNT_SW_PAGE_FAULTS_MAJ },
		{ "alignment-faults", PERF_COUNT_SW_ALIGNMENT_FAULTS },
	};
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(word, events[i].name))
			continue;
		e->enc.type = PERF_TYPE_SOFTWARE;
		e->enc.config = events[i].config;
		e->period = 1;
		return true;
	}
	return false;
}

/* An event that some PMU's folder in sysfs names. */
static int parse_sysfs(struct mem_event *e, const char *word, const char *mods,
		       const char *sysroot, struct mh_err *err)
{
	static const char *const pmus[] = { "cpu", "cpu_core", "cpu_atom" };
	struct mem_pmu pmu;
	char file[300];
	size_t i;

	snprintf(file, sizeof(file), "events/%.255s", word);
	for (i = 0; i < sizeof(pmus) / sizeof(pmus[0]); i++) {
		if (!mh_mem_pmu_read(&pmu, sysroot, pmus[i]) && !strchr(word, '/') &&
		    mh_mem_pmu_has(&pmu, file))
			return encode_pmu(e, &pmu, word, mods, err);
	}
	return MH_END;
}

static int parse_pfm(struct mem_event *e, const char *name, struct mh_err *err)
{
	char full[sizeof(e->name)];
	int ret = mh_mem_pfm_encode(&e->enc, name, full, sizeof(full), err);

	if (ret)
		return ret;
	snprintf(e->name, sizeof(e->name), "%s", full);
	/* Only a precise sample has an address. */
	if (strstr(full, "MEM_") && e->enc.type == PERF_TYPE_RAW) {
		e->kind = MEM_PRECISE;
		if (e->enc.precise < 0)
			e->enc.precise = 3;
	}
	return MH_OK;
}

static int parse_plain(struct mem_event *e, const char *name, const char *sysroot,
		       struct mh_err *err)
{
	char word[sizeof(e->name)];
	const char *mods;
	int ret;

	snprintf(word, sizeof(word), "%s", name);
	mods = name + strcspn(name, ":");
	word[mods - name] = '\0';
	mods += *mods == ':';
	if (parse_software(e, word) || parse_raw(e, word))
		return modify(&e->enc, mods, name, err);
	ret = parse_sysfs(e, word, mods, sysroot, err);
	if (ret == MH_END)
		ret = parse_pfm(e, name, err);
	return ret;
}

int mh_mem_add_named(struct mem_events *out, const char *name,
		     const struct mh_source_opts *opts, struct mh_err *err)
{
	const char *sysroot = opts->sysroot ? opts->sysroot : "";
	struct mem_event *e = begin(out, name, err);
	int ret;

	if (!e)
		return MH_EINPUT;
	if (strlen(name) >= sizeof(e->name))
		return mh_fail(err, MH_EINPUT, "the event's name is too long");
	if (!strncmp(name, "mem:", 4))
		ret = parse_breakpoint(e, name, err);
	else if (strchr(name, '/'))
		ret = parse_pmu(e, name, sysroot, err);
	else
		ret = parse_plain(e, name, sysroot, err);
	if (ret == MH_END)
		ret = unknown(name, err);
	out->nr += !ret;
	return ret;
}
