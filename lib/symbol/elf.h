/* SPDX-License-Identifier: MIT */
/* An ELF file: segments, sections, build-id and the links to its debug information. */
#ifndef MEMHEAT_SYMBOL_ELF_H
#define MEMHEAT_SYMBOL_ELF_H

#include <stdbool.h>

#include <memheat/symbol.h>

struct mh_bytes {
	const uint8_t *p;
	size_t len;
};

struct mh_elf_section {
	const char *name;
	uint64_t addr, offset, size, flags;
	uint32_t type;
};

struct mh_elf {
	void *handle; /* libelf's */
	int fd;       /* -1: memory of the caller */
	const uint8_t *image;
	size_t len;
	uint16_t type;    /* ET_EXEC, ... */
	uint16_t machine; /* EM_X86_64, ... */
	struct mh_elf_load *loads;
	size_t nr_loads;
	struct mh_elf_section *sections;
	size_t nr_sections;
	uint8_t build_id[MH_BUILD_ID_MAX];
	uint8_t build_id_len;
};

/* The file is mapped: one that is truncated meanwhile ends the process with SIGBUS, as
 * with every tool that maps. */
int mh_elf_open(struct mh_elf *elf, const char *path, struct mh_err *err) MH_MUST_CHECK;
/* @image must outlive the elf. */
int mh_elf_open_memory(struct mh_elf *elf, const void *image, size_t len,
		       struct mh_err *err) MH_MUST_CHECK;
void mh_elf_close(struct mh_elf *elf);

const struct mh_elf_section *mh_elf_section_find(const struct mh_elf *elf,
						 const char *name);
/* The section that holds @vaddr in memory; NULL: none. */
const struct mh_elf_section *mh_elf_section_at(const struct mh_elf *elf, uint64_t vaddr);

/*
 * Bytes of a section, inflated where SHF_COMPRESSED or named .zdebug_*; lent until close.
 *
 * Returns MH_OK, with no bytes for an absent section; MH_EFORMAT; MH_ENOSUP: compressed
 * in a way that libelf does not know; MH_ENOMEM: past the limits on inflated bytes.
 */
int mh_elf_bytes(struct mh_elf *elf, const char *name, struct mh_bytes *out,
		 struct mh_err *err) MH_MUST_CHECK;

/* Say that these bytes of the file are not needed soon: they stop counting as memory of
 * this process and are read again when touched. Bytes that are not the file's are left.
 */
void mh_elf_release(const struct mh_elf *elf, const void *p, size_t len);

/* A zero-terminated string at @off; NULL: none there. At most 64 KiB are looked at. */
const char *mh_bytes_string(const struct mh_bytes *b, uint64_t off);

/* Where a mapping of the file at @pgoff places it: map address - vaddr. False: no
 * program header covers the mapping. */
bool mh_elf_bias(const struct mh_elf *elf, const struct mh_mapping *m, uint64_t *bias);

void mh_hex(char *out, const uint8_t *bytes, size_t len);

#endif
