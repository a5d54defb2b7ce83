/* SPDX-License-Identifier: MIT */
/* Looking symbols up: they are sorted, code first, then by address. */
#include "export/symbols.h"

#include <string.h>

const char *mh_symbol_section(const struct mh_profile_symbol *s)
{
	static const char *const known[] = { ".text", ".rodata", ".data.rel.ro", ".data",
					     ".bss" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i]);

		if (!strncmp(s->section, known[i], len) &&
		    (!s->section[len] || s->section[len] == '.'))
			return known[i];
	}
	return NULL;
}

const struct mh_profile_symbol *mh_symbol_at(const struct mh_profile *p, bool code,
					     uint64_t vaddr)
{
	size_t lo = 0, hi = p->nr_symbols;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mh_profile_symbol *s = &p->symbols[mid];

		if ((s->code && !code) || (s->code == code && s->vaddr < vaddr))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < p->nr_symbols && p->symbols[lo].code == code &&
	    p->symbols[lo].vaddr == vaddr)
		return &p->symbols[lo];
	return NULL;
}
