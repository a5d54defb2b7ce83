/* SPDX-License-Identifier: MIT */
/*
 * Rows: events laid out one after another in memory, with their strings and bitmaps
 * behind them. This is how a writer keeps what is not in a block yet, and what a tail
 * file holds; it never leaves the machine and build that made it.
 */
#ifndef MEMHEAT_TRACE_ROW_H
#define MEMHEAT_TRACE_ROW_H

#include "trace/format.h"

struct mh_row_head {
	uint16_t kind, source;
	uint32_t len; /* of the whole row, a multiple of 8 */
	uint64_t time_ns;
};

/* Bytes that the row of an event takes; 0: more than a row can have. */
size_t mh_row_len(const struct mh_event *ev);

/* @row: mh_row_len() bytes, 8-aligned */
void mh_row_put(void *row, const struct mh_event *ev, size_t len);

/* The kind's struct of a row that was put; what it points to lies in the row. */
void mh_row_get(const void *row, struct mh_event *ev);

/* Whether @left bytes begin with a whole and sound row; for rows of a tail file. */
bool mh_row_check(const void *row, size_t left);

/* A name for the layout of rows in this build: tail files of another are not read. */
uint32_t mh_row_layout(void);

#define MH_ROW_HEAD_LEN sizeof(struct mh_row_head)

#endif
