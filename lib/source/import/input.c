/* SPDX-License-Identifier: MIT */
/*
 * See input.h. read(2) and not mmap(2): a recording may still grow or be cut while it is
 * read, and a pipe must work the same way.
 */
#include "source/import/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUF_SIZE (1u << 20)

static int open_fd(struct mh_input *in, const char *path, struct mh_err *err)
{
	struct stat st;

	if (!strcmp(path, "-")) {
		in->name = "standard input";
		in->fd = STDIN_FILENO;
	} else {
		in->fd = open(path, O_RDONLY | O_CLOEXEC);
		in->owned = true;
	}
	if (in->fd < 0 || fstat(in->fd, &st))
		return mh_fail_errno(err, "cannot read %s", in->name);
	if (S_ISDIR(st.st_mode))
		return mh_fail(err, MH_EINPUT, "%s is a directory, not a file to import",
			       in->name);
	if (S_ISREG(st.st_mode)) {
		in->seekable = true;
		in->size = (uint64_t)st.st_size;
		in->pos = (uint64_t)lseek(in->fd, 0, SEEK_CUR);
	}
	return MH_OK;
}

int mh_input_open(struct mh_input *in, const char *path, struct mh_err *err)
{
	int ret;

	*in = (struct mh_input){ .name = path, .fd = -1, .size = UINT64_MAX };
	ret = open_fd(in, path, err);
	if (!ret && !(in->buf = malloc(BUF_SIZE)))
		ret = mh_fail(err, MH_ENOMEM, "out of memory");
	if (ret)
		mh_input_close(in);
	return ret;
}

int mh_input_memory(struct mh_input *in, const void *bytes, size_t len,
		    struct mh_err *err)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	size_t done = 0;
	int ret = MH_OK;

	*in = (struct mh_input){
		.name = "memory", .fd = fd, .owned = true, .seekable = true, .size = len
	};
	while (fd >= 0 && done < len) {
		ssize_t n = pwrite(fd, (const uint8_t *)bytes + done, len - done,
				   (off_t)done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (fd < 0 || done < len)
		ret = mh_fail_errno(err, "cannot hold %zu bytes", len);
	else if (!(in->buf = malloc(BUF_SIZE)))
		ret = mh_fail(err, MH_ENOMEM, "out of memory");
	if (ret)
		mh_input_close(in);
	return ret;
}

void mh_input_close(struct mh_input *in)
{
	if (in->owned && in->fd >= 0)
		close(in->fd);
	free(in->buf);
	in->buf = NULL;
	in->fd = -1;
}

static int fill(struct mh_input *in, size_t want, struct mh_err *err)
{
	if (in->start && in->start + want > BUF_SIZE) {
		memmove(in->buf, in->buf + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	}
	while (in->end - in->start < want && !in->ended) {
		ssize_t n = read(in->fd, in->buf + in->end, BUF_SIZE - in->end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mh_fail_errno(err, "cannot read %s", in->name);
		in->ended = n == 0;
		in->end += (size_t)n;
	}
	return MH_OK;
}

int mh_input_peek(struct mh_input *in, size_t want, const uint8_t **p, size_t *got,
		  struct mh_err *err)
{
	int ret = MH_OK;

	mh_assert(want <= MH_INPUT_PEEK_MAX);
	if (in->end - in->start < want)
		ret = fill(in, want, err);
	*p = in->buf + in->start;
	*got = in->end - in->start < want ? in->end - in->start : want;
	return ret;
}

void mh_input_take(struct mh_input *in, size_t len)
{
	mh_assert(len <= in->end - in->start);
	in->start += len;
	in->pos += len;
	if (in->start == in->end)
		in->start = in->end = 0;
}

static uint64_t skip_in_file(struct mh_input *in, uint64_t len)
{
	uint64_t left = in->size > in->pos ? in->size - in->pos : 0;

	if (len > left)
		len = left;
	if (lseek(in->fd, (off_t)(in->pos + len), SEEK_SET) < 0)
		return 0;
	in->pos += len;
	return len;
}

int mh_input_skip(struct mh_input *in, uint64_t len, uint64_t *skipped,
		  struct mh_err *err)
{
	const uint8_t *p;
	size_t got;
	int ret;

	*skipped = 0;
	while (len) {
		if (in->seekable && in->start == in->end && len > BUF_SIZE) {
			*skipped += skip_in_file(in, len);
			return MH_OK;
		}
		ret = mh_input_peek(in, len < MH_INPUT_PEEK_MAX ? len : MH_INPUT_PEEK_MAX,
				    &p, &got, err);
		if (ret || !got)
			return ret;
		mh_input_take(in, got);
		*skipped += got;
		len -= got;
	}
	return MH_OK;
}

int mh_input_seek(struct mh_input *in, uint64_t pos, struct mh_err *err)
{
	if (pos > INT64_MAX || lseek(in->fd, (off_t)pos, SEEK_SET) < 0)
		return mh_fail(err, MH_EFORMAT, "%s: there is no byte %llu", in->name,
			       (unsigned long long)pos);
	in->start = in->end = 0;
	in->pos = pos;
	in->ended = false;
	return MH_OK;
}
