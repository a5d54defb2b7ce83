/* SPDX-License-Identifier: MIT */
/*
 * DAMOS schemes for DAMO (`damo start --damos ... `, `damo schemes -c`): page out what
 * was idle for as long as this trace shows that it hardly comes back; where hits were
 * counted, huge pages for what gets half of the accesses.
 *
 * JSON has no comments: what is to be said of it is in a member that DAMO does not read.
 */
#include <math.h>

#include "export/exporters.h"
#include "export/thresholds.h"

#define HUGE_PAGE (2 << 20)

static void put_limits(struct mh_json *j, const char *key, const char *min,
		       const char *max)
{
	mh_json_key(j, key);
	mh_json_object(j);
	mh_json_key(j, "min");
	mh_json_string(j, min);
	mh_json_key(j, "max");
	mh_json_string(j, max);
	mh_json_end_object(j);
}

static void begin_scheme(struct mh_json *j, const struct mh_about *about,
			 const char *action)
{
	mh_json_object(j);
	mh_json_key(j, "memheat");
	mh_about_json(j, about);
	mh_json_key(j, "action");
	mh_json_string(j, action);
	mh_json_key(j, "access_pattern");
	mh_json_object(j);
}

static void end_scheme(struct mh_json *j)
{
	mh_json_end_object(j);
	mh_json_end_object(j);
}

static void put_schemes(struct mh_json *j, const struct mh_thresholds *t, bool hits,
			const struct mh_about *about)
{
	char min[48];

	mh_json_array(j);
	begin_scheme(j, about, "pageout");
	put_limits(j, "sz_bytes", "4096 B", "max");
	put_limits(j, "nr_accesses", "0 %", "0 %");
	snprintf(min, sizeof(min), "%" PRIu64 " us", t->idle_ns / 1000);
	put_limits(j, "age", min, "max");
	end_scheme(j);
	if (hits && !isnan(t->hot_rate)) {
		begin_scheme(j, about, "hugepage");
		snprintf(min, sizeof(min), "%d B", HUGE_PAGE);
		put_limits(j, "sz_bytes", min, "max");
		snprintf(min, sizeof(min), "%.2f %%", t->hot_rate * 100);
		put_limits(j, "nr_accesses", min, "100 %");
		put_limits(j, "age", "0 us", "max");
		end_scheme(j);
	}
	mh_json_end_array(j);
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	bool hits = in->heat->unit == MH_UNIT_HIT_RATIO;
	struct mh_thresholds t;
	struct mh_about about;
	struct mh_json j;
	int ret = mh_thresholds_make(&t, in->heat, err);

	if (ret)
		return ret;
	if (!in->heat->nr_ages)
		return mh_fail(
			err, MH_ENOSUP,
			"damos: source %s does not tell which bytes stay idle, or "
			"not for long enough; record with -s damon or -s idle, for "
			"six intervals at least",
			in->heat->from.source);
	if (!t.idle_ns)
		return mh_fail(err, MH_ENOSUP,
			       "damos: in these %.3g s no memory stays idle for good: at "
			       "every age up to %.3g s more than 1%% comes back; record "
			       "for longer",
			       (double)in->heat->from.duration_ns * 1e-9,
			       (double)in->heat->ages[in->heat->nr_ages - 1].age_ns *
				       1e-9);
	mh_thresholds_about(&about, "damos", in);
	mh_about_add(&about,
		     "pageout: of %" PRIu64 " bytes idle for %.3g s, %.3g bytes per s "
		     "came back",
		     t.cold, (double)t.idle_ns * 1e-9, t.promoted);
	if (hits)
		mh_about_add(&about, "hugepage: half of the accesses go to such memory");
	else
		mh_about_add(&about,
			     "left out: a scheme for hot memory: %s counts no hits",
			     in->heat->from.source);
	mh_json_init(&j, out);
	put_schemes(&j, &t, hits, &about);
	putc('\n', out);
	return MH_OK;
}

const struct mh_exporter mh_exporter_damos = {
	.name = "damos",
	.summary = "schemes for DAMO, with thresholds from the trace",
	.needs = MH_EXPORT_HEAT,
	.run = run,
};
