/* SPDX-License-Identifier: MIT */
/* Symbols as compilers and linkers group them. */
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
