/* SPDX-License-Identifier: MIT */
/*
 * PMUs as sysfs describes them (Documentation/ABI/testing/sysfs-bus-event_source-devices-
 * {format,events} of the kernel). An event's file may have terms with a '?', which a
 * person has to fill in; those are asked for by name.
 */
#include "source/mem/pmu.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES   "/sys/bus/event_source/devices"
#define TERMS_MAX 1024
#define NEST_MAX  4 /* an event's file may name events; not itself */

/* First line of a file of the PMU, without its end; false: not there. */
static bool read_line(const struct mem_pmu *pmu, const char *file, char *out, size_t size)
{
	char path[PATH_MAX];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", pmu->dir, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fgets(out, (int)size, f) != NULL;
	fclose(f);
	if (!ok)
		*out = '\0';
	out[strcspn(out, "\n")] = '\0';
	return true;
}

int mh_mem_pmu_read(struct mem_pmu *out, const char *sysroot, const char *name)
{
	char line[64];

	*out = (struct mem_pmu){ .max_precise = -1 };
	if (!*name || strchr(name, '/') || strlen(name) >= sizeof(out->name))
		return MH_END;
	strcpy(out->name, name);
	snprintf(out->dir, sizeof(out->dir), "%s" DEVICES "/%s", sysroot, name);
	if (!read_line(out, "type", line, sizeof(line)))
		return MH_END;
	out->type = (uint32_t)strtoul(line, NULL, 10);
	if (!read_line(out, "cpus", out->cpus, sizeof(out->cpus)))
		read_line(out, "cpumask", out->cpus, sizeof(out->cpus));
	if (read_line(out, "caps/max_precise", line, sizeof(line)))
		out->max_precise = (int)strtol(line, NULL, 10);
	return MH_OK;
}

bool mh_mem_pmu_has(const struct mem_pmu *pmu, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", pmu->dir, file);
	return access(path, R_OK) == 0;
}

/* ---- terms ---- */

static uint64_t *word_of(struct mem_encoding *e, const char *name, size_t len)
{
	if (len == 6 && !strncmp(name, "config", len))
		return &e->config;
	if (len == 7 && !strncmp(name, "config1", len))
		return &e->config1;
	if (len == 7 && !strncmp(name, "config2", len))
		return &e->config2;
	return NULL;
}

/* Spread @value over the bits that @format ("config:0-7,32") names, lowest first. */
static int spread(struct mem_encoding *e, const char *format, uint64_t value,
		  const char *term, struct mh_err *err)
{
	size_t len = strcspn(format, ":");
	uint64_t *word = word_of(e, format, len);
	const char *p = format + len;

	if (!word || *p != ':')
		return mh_fail(err, MH_ENOSUP, "term '%s' is in a word not known: %s",
			       term, format);
	while (*p == ':' || *p == ',') {
		char *end;
		unsigned long low = strtoul(p + 1, &end, 10), high = low, bit;

		if (*end == '-')
			high = strtoul(end + 1, &end, 10);
		p = end;
		for (bit = low; bit <= high && bit < 64; bit++, value >>= 1)
			*word = (*word & ~(UINT64_C(1) << bit)) | (value & 1) << bit;
	}
	return value ? mh_fail(err, MH_EINPUT, "the value of '%s' is too large", term)
		     : MH_OK;
}

static int encode(struct mem_encoding *out, const struct mem_pmu *pmu, const char *terms,
		  unsigned depth, struct mh_err *err);

static int encode_value(struct mem_encoding *out, const struct mem_pmu *pmu,
			const char *term, const char *value, struct mh_err *err)
{
	char file[300], format[128], *end;
	uint64_t *word = word_of(out, term, strlen(term));
	uint64_t v;

	errno = 0;
	v = strtoull(value, &end, 0);
	if (*value == '?')
		return MH_OK; /* the event leaves it to the user */
	if (end == value || *end || errno)
		return mh_fail(err, MH_EINPUT, "'%s=%s': that is no number", term, value);
	if (word) {
		*word = v;
		return MH_OK;
	}
	snprintf(file, sizeof(file), "format/%.255s", term);
	if (strchr(term, '/') || !read_line(pmu, file, format, sizeof(format)))
		return mh_fail(err, MH_EINPUT, "PMU %s has no term '%s'", pmu->name,
			       term);
	return spread(out, format, v, term, err);
}

static int encode_term(struct mem_encoding *out, const struct mem_pmu *pmu, char *term,
		       unsigned depth, struct mh_err *err)
{
	char *value = strchr(term, '=');
	char file[300], line[TERMS_MAX];

	if (!*term)
		return MH_OK;
	if (value) {
		*value++ = '\0';
		return encode_value(out, pmu, term, value, err);
	}
	snprintf(file, sizeof(file), "events/%.255s", term);
	if (!strchr(term, '/') && depth < NEST_MAX &&
	    read_line(pmu, file, line, sizeof(line)))
		return encode(out, pmu, line, depth + 1, err);
	return encode_value(out, pmu, term, "1", err);
}

static int encode(struct mem_encoding *out, const struct mem_pmu *pmu, const char *terms,
		  unsigned depth, struct mh_err *err)
{
	char buf[TERMS_MAX], *rest = buf, *term;
	int ret = MH_OK;

	if (snprintf(buf, sizeof(buf), "%s", terms) >= (int)sizeof(buf))
		return mh_fail(err, MH_EINPUT, "'%.40s...' is too long", terms);
	while (!ret && (term = strsep(&rest, ",")))
		ret = encode_term(out, pmu, term, depth, err);
	return ret;
}

int mh_mem_pmu_encode(struct mem_encoding *out, const struct mem_pmu *pmu,
		      const char *terms, struct mh_err *err)
{
	*out = (struct mem_encoding){ .type = pmu->type, .precise = -1 };
	return encode(out, pmu, terms, 0, err);
}
