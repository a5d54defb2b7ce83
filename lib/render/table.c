/* SPDX-License-Identifier: MIT */
/*
 * Tables: one list of columns, three forms. Text is for eyes (units, alignment, names
 * made safe for a terminal, two spaces between columns, none at the end of a line); CSV
 * and JSON are for programs (raw numbers, absence as an empty field or null). CSV quotes
 * as RFC 4180 says but ends its lines with LF, as tools here expect. Only text has to
 * know all rows before it can write the first: it keeps them as finished fields.
 */
#include <memheat/render.h>

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render/text.h"
#include "render/utf8.h"

#define FIELD_MAX 512

/* What is put, in the member that the column's type names. */
struct cell {
	const char *text;
	uint64_t u64;
	double ratio;
};

static bool is_absent(enum mh_cell_type type, const struct cell *cell)
{
	switch (type) {
	case MH_CELL_TYPE_TEXT:
		return !cell->text;
	case MH_CELL_TYPE_BYTES:
	case MH_CELL_TYPE_NS:
		return cell->u64 == MH_NO_DATA;
	case MH_CELL_TYPE_RATIO:
		return !isfinite(cell->ratio);
	case MH_CELL_TYPE_U64:
	case MH_CELL_TYPE_HEX:
		break;
	}
	return false;
}

/* A number for eyes. */
static void put_figure(char buf[FIELD_MAX], enum mh_cell_type type,
		       const struct cell *cell)
{
	switch (type) {
	case MH_CELL_TYPE_TEXT:
		break;
	case MH_CELL_TYPE_U64:
		snprintf(buf, FIELD_MAX, "%" PRIu64, cell->u64);
		break;
	case MH_CELL_TYPE_BYTES:
		mh_text_bytes(buf, cell->u64);
		break;
	case MH_CELL_TYPE_NS:
		mh_text_ns(buf, cell->u64);
		break;
	case MH_CELL_TYPE_RATIO:
		mh_text_percent(buf, cell->ratio);
		break;
	case MH_CELL_TYPE_HEX:
		snprintf(buf, FIELD_MAX, "%" PRIx64, cell->u64);
		break;
	}
}

/* Columns of a finished field. */
static size_t columns_of(const char *field)
{
	char buf[FIELD_MAX];

	return mh_utf8_safe(buf, sizeof(buf), field, 1);
}

/* Keep a field of text, of at most @size bytes with its end. */
static void keep_field(struct mh_table *t, enum mh_cell_type type,
		       const struct cell *cell, size_t size)
{
	bool known = !is_absent(type, cell);
	char buf[FIELD_MAX] = "-";
	size_t width;

	if (known && type == MH_CELL_TYPE_TEXT)
		mh_utf8_safe(buf, size, cell->text, t->utf8);
	else if (known)
		put_figure(buf, type, cell);
	width = columns_of(buf);
	if (width > t->of[t->at].width)
		t->of[t->at].width = width;
	t->of[t->at].known |= known;
	if (t->kept)
		fwrite(buf, 1, strlen(buf) + 1, t->kept);
}

static void put_spaces(FILE *out, size_t n)
{
	while (n--)
		putc(' ', out);
}

/* @pending: spaces owed from the field before; returned for the next one. */
static size_t put_aligned(FILE *out, const char *s, size_t width, bool right,
			  size_t pending)
{
	size_t fill = width - columns_of(s);

	if (!*s)
		return pending + width + 2;
	put_spaces(out, pending + (right ? fill : 0));
	fputs(s, out);
	return 2 + (right ? 0 : fill);
}

/* @field: the row's first; NULL: the titles. Returns what is behind its last. */
static const char *print_row(const struct mh_table *t, const char *field)
{
	size_t pending = 0, c;

	for (c = 0; c < t->nr_columns; c++) {
		const char *s = field ? field : t->columns[c].title;

		if (t->of[c].known || !t->known_only)
			pending = put_aligned(t->out, s, t->of[c].width,
					      t->columns[c].type != MH_CELL_TYPE_TEXT,
					      pending);
		if (field)
			field += strlen(field) + 1;
	}
	putc('\n', t->out);
	return field;
}

static int print_text(struct mh_table *t, struct mh_err *err)
{
	const char *field;
	size_t row;

	/* A memory stream fails for want of memory only. */
	if (!t->kept || fclose(t->kept) != 0) {
		free(t->fields);
		return mh_fail(err, MH_ENOMEM, "no memory for a table");
	}
	print_row(t, NULL);
	field = t->fields;
	for (row = 0; row < t->nr_rows; row++)
		field = print_row(t, field);
	free(t->fields);
	return MH_OK;
}

/* ---- CSV and JSON ---- */

static void put_csv_text(FILE *out, const char *s)
{
	bool quoted =
		strpbrk(s, ",\"\r\n") || *s == ' ' || (*s && s[strlen(s) - 1] == ' ');

	if (quoted)
		putc('"', out);
	while (*s) {
		size_t len;

		if (mh_utf8_decode(s, &len) < 0)
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(s, 1, len, out);
		if (*s == '"')
			putc('"', out);
		s += len;
	}
	if (quoted)
		putc('"', out);
}

static void put_csv_cell(FILE *out, enum mh_cell_type type, const struct cell *cell)
{
	char buf[MH_TEXT_MAX];

	if (is_absent(type, cell))
		return;
	if (type == MH_CELL_TYPE_TEXT)
		put_csv_text(out, cell->text);
	else if (type == MH_CELL_TYPE_RATIO)
		fputs(mh_text_double(buf, cell->ratio), out);
	else
		fprintf(out, "%" PRIu64, cell->u64);
}

static void put_json_cell(struct mh_json *j, enum mh_cell_type type,
			  const struct cell *cell)
{
	if (is_absent(type, cell))
		mh_json_null(j);
	else if (type == MH_CELL_TYPE_TEXT)
		mh_json_string(j, cell->text);
	else if (type == MH_CELL_TYPE_RATIO)
		mh_json_double(j, cell->ratio);
	else
		mh_json_u64(j, cell->u64);
}

static void write_csv(struct mh_table *t, enum mh_cell_type type, const struct cell *cell)
{
	if (t->at)
		putc(',', t->out);
	put_csv_cell(t->out, type, cell);
	if (t->at + 1 == t->nr_columns)
		putc('\n', t->out);
}

static void write_json(struct mh_table *t, enum mh_cell_type type,
		       const struct cell *cell)
{
	if (!t->at && !t->members)
		mh_json_object(t->j);
	mh_json_key(t->j, t->columns[t->at].name);
	put_json_cell(t->j, type, cell);
	if (t->at + 1 == t->nr_columns && !t->members)
		mh_json_end_object(t->j);
}

/* ---- what a table is asked ---- */

static void begin(struct mh_table *t, enum mh_format format,
		  const struct mh_table_column *columns, size_t nr_columns)
{
	mh_assert(nr_columns > 0 && nr_columns <= MH_TABLE_COLUMNS_MAX);
	*t = (struct mh_table){ .columns = columns,
				.nr_columns = nr_columns,
				.format = format };
}

void mh_table_begin_text(struct mh_table *t, FILE *out, int utf8,
			 const struct mh_table_column *columns, size_t nr_columns)
{
	size_t c;

	begin(t, MH_FORMAT_TEXT, columns, nr_columns);
	t->out = out;
	t->utf8 = utf8;
	t->kept = open_memstream(&t->fields, &t->len);
	for (c = 0; c < nr_columns; c++)
		t->of[c].width = columns_of(columns[c].title);
}

void mh_table_begin_csv(struct mh_table *t, FILE *out,
			const struct mh_table_column *columns, size_t nr_columns)
{
	size_t c;

	begin(t, MH_FORMAT_CSV, columns, nr_columns);
	t->out = out;
	for (c = 0; c < nr_columns; c++) {
		if (c)
			putc(',', out);
		put_csv_text(out, columns[c].name);
	}
	putc('\n', out);
}

void mh_table_begin_json(struct mh_table *t, struct mh_json *j,
			 const struct mh_table_column *columns, size_t nr_columns)
{
	begin(t, MH_FORMAT_JSON, columns, nr_columns);
	t->j = j;
	mh_json_array(j);
}

void mh_table_begin_members(struct mh_table *t, struct mh_json *j,
			    const struct mh_table_column *columns, size_t nr_columns)
{
	begin(t, MH_FORMAT_JSON, columns, nr_columns);
	t->j = j;
	t->members = 1;
}

int mh_table_end(struct mh_table *t, struct mh_err *err)
{
	mh_assert(t->at == 0);
	if (t->format == MH_FORMAT_TEXT)
		return print_text(t, err);
	if (t->format == MH_FORMAT_JSON)
		mh_json_end_array(t->j);
	return MH_OK;
}

/* @size: of a field of text */
static void put_cell(struct mh_table *t, const struct cell *cell, size_t size)
{
	enum mh_cell_type type = t->columns[t->at].type;

	switch (t->format) {
	case MH_FORMAT_TEXT:
		keep_field(t, type, cell, size);
		break;
	case MH_FORMAT_CSV:
		write_csv(t, type, cell);
		break;
	case MH_FORMAT_JSON:
		write_json(t, type, cell);
		break;
	}
	if (++t->at == t->nr_columns) {
		t->at = 0;
		t->nr_rows++;
	}
}

void mh_table_put_name(struct mh_table *t, const char *name, size_t size)
{
	mh_assert(t->columns[t->at].type == MH_CELL_TYPE_TEXT);
	put_cell(t, &(struct cell){ .text = name }, size < FIELD_MAX ? size : FIELD_MAX);
}

void mh_table_put_text(struct mh_table *t, const char *s)
{
	mh_table_put_name(t, s, FIELD_MAX);
}

void mh_table_put_words(struct mh_table *t, const char *fmt, ...)
{
	char buf[FIELD_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	mh_table_put_text(t, buf);
}

void mh_table_put_u64(struct mh_table *t, uint64_t v)
{
	mh_assert(t->columns[t->at].type != MH_CELL_TYPE_TEXT &&
		  t->columns[t->at].type != MH_CELL_TYPE_RATIO);
	put_cell(t, &(struct cell){ .u64 = v }, 0);
}

void mh_table_put_ratio(struct mh_table *t, double v)
{
	mh_assert(t->columns[t->at].type == MH_CELL_TYPE_RATIO);
	put_cell(t, &(struct cell){ .ratio = v }, 0);
}
