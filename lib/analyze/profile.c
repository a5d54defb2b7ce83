/* SPDX-License-Identifier: MIT */
/*
 * The view `profile`: which instruction accessed which address how often, with every code
 * address, variable and file described once. It is what the tools of others are fed with.
 *
 * Sites of one pass are numbered twice, by their code and by their data, and what is
 * distinct is named in one go. Strings stay with the symtab, which the view keeps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/view.h>

#include "analyze/bias.h"
#include "analyze/calls.h"
#include "analyze/loads.h"
#include "analyze/places.h"
#include "analyze/sites.h"

#define COMM_MAX 15 /* the kernel cuts names of processes */

/* Distinct addresses of code, or of data, in the order of spaces and addresses. */
struct side {
	struct mh_symbol_query *queries;
	uint64_t *keys;
	struct mh_symbol *symbols;
	uint32_t *of_site; /* index of each site's; of code, then of each call's */
	size_t nr;
};

struct work {
	struct mh_profile *out;
	struct mh_session *s;
	struct mh_symtab *st;
	const struct mh_site *sites;
	size_t nr;
	struct mh_calls calls;
	uint32_t *caller_of; /* of each site: its call */
	struct side code, data;
	const struct mh_mapping **mappings; /* of out->maps */
	uint32_t *object_of;                /* of each of data */
};

/* What the view keeps of others until it goes. */
struct kept {
	struct mh_symtab *st;
	struct mh_profile_frame *frames;
};

static void kept_free(void *arg)
{
	struct kept *kept = arg;

	mh_symtab_free(kept->st);
	free(kept->frames);
	free(kept);
}

static int no_memory(struct mh_err *err)
{
	return mh_fail(err, MH_ENOMEM, "no memory for the profile");
}

/* ---- what is distinct ---- */

struct place {
	uint64_t key, addr;
	uint32_t code; /* which generated function was there; of data 0 */
	uint32_t site;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return (x->site > y->site) - (x->site < y->site);
}

static uint64_t time_of(const struct work *w, uint32_t site)
{
	return site < w->nr ? w->sites[site].time_ns
			    : w->calls.list.v[site - w->nr].time_ns;
}

static void add_query(struct side *side, const struct place *p, uint64_t time_ns)
{
	side->keys[side->nr] = p->key;
	side->queries[side->nr++] = (struct mh_symbol_query){
		.space = p->key & MH_KEY_UNKNOWN ? SIZE_MAX : (size_t)p->key,
		.addr = p->addr,
		.time_ns = time_ns
	};
}

static int side_make(struct side *side, const struct work *w, bool code,
		     struct mh_err *err)
{
	size_t i, nr = w->nr + (code ? w->calls.list.nr : 0);
	struct place *places = calloc(nr + 1, sizeof(*places));
	int ret = MH_OK;

	side->queries = calloc(nr + 1, sizeof(*side->queries));
	side->keys = calloc(nr + 1, sizeof(*side->keys));
	side->of_site = calloc(nr + 1, sizeof(*side->of_site));
	if (!places || !side->queries || !side->keys || !side->of_site) {
		free(places);
		return no_memory(err);
	}
	for (i = 0; i < w->nr; i++)
		places[i] = (struct place){ w->sites[i].key,
					    code ? w->sites[i].ip : w->sites[i].addr,
					    code ? w->sites[i].code : 0, (uint32_t)i };
	for (; i < nr; i++) {
		const struct mh_call *c = &w->calls.list.v[i - w->nr];

		places[i] = (struct place){ c->key, c->ip,
					    mh_code_at(w->s, c->key, c->ip, c->time_ns),
					    (uint32_t)i };
	}
	qsort(places, nr, sizeof(*places), by_place);
	for (i = 0; i < nr; i++) {
		if (!i || places[i].key != places[i - 1].key ||
		    places[i].addr != places[i - 1].addr ||
		    places[i].code != places[i - 1].code)
			add_query(side, &places[i], time_of(w, places[i].site));
		side->of_site[places[i].site] = (uint32_t)side->nr - 1;
	}
	free(places);
	side->symbols = calloc(side->nr + 1, sizeof(*side->symbols));
	if (!side->symbols)
		return no_memory(err);
	ret = mh_symtab_resolve(w->st, side->queries, side->nr, side->symbols, err);
	return ret;
}

static void side_fini(struct side *side)
{
	free(side->queries);
	free(side->keys);
	free(side->of_site);
	free(side->symbols);
}

/* ---- modules and maps ---- */

static int make_modules(struct work *w)
{
	size_t i, nr = mh_symtab_nr_modules(w->st);

	w->out->modules = calloc(nr + 1, sizeof(*w->out->modules));
	if (!w->out->modules)
		return -1;
	for (i = 0; i < nr; i++) {
		struct mh_symtab_module m = mh_symtab_module(w->st, i);

		w->out->modules[i] = (struct mh_profile_module){
			.path = m.path,
			.build_id = m.build_id,
			.why = m.why == MH_NAMED || m.why == MH_UNNAMED_NO_DEBUG
				       ? ""
				       : mh_unnamed_words(m.why)
		};
	}
	w->out->nr_modules = nr;
	return 0;
}

static int by_mapping(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (const struct mh_mapping *const *)a;
	uintptr_t y = (uintptr_t) * (const struct mh_mapping *const *)b;

	return (x > y) - (x < y);
}

static uint32_t map_of(const struct work *w, const struct mh_mapping *m)
{
	const struct mh_mapping **at;

	if (!m)
		return MH_PROFILE_NONE;
	at = bsearch(&m, w->mappings, w->out->nr_maps, sizeof(m), by_mapping);
	return (uint32_t)(at - w->mappings);
}

static int make_maps(struct work *w)
{
	size_t all = w->code.nr + w->data.nr, i, nr = 0;
	const struct mh_mapping **v = calloc(all + 1, sizeof(*v));

	w->mappings = v;
	w->out->maps = calloc(all + 1, sizeof(*w->out->maps));
	if (!v || !w->out->maps)
		return -1;
	for (i = 0; i < all; i++) {
		const struct mh_symbol *s = i < w->code.nr
						    ? &w->code.symbols[i]
						    : &w->data.symbols[i - w->code.nr];

		if (s->mapping)
			v[nr++] = s->mapping;
	}
	if (nr)
		qsort(v, nr, sizeof(*v), by_mapping);
	for (all = nr, nr = i = 0; i < all; i++) {
		if (i && v[i] == v[nr - 1])
			continue;
		v[nr++] = v[i];
	}
	for (i = 0; i < nr; i++) {
		struct mh_profile_map *map = &w->out->maps[i];

		map->pid = mh_maps_space(w->s->maps, v[i]->space)->pid;
		map->addr = v[i]->addr;
		map->pgoff = v[i]->pgoff;
		map->path = v[i]->path;
		map->build_id = v[i]->build_id;
		map->code = v[i]->prot & 4;
		mh_mapping_name(v[i], map->name, sizeof(map->name));
	}
	w->out->nr_maps = nr;
	return 0;
}

/* ---- codes ---- */

static int make_codes(struct work *w, struct kept *kept)
{
	size_t i, f, nr_frames = 0;

	for (i = 0; i < w->code.nr; i++)
		nr_frames += w->code.symbols[i].nr_frames;
	kept->frames = calloc(nr_frames + 1, sizeof(*kept->frames));
	w->out->codes = calloc(w->code.nr + 1, sizeof(*w->out->codes));
	if (!kept->frames || !w->out->codes)
		return -1;
	for (nr_frames = i = 0; i < w->code.nr; i++) {
		const struct mh_symbol *s = &w->code.symbols[i];
		struct mh_profile_frame *frames = &kept->frames[nr_frames];

		w->out->codes[i] = (struct mh_profile_code){
			.addr = w->code.queries[i].addr,
			.vaddr = s->vaddr,
			.pid = mh_key_pid(w->s->maps, w->code.keys[i]),
			.module = s->module_index,
			.map = map_of(w, s->mapping),
			.symbol = s->linkage,
			.offset = s->linkage_offset,
			.nr_frames = *s->name ? s->nr_frames : 0,
			.frames = frames,
			.why = s->why == MH_NAMED ? "" : mh_unnamed_words(s->why)
		};
		for (f = 0; f < s->nr_frames; f++)
			frames[f] = (struct mh_profile_frame){
				.function = s->frames[f].function,
				.file = s->frames[f].file,
				.line = s->frames[f].line,
				.start_line = s->frames[f].start_line,
				.discriminator = s->frames[f].discriminator
			};
		nr_frames += s->nr_frames;
	}
	w->out->nr_codes = w->code.nr;
	return 0;
}

/* ---- objects ---- */

static bool is_variable(const struct mh_symbol *s)
{
	return s->kind == MH_SYMBOL_DATA && *s->name;
}

static void describe(struct mh_profile_object *o, const struct work *w, size_t i)
{
	const struct mh_symbol *s = &w->data.symbols[i];
	const struct mh_profile_map *map =
		s->mapping ? &w->out->maps[map_of(w, s->mapping)] : NULL;

	*o = (struct mh_profile_object){ .pid = mh_key_pid(w->s->maps, w->data.keys[i]),
					 .module = s->module_index,
					 .name = map ? map->name : "[not mapped]",
					 .symbol = "",
					 .section = s->section,
					 .type = "",
					 .file = "",
					 .addr = map ? map->addr.start : 0,
					 .size = map ? mh_range_len(map->addr) : 0,
					 .why = s->kind == MH_SYMBOL_CODE ? "code"
						: s->why == MH_NAMED
							? "not a variable"
							: mh_unnamed_words(s->why) };
	if (!is_variable(s))
		return;
	o->variable = true;
	o->name = s->name;
	o->symbol = s->linkage;
	o->type = s->type;
	o->file = s->file;
	o->line = s->line;
	o->addr = w->data.queries[i].addr - s->offset;
	o->size = s->size;
	o->vaddr = s->vaddr - s->linkage_offset;
	o->why = "";
}

/* Addresses ascend, so those of one variable stand together; what is no variable belongs
 * to its mapping, with others in between. */
static int make_objects(struct work *w)
{
	uint32_t *of_map = malloc((w->out->nr_maps + 1) * sizeof(*of_map));
	uint64_t base = 0, key = 0;
	uint32_t last = MH_PROFILE_NONE, *to;
	size_t i;

	w->object_of = calloc(w->data.nr + 1, sizeof(*w->object_of));
	w->out->objects = calloc(w->data.nr + 1, sizeof(*w->out->objects));
	if (!of_map || !w->object_of || !w->out->objects) {
		free(of_map);
		return -1;
	}
	memset(of_map, 0xff, (w->out->nr_maps + 1) * sizeof(*of_map));
	for (i = 0; i < w->data.nr; i++) {
		const struct mh_symbol *s = &w->data.symbols[i];
		uint64_t at = w->data.queries[i].addr - s->offset;

		if (is_variable(s)) {
			if (at != base || w->data.keys[i] != key)
				last = MH_PROFILE_NONE;
			base = at;
			key = w->data.keys[i];
			to = &last;
		} else {
			uint32_t map = map_of(w, s->mapping);

			to = &of_map[map == MH_PROFILE_NONE ? w->out->nr_maps : map];
		}
		if (*to == MH_PROFILE_NONE) {
			*to = (uint32_t)w->out->nr_objects++;
			describe(&w->out->objects[*to], w, i);
		}
		w->object_of[i] = *to;
	}
	free(of_map);
	return 0;
}

/* ---- callers ---- */

static int make_callers(struct work *w)
{
	struct mh_profile *p = w->out;
	size_t i;

	p->callers = calloc(w->calls.list.nr + 1, sizeof(*p->callers));
	if (!p->callers)
		return -1;
	p->nr_callers = w->calls.list.nr;
	for (i = 0; i < p->nr_callers; i++)
		p->callers[i] =
			(struct mh_profile_caller){ .code = w->code.of_site[w->nr + i],
						    .parent = w->calls.list.v[i].parent };
	return 0;
}

/* ---- rows ---- */

static int by_code(const void *a, const void *b)
{
	const struct mh_profile_row *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->caller != y->caller)
		return x->caller < y->caller ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->level > y->level) - (x->level < y->level);
}

static void count_module(struct mh_profile *p, uint32_t module, uint64_t samples)
{
	if (module != MH_NO_MODULE)
		p->modules[module].samples += samples;
}

static int make_rows(struct work *w)
{
	struct mh_profile *p = w->out;
	size_t i;

	p->rows = calloc(w->nr + 1, sizeof(*p->rows));
	if (!p->rows)
		return -1;
	for (i = 0; i < w->nr; i++) {
		const struct mh_site *s = &w->sites[i];
		struct mh_profile_row *row = &p->rows[i];

		row->code = s->ip ? w->code.of_site[i] : MH_PROFILE_NONE;
		row->object = w->object_of[w->data.of_site[i]];
		row->caller = w->caller_of ? w->caller_of[i] : MH_PROFILE_NONE;
		row->addr = s->addr;
		row->level = s->level;
		row->samples = s->samples;
		row->events = s->periods;
		row->cycles = s->weight;
		p->nr_samples += s->samples;
		p->nr_chained += row->caller == MH_PROFILE_NONE ? 0 : s->samples;
		p->has_cycles |= s->weight != 0;
		p->has_level |= s->level != 0;
		if (s->ip) {
			const struct mh_profile_code *c = &p->codes[row->code];

			count_module(p, c->module, s->samples);
			p->nr_unnamed_code += c->nr_frames ? 0 : s->samples;
		}
		count_module(p, p->objects[row->object].module, s->samples);
		p->nr_unnamed_data += p->objects[row->object].variable ? 0 : s->samples;
	}
	p->nr_rows = w->nr;
	qsort(p->rows, p->nr_rows, sizeof(*p->rows), by_code);
	return 0;
}

struct grain {
	uint64_t key, number; /* of the process; of the line or page */
	uint64_t events;
	uint32_t row;
};

static int by_grain(const void *a, const void *b)
{
	const struct grain *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->events != y->events)
		return x->events > y->events ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static int count_bytes(struct mh_profile *p)
{
	struct grain *v = calloc(p->nr_rows + 1, sizeof(*v));
	size_t i;

	if (!v)
		return -1;
	for (i = 0; i < p->nr_rows; i++)
		v[i] = (struct grain){ p->objects[p->rows[i].object].pid,
				       p->rows[i].addr / p->grain, p->rows[i].events,
				       (uint32_t)i };
	qsort(v, p->nr_rows, sizeof(*v), by_grain);
	for (i = 0; i < p->nr_rows; i++) {
		if (!i || v[i].key != v[i - 1].key || v[i].number != v[i - 1].number)
			p->rows[v[i].row].bytes = p->grain;
	}
	free(v);
	return 0;
}

/* ---- the program and its symbols ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* A process is called as its program, up to the length that the kernel keeps. */
static bool is_program(const struct work *w, const char *path)
{
	const char *name = base_name(path);
	size_t i;

	for (i = 0; i < mh_maps_nr_spaces(w->s->maps); i++) {
		const char *comm = mh_maps_space(w->s->maps, i)->comm;

		if (*comm && !strncmp(comm, name, COMM_MAX) &&
		    (strlen(comm) == COMM_MAX || !strcmp(comm, name)))
			return true;
	}
	return false;
}

static int choose_program(struct work *w, const char *wanted, struct mh_err *err)
{
	struct mh_profile *p = w->out;
	uint64_t most = 0;
	bool named = false;
	size_t i;

	p->program = MH_PROFILE_NONE;
	for (i = 0; i < p->nr_modules; i++) {
		const struct mh_profile_module *m = &p->modules[i];
		bool fits =
			wanted ? strstr(m->path, wanted) != NULL : is_program(w, m->path);

		if (*m->path != '/' || (wanted && !fits) || (named && !fits))
			continue;
		if (p->program == MH_PROFILE_NONE || m->samples > most ||
		    (fits && !named)) {
			p->program = (uint32_t)i;
			most = m->samples;
			named = fits;
		}
	}
	if (!wanted || p->program != MH_PROFILE_NONE)
		return MH_OK;
	return mh_fail(err, MH_EINPUT,
		       "no file with samples has '%s' in its path; 'memheat report code' "
		       "lists them",
		       wanted);
}

static int by_name(const void *a, const void *b)
{
	const struct mh_profile_symbol *x = *(struct mh_profile_symbol *const *)a;
	const struct mh_profile_symbol *y = *(struct mh_profile_symbol *const *)b;

	return strcmp(x->name, y->name);
}

static int mark_ambiguous(struct mh_profile *p)
{
	struct mh_profile_symbol **v =
		calloc(p->nr_symbols + 1, sizeof(struct mh_profile_symbol *));
	size_t i;

	if (!v)
		return -1;
	for (i = 0; i < p->nr_symbols; i++)
		v[i] = &p->symbols[i];
	qsort(v, p->nr_symbols, sizeof(*v), by_name);
	for (i = 1; i < p->nr_symbols; i++) {
		if (!by_name(&v[i - 1], &v[i]))
			v[i - 1]->ambiguous = v[i]->ambiguous = true;
	}
	free(v);
	return 0;
}

static void count_symbol(struct mh_profile *p, bool code, uint64_t vaddr, uint64_t events)
{
	struct mh_profile_symbol *s = mh_profile_symbol_at(p, code, vaddr);

	if (s)
		s->events += events;
}

static void count_symbols(const struct work *w)
{
	size_t i;

	for (i = 0; i < w->nr; i++) {
		const struct mh_site *site = &w->sites[i];
		const struct mh_symbol *code = &w->code.symbols[w->code.of_site[i]];
		const struct mh_symbol *data = &w->data.symbols[w->data.of_site[i]];

		if (code->module_index == w->out->program && *code->linkage)
			count_symbol(w->out, true, code->vaddr - code->linkage_offset,
				     site->periods);
		if (data->module_index == w->out->program && *data->linkage)
			count_symbol(w->out, false, data->vaddr - data->linkage_offset,
				     site->periods);
	}
}

static int make_symbols(struct work *w, struct mh_err *err)
{
	struct mh_symtab_object *all = NULL;
	struct mh_profile *p = w->out;
	size_t i, nr;
	int ret;

	if (p->program == MH_PROFILE_NONE)
		return MH_OK;
	ret = mh_symtab_objects(w->st, p->program, &all, &nr, err);
	p->symbols = ret ? NULL : calloc(nr + 1, sizeof(*p->symbols));
	if (!p->symbols) {
		free(all);
		return ret ? ret : no_memory(err);
	}
	for (i = 0; i < nr; i++)
		p->symbols[i] = (struct mh_profile_symbol){ .name = all[i].name,
							    .section = all[i].section,
							    .vaddr = all[i].vaddr,
							    .size = all[i].size,
							    .code = all[i].code,
							    .local = all[i].local };
	free(all);
	p->nr_symbols = nr;
	count_symbols(w);
	return mark_ambiguous(p) ? no_memory(err) : MH_OK;
}

static int make_loads(struct work *w, const struct mh_session_source *src,
		      struct mh_err *err)
{
	struct mh_analysis a = { 0 };
	struct mh_filter f;
	size_t i;
	int ret;

	w->out->loads = calloc(w->code.nr + 1, sizeof(*w->out->loads));
	if (!w->out->loads)
		return no_memory(err);
	mh_session_filter(w->s, src, &f);
	f.kinds = 1u << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_IP | MH_COL_ADDR | MH_COL_THREAD |
		    MH_COL_WEIGHT | MH_COL_DATA_SRC;
	mh_loads_analysis(&a, w->s);
	ret = mh_pass_run(w->s, &f, &a, 1, err);
	for (i = 0; !ret && i < w->code.nr; i++) {
		const struct mh_load *l =
			mh_loads_find(a.part, w->code.keys[i], w->code.queries[i].addr);

		if (l)
			mh_load_describe(&w->out->loads[i], l);
	}
	mh_pass_release(&a, 1);
	return ret;
}

/* ---- the view ---- */

static int collect(struct mh_analysis *a, struct mh_session *s,
		   const struct mh_session_source *src, bool by_stack, struct mh_err *err)
{
	struct mh_sites_frame frame = {
		.session = s, .by_addr = true, .by_level = true, .by_stack = by_stack
	};
	struct mh_places at = { 0 };
	struct mh_filter f;
	int ret = MH_OK;

	if (s->opts.at) {
		ret = mh_places_of_maps(&at, s, err);
		frame.at = &at;
	}
	mh_session_filter(s, src, &f);
	f.kinds = 1u << MH_EV_SAMPLE;
	f.columns = MH_COL_TIME | MH_COL_IP | MH_COL_ADDR | MH_COL_THREAD |
		    MH_COL_PERIOD | MH_COL_WEIGHT | MH_COL_DATA_SRC |
		    (by_stack ? MH_COL_OTHER : 0);
	if (!ret)
		ret = mh_sites_run(a, s, &f, &frame, err);
	mh_places_fini(&at);
	return ret;
}

static int fill(struct work *w, const struct mh_profile_opts *opts, struct mh_err *err)
{
	struct kept *kept = w->out->names;
	int ret = MH_OK;

	if (w->calls.frames) {
		w->caller_of = mh_calls_of_all(&w->calls, w->sites, w->nr);
		if (!w->caller_of)
			return no_memory(err);
	}
	ret = side_make(&w->code, w, true, err);

	if (!ret)
		ret = side_make(&w->data, w, false, err);
	if (ret)
		return ret;
	if (make_modules(w) || make_maps(w) || make_codes(w, kept) || make_callers(w) ||
	    make_objects(w) || make_rows(w) || count_bytes(w->out))
		return no_memory(err);
	ret = choose_program(w, opts->module, err);
	return ret || !opts->symbols ? ret : make_symbols(w, err);
}

static void describe_source(struct mh_profile *out, const struct mh_session *s,
			    const struct mh_session_source *src)
{
	const char *event = mh_session_meta(s, src->id, "event.0");
	uint64_t period = mh_session_meta_u64(s, src->id, "event.0.period");

	out->unit = mh_session_unit(src, false);
	mh_session_provenance(s, src, 1u << MH_EV_SAMPLE, &out->from);
	out->faults = out->unit == MH_UNIT_FAULTS_PER_S;
	out->grain = out->faults ? 4096 : 64;
	snprintf(out->events, sizeof(out->events), "%s", event ? event : src->name);
	out->period = period ? period : mh_session_meta_u64(s, src->id, "period");
	mh_bias_of(s, src, out->bias, sizeof(out->bias));
}

int mh_profile_analyze(struct mh_profile *out, struct mh_session *s,
		       const struct mh_profile_opts *opts, struct mh_err *err)
{
	struct mh_symtab_opts names = { .no_demangle = opts->raw };
	struct work w = { .out = out, .s = s };
	const struct mh_session_source *src;
	struct mh_analysis a = { 0 };
	struct kept *kept;
	const struct mh_sites *sites;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = mh_session_pick(s, 1u << MH_EV_SAMPLE, "profile of code and data", &src,
			      err);
	if (!ret && opts->callers)
		ret = mh_calls_init(&w.calls, s, src, err);
	if (!ret)
		ret = collect(&a, s, src, w.calls.frames != NULL, err);
	if (ret)
		return ret;
	sites = a.part;
	describe_source(out, s, src);
	out->nr_no_data = sites->nr_no_addr;
	out->nr_left_out = sites->nr_left_out;
	w.sites = sites->sites.v;
	w.nr = sites->sites.nr;
	out->names = kept = calloc(1, sizeof(*kept));
	out->names_free = kept ? kept_free : NULL;
	ret = kept ? mh_session_symtab(&kept->st, s, &names, err) : no_memory(err);
	if (!ret) {
		w.st = kept->st;
		ret = fill(&w, opts, err);
		if (!ret && opts->loads)
			ret = make_loads(&w, src, err);
	}
	side_fini(&w.code);
	side_fini(&w.data);
	mh_calls_fini(&w.calls);
	free(w.caller_of);
	free(w.mappings);
	free(w.object_of);
	mh_pass_release(&a, 1);
	if (ret)
		mh_profile_fini(out);
	return ret;
}
