/* SPDX-License-Identifier: MIT */
/* Jitdump files: whatever is read is in order and lends whole names. */
#include <stdlib.h>
#include <string.h>

#include "symbol/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mh_jitdump *d)
{
	size_t i, k;

	for (i = 0; i < d->nr; i++) {
		const struct mh_jit_code *c = &d->v[i];
		const struct mh_jit_line *line = mh_jitdump_line(d, c, 4);

		if (!c->name || c->addr.end <= c->addr.start ||
		    (i && c->addr.start < d->v[i - 1].addr.start) ||
		    c->line + c->nr_lines > d->lines.nr || (line && !line->file))
			abort();
		for (k = c->line; k < c->line + c->nr_lines; k++) {
			if (!d->lines.v[k].file)
				abort();
		}
		c = mh_jitdump_find(d, c->addr.start, c->time_ns.start);
		if (c && c->name[0] == 1)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_jitdump d = { 0 };
	struct mh_names names = { 0 };
	void *bytes = size ? malloc(size) : NULL;
	FILE *f;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	f = fmemopen(bytes, size, "r");
	if (f && !mh_jitdump_read(&d, f, &names) && !mh_jitdump_index(&d))
		check(&d);
	if (f)
		fclose(f);
	mh_jitdump_fini(&d);
	mh_names_fini(&names);
	free(bytes);
	return 0;
}
