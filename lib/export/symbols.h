/* SPDX-License-Identifier: MIT */
/* Symbols of a profile's program, as compilers and linkers group them. */
#ifndef MEMHEAT_EXPORT_SYMBOLS_H
#define MEMHEAT_EXPORT_SYMBOLS_H

#include <memheat/export.h>

/* The section that the compiler puts it into without -fdata-sections: ".data"; NULL: one
 * that is none of text and plain data. */
const char *mh_symbol_section(const struct mh_profile_symbol *s);

#endif
