/* SPDX-License-Identifier: MIT */
/*
 * Places to names: each place's mapping at its time gives a file, files are opened one
 * after the other, and all places of one file are named together.
 *
 * .bss is anonymous memory right behind a file's mapping; it is the file's as far as the
 * program headers say, since brk memory may follow without a gap.
 *
 * Not handled: text that was remapped to anonymous huge pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/vec.h"
#include "symbol/jit.h"
#include "symbol/module.h"

#define OPEN_MAX      32 /* modules that stay open for the next call */
#define BSS_STEPS_MAX 4  /* mappings between a file's and the address */
#define KERNEL_START  ((uint64_t)1 << 63)
#define VDSO_MAX      (64 << 10)

struct mh_symtab {
	const struct mh_maps *maps;
	struct mh_symtab_opts opts;
	struct mh_naming naming;
	struct {
		struct mh_module **v;
		size_t nr, cap;
	} modules;
	struct {
		uint32_t *v; /* open addressing: 1 + index of a module */
		size_t nr, cap;
	} by_path;
	size_t nr_open;
	struct mh_jits jits;
	struct mh_text_symbols kernel;
	bool kernel_read;
	uint64_t counts[MH_NR_UNNAMED];
};

int mh_symtab_new(struct mh_symtab **out, const struct mh_maps *maps,
		  const struct mh_symtab_opts *opts, struct mh_err *err)
{
	struct mh_symtab *st = calloc(1, sizeof(*st));

	*out = st;
	if (!st)
		return mh_fail(err, MH_ENOMEM, "no memory for names");
	st->maps = maps;
	if (opts)
		st->opts = *opts;
	if (!st->opts.cache_max)
		st->opts.cache_max = MH_CACHE_TOTAL_MAX;
	st->naming.opts = &st->opts;
	st->naming.names.raw = st->opts.no_demangle;
	return MH_OK;
}

void mh_symtab_free(struct mh_symtab *st)
{
	size_t i;

	if (!st)
		return;
	for (i = 0; i < st->modules.nr; i++) {
		mh_module_close(st->modules.v[i], &st->naming);
		free(st->modules.v[i]);
	}
	if (st->naming.cache_written)
		mh_cache_trim(st->opts.cache_dir, st->opts.cache_max);
	free(st->modules.v);
	free(st->by_path.v);
	mh_jits_fini(&st->jits);
	mh_text_symbols_fini(&st->kernel);
	mh_names_fini(&st->naming.names);
	free(st);
}

/* ---- modules by path and build-id; both are kept once by the maps ---- */

static uint32_t *module_slot(const struct mh_symtab *st, const char *path, const char *id)
{
	uint64_t h = ((uintptr_t)path ^ (uintptr_t)id << 7) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(h >> 32) & (st->by_path.cap - 1);

	while (st->by_path.v[i]) {
		const struct mh_module *m = st->modules.v[st->by_path.v[i] - 1];

		if (m->path == path && m->build_id == id)
			break;
		i = (i + 1) & (st->by_path.cap - 1);
	}
	return &st->by_path.v[i];
}

static int modules_room(struct mh_symtab *st)
{
	size_t cap = st->by_path.cap ? st->by_path.cap * 2 : 64, i;

	if (2 * (st->by_path.nr + 1) <= st->by_path.cap)
		return 0;
	free(st->by_path.v);
	st->by_path.v = calloc(cap, sizeof(*st->by_path.v));
	st->by_path.cap = st->by_path.v ? cap : 0;
	st->by_path.nr = 0;
	if (!st->by_path.v)
		return -1;
	for (i = 0; i < st->modules.nr; i++) {
		const struct mh_module *m = st->modules.v[i];

		*module_slot(st, m->path, m->build_id) = (uint32_t)i + 1;
		st->by_path.nr++;
	}
	return 0;
}

/* 1 + index; 0: out of memory. */
static uint32_t module_get(struct mh_symtab *st, const struct mh_mapping *map)
{
	struct mh_module *m, **entry;
	uint32_t *slot;

	if (modules_room(st))
		return 0;
	slot = module_slot(st, map->path, map->build_id);
	if (*slot)
		/* cppcheck-suppress identicalInnerCondition ; what it points to */
		return *slot;
	m = calloc(1, sizeof(*m));
	entry = m ? mh_vec_push(&st->modules) : NULL;
	if (!entry) {
		free(m);
		return 0;
	}
	m->path = map->path;
	m->build_id = map->build_id;
	m->debug_file = "";
	*entry = m;
	*slot = (uint32_t)st->modules.nr;
	st->by_path.nr++;
	return *slot;
}

size_t mh_vdso_image(const void **image)
{
	const char *base = (const char *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	size_t len = 0;
	FILE *f = fopen("/proc/self/maps", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long start, end;

		if (strstr(line, "[vdso]") &&
		    sscanf(line, "%llx-%llx", &start, &end) == 2 &&
		    start == (uintptr_t)base && end - start <= VDSO_MAX)
			len = (size_t)(end - start);
	}
	if (f)
		fclose(f);
	*image = len ? base : "";
	return len;
}

/* Ours will do, if it is the same. */
static int vdso_open(struct mh_symtab *st, struct mh_module *m, struct mh_err *err)
{
	char hex[2 * MH_BUILD_ID_MAX + 1];
	const void *image;
	size_t len = mh_vdso_image(&image);
	int ret = mh_module_open_memory(m, image, len, &st->naming, err);

	if (ret || !m->elf.handle)
		return ret;
	mh_hex(hex, m->elf.build_id, m->elf.build_id_len);
	if (*m->build_id && strcmp(hex, m->build_id) != 0) {
		mh_module_close(m, &st->naming);
		m->open = true;
		m->state = MH_BUILD_ID_STALE;
		m->why = MH_UNNAMED_STALE;
	} else if (*m->build_id) {
		m->state = MH_BUILD_ID_OK;
	}
	return MH_OK;
}

static bool is_vdso(const struct mh_mapping *m)
{
	return !strcmp(m->path, "[vdso]");
}

static int module_open(struct mh_symtab *st, struct mh_module *m, bool vdso,
		       struct mh_err *err)
{
	if (m->open)
		return MH_OK;
	st->nr_open++;
	return vdso ? vdso_open(st, m, err) : mh_module_open(m, &st->naming, err);
}

/* ---- places to work ---- */

struct work {
	uint32_t module;
	uint32_t query : 31;
	uint32_t bss : 1;             /* may be: the address is behind map */
	const struct mh_mapping *map; /* of the file */
};

/* Files that are memory: their pages have no other contents. */
static bool is_memory(const char *path)
{
	return path[0] != '/' || !strncmp(path, "/memfd:", 7) ||
	       !strncmp(path, "/SYSV", 5) || !strncmp(path, "/dev/zero", 9) ||
	       !strncmp(path, "/anon_hugepage", 14) || !strncmp(path, "//anon", 6);
}

static bool is_anonymous(const char *path)
{
	return path[0] != '/' || !strncmp(path, "//anon", 6);
}

static const struct mh_mapping *file_before(const struct mh_symtab *st,
					    const struct mh_symbol_query *p,
					    const struct mh_mapping *m)
{
	int i;

	for (i = 0; i < BSS_STEPS_MAX && m && is_anonymous(m->path); i++)
		m = m->addr.start ? mh_maps_find(st->maps, p->space, m->addr.start - 1,
						 p->time_ns)
				  : NULL;
	return m && !is_memory(m->path) ? m : NULL;
}

/* ---- code that has no file ---- */

static int without_file(struct mh_symtab *st, const struct mh_symbol_query *p,
			struct mh_symbol *out)
{
	out->kind = MH_SYMBOL_MAPPING;
	out->why = MH_UNNAMED_ANON;
	if (!(out->mapping->prot & PROT_EXEC))
		return 0;
	return mh_jits_name(&st->jits, st->maps, &st->opts, &st->naming.names, p, out);
}

static int in_kernel(struct mh_symtab *st, const struct mh_symbol_query *p,
		     struct mh_symbol *out)
{
	out->why = MH_UNNAMED_UNMAPPED;
	if (!st->opts.kallsyms)
		return 0;
	if (!st->kernel_read) {
		st->kernel_read = true;
		if (mh_kallsyms_read(&st->kernel, st->opts.kallsyms, &st->naming.names))
			return -1;
	}
	if (mh_text_symbols_name(&st->kernel, p->addr, MH_UNNAMED_NO_FILE,
				 &st->naming.names, out))
		return -1;
	if (out->name[0] && !out->module[0])
		out->module = "[kernel]";
	return 0;
}

/* 1: *w is to be done; 0: named, or nothing to do; -1: out of memory. */
static int place_to_work(struct mh_symtab *st, const struct mh_symbol_query *p,
			 struct mh_symbol *out, struct work *w)
{
	const struct mh_mapping *m;

	*out = (struct mh_symbol){ .why = MH_UNNAMED_UNMAPPED,
				   .module = "",
				   .section = "",
				   .linkage = "",
				   .module_index = MH_NO_MODULE,
				   .name = "",
				   .file = "",
				   .type = "",
				   .path = "",
				   .vaddr = p->addr };
	if (p->space == SIZE_MAX || p->addr >= KERNEL_START)
		return in_kernel(st, p, out);
	m = mh_maps_find(st->maps, p->space, p->addr, p->time_ns);
	out->mapping = m;
	if (!m)
		return 0;
	w->bss = is_memory(m->path) && !is_vdso(m);
	w->map = w->bss ? file_before(st, p, m) : m;
	if (!w->map)
		return without_file(st, p, out);
	w->module = module_get(st, w->map);
	return w->module-- ? 1 : -1;
}

/* ---- work, module by module ---- */

static int by_module(const void *a, const void *b)
{
	const struct work *x = a, *y = b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	if (x->map != y->map)
		return (uintptr_t)x->map < (uintptr_t)y->map ? -1 : 1;
	return 0;
}

/* Behind the file's bytes but within what its program headers ask for. */
static bool in_bss(const struct mh_elf *elf, uint64_t vaddr)
{
	size_t i;

	for (i = 0; i < elf->nr_loads; i++) {
		const struct mh_elf_load *l = &elf->loads[i];

		if (vaddr - l->vaddr < l->memsz && vaddr - l->vaddr >= l->filesz)
			return true;
	}
	return false;
}

/* 1: *item is to be named in the module; 0: settled; -1: out of memory. */
static int work_to_item(struct mh_symtab *st, const struct mh_module *m,
			const struct work *w, const struct mh_symbol_query *p,
			struct mh_symbol *out, struct mh_module_item *item)
{
	uint64_t bias;
	bool placed;

	if (is_vdso(w->map) && m->elf.nr_loads) {
		bias = w->map->addr.start - m->elf.loads[0].vaddr;
		placed = true;
	} else {
		placed = mh_elf_bias(&m->elf, w->map, &bias);
	}
	if (w->bss && (!placed || !in_bss(&m->elf, p->addr - bias)))
		return without_file(st, p, out);
	out->module = m->path;
	out->module_index = w->module;
	if (!placed && m->elf.handle) {
		/* Mapped as data, by a program that reads ELF files. */
		out->kind = MH_SYMBOL_MAPPING;
		out->build_id_state = m->state;
		out->why = MH_UNNAMED_NO_SYMBOL;
		return 0;
	}
	out->vaddr =
		placed ? p->addr - bias : w->map->pgoff + p->addr - w->map->addr.start;
	*item = (struct mh_module_item){ out->vaddr, out };
	return 1;
}

static int one_module(struct mh_symtab *st, const struct work *w, size_t nr,
		      const struct mh_symbol_query *places, struct mh_symbol *out,
		      struct mh_module_item *items, struct mh_err *err)
{
	struct mh_module *m = st->modules.v[w->module];
	size_t i, nr_items = 0;
	int ret = module_open(st, m, is_vdso(w->map), err);

	for (i = 0; !ret && i < nr; i++) {
		int what = work_to_item(st, m, &w[i], &places[w[i].query],
					&out[w[i].query], &items[nr_items]);

		if (what < 0)
			return mh_fail(err, MH_ENOMEM, "no memory for names");
		nr_items += what > 0;
	}
	if (ret)
		return ret;
	ret = mh_module_resolve(m, &st->naming, items, nr_items, err);
	m->nr_places += nr_items;
	for (i = 0; i < nr_items; i++)
		m->nr_unnamed += items[i].out->why != MH_NAMED;
	if (st->nr_open > OPEN_MAX) {
		enum mh_unnamed why = m->why;

		mh_module_close(m, &st->naming);
		m->why = why;
		st->nr_open--;
	}
	return ret;
}

int mh_symtab_resolve(struct mh_symtab *st, const struct mh_symbol_query *places,
		      size_t nr, struct mh_symbol *out, struct mh_err *err)
{
	struct work *works = malloc((nr + 1) * sizeof(*works));
	struct mh_module_item *items = malloc((nr + 1) * sizeof(*items));
	size_t nr_works = 0, i, next;
	int ret = works && items ? MH_OK : mh_fail(err, MH_ENOMEM, "no memory for names");

	mh_assert(nr < INT32_MAX);
	for (i = 0; !ret && i < nr; i++) {
		int what = place_to_work(st, &places[i], &out[i], &works[nr_works]);

		works[nr_works].query = (uint32_t)i;
		nr_works += what > 0;
		if (what < 0)
			ret = mh_fail(err, MH_ENOMEM, "no memory for names");
	}
	if (!ret)
		qsort(works, nr_works, sizeof(*works), by_module);
	for (i = 0; !ret && i < nr_works; i = next) {
		for (next = i + 1; next < nr_works; next++) {
			if (works[next].module != works[i].module)
				break;
		}
		ret = one_module(st, works + i, next - i, places, out, items, err);
	}
	for (i = 0; !ret && i < nr; i++)
		st->counts[out[i].why]++;
	free(works);
	free(items);
	return ret;
}

/* ---- what code accesses ---- */

struct wanted {
	const struct mh_symbol *code;
	struct mh_access_type *out;
};

static int by_code(const void *a, const void *b)
{
	const struct mh_symbol *x = ((const struct wanted *)a)->code;
	const struct mh_symbol *y = ((const struct wanted *)b)->code;

	if (x->module_index != y->module_index)
		return x->module_index < y->module_index ? -1 : 1;
	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static int module_accesses(struct mh_symtab *st, const struct wanted *w, size_t nr,
			   struct mh_module_access *items, struct mh_err *err)
{
	struct mh_module *m = st->modules.v[w->code->module_index];
	int ret = module_open(st, m, !strcmp(m->path, "[vdso]"), err);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		items[i] = (struct mh_module_access){ w[i].code->vaddr, w[i].out };
	ret = mh_module_accesses(m, &st->naming, items, nr, err);
	if (st->nr_open > OPEN_MAX) {
		mh_module_close(m, &st->naming);
		st->nr_open--;
	}
	return ret;
}

int mh_symtab_access_types(struct mh_symtab *st, const struct mh_symbol *code, size_t nr,
			   struct mh_access_type *out, struct mh_err *err)
{
	struct wanted *w = malloc((nr + 1) * sizeof(*w));
	struct mh_module_access *items = malloc((nr + 1) * sizeof(*items));
	size_t i, next, n = 0;
	int ret = w && items ? MH_OK
			     : mh_fail(err, MH_ENOMEM, "no memory for types of accesses");

	for (i = 0; !ret && i < nr; i++) {
		out[i] = (struct mh_access_type){ .why = MH_UNTYPED_NO_CODE,
						  .type = "",
						  .member = "" };
		if (code[i].kind == MH_SYMBOL_CODE &&
		    code[i].module_index != MH_NO_MODULE)
			w[n++] = (struct wanted){ &code[i], &out[i] };
	}
	if (!ret)
		qsort(w, n, sizeof(*w), by_code);
	for (i = 0; !ret && i < n; i = next) {
		for (next = i + 1; next < n; next++) {
			if (w[next].code->module_index != w[i].code->module_index)
				break;
		}
		ret = module_accesses(st, w + i, next - i, items, err);
	}
	free(w);
	free(items);
	return ret;
}

/* ---- all that a module has ---- */

static int add_objects(struct mh_symtab *st, const struct mh_module *m,
		       const struct mh_elf_symbols *from, int code,
		       struct mh_symtab_object *out)
{
	size_t i;

	for (i = 0; i < from->nr; i++) {
		const struct mh_elf_section *sec =
			mh_elf_section_at(&m->elf, from->v[i].addr);

		out[i] = (struct mh_symtab_object){
			.name = mh_names_keep(&st->naming.names, from->v[i].name),
			.section = mh_names_keep(&st->naming.names, sec ? sec->name : ""),
			.vaddr = from->v[i].addr,
			.size = from->v[i].size,
			.code = code,
			.local = from->v[i].local
		};
		if (!out[i].name || !out[i].section)
			return -1;
	}
	return 0;
}

int mh_symtab_objects(struct mh_symtab *st, size_t i, struct mh_symtab_object **out,
		      size_t *nr, struct mh_err *err)
{
	struct mh_module *m = st->modules.v[i];
	int ret = module_open(st, m, !strcmp(m->path, "[vdso]"), err);

	*out = NULL;
	*nr = 0;
	if (!ret)
		ret = mh_module_load(m, err);
	if (ret)
		return ret;
	*out = calloc(m->names.code.nr + m->names.data.nr + 1, sizeof(**out));
	if (!*out || add_objects(st, m, &m->names.code, 1, *out) ||
	    add_objects(st, m, &m->names.data, 0, *out + m->names.code.nr)) {
		free(*out);
		*out = NULL;
		return mh_fail(err, MH_ENOMEM, "no memory for names");
	}
	*nr = m->names.code.nr + m->names.data.nr;
	return MH_OK;
}

/* ---- finding ---- */

static bool is_called(struct mh_symtab *st, const char *raw, const char *name)
{
	size_t len = strlen(name);
	const char *readable;

	if (!strncmp(raw, name, len))
		return !raw[len] ||
		       (raw[len] == '.' && raw[len + 1] >= '0' && raw[len + 1] <= '9');
	if (strncmp(raw, "_Z", 2) != 0 && strncmp(raw, "_R", 2) != 0)
		return false;
	readable = mh_names_readable(&st->naming.names, raw);
	return readable && !strcmp(readable, name);
}

struct find {
	const char *name;
	int (*fn)(void *arg, size_t space, struct mh_range addr);
	void *arg;
};

static int find_in(struct mh_symtab *st, const struct mh_module *m,
		   const struct mh_mapping *map, const struct find *f)
{
	uint64_t bias;
	size_t i;
	int ret = 0;

	if (!mh_elf_bias(&m->elf, map, &bias))
		return 0;
	for (i = 0; !ret && i < m->names.data.nr; i++) {
		const struct mh_elf_symbol *sym = &m->names.data.v[i];

		if (sym->size && is_called(st, sym->name, f->name))
			ret = f->fn(f->arg, map->space,
				    (struct mh_range){ sym->addr + bias,
						       sym->addr + bias + sym->size });
	}
	return ret;
}

/* A file's pieces stand together and share what their addresses differ by. */
static bool is_next_piece(const struct mh_mapping *maps, size_t i)
{
	return i && maps[i - 1].path == maps[i].path &&
	       maps[i - 1].build_id == maps[i].build_id &&
	       maps[i - 1].pgoff < maps[i].pgoff;
}

int mh_symtab_find(struct mh_symtab *st, const char *name,
		   int (*fn)(void *arg, size_t space, struct mh_range addr), void *arg,
		   struct mh_err *err)
{
	const struct find f = { name, fn, arg };
	size_t space, i, nr;
	int ret = MH_OK;

	for (space = 0; !ret && space < mh_maps_nr_spaces(st->maps); space++) {
		const struct mh_mapping *maps = mh_maps_of(st->maps, space, &nr);

		for (i = 0; !ret && i < nr; i++) {
			struct mh_module *m;
			uint32_t slot;

			if (is_memory(maps[i].path) || is_next_piece(maps, i))
				continue;
			slot = module_get(st, &maps[i]);
			if (!slot)
				return mh_fail(err, MH_ENOMEM, "no memory for names");
			m = st->modules.v[slot - 1];
			ret = module_open(st, m, false, err);
			if (!ret)
				ret = mh_module_load(m, err);
			if (!ret)
				ret = find_in(st, m, &maps[i], &f);
			if (st->nr_open > OPEN_MAX) {
				mh_module_close(m, &st->naming);
				st->nr_open--;
			}
		}
	}
	return ret;
}

/* ---- telling ---- */

const uint64_t *mh_symtab_counts(const struct mh_symtab *st)
{
	return st->counts;
}

size_t mh_symtab_nr_modules(const struct mh_symtab *st)
{
	return st->modules.nr;
}

struct mh_symtab_module mh_symtab_module(const struct mh_symtab *st, size_t i)
{
	const struct mh_module *m = st->modules.v[i];

	mh_assert(i < st->modules.nr);
	return (struct mh_symtab_module){ .path = m->path,
					  .build_id = m->build_id,
					  .debug_file = m->debug_file,
					  .state = m->state,
					  .why = m->why,
					  .nr_places = m->nr_places,
					  .nr_unnamed = m->nr_unnamed };
}

const char *mh_unnamed_words(enum mh_unnamed why)
{
	static const char *const words[MH_NR_UNNAMED] = {
		[MH_NAMED] = "named",
		[MH_UNNAMED_UNMAPPED] = "not mapped",
		[MH_UNNAMED_ANON] = "memory without a file",
		[MH_UNNAMED_NO_FILE] = "file not found",
		[MH_UNNAMED_STALE] = "build-id differs from the recorded one",
		[MH_UNNAMED_NOT_ELF] = "not an ELF file",
		[MH_UNNAMED_STRIPPED] = "stripped",
		[MH_UNNAMED_NO_SYMBOL] = "no symbol covers it",
		[MH_UNNAMED_NO_DEBUG] = "no debug information",
		[MH_UNNAMED_NO_LINE] = "not in the debug information",
		[MH_UNNAMED_COMPRESSED] = "debug information not compressed by zlib",
		[MH_UNNAMED_SPLIT] = "split debug information not found",
		[MH_UNNAMED_DAMAGED] = "debug information damaged",
		[MH_UNNAMED_JIT] = "generated code without a perf map or jitdump",
	};

	return (unsigned)why < MH_NR_UNNAMED ? words[why] : "?";
}
