/* SPDX-License-Identifier: MIT */
/* The text form of events: what is printed reads back, what is damaged is refused. */
#include "../test.h"

#include <memheat/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *print(const struct mh_event *ev)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(mh_event_print(out, ev, NULL), MH_OK);
	fclose(out);
	return text;
}

/* Parse @line, print it, and expect @same (NULL: the line itself). */
static void round_trip(const char *line, const char *same)
{
	struct mh_event_scratch scratch = { 0 };
	struct mh_err err;
	struct mh_event ev;
	char *copy = strdup(line), *text;
	int status = mh_event_parse(&ev, copy, &scratch, &err);

	if (status)
		fail_msg("'%s': status %d: %s", line, status, err.msg);
	text = print(&ev);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, same ? same : line);
	free(text);
	free(copy);
	mh_event_scratch_fini(&scratch);
}

static void refuse(const char *line, const char *words)
{
	struct mh_event_scratch scratch = { 0 };
	struct mh_err err;
	struct mh_event ev;
	char *copy = strdup(line);

	assert_int_equal(mh_event_parse(&ev, copy, &scratch, &err), MH_EFORMAT);
	if (!strstr(err.msg, words))
		fail_msg("'%s' says '%s', not '%s'", line, err.msg, words);
	free(copy);
	mh_event_scratch_fini(&scratch);
}

static void reads_back_every_kind(void **state)
{
	static const char *const lines[] = {
		"meta time=0 key=host.kernel value=\"6.1 \\\"x\\\"\"",
		"map time=5 op=add pid=7 start=0x1000 end=0x2000 pgoff=0x3000 prot=5 "
		"shared=1 "
		"maj=8 min=1 ino=99 ino_gen=3 path=/usr/lib/libc.so.6 build_id=00ff10",
		"map time=6 op=remove pid=7 start=0x1000 end=0x2000",
		"task time=1 op=fork pid=8 tid=8 ppid=7 comm=worker",
		"sample time=18446744073709551615 source=2 pid=7 tid=9 cpu=3 ip=0x401000 "
		"addr=0xffffffffffffffff phys=0x1000 data_src=0x1e29080024 weight=64 "
		"ins_lat=65535 "
		"p_stage=1 period=10007 event=1 flags=5 page_shift=21 stack=4",
		"region time=200 source=1 start_ns=100 pid=7 start=0x1000 end=0x9000 "
		"nr_accesses=3 max_accesses=20 age=0 touched=4096",
		"pages time=2 start_ns=1 pid=7 start=0x10000 nr_pages=64 page_shift=12 "
		"layer=write accessed=0+16,40+1 observed=0+64",
		"footprint time=3 pid=7 rss=4096 pss=2048 swap=1 huge=2097152",
		"stat time=3 name=observer.cpu_ns value=12",
		"lost time=9 source=1 cause=ring start_ns=4 cpu=0 count=17",
		"gap time=9 cause=not_run start_ns=4 pid=7",
		"stack time=3 source=1 id=2 parent=1 ip=0x401000",
		"stack_copy time=9 source=1 pid=7 tid=8 id=5 inner=2 machine=62 "
		"regs=00ff10 sp=0x7ffc1000 stack=deadbeef00",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		round_trip(lines[i], NULL);
}

static void leaves_out_absent_values(void **state)
{
	(void)state;
	round_trip("region start=0x1000 end=0x2000",
		   "region time=0 start=0x1000 end=0x2000");
	round_trip("pages nr_pages=3 page_shift=12",
		   "pages time=0 nr_pages=3 page_shift=12 layer=access accessed=-");
	round_trip("sample addr=16 period=1 # remark", "sample time=0 addr=0x10");
	round_trip("sample period=0", "sample time=0 period=0");
}

static void absent_numbers_are_not_zero(void **state)
{
	struct mh_event ev;

	(void)state;
	mh_event_init(&ev, MH_EV_REGION);
	assert_true(ev.region.age == MH_NO_AGE);
	assert_true(ev.region.touched == MH_NO_BYTES);
	mh_event_init(&ev, MH_EV_LOST);
	assert_true(ev.lost.cpu == UINT32_MAX);
	mh_event_init(&ev, MH_EV_MAP);
	assert_string_equal(ev.map.path, "");
}

static void skips_empty_lines_and_remarks(void **state)
{
	struct mh_event_scratch scratch = { 0 };
	struct mh_event ev;
	char empty[] = "  \t\n", remark[] = "# sample addr=1";

	(void)state;
	assert_int_equal(mh_event_parse(&ev, empty, &scratch, NULL), MH_END);
	assert_int_equal(mh_event_parse(&ev, remark, &scratch, NULL), MH_END);
}

static void refuses_what_is_wrong(void **state)
{
	(void)state;
	refuse("smaple time=1", "not a kind of event");
	refuse("sample addr", "not of the form");
	refuse("sample colour=1", "no field 'colour'");
	refuse("sample addr=0x1g", "not a value of sample.addr");
	refuse("sample addr=-1", "not a value");
	refuse("sample addr=18446744073709551616", "not a value");
	refuse("sample flags=256", "not a value");
	refuse("sample source=65536", "not a value");
	refuse("lost cause=bored", "not a value of lost.cause");
	refuse("map build_id=abc", "not a value");
	refuse("map path=\"/a b", "no closing quote");
	refuse("pages nr_pages=8 accessed=4+5", "list of runs");
	refuse("pages nr_pages=8 accessed=4", "list of runs");
	refuse("pages nr_pages=8 accessed=4+1,", "list of runs");
	refuse("pages nr_pages=99999999999", "above the limit");
}

static void keeps_hostile_strings_on_one_line(void **state)
{
	struct mh_event_scratch scratch = { 0 };
	struct mh_event ev, back;
	char *text;

	(void)state;
	mh_event_init(&ev, MH_EV_MAP);
	ev.map.path = "a\n\"b\\ = #\x01\xff";
	text = print(&ev);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(mh_event_parse(&back, text, &scratch, NULL), MH_OK);
	assert_string_equal(back.map.path, ev.map.path);
	free(text);
}

static void says_when_the_stream_fails(void **state)
{
	struct mh_event ev;
	FILE *full = fopen("/dev/full", "w");
	struct mh_err err;

	(void)state;
	if (!full)
		skip_because("no /dev/full");
	setvbuf(full, NULL, _IONBF, 0);
	mh_event_init(&ev, MH_EV_GAP);
	assert_int_equal(mh_event_print(full, &ev, &err), MH_ESYS);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_every_kind),
		cmocka_unit_test(leaves_out_absent_values),
		cmocka_unit_test(absent_numbers_are_not_zero),
		cmocka_unit_test(skips_empty_lines_and_remarks),
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(keeps_hostile_strings_on_one_line),
		cmocka_unit_test(says_when_the_stream_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
