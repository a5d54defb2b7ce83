/* SPDX-License-Identifier: MIT */
/*
 * The trace: a file of independent compressed blocks of columns. The bytes are specified
 * in memheat-trace(5); this is how they are written and read.
 *
 * A writer takes events one by one. Rows of open blocks are also kept in a shared-memory
 * tail file beside the trace ("FILE.tail"), so that they survive the death of the writer.
 * A reader gives batches: the decoded columns of one block. One reader serves many
 * cursors, one per thread; a cursor and what it lends belong to one thread.
 */
#ifndef MEMHEAT_TRACE_H
#define MEMHEAT_TRACE_H

#include <stdio.h>

#include <memheat/base.h>
#include <memheat/event.h>

/* ---- writing ---- */

struct mh_writer;

enum mh_policy {
	MH_POLICY_DEFAULT, /* Z_RLE; a search for columns where a trial says that it pays
			    */
	MH_POLICY_FAST,    /* Z_RLE everywhere */
	MH_POLICY_BEST     /* level 9 where it pays; for repack */
};

struct mh_writer_opts {
	enum mh_policy policy;
	/* Close blocks at this age. 0: by size only where there is a tail file, else
	 * 1000; UINT32_MAX: by size only (repack, which has nothing to lose). */
	uint32_t flush_ms;
	int no_tail;              /* keep the open rows in private memory only */
	const struct mh_log *log; /* NULL: silent; borrowed for the writer's life */
};

/*
 * Create a trace. An existing file is replaced (renaming it to .old is the caller's
 * choice). Mode 0600. "-" is standard output: no index at the end that needs seeking, no
 * tail file, blocks close by age.
 *
 * @opts: NULL: defaults
 * Returns MH_OK; MH_ESYS, MH_EPERM, MH_ENOMEM.
 */
int mh_writer_open(struct mh_writer **out, const char *path,
		   const struct mh_writer_opts *opts, struct mh_err *err) MH_MUST_CHECK;

/*
 * Add an event. Kept in memory and in the tail file until a block is full.
 * An event of a kind that the format does not hold is a broken promise (assertion).
 *
 * Returns MH_OK; MH_ESYS when the file cannot grow (disk full): the file has been cut to
 * its last whole block, nothing more can be added, mh_writer_close() still works.
 */
int mh_writer_add(struct mh_writer *w, const struct mh_event *ev,
		  struct mh_err *err) MH_MUST_CHECK;

/* mh_writer_add() as an mh_event_fn; @arg is the writer. */
int mh_writer_sink(void *arg, const struct mh_event *ev, struct mh_err *err);

/* Close and write all open blocks. */
int mh_writer_flush(struct mh_writer *w, struct mh_err *err) MH_MUST_CHECK;

/* Bytes written to the file up to now (without open blocks), and events taken. */
uint64_t mh_writer_bytes(const struct mh_writer *w);
uint64_t mh_writer_count(const struct mh_writer *w, enum mh_event_kind kind);

/*
 * Flush, write index and trailer, remove the tail file, free @w whatever is returned.
 * NULL is allowed (MH_OK).
 */
int mh_writer_close(struct mh_writer *w, struct mh_err *err) MH_MUST_CHECK;

/* ---- batches ---- */

#define MH_BATCH_MAX 65536

/* Columns of a SAMPLE block. NULL: not stored, or not wanted by the filter. */
struct mh_sample_columns {
	const uint64_t *time_ns, *ip, *addr, *phys, *data_src, *period, *weight;
	const uint32_t *pid, *tid, *cpu, *stack;
	const uint16_t *ins_lat, *p_stage, *event;
	const uint8_t *flags, *page_shift;
};

/* Columns of a REGION block; rows of one snapshot stand together. */
struct mh_region_columns {
	const uint64_t *start_ns, *time_ns, *start, *end, *touched;
	const uint32_t *pid, *nr_accesses, *max_accesses, *age;
};

/*
 * One decoded block, cut down to the rows that pass the cursor's filter.
 * Table kinds (META, MAP, TASK, FOOTPRINT, STAT, LOST, GAP) and PAGES come as events.
 */
struct mh_batch {
	enum mh_event_kind kind;
	uint16_t source;
	uint32_t nr;             /* rows, 1..MH_BATCH_MAX */
	struct mh_range time_ns; /* covers all rows; end is the last time + 1 */
	union {
		struct mh_sample_columns sample;
		struct mh_region_columns region;
		const struct mh_event *events;
	};
};

/* Columns that a cursor must decode; 0 in the filter: all. */
enum mh_column {
	MH_COL_TIME = 1 << 0,
	MH_COL_IP = 1 << 1,
	MH_COL_ADDR = 1 << 2,
	MH_COL_PHYS = 1 << 3,
	MH_COL_THREAD = 1 << 4, /* pid, tid */
	MH_COL_CPU = 1 << 5,
	MH_COL_DATA_SRC = 1 << 6,
	MH_COL_WEIGHT = 1 << 7, /* weight, ins_lat, p_stage */
	MH_COL_PERIOD = 1 << 8,
	MH_COL_OTHER = 1 << 9 /* event, flags, page_shift, stack */
};

/* ---- reading ---- */

struct mh_reader;
struct mh_cursor;

/* What a reader found while it opened the file. */
struct mh_trace_info {
	uint8_t uuid[16];
	uint64_t bytes; /* of the file, without the tail file */
	uint64_t nr_blocks;
	uint64_t nr_damaged; /* blocks with a bad header found while scanning; data blocks
			      * with bad contents are counted by the cursors */
	uint64_t nr_lost_blocks; /* holes in the sequence */
	uint64_t nr_unknown;     /* blocks of kinds that this version does not know */
	uint64_t tail_rows;      /* rows taken from the tail file */
	int complete;            /* the recorder closed it: trailer there */
	struct mh_range time_ns; /* of all data blocks; end is the last time + 1 */
	uint64_t start_ns;       /* META "trace.start_ns"; else time_ns.start */
	uint64_t rows[MH_NR_EVENT_KINDS];
};

struct mh_block_info {
	enum mh_event_kind kind;
	uint16_t source;
	uint32_t nr;
	uint64_t offset, stored_len;
	struct mh_range time_ns, addr; /* addr: empty (0, 0) where the kind has none */
};

/*
 * Open a trace: reads the index, or scans block headers where there is none, and takes
 * the rows of a tail file that belongs to it. "-" (or any pipe) is first spooled to an
 * unnamed temporary file. A damaged or unfinished trace opens as far as it can be read.
 *
 * Returns MH_OK; MH_ESYS, MH_EPERM; MH_EFORMAT when it is not a memheat trace, or needs a
 * feature of a newer version (named in the message).
 */
int mh_reader_open(struct mh_reader **out, const char *path,
		   struct mh_err *err) MH_MUST_CHECK;
void mh_reader_close(struct mh_reader *r);

const struct mh_trace_info *mh_reader_info(const struct mh_reader *r);

/* The last value given for a META key; NULL: not there. Lent for the reader's life. */
const char *mh_reader_meta(const struct mh_reader *r, const char *key);
/* All META pairs in file order; NULL past the end. */
const char *mh_reader_meta_at(const struct mh_reader *r, size_t i, const char **value);

/* Block @i of the file, 0..nr_blocks-1; the tail's rows follow as further blocks. */
size_t mh_reader_nr_blocks(const struct mh_reader *r);
const struct mh_block_info *mh_reader_block(const struct mh_reader *r, size_t i);

/* Which rows a cursor gives. Zeroed: everything. */
struct mh_filter {
	uint32_t kinds;   /* 1 << enum mh_event_kind; 0: all */
	uint32_t columns; /* enum mh_column, for SAMPLE; 0: all */
	int any_order;    /* SAMPLE rows of a block may come in any order: who only counts
			   * them gets them faster */
	int source;       /* id + 1; 0: all */
	/* Absolute; 0, 0: all. REGION, PAGES, LOST and GAP pass when their interval
	 * overlaps it (start_ns 0: not known). */
	struct mh_range time_ns;
	/* 0, 0: all; regions and pages that overlap it pass, of samples those with
	 * MH_SAMPLE_ADDR in it; kinds without addresses pass. */
	struct mh_range addr;
	const uint32_t *pids; /* NULL: all */
	size_t nr_pids;
	const uint32_t *tids; /* NULL: all; concerns SAMPLE only */
	size_t nr_tids;
	uint32_t part,
		nr_parts; /* the part-th of nr_parts equal runs of blocks; 0, 0: all */
};

/* @filter: copied, but its arrays are borrowed for the cursor's life. */
int mh_cursor_open(struct mh_cursor **out, const struct mh_reader *r,
		   const struct mh_filter *filter, struct mh_err *err) MH_MUST_CHECK;
void mh_cursor_close(struct mh_cursor *c);

/*
 * Step to the next batch that has rows under the filter, in file order.
 *
 * @batch: what it points to is valid until the next call on this cursor
 * Returns MH_OK; MH_END; MH_EFORMAT for a damaged block (call again to go on with the
 * next; mh_cursor_nr_damaged() counts them); MH_ESYS; MH_ENOMEM.
 */
int mh_cursor_next(struct mh_cursor *c, struct mh_batch *batch,
		   struct mh_err *err) MH_MUST_CHECK;

uint64_t mh_cursor_nr_damaged(const struct mh_cursor *c);

/*
 * Row @i of a batch as an event (dump, repack, exporters; not for hot loops).
 * Columns that were not decoded give 0 or absent values.
 */
void mh_batch_event(const struct mh_batch *batch, uint32_t i, struct mh_event *ev);

/*
 * Write the rows of a trace that pass @filter to @w, small blocks merged into large ones.
 * Several traces are appended one after another; their source ids are kept as they are.
 *
 * @filter: NULL: everything; without META rows the result lacks its header's facts
 * @nr_damaged: blocks that could not be read and were left out; NULL: not wanted
 * Returns MH_OK; what mh_writer_add() and mh_cursor_next() return, but MH_EFORMAT.
 */
int mh_trace_repack(struct mh_writer *w, const struct mh_reader *r,
		    const struct mh_filter *filter, uint64_t *nr_damaged,
		    struct mh_err *err) MH_MUST_CHECK;

/* ---- occupancy: which 2 MiB ranges a block touches, without decoding its rows ---- */

#define MH_OCCUPANCY_SHIFT 21

/*
 * A run of chunks that were accessed. Most are one chunk long; a long region is one run,
 * so that a sparse terabyte costs no more than a page. Counts are rounded up to three
 * significant bits (at most a quarter too large). Runs of a pid may overlap.
 */
struct mh_occupancy_run {
	uint32_t pid;
	uint64_t chunk;     /* address >> MH_OCCUPANCY_SHIFT */
	uint64_t nr_chunks; /* at least 1 */
	uint64_t count; /* of the whole run. SAMPLE: samples; REGION: bytes x hit ratio;
			 * PAGES: accessed pages */
};

/*
 * Read the occupancy of block @i.
 *
 * @runs: lent until the next call on this cursor; sorted by pid, then chunk
 * Returns MH_OK (*nr may be 0 for kinds without addresses); MH_EFORMAT, MH_ESYS.
 */
int mh_cursor_occupancy(struct mh_cursor *c, size_t i,
			const struct mh_occupancy_run **runs, size_t *nr,
			struct mh_err *err) MH_MUST_CHECK;

/* ---- DAMON's intervals ---- */

/*
 * The aggregation intervals, in ns, that hold for a snapshot that ends at @time_ns: an
 * age is a number of them, and the kernel may tune them. The reader is borrowed.
 *
 * mh_intervals_at(): 0: not known; mh_intervals_tuned(): 0: not tuned up to then.
 */
struct mh_intervals;
int mh_intervals_read(struct mh_intervals **out, const struct mh_reader *r,
		      struct mh_err *err) MH_MUST_CHECK;
uint64_t mh_intervals_at(const struct mh_intervals *t, unsigned source, uint64_t time_ns);
uint64_t mh_intervals_tuned(const struct mh_intervals *t, unsigned source,
			    uint64_t time_ns);
void mh_intervals_free(struct mh_intervals *t);

#endif
