/* SPDX-License-Identifier: MIT */
/*
 * How small byte streams could get: their size under a context-mixing model, beside what
 * zlib makes of them.
 *
 *	cmbound FILE...
 *
 * A FILE is streams one after another: u32 name_len, name, u64 len, bytes (little
 *endian). Per stream and in total, as JSON lines:
 *
 *	bytes	its length
 *	z6	raw deflate, level 6
 *	cm	bits are predicted from the bytes before (orders 0 to 3, hashed tables of
 *		16-bit probabilities that adapt faster while they are new), mixed in the
 *		logistic domain with one set of weights per position in the byte; the cost
 *is the sum of -log2 p of what came.  The model starts empty for each stream
 *	cm_join	the same, where a stream goes on learning from all earlier streams of its
 *		name: what blocks that are coded apart give away is the difference to cm
 *
 * It is an estimate of what is left to win, not a coder: nothing is written and the few
 * bytes that a real coder adds are not counted.
 */
#include "stream.h"

#include <zlib.h>

#define NR_ORDERS  4
#define NR_INPUTS  (NR_ORDERS + 1)
#define TABLE_BITS 22
#define TABLE_SIZE (1u << TABLE_BITS)
#define NR_SETS    256
#define RATE_LIMIT 255
#define LEARN_RATE 0.01f

/* 16-bit probability of a 1, and how often the context was met. */
struct slot {
	uint16_t p;
	uint16_t nr;
};

struct cm {
	struct slot *tables[NR_ORDERS];
	float weights[NR_SETS][NR_INPUTS];
	uint32_t history; /* the last bytes, the last lowest */
};

struct named {
	char *name;
	struct cm cm;
	size_t bytes, z6;
	double bits, joined_bits;
};

static float stretch_of[4096];

static void stretch_init(void)
{
	for (unsigned i = 0; i < 4096; i++) {
		float p = ((float)i + 0.5f) / 4096;

		stretch_of[i] = logf(p / (1 - p));
	}
}

static void cm_init(struct cm *m)
{
	for (unsigned o = 0; o < NR_ORDERS; o++) {
		m->tables[o] = malloc(TABLE_SIZE * sizeof(**m->tables));
		if (!m->tables[o])
			stream_die("memory", "cannot allocate");
	}
}

static void cm_reset(struct cm *m)
{
	for (unsigned o = 0; o < NR_ORDERS; o++)
		for (uint32_t i = 0; i < (o ? TABLE_SIZE : 256u); i++)
			m->tables[o][i] = (struct slot){ 32768, 0 };
	for (unsigned s = 0; s < NR_SETS; s++)
		for (unsigned i = 0; i < NR_INPUTS; i++)
			m->weights[s][i] = i < NR_ORDERS ? 0.3f : 0;
	m->history = 0;
}

static void cm_fini(struct cm *m)
{
	for (unsigned o = 0; o < NR_ORDERS; o++)
		free(m->tables[o]);
}

static struct slot *slot_at(struct cm *m, unsigned order, uint32_t partial)
{
	uint64_t context = m->history & (uint32_t)((UINT64_C(1) << 8 * order) - 1);

	if (order < 2) /* exact */
		return &m->tables[order][context << 8 | partial];
	/* The callers count to NR_ORDERS; it takes any order. */
	/* cppcheck-suppress arrayIndexOutOfBoundsCond */
	return &m->tables[order][(context << 8 | partial) * 0x9e3779b97f4a7c15u >>
				 (64 - TABLE_BITS)];
}

static void slot_update(struct slot *s, unsigned bit)
{
	int target = bit ? 65535 : 0;

	s->p = (uint16_t)(s->p + (int)((float)(target - s->p) / ((float)s->nr + 1.6f)));
	s->nr += s->nr < RATE_LIMIT;
}

/* The cost of one bit; `partial` is the byte's earlier bits behind a leading 1. */
static double cm_bit(struct cm *m, uint32_t partial, unsigned bit)
{
	float *w = m->weights[partial], in[NR_INPUTS], dot = 0, p, error;
	struct slot *slots[NR_ORDERS];

	for (unsigned o = 0; o < NR_ORDERS; o++) {
		slots[o] = slot_at(m, o, partial);
		/* What was never met says nothing. */
		in[o] = slots[o]->nr ? stretch_of[slots[o]->p >> 4] : 0;
	}
	in[NR_ORDERS] = 0.3f;
	for (unsigned i = 0; i < NR_INPUTS; i++)
		dot += w[i] * in[i];
	p = 1 / (1 + expf(-dot));
	p = p < 1.0f / 65536 ? 1.0f / 65536 : p > 1 - 1.0f / 65536 ? 1 - 1.0f / 65536 : p;
	error = ((float)bit - p) * LEARN_RATE;
	for (unsigned i = 0; i < NR_INPUTS; i++)
		w[i] += error * in[i];
	for (unsigned o = 0; o < NR_ORDERS; o++)
		slot_update(slots[o], bit);
	return -log2((double)(bit ? p : 1 - p));
}

static double cm_cost(struct cm *m, const uint8_t *data, size_t size)
{
	double bits = 0;

	for (size_t i = 0; i < size; i++) {
		uint32_t partial = 1;

		for (int b = 7; b >= 0; b--) {
			unsigned bit = data[i] >> b & 1u;

			bits += cm_bit(m, partial, bit);
			partial = partial << 1 | bit;
		}
		m->history = m->history << 8 | data[i];
	}
	return bits;
}

static size_t deflated(const uint8_t *data, size_t size)
{
	z_stream z = { 0 };
	uint8_t to[16384];

	if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		stream_die("zlib", "cannot be set up");
	z.next_in = (z_const Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	do {
		z.next_out = to;
		z.avail_out = sizeof(to);
	} while (deflate(&z, Z_FINISH) == Z_OK);
	deflateEnd(&z);
	return z.total_out;
}

static struct named *find(struct named **all, size_t *nr, size_t *cap, const char *name,
			  size_t len)
{
	struct named *n;

	for (size_t i = 0; i < *nr; i++)
		if (strlen((*all)[i].name) == len && !memcmp((*all)[i].name, name, len))
			return &(*all)[i];
	*all = stream_grow(*all, *nr, cap, sizeof(**all));
	n = &(*all)[(*nr)++];
	memset(n, 0, sizeof(*n));
	n->name = stream_alloc(len + 1, 1);
	memcpy(n->name, name, len);
	cm_init(&n->cm);
	cm_reset(&n->cm);
	return n;
}

struct reader {
	const uint8_t *at, *end;
	const char *path;
};

static const uint8_t *take(struct reader *r, uint64_t size)
{
	const uint8_t *p = r->at;

	if (size > (uint64_t)(r->end - r->at))
		stream_die(r->path, "ends within a stream");
	r->at += size;
	return p;
}

static void print(const char *name, size_t bytes, size_t z6, double bits,
		  double joined_bits)
{
	printf("{\"stream\": \"%s\", \"bytes\": %zu, \"z6\": %zu, \"cm\": %.0f, "
	       "\"cm_join\": %.0f}\n",
	       name, bytes, z6, bits / 8, joined_bits / 8);
}

int main(int argc, char **argv)
{
	struct named *all = NULL;
	size_t nr = 0, cap = 0, bytes = 0, z6 = 0;
	double bits = 0, joined_bits = 0;
	struct cm fresh;

	if (argc < 2) {
		fprintf(stderr, "cmbound: FILE...\n");
		return 2;
	}
	stretch_init();
	cm_init(&fresh);
	for (int i = 1; i < argc; i++) {
		size_t size;
		uint8_t *data = stream_slurp(&size, argv[i]);
		struct reader r = { data, data + size, argv[i] };

		while (r.at < r.end) {
			uint32_t name_len;
			uint64_t len;
			const char *name;
			const uint8_t *body;
			struct named *n;

			memcpy(&name_len, take(&r, sizeof(name_len)), sizeof(name_len));
			name = (const char *)take(&r, name_len);
			memcpy(&len, take(&r, sizeof(len)), sizeof(len));
			body = take(&r, len);
			n = find(&all, &nr, &cap, name, name_len);
			cm_reset(&fresh);
			n->bytes += len;
			n->z6 += deflated(body, len);
			n->bits += cm_cost(&fresh, body, len);
			n->joined_bits += cm_cost(&n->cm, body, len);
		}
		free(data);
	}
	for (size_t i = 0; i < nr; i++) {
		print(all[i].name, all[i].bytes, all[i].z6, all[i].bits,
		      all[i].joined_bits);
		bytes += all[i].bytes;
		z6 += all[i].z6;
		bits += all[i].bits;
		joined_bits += all[i].joined_bits;
		cm_fini(&all[i].cm);
		free(all[i].name);
	}
	print("total", bytes, z6, bits, joined_bits);
	cm_fini(&fresh);
	free(all);
	return 0;
}
