/* SPDX-License-Identifier: MIT */
/*
 * perf.data built here in both byte orders, both modes and in pieces, and the recordings
 * of others where their folder is there, with the counts that other readers give.
 */
#include "perf_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include <memheat/source.h>

#include "source/import/import.h"
#include "source/import/perf_order.h"

/* ---- what comes out ---- */

struct got {
	uint64_t samples, with_addr, maps, tasks, lost, regions, metas, stats;
	uint64_t last_ns;
	bool unsorted;
	char *text; /* of every event but META and STAT, as dump writes it */
	size_t text_len;
	FILE *out;
	struct mh_event last_sample;
	char names[1024]; /* values of source.*.event.N */
	char damage[512];
	uint64_t count_aux, count_late, reads;
};

static void take_meta(struct got *g, const struct mh_ev_meta *m)
{
	const char *dot = strstr(m->key, ".event.");

	g->metas++;
	if (dot && !strchr(dot + 7, '.')) {
		strncat(g->names, m->value, sizeof(g->names) - strlen(g->names) - 2);
		strcat(g->names, " ");
	}
	if (!strcmp(m->key, "import.damage"))
		snprintf(g->damage, sizeof(g->damage), "%s", m->value);
}

static void take_stat(struct got *g, const struct mh_ev_stat *s)
{
	g->stats++;
	if (!strcmp(s->name, "import.aux_bytes_skipped"))
		g->count_aux = s->value;
	if (!strcmp(s->name, "import.late"))
		g->count_late = s->value;
	if (!strncmp(s->name, "event.", 6))
		g->reads += s->value;
}

static int take(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct got *g = arg;

	if (ev->kind == MH_EV_META) {
		take_meta(g, &ev->meta);
		return MH_OK;
	}
	if (ev->kind == MH_EV_STAT) {
		take_stat(g, &ev->stat);
		return MH_OK;
	}
	/* A frame or a stack comes when it is met, before the samples that name it. */
	if (ev->time_ns && ev->kind != MH_EV_REGION && ev->kind != MH_EV_STACK &&
	    ev->kind != MH_EV_STACK_COPY) {
		g->unsorted |= ev->time_ns < g->last_ns;
		g->last_ns = ev->time_ns;
	}
	g->maps += ev->kind == MH_EV_MAP;
	g->tasks += ev->kind == MH_EV_TASK;
	g->lost += ev->kind == MH_EV_LOST ? ev->lost.count : 0;
	g->regions += ev->kind == MH_EV_REGION;
	if (ev->kind == MH_EV_SAMPLE) {
		g->samples++;
		g->with_addr += ev->sample.flags & MH_SAMPLE_ADDR;
		g->last_sample = *ev;
	}
	return mh_event_print(g->out, ev, err);
}

static void got_fini(struct got *g)
{
	free(g->text);
}

/* Imports bytes; what is handed over is left in @g. */
static int run(struct got *g, const void *bytes, size_t len, struct mh_err *err)
{
	struct mh_import_opts opts = { 0 };
	struct mh_input in;
	int ret;

	*g = (struct got){ 0 };
	g->out = open_memstream(&g->text, &g->text_len);
	assert_status(mh_input_memory(&in, bytes, len, err), MH_OK, err);
	ret = mh_importer_perf.run(&in, &opts, take, g, err);
	mh_input_close(&in);
	fclose(g->out);
	return ret;
}

/* ---- a recording of everything ---- */

#define COMMON_TYPE                                                                      \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |  \
	 PERF_SAMPLE_ADDR | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD)

static const struct event_spec loads = {
	.type = 4,
	.size = 136 + 24, /* a newer kernel's */
	.config = 0x1cd,
	.period = 1000,
	.sample_type = COMMON_TYPE | PERF_SAMPLE_READ | PERF_SAMPLE_CALLCHAIN |
		       PERF_SAMPLE_RAW | PERF_SAMPLE_WEIGHT_STRUCT |
		       PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_PHYS_ADDR |
		       PERF_SAMPLE_DATA_PAGE_SIZE,
	.read_format = PERF_FORMAT_ID,
	.flags = SAMPLE_ID_ALL | 2ull << 15 /* precise_ip */,
	.ids = { 101, 102 },
	.name = "cpu/mem-loads/P",
};

static const struct event_spec faults = {
	.type = PERF_TYPE_SOFTWARE,
	.size = 136 + 24,
	.config = PERF_COUNT_SW_PAGE_FAULTS,
	.period = 1,
	.sample_type = COMMON_TYPE,
	.flags = SAMPLE_ID_ALL,
	.ids = { 201, 202 },
	.name = "page-faults:u",
};

static void trailer(struct build *f, uint64_t time, uint64_t id)
{
	u32(f, 7);
	u32(f, 8);
	u64(f, time);
	u32(f, 3); /* cpu */
	u32(f, 0);
	u64(f, id);
}

static void sample_front(struct build *f, uint64_t id, uint64_t ip, uint64_t time,
			 uint64_t addr, uint64_t period)
{
	u64(f, id);
	u64(f, ip);
	u32(f, 7);
	u32(f, 8);
	u64(f, time);
	u64(f, addr);
	u32(f, 3);
	u32(f, 0);
	u64(f, period);
}

static void load_sample(struct build *f, uint64_t time, uint64_t addr)
{
	begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER | PERF_RECORD_MISC_EXACT_IP);
	sample_front(f, 102, 0x401234, time, addr, 1009);
	u64(f, 77); /* READ: value, id */
	u64(f, 102);
	u64(f, 2); /* CALLCHAIN */
	u64(f, 0x401234);
	u64(f, 0x400000);
	u32(f, 4); /* RAW */
	u32(f, 0xdead);
	u64(f, 31ull | 7ull << 32); /* WEIGHT_STRUCT */
	u64(f, 0x10650100842);      /* DATA_SRC */
	u64(f, 0x123456000);        /* PHYS_ADDR */
	u64(f, 4096);               /* DATA_PAGE_SIZE */
	end(f);
}

static void fault_sample(struct build *f, uint64_t time, uint64_t addr)
{
	begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	sample_front(f, 201, 0x401300, time, addr, 1);
	end(f);
}

static void mmap2(struct build *f, uint64_t time, bool build_id)
{
	begin(f, PERF_RECORD_MMAP2,
	      PERF_RECORD_MISC_USER | (build_id ? PERF_RECORD_MISC_MMAP_BUILD_ID : 0));
	u32(f, 7);
	u32(f, 7);
	u64(f, 0x400000);
	u64(f, 0x8000);
	u64(f, 0x1000);
	if (build_id) {
		mh_wbuf_u8(&f->b, 20);
		mh_wbuf_bytes(&f->b, (uint8_t[3]){ 0 }, 3);
		mh_wbuf_bytes(&f->b, "0123456789abcdefghij", 20);
	} else {
		u32(f, 8);
		u32(f, 1);
		u64(f, 4242);
		u64(f, 1);
	}
	u32(f, 5);
	u32(f, 2);
	padded(f, "/usr/bin/a.out");
	trailer(f, time, time ? 101 : 0);
	end(f);
}

static void other_records(struct build *f)
{
	begin(f, PERF_RECORD_LOST, 0);
	u64(f, 101);
	u64(f, 5);
	trailer(f, 5200, 101);
	end(f);
	begin(f, PERF_RECORD_LOST_SAMPLES, 0);
	u64(f, 3);
	trailer(f, 5210, 101);
	end(f);
	begin(f, PERF_RECORD_THROTTLE, 0);
	u64(f, 5220);
	u64(f, 101);
	u64(f, 101);
	trailer(f, 5220, 101);
	end(f);
	begin(f, PERF_RECORD_READ, 0);
	u32(f, 7);
	u32(f, 8);
	u64(f, 990);
	u64(f, 102);
	trailer(f, 5230, 102);
	end(f);
	begin(f, PERF_RECORD_AUX, 0);
	u64(f, 0);
	u64(f, 16);
	u64(f, 0);
	trailer(f, 5240, 101);
	end(f);
	begin(f, 22, 0); /* a deferred call chain: newer than us */
	u64(f, 1);
	trailer(f, 5250, 101);
	end(f);
	begin(f, PERF_RECORD_EXIT, 0);
	u32(f, 7);
	u32(f, 1);
	u32(f, 7);
	u32(f, 1);
	u64(f, 6000);
	trailer(f, 6000, 101);
	end(f);
}

static void finished_round(struct build *f)
{
	begin(f, 68, 0);
	end(f);
}

#define NR_LOADS  3
#define NR_FAULTS 3

static void records(struct build *f)
{
	begin(f, PERF_RECORD_COMM, 0);
	u32(f, 7);
	u32(f, 7);
	padded(f, "a.out");
	trailer(f, 0, 0);
	end(f);
	mmap2(f, 0, false);
	load_sample(f, 5010, 0x7f0000001008);
	fault_sample(f, 5000, 0x7f0000002000); /* another CPU's */
	finished_round(f);
	mmap2(f, 5020, true);
	load_sample(f, 5100, 0);
	fault_sample(f, 5090, 0);
	finished_round(f);
	begin(f, 71, 0); /* AUXTRACE: 16 bytes follow */
	u64(f, 16);
	u64(f, 0);
	u64(f, 0);
	u32(f, 0);
	u32(f, 0);
	u32(f, 0);
	u32(f, 0);
	end(f);
	u64(f, 0);
	u64(f, 0);
	f->ends[f->nr_records - 1] = f->b.len;
	other_records(f);
	load_sample(f, 5300, 0xffff888000001000);
	fault_sample(f, 5310, 0x7f0000003fff);
	finished_round(f);
}

static const char cmdline[] = "perf";

static void feature(struct build *f, size_t entry, void (*body)(struct build *))
{
	size_t at = f->b.len;

	body(f);
	put_at(f, entry, at, 8);
	put_at(f, entry + 8, f->b.len - at, 8);
}

static void hostname(struct build *f)
{
	counted(f, "elsewhere");
}

static void command(struct build *f)
{
	u32(f, 4);
	counted(f, cmdline);
	counted(f, "record");
	counted(f, "--");
	counted(f, "a.out");
}

static void event_desc(struct build *f)
{
	const struct event_spec *specs[] = { &loads, &faults };
	size_t i;

	u32(f, 2);
	u32(f, specs[0]->size);
	for (i = 0; i < 2; i++) {
		attr(f, specs[i]);
		u32(f, 2);
		counted(f, specs[i]->name);
		u64(f, specs[i]->ids[0]);
		u64(f, specs[i]->ids[1]);
	}
}

static void magic(struct build *f)
{
	mh_wbuf_bytes(&f->b, f->big ? "2ELIFREP" : "PERFILE2", 8);
}

struct layout {
	size_t data, data_end; /* offsets */
};

static void make_file_of(struct build *f, bool big, const struct event_spec *const *specs,
			 size_t nr, void (*body)(struct build *), struct layout *l)
{
	static const uint64_t features = 1u << 3 | 1u << 11 | 1u << 12;
	size_t i, ids, attrs, table;

	*f = (struct build){ .big = big };
	magic(f);
	for (i = 1; i < 13; i++)
		u64(f, 0);
	ids = f->b.len;
	for (i = 0; i < nr; i++) {
		u64(f, specs[i]->ids[0]);
		u64(f, specs[i]->ids[1]);
	}
	attrs = f->b.len;
	for (i = 0; i < nr; i++) {
		attr(f, specs[i]);
		u64(f, ids + i * 16);
		u64(f, 16);
	}
	put_at(f, 8, 104, 8);
	put_at(f, 16, specs[0]->size + 16, 8);
	put_at(f, 24, attrs, 8);
	put_at(f, 32, f->b.len - attrs, 8);
	l->data = f->b.len;
	body(f);
	l->data_end = f->b.len;
	put_at(f, 40, l->data, 8);
	put_at(f, 48, l->data_end - l->data, 8);
	put_at(f, 72, features, 8);
	table = f->b.len;
	for (i = 0; i < 6; i++)
		u64(f, 0);
	feature(f, table, hostname);
	feature(f, table + 16, command);
	feature(f, table + 32, event_desc);
}

static const struct event_spec *const both[] = { &loads, &faults };

static void make_file(struct build *f, bool big, struct layout *l)
{
	make_file_of(f, big, both, 2, records, l);
}

static void make_pipe_head(struct build *f, bool big)
{
	size_t i;

	*f = (struct build){ .big = big };
	magic(f);
	u64(f, 16);
	for (i = 0; i < 2; i++) {
		begin(f, 64, 0);
		attr(f, both[i]);
		u64(f, both[i]->ids[0]);
		u64(f, both[i]->ids[1]);
		end(f);
	}
	begin(f, 80, 0);
	u64(f, 12);
	event_desc(f);
	end(f);
}

static void check_all(const struct got *g)
{
	assert_int_equal(g->samples, NR_LOADS + NR_FAULTS);
	/* A load at 0 has no address, a fault at 0 has. */
	assert_int_equal(g->with_addr, NR_LOADS + NR_FAULTS - 1);
	assert_int_equal(g->maps, 2);
	assert_int_equal(g->tasks, 2);
	assert_int_equal(g->lost, 5 + 3 + 1);
	assert_int_equal(g->reads, 990);
	assert_int_equal(g->count_aux, 16);
	assert_false(g->unsorted);
	assert_string_equal(g->names, "cpu/mem-loads/P page-faults:u ");
}

static const char whole_text[] =
	"stack time=5010 source=1 id=1 ip=0x400000\n"
	"stack time=5010 source=1 id=2 parent=1 ip=0x401234\n"
	"task time=0 source=1 op=comm pid=7 tid=7 comm=a.out\n"
	"map time=0 source=1 op=add pid=7 start=0x400000 end=0x408000 pgoff=0x1000 "
	"prot=5 "
	"maj=8 min=1 ino=4242 ino_gen=1 path=/usr/bin/a.out\n"
	"sample time=5000 source=2 pid=7 tid=8 cpu=3 ip=0x401300 addr=0x7f0000002000 "
	"event=1 flags=5\n"
	"sample time=5010 source=1 pid=7 tid=8 cpu=3 ip=0x401234 addr=0x7f0000001008 "
	"phys=0x123456000 data_src=0x10650100842 weight=31 ins_lat=7 period=1009 flags=5 "
	"page_shift=12 stack=2\n"
	"map time=5020 source=1 op=add pid=7 start=0x400000 end=0x408000 pgoff=0x1000 "
	"prot=5 path=/usr/bin/a.out build_id=303132333435363738396162636465666768696a\n"
	"sample time=5090 source=2 pid=7 tid=8 cpu=3 ip=0x401300 event=1 flags=5\n"
	"sample time=5100 source=1 pid=7 tid=8 cpu=3 ip=0x401234 phys=0x123456000 "
	"data_src=0x10650100842 weight=31 ins_lat=7 period=1009 flags=4 page_shift=12 "
	"stack=2\n"
	"lost time=5200 source=1 cause=ring start_ns=5200 cpu=3 count=5\n"
	"lost time=5210 source=1 cause=ring start_ns=5210 cpu=3 count=3\n"
	"lost time=5220 source=1 cause=throttle start_ns=5220 cpu=3 count=1\n"
	"sample time=5300 source=1 pid=7 tid=8 cpu=3 ip=0x401234 addr=0xffff888000001000 "
	"phys=0x123456000 data_src=0x10650100842 weight=31 ins_lat=7 period=1009 flags=5 "
	"page_shift=12 stack=2\n"
	"sample time=5310 source=2 pid=7 tid=8 cpu=3 ip=0x401300 addr=0x7f0000003fff "
	"event=1 flags=5\n"
	"task time=6000 source=1 op=exit pid=7 tid=7 ppid=1\n";

/* The same recording in both byte orders and both modes says the same. */
static void test_forms(void **state)
{
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;
	int form;

	(void)state;
	for (form = 0; form < 4; form++) {
		if (form < 2) {
			make_file(&f, form & 1, &l);
		} else {
			make_pipe_head(&f, form & 1);
			records(&f);
		}
		assert_status(run(&g, f.b.p, f.b.len, &err), MH_OK, &err);
		check_all(&g);
		assert_string_equal(g.text, whole_text);
		got_fini(&g);
		mh_wbuf_fini(&f.b);
	}
}

static void test_killed(void **state)
{
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;

	(void)state;
	make_file(&f, false, &l);
	put_at(&f, 48, 0, 8);
	assert_status(run(&g, f.b.p, l.data_end, &err), MH_OK, &err);
	assert_string_equal(g.text, whole_text);
	/* names are not in such a file */
	assert_string_equal(g.names, "type 4/config=0x1cd/ page-faults ");
	got_fini(&g);

	assert_status(run(&g, f.b.p, l.data_end - 13, &err), MH_OK, &err);
	assert_int_equal(g.samples, NR_LOADS + NR_FAULTS - 1);
	got_fini(&g);
	assert_status(run(&g, f.b.p, l.data, &err), MH_OK, &err);
	assert_int_equal(g.samples, 0);
	got_fini(&g);
	mh_wbuf_fini(&f.b);
}

static bool is_boundary(const struct build *f, size_t len)
{
	size_t i;

	for (i = 0; i < f->nr_records; i++)
		if (f->ends[i] == len)
			return true;
	return false;
}

static uint64_t whole_samples(const struct build *f, size_t len)
{
	uint64_t nr = 0;
	size_t i, from;

	for (i = 0; i < f->nr_records; i++) {
		from = i ? f->ends[i - 1] : 0;
		if (f->ends[i] > len || !i)
			continue;
		nr += f->b.p[from] == PERF_RECORD_SAMPLE && !f->b.p[from + 1];
	}
	return nr;
}

/* Cut after every byte: told, and every sample that is whole is kept. */
static void test_truncated(void **state)
{
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;
	size_t len;
	int ret;

	(void)state;
	make_file(&f, false, &l);
	for (len = 0; len < f.b.len; len++) {
		/* Between two descriptions of the machine nothing is missed. */
		err = (struct mh_err){ 0 };
		ret = run(&g, f.b.p, len, &err);
		if (len < 8)
			assert_int_equal(ret, MH_EINPUT);
		else if (len < l.data_end + 48)
			assert_int_equal(ret, MH_EFORMAT);
		assert_int_equal(g.samples, len < l.data ? 0 : whole_samples(&f, len));
		if (ret == MH_EFORMAT && len >= l.data)
			assert_non_null(strstr(g.damage, "truncated"));
		got_fini(&g);
	}
	mh_wbuf_fini(&f.b);

	/* A pipe may end after any record. */
	make_pipe_head(&f, false);
	len = f.b.len;
	records(&f);
	for (; len < f.b.len; len++) {
		ret = run(&g, f.b.p, len, &err);
		assert_int_equal(ret, is_boundary(&f, len) ? MH_OK : MH_EFORMAT);
		assert_int_equal(g.samples, whole_samples(&f, len));
		got_fini(&g);
	}
	mh_wbuf_fini(&f.b);
}

static void test_zero_size(void **state)
{
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;
	char where[64];
	size_t at;

	(void)state;
	make_file(&f, false, &l);
	at = f.ends[4]; /* behind the first round */
	put_at(&f, at + 6, 0, 2);
	assert_fails(run(&g, f.b.p, f.b.len, &err), MH_EFORMAT, &err, "0 bytes long");
	snprintf(where, sizeof(where), "byte %zu ", at);
	assert_non_null(strstr(err.msg, where));
	assert_int_equal(g.samples, 2);
	assert_string_equal(g.damage, err.msg);
	got_fini(&g);
	mh_wbuf_fini(&f.b);
}

/* A sample that is wrong in itself is told; the others are kept. */
static void test_wrong_sample(void **state)
{
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;

	(void)state;
	make_file(&f, false, &l);
	put_at(&f, f.ends[1] + 8 + 9 * 8, 1u << 20, 8); /* length of the call chain */
	assert_fails(run(&g, f.b.p, f.b.len, &err), MH_EFORMAT, &err, "not laid out");
	assert_int_equal(g.samples, NR_LOADS + NR_FAULTS - 1);
	got_fini(&g);
	put_at(&f, f.ends[2] + 8, 999, 8); /* an id of no event */
	assert_fails(run(&g, f.b.p, f.b.len, &err), MH_EFORMAT, &err, "not laid out");
	assert_int_equal(g.samples, NR_LOADS + NR_FAULTS - 2);
	got_fini(&g);
	mh_wbuf_fini(&f.b);
}

/* Any byte may be wrong: no crash, and no sample that was not there. */
static void test_flipped(void **state)
{
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;
	size_t at;

	(void)state;
	make_file(&f, false, &l);
	for (at = 0; at < f.b.len; at++) {
		f.b.p[at] ^= 0xff;
		(void)!run(&g, f.b.p, f.b.len, &err);
		assert_true(g.samples <= f.nr_records);
		got_fini(&g);
		f.b.p[at] ^= 0xff;
	}
	mh_wbuf_fini(&f.b);
}

static void test_not_one(void **state)
{
	struct mh_err err = { 0 };
	struct got g;

	(void)state;
	assert_fails(run(&g, "hello, world", 12, &err), MH_EINPUT, &err, "no perf.data");
	got_fini(&g);
	assert_fails(run(&g, "PERFFILE12345678", 16, &err), MH_EINPUT, &err, "version 1");
	got_fini(&g);
}

static void few_records(struct build *f)
{
	mmap2(f, 0, false);
	load_sample(f, 5010, 0x7f0000001008);
	fault_sample(f, 5000, 0x7f0000002000);
	finished_round(f);
	load_sample(f, 5100, 0x7f0000001010);
}

#ifdef HAVE_ZSTD
/* The records as zstd chunks, each cut anywhere, so that records straddle them. */
static void compress(struct build *f, const uint8_t *p, size_t len, uint32_t type)
{
	ZSTD_CStream *z = ZSTD_createCStream();
	uint8_t chunk[4096];
	size_t done = 0, piece;

	ZSTD_initCStream(z, 1);
	while (done < len) {
		ZSTD_outBuffer to = { .dst = chunk, .size = sizeof(chunk) };
		ZSTD_inBuffer from;

		piece = len - done < 61 ? len - done : 61;
		from = (ZSTD_inBuffer){ .src = p + done, .size = piece };
		ZSTD_compressStream(z, &to, &from);
		assert_int_equal(ZSTD_flushStream(z, &to), 0);
		done += piece;
		begin(f, type, 0);
		if (type == 83)
			u64(f, to.pos);
		mh_wbuf_bytes(&f->b, chunk, to.pos);
		while (type == 83 && (f->b.len - f->begun) % 8)
			mh_wbuf_u8(&f->b, 0);
		end(f);
	}
	ZSTD_freeCStream(z);
}

static void test_compressed(void **state)
{
	static const uint32_t types[] = { 81, 83 };
	struct mh_err err = { 0 };
	struct build f, inner;
	struct got g, plain;
	size_t i, head;

	(void)state;
	make_pipe_head(&inner, false);
	head = inner.b.len;
	few_records(&inner);
	assert_status(run(&plain, inner.b.p, inner.b.len, &err), MH_OK, &err);
	assert_int_equal(plain.samples, 3);
	for (i = 0; i < 2; i++) {
		make_pipe_head(&f, false);
		compress(&f, inner.b.p + head, inner.b.len - head, types[i]);
		assert_status(run(&g, f.b.p, f.b.len, &err), MH_OK, &err);
		assert_string_equal(g.text, plain.text);
		got_fini(&g);
		/* without the last chunk a record has no end */
		assert_fails(run(&g, f.b.p, f.ends[f.nr_records - 2], &err), MH_EFORMAT,
			     &err, "ends within a record");
		assert_int_equal(g.samples, 2);
		got_fini(&g);
		f.b.p[f.ends[5] - 20] ^= 0x55;
		(void)!run(&g, f.b.p, f.b.len, &err);
		got_fini(&g);
		mh_wbuf_fini(&f.b);
	}
	got_fini(&plain);
	mh_wbuf_fini(&inner.b);
}
#endif

/* ---- DAMON's tracepoint ---- */

static const struct event_spec damon = {
	.type = PERF_TYPE_TRACEPOINT,
	.size = 136,
	.config = 333,
	.period = 1,
	.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
	.ids = { 1, 2 },
};

static const char damon_format[] =
	"name: damon_aggregated\nID: 333\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
	"\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;\n"
	"\nprint fmt: \"\"\n";

static void tracing_data(struct build *f)
{
	size_t at, i;

	begin(f, 66, 0);
	u32(f, 0);
	u32(f, 0);
	end(f);
	at = f->b.len;
	mh_wbuf_bytes(&f->b, "\x17\x08\x44tracing", 10);
	mh_wbuf_bytes(&f->b, "0.6", 4);
	mh_wbuf_u8(&f->b, f->big);
	mh_wbuf_u8(&f->b, 8);
	u32(f, 4096);
	mh_wbuf_bytes(&f->b, "header_page", 12);
	u64(f, 0);
	mh_wbuf_bytes(&f->b, "header_event", 13);
	u64(f, 0);
	u32(f, 0);
	u32(f, 1);
	mh_wbuf_bytes(&f->b, "damon", 6);
	u32(f, 1);
	u64(f, sizeof(damon_format) - 1);
	mh_wbuf_bytes(&f->b, damon_format, sizeof(damon_format) - 1);
	put_at(f, at - 8, f->b.len - at, 4);
	for (i = f->b.len - at; i % 8; i++)
		mh_wbuf_u8(&f->b, 0);
}

static void region(struct build *f, uint64_t time, uint32_t nr, uint64_t start,
		   uint64_t stop, uint32_t accesses)
{
	begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	u64(f, time);
	u32(f, 52); /* 48 and padding */
	u64(f, 0);
	u64(f, 4); /* target */
	u32(f, nr);
	u32(f, 0);
	u64(f, start);
	u64(f, stop);
	u32(f, accesses);
	u32(f, 9);
	u32(f, 0);
	end(f);
}

static void make_damon(struct build *f, bool big)
{
	*f = (struct build){ .big = big };
	magic(f);
	u64(f, 16);
	begin(f, 64, 0);
	attr(f, &damon);
	u64(f, 1);
	end(f);
	tracing_data(f);
	region(f, 1000000, 2, 0x1000, 0x3000, 20);
	region(f, 1000010, 2, 0x3000, 0x9000, 0);
	region(f, 1100000, 1, 0x1000, 0x9000, 5);
	region(f, 1200000, 3, 0x1000, 0x2000, 1);
	region(f, 1200001, 3, 0x2000, 0x9000, 2); /* the third is missing */
}

static void test_damon(void **state)
{
	struct mh_err err = { 0 };
	struct build f;
	struct got g;
	int big;

	(void)state;
	for (big = 0; big < 2; big++) {
		make_damon(&f, big);
		assert_status(run(&g, f.b.p, f.b.len, &err), MH_OK, &err);
		assert_int_equal(g.samples, 0);
		assert_string_equal(
			g.text,
			"region time=1000000 source=3 start_ns=900000 pid=4 start=0x1000 "
			"end=0x3000 nr_accesses=20 max_accesses=20 age=9\n"
			"region time=1000000 source=3 start_ns=900000 pid=4 start=0x3000 "
			"end=0x9000 max_accesses=20 age=9\n"
			"region time=1100000 source=3 start_ns=1000000 pid=4 "
			"start=0x1000 "
			"end=0x9000 nr_accesses=5 max_accesses=20 age=9\n"
			"region time=1200000 source=3 start_ns=1100000 pid=4 "
			"start=0x1000 "
			"end=0x2000 nr_accesses=1 max_accesses=20 age=9\n"
			"region time=1200000 source=3 start_ns=1100000 pid=4 "
			"start=0x2000 "
			"end=0x9000 nr_accesses=2 max_accesses=20 age=9\n");
		assert_string_equal(g.names, "damon:damon_aggregated ");
		got_fini(&g);
		mh_wbuf_fini(&f.b);
	}
}

/* ---- IBS ---- */

static const struct event_spec ibs = {
	.type = 10,
	.size = 112,
	.period = 100000,
	.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_RAW,
	.ids = { 1, 2 },
};

static const uint64_t ibs_regs[7] = { 0x000002c30006186a, 0xffffffff8204aea7,
				      0x0000010002550001, 0x13,
				      0x0000000031960092, 0xff110008a5398920,
				      0x00000008a5398920 };

static void make_ibs(struct build *f)
{
	size_t i;

	*f = (struct build){ 0 };
	magic(f);
	u64(f, 16);
	begin(f, 64, 0);
	attr(f, &ibs);
	u64(f, 1);
	end(f);
	begin(f, 80, 0);
	u64(f, 16); /* PMU_MAPPINGS */
	u32(f, 2);
	u32(f, 4);
	counted(f, "cpu");
	u32(f, 10);
	counted(f, "ibs_op");
	end(f);
	begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	u64(f, ibs_regs[1]);
	u32(f, 4 + sizeof(ibs_regs));
	u32(f, 1u << 11 | 0x3ff);
	for (i = 0; i < 7; i++)
		u64(f, ibs_regs[i]);
	end(f);
}

/* Registers alone: which PMU they are of is in the recording, the rest is made of them.
 */
static void test_ibs(void **state)
{
	struct mh_err err = { 0 };
	struct build f;
	struct got g;

	(void)state;
	make_ibs(&f);
	assert_status(run(&g, f.b.p, f.b.len, &err), MH_OK, &err);
	assert_int_equal(g.samples, 1);
	assert_int_equal(g.last_sample.sample.data_src, 0x1e29080024);
	assert_int_equal(g.last_sample.sample.addr, ibs_regs[5]);
	assert_int_equal(g.last_sample.sample.phys, ibs_regs[6]);
	assert_int_equal(g.last_sample.sample.period, 100000);
	got_fini(&g);
	mh_wbuf_fini(&f.b);
}

/* The oldest attributes, one event without ids. */
static const struct event_spec old = {
	.type = PERF_TYPE_HARDWARE,
	.size = 64,
	.period = 5,
	.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TIME,
};

static void old_records(struct build *f)
{
	begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	u64(f, 0x1234);
	u64(f, 99);
	end(f);
}

static void test_old(void **state)
{
	static const struct event_spec *const one[] = { &old };
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;

	(void)state;
	make_file_of(&f, true, one, 1, old_records, &l);
	put_at(&f, 72, 0, 8); /* no features */
	assert_status(run(&g, f.b.p, l.data_end, &err), MH_OK, &err);
	assert_string_equal(g.text, "sample time=99 source=1 ip=0x1234 period=5\n");
	assert_string_equal(g.names, "cycles ");
	got_fini(&g);
	mh_wbuf_fini(&f.b);
}

/* ---- build-ids of the files, in a section behind the records ---- */

static void two_mappings(struct build *f)
{
	mmap2(f, 0, false);
	mmap2(f, 5020, true);
}

static void build_ids(struct build *f)
{
	static const char *const paths[] = { "/usr/bin/other", "/usr/bin/a.out" };
	size_t i;

	for (i = 0; i < 2; i++) {
		begin(f, 0, 1u << 15);
		u32(f, UINT32_MAX);
		mh_wbuf_bytes(&f->b, i ? "ABCDEFGHIJKLMNOPQRST" : "abcdefghijklmnopqrst",
			      20);
		mh_wbuf_u8(&f->b, 20);
		mh_wbuf_bytes(&f->b, (uint8_t[3]){ 0 }, 3);
		padded(f, paths[i]);
		end(f);
	}
}

/* A mapping without a build-id gets its file's; one that has its own keeps it. */
static void test_build_id_section(void **state)
{
	static const struct event_spec *const one[] = { &faults };
	struct mh_err err = { 0 };
	struct layout l;
	struct build f;
	struct got g;
	int big;

	(void)state;
	for (big = 0; big < 2; big++) {
		make_file_of(&f, big, one, 1, two_mappings, &l);
		put_at(&f, 72, 1u << 2, 8); /* in place of the other features */
		feature(&f, l.data_end, build_ids);
		assert_status(run(&g, f.b.p, f.b.len, &err), MH_OK, &err);
		assert_string_equal(
			g.text,
			"map time=0 source=1 op=add pid=7 start=0x400000 end=0x408000 "
			"pgoff=0x1000 prot=5 maj=8 min=1 ino=4242 ino_gen=1 "
			"path=/usr/bin/a.out "
			"build_id=4142434445464748494a4b4c4d4e4f5051525354\n"
			"map time=5020 source=1 op=add pid=7 start=0x400000 end=0x408000 "
			"pgoff=0x1000 prot=5 path=/usr/bin/a.out "
			"build_id=303132333435363738396162636465666768696a\n");
		got_fini(&g);
		mh_wbuf_fini(&f.b);
	}
}

/* ---- order ---- */

/* More than the buffer holds, without rounds: nothing is dropped, lateness is counted. */
static void test_order_is_bounded(void **state)
{
	struct got g = { 0 };
	struct mh_err err = { 0 };
	struct perf_order o;
	struct mh_event ev;
	uint64_t i, nr = 3 * (uint64_t)MH_PERF_ORDER_EVENTS;

	(void)state;
	g.out = open_memstream(&g.text, &g.text_len);
	mh_perf_order_init(&o, take, &g);
	mh_event_init(&ev, MH_EV_SAMPLE);
	for (i = 0; i < nr; i++) {
		ev.time_ns = 1000000 + (i ^ 7);
		assert_status(mh_perf_order_add(&o, &ev, &err), MH_OK, &err);
	}
	ev.time_ns = 5;
	assert_status(mh_perf_order_add(&o, &ev, &err), MH_OK, &err);
	assert_status(mh_perf_order_flush(&o, &err), MH_OK, &err);
	assert_int_equal(g.samples, nr + 1);
	assert_int_equal(o.nr_late, 1);
	mh_perf_order_fini(&o);
	fclose(g.out);
	got_fini(&g);
}

/* ---- recordings of others ---- */

struct known {
	const char *name;
	uint64_t samples, with_addr, maps;
	const char *event;
};

static void test_recordings(void **state)
{
	static const struct known all[] = {
		{ "intel-skx-ldlat64-weight_struct.perf.data", 14, 14, 6945,
		  "MEM_TRANS_RETIRED.LOAD_LATENCY:ldlat=64" },
		{ "intel-cml-cycles-addr.zstd2.pipe.data", 547, 257, 979, "cycles:P" },
		{ "intel-cml-sleep.perf.data", 7, 0, 4, "cycles:Pu" },
		{ "intel-cml-sleep.zstd2.perf.data", 7, 0, 4, "cycles:Pu" },
		{ "intel-snb-raw.perf.data", 441, 0, 1645, "cycles" },
	};
	const char *folder = getenv("MEMHEAT_DATA");
	struct mh_import_result result;
	struct mh_import_opts opts = { 0 };
	struct mh_err err = { 0 };
	char path[4096];
	size_t i, found = 0;
	struct got g;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(path, sizeof(path), "%s/perf/%s",
			 folder ? folder : "../shared/data", all[i].name);
		if (access(path, R_OK)) {
			print_message("%s is not there, skipped\n", path);
			continue;
		}
#ifndef HAVE_ZSTD
		if (strstr(path, "zstd"))
			continue;
#endif
		found++;
		g = (struct got){ 0 };
		g.out = open_memstream(&g.text, &g.text_len);
		assert_status(mh_import(&result, path, NULL, &opts, take, &g, &err),
			      MH_OK, &err);
		fclose(g.out);
		assert_string_equal(result.importer->name, "perf");
		assert_int_equal(g.samples, all[i].samples);
		assert_int_equal(g.with_addr, all[i].with_addr);
		assert_int_equal(g.maps, all[i].maps);
		assert_int_equal(g.lost, 0);
		assert_false(g.unsorted);
		assert_non_null(strstr(g.names, all[i].event));
		got_fini(&g);
	}
	if (!found)
		skip_because("no recordings of perf, as %s", path);
}

/* With a folder as argument: write what is built here as a fuzzing corpus, no tests. */
static int keep(const char *folder, const char *name, const struct build *f, size_t len)
{
	char path[4096];
	FILE *out;
	int ok;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "wb");
	ok = out && fwrite(f->b.p, 1, len, out) == len;
	if (out && fclose(out))
		ok = 0;
	return ok ? 0 : -1;
}

static int write_corpus(const char *folder)
{
	static const struct event_spec *const one[] = { &old };
	struct build f;
	struct layout l;
	int big, ret = 0;

	for (big = 0; big < 2 && !ret; big++) {
		make_file(&f, big, &l);
		ret = keep(folder, big ? "file-big" : "file-little", &f, f.b.len);
		put_at(&f, 48, 0, 8);
		if (!ret && !big)
			ret = keep(folder, "killed", &f, l.data_end - 13);
		mh_wbuf_fini(&f.b);
		make_pipe_head(&f, big);
		few_records(&f);
		if (!ret)
			ret = keep(folder, big ? "pipe-big" : "pipe-little", &f, f.b.len);
		mh_wbuf_fini(&f.b);
	}
	make_file_of(&f, true, one, 1, old_records, &l);
	if (!ret)
		ret = keep(folder, "old-big", &f, f.b.len);
	mh_wbuf_fini(&f.b);
	make_damon(&f, false);
	if (!ret)
		ret = keep(folder, "damon", &f, f.b.len);
	mh_wbuf_fini(&f.b);
	make_ibs(&f);
	if (!ret)
		ret = keep(folder, "ibs", &f, f.b.len);
	mh_wbuf_fini(&f.b);
#ifdef HAVE_ZSTD
	{
		struct build inner;
		size_t head;

		make_pipe_head(&inner, false);
		head = inner.b.len;
		few_records(&inner);
		make_pipe_head(&f, false);
		compress(&f, inner.b.p + head, inner.b.len - head, 83);
		if (!ret)
			ret = keep(folder, "compressed", &f, f.b.len);
		mh_wbuf_fini(&inner.b);
		mh_wbuf_fini(&f.b);
	}
#endif
	return ret;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_zero_size),
		cmocka_unit_test(test_wrong_sample),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_not_one),
#ifdef HAVE_ZSTD
		cmocka_unit_test(test_compressed),
#endif
		cmocka_unit_test(test_damon),
		cmocka_unit_test(test_ibs),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_build_id_section),
		cmocka_unit_test(test_order_is_bounded),
		cmocka_unit_test(test_recordings),
	};

	if (argc > 1)
		return write_corpus(argv[1]) ? 1 : 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
