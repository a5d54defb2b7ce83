/* SPDX-License-Identifier: MIT */
/* Text inside of XML. */
#ifndef MEMHEAT_RENDER_XML_H
#define MEMHEAT_RENDER_XML_H

#include <stdio.h>

/* Write a text that somebody else chose, for an element or an attribute in double quotes;
 * cut at some 2000 bytes. Controls have no place in XML 1.0, escaped or not. */
void mh_xml_text(FILE *out, const char *s);

#endif
