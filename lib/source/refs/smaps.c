/* SPDX-License-Identifier: MIT */
/*
 * The parser of smaps. A mapping is a header line in the form of /proc/PID/maps, then
 * `Name:  number kB` lines, then VmFlags. Unknown names are skipped: each kernel adds
 * some. Source: proc(5), fs/proc/task_mmu.c.
 */
#include "source/refs/smaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void mh_smaps_init(struct smaps *s, ssize_t (*read)(void *, void *, size_t), void *arg)
{
	s->read = read;
	s->arg = arg;
	s->used = s->pos = 0;
	s->eof = false;
	s->sys_errno = 0;
}

static void refill(struct smaps *s)
{
	ssize_t n;

	memmove(s->buf, s->buf + s->pos, s->used - s->pos);
	s->used -= s->pos;
	s->pos = 0;
	n = s->read(s->arg, s->buf + s->used, sizeof(s->buf) - s->used);
	if (n > 0) {
		s->used += (size_t)n;
		return;
	}
	s->eof = true;
	if (n < 0)
		s->sys_errno = errno;
}

/* The line at pos, its newline replaced by NUL for the moment; NULL at the end. */
static char *peek_line(struct smaps *s)
{
	char *line, *end;

	for (;;) {
		line = s->buf + s->pos;
		end = memchr(line, '\n', s->used - s->pos);
		if (end)
			break;
		if (s->eof || s->used - s->pos == sizeof(s->buf))
			return NULL;
		refill(s);
	}
	*end = '\0';
	s->line_len = (size_t)(end - line);
	return line;
}

static void take_line(struct smaps *s)
{
	s->pos += s->line_len + 1;
}

static void put_line_back(struct smaps *s)
{
	s->buf[s->pos + s->line_len] = '\n';
}

static uint8_t parse_prot(const char *perms)
{
	return (uint8_t)((perms[0] == 'r' ? PROT_READ : 0) |
			 (perms[1] == 'w' ? PROT_WRITE : 0) |
			 (perms[2] == 'x' ? PROT_EXEC : 0));
}

/* "start-end perms pgoff maj:min ino   path" */
static int parse_header(struct smaps_entry *e, char *line)
{
	char *p = line, *perms;

	memset(e, 0, offsetof(struct smaps_entry, path));
	e->start = strtoull(p, &p, 16);
	if (p == line || *p++ != '-')
		return -1;
	e->end = strtoull(p, &p, 16);
	if (*p++ != ' ' || strnlen(p, 5) < 5 || p[4] != ' ')
		return -1;
	perms = p;
	p += 5;
	e->pgoff = strtoull(p, &p, 16);
	if (*p++ != ' ')
		return -1;
	e->maj = (uint32_t)strtoul(p, &p, 16);
	if (*p++ != ':')
		return -1;
	e->min = (uint32_t)strtoul(p, &p, 16);
	if (*p++ != ' ')
		return -1;
	e->ino = strtoull(p, &p, 10);
	e->prot = parse_prot(perms);
	e->shared = perms[3] == 's';
	p += strspn(p, " ");
	if (e->end <= e->start || strlen(p) >= sizeof(e->path))
		return -1;
	strcpy(e->path, p);
	return 0;
}

/* A header begins with a hexadecimal digit in lower case, a field with a capital. */
static bool is_field(const char *line)
{
	return *line >= 'A' && *line <= 'Z';
}

static bool has_flag(const char *flags, const char *flag)
{
	const char *p = strstr(flags, flag);

	return p && p[-1] == ' ' && (p[2] == ' ' || !p[2]);
}

static void parse_field(struct smaps_entry *e, char *line)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{ "Rss", offsetof(struct smaps_entry, rss) },
		{ "Pss", offsetof(struct smaps_entry, pss) },
		{ "Swap", offsetof(struct smaps_entry, swap) },
		{ "Referenced", offsetof(struct smaps_entry, referenced) },
		{ "AnonHugePages", offsetof(struct smaps_entry, huge) },
		{ "ShmemPmdMapped", offsetof(struct smaps_entry, huge) },
		{ "FilePmdMapped", offsetof(struct smaps_entry, huge) },
		{ "Shared_Hugetlb", offsetof(struct smaps_entry, huge) },
		{ "Private_Hugetlb", offsetof(struct smaps_entry, huge) },
	};
	char *colon = strchr(line, ':');
	uint64_t *value;
	size_t i;

	if (!colon)
		return;
	if (!strncmp(line, "VmFlags:", 8)) {
		e->hugetlb = has_flag(colon, "ht");
		return;
	}
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strncmp(line, fields[i].name, (size_t)(colon - line)) ||
		    fields[i].name[colon - line])
			continue;
		value = (uint64_t *)(void *)((char *)e + fields[i].offset);
		*value += strtoull(colon + 1, NULL, 10) * 1024;
		return;
	}
}

static int end_of_input(const struct smaps *s, struct mh_err *err)
{
	if (s->sys_errno) {
		errno = s->sys_errno;
		return mh_fail_errno(err, "cannot read smaps");
	}
	if (s->pos != s->used)
		return mh_fail(err, MH_EFORMAT,
			       "smaps ends within a line, or has one of "
			       "more than 64 KiB");
	return MH_END;
}

int mh_smaps_next(struct smaps *s, struct smaps_entry *out, struct mh_err *err)
{
	char *line = peek_line(s);

	if (!line)
		return end_of_input(s, err);
	take_line(s);
	if (parse_header(out, line))
		return mh_fail(err, MH_EFORMAT, "smaps has a line that is no mapping");
	while ((line = peek_line(s))) {
		if (!is_field(line)) {
			put_line_back(s);
			return MH_OK;
		}
		take_line(s);
		parse_field(out, line);
	}
	return s->sys_errno || s->pos != s->used ? end_of_input(s, err) : MH_OK;
}
