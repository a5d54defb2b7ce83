/* SPDX-License-Identifier: MIT */
/*
 * What the terminal can show, from the environment alone: a terminal is never queried,
 * since the answer comes through its keyboard and may never come. A pipe gets 80 columns
 * and no colour, so that text for scripts is the same everywhere.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "terminal.h"
#include "values.h"

const char *const mh_color_names[] = { "auto", "always", "never", NULL };

static const char *env(const char *name)
{
	const char *s = getenv(name);

	return s ? s : "";
}

static uint32_t env_columns(void)
{
	uint64_t v;

	if (mh_value_count(&v, env("COLUMNS"), NULL) != MH_OK || v < 1 || v > 10000)
		return 80;
	return (uint32_t)v;
}

static enum mh_color_depth depth(void)
{
	const char *term = env("TERM"), *color = env("COLORTERM");

	if (!strcmp(color, "truecolor") || !strcmp(color, "24bit"))
		return MH_COLOR_TRUE;
	if (strstr(term, "256color"))
		return MH_COLOR_256;
	return MH_COLOR_16;
}

static enum mh_color_depth color_for(int is_tty, enum mh_color_when when)
{
	const char *force = env("CLICOLOR_FORCE");

	if (when == MH_COLOR_ALWAYS)
		return depth();
	if (when == MH_COLOR_NEVER || *env("NO_COLOR"))
		return MH_COLOR_NONE;
	if (*force && strcmp(force, "0"))
		return depth();
	if (!is_tty || !*env("TERM") || !strcmp(env("TERM"), "dumb"))
		return MH_COLOR_NONE;
	return depth();
}

void mh_terminal_look(struct mh_terminal *t, int fd, enum mh_color_when when,
		      uint32_t width)
{
	struct winsize ws;

	t->is_tty = fd >= 0 && isatty(fd);
	t->color = fd < 0 && when == MH_COLOR_AUTO ? MH_COLOR_NONE
						   : color_for(t->is_tty, when);
	t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	t->width = 0;
	t->height = 24;
	if (t->is_tty && ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col) {
		t->width = ws.ws_col;
		t->height = ws.ws_row ? ws.ws_row : 24;
	} else {
		t->width = env_columns();
	}
	if (width)
		t->width = width;
}
