/* SPDX-License-Identifier: MIT */
/*
 * What every report says beside its own subject: where the numbers come from at the top,
 * and what was not seen at the end. A report that is silent about lost events claims that
 * there were none.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define TITLE_MAX 64

const char *mh_report_verb(enum mh_unit unit)
{
	switch (unit) {
	case MH_UNIT_HIT_RATIO:
		return "accessed";
	case MH_UNIT_TOUCHED_RATIO:
		return "touched";
	case MH_UNIT_ACCESSES_PER_S:
		return "sampled";
	case MH_UNIT_FAULTS_PER_S:
		return "first touched";
	}
	return "accessed";
}

const char *mh_report_moment(char buf[MH_TEXT_MAX], uint64_t ns)
{
	unsigned long long tenths = ns / 100000000, s = tenths / 10;

	if (s >= 3600)
		snprintf(buf, MH_TEXT_MAX, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60,
			 s % 60);
	else
		snprintf(buf, MH_TEXT_MAX, "%llu:%02llu.%llu", s / 60, s % 60,
			 tenths % 10);
	return buf;
}

void mh_report_header(FILE *out, const struct mh_provenance *from,
		      const struct mh_terminal *term)
{
	char title[TITLE_MAX], text[MH_TEXT_MAX];

	/* A command line may be a whole script; its beginning tells enough. */
	mh_text_safe(title, sizeof(title), from->title, term->utf8);
	fprintf(out, "%s%s%s%s", title,
		strlen(from->title) >= sizeof(title) - 1 ? "..." : "", *title ? ", " : "",
		mh_text_ns(text, from->duration_ns));
	if (*from->source)
		fprintf(out, ", %s", from->source);
	if (*from->params)
		fprintf(out, " (%s)", from->params);
	if (from->nr_intervals)
		fprintf(out, ", %llu snapshot%s", (unsigned long long)from->nr_intervals,
			mh_text_plural(from->nr_intervals));
	if (from->nr_samples)
		fprintf(out, ", %llu sample%s", (unsigned long long)from->nr_samples,
			mh_text_plural(from->nr_samples));
}

/* A list with commas that grows only by what is not zero. */
struct list {
	FILE *out;
	int nr;
};

static void item(struct list *l, uint64_t n, const char *one, const char *many)
{
	if (!n)
		return;
	fprintf(l->out, "%s%llu %s", l->nr++ ? ", " : "", (unsigned long long)n,
		n == 1 ? one : many);
}

/* "12 ms of CPU time (0.2% of one CPU, 24 us per snapshot)" */
static void put_cpu_time(FILE *out, uint64_t cpu_ns, const struct mh_provenance *from)
{
	char text[MH_TEXT_MAX];

	fprintf(out, "%s of CPU time", mh_text_ns(text, cpu_ns));
	if (from->duration_ns)
		fprintf(out, " (%s of one CPU%s",
			mh_text_percent(text, (double)cpu_ns / (double)from->duration_ns),
			from->nr_snapshots ? "" : ")");
	else if (from->nr_snapshots)
		fprintf(out, " (");
	if (from->nr_snapshots)
		fprintf(out, "%s%s per snapshot)", from->duration_ns ? ", " : "",
			mh_text_ns(text, cpu_ns / from->nr_snapshots));
}

void mh_report_footer(FILE *out, const struct mh_provenance *from)
{
	struct list l = { .out = out };
	char text[MH_TEXT_MAX];

	fprintf(out, "not seen: ");
	item(&l, from->lost, "event lost", "events lost");
	item(&l, from->throttled, "throttling by the kernel",
	     "throttlings by the kernel");
	item(&l, from->nonmem, "sample of no memory access",
	     "samples of no memory access");
	item(&l, from->nr_gaps, "gap without data", "gaps without data");
	if (from->nr_gaps)
		fprintf(out, " (%s)", mh_text_ns(text, from->gap_ns));
	item(&l, from->nr_damaged, "damaged block", "damaged blocks");
	if (!from->complete)
		fprintf(out,
			"%sthe end: the trace was not closed (its recorder was killed, "
			"the disk was full, or the file was cut)",
			l.nr++ ? ", " : "");
	fprintf(out, "%s\n", l.nr ? "" : "nothing was lost");
	if (from->observer_cpu_ns) {
		fprintf(out, "watching cost ");
		put_cpu_time(out, from->observer_cpu_ns, from);
		if (from->stall_max_ns)
			fprintf(out, ", stalled the target for %s at most at a time",
				mh_text_ns(text, from->stall_max_ns));
		fputc('\n', out);
	}
	if (from->kdamond_cpu_ns) {
		fprintf(out, "DAMON's thread took ");
		put_cpu_time(out, from->kdamond_cpu_ns, from);
		fputc('\n', out);
	}
	if (*from->source && *from->others)
		fprintf(out, "also in this trace: %s (--source NAME shows it)\n",
			from->others);
}

void mh_report_json_from(struct mh_json *j, const struct mh_provenance *from)
{
	mh_json_put_string(j, "source", from->source);
	mh_json_put_string(j, "params", from->params);
	mh_json_put_string(j, "title", from->title);
	mh_json_put_string(j, "other_sources", from->others);
	mh_json_put_u64(j, "duration_ns", from->duration_ns);
	mh_json_put_u64(j, "intervals", from->nr_intervals);
	mh_json_put_u64(j, "samples", from->nr_samples);
	mh_json_put_u64(j, "lost", from->lost);
	mh_json_put_u64(j, "throttled", from->throttled);
	mh_json_put_u64(j, "nonmem", from->nonmem);
	mh_json_put_u64(j, "gaps", from->nr_gaps);
	mh_json_put_u64(j, "gap_ns", from->gap_ns);
	mh_json_put_u64(j, "damaged_blocks", from->nr_damaged);
	mh_json_put_u64(j, "observer_cpu_ns", from->observer_cpu_ns);
	mh_json_put_u64(j, "stall_max_ns", from->stall_max_ns);
	mh_json_put_u64(j, "kdamond_cpu_ns", from->kdamond_cpu_ns);
	mh_json_put_u64(j, "recorded_snapshots", from->nr_snapshots);
	mh_json_put_bool(j, "complete", from->complete);
}

void mh_report_json_begin(struct mh_json *j, FILE *out, const char *schema)
{
	mh_json_init(j, out);
	mh_json_object(j);
	mh_json_put_string(j, "schema", schema);
}

void mh_report_json_end(struct mh_json *j)
{
	mh_json_end_object(j);
	fputc('\n', j->out);
}

void mh_report_json_rows(struct mh_json *j, const char *key,
			 const struct mh_report_rows *rows, const void *view)
{
	struct mh_table t;

	mh_json_key(j, key);
	mh_table_begin_json(&t, j, rows->columns, rows->nr_columns);
	rows->put(&t, view);
	mh_table_end(&t, NULL);
}

const char *mh_report_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

const char *mh_report_source(char buf[MH_REPORT_SOURCE], const char *file, uint32_t line)
{
	if (!*file)
		snprintf(buf, MH_REPORT_SOURCE, "-");
	else if (!line)
		snprintf(buf, MH_REPORT_SOURCE, "%.80s", mh_report_base_name(file));
	else
		snprintf(buf, MH_REPORT_SOURCE, "%.80s:%" PRIu32,
			 mh_report_base_name(file), line);
	return buf;
}

struct mh_symtab_opts mh_report_names(const struct mh_report *r)
{
	return (struct mh_symtab_opts){
		.no_demangle = r->opts->no_demangle,
		.debug_dirs = (const char *const *)r->opts->debug_dirs.v
	};
}
