/* SPDX-License-Identifier: MIT */
/*
 * Folded stacks, one per line: "process;outer;...;inner;object events". Callers come
 * first where samples have call chains. The object that
 * was accessed is the leaf, so that a flame graph ends in data. Lines that begin with '#'
 * end in one too: readers look for a number at the end.
 */
#include <inttypes.h>

#include "export/about.h"
#include "export/exporters.h"
#include "export/pairs.h"

static void put_stack(FILE *out, const struct mh_profile *p, const struct mh_pair *pair)
{
	fprintf(out, "pid %" PRIu32 ";", p->objects[pair->object].pid);
	mh_put_callers(out, p, pair->caller);
	mh_put_code(out, p, pair->code);
	mh_put_name(out, p->objects[pair->object].name);
	fprintf(out, " %" PRIu64 "\n", pair->events);
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct mh_pairs pairs;
	struct mh_about about;
	size_t i;
	int ret = mh_pairs_make(&pairs, in->profile, false, err);

	mh_about_profile(&about, "folded", in);
	mh_about_print(out, &about, "# ", " #");
	for (i = 0; !ret && i < pairs.nr; i++)
		put_stack(out, in->profile, &pairs.v[i]);
	mh_pairs_fini(&pairs);
	return ret;
}

const struct mh_exporter mh_exporter_folded = {
	.name = "folded",
	.summary = "stacks that end in data, for flamegraph.pl and speedscope",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CODE | MH_EXPORT_CHAINS,
	.run = run,
};
