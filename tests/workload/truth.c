/* SPDX-License-Identifier: MIT */
/*
 * What a run did, kept while it runs and written as JSON ("memheat.truth/1") at its end.
 *
 * The tables are in shared memory, so that every process of a run records what it did
 * itself; pages of them that no record needs are never touched. Addresses are numbers,
 * times are CLOCK_MONOTONIC ns, sizes are bytes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

typedef unsigned long long ull;

int truth_new(struct truth **out, uint64_t nr_regions_max, uint64_t nr_phases_max)
{
	size_t size = sizeof(struct truth) + nr_regions_max * sizeof(struct region) +
		      nr_phases_max * sizeof(struct phase);
	struct truth *truth = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (truth == MAP_FAILED) {
		fprintf(stderr, "workload: mmap: %s\n", strerror(errno));
		return -1;
	}
	truth->nr_regions_max = nr_regions_max;
	truth->nr_phases_max = nr_phases_max;
	truth->phases = (struct phase *)(truth + 1);
	truth->regions = (struct region *)(truth->phases + nr_phases_max);
	*out = truth;
	return 0;
}

/* The tables were made for what the options ask; to be wrong there is a bug. */
static uint64_t slot_take(uint64_t *nr, uint64_t max)
{
	uint64_t slot = __atomic_fetch_add(nr, 1, __ATOMIC_RELAXED);

	if (slot >= max)
		abort();
	return slot;
}

void truth_region(struct workload *w, const char *name, const char *symbol,
		  struct range range)
{
	struct truth *truth = w->truth;
	uint64_t slot = slot_take(&truth->nr_regions, truth->nr_regions_max);
	struct region *region = &truth->regions[slot];

	region->pid = getpid();
	region->range = range;
	snprintf(region->name, sizeof(region->name), "%s", name);
	snprintf(region->symbol, sizeof(region->symbol), "%s", symbol);
}

void truth_phase(struct workload *w, const struct phase *phase)
{
	struct truth *truth = w->truth;
	uint64_t slot = slot_take(&truth->nr_phases, truth->nr_phases_max);

	truth->phases[slot] = *phase;
	if (w->opt.verbose)
		fprintf(stderr, "pid %d: phase of %.3f s, %llu sweeps\n", (int)phase->pid,
			(double)(phase->end_ns - phase->start_ns) / 1e9,
			(ull)phase->sweeps);
}

static void write_string(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(file, "\\u%04x", (unsigned)*text);
		else
			putc(*text, file);
	putc('"', file);
}

static void write_options(FILE *file, const struct options *opt)
{
	static const char *const thp[] = { "default", "never", "madvise", "always" };

	fprintf(file, "\"options\":{\"hot\":%llu,\"total\":%llu,\"stride\":%llu,",
		(ull)opt->hot, (ull)opt->total, (ull)opt->stride);
	fprintf(file, "\"step\":%llu,\"phase_ns\":%llu,\"phases\":%llu,\"time_ns\":%llu,",
		(ull)opt->step, (ull)opt->phase_ns, (ull)opt->nr_phases,
		(ull)opt->time_ns);
	fprintf(file, "\"think_ns\":%llu,\"settle_ns\":%llu,\"burst\":%llu,",
		(ull)opt->think_ns, (ull)opt->settle_ns, (ull)opt->burst);
	fprintf(file, "\"seed\":%llu,\"exponent\":%.17g,\"write\":%s,\"keep_tlb\":%s,",
		(ull)opt->seed, opt->exponent, opt->write ? "true" : "false",
		opt->keep_tlb ? "true" : "false");
	fprintf(file, "\"thp\":\"%s\"},\n", thp[opt->thp]);
}

/* The process that writes comes first, then the others in order of their regions. */
static void write_pids(FILE *file, const struct truth *truth)
{
	pid_t last = getpid();

	fprintf(file, "\"pids\":[%d", (int)last);
	for (uint64_t i = 0; i < truth->nr_regions; i++) {
		if (truth->regions[i].pid == last || truth->regions[i].pid == getpid())
			continue;
		last = truth->regions[i].pid;
		fprintf(file, ",%d", (int)last);
	}
	fprintf(file, "],\n");
}

static void write_regions(FILE *file, const struct truth *truth)
{
	fprintf(file, "\"regions\":[");
	for (uint64_t i = 0; i < truth->nr_regions; i++) {
		const struct region *region = &truth->regions[i];

		fprintf(file,
			"%s\n {\"name\":\"%s\",\"start\":%llu,\"end\":%llu,\"pid\":%d",
			i ? "," : "", region->name, (ull)region->range.start,
			(ull)region->range.end, (int)region->pid);
		if (*region->symbol)
			fprintf(file, ",\"symbol\":\"%s\"", region->symbol);
		fprintf(file, "}");
	}
	fprintf(file, "]");
}

static void write_hot(FILE *file, pid_t pid, struct range range, bool *first)
{
	if (range.start == range.end)
		return;
	fprintf(file, "%s{\"pid\":%d,\"start\":%llu,\"end\":%llu}", *first ? "" : ",",
		(int)pid, (ull)range.start, (ull)range.end);
	*first = false;
}

/* The runs of touched pages. */
static void write_touched(FILE *file, const struct phase *phase, uint64_t page,
			  bool *first)
{
	struct range run = { phase->hot[0].start, phase->hot[0].start };
	uint64_t nr_pages = (phase->hot[0].end - phase->hot[0].start) / page;

	for (uint64_t i = 0; i < nr_pages; i++) {
		run.end = phase->hot[0].start + i * page;
		if (phase->touched[i / 64] >> i % 64 & 1)
			continue;
		write_hot(file, phase->pid, run, first);
		run.start = run.end + page;
	}
	run.end = phase->hot[0].end;
	write_hot(file, phase->pid, run, first);
}

static void write_phase(FILE *file, const struct phase *phase, uint64_t page)
{
	bool first = true;

	fprintf(file, "\n {\"start_ns\":%llu,\"end_ns\":%llu,\"pid\":%d,\"sweeps\":%llu,",
		(ull)phase->start_ns, (ull)phase->end_ns, (int)phase->pid,
		(ull)phase->sweeps);
	fprintf(file, "\"wss_bytes\":%llu,\"hot\":[", (ull)phase->wss_bytes);
	if (phase->touched)
		write_touched(file, phase, page, &first);
	else
		for (int i = 0; i < phase->nr_hot; i++)
			write_hot(file, phase->pid, phase->hot[i], &first);
	fprintf(file, "]}");
}

static int by_deadline(const void *a, const void *b)
{
	const struct phase *x = a, *y = b;

	return (x->deadline_ns > y->deadline_ns) - (x->deadline_ns < y->deadline_ns);
}

static void write_phases(FILE *file, const struct workload *w)
{
	struct truth *truth = w->truth;

	qsort(truth->phases, truth->nr_phases, sizeof(truth->phases[0]), by_deadline);
	fprintf(file, ",\n\"phases\":[");
	for (uint64_t i = 0; i < truth->nr_phases; i++) {
		if (i)
			putc(',', file);
		write_phase(file, &truth->phases[i], w->page);
	}
	fprintf(file, "]");
}

static void write_first_touches(FILE *file, const struct workload *w)
{
	uint64_t nr = w->truth->nr_first_touches;

	fprintf(file, ",\n\"first_touches\":{\"count\":%llu", (ull)nr);
	if (w->first_touches) {
		fprintf(file, ",\"addresses\":[");
		for (uint64_t i = 0; i < nr; i++)
			fprintf(file, "%s%llu", i ? "," : "", (ull)w->first_touches[i]);
		fprintf(file, "]");
	}
	fprintf(file, "}");
}

static void write_site(FILE *file, const char *key, const char *function,
		       const char *path, int line)
{
	fprintf(file, "\"%s\":{\"function\":", key);
	write_string(file, function);
	fprintf(file, ",\"file\":");
	write_string(file, path);
	fprintf(file, ",\"line\":%d},", line);
}

static void write_shares(FILE *file, const struct workload *w)
{
	fprintf(file, ",\n\"shares\":[");
	for (uint64_t i = 0; i < w->nr_shares; i++) {
		const struct share *share = &w->shares[i];

		fprintf(file, "%s\n {\"name\":\"%s\",\"kind\":\"%s\",", i ? "," : "",
			share->name, share->kind);
		write_site(file, "site", share->function, share->file, share->line);
		write_site(file, "accessor", share->accessor, share->file,
			   share->accessor_line);
		fprintf(file,
			"\"start\":%llu,\"end\":%llu,\"bytes\":%llu,\"blocks\":%llu,",
			(ull)share->range.start, (ull)share->range.end, (ull)share->bytes,
			(ull)share->nr_blocks);
		fprintf(file,
			"\"wss_bytes\":%llu,\"accesses\":%llu,\"first_touches\":%llu}",
			(ull)share->wss_bytes, (ull)share->accesses,
			(ull)share->first_touches);
	}
	fprintf(file, "]");
}

static void write_truth(FILE *file, const struct workload *w)
{
	const struct truth *truth = w->truth;

	fprintf(file, "{\"schema\":\"memheat.truth/1\",\n\"pattern\":\"%s\",\n",
		w->opt.pattern);
	write_options(file, &w->opt);
	write_pids(file, truth);
	fprintf(file, "\"page_size\":%llu,\n\"overhead_bytes\":%llu,\n", (ull)w->page,
		(ull)truth->overhead_bytes);
	fprintf(file, "\"anon_huge_bytes\":%llu,\n", (ull)w->anon_huge_bytes);
	fprintf(file, "\"stopped\":%s,\n", w->stop ? "true" : "false");
	fprintf(file, "\"populate\":{\"start_ns\":%llu,\"end_ns\":%llu},\n",
		(ull)truth->populate_ns.start, (ull)truth->populate_ns.end);
	write_regions(file, truth);
	write_phases(file, w);
	write_first_touches(file, w);
	if (w->nr_shares)
		write_shares(file, w);
	fprintf(file, "}\n");
}

static void write_layout(FILE *file, const struct workload *w)
{
	fprintf(file, "{\"schema\":\"memheat.layout/1\",\n\"pattern\":\"%s\",\n",
		w->opt.pattern);
	write_pids(file, w->truth);
	write_regions(file, w->truth);
	fprintf(file, "}\n");
}

/* Under another name first: who finds the file finds all of it. */
static int write_whole(const struct workload *w, const char *path,
		       void (*print)(FILE *file, const struct workload *w))
{
	char *name = NULL;
	FILE *file = NULL;
	bool good = false;

	if (asprintf(&name, "%s.%d", path, (int)getpid()) < 0)
		return -1;
	file = fopen(name, "we");
	if (file) {
		print(file, w);
		good = !ferror(file);
		good = fclose(file) == 0 && good && rename(name, path) == 0;
	}
	if (!good) {
		fprintf(stderr, "workload: %s: %s\n", path, strerror(errno));
		if (file)
			unlink(name);
	}
	free(name);
	return good ? 0 : -1;
}

int truth_write(const struct workload *w, const char *path)
{
	return write_whole(w, path, write_truth);
}

int layout_write(const struct workload *w)
{
	return write_whole(w, w->opt.layout_path, write_layout);
}
