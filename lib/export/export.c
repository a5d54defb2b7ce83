/* SPDX-License-Identifier: MIT */
/* The exporters, in the order in which help lists them. */
#include <memheat/export.h>

static const struct mh_exporter *const exporters[] = { &mh_exporter_damo };

const struct mh_exporter *mh_exporter_at(size_t i)
{
	return i < sizeof(exporters) / sizeof(exporters[0]) ? exporters[i] : NULL;
}
