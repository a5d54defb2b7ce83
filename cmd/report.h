/* SPDX-License-Identifier: MIT */
/* What the types of report share; one type is one file report_<type>.c. */
#ifndef MEMHEAT_CMD_REPORT_H
#define MEMHEAT_CMD_REPORT_H

#include <stdio.h>

#include <memheat/analyze.h>
#include <memheat/render.h>

#include "filters.h"
#include "terminal.h"

/* What -o and --format ask for; the first three are enum mh_format. */
enum mh_report_format {
	MH_REPORT_TEXT = MH_FORMAT_TEXT,
	MH_REPORT_JSON = MH_FORMAT_JSON,
	MH_REPORT_CSV = MH_FORMAT_CSV,
	MH_REPORT_PNG,
	MH_REPORT_SVG
};

struct mh_report_opts {
	struct mh_filters filters;
	const char *other; /* diff: the trace before */
	const char *output;
	int format; /* enum mh_report_format; -1: not given */
	int no_pager;
	uint64_t width, height; /* characters; 0: the terminal's */
	int color;              /* enum mh_color_when */
	uint64_t threads;

	uint64_t rows, cols;
	int cmap, scale, theme, cells;
	double range[2];
	uint32_t size_px[2];
	int no_collapse, describe;

	int style, sort; /* of regions; see report_access.h */
	int descending, log_bins;

	struct mh_strings debug_dirs; /* of hot, code */
	int no_demangle, children;

	int map;                                            /* of diff */
	int by;                                             /* of hot; enum mh_hot_by */
	int split;                                          /* of levels; enum mh_split */
	struct mh_strings ops, levels, snoops, tlbs, locks; /* names of event.h */

	struct mh_strings percentiles;
	int over_time;
	uint64_t accesses; /* of mrc */
	double slo;        /* of sizing */
	int writes;
};

struct mh_report {
	const struct mh_report_opts *opts;
	struct mh_report_opts *own; /* the same, while operands are sorted out */
	struct mh_session *session;
	enum mh_report_format format;
	struct mh_terminal term; /* of what is written to */
};

/* The rows of a view for programs: CSV is nothing else, JSON has them among the rest. */
struct mh_report_rows {
	const struct mh_table_column *columns;
	size_t nr_columns;
	void (*put)(struct mh_table *t, const void *view);
};

struct mh_report_type {
	const char *name;
	const char *summary;
	/*
	 * analyze() makes the view, the others print it; the output is opened in between,
	 * so that a failed analysis leaves no file behind and starts no pager.
	 */
	size_t view_size;
	int (*analyze)(void *view, struct mh_report *r, struct mh_err *err);
	void (*fini)(void *view);

	int (*text)(FILE *out, const void *view, struct mh_report *r, struct mh_err *err);
	/* PNG and SVG; NULL: there is no picture */
	int (*picture)(FILE *out, const void *view, struct mh_report *r,
		       struct mh_err *err);
	/* What is behind the schema, which is named like the type. */
	void (*json)(struct mh_json *j, const void *view);
	struct mh_report_rows rows;
	void (*csv)(FILE *out, const void *view); /* in place of ->rows */
	/* In place of all these: a report that is written while the trace is read. */
	int (*write)(FILE *out, const void *view, struct mh_report *r,
		     struct mh_err *err);
};

extern const struct mh_report_type mh_report_cold;
extern const struct mh_report_type mh_report_code;
extern const struct mh_report_type mh_report_diff;
extern const struct mh_report_type mh_report_footprint;
extern const struct mh_report_type mh_report_heatmap;
extern const struct mh_report_type mh_report_levels;
extern const struct mh_report_type mh_report_lines;
extern const struct mh_report_type mh_report_hot;
extern const struct mh_report_type mh_report_mappings;
extern const struct mh_report_type mh_report_mrc;
extern const struct mh_report_type mh_report_nr_regions;
extern const struct mh_report_type mh_report_regions;
extern const struct mh_report_type mh_report_sizing;
extern const struct mh_report_type mh_report_summary;
extern const struct mh_report_type mh_report_times;
extern const struct mh_report_type mh_report_wss;

/* ---- parts of reports ---- */

/* "redis-server (pid 4121), 56.8 s, DAMON vaddr (sample 5 ms), 543 snapshots" */
void mh_report_header(FILE *out, const struct mh_provenance *from,
		      const struct mh_terminal *term);

/* The last lines of every text: what was not seen, what watching cost, other sources. */
void mh_report_footer(FILE *out, const struct mh_provenance *from);

/* The same as members of the JSON object that is open. */
void mh_report_json_from(struct mh_json *j, const struct mh_provenance *from);

/* Rows as a member of the JSON object that is open. */
void mh_report_json_rows(struct mh_json *j, const char *key,
			 const struct mh_report_rows *rows, const void *view);

/* "{"schema":...}" around members; ends with a line feed. */
void mh_report_json_begin(struct mh_json *j, FILE *out, const char *schema);
void mh_report_json_end(struct mh_json *j);

/* "0:16.2", "1:02:03": a moment, counted from the start. */
const char *mh_report_moment(char buf[MH_TEXT_MAX], uint64_t ns);

/* The options of names; lent by those of the report. */
struct mh_symtab_opts mh_report_names(const struct mh_report *r);

/* A map that fits what it is drawn on, and how it is drawn. */
struct mh_term_opts mh_report_term_opts(const struct mh_report *r);
int mh_report_picture(FILE *out, const struct mh_heatmap *map, const struct mh_report *r,
		      struct mh_err *err);
int mh_report_map(struct mh_heatmap *out, struct mh_session *s, const struct mh_report *r,
		  struct mh_err *err);

/* The last part of a path. */
const char *mh_report_base_name(const char *path);

/* "table.c:31"; "table.c" without a line; "-" without a file. */
#define MH_REPORT_SOURCE 96
const char *mh_report_source(char buf[MH_REPORT_SOURCE], const char *file, uint32_t line);

/* Filters on what the hardware told, by name. MH_EINPUT lists the names. */
int mh_report_access_filters(struct mh_session_opts *out, const struct mh_report_opts *o,
			     struct mh_err *err) MH_MUST_CHECK;

/* Cycles for a person: "312", "-" where @nr samples have none. */
const char *mh_report_cycles(char buf[MH_TEXT_MAX], uint64_t sum, uint64_t nr);

/* What units mean in a sentence: "accessed", "touched", "sampled", "first touched". */
const char *mh_report_verb(enum mh_unit unit);

#endif
