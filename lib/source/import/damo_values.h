/* SPDX-License-Identifier: MIT */
/*
 * The scalars of DAMO's records, which are written for people: "94,827,419,009,024",
 * "31.340 MiB", "4 h 2 m 1.500 s", "4 %", "max". JSON numbers have the same grammar.
 */
#ifndef MEMHEAT_SOURCE_IMPORT_DAMO_VALUES_H
#define MEMHEAT_SOURCE_IMPORT_DAMO_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns false for what is not such a value, or is negative or beyond 64 bits. */

/* Whole numbers exactly; a fraction is cut off. */
bool mh_damo_count(uint64_t *out, const char *s, size_t len);
/* With a unit B, K, KB, KiB ... E, EB, EiB, all of 1024. */
bool mh_damo_bytes(uint64_t *out, const char *s, size_t len);
/* @plain_ns: what a number without a unit counts: 1 or 1000 ns */
bool mh_damo_time(uint64_t *out_ns, const char *s, size_t len, uint64_t plain_ns);
/* "4 %" gives 4; a plain number is percent too. */
bool mh_damo_percent(double *out, const char *s, size_t len);
/* Basis points: "400", "4 %", "400 bp". */
bool mh_damo_bp(uint64_t *out, const char *s, size_t len);

#endif
