/* SPDX-License-Identifier: MIT */
/*
 * Lines like "field:unsigned long start;	offset:24;	size:8;	signed:0;" of the
 * events' `format` files. Distributions add and move fields, so nothing is assumed.
 */
#include "source/damon/format.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memheat/event.h>

/* ---- the text ---- */

static int is_name_at(const char *at, const char *name, size_t len)
{
	return at[-1] == ' ' && !strncmp(at, name, len) &&
	       (at[len] == ';' || at[len] == '[');
}

int mh_damon_format_field(struct damon_field *out, const char *text, const char *name)
{
	size_t len = strlen(name);
	unsigned offset, size;
	const char *line, *at;

	*out = (struct damon_field){ 0 };
	for (line = strstr(text, "field:"); line; line = strstr(line + 1, "field:")) {
		at = line + strcspn(line, ";");
		if ((size_t)(at - line) <= len || !is_name_at(at - len, name, len))
			continue;
		if (sscanf(at, "; offset:%u; size:%u;", &offset, &size) != 2 ||
		    offset > UINT16_MAX || !size || size > 8)
			return MH_EFORMAT;
		*out = (struct damon_field){ (uint16_t)offset, (uint16_t)size };
		return MH_OK;
	}
	return MH_ENOSUP;
}

/* ---- the files ---- */

static int read_at(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	return 0;
}

static int read_event(int dir, const char *event, uint64_t *id, char *text, size_t size)
{
	char name[128], number[32];

	snprintf(name, sizeof(name), "events/damon/%s/id", event);
	if (read_at(dir, name, number, sizeof(number)))
		return -1;
	snprintf(name, sizeof(name), "events/damon/%s/format", event);
	if (read_at(dir, name, text, size))
		return -1;
	*id = strtoull(number, NULL, 10);
	return *id ? 0 : -1;
}

static int open_mounted(const char *sysroot)
{
	static const char *const places[] = { "/sys/kernel/tracing",
					      "/sys/kernel/debug/tracing" };
	char path[PATH_MAX];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s/events/damon", sysroot, places[i]);
		if (access(path, F_OK))
			continue;
		snprintf(path, sizeof(path), "%s%s", sysroot, places[i]);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* A read-only mount that is in no mount table and goes with its descriptor. */
static int open_detached(void)
{
	int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return -1;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	close(fs);
	return fd;
}

static int parse_aggregated(struct damon_format *out, const char *text,
			    struct mh_err *err)
{
	if (mh_damon_format_field(&out->target, text, "target_id") ||
	    mh_damon_format_field(&out->nr_regions, text, "nr_regions") ||
	    mh_damon_format_field(&out->start, text, "start") ||
	    mh_damon_format_field(&out->end, text, "end") ||
	    mh_damon_format_field(&out->nr_accesses, text, "nr_accesses"))
		return mh_fail(err, MH_EFORMAT,
			       "the tracepoint damon:damon_aggregated of this kernel has "
			       "other fields than are known");
	if (mh_damon_format_field(&out->age, text, "age") == MH_EFORMAT)
		return mh_fail(err, MH_EFORMAT,
			       "the field age of damon:damon_aggregated cannot be read");
	return MH_OK;
}

int mh_damon_format_read(struct damon_format *out, const char *sysroot,
			 struct mh_err *err)
{
	char text[4096];
	int dir, ret;

	*out = (struct damon_format){ 0 };
	dir = open_mounted(sysroot);
	if (dir < 0 && !*sysroot)
		dir = open_detached();
	if (dir < 0)
		return mh_fail(
			err, geteuid() ? MH_EPERM : MH_ENOSUP, "tracefs cannot be read%s",
			geteuid()
				? "; run as root"
				: "; run: mount -t tracefs tracefs /sys/kernel/tracing");
	if (read_event(dir, "damon_aggregated", &out->aggregated_id, text, sizeof(text)))
		ret = mh_fail(err, MH_ENOSUP,
			      "this kernel has no tracepoint damon:damon_aggregated");
	else
		ret = parse_aggregated(out, text, err);
	if (!ret && (read_event(dir, "damon_monitor_intervals_tune", &out->tune_id, text,
				sizeof(text)) ||
		     mh_damon_format_field(&out->sample_us, text, "sample_us")))
		out->tune_id = 0;
	close(dir);
	return ret;
}

/* ---- the bytes ---- */

static uint64_t get(const struct damon_field *f, const uint8_t *raw, size_t len)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	if (!f->size || (size_t)f->offset + f->size > len)
		return 0;
	switch (f->size) {
	case 8:
		memcpy(&v64, raw + f->offset, 8);
		return v64;
	case 4:
		memcpy(&v32, raw + f->offset, 4);
		return v32;
	case 2:
		memcpy(&v16, raw + f->offset, 2);
		return v16;
	default:
		return raw[f->offset];
	}
}

enum damon_hit mh_damon_format_parse(const struct damon_format *f, const uint8_t *raw,
				     size_t len, struct mh_region_row *row,
				     uint64_t *sample_us)
{
	static const struct damon_field type = { 0,
						 2 }; /* common_type, in every kernel */
	uint64_t id = get(&type, raw, len);

	if (id && id == f->tune_id) {
		*sample_us = get(&f->sample_us, raw, len);
		return DAMON_HIT_TUNE;
	}
	if (!id || id != f->aggregated_id || (size_t)f->nr_accesses.offset + 4 > len)
		return DAMON_HIT_OTHER;
	row->target = get(&f->target, raw, len);
	row->nr_regions = (uint32_t)get(&f->nr_regions, raw, len);
	row->start = get(&f->start, raw, len);
	row->end = get(&f->end, raw, len);
	row->nr_accesses = (uint32_t)get(&f->nr_accesses, raw, len);
	row->age = f->age.size ? (uint32_t)get(&f->age, raw, len) : MH_NO_AGE;
	return row->end > row->start ? DAMON_HIT_REGION : DAMON_HIT_OTHER;
}
