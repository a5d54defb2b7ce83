/* SPDX-License-Identifier: MIT */
/* The heatmap's release and its form as text. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

void mh_heatmap_fini(struct mh_heatmap *map)
{
	if (!map)
		return;
	free(map->mean);
	free(map->max);
	free(map->state);
	free(map->bands);
	free(map->spots);
	free(map->wss_min);
	free(map->wss_max);
	memset(map, 0, sizeof(*map));
}

static char cell_char(const struct mh_heatmap *map, size_t i)
{
	int tenth;

	switch ((enum mh_cell_state)map->state[i]) {
	case MH_CELL_UNMAPPED:
		return ' ';
	case MH_CELL_NOT_OBSERVED:
		return '?';
	case MH_CELL_ZERO:
		return '.';
	case MH_CELL_VALUE:
	case MH_CELL_FEW:
		break;
	}
	tenth = (int)ceil(map->max[i] / map->value_max * 9);
	return (char)((map->state[i] == MH_CELL_FEW ? 'a' - 1 : '0') +
		      (tenth < 1 ? 1 : tenth));
}

static void print_band(FILE *out, const struct mh_band *b)
{
	fprintf(out, "band rows %u+%u %" PRIx64 "-%" PRIx64 " bytes %" PRIu64, b->row,
		b->nr_rows, b->addr.start, b->addr.end, b->bytes);
	fprintf(out, " gap %" PRIu64 " share %.4f%s %s%s%s\n", b->gap_before, b->share,
		b->cold ? " cold" : "", b->name, *b->owner ? " of " : "", b->owner);
}

int mh_heatmap_print(FILE *out, const struct mh_heatmap *map, struct mh_err *err)
{
	size_t b, r, c;

	fprintf(out, "time %" PRIu64 "-%" PRIu64 " unit %s max %g\n", map->time_ns.start,
		map->time_ns.end, mh_unit_word(map->unit), map->value_max);
	for (b = map->nr_bands; b-- > 0;)
		print_band(out, &map->bands[b]);
	for (r = map->rows; r-- > 0;) {
		putc('|', out);
		for (c = 0; c < map->cols; c++)
			putc(cell_char(map, r * map->cols + c), out);
		fputs("|\n", out);
	}
	return ferror(out) ? mh_fail_errno(err, "cannot write") : MH_OK;
}
