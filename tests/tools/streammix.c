/* SPDX-License-Identifier: MIT */
/*
 * Puts streams together as a recorder of several CPUs would have written them, or thins
 * one out.
 *
 *	streammix --ring OUT IN...	in the order in which per-CPU rings are drained
 *	streammix --time OUT IN...	by time
 *	streammix --every N OUT IN	every Nth sample
 *
 * A drain round is 10 ms: the samples of one CPU's 10 ms, then of the next CPU's.  Inputs
 * are sorted by time and have a CPU each.  Where inputs end at different times, the last
 * rounds are of the longer ones alone.
 */
#include "stream.h"

#define ROUND_NS UINT64_C(10000000)

struct input {
	struct stream_sample *samples;
	size_t nr, at;
};

/* Samples of one input before `end_ns`, as they come. */
static void drain(FILE *out, struct input *in, uint64_t end_ns)
{
	size_t first = in->at;

	while (in->at < in->nr && in->samples[in->at].time_ns < end_ns)
		in->at++;
	stream_put(out, in->samples + first, (in->at - first) * sizeof(*in->samples));
}

/* The input whose next sample is the oldest; NULL when all are at their end. */
static struct input *oldest(struct input *in, int nr)
{
	struct input *best = NULL;

	for (int i = 0; i < nr; i++)
		if (in[i].at < in[i].nr &&
		    (!best ||
		     in[i].samples[in[i].at].time_ns < best->samples[best->at].time_ns))
			best = &in[i];
	return best;
}

static void mix_ring(FILE *out, struct input *in, int nr)
{
	struct input *next;

	while ((next = oldest(in, nr))) {
		uint64_t round = next->samples[next->at].time_ns / ROUND_NS;

		for (int i = 0; i < nr; i++)
			drain(out, &in[i], (round + 1) * ROUND_NS);
	}
}

static void mix_time(FILE *out, struct input *in, int nr)
{
	struct input *next;

	while ((next = oldest(in, nr)))
		stream_put(out, &next->samples[next->at++], sizeof(*next->samples));
}

static void thin(FILE *out, const struct input *in, uint64_t every)
{
	for (size_t i = 0; i < in->nr; i += every)
		stream_put(out, &in->samples[i], sizeof(*in->samples));
}

int main(int argc, char **argv)
{
	int every = argc > 4 && !strcmp(argv[1], "--every");
	int ring = argc > 3 && !strcmp(argv[1], "--ring");
	int by_time = argc > 3 && !strcmp(argv[1], "--time");
	int first = every ? 4 : 3, nr = argc - first;
	struct input *in;
	FILE *out;

	if (!every && !ring && !by_time) {
		fprintf(stderr,
			"streammix: --ring, --time or --every N; then OUT IN...\n");
		return 2;
	}
	if (every && (nr != 1 || !stream_number(argv[2])))
		stream_die(argv[2], "has to be above 0, with one input");
	in = stream_alloc((size_t)nr, sizeof(*in));
	for (int i = 0; i < nr; i++)
		in[i].samples = stream_load(&in[i].nr, argv[first + i]);
	out = stream_create(argv[first - 1]);
	if (every)
		thin(out, in, stream_number(argv[2]));
	else
		(ring ? mix_ring : mix_time)(out, in, nr);
	stream_finish(out, argv[first - 1]);
	for (int i = 0; i < nr; i++)
		free(in[i].samples);
	free(in);
	return 0;
}
