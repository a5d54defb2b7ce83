/* SPDX-License-Identifier: MIT */
/*
 * TRACING_DATA is what trace-cmd writes: magic, version, byte order, word size, page
 * size, two page headers, ftrace's own formats, then system by system the format files of
 * tracefs as text. What follows (symbols, printk strings) is not read.
 */
#include "source/import/perf_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/base.h>

#include "base/vec.h"

static const char *const field_names[PERF_NR_FIELDS] = {
	[FIELD_TARGET_ID] = "target_id",
	[FIELD_NR_REGIONS] = "nr_regions",
	[FIELD_START] = "start",
	[FIELD_END] = "end",
	[FIELD_NR_ACCESSES] = "nr_accesses",
	[FIELD_AGE] = "age",
	[FIELD_ADDRESS] = "address",
};

const struct perf_format mh_perf_format_damon = {
	.field = {
		[FIELD_TARGET_ID] = { 8, 8 },
		[FIELD_NR_REGIONS] = { 16, 4 },
		[FIELD_START] = { 24, 8 },
		[FIELD_END] = { 32, 8 },
		[FIELD_NR_ACCESSES] = { 40, 4 },
		[FIELD_AGE] = { 44, 4 },
	},
};

/* A string with its end, in place; "" and bad when it has none. */
static const char *text(struct mh_rbuf *b)
{
	const uint8_t *p = b->p;
	const void *end = b->bad ? NULL : memchr(p, 0, mh_rbuf_left(b));

	if (!end) {
		b->bad = true;
		return "";
	}
	b->p = (const uint8_t *)end + 1;
	return (const char *)p;
}

static void skip_sized(struct mh_rbuf *b)
{
	uint64_t size = mh_rbuf_host_u64(b);

	if (size > mh_rbuf_left(b))
		b->bad = true;
	else
		mh_rbuf_bytes(b, (size_t)size);
}

/* "\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;" */
static void read_field(struct perf_format *f, const char *line)
{
	char decl[128];
	unsigned offset, size, i;
	const char *name;

	if (sscanf(line, " field:%127[^;]; offset:%u; size:%u;", decl, &offset, &size) !=
	    3)
		return;
	name = strrchr(decl, ' ');
	for (i = 0; name && i < PERF_NR_FIELDS; i++)
		if (!strcmp(name + 1, field_names[i]) && offset < 4096 && size <= 8)
			f->field[i] =
				(struct perf_field){ (uint16_t)offset, (uint16_t)size };
}

static int read_format(struct perf_formats *fs, const char *system, char *body)
{
	struct perf_format one = { 0 }, *f;
	char name[128] = "", *line, *next = body;

	while ((line = strsep(&next, "\n"))) {
		sscanf(line, "name: %127s", name);
		if (sscanf(line, "ID: %llu", (unsigned long long *)&one.id) != 1)
			read_field(&one, line);
	}
	if (!*name)
		return 0;
	f = mh_vec_push(fs);
	if (!f)
		return -1;
	*f = one;
	if (asprintf(&f->name, "%s:%s", system, name) < 0) {
		f->name = NULL;
		fs->nr--;
		return -1;
	}
	return 0;
}

static int read_event(struct perf_formats *fs, const char *system, struct mh_rbuf *b)
{
	uint64_t size = mh_rbuf_host_u64(b);
	const uint8_t *p;
	char *body;
	int ret;

	if (size > mh_rbuf_left(b)) {
		b->bad = true;
		return 0;
	}
	p = mh_rbuf_bytes(b, (size_t)size);
	if (!p)
		return 0;
	body = strndup((const char *)p, (size_t)size);
	ret = body ? read_format(fs, system, body) : -1;
	free(body);
	return ret;
}

static int read_systems(struct perf_formats *fs, struct mh_rbuf *b)
{
	uint32_t systems = mh_rbuf_host_u32(b), events;
	int ret = 0;

	while (systems-- && !b->bad && !ret) {
		const char *system = text(b);

		for (events = mh_rbuf_host_u32(b); events && !b->bad && !ret; events--)
			ret = read_event(fs, system, b);
	}
	return ret;
}

int mh_perf_formats_read(struct perf_formats *fs, const uint8_t *bytes, size_t len)
{
	static const uint8_t magic[] = { 0x17, 0x08, 0x44, 't', 'r',
					 'a',  'c',  'i',  'n', 'g' };
	struct mh_rbuf b = mh_rbuf(bytes, len);
	const uint8_t *p = mh_rbuf_bytes(&b, sizeof(magic));
	bool big;
	uint32_t n;

	if (!p || memcmp(p, magic, sizeof(magic)))
		return MH_EFORMAT;
	text(&b); /* version */
	big = mh_rbuf_u8(&b);
	b.swap = big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	mh_rbuf_u8(&b);       /* bytes of a long */
	mh_rbuf_host_u32(&b); /* of a page */
	text(&b);             /* "header_page" */
	skip_sized(&b);
	text(&b); /* "header_event" */
	skip_sized(&b);
	for (n = mh_rbuf_host_u32(&b); n && !b.bad; n--)
		skip_sized(&b);
	if (!b.bad && read_systems(fs, &b))
		return MH_ENOMEM;
	return b.bad ? MH_EFORMAT : MH_OK;
}

void mh_perf_formats_fini(struct perf_formats *fs)
{
	size_t i;

	for (i = 0; i < fs->nr; i++)
		free(fs->v[i].name);
	free(fs->v);
	*fs = (struct perf_formats){ 0 };
}

const struct perf_format *mh_perf_formats_find(const struct perf_formats *fs, uint64_t id)
{
	size_t i;

	for (i = 0; i < fs->nr; i++)
		if (fs->v[i].id == id)
			return &fs->v[i];
	return NULL;
}

uint64_t mh_perf_field_get(const struct perf_format *f, enum perf_field_name name,
			   const uint8_t *raw, size_t len, bool swap)
{
	const struct perf_field *at = &f->field[name];
	struct mh_rbuf b;

	if ((size_t)at->offset + at->size > len)
		return 0;
	b = mh_rbuf(raw + at->offset, at->size);
	b.swap = swap;
	switch (at->size) {
	case 8:
		return mh_rbuf_host_u64(&b);
	case 4:
		return mh_rbuf_host_u32(&b);
	case 2:
		return mh_rbuf_host_u16(&b);
	case 1:
		return mh_rbuf_u8(&b);
	default:
		return 0;
	}
}
