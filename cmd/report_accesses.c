/* SPDX-License-Identifier: MIT */
/* What the reports on hardware samples share: filters by name, and words. */
#include <inttypes.h>
#include <string.h>

#include "report.h"

typedef const char *(*name_fn)(unsigned value);

/* Bits of the names in @list; MH_EINPUT names what there is. */
static int bits_of(uint32_t *out, const struct mh_strings *list, name_fn name,
		   const char *option, struct mh_err *err)
{
	char all[256] = "";
	unsigned value;
	size_t i, used;

	*out = 0;
	for (i = 0; i < list->nr; i++) {
		for (value = 0; name(value) && strcmp(name(value), list->v[i]); value++)
			;
		if (name(value)) {
			*out |= 1u << value;
			continue;
		}
		for (value = 0; name(value); value++) {
			used = strlen(all);
			snprintf(all + used, sizeof(all) - used, "%s%s",
				 value ? ", " : "", name(value));
		}
		return mh_fail(err, MH_EINPUT, "--%s: '%s' is none of %s", option,
			       list->v[i], all);
	}
	return MH_OK;
}

int mh_report_access_filters(struct mh_session_opts *out, const struct mh_report_opts *o,
			     struct mh_err *err)
{
	int ret = bits_of(&out->access.ops, &o->ops, mh_mem_op_name, "op", err);

	if (!ret)
		ret = bits_of(&out->access.levels, &o->levels, mh_mem_level_name, "level",
			      err);
	if (!ret)
		ret = bits_of(&out->access.snoops, &o->snoops, mh_mem_snoop_name, "snoop",
			      err);
	if (!ret)
		ret = bits_of(&out->access.tlbs, &o->tlbs, mh_mem_tlb_name, "tlb", err);
	if (!ret)
		ret = bits_of(&out->access.locks, &o->locks, mh_mem_lock_name, "lock",
			      err);
	return ret;
}

const char *mh_report_cycles(char buf[MH_TEXT_MAX], uint64_t sum, uint64_t nr)
{
	if (nr)
		snprintf(buf, MH_TEXT_MAX, "%" PRIu64, (sum + nr / 2) / nr);
	else
		snprintf(buf, MH_TEXT_MAX, "-");
	return buf;
}
