/* SPDX-License-Identifier: MIT */
/*
 * Kept strings and readable names.
 *
 * C++ names go through the demangler of libstdc++, which is there wherever C++ programs
 * run, and is opened only when a mangled name comes up. What a
 * name could grow to, by nested substitutions, is looked at before.
 *
 * Names come from files that nobody vouches for and end up on terminals, so control
 * characters are replaced.
 */
#include "symbol/names.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANGLED_MAX  4096
#define ESTIMATE_MAX ((uint64_t)1 << 20)
#define BLOCK        65536

void mh_names_fini(struct mh_names *names)
{
	while (names->blocks) {
		struct mh_names_block *next = names->blocks->next;

		free(names->blocks);
		names->blocks = next;
	}
	mh_maps_strings_fini(&names->strings);
	free(names->known.v);
	if (names->library)
		dlclose(names->library);
	memset(names, 0, sizeof(*names));
}

void *mh_names_room(struct mh_names *names, size_t size)
{
	struct mh_names_block *b = names->blocks;
	void *room;

	size = (size + 15) & ~(size_t)15;
	if (!b || size > BLOCK - sizeof(*b) - b->used) {
		size_t want = sizeof(*b) + size > BLOCK ? sizeof(*b) + size : BLOCK;

		b = malloc(want);
		if (!b)
			return NULL;
		b->next = names->blocks;
		/* An oversized block counts as full. */
		b->used = want > BLOCK ? BLOCK - sizeof(*b) - size % 16 : 0;
		names->blocks = b;
		if (want > BLOCK)
			return b + 1;
	}
	room = (char *)(b + 1) + b->used;
	b->used += size;
	return room;
}

static bool printable(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	}
	return true;
}

const char *mh_names_keep(struct mh_names *names, const char *s)
{
	char buf[MH_NAME_MAX];
	size_t i;

	if (strlen(s) < sizeof(buf) && printable(s))
		return mh_maps_strings_keep(&names->strings, s);
	for (i = 0; i < sizeof(buf) - 4 && s[i]; i++)
		buf[i] = (unsigned char)s[i] < ' ' || s[i] == 0x7f ? '?' : s[i];
	buf[i] = 0;
	if (s[i])
		strcat(buf, "...");
	return mh_maps_strings_keep(&names->strings, buf);
}

/* ---- demangling ---- */

static mh_demangle_fn demangler(struct mh_names *names)
{
	if (!names->asked) {
		names->asked = true;
		names->library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
		if (names->library)
			*(void **)&names->demangle =
				dlsym(names->library, "__cxa_demangle");
	}
	return names->demangle;
}

static bool cxx_demangle(struct mh_names *names, const char *raw, char *out, size_t size)
{
	mh_demangle_fn fn = demangler(names);
	char *text;
	int status;

	if (!fn || mh_cxx_name_estimate(raw) > ESTIMATE_MAX)
		return false;
	text = fn(raw, NULL, NULL, &status);
	if (!text)
		return false;
	mh_rust_legacy_tidy(text);
	if (snprintf(out, size, "%s", text) >= (int)size)
		strcpy(out + size - 4, "...");
	free(text);
	return true;
}

/* "_Zname.cold", "_Zname.constprop.0" and versions "@@V" are none of the mangling. */
static const char *demangle(struct mh_names *names, const char *raw)
{
	char core[MANGLED_MAX], out[MH_NAME_MAX];
	size_t len = strlen(raw), end;

	if (names->raw || raw[0] != '_' || (raw[1] != 'Z' && raw[1] != 'R') ||
	    len >= sizeof(core))
		return mh_names_keep(names, raw);
	end = strcspn(raw, "@");
	memcpy(core, raw, end);
	core[end] = 0;
	if (raw[1] == 'R' ? mh_rust_v0_demangle(core, out, sizeof(out))
			  : cxx_demangle(names, core, out, sizeof(out)))
		return mh_names_keep(names, out);
	return mh_names_keep(names, raw);
}

static struct mh_names_known *known_slot(const struct mh_names *names, const char *raw)
{
	size_t i = (size_t)((uintptr_t)raw * 0x9e3779b97f4a7c15u >> 32) &
		   (names->known.cap - 1);

	while (names->known.v[i].from && names->known.v[i].from != raw)
		i = (i + 1) & (names->known.cap - 1);
	return &names->known.v[i];
}

static bool known_room(struct mh_names *names)
{
	struct mh_names more = { .known.cap =
					 names->known.cap ? names->known.cap * 2 : 256 };
	size_t i;

	if (2 * (names->known.nr + 1) <= names->known.cap)
		return true;
	more.known.v = calloc(more.known.cap, sizeof(*more.known.v));
	if (!more.known.v)
		return false;
	for (i = 0; i < names->known.cap; i++) {
		if (names->known.v[i].from)
			*known_slot(&more, names->known.v[i].from) = names->known.v[i];
	}
	free(names->known.v);
	names->known.v = more.known.v;
	names->known.cap = more.known.cap;
	return true;
}

const char *mh_names_readable(struct mh_names *names, const char *raw)
{
	struct mh_names_known *k;

	if (!known_room(names))
		return NULL;
	k = known_slot(names, raw);
	if (!k->from) {
		k->to = demangle(names, raw);
		if (!k->to)
			return NULL;
		k->from = raw;
		names->known.nr++;
	}
	return k->to;
}

void mh_names_forget(struct mh_names *names)
{
	if (names->known.nr)
		memset(names->known.v, 0, names->known.cap * sizeof(*names->known.v));
	names->known.nr = 0;
}
