/* SPDX-License-Identifier: MIT */
/* The exporters of this layer; one file each. */
#ifndef MEMHEAT_EXPORT_EXPORTERS_H
#define MEMHEAT_EXPORT_EXPORTERS_H

#include <memheat/export.h>

extern const struct mh_exporter mh_exporter_csv;
extern const struct mh_exporter mh_exporter_damo;
extern const struct mh_exporter mh_exporter_folded;
extern const struct mh_exporter mh_exporter_json;
extern const struct mh_exporter mh_exporter_perf_data;

#endif
