/* SPDX-License-Identifier: MIT */
/* The parser of lru_gen: whatever it hands over is in order and within its limits. */
#include <stdlib.h>
#include <string.h>

#include "source/mglru/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct lru_node *n, struct mh_err *err)
{
	size_t i;

	(void)arg;
	(void)err;
	if (!n->nr || n->nr > LRU_GENS_MAX || !n->path || !*n->path)
		abort();
	for (i = 0; i < n->nr; i++)
		if ((i && n->gens[i].seq <= n->gens[i - 1].seq) ||
		    n->gens[i].pages[LRU_ANON] > LRU_PAGES_MAX ||
		    n->gens[i].pages[LRU_FILE] > LRU_PAGES_MAX ||
		    mh_lru_idle_ms(n, i) > UINT32_MAX)
			abort();
	return MH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct mh_err err;
	int status;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	status = mh_lru_parse(text, take, NULL, &err);
	if (status != MH_OK && status != MH_EFORMAT)
		abort();
	free(text);
	return 0;
}
