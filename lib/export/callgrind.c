/* SPDX-License-Identifier: MIT */
/*
 * callgrind's format for callgrind_annotate and KCachegrind: costs by line of source.
 * Accesses, bytes and latency are event types; inlined code is under the function that it
 * was compiled into, with its own file. Data has no place in that format.
 *
 * Where samples have call chains, each function costs its caller what was sampled below
 * it. Nobody counted the calls: their number is that of the samples, as readers take 0
 * for no call. A function that is met again further in (recursion) has been paid for
 * already: so inclusive costs have each sample once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "export/about.h"
#include "export/exporters.h"
#include "export/pairs.h"

/* A function that holds code, as linked: what is inlined is part of it. */
struct place {
	const char *object, *file, *function;
};

struct cost {
	struct place at;
	const char *inner; /* file of the line; "" if the same */
	uint32_t line;
	struct place callee; /* .object NULL: it is not a call's */
	uint32_t callee_line;
	uint64_t samples, accesses, bytes, cycles;
};

struct costs {
	const struct mh_profile *p;
	struct {
		struct cost *v;
		size_t nr, cap;
	} list;
	uint32_t *function_of;       /* of each code, numbered; and of none */
	const struct mh_pair **seen; /* of each function: the last pair that has it */
};

static struct place place_of(const struct mh_profile *p, uint32_t code)
{
	const struct mh_profile_code *c =
		code == MH_PROFILE_NONE ? NULL : &p->codes[code];
	const struct mh_profile_frame *outer =
		c && c->nr_frames ? &c->frames[c->nr_frames - 1] : NULL;

	return (struct place){ .object = c && c->module != MH_PROFILE_NONE
						 ? p->modules[c->module].path
						 : "???",
			       .file = outer && *outer->file ? outer->file : "???",
			       .function = outer ? outer->function : "???" };
}

static int by_place(const struct place *x, const struct place *y)
{
	int d = strcmp(x->object, y->object);

	d = d ? d : strcmp(x->function, y->function);
	return d ? d : strcmp(x->file, y->file);
}

static int order(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;
	int d = by_place(&x->at, &y->at);

	/* Calls behind what the function does itself. */
	d = d ? d : !!x->callee.object - !!y->callee.object;
	d = d ? d : strcmp(x->inner, y->inner);
	d = d ? d : (x->line > y->line) - (x->line < y->line);
	return d || !x->callee.object ? d : by_place(&x->callee, &y->callee);
}

/* ---- functions, numbered ---- */

struct numbered {
	struct place at;
	uint32_t code;
};

static int by_function(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return by_place(&x->at, &y->at);
}

static int number_functions(struct costs *c)
{
	uint32_t nr = (uint32_t)c->p->nr_codes + 1, i, function = 0;
	struct numbered *v = calloc(nr, sizeof(*v));

	c->function_of = calloc(nr, sizeof(*c->function_of));
	c->seen = calloc(nr, sizeof(struct mh_pair *));
	if (!v || !c->function_of || !c->seen) {
		free(v);
		return -1;
	}
	for (i = 0; i < nr; i++)
		v[i] = (struct numbered){
			place_of(c->p, i + 1 < nr ? i : MH_PROFILE_NONE), i
		};
	qsort(v, nr, sizeof(*v), by_function);
	for (i = 0; i < nr; i++) {
		function += i && by_function(&v[i - 1], &v[i]);
		c->function_of[v[i].code] = function;
	}
	free(v);
	return 0;
}

/* ---- costs ---- */

static struct cost *add_cost(struct costs *c, uint32_t code, const struct mh_pair *pair)
{
	const struct mh_profile_frame *in =
		code != MH_PROFILE_NONE && c->p->codes[code].nr_frames
			? &c->p->codes[code].frames[0]
			: NULL;
	struct cost *cost = mh_vec_push(&c->list);

	if (!cost)
		return NULL;
	*cost = (struct cost){ .at = place_of(c->p, code),
			       .inner = "",
			       .line = in ? in->line : 0,
			       .samples = pair->samples,
			       .accesses = pair->events,
			       .bytes = pair->bytes,
			       .cycles = pair->cycles };
	if (in && *in->file && strcmp(in->file, cost->at.file) != 0)
		cost->inner = in->file;
	return cost;
}

static uint32_t start_of(const struct mh_profile *p, uint32_t code)
{
	const struct mh_profile_code *c =
		code == MH_PROFILE_NONE ? NULL : &p->codes[code];

	return c && c->nr_frames ? c->frames[c->nr_frames - 1].start_line : 0;
}

/* From the outside in, as deep as chains are, which the profile limits. */
static int add_calls(struct costs *c, const struct mh_pair *pair, uint32_t caller,
		     uint32_t callee)
{
	const struct mh_profile *p = c->p;
	uint32_t function =
		c->function_of[callee == MH_PROFILE_NONE ? p->nr_codes : callee];
	struct cost *cost;

	if (caller != MH_PROFILE_NONE &&
	    add_calls(c, pair, p->callers[caller].parent, p->callers[caller].code))
		return -1;
	if (c->seen[function] == pair)
		return 0;
	c->seen[function] = pair;
	if (caller == MH_PROFILE_NONE)
		return 0;
	cost = add_cost(c, p->callers[caller].code, pair);
	if (!cost)
		return -1;
	cost->callee = place_of(p, callee);
	cost->callee_line = start_of(p, callee);
	return 0;
}

static int add_pair(struct costs *c, const struct mh_pair *pair)
{
	if (!add_cost(c, pair->code, pair))
		return -1;
	return add_calls(c, pair, pair->caller, pair->code);
}

static void merge(struct costs *c)
{
	struct cost *v = c->list.v;
	size_t i, nr = 0;

	if (c->list.nr)
		qsort(v, c->list.nr, sizeof(*v), order);
	for (i = 0; i < c->list.nr; i++) {
		if (!nr || order(&v[nr - 1], &v[i])) {
			v[nr++] = v[i];
			continue;
		}
		v[nr - 1].samples += v[i].samples;
		v[nr - 1].accesses += v[i].accesses;
		v[nr - 1].bytes += v[i].bytes;
		v[nr - 1].cycles += v[i].cycles;
	}
	c->list.nr = nr;
}

/* ---- the file ---- */

static void put_cost(FILE *out, const struct cost *c, bool cycles)
{
	fprintf(out, "%" PRIu64 " %" PRIu64, c->accesses, c->bytes);
	if (cycles)
		fprintf(out, " %" PRIu64, c->cycles);
	putc('\n', out);
}

static void put_costs(FILE *out, const struct cost *v, size_t nr, bool cycles)
{
	static const struct cost none = { .at = { "", "", "" }, .inner = "" };
	const struct cost *last = &none;
	size_t i;

	for (i = 0; i < nr; last = &v[i++]) {
		bool fresh = i == 0 || by_place(&v[i].at, &last->at) != 0;

		if (fresh)
			fprintf(out, "\nob=%s\nfl=%s\nfn=%s\n", v[i].at.object,
				v[i].at.file, v[i].at.function);
		if (*v[i].inner && (fresh || strcmp(v[i].inner, last->inner) != 0))
			fprintf(out, "fi=%s\n", v[i].inner);
		else if (!fresh && !*v[i].inner && *last->inner)
			fprintf(out, "fe=%s\n", v[i].at.file);
		if (v[i].callee.object)
			fprintf(out,
				"cob=%s\ncfi=%s\ncfn=%s\ncalls=%" PRIu64 " %" PRIu32 "\n",
				v[i].callee.object, v[i].callee.file,
				v[i].callee.function, v[i].samples, v[i].callee_line);
		fprintf(out, "%" PRIu32 " ", v[i].line);
		put_cost(out, &v[i], cycles);
	}
}

static void put_head(FILE *out, const struct mh_export_input *in,
		     const struct mh_pairs *pairs)
{
	const struct mh_profile *p = in->profile;
	struct cost sum = { .line = 0 };
	struct mh_about about;
	size_t i;

	for (i = 0; i < pairs->nr; i++) {
		sum.accesses += pairs->v[i].events;
		sum.bytes += pairs->v[i].bytes;
		sum.cycles += pairs->v[i].cycles;
	}
	mh_about_profile(&about, "callgrind", in);
	mh_about_add(&about, "bytes: of memory that was hit, in units of %u", p->grain);
	if (p->nr_callers)
		mh_about_add(&about, "calls: nobody counted them, their numbers are of "
				     "samples below them");
	mh_about_add(&about, "left out: objects: the format has no place for data");
	fputs("# callgrind format\nversion: 1\ncreator: memheat " MEMHEAT_VERSION "\n",
	      out);
	fprintf(out, "cmd: %s\n", p->from.title);
	mh_about_print(out, &about, "desc: ", "");
	fprintf(out, "positions: line\nevents: Accesses Bytes%s\nsummary: ",
		p->has_cycles ? " Latency" : "");
	put_cost(out, &sum, p->has_cycles);
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	struct costs c = { .p = in->profile };
	struct mh_pairs pairs;
	int ret = mh_pairs_make(&pairs, in->profile, false, err);
	size_t i;

	if (!ret && number_functions(&c))
		ret = mh_fail(err, MH_ENOMEM, "no memory to export");
	for (i = 0; !ret && i < pairs.nr; i++)
		if (add_pair(&c, &pairs.v[i]))
			ret = mh_fail(err, MH_ENOMEM, "no memory to export");
	if (!ret) {
		merge(&c);
		put_head(out, in, &pairs);
		put_costs(out, c.list.v, c.list.nr, c.p->has_cycles);
	}
	free(c.list.v);
	free(c.function_of);
	free(c.seen);
	mh_pairs_fini(&pairs);
	return ret;
}

const struct mh_exporter mh_exporter_callgrind = {
	.name = "callgrind",
	.summary = "for callgrind_annotate and KCachegrind",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CODE | MH_EXPORT_CHAINS,
	.run = run,
};
