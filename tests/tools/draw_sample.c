/* SPDX-License-Identifier: MIT */
/*
 * Draw a made-up view, to look at what the renderers make of it.
 *
 *	draw_sample [-l] [-r] [-m inferno|viridis|magma] [-s WxH] png|svg|none|16|256|true
 *> FILE
 *
 * -l: light; -r: rates instead of ratios; -a: terminal without UTF-8. The size is in
 *pixels, or in characters for terminals.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "render/sample.h"

static int usage(void)
{
	fputs("usage: draw_sample [-l] [-r] [-a] [-m MAP] [-s WxH] "
	      "png|svg|none|16|256|true\n",
	      stderr);
	return 2;
}

static enum mh_cmap cmap_of(const char *name)
{
	return !strcmp(name, "viridis") ? MH_CMAP_VIRIDIS
	       : !strcmp(name, "magma") ? MH_CMAP_MAGMA
					: MH_CMAP_INFERNO;
}

static enum mh_color_depth depth_of(const char *name)
{
	return !strcmp(name, "true")  ? MH_COLOR_TRUE
	       : !strcmp(name, "256") ? MH_COLOR_256
	       : !strcmp(name, "16")  ? MH_COLOR_16
				      : MH_COLOR_NONE;
}

int main(int argc, char **argv)
{
	struct mh_picture_opts picture = { 0 };
	struct mh_term_opts term = { .utf8 = 1 };
	unsigned w = 0, h = 0;
	struct mh_heatmap map;
	struct mh_err err;
	uint32_t rows, cols;
	int option, status, rates = 0;
	const char *form;

	while ((option = getopt(argc, argv, "lram:s:")) != -1) {
		if (option == 'l')
			picture.light = 1;
		else if (option == 'r')
			rates = 1;
		else if (option == 'a')
			term.utf8 = 0;
		else if (option == 'm')
			picture.cmap = term.cmap = cmap_of(optarg);
		else if (option != 's' || sscanf(optarg, "%ux%u", &w, &h) != 2)
			return usage();
	}
	if (optind + 1 != argc)
		return usage();
	form = argv[optind];
	picture.width_px = term.width = w;
	picture.height_px = term.height = h;
	picture.command = "draw_sample";
	term.color = depth_of(form);
	if (!strcmp(form, "png") || !strcmp(form, "svg"))
		mh_png_cells(&picture, &rows, &cols);
	else
		mh_term_cells(&term, &rows, &cols);
	sample_init(&map, rows, cols);
	if (rates)
		sample_as_rates(&map);
	if (!strcmp(form, "png"))
		status = mh_png_write(stdout, &map, &picture, &err);
	else if (!strcmp(form, "svg"))
		status = mh_svg_write(stdout, &map, &picture, &err);
	else
		status = mh_term_heatmap(stdout, &map, &term, &err);
	sample_free(&map);
	if (status < 0)
		fprintf(stderr, "draw_sample: %s\n", err.msg);
	return status < 0;
}
