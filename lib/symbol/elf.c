/* SPDX-License-Identifier: MIT */
/*
 * ELF files through libelf. It knows both classes and inflates compressed sections; what
 * is read in bulk (debug sections) is a pointer into its mapping of the file.
 *
 * Every offset and count is checked against the size of the file, since files are not
 * trusted: a container's file or a debug file may be anything.
 *
 * Not handled: big-endian files; relocatable files whose sections await relocation (the
 * debug files of kernel modules).
 */
#include "symbol/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

#define INFLATED_MAX       ((uint64_t)4 << 30) /* of one section */
#define INFLATED_RATIO_MAX 256                 /* DWARF packs 3 to 20 times */
#define NOTES_MAX          4096

static int damaged(struct mh_err *err, const char *what)
{
	return mh_fail(err, MH_EFORMAT, "ELF file: %s: %s", what, elf_errmsg(-1));
}

static uint8_t prot_of(uint32_t flags)
{
	return (uint8_t)((flags & PF_R ? PROT_READ : 0) |
			 (flags & PF_W ? PROT_WRITE : 0) |
			 (flags & PF_X ? PROT_EXEC : 0));
}

/* ---- notes ---- */

/* Notes are padded to 4 bytes; those padded to 8 come out right too, as their sizes are
 * multiples of 8. */
static void notes_scan(struct mh_elf *elf, uint64_t off, uint64_t size)
{
	const uint8_t *p, *end;
	unsigned i;

	if (elf->build_id_len || off > elf->len || size > elf->len - off)
		return;
	p = elf->image + off;
	end = p + size;
	for (i = 0; i < NOTES_MAX && end - p >= 12; i++) {
		uint32_t head[3];
		uint64_t name, desc;

		memcpy(head, p, sizeof(head));
		p += sizeof(head);
		name = ((uint64_t)head[0] + 3) & ~(uint64_t)3;
		desc = ((uint64_t)head[1] + 3) & ~(uint64_t)3;
		if (name > (size_t)(end - p) || head[1] > (size_t)(end - p) - name)
			return;
		if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 && !memcmp(p, "GNU", 4) &&
		    head[1] && head[1] <= MH_BUILD_ID_MAX) {
			memcpy(elf->build_id, p + name, head[1]);
			elf->build_id_len = (uint8_t)head[1];
			return;
		}
		p += name;
		p += desc < (size_t)(end - p) ? desc : (size_t)(end - p);
	}
}

/* ---- headers ---- */

static int read_segments(struct mh_elf *elf, struct mh_err *err)
{
	size_t nr, i;

	if (elf_getphdrnum(elf->handle, &nr))
		return damaged(err, "program headers");
	if (nr > elf->len / sizeof(Elf32_Phdr))
		return mh_fail(err, MH_EFORMAT,
			       "ELF file: more program headers than bytes");
	elf->loads = calloc(nr + 1, sizeof(*elf->loads));
	if (!elf->loads)
		return mh_fail(err, MH_ENOMEM, "no memory for program headers");
	for (i = 0; i < nr; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf->handle, (int)i, &ph))
			return damaged(err, "program headers");
		if (ph.p_type == PT_NOTE)
			notes_scan(elf, ph.p_offset, ph.p_filesz);
		if (ph.p_type != PT_LOAD || ph.p_vaddr + ph.p_memsz < ph.p_vaddr ||
		    ph.p_offset + ph.p_filesz < ph.p_offset)
			continue;
		elf->loads[elf->nr_loads++] =
			(struct mh_elf_load){ .offset = ph.p_offset,
					      .filesz = ph.p_filesz,
					      .vaddr = ph.p_vaddr,
					      .memsz = ph.p_memsz,
					      .prot = prot_of(ph.p_flags) };
	}
	return MH_OK;
}

static int read_sections(struct mh_elf *elf, struct mh_err *err)
{
	size_t nr, names, i;

	if (elf_getshdrnum(elf->handle, &nr))
		return damaged(err, "section headers");
	if (nr > elf->len / sizeof(Elf32_Shdr))
		return mh_fail(err, MH_EFORMAT,
			       "ELF file: more section headers than bytes");
	if (!nr)
		return MH_OK;
	if (elf_getshdrstrndx(elf->handle, &names))
		return damaged(err, "section names");
	elf->sections = calloc(nr, sizeof(*elf->sections));
	if (!elf->sections)
		return mh_fail(err, MH_ENOMEM, "no memory for section headers");
	for (i = 0; i < nr; i++) {
		GElf_Shdr sh;
		const char *name;

		if (!gelf_getshdr(elf_getscn(elf->handle, i), &sh))
			return damaged(err, "section headers");
		name = elf_strptr(elf->handle, names, sh.sh_name);
		elf->sections[elf->nr_sections++] =
			(struct mh_elf_section){ .name = name ? name : "",
						 .addr = sh.sh_addr,
						 .offset = sh.sh_offset,
						 .size = sh.sh_size,
						 .flags = sh.sh_flags,
						 .type = sh.sh_type };
		if (sh.sh_type == SHT_NOTE)
			notes_scan(elf, sh.sh_offset, sh.sh_size);
	}
	return MH_OK;
}

static int read_headers(struct mh_elf *elf, struct mh_err *err)
{
	GElf_Ehdr eh;
	int ret;

	if (!elf->handle || elf_kind(elf->handle) != ELF_K_ELF ||
	    !gelf_getehdr(elf->handle, &eh))
		return mh_fail(err, MH_EFORMAT, "not an ELF file");
	if (eh.e_ident[EI_DATA] != ELFDATA2LSB)
		return mh_fail(err, MH_ENOSUP, "a big-endian ELF file");
	elf->type = eh.e_type;
	elf->machine = eh.e_machine;
	elf->image = (const uint8_t *)elf_rawfile(elf->handle, &elf->len);
	if (!elf->image)
		return damaged(err, "contents");
	ret = read_segments(elf, err);
	return ret ? ret : read_sections(elf, err);
}

int mh_elf_open(struct mh_elf *elf, const char *path, struct mh_err *err)
{
	struct stat st;
	int ret;

	*elf = (struct mh_elf){ .fd = -1 };
	if (elf_version(EV_CURRENT) == EV_NONE)
		return mh_fail(err, MH_ENOSUP, "libelf is too old");
	/* A FIFO or a device must not hang or act. */
	elf->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (elf->fd < 0)
		return mh_fail_errno(err, "%s", path);
	if (fstat(elf->fd, &st) || !S_ISREG(st.st_mode)) {
		ret = mh_fail(err, MH_EFORMAT, "%s: not a regular file", path);
	} else {
		elf->handle = elf_begin(elf->fd, ELF_C_READ_MMAP, NULL);
		ret = read_headers(elf, err);
	}
	if (ret)
		mh_elf_close(elf);
	return ret;
}

int mh_elf_open_memory(struct mh_elf *elf, const void *image, size_t len,
		       struct mh_err *err)
{
	int ret;

	*elf = (struct mh_elf){ .fd = -1 };
	if (elf_version(EV_CURRENT) == EV_NONE)
		return mh_fail(err, MH_ENOSUP, "libelf is too old");
	/* libelf takes no const; it opens memory for reading only. */
	elf->handle = elf_memory((char *)(uintptr_t)image, len);
	ret = read_headers(elf, err);
	if (ret)
		mh_elf_close(elf);
	return ret;
}

void mh_elf_close(struct mh_elf *elf)
{
	if (!elf)
		return;
	elf_end(elf->handle);
	if (elf->fd >= 0)
		close(elf->fd);
	free(elf->loads);
	free(elf->sections);
	*elf = (struct mh_elf){ .fd = -1 };
}

/* ---- sections ---- */

const struct mh_elf_section *mh_elf_section_find(const struct mh_elf *elf,
						 const char *name)
{
	size_t i;

	for (i = 0; i < elf->nr_sections; i++) {
		if (!strcmp(elf->sections[i].name, name))
			return &elf->sections[i];
	}
	return NULL;
}

const struct mh_elf_section *mh_elf_section_at(const struct mh_elf *elf, uint64_t vaddr)
{
	size_t i;

	for (i = 0; i < elf->nr_sections; i++) {
		const struct mh_elf_section *s = &elf->sections[i];

		/* .tbss overlaps what follows it. */
		if (s->flags & SHF_ALLOC && vaddr - s->addr < s->size &&
		    !(s->flags & SHF_TLS && s->type == SHT_NOBITS))
			return s;
	}
	return NULL;
}

static int inflate(struct mh_elf *elf, size_t index, int gnu, struct mh_bytes *out,
		   struct mh_err *err)
{
	Elf_Scn *scn = elf_getscn(elf->handle, index);
	const struct mh_elf_section *s = &elf->sections[index];
	uint64_t size = 0;
	Elf_Data *data;
	GElf_Shdr now;
	int i;

	if (gnu) {
		const uint8_t *p = elf->image + s->offset;

		if (s->size < 12 || memcmp(p, "ZLIB", 4))
			return mh_fail(err, MH_EFORMAT, "%s: not compressed", s->name);
		for (i = 4; i < 12; i++)
			size = size << 8 | p[i];
	} else {
		GElf_Chdr ch;

		if (gelf_getshdr(scn, &now) && !(now.sh_flags & SHF_COMPRESSED))
			goto have; /* inflated before */
		if (!gelf_getchdr(scn, &ch))
			return damaged(err, s->name);
		if (ch.ch_type != ELFCOMPRESS_ZLIB)
			return mh_fail(err, MH_ENOSUP,
				       "%s is compressed by other means than zlib; run: "
				       "objcopy --decompress-debug-sections",
				       s->name);
		size = ch.ch_size;
	}
	if (size > INFLATED_MAX || size / INFLATED_RATIO_MAX > s->size)
		return mh_fail(err, MH_ENOMEM, "%s inflates past the limit", s->name);
	if ((gnu ? elf_compress_gnu(scn, 0, 0) : elf_compress(scn, 0, 0)) < 0)
		return damaged(err, s->name);
have:
	data = elf_getdata(scn, NULL);
	if (!data || !data->d_buf)
		return damaged(err, s->name);
	*out = (struct mh_bytes){ data->d_buf, data->d_size };
	return MH_OK;
}

int mh_elf_bytes(struct mh_elf *elf, const char *name, struct mh_bytes *out,
		 struct mh_err *err)
{
	size_t i;

	*out = (struct mh_bytes){ NULL, 0 };
	for (i = 0; i < elf->nr_sections; i++) {
		const struct mh_elf_section *s = &elf->sections[i];
		int gnu = !strncmp(s->name, ".zdebug_", 8) &&
			  !strncmp(name, ".debug_", 7) && !strcmp(s->name + 2, name + 1);

		if ((!gnu && strcmp(s->name, name)) || s->type == SHT_NOBITS || !s->size)
			continue;
		if (s->offset > elf->len || s->size > elf->len - s->offset)
			return mh_fail(err, MH_EFORMAT,
				       "%s lies past the end of the file", name);
		if (gnu || s->flags & SHF_COMPRESSED)
			return inflate(elf, i, gnu, out, err);
		*out = (struct mh_bytes){ elf->image + s->offset, s->size };
		return MH_OK;
	}
	return MH_OK;
}

void mh_elf_release(const struct mh_elf *elf, const void *p, size_t len)
{
	uintptr_t from = ((uintptr_t)p + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t to = ((uintptr_t)p + len) & ~(uintptr_t)(PAGE - 1);
	uintptr_t image = (uintptr_t)elf->image;

	/* Only pages of the mapped file may go; others would come back as zeros. */
	if (elf->fd < 0 || from < image || to > image + elf->len || from >= to)
		return;
	(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

#define STRING_MAX 65536

const char *mh_bytes_string(const struct mh_bytes *b, uint64_t off)
{
	size_t left;

	if (off >= b->len)
		return NULL;
	left = b->len - off;
	return memchr(b->p + off, 0, left < STRING_MAX ? left : STRING_MAX)
		       ? (const char *)b->p + off
		       : NULL;
}

/* ---- translation ---- */

/*
 * Neighbouring segments can share a page of the file, so that two may cover a mapping.
 * The loader maps each from its own first page; mprotect() later splits the writable one.
 */
bool mh_elf_bias(const struct mh_elf *elf, const struct mh_mapping *m, uint64_t *bias)
{
	const struct mh_elf_load *best = NULL;
	uint64_t end = m->pgoff + mh_range_len(m->addr);
	int best_score = -1;
	size_t i;

	for (i = 0; i < elf->nr_loads; i++) {
		const struct mh_elf_load *l = &elf->loads[i];
		uint64_t from = l->offset & ~(uint64_t)(PAGE - 1);
		int score;

		if (!l->filesz || m->pgoff < from || m->pgoff >= l->offset + l->filesz)
			continue;
		score = 4 * !((l->prot ^ m->prot) & PROT_EXEC) + 2 * (m->pgoff == from) +
			(end <=
			 ((l->offset + l->filesz + PAGE - 1) & ~(uint64_t)(PAGE - 1)));
		if (score > best_score) {
			best = l;
			best_score = score;
		}
	}
	if (best)
		*bias = m->addr.start - m->pgoff + best->offset - best->vaddr;
	return best != NULL;
}

void mh_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = 0;
}

int mh_elf_facts_of_file(struct mh_elf_facts *out, const char *path, struct mh_err *err)
{
	struct mh_elf elf;
	size_t i;
	int ret = mh_elf_open(&elf, path, err);

	memset(out, 0, sizeof(*out));
	if (ret)
		return ret;
	out->build_id_len = elf.build_id_len;
	memcpy(out->build_id, elf.build_id, sizeof(elf.build_id));
	for (i = 0; i < elf.nr_loads && i < MH_ELF_LOADS_MAX; i++)
		out->loads[out->nr_loads++] = elf.loads[i];
	mh_elf_close(&elf);
	return MH_OK;
}
