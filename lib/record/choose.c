/* SPDX-License-Identifier: MIT */
/*
 * Automatic choice: one source of accessed bits, the first in the registry's order that
 * works for the target, and the exact ones beside it.
 */
#include "record/choose.h"

#include <stdio.h>
#include <string.h>

/* ---- as asked ---- */

static int unknown(const char *name, size_t len, struct mh_err *err)
{
	const struct mh_source_ops *ops;
	char all[256] = "auto";
	size_t i;

	for (i = 0; (ops = mh_source_at(i)); i++) {
		size_t used = strlen(all);

		snprintf(all + used, sizeof(all) - used, ", %s", ops->name);
	}
	return mh_fail(err, MH_EINPUT, "no source is called '%.*s'; there are: %s",
		       (int)len, name, all);
}

static int add_named(struct mh_choice *out, const char *name, size_t len,
		     struct mh_err *err)
{
	const struct mh_source_ops *ops;
	char word[64];
	size_t i;

	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	ops = len < sizeof(word) ? mh_source_find(word) : NULL;
	if (!ops)
		return unknown(name, len, err);
	for (i = 0; i < out->nr; i++) {
		if (out->ops[i] == ops)
			return mh_fail(err, MH_EINPUT, "source %s is named twice", word);
	}
	if (out->nr == MH_SOURCES_MAX)
		return mh_fail(err, MH_EINPUT, "at most %d sources in one recording",
			       MH_SOURCES_MAX);
	out->ops[out->nr++] = ops;
	return MH_OK;
}

static int check_conflicts(const struct mh_choice *c, struct mh_err *err)
{
	const struct mh_source_ops *first = NULL;
	size_t i;

	for (i = 0; i < c->nr; i++) {
		if (!c->ops[i]->uses_accessed_bits)
			continue;
		if (first)
			return mh_fail(err, MH_EINPUT,
				       "%s and %s clear the same accessed bits and would "
				       "disturb each other; name one of them, or add "
				       "--force",
				       first->name, c->ops[i]->name);
		first = c->ops[i];
	}
	return MH_OK;
}

static int check_usable(const struct mh_choice *c, const struct mh_target *target,
			const struct mh_source_opts *opts, struct mh_err *err)
{
	struct mh_probe probe;
	size_t i;
	int ret;

	for (i = 0; i < c->nr; i++) {
		ret = c->ops[i]->probe(&probe, target, opts, err);
		if (ret)
			return ret;
		if (!probe.usable)
			return mh_fail(err, MH_ENOSUP, "%s: %s%s%s", c->ops[i]->name,
				       probe.reason, *probe.fix ? "; run: " : "",
				       probe.fix);
	}
	return MH_OK;
}

static int parse_names(struct mh_choice *out, const char *names, struct mh_err *err)
{
	size_t len;
	int ret;

	for (;; names += len + 1) {
		len = strcspn(names, ",");
		ret = add_named(out, names, len, err);
		if (ret || !names[len])
			return ret;
	}
}

/* ---- automatic ---- */

static void append(char *text, size_t size, const char *part, const char *separator)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? separator : "", part);
}

static void say_choice(const struct mh_choice *c, const char *refused,
		       const struct mh_source_opts *opts)
{
	char names[128] = "";
	size_t i;

	for (i = 0; i < c->nr; i++)
		append(names, sizeof(names), c->ops[i]->name, ",");
	if (*refused)
		mh_log_say(opts->log, MH_NOTICE,
			   "source %s, chosen automatically; not %s", names, refused);
	else
		mh_log_say(opts->log, MH_NOTICE,
			   "source %s, chosen automatically: the best that works here",
			   names);
}

static int choose(struct mh_choice *out, const struct mh_target *target,
		  const struct mh_source_opts *opts, struct mh_err *err)
{
	const struct mh_source_ops *ops;
	char refused[400] = "", one[360];
	struct mh_probe probe;
	int have_bits = 0, ret;
	size_t i;

	for (i = 0; (ops = mh_source_at(i)) && out->nr < MH_SOURCES_MAX; i++) {
		if (ops->only_named || (ops->uses_accessed_bits && have_bits))
			continue;
		ret = ops->probe(&probe, target, opts, err);
		if (ret)
			return ret;
		if (!probe.usable) {
			snprintf(one, sizeof(one), "%s (%s)", ops->name, probe.reason);
			append(refused, sizeof(refused), one, ", ");
			continue;
		}
		out->ops[out->nr++] = ops;
		have_bits |= ops->uses_accessed_bits;
	}
	if (!out->nr)
		return mh_fail(err, MH_ENOSUP,
			       "no source works here: %s; see: memheat sources", refused);
	say_choice(out, refused, opts);
	return MH_OK;
}

int mh_choose_sources(struct mh_choice *out, const char *names, int force,
		      const struct mh_target *target, const struct mh_source_opts *opts,
		      struct mh_err *err)
{
	int ret;

	*out = (struct mh_choice){ 0 };
	if (!names || !strcmp(names, "auto")) {
		out->automatic = 1;
		return choose(out, target, opts, err);
	}
	ret = parse_names(out, names, err);
	if (!ret && !force)
		ret = check_conflicts(out, err);
	return ret ? ret : check_usable(out, target, opts, err);
}
