/* SPDX-License-Identifier: MIT */
/*
 * /proc/iomem has the ranges; /sys/devices/system/node/nodeN/memoryM says which blocks of
 * equal size are of which node. Kernels without memory hotplug have no blocks, and RAM
 * is then of no known node.
 */
#include "source/damon/ram.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"

int mh_damon_ram_line(struct mh_range *out, const char *line)
{
	char name[32] = "";

	/* Indented lines are parts of the one above. */
	if (line[0] == ' ' ||
	    sscanf(line, "%" SCNx64 "-%" SCNx64 " : %31[^\n]", &out->start, &out->end,
		   name) != 3 ||
	    strncmp(name, "System RAM", 10) != 0)
		return MH_END;
	out->end++;
	return MH_OK;
}

static int add(struct damon_rams *rams, struct mh_range range, int node,
	       struct mh_err *err)
{
	struct damon_ram *ram = rams->nr ? &rams->v[rams->nr - 1] : NULL;

	if (ram && ram->node == node && ram->range.end == range.start) {
		ram->range.end = range.end;
		return MH_OK;
	}
	ram = mh_vec_push(rams);
	if (!ram)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	*ram = (struct damon_ram){ .range = range, .node = node };
	return MH_OK;
}

static uint64_t block_size(const char *sysroot)
{
	char path[PATH_MAX];
	uint64_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/devices/system/memory/block_size_bytes",
		 sysroot);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNx64, &size) != 1)
		size = 0;
	fclose(f);
	return size;
}

/* The node of a block: each block has a link to it. */
static int node_of(const char *sysroot, uint64_t block)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int node = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/devices/system/memory/memory%" PRIu64,
		 sysroot, block);
	dir = opendir(path);
	while (dir && node < 0 && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "node%d", &node) != 1)
			node = -1;
	if (dir)
		closedir(dir);
	return node;
}

static int add_by_node(struct damon_rams *rams, const char *sysroot, struct mh_range ram,
		       uint64_t block, struct mh_err *err)
{
	int ret = MH_OK;

	if (!block)
		return add(rams, ram, -1, err);
	while (!ret && ram.start < ram.end) {
		uint64_t next = (ram.start / block + 1) * block;
		struct mh_range part = { ram.start, next < ram.end ? next : ram.end };

		ret = add(rams, part, node_of(sysroot, ram.start / block), err);
		ram.start = part.end;
	}
	return ret;
}

/* Every range of RAM, in whole pages. */
static int each_ram(const char *sysroot,
		    int (*fn)(void *arg, struct mh_range ram, struct mh_err *err),
		    void *arg, struct mh_err *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char path[PATH_MAX], line[256];
	bool any = false;
	struct mh_range ram;
	int ret = MH_OK;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/iomem", sysroot);
	f = fopen(path, "re");
	if (!f)
		return mh_fail_errno(err, "cannot read '%s'", path);
	while (!ret && fgets(line, sizeof(line), f)) {
		if (mh_damon_ram_line(&ram, line))
			continue;
		ram.start = (ram.start + page - 1) / page * page;
		ram.end = ram.end / page * page;
		if (ram.end <= ram.start)
			continue;
		any = true;
		ret = fn(arg, ram, err);
	}
	fclose(f);
	if (!ret && !any)
		ret = mh_fail(err, MH_EPERM,
			      "'%s' shows no System RAM; run as root outside a container",
			      path);
	return ret;
}

struct by_node {
	struct damon_rams *rams;
	const char *sysroot;
	uint64_t block;
};

static int split(void *arg, struct mh_range ram, struct mh_err *err)
{
	struct by_node *b = arg;

	return add_by_node(b->rams, b->sysroot, ram, b->block, err);
}

int mh_damon_ram_read(struct damon_rams *out, const char *sysroot, struct mh_err *err)
{
	struct by_node b = { .sysroot = sysroot, .block = block_size(sysroot) };

	*out = (struct damon_rams){ 0 };
	b.rams = out;
	return each_ram(sysroot, split, &b, err);
}

static int keep_larger(void *arg, struct mh_range ram, struct mh_err *err)
{
	struct mh_range *largest = arg;

	(void)err;
	if (mh_range_len(ram) > mh_range_len(*largest))
		*largest = ram;
	return MH_OK;
}

int mh_damon_ram_largest(struct mh_range *out, const char *sysroot, struct mh_err *err)
{
	*out = (struct mh_range){ 0 };
	return each_ram(sysroot, keep_larger, out, err);
}
