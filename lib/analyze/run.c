/* SPDX-License-Identifier: MIT */
/*
 * A trace boiled down to a few numbers that can be kept in a repository and compared with
 * those of another day. What a source cannot give is refused with the reason: a guessed
 * number would be compared with a measured one some day.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <memheat/analyze.h>

#include "analyze/ages.h"
#include "analyze/objects.h"
#include "analyze/wss.h"
#include "base/vec.h"

#define WSS_KINDS (1u << MH_EV_REGION | 1u << MH_EV_PAGES)
#define AGES_MAX  16

static const char *const plain[] = { "wss.p50",  "wss.p90",  "wss.mean", "wss.peak",
				     "rss.peak", "pss.peak", "hot.bytes" };

/* ---- names ---- */

/* "cold.120s": its age; 0: it is not such a name. */
static uint64_t age_of(const char *name, const char *prefix)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	size_t i, len = strlen(prefix), digits;

	if (strncmp(name, prefix, len) != 0)
		return 0;
	name += len;
	digits = strspn(name, "0123456789");
	if (!digits || digits > 9)
		return 0;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(name + digits, units[i].unit))
			return (uint64_t)(strtod(name, NULL) * units[i].ns);
	return 0;
}

static int is_plain(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(name, plain[i]))
			return 1;
	return 0;
}

int mh_metric_parse(const char *name, struct mh_err *err)
{
	if (strlen(name) < sizeof(((struct mh_run_metric *)NULL)->name) &&
	    (is_plain(name) || age_of(name, "cold.") || age_of(name, "promo.")))
		return MH_OK;
	return mh_fail(err, MH_EINPUT,
		       "'%s' is no metric; there are wss.p50, wss.p90, wss.mean, "
		       "wss.peak, rss.peak, pss.peak, hot.bytes, and cold.AGE and "
		       "promo.AGE as in cold.10s",
		       name);
}

/* ---- the parts ---- */

struct work {
	struct mh_session *s;
	const struct mh_session_source *src;
	enum mh_event_kind kind;
	struct mh_scan_opts scan;
	struct mh_moments moments;
	struct mh_wss wss;
	struct mh_run *run;
	const struct mh_run_opts *opts;
};

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for a run's metrics");
}

static int put(struct work *w, const char *name, double value, struct mh_err *err)
{
	struct mh_run_metric *m;

	if (isnan(value))
		return MH_OK;
	m = mh_vec_push(&w->run->metrics);
	if (!m)
		return no_memory(err);
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->value = value;
	return MH_OK;
}

static double value_of(uint64_t bytes)
{
	return bytes == MH_NO_DATA ? NAN : (double)bytes;
}

static int moments_of(struct work *w, struct mh_err *err)
{
	return mh_moments_run(&w->moments, &w->scan, w->src, w->kind, w->s, err);
}

/*
 * The warm-up is a time here, so that runs with lengthened intervals leave out the same
 * part of the program. A window that began within it is left out whole, and the scan then
 * leaves out the snapshots whose middle is before the first window that stays.
 */
static int skip_warm_up(struct work *w, struct mh_err *err)
{
	uint64_t from = w->s->start_ns + w->opts->skip_ns;
	size_t i;
	int ret = MH_OK;

	if (!w->opts->skip_ns)
		ret = mh_moments_skip(&w->scan, w->src, w->kind, w->s, err);
	if (!ret)
		ret = moments_of(w, err);
	if (ret || !w->opts->skip_ns)
		return ret;
	for (i = 0; i < w->moments.nr && w->moments.v[i].time_ns.start < from; i++)
		;
	w->scan.nr_skipped = i;
	/* Before the middle of the first that stays, after that of the last that goes. */
	w->scan.not_before_ns =
		i < w->moments.nr ? w->moments.v[i].time_ns.start : UINT64_MAX;
	mh_moments_fini(&w->moments);
	memset(&w->moments, 0, sizeof(w->moments));
	return moments_of(w, err);
}

static int leave_out(struct work *w, struct mh_err *err)
{
	size_t nr, nr_busy;
	int ret = mh_moments_leave_out(&w->moments, w->s, w->src, &nr, &nr_busy, err);

	w->run->nr_left_out = nr;
	w->run->nr_busy = nr_busy;
	return ret;
}

static uint64_t length_of(const struct work *w)
{
	uint64_t end = mh_reader_info(w->s->reader)->time_ns.end;

	return end > w->s->start_ns ? end - w->s->start_ns : 0;
}

static int put_wss(struct work *w, struct mh_err *err)
{
	struct mh_wss_input in = { w->s, w->src, w->kind, &w->scan, &w->moments };
	const struct mh_wss_series *any = &w->wss.any, *hot;
	int ret = mh_wss_fill(&w->wss, &in, err);

	if (ret)
		return ret;
	if (!any->n)
		return mh_fail(
			err, MH_ENOSUP,
			"no interval with data after %.3g s of warm-up in %.3g s of "
			"recording: let the workload run longer, or take a shorter "
			"--skip or --interval",
			(double)w->opts->skip_ns * 1e-9, (double)length_of(w) * 1e-9);
	ret = put(w, "wss.p50", value_of(mh_wss_percentile(any, 50)), err);
	if (!ret)
		ret = put(w, "wss.p90", value_of(mh_wss_percentile(any, 90)), err);
	if (!ret)
		ret = put(w, "wss.mean", any->mean, err);
	if (!ret)
		ret = put(w, "wss.peak", value_of(any->sorted[any->n - 1]), err);
	if (!ret && w->wss.nr_thresholds == MH_WSS_THRESHOLDS) {
		hot = &w->wss.thresholds[MH_WSS_THRESHOLDS - 1];
		ret = put(w, "hot.bytes", value_of(mh_wss_percentile(hot, 50)), err);
	}
	return ret;
}

static int put_footprint(struct work *w, struct mh_err *err)
{
	struct mh_footprint f;
	double rss = NAN, pss = NAN;
	size_t i;
	int ret = mh_footprint_analyze(&f, w->s, err);

	if (ret)
		return ret == MH_ENOSUP ? MH_OK : ret;
	for (i = 0; i < f.nr_points; i++) {
		if (f.points[i].time_ns < w->opts->skip_ns)
			continue;
		rss = fmax(rss, value_of(f.points[i].rss));
		pss = fmax(pss, value_of(f.points[i].pss));
	}
	mh_footprint_fini(&f);
	ret = put(w, "rss.peak", rss, err);
	return ret ? ret : put(w, "pss.peak", pss, err);
}

static int put_age(struct work *w, const char *name, const struct mh_age *age,
		   struct mh_err *err)
{
	double value = *name == 'c' ? value_of(age->cold) : age->promoted;

	if (isnan(value))
		return mh_fail(err, MH_ENOSUP,
			       "%s: the recording (%.3g s) is shorter than that age",
			       name, (double)length_of(w) * 1e-9);
	return put(w, name, value, err);
}

static int put_ages(struct work *w, struct mh_err *err)
{
	struct mh_age ages[AGES_MAX] = { 0 };
	const char *names[AGES_MAX];
	size_t i, nr = 0;
	int ret;

	for (i = 0; i < w->opts->nr_metrics; i++) {
		const char *name = w->opts->metrics[i];
		uint64_t age = age_of(name, "cold.") + age_of(name, "promo.");

		if (!age)
			continue;
		if (nr == AGES_MAX)
			return mh_fail(err, MH_EINPUT, "at most %d ages at a time",
				       AGES_MAX);
		names[nr] = name;
		ages[nr++].age_ns = age;
	}
	if (!nr)
		return MH_OK;
	ret = mh_ages_run(ages, nr, w->s, w->src, w->kind, &w->scan, &w->moments, err);
	for (i = 0; !ret && i < nr; i++)
		ret = put_age(w, names[i], &ages[i], err);
	return ret;
}

/* Every wanted metric is there, or the reason why not is told. */
static int check_wanted(const struct work *w, struct mh_err *err)
{
	size_t i;

	for (i = 0; i < w->opts->nr_metrics; i++) {
		const char *name = w->opts->metrics[i];

		if (!isnan(mh_run_value(w->run, name)))
			continue;
		if (!strcmp(name, "hot.bytes"))
			return mh_fail(err, MH_ENOSUP,
				       "hot.bytes: %s tells what was accessed in an "
				       "interval, not how often; that needs damon",
				       w->src->name);
		return mh_fail(err, MH_ENOSUP, "%s: the trace has no reading of it%s",
			       name,
			       w->opts->skip_ns ? " after the warm-up (--skip)" : "");
	}
	return MH_OK;
}

/* ---- where and when ---- */

static const char *meta(const struct mh_session *s, const char *key)
{
	const char *value = mh_reader_meta(s->reader, key);

	return value ? value : "";
}

static void fill_environment(struct mh_environment *env, const struct work *w)
{
	snprintf(env->source, sizeof(env->source), "%s", w->src->name);
	env->window_ns = mh_session_meta_u64(w->s, w->src->id, "interval_ns");
	if (!env->window_ns)
		env->window_ns = w->wss.window_ns;
	env->page_size = strtoull(meta(w->s, "host.page_size"), NULL, 10);
	snprintf(env->thp, sizeof(env->thp), "%s", meta(w->s, "host.thp"));
	snprintf(env->arch, sizeof(env->arch), "%s", meta(w->s, "host.arch"));
	snprintf(env->kernel, sizeof(env->kernel), "%s", meta(w->s, "host.kernel"));
	snprintf(env->cpu, sizeof(env->cpu), "%s", meta(w->s, "host.cpu"));
}

static void fill_time(struct mh_run *run, const struct mh_session *s)
{
	uint64_t ns = strtoull(meta(s, "clock.realtime_ns"), NULL, 10);
	time_t t = (time_t)(ns / 1000000000u);
	struct tm tm;

	if (ns && gmtime_r(&t, &tm))
		strftime(run->time, sizeof(run->time), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void fill_buckets(struct mh_run *run, const struct mh_wss_series *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		unsigned bucket = 0;

		while (bucket + 1 < MH_LOG2_BUCKETS && s->sorted[i] > UINT64_C(1)
									      << bucket)
			bucket++;
		run->windows_log2[bucket]++;
		run->windows_sum += (double)s->sorted[i];
	}
}

static void fill_quality(struct work *w)
{
	struct mh_run *run = w->run;

	fill_buckets(run, &w->wss.any);

	run->nr_windows = w->wss.any.n;
	run->nr_no_data = w->wss.nr_no_data - run->nr_left_out;
	run->nr_skipped = w->wss.nr_skipped;
	run->median_window_ns = w->wss.window_ns;
	run->lost = w->s->lost;
	fill_time(run, w->s);
}

int mh_run_analyze(struct mh_run *out, struct mh_environment *env, struct mh_session *s,
		   const struct mh_run_opts *opts, struct mh_err *err)
{
	struct work w = { .s = s, .run = out, .opts = opts };
	int ret;

	memset(out, 0, sizeof(*out));
	memset(env, 0, sizeof(*env));
	w.scan.session = s;
	ret = mh_session_pick(s, WSS_KINDS, "working set size", &w.src, err);
	if (ret)
		return ret;
	w.kind = mh_session_data_kind(w.src);
	ret = skip_warm_up(&w, err);
	if (!ret)
		ret = leave_out(&w, err);
	if (!ret)
		ret = put_wss(&w, err);
	if (!ret)
		ret = put_footprint(&w, err);
	if (!ret)
		ret = put_ages(&w, err);
	if (!ret)
		ret = check_wanted(&w, err);
	if (!ret)
		ret = mh_objects_run(out, s, w.src, w.kind, &w.scan, &w.moments, err);
	if (!ret) {
		fill_environment(env, &w);
		fill_quality(&w);
	}
	mh_wss_fini(&w.wss);
	mh_moments_fini(&w.moments);
	if (ret)
		mh_run_fini(out);
	return ret;
}
