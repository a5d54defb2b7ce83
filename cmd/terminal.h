/* SPDX-License-Identifier: MIT */
/* What the terminal (or whatever takes its place) can show. */
#ifndef MEMHEAT_TERMINAL_H
#define MEMHEAT_TERMINAL_H

#include <stdint.h>

#include <memheat/render.h>

enum mh_color_when {
	MH_COLOR_AUTO,
	MH_COLOR_ALWAYS,
	MH_COLOR_NEVER
};
extern const char *const mh_color_names[]; /* of enum mh_color_when */

struct mh_terminal {
	int is_tty;
	uint32_t width, height; /* characters */
	enum mh_color_depth color;
	int utf8;
};

/*
 * @fd: where the output goes; -1: into a file, without colour unless @when is always
 * @width: as asked by the user; 0: the terminal's, else $COLUMNS, else 80
 */
void mh_terminal_look(struct mh_terminal *t, int fd, enum mh_color_when when,
		      uint32_t width);

#endif
