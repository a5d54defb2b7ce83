/* SPDX-License-Identifier: MIT */
/* The rows of the view `mappings`: places by process and name, and what is known of them
 * from mappings and footprints alone. */
#ifndef MEMHEAT_ANALYZE_ROWS_H
#define MEMHEAT_ANALYZE_ROWS_H

#include <memheat/view.h>

#include "analyze/numbering.h"
#include "analyze/places.h"

struct mh_rows {
	struct {
		struct mh_mapping_row *v;
		size_t nr, cap;
	} rows;
	uint32_t *of_place; /* row of each place */
	struct mh_numbering by_name;
};

/* One row per pid and name of @places; sizes are the largest that was mapped at once. */
int mh_rows_init(struct mh_rows *r, const struct mh_session *s,
		 const struct mh_places *places, struct mh_err *err);
void mh_rows_fini(struct mh_rows *r);

/* Largest sum of all mappings at one time; MH_NO_DATA where none are known. */
int mh_rows_mapped_bytes(uint64_t *out, const struct mh_session *s,
			 const struct mh_places *places, struct mh_err *err);

/* Largest RSS, swap and huge bytes from FOOTPRINT events of mappings. */
int mh_rows_footprint(struct mh_rows *r, const struct mh_session *s,
		      const struct mh_places *places, struct mh_err *err);

#endif
