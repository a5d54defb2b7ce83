/* SPDX-License-Identifier: MIT */
/*
 * The input of an importer: its first bytes are looked at to tell what it is, then read
 * again. A file is rewound; in front of a pipe stands a stream that gives them back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <memheat/import.h>

struct replay {
	FILE *f;
	uint8_t head[MH_IMPORT_HEAD];
	size_t nr, pos;
};

static ssize_t replay_read(void *cookie, char *buf, size_t size)
{
	struct replay *r = cookie;
	size_t left = r->nr - r->pos, got;

	if (left) {
		size = size < left ? size : left;
		memcpy(buf, r->head + r->pos, size);
		r->pos += size;
		return (ssize_t)size;
	}
	got = fread(buf, 1, size, r->f);
	return !got && ferror(r->f) ? -1 : (ssize_t)got;
}

static int replay_close(void *cookie)
{
	struct replay *r = cookie;
	int ret = r->f == stdin ? 0 : fclose(r->f);

	free(r);
	return ret;
}

static FILE *replay_open(FILE *f, const uint8_t *head, size_t nr)
{
	static const cookie_io_functions_t io = { .read = replay_read,
						  .close = replay_close };
	struct replay *r = malloc(sizeof(*r));
	FILE *out;

	if (!r)
		return NULL;
	r->f = f;
	r->nr = nr;
	r->pos = 0;
	memcpy(r->head, head, nr);
	out = fopencookie(r, "r", io);
	if (!out)
		free(r);
	return out;
}

int mh_import_wrap(struct mh_import_input *in, FILE *f, const char *path,
		   struct mh_err *err)
{
	FILE *again;

	memset(in, 0, sizeof(*in));
	in->path = path;
	in->name = strcmp(path, "-") ? path : "standard input";
	in->f = f;
	in->nr_head = fread(in->head, 1, sizeof(in->head), f);
	if (ferror(f)) {
		int status = mh_fail_errno(err, "cannot read %s", in->name);

		mh_import_close(in);
		return status;
	}
	clearerr(f);
	in->seekable = fseeko(f, 0, SEEK_SET) == 0;
	if (in->seekable)
		return MH_OK;
	again = replay_open(f, in->head, in->nr_head);
	if (!again) {
		mh_import_close(in);
		return mh_fail(err, MH_ENOMEM, "no memory to read %s", path);
	}
	in->f = again;
	return MH_OK;
}

int mh_import_open(struct mh_import_input *in, const char *path, struct mh_err *err)
{
	struct stat st;
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;

	memset(in, 0, sizeof(*in));
	if (!f)
		return mh_fail_errno(err, "cannot read %s", path);
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		if (f != stdin)
			fclose(f);
		return mh_fail(err, MH_EINPUT, "%s is a directory, not a file to import",
			       path);
	}
	return mh_import_wrap(in, f, path, err);
}

void mh_import_close(struct mh_import_input *in)
{
	if (in->f && in->f != stdin)
		fclose(in->f);
	in->f = NULL;
}
