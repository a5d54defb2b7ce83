/* SPDX-License-Identifier: MIT */
/*
 * Options from the command line and from a file of `key = value` lines: one table serves
 * both and the help. Where an option comes twice the later one holds, and --config counts
 * where it stands.
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum kind {
	SIZE,
	TIME,
	COUNT,
	REAL,
	TEXT,
	FLAG,
	THP,
	CONFIG
};

struct option {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *value, *help;
};

#define AT(field) offsetof(struct options, field)

static const struct option table[] = {
	{ "pattern", TEXT, AT(pattern), "NAME", "what to run, as the first word does" },
	{ "hot", SIZE, AT(hot), "SIZE", "bytes of the hot set" },
	{ "total", SIZE, AT(total), "SIZE", "bytes of the region (64M)" },
	{ "stride", SIZE, AT(stride), "SIZE", "touch one byte in so many (a page)" },
	{ "step", SIZE, AT(step), "SIZE", "way of the window per phase" },
	{ "phase", TIME, AT(phase_ns), "TIME", "length of a phase" },
	{ "phases", COUNT, AT(nr_phases), "N", "number of phases (--time / --phase)" },
	{ "time", TIME, AT(time_ns), "TIME", "length of the run (30s)" },
	{ "think", TIME, AT(think_ns), "TIME", "sleep after each burst (1ms)" },
	{ "settle", TIME, AT(settle_ns), "TIME", "sleep after the first writes (100ms)" },
	{ "burst", COUNT, AT(burst), "N", "touches between two sleeps (4096)" },
	{ "exponent", REAL, AT(exponent), "X", "of zipf (1.0)" },
	{ "seed", COUNT, AT(seed), "N", "of zipf and first-touch (1)" },
	{ "thp", THP, AT(thp), "MODE",
	  "always: huge pages everywhere, madvise: hot part only, never" },
	{ "node", COUNT, AT(node), "N", "bind the region to this NUMA node, not 0" },
	{ "write", FLAG, AT(write), NULL, "touch by writing, not by reading" },
	{ "keep-tlb", FLAG, AT(keep_tlb), NULL, "do not flush the TLB between sweeps" },
	{ "exit", COUNT, AT(exit_status), "N", "exit status of a good run" },
	{ "truth", TEXT, AT(truth_path), "FILE",
	  "write what was done as JSON, at the end" },
	{ "layout", TEXT, AT(layout_path), "FILE",
	  "write the regions as JSON once all are populated" },
	{ "verbose", FLAG, AT(verbose), NULL, "say each phase on stderr" },
	{ "config", CONFIG, 0, "FILE", "read options from lines `key = value`" },
};

#define NR_OPTIONS (sizeof(table) / sizeof(table[0]))

static int config_read(struct options *opt, const char *path);

static int wrong_value(const struct option *option, const char *value)
{
	fprintf(stderr, "workload: --%s %s: want a %s\n", option->name, value,
		option->value ? option->value : "yes or no");
	return -1;
}

/* A decimal number and one of the suffixes; *out is the product. */
static int parse_scaled(uint64_t *out, const char *text, const char *const *suffixes,
			const uint64_t *scales, size_t nr)
{
	char *end;
	double number;

	if (!isdigit((unsigned char)*text))
		return -1;
	number = strtod(text, &end);
	for (size_t i = 0; i < nr; i++)
		if (strcmp(end, suffixes[i]) == 0 && number * (double)scales[i] < 1e18) {
			*out = (uint64_t)(number * (double)scales[i] + 0.5);
			return 0;
		}
	return -1;
}

static int parse_size(uint64_t *out, const char *text)
{
	static const char *const suffixes[] = { "", "K", "M", "G" };
	static const uint64_t scales[] = { 1, KIB, MIB, 1024 * MIB };

	return parse_scaled(out, text, suffixes, scales, 4);
}

static int parse_time(uint64_t *out, const char *text)
{
	static const char *const suffixes[] = { "us", "ms", "s", "m" };
	static const uint64_t scales[] = { 1000, 1000000, NS_PER_S, 60 * NS_PER_S };

	if (strcmp(text, "0") == 0)
		text = "0s";
	return parse_scaled(out, text, suffixes, scales, 4);
}

static int parse_count(uint64_t *out, const char *text)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *end || errno ? -1 : 0;
}

static int parse_real(double *out, const char *text)
{
	char *end;

	*out = strtod(text, &end);
	return end == text || *end || !(*out >= 0 && *out <= 10) ? -1 : 0;
}

static int parse_flag(bool *out, const char *text)
{
	*out = !text || strcmp(text, "yes") == 0;
	return *out || strcmp(text, "no") == 0 ? 0 : -1;
}

static int parse_thp(enum thp_mode *out, const char *text)
{
	if (strcmp(text, "always") == 0)
		*out = THP_ALWAYS;
	else if (strcmp(text, "madvise") == 0)
		*out = THP_MADVISE;
	else if (strcmp(text, "never") == 0)
		*out = THP_NEVER;
	else
		return -1;
	return 0;
}

static int parse_text(const char **out, const char *text)
{
	*out = text;
	return *text ? 0 : -1;
}

static int option_set(struct options *opt, const struct option *option, const char *value)
{
	void *field = (char *)opt + option->offset;
	int status = -1;

	switch (option->kind) {
	case SIZE:
		status = parse_size(field, value);
		break;
	case TIME:
		status = parse_time(field, value);
		break;
	case COUNT:
		status = parse_count(field, value);
		break;
	case REAL:
		status = parse_real(field, value);
		break;
	case TEXT:
		status = parse_text(field, value);
		break;
	case FLAG:
		status = parse_flag(field, value);
		break;
	case THP:
		status = parse_thp(field, value);
		break;
	case CONFIG:
		return config_read(opt, value);
	}
	return status < 0 ? wrong_value(option, value) : 0;
}

static const struct option *option_find(const char *name, size_t length)
{
	for (size_t i = 0; i < NR_OPTIONS; i++)
		if (strlen(table[i].name) == length &&
		    strncmp(table[i].name, name, length) == 0)
			return &table[i];
	fprintf(stderr, "workload: no option %.*s; run: workload --help\n", (int)length,
		name);
	return NULL;
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r\n");
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Texts point into the line, so the lines live as long as the program. */
static int config_line(struct options *opt, char *line)
{
	char *key, *equals;
	const struct option *option;

	line[strcspn(line, "#")] = '\0';
	key = trim(line);
	if (!*key)
		return 0;
	equals = strchr(key, '=');
	if (!equals) {
		fprintf(stderr, "workload: not `key = value`: %s\n", key);
		return -1;
	}
	*equals = '\0';
	key = trim(key);
	option = option_find(key, strlen(key));
	if (!option || option->kind == CONFIG)
		return -1;
	return option_set(opt, option, trim(equals + 1));
}

static int config_read(struct options *opt, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	if (!file) {
		fprintf(stderr, "workload: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (status == 0 && getline(&line, &size, file) >= 0) {
		status = config_line(opt, line);
		line = NULL;
		size = 0;
	}
	free(line);
	fclose(file);
	return status;
}

static void print_list(void)
{
	for (const struct pattern *pattern = patterns; pattern->name; pattern++)
		printf("%-12s %s\n", pattern->name, pattern->help);
}

static void print_help(void)
{
	printf("usage: workload PATTERN [OPTION]...\n\n");
	print_list();
	printf("\n");
	for (size_t i = 0; i < NR_OPTIONS; i++)
		printf("  --%-8s %-5s %s\n", table[i].name,
		       table[i].value ? table[i].value : "", table[i].help);
	printf("\nSIZE takes K M G (1024), TIME takes us ms s m.\n");
}

int options_parse(struct options *opt, int argc, char **argv)
{
	*opt = (struct options){
		.think_ns = 1000000, .settle_ns = UINT64_MAX, .seed = 1, .exponent = 1.0
	};

	for (int i = 1; i < argc; i++) {
		const char *name, *value = NULL;
		const struct option *option;
		size_t length;

		if (strncmp(argv[i], "--", 2) != 0) {
			opt->pattern = argv[i];
			continue;
		}
		name = argv[i] + 2;
		length = strcspn(name, "=");
		if (strcmp(name, "help") == 0)
			return print_help(), 1;
		if (strcmp(name, "list") == 0)
			return print_list(), 1;
		option = option_find(name, length);
		if (!option)
			return -1;
		if (name[length])
			value = name + length + 1;
		else if (option->kind != FLAG)
			value = argv[++i];
		if (!value && option->kind != FLAG)
			return wrong_value(option, "");
		if (option_set(opt, option, value) < 0)
			return -1;
	}
	return 0;
}
