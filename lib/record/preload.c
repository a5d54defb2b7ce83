/* SPDX-License-Identifier: MIT */
/*
 * What preloading would do to a program, from its ELF headers alone. Only the command
 * itself is looked at: what it starts later is seen by whether it reports.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "record/heap.h"

#define PHDRS_MAX   64
#define DYNS_MAX    1024
#define STRINGS_MAX 65536

struct program {
	int fd;
	Elf64_Ehdr head;
	Elf64_Phdr phdrs[PHDRS_MAX];
};

static bool read_at(int fd, void *to, size_t len, uint64_t offset)
{
	return pread(fd, to, len, (off_t)offset) == (ssize_t)len;
}

static const Elf64_Phdr *find(const struct program *p, uint32_t type)
{
	size_t i;

	for (i = 0; i < p->head.e_phnum; i++) {
		if (p->phdrs[i].p_type == type)
			return &p->phdrs[i];
	}
	return NULL;
}

/* Where an address is in the file; UINT64_MAX: nowhere. */
static uint64_t offset_of(const struct program *p, uint64_t vaddr)
{
	size_t i;

	for (i = 0; i < p->head.e_phnum; i++) {
		const Elf64_Phdr *l = &p->phdrs[i];

		if (l->p_type == PT_LOAD && vaddr - l->p_vaddr < l->p_filesz)
			return vaddr - l->p_vaddr + l->p_offset;
	}
	return UINT64_MAX;
}

/* A needed library whose name has @part in it; "" if none. */
static bool needs(const struct program *p, const char *part)
{
	const Elf64_Phdr *d = find(p, PT_DYNAMIC);
	uint64_t strings = UINT64_MAX;
	Elf64_Dyn dyn;
	char name[64];
	size_t i, pass;

	for (pass = 0; d && pass < 2; pass++) {
		for (i = 0; i < d->p_filesz / sizeof(dyn) && i < DYNS_MAX; i++) {
			if (!read_at(p->fd, &dyn, sizeof(dyn),
				     d->p_offset + i * sizeof(dyn)) ||
			    dyn.d_tag == DT_NULL)
				break;
			if (!pass && dyn.d_tag == DT_STRTAB)
				strings = offset_of(p, dyn.d_un.d_ptr);
			if (!pass || dyn.d_tag != DT_NEEDED || strings == UINT64_MAX ||
			    dyn.d_un.d_val > STRINGS_MAX)
				continue;
			memset(name, 0, sizeof(name));
			if (pread(p->fd, name, sizeof(name) - 1,
				  (off_t)(strings + dyn.d_un.d_val)) > 0 &&
			    strstr(name, part))
				return true;
		}
	}
	return false;
}

static bool gains_privileges(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	return (st.st_mode & S_ISUID && st.st_uid != getuid()) ||
	       (st.st_mode & S_ISGID && st.st_gid != getgid()) ||
	       fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static int look(struct program *p, char *why, size_t size)
{
	const Elf64_Phdr *interp;
	char loader[256] = "";

	if (!read_at(p->fd, &p->head, sizeof(p->head), 0) ||
	    memcmp(p->head.e_ident, ELFMAG, SELFMAG) != 0)
		return MH_OK;
	if (p->head.e_ident[EI_CLASS] != ELFCLASS64) {
		snprintf(why, size, "it is a 32-bit program");
		return MH_ENOSUP;
	}
	if (p->head.e_phentsize != sizeof(p->phdrs[0]) || p->head.e_phnum > PHDRS_MAX ||
	    !read_at(p->fd, p->phdrs, p->head.e_phnum * sizeof(p->phdrs[0]),
		     p->head.e_phoff))
		return MH_OK;
	interp = find(p, PT_INTERP);
	if (!interp) {
		snprintf(why, size, "it is statically linked");
		return MH_END;
	}
	if (pread(p->fd, loader, sizeof(loader) - 1, (off_t)interp->p_offset) > 0 &&
	    !strstr(loader, "ld-linux")) {
		snprintf(why, size, "its loader, %.100s, is not that of glibc", loader);
		return MH_ENOSUP;
	}
	if (needs(p, "libasan.") || needs(p, "libtsan.") || needs(p, "libhwasan.")) {
		snprintf(why, size, "its sanitizer wants to be the first library");
		return MH_ENOSUP;
	}
	if (gains_privileges(p->fd)) {
		snprintf(why, size, "it gains privileges (setuid or capabilities)");
		return MH_END;
	}
	return MH_OK;
}

int mh_heap_preload_check(const char *program, char *why, size_t size)
{
	struct program p = { .fd = open(program, O_RDONLY | O_CLOEXEC) };
	int ret;

	*why = '\0';
	if (p.fd < 0)
		return MH_OK;
	ret = look(&p, why, size);
	close(p.fd);
	return ret;
}
