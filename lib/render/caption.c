/* SPDX-License-Identifier: MIT */
/* Sentences made of a view's numbers; every number in them is one of the view's. */
#include "render/caption.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/text.h"
#include "render/utf8.h"

static void add(char buf[MH_CAPTION_MAX], const char *fmt, ...) MH_PRINTF(2, 3);

static void add(char buf[MH_CAPTION_MAX], const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf + used, MH_CAPTION_MAX - used, fmt, args);
	va_end(args);
}

/* What has to stand before the next part of a list. */
static const char *comma(const char *buf)
{
	return *buf ? ", " : "";
}

void mh_caption_source(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX])
{
	const struct mh_provenance *from = &map->from;
	unsigned long long snapshots = from->nr_intervals, samples = from->nr_samples;
	char text[MH_TEXT_MAX];

	*buf = '\0';
	add(buf, "%s", from->source);
	if (*from->params)
		add(buf, "%s%s", comma(buf), from->params);
	add(buf, "%s%s", comma(buf), mh_text_ns(text, from->duration_ns));
	if (snapshots)
		add(buf, ", %llu interval%s", snapshots, mh_text_plural(snapshots));
	if (samples)
		add(buf, ", %llu sample%s", samples, mh_text_plural(samples));
	if (*from->others)
		add(buf, " (also in the trace: %s)", from->others);
}

void mh_caption_wss(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX])
{
	char p50[MH_TEXT_MAX], p95[MH_TEXT_MAX], peak[MH_TEXT_MAX];

	*buf = '\0';
	if (map->diverging)
		return;
	if (!map->wss_max || map->wss_peak == MH_NO_DATA)
		add(buf, "no WSS from this source");
	else
		add(buf, "WSS p50 %s, p95 %s, max %s", mh_text_bytes(p50, map->wss_p50),
		    mh_text_bytes(p95, map->wss_p95), mh_text_bytes(peak, map->wss_peak));
}

void mh_caption_losses(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX])
{
	const struct mh_provenance *from = &map->from;
	char text[MH_TEXT_MAX];

	*buf = '\0';
	if (from->lost)
		add(buf, "lost %llu", (unsigned long long)from->lost);
	if (from->throttled)
		add(buf, "%sthrottled %llu", comma(buf),
		    (unsigned long long)from->throttled);
	if (from->nr_gaps)
		add(buf, "%s%llu gap%s (%s)", comma(buf),
		    (unsigned long long)from->nr_gaps, mh_text_plural(from->nr_gaps),
		    mh_text_ns(text, from->gap_ns));
	if (from->nr_damaged)
		add(buf, "%s%llu damaged block%s left out", comma(buf),
		    (unsigned long long)from->nr_damaged,
		    mh_text_plural(from->nr_damaged));
	if (!from->complete)
		add(buf, "%snot closed by its recorder", comma(buf));
	if (!*buf)
		add(buf, "lost 0, no gaps");
}

/* Smallest and largest bytes of one row, over the bands that have rows. */
static bool row_bytes(const struct mh_heatmap *map, uint64_t *least, uint64_t *most)
{
	bool any = false;
	size_t i;

	for (i = 0; i < map->nr_bands; i++) {
		const struct mh_band *b = &map->bands[i];
		uint64_t bytes;

		if (!b->nr_rows)
			continue;
		bytes = (mh_range_len(b->addr) ? mh_range_len(b->addr) : b->bytes) /
			b->nr_rows;
		if (!any || bytes < *least)
			*least = bytes;
		if (!any || bytes > *most)
			*most = bytes;
		any = true;
	}
	return any;
}

void mh_caption_cell(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX])
{
	char lo[MH_TEXT_MAX], hi[MH_TEXT_MAX];
	uint64_t least = 0, most = 0;

	*buf = '\0';
	if (!map->cols || !row_bytes(map, &least, &most))
		return;
	add(buf, "cell %s x %s", mh_text_ns(lo, mh_range_len(map->time_ns) / map->cols),
	    mh_text_bytes(hi, least));
	mh_text_bytes(lo, most);
	if (strcmp(lo, hi))
		add(buf, "..%s", lo);
}

void mh_caption_cost(const struct mh_heatmap *map, char buf[MH_CAPTION_MAX])
{
	char text[MH_TEXT_MAX];

	*buf = '\0';
	/* Imported traces do not say what it took to record them. */
	if (map->from.observer_cpu_ns)
		add(buf, "recorder %s CPU", mh_text_ns(text, map->from.observer_cpu_ns));
	if (map->from.stall_max_ns)
		add(buf, "%sstalls up to %s", comma(buf),
		    mh_text_ns(text, map->from.stall_max_ns));
}

void mh_caption_unit(const struct mh_color_scale *scale, char buf[MH_CAPTION_MAX])
{
	*buf = '\0';
	if (scale->diverging)
		add(buf, "change of %s (means)", mh_unit_name(scale->unit));
	else
		add(buf, "%s (%s, cell max)", mh_unit_name(scale->unit),
		    mh_color_scale_name(scale));
}

static void add_value(char buf[MH_CAPTION_MAX], enum mh_unit unit, double value)
{
	struct mh_color_scale scale = { .unit = unit };
	char text[MH_TEXT_MAX];

	if (unit == MH_UNIT_HIT_RATIO || unit == MH_UNIT_TOUCHED_RATIO) {
		add(buf, "%s", mh_text_percent(text, value));
		return;
	}
	mh_color_scale_text(&scale, value, text);
	add(buf, "%s %s", text, mh_unit_short(unit));
}

static void add_place(char buf[MH_CAPTION_MAX], const struct mh_heatmap *map,
		      const struct mh_hot_spot *spot)
{
	const struct mh_band *band;
	char text[MH_TEXT_MAX];

	if (spot->band >= map->nr_bands)
		return;
	band = &map->bands[spot->band];
	add(buf, "%s", band->name);
	if (*band->owner)
		add(buf, " of %s", band->owner);
	if (spot->addr.start < band->addr.start || !band->addr.end)
		return;
	add(buf, " +%s",
	    spot->addr.start > band->addr.start
		    ? mh_text_bytes(text, spot->addr.start - band->addr.start)
		    : "0");
}

void mh_caption_spot(const struct mh_heatmap *map, size_t which, char buf[MH_CAPTION_MAX])
{
	const struct mh_hot_spot *spot = &map->spots[which];
	char text[MH_TEXT_MAX];

	*buf = '\0';
	add(buf, "(%zu) ", which + 1);
	add_place(buf, map, spot);
	add(buf, ": ");
	add_value(buf, map->unit, spot->value);
	add(buf, " for %s", mh_text_ns(text, mh_range_len(spot->time_ns)));
}

/* Bytes of the mapped bands, all of them or the collapsed ones. */
static uint64_t bytes_of(const struct mh_heatmap *map, bool cold_only)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < map->nr_bands; i++) {
		if (!cold_only || map->bands[i].cold)
			sum += map->bands[i].bytes;
	}
	return sum;
}

void mh_heatmap_describe(const struct mh_heatmap *map, char *buf, size_t size)
{
	char s[MH_CAPTION_MAX] = "", text[MH_TEXT_MAX];
	uint64_t cold = bytes_of(map, true);

	add(s, "%s of %s by %s over %s", map->diverging ? "Change" : "Heatmap",
	    *map->from.title ? map->from.title : "a recording", map->from.source,
	    mh_text_ns(text, mh_range_len(map->time_ns)));
	add(s, ": %s in %zu band%s", mh_text_bytes(text, bytes_of(map, false)),
	    map->nr_bands, mh_text_plural(map->nr_bands));
	if (map->wss_max && map->wss_peak != MH_NO_DATA) {
		add(s, "; the working set is %s in the median",
		    mh_text_bytes(text, map->wss_p50));
		add(s, " and %s at most", mh_text_bytes(text, map->wss_peak));
	}
	if (map->nr_spots) {
		add(s, "; hottest is ");
		add_place(s, map, &map->spots[0]);
		add(s, " with ");
		add_value(s, map->unit, map->spots[0].value);
		add(s, " for %s", mh_text_ns(text, mh_range_len(map->spots[0].time_ns)));
	}
	if (map->diverging)
		add(s, "; blue is less, red is more");
	if (cold)
		add(s, "; %s stayed cold", mh_text_bytes(text, cold));
	if (map->from.nr_gaps)
		add(s, "; without data: %s", mh_text_ns(text, map->from.gap_ns));
	add(s, ".");
	if (size)
		mh_utf8_safe(buf, size, s, 1);
}
