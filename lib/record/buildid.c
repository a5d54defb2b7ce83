/* SPDX-License-Identifier: MIT */
/*
 * The kernel is asked first (PROCMAP_QUERY, Linux 6.11): it knows the very file that is
 * mapped, also one that was replaced, and needs no privilege. It looks at the file's
 * first page only in some versions, and older ones do not tell: then through
 * /proc/PID/map_files, which leads to the mapped file too even if it was deleted or lives
 * in a container; where that is not allowed, by path from the process's root. Files are
 * told apart by device and inode, so that a path that is another file in another
 * container is another file here.
 *
 * Sources that get the build-id from the kernel are left alone.
 */
#include "record/buildid.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <memheat/symbol.h>

#include "base/vec.h"

#define FILES_MAX 65536

/* Defined here, since the C library's headers may be older. */
struct procmap_query_abi {
	uint64_t size, query_flags, query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor;
	uint32_t vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};

#define PROCMAP_QUERY_ABI _IOWR('f', 17, struct procmap_query_abi)

/* False: it does not tell, or something else is mapped there by now. */
static bool ask_kernel(struct mh_build_ids_file *f, const struct mh_ev_map *map,
		       const char *sysroot)
{
	uint8_t id[MH_BUILD_ID_MAX] = { 0 };
	struct procmap_query_abi q = { .size = sizeof(q),
				       .query_addr = map->start,
				       .build_id_size = sizeof(id),
				       .build_id_addr = (uint64_t)(uintptr_t)id };
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/proc/%u/maps", sysroot, map->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret = ioctl(fd, PROCMAP_QUERY_ABI, &q);
	close(fd);
	if (ret || q.inode != map->ino || q.dev_major != map->maj ||
	    q.dev_minor != map->min || !q.build_id_size ||
	    q.build_id_size > sizeof(f->id))
		return false;
	f->len = (uint8_t)q.build_id_size;
	memcpy(f->id, id, sizeof(f->id));
	return true;
}

static void read_id(struct mh_build_ids_file *f, const struct mh_ev_map *map,
		    const char *sysroot)
{
	struct mh_elf_facts facts;
	char path[PATH_MAX];
	int ret;

	if (ask_kernel(f, map, sysroot))
		return;
	snprintf(path, sizeof(path), "%s/proc/%u/map_files/%" PRIx64 "-%" PRIx64, sysroot,
		 map->pid, map->start, map->end);
	ret = mh_elf_facts_of_file(&facts, path, NULL);
	if (ret == MH_ESYS || ret == MH_EPERM) {
		if (snprintf(path, sizeof(path), "%s/proc/%u/root%s", sysroot, map->pid,
			     map->path) >= (int)sizeof(path))
			return;
		ret = mh_elf_facts_of_file(&facts, path, NULL);
	}
	if (ret)
		return;
	f->len = facts.build_id_len;
	memcpy(f->id, facts.build_id, sizeof(f->id));
}

/* Neither anonymous nor a file that is memory, nor one that reading could disturb. */
static bool is_file(const struct mh_ev_map *map)
{
	return map->op == MH_MAP_ADD && map->path[0] == '/' && map->ino &&
	       strncmp(map->path, "/dev/", 5) != 0 &&
	       strncmp(map->path, "/memfd:", 7) != 0 &&
	       strncmp(map->path, "/SYSV", 5) != 0;
}

void mh_build_ids_fill(struct mh_build_ids *b, struct mh_ev_map *map, const char *sysroot)
{
	struct mh_build_ids_file *f;
	size_t i;

	if (!is_file(map) || map->build_id_len)
		return;
	/* The last ones first: a program's pieces come together. */
	for (i = b->nr; i-- > 0;) {
		f = &b->v[i];
		if (f->ino == map->ino && f->maj == map->maj && f->min == map->min)
			break;
	}
	if (i == SIZE_MAX) {
		if (b->nr == FILES_MAX)
			return;
		f = mh_vec_push(b);
		if (!f)
			return; /* a name less; the recording goes on */
		f->ino = map->ino;
		f->maj = map->maj;
		f->min = map->min;
		read_id(f, map, sysroot);
		i = b->nr - 1;
	}
	map->build_id_len = b->v[i].len;
	memcpy(map->build_id, b->v[i].id, sizeof(map->build_id));
}

void mh_build_ids_fini(struct mh_build_ids *b)
{
	free(b->v);
	memset(b, 0, sizeof(*b));
}
