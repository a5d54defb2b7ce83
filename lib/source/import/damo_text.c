/* SPDX-License-Identifier: MIT */
/*
 * DAMON's tracepoints as text, one region per line, as perf script, trace-cmd report and
 * DAMO print them. Only two things of a line's beginning are looked at: the event's name,
 * and the time, which is the last word before it.
 *
 * A snapshot's time is that of its first region and is where the next one starts. When
 * the first one starts is not told: the mean interval before it, for which the file is
 * read twice. A pipe cannot be, there the first interval is taken.
 */
#include "source/import/damo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "source/snapshot.h"

#define LINE_MAX_BYTES 65536

struct times {
	uint64_t target, first_ns, last_ns, nr;
};

struct text {
	struct damo *d;
	struct mh_assembly assembly;
	bool counting; /* first reading: only times */
	struct {
		struct times *v;
		size_t nr, cap;
	} times;
	uint64_t sample_us, nr_lines, nr_rows;
	struct damo_snapshot snap;
	struct {
		struct mh_region_row *v;
		size_t nr, cap;
	} held; /* a pipe's first snapshot, until the second tells the interval */
	uint64_t held_ns, held_missing;
};

/* ---- a line ---- */

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static bool take_u64(const char **p, uint64_t *out)
{
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	*out = strtoull(*p, &end, 10);
	*p = end;
	return true;
}

/* "name=NUMBER" */
static bool take_named(const char **p, const char *name, uint64_t *out)
{
	size_t len = strlen(name);

	*p = skip_blanks(*p);
	if (strncmp(*p, name, len) != 0 || (*p)[len] != '=')
		return false;
	*p += len + 1;
	return take_u64(p, out);
}

/* "START-END: NR_ACCESSES [AGE]"; DAMO's mark has -1 for both counts. */
static bool take_region(const char *p, struct mh_region_row *row)
{
	uint64_t nr, age;

	p = skip_blanks(p);
	if (!take_u64(&p, &row->start) || *p++ != '-' || !take_u64(&p, &row->end) ||
	    *p++ != ':')
		return false;
	p = skip_blanks(p);
	row->age = MH_NO_AGE;
	row->nr_accesses = 0;
	if (!row->start && !row->end && *p == '-')
		return true;
	if (!take_u64(&p, &nr) || nr > UINT32_MAX)
		return false;
	row->nr_accesses = (uint32_t)nr;
	p = skip_blanks(p);
	if (take_u64(&p, &age)) {
		if (age >= MH_NO_AGE)
			return false;
		row->age = (uint32_t)age;
	}
	return *skip_blanks(p) == '\0';
}

static bool take_heading(const char **p, bool before_apply, struct mh_region_row *row)
{
	uint64_t ignored, nr;

	if (before_apply && (!take_named(p, "ctx_idx", &ignored) ||
			     !take_named(p, "scheme_idx", &ignored)))
		return false;
	if (!take_named(p, before_apply ? "target_idx" : "target_id", &row->target) ||
	    !take_named(p, "nr_regions", &nr) || nr > DAMO_REGIONS_MAX)
		return false;
	row->nr_regions = (uint32_t)nr;
	return true;
}

/* "SEC.FRACTION" of up to nine digits, ending right before @end. */
static bool take_time(const char *line, const char *end, uint64_t *ns)
{
	const char *p = end;
	uint64_t sec, fraction = 0;
	unsigned digits = 0;

	while (p > line && ((p[-1] >= '0' && p[-1] <= '9') || p[-1] == '.'))
		p--;
	if (!take_u64(&p, &sec) || *p++ != '.')
		return false;
	for (; p < end && *p >= '0' && *p <= '9' && digits < 9; p++, digits++)
		fraction = fraction * 10 + (uint64_t)(*p - '0');
	if (!digits || p != end)
		return false;
	for (; digits < 9; digits++)
		fraction *= 10;
	return !__builtin_mul_overflow(sec, 1000000000u, ns) &&
	       !__builtin_add_overflow(*ns, fraction, ns);
}

enum line {
	LINE_OTHER,
	LINE_REGION,
	LINE_TUNE,
	LINE_BAD
};

/* Where the event's arguments begin; *time_end: the colon after the time. */
static const char *find_event(const char *line, const char *name, const char **time_end)
{
	const char *at = strstr(line, name), *p;

	if (!at)
		return NULL;
	p = at - line >= 6 && !strncmp(at - 6, "damon:", 6) ? at - 6 : at;
	while (p > line && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	if (p == line || p[-1] != ':')
		return NULL;
	*time_end = p - 1;
	return at + strlen(name);
}

static enum line parse_line(const char *line, struct mh_region_row *row,
			    uint64_t *sample_us)
{
	const char *time_end, *p = find_event(line, "damon_aggregated:", &time_end);
	bool before_apply = false;

	if (!p) {
		p = find_event(line, "damos_before_apply:", &time_end);
		before_apply = p != NULL;
	}
	if (p)
		return take_time(line, time_end, &row->time_ns) &&
				       take_heading(&p, before_apply, row) &&
				       take_region(p, row)
			       ? LINE_REGION
			       : LINE_BAD;
	p = find_event(line, "damon_monitor_intervals_tune:", &time_end);
	if (!p)
		return LINE_OTHER;
	return take_named(&p, "sample_us", sample_us) ? LINE_TUNE : LINE_BAD;
}

/* ---- snapshots ---- */

static struct times *times_of(struct text *t, uint64_t target)
{
	struct times *at;
	size_t i;

	for (i = 0; i < t->times.nr; i++)
		if (t->times.v[i].target == target)
			return &t->times.v[i];
	at = mh_vec_push(&t->times);
	if (at)
		at->target = target;
	return at;
}

static int give_rows(struct text *t, const struct mh_region_row *rows, size_t nr,
		     uint64_t start_ns, uint64_t end_ns, uint64_t nr_missing,
		     struct mh_err *err)
{
	struct damo_record record;
	size_t i;

	mh_damo_record_init(&record);
	record.target = nr ? rows[0].target : 0;
	t->snap.start_ns = start_ns;
	t->snap.end_ns = end_ns;
	t->snap.sample_us = t->sample_us;
	t->snap.nr_missing = nr_missing;
	t->snap.regions.nr = 0;
	for (i = 0; i < nr; i++) {
		struct damo_region *r = mh_vec_push(&t->snap.regions);

		if (!r)
			return mh_fail(err, MH_ENOMEM, "no memory for a snapshot");
		mh_damo_region_init(r);
		r->start = rows[i].start;
		r->end = rows[i].end;
		r->samples = rows[i].nr_accesses;
		r->age_aggrs = rows[i].age == MH_NO_AGE ? DAMO_UNKNOWN : rows[i].age;
	}
	return mh_damo_give(t->d, &record, &t->snap, err);
}

static int hold(struct text *t, const struct mh_snapshot *s, struct mh_err *err)
{
	size_t i;

	t->held.nr = 0;
	for (i = 0; i < s->nr; i++) {
		struct mh_region_row *row = mh_vec_push(&t->held);

		if (!row)
			return mh_fail(err, MH_ENOMEM, "no memory for a snapshot");
		*row = s->rows[i];
	}
	t->held_ns = s->time_ns;
	t->held_missing = s->nr_missing;
	return MH_OK;
}

static int give_held(struct text *t, uint64_t interval_ns, struct mh_err *err)
{
	size_t nr = t->held.nr;
	uint64_t start_ns = t->held_ns > interval_ns ? t->held_ns - interval_ns : 0;

	if (!nr)
		return MH_OK;
	t->held.nr = 0;
	return give_rows(t, t->held.v, nr, start_ns, t->held_ns, t->held_missing, err);
}

static uint64_t mean_interval(const struct times *at)
{
	return at->nr > 1 ? (at->last_ns - at->first_ns) / (at->nr - 1) : 0;
}

static int on_snapshot(void *arg, const struct mh_snapshot *s, struct mh_err *err)
{
	struct text *t = arg;
	struct times *at = times_of(t, s->target);
	uint64_t interval = 0;
	int ret;

	if (!at)
		return mh_fail(err, MH_ENOMEM, "no memory for targets");
	if (s->time_ns < s->previous_ns)
		return mh_fail(err, MH_EFORMAT,
			       "%s:%" PRIu64 ": snapshots are not in the order of time; "
			       "sort the lines, as perf script does",
			       t->d->in->name, t->nr_lines);
	if (t->counting) {
		if (!at->nr++)
			at->first_ns = s->time_ns;
		at->last_ns = s->time_ns;
		return MH_OK;
	}
	if (s->previous_ns) {
		ret = t->held.nr && t->held.v[0].target == s->target
			      ? give_held(t, s->time_ns - s->previous_ns, err)
			      : MH_OK;
		return ret != MH_OK ? ret
				    : give_rows(t, s->rows, s->nr, s->previous_ns,
						s->time_ns, s->nr_missing, err);
	}
	if (t->d->in->seekable)
		interval = mean_interval(at);
	if (interval && interval <= s->time_ns)
		return give_rows(t, s->rows, s->nr, s->time_ns - interval, s->time_ns,
				 s->nr_missing, err);
	ret = give_held(t, 0, err);
	return ret == MH_OK ? hold(t, s, err) : ret;
}

static int take_line(struct text *t, const char *line, struct mh_err *err)
{
	struct mh_region_row row;

	switch (parse_line(line, &row, &t->sample_us)) {
	case LINE_BAD:
		return mh_fail(err, MH_EFORMAT,
			       "%s:%" PRIu64 ": not a line of a DAMON tracepoint",
			       t->d->in->name, t->nr_lines);
	case LINE_REGION:
		t->nr_rows++;
		if (t->assembly.targets.nr > DAMO_TARGETS_MAX)
			return mh_fail(err, MH_EFORMAT, "%s has more than %d targets",
				       t->d->in->name, DAMO_TARGETS_MAX);
		return mh_assembly_add(&t->assembly, &row, on_snapshot, t, err);
	case LINE_OTHER:
	case LINE_TUNE:
		break;
	}
	return MH_OK;
}

static int read_lines(struct text *t, struct mh_err *err)
{
	FILE *f = t->d->in->f;
	char *line = malloc(LINE_MAX_BYTES);
	int ret = MH_OK;

	if (!line)
		return mh_fail(err, MH_ENOMEM, "no memory to read text");
	t->nr_lines = t->nr_rows = t->sample_us = 0;
	while (ret == MH_OK && fgets(line, LINE_MAX_BYTES, f)) {
		t->nr_lines++;
		line[strcspn(line, "\r\n")] = '\0';
		ret = take_line(t, line, err);
	}
	free(line);
	if (ret == MH_OK && ferror(f))
		ret = mh_fail_errno(err, "cannot read %s", t->d->in->name);
	if (ret == MH_OK)
		ret = mh_assembly_flush(&t->assembly, UINT64_MAX, on_snapshot, t, err);
	if (ret == MH_OK && !t->counting)
		ret = give_held(t, 0, err);
	mh_assembly_fini(&t->assembly);
	return ret;
}

int mh_damo_text(struct damo *d, struct mh_err *err)
{
	struct text t = { .d = d };
	int ret = MH_OK;

	if (d->in->seekable) {
		t.counting = true;
		ret = read_lines(&t, err);
		t.counting = false;
		rewind(d->in->f);
	}
	if (ret == MH_OK)
		ret = read_lines(&t, err);
	if (ret == MH_OK && !t.nr_rows)
		ret = mh_fail(err, MH_EFORMAT,
			      "%s: no line is of damon:damon_aggregated; this is no "
			      "record of DAMO",
			      d->in->name);
	free(t.times.v);
	free(t.held.v);
	free(t.snap.regions.v);
	mh_assembly_fini(&t.assembly);
	return ret;
}
