/* SPDX-License-Identifier: MIT */
/*
 * callgrind's format for callgrind_annotate and KCachegrind: costs by line of source.
 * Accesses, bytes and latency are event types; inlined code is under the function that it
 * was compiled into, with its own file. Data has no place in that format.
 */
#include <stdlib.h>
#include <string.h>

#include "export/about.h"
#include "export/exporters.h"
#include "export/pairs.h"

struct cost {
	const char *object, *file, *function; /* of the function that holds the code */
	const char *inner;                    /* file of the line; "" if the same */
	uint32_t line;
	uint64_t accesses, bytes, cycles;
};

static int order(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;
	int d = strcmp(x->object, y->object);

	d = d ? d : strcmp(x->function, y->function);
	d = d ? d : strcmp(x->file, y->file);
	d = d ? d : strcmp(x->inner, y->inner);
	return d ? d : (x->line > y->line) - (x->line < y->line);
}

static void cost_of(struct cost *c, const struct mh_profile *p,
		    const struct mh_profile_row *row)
{
	const struct mh_profile_code *code =
		row->code == MH_PROFILE_NONE ? NULL : &p->codes[row->code];
	const struct mh_profile_frame *in =
		code && code->nr_frames ? &code->frames[0] : NULL;
	const struct mh_profile_frame *outer =
		in ? &code->frames[code->nr_frames - 1] : NULL;

	*c = (struct cost){ .object = code && code->module != MH_PROFILE_NONE
					      ? p->modules[code->module].path
					      : "???",
			    .file = outer && *outer->file ? outer->file : "???",
			    .function = outer ? outer->function : "???",
			    .inner = "",
			    .line = in ? in->line : 0,
			    .accesses = row->events,
			    .bytes = row->bytes,
			    .cycles = row->cycles };
	if (in && *in->file && strcmp(in->file, c->file) != 0)
		c->inner = in->file;
}

static void put_costs(FILE *out, const struct cost *v, size_t nr, bool cycles)
{
	static const struct cost none = {
		.object = "", .file = "", .function = "", .inner = ""
	};
	const struct cost *last = &none;
	size_t i;

	for (i = 0; i < nr; last = &v[i++]) {
		bool fresh = i == 0 || strcmp(v[i].object, last->object) != 0 ||
			     strcmp(v[i].function, last->function) != 0 ||
			     strcmp(v[i].file, last->file) != 0;

		if (fresh)
			fprintf(out, "\nob=%s\nfl=%s\nfn=%s\n", v[i].object, v[i].file,
				v[i].function);
		if (*v[i].inner && (fresh || strcmp(v[i].inner, last->inner) != 0))
			fprintf(out, "fi=%s\n", v[i].inner);
		else if (!fresh && !*v[i].inner && *last->inner)
			fprintf(out, "fe=%s\n", v[i].file);
		fprintf(out, "%" PRIu32 " %" PRIu64 " %" PRIu64, v[i].line, v[i].accesses,
			v[i].bytes);
		if (cycles)
			fprintf(out, " %" PRIu64, v[i].cycles);
		putc('\n', out);
	}
}

static int run(FILE *out, const struct mh_export_input *in, struct mh_err *err)
{
	const struct mh_profile *p = in->profile;
	struct cost *v = calloc(p->nr_rows, sizeof(*v)), sum = { 0 };
	struct mh_about about;
	size_t i, nr = 0;

	if (!v)
		return mh_fail(err, MH_ENOMEM, "no memory to export");
	for (i = 0; i < p->nr_rows; i++) {
		cost_of(&v[i], p, &p->rows[i]);
		sum.accesses += v[i].accesses;
		sum.bytes += v[i].bytes;
		sum.cycles += v[i].cycles;
	}
	qsort(v, p->nr_rows, sizeof(*v), order);
	for (i = 0; i < p->nr_rows; i++) {
		if (!nr || order(&v[nr - 1], &v[i])) {
			v[nr++] = v[i];
			continue;
		}
		v[nr - 1].accesses += v[i].accesses;
		v[nr - 1].bytes += v[i].bytes;
		v[nr - 1].cycles += v[i].cycles;
	}
	mh_about_profile(&about, "callgrind", in);
	mh_about_add(&about, "bytes: of memory that was hit, in units of %u", p->grain);
	mh_about_add(&about, "left out: objects: the format has no place for data");
	fputs("# callgrind format\nversion: 1\ncreator: memheat " MEMHEAT_VERSION "\n",
	      out);
	fprintf(out, "cmd: %s\n", p->from.title);
	mh_about_print(out, &about, "desc: ", "");
	fprintf(out, "positions: line\nevents: Accesses Bytes%s\n",
		p->has_cycles ? " Latency" : "");
	fprintf(out, "summary: %" PRIu64 " %" PRIu64, sum.accesses, sum.bytes);
	if (p->has_cycles)
		fprintf(out, " %" PRIu64, sum.cycles);
	putc('\n', out);
	put_costs(out, v, nr, p->has_cycles);
	free(v);
	return MH_OK;
}

const struct mh_exporter mh_exporter_callgrind = {
	.name = "callgrind",
	.summary = "for callgrind_annotate and KCachegrind",
	.needs = MH_EXPORT_PROFILE | MH_EXPORT_CODE,
	.run = run,
};
