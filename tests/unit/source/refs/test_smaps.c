/* SPDX-License-Identifier: MIT */
/* The smaps parser: what the kernel prints, in pieces of any size, and what it never
 * does. */
#include "../../test.h"

#include "source/refs/smaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char two_mappings[] = "5576ac06c000-5576ac06e000 rw-p 00003000 fe:01 247134 "
				   "                    /a b (deleted)\n"
				   "Size:                  8 kB\n"
				   "Rss:                   8 kB\n"
				   "Pss:                   4 kB\n"
				   "Referenced:            4 kB\n"
				   "AnonHugePages:      2048 kB\n"
				   "FilePmdMapped:      2048 kB\n"
				   "Swap:                 12 kB\n"
				   "SwapPss:              99 kB\n"
				   "NewField:              1 kB\n"
				   "THPeligible:           0\n"
				   "VmFlags: rd wr mr mw me ac \n"
				   "7f0000000000-7f0000200000 r-xs 00000000 00:0f 0 \n"
				   "Rss:                   0 kB\n"
				   "Shared_Hugetlb:     2048 kB\n"
				   "VmFlags: rd ex sh de ht \n";

struct input {
	const char *p;
	size_t left, step;
	int fail;
};

static ssize_t read_input(void *arg, void *buf, size_t size)
{
	struct input *in = arg;
	size_t n = in->left < in->step ? in->left : in->step;

	if (!n && in->fail) {
		errno = in->fail;
		return -1;
	}
	n = n < size ? n : size;
	memcpy(buf, in->p, n);
	in->p += n;
	in->left -= n;
	return (ssize_t)n;
}

static struct smaps *open_text(struct input *in, const char *text, size_t step)
{
	struct smaps *s = malloc(sizeof(*s));

	*in = (struct input){ .p = text, .left = strlen(text), .step = step };
	mh_smaps_init(s, read_input, in);
	return s;
}

static void reads_mappings_in_pieces_of_any_size(void **state)
{
	static const size_t steps[] = { 1, 7, 64, 100000 };
	struct smaps_entry e;
	struct input in;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct smaps *s = open_text(&in, two_mappings, steps[i]);

		assert_int_equal(mh_smaps_next(s, &e, NULL), MH_OK);
		assert_true(e.start == 0x5576ac06c000 && e.end == 0x5576ac06e000);
		assert_int_equal(e.prot, PROT_READ | PROT_WRITE);
		assert_int_equal(e.shared, 0);
		assert_true(e.pgoff == 0x3000 && e.maj == 0xfe && e.min == 1 &&
			    e.ino == 247134);
		assert_string_equal(e.path, "/a b (deleted)");
		assert_true(e.rss == 8192 && e.pss == 4096 && e.referenced == 4096);
		assert_true(e.huge == 2 * 2048 * 1024 && e.swap == 12288);
		assert_false(e.hugetlb);
		assert_int_equal(mh_smaps_next(s, &e, NULL), MH_OK);
		assert_int_equal(e.prot, PROT_READ | PROT_EXEC);
		assert_int_equal(e.shared, 1);
		assert_string_equal(e.path, "");
		assert_true(e.hugetlb && e.huge == 2048 * 1024);
		assert_int_equal(mh_smaps_next(s, &e, NULL), MH_END);
		free(s);
	}
}

static void refuses_what_is_no_mapping(void **state)
{
	static const char *const texts[] = {
		"Rss: 1 kB\n",
		"hello\n",
		"1000-1000 r--p 00000000 00:00 0 \n",
		"2000-1000 r--p 00000000 00:00 0 \n",
		"1000-2000 r--\n",
		"1000-2000 r--p 0 00:00\n",
	};
	struct smaps_entry e;
	struct input in;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct smaps *s = open_text(&in, texts[i], 64);

		assert_int_equal(mh_smaps_next(s, &e, NULL), MH_EFORMAT);
		free(s);
	}
}

static void says_when_a_line_has_no_end(void **state)
{
	struct smaps_entry e;
	struct input in;
	struct smaps *s = open_text(&in, "1000-2000 r--p 00000000 00:00 0", 64);

	(void)state;
	assert_int_equal(mh_smaps_next(s, &e, NULL), MH_EFORMAT);
	free(s);
}

static void passes_on_a_read_that_fails(void **state)
{
	struct smaps_entry e;
	struct input in;
	struct smaps *s = open_text(&in, "1000-2000 r--p 00000000 00:00 0 \n", 64);

	(void)state;
	in.fail = ESRCH;
	assert_true(mh_smaps_next(s, &e, NULL) < 0);
	assert_int_equal(s->sys_errno, ESRCH);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_mappings_in_pieces_of_any_size),
		cmocka_unit_test(refuses_what_is_no_mapping),
		cmocka_unit_test(says_when_a_line_has_no_end),
		cmocka_unit_test(passes_on_a_read_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
