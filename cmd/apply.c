/* SPDX-License-Identifier: MIT */
/*
 * memheat apply: the advice of `memheat export madvise` to processes that still run, by
 * process_madvise(2). A range is left alone unless the process has a mapping of the same
 * name there now: numbers of processes and addresses are used again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cmd.h"
#include "options.h"

#define PATH_LEN 4096

struct apply {
	int dry_run;
};

static const struct mh_option apply_options[] = {
	{ "dry-run", 'n', MH_OPT_FLAG, NULL,
	  "show what would be done, and what would be left alone and why",
	  .offset = offsetof(struct apply, dry_run) },
	{ 0 },
};

/* linux/mman.h, of what process_madvise() takes. */
static const struct {
	const char *word;
	int advice;
} advices[] = {
	{ "cold", 20 },
	{ "pageout", 21 },
	{ "willneed", 3 },
	{ "collapse", 25 },
};

struct hint {
	uint32_t pid;
	uint64_t start, end;
	const char *word, *mapping;
	int advice;
};

struct totals {
	uint64_t nr_done, bytes, nr_left;
};

/* A field up to the next tab; NULL: there is none. */
static char *field(char **line)
{
	return *line ? strsep(line, "\t") : NULL;
}

static int parse(struct hint *h, char *line, unsigned number, struct mh_err *err)
{
	char *pid = field(&line), *start = field(&line), *end = field(&line);
	char *word = field(&line), *weight = field(&line), *mapping = field(&line);
	char *rest[3] = { NULL, NULL, NULL };
	size_t i;

	*h = (struct hint){ .advice = -1 };
	if (!mapping)
		goto bad;
	(void)weight;
	errno = 0;
	h->pid = (uint32_t)strtoul(pid, &rest[0], 10);
	h->start = strtoull(start, &rest[1], 16);
	h->end = strtoull(end, &rest[2], 16);
	h->word = word;
	h->mapping = mapping;
	if (errno || *rest[0] || *rest[1] || *rest[2] || !h->pid || h->start >= h->end)
		goto bad;
	for (i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (!strcmp(word, advices[i].word))
			h->advice = advices[i].advice;
	if (h->advice < 0)
		return mh_fail(err, MH_EFORMAT,
			       "line %u: '%s' is no advice; there are cold, pageout, "
			       "willneed and collapse",
			       number, word);
	return MH_OK;
bad:
	return mh_fail(err, MH_EFORMAT,
		       "line %u: not 'pid start end advice weight mapping', separated by "
		       "tabs; memheat export madvise writes that",
		       number);
}

/* Whether mappings of that name cover the range in the process now. */
static int is_there(const struct hint *h, const char **why)
{
	char path[64], line[PATH_LEN + 128];
	uint64_t at = h->start;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/maps", h->pid);
	f = fopen(path, "re");
	if (!f) {
		*why = errno == ENOENT ? "the process is gone" : strerror(errno);
		return 0;
	}
	while (at < h->end && fgets(line, sizeof(line), f)) {
		uint64_t start, end;
		int name = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &start,
			   &end, &name) != 2 ||
		    !name || end <= at)
			continue;
		if (start > at ||
		    strcmp(line[name] ? line + name : "[anon]", h->mapping) != 0)
			break;
		at = end;
	}
	fclose(f);
	*why = "it has another mapping there now";
	return at >= h->end;
}

static int advise(const struct hint *h, const char **why)
{
	struct iovec range = { .iov_base = (void *)(uintptr_t)h->start,
			       .iov_len = h->end - h->start };
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)h->pid, 0);
	long done = -1;

	if (fd >= 0)
		done = syscall(SYS_process_madvise, fd, &range, 1UL, h->advice, 0U);
	*why = errno == EPERM    ? "permission is missing; run as root"
	       : errno == ENOSYS ? "this kernel has no process_madvise (5.10)"
	       : errno == EINVAL ? "this kernel does not take that advice there"
				 : strerror(errno);
	if (fd >= 0)
		close(fd);
	return done == (long)(h->end - h->start);
}

static void apply_one(const struct hint *h, int dry_run, struct totals *t)
{
	const char *why = "";
	int done = is_there(h, &why);

	if (done && !dry_run)
		done = advise(h, &why);
	printf("%s\t%" PRIu32 "\t0x%" PRIx64 "\t0x%" PRIx64 "\t%s\t%s%s%s\n",
	       !done     ? "left alone"
	       : dry_run ? "would do"
			 : "done",
	       h->pid, h->start, h->end, h->word, h->mapping, done ? "" : "\t",
	       done ? "" : why);
	t->nr_done += !!done;
	t->bytes += done ? h->end - h->start : 0;
	t->nr_left += !done;
}

static int apply_all(FILE *in, int dry_run, struct totals *t, struct mh_err *err)
{
	char *line = NULL;
	size_t cap = 0;
	unsigned number = 0;
	struct hint h;
	int status = MH_OK;

	while (status == MH_OK && getline(&line, &cap, in) > 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		status = parse(&h, line, number, err);
		if (status == MH_OK)
			apply_one(&h, dry_run, t);
	}
	free(line);
	return status;
}

static int run(const struct mh_cmd *cmd, int argc, char **argv)
{
	struct apply opts = { 0 };
	struct totals t = { 0 };
	struct mh_args args;
	struct mh_err err;
	FILE *in;
	int status, parsed = mh_options_parse(cmd, &opts, &args, argc, argv);

	if (parsed)
		return mh_options_exit(parsed);
	if (args.argc != 1)
		return mh_usage(cmd, "it needs one file of hints, from memheat export "
				     "madvise; - is standard input");
	in = strcmp(args.argv[0], "-") ? fopen(args.argv[0], "re") : stdin;
	if (!in) {
		mh_fail_errno(&err, "cannot read %s", args.argv[0]);
		return mh_failed(&err);
	}
	status = apply_all(in, opts.dry_run, &t, &err);
	if (in != stdin)
		fclose(in);
	if (status != MH_OK)
		return mh_failed(&err);
	mh_say("%" PRIu64 " ranges (%" PRIu64 " bytes) %s, %" PRIu64 " left alone",
	       t.nr_done, t.bytes, opts.dry_run ? "would be advised" : "advised",
	       t.nr_left);
	return t.nr_left ? MH_EXIT_FAILED : MH_EXIT_OK;
}

const struct mh_cmd mh_cmd_apply = {
	.name = "apply",
	.summary = "give exported advice to processes that still run",
	.usage = "[--dry-run] HINTS",
	.about = "HINTS is what 'memheat export madvise' wrote. A range whose process is "
		 "gone, or has\nanother mapping there now, is left alone; then the exit "
		 "status is 1.\n",
	.examples = "  memheat export madvise -i memheat.data -o hints.tsv\n"
		    "  memheat apply --dry-run hints.tsv\n",
	.opts = apply_options,
	.operands = MH_OPERANDS_FILES,
	.run = run,
};
