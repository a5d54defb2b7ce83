/* SPDX-License-Identifier: MIT */
/* The importers, and which of them a recording is for. */
#include "source/import/import.h"

#include <string.h>

static const struct mh_importer_ops *const importers[] = {
	&mh_importer_damo,
	&mh_importer_perf,
	&mh_importer_text, /* the last: it takes any text for its own */
};

#define NR_IMPORTERS (sizeof(importers) / sizeof(importers[0]))
#define HEAD_LEN     4096

const struct mh_importer *mh_importer_at(size_t i)
{
	return i < NR_IMPORTERS ? &importers[i]->pub : NULL;
}

static const struct mh_importer_ops *find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_IMPORTERS; i++)
		if (!strcmp(importers[i]->pub.name, name))
			return importers[i];
	return NULL;
}

static const struct mh_importer_ops *recognise(const uint8_t *head, size_t len)
{
	size_t i;

	for (i = 0; i < NR_IMPORTERS; i++)
		if (importers[i]->recognise(head, len))
			return importers[i];
	return NULL;
}

static int choose(const struct mh_importer_ops **out, struct mh_input *in,
		  const char *from, struct mh_err *err)
{
	const uint8_t *head;
	size_t len;
	int ret = mh_input_peek(in, HEAD_LEN, &head, &len, err);

	if (ret)
		return ret;
	if (!len && !from)
		return mh_fail(err, MH_EINPUT, "%s is empty", in->name);
	*out = from ? find(from) : recognise(head, len);
	if (!*out && from)
		return mh_fail(err, MH_EINPUT, "cannot import from '%s'", from);
	if (!*out)
		return mh_fail(err, MH_EINPUT,
			       "%s: its first bytes are of no recording that is known; "
			       "say what it is: memheat import FROM INPUT -o FILE",
			       in->name);
	return MH_OK;
}

struct counting {
	mh_event_fn fn;
	void *arg;
	uint64_t nr;
};

static int count_event(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct counting *c = arg;
	int ret = c->fn(c->arg, ev, err);

	c->nr += !ret;
	return ret;
}

int mh_import(struct mh_import_result *result, const char *path, const char *from,
	      const struct mh_import_opts *opts, mh_event_fn fn, void *arg,
	      struct mh_err *err)
{
	const struct mh_importer_ops *importer = NULL;
	struct counting counting = { .fn = fn, .arg = arg };
	struct mh_input in;
	int ret = mh_input_open(&in, path, err);

	if (result)
		*result = (struct mh_import_result){ 0 };
	if (ret)
		return ret;
	ret = choose(&importer, &in, from, err);
	if (!ret)
		ret = importer->run(&in, opts, count_event, &counting, err);
	if (result && importer)
		*result = (struct mh_import_result){ &importer->pub, counting.nr };
	mh_input_close(&in);
	return ret;
}
