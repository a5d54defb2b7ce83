/* SPDX-License-Identifier: MIT */
/*
 * Names of generated code. A compiler that writes a jitdump file maps a page of it, so
 * the recorded mappings have its path; a perf map is found by the number of the process.
 * The jitdump goes first: it knows when addresses were used again.
 *
 * Not handled: a jitdump in another mount namespace; several of one address space, of
 * which the first is taken.
 */
#include "symbol/jit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

void mh_jits_fini(struct mh_jits *jits)
{
	size_t i;

	for (i = 0; i < jits->maps.nr; i++)
		mh_text_symbols_fini(&jits->maps.v[i].symbols);
	for (i = 0; i < jits->dumps.nr; i++)
		mh_jitdump_fini(&jits->dumps.v[i].dump);
	free(jits->maps.v);
	free(jits->dumps.v);
	free(jits->spaces.v);
	memset(jits, 0, sizeof(*jits));
}

/* ---- perf maps ---- */

static int ns_pid(uint32_t pid)
{
	char path[64], line[256];
	int inner = -1, n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *last;

		if (strncmp(line, "NSpid:", 6))
			continue;
		last = strrchr(line, '\t');
		if (last && sscanf(last, "%d", &n) == 1)
			inner = n;
	}
	if (f)
		fclose(f);
	return inner;
}

static int map_read(struct mh_jit_map *map, const struct mh_symtab_opts *opts,
		    struct mh_names *names)
{
	const char *dir = opts->perf_map_dir ? opts->perf_map_dir : "/tmp";
	char path[PATH_MAX];
	int inner;

	snprintf(path, sizeof(path), "%s/perf-%u.map", dir, map->pid);
	if (mh_perf_map_read(&map->symbols, path, names))
		return -1;
	if (map->symbols.nr || opts->perf_map_dir)
		return 0;
	/* In a container that still runs the file is elsewhere and has another number. */
	inner = ns_pid(map->pid);
	if (inner <= 0)
		return 0;
	mh_text_symbols_fini(&map->symbols);
	snprintf(path, sizeof(path), "/proc/%u/root/tmp/perf-%d.map", map->pid, inner);
	return mh_perf_map_read(&map->symbols, path, names);
}

static const struct mh_text_symbols *map_of(struct mh_jits *jits, uint32_t pid,
					    const struct mh_symtab_opts *opts,
					    struct mh_names *names)
{
	struct mh_jit_map *map;
	size_t i;

	for (i = 0; i < jits->maps.nr; i++) {
		if (jits->maps.v[i].pid == pid)
			return &jits->maps.v[i].symbols;
	}
	map = mh_vec_push(&jits->maps);
	if (!map)
		return NULL;
	map->pid = pid;
	return map_read(map, opts, names) ? NULL : &map->symbols;
}

/* ---- jitdump files ---- */

/* jit-PID.dump, where PID may be another namespace's. */
static bool is_jitdump(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t nr;

	if (!slash || strncmp(slash, "/jit-", 5) != 0)
		return false;
	nr = strspn(slash + 5, "0123456789");
	return nr && !strcmp(slash + 5 + nr, ".dump");
}

/* The file that a space maps; NULL. */
static const char *path_of(const struct mh_maps *maps, size_t space)
{
	size_t nr, i;
	const struct mh_mapping *m = mh_maps_of(maps, space, &nr);

	for (i = 0; i < nr; i++) {
		if (is_jitdump(m[i].path))
			return m[i].path;
	}
	return NULL;
}

static int dump_read(struct mh_jit_dump *dump, const struct mh_symtab_opts *opts,
		     struct mh_names *names)
{
	char path[2 * PATH_MAX];
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "%s%s", opts->sysroot ? opts->sysroot : "",
		 dump->path);
	f = mh_trusted_open(path);
	if (!f)
		return 0;
	ret = mh_jitdump_read(&dump->dump, f, names);
	fclose(f);
	return ret ? ret : mh_jitdump_index(&dump->dump);
}

/* 0: *at says where it is; negative: out of memory. */
static int dump_get(struct mh_jits *jits, size_t *at, const char *path,
		    const struct mh_symtab_opts *opts, struct mh_names *names)
{
	struct mh_jit_dump *dump;

	for (*at = 0; *at < jits->dumps.nr; (*at)++) {
		if (jits->dumps.v[*at].path == path)
			return 0;
	}
	dump = mh_vec_push(&jits->dumps);
	if (!dump)
		return -1;
	dump->path = path;
	return dump_read(dump, opts, names);
}

/* NULL in *out: the space has none. */
static int dump_of(const struct mh_jitdump **out, struct mh_jits *jits,
		   const struct mh_maps *maps, size_t space,
		   const struct mh_symtab_opts *opts, struct mh_names *names)
{
	struct mh_jit_space *known;
	const char *path;
	size_t i;

	*out = NULL;
	for (i = 0; i < jits->spaces.nr && jits->spaces.v[i].space != space; i++)
		;
	if (i == jits->spaces.nr) {
		known = mh_vec_push(&jits->spaces);
		if (!known)
			return -1;
		*known = (struct mh_jit_space){ space, SIZE_MAX };
		path = path_of(maps, space);
		if (path && dump_get(jits, &known->dump, path, opts, names))
			return -1;
	} else {
		known = &jits->spaces.v[i];
	}
	if (known->dump != SIZE_MAX && jits->dumps.v[known->dump].dump.nr)
		*out = &jits->dumps.v[known->dump].dump;
	return 0;
}

/* ---- naming ---- */

static int named(struct mh_symbol *out, const struct mh_symbol_frame *frame,
		 struct mh_range addr, uint64_t offset, struct mh_names *names)
{
	struct mh_symbol_frame *room = mh_names_room(names, sizeof(*room));

	if (!room)
		return -1;
	*room = *frame;
	out->kind = MH_SYMBOL_CODE;
	out->why = frame->line ? MH_NAMED : MH_UNNAMED_NO_DEBUG;
	out->name = frame->function;
	out->file = frame->file;
	out->line = frame->line;
	out->offset = offset;
	out->size = addr.end == UINT64_MAX ? 0 : mh_range_len(addr);
	out->frames = room;
	out->nr_frames = 1;
	return 0;
}

int mh_text_symbols_name(const struct mh_text_symbols *symbols, uint64_t addr,
			 enum mh_unnamed why_not, struct mh_names *names,
			 struct mh_symbol *out)
{
	const struct mh_text_symbol *t = mh_text_symbols_find(symbols, addr);

	if (!t) {
		out->why = symbols->nr ? MH_UNNAMED_NO_SYMBOL : why_not;
		return 0;
	}
	out->module = t->module;
	return named(out, &(struct mh_symbol_frame){ .function = t->name, .file = "" },
		     t->addr, addr - t->addr.start, names);
}

static int by_dump(const struct mh_jitdump *dump, const struct mh_jit_code *code,
		   uint64_t addr, struct mh_names *names, struct mh_symbol *out)
{
	uint64_t offset = addr - code->addr.start;
	const struct mh_jit_line *line = mh_jitdump_line(dump, code, offset);
	struct mh_symbol_frame frame = { .function = code->name, .file = "" };

	if (line) {
		frame.file = line->file;
		frame.line = line->line;
		frame.discriminator = line->discriminator;
	}
	return named(out, &frame, code->addr, offset, names);
}

int mh_jits_name(struct mh_jits *jits, const struct mh_maps *maps,
		 const struct mh_symtab_opts *opts, struct mh_names *names,
		 const struct mh_symbol_query *p, struct mh_symbol *out)
{
	const struct mh_text_symbols *symbols;
	const struct mh_jit_code *code;
	const struct mh_jitdump *dump;

	if (dump_of(&dump, jits, maps, p->space, opts, names))
		return -1;
	code = dump ? mh_jitdump_find(dump, p->addr, p->time_ns) : NULL;
	if (code)
		return by_dump(dump, code, p->addr, names, out);
	symbols = map_of(jits, mh_maps_space(maps, p->space)->pid, opts, names);
	if (!symbols)
		return -1;
	return mh_text_symbols_name(symbols, p->addr,
				    dump ? MH_UNNAMED_NO_SYMBOL : MH_UNNAMED_JIT, names,
				    out);
}

/* ---- over time ---- */

struct mh_jit_times {
	struct mh_symtab_opts opts;
	struct mh_names names;
	struct mh_jits jits;
	size_t *dumps; /* of each space, in jits; SIZE_MAX: none */
	size_t nr;
};

void mh_jit_times_free(struct mh_jit_times *t)
{
	if (!t)
		return;
	mh_jits_fini(&t->jits);
	mh_names_fini(&t->names);
	free(t->dumps);
	free(t);
}

static int add_space(struct mh_jit_times *t, const struct mh_maps *maps, size_t space)
{
	const char *path = path_of(maps, space);

	t->dumps[space] = SIZE_MAX;
	return path ? dump_get(&t->jits, &t->dumps[space], path, &t->opts, &t->names) : 0;
}

int mh_jit_times_new(struct mh_jit_times **out, const struct mh_maps *maps,
		     struct mh_err *err)
{
	struct mh_jit_times *t = *out = calloc(1, sizeof(*t));
	size_t space;
	int ret = 0;

	if (t)
		t->nr = mh_maps_nr_spaces(maps);
	if (t)
		t->dumps = calloc(t->nr + 1, sizeof(*t->dumps));
	for (space = 0; t && t->dumps && !ret && space < t->nr; space++)
		ret = add_space(t, maps, space);
	if (t && t->dumps && !ret && t->jits.dumps.nr)
		return MH_OK;
	ret = !t || !t->dumps || ret
		      ? mh_fail(err, MH_ENOMEM, "no memory for jitdump files")
		      : MH_OK;
	mh_jit_times_free(t);
	*out = NULL;
	return ret;
}

uint32_t mh_jit_times_at(const struct mh_jit_times *t, size_t space, uint64_t addr,
			 uint64_t time_ns)
{
	const struct mh_jitdump *dump;
	const struct mh_jit_code *code;

	if (space >= t->nr || t->dumps[space] == SIZE_MAX)
		return 0;
	dump = &t->jits.dumps.v[t->dumps[space]].dump;
	code = dump->nr ? mh_jitdump_find(dump, addr, time_ns) : NULL;
	return code ? (uint32_t)(code - dump->v) + 1 : 0;
}
