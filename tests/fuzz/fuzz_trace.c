/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the trace reader: any bytes as a file, every cursor and occupancy of it. A
 * fuzzing build of the library ignores checksums, so that mutations reach the decoders.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memheat/trace.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_rows(struct mh_reader *r, const struct mh_filter *filter)
{
	struct mh_cursor *c;
	struct mh_batch batch;
	struct mh_event ev;
	int status;

	if (mh_cursor_open(&c, r, filter, NULL))
		return;
	while ((status = mh_cursor_next(c, &batch, NULL)) != MH_END) {
		if (status)
			continue;
		mh_batch_event(&batch, 0, &ev);
		mh_batch_event(&batch, batch.nr - 1, &ev);
		if (ev.kind == MH_EV_META)
			(void)!strlen(ev.meta.value);
		if (ev.kind == MH_EV_MAP)
			(void)!strlen(ev.map.path);
	}
	mh_cursor_close(c);
}

static void read_occupancy(struct mh_reader *r)
{
	const struct mh_occupancy_run *runs;
	struct mh_cursor *c;
	size_t i, nr;

	if (mh_cursor_open(&c, r, NULL, NULL))
		return;
	for (i = 0; i < mh_reader_nr_blocks(r); i++)
		(void)!mh_cursor_occupancy(c, i, &runs, &nr, NULL);
	mh_cursor_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t pids[] = { 1, 100 };
	struct mh_filter some = { .columns = MH_COL_TIME | MH_COL_WEIGHT,
				  .time_ns = { 100, 1u << 30 },
				  .addr = { 4096, UINT64_MAX },
				  .pids = pids,
				  .nr_pids = 2 };
	int fd = memfd_create("trace", MFD_CLOEXEC);
	char path[64];
	struct mh_reader *r;

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size && !mh_reader_open(&r, path, NULL)) {
		read_rows(r, NULL);
		read_rows(r, &some);
		read_occupancy(r);
		mh_reader_close(r);
	}
	close(fd);
	return 0;
}
