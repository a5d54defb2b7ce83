/* SPDX-License-Identifier: MIT */
/* The smaps parser: any bytes, in pieces of a size that the first byte gives. */
#include "source/refs/smaps.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *p;
	size_t left, step;
};

static ssize_t read_input(void *arg, void *buf, size_t size)
{
	struct input *in = arg;
	size_t n = in->left < in->step ? in->left : in->step;

	n = n < size ? n : size;
	memcpy(buf, in->p, n);
	in->p += n;
	in->left -= n;
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	struct smaps_entry e;
	struct smaps *s;

	if (!size)
		return 0;
	in = (struct input){ .p = data + 1, .left = size - 1, .step = data[0] + 1u };
	s = malloc(sizeof(*s));
	if (!s)
		return 0;
	mh_smaps_init(s, read_input, &in);
	while (mh_smaps_next(s, &e, NULL) == MH_OK)
		if (e.end <= e.start || !memchr(e.path, 0, sizeof(e.path)))
			abort();
	free(s);
	return 0;
}
