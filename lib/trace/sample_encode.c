/* SPDX-License-Identifier: MIT */
/*
 * SAMPLE blocks: columns regrouped by a context that the decoder already has. Addresses
 * stand by (thread, ip), latencies by data_src, frames behind a map of pages, so that
 * what follows what is alike. The permutations cost nothing to store: the decoder makes
 * them again from the thread and ip columns (sample_decode.c is the mirror).
 */
#include <stdlib.h>

#include "trace/encode.h"
#include "trace/order.h"

#define N MH_BATCH_MAX

struct mh_sample_scratch {
	uint8_t bytes[MH_PLANES_SCRATCH(N)];
	uint64_t value[N], key[N], other[N];
	uint16_t thread[N], ip[N], data_src[N], id[N], rank[N];
	uint16_t order[N], by_ip[N], by_data_src[N], by_count[N], tmp[N];
	uint32_t count[N + 1];
	uint8_t begins[N];
	struct mh_grouping grouping;
	struct mh_dict dict;
	struct mh_page_frames frames;
};

void mh_sample_scratch_free(struct mh_sample_scratch *s)
{
	free(s);
}

static bool any64(const uint64_t *v, size_t n)
{
	uint64_t all = 0;
	size_t i;

	for (i = 0; v && i < n; i++)
		all |= v[i];
	return all != 0;
}

/* A column that a source does not have at all is not stored. */
#define ANY(name, type)                                                                  \
	static bool name(const type *v, size_t n)                                        \
	{                                                                                \
		type all = 0;                                                            \
		size_t i;                                                                \
                                                                                         \
		for (i = 0; v && i < n; i++)                                             \
			all |= v[i];                                                     \
		return all != 0;                                                         \
	}
ANY(any32, uint32_t)
ANY(any16, uint16_t)
ANY(any8, uint8_t)

struct job {
	struct mh_encoder *e;
	struct mh_sample_scratch *s;
	struct mh_verdicts *verdicts;
	const struct mh_sample_columns *c;
	struct mh_wbuf *out;
	size_t n;
	size_t nr_threads, nr_ips;
};

static void begin(struct job *j, uint8_t id, uint8_t encoding)
{
	mh_column_begin(&j->e->columns, id, encoding);
}

static void end(struct job *j)
{
	mh_column_end(&j->e->columns);
}

static void put_planes(struct job *j, uint8_t id)
{
	mh_planes_put(&j->e->packer, j->out, j->s->value, j->n, j->s->bytes,
		      j->verdicts->column[id]);
}

/* A value that comes less often is cheaper beside the dictionary than in it. */
#define RANKED_MIN 3

/*
 * Number the values of s->value by how often they come: s->id has the number of each row,
 * 0 for rare ones, s->other the common values. Returns how many these are.
 */
static size_t rank_values(struct job *j, size_t nr)
{
	struct mh_sample_scratch *s = j->s;
	size_t i, nr_ranked = 0;

	for (i = 0; i < nr; i++)
		s->other[i] = j->n;
	for (i = 0; i < j->n; i++)
		s->other[s->id[i]]--;
	mh_sort_ids(s->other, nr, s->by_count, s->tmp, s->count);
	for (i = 0; i < nr; i++) {
		bool common = j->n - s->other[s->by_count[i]] >= RANKED_MIN;

		nr_ranked += common;
		s->rank[s->by_count[i]] = common ? (uint16_t)nr_ranked : 0;
	}
	for (i = 0; i < nr_ranked; i++)
		s->other[i] = s->key[s->by_count[i]];
	for (i = 0; i < j->n; i++)
		s->id[i] = s->rank[s->id[i]];
	return nr_ranked;
}

/*
 * The values that are common, commonest first; which one each row has; the others. A
 * clock that ticks in steps, or pages that are walked in steps, leave few of the values
 * that there could be; planes code each byte of a value as if it knew nothing of the
 * others.
 */
static bool put_ranked(struct job *j, uint8_t id)
{
	struct mh_ranked_verdicts *verdicts = &j->verdicts->ranked[id];
	struct mh_packer *p = &j->e->packer;
	struct mh_sample_scratch *s = j->s;
	size_t i, nr, nr_rare = 0;

	mh_dict_reset(&s->dict, j->n);
	for (i = 0; i < j->n; i++) {
		s->id[i] = mh_dict_id(&s->dict, s->key, s->value[i]);
		/* Too much like noise to pay. */
		if (s->dict.nr > 1 + j->n / 4)
			return false;
	}
	nr = rank_values(j, s->dict.nr);
	mh_wbuf_varint(j->out, nr);
	mh_planes_put(p, j->out, s->other, nr, s->bytes, verdicts->common);
	mh_index_put(p, j->out, s->id, j->n, s->bytes, verdicts->rank);
	for (i = 0; i < j->n; i++) {
		s->other[nr_rare] = s->value[i];
		nr_rare += !s->id[i];
	}
	mh_planes_put(p, j->out, s->other, nr_rare, s->bytes, verdicts->rare);
	return true;
}

/*
 * Write a column in the way that was smaller in the last trial; in a trial both ways.
 *
 * @plain, @ranked: write it; false: not for these values, then nothing was written
 */
static void put_smaller(struct job *j, uint8_t id, void (*plain)(struct job *j),
			bool (*ranked)(struct job *j))
{
	struct mh_columns *columns = &j->e->columns;
	bool trial = j->e->packer.trial, *is_ranked = &j->verdicts->is_ranked[id];
	size_t start = j->out->len, middle;
	struct mh_stored *column;

	begin(j, id, MH_ENCODING_RANKED);
	column = &columns->v[columns->nr - 1];
	if (trial || !*is_ranked || !ranked(j)) {
		column->encoding = MH_ENCODING_PLAIN;
		plain(j);
	}
	middle = j->out->len;
	if (trial)
		*is_ranked = ranked(j) && j->out->len - middle < middle - start;
	if (trial && *is_ranked && !j->out->bad) {
		column->encoding = MH_ENCODING_RANKED;
		memmove(j->out->p + start, j->out->p + middle, j->out->len - middle);
		middle = start + j->out->len - middle;
	}
	j->out->len = middle;
	end(j);
}

static void put_index(struct job *j, uint8_t id, const uint16_t *v)
{
	mh_index_put(&j->e->packer, j->out, v, j->n, j->s->bytes,
		     j->verdicts->column[id]);
}

static void put_varints(struct job *j, const uint64_t *v, size_t n)
{
	mh_varints_put(&j->e->packer, j->out, v, n, &j->e->scratch, MH_EFFORT_RLE);
}

static void put_bytes(struct job *j, const uint8_t *raw)
{
	mh_stream_put(&j->e->packer, j->out, raw, j->n, MH_EFFORT_RLE);
}

static void put_time(struct job *j)
{
	put_planes(j, MH_COLID_TIME);
}

static bool put_time_ranked(struct job *j)
{
	return put_ranked(j, MH_COLID_TIME);
}

static void encode_time(struct job *j)
{
	uint64_t *v = j->s->value, prev = j->e->head.t_min;
	const uint64_t *t = j->c->time_ns;
	size_t i;

	v[0] = mh_zigzag((int64_t)(t[0] - prev));
	for (i = 1; i < j->n; i++)
		v[i] = mh_zigzag((int64_t)(t[i] - t[i - 1]));
	put_smaller(j, MH_COLID_TIME, put_time, put_time_ranked);
}

static void encode_cpu(struct job *j)
{
	const uint32_t *cpu = j->c->cpu;
	uint64_t *v = j->s->value;
	uint32_t prev = 0;
	size_t i;

	if (!any32(cpu, j->n))
		return;
	for (i = 0; i < j->n; i++) {
		v[i] = mh_zigzag((int64_t)cpu[i] - (int64_t)prev);
		prev = cpu[i];
	}
	begin(j, MH_COLID_CPU, MH_ENCODING_PLAIN);
	put_varints(j, v, j->n);
	end(j);
}

/* (pid, tid) pairs in order of first use, and which one each sample has. */
static void encode_thread(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	size_t i;

	j->nr_threads = 1;
	memset(s->thread, 0, j->n * sizeof(*s->thread));
	if (!any32(j->c->pid, j->n) && !any32(j->c->tid, j->n))
		return;
	mh_dict_reset(&s->dict, j->n);
	for (i = 0; i < j->n; i++) {
		uint64_t pid = j->c->pid ? j->c->pid[i] : 0;
		uint64_t tid = j->c->tid ? j->c->tid[i] : 0;

		s->thread[i] = mh_dict_id(&s->dict, s->key, pid << 32 | tid);
	}
	j->nr_threads = s->dict.nr;
	begin(j, MH_COLID_THREAD, MH_ENCODING_PLAIN);
	mh_wbuf_varint(j->out, j->nr_threads);
	for (i = 0; i < j->nr_threads; i++)
		s->value[i] = s->key[i] >> 32;
	put_varints(j, s->value, j->nr_threads);
	for (i = 0; i < j->nr_threads; i++)
		s->value[i] = mh_zigzag((int64_t)(uint32_t)s->key[i] -
					(int64_t)(s->key[i] >> 32));
	put_varints(j, s->value, j->nr_threads);
	put_index(j, MH_COLID_THREAD, s->thread);
	end(j);
}

/* Distinct ips in ascending order, and which one each sample has. */
static void encode_ip(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	size_t i;

	j->nr_ips = 1;
	memset(s->ip, 0, j->n * sizeof(*s->ip));
	if (!any64(j->c->ip, j->n))
		return;
	mh_dict_reset(&s->dict, j->n);
	for (i = 0; i < j->n; i++)
		s->id[i] = mh_dict_id(&s->dict, s->key, j->c->ip[i]);
	j->nr_ips = s->dict.nr;
	mh_sort_ids(s->key, j->nr_ips, s->by_ip, s->order, s->count);
	for (i = 0; i < j->nr_ips; i++) {
		uint64_t ip = s->key[s->by_ip[i]];

		s->rank[s->by_ip[i]] = (uint16_t)i;
		s->value[i] = ip - (i ? s->key[s->by_ip[i - 1]] : 0);
	}
	for (i = 0; i < j->n; i++)
		s->ip[i] = s->rank[s->id[i]];
	begin(j, MH_COLID_IP, MH_ENCODING_PLAIN);
	mh_wbuf_varint(j->out, j->nr_ips);
	mh_planes_put(&j->e->packer, j->out, s->value, j->nr_ips, s->bytes,
		      j->verdicts->column[0]);
	put_index(j, MH_COLID_IP, s->ip);
	end(j);
}

/* Addresses without their @shift lowest bits, as differences within their group. */
static void addr_differences(struct job *j, unsigned shift)
{
	struct mh_sample_scratch *s = j->s;
	uint64_t prev = 0, first = 0;
	size_t i;

	for (i = 0; i < j->n; i++) {
		uint64_t a = j->c->addr[s->order[i]] >> shift;
		bool new = s->begins[i];

		s->value[i] = mh_zigzag((int64_t)(a - (new ? first : prev)));
		first = new ? a : first;
		prev = a;
	}
}

static void put_addr(struct job *j)
{
	addr_differences(j, 0);
	put_planes(j, MH_COLID_ADDR);
}

/* The place in a page says nothing of the next page's: the difference of both would only
 * spread over more values. */
static bool put_addr_pages(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	size_t i;

	addr_differences(j, MH_ADDR_LOW_BITS);
	if (!put_ranked(j, MH_COLID_ADDR))
		return false;
	for (i = 0; i < j->n; i++)
		s->id[i] = j->c->addr[s->order[i]] & ((1u << MH_ADDR_LOW_BITS) - 1);
	mh_index_put(&j->e->packer, j->out, s->id, j->n, s->bytes, j->verdicts->low);
	return true;
}

static void encode_addr(struct job *j)
{
	if (any64(j->c->addr, j->n))
		put_smaller(j, MH_COLID_ADDR, put_addr, put_addr_pages);
}

/* Frames behind a map of pages; what does not fit it goes apart, whole. */
static void encode_phys(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	const struct mh_sample_columns *c = j->c;
	uint64_t last = 0, last_odd = 0;
	size_t i, nr_odd = 0;

	if (!any64(c->phys, j->n))
		return;
	mh_page_frames_reset(&s->frames, j->n);
	for (i = 0; i < j->n; i++) {
		uint64_t phys = c->phys[i], addr = c->addr ? c->addr[i] : 0;
		unsigned shift = mh_frame_shift(c->page_shift ? c->page_shift[i] : 0);
		uint64_t *frame;

		if (!phys) {
			s->value[i] = 1;
			continue;
		}
		if ((phys ^ addr) & (((uint64_t)1 << shift) - 1)) {
			s->value[i] = 2;
			s->other[nr_odd++] = mh_zigzag((int64_t)(phys - last_odd));
			last_odd = phys;
			continue;
		}
		frame = mh_page_frames_at(&s->frames, c->pid ? c->pid[i] : 0,
					  addr >> shift, shift);
		phys >>= shift;
		if (*frame == phys) {
			s->value[i] = 0;
			continue;
		}
		*frame = phys;
		s->value[i] = 3 + mh_zigzag((int64_t)(phys - last));
		last = phys;
	}
	begin(j, MH_COLID_PHYS, MH_ENCODING_PLAIN);
	put_planes(j, MH_COLID_PHYS);
	mh_wbuf_varint(j->out, nr_odd);
	mh_planes_put(&j->e->packer, j->out, s->other, nr_odd, s->bytes,
		      j->verdicts->column[MH_COLID_CPU]);
	end(j);
}

/* A dictionary in order of first use and an index, both in group order. */
static size_t put_dict(struct job *j, uint8_t id, uint16_t *ids)
{
	struct mh_sample_scratch *s = j->s;
	size_t nr = s->dict.nr;

	begin(j, id, MH_ENCODING_PLAIN);
	mh_wbuf_varint(j->out, nr);
	put_varints(j, s->key, nr);
	put_index(j, id, ids);
	end(j);
	return nr;
}

static void encode_data_src(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	size_t i, nr;

	memcpy(s->by_data_src, s->order, j->n * sizeof(*s->order));
	if (!any64(j->c->data_src, j->n))
		return;
	mh_dict_reset(&s->dict, j->n);
	for (i = 0; i < j->n; i++)
		s->id[i] = mh_dict_id(&s->dict, s->key, j->c->data_src[s->order[i]]);
	nr = put_dict(j, MH_COLID_DATA_SRC, s->id);
	for (i = 0; i < j->n; i++)
		s->data_src[s->order[i]] = s->id[i];
	mh_order_by(s->by_data_src, NULL, s->data_src, j->n, nr, s->count);
}

static void encode_stack(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	size_t i;

	if (!any32(j->c->stack, j->n))
		return;
	mh_dict_reset(&s->dict, j->n);
	for (i = 0; i < j->n; i++)
		s->id[i] = mh_dict_id(&s->dict, s->key, j->c->stack[s->order[i]]);
	put_dict(j, MH_COLID_STACK, s->id);
}

static void encode_event(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	size_t i;

	if (!any16(j->c->event, j->n))
		return;
	for (i = 0; i < j->n; i++)
		s->id[i] = j->c->event[i];
	begin(j, MH_COLID_EVENT, MH_ENCODING_PLAIN);
	put_index(j, MH_COLID_EVENT, s->id);
	end(j);
}

static void encode_weight(struct job *j)
{
	struct mh_sample_scratch *s = j->s;
	size_t i;

	if (!any64(j->c->weight, j->n))
		return;
	for (i = 0; i < j->n; i++)
		s->value[i] = j->c->weight[s->by_data_src[i]];
	begin(j, MH_COLID_WEIGHT, MH_ENCODING_PLAIN);
	put_planes(j, MH_COLID_WEIGHT);
	end(j);
}

static void encode_latency(struct job *j, uint8_t id, const uint16_t *v)
{
	struct mh_sample_scratch *s = j->s;
	size_t i;

	if (!any16(v, j->n))
		return;
	for (i = 0; i < j->n; i++)
		s->value[i] = v[s->by_data_src[i]];
	begin(j, id, MH_ENCODING_PLAIN);
	put_planes(j, id);
	end(j);
}

static void encode_period(struct job *j)
{
	const uint64_t *v = j->c->period;
	uint64_t prev = 0;
	size_t i;

	if (!any64(v, j->n))
		return;
	for (i = 0; i < j->n; i++) {
		j->s->value[i] = mh_zigzag((int64_t)(v[i] - prev));
		prev = v[i];
	}
	begin(j, MH_COLID_PERIOD, MH_ENCODING_PLAIN);
	put_planes(j, MH_COLID_PERIOD);
	end(j);
}

static void encode_bytes(struct job *j, uint8_t id, const uint8_t *v)
{
	uint8_t *raw = j->s->bytes;
	size_t i;

	if (!any8(v, j->n))
		return;
	for (i = 0; i < j->n; i++)
		raw[i] = v[j->s->order[i]];
	begin(j, id, MH_ENCODING_PLAIN);
	put_bytes(j, raw);
	end(j);
}

static void find_bounds(struct job *j)
{
	const struct mh_sample_columns *c = j->c;
	struct mh_block_head *h = &j->e->head;
	uint64_t first = UINT64_MAX, last = 0;
	size_t i;

	for (i = 0; i < j->n; i++) {
		first = c->time_ns[i] < first ? c->time_ns[i] : first;
		last = c->time_ns[i] > last ? c->time_ns[i] : last;
	}
	mh_head_time(h, first, last);
	for (i = 0; c->flags && i < j->n; i++) {
		uint64_t a = c->addr ? c->addr[i] : 0;

		if (!(c->flags[i] & MH_SAMPLE_ADDR))
			continue;
		mh_head_addr(h, a, a);
	}
}

static void encode_occupancy(struct job *j)
{
	const struct mh_sample_columns *c = j->c;
	size_t i;

	for (i = 0; c->flags && i < j->n; i++) {
		uint64_t a = c->addr ? c->addr[i] : 0;

		if (c->flags[i] & MH_SAMPLE_ADDR)
			mh_occupancy_add(&j->e->occupancy, c->pid ? c->pid[i] : 0,
					 a >> MH_OCCUPANCY_SHIFT, 1);
	}
	mh_occupancy_put(&j->e->occupancy, &j->e->packer, &j->e->columns, &j->e->scratch);
}

bool mh_encode_sample(struct mh_encoder *e, const struct mh_batch *batch)
{
	struct job j = { .e = e,
			 .c = &batch->sample,
			 .n = batch->nr,
			 .out = &e->columns.body,
			 .verdicts = mh_encoder_verdicts(e, batch->source) };

	mh_assert(batch->sample.time_ns);
	if (!e->sample)
		e->sample = malloc(sizeof(*e->sample));
	j.s = e->sample;
	if (!j.s)
		return false;
	find_bounds(&j);
	encode_occupancy(&j);
	encode_time(&j);
	encode_thread(&j);
	encode_ip(&j);
	mh_order_groups(j.s->order, false, j.s->begins, &j.s->grouping, j.s->thread,
			j.nr_threads, j.s->ip, j.nr_ips, j.n);
	encode_addr(&j);
	encode_bytes(&j, MH_COLID_FLAGS, j.c->flags);
	encode_bytes(&j, MH_COLID_PAGE_SHIFT, j.c->page_shift);
	encode_cpu(&j);
	encode_phys(&j);
	encode_data_src(&j);
	encode_weight(&j);
	encode_latency(&j, MH_COLID_INS_LAT, j.c->ins_lat);
	encode_latency(&j, MH_COLID_P_STAGE, j.c->p_stage);
	encode_event(&j);
	encode_period(&j);
	encode_stack(&j);
	e->head.memory_len = batch->nr * (uint32_t)sizeof(struct mh_event);
	return true;
}
