/* SPDX-License-Identifier: MIT */
/* The growing half of the byte cursors; the hot parts are inline in buf.h. */
#include "base/buf.h"

void mh_wbuf_fini(struct mh_wbuf *b)
{
	free(b->p);
	*b = (struct mh_wbuf){ 0 };
}

uint8_t *mh_wbuf_room(struct mh_wbuf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;
	uint8_t *p;

	if (b->bad)
		return NULL;
	if (b->p && more <= b->cap - b->len)
		return b->p + b->len;
	while (cap - b->len < more) {
		if (cap > SIZE_MAX / 2) {
			b->bad = true;
			return NULL;
		}
		cap *= 2;
	}
	p = realloc(b->p, cap);
	if (!p) {
		b->bad = true;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return p + b->len;
}
