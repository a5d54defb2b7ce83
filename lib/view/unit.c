/* SPDX-License-Identifier: MIT */
/* What the units of cells are called, in a sentence, in a column and in a program. */
#include <memheat/view.h>

static const struct {
	const char *name, *brief, *word;
} units[] = {
	[MH_UNIT_HIT_RATIO] = { "accessed in % of checks", "% of checks", "hit_ratio" },
	[MH_UNIT_TOUCHED_RATIO] = { "% of bytes touched per interval", "% of bytes",
				    "touched_ratio" },
	[MH_UNIT_ACCESSES_PER_S] = { "estimated accesses/s (samples x period / time)",
				     "accesses/s", "accesses_per_s" },
	[MH_UNIT_FAULTS_PER_S] = { "first touches/s (page faults)", "faults/s",
				   "faults_per_s" },
};

const char *mh_unit_name(enum mh_unit unit)
{
	mh_assert(unit < sizeof(units) / sizeof(*units));
	return units[unit].name;
}

const char *mh_unit_short(enum mh_unit unit)
{
	mh_assert(unit < sizeof(units) / sizeof(*units));
	return units[unit].brief;
}

const char *mh_unit_word(enum mh_unit unit)
{
	mh_assert(unit < sizeof(units) / sizeof(*units));
	return units[unit].word;
}
