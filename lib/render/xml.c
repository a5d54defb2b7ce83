/* SPDX-License-Identifier: MIT */
#include "render/xml.h"

#include "render/utf8.h"

#define TEXT_SIZE 2048

void mh_xml_text(FILE *out, const char *s)
{
	char safe[TEXT_SIZE];
	const char *p;

	mh_utf8_safe(safe, sizeof(safe), s, 1);
	for (p = safe; *p; p++) {
		switch (*p) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			putc(*p, out);
		}
	}
}
