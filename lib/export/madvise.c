/* SPDX-License-Identifier: MIT */
/*
 * Advice for ranges of processes that still run, as tab-separated text: what `memheat
 * apply` gives to process_madvise(2). Cold is what was observed for half of the recording
 * and never accessed; it is paged out where the trace shows that such memory hardly comes
 * back, else only made the first to go. Hot anonymous memory is made huge pages.
 *
 * Left out: shared memory, whose use by others is not known; stacks, and the kernel's own
 * mappings ([vdso]).
 */
#include <math.h>
#include <string.h>

#include "export/exporters.h"
#include "export/thresholds.h"

#define PAGE      UINT64_C(4096)
#define HUGE_PAGE (UINT64_C(2) << 20)

struct advice {
	uint32_t pid;
	struct mh_range addr;
	const char *word; /* NULL: none */
	double weight;    /* the larger, the more there is to gain */
	const struct mh_heat_piece *of;
};

struct left_out {
	uint64_t unmapped, shared, short_seen;
};

static bool is_anonymous(const struct mh_heat_piece *r)
{
	return !*r->path || !strcmp(r->path, "[heap]") || !strncmp(r->path, "[anon", 5);
}

static const char *word_of(const struct mh_heat_piece *r, const struct mh_thresholds *t,
			   uint64_t duration_ns, struct left_out *n)
{
	uint64_t bytes = mh_range_len(r->addr);

	if (!r->mapped) {
		n->unmapped += bytes;
		return NULL;
	}
	if (r->shared || (*r->path == '[' && !is_anonymous(r))) {
		n->shared += bytes;
		return NULL;
	}
	if (r->seen_ns < duration_ns / 2) {
		n->short_seen += bytes;
		return NULL;
	}
	if (r->rate <= 0)
		return t->idle_ns && r->seen_ns >= t->idle_ns ? "pageout" : "cold";
	if (is_anonymous(r) && r->write && r->rate >= t->hot_rate)
		return "collapse";
	return NULL;
}

/* Whole pages, or huge pages, within. */
static bool shrink(struct advice *a)
{
	uint64_t unit = !strcmp(a->word, "collapse") ? HUGE_PAGE : PAGE;

	a->addr.start = (a->addr.start + unit - 1) / unit * unit;
	a->addr.end = a->addr.end / unit * unit;
	return a->addr.start < a->addr.end;
}

static void put(FILE *out, struct advice *a)
{
	uint64_t offset = a->of ? a->of->pgoff : 0;

	if (!a->word || !shrink(a))
		return;
	if (a->of)
		offset += a->addr.start - a->of->addr.start;
	fprintf(out,
		"%" PRIu32 "\t0x%" PRIx64 "\t0x%" PRIx64 "\t%s\t%.0f\t%s\t%" PRIu64 "\n",
		a->pid, a->addr.start, a->addr.end, a->word, a->weight,
		a->of && *a->of->path ? a->of->path : "[anon]", offset);
}

/* One line for neighbours with the same advice in one mapping. @out: NULL: only count. */
static uint64_t walk(FILE *out, const struct mh_heat *h, const struct mh_thresholds *t,
		     struct left_out *n)
{
	struct advice now = { 0 };
	uint64_t lines = 0;
	size_t i;

	for (i = 0; i < h->nr_ranges; i++) {
		const struct mh_heat_piece *r = &h->ranges[i];
		const char *word = word_of(r, t, h->from.duration_ns, n);
		double weight = (double)mh_range_len(r->addr) *
				(r->rate > 0 ? r->rate : (double)r->seen_ns * 1e-9);

		lines += word != NULL;
		if (word && now.word && !strcmp(word, now.word) && now.pid == r->pid &&
		    now.addr.end == r->addr.start && !strcmp(now.of->path, r->path)) {
			now.addr.end = r->addr.end;
			now.weight += weight;
			continue;
		}
		if (out)
			put(out, &now);
		now = (struct advice){ r->pid, r->addr, word, weight, r };
	}
	if (out)
		put(out, &now);
	return lines;
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct mh_thresholds t;
	struct left_out n = { 0 };
	struct mh_about about;
	int ret = mh_thresholds_make(&t, in->heat, err);

	if (ret)
		return ret;
	if (!walk(NULL, in->heat, &t, &n))
		return mh_fail(
			err, MH_ENOSUP,
			"madvise: nothing that is mapped was observed to be cold or "
			"hot for half of the recording; record processes (-p PID) "
			"for longer, or leave out the start (--skip, --time)");
	mh_thresholds_about(&about, "madvise", in);
	mh_about_left_out(&about, n.unmapped, "bytes", "no mapping is known there");
	mh_about_left_out(&about, n.shared, "bytes",
			  "shared, stacks, or the kernel's mappings");
	mh_about_left_out(&about, n.short_seen, "bytes",
			  "observed for less than half of the recording");
	if (t.idle_ns)
		mh_about_add(&about,
			     "pageout: after %.3g s idle less than 1%% comes back",
			     (double)t.idle_ns * 1e-9);
	else
		mh_about_add(&about,
			     "cold, not pageout: it is not known that it stays unused");
	mh_about_add(&about, "weight: bytes x seconds idle, or bytes x rate");
	mh_about_add(&about, "valid for these processes only, as long as they run");
	mh_about_add(&about, "columns: pid, start, end, advice, weight, mapping, offset");
	mh_about_print(out, &about, "# ", "");
	memset(&n, 0, sizeof(n));
	walk(out, in->heat, &t, &n);
	return MH_OK;
}

const struct mh_exporter mh_exporter_madvise = {
	.name = "madvise",
	.summary = "ranges of running processes with advice, for memheat apply",
	.needs = MH_EXPORT_HEAT,
	.run = run,
};
