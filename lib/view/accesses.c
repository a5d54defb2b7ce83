/* SPDX-License-Identifier: MIT */
/* Views of what hardware samples tell: levels and lines. */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

void mh_levels_fini(struct mh_levels *l)
{
	if (!l)
		return;
	free(l->parts);
	free(l->rows);
	memset(l, 0, sizeof(*l));
}

static void line_fini(struct mh_line *row)
{
	size_t i;

	for (i = 0; row->spots && i < row->nr_spots; i++) {
		free(row->spots[i].function);
		free(row->spots[i].file);
	}
	free(row->spots);
	free(row->mapping);
	free(row->symbol);
}

void mh_lines_fini(struct mh_lines *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->nr_rows; i++)
		line_fini(&l->rows[i]);
	free(l->rows);
	memset(l, 0, sizeof(*l));
}

const char *mh_sharing_name(enum mh_sharing sharing)
{
	switch (sharing) {
	case MH_SHARING_TRUE:
		return "true";
	case MH_SHARING_FALSE:
		return "false";
	case MH_SHARING_UNKNOWN:
	default:
		return "unknown";
	}
}
