/* SPDX-License-Identifier: MIT */
/*
 * The view `hot`: which objects the accesses go to. An object is a static variable where
 * one can be named, the blocks that one line allocated where there is a heap log, else a
 * mapping; or what --by asks for.
 *
 * Everything becomes points: a sample's address, or a piece of address with the heat that
 * snapshots gave it. Pieces over static data are cut finely first, since one piece of
 * pages holds many variables; heat is spread evenly over a piece, as nothing tells more.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/blocks.h"
#include "analyze/density.h"
#include "analyze/moments.h"
#include "analyze/places.h"
#include "analyze/sites.h"
#include "analyze/sweep.h"
#include "base/vec.h"

#define PAGE       4096
#define LINE       64
#define PAGES_MAX  (1u << 20)
#define CUT_MIN    64        /* bytes: no piece of static data is cut finer */
#define POINTS_MAX (1 << 18) /* of static data, as far as the step can keep to it */

struct point {
	uint64_t key, addr, bytes; /* bytes 0: a sample */
	uint64_t ip, time_ns;
	double heat;
	uint32_t site; /* of the block; MH_NO_SITE */
	enum mh_hot_kind kind;
	uint64_t base; /* where the object begins, or what else tells it from others */
	uint64_t part; /* of the object: the member that code accesses; else 0 */
	bool exact;    /* ip is the access's own */
	struct mh_access_type type; /* by the code; only where --by type asks */
	struct mh_symbol symbol;
};

struct points {
	struct point *v;
	size_t nr, cap;
};

/* A region of the last snapshot of its space that has an age. */
struct aged {
	uint64_t key, at_ns;
	struct mh_range addr;
	uint64_t age_ns;
};

struct work {
	struct mh_session *s;
	struct {
		struct aged *v; /* by key, then address; disjoint */
		size_t nr, cap;
	} aged;
	const struct mh_session_source *src;
	struct mh_symtab *st;
	struct mh_blocks blocks;
	enum mh_hot_by by;
	struct points points;
	struct mh_symbol *code; /* of each point; NULL: no code addresses */
};

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for hot objects");
}

/* ---- names ---- */

static int resolve(struct mh_symtab *st, const struct points *p, bool code,
		   struct mh_symbol *out, struct mh_err *err)
{
	struct mh_symbol_query *q = calloc(p->nr + 1, sizeof(*q));
	size_t i;
	int ret = q ? MH_OK : no_memory(err);

	for (i = 0; !ret && i < p->nr; i++) {
		const struct point *at = &p->v[i];

		q[i].space = at->key & MH_KEY_UNKNOWN ? SIZE_MAX : (size_t)at->key;
		q[i].addr = code ? at->ip : at->addr;
		q[i].time_ns = at->time_ns;
	}
	if (!ret)
		ret = mh_symtab_resolve(st, q, p->nr, out, err);
	free(q);
	return ret;
}

static int name_points(struct mh_symtab *st, struct points *p, struct mh_err *err)
{
	struct mh_symbol *symbols = calloc(p->nr + 1, sizeof(*symbols));
	size_t i;
	int ret = symbols ? resolve(st, p, false, symbols, err) : no_memory(err);

	for (i = 0; !ret && i < p->nr; i++)
		p->v[i].symbol = symbols[i];
	free(symbols);
	return ret;
}

static bool is_variable(const struct mh_symbol *s)
{
	return s->kind == MH_SYMBOL_DATA && *s->name;
}

/* ---- points from samples ---- */

/* The kernel names the very instruction that faulted, though it sets no flag. */
static bool exact_source(const struct mh_session_source *src)
{
	return !strcmp(src->name, "faults");
}

static int from_samples(struct work *w, struct mh_hot *out,
			const struct mh_scan_opts *scan, struct mh_err *err)
{
	struct mh_sites_frame frame = { .session = w->s,
					.at = scan->at,
					.blocks = w->blocks.known ? &w->blocks : NULL,
					.by_addr = true };
	const struct mh_sites *sites;
	struct mh_analysis a = { 0 };
	struct mh_filter f;
	size_t i;
	int ret;

	mh_session_filter(w->s, w->src, &f);
	f.kinds = 1u << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_IP | MH_COL_ADDR | MH_COL_THREAD |
		    MH_COL_PERIOD | MH_COL_OTHER;
	ret = mh_sites_run(&a, w->s, &f, &frame, err);
	if (ret)
		return ret;
	sites = a.part;
	out->nr_left_out = sites->nr_left_out;
	for (i = 0; !ret && i < sites->sites.nr; i++) {
		const struct mh_site *s = &sites->sites.v[i];
		struct point *p = mh_vec_push(&w->points);

		if (!p)
			ret = no_memory(err);
		else
			*p = (struct point){ .key = s->key,
					     .addr = s->addr,
					     .ip = s->ip,
					     .time_ns = s->time_ns,
					     .site = s->block,
					     .exact = exact_source(w->src) ||
						      s->nr_exact == s->samples,
					     .heat = (double)s->periods };
		out->from.nr_samples += s->samples;
	}
	mh_pass_release(&a, 1);
	if (!ret)
		ret = name_points(w->st, &w->points, err);
	w->code = ret ? NULL : calloc(w->points.nr + 1, sizeof(*w->code));
	if (!ret)
		ret = w->code ? MH_OK : no_memory(err);
	return ret;
}

/* ---- points from snapshots ---- */

/* A piece, cut where mappings begin and end. */
static int add_piece(struct points *out, const struct mh_density_piece *piece,
		     const struct mh_places *places)
{
	uint64_t at = piece->addr.start;
	size_t i = mh_places_find(places, piece->key, at);

	while (at < piece->addr.end) {
		const struct mh_place *pl = i < places->nr ? &places->v[i] : NULL;
		bool inside = pl && pl->key == piece->key && pl->addr.start <= at;
		uint64_t end = piece->addr.end;
		struct point *p = mh_vec_push(out);

		if (!p)
			return -1;
		if (inside && pl->addr.end < end)
			end = pl->addr.end;
		else if (!inside && pl && pl->key == piece->key && pl->addr.start < end)
			end = pl->addr.start;
		*p = (struct point){
			.key = piece->key,
			.addr = at,
			.bytes = end - at,
			.time_ns = inside && pl->mapping ? pl->mapping->time_ns.start : 0,
			.site = MH_NO_SITE,
			.heat = piece->per_byte * (double)(end - at),
		};
		at = end;
		i += inside;
	}
	return 0;
}

/* The part of a piece from @off on, as a point of its own. */
static int add_part(struct points *out, const struct point *of, uint64_t off,
		    uint64_t bytes, uint32_t site)
{
	struct point *to = mh_vec_push(out);

	if (!to)
		return -1;
	*to = *of;
	to->addr += off;
	to->bytes = bytes;
	to->heat = of->heat * (double)bytes / (double)of->bytes;
	to->site = site;
	return 0;
}

static int cut_by(struct points *out, const struct point *at, uint64_t by)
{
	uint64_t off;

	for (off = 0; off < at->bytes; off += by) {
		if (add_part(out, at, off, at->bytes - off < by ? at->bytes - off : by,
			     at->site))
			return -1;
	}
	return 0;
}

/* Where blocks begin and end; over all of the time, so the one that was there longest. */
static int cut_by_blocks(struct points *out, const struct point *at,
			 const struct mh_blocks *blocks)
{
	uint64_t off = 0, next;

	for (; off < at->bytes; off = next) {
		uint64_t addr = at->addr + off;

		next = mh_blocks_next_bound(blocks, at->key, addr) - at->addr;
		if (next > at->bytes)
			next = at->bytes;
		if (add_part(out, at, off, next - off,
			     mh_blocks_usual_site(blocks, at->key, addr)))
			return -1;
	}
	return 0;
}

/* Replace pieces over static data and over blocks by finer ones. */
static int cut_points(struct points *p, const struct mh_blocks *blocks)
{
	struct points fine = { 0 };
	uint64_t bytes = 0, step = CUT_MIN;
	size_t i;
	int failed = 0;

	for (i = 0; i < p->nr; i++)
		bytes += p->v[i].symbol.kind == MH_SYMBOL_DATA ? p->v[i].bytes : 0;
	while (bytes / step > POINTS_MAX)
		step *= 2;
	for (i = 0; !failed && i < p->nr; i++) {
		const struct point *at = &p->v[i];

		if (at->symbol.kind == MH_SYMBOL_DATA)
			failed = cut_by(&fine, at, step);
		else
			failed = cut_by_blocks(&fine, at, blocks);
	}
	if (failed) {
		free(fine.v);
		return -1;
	}
	free(p->v);
	*p = fine;
	return 0;
}

/* Every page by itself. */
static int cut_pages(struct points *p, struct mh_err *err)
{
	struct points fine = { 0 };
	uint64_t pages = 0;
	size_t i;

	for (i = 0; i < p->nr; i++)
		pages += p->v[i].bytes / PAGE + 1;
	if (pages > PAGES_MAX)
		return mh_fail(err, MH_EINPUT,
			       "--by page: that would be some %" PRIu64 " rows; choose "
			       "fewer by --addr, --at or --min-rate",
			       pages);
	for (i = 0; i < p->nr; i++) {
		struct point at = p->v[i];
		uint64_t head = PAGE - at.addr % PAGE;

		if (head > at.bytes)
			head = at.bytes;
		if (add_part(&fine, &p->v[i], 0, head, at.site)) {
			free(fine.v);
			return no_memory(err);
		}
		at.addr += head;
		at.bytes -= head;
		at.heat *= (double)at.bytes / (double)(at.bytes + head);
		if (at.bytes && cut_by(&fine, &at, PAGE)) {
			free(fine.v);
			return no_memory(err);
		}
	}
	free(p->v);
	*p = fine;
	return MH_OK;
}

static int from_snapshots(struct work *w, const struct mh_scan_opts *scan,
			  const struct mh_places *places, struct mh_err *err)
{
	struct mh_density d = { 0 };
	struct mh_analysis a;
	struct mh_filter f;
	size_t i;
	int ret;

	mh_session_filter(w->s, w->src, &f);
	f.kinds = 1u << mh_session_data_kind(w->src);
	mh_density_analysis(&a, scan);
	ret = mh_pass_run(w->s, &f, &a, 1, err);
	if (ret)
		return ret;
	ret = mh_density_take(&d, &a, false, err);
	for (i = 0; !ret && i < d.pieces.nr; i++) {
		if (add_piece(&w->points, &d.pieces.v[i], places))
			ret = no_memory(err);
	}
	mh_density_fini(&d);
	if (!ret)
		ret = name_points(w->st, &w->points, err);
	if (!ret && w->by == MH_HOT_BY_PAGE)
		ret = cut_pages(&w->points, err);
	else if (!ret && cut_points(&w->points, &w->blocks))
		ret = no_memory(err);
	return ret ? ret : name_points(w->st, &w->points, err);
}

/* ---- ages ---- */

static int see_age(void *arg, const struct mh_snap *snap, const struct mh_scan_row *row)
{
	struct work *w = arg;
	struct aged *a;

	if (row->age == MH_NO_AGE || !snap->aggr_ns)
		return 0;
	a = mh_vec_push(&w->aged);
	if (!a)
		return -1;
	*a = (struct aged){ snap->key, snap->time_ns.end, row->addr,
			    row->age * snap->aggr_ns };
	return 0;
}

/* Of each space only the last snapshot counts: what was collected before goes. */
static int begin_snapshot(void *arg, const struct mh_snap *snap)
{
	struct work *w = arg;
	size_t i, n = 0;

	for (i = 0; i < w->aged.nr; i++) {
		const struct aged *a = &w->aged.v[i];

		if (a->key != snap->key || a->at_ns == snap->time_ns.end)
			w->aged.v[n++] = *a;
	}
	w->aged.nr = n;
	return 0;
}

static int by_aged(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->addr.start < y->addr.start ? -1 : x->addr.start > y->addr.start;
}

static int read_ages(struct work *w, struct mh_err *err)
{
	static const struct mh_scan_ops ops = { begin_snapshot, see_age };
	struct mh_sweep sweep = { 0 };
	int ret = mh_sweep_init(&sweep, w->s, "table of hot objects", err);

	if (!ret)
		ret = mh_sweep_run(&sweep, &ops, w, err);
	mh_sweep_fini(&sweep);
	if (w->aged.nr)
		qsort(w->aged.v, w->aged.nr, sizeof(*w->aged.v), by_aged);
	return ret;
}

/* Adds what overlaps a point: bytes, and bytes times age. */
static void add_age(const struct work *w, const struct point *p, double *bytes,
		    double *sum)
{
	size_t lo = 0, hi = w->aged.nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct aged *a = &w->aged.v[mid];

		if (a->key < p->key || (a->key == p->key && a->addr.end <= p->addr))
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < w->aged.nr && w->aged.v[lo].key == p->key; lo++) {
		struct mh_range r = w->aged.v[lo].addr;

		if (r.start >= p->addr + p->bytes)
			break;
		r.start = r.start < p->addr ? p->addr : r.start;
		r.end = r.end > p->addr + p->bytes ? p->addr + p->bytes : r.end;
		*bytes += (double)mh_range_len(r);
		*sum += (double)mh_range_len(r) * (double)w->aged.v[lo].age_ns;
	}
}

/* ---- types by code ---- */

/* What no variable names may have a type by the code that accesses it. */
static int type_points(struct work *w, struct mh_err *err)
{
	size_t nr = w->points.nr, i;
	struct mh_access_type *types = calloc(nr + 1, sizeof(*types));
	int ret = types ? resolve(w->st, &w->points, true, w->code, err) : no_memory(err);

	/* Neither are types of variables wanted, nor of places that are not exact. */
	for (i = 0; !ret && i < nr; i++) {
		if (is_variable(&w->points.v[i].symbol) || !w->points.v[i].exact)
			w->code[i].kind = MH_SYMBOL_NONE;
	}
	if (!ret)
		ret = mh_symtab_access_types(w->st, w->code, nr, types, err);
	for (i = 0; !ret && i < nr; i++) {
		w->points.v[i].type = types[i];
		if (!w->points.v[i].exact)
			w->points.v[i].type.why = MH_UNTYPED_SKID;
	}
	free(types);
	return ret;
}

static int by_untyped_share(const void *a, const void *b)
{
	const struct mh_hot_untyped *x = a, *y = b;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	return strcmp(x->why, y->why);
}

static int count_types(struct mh_hot *out, const struct work *w, struct mh_err *err)
{
	double heat[MH_NR_UNTYPED] = { 0 }, all = 0;
	size_t i;

	for (i = 0; i < w->points.nr; i++) {
		const struct point *p = &w->points.v[i];

		all += p->heat;
		if (!is_variable(&p->symbol))
			heat[p->type.why] += p->heat;
	}
	out->untyped = calloc(MH_NR_UNTYPED, sizeof(*out->untyped));
	if (!out->untyped)
		return no_memory(err);
	out->by_code = all > 0 ? heat[MH_TYPED] / all : 0;
	for (i = MH_TYPED + 1; i < MH_NR_UNTYPED; i++) {
		if (heat[i] > 0)
			out->untyped[out->nr_untyped++] = (struct mh_hot_untyped){
				mh_untyped_words((enum mh_untyped)i), heat[i] / all
			};
	}
	qsort(out->untyped, out->nr_untyped, sizeof(*out->untyped), by_untyped_share);
	return MH_OK;
}

/* ---- rows ---- */

static int by_object(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* What a point belongs to, as --by asks. */
static void find_object(const struct work *w, struct point *p)
{
	const struct mh_symbol *s = &p->symbol;
	enum mh_hot_by by = w->by;

	p->kind = MH_HOT_MAPPING;
	p->base = s->mapping ? s->mapping->addr.start : 0;
	if (by == MH_HOT_BY_PAGE || by == MH_HOT_BY_LINE) {
		p->kind = by == MH_HOT_BY_PAGE ? MH_HOT_PAGE : MH_HOT_LINE;
		p->base = p->addr - p->addr % (by == MH_HOT_BY_PAGE ? PAGE : LINE);
	} else if (by == MH_HOT_BY_TYPE && is_variable(s) && *s->type) {
		/* Strings of one symtab are kept once. */
		p->kind = MH_HOT_TYPE;
		p->base = (uintptr_t)s->type;
	} else if (by == MH_HOT_BY_TYPE && p->type.type && *p->type.type) {
		p->kind = MH_HOT_TYPE;
		p->base = (uintptr_t)p->type.type;
		p->part = (uintptr_t)(p->type.why == MH_TYPED
					      ? p->type.member
					      : mh_untyped_words(p->type.why));
	} else if (by == MH_HOT_BY_SYMBOL && is_variable(s)) {
		p->kind = MH_HOT_VARIABLE;
		p->base = p->addr - s->offset;
	} else if ((by == MH_HOT_BY_SYMBOL || by == MH_HOT_BY_SITE) &&
		   p->site != MH_NO_SITE) {
		p->kind = MH_HOT_SITE;
		p->base = p->site;
	}
}

static void find_objects(struct work *w)
{
	size_t i;

	for (i = 0; i < w->points.nr; i++)
		find_object(w, &w->points.v[i]);
	if (w->points.nr)
		qsort(w->points.v, w->points.nr, sizeof(*w->points.v), by_object);
}

/* Unnamed bytes at the start of a mapping are not the variable that begins there. */
static bool same_object(const struct point *a, const struct point *b)
{
	return a->key == b->key && a->base == b->base && a->kind == b->kind &&
	       a->part == b->part;
}

struct caller {
	const struct mh_symbol *symbol;
	double heat;
};

static int by_function(const void *a, const void *b)
{
	const struct mh_symbol *x = ((const struct caller *)a)->symbol;
	const struct mh_symbol *y = ((const struct caller *)b)->symbol;
	int d = strcmp(x->name, y->name);

	d = d ? d : strcmp(x->file, y->file);
	return d ? d : (x->line > y->line) - (x->line < y->line);
}

static int by_heat(const void *a, const void *b)
{
	const struct caller *x = a, *y = b;

	if (x->heat != y->heat)
		return x->heat > y->heat ? -1 : 1;
	return by_function(a, b);
}

static int accessors(struct mh_hot_row *row, const struct mh_symbol *code,
		     const struct point *p, size_t nr, double heat)
{
	struct caller *v = calloc(nr + 1, sizeof(*v));
	size_t i, n = 0;

	if (!v)
		return -1;
	for (i = 0; i < nr; i++)
		v[i] = (struct caller){ &code[i], p[i].heat };
	qsort(v, nr, sizeof(*v), by_function);
	for (i = 0; i < nr; i++) {
		if (n && !by_function(&v[n - 1], &v[i]))
			v[n - 1].heat += v[i].heat;
		else
			v[n++] = v[i];
	}
	qsort(v, n, sizeof(*v), by_heat);
	for (i = 0; i < n && row->nr_accessors < MH_HOT_ACCESSORS; i++) {
		struct mh_hot_accessor *a = &row->accessors[row->nr_accessors];

		if (!*v[i].symbol->name)
			continue;
		row->nr_accessors++;
		a->function = strdup(v[i].symbol->name);
		a->file = strdup(v[i].symbol->file);
		a->line = v[i].symbol->line;
		a->share = v[i].heat / heat;
		if (!a->function || !a->file)
			break;
	}
	n = i < n && row->nr_accessors < MH_HOT_ACCESSORS;
	free(v);
	return n ? -1 : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The words of a row but for its mapping. */
struct words {
	const char *object, *symbol, *type, *member, *file, *why;
	uint32_t line;
};

static struct words words_of(const struct work *w, const struct point *p,
			     const char *mapping)
{
	const struct mh_symbol *s = &p->symbol;
	const struct mh_block_site *site =
		p->site != MH_NO_SITE ? &w->blocks.sites.v[p->site] : NULL;

	if (p->kind == MH_HOT_TYPE && !is_variable(s))
		return (struct words){ .object = mapping,
				       .type = p->type.type,
				       .member = p->type.member,
				       .why = p->type.why == MH_TYPED
						      ? ""
						      : mh_untyped_words(p->type.why) };
	if (p->kind == MH_HOT_TYPE)
		return (struct words){ .object = s->module, .type = s->type };
	if (p->kind != MH_HOT_MAPPING && p->kind != MH_HOT_SITE && is_variable(s))
		return (struct words){ .object = s->module,
				       .symbol = s->name,
				       .type = s->type,
				       .file = s->file,
				       .line = s->line };
	if (p->kind != MH_HOT_MAPPING && site)
		return (struct words){ .object = mapping,
				       .symbol = site->function,
				       .file = site->file,
				       .line = site->line };
	return (struct words){ .object = mapping,
			       .why = s->why == MH_NAMED ? "not a variable"
							 : mh_unnamed_words(s->why) };
}

static char *keep(const char *s)
{
	return strdup(s ? s : "");
}

static int name_row(struct mh_hot_row *row, const struct work *w, const struct point *p)
{
	const struct mh_symbol *s = &p->symbol;
	char mapping[256] = "";
	struct words words;

	if (s->mapping)
		mh_mapping_name(s->mapping, mapping, sizeof(mapping));
	/* .bss is anonymous to the kernel; a person looks for the program's name. */
	if (is_variable(s) && *s->section && p->kind != MH_HOT_MAPPING)
		snprintf(mapping, sizeof(mapping), "%.180s %.60s", base_name(s->module),
			 s->section);
	words = words_of(w, p, mapping);
	row->mapping = strdup(mapping);
	row->object = keep(words.object);
	row->symbol = keep(words.symbol);
	row->type = keep(words.type);
	row->member = keep(words.member);
	row->file = keep(words.file);
	row->line = words.line;
	row->why = keep(words.why);
	return row->mapping && row->object && row->symbol && row->type && row->member &&
			       row->file && row->why
		       ? 0
		       : -1;
}

/* The point that gave a row most, for its name; a page may hold several objects. */
static const struct point *hottest(const struct point *from, const struct point *to)
{
	const struct point *best = from;

	for (; from < to; from++) {
		if (from->heat > best->heat)
			best = from;
	}
	return best;
}

static void place_row(struct mh_hot_row *row, const struct work *w,
		      const struct point *first)
{
	if (first->kind == MH_HOT_VARIABLE) {
		row->addr.start = first->base;
		row->addr.end = first->base + first->symbol.size;
		row->bytes = first->symbol.size;
	} else if (first->kind == MH_HOT_SITE) {
		row->bytes = w->blocks.sites.v[first->site].peak;
	} else if (first->kind == MH_HOT_PAGE || first->kind == MH_HOT_LINE) {
		row->bytes = first->kind == MH_HOT_PAGE ? PAGE : LINE;
		row->addr.start = first->base;
		row->addr.end = first->base + row->bytes;
	}
}

static int make_row(struct mh_hot_row *row, struct work *w, size_t from, size_t to)
{
	const struct point *first = &w->points.v[from], *p;
	uint64_t bytes = 0, end = 0;
	double ns = (double)mh_range_len(w->src->time_ns), aged = 0, age = 0;

	row->kind = first->kind;
	row->pid = mh_key_pid(w->s->maps, first->key);
	for (p = first; p < &w->points.v[to]; p++) {
		row->share += p->heat;
		bytes += p->bytes;
		add_age(w, p, &aged, &age);
		if (p->addr + (p->bytes ? p->bytes : 1) > end)
			end = p->addr + (p->bytes ? p->bytes : 1);
	}
	row->rate = bytes && ns > 0 ? row->share / ((double)bytes * ns) : NAN;
	row->bytes = bytes ? bytes : MH_NO_DATA;
	row->age_ns = aged > 0 ? (uint64_t)(age / aged) : MH_NO_DATA;
	row->addr = (struct mh_range){ first->addr, end };
	place_row(row, w, first);
	if (name_row(row, w, hottest(first, p)))
		return -1;
	return w->code ? accessors(row, w->code + from, first, to - from, row->share) : 0;
}

static int by_share(const void *a, const void *b)
{
	const struct mh_hot_row *x = a, *y = b;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->addr.start < y->addr.start ? -1 : x->addr.start > y->addr.start;
}

static int make_rows(struct mh_hot *out, struct work *w, struct mh_err *err)
{
	size_t i, next, nr = w->points.nr;
	double all = 0, cum = 0;
	int ret = MH_OK;

	if (w->by == MH_HOT_BY_TYPE && w->code) {
		ret = type_points(w, err);
		if (!ret)
			ret = count_types(out, w, err);
	}
	find_objects(w);
	if (!ret && w->code)
		ret = resolve(w->st, &w->points, true, w->code, err);
	out->rows = ret ? NULL : calloc(nr + 1, sizeof(*out->rows));
	if (!out->rows)
		return ret ? ret : no_memory(err);
	for (i = 0; i < nr; i = next) {
		for (next = i + 1; next < nr; next++) {
			if (!same_object(&w->points.v[i], &w->points.v[next]))
				break;
		}
		if (make_row(&out->rows[out->nr_rows++], w, i, next))
			return no_memory(err);
	}
	qsort(out->rows, out->nr_rows, sizeof(*out->rows), by_share);
	for (i = 0; i < out->nr_rows; i++)
		all += out->rows[i].share;
	for (i = 0; i < out->nr_rows; i++) {
		out->rows[i].share /= all;
		cum += out->rows[i].share;
		out->rows[i].cum = cum;
	}
	return MH_OK;
}

int mh_hot_analyze(struct mh_hot *out, struct mh_session *s,
		   const struct mh_hot_opts *opts, struct mh_err *err)
{
	const struct mh_symtab_opts *names = opts ? opts->names : NULL;
	struct work w = { .s = s, .by = opts ? opts->by : MH_HOT_BY_SYMBOL };
	struct mh_scan_opts scan = { .session = s };
	struct mh_places places = { 0 };
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, MH_DATA_KINDS, "table of hot objects", &w.src, err);
	if (ret)
		return ret;
	mh_session_provenance(s, w.src, 1u << mh_session_data_kind(w.src), &out->from);
	out->unit = mh_session_unit(w.src, mh_session_data_kind(w.src) == MH_EV_REGION);
	out->from.nr_samples = 0;
	if (w.by == MH_HOT_BY_LINE && mh_session_data_kind(w.src) != MH_EV_SAMPLE)
		return mh_fail(
			err, MH_EINPUT,
			"--by line: %s tells of pages at best; lines of caches need "
			"samples (mem, faults)",
			w.src->name);
	ret = mh_session_symtab(&w.st, s, names, err);
	if (!ret)
		ret = mh_blocks_read(&w.blocks, s, names, err);
	out->heap_known = w.blocks.known;
	out->heap_lost = s->heap_lost + w.blocks.nr_left_out;
	if (!ret)
		ret = mh_places_of_maps(&places, s, err);
	if (!ret && s->opts.at)
		scan.at = &places;
	if (!ret)
		ret = mh_moments_skip(&scan, w.src, mh_session_data_kind(w.src), s, err);
	if (!ret)
		ret = mh_session_data_kind(w.src) == MH_EV_SAMPLE
			      ? from_samples(&w, out, &scan, err)
			      : from_snapshots(&w, &scan, &places, err);
	if (!ret && mh_session_data_kind(w.src) == MH_EV_REGION)
		ret = read_ages(&w, err);
	if (!ret)
		ret = make_rows(out, &w, err);
	mh_symtab_free(w.st);
	mh_blocks_fini(&w.blocks);
	mh_places_fini(&places);
	free(w.points.v);
	free(w.aged.v);
	free(w.code);
	if (ret)
		mh_hot_fini(out);
	return ret;
}
