/* SPDX-License-Identifier: MIT */
/* Small traces from text: events are written, then opened as a session. */
#ifndef MEMHEAT_TESTS_ANALYZE_FIXTURE_H
#define MEMHEAT_TESTS_ANALYZE_FIXTURE_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memheat/analyze.h>

struct fixture {
	char path[64];
	struct mh_writer *writer;
	struct mh_event_scratch scratch;
};

static inline void fixture_begin(struct fixture *fx)
{
	struct mh_writer_opts opts = { .no_tail = 1 };
	struct mh_err err = { 0 };
	int fd;

	memset(fx, 0, sizeof(*fx));
	snprintf(fx->path, sizeof(fx->path), "/tmp/memheat-analyze-XXXXXX");
	fd = mkstemp(fx->path);
	assert_true(fd >= 0);
	close(fd);
	if (mh_writer_open(&fx->writer, fx->path, &opts, &err))
		fail_msg("%s", err.msg);
}

/* Add lines of the text form; several may stand in one string. */
static inline void fixture_add(struct fixture *fx, const char *text)
{
	char *copy = strdup(text), *save = NULL, *line;
	struct mh_err err = { 0 };
	struct mh_event ev;

	assert_non_null(copy);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int ret = mh_event_parse(&ev, line, &fx->scratch, &err);

		if (ret == MH_END)
			continue;
		if (ret || mh_writer_add(fx->writer, &ev, &err))
			fail_msg("%s", err.msg);
	}
	free(copy);
}

/* Blocks close here: what comes after is in others. */
static inline void fixture_flush(struct fixture *fx)
{
	assert_int_equal(mh_writer_flush(fx->writer, NULL), MH_OK);
}

static inline void fixture_close(struct fixture *fx)
{
	if (fx->writer)
		assert_int_equal(mh_writer_close(fx->writer, NULL), MH_OK);
	fx->writer = NULL;
}

static inline struct mh_session *fixture_open(struct fixture *fx,
					      const struct mh_session_opts *opts)
{
	struct mh_session *s = NULL;
	struct mh_err err = { 0 };

	fixture_close(fx);
	if (mh_session_open(&s, fx->path, opts, &err))
		fail_msg("%s", err.msg);
	return s;
}

static inline void fixture_end(struct fixture *fx)
{
	fixture_close(fx);
	unlink(fx->path);
	mh_event_scratch_fini(&fx->scratch);
}

/* A heatmap as text; the caller frees it. */
static inline char *heatmap_text(struct mh_session *s, const struct mh_heatmap_opts *opts)
{
	struct mh_heatmap map;
	struct mh_err err = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (mh_heatmap_analyze(&map, s, opts, &err))
		fail_msg("%s", err.msg);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	assert_int_equal(mh_heatmap_print(out, &map, &err), MH_OK);
	fclose(out);
	mh_heatmap_fini(&map);
	return text;
}

#endif
