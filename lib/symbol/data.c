/* SPDX-License-Identifier: MIT */
/*
 * Names of static data: the variable that covers an address, by DWARF, else by its ELF
 * symbol (vtables, tables of assembler), and the element and member that are there.
 */
#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/module.h"

#define TABLES_MAX ((size_t)8 << 20)
#define PATH_SIZE  512
#define LOOK_BACK  8 /* variables before an address that may cover it */

struct data {
	struct mh_module *m;
	struct mh_naming *naming;

	/* what is open for the last variable's unit */
	uint32_t unit; /* UINT32_MAX: nothing */
	struct mh_split split;
	struct mh_dw_unit *in; /* the unit with the DIEs; NULL: damaged or not found */
	struct mh_dw_line line;
	bool line_ok;

	/* the last variable, which neighbours often share */
	const struct mh_dw_var *var;
	uint64_t size;
	struct mh_dw_ref type;
	const char *name, *type_text, *file;
	uint32_t decl_line;
};

/* ---- the index ---- */

static int add_unit(struct mh_module *m, uint32_t number)
{
	struct mh_dw_unit *u = &m->dw.units.v[number];
	struct mh_split split;
	bool ok;

	if (u->type == DW_UT_type || !mh_dw_unit_load(u))
		return 0;
	if (!u->dwo_name)
		return mh_dw_vars_add(&m->vars, u, number) ? 0 : -1;
	if (mh_split_open(&split, &m->dwp, u, m->dir_path, NULL)) {
		m->incomplete = true;
		return 0;
	}
	ok = mh_dw_vars_add(&m->vars, split.unit, number);
	mh_split_close(&split);
	return ok ? 0 : -1;
}

static int vars_make(struct mh_module *m)
{
	size_t i;
	int ret = 0;

	m->vars_made = true;
	for (i = 0; !ret && i < m->dw.nr_info_units; i++) {
		ret = add_unit(m, (uint32_t)i);
		mh_dw_unit_release(&m->dw.units.v[i]);
		mh_dwarf_trim(&m->dw, TABLES_MAX);
	}
	mh_dw_vars_sort(&m->vars);
	return ret;
}

bool mh_module_vars(struct mh_module *m)
{
	return !m->has_dwarf || m->vars_made || !vars_make(m);
}

/* ---- one variable ---- */

static void unit_close(struct data *d)
{
	mh_dw_line_fini(&d->line);
	if (d->split.unit) {
		mh_names_forget(&d->naming->names);
		mh_split_close(&d->split);
	}
	d->unit = UINT32_MAX;
	d->in = NULL;
	d->line_ok = false;
	d->var = NULL;
	mh_dwarf_trim(&d->m->dw, TABLES_MAX);
}

static void unit_open(struct data *d, uint32_t number)
{
	struct mh_dw_unit *u = &d->m->dw.units.v[number];

	if (d->unit == number)
		return;
	unit_close(d);
	d->unit = number;
	if (!mh_dw_unit_load(u))
		return;
	d->line_ok = mh_dw_line_open(&d->line, u);
	if (!u->dwo_name)
		d->in = u;
	else if (!mh_split_open(&d->split, &d->m->dwp, u, d->m->dir_path, NULL))
		d->in = d->split.unit;
	else
		d->m->incomplete = true;
}

static bool read_var(struct data *d, const struct mh_dw_var *var, struct mh_dw_die *die)
{
	unit_open(d, var->unit);
	return d->in && mh_dw_die_read(die, d->in, var->die) && die->abbrev;
}

static uint64_t symbol_size(const struct data *d, uint64_t addr)
{
	const struct mh_elf_symbol *s = mh_elf_symbol_find(&d->m->names.data, addr);

	return s && s->addr == addr ? s->size : 0;
}

/* A declaration may be in another unit, with files of its own (LTO, dwz). */
static const char *decl_file(struct data *d, const struct mh_dw_unit *in, uint64_t number)
{
	struct mh_dw_line other = { 0 }, *line = d->line_ok ? &d->line : NULL;
	struct mh_dw_line_file *f;
	const char *kept = "";
	char path[MH_PATH_MAX];

	if (in != d->in && !in->skeleton)
		line = mh_dw_line_open(&other, in) ? &other : NULL;
	f = line ? mh_dw_line_file(line, number) : NULL;
	if (f && mh_dw_line_path(line, f, path, sizeof(path)))
		kept = mh_names_keep(&d->naming->names, path);
	mh_dw_line_fini(&other);
	return kept;
}

static int describe(struct data *d, const struct mh_dw_var *var,
		    const struct mh_dw_die *die)
{
	struct mh_names *names = &d->naming->names;
	struct mh_dw_die with;
	char text[PATH_SIZE];
	const char *raw = NULL;
	int64_t n;

	if (mh_dw_integrate(&with, die, MH_DW_LINKAGE_NAME))
		raw = mh_dw_string(&with, MH_DW_LINKAGE_NAME);
	if (!raw && mh_dw_integrate(&with, die, MH_DW_NAME))
		raw = mh_dw_string(&with, MH_DW_NAME);
	d->name = mh_names_readable(names, raw ? raw : "");
	mh_dw_type_text(d->type, text, sizeof(text));
	d->type_text = mh_names_keep(names, d->type.unit ? text : "");
	d->file = "";
	d->decl_line = 0;
	if (mh_dw_integrate(&with, die, MH_DW_DECL_LINE) &&
	    mh_dw_number(&with, MH_DW_DECL_LINE, &n))
		d->decl_line = (uint32_t)n;
	if (mh_dw_integrate(&with, die, MH_DW_DECL_FILE) &&
	    mh_dw_number(&with, MH_DW_DECL_FILE, &n))
		d->file = decl_file(d, with.unit, (uint64_t)n);
	d->var = var;
	return d->name && d->type_text && d->file ? 0 : -1;
}

/* 1: the variable covers @addr and is described; 0: not; -1: out of memory. */
static int try_var(struct data *d, const struct mh_dw_var *var, uint64_t addr)
{
	struct mh_dw_die die;
	uint64_t size;

	if (d->var == var)
		return addr - var->addr < d->size;
	if (!read_var(d, var, &die))
		return 0;
	d->type = mh_dw_type_of(&die);
	size = mh_dw_type_size(d->type);
	size = size ? size : symbol_size(d, var->addr);
	d->var = NULL;
	if (addr - var->addr >= size)
		return 0;
	d->size = size;
	return describe(d, var, &die) ? -1 : 1;
}

static int find_var(struct data *d, uint64_t addr)
{
	const struct mh_dw_vars *vars = &d->m->vars;
	size_t at = mh_dw_vars_upto(vars, addr), back;
	int ret = 0;

	/* First the last variable again: it costs nothing. */
	if (d->var && addr - d->var->addr < d->size)
		return 1;
	for (back = 0; !ret && back < LOOK_BACK && at; back++)
		ret = try_var(d, &vars->v[--at], addr);
	return ret;
}

/* ---- results ---- */

static int put_linkage(struct data *d, const struct mh_elf_symbol *s, uint64_t addr,
		       struct mh_symbol *out)
{
	if (!s)
		return 0;
	out->linkage = mh_names_keep(&d->naming->names, s->name);
	out->linkage_offset = addr - s->addr;
	return out->linkage ? 0 : -1;
}

static int from_dwarf(struct data *d, uint64_t addr, struct mh_symbol *out)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s", d->name);
	mh_dw_type_path(d->type, addr - d->var->addr, path, sizeof(path));
	out->name = d->name;
	out->offset = addr - d->var->addr;
	out->size = d->size;
	out->type = d->type_text;
	out->file = d->file;
	out->line = d->decl_line;
	out->path = mh_names_keep(&d->naming->names, path);
	out->why = *out->type ? MH_NAMED : mh_module_lack(d->m);
	if (put_linkage(d, mh_elf_symbol_find(&d->m->names.data, addr), addr, out))
		return -1;
	return out->path ? 0 : -1;
}

static int from_symbol(struct data *d, uint64_t addr, struct mh_symbol *out)
{
	const struct mh_elf_symbol *s = mh_elf_symbol_find(&d->m->names.data, addr);
	enum mh_unnamed lack = mh_module_lack(d->m);
	char path[PATH_SIZE];

	if (!s) {
		out->why = lack == MH_UNNAMED_STRIPPED ? lack : MH_UNNAMED_NO_SYMBOL;
		return 0;
	}
	out->name = mh_names_readable(&d->naming->names, s->name);
	if (!out->name || put_linkage(d, s, addr, out))
		return -1;
	out->offset = addr - s->addr;
	out->size = s->size;
	out->why = lack;
	if (out->offset)
		snprintf(path, sizeof(path), "%s+%llu", out->name,
			 (unsigned long long)out->offset);
	else
		snprintf(path, sizeof(path), "%s", out->name);
	out->path = mh_names_keep(&d->naming->names, path);
	return out->path ? 0 : -1;
}

int mh_module_resolve_data(struct mh_module *m, struct mh_naming *naming,
			   const struct mh_module_item *items, size_t nr)
{
	struct data d = {
		.m = m, .naming = naming, .unit = UINT32_MAX, .split.elf.fd = -1
	};
	size_t i;
	int ret = mh_module_vars(m) ? 0 : -1;

	for (i = 0; !ret && i < nr; i++) {
		int found;

		if (i && items[i].vaddr == items[i - 1].vaddr) {
			const struct mh_symbol *same = items[i - 1].out;
			struct mh_symbol *out = items[i].out;
			const struct mh_mapping *mapping = out->mapping;

			*out = *same;
			out->mapping = mapping;
			continue;
		}
		found = find_var(&d, items[i].vaddr);
		if (found > 0)
			ret = from_dwarf(&d, items[i].vaddr, items[i].out);
		else
			ret = found < 0 ? -1
					: from_symbol(&d, items[i].vaddr, items[i].out);
	}
	unit_close(&d);
	return ret;
}
