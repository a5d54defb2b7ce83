/* SPDX-License-Identifier: MIT */
/*
 * Read strictly: a line of another shape is damage or a newer kernel's, and sums that
 * leave some of it out would be wrong. A group's line may be followed by no node.
 */
#include "source/mglru/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct parse {
	lru_node_fn fn;
	void *arg;
	struct lru_node at;
	bool memcg, node; /* their lines have been read */
};

static int end_node(struct parse *p, struct mh_err *err)
{
	int status = MH_OK;

	if (p->node && !p->at.nr)
		return MH_EFORMAT;
	if (p->node)
		status = p->fn(p->arg, &p->at, err);
	p->node = false;
	p->at.nr = 0;
	return status;
}

/* A number after blanks; *at is left behind it. */
static bool get_number(char **at, uint64_t most, uint64_t *out)
{
	char *end;

	while (**at == ' ' || **at == '\t')
		++*at;
	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*out = strtoull(*at, &end, 10);
	*at = end;
	return !errno && *out <= most;
}

static bool get_word(char **at, const char *word)
{
	size_t len = strlen(word);

	while (**at == ' ' || **at == '\t')
		++*at;
	if (strncmp(*at, word, len) != 0 || ((*at)[len] != ' ' && (*at)[len] != '\t'))
		return false;
	*at += len;
	return true;
}

static bool is_end(const char *at)
{
	return !at[strspn(at, " \t")];
}

/* The path is all that follows one blank: it may hold others. */
static bool get_path(struct parse *p, char *at)
{
	if (*at && *at != ' ')
		return false;
	p->at.path = *at && at[1] ? at + 1 : "/";
	return true;
}

static bool get_gen(struct parse *p, char *at)
{
	struct lru_gen *gen = &p->at.gens[p->at.nr];

	if (!p->node || p->at.nr == LRU_GENS_MAX ||
	    !get_number(&at, UINT64_MAX, &gen->seq) ||
	    !get_number(&at, UINT32_MAX, &gen->age_ms) ||
	    !get_number(&at, LRU_PAGES_MAX, &gen->pages[LRU_ANON]) ||
	    !get_number(&at, LRU_PAGES_MAX, &gen->pages[LRU_FILE]) || !is_end(at))
		return false;
	if (p->at.nr && gen->seq <= gen[-1].seq)
		return false;
	p->at.nr++;
	return true;
}

static int take_line(struct parse *p, char *line, struct mh_err *err)
{
	char *at = line;
	uint64_t node;
	int status;

	if (get_word(&at, "memcg")) {
		status = end_node(p, err);
		p->memcg = !status && get_number(&at, UINT64_MAX, &p->at.memcg) &&
			   get_path(p, at);
		return status ? status : p->memcg ? MH_OK : MH_EFORMAT;
	}
	if (get_word(&at, "node")) {
		status = end_node(p, err);
		p->node = !status && p->memcg && get_number(&at, UINT16_MAX, &node) &&
			  is_end(at);
		if (p->node)
			p->at.node = (unsigned)node;
		return status ? status : p->node ? MH_OK : MH_EFORMAT;
	}
	return is_end(line) || get_gen(p, line) ? MH_OK : MH_EFORMAT;
}

int mh_lru_parse(char *text, lru_node_fn fn, void *arg, struct mh_err *err)
{
	struct parse p = { .fn = fn, .arg = arg };
	char *line = text, *end;
	size_t nr = 0;
	int status = MH_OK;

	for (; !status && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		nr++;
		status = take_line(&p, line, err);
	}
	if (!status)
		status = end_node(&p, err);
	if (status == MH_EFORMAT)
		return mh_fail(err, MH_EFORMAT,
			       "lru_gen of debugfs has a line of an unknown form: "
			       "line %zu",
			       nr);
	return status;
}

uint64_t mh_lru_idle_ms(const struct lru_node *n, size_t i)
{
	return i + 1 < n->nr ? n->gens[i + 1].age_ms : 0;
}
