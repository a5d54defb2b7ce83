/* SPDX-License-Identifier: MIT */
/*
 * Renderers: views become pictures (PNG, SVG, terminal) and machine text (JSON, CSV).
 * They write to streams or files given by the caller and know nothing of traces.
 */
#ifndef MEMHEAT_RENDER_H
#define MEMHEAT_RENDER_H

#include <stdio.h>

#include <memheat/base.h>
#include <memheat/view.h>

enum mh_cmap {
	MH_CMAP_INFERNO,
	MH_CMAP_VIRIDIS,
	MH_CMAP_MAGMA
};

enum mh_scale {
	MH_SCALE_AUTO, /* ratios: sqrt over 0..1; rates: log, clipped at p99.9 */
	MH_SCALE_LINEAR,
	MH_SCALE_SQRT,
	MH_SCALE_LOG
};

enum mh_color_depth {
	MH_COLOR_NONE, /* shades or digits only */
	MH_COLOR_16,
	MH_COLOR_256,
	MH_COLOR_TRUE
};

struct mh_picture_opts {
	enum mh_cmap cmap;
	enum mh_scale scale;
	double lo, hi;                /* --range; both 0: from the scale */
	uint32_t width_px, height_px; /* whole picture; 0: 1280 x 720 */
	int light;                    /* light theme: the map reversed on white */
	int no_labels;                /* cells only, for tests */
	const char *command;          /* put into the PNG's metadata; NULL: none */
};

struct mh_term_opts {
	uint32_t width, height; /* characters; 0: 80 x 24 */
	enum mh_color_depth color;
	int utf8; /* half blocks and shades; else ASCII */
	enum mh_cmap cmap;
	enum mh_scale scale;
	double lo, hi;
};

/* How many heatmap cells fit: ask before the analysis, so that cells are pixels. */
void mh_png_cells(const struct mh_picture_opts *opts, uint32_t *rows, uint32_t *cols);
void mh_term_cells(const struct mh_term_opts *opts, uint32_t *rows, uint32_t *cols);

/* Write a picture to a stream; byte-identical for identical views and options. */
int mh_png_write(FILE *out, const struct mh_heatmap *map,
		 const struct mh_picture_opts *opts, struct mh_err *err) MH_MUST_CHECK;
int mh_svg_write(FILE *out, const struct mh_heatmap *map,
		 const struct mh_picture_opts *opts, struct mh_err *err) MH_MUST_CHECK;
int mh_term_heatmap(FILE *out, const struct mh_heatmap *map,
		    const struct mh_term_opts *opts, struct mh_err *err) MH_MUST_CHECK;

/* One sentence that describes the picture (SVG <desc>, PNG Description, --describe). */
void mh_heatmap_describe(const struct mh_heatmap *map, char *buf, size_t size);

/* ---- text parts ---- */

/* Sizes, times and ratios for a person: "95.4 MiB", "1.2 s", "42%", "<0.01%". */
#define MH_TEXT_MAX 32
const char *mh_text_bytes(char buf[MH_TEXT_MAX], uint64_t bytes); /* MH_NO_DATA: "-" */
const char *mh_text_ns(char buf[MH_TEXT_MAX], uint64_t ns);
const char *mh_text_percent(char buf[MH_TEXT_MAX], double ratio);
const char *mh_text_plural(uint64_t n); /* "" or "s" */

/*
 * Copy a name that somebody else chose so that no terminal acts on it: controls,
 * invisible marks and bytes that are no UTF-8 become \xNN or \u{N}; without @utf8 all
 * beyond ASCII does. Cut between characters. Returns the columns used.
 */
size_t mh_text_safe(char *buf, size_t size, const char *s, int utf8);

/* A bar for @ratio (0..1), at most @width characters and not padded: eighth blocks or
 * '#'. */
void mh_text_bar(char *buf, size_t size, double ratio, unsigned width, int utf8);
/* A sparkline of the values' maxima resampled to @width characters; MH_NO_DATA: blank. */
void mh_text_spark(char *buf, size_t size, const uint64_t *values, size_t n, uint64_t max,
		   unsigned width, int utf8);

/*
 * Lines of a listing that has millions of them. Cells are appended to what is not written
 * yet: flush before somebody else writes to the stream, and at the end. Whether the
 * stream took it is asked there, through ferror(). The stream is the caller's own: it is
 * not locked.
 */
#define MH_LISTING_WIDTH_MAX 32
struct mh_listing {
	FILE *out;
	size_t at; /* bytes in ->buf */
	char buf[1 << 14];
};
void mh_listing_init(struct mh_listing *l, FILE *out);
void mh_listing_flush(struct mh_listing *l);
void mh_listing_text(struct mh_listing *l, const char *s, size_t n); /* as it is */
void mh_listing_char(struct mh_listing *l, char c);
void mh_listing_blank(struct mh_listing *l, unsigned width);
/* Right-aligned in @width, which is never too little: 0 for as long as it is. */
void mh_listing_u64(struct mh_listing *l, uint64_t v, unsigned width);
/* Left-aligned, with nothing in front. */
void mh_listing_hex(struct mh_listing *l, uint64_t v, unsigned width);
/* As mh_text_bytes(), right-aligned; @width: 9 at least */
void mh_listing_bytes(struct mh_listing *l, uint64_t v, unsigned width);

/* ---- JSON: a streaming writer; commas, escapes and nesting are its business ---- */

struct mh_json {
	FILE *out;
	uint64_t more;  /* bit d: depth d has an element already */
	unsigned depth; /* at most 62 */
	int after_key;
};
void mh_json_init(struct mh_json *j, FILE *out);
void mh_json_object(struct mh_json *j);
void mh_json_array(struct mh_json *j);
void mh_json_end_object(struct mh_json *j);
void mh_json_end_array(struct mh_json *j);
void mh_json_key(struct mh_json *j, const char *key);
void mh_json_string(struct mh_json *j, const char *s); /* invalid UTF-8: U+FFFD */
void mh_json_u64(struct mh_json *j, uint64_t v);
void mh_json_bytes(struct mh_json *j, uint64_t v); /* MH_NO_DATA: null */
void mh_json_double(struct mh_json *j,
		    double v); /* shortest that reads back; NAN: null */
void mh_json_bool(struct mh_json *j, int v);
void mh_json_null(struct mh_json *j);
void mh_json_raw(struct mh_json *j, const char *value, size_t n); /* that is JSON */

/* A member of the open object: its key and its value. */
void mh_json_put_string(struct mh_json *j, const char *key, const char *s);
void mh_json_put_u64(struct mh_json *j, const char *key, uint64_t v);
void mh_json_put_bytes(struct mh_json *j, const char *key, uint64_t v);
void mh_json_put_double(struct mh_json *j, const char *key, double v);
void mh_json_put_bool(struct mh_json *j, const char *key, int v);

/* ---- tables: one list of columns for text, CSV and JSON ---- */

enum mh_cell_type {
	MH_CELL_TYPE_TEXT,
	MH_CELL_TYPE_U64,
	MH_CELL_TYPE_BYTES, /* text: "95.4 MiB"; MH_NO_DATA: "-", empty, null */
	MH_CELL_TYPE_NS,    /* text: "1.2 s" */
	MH_CELL_TYPE_RATIO, /* text: "42%" */
	MH_CELL_TYPE_HEX    /* text: hexadecimal; CSV and JSON: a number */
};

struct mh_table_column {
	const char *name;  /* field in CSV and JSON */
	const char *title; /* over the column in text */
	enum mh_cell_type type;
};

enum mh_format {
	MH_FORMAT_TEXT,
	MH_FORMAT_JSON,
	MH_FORMAT_CSV
};

#define MH_TABLE_COLUMNS_MAX 64

/* An array of columns as the two arguments that describe it. */
#define MH_COLUMNS(array) (array), (sizeof(array) / sizeof((array)[0]))

/*
 * A table that is being written, cell by cell from left to right and row by row. Text is
 * aligned, numbers to the right, so its rows are kept until the end; those of CSV (header
 * line, quoted as RFC 4180 says, lines end in LF) and of JSON (an array of objects) are
 * written at once. Nothing that is put has to outlive the call.
 */
struct mh_table {
	const struct mh_table_column *columns; /* borrowed until the end */
	size_t nr_columns;
	int known_only; /* text: leave out columns without a value; set before rows */

	/* Private. */
	enum mh_format format;
	FILE *out;
	struct mh_json *j;
	int members; /* JSON: no object around a row */
	size_t at;   /* column of the next cell */
	int utf8;
	FILE *kept; /* text: fields, each ended by NUL; NULL: no memory */
	char *fields;
	size_t len, nr_rows;
	struct {
		size_t width;
		int known;
	} of[MH_TABLE_COLUMNS_MAX];
};

/* @utf8: the terminal's; without it all beyond ASCII is escaped */
void mh_table_begin_text(struct mh_table *t, FILE *out, int utf8,
			 const struct mh_table_column *columns, size_t nr_columns);
void mh_table_begin_csv(struct mh_table *t, FILE *out,
			const struct mh_table_column *columns, size_t nr_columns);
/* The caller writes what is around the array. */
void mh_table_begin_json(struct mh_table *t, struct mh_json *j,
			 const struct mh_table_column *columns, size_t nr_columns);

/* One row as members of the object that is open; it needs no end. */
void mh_table_begin_members(struct mh_table *t, struct mh_json *j,
			    const struct mh_table_column *columns, size_t nr_columns);

/* The next cell; the column's type says which of them. */
void mh_table_put_text(struct mh_table *t, const char *s); /* NULL: absent */
void mh_table_put_u64(struct mh_table *t, uint64_t v);     /* BYTES, NS, HEX too */
void mh_table_put_ratio(struct mh_table *t, double v);     /* NAN: absent */
/* Of columns of text: words made for it, and names cut to less than @size bytes. */
void mh_table_put_words(struct mh_table *t, const char *fmt, ...) MH_PRINTF(2, 3);
void mh_table_put_name(struct mh_table *t, const char *name, size_t size);

/* Returns MH_OK; MH_ENOMEM: the rows of a text could not be kept. */
int mh_table_end(struct mh_table *t, struct mh_err *err);

/* ---- verdicts: what a check found, for people and for CI systems ---- */

void mh_verdict_text(FILE *out, const struct mh_verdict *v, int color);
void mh_verdict_json(FILE *out, const struct mh_verdict *v);
void mh_verdict_markdown(FILE *out, const struct mh_verdict *v);
void mh_verdict_junit(FILE *out, const struct mh_verdict *v);
void mh_verdict_sarif(FILE *out, const struct mh_verdict *v);
/* Workflow commands of GitHub Actions: ::error, ::warning, ::notice. */
void mh_verdict_github(FILE *out, const struct mh_verdict *v);
/* Bencher Metric Format; the input of github-action-benchmark (customSmallerIsBetter). */
void mh_verdict_bmf(FILE *out, const struct mh_verdict *v);
void mh_verdict_gha_benchmark(FILE *out, const struct mh_verdict *v);
/* OpenMetrics text, which node_exporter's textfile collector reads too. */
void mh_verdict_openmetrics(FILE *out, const struct mh_verdict *v);

#endif
