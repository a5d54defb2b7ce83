/* SPDX-License-Identifier: MIT */
/*
 * Tables: one definition, three forms. Text is for eyes (units, alignment, names made
 * safe for a terminal, two spaces between columns, none at the end of a line); CSV and
 * JSON are for programs (raw numbers, absence as an empty field or null). CSV quotes as
 * RFC 4180 says but ends its lines with LF, as tools here expect.
 */
#include <memheat/render.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "render/text.h"
#include "render/utf8.h"

#define FIELD_MAX 512

static bool is_absent(enum mh_cell_type type, const struct mh_table_cell *cell)
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

/* A cell for eyes; returns its columns. */
static size_t text_field(char buf[FIELD_MAX], enum mh_cell_type type,
			 const struct mh_table_cell *cell)
{
	if (is_absent(type, cell))
		return mh_utf8_safe(buf, FIELD_MAX, "-", 1);
	switch (type) {
	case MH_CELL_TYPE_TEXT:
		return mh_utf8_safe(buf, FIELD_MAX, cell->text, 1);
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
	return strlen(buf);
}

static size_t column_width(const struct mh_table_column *columns, size_t nr_columns,
			   size_t c, const struct mh_table_cell *cells, size_t nr_rows)
{
	char buf[FIELD_MAX];
	size_t width = mh_utf8_safe(buf, FIELD_MAX, columns[c].title, 1), r;

	for (r = 0; r < nr_rows; r++) {
		size_t n = text_field(buf, columns[c].type, &cells[r * nr_columns + c]);

		if (n > width)
			width = n;
	}
	return width;
}

static void put_spaces(FILE *out, size_t n)
{
	while (n--)
		putc(' ', out);
}

/* @pending: spaces owed from the field before; returned for the next one. */
static size_t put_aligned(FILE *out, const char *s, size_t columns, size_t width,
			  bool right, size_t pending)
{
	size_t fill = width - columns;

	if (!*s)
		return pending + width + 2;
	put_spaces(out, pending + (right ? fill : 0));
	fputs(s, out);
	return 2 + (right ? 0 : fill);
}

static void put_text_row(FILE *out, const struct mh_table_column *columns,
			 size_t nr_columns, const struct mh_table_cell *cells,
			 const size_t *width)
{
	size_t pending = 0, c;

	for (c = 0; c < nr_columns; c++) {
		char buf[FIELD_MAX];
		size_t n = cells ? text_field(buf, columns[c].type, &cells[c])
				 : mh_utf8_safe(buf, FIELD_MAX, columns[c].title, 1);

		pending = put_aligned(out, buf, n, width[c],
				      columns[c].type != MH_CELL_TYPE_TEXT, pending);
	}
	putc('\n', out);
}

#define COLUMNS_MAX 64

static void print_text(FILE *out, const struct mh_table_column *columns,
		       size_t nr_columns, const struct mh_table_cell *cells,
		       size_t nr_rows)
{
	size_t width[COLUMNS_MAX], c, r;

	mh_assert(nr_columns <= COLUMNS_MAX);
	for (c = 0; c < nr_columns; c++)
		width[c] = column_width(columns, nr_columns, c, cells, nr_rows);
	put_text_row(out, columns, nr_columns, NULL, width);
	for (r = 0; r < nr_rows; r++)
		put_text_row(out, columns, nr_columns, cells + r * nr_columns, width);
}

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

static void put_csv_cell(FILE *out, enum mh_cell_type type,
			 const struct mh_table_cell *cell)
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

static void print_csv(FILE *out, const struct mh_table_column *columns, size_t nr_columns,
		      const struct mh_table_cell *cells, size_t nr_rows)
{
	size_t c, r;

	for (c = 0; c < nr_columns; c++) {
		if (c)
			putc(',', out);
		put_csv_text(out, columns[c].name);
	}
	putc('\n', out);
	for (r = 0; r < nr_rows; r++) {
		for (c = 0; c < nr_columns; c++) {
			if (c)
				putc(',', out);
			put_csv_cell(out, columns[c].type, &cells[r * nr_columns + c]);
		}
		putc('\n', out);
	}
}

static void put_json_cell(struct mh_json *j, enum mh_cell_type type,
			  const struct mh_table_cell *cell)
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

static void print_json(struct mh_json *j, const struct mh_table_column *columns,
		       size_t nr_columns, const struct mh_table_cell *cells,
		       size_t nr_rows)
{
	size_t c, r;

	mh_json_array(j);
	for (r = 0; r < nr_rows; r++) {
		mh_json_object(j);
		for (c = 0; c < nr_columns; c++) {
			mh_json_key(j, columns[c].name);
			put_json_cell(j, columns[c].type, &cells[r * nr_columns + c]);
		}
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

void mh_table_print(FILE *out, enum mh_format format, struct mh_json *j,
		    const struct mh_table_column *columns, size_t nr_columns,
		    const struct mh_table_cell *cells, size_t nr_rows)
{
	switch (format) {
	case MH_FORMAT_TEXT:
		print_text(out, columns, nr_columns, cells, nr_rows);
		break;
	case MH_FORMAT_CSV:
		print_csv(out, columns, nr_columns, cells, nr_rows);
		break;
	case MH_FORMAT_JSON:
		mh_assert(j != NULL);
		print_json(j, columns, nr_columns, cells, nr_rows);
		break;
	}
}
