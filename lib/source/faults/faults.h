/* SPDX-License-Identifier: MIT */
/* The backend `faults`, for the registry. */
#ifndef MEMHEAT_SOURCE_FAULTS_FAULTS_H
#define MEMHEAT_SOURCE_FAULTS_FAULTS_H

#include <memheat/source.h>

extern const struct mh_source_ops mh_source_faults;

#endif
