/* SPDX-License-Identifier: MIT */
/*
 * Feature sections: what perf noted about the machine, its command line and its events.
 * They become META under the keys that a recording of our own has, so that reports need
 * not know where a trace came from. A damaged section costs what it says, no more.
 *
 * Not kept: topology of cores and caches, groups, BPF programs, PMU capabilities.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "source/import/perf_import.h"

enum {
	FEAT_TRACING_DATA = 1,
	FEAT_BUILD_ID = 2,
	FEAT_HOSTNAME = 3,
	FEAT_OSRELEASE = 4,
	FEAT_VERSION = 5,
	FEAT_ARCH = 6,
	FEAT_NRCPUS = 7,
	FEAT_CPUDESC = 8,
	FEAT_CPUID = 9,
	FEAT_TOTAL_MEM = 10,
	FEAT_CMDLINE = 11,
	FEAT_EVENT_DESC = 12,
	FEAT_NUMA_TOPOLOGY = 14,
	FEAT_PMU_MAPPINGS = 16,
	FEAT_DIR_FORMAT = 24,
	FEAT_CLOCK_DATA = 29
};

#define NAME_MAX_LEN  4096
#define BUILD_IDS_MAX 65536

/* A length and as many bytes, NUL-padded; the caller's. NULL and bad: there is none. */
static char *string(struct mh_rbuf *b)
{
	uint32_t len = mh_rbuf_host_u32(b);
	const uint8_t *p = mh_rbuf_bytes(b, len);

	return p ? strndup((const char *)p, len < NAME_MAX_LEN ? len : NAME_MAX_LEN)
		 : NULL;
}

static int tell_string(struct perf_import *p, struct mh_rbuf *b, const char *key,
		       struct mh_err *err)
{
	char *s = string(b);
	int ret = s ? mh_perf_meta(p, err, key, "%s", s) : MH_OK;

	free(s);
	return ret;
}

/* "GenuineIntel,6,85,4", "AuthenticAMD,25,17,1": family and model decide errata.
 * Arm's is the register MIDR_EL1, "0x00000000410fd0c0". */
static int read_cpuid(struct perf_import *p, struct mh_rbuf *b, struct mh_err *err)
{
	char *s = string(b);
	int ret = MH_OK;

	if (s && sscanf(s, "AuthenticAMD,%u,%u,", &p->cpu.family, &p->cpu.model) != 2)
		p->cpu = (struct mh_ibs_cpu){ 0 };
	if (s && !strncmp(s, "0x", 2))
		p->midr = strtoull(s, NULL, 16);
	if (s)
		ret = mh_perf_meta(p, err, "host.cpuid", "%s", s);
	free(s);
	return ret;
}

static void add_word(struct mh_wbuf *line, const char *word)
{
	if (line->len)
		mh_wbuf_u8(line, ' ');
	mh_wbuf_bytes(line, word, strlen(word));
}

static int read_cmdline(struct perf_import *p, struct mh_rbuf *b, struct mh_err *err)
{
	uint32_t nr = mh_rbuf_host_u32(b);
	struct mh_wbuf all = { 0 }, own = { 0 };
	bool behind = false, wide = false;
	int ret = MH_OK;

	while (nr-- && !b->bad) {
		char *word = string(b);

		if (!word)
			break;
		add_word(&all, word);
		if (behind)
			add_word(&own, word);
		else
			wide |= !strcmp(word, "-a") || !strcmp(word, "--all-cpus");
		behind |= !strcmp(word, "--");
		free(word);
	}
	mh_wbuf_u8(&all, 0);
	mh_wbuf_u8(&own, 0);
	if (!all.bad && !own.bad) {
		ret = mh_perf_meta(p, err, "perf.cmdline", "%s", (const char *)all.p);
		if (!ret && wide)
			ret = mh_perf_meta(p, err, "target.title", "the whole machine");
		else if (!ret && own.len > 1)
			ret = mh_perf_meta(p, err, "target.command", "%s",
					   (const char *)own.p);
	}
	mh_wbuf_fini(&all);
	mh_wbuf_fini(&own);
	return ret;
}

/* Which event a description is of: by its first id, else by its place. */
static struct perf_attr *described(struct perf_import *p, struct mh_rbuf ids, uint32_t nr,
				   uint32_t index)
{
	struct perf_attr *a =
		nr ? mh_perf_attrs_by_id(&p->attrs, mh_rbuf_host_u64(&ids)) : NULL;

	if (a)
		return a;
	return index < p->attrs.nr && !p->attrs.v[index].name ? &p->attrs.v[index] : NULL;
}

static void read_event_desc(struct perf_import *p, struct mh_rbuf *b)
{
	uint32_t nr = mh_rbuf_host_u32(b), size = mh_rbuf_host_u32(b), i;

	for (i = 0; i < nr && !b->bad; i++) {
		struct perf_attr *a;
		uint32_t nr_ids;
		char *name;

		mh_rbuf_bytes(b, size);
		nr_ids = mh_rbuf_host_u32(b);
		name = string(b);
		a = described(p, *b, nr_ids, i);
		if (nr_ids > mh_rbuf_left(b) / 8)
			b->bad = true;
		else
			mh_rbuf_bytes(b, (size_t)nr_ids * 8);
		if (a && name && *name && !b->bad) {
			free(a->name);
			a->name = name;
		} else {
			free(name);
		}
	}
}

static void read_pmus(struct perf_import *p, struct mh_rbuf *b)
{
	uint32_t nr = mh_rbuf_host_u32(b);

	while (nr-- && !b->bad && p->pmus.nr < 4096) {
		uint32_t type = mh_rbuf_host_u32(b);
		char *name = string(b);
		struct perf_pmu *pmu = name ? mh_vec_push(&p->pmus) : NULL;

		if (!pmu) {
			free(name);
			return;
		}
		*pmu = (struct perf_pmu){ type, name };
	}
}

static int read_numa(struct perf_import *p, struct mh_rbuf *b, struct mh_err *err)
{
	uint32_t nr = mh_rbuf_host_u32(b);
	int ret = MH_OK;

	while (nr-- && !b->bad && !ret) {
		uint32_t node = mh_rbuf_host_u32(b);
		char key[48], *cpus;

		mh_rbuf_host_u64(b); /* memory, total */
		mh_rbuf_host_u64(b); /* free */
		cpus = string(b);
		snprintf(key, sizeof(key), "host.node.%" PRIu32 ".cpus", node);
		if (cpus)
			ret = mh_perf_meta(p, err, key, "%s", cpus);
		free(cpus);
	}
	return ret;
}

/* A moment on the recording's clock and on the wall's. */
static int read_clocks(struct perf_import *p, struct mh_rbuf *b, struct mh_err *err)
{
	uint64_t wall, clock;
	uint32_t id;
	int ret;

	mh_rbuf_host_u32(b); /* version */
	id = mh_rbuf_host_u32(b);
	wall = mh_rbuf_host_u64(b);
	clock = mh_rbuf_host_u64(b);
	if (b->bad)
		return MH_OK;
	ret = mh_perf_meta(p, err, "clock.realtime_ns", "%" PRIu64, wall);
	if (!ret)
		ret = mh_perf_meta(p, err,
				   id == CLOCK_MONOTONIC ? "clock.monotonic_ns"
							 : "clock.recording_ns",
				   "%" PRIu64, clock);
	return ret;
}

static int read_numbers(struct perf_import *p, unsigned bit, struct mh_rbuf *b,
			struct mh_err *err)
{
	if (bit == FEAT_NRCPUS) {
		mh_rbuf_host_u32(b); /* available */
		return mh_perf_meta(p, err, "host.nr_cpus", "%" PRIu32,
				    mh_rbuf_host_u32(b));
	}
	return mh_perf_meta(p, err, "host.memory_kib", "%" PRIu64, mh_rbuf_host_u64(b));
}

static int read_build_ids(struct perf_import *p, struct mh_rbuf *b, struct mh_err *err)
{
	int ret = MH_OK;

	while (mh_rbuf_left(b) >= 8 && !ret) {
		const uint8_t *record = b->p;
		struct mh_rbuf head = *b;
		size_t size;

		mh_rbuf_host_u32(&head);
		mh_rbuf_host_u16(&head);
		size = mh_rbuf_host_u16(&head);
		if (size < 8 || !mh_rbuf_bytes(b, size))
			break;
		ret = mh_perf_build_id(p, record, size, err);
	}
	return ret;
}

/* @b: a copy of where the string is read from */
static void read_machine(struct perf_import *p, struct mh_rbuf b)
{
	char *s = string(&b);

	p->machine = UINT16_MAX;
	if (s && !strcmp(s, "x86_64"))
		p->machine = MH_MACHINE_X86_64;
	else if (s && (!strcmp(s, "aarch64") || !strcmp(s, "arm64")))
		p->machine = MH_MACHINE_AARCH64;
	free(s);
}

int mh_perf_feature(struct perf_import *p, unsigned bit, const uint8_t *bytes, size_t len,
		    struct mh_err *err)
{
	struct mh_rbuf b = mh_rbuf(bytes, len);
	int ret;

	b.swap = p->swap;
	switch (bit) {
	case FEAT_TRACING_DATA:
		ret = mh_perf_formats_read(&p->formats, bytes, len);
		return ret == MH_ENOMEM ? mh_fail(err, ret, "out of memory") : MH_OK;
	case FEAT_BUILD_ID:
		return read_build_ids(p, &b, err);
	case FEAT_HOSTNAME:
		return tell_string(p, &b, "host.name", err);
	case FEAT_OSRELEASE:
		return tell_string(p, &b, "host.kernel", err);
	case FEAT_VERSION:
		return tell_string(p, &b, "perf.version", err);
	case FEAT_ARCH:
		read_machine(p, b);
		return tell_string(p, &b, "host.arch", err);
	case FEAT_CPUDESC:
		return tell_string(p, &b, "host.cpu", err);
	case FEAT_CPUID:
		return read_cpuid(p, &b, err);
	case FEAT_NRCPUS:
	case FEAT_TOTAL_MEM:
		return read_numbers(p, bit, &b, err);
	case FEAT_CMDLINE:
		return read_cmdline(p, &b, err);
	case FEAT_EVENT_DESC:
		read_event_desc(p, &b);
		return MH_OK;
	case FEAT_NUMA_TOPOLOGY:
		return read_numa(p, &b, err);
	case FEAT_PMU_MAPPINGS:
		read_pmus(p, &b);
		return MH_OK;
	case FEAT_CLOCK_DATA:
		return read_clocks(p, &b, err);
	case FEAT_DIR_FORMAT:
		mh_log_say(p->log, MH_WARNING,
			   "%s: it is one file of a directory that 'perf record "
			   "--threads' made; the samples in the others are not read",
			   p->in->name);
		return MH_OK;
	default:
		return MH_OK;
	}
}

/* Header, pid, 20 bytes of id, one of them its length in newer ones, 3 of padding, name.
 */
int mh_perf_build_id(struct perf_import *p, const uint8_t *record, size_t len,
		     struct mh_err *err)
{
	struct mh_rbuf b = mh_rbuf(record, len);
	struct perf_build_id *one;
	const uint8_t *id;
	uint16_t misc;
	unsigned size;

	b.swap = p->swap;
	mh_rbuf_host_u32(&b);
	misc = mh_rbuf_host_u16(&b);
	mh_rbuf_host_u16(&b);
	mh_rbuf_host_u32(&b); /* pid */
	id = mh_rbuf_bytes(&b, 20);
	size = mh_rbuf_u8(&b);
	mh_rbuf_bytes(&b, 3);
	if (b.bad || !mh_rbuf_left(&b) || p->build_ids.nr >= BUILD_IDS_MAX)
		return MH_OK;
	if (!(misc & 1u << 15) || !size || size > MH_BUILD_ID_MAX)
		size = MH_BUILD_ID_MAX;
	one = mh_vec_push(&p->build_ids);
	if (!one)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	memcpy(one->id, id, size);
	one->len = (uint8_t)size;
	one->path = strndup((const char *)b.p, mh_rbuf_left(&b));
	if (one->path)
		return MH_OK;
	p->build_ids.nr--;
	return mh_fail(err, MH_ENOMEM, "out of memory");
}

void mh_perf_features_fini(struct perf_import *p)
{
	size_t i;

	for (i = 0; i < p->build_ids.nr; i++)
		free(p->build_ids.v[i].path);
	free(p->build_ids.v);
	for (i = 0; i < p->pmus.nr; i++)
		free(p->pmus.v[i].name);
	free(p->pmus.v);
	mh_perf_formats_fini(&p->formats);
}
