/* SPDX-License-Identifier: MIT */
/*
 * A module's part of the cache of names: under which name and key it is kept, what of the
 * results may be kept, and how kept ones are used.
 *
 * The key has the identity of each file that names come from, so that debug information
 * which is installed, replaced or removed makes the module's file of the cache one of
 * another key. Files of split debug information are too many to look at each time: where
 * one is missing, what it would have named is not kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "symbol/module.h"

/* ---- the key ---- */

static uint64_t add_identity(uint64_t key, const struct stat *st)
{
	const uint64_t id[] = { st->st_ino, (uint64_t)st->st_size,
				(uint64_t)st->st_mtim.tv_sec,
				(uint64_t)st->st_mtim.tv_nsec };

	return mh_cache_hash(key, id, sizeof(id));
}

static uint64_t add_elf(uint64_t key, const struct mh_elf *elf)
{
	struct stat st;

	if (elf->fd < 0 || fstat(elf->fd, &st))
		return mh_cache_hash(key, "", 0);
	return add_identity(key, &st);
}

static uint64_t key_of(const struct mh_module *m)
{
	uint64_t key = mh_cache_hash(0, MEMHEAT_VERSION, strlen(MEMHEAT_VERSION));
	char path[MH_PATH_MAX];
	struct stat st;

	key = mh_cache_hash(key, m->elf.build_id, m->elf.build_id_len);
	key = add_elf(key, &m->elf);
	key = add_elf(key, &m->debug);
	key = add_elf(key, &m->alt);
	if (mh_dwp_path(path, m->dir_path) && !stat(path, &st))
		key = add_identity(key, &st);
	return key;
}

bool mh_module_kept_read(struct mh_module *m, struct mh_naming *naming)
{
	char *name = m->cache_name;

	*name = 0;
	if (!naming->opts->cache_dir || !m->elf.build_id_len || m->elf.fd < 0)
		return false;
	mh_hex(name, m->elf.build_id, m->elf.build_id_len);
	if (naming->names.raw)
		strcat(name, "-linked");
	m->cache.key = key_of(m);
	return mh_cache_read(&m->cache, naming->opts->cache_dir, name, &naming->names);
}

void mh_module_kept_write(struct mh_module *m, struct mh_naming *naming)
{
	const struct mh_names *names = &naming->names;
	/* Without a demangler C++ names are as linked, until there is one. */
	bool lacks = !names->raw && names->asked && !names->demangle;

	if (m->loaded)
		m->cache.why = (uint8_t)m->why;
	if (*m->cache_name && m->cache.changed && !lacks)
		naming->cache_written |=
			mh_cache_write(&m->cache, naming->opts->cache_dir, m->cache_name);
	mh_cache_fini(&m->cache);
	*m->cache_name = 0;
}

/* ---- names ---- */

/* What a kept name does not tell is as it was set for this place. */
static bool use_symbol(struct mh_symbol *out, const struct mh_symbol *kept)
{
	if ((out->kind == MH_SYMBOL_CODE) != (kept->nr_frames > 0))
		return false;
	out->why = kept->why;
	out->frames = kept->frames;
	out->nr_frames = kept->nr_frames;
	out->file = kept->file;
	out->line = kept->line;
	out->name = kept->name;
	out->offset = kept->offset;
	out->size = kept->size;
	out->linkage = kept->linkage;
	out->linkage_offset = kept->linkage_offset;
	out->type = kept->type;
	out->path = kept->path;
	return true;
}

size_t mh_module_kept(const struct mh_module *m, struct mh_module_item *items, size_t nr)
{
	size_t nr_missing = 0, i;

	for (i = 0; i < nr; i++) {
		const struct mh_symbol *s = mh_cache_symbol(&m->cache, items[i].vaddr);
		struct mh_module_item item = items[i];

		if (s && use_symbol(item.out, s))
			continue;
		items[i] = items[nr_missing];
		items[nr_missing++] = item;
	}
	return nr_missing;
}

/* What ended for want of fuel, or of a file, may come out better another time. */
static bool lasts(const struct mh_module *m, const struct mh_symbol *s)
{
	return s->why == MH_NAMED || (!m->incomplete && s->why != MH_UNNAMED_DAMAGED);
}

int mh_module_keep(struct mh_module *m, const struct mh_module_item *items, size_t nr)
{
	size_t known = m->cache.symbols.nr, i;

	if (!*m->cache_name || !m->fuel.left || m->why == MH_UNNAMED_DAMAGED ||
	    m->why == MH_UNNAMED_COMPRESSED)
		return 0;
	for (i = 0; i < nr; i++) {
		if ((i && items[i].vaddr == items[i - 1].vaddr) ||
		    !lasts(m, items[i].out))
			continue;
		if (!mh_cache_symbol_add(&m->cache, items[i].vaddr, items[i].out))
			return -1;
	}
	if (m->cache.symbols.nr > known)
		mh_cache_sort(&m->cache);
	return 0;
}

/* ---- types of accesses ---- */

static int types_of(struct mh_module *m, struct mh_naming *naming,
		    const struct mh_module_access *items, size_t nr)
{
	size_t i;

	if (mh_module_access_types(m, naming, items, nr))
		return -1;
	if (!*m->cache_name || !m->fuel.left || m->incomplete)
		return 0;
	for (i = 0; i < nr; i++) {
		if ((i && items[i].vaddr == items[i - 1].vaddr) ||
		    items[i].out->why == MH_UNTYPED_NO_DECODER)
			continue;
		if (!mh_cache_type_add(&m->cache, items[i].vaddr, items[i].out))
			return -1;
	}
	mh_cache_sort(&m->cache);
	return 0;
}

int mh_module_accesses(struct mh_module *m, struct mh_naming *naming,
		       const struct mh_module_access *items, size_t nr,
		       struct mh_err *err)
{
	struct mh_module_access *missing = malloc((nr + 1) * sizeof(*missing));
	size_t nr_missing = 0, i;
	int ret = MH_OK;

	if (!missing)
		return mh_fail(err, MH_ENOMEM, "no memory for types of accesses");
	for (i = 0; i < nr; i++) {
		const struct mh_access_type *t = mh_cache_type(&m->cache, items[i].vaddr);

		if (t)
			*items[i].out = *t;
		else
			missing[nr_missing++] = items[i];
	}
	if (nr_missing)
		ret = mh_module_load(m, err);
	if (!ret && nr_missing && types_of(m, naming, missing, nr_missing))
		ret = mh_fail(err, MH_ENOMEM, "no memory for types of accesses");
	free(missing);
	return ret;
}
