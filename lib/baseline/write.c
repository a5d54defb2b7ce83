/* SPDX-License-Identifier: MIT */
/*
 * The baseline's JSON, with line feeds where a person who reads a diff wants them; the
 * plain JSON writer puts everything on one line.
 */
#include <inttypes.h>

#include <memheat/baseline.h>
#include <memheat/render.h>

/* One value by the JSON writer, so that escapes and numbers are made in one place. */
static void string(FILE *out, const char *s)
{
	struct mh_json j;

	mh_json_init(&j, out);
	mh_json_string(&j, s);
}

static void number(FILE *out, double v)
{
	struct mh_json j;

	mh_json_init(&j, out);
	mh_json_double(&j, v);
}

static void text_member(FILE *out, const char *indent, const char *key, const char *s,
			const char *end)
{
	fprintf(out, "%s\"%s\": ", indent, key);
	string(out, s);
	fputs(end, out);
}

static void write_environment(FILE *out, const struct mh_environment *env)
{
	fprintf(out, " \"environment\": {\n");
	text_member(out, "  ", "source", env->source, ",\n");
	fprintf(out, "  \"window_ns\": %" PRIu64 ",\n", env->window_ns);
	fprintf(out, "  \"page_size\": %" PRIu64 ",\n", env->page_size);
	text_member(out, "  ", "thp", env->thp, ",\n");
	text_member(out, "  ", "arch", env->arch, ",\n");
	text_member(out, "  ", "kernel", env->kernel, ",\n");
	text_member(out, "  ", "cpu", env->cpu, "\n");
	fprintf(out, " },\n");
}

static void write_run(FILE *out, const struct mh_run *run)
{
	size_t i;

	fprintf(out, "  {\n");
	text_member(out, "   ", "label", run->label, ",\n");
	text_member(out, "   ", "time", run->time, ",\n");
	fprintf(out, "   \"metrics\": {");
	for (i = 0; i < run->metrics.nr; i++) {
		fprintf(out, "%s\"%s\": ", i ? ",\n    " : "\n    ",
			run->metrics.v[i].name);
		number(out, run->metrics.v[i].value);
	}
	fprintf(out,
		"\n   },\n   \"quality\": {\"windows\": %" PRIu64
		", \"no_data\": %" PRIu64 ", \"left_out\": %" PRIu64
		", \"busy\": %" PRIu64 ", \"skipped\": %" PRIu64
		", \"median_window_ns\": %" PRIu64 ", \"lost\": %" PRIu64
		", \"refined\": %" PRIu64 "},\n   \"objects\": {",
		run->nr_windows, run->nr_no_data, run->nr_left_out, run->nr_busy,
		run->nr_skipped, run->median_window_ns, run->lost, run->refined);
	for (i = 0; i < run->objects.nr; i++) {
		fputs(i ? ",\n    " : "\n    ", out);
		string(out, run->objects.v[i].key);
		fputs(": ", out);
		/* Fractions of a byte are noise in a diff. */
		number(out, (double)(uint64_t)run->objects.v[i].bytes);
	}
	fprintf(out, "\n   }\n  }");
}

void mh_baseline_write(FILE *out, const struct mh_runs *runs)
{
	size_t i;

	fprintf(out, "{\n \"schema\": \"" MH_BASELINE_SCHEMA "\",\n");
	text_member(out, " ", "workload", runs->workload, ",\n");
	write_environment(out, &runs->env);
	fprintf(out, " \"runs\": [\n");
	for (i = 0; i < runs->nr; i++) {
		write_run(out, &runs->v[i]);
		fprintf(out, i + 1 < runs->nr ? ",\n" : "\n");
	}
	fprintf(out, " ]\n}\n");
}
