/* SPDX-License-Identifier: MIT */
/*
 * The text form of events, both ways: `dump` prints it, tests and people write it.
 *
 *	sample time=1000 source=1 pid=7 tid=7 ip=0x401000 addr=0x7f0000001000 flags=1
 *	pages time=2000 start_ns=1000 pid=7 start=0x10000 nr_pages=64 page_shift=12 \
 *		layer=access accessed=0+16,40+1
 *	map time=0 op=add pid=7 start=0x1000 end=0x2000 path="/opt/a b"
 *
 * Fields may stand in any order. A bitmap is a list of runs, first page + pages.
 */
#include <memheat/event.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- printing ---- */

static int needs_quotes(const char *s)
{
	if (!*s)
		return 1;
	for (; *s; s++)
		if (!isgraph((unsigned char)*s) || strchr("\"\\=#", *s))
			return 1;
	return 0;
}

static void print_string(FILE *out, const char *s)
{
	if (!needs_quotes(s)) {
		fputs(s, out);
		return;
	}
	putc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static int bit(const uint8_t *bits, uint64_t i)
{
	return bits[i >> 3] >> (i & 7) & 1;
}

static void print_runs(FILE *out, const uint8_t *bits, uint64_t nr)
{
	const char *comma = "";
	uint64_t i = 0, first;

	while (i < nr) {
		if (!bit(bits, i)) {
			i++;
			continue;
		}
		first = i;
		while (i < nr && bit(bits, i))
			i++;
		fprintf(out, "%s%" PRIu64 "+%" PRIu64, comma, first, i - first);
		comma = ",";
	}
	if (!*comma)
		putc('-', out);
}

static void print_number(FILE *out, const struct mh_field *f, uint64_t v)
{
	const char *name = f->base == MH_BASE_NAME ? f->value_name((unsigned)v) : NULL;

	if (name)
		fprintf(out, " %s=%s", f->name, name);
	else if (f->base == MH_BASE_HEX)
		fprintf(out, " %s=0x%" PRIx64, f->name, v);
	else
		fprintf(out, " %s=%" PRIu64, f->name, v);
}

static const void *pointer_at(const struct mh_event *ev, const struct mh_field *f)
{
	const void *p;

	memcpy(&p, (const char *)ev + f->offset, sizeof(p));
	return p;
}

static void print_blob(FILE *out, const struct mh_field *f, const struct mh_event *ev)
{
	struct mh_blob blob;
	uint32_t i;

	memcpy(&blob, (const char *)ev + f->offset, sizeof(blob));
	if (blob.len)
		fprintf(out, " %s=", f->name);
	for (i = 0; i < blob.len; i++)
		fprintf(out, "%02x", blob.p[i]);
}

static void print_field(FILE *out, const struct mh_field *f, const struct mh_event *ev)
{
	const void *p;
	unsigned i;

	switch ((enum mh_field_type)f->type) {
	case MH_FIELD_STRING:
		p = pointer_at(ev, f);
		if (!*(const char *)p)
			return;
		fprintf(out, " %s=", f->name);
		print_string(out, p);
		return;
	case MH_FIELD_BUILD_ID:
		if (!ev->map.build_id_len)
			return;
		fprintf(out, " %s=", f->name);
		for (i = 0; i < ev->map.build_id_len; i++)
			fprintf(out, "%02x", ev->map.build_id[i]);
		return;
	case MH_FIELD_BITMAP:
		p = pointer_at(ev, f);
		if (!p)
			return;
		fprintf(out, " %s=", f->name);
		print_runs(out, p, ev->pages.nr_pages);
		return;
	case MH_FIELD_BLOB:
		print_blob(out, f, ev);
		return;
	case MH_FIELD_U8:
	case MH_FIELD_U16:
	case MH_FIELD_U32:
	case MH_FIELD_U64:
		if (f->base == MH_BASE_NAME || mh_field_get(f, ev) != f->absent)
			print_number(out, f, mh_field_get(f, ev));
		return;
	}
}

int mh_event_print(FILE *out, const struct mh_event *ev, struct mh_err *err)
{
	const struct mh_field *f;
	size_t i, nr;

	f = mh_event_fields(ev->kind, &nr);
	fprintf(out, "%s time=%" PRIu64, mh_event_kind_name(ev->kind), ev->time_ns);
	if (ev->source)
		fprintf(out, " source=%u", ev->source);
	for (i = 0; i < nr; i++)
		print_field(out, &f[i], ev);
	putc('\n', out);
	if (ferror(out))
		return mh_fail_errno(err, "cannot write events");
	return MH_OK;
}

/* ---- parsing ---- */

/* Words of a line: `name` or `name=value`, the value unquoted in place. */
struct word {
	char *name, *value; /* value: NULL for the first word */
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo quotes and escapes from @p (after the opening quote); NULL: no closing quote. */
static char *unquote(char *p)
{
	char *to = p;

	while (*p && *p != '"') {
		if (*p == '\\' && p[1] == 'x' && hex_digit(p[2]) >= 0 &&
		    hex_digit(p[3]) >= 0) {
			*to++ = (char)((unsigned)hex_digit(p[2]) << 4 |
				       (unsigned)hex_digit(p[3]));
			p += 4;
		} else if (*p == '\\' && p[1]) {
			*to++ = p[1];
			p += 2;
		} else {
			*to++ = *p++;
		}
	}
	if (!*p)
		return NULL;
	*to = '\0';
	return p + 1;
}

/* The next word of *line; MH_END at the end of the line or at a comment. */
static int next_word(char **line, struct word *w, struct mh_err *err)
{
	char *p = *line, *end;

	while (isspace((unsigned char)*p))
		p++;
	if (!*p || *p == '#')
		return MH_END;
	w->name = p;
	w->value = NULL;
	p += strcspn(p, "= \t\r\n");
	if (*p != '=') {
		end = p;
	} else {
		*p++ = '\0';
		w->value = p;
		if (*p == '"') {
			w->value = ++p;
			end = unquote(p);
			if (!end)
				return mh_fail(err, MH_EFORMAT,
					       "no closing quote after '%s='", w->name);
		} else {
			end = p + strcspn(p, " \t\r\n");
		}
	}
	*line = *end ? end + 1 : end;
	*end = '\0';
	return MH_OK;
}

static int parse_u64(uint64_t *out, const char *s)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return -1;
	errno = 0;
	*out = strtoull(s, &end, 0);
	return *end || errno ? -1 : 0;
}

static int parse_name(uint64_t *out, const struct mh_field *f, const char *s)
{
	unsigned v;

	for (v = 0; f->value_name(v); v++)
		if (!strcmp(f->value_name(v), s)) {
			*out = v;
			return 0;
		}
	return -1;
}

static int parse_build_id(struct mh_ev_map *map, const char *s)
{
	size_t i, len = strlen(s);

	if (len % 2 || len > 2 * MH_BUILD_ID_MAX)
		return -1;
	for (i = 0; i < len / 2; i++) {
		int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		map->build_id[i] = (uint8_t)((unsigned)hi << 4 | (unsigned)lo);
	}
	map->build_id_len = (uint8_t)(len / 2);
	return 0;
}

/* Two digits become a byte, in place. */
static int parse_blob(const struct mh_field *f, struct mh_event *ev, char *value)
{
	size_t i, len = strlen(value);
	struct mh_blob blob = { (const uint8_t *)value, (uint32_t)(len / 2) };

	if (len % 2 || len / 2 > UINT32_MAX)
		return -1;
	for (i = 0; i < len / 2; i++) {
		int hi = hex_digit(value[2 * i]), lo = hex_digit(value[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		value[i] = (char)((unsigned)hi << 4 | (unsigned)lo);
	}
	memcpy((char *)ev + f->offset, &blob, sizeof(blob));
	return 0;
}

/* A field's value into the event; bitmaps are kept as text until nr_pages is known. */
static int parse_field(const struct mh_field *f, struct mh_event *ev, char *value)
{
	uint64_t v;

	switch ((enum mh_field_type)f->type) {
	case MH_FIELD_STRING:
	case MH_FIELD_BITMAP:
		memcpy((char *)ev + f->offset, &value, sizeof(value));
		return 0;
	case MH_FIELD_BUILD_ID:
		return parse_build_id(&ev->map, value);
	case MH_FIELD_BLOB:
		return parse_blob(f, ev, value);
	case MH_FIELD_U8:
	case MH_FIELD_U16:
	case MH_FIELD_U32:
	case MH_FIELD_U64:
		break;
	}
	if (f->base == MH_BASE_NAME ? parse_name(&v, f, value) : parse_u64(&v, value))
		return -1;
	if (v > mh_field_max(f))
		return -1;
	mh_field_set(f, ev, v);
	return 0;
}

static int parse_word(struct mh_event *ev, const struct word *w, struct mh_err *err)
{
	const struct mh_field *f;
	size_t i, nr;
	uint64_t v;

	if (!w->value)
		return mh_fail(err, MH_EFORMAT, "'%s' is not of the form field=value",
			       w->name);
	if (!strcmp(w->name, "time") || !strcmp(w->name, "source")) {
		if (parse_u64(&v, w->value) || (*w->name == 's' && v > UINT16_MAX))
			goto bad;
		if (*w->name == 't')
			ev->time_ns = v;
		else
			ev->source = (uint16_t)v;
		return MH_OK;
	}
	f = mh_event_fields(ev->kind, &nr);
	for (i = 0; i < nr; i++) {
		if (strcmp(f[i].name, w->name))
			continue;
		if (parse_field(&f[i], ev, w->value))
			goto bad;
		return MH_OK;
	}
	return mh_fail(err, MH_EFORMAT, "a %s event has no field '%s'",
		       mh_event_kind_name(ev->kind), w->name);
bad:
	return mh_fail(err, MH_EFORMAT, "'%s' is not a value of %s.%s", w->value,
		       mh_event_kind_name(ev->kind), w->name);
}

static int parse_runs(uint8_t *bits, uint64_t nr_pages, const char *s, struct mh_err *err)
{
	const char *all = s;
	uint64_t first, len, i;
	char *end;

	if (!strcmp(s, "-"))
		return MH_OK;
	for (;; s = end + 1) {
		first = strtoull(s, &end, 10);
		if (!isdigit((unsigned char)*s) || *end != '+')
			break;
		s = end + 1;
		len = strtoull(s, &end, 10);
		if (!isdigit((unsigned char)*s) || first > nr_pages ||
		    len > nr_pages - first)
			break;
		for (i = first; i < first + len; i++)
			bits[i >> 3] |= (uint8_t)(1 << (i & 7));
		if (!*end)
			return MH_OK;
		if (*end != ',')
			break;
	}
	return mh_fail(err, MH_EFORMAT, "'%s' is not a list of runs within nr_pages",
		       all);
}

static int parse_bitmaps(struct mh_ev_pages *pages, struct mh_event_scratch *scratch,
			 struct mh_err *err)
{
	const char *accessed = (const char *)pages->accessed;
	const char *observed = (const char *)pages->observed;
	size_t len = (pages->nr_pages + 7) / 8;
	int status;

	if (pages->nr_pages > MH_PAGES_MAX)
		return mh_fail(err, MH_EFORMAT, "nr_pages is above the limit of %u",
			       MH_PAGES_MAX);
	if (scratch->cap < 2 * len || !scratch->bytes) {
		uint8_t *bytes = realloc(scratch->bytes, 2 * len + 1);

		if (!bytes)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		scratch->bytes = bytes;
		scratch->cap = 2 * len;
	}
	memset(scratch->bytes, 0, 2 * len);
	pages->accessed = scratch->bytes;
	status = parse_runs(scratch->bytes, pages->nr_pages, accessed ? accessed : "-",
			    err);
	if (status || !observed)
		return status;
	pages->observed = scratch->bytes + len;
	return parse_runs(scratch->bytes + len, pages->nr_pages, observed, err);
}

static int kind_of(const char *name)
{
	int kind;

	for (kind = 1; kind < MH_NR_EVENT_KINDS; kind++)
		if (!strcmp(name, mh_event_kind_name((enum mh_event_kind)kind)))
			return kind;
	return -1;
}

int mh_event_parse(struct mh_event *ev, char *line, struct mh_event_scratch *scratch,
		   struct mh_err *err)
{
	struct word w;
	int status = next_word(&line, &w, err);
	int kind;

	if (status)
		return status;
	kind = kind_of(w.name);
	if (kind < 0 || w.value)
		return mh_fail(err, MH_EFORMAT, "'%s' is not a kind of event", w.name);
	mh_event_init(ev, (enum mh_event_kind)kind);
	while ((status = next_word(&line, &w, err)) == MH_OK) {
		status = parse_word(ev, &w, err);
		if (status)
			return status;
	}
	if (status < 0)
		return status;
	return ev->kind == MH_EV_PAGES ? parse_bitmaps(&ev->pages, scratch, err) : MH_OK;
}

void mh_event_scratch_fini(struct mh_event_scratch *scratch)
{
	free(scratch->bytes);
	*scratch = (struct mh_event_scratch){ 0 };
}
