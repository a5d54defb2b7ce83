/* SPDX-License-Identifier: MIT */
/*
 * ELF symbols as two sorted arrays, of code and of data.
 *
 * Of several symbols with one address the longest is kept, and of those the last in the
 * table: globals come behind locals there. This is llvm-symbolizer's choice too.
 */
#include "symbol/elfsyms.h"

#include <elf.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static int by_address(const void *a, const void *b)
{
	const struct mh_elf_symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

/* qsort() is a stable merge sort in glibc only while it gets memory, so order among
 * equals is by the name's place: string tables are in the order of symbols. */
static int by_address_order(const void *a, const void *b)
{
	const struct mh_elf_symbol *x = a, *y = b;
	int d = by_address(a, b);

	return d ? d : x->name < y->name ? -1 : x->name > y->name;
}

static void sort_unique(struct mh_elf_symbols *s)
{
	size_t i, nr = 0;

	if (!s->nr)
		return;
	qsort(s->v, s->nr, sizeof(*s->v), by_address_order);
	for (i = 0; i < s->nr; i++) {
		if (i + 1 == s->nr || s->v[i + 1].addr != s->v[i].addr)
			s->v[nr++] = s->v[i];
	}
	s->nr = nr;
}

static int add_symbol(struct mh_elf_names *out, const struct mh_elf *elf,
		      const GElf_Sym *sym, const char *name, const char *file)
{
	const struct mh_elf_section *sec;
	unsigned type = GELF_ST_TYPE(sym->st_info);
	bool code, local = GELF_ST_BIND(sym->st_info) == STB_LOCAL;
	struct mh_elf_symbol *slot;

	if (!name || !*name || sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS)
		return 0;
	if (type != STT_NOTYPE && type != STT_FUNC && type != STT_OBJECT &&
	    type != STT_GNU_IFUNC)
		return 0;
	if (sym->st_shndx < elf->nr_sections) {
		sec = &elf->sections[sym->st_shndx];
		if (!(sec->flags & SHF_ALLOC))
			return 0;
		code = sec->flags & SHF_EXECINSTR;
	} else {
		code = type == STT_FUNC || type == STT_GNU_IFUNC;
	}
	/* Marks such as __bss_start and _end name nothing that has a size. */
	if (!code && !sym->st_size)
		return 0;
	slot = mh_vec_push(code ? &out->code : &out->data);
	if (!slot)
		return -1;
	*slot = (struct mh_elf_symbol){ sym->st_value, sym->st_size, name,
					local ? file : NULL, local };
	return 0;
}

static int read_table(struct mh_elf_names *out, struct mh_elf *elf, size_t index,
		      struct mh_err *err)
{
	Elf_Scn *scn = elf_getscn(elf->handle, index);
	Elf_Data *data = elf_getdata(scn, NULL);
	const char *file = NULL;
	GElf_Shdr sh;
	size_t nr, i;

	if (!data || !gelf_getshdr(scn, &sh))
		return mh_fail(err, MH_EFORMAT, "ELF symbol table is damaged");
	nr = data->d_size / gelf_fsize(elf->handle, ELF_T_SYM, 1, EV_CURRENT);
	for (i = 1; i < nr; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			break;
		name = elf_strptr(elf->handle, sh.sh_link, sym.st_name);
		/* It holds for the local symbols that follow. */
		if (GELF_ST_TYPE(sym.st_info) == STT_FILE)
			file = name;
		if (add_symbol(out, elf, &sym, name, file))
			return mh_fail(err, MH_ENOMEM, "no memory for ELF symbols");
	}
	sort_unique(&out->code);
	sort_unique(&out->data);
	return MH_OK;
}

int mh_elf_names_read(struct mh_elf_names *out, struct mh_elf *elf, struct mh_err *err)
{
	uint32_t types[] = { SHT_SYMTAB, SHT_DYNSYM };
	size_t t, i;

	for (t = 0; t < 2; t++) {
		for (i = 0; i < elf->nr_sections; i++) {
			if (elf->sections[i].type == types[t])
				return read_table(out, elf, i, err);
		}
	}
	return MH_END;
}

void mh_elf_names_fini(struct mh_elf_names *names)
{
	free(names->code.v);
	free(names->data.v);
	memset(names, 0, sizeof(*names));
}

#define ENCLOSING_MAX 16 /* symbols to look back for one that encloses */

const struct mh_elf_symbol *mh_elf_symbol_find(const struct mh_elf_symbols *s,
					       uint64_t addr)
{
	size_t lo = 0, hi = s->nr, i;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->v[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && !s->v[lo - 1].size)
		return &s->v[lo - 1];
	for (i = 0; i < ENCLOSING_MAX && i < lo; i++) {
		const struct mh_elf_symbol *sym = &s->v[lo - 1 - i];

		if (addr - sym->addr < sym->size)
			return sym;
	}
	return NULL;
}
