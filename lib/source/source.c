/* SPDX-License-Identifier: MIT */
/* The registry of acquisition backends, in the order in which `auto` prefers them. */
#include <memheat/source.h>

#include <string.h>

#include "source/backends.h"

static const struct mh_source_ops *const backends[] = {
	&mh_source_damon,       &mh_source_damon_vaddr,  &mh_source_damon_fvaddr,
	&mh_source_damon_paddr, &mh_source_damon_attach, &mh_source_damon_stat,
	&mh_source_idle,        &mh_source_refs,         &mh_source_mglru,
	&mh_source_mem,         &mh_source_faults,
};

const struct mh_source_ops *mh_source_at(size_t i)
{
	return i < sizeof(backends) / sizeof(backends[0]) ? backends[i] : NULL;
}

const struct mh_source_ops *mh_source_find(const char *name)
{
	static const char *const mem[] = { "pebs", "ibs", "spe" };
	const struct mh_source_ops *ops;
	size_t i;

	for (i = 0; i < sizeof(mem) / sizeof(mem[0]); i++) {
		if (!strcmp(mem[i], name))
			return &mh_source_mem;
	}

	for (i = 0; (ops = mh_source_at(i)); i++) {
		if (!strcmp(ops->name, name))
			return ops;
	}
	return NULL;
}
