/* SPDX-License-Identifier: MIT */
/*
 * Opening a module: the file that was mapped if it is still the same, its symbols, and
 * its debug information, which may be in other files.
 */
#include "symbol/module.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the file ---- */

static bool recorded_id(const struct mh_module *m, uint8_t *id, size_t *len)
{
	unsigned byte;
	size_t i;

	*len = strlen(m->build_id) / 2;
	if (!*len || *len > MH_BUILD_ID_MAX)
		return false;
	for (i = 0; i < *len; i++) {
		if (sscanf(m->build_id + 2 * i, "%2x", &byte) != 1)
			return false;
		id[i] = (uint8_t)byte;
	}
	return true;
}

/* Try one path. True: it is the file. A file of another build is remembered. */
static bool try_file(struct mh_module *m, const char *path)
{
	uint8_t id[MH_BUILD_ID_MAX];
	struct mh_err err;
	size_t len;
	int ret;

	ret = mh_elf_open(&m->elf, path, &err);
	if (ret) {
		if (ret == MH_EFORMAT || ret == MH_ENOSUP)
			m->why = MH_UNNAMED_NOT_ELF;
		return false;
	}
	snprintf(m->dir_path, sizeof(m->dir_path), "%s", path);
	if (!recorded_id(m, id, &len)) {
		m->state = MH_BUILD_ID_UNKNOWN;
		return true;
	}
	if (m->elf.build_id_len == len && !memcmp(m->elf.build_id, id, len)) {
		m->state = MH_BUILD_ID_OK;
		return true;
	}
	mh_elf_close(&m->elf);
	m->state = MH_BUILD_ID_STALE;
	m->why = MH_UNNAMED_STALE;
	return false;
}

static bool open_file(struct mh_module *m, const struct mh_symtab_opts *opts)
{
	static const char deleted[] = " (deleted)";
	const char *root = opts->sysroot ? opts->sysroot : "";
	size_t len = strlen(m->path);
	uint8_t id[MH_BUILD_ID_MAX];
	char path[MH_PATH_MAX];
	bool gone;

	gone = len >= sizeof(deleted) &&
	       !strcmp(m->path + len - sizeof(deleted) + 1, deleted);
	if (gone)
		len -= sizeof(deleted) - 1;
	m->why = MH_UNNAMED_NO_FILE;
	if (snprintf(path, sizeof(path), "%s%.*s", root, (int)len, m->path) >=
	    (int)sizeof(path))
		return false;
	/* What has a deleted file's name now is another file, unless its id says not. */
	if ((!gone || *m->build_id) && try_file(m, path))
		return true;
	if (recorded_id(m, id, &len) &&
	    mh_debug_find_by_id(&m->elf, m->dir_path, id, len, "", opts)) {
		m->state = MH_BUILD_ID_OK;
		return true;
	}
	return false;
}

/* ---- debug information ---- */

static bool has_debug(const struct mh_elf *elf)
{
	return mh_elf_section_find(elf, ".debug_info") ||
	       mh_elf_section_find(elf, ".zdebug_info");
}

/* What stripping leaves in place must be the same in both files. */
static bool fits(const struct mh_elf *debug, const struct mh_elf *main)
{
	const struct mh_elf_section *a = mh_elf_section_find(debug, ".text");
	const struct mh_elf_section *b = mh_elf_section_find(main, ".text");

	return !a || !b || a->addr == b->addr;
}

static void open_dwarf(struct mh_module *m, struct mh_elf *from)
{
	struct mh_err err;
	int ret = mh_dwarf_open(&m->dw, from, &m->fuel, &err);

	if (ret == MH_ENOMEM)
		m->why = MH_UNNAMED_DAMAGED;
	if (ret) {
		m->why = ret > 0            ? MH_UNNAMED_NO_DEBUG
			 : ret == MH_ENOSUP ? MH_UNNAMED_COMPRESSED
					    : MH_UNNAMED_DAMAGED;
		return;
	}
	m->has_dwarf = true;
	m->why = MH_NAMED;
	if (m->alt.handle && !mh_dwarf_open(&m->alt_dw, &m->alt, &m->fuel, &err))
		m->dw.alt = &m->alt_dw;
}

/* The file that has the module's debug information, if any has. */
static struct mh_elf *debug_elf(struct mh_module *m)
{
	return m->debug.handle ? &m->debug : &m->elf;
}

static int find_debug(struct mh_module *m, struct mh_naming *naming, struct mh_err *err)
{
	struct mh_elf *from;

	if (!has_debug(&m->elf) &&
	    mh_debug_find(&m->debug, m->debug_path, &m->elf, m->dir_path, naming->opts)) {
		if (fits(&m->debug, &m->elf)) {
			m->debug_file = mh_names_keep(&naming->names, m->debug_path);
			if (!m->debug_file)
				return mh_fail(err, MH_ENOMEM, "no memory for names");
		} else {
			mh_elf_close(&m->debug);
		}
	}
	from = debug_elf(m);
	if (has_debug(from))
		(void)mh_debug_find_alt(&m->alt, from,
					from == &m->elf ? m->dir_path : m->debug_path,
					naming->opts);
	return MH_OK;
}

int mh_module_load(struct mh_module *m, struct mh_err *err)
{
	struct mh_elf *from = debug_elf(m);
	int ret;

	if (m->loaded || !m->elf.handle)
		return MH_OK;
	m->loaded = true;
	m->why = MH_UNNAMED_NO_DEBUG;
	m->fuel.left = ((uint64_t)1 << 20) + 64 * (uint64_t)from->len;
	if (has_debug(from)) {
		open_dwarf(m, from);
		mh_dwp_find(&m->dwp, m->dir_path);
	}
	/* A stripped file still has .dynsym; .symtab knows more. */
	if (from != &m->elf && mh_elf_section_find(from, ".symtab"))
		ret = mh_elf_names_read(&m->names, from, err);
	else
		ret = mh_elf_names_read(&m->names, &m->elf, err);
	if (ret == MH_ENOMEM)
		return ret;
	if (!m->names.code.nr && !m->names.data.nr && m->why == MH_UNNAMED_NO_DEBUG)
		m->why = MH_UNNAMED_STRIPPED;
	return MH_OK;
}

/* With the main file open. */
static int open_rest(struct mh_module *m, struct mh_naming *naming, struct mh_err *err)
{
	int ret;

	m->open = true;
	m->why = MH_UNNAMED_NO_DEBUG;
	m->debug_file = "";
	ret = find_debug(m, naming, err);
	if (ret)
		return ret;
	if (mh_module_kept_read(m, naming)) {
		m->why = (enum mh_unnamed)m->cache.why;
		return MH_OK;
	}
	return mh_module_load(m, err);
}

static void fresh(struct mh_module *m)
{
	m->elf = m->debug = m->alt = (struct mh_elf){ .fd = -1 };
	m->dwp = (struct mh_dwp){ .elf.fd = -1 };
	m->debug_file = "";
}

bool mh_module_find(struct mh_module *m, const struct mh_symtab_opts *opts)
{
	fresh(m);
	return open_file(m, opts);
}

int mh_module_open(struct mh_module *m, struct mh_naming *naming, struct mh_err *err)
{
	fresh(m);
	if (!open_file(m, naming->opts)) {
		m->open = true;
		return MH_OK;
	}
	return open_rest(m, naming, err);
}

int mh_module_open_memory(struct mh_module *m, const void *image, size_t len,
			  struct mh_naming *naming, struct mh_err *err)
{
	int ret;

	fresh(m);
	m->open = true;
	m->state = MH_BUILD_ID_UNKNOWN;
	ret = mh_elf_open_memory(&m->elf, image, len, err);
	if (ret) {
		m->why = MH_UNNAMED_NOT_ELF;
		return MH_OK;
	}
	return open_rest(m, naming, err);
}

void mh_module_close(struct mh_module *m, struct mh_naming *naming)
{
	if (!m->open)
		return;
	mh_module_kept_write(m, naming);
	mh_names_forget(&naming->names);
	mh_dwarf_close(&m->dw);
	mh_dwarf_close(&m->alt_dw);
	mh_dwp_close(&m->dwp);
	mh_elf_names_fini(&m->names);
	mh_elf_close(&m->elf);
	mh_elf_close(&m->debug);
	mh_elf_close(&m->alt);
	free(m->cus.v);
	free(m->vars.v);
	memset(&m->cus, 0, sizeof(m->cus));
	memset(&m->vars, 0, sizeof(m->vars));
	m->has_dwarf = m->vars_made = m->open = m->loaded = m->incomplete = false;
}

/* ---- resolving ---- */

enum mh_unnamed mh_module_lack(const struct mh_module *m)
{
	if (m->has_dwarf)
		return m->fuel.left ? MH_UNNAMED_NO_LINE : MH_UNNAMED_DAMAGED;
	return m->why;
}

/* Code or data, by the section, or by the segment where sections are gone. */
static bool is_code(const struct mh_module *m, uint64_t vaddr, const char **section)
{
	const struct mh_elf_section *s = mh_elf_section_at(&m->elf, vaddr);
	size_t i;

	*section = s ? s->name : "";
	if (s)
		return s->flags & SHF_EXECINSTR;
	for (i = 0; i < m->elf.nr_loads; i++) {
		const struct mh_elf_load *l = &m->elf.loads[i];

		if (vaddr - l->vaddr < l->memsz)
			return l->prot & 4;
	}
	return false;
}

static int classify(struct mh_module *m, struct mh_naming *naming,
		    const struct mh_module_item *items, size_t nr)
{
	const char *raw = NULL, *kept = "";
	size_t i;

	for (i = 0; i < nr; i++) {
		struct mh_symbol *out = items[i].out;
		const char *section;

		out->build_id_state = m->state;
		out->kind = is_code(m, items[i].vaddr, &section) ? MH_SYMBOL_CODE
								 : MH_SYMBOL_DATA;
		if (section != raw) {
			kept = mh_names_keep(&naming->names, section);
			raw = section;
		}
		if (!kept)
			return -1;
		out->section = kept;
	}
	return 0;
}

static int code_first(const void *a, const void *b)
{
	const struct mh_module_item *x = a, *y = b;

	if (x->out->kind != y->out->kind)
		return x->out->kind == MH_SYMBOL_CODE ? -1 : 1;
	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static void all_unnamed(const struct mh_module *m, const struct mh_module_item *items,
			size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		items[i].out->kind = MH_SYMBOL_MAPPING;
		items[i].out->build_id_state = m->state;
		items[i].out->why = m->why;
	}
}

/* Name by symbols and debug information. @items are sorted. */
static int resolve(struct mh_module *m, struct mh_naming *naming,
		   const struct mh_module_item *items, size_t nr, struct mh_err *err)
{
	size_t nr_code;
	int ret = mh_module_load(m, err), failed = 0;

	if (ret)
		return ret;
	/* Work in proportion to what is asked, and to the size of the files. */
	m->fuel.left = ((uint64_t)1 << 20) + 64 * (uint64_t)(m->elf.len + m->debug.len) +
		       64 * (uint64_t)(m->dw.info.len + m->dw.line.len) +
		       4096 * (uint64_t)nr;
	for (nr_code = 0; nr_code < nr; nr_code++) {
		if (items[nr_code].out->kind != MH_SYMBOL_CODE)
			break;
	}
	if (nr_code)
		failed = mh_module_resolve_code(m, naming, items, nr_code);
	if (!failed && nr > nr_code)
		failed = mh_module_resolve_data(m, naming, items + nr_code, nr - nr_code);
	if (!failed)
		failed = mh_module_keep(m, items, nr);
	return failed ? mh_fail(err, MH_ENOMEM, "no memory for names") : MH_OK;
}

int mh_module_resolve(struct mh_module *m, struct mh_naming *naming,
		      struct mh_module_item *items, size_t nr, struct mh_err *err)
{
	if (!m->elf.handle) {
		all_unnamed(m, items, nr);
		return MH_OK;
	}
	if (classify(m, naming, items, nr))
		return mh_fail(err, MH_ENOMEM, "no memory for names");
	nr = mh_module_kept(m, items, nr);
	qsort(items, nr, sizeof(*items), code_first);
	return nr ? resolve(m, naming, items, nr, err) : MH_OK;
}
