/* SPDX-License-Identifier: MIT */
/*
 * Memory-access samples out of a real execution: reads what valgrind's lackey prints with
 * --trace-mem=yes, keeps one data access per period, and writes it as a recorder of
 * hardware samples would have seen it.
 *
 *	lackey2samples --out FILE [--samples N] [--accesses N] [--period N] [--seed N]
 *		[--pid N] [--cpu N] [--pages FILE --interval-us N] < lackey's text
 *
 * Instruction pointer, address and order are the program's own.  Level, latency, frame
 * and the passing of time come from memory-model.h, fed with every access.  The distance
 * between two kept accesses is uniform in period +- 50 %, as a period randomised by
 * hardware would be.  Real recorders take one access in some 10,000 where this takes one
 * in 100, so the clock is stretched until gaps are as long as theirs (microseconds).
 *
 * --pages also writes which pages each interval touched, instruction fetches included
 * (as accessed bits would have it), in the format of stream.h.  Only touched memory shows
 * in lackey's text, so the ranges are not the program's mappings but its touched pages,
 * joined over gaps of up to 2 MiB.  An interval that the end of the stream cut is left
 *out.
 *
 * A modifying access (lackey's M) is a load, as IBS has it.  One thread is assumed:
 *lackey runs threads one at a time and does not say which.
 */
#include "memory-model.h"

#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

/* 3 GHz, stretched to what a period of some 10,000 accesses would take. */
#define NS_PER_CYCLE    (100.0 / 3.0)
#define SKID_NS         24.0
#define START_NS        UINT64_C(1000000000000)
#define RANGE_GAP_PAGES 512

struct options {
	const char *out, *pages;
	uint64_t nr_samples, nr_accesses, period, seed, interval_us;
	uint32_t pid, cpu;
};

/* Pages by interval: the numbers of those an interval touched stand together. */
struct intervals {
	uint32_t *touched;
	size_t nr_touched, cap_touched;
	size_t *start; /* into touched, one more than whole intervals */
	size_t nr, cap;
	double end_cycles, length_cycles;
	uint64_t last_fetch_vpn;
};

struct sampler {
	const struct options *opt;
	struct model model;
	struct intervals intervals;
	FILE *out;
	uint64_t ip, rng, countdown, last_ns;
	uint64_t nr_insns, nr_accesses, nr_samples;
	int done;
};

static void interval_open(struct intervals *iv)
{
	iv->start = stream_grow(iv->start, iv->nr, &iv->cap, sizeof(*iv->start));
	iv->start[iv->nr++] = iv->nr_touched;
	iv->end_cycles += iv->length_cycles;
	iv->last_fetch_vpn = UINT64_MAX;
}

static void touch(struct sampler *s, uint64_t vpn)
{
	struct intervals *iv = &s->intervals;
	struct model_page *page = model_page(&s->model, vpn);

	while (s->model.cycles >= iv->end_cycles)
		interval_open(iv);
	if (page->seen_in == iv->nr)
		return;
	page->seen_in = (uint32_t)iv->nr;
	iv->touched = stream_grow(iv->touched, iv->nr_touched, &iv->cap_touched,
				  sizeof(*iv->touched));
	iv->touched[iv->nr_touched++] = (uint32_t)(page - s->model.pages);
}

static void on_insn(struct sampler *s, uint64_t ip)
{
	struct intervals *iv = &s->intervals;

	s->nr_insns++;
	s->ip = ip;
	s->model.cycles += MODEL_CYCLES_PER_INSN;
	if (!iv->length_cycles)
		return;
	if (ip >> MODEL_PAGE_SHIFT != iv->last_fetch_vpn) {
		touch(s, ip >> MODEL_PAGE_SHIFT);
		iv->last_fetch_vpn = ip >> MODEL_PAGE_SHIFT;
	}
}

static uint64_t next_period(struct sampler *s)
{
	uint64_t p = s->opt->period;

	return p - p / 2 + stream_random(&s->rng) % (p / 2 * 2 + 1);
}

static void keep(struct sampler *s, uint64_t addr, const struct model_access *a,
		 int is_store)
{
	struct stream_sample sample = {
		.ip = s->ip,
		.addr = addr,
		.pid = s->opt->pid,
		.tid = s->opt->pid,
		.cpu = s->opt->cpu,
	};
	double skid_ns = stream_exponential(&s->rng, SKID_NS);
	uint64_t now = START_NS + (uint64_t)(s->model.cycles * NS_PER_CYCLE + skid_ns);

	s->last_ns = now > s->last_ns ? now : s->last_ns + 1;
	sample.time_ns = s->last_ns;
	model_describe(&s->model, &sample, a, is_store);
	stream_put(s->out, &sample, sizeof(sample));
	s->nr_samples++;
	s->countdown = next_period(s);
	s->done |= s->nr_samples == s->opt->nr_samples;
}

static void on_data(struct sampler *s, uint64_t addr, unsigned size, int is_store)
{
	struct model_access a;

	if (s->done)
		return;
	/* First touch gives the frame, whether this access is kept or not. */
	if (s->intervals.length_cycles)
		touch(s, addr >> MODEL_PAGE_SHIFT);
	else
		model_page(&s->model, addr >> MODEL_PAGE_SHIFT);
	a = model_access(&s->model, addr, size, is_store);
	s->nr_accesses++;
	if (--s->countdown == 0)
		keep(s, addr, &a, is_store);
	s->done |= s->nr_accesses == s->opt->nr_accesses;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One whole line: "I  0401ab70,3", " S 1fff0006c8,8", or words of valgrind's own. */
static void on_line(struct sampler *s, const char *p)
{
	char kind = p[0] == 'I' ? 'I' : p[1];
	uint64_t addr = 0;
	unsigned size = 0;
	int digit;

	if (p[0] != 'I' && p[0] != ' ')
		return;
	for (p += 3; (digit = hex_digit(*p)) >= 0; p++)
		addr = addr << 4 | (unsigned)digit;
	if (*p++ != ',')
		stream_die("lackey's text", "has a line that is not understood");
	for (; *p >= '0' && *p <= '9'; p++)
		size = size * 10 + (unsigned)(*p - '0');
	if (kind == 'I')
		on_insn(s, addr);
	else if (kind == 'L' || kind == 'S' || kind == 'M')
		on_data(s, addr, size, kind == 'S');
	else
		stream_die("lackey's text", "has an access that is not understood");
}

/*
 * lackey makes one write() per line.  A reader that sleeps in read() is woken for each of
 * them; one that looks only now and then, at a pipe large enough for what comes
 * meanwhile, saves a third of the whole run.
 */
static void read_text(struct sampler *s, int fd)
{
	static char buf[(1 << 20) + 4096];
	size_t have = 0;
	ssize_t got;

	fcntl(fd, F_SETPIPE_SZ, 1 << 20);
	while (!s->done && (got = read(fd, buf + have, sizeof(buf) - 64 - have)) > 0) {
		char *line = buf, *end = buf + have + got, *nl;

		while (!s->done && (nl = memchr(line, '\n', (size_t)(end - line)))) {
			on_line(s, line);
			line = nl + 1;
		}
		if (s->done)
			return;
		have = (size_t)(end - line);
		if (have >= 4096)
			stream_die("lackey's text", "has a line without an end");
		memmove(buf, line, have);
		if (got < 1 << 17)
			usleep(500);
	}
}

static const struct model_page *sort_pages;

static int by_vpn(const void *a, const void *b)
{
	uint64_t x = sort_pages[*(const uint32_t *)a].vpn;
	uint64_t y = sort_pages[*(const uint32_t *)b].vpn;

	return x < y ? -1 : x > y;
}

/* Ranges over all touched pages, and for every page its bit among all ranges' bytes. */
static struct stream_pages_range *make_ranges(const struct model *m, size_t *nr_ranges,
					      size_t *nr_bytes, uint64_t *bit)
{
	uint32_t *order = stream_alloc(m->nr_pages, sizeof(*order));
	struct stream_pages_range *ranges = NULL, *r = NULL;
	size_t cap = 0, base = 0;

	for (size_t i = 0; i < m->nr_pages; i++)
		order[i] = (uint32_t)i;
	sort_pages = m->pages;
	if (m->nr_pages)
		qsort(order, m->nr_pages, sizeof(*order), by_vpn);
	*nr_ranges = 0;
	for (size_t i = 0; i < m->nr_pages; i++) {
		uint64_t vpn = m->pages[order[i]].vpn;

		if (!r || vpn - (r->start_page + r->nr_pages) > RANGE_GAP_PAGES) {
			base += r ? (r->nr_pages + 7) / 8 : 0;
			ranges = stream_grow(ranges, *nr_ranges, &cap, sizeof(*ranges));
			r = &ranges[(*nr_ranges)++];
			r->start_page = vpn;
		}
		r->nr_pages = vpn + 1 - r->start_page;
		bit[order[i]] = base * 8 + (vpn - r->start_page);
	}
	*nr_bytes = base + (r ? (r->nr_pages + 7) / 8 : 0);
	free(order);
	return ranges;
}

static void write_intervals(FILE *f, const struct intervals *iv, size_t nr,
			    const uint64_t *bit, size_t nr_bytes)
{
	uint8_t *bitmap = stream_alloc(nr_bytes, 1);

	for (size_t i = 0; i < nr; i++) {
		uint64_t span[2];

		for (unsigned k = 0; k < 2; k++)
			span[k] = START_NS + (uint64_t)((double)(i + k) *
							iv->length_cycles * NS_PER_CYCLE);
		memset(bitmap, 0, nr_bytes);
		for (size_t j = iv->start[i]; j < iv->start[i + 1]; j++)
			bitmap[bit[iv->touched[j]] / 8] |=
				(uint8_t)(1u << bit[iv->touched[j]] % 8);
		stream_put(f, span, sizeof(span));
		stream_put(f, bitmap, nr_bytes);
	}
	free(bitmap);
}

static void write_pages(struct sampler *s)
{
	const struct intervals *iv = &s->intervals;
	uint64_t *bit = stream_alloc(s->model.nr_pages, sizeof(*bit));
	size_t nr_ranges, nr_bytes, nr = iv->nr ? iv->nr - 1 : 0;
	struct stream_pages_range *ranges =
		make_ranges(&s->model, &nr_ranges, &nr_bytes, bit);
	struct stream_pages_header h = { STREAM_PAGES_MAGIC, (uint32_t)nr,
					 (uint32_t)nr_ranges, 0 };
	FILE *f = stream_create(s->opt->pages);

	stream_put(f, &h, sizeof(h));
	stream_put(f, ranges, nr_ranges * sizeof(*ranges));
	write_intervals(f, iv, nr, bit, nr_bytes);
	stream_finish(f, s->opt->pages);
	free(ranges);
	free(bit);
}

static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "samples", required_argument, NULL, 'n' },
		{ "accesses", required_argument, NULL, 'a' },
		{ "period", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
		{ "pid", required_argument, NULL, 'P' },
		{ "cpu", required_argument, NULL, 'C' },
		{ "pages", required_argument, NULL, 'g' },
		{ "interval-us", required_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		uint64_t *number = c == 'n'   ? &o->nr_samples
				   : c == 'a' ? &o->nr_accesses
				   : c == 'p' ? &o->period
				   : c == 's' ? &o->seed
				   : c == 'i' ? &o->interval_us
					      : NULL;

		if (c == '?')
			return -1;
		if (number)
			*number = stream_number(optarg);
		else if (c == 'P' || c == 'C')
			*(c == 'P' ? &o->pid : &o->cpu) = (uint32_t)stream_number(optarg);
		else
			*(c == 'o' ? &o->out : &o->pages) = optarg;
	}
	return o->out && o->period && o->interval_us && optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options o = {
		.period = 100, .seed = 1, .pid = 1000, .interval_us = 100000
	};
	struct sampler s = { 0 };

	if (parse_options(&o, argc, argv) < 0) {
		fprintf(stderr, "lackey2samples: see the head of its source\n");
		return 2;
	}
	s.opt = &o;
	s.rng = o.seed * 1000003;
	s.countdown = next_period(&s);
	model_init(&s.model, o.seed);
	if (o.pages)
		s.intervals.length_cycles = (double)o.interval_us * 1000 / NS_PER_CYCLE;
	s.out = stream_create(o.out);
	read_text(&s, STDIN_FILENO);
	stream_finish(s.out, o.out);
	if (o.pages)
		write_pages(&s);
	printf("{\"insns\": %llu, \"accesses\": %llu, \"samples\": %llu, \"pages\": %zu, "
	       "\"cycles\": %.0f}\n",
	       (unsigned long long)s.nr_insns, (unsigned long long)s.nr_accesses,
	       (unsigned long long)s.nr_samples, s.model.nr_pages, s.model.cycles);
	free(s.intervals.touched);
	free(s.intervals.start);
	model_fini(&s.model);
	return 0;
}
