/* SPDX-License-Identifier: MIT */
/*
 * bare_json [-j] FILE: inflate a json_compressed record and do nothing with it; with -j,
 * yajl parses the text and nobody listens. An importer out of these two libraries cannot
 * cost less than the first, and hardly less than the second.
 */
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#ifdef HAVE_YAJL
#include <yajl/yajl_parse.h>
#endif

#define CHUNK 65536

#ifdef HAVE_YAJL
static yajl_handle parser;

static int parse(const unsigned char *text, size_t len)
{
	return yajl_parse(parser, text, len) == yajl_status_ok;
}

static int begin(void)
{
	parser = yajl_alloc(NULL, NULL, NULL);
	return parser != NULL;
}
#else
static int parse(const unsigned char *text, size_t len)
{
	(void)text;
	(void)len;
	return 0;
}

static int begin(void)
{
	return 0;
}
#endif

int main(int argc, char **argv)
{
	static unsigned char in[CHUNK], text[CHUNK];
	int json = argc == 3 && !strcmp(argv[1], "-j"), ret = Z_OK;
	FILE *f = argc == 2 + json ? fopen(argv[1 + json], "re") : NULL;
	z_stream z = { 0 };

	if (!f || inflateInit(&z) != Z_OK || (json && !begin()))
		return 1;
	while (ret == Z_OK) {
		if (!z.avail_in) {
			z.avail_in = (uInt)fread(in, 1, CHUNK, f);
			z.next_in = in;
		}
		z.next_out = text;
		z.avail_out = CHUNK;
		ret = inflate(&z, Z_NO_FLUSH);
		if (json && !parse(text, CHUNK - z.avail_out))
			return 1;
	}
	return ret != Z_STREAM_END;
}
