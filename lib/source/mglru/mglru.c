/* SPDX-License-Identifier: MIT */
/*
 * Source `mglru`: what the kernel's own reclaim knows. The multi-gen LRU keeps pages by
 * generations, and debugfs gives, for each control group and node, how many pages each
 * generation has and how old it is. Reading costs next to nothing, whatever the size.
 *
 * Only counts are told, so the generations of a list are laid out one after the other as
 * if they were memory; see lists.h.
 *
 * A page moves to a younger generation when the kernel ages the lists: as memory gets
 * short, or, with `aging`, before each reading. Up to then what was used since is not
 * known, and the youngest generation counts as used: sizes are upper bounds. At most four
 * generations are kept, so ages beyond three agings are those of the oldest.
 *
 * Not handled: single processes (their group is what is counted), pages on no list.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "source/backends.h"
#include "source/mglru/group.h"
#include "source/mglru/lists.h"

#define LRU_GEN             "/sys/kernel/debug/lru_gen"
#define ENABLED             "/sys/kernel/mm/lru_gen/enabled"
#define INTERVAL_DEFAULT_NS UINT64_C(1000000000)
#define OVERHEAD_DEFAULT    0.05

struct mh_source {
	const struct mh_source_ops *ops;
	struct mh_log log;
	char *sysroot;
	char *group; /* only it and those below; NULL: all */
	bool aging;
	int fd;
	char *text; /* of the last reading */
	size_t cap;
	struct lru_lists lists;
	struct round round;
	uint64_t interval_ns, last_ns, deadline_ns;
	double overhead;
	bool met;
	uint64_t nr_agings, nr_refused;
};

/* ---- the file ---- */

static int open_file(int *fd, const char *sysroot, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" LRU_GEN, sysroot);
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? -1 : 0;
}

static int read_text(struct mh_source *src, struct mh_err *err)
{
	size_t done = 0;
	ssize_t n;

	for (;;) {
		if (src->cap - done < 4096) {
			char *text = realloc(src->text, src->cap ? 2 * src->cap : 65536);

			if (!text)
				return mh_fail(err, MH_ENOMEM, "out of memory");
			src->text = text;
			src->cap = src->cap ? 2 * src->cap : 65536;
		}
		n = pread(src->fd, src->text + done, src->cap - done - 1, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mh_fail_errno(err, "cannot read " LRU_GEN);
		if (!n)
			break;
		done += (size_t)n;
	}
	src->text[done] = '\0';
	return MH_OK;
}

static bool is_ours(const struct mh_source *src, const struct lru_node *n)
{
	return !src->group || mh_lru_group_has(src->group, n->path);
}

/* ---- aging ---- */

/* The kernel refuses a group that has gone meanwhile. (It knows no pwrite().) */
static int age_node(void *arg, const struct lru_node *n, struct mh_err *err)
{
	struct mh_source *src = arg;
	char command[128];
	int len;

	(void)err;
	if (!is_ours(src, n))
		return MH_OK;
	len = snprintf(command, sizeof(command), "+ %" PRIu64 " %u %" PRIu64 " 1 1\n",
		       n->memcg, n->node, n->gens[n->nr - 1].seq);
	src->nr_agings++;
	src->nr_refused += write(src->fd, command, (size_t)len) != len;
	return MH_OK;
}

/* ---- a reading ---- */

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int take_node(void *arg, const struct lru_node *n, struct mh_err *err)
{
	struct mh_source *src = arg;

	if (!is_ours(src, n))
		return MH_OK;
	src->met = true;
	return mh_lru_lists_tell(&src->lists, n, err);
}

static int tell_stats(const struct mh_source *src, uint64_t took_ns, struct mh_err *err)
{
	const struct {
		const char *name;
		uint64_t value;
	} stats[] = {
		{ "scan_ns", took_ns },
		{ "mglru.bytes", src->lists.bytes },
		{ "mglru.young_bytes", src->lists.young_bytes },
		{ "mglru.agings", src->nr_agings },
		{ "mglru.agings_refused", src->nr_refused },
	};
	size_t i, nr = sizeof(stats) / sizeof(stats[0]) - (src->aging ? 0 : 2);
	int status = MH_OK;

	for (i = 0; !status && i < nr; i++)
		status =
			mh_round_stat(&src->round, 0, stats[i].name, stats[i].value, err);
	return status;
}

static int look(struct mh_source *src, struct mh_err *err)
{
	uint64_t began = cpu_ns(), took;
	int status = MH_OK;

	if (src->aging) {
		status = read_text(src, err);
		if (!status)
			status = mh_lru_parse(src->text, age_node, src, err);
	}
	if (!status)
		status = read_text(src, err);
	if (status)
		return status;
	src->round.time_ns = mh_round_now_ns();
	src->met = false;
	mh_lru_lists_begin(&src->lists, &src->round, src->last_ns);
	status = mh_lru_parse(src->text, take_node, src, err);
	if (!status)
		status = mh_lru_lists_end(&src->lists, err);
	took = cpu_ns() - began;
	if (!status)
		status = tell_stats(src, took, err);
	src->last_ns = src->round.time_ns;
	src->deadline_ns = src->last_ns + src->interval_ns;
	if ((double)took > src->overhead * (double)src->interval_ns)
		src->deadline_ns =
			src->last_ns + (uint64_t)((double)took / src->overhead);
	return status;
}

/* ---- the source ---- */

static bool is_on(const char *sysroot)
{
	char path[PATH_MAX], text[32] = "";
	FILE *in;

	snprintf(path, sizeof(path), "%s" ENABLED, sysroot);
	in = fopen(path, "re");
	if (in && !fgets(text, sizeof(text), in))
		text[0] = '\0';
	if (in)
		fclose(in);
	return strtoul(text, NULL, 0) & 1;
}

static void refuse(struct mh_probe *out, const char *reason, const char *fix)
{
	out->usable = 0;
	snprintf(out->reason, sizeof(out->reason), "%s", reason);
	snprintf(out->fix, sizeof(out->fix), "%s", fix);
}

static int probe(struct mh_probe *out, const struct mh_target *target,
		 const struct mh_source_opts *opts, struct mh_err *err)
{
	const char *root = opts && opts->sysroot ? opts->sysroot : "";
	char enabled[PATH_MAX], file[PATH_MAX];

	(void)err;
	*out = (struct mh_probe){ .usable = 1 };
	snprintf(enabled, sizeof(enabled), "%s" ENABLED, root);
	snprintf(file, sizeof(file), "%s" LRU_GEN, root);
	if (access(enabled, F_OK))
		refuse(out, "the kernel is built without CONFIG_LRU_GEN", "");
	else if (access(file, R_OK) && errno == EACCES)
		refuse(out, "needs root: " LRU_GEN " is its own", "");
	else if (access(file, R_OK))
		refuse(out, "no " LRU_GEN ": debugfs is not mounted",
		       "mount -t debugfs none /sys/kernel/debug");
	else if (!is_on(root))
		refuse(out, "the multi-gen LRU is off", "echo y >" ENABLED);
	else if (target && target->type == MH_TARGET_PROCESSES)
		refuse(out,
		       "tells of control groups, not of processes: use --cgroup PATH "
		       "or -a",
		       "");
	return MH_OK;
}

static int tell_params(const struct mh_source *src, struct mh_err *err)
{
	char interval[32];
	const char *const params[][2] = {
		{ "name", "mglru" },
		{ "unit", "bytes by generation" },
		{ "interval_ns", interval },
		{ "aggr_us", "1000" },
		{ "aging", src->aging ? "before each reading" : "no" },
		{ "addresses", "made up: lists with the youngest first" },
	};
	int status = MH_OK;
	size_t i;

	snprintf(interval, sizeof(interval), "%" PRIu64, src->interval_ns);
	for (i = 0; !status && i < sizeof(params) / sizeof(params[0]); i++)
		status = mh_round_meta(&src->round, params[i][0], params[i][1], err);
	return status;
}

static void lru_close(struct mh_source *src)
{
	if (!src)
		return;
	if (src->fd >= 0)
		close(src->fd);
	mh_lru_lists_fini(&src->lists);
	free(src->text);
	free(src->group);
	free(src->sysroot);
	free(src);
}

static int open_all(struct mh_source *src, const struct mh_target *target,
		    const struct mh_source_opts *opts, struct mh_err *err)
{
	struct mh_probe probed;
	int status;

	src->sysroot = strdup(opts->sysroot ? opts->sysroot : "");
	if (!src->sysroot)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	probe(&probed, target, opts, err);
	if (!probed.usable)
		return mh_fail(err, MH_ENOSUP, "mglru: %s%s%s", probed.reason,
			       *probed.fix ? "; run: " : "", probed.fix);
	if (target->type == MH_TARGET_CGROUP) {
		status =
			mh_lru_group_path(&src->group, src->sysroot, target->cgroup, err);
		if (status)
			return status;
	}
	if (open_file(&src->fd, src->sysroot, src->aging ? O_RDWR : O_RDONLY))
		return mh_fail_errno(err, "cannot open " LRU_GEN);
	if (src->aging)
		mh_log_say(
			&src->log, MH_NOTICE,
			"mglru: --aging has the kernel look through page tables before "
			"each reading, and changes what it would reclaim first");
	return tell_params(src, err);
}

static int lru_open(struct mh_source **out, uint16_t id, const struct mh_target *target,
		    const struct mh_source_opts *opts, mh_event_fn fn, void *arg,
		    struct mh_err *err)
{
	struct mh_source *src = calloc(1, sizeof(*src));
	int status;

	if (!src)
		return mh_fail(err, MH_ENOMEM, "out of memory");
	src->ops = &mh_source_mglru;
	src->fd = -1;
	src->aging = opts->aging;
	if (opts->log)
		src->log = *opts->log;
	src->interval_ns = opts->interval_ns ? opts->interval_ns : INTERVAL_DEFAULT_NS;
	src->overhead = opts->overhead > 0 ? opts->overhead : OVERHEAD_DEFAULT;
	src->lists.page_shift =
		(unsigned)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	src->last_ns = mh_round_now_ns();
	src->deadline_ns = src->last_ns + src->interval_ns;
	src->round = (struct round){
		.source = id, .time_ns = src->last_ns, .fn = fn, .arg = arg
	};
	status = open_all(src, target, opts, err);
	if (status) {
		lru_close(src);
		return status;
	}
	*out = src;
	return MH_OK;
}

static size_t lru_wait(const struct mh_source *src, int *fds, size_t max,
		       uint64_t *deadline_ns)
{
	(void)fds;
	(void)max;
	*deadline_ns = src->deadline_ns;
	return 0;
}

/* What is left of an interval at the end is read too: it is the state by then. */
static int lru_step(struct mh_source *src, int last, mh_event_fn fn, void *arg,
		    struct mh_err *err)
{
	int status;

	src->round.fn = fn;
	src->round.arg = arg;
	if (!last && mh_round_now_ns() < src->deadline_ns)
		return MH_OK;
	status = look(src, err);
	if (status || src->met)
		return status;
	return src->group && !last ? MH_END : MH_OK;
}

const struct mh_source_ops mh_source_mglru = {
	.name = "mglru",
	.summary = "bytes by generation of each control group and node (multi-gen LRU); "
		   "root, CONFIG_LRU_GEN",
	.uses_accessed_bits = 1,
	.only_named = 1,
	.probe = probe,
	.open = lru_open,
	.wait = lru_wait,
	.step = lru_step,
	.close = lru_close,
};
