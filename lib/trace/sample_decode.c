/* SPDX-License-Identifier: MIT */
/*
 * SAMPLE blocks, read: the mirror of sample_encode.c. Only what is asked for is decoded,
 * and what that needs: addresses need thread and ip, since they stand in their order.
 *
 * Readers that only count do not care for the order of rows. For them addresses stay as
 * they are stored, grouped by thread and ip, and times are moved to them: a group's
 * samples hit the same memory, which is good for whoever looks their addresses up.
 */
#include <stdlib.h>

#include "trace/decode.h"

/* A column of which something it depends on cannot be read is not there. */
enum state {
	HERE = MH_COLUMN_OK,
	ABSENT = MH_COLUMN_ABSENT,
	UNKNOWN = MH_COLUMN_UNKNOWN,
	DAMAGED = MH_COLUMN_DAMAGED,
	NO_MEMORY
};

struct job {
	struct mh_decoder *d;
	struct mh_sample_rows *s;
	const struct mh_block *b;
	struct mh_unpacker *u;
	size_t n;
	bool grouped; /* rows are given in group order: s->order has the place of each */
};

/* Columns that can be given in group order. */
#define GROUPED_COLUMNS (MH_COL_TIME | MH_COL_ADDR | MH_COL_THREAD | MH_COL_PERIOD)

static enum state find(struct job *j, uint8_t id, struct mh_rbuf *in)
{
	return (enum state)mh_block_column(j->b, id, MH_ENCODING_PLAIN, NULL, in);
}

/* A column of differences that may be stored in either way. */
static enum state find_differences(struct job *j, uint8_t id, uint8_t *how,
				   struct mh_rbuf *in)
{
	return (enum state)mh_block_column(j->b, id, MH_ENCODING_RANKED, how, in);
}

static enum state broken(const struct job *j)
{
	return j->u->no_memory ? NO_MEMORY : DAMAGED;
}

/* A column must be read to its end. */
static enum state done(const struct job *j, const struct mh_rbuf *in, bool ok)
{
	return ok && !in->bad && in->p == in->end ? HERE : broken(j);
}

static bool get_planes(struct job *j, struct mh_rbuf *in)
{
	return mh_planes_get(j->u, in, j->s->value, j->n, j->s->bytes);
}

/* Common values and which one each row has; 0: the next of the others. */
static bool get_ranked(struct job *j, struct mh_rbuf *in)
{
	struct mh_sample_rows *s = j->s;
	uint64_t nr = mh_rbuf_varint(in);
	size_t i, nr_rare = 0;

	if (in->bad || nr >= MH_BATCH_MAX || nr > j->n ||
	    !mh_planes_get(j->u, in, s->dict + 1, nr, s->bytes) ||
	    !mh_index_get(j->u, in, s->tmp, j->n, (uint32_t)nr + 1, s->bytes))
		return false;
	for (i = 0; i < j->n; i++)
		nr_rare += !s->tmp[i];
	if (!mh_planes_get(j->u, in, s->value, nr_rare, s->bytes))
		return false;
	/* From the end on: a rare value is never behind its row. */
	for (i = j->n; i-- > 0;)
		s->value[i] = s->tmp[i] ? s->dict[s->tmp[i]] : s->value[--nr_rare];
	return true;
}

/* The differences of a column, whichever way they are stored, to s->value. */
static bool get_differences(struct job *j, uint8_t how, struct mh_rbuf *in)
{
	return how == MH_ENCODING_PLAIN ? get_planes(j, in) : get_ranked(j, in);
}

/*
 * Running sums, moved to the rows of group order. Sums that fit 32 bits, as times after a
 * block's first do, are half the memory to jump about in. False: they do not.
 */
static bool sum_up_narrow(const struct job *j, uint64_t base, uint64_t *restrict rows)
{
	const uint64_t *restrict value = j->s->value;
	const uint16_t *restrict rank = j->s->order;
	uint32_t *restrict sums = j->s->count;
	uint64_t sum = 0, all = 0;
	size_t i, n = j->n;

	for (i = 0; i < n; i++) {
		sum += (uint64_t)mh_unzigzag(value[i]);
		sums[rank[i]] = (uint32_t)sum;
		all |= sum;
	}
	if (all >> 32)
		return false;
	for (i = 0; i < n; i++)
		rows[i] = base + sums[i];
	return true;
}

/* The running sum, from @sum on, of the differences in s->value. */
static void sum_up(struct job *j, uint64_t sum, uint64_t *restrict rows)
{
	const uint64_t *restrict value = j->s->value;
	const uint16_t *restrict rank = j->s->order;
	size_t i, n = j->n;

	if (j->grouped && sum_up_narrow(j, sum, rows))
		return;
	for (i = 0; i < n; i++) {
		sum += (uint64_t)mh_unzigzag(value[i]);
		rows[j->grouped ? rank[i] : i] = sum;
	}
}

static enum state decode_time(struct job *j)
{
	struct mh_rbuf in;
	uint8_t how;
	enum state state = find_differences(j, MH_COLID_TIME, &how, &in);

	/* Rows without a time are no rows. */
	if (state != HERE)
		return state == NO_MEMORY ? state : DAMAGED;
	state = done(j, &in, get_differences(j, how, &in));
	if (state != HERE)
		return state;
	sum_up(j, j->b->head.t_min, j->s->time_ns);
	return HERE;
}

static enum state decode_cpu(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_CPU, &in);
	uint32_t cpu = 0;
	size_t i;

	if (state != HERE)
		return state;
	state = done(j, &in, mh_varints_get(j->u, &in, s->value, j->n, s->bytes));
	if (state != HERE)
		return state;
	for (i = 0; i < j->n; i++) {
		cpu += (uint32_t)mh_unzigzag(s->value[i]);
		s->cpu[i] = cpu;
	}
	return HERE;
}

/* Dictionary sizes come from the file: never more entries than rows. */
static size_t dict_size(struct job *j, struct mh_rbuf *in)
{
	uint64_t nr = mh_rbuf_varint(in);

	return in->bad || nr > j->n ? 0 : (size_t)nr;
}

static enum state decode_thread(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_THREAD, &in);
	size_t i, nr;
	bool ok;

	s->nr_threads = 1;
	if (state == ABSENT) {
		memset(s->thread, 0, j->n * sizeof(*s->thread));
		s->thread_pid[0] = s->thread_tid[0] = 0;
	}
	if (state != HERE)
		return state;
	nr = dict_size(j, &in);
	ok = nr && mh_varints_get(j->u, &in, s->value, nr, s->bytes);
	for (i = 0; ok && i < nr; i++)
		s->thread_pid[i] = (uint32_t)s->value[i];
	ok = ok && mh_varints_get(j->u, &in, s->value, nr, s->bytes);
	for (i = 0; ok && i < nr; i++)
		s->thread_tid[i] = s->thread_pid[i] + (uint32_t)mh_unzigzag(s->value[i]);
	ok = ok && mh_index_get(j->u, &in, s->thread, j->n, (uint32_t)nr, s->bytes);
	s->nr_threads = nr;
	return done(j, &in, ok);
}

/* @want: the addresses themselves, not only the samples' numbers of them */
static enum state decode_ip(struct job *j, bool want)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_IP, &in);
	size_t i, nr;
	bool ok;

	s->nr_ips = 1;
	if (state == ABSENT)
		memset(s->ip_index, 0, j->n * sizeof(*s->ip_index));
	if (state != HERE)
		return state;
	nr = dict_size(j, &in);
	if (want)
		ok = nr && mh_planes_get(j->u, &in, s->dict, nr, s->bytes);
	else
		ok = nr && mh_planes_skip(&in);
	for (i = 1; ok && want && i < nr; i++)
		s->dict[i] += s->dict[i - 1];
	ok = ok && mh_index_get(j->u, &in, s->ip_index, j->n, (uint32_t)nr, s->bytes);
	s->nr_ips = nr;
	return done(j, &in, ok);
}

static void fill_ip(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	size_t i;

	for (i = 0; i < j->n; i++)
		s->ip[i] = s->dict[s->ip_index[i]];
}

static void fill_thread(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	size_t i = 0, t;

	for (t = 0; j->grouped && t < s->nr_threads; t++) {
		uint32_t pid = s->thread_pid[t], tid = s->thread_tid[t];
		size_t k, end = s->grouping.thread_end[t];

		for (k = i; k < end; k++)
			s->pid[k] = pid;
		for (k = i; k < end; k++)
			s->tid[k] = tid;
		i = end;
	}
	if (j->grouped)
		return;
	for (i = 0; i < j->n; i++)
		s->pid[i] = s->thread_pid[s->thread[i]];
	for (i = 0; i < j->n; i++)
		s->tid[i] = s->thread_tid[s->thread[i]];
}

/* Differences within groups to addresses. @order: NULL: they stay in group order. */
static void sum_up_groups(const struct mh_sample_rows *s, size_t n,
			  const uint16_t *restrict order, uint64_t *restrict addr)
{
	const uint64_t *restrict value = s->value;
	const uint8_t *restrict begins = s->begins;
	uint64_t prev = 0, first = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		bool new = begins[i];

		prev = (new ? first : prev) + (uint64_t)mh_unzigzag(value[i]);
		first = new ? prev : first;
		addr[order ? order[i] : i] = prev;
	}
}

/* What sum_up_groups() gave are pages, of which the places in them follow. */
static bool add_low_bits(struct job *j, struct mh_rbuf *in, const uint16_t *order)
{
	struct mh_sample_rows *s = j->s;
	size_t i;

	if (!mh_index_get(j->u, in, s->tmp, j->n, 1u << MH_ADDR_LOW_BITS, s->bytes))
		return false;
	for (i = 0; i < j->n; i++) {
		uint64_t *addr = &s->addr[order ? order[i] : i];

		*addr = *addr << MH_ADDR_LOW_BITS | s->tmp[i];
	}
	return true;
}

static enum state decode_addr(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	const uint16_t *order = j->grouped ? NULL : s->order;
	struct mh_rbuf in;
	uint8_t how;
	enum state state = find_differences(j, MH_COLID_ADDR, &how, &in);
	bool ok;

	if (state != HERE)
		return state;
	ok = get_differences(j, how, &in);
	if (ok)
		sum_up_groups(s, j->n, order, s->addr);
	if (ok && how == MH_ENCODING_RANKED)
		ok = add_low_bits(j, &in, order);
	return done(j, &in, ok);
}

/* @addr, @shift: whether those columns could be had; phys cannot be made without. */
static enum state decode_phys(struct job *j, bool has_addr, bool has_shift)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_PHYS, &in);
	size_t i, odd = 0;
	uint64_t last = 0, last_odd = 0, nr_odd;

	if (state != HERE)
		return state;
	if (!get_planes(j, &in))
		return broken(j);
	nr_odd = mh_rbuf_varint(&in);
	if (in.bad || nr_odd > j->n)
		return DAMAGED;
	state = done(j, &in, mh_planes_get(j->u, &in, s->dict, nr_odd, s->bytes));
	if (state != HERE)
		return state;
	mh_page_frames_reset(&s->frames, j->n);
	for (i = 0; i < j->n; i++) {
		uint64_t token = s->value[i], addr = has_addr ? s->addr[i] : 0;
		unsigned shift = mh_frame_shift(has_shift ? s->page_shift[i] : 0);
		uint64_t *frame;

		if (token == 1) {
			s->phys[i] = 0;
			continue;
		}
		if (token == 2) {
			if (odd == nr_odd)
				return DAMAGED;
			last_odd += (uint64_t)mh_unzigzag(s->dict[odd++]);
			s->phys[i] = last_odd;
			continue;
		}
		frame = mh_page_frames_at(&s->frames, s->thread_pid[s->thread[i]],
					  addr >> shift, shift);
		if (token) {
			last += (uint64_t)mh_unzigzag(token - 3);
			*frame = last;
		} else if (*frame == MH_NO_FRAME) {
			return DAMAGED;
		}
		s->phys[i] = *frame << shift | (addr & (((uint64_t)1 << shift) - 1));
	}
	return odd == nr_odd ? HERE : DAMAGED;
}

/* A dictionary of varints into s->dict and an index in group order. */
static enum state get_dict(struct job *j, struct mh_rbuf *in, uint16_t *index, size_t *nr)
{
	struct mh_sample_rows *s = j->s;

	*nr = dict_size(j, in);
	return done(j, in,
		    *nr && mh_varints_get(j->u, in, s->dict, *nr, s->bytes) &&
			    mh_index_get(j->u, in, index, j->n, (uint32_t)*nr, s->bytes));
}

static enum state decode_data_src(struct job *j, bool want_order)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_DATA_SRC, &in);
	size_t i, nr;

	if (state == ABSENT && want_order)
		memcpy(s->by_data_src, s->order, j->n * sizeof(*s->order));
	if (state != HERE)
		return state;
	state = get_dict(j, &in, s->tmp, &nr);
	if (state != HERE)
		return state;
	for (i = 0; i < j->n; i++) {
		s->data_src[s->order[i]] = s->dict[s->tmp[i]];
		s->data_src_index[s->order[i]] = s->tmp[i];
	}
	if (want_order)
		mh_order_by(s->by_data_src, NULL, s->data_src_index, j->n, nr, s->count);
	return HERE;
}

static enum state decode_stack(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_STACK, &in);
	size_t i, nr;

	if (state != HERE)
		return state;
	state = get_dict(j, &in, s->tmp, &nr);
	for (i = 0; state == HERE && i < j->n; i++)
		s->stack[s->order[i]] = (uint32_t)s->dict[s->tmp[i]];
	return state;
}

static enum state decode_event(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_EVENT, &in);

	if (state != HERE)
		return state;
	return done(j, &in, mh_index_get(j->u, &in, s->event, j->n, 65536, s->bytes));
}

static enum state decode_weight(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_WEIGHT, &in);
	size_t i;

	if (state != HERE)
		return state;
	state = done(j, &in, get_planes(j, &in));
	for (i = 0; state == HERE && i < j->n; i++)
		s->weight[s->by_data_src[i]] = s->value[i];
	return state;
}

static enum state decode_latency(struct job *j, uint8_t id, uint16_t *v)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, id, &in);
	size_t i;

	if (state != HERE)
		return state;
	state = done(j, &in, get_planes(j, &in));
	for (i = 0; state == HERE && i < j->n; i++)
		v[s->by_data_src[i]] = (uint16_t)s->value[i];
	return state;
}

static enum state decode_period(struct job *j)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, MH_COLID_PERIOD, &in);
	uint64_t differ = 0;
	size_t i;

	if (state != HERE)
		return state;
	state = done(j, &in, get_planes(j, &in));
	if (state != HERE)
		return state;
	/* Nearly always they are all the same: in whatever order. */
	for (i = 1; i < j->n; i++)
		differ |= s->value[i];
	if (differ) {
		sum_up(j, 0, s->period);
	} else {
		uint64_t period = (uint64_t)mh_unzigzag(s->value[0]);

		for (i = 0; i < j->n; i++)
			s->period[i] = period;
	}
	return state;
}

static enum state decode_bytes(struct job *j, uint8_t id, uint8_t *v)
{
	struct mh_sample_rows *s = j->s;
	struct mh_rbuf in;
	enum state state = find(j, id, &in);
	size_t i;

	if (state != HERE)
		return state;
	state = done(j, &in, mh_stream_get(j->u, &in, s->bytes, j->n));
	for (i = 0; state == HERE && i < j->n; i++)
		v[s->order[i]] = s->bytes[i];
	return state;
}

/* What the wanted columns depend on. */
enum need {
	NEED_CONTEXT = 1 << 0, /* thread, ip and the order by them */
	NEED_DATA_SRC = 1 << 1,
	NEED_SHIFT = 1 << 2,
	NEED_ADDR = 1 << 3
};

static unsigned needs_of(uint32_t columns)
{
	unsigned needs = 0;

	if (columns & MH_COL_PHYS)
		needs |= NEED_CONTEXT | NEED_SHIFT | NEED_ADDR;
	if (columns & MH_COL_WEIGHT)
		needs |= NEED_CONTEXT | NEED_DATA_SRC;
	if (columns & MH_COL_DATA_SRC)
		needs |= NEED_CONTEXT | NEED_DATA_SRC;
	if (columns & MH_COL_ADDR)
		needs |= NEED_CONTEXT | NEED_ADDR;
	if (columns & MH_COL_OTHER)
		needs |= NEED_CONTEXT | NEED_SHIFT;
	return needs;
}

/* Set a column of the batch when it was decoded; leave on damage. */
#define SHOW(column, state_expr)                                                         \
	do {                                                                             \
		enum state state_ = (state_expr);                                        \
                                                                                         \
		if (state_ == NO_MEMORY)                                                 \
			return MH_ENOMEM;                                                \
		if (state_ == DAMAGED)                                                   \
			return MH_EFORMAT;                                               \
		if (state_ == HERE)                                                      \
			c->column = s->column;                                           \
		else                                                                     \
			c->column = NULL;                                                \
	} while (0)

/* The parts that need the order by context. Returns a status. */
static int decode_grouped(struct job *j, uint32_t columns, unsigned needs,
			  struct mh_sample_columns *c)
{
	struct mh_sample_rows *s = j->s;
	enum state state;
	bool has_addr, addr_unknown, shift_unknown, by_data_src;
	struct mh_rbuf in;

	mh_order_groups(s->order, j->grouped, s->begins, &s->grouping, s->thread,
			s->nr_threads, s->ip_index, s->nr_ips, j->n);
	if (needs & NEED_ADDR)
		SHOW(addr, decode_addr(j));
	has_addr = c->addr != NULL;
	addr_unknown = !has_addr && find(j, MH_COLID_ADDR, &in) == UNKNOWN;
	if (needs & NEED_SHIFT)
		SHOW(page_shift, decode_bytes(j, MH_COLID_PAGE_SHIFT, s->page_shift));
	shift_unknown = !c->page_shift && find(j, MH_COLID_PAGE_SHIFT, &in) == UNKNOWN;
	if (columns & MH_COL_OTHER) {
		SHOW(flags, decode_bytes(j, MH_COLID_FLAGS, s->flags));
		SHOW(stack, decode_stack(j));
	}
	if (columns & MH_COL_PHYS && !addr_unknown && !shift_unknown)
		SHOW(phys, decode_phys(j, has_addr, c->page_shift != NULL));
	if (!(needs & NEED_DATA_SRC))
		return MH_OK;
	state = decode_data_src(j, columns & MH_COL_WEIGHT);
	by_data_src = state != UNKNOWN;
	SHOW(data_src, state);
	if (columns & MH_COL_WEIGHT && by_data_src) {
		SHOW(weight, decode_weight(j));
		SHOW(ins_lat, decode_latency(j, MH_COLID_INS_LAT, s->ins_lat));
		SHOW(p_stage, decode_latency(j, MH_COLID_P_STAGE, s->p_stage));
	}
	return MH_OK;
}

int mh_decode_sample(struct mh_decoder *d, const struct mh_block *b, uint32_t columns,
		     bool any_order, struct mh_batch *batch)
{
	struct mh_sample_columns *c = &batch->sample;
	struct mh_sample_rows *s = d->sample;
	struct job j = { .d = d, .s = s, .b = b, .u = &d->u, .n = batch->nr };
	unsigned needs = needs_of(columns);
	enum state thread = ABSENT, ip = ABSENT;
	int status = MH_OK;

	if (needs & NEED_CONTEXT || columns & MH_COL_THREAD) {
		thread = decode_thread(&j);
		SHOW(pid, thread);
		SHOW(tid, thread);
	}
	if (needs & NEED_CONTEXT || columns & MH_COL_IP) {
		ip = decode_ip(&j, columns & MH_COL_IP);
		SHOW(ip, ip);
		if (ip == HERE && columns & MH_COL_IP)
			fill_ip(&j);
		else
			c->ip = NULL;
	}
	if (needs & NEED_CONTEXT && thread != UNKNOWN && ip != UNKNOWN) {
		j.grouped = any_order && !(columns & ~GROUPED_COLUMNS);
		status = decode_grouped(&j, columns, needs, c);
	}
	if (status)
		return status;
	if (thread == HERE && columns & MH_COL_THREAD)
		fill_thread(&j);
	else
		c->pid = c->tid = NULL;
	if (columns & MH_COL_TIME)
		SHOW(time_ns, decode_time(&j));
	if (columns & MH_COL_CPU)
		SHOW(cpu, decode_cpu(&j));
	if (columns & MH_COL_OTHER)
		SHOW(event, decode_event(&j));
	if (columns & MH_COL_PERIOD)
		SHOW(period, decode_period(&j));
	return MH_OK;
}
