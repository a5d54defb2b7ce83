/* SPDX-License-Identifier: MIT */
/*
 * Whether DAMON can be used, by reading only: nothing is set up to find out, so what the
 * kernel can monitor is looked up among its symbols.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/damon/holder.h"
#include "source/damon/live.h"

static void cannot(struct mh_probe *out, const char *fix, const char *fmt, ...)
	MH_PRINTF(3, 4);
static void cannot(struct mh_probe *out, const char *fix, const char *fmt, ...)
{
	va_list args;

	out->usable = 0;
	va_start(args, fmt);
	vsnprintf(out->reason, sizeof(out->reason), fmt, args);
	va_end(args);
	snprintf(out->fix, sizeof(out->fix), "%s", fix);
}

/* The name of a function of the monitoring operations, in the list of symbols. */
static bool kernel_has(const struct damon_fs *fs, const char *symbol)
{
	char path[PATH_MAX], line[256];
	bool found = false, any = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", fs->root);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		any = true;
		found = strstr(line, symbol) != NULL;
	}
	if (f)
		fclose(f);
	return found || !any; /* without a list: opening will tell */
}

static void probe_own(struct mh_probe *out, enum damon_mode mode, struct damon_fs *fs,
		      const struct damon_holder *h, const struct mh_target *target)
{
	char words[160];
	bool physical;

	mode = mh_damon_resolve(mode, target);
	physical = mode == DAMON_PADDR;
	mh_damon_holder_words(words, sizeof(words), h);
	if (h->by != DAMON_FREE && h->by != DAMON_LEFT)
		cannot(out, h->kdamond ? "memheat record -s damon:attach -a" : "",
		       "DAMON is taken by %s", words);
	else if (!fs->may_write(fs))
		cannot(out, "", "DAMON's files cannot be written%s",
		       getenv(DAMON_READONLY) ? " (" DAMON_READONLY " is set)" : "");
	else if (target && physical != (target->type == MH_TARGET_SYSTEM))
		cannot(out, "", "%s watches %s", mh_damon_operations(mode),
		       physical ? "physical memory: use it with -a" : "processes");
	else if (!kernel_has(fs, physical ? "damon_pa_" : "damon_va_"))
		cannot(out, "", "the DAMON of this kernel has no %s",
		       mh_damon_operations(mode));
}

static void probe_attach(struct mh_probe *out, const struct damon_holder *h)
{
	if (!h->kdamond)
		cannot(out, "", "no kdamond runs");
	else
		mh_damon_holder_words(out->reason, sizeof(out->reason), h);
}

int mh_damon_probe(struct mh_probe *out, enum damon_mode mode, struct damon_fs *fs,
		   const struct mh_target *target)
{
	struct damon_holder h;
	struct mh_err why = { 0 };
	int ret = mh_damon_holder_read(&h, fs, &why);

	*out = (struct mh_probe){ .usable = 1 };
	if (ret)
		cannot(out, ret == MH_EPERM ? "sudo memheat ..." : "", "%.255s", why.msg);
	else if (mode != DAMON_ATTACH)
		probe_own(out, mode, fs, &h, target);
	else
		probe_attach(out, &h);
	return MH_OK;
}
