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

/* ---- tables: one definition, printed as text, CSV or JSON rows ---- */

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

struct mh_table_cell {
	const char *text; /* borrowed until mh_table_print() */
	uint64_t u64;
	double ratio;
};

enum mh_format {
	MH_FORMAT_TEXT,
	MH_FORMAT_JSON,
	MH_FORMAT_CSV
};

/*
 * Print a table. Text: aligned, numbers to the right. CSV: header line, quoted as RFC
 * 4180 says, lines end in LF. JSON: an array of objects (the caller writes what is around
 * it through @j).
 *
 * @cells: nr_rows * nr_columns, row-major
 * @j: needed for JSON, else NULL
 */
void mh_table_print(FILE *out, enum mh_format format, struct mh_json *j,
		    const struct mh_table_column *columns, size_t nr_columns,
		    const struct mh_table_cell *cells, size_t nr_rows);

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
