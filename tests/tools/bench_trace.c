/* SPDX-License-Identifier: MIT */
/*
 * Measures the trace format: sizes and speeds of its block codecs, as JSON lines.
 * Encoding and decoding are called as the library calls them, block by block, without
 * the file system; --write and --heatmap go through writer, file and cursors.
 *
 * Speeds of one thread are CPU time of the thread, best of --repeat runs; those of
 * several are wall time, with the same work once for each thread.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "trace/columnar.h"
#include "trace/decode.h"
#include "trace/encode.h"

static const char usage[] =
	"usage: bench_trace [options] FILE.smp|FILE.pages|FILE...\n"
	"       bench_trace [options] --regions N\n"
	"       bench_trace --write TRACE [--times N] FILE.smp\n"
	"       bench_trace --heatmap TRACE [--window-ns N]\n"
	"\n"
	"  -p, --policy P     fast, default or best; may be given more than once (all)\n"
	"  -t, --threads N    also with N threads at once (2)\n"
	"  -r, --repeat N     best of N runs (3)\n"
	"  -b, --block N      rows per block, snapshots of --regions per block (65536, "
	"16)\n"
	"  -c, --columns      bytes per row of each column\n"
	"  -d, --dump FILE    write the raw streams of --policy's blocks: u32 name_len,\n"
	"                     name, u64 len, bytes; the name is column.stream\n"
	"      --regions N    DAMON-like snapshots, N regions in all, made from --seed\n"
	"      --seed N       (1)\n"
	"      --write TRACE  write the samples through the writer, --times N over (1)\n"
	"      --heatmap TRACE  count all samples into 1024 x 512 cells\n"
	"      --window-ns N  only the last N ns of the trace\n"
	"\n"
	"Any other FILE is read as a trace and its blocks are measured.\n"
	".smp: 64-byte little-endian records u64 time_ns, ip, addr, phys, data_src; u32 "
	"pid,\n"
	"tid, cpu, weight; u8 page_shift; u8 pad[7].\n"
	".pages: u32 \"PGS1\", nr_intervals, nr_ranges, 0; ranges u64 start_page, "
	"nr_pages;\n"
	"intervals u64 start_ns, end_ns and one bitmap per range.\n";

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_trace: %s: %s\n", what, why);
	exit(1);
}

static void *need(void *p)
{
	if (!p)
		die("memory", "out of it");
	return p;
}

/* ---- input: blocks of rows, each with memory of its own ---- */

struct rows {
	struct mh_batch batch;
	struct mh_columnar *columns; /* SAMPLE, REGION */
	struct mh_event *events;     /* PAGES and tables */
};

struct input {
	const char *name;
	struct rows *v;
	size_t nr, cap;
	uint64_t nr_rows;
	uint64_t nr_pages; /* PAGES: pages x scans */
	uint8_t *file;     /* that rows may point into */
	struct mh_reader *reader;
};

struct sample {
	uint64_t time_ns, ip, addr, phys, data_src;
	uint32_t pid, tid, cpu, weight;
	uint8_t page_shift, pad[7];
};

static uint8_t *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	long n = -1;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
		die(path, "cannot be read");
	rewind(f);
	p = need(malloc((size_t)n + 1));
	if (fread(p, 1, (size_t)n, f) != (size_t)n)
		die(path, "cannot be read");
	fclose(f);
	*len = (size_t)n;
	return p;
}

static struct rows *add_rows(struct input *in, enum mh_event_kind kind, size_t nr)
{
	struct rows *r = need(mh_vec_push(in));

	r->batch = (struct mh_batch){ .kind = kind, .source = 1, .nr = (uint32_t)nr };
	if (kind == MH_EV_SAMPLE || kind == MH_EV_REGION) {
		if (mh_columnar_new(&r->columns, NULL))
			die("memory", "out of it");
	} else {
		r->events = need(calloc(nr, sizeof(*r->events)));
		r->batch.events = r->events;
	}
	in->nr_rows += nr;
	return r;
}

static void sample_event(const struct sample *s, struct mh_event *ev)
{
	mh_event_init(ev, MH_EV_SAMPLE);
	ev->source = 1;
	ev->time_ns = s->time_ns;
	ev->sample.ip = s->ip;
	ev->sample.addr = s->addr;
	ev->sample.phys = s->phys;
	ev->sample.data_src = s->data_src;
	ev->sample.pid = s->pid;
	ev->sample.tid = s->tid;
	ev->sample.cpu = s->cpu;
	ev->sample.weight = s->weight;
	ev->sample.page_shift = s->page_shift;
	ev->sample.flags = MH_SAMPLE_ADDR;
	ev->sample.period = 0;
}

static void read_samples(struct input *in, const char *path, size_t per_block)
{
	size_t len, i, k, nr;
	struct mh_event ev;

	in->file = read_file(path, &len);
	nr = len / sizeof(struct sample);
	for (i = 0; i < nr; i += per_block) {
		size_t n = nr - i < per_block ? nr - i : per_block;
		struct rows *r = add_rows(in, MH_EV_SAMPLE, n);

		for (k = 0; k < n; k++) {
			struct sample s;

			memcpy(&s, in->file + (i + k) * sizeof(s), sizeof(s));
			sample_event(&s, &ev);
			mh_columnar_set(r->columns, (uint32_t)k, &ev);
		}
		mh_columnar_lend(r->columns, &r->batch);
	}
}

static void read_pages(struct input *in, const char *path, size_t scans_per_block)
{
	size_t len, i, k, row;
	uint32_t head[4];
	const uint64_t *range;
	struct mh_rbuf b;

	in->file = read_file(path, &len);
	b = mh_rbuf(in->file, len);
	for (i = 0; i < 4; i++)
		head[i] = mh_rbuf_u32(&b);
	if (head[0] != 0x31534750)
		die(path, "is not a pages file");
	range = (const uint64_t *)(const void *)mh_rbuf_bytes(&b, 16 * (size_t)head[2]);
	for (i = 0; i < head[1]; i += scans_per_block) {
		size_t n = head[1] - i < scans_per_block ? head[1] - i : scans_per_block;
		struct rows *r = add_rows(in, MH_EV_PAGES, n * head[2]);

		for (row = 0; row < n * head[2]; row++) {
			struct mh_event *ev = &r->events[row];
			uint64_t start = 0, end = 0;

			k = row % head[2];
			if (!k) {
				start = mh_rbuf_u64(&b);
				end = mh_rbuf_u64(&b);
			} else {
				start = ev[-1].pages.start_ns;
				end = ev[-1].time_ns;
			}
			mh_event_init(ev, MH_EV_PAGES);
			ev->source = 1;
			ev->time_ns = end;
			ev->pages.start_ns = start;
			ev->pages.pid = 1;
			ev->pages.page_shift = 12;
			ev->pages.start = range[2 * k] << 12;
			ev->pages.nr_pages = range[2 * k + 1];
			ev->pages.accessed =
				mh_rbuf_bytes(&b, (range[2 * k + 1] + 7) / 8);
			if (b.bad)
				die(path, "is cut off");
			in->nr_pages += range[2 * k + 1];
		}
	}
}

/* The sample and region blocks of a trace. */
static void read_trace(struct input *in, const char *path)
{
	struct mh_err err = { 0 };
	struct mh_cursor *c;
	struct mh_batch batch;

	if (mh_reader_open(&in->reader, path, &err))
		die(path, err.msg);
	if (mh_cursor_open(&c, in->reader, NULL, &err))
		die(path, err.msg);
	while (mh_cursor_next(c, &batch, &err) == MH_OK) {
		struct mh_event ev;
		struct rows *r;
		uint32_t i;

		if (batch.kind != MH_EV_SAMPLE && batch.kind != MH_EV_REGION)
			continue;
		r = add_rows(in, batch.kind, batch.nr);
		for (i = 0; i < batch.nr; i++) {
			mh_batch_event(&batch, i, &ev);
			mh_columnar_set(r->columns, i, &ev);
		}
		mh_columnar_lend(r->columns, &r->batch);
	}
	mh_cursor_close(c);
	if (!in->nr)
		die(path, "has no samples or regions");
}

static uint64_t rnd(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct region {
	uint64_t start;
	uint32_t nr_accesses, age;
};

#define MAX_REGIONS 2700
#define SPACE_PAGES (2400000u)

/*
 * One aggregation on: a boundary lives with 75 %, and new ones split regions at random,
 * so that between 1,300 and 2,700 stay. Counts are kept where a region lives on.
 */
static size_t next_snapshot(struct region *v, size_t nr, uint64_t *seed)
{
	static struct region out[2 * MAX_REGIONS];
	size_t target = 1300 + rnd(seed) % 1400, i, n = 0;

	for (i = 0; i < nr; i++) {
		uint64_t end = i + 1 < nr ? v[i + 1].start : SPACE_PAGES;
		struct region r = v[i];

		if (i && rnd(seed) % 4 == 0)
			continue;
		if (rnd(seed) % 3 == 0) {
			r.nr_accesses = rnd(seed) % 10 ? 0 : (uint32_t)(rnd(seed) % 21);
			r.age = 0;
		} else {
			r.age++;
		}
		out[n++] = r;
		if (nr < target * 4 / 3 && end - r.start > 8 && rnd(seed) % 2 &&
		    n < 2 * MAX_REGIONS - 2) {
			r.start += 1 + rnd(seed) % (end - r.start - 1);
			out[n++] = r;
		}
	}
	if (n > MAX_REGIONS)
		n = MAX_REGIONS;
	memcpy(v, out, n * sizeof(*v));
	return n;
}

static void make_regions(struct input *in, uint64_t want, size_t per_block, uint64_t seed)
{
	static struct region v[2 * MAX_REGIONS];
	size_t nr = 10, i, s = 0;
	uint64_t t = 5000000000u;
	struct mh_event ev;

	for (i = 0; i < nr; i++)
		v[i] = (struct region){ i * (SPACE_PAGES / nr), 0, 0 };
	for (i = 0; i < 40; i++)
		nr = next_snapshot(v, nr, &seed);
	while (in->nr_rows < want) {
		struct rows *r = add_rows(in, MH_EV_REGION, 0);
		uint32_t row = 0;

		for (s = 0; s < per_block && row + MAX_REGIONS < MH_BATCH_MAX; s++) {
			nr = next_snapshot(v, nr, &seed);
			t += 5000000000u + rnd(&seed) % 1000000;
			for (i = 0; i < nr; i++, row++) {
				mh_event_init(&ev, MH_EV_REGION);
				ev.time_ns = t;
				ev.region.start_ns = t - 5000000000u;
				ev.region.start = (v[i].start + 262144) << 12;
				ev.region.end =
					((i + 1 < nr ? v[i + 1].start : SPACE_PAGES) +
					 262144)
					<< 12;
				ev.region.nr_accesses = v[i].nr_accesses;
				ev.region.max_accesses = 20;
				ev.region.age = v[i].age;
				mh_columnar_set(r->columns, row, &ev);
			}
		}
		r->batch.nr = row;
		in->nr_rows += row;
		mh_columnar_lend(r->columns, &r->batch);
	}
}

static void free_input(struct input *in)
{
	size_t i;

	for (i = 0; i < in->nr; i++) {
		mh_columnar_free(in->v[i].columns);
		free(in->v[i].events);
	}
	free(in->v);
	free(in->file);
	mh_reader_close(in->reader);
}

/* ---- measuring ---- */

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct blocks {
	struct mh_wbuf bytes;
	size_t *at; /* nr + 1 offsets */
};

/* One thread's work: encode all, or decode what was encoded. */
struct job {
	const struct input *in;
	enum mh_policy policy;
	const struct blocks *decode; /* NULL: encode */
	uint32_t columns;
	/* Kept from run to run, as a recording keeps them from block to block. */
	struct mh_encoder *encoder;
	struct mh_decoder *decoder;
	struct blocks out;
	double cpu;
};

static void job_fini(struct job *j)
{
	mh_encoder_free(j->encoder);
	mh_decoder_free(j->decoder);
	mh_wbuf_fini(&j->out.bytes);
	free(j->out.at);
}

static void encode_all(struct job *j)
{
	size_t i;

	if (!j->encoder && mh_encoder_new(&j->encoder, j->policy, NULL))
		die("encoder", "out of memory");
	if (!j->out.at)
		j->out.at = need(calloc(j->in->nr + 1, sizeof(*j->out.at)));
	j->out.bytes.len = 0;
	for (i = 0; i < j->in->nr; i++) {
		if (mh_encoder_block(j->encoder, &j->in->v[i].batch, &j->out.bytes, NULL))
			die("encoder", "out of memory");
		j->out.at[i + 1] = j->out.bytes.len;
	}
}

static void decode_all(struct job *j)
{
	uint64_t rows = 0;
	size_t i;

	if (!j->decoder && mh_decoder_new(&j->decoder, NULL))
		die("decoder", "out of memory");
	for (i = 0; i < j->in->nr; i++) {
		const struct blocks *b = j->decode;
		struct mh_batch batch;
		struct mh_block block;

		if (!mh_block_parse(&block, b->bytes.p + b->at[i],
				    b->at[i + 1] - b->at[i]) ||
		    mh_decode_block(j->decoder, &block, j->columns, false, &batch))
			die("decoder", "a block is damaged");
		rows += batch.nr;
	}
	if (rows != j->in->nr_rows)
		die("decoder", "rows are missing");
}

static void *run(void *arg)
{
	struct job *j = arg;
	double start = seconds(CLOCK_THREAD_CPUTIME_ID);

	if (j->decode)
		decode_all(j);
	else
		encode_all(j);
	j->cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
	return NULL;
}

/* Rows per second of @nr threads that each do all of the job. */
static double rate(struct job *j, unsigned nr, unsigned repeat)
{
	struct job *jobs = need(calloc(nr, sizeof(*jobs)));
	pthread_t *threads = need(calloc(nr, sizeof(*threads)));
	double best = 0;
	unsigned i, k;

	for (i = 0; i < nr; i++)
		jobs[i] = *j;
	for (k = 0; k < repeat; k++) {
		double start = seconds(CLOCK_MONOTONIC), took;

		for (i = 0; i < nr; i++) {
			if (pthread_create(&threads[i], NULL, run, &jobs[i]))
				die("threads", "cannot be made");
		}
		for (i = 0; i < nr; i++)
			pthread_join(threads[i], NULL);
		took = nr == 1 ? jobs[0].cpu : seconds(CLOCK_MONOTONIC) - start;
		/* The sizes are those of a recording that begins. */
		if (!k && !j->decode && !j->out.at) {
			j->out = jobs[0].out;
			jobs[0].out = (struct blocks){ 0 };
		}
		if ((double)j->in->nr_rows * nr / took > best)
			best = (double)j->in->nr_rows * nr / took;
	}
	for (i = 0; i < nr; i++)
		job_fini(&jobs[i]);
	free(jobs);
	free(threads);
	return best;
}

static void print_columns(const struct input *in, const struct blocks *b)
{
	uint64_t len[256] = { 0 };
	const char *sep = "";
	size_t i, k;

	for (i = 0; i < in->nr; i++) {
		struct mh_block block;

		if (!mh_block_parse(&block, b->bytes.p + b->at[i],
				    b->at[i + 1] - b->at[i]))
			die("columns", "a block is damaged");
		for (k = 0; k < block.nr; k++)
			len[block.v[k].id] += block.v[k].len;
	}
	printf(", \"columns\": {");
	for (i = 0; i < 256; i++) {
		if (!len[i])
			continue;
		printf("%s\"%zu\": %.4f", sep, i, (double)len[i] / (double)in->nr_rows);
		sep = ", ";
	}
	printf("}");
}

struct options {
	unsigned policies, threads, repeat;
	size_t block;
	bool columns;
	FILE *dump;
	uint64_t seed;
};

static const char *const policy_names[] = { "default", "fast", "best" };

/* ---- raw streams, for bounds ---- */

struct watcher {
	FILE *f;
	struct mh_encoder *e;
	unsigned column, stream;
};

static void write_stream(void *arg, const uint8_t *raw, size_t len)
{
	struct watcher *w = arg;
	uint64_t len64 = len;
	uint32_t name_len;
	char name[32];

	w->stream = w->e->columns.nr == w->column ? w->stream + 1 : 0;
	w->column = w->e->columns.nr;
	snprintf(name, sizeof(name), "%u.%u",
		 w->column ? w->e->columns.v[w->column - 1].id : 0u, w->stream);
	name_len = (uint32_t)strlen(name);
	if (fwrite(&name_len, 4, 1, w->f) != 1 ||
	    fwrite(name, 1, name_len, w->f) != name_len ||
	    fwrite(&len64, 8, 1, w->f) != 1 || fwrite(raw, 1, len, w->f) != len)
		die("dump", "cannot be written");
}

static void dump(const struct input *in, enum mh_policy policy, FILE *f)
{
	struct watcher w = { .f = f };
	struct mh_wbuf out = { 0 };
	size_t i;

	if (mh_encoder_new(&w.e, policy, NULL))
		die("encoder", "out of memory");
	w.e->packer.watch = write_stream;
	w.e->packer.watch_arg = &w;
	for (i = 0; i < in->nr; i++) {
		out.len = 0;
		w.column = 0;
		if (mh_encoder_block(w.e, &in->v[i].batch, &out, NULL))
			die("encoder", "out of memory");
	}
	mh_wbuf_fini(&out);
	mh_encoder_free(w.e);
}

static void measure(const struct input *in, const struct options *o)
{
	unsigned p;

	for (p = 0; p < 3; p++) {
		struct job j = { .in = in, .policy = (enum mh_policy)p };
		struct job d = { .in = in, .policy = (enum mh_policy)p };
		double enc, bytes, scale = 1;

		if (!(o->policies >> p & 1))
			continue;
		enc = rate(&j, 1, o->repeat);
		d.decode = &j.out;
		bytes = (double)j.out.bytes.len;
		if (in->nr_pages)
			scale = (double)in->nr_pages / (double)in->nr_rows;
		printf("{\"file\": \"%s\", \"policy\": \"%s\", \"rows\": %llu, "
		       "\"blocks\": %zu, \"bytes\": %.0f, \"bytes_per_row\": %.4f",
		       in->name, policy_names[p], (unsigned long long)in->nr_rows, in->nr,
		       bytes, bytes / (double)in->nr_rows);
		if (in->nr_pages)
			printf(", \"pages\": %llu, \"bits_per_page\": %.5f",
			       (unsigned long long)in->nr_pages,
			       8 * bytes / (double)in->nr_pages);
		printf(", \"encode_m_s\": %.3f", enc * scale / 1e6);
		printf(", \"decode_m_s\": %.3f", rate(&d, 1, o->repeat) * scale / 1e6);
		if (in->v[0].batch.kind == MH_EV_SAMPLE) {
			d.columns = MH_COL_TIME | MH_COL_ADDR;
			printf(", \"decode_time_addr_m_s\": %.3f",
			       rate(&d, 1, o->repeat) / 1e6);
			d.columns = 0;
		}
		if (o->threads > 1) {
			struct job again = { .in = in, .policy = (enum mh_policy)p };

			printf(", \"threads\": %u", o->threads);
			printf(", \"encode_wall_m_s\": [%.3f",
			       rate(&again, o->threads, o->repeat) * scale / 1e6);
			mh_wbuf_fini(&again.out.bytes);
			free(again.out.at);
			printf("], \"decode_wall_m_s\": [%.3f]",
			       rate(&d, o->threads, o->repeat) * scale / 1e6);
		}
		if (o->columns)
			print_columns(in, &j.out);
		printf("}\n");
		fflush(stdout);
		if (o->dump)
			dump(in, (enum mh_policy)p, o->dump);
		mh_wbuf_fini(&j.out.bytes);
		free(j.out.at);
	}
}

/* ---- through files ---- */

static void write_trace(const char *trace, const char *samples, unsigned times,
			enum mh_policy policy)
{
	struct mh_writer_opts opts = { .policy = policy };
	struct mh_err err = { 0 };
	struct mh_writer *w;
	uint64_t span, nr;
	double start, took;
	struct sample s;
	struct mh_event ev;
	size_t len, i;
	uint8_t *file = read_file(samples, &len);
	unsigned k;

	nr = len / sizeof(s);
	memcpy(&s, file + (nr - 1) * sizeof(s), sizeof(s));
	span = s.time_ns;
	memcpy(&s, file, sizeof(s));
	span = span - s.time_ns + 1000;
	if (mh_writer_open(&w, trace, &opts, &err))
		die(trace, err.msg);
	start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (k = 0; k < times; k++) {
		for (i = 0; i < nr; i++) {
			memcpy(&s, file + i * sizeof(s), sizeof(s));
			sample_event(&s, &ev);
			ev.time_ns += k * span;
			if (mh_writer_add(w, &ev, &err))
				die(trace, err.msg);
		}
	}
	took = seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
	printf("{\"trace\": \"%s\", \"rows\": %llu, \"bytes_per_row\": %.4f, "
	       "\"write_m_s\": %.3f}\n",
	       trace, (unsigned long long)(nr * times),
	       (double)mh_writer_bytes(w) / (double)(nr * times),
	       (double)(nr * times) / took / 1e6);
	if (mh_writer_close(w, &err))
		die(trace, err.msg);
	free(file);
}

#define ROWS 512
#define COLS 1024

struct heat {
	const struct mh_reader *r;
	struct mh_filter filter;
	struct mh_range time_ns, addr;
	uint32_t *cell;
	uint64_t rows;
};

/* Counts into cells; addresses by their place in the occupied range. */
static void *count_heat(void *arg)
{
	struct heat *h = arg;
	double time_scale = COLS / (double)mh_range_len(h->time_ns);
	double addr_scale = ROWS / (double)mh_range_len(h->addr);
	struct mh_batch b;
	struct mh_err err = { 0 };
	struct mh_cursor *c;
	uint32_t i;

	if (mh_cursor_open(&c, h->r, &h->filter, &err))
		die("heatmap", err.msg);
	while (mh_cursor_next(c, &b, &err) == MH_OK) {
		for (i = 0; i < b.nr; i++) {
			uint32_t x = (uint32_t)((double)(b.sample.time_ns[i] -
							 h->time_ns.start) *
						time_scale);
			uint32_t y =
				(uint32_t)((double)(b.sample.addr[i] - h->addr.start) *
					   addr_scale);

			h->cell[(y % ROWS) * COLS + x % COLS]++;
		}
		h->rows += b.nr;
	}
	mh_cursor_close(c);
	return NULL;
}

static void heatmap(const char *trace, unsigned nr_threads, uint64_t window_ns)
{
	struct mh_err err = { 0 };
	struct mh_reader *r;
	struct rusage use;
	double start = seconds(CLOCK_MONOTONIC), opened;
	pthread_t thread[64];
	struct heat heat[64] = { 0 };
	uint64_t rows = 0;
	unsigned t;
	size_t i;

	if (mh_reader_open(&r, trace, &err))
		die(trace, err.msg);
	opened = seconds(CLOCK_MONOTONIC);
	nr_threads = nr_threads < 64 ? nr_threads : 64;
	for (t = 0; t < nr_threads; t++) {
		struct heat *h = &heat[t];

		h->r = r;
		h->time_ns = mh_reader_info(r)->time_ns;
		h->addr.start = UINT64_MAX;
		for (i = 0; i < mh_reader_nr_blocks(r); i++) {
			struct mh_range a = mh_reader_block(r, i)->addr;

			if (!a.end)
				continue;
			h->addr.start = a.start < h->addr.start ? a.start : h->addr.start;
			h->addr.end = a.end > h->addr.end ? a.end : h->addr.end;
		}
		if (window_ns) {
			h->time_ns.start = h->time_ns.end - window_ns;
			h->filter.time_ns = h->time_ns;
		}
		h->filter.kinds = 1 << MH_EV_SAMPLE;
		h->filter.columns = MH_COL_TIME | MH_COL_ADDR;
		h->filter.part = t;
		h->filter.nr_parts = nr_threads;
		h->cell = need(calloc(ROWS * COLS, sizeof(*h->cell)));
		if (pthread_create(&thread[t], NULL, count_heat, h))
			die("threads", "cannot be made");
	}
	for (t = 0; t < nr_threads; t++) {
		pthread_join(thread[t], NULL);
		rows += heat[t].rows;
		free(heat[t].cell);
	}
	getrusage(RUSAGE_SELF, &use);
	printf("{\"trace\": \"%s\", \"threads\": %u, \"rows\": %llu, \"open_s\": %.4f, "
	       "\"wall_s\": %.4f, \"cpu_s\": %.4f, \"max_rss_kib\": %ld}\n",
	       trace, nr_threads, (unsigned long long)rows, opened - start,
	       seconds(CLOCK_MONOTONIC) - start, seconds(CLOCK_PROCESS_CPUTIME_ID),
	       use.ru_maxrss);
	mh_reader_close(r);
}

/* ---- options ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && strcmp(s + a - b, end) == 0;
}

static unsigned policy_of(const char *s)
{
	unsigned p;

	for (p = 0; p < 3; p++) {
		if (strcmp(s, policy_names[p]) == 0)
			return 1u << p;
	}
	die(s, "is not a policy");
	return 0;
}

int main(int argc, char **argv)
{
	enum {
		REGIONS = 256,
		SEED,
		WRITE,
		TIMES,
		HEATMAP,
		WINDOW
	};
	static const struct option longs[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "block", required_argument, NULL, 'b' },
		{ "columns", no_argument, NULL, 'c' },
		{ "dump", required_argument, NULL, 'd' },
		{ "regions", required_argument, NULL, REGIONS },
		{ "seed", required_argument, NULL, SEED },
		{ "write", required_argument, NULL, WRITE },
		{ "times", required_argument, NULL, TIMES },
		{ "heatmap", required_argument, NULL, HEATMAP },
		{ "window-ns", required_argument, NULL, WINDOW },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { .threads = 2, .repeat = 3, .seed = 1 };
	const char *trace = NULL, *heat = NULL;
	uint64_t nr_regions = 0, window_ns = 0;
	unsigned times = 1;
	int opt;

	while ((opt = getopt_long(argc, argv, "p:t:r:b:cd:h", longs, NULL)) >= 0) {
		switch (opt) {
		case 'p':
			o.policies |= policy_of(optarg);
			break;
		case 't':
			o.threads = (unsigned)atoi(optarg);
			break;
		case 'r':
			o.repeat = (unsigned)atoi(optarg);
			break;
		case 'b':
			o.block = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			o.columns = true;
			break;
		case 'd':
			o.dump = fopen(optarg, "wb");
			if (!o.dump)
				die(optarg, "cannot be created");
			break;
		case REGIONS:
			nr_regions = strtoull(optarg, NULL, 0);
			break;
		case SEED:
			o.seed = strtoull(optarg, NULL, 0);
			break;
		case WRITE:
			trace = optarg;
			break;
		case TIMES:
			times = (unsigned)atoi(optarg);
			break;
		case HEATMAP:
			heat = optarg;
			break;
		case WINDOW:
			window_ns = strtoull(optarg, NULL, 0);
			break;
		case 'h':
			fputs(usage, stdout);
			/* cppcheck-suppress memleak ; the program ends */
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (heat) {
		heatmap(heat, o.threads ? o.threads : 1, window_ns);
		return 0;
	}
	if (!nr_regions && optind == argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (trace) {
		enum mh_policy p = MH_POLICY_DEFAULT;

		if (o.policies)
			p = (enum mh_policy)__builtin_ctz(o.policies);
		write_trace(trace, argv[optind], times ? times : 1, p);
		return 0;
	}
	if (!o.policies)
		o.policies = 7;
	if (nr_regions) {
		struct input in = { .name = "regions" };

		make_regions(&in, nr_regions, o.block ? o.block : 16, o.seed);
		measure(&in, &o);
		free_input(&in);
	}
	for (; optind < argc; optind++) {
		const char *path = argv[optind];
		struct input in = { .name = path };
		size_t block = o.block ? o.block : MH_BATCH_MAX;

		if (ends_with(path, ".smp"))
			read_samples(&in, path, block);
		else if (ends_with(path, ".pages"))
			read_pages(&in, path, o.block ? o.block : 16);
		else
			read_trace(&in, path);
		measure(&in, &o);
		free_input(&in);
	}
	if (o.dump && fclose(o.dump))
		die("dump", "cannot be written");
	return 0;
}
