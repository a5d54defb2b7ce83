/* SPDX-License-Identifier: MIT */
/*
 * Baseline JSON by the events of yajl. A tree would be shorter to read, but yajl frees it
 * by recursion, and the depth is the file's choice; here it is a limit. Where a value
 * stands is known from the keys on the way to it. Unknown members are skipped: a later
 * version may say more.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/vec.h"
#include "baseline/parse.h"

#define DEPTH_MAX   16
#define KEY_MAX     320
#define RUNS_MAX    10000
#define OBJECTS_MAX 100000

struct parse {
	struct mh_runs *runs;
	char *schema;
	size_t schema_size;
	unsigned depth; /* open objects and arrays */
	char keys[DEPTH_MAX]
		 [KEY_MAX];       /* [d]: key of the value at depth d; "" in arrays */
	char type[DEPTH_MAX + 1]; /* '{' or '[' */
	char bad[200];            /* why it stopped; "" */
};

static int stop(struct parse *p, const char *why)
{
	snprintf(p->bad, sizeof(p->bad), "%s", why);
	return 0;
}

/* Is the value under way at root.@a (@b and so on; NULL: any key)? */
static int at(const struct parse *p, unsigned depth, const char *a, const char *b,
	      const char *c)
{
	const char *want[3] = { a, b, c };
	unsigned i;

	if (p->depth != depth || p->type[1] != '{')
		return 0;
	for (i = 0; i < 3 && i < depth; i++)
		if (want[i] && strcmp(p->keys[i + 1], want[i]) != 0)
			return 0;
	return 1;
}

static struct mh_run *last_run(struct parse *p)
{
	return p->runs->nr ? &p->runs->v[p->runs->nr - 1] : NULL;
}

/* Inside runs[i].@member: its run; else NULL. */
static struct mh_run *in_run(struct parse *p, const char *member)
{
	return at(p, 4, "runs", "", member) && p->type[2] == '[' ? last_run(p) : NULL;
}

/* ---- values ---- */

static int copy(struct parse *p, char *to, size_t size, const char *s, size_t len)
{
	if (len >= size || memchr(s, '\0', len))
		return stop(p, "a text is too long");
	memcpy(to, s, len);
	to[len] = '\0';
	return 1;
}

static int on_string(void *arg, const unsigned char *text, size_t len)
{
	struct parse *p = arg;
	struct mh_environment *env = &p->runs->env;
	const struct {
		const char *key;
		char *to;
		size_t size;
	} members[] = { { "source", env->source, sizeof(env->source) },
			{ "thp", env->thp, sizeof(env->thp) },
			{ "arch", env->arch, sizeof(env->arch) },
			{ "kernel", env->kernel, sizeof(env->kernel) },
			{ "cpu", env->cpu, sizeof(env->cpu) } };
	const char *s = (const char *)text;
	struct mh_run *run = last_run(p);
	size_t i;

	if (at(p, 1, "schema", NULL, NULL))
		return copy(p, p->schema, p->schema_size, s, len);
	if (at(p, 1, "workload", NULL, NULL))
		return copy(p, p->runs->workload, sizeof(p->runs->workload), s, len);
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (at(p, 2, "environment", members[i].key, NULL))
			return copy(p, members[i].to, members[i].size, s, len);
	if (at(p, 3, "runs", "", "label") && run)
		return copy(p, run->label, sizeof(run->label), s, len);
	if (at(p, 3, "runs", "", "time") && run)
		return copy(p, run->time, sizeof(run->time), s, len);
	if (in_run(p, "metrics") || in_run(p, "objects") || in_run(p, "quality"))
		return stop(p, "a text stands where a number belongs");
	return 1;
}

static int whole(struct parse *p, uint64_t *to, double v)
{
	if (v >= 0x1p63)
		return stop(p, "a number is too large");
	*to = (uint64_t)v;
	return 1;
}

static int add_metric(struct parse *p, struct mh_run *run, double v)
{
	struct mh_run_metric *m;
	const char *name = p->keys[4];
	size_t i;

	if (strlen(name) >= sizeof(m->name))
		return stop(p, "a metric's name is too long");
	for (i = 0; i < run->metrics.nr; i++)
		if (!strcmp(run->metrics.v[i].name, name))
			return stop(p, "a run has a metric twice");
	if (run->metrics.nr == 64)
		return stop(p, "a run has more than 64 metrics");
	m = mh_vec_push(&run->metrics);
	if (!m)
		return stop(p, "out of memory");
	strcpy(m->name, name);
	m->value = v;
	return 1;
}

static int add_object(struct parse *p, struct mh_run *run, double v)
{
	struct mh_run_object *o;

	if (run->objects.nr == OBJECTS_MAX)
		return stop(p, "a run has too many objects");
	o = mh_vec_push(&run->objects);
	if (!o)
		return stop(p, "out of memory");
	o->key = strdup(p->keys[4]);
	o->bytes = v;
	if (o->key)
		return 1;
	run->objects.nr--;
	return stop(p, "out of memory");
}

static int add_quality(struct parse *p, struct mh_run *run, double v)
{
	const struct {
		const char *key;
		uint64_t *to;
	} members[] = { { "windows", &run->nr_windows },
			{ "no_data", &run->nr_no_data },
			{ "left_out", &run->nr_left_out },
			{ "busy", &run->nr_busy },
			{ "refined", &run->refined },
			{ "skipped", &run->nr_skipped },
			{ "median_window_ns", &run->median_window_ns },
			{ "lost", &run->lost } };
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!strcmp(p->keys[4], members[i].key))
			return whole(p, members[i].to, v);
	return 1;
}

static int on_number(void *arg, const char *text, size_t len)
{
	struct parse *p = arg;
	struct mh_run *run;
	char buf[64];
	double v;

	if (len >= sizeof(buf))
		return stop(p, "a number has too many digits");
	memcpy(buf, text, len);
	buf[len] = '\0';
	v = strtod(buf, NULL);
	if (!isfinite(v) || v < 0)
		return stop(p, "a number is negative or too large");
	if (at(p, 2, "environment", "window_ns", NULL))
		return whole(p, &p->runs->env.window_ns, v);
	if (at(p, 2, "environment", "page_size", NULL))
		return whole(p, &p->runs->env.page_size, v);
	run = in_run(p, "metrics");
	if (run)
		return add_metric(p, run, v);
	run = in_run(p, "objects");
	if (run)
		return add_object(p, run, v);
	run = in_run(p, "quality");
	return run ? add_quality(p, run, v) : 1;
}

static int on_null(void *arg)
{
	struct parse *p = arg;

	if (in_run(p, "metrics") || in_run(p, "objects"))
		return stop(p, "a number is missing");
	return 1;
}

static int on_bool(void *arg, int value)
{
	(void)value;
	return on_null(arg);
}

/* ---- structure ---- */

static int push(struct parse *p, char type)
{
	if (p->depth + 1 >= DEPTH_MAX)
		return stop(p, "it is nested too deeply");
	p->depth++;
	p->type[p->depth] = type;
	p->keys[p->depth][0] = '\0';
	return 1;
}

static int on_start_map(void *arg)
{
	struct parse *p = arg;

	if (at(p, 2, "runs", "", NULL) && p->type[2] == '[') {
		if (p->runs->nr == RUNS_MAX)
			return stop(p, "it has too many runs");
		if (!mh_vec_push(p->runs))
			return stop(p, "out of memory");
	}
	return push(p, '{');
}

static int on_map_key(void *arg, const unsigned char *key, size_t len)
{
	struct parse *p = arg;

	return copy(p, p->keys[p->depth], KEY_MAX, (const char *)key, len);
}

static int on_start_array(void *arg)
{
	return push(arg, '[');
}

static int on_end(void *arg)
{
	struct parse *p = arg;

	p->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_map_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

static unsigned line_of(const char *text, size_t len)
{
	unsigned line = 1;
	size_t i;

	for (i = 0; i < len; i++)
		line += text[i] == '\n';
	return line;
}

/* The first line of yajl's words, which end in a picture of the spot. */
static void take_words(struct parse *p, yajl_handle h)
{
	unsigned char *words = yajl_get_error(h, 0, NULL, 0);

	if (words) {
		words[strcspn((char *)words, "\n")] = '\0';
		snprintf(p->bad, sizeof(p->bad), "%s", (char *)words);
		yajl_free_error(h, words);
	}
}

int mh_baseline_parse(struct mh_runs *out, char *schema, size_t schema_size,
		      const char *path, const char *text, size_t len, struct mh_err *err)
{
	struct parse *p = calloc(1, sizeof(*p));
	yajl_handle h = p ? yajl_alloc(&callbacks, NULL, p) : NULL;
	yajl_status status;
	unsigned line;
	int ret = MH_OK;

	if (!h) {
		free(p);
		return mh_fail(err, MH_ENOMEM, "no memory to read %s", path);
	}
	p->runs = out;
	p->schema = schema;
	p->schema_size = schema_size;
	status = yajl_parse(h, (const unsigned char *)text, len);
	line = line_of(text, status == yajl_status_ok ? len : yajl_get_bytes_consumed(h));
	if (status == yajl_status_ok)
		status = yajl_complete_parse(h);
	if (status != yajl_status_ok) {
		if (!*p->bad)
			take_words(p, h);
		ret = mh_fail(err, MH_EFORMAT,
			      "the baseline %s is damaged at line %u: %s; restore it, or "
			      "make it anew with: memheat baseline create",
			      path, line, p->bad);
	}
	yajl_free(h);
	free(p);
	return ret;
}
