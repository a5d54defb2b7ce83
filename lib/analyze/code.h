/* SPDX-License-Identifier: MIT */
/* What tables of lines and tables of functions have in common. */
#ifndef MEMHEAT_ANALYZE_CODE_H
#define MEMHEAT_ANALYZE_CODE_H

#include "analyze/sites.h"

/* A site and its name; the strings of one symtab are kept once and compare by address. */
struct mh_code_named {
	const struct mh_site *site;
	struct mh_symbol symbol;
};

int mh_code_by_text(const char *a, const char *b);

/* @by_stack: tell call chains apart. The part is a struct mh_sites. */
int mh_code_collect(struct mh_analysis *a, struct mh_session *s,
		    const struct mh_session_source *src, bool by_stack,
		    struct mh_err *err);

/* Add a site to a row; its share is the sum of periods until it is divided.
 * @levels: of the row so far */
void mh_code_add(struct mh_code_row *row, const struct mh_site *s, uint64_t *levels);

/* One per module and reason why code has no name. Negative: out of memory. */
int mh_code_notes(struct mh_code *out, const struct mh_code_named *named, size_t nr,
		  const struct mh_symtab *st);

#endif
