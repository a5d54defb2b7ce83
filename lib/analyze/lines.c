/* SPDX-License-Identifier: MIT */
/*
 * The view `lines`: cache lines that threads contend for. Samples are counted by line,
 * offset, instruction and thread; a line that several threads use and one of them stores
 * to, or that was found modified in another core's cache, is a row.
 *
 * What is not sampled is not seen: two threads that write one word may look as if they
 * used different ones where samples are few. Threads are told apart by their ids, so that
 * shared memory of two processes is two lines here.
 */
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/access.h"
#include "analyze/numbering.h"
#include "analyze/pass.h"
#include "analyze/places.h"
#include "base/vec.h"

#define SPOTS_MAX (1u << 20)
#define WORD      8u /* what threads may share truly */

struct spot {
	uint64_t key, addr, ip; /* of the space; as accessed */
	uint32_t tid;
	uint64_t time_ns; /* of one of its samples */
	uint64_t samples, loads, stores, hitm_local, hitm_remote, nr_latency, latency_sum;
};

struct frame {
	const struct mh_session *session;
	const struct mh_places *at; /* NULL: no --at */
};

struct part {
	const struct frame *frame;
	struct mh_keys keys;
	struct mh_accesses accesses;
	struct mh_numbering index;
	struct {
		struct spot *v;
		size_t nr, cap;
	} spots;
	uint64_t nr_left_out;
	bool told;
};

static uint64_t line_of(const struct spot *s)
{
	return s->addr / MH_LINE_SIZE;
}

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for cache lines");
}

/* ---- a pass ---- */

static void part_free(void *arg)
{
	struct part *p = arg;

	mh_numbering_fini(&p->index);
	free(p->spots.v);
	free(p);
}

static void *part_new(const void *arg)
{
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		p->frame = arg;
		p->keys.maps = p->frame->session->maps;
		p->accesses.session = p->frame->session;
	}
	return p;
}

static bool is_same(const struct spot *a, const struct spot *b)
{
	return a->key == b->key && a->addr == b->addr && a->ip == b->ip &&
	       a->tid == b->tid;
}

/* Makes it where there is none; NULL: out of memory, or *full. */
static struct spot *spot_of(struct part *p, const struct spot *like, bool *full)
{
	uint64_t h = ((like->key * UINT64_C(0x9e3779b97f4a7c15) + like->ip) * 31 +
		      like->addr) *
			     31 +
		     like->tid;
	struct spot *s;
	uint32_t i;

	*full = false;
	for (;; h++) {
		i = mh_numbering_get(&p->index, h);
		if (i == MH_NUMBER_NONE)
			break;
		if (is_same(&p->spots.v[i], like))
			return &p->spots.v[i];
	}
	*full = p->spots.nr >= SPOTS_MAX;
	s = *full ? NULL : mh_vec_push(&p->spots);
	if (!s || mh_numbering_set(&p->index, h, (uint32_t)p->spots.nr - 1))
		return NULL;
	*s = (struct spot){ .key = like->key,
			    .addr = like->addr,
			    .ip = like->ip,
			    .tid = like->tid,
			    .time_ns = like->time_ns };
	return s;
}

static void add(struct spot *to, const struct spot *x)
{
	to->samples += x->samples;
	to->loads += x->loads;
	to->stores += x->stores;
	to->hitm_local += x->hitm_local;
	to->hitm_remote += x->hitm_remote;
	to->nr_latency += x->nr_latency;
	to->latency_sum += x->latency_sum;
}

static bool is_at(const struct frame *f, uint64_t key, uint64_t addr)
{
	size_t k;

	if (!f->at)
		return true;
	k = mh_places_find(f->at, key, addr);
	return k < f->at->nr && f->at->v[k].key == key && f->at->v[k].addr.start <= addr;
}

static struct spot one_sample(struct part *p, const struct mh_sample_columns *c,
			      uint32_t i, const struct mh_mem_access *a)
{
	bool hitm = a->snoop == MH_SNOOP_HITM, remote = a->level == MH_LEVEL_REMOTE_CACHE;

	return (struct spot){
		.key = mh_keys_of(&p->keys, c->pid ? c->pid[i] : 0, c->time_ns[i]),
		.addr = c->addr[i],
		.ip = c->ip ? c->ip[i] : 0,
		.tid = c->tid ? c->tid[i] : 0,
		.time_ns = c->time_ns[i],
		.samples = 1,
		.loads = a->op == MH_MEM_LOAD,
		.stores = a->op == MH_MEM_STORE,
		.hitm_local = hitm && !remote,
		.hitm_remote = hitm && remote,
		.nr_latency = c->weight && c->weight[i],
		.latency_sum = c->weight ? c->weight[i] : 0,
	};
}

static int part_batch(void *arg, const struct mh_batch *b, struct mh_err *err)
{
	const struct mh_sample_columns *c = &b->sample;
	struct part *p = arg;
	bool full;
	uint32_t i;

	if (b->kind != MH_EV_SAMPLE || !c->addr || !c->flags)
		return MH_OK;
	for (i = 0; i < b->nr; i++) {
		const struct mh_mem_access *a =
			mh_accesses_of(&p->accesses, c->data_src ? c->data_src[i] : 0);
		struct spot one, *s;

		if (!a || !(c->flags[i] & MH_SAMPLE_ADDR))
			continue;
		one = one_sample(p, c, i, a);
		if (!is_at(p->frame, one.key, one.addr))
			continue;
		p->told |= a->op != MH_MEM_OP_UNKNOWN;
		s = spot_of(p, &one, &full);
		if (!s && !full)
			return no_memory(err);
		p->nr_left_out += full;
		if (s)
			add(s, &one);
	}
	return MH_OK;
}

static int part_merge(void *into, void *from, struct mh_err *err)
{
	struct part *a = into, *b = from;
	bool full;
	size_t i;

	for (i = 0; i < b->spots.nr; i++) {
		struct spot *s = spot_of(a, &b->spots.v[i], &full);

		if (!s && !full)
			return no_memory(err);
		if (s)
			add(s, &b->spots.v[i]);
		else
			a->nr_left_out += b->spots.v[i].samples;
	}
	a->nr_left_out += b->nr_left_out;
	a->told |= b->told;
	return MH_OK;
}

/* ---- what a line is ---- */

#define CMP(x, y) (((x) > (y)) - ((x) < (y)))

static int by_line(const void *x, const void *y)
{
	const struct spot *a = x, *b = y;
	int d = CMP(a->key, b->key);

	d = d ? d : CMP(a->addr, b->addr);
	d = d ? d : CMP(a->ip, b->ip);
	return d ? d : CMP(a->tid, b->tid);
}

struct use {
	uint32_t tid;
	uint8_t word;
	bool stores, loads;
};

static int by_thread(const void *x, const void *y)
{
	const struct use *a = x, *b = y;

	return a->tid != b->tid ? CMP(a->tid, b->tid) : CMP(a->word, b->word);
}

struct threads {
	uint32_t nr, nr_readers, nr_writers;
	uint32_t in_word[MH_LINE_SIZE / WORD]; /* threads */
	bool stored[MH_LINE_SIZE / WORD];
};

/* @u: of one line, by thread */
static struct threads count_threads(const struct use *u, size_t nr)
{
	struct threads t = { 0 };
	bool reads = false, writes = false;
	size_t i;

	for (i = 0; i < nr; i++) {
		bool first = !i || u[i].tid != u[i - 1].tid;

		if (first)
			reads = writes = false;
		t.nr += first;
		t.in_word[u[i].word] += first || u[i].word != u[i - 1].word;
		t.stored[u[i].word] |= u[i].stores;
		t.nr_readers += u[i].loads && !reads;
		t.nr_writers += u[i].stores && !writes;
		reads |= u[i].loads;
		writes |= u[i].stores;
	}
	return t;
}

/* false: nobody contends for it */
static bool judge(enum mh_sharing *out, const struct threads *t, bool hitm)
{
	size_t w;

	*out = MH_SHARING_UNKNOWN;
	if (t->nr < 2 || !t->nr_writers)
		return hitm;
	*out = MH_SHARING_FALSE;
	for (w = 0; w < MH_LINE_SIZE / WORD; w++) {
		if (t->in_word[w] > 1 && t->stored[w])
			*out = MH_SHARING_TRUE;
	}
	return true;
}

/* ---- rows ---- */

struct work {
	struct mh_lines *out;
	struct mh_session *s;
	const struct part *p;
	struct use *uses; /* room for all spots */
	struct {
		size_t *v; /* first spot of each row */
		size_t nr, cap;
	} firsts;
};

static size_t end_of_line(const struct part *p, size_t first)
{
	size_t i = first + 1;

	while (i < p->spots.nr && p->spots.v[i].key == p->spots.v[first].key &&
	       line_of(&p->spots.v[i]) == line_of(&p->spots.v[first]))
		i++;
	return i;
}

/* Spots of one offset and instruction are one: threads are counted. */
static size_t merge_spots(struct mh_line *row, const struct spot *s, size_t nr)
{
	size_t i, n = 0;

	for (i = 0; i < nr; i++) {
		struct mh_line_spot *to;

		if (!i || s[i].addr != s[i - 1].addr || s[i].ip != s[i - 1].ip)
			n++;
		if (!row->spots)
			continue;
		to = &row->spots[n - 1];
		to->offset = (uint32_t)(s[i].addr % MH_LINE_SIZE);
		to->samples += s[i].samples;
		to->loads += s[i].loads;
		to->stores += s[i].stores;
		to->hitm_local += s[i].hitm_local;
		to->hitm_remote += s[i].hitm_remote;
		to->nr_latency += s[i].nr_latency;
		to->latency_sum += s[i].latency_sum;
		to->nr_threads++;
	}
	return n;
}

static int add_row(struct work *w, size_t first, size_t end, struct mh_err *err)
{
	const struct spot *s = &w->p->spots.v[first];
	struct mh_line row = { .addr = line_of(s) * MH_LINE_SIZE }, *grown;
	size_t i, *at;
	struct threads t;

	for (i = first; i < end; i++) {
		const struct spot *x = &w->p->spots.v[i];

		w->uses[i - first] =
			(struct use){ .tid = x->tid,
				      .word = (uint8_t)(x->addr % MH_LINE_SIZE / WORD),
				      .stores = x->stores > 0,
				      .loads = x->loads > 0 };
		row.samples += x->samples;
		row.loads += x->loads;
		row.stores += x->stores;
		row.hitm_local += x->hitm_local;
		row.hitm_remote += x->hitm_remote;
	}
	qsort(w->uses, end - first, sizeof(*w->uses), by_thread);
	t = count_threads(w->uses, end - first);
	w->out->nr_lines++;
	w->out->nr_only_read += t.nr > 1 && !t.nr_writers;
	if (!judge(&row.sharing, &t, row.hitm_local + row.hitm_remote > 0))
		return MH_OK;
	row.pid = mh_key_pid(w->s->maps, s->key);
	row.nr_threads = t.nr;
	row.nr_readers = t.nr_readers;
	row.nr_writers = t.nr_writers;
	row.nr_spots = merge_spots(&row, s, end - first);
	grown = realloc(w->out->rows, (w->out->nr_rows + 1) * sizeof(*grown));
	at = mh_vec_push(&w->firsts);
	if (!grown || !at) {
		w->out->rows = grown ? grown : w->out->rows;
		return no_memory(err);
	}
	*at = first;
	w->out->rows = grown;
	row.spots = calloc(row.nr_spots, sizeof(*row.spots));
	if (row.spots)
		merge_spots(&row, s, end - first);
	grown[w->out->nr_rows++] = row;
	return row.spots ? MH_OK : no_memory(err);
}

/* ---- names ---- */

static struct mh_symbol_query query_of(const struct spot *s, uint64_t addr)
{
	return (struct mh_symbol_query){
		.space = s->key & MH_KEY_UNKNOWN ? SIZE_MAX : (size_t)s->key,
		.addr = addr,
		.time_ns = s->time_ns,
	};
}

static int name_spots(struct mh_line *row, const struct spot *s, size_t nr,
		      const struct mh_symbol *symbols)
{
	size_t i, n = 0;

	for (i = 0; i < nr; i++) {
		if (i && s[i].addr == s[i - 1].addr && s[i].ip == s[i - 1].ip)
			continue;
		row->spots[n].function = strdup(symbols[i].name);
		row->spots[n].file = strdup(symbols[i].file);
		row->spots[n].line = symbols[i].line;
		if (!row->spots[n].function || !row->spots[n].file)
			return -1;
		n++;
	}
	return 0;
}

static int name_line(struct mh_line *row, const struct mh_symbol *data)
{
	char mapping[256] = "";

	if (data->mapping)
		mh_mapping_name(data->mapping, mapping, sizeof(mapping));
	row->mapping = strdup(mapping);
	row->symbol = strdup(data->kind == MH_SYMBOL_DATA ? data->name : "");
	return row->mapping && row->symbol ? 0 : -1;
}

static int name_row(struct work *w, struct mh_symtab *st, size_t r, struct mh_err *err)
{
	struct mh_line *row = &w->out->rows[r];
	size_t first = w->firsts.v[r], nr = end_of_line(w->p, first) - first, i;
	const struct spot *s = &w->p->spots.v[first];
	struct mh_symbol_query *q = calloc(nr + 1, sizeof(*q));
	struct mh_symbol *symbols = calloc(nr + 1, sizeof(*symbols));
	int ret = q && symbols ? MH_OK : no_memory(err);

	for (i = 0; !ret && i < nr; i++)
		q[i] = query_of(&s[i], s[i].ip);
	if (!ret) {
		q[nr] = query_of(s, s->addr);
		ret = mh_symtab_resolve(st, q, nr + 1, symbols, err);
	}
	if (!ret && (name_spots(row, s, nr, symbols) || name_line(row, &symbols[nr])))
		ret = no_memory(err);
	free(q);
	free(symbols);
	return ret;
}

static int by_contention(const void *x, const void *y)
{
	const struct mh_line *a = x, *b = y;
	uint64_t n = a->hitm_local + a->hitm_remote, m = b->hitm_local + b->hitm_remote;
	int d = -CMP(n, m);

	d = d ? d : -CMP(a->samples, b->samples);
	d = d ? d : CMP(a->pid, b->pid);
	return d ? d : CMP(a->addr, b->addr);
}

/* ---- the view ---- */

static int fill(struct work *w, const struct mh_symtab_opts *opts, struct mh_err *err)
{
	const struct part *p = w->p;
	struct mh_symtab *st = NULL;
	size_t i, end;
	int ret = MH_OK;

	w->uses = calloc(p->spots.nr + 1, sizeof(*w->uses));
	if (!w->uses)
		return no_memory(err);
	if (p->spots.nr)
		qsort(p->spots.v, p->spots.nr, sizeof(*p->spots.v), by_line);
	for (i = 0; !ret && i < p->spots.nr; i = end) {
		end = end_of_line(p, i);
		ret = add_row(w, i, end, err);
	}
	if (!ret)
		ret = mh_session_symtab(&st, w->s, opts, err);
	for (i = 0; !ret && i < w->out->nr_rows; i++)
		ret = name_row(w, st, i, err);
	mh_symtab_free(st);
	if (!ret && w->out->nr_rows)
		qsort(w->out->rows, w->out->nr_rows, sizeof(*w->out->rows),
		      by_contention);
	for (i = 0; i < p->spots.nr; i++)
		w->out->from.nr_samples += p->spots.v[i].samples;
	w->out->nr_left_out = p->nr_left_out;
	w->out->told = p->told;
	return ret;
}

static int collect(struct mh_analysis *a, const struct frame *f, struct mh_session *s,
		   const struct mh_session_source *src, struct mh_err *err)
{
	struct mh_filter filter;

	mh_session_filter(s, src, &filter);
	filter.kinds = 1u << MH_EV_SAMPLE;
	filter.columns = MH_COL_TIME | MH_COL_IP | MH_COL_ADDR | MH_COL_THREAD |
			 MH_COL_DATA_SRC | MH_COL_WEIGHT | MH_COL_OTHER;
	*a = (struct mh_analysis){ .arg = f,
				   .part_new = part_new,
				   .batch = part_batch,
				   .merge = part_merge,
				   .part_free = part_free };
	return mh_pass_run(s, &filter, a, 1, err);
}

int mh_lines_analyze(struct mh_lines *out, struct mh_session *s,
		     const struct mh_symtab_opts *opts, struct mh_err *err)
{
	const struct mh_session_source *src;
	struct frame f = { .session = s };
	struct work w = { .out = out, .s = s };
	struct mh_places at = { 0 };
	struct mh_analysis a = { 0 };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, 1u << MH_EV_SAMPLE, "table of cache lines", &src, err);
	if (!ret && s->opts.at) {
		ret = mh_places_of_maps(&at, s, err);
		f.at = &at;
	}
	if (!ret)
		ret = collect(&a, &f, s, src, err);
	if (!ret) {
		out->unit = mh_session_unit(src, false);
		mh_session_provenance(s, src, 1u << MH_EV_SAMPLE, &out->from);
		out->from.nr_samples = 0;
		w.p = a.part;
		ret = fill(&w, opts, err);
	}
	mh_pass_release(&a, 1);
	mh_places_fini(&at);
	free(w.uses);
	free(w.firsts.v);
	if (ret)
		mh_lines_fini(out);
	return ret;
}
