/* SPDX-License-Identifier: MIT */
/*
 * ELF and DWARF: any bytes as a module, which is asked for names all over its segments
 * and sections, and for the types that its code accesses. The file serves as its own
 * supplementary file too.
 */
#include <stdlib.h>

#include "symbol/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLACES_MAX 512

struct places {
	struct mh_module_item items[PLACES_MAX];
	struct mh_symbol out[PLACES_MAX];
	size_t nr;
};

static void ask(struct places *p, uint64_t addr)
{
	if (p->nr == PLACES_MAX)
		return;
	p->out[p->nr] = (struct mh_symbol){ .vaddr = addr,
					    .module = "",
					    .section = "",
					    .name = "",
					    .file = "",
					    .type = "",
					    .path = "" };
	p->items[p->nr] = (struct mh_module_item){ addr, &p->out[p->nr] };
	p->nr++;
}

static void ask_range(struct places *p, uint64_t start, uint64_t len)
{
	uint64_t i;

	for (i = 0; i < 24; i++)
		ask(p, start + len / 24 * i + i % 3);
}

static void check(const struct places *p)
{
	size_t i, k;

	for (i = 0; i < p->nr; i++) {
		const struct mh_symbol *s = &p->out[i];

		if (!s->name || !s->file || !s->path || !s->type || !s->section ||
		    s->why >= MH_NR_UNNAMED || (s->nr_frames && !s->frames))
			abort();
		for (k = 0; k < s->nr_frames; k++) {
			if (!s->frames[k].function || !s->frames[k].file)
				abort();
		}
	}
}

/* Types of accesses by the code that was named; items are sorted, code first. */
static void ask_types(struct mh_module *m, struct mh_naming *naming,
		      const struct places *p)
{
	struct mh_module_access items[PLACES_MAX] = { 0 };
	struct mh_access_type types[PLACES_MAX];
	size_t i, nr = 0;

	for (i = 0; i < p->nr && p->items[i].out->kind == MH_SYMBOL_CODE; i++) {
		types[i] = (struct mh_access_type){ .type = "", .member = "" };
		items[nr++] = (struct mh_module_access){ p->items[i].vaddr, &types[i] };
	}
	if (mh_module_access_types(m, naming, items, nr))
		return;
	for (i = 0; i < nr; i++) {
		if (types[i].why >= MH_NR_UNTYPED || !types[i].type || !types[i].member)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const no_dirs[] = { NULL };
	struct mh_symtab_opts opts = { .debug_dirs = no_dirs, .no_debuginfod = 1 };
	struct mh_naming naming = { .opts = &opts };
	struct mh_module *m = calloc(1, sizeof(*m));
	struct places *p = calloc(1, sizeof(*p));
	size_t i;

	if (!m || !p)
		goto out;
	m->path = m->build_id = "";
	if (mh_module_open_memory(m, data, size, &naming, NULL))
		goto out;
	if (m->has_dwarf && size & 1)
		m->dw.alt = &m->dw;
	for (i = 0; i < m->elf.nr_loads && i < 8; i++)
		ask_range(p, m->elf.loads[i].vaddr, m->elf.loads[i].memsz);
	for (i = 0; i < m->elf.nr_sections && i < 40; i++) {
		if (m->elf.sections[i].addr)
			ask_range(p, m->elf.sections[i].addr, m->elf.sections[i].size);
	}
	for (i = 0; i < m->cus.nr && i < 4; i++)
		ask(p, m->cus.v[i].start);
	if (!mh_module_resolve(m, &naming, p->items, p->nr, NULL) && m->elf.handle) {
		check(p);
		ask_types(m, &naming, p);
	}
	m->dw.alt = NULL;
out:
	if (m)
		mh_module_close(m, &naming);
	mh_names_fini(&naming.names);
	free(m);
	free(p);
	return 0;
}
