/* SPDX-License-Identifier: MIT */
/*
 * A verdict as SARIF 2.1.0: a rule per metric, a result per metric that did not pass,
 * with what grew as logical locations, and the line that allocated the most of it as the
 * physical one. Where the culprit is known by name only, none is made up.
 */
#include <inttypes.h>
#include <string.h>

#include "render/verdict.h"

static void key_string(struct mh_json *j, const char *key, const char *s)
{
	mh_json_key(j, key);
	mh_json_string(j, s);
}

static void key_text(struct mh_json *j, const char *key, const char *s)
{
	mh_json_key(j, key);
	mh_json_object(j);
	key_string(j, "text", s);
	mh_json_end_object(j);
}

/* FNV-1a: the same finding has the same print in every run. */
static void write_print(struct mh_json *j, const char *workload, const char *metric)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	const char *p;
	char text[24];

	for (p = workload; *p; p++)
		h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	for (p = metric; *p; p++)
		h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	snprintf(text, sizeof(text), "%016" PRIx64, h);
	mh_json_key(j, "partialFingerprints");
	mh_json_object(j);
	key_string(j, "memheatMetric/v1", text);
	mh_json_end_object(j);
}

static void write_place(struct mh_json *j, const struct mh_growth *g)
{
	mh_json_key(j, "physicalLocation");
	mh_json_object(j);
	mh_json_key(j, "artifactLocation");
	mh_json_object(j);
	key_string(j, "uri", mh_verdict_path(g->file));
	mh_json_end_object(j);
	if (g->line) {
		mh_json_key(j, "region");
		mh_json_object(j);
		mh_json_key(j, "startLine");
		mh_json_u64(j, g->line);
		mh_json_end_object(j);
	}
	mh_json_end_object(j);
}

static void write_locations(struct mh_json *j, const struct mh_verdict *v)
{
	size_t i, nr = mh_verdict_nr_growth(v, 5);

	if (!nr)
		return;
	mh_json_key(j, "locations");
	mh_json_array(j);
	mh_json_object(j);
	for (i = 0; i < nr; i++) {
		if (v->growth.v[i].file) {
			write_place(j, &v->growth.v[i]);
			break;
		}
	}
	mh_json_key(j, "logicalLocations");
	mh_json_array(j);
	for (i = 0; i < nr; i++) {
		mh_json_object(j);
		key_string(j, "fullyQualifiedName", v->growth.v[i].key);
		key_string(j, "kind", v->growth.v[i].file ? "function" : "module");
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
	mh_json_end_object(j);
	mh_json_end_array(j);
}

static void write_result(struct mh_json *j, const struct mh_verdict *v,
			 const struct mh_verdict_metric *m)
{
	char text[MH_VERDICT_LINE], title[128], message[MH_VERDICT_LINE + 160];

	mh_verdict_title(title, sizeof(title), m);
	mh_verdict_sentence(text, sizeof(text), m);
	snprintf(message, sizeof(message), "%s: %s", title, text);
	mh_json_object(j);
	key_string(j, "ruleId", m->name);
	key_string(j, "level", m->kind == MH_VERDICT_FAIL ? "error" : "warning");
	key_text(j, "message", message);
	write_locations(j, v);
	write_print(j, v->workload, title);
	mh_json_end_object(j);
}

static void write_rules(struct mh_json *j, const struct mh_verdict *v)
{
	char text[96];
	size_t i;

	mh_json_key(j, "rules");
	mh_json_array(j);
	for (i = 0; i < v->metrics.nr; i++) {
		const char *name = v->metrics.v[i].name;

		if (mh_verdict_repeated(v, i))
			continue;
		snprintf(text, sizeof(text), "Memory metric %s grew", name);
		mh_json_object(j);
		key_string(j, "id", name);
		key_text(j, "shortDescription", text);
		mh_json_end_object(j);
	}
	mh_json_end_array(j);
}

static void write_run(struct mh_json *j, const struct mh_verdict *v)
{
	size_t i;

	mh_json_object(j);
	mh_json_key(j, "tool");
	mh_json_object(j);
	mh_json_key(j, "driver");
	mh_json_object(j);
	key_string(j, "name", "memheat");
	key_string(j, "version", MEMHEAT_VERSION);
	write_rules(j, v);
	mh_json_end_object(j);
	mh_json_end_object(j);
	mh_json_key(j, "invocations");
	mh_json_array(j);
	mh_json_object(j);
	mh_json_key(j, "executionSuccessful");
	mh_json_bool(j, v->wait_status == -1);
	mh_json_end_object(j);
	mh_json_end_array(j);
	mh_json_key(j, "results");
	mh_json_array(j);
	for (i = 0; i < v->metrics.nr; i++)
		if (v->metrics.v[i].kind >= MH_VERDICT_WARN)
			write_result(j, v, &v->metrics.v[i]);
	mh_json_end_array(j);
	mh_json_end_object(j);
}

void mh_verdict_sarif(FILE *out, const struct mh_verdict *v)
{
	struct mh_json j;

	mh_json_init(&j, out);
	mh_json_object(&j);
	key_string(&j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	key_string(&j, "version", "2.1.0");
	mh_json_key(&j, "runs");
	mh_json_array(&j);
	write_run(&j, v);
	mh_json_end_array(&j);
	mh_json_end_object(&j);
	fputc('\n', out);
}
