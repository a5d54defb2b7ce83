/* SPDX-License-Identifier: MIT */
/* The exporters of this layer; one file each. */
#ifndef MEMHEAT_EXPORT_EXPORTERS_H
#define MEMHEAT_EXPORT_EXPORTERS_H

#include <memheat/export.h>

extern const struct mh_exporter mh_exporter_bolt;
extern const struct mh_exporter mh_exporter_callgrind;
extern const struct mh_exporter mh_exporter_csv;
extern const struct mh_exporter mh_exporter_damo;
extern const struct mh_exporter mh_exporter_damos;
extern const struct mh_exporter mh_exporter_folded;
extern const struct mh_exporter mh_exporter_gcc_afdo;
extern const struct mh_exporter mh_exporter_json;
extern const struct mh_exporter mh_exporter_linker_script;
extern const struct mh_exporter mh_exporter_llvm_data_access;
extern const struct mh_exporter mh_exporter_llvm_prefetch;
extern const struct mh_exporter mh_exporter_llvm_sample;
extern const struct mh_exporter mh_exporter_madvise;
extern const struct mh_exporter mh_exporter_memprof_heap;
extern const struct mh_exporter mh_exporter_perf_data;
extern const struct mh_exporter mh_exporter_perfetto;
extern const struct mh_exporter mh_exporter_pprof;
extern const struct mh_exporter mh_exporter_prefetch;
extern const struct mh_exporter mh_exporter_section_order;
extern const struct mh_exporter mh_exporter_speedscope;
extern const struct mh_exporter mh_exporter_symbol_order;

#endif
