/* SPDX-License-Identifier: MIT */
/*
 * Names of code: addresses are dealt to the compilation units that own them; then each
 * unit's line program is decoded once and its DIEs are walked once, for all of its
 * addresses together. Units without addresses are not touched.
 *
 * The name of a function that is not inlined is its ELF symbol's where there is one:
 * it tells clones (.cold, .constprop) apart.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "base/vec.h"
#include "symbol/module.h"

#define TABLES_MAX ((size_t)8 << 20) /* bytes of abbreviations to keep between units */
#define FRAMES_MAX 128

/* ---- which unit owns an address ---- */

static int by_start(const void *a, const void *b)
{
	const struct mh_cu_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

static int add_unit(struct mh_module *m, uint32_t number, struct mh_dw_ranges *ranges)
{
	struct mh_dw_unit *u = &m->dw.units.v[number];
	struct mh_dw_die die;
	size_t i;

	if ((u->type != DW_UT_compile && u->type != DW_UT_skeleton) ||
	    !mh_dw_unit_load(u) || !mh_dw_die_read(&die, u, u->die))
		return 0;
	if (!mh_dw_die_ranges(&die, ranges))
		return -1;
	for (i = 0; i < ranges->nr; i++) {
		struct mh_cu_range *slot = mh_vec_push(&m->cus);

		if (!slot)
			return -1;
		slot->start = ranges->v[i].start;
		slot->end = ranges->v[i].end;
		slot->unit = number;
	}
	return 0;
}

static int cus_make(struct mh_module *m)
{
	struct mh_dw_ranges ranges = { 0 };
	uint64_t reach = 0;
	size_t i;
	int ret = 0;

	m->cus.made = true;
	for (i = 0; !ret && i < m->dw.nr_info_units; i++) {
		ret = add_unit(m, (uint32_t)i, &ranges);
		mh_dw_unit_release(&m->dw.units.v[i]);
		mh_dwarf_trim(&m->dw, TABLES_MAX);
	}
	free(ranges.v);
	if (m->cus.nr)
		qsort(m->cus.v, m->cus.nr, sizeof(*m->cus.v), by_start);
	for (i = 0; i < m->cus.nr; i++) {
		if (m->cus.v[i].end > reach)
			reach = m->cus.v[i].end;
		m->cus.v[i].reach = reach;
	}
	return ret;
}

bool mh_module_units(struct mh_module *m)
{
	return !m->has_dwarf || m->cus.made || !cus_make(m);
}

uint32_t mh_module_owner(struct mh_module *m, uint64_t addr)
{
	size_t lo = 0, hi = m->cus.nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (m->cus.v[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo && m->cus.v[lo - 1].reach > addr && mh_dw_burn(&m->fuel, 1); lo--) {
		if (addr < m->cus.v[lo - 1].end)
			return m->cus.v[lo - 1].unit;
	}
	return MH_NO_UNIT;
}

/* ---- one unit ---- */

struct wanted {
	uint64_t addr;
	uint32_t unit;
	uint32_t item; /* the first of this address */
};

struct code {
	struct mh_module *m;
	struct mh_naming *naming;
	const struct mh_module_item *items;
	size_t nr_items;

	/* of the unit in work */
	uint64_t *addrs;
	struct mh_dw_row *rows;
	uint32_t *inner;
	struct mh_dw_scopes scopes;
	struct mh_dw_unit *walked; /* its scopes' unit; NULL: none */
	struct mh_dw_line line;
	bool no_split;

	/* the last chain that was made, which neighbours often share */
	const struct mh_symbol_frame *frames;
	uint32_t nr_frames, last_inner;
	struct mh_dw_row last_row;
	const struct mh_elf_symbol *last_symbol;
};

static const char *scope_name(struct code *c, struct mh_dw_scope *s)
{
	struct mh_dw_die die, with;
	const char *raw = NULL;
	int64_t n;

	if (s->name)
		return s->name;
	if (mh_dw_die_read(&die, c->walked, s->die)) {
		if (mh_dw_integrate(&with, &die, MH_DW_LINKAGE_NAME))
			raw = mh_dw_string(&with, MH_DW_LINKAGE_NAME);
		if (!raw && mh_dw_integrate(&with, &die, MH_DW_NAME))
			raw = mh_dw_string(&with, MH_DW_NAME);
		if (mh_dw_integrate(&with, &die, MH_DW_DECL_LINE) &&
		    mh_dw_number(&with, MH_DW_DECL_LINE, &n))
			s->decl_line = (uint32_t)n;
	}
	s->name = mh_names_readable(&c->naming->names, raw ? raw : "");
	return s->name;
}

/* NULL: out of memory. */
static const char *file_name(struct code *c, uint64_t number)
{
	struct mh_dw_line_file *f = mh_dw_line_file(&c->line, number);
	char path[MH_PATH_MAX];

	if (!f)
		return "";
	if (!f->path) {
		if (!mh_dw_line_path(&c->line, f, path, sizeof(path)))
			return "";
		f->path = mh_names_keep(&c->naming->names, path);
	}
	return f->path;
}

static bool same_chain(const struct code *c, uint32_t inner, const struct mh_dw_row *row,
		       const struct mh_elf_symbol *symbol)
{
	return c->frames && c->last_inner == inner && c->last_symbol == symbol &&
	       c->last_row.found == row->found && c->last_row.file == row->file &&
	       c->last_row.line == row->line && c->last_row.column == row->column &&
	       c->last_row.discriminator == row->discriminator;
}

/* Innermost first: a function is where its inner one was called. */
static int chain_make(struct code *c, uint32_t inner, const struct mh_dw_row *row,
		      const struct mh_elf_symbol *symbol)
{
	struct mh_symbol_frame frames[FRAMES_MAX], *kept;
	uint32_t nr = 0, s = inner;
	const char *file = row->found ? file_name(c, row->file) : "";
	uint32_t line = row->found ? row->line : 0;
	uint32_t column = row->found ? row->column : 0;
	uint32_t discriminator = row->found ? row->discriminator : 0;
	size_t i;

	for (;;) {
		struct mh_dw_scope *scope = s ? &c->scopes.v[s - 1] : NULL;

		frames[nr].function = scope ? scope_name(c, scope) : "";
		frames[nr].file = file;
		frames[nr].start_line = scope ? scope->decl_line : 0;
		frames[nr].column = column;
		frames[nr].discriminator = discriminator;
		frames[nr++].line = line;
		if (!scope || !scope->inlined || !scope->parent || nr == FRAMES_MAX)
			break;
		file = file_name(c, scope->call_file);
		line = scope->call_line > UINT32_MAX ? 0 : (uint32_t)scope->call_line;
		column = (uint32_t)scope->call_column;
		discriminator = (uint32_t)scope->call_discriminator;
		s = scope->parent;
	}
	if (symbol)
		frames[nr - 1].function =
			mh_names_readable(&c->naming->names, symbol->name);
	/* Without lines the symbol table may still know the file, of static functions. */
	if (symbol && symbol->file && frames[nr - 1].file && !*frames[nr - 1].file)
		frames[nr - 1].file = mh_names_keep(&c->naming->names, symbol->file);
	kept = mh_names_room(&c->naming->names, nr * sizeof(*kept));
	if (!kept)
		return -1;
	for (i = 0; i < nr; i++) {
		kept[i] = frames[i];
		if (!kept[i].function || !kept[i].file)
			return -1;
	}
	c->frames = kept;
	c->nr_frames = nr;
	c->last_inner = inner;
	c->last_row = *row;
	c->last_symbol = symbol;
	return 0;
}

static enum mh_unnamed why(const struct code *c, const struct mh_symbol *out,
			   bool has_unit)
{
	if (!*out->name) {
		enum mh_unnamed lack = mh_module_lack(c->m);

		return lack == MH_UNNAMED_STRIPPED ? lack : MH_UNNAMED_NO_SYMBOL;
	}
	if (!has_unit)
		return mh_module_lack(c->m);
	if (c->no_split)
		return MH_UNNAMED_SPLIT;
	return out->line ? MH_NAMED : mh_module_lack(c->m);
}

/* Set the result of one address, and of all items that ask for it. */
static int put(struct code *c, const struct wanted *w, uint32_t inner,
	       const struct mh_dw_row *row, bool has_unit)
{
	const struct mh_elf_symbol *symbol =
		mh_elf_symbol_find(&c->m->names.code, w->addr);
	const char *linkage =
		symbol ? mh_names_keep(&c->naming->names, symbol->name) : "";
	size_t i;

	if (!linkage)
		return -1;
	if (!same_chain(c, inner, row, symbol) && chain_make(c, inner, row, symbol))
		return -1;
	for (i = w->item; i < c->nr_items && c->items[i].vaddr == w->addr; i++) {
		struct mh_symbol *out = c->items[i].out;

		out->frames = c->frames;
		out->nr_frames = (uint16_t)c->nr_frames;
		out->name = c->frames[0].function;
		out->file = c->frames[0].file;
		out->line = c->frames[0].line;
		out->offset = symbol ? w->addr - symbol->addr : 0;
		out->size = symbol ? symbol->size : 0;
		out->linkage = linkage;
		out->linkage_offset = out->offset;
		out->why = why(c, out, has_unit);
	}
	return 0;
}

/* A lambda's code is described inside the function around it, which does not cover it:
 * look everywhere for functions that were not found but are known to be there. */
static bool needs_whole_walk(const struct code *c, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!c->inner[i] && mh_elf_symbol_find(&c->m->names.code, c->addrs[i]))
			return true;
	}
	return false;
}

static int find_scopes(struct code *c, struct mh_dw_unit *u, size_t nr)
{
	c->walked = u;
	if (!mh_dw_scopes_find(&c->scopes, u, false, c->addrs, nr, c->inner))
		return -1;
	if (c->scopes.nr && needs_whole_walk(c, nr) &&
	    !mh_dw_scopes_find(&c->scopes, u, true, c->addrs, nr, c->inner))
		return -1;
	return 0;
}

/* Lines are in the file that was linked, the DIEs may be in a split unit. */
static int decode_unit(struct code *c, struct mh_dw_unit *u, struct mh_split *split,
		       size_t nr)
{
	if (mh_dw_line_open(&c->line, u))
		mh_dw_line_run(&c->line, c->addrs, nr, c->rows);
	if (u->dw->elf)
		mh_elf_release(u->dw->elf, c->line.program.p,
			       mh_rbuf_left(&c->line.program));
	if (!u->dwo_name)
		return find_scopes(c, u, nr);
	c->no_split = mh_split_open(split, &c->m->dwp, u, c->m->dir_path, NULL) != MH_OK;
	c->m->incomplete |= c->no_split;
	return c->no_split ? 0 : find_scopes(c, split->unit, nr);
}

static int resolve_unit(struct code *c, const struct wanted *w, size_t nr)
{
	struct mh_dw_unit *u = &c->m->dw.units.v[w->unit];
	struct mh_split split = { .elf.fd = -1 };
	bool loaded;
	size_t i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		c->addrs[i] = w[i].addr;
		c->rows[i] = (struct mh_dw_row){ 0 };
		c->inner[i] = 0;
	}
	c->scopes.nr = 0;
	c->frames = NULL;
	c->no_split = false;
	loaded = mh_dw_unit_load(u);
	if (loaded)
		ret = decode_unit(c, u, &split, nr);
	for (i = 0; !ret && i < nr; i++)
		ret = put(c, &w[i], c->inner[i], &c->rows[i], loaded);
	mh_dw_line_fini(&c->line);
	if (split.unit) {
		mh_names_forget(&c->naming->names);
		mh_split_close(&split);
	}
	mh_dw_unit_release(u);
	mh_dwarf_trim(&c->m->dw, TABLES_MAX);
	return ret;
}

/* ---- all units ---- */

static int by_unit(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* One entry per distinct address, grouped by unit. */
static size_t deal(struct code *c, struct wanted *w)
{
	size_t i, nr = 0;

	for (i = 0; i < c->nr_items; i++) {
		if (i && c->items[i].vaddr == c->items[i - 1].vaddr)
			continue;
		w[nr++] =
			(struct wanted){ .addr = c->items[i].vaddr,
					 .unit = mh_module_owner(c->m, c->items[i].vaddr),
					 .item = (uint32_t)i };
	}
	qsort(w, nr, sizeof(*w), by_unit);
	return nr;
}

static int resolve_all(struct code *c, const struct wanted *w, size_t nr)
{
	static const struct mh_dw_row no_row;
	size_t i = 0, next;
	int ret = 0;

	for (; !ret && i < nr; i = next) {
		for (next = i + 1; next < nr && w[next].unit == w[i].unit; next++)
			;
		if (w[i].unit != MH_NO_UNIT) {
			ret = resolve_unit(c, w + i, next - i);
			continue;
		}
		for (; !ret && i < next; i++) {
			c->frames = NULL;
			ret = put(c, &w[i], 0, &no_row, false);
		}
	}
	return ret;
}

int mh_module_resolve_code(struct mh_module *m, struct mh_naming *naming,
			   const struct mh_module_item *items, size_t nr)
{
	struct code c = { .m = m, .naming = naming, .items = items, .nr_items = nr };
	struct wanted *w = malloc(nr * sizeof(*w));
	int ret = -1;

	c.addrs = malloc(nr * sizeof(*c.addrs));
	c.rows = malloc(nr * sizeof(*c.rows));
	c.inner = malloc(nr * sizeof(*c.inner));
	if (!w || !c.addrs || !c.rows || !c.inner)
		goto out;
	if (!mh_module_units(m))
		goto out;
	ret = resolve_all(&c, w, deal(&c, w));
out:
	free(w);
	free(c.addrs);
	free(c.rows);
	free(c.inner);
	free(c.scopes.v);
	return ret;
}
