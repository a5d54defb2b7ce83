/* SPDX-License-Identifier: MIT */
/*
 * What differs between the machines that a perf.data may come from: sizes of attributes,
 * mappings with and without build-ids, PMUs of unlike cores, words of 32 bits.
 */
#include "perf_build.h"

#include <stdio.h>

#include <memheat/source.h>

#include "source/import/import.h"

struct got {
	char *text; /* of all but STAT and of META the events' */
	size_t len;
	FILE *out;
};

static int take(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct got *g = arg;

	if (ev->kind == MH_EV_STAT)
		return MH_OK;
	if (ev->kind != MH_EV_META)
		return mh_event_print(g->out, ev, err);
	if (strstr(ev->meta.key, ".pmu"))
		fprintf(g->out, "%s=%s\n", ev->meta.key, ev->meta.value);
	return MH_OK;
}

/* What is imported of @f, for the caller to free; @f is released. */
static char *import(struct build *f)
{
	struct mh_import_opts opts = { 0 };
	struct mh_err err = { 0 };
	struct got g = { 0 };
	struct mh_input in;

	g.out = open_memstream(&g.text, &g.len);
	assert_status(mh_input_memory(&in, f->b.p, f->b.len, &err), MH_OK, &err);
	assert_status(mh_importer_perf.run(&in, &opts, take, &g, &err), MH_OK, &err);
	mh_input_close(&in);
	fclose(g.out);
	mh_wbuf_fini(&f->b);
	return g.text;
}

static void check(struct build *f, const char *wanted)
{
	char *text = import(f);

	assert_string_equal(text, wanted);
	free(text);
}

static void head(struct build *f, bool big)
{
	*f = (struct build){ .big = big };
	mh_wbuf_bytes(&f->b, big ? "2ELIFREP" : "PERFILE2", 8);
	u64(f, 16);
}

static void event(struct build *f, const struct event_spec *e)
{
	begin(f, 64, 0);
	attr(f, e);
	u64(f, e->ids[0]);
	end(f);
}

#define PLAIN_TYPE                                                                       \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR)

static void plain_sample(struct build *f, uint64_t time)
{
	begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	u64(f, 0x401234);
	u32(f, 7);
	u32(f, 8);
	u64(f, time);
	u64(f, 0x7f0000001008);
	end(f);
}

/* From the first attributes to such as nobody has seen yet. */
static void test_attr_sizes(void **state)
{
	static const uint32_t sizes[] = { 64,  72,  80,  96,  104, 112,
					  120, 128, 136, 144, 152, 256 };
	struct event_spec e = { .type = PERF_TYPE_SOFTWARE,
				.config = PERF_COUNT_SW_PAGE_FAULTS,
				.period = 1,
				.sample_type = PLAIN_TYPE,
				.ids = { 1, 0 } };
	struct build f;
	size_t i;
	int big;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (big = 0; big < 2; big++) {
			e.size = sizes[i];
			head(&f, big);
			event(&f, &e);
			plain_sample(&f, 5000);
			check(&f, "sample time=5000 source=2 pid=7 tid=8 ip=0x401234 "
				  "addr=0x7f0000001008 flags=5\n");
		}
	}
}

/*
 * Whose code address is the access's own: faults' always, others' where the kernel says
 * so in the sample. An event that is to be precise may fail to be, and a breakpoint stops
 * behind the access.
 */
static void test_exact_ip(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t config;
		unsigned precise;
		uint16_t misc;
		bool exact;
	} rows[] = {
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 0, 0, true },
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, 0, 0, true },
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, 0, 0, true },
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 0, 0, false },
		{ PERF_TYPE_BREAKPOINT, 0, 0, 0, false },
		{ PERF_TYPE_RAW, 0x1cd, 0, 0, false },
		{ PERF_TYPE_RAW, 0x1cd, 3, 0, false },
		{ PERF_TYPE_RAW, 0x1cd, 2, PERF_RECORD_MISC_EXACT_IP, true },
		{ PERF_TYPE_RAW, 0x1cd, 3, PERF_RECORD_MISC_EXACT_IP, true },
	};
	struct event_spec e = {
		.size = 136, .period = 1, .sample_type = PLAIN_TYPE, .ids = { 1, 0 }
	};
	struct build f;
	size_t i;
	int big;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (big = 0; big < 2; big++) {
			char *text;

			e.type = rows[i].type;
			e.config = rows[i].config;
			e.flags = (uint64_t)rows[i].precise << 15;
			head(&f, big);
			event(&f, &e);
			plain_sample(&f, 5000);
			put_at(&f, f.begun + 4, PERF_RECORD_MISC_USER | rows[i].misc, 2);
			text = import(&f);
			assert_non_null(strstr(text, rows[i].exact ? " flags=5\n"
								   : " flags=1\n"));
			free(text);
		}
	}
}

static void build_id(struct build *f, const char *id, unsigned len, const char *path)
{
	begin(f, 67, len == 20 ? 0 : 1u << 15);
	u32(f, 7);
	mh_wbuf_bytes(&f->b, id, 20);
	mh_wbuf_u8(&f->b, (uint8_t)len);
	mh_wbuf_bytes(&f->b, (uint8_t[3]){ 0 }, 3);
	padded(f, path);
	end(f);
}

static void mmap1(struct build *f, uint64_t start, const char *path, bool data)
{
	begin(f, PERF_RECORD_MMAP,
	      PERF_RECORD_MISC_USER | (data ? PERF_RECORD_MISC_MMAP_DATA : 0));
	u32(f, 7);
	u32(f, 7);
	u64(f, start);
	u64(f, 0x2000);
	u64(f, 0x1000);
	padded(f, path);
	end(f);
}

/* The oldest kind of mapping has no build-id of its own; perf tells those of the files.
 */
static void test_mappings(void **state)
{
	const struct event_spec e = { .type = PERF_TYPE_SOFTWARE,
				      .size = 136,
				      .config = PERF_COUNT_SW_PAGE_FAULTS,
				      .period = 1,
				      .sample_type = PLAIN_TYPE,
				      .ids = { 1, 0 } };
	struct build f;
	int big;

	(void)state;
	for (big = 0; big < 2; big++) {
		head(&f, big);
		event(&f, &e);
		build_id(&f, "0123456789abcdefghij", 20, "/usr/bin/a.out");
		build_id(&f, "0123456789abcdef\0\0\0\0", 16, "/usr/lib/go");
		mmap1(&f, 0x400000, "/usr/bin/a.out", false);
		mmap1(&f, 0x600000, "/usr/lib/go", true);
		mmap1(&f, 0x800000, "//anon", true);
		check(&f, "map time=0 source=1 op=add pid=7 start=0x400000 end=0x402000 "
			  "pgoff=0x1000 prot=5 path=/usr/bin/a.out "
			  "build_id=303132333435363738396162636465666768696a\n"
			  "map time=0 source=1 op=add pid=7 start=0x600000 end=0x602000 "
			  "pgoff=0x1000 prot=1 path=/usr/lib/go "
			  "build_id=30313233343536373839616263646566\n"
			  "map time=0 source=1 op=add pid=7 start=0x800000 end=0x802000 "
			  "prot=1\n");
	}
}

static void hybrid_sample(struct build *f, uint64_t id, uint64_t time)
{
	begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	u64(f, id);
	u64(f, 0x401234);
	u64(f, time);
	u64(f, 0x1000);
	end(f);
}

/* Two PMUs, each with its own loads: samples keep whose they are. */
static void test_hybrid(void **state)
{
	const uint64_t type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TIME |
			      PERF_SAMPLE_ADDR;
	const struct event_spec core = { .type = 4,
					 .size = 136,
					 .config = 0x1cd,
					 .period = 1000,
					 .sample_type = type,
					 .ids = { 31, 0 } };
	const struct event_spec atom = { .type = 10,
					 .size = 136,
					 .config = 0x5d0,
					 .period = 1000,
					 .sample_type = type,
					 .ids = { 32, 0 } };
	struct build f;

	(void)state;
	head(&f, false);
	event(&f, &core);
	event(&f, &atom);
	begin(&f, 80, 0);
	u64(&f, 16); /* PMU_MAPPINGS */
	u32(&f, 2);
	u32(&f, 4);
	counted(&f, "cpu_core");
	u32(&f, 10);
	counted(&f, "cpu_atom");
	end(&f);
	begin(&f, 80, 0);
	u64(&f, 30); /* HYBRID_TOPOLOGY: of no use here, and no harm */
	u32(&f, 2);
	counted(&f, "cpu_core");
	counted(&f, "0-15");
	counted(&f, "cpu_atom");
	counted(&f, "16-23");
	end(&f);
	hybrid_sample(&f, 32, 5000);
	hybrid_sample(&f, 31, 5010);
	check(&f, "source.1.event.1.pmu=cpu_atom\n"
		  "source.1.event.0.pmu=cpu_core\n"
		  "sample time=5000 source=1 ip=0x401234 addr=0x1000 period=1000 event=1 "
		  "flags=1\n"
		  "sample time=5010 source=1 ip=0x401234 addr=0x1000 period=1000 "
		  "flags=1\n");
}

static const char format_32[] =
	"name: damon_aggregated\nID: 333\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
	"\tfield:unsigned long target_id;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int nr_regions;\toffset:12;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long start;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long end;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int nr_accesses;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int age;\toffset:28;\tsize:4;\tsigned:0;\n"
	"\nprint fmt: \"\"\n";

static void tracing_data_32(struct build *f)
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
	mh_wbuf_u8(&f->b, 4); /* bytes of a long */
	u32(f, 4096);
	mh_wbuf_bytes(&f->b, "header_page", 12);
	u64(f, 0);
	mh_wbuf_bytes(&f->b, "header_event", 13);
	u64(f, 0);
	u32(f, 0);
	u32(f, 1);
	mh_wbuf_bytes(&f->b, "damon", 6);
	u32(f, 1);
	u64(f, sizeof(format_32) - 1);
	mh_wbuf_bytes(&f->b, format_32, sizeof(format_32) - 1);
	put_at(f, at - 8, f->b.len - at, 4);
	for (i = f->b.len - at; i % 8; i++)
		mh_wbuf_u8(&f->b, 0);
}

/* Fields are where the format says, four bytes wide. */
static void test_32_bits(void **state)
{
	const struct event_spec e = { .type = PERF_TYPE_TRACEPOINT,
				      .size = 112,
				      .config = 333,
				      .period = 1,
				      .sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
				      .ids = { 1, 0 } };
	struct build f;
	int big;

	(void)state;
	for (big = 0; big < 2; big++) {
		head(&f, big);
		event(&f, &e);
		tracing_data_32(&f);
		begin(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
		u64(&f, 1000000);
		u32(&f, 36); /* 32 and padding */
		u64(&f, 0);
		u32(&f, 4);
		u32(&f, 1);
		u32(&f, 0xb6000000);
		u32(&f, 0xb6004000);
		u32(&f, 20);
		u32(&f, 9);
		u32(&f, 0);
		end(&f);
		check(&f, "region time=1000000 source=3 start_ns=1000000 pid=4 "
			  "start=0xb6000000 "
			  "end=0xb6004000 nr_accesses=20 max_accesses=20 age=9\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attr_sizes), cmocka_unit_test(test_exact_ip),
		cmocka_unit_test(test_mappings),   cmocka_unit_test(test_hybrid),
		cmocka_unit_test(test_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
