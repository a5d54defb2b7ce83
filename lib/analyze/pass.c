/* SPDX-License-Identifier: MIT */
/* See pass.h. */
#include "analyze/pass.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS    8
#define MAX_ANALYSES   4
#define MIN_ROWS_A_RUN 100000 /* fewer are done before a thread has started */

struct worker {
	struct mh_session *session; /* the first worker's: it reports progress */
	const struct mh_reader *reader;
	struct mh_filter filter;
	const struct mh_analysis *list;
	void *parts[MAX_ANALYSES];
	size_t nr;
	uint64_t rows, rows_expected, nr_damaged;
	int status;
	struct mh_err err;
	pthread_t thread;
	int started;
};

static uint64_t rows_wanted(const struct mh_session *s, const struct mh_filter *f)
{
	size_t i, nr = mh_reader_nr_blocks(s->reader);
	uint64_t rows = 0;

	for (i = 0; i < nr; i++) {
		const struct mh_block_info *b = mh_reader_block(s->reader, i);

		if ((f->kinds && !(f->kinds & 1u << b->kind)) ||
		    (f->source && f->source != b->source + 1))
			continue;
		if (f->time_ns.end && !mh_range_overlaps(f->time_ns, b->time_ns))
			continue;
		rows += b->nr;
	}
	return rows;
}

/* Those that we may use: taskset(1) and cpusets leave us fewer than there are. */
static unsigned nr_cpus(void)
{
	cpu_set_t set;
	long nr = sched_getaffinity(0, sizeof(set), &set) ? sysconf(_SC_NPROCESSORS_ONLN)
							  : CPU_COUNT(&set);

	return nr < 1 ? 1 : (unsigned)nr;
}

static unsigned threads_for(const struct mh_session *s, uint64_t rows,
			    const struct mh_analysis *list, size_t nr)
{
	unsigned n = s->opts.threads ? s->opts.threads : nr_cpus();
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!list[i].merge)
			return 1;
	}
	if (n > MAX_THREADS)
		n = MAX_THREADS;
	/* Asked for by number, they are used however small the trace is. */
	if (!s->opts.threads && n > rows / MIN_ROWS_A_RUN + 1)
		n = (unsigned)(rows / MIN_ROWS_A_RUN + 1);
	return n;
}

static void report(struct worker *w)
{
	double done;

	if (!w->session || !w->session->progress || !w->rows_expected)
		return;
	done = (double)w->rows / (double)w->rows_expected;
	w->session->progress(w->session->progress_arg, done < 1 ? done : 1);
}

static int work_batches(struct worker *w, struct mh_cursor *c)
{
	struct mh_batch batch;
	int ret;
	size_t i;

	while ((ret = mh_cursor_next(c, &batch, &w->err)) != MH_END) {
		if (ret == MH_EFORMAT) /* a damaged block; the cursor counts it */
			continue;
		if (ret)
			return ret;
		for (i = 0; i < w->nr; i++) {
			ret = w->list[i].batch(w->parts[i], &batch, &w->err);
			if (ret)
				return ret;
		}
		w->rows += batch.nr;
		report(w);
	}
	return MH_OK;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct mh_cursor *c = NULL;
	size_t i;

	for (i = 0; i < w->nr; i++) {
		w->parts[i] = w->list[i].part_new(w->list[i].arg);
		if (!w->parts[i]) {
			w->status = mh_fail(&w->err, MH_ENOMEM, "no memory for a view");
			return NULL;
		}
	}
	w->status = mh_cursor_open(&c, w->reader, &w->filter, &w->err);
	if (!w->status)
		w->status = work_batches(w, c);
	w->nr_damaged = c ? mh_cursor_nr_damaged(c) : 0;
	mh_cursor_close(c);
	return NULL;
}

static void run_workers(struct worker *w, unsigned n)
{
	unsigned i;

	for (i = 1; i < n; i++)
		w[i].started = !pthread_create(&w[i].thread, NULL, work, &w[i]);
	work(&w[0]);
	for (i = 1; i < n; i++) {
		if (w[i].started)
			pthread_join(w[i].thread, NULL);
		else
			work(&w[i]);
	}
}

static int merge_workers(struct worker *w, unsigned n, struct mh_err *err)
{
	unsigned i;
	size_t k;
	int ret;

	for (i = 0; i < n; i++) {
		if (w[i].status) {
			if (err)
				*err = w[i].err;
			return w[i].status;
		}
	}
	for (i = 1; i < n; i++) {
		for (k = 0; k < w->nr; k++) {
			ret = w->list[k].merge(w[0].parts[k], w[i].parts[k], err);
			if (ret)
				return ret;
		}
	}
	return MH_OK;
}

int mh_pass_run(struct mh_session *s, const struct mh_filter *f, struct mh_analysis *list,
		size_t nr, struct mh_err *err)
{
	uint64_t rows = rows_wanted(s, f);
	unsigned n = threads_for(s, rows, list, nr), i;
	struct worker *w = calloc(n, sizeof(*w)); /* NOLINT: one thread at least */
	size_t k;
	int ret;

	mh_assert(nr <= MAX_ANALYSES);
	if (!w)
		return mh_fail(err, MH_ENOMEM, "no memory for a pass");
	for (i = 0; i < n; i++) {
		w[i] = (struct worker){ .session = i ? NULL : s,
					.reader = s->reader,
					.filter = *f,
					.list = list,
					.nr = nr,
					.rows_expected = rows / n };
		w[i].filter.part = i;
		w[i].filter.nr_parts = n > 1 ? n : 0;
	}
	run_workers(w, n);
	ret = merge_workers(w, n, err);
	s->nr_damaged = 0;
	for (i = 0; i < n; i++) {
		s->nr_damaged += w[i].nr_damaged;
		for (k = 0; k < nr; k++) {
			if (i == 0 && !ret)
				list[k].part = w[i].parts[k];
			else if (w[i].parts[k])
				list[k].part_free(w[i].parts[k]);
		}
	}
	free(w);
	return ret;
}

void mh_pass_release(struct mh_analysis *list, size_t nr)
{
	size_t k;

	for (k = 0; k < nr; k++) {
		if (list[k].part)
			list[k].part_free(list[k].part);
		list[k].part = NULL;
	}
}
