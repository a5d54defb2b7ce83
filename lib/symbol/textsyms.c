/* SPDX-License-Identifier: MIT */
/*
 * Text symbol tables. A JIT compiler appends to its map while it runs and reuses
 * addresses; the file has no times, so the last line for an address is taken (jitdump.c
 * has times).
 */
#include "symbol/textsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"

#define SYMBOLS_MAX (8u << 20)

static int by_address(const void *a, const void *b)
{
	const struct mh_text_symbol *x = a, *y = b;

	if (x->addr.start != y->addr.start)
		return x->addr.start < y->addr.start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int index_make(struct mh_text_symbols *s)
{
	uint64_t reach = 0;
	size_t i;

	if (!s->nr)
		return 0;
	qsort(s->v, s->nr, sizeof(*s->v), by_address);
	s->reach = malloc(s->nr * sizeof(*s->reach));
	if (!s->reach)
		return -1;
	for (i = 0; i < s->nr; i++) {
		if (s->v[i].addr.end > reach)
			reach = s->v[i].addr.end;
		s->reach[i] = reach;
	}
	return 0;
}

FILE *mh_trusted_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (st.st_uid && st.st_uid != geteuid() && geteuid())) {
		close(fd);
		return NULL;
	}
	return fdopen(fd, "re");
}

static int add(struct mh_text_symbols *out, struct mh_range addr, const char *name,
	       const char *module, struct mh_names *names)
{
	struct mh_text_symbol *slot;

	if (out->nr >= SYMBOLS_MAX)
		return 0;
	slot = mh_vec_push(out);
	if (!slot)
		return -1;
	slot->addr = addr;
	slot->order = (uint32_t)out->nr;
	slot->name = mh_names_keep(names, name);
	slot->module = mh_names_keep(names, module);
	return slot->name && slot->module ? 0 : -1;
}

static int perf_map_line(struct mh_text_symbols *out, char *line, struct mh_names *names)
{
	unsigned long long start, size;
	char *at;

	errno = 0;
	start = strtoull(line, &at, 16);
	if (at == line || *at != ' ')
		return 0;
	line = at;
	size = strtoull(line, &at, 16);
	if (at == line || *at != ' ' || errno || !size || start + size < start)
		return 0;
	return add(out, (struct mh_range){ start, start + size }, at + 1, "", names);
}

typedef int (*line_fn)(struct mh_text_symbols *out, char *line, struct mh_names *names);

/* All lines of a file, sorted and ready to be asked; none where the file cannot be read.
 */
static int read_lines(struct mh_text_symbols *out, const char *path, line_fn fn,
		      struct mh_names *names)
{
	FILE *f = mh_trusted_open(path);
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	if (!f)
		return 0;
	while (!ret && (len = getline(&line, &cap, f)) > 0) {
		line[strcspn(line, "\n")] = 0;
		ret = fn(out, line, names);
	}
	free(line);
	fclose(f);
	return ret ? ret : index_make(out);
}

int mh_perf_map_read(struct mh_text_symbols *out, const char *path,
		     struct mh_names *names)
{
	return read_lines(out, path, perf_map_line, names);
}

static int kallsyms_line(struct mh_text_symbols *out, char *line, struct mh_names *names)
{
	char *at, *name, *module;
	unsigned long long addr;

	addr = strtoull(line, &at, 16);
	if (at == line || !addr || at[0] != ' ' || !at[1] || at[2] != ' ' ||
	    !strchr("tTwW", at[1]))
		return 0;
	name = at + 3;
	module = strchr(name, '\t');
	if (module)
		*module++ = 0;
	return add(out, (struct mh_range){ addr, addr }, name, module ? module : "",
		   names);
}

int mh_kallsyms_read(struct mh_text_symbols *out, const char *path,
		     struct mh_names *names)
{
	size_t i, next;

	if (read_lines(out, path, kallsyms_line, names))
		return -1;
	for (i = 0; i < out->nr; i = next) {
		for (next = i + 1; next < out->nr; next++) {
			if (out->v[next].addr.start != out->v[i].addr.start)
				break;
		}
		for (; i < next; i++)
			out->v[i].addr.end =
				next < out->nr ? out->v[next].addr.start : UINT64_MAX;
	}
	for (i = 0; i < out->nr; i++)
		out->reach[i] = out->v[i].addr.end;
	return 0;
}

void mh_text_symbols_fini(struct mh_text_symbols *s)
{
	free(s->v);
	free(s->reach);
	memset(s, 0, sizeof(*s));
}

const struct mh_text_symbol *mh_text_symbols_find(const struct mh_text_symbols *s,
						  uint64_t addr)
{
	const struct mh_text_symbol *best = NULL;
	size_t lo = 0, hi = s->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->v[mid].addr.start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo && s->reach[lo - 1] > addr; lo--) {
		const struct mh_text_symbol *t = &s->v[lo - 1];

		if (addr < t->addr.end && (!best || t->order > best->order))
			best = t;
	}
	return best;
}
