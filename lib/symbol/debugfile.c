/* SPDX-License-Identifier: MIT */
/*
 * Separate debug information: by build-id, by .gnu_debuglink, from debuginfod; and dwz's
 * supplementary files by .gnu_debugaltlink. A file counts only when its build-id, or the
 * link's checksum, says that it belongs.
 *
 * debuginfod's client library is opened at run time and only when DEBUGINFOD_URLS is set,
 * as it may take long and talks to the network.
 *
 * Not handled: MiniDebugInfo (.gnu_debugdata).
 */
#include "symbol/debugfile.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const default_dirs[] = { "/usr/lib/debug", NULL };

static bool same_id(const struct mh_elf *elf, const uint8_t *id, size_t len)
{
	return len && elf->build_id_len == len && !memcmp(elf->build_id, id, len);
}

/* Open @path if it has the build-id. */
static bool open_by_id(struct mh_elf *out, const char *path, const uint8_t *id,
		       size_t len)
{
	if (mh_elf_open(out, path, NULL))
		return false;
	if (same_id(out, id, len))
		return true;
	mh_elf_close(out);
	return false;
}

bool mh_debug_find_by_id(struct mh_elf *out, char *found, const uint8_t *id, size_t len,
			 const char *suffix, const struct mh_symtab_opts *opts)
{
	const char *const *dir = opts->debug_dirs ? opts->debug_dirs : default_dirs;
	const char *root = opts->sysroot ? opts->sysroot : "";
	char hex[2 * MH_BUILD_ID_MAX + 1];

	if (len < 2 || len > MH_BUILD_ID_MAX)
		return false;
	mh_hex(hex, id, len);
	for (; *dir; dir++) {
		snprintf(found, MH_PATH_MAX, "%s%s/.build-id/%.2s/%s%s", root, *dir, hex,
			 hex + 2, suffix);
		if (open_by_id(out, found, id, len))
			return true;
		if (!*root)
			continue;
		snprintf(found, MH_PATH_MAX, "%s/.build-id/%.2s/%s%s", *dir, hex, hex + 2,
			 suffix);
		if (open_by_id(out, found, id, len))
			return true;
	}
	return false;
}

/* ---- .gnu_debuglink ---- */

/* The CRC-32 of ISO 3309, as the link stores it. */
static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t table[256], crc = ~0u, c;
	unsigned i, k;

	for (i = 0; i < 256; i++) {
		for (c = i, k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
		table[i] = c;
	}
	while (len--)
		crc = table[(crc ^ *p++) & 0xff] ^ crc >> 8;
	return ~crc;
}

static bool belongs(const struct mh_elf *debug, const struct mh_elf *main, uint32_t crc)
{
	if (main->build_id_len && debug->build_id_len)
		return same_id(debug, main->build_id, main->build_id_len);
	return crc32_of(debug->image, debug->len) == crc;
}

static bool try_link(struct mh_elf *out, const char *path, const char *main_path,
		     const struct mh_elf *main, uint32_t crc)
{
	if (!strcmp(path, main_path) || mh_elf_open(out, path, NULL))
		return false;
	if (belongs(out, main, crc))
		return true;
	mh_elf_close(out);
	return false;
}

static bool find_in(struct mh_elf *out, char *found, const struct mh_elf *main,
		    const char *path, const char *name, uint32_t crc,
		    const struct mh_symtab_opts *opts)
{
	const char *const *dir = opts->debug_dirs ? opts->debug_dirs : default_dirs;
	const char *slash = strrchr(path, '/');
	int len = slash ? (int)(slash - path) : 0;

	if (len > MH_PATH_MAX / 2 || strlen(name) > MH_PATH_MAX / 4)
		return false;
	snprintf(found, MH_PATH_MAX, "%.*s/%s", len, path, name);
	if (try_link(out, found, path, main, crc))
		return true;
	snprintf(found, MH_PATH_MAX, "%.*s/.debug/%s", len, path, name);
	if (try_link(out, found, path, main, crc))
		return true;
	for (; *dir; dir++) {
		snprintf(found, MH_PATH_MAX, "%s%.*s/%s", *dir, len, path, name);
		if (try_link(out, found, path, main, crc))
			return true;
	}
	return false;
}

static bool find_by_link(struct mh_elf *out, char *found, const struct mh_elf *main,
			 const char *path, const struct mh_symtab_opts *opts)
{
	const struct mh_elf_section *s = mh_elf_section_find(main, ".gnu_debuglink");
	char *real;
	struct mh_bytes b;
	const char *name;
	uint32_t crc;
	size_t at;
	bool ok;

	if (!s || s->offset > main->len || s->size > main->len - s->offset)
		return false;
	b = (struct mh_bytes){ main->image + s->offset, s->size };
	name = mh_bytes_string(&b, 0);
	at = name ? (strlen(name) + 4) & ~(size_t)3 : 0;
	if (!name || !*name || strchr(name, '/') || at + 4 > b.len)
		return false;
	memcpy(&crc, b.p + at, 4);
	if (find_in(out, found, main, path, name, crc, opts))
		return true;
	/* /bin may be a link to /usr/bin, and debug files follow the latter. */
	real = realpath(path, NULL);
	ok = real && strcmp(real, path) &&
	     find_in(out, found, main, real, name, crc, opts);
	free(real);
	return ok;
}

/* ---- debuginfod ---- */

struct debuginfod {
	void *library;
	void *(*begin)(void);
	int (*find)(void *client, const unsigned char *id, int len, char **path);
	void (*end)(void *client);
};

static bool debuginfod_load(struct debuginfod *d)
{
	d->library = dlopen("libdebuginfod.so.1", RTLD_LAZY | RTLD_LOCAL);
	if (!d->library)
		return false;
	*(void **)&d->begin = dlsym(d->library, "debuginfod_begin");
	*(void **)&d->find = dlsym(d->library, "debuginfod_find_debuginfo");
	*(void **)&d->end = dlsym(d->library, "debuginfod_end");
	return d->begin && d->find && d->end;
}

static bool ask_debuginfod(struct mh_elf *out, char *found, const struct mh_elf *main,
			   const struct mh_symtab_opts *opts)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct debuginfod d = { 0 };
	char *path = NULL;
	bool ok = false;
	void *client;
	int fd;

	if (opts->no_debuginfod || !urls || !*urls || !main->build_id_len)
		return false;
	if (debuginfod_load(&d) && (client = d.begin()) != NULL) {
		fd = d.find(client, main->build_id, main->build_id_len, &path);
		if (fd >= 0) {
			close(fd);
			snprintf(found, MH_PATH_MAX, "%s", path);
			ok = open_by_id(out, found, main->build_id, main->build_id_len);
			free(path);
		}
		d.end(client);
	}
	if (d.library)
		dlclose(d.library);
	return ok;
}

bool mh_debug_find(struct mh_elf *out, char *found, const struct mh_elf *main,
		   const char *path, const struct mh_symtab_opts *opts)
{
	return mh_debug_find_by_id(out, found, main->build_id, main->build_id_len,
				   ".debug", opts) ||
	       find_by_link(out, found, main, path, opts) ||
	       ask_debuginfod(out, found, main, opts);
}

/* ---- .gnu_debugaltlink ---- */

bool mh_debug_find_alt(struct mh_elf *out, struct mh_elf *from, const char *path,
		       const struct mh_symtab_opts *opts)
{
	char found[MH_PATH_MAX], *real = NULL;
	const char *name, *slash;
	struct mh_bytes b;
	const uint8_t *id;
	size_t len;
	bool ok;

	if (mh_elf_bytes(from, ".gnu_debugaltlink", &b, NULL))
		return false;
	name = mh_bytes_string(&b, 0);
	if (!name || !*name || strlen(name) > MH_PATH_MAX / 4)
		return false;
	id = b.p + strlen(name) + 1;
	len = b.len - strlen(name) - 1;
	if (name[0] == '/') {
		snprintf(found, sizeof(found), "%s%s", opts->sysroot ? opts->sysroot : "",
			 name);
	} else {
		/* It is relative to the file itself, not to a link by build-id. */
		real = realpath(path, NULL);
		slash = real ? strrchr(real, '/') : NULL;
		if (!slash || slash - real > MH_PATH_MAX / 2) {
			free(real);
			return false;
		}
		snprintf(found, sizeof(found), "%.*s/%s", (int)(slash - real), real,
			 name);
	}
	free(real);
	ok = open_by_id(out, found, id, len);
	return ok || mh_debug_find_by_id(out, found, id, len, ".debug", opts);
}
