/* SPDX-License-Identifier: MIT */
/*
 * Arm SPE without the hardware: built pieces of its buffer as samples, and an AUX area in
 * our own memory, wrapped around its end.
 */
#include "test.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ring/ring.h"
#include "source/mem/spe.h"

struct piece {
	uint8_t p[1024];
	size_t len;
};

static void packet(struct piece *b, unsigned header, uint64_t v, unsigned len)
{
	assert_true(b->len + 1 + len <= sizeof(b->p));
	b->p[b->len++] = (uint8_t)header;
	for (; len; len--, v >>= 8)
		b->p[b->len++] = (uint8_t)v;
}

/* @op: 0 load, 1 store; @class: 1 loads and stores, 2 branches */
static void record(struct piece *b, unsigned class, unsigned op, uint64_t pc,
		   uint64_t addr, uint64_t timestamp)
{
	packet(b, 0xb0, pc, 8);
	packet(b, 0x48 | class, op, 1);
	packet(b, 0x52, 1 << 2, 2);
	packet(b, 0x98, 40, 2);
	if (class == 1)
		packet(b, 0xb2, addr, 8);
	packet(b, 0x71, timestamp, 8);
}

struct got {
	struct mh_event ev[16];
	size_t nr;
};

static int take(void *arg, const struct mh_event *ev, struct mh_err *err)
{
	struct got *g = arg;

	(void)err;
	assert_true(g->nr < 16);
	g->ev[g->nr++] = *ev;
	return 0;
}

static void make(struct piece *b)
{
	*b = (struct piece){ 0 };
	record(b, 1, 0, 0x1000, 0x7f0000001000, 1000);
	record(b, 2, 0, 0x1004, 0, 1010);
	record(b, 1, 1, 0x1008, 0x7f0000002000, 1100);
	record(b, 1, 0, 0xa0ff800000001000, 0x00ff888000003000, 1200);
}

static struct mh_sampler_aux aux_of(const struct piece *b)
{
	/* 40 ns to a tick: a timer of 25 MHz */
	return (struct mh_sampler_aux){ .p = b->p,
					.len = b->len,
					.time_ns = 1000000,
					.pid = 7,
					.tid = 8,
					.cpu = 3,
					.source = 2,
					.event = 0,
					.period = 4096,
					.time_mult = 40 << 8,
					.time_shift = 8 };
}

static void test_samples(void **state)
{
	struct mem_spe spe = { 0 };
	struct got g = { 0 };
	struct piece b;
	struct mh_sampler_aux aux;

	(void)state;
	make(&b);
	aux = aux_of(&b);
	assert_int_equal(mh_mem_spe_samples(&spe, &aux, take, &g, NULL), MH_OK);
	assert_int_equal(g.nr, 3);
	assert_int_equal(spe.nr_samples, 3);
	assert_int_equal(spe.nr_nonmem, 1); /* the branch */
	assert_int_equal(g.ev[0].time_ns, 1000000 - 200 * 40);
	assert_int_equal(g.ev[1].time_ns, 1000000 - 100 * 40);
	assert_int_equal(g.ev[2].time_ns, 1000000);
	assert_int_equal(g.ev[0].source, 2);
	assert_int_equal(g.ev[0].sample.pid, 7);
	assert_int_equal(g.ev[0].sample.tid, 8);
	assert_int_equal(g.ev[0].sample.cpu, 3);
	assert_int_equal(g.ev[0].sample.period, 4096);
	assert_int_equal(g.ev[0].sample.ip, 0x1000);
	assert_int_equal(g.ev[0].sample.addr, 0x7f0000001000);
	assert_int_equal(g.ev[0].sample.weight, 40);
	assert_int_equal(g.ev[2].sample.flags & MH_SAMPLE_KERNEL, MH_SAMPLE_KERNEL);
}

static void test_modes_and_flags(void **state)
{
	struct mem_spe spe = { .user_only = true };
	struct got g = { 0 };
	struct piece b;
	struct mh_sampler_aux aux;

	(void)state;
	make(&b);
	aux = aux_of(&b);
	aux.flags = PERF_AUX_FLAG_TRUNCATED;
	aux.time_mult = 0;
	assert_int_equal(mh_mem_spe_samples(&spe, &aux, take, &g, NULL), MH_OK);
	assert_int_equal(g.nr, 2);
	assert_int_equal(g.ev[0].time_ns, 1000000);
	assert_int_equal(spe.nr_truncated, 1);
	spe = (struct mem_spe){ .kernel_only = true };
	g.nr = 0;
	aux.flags = PERF_AUX_FLAG_COLLISION;
	assert_int_equal(mh_mem_spe_samples(&spe, &aux, take, &g, NULL), MH_OK);
	assert_int_equal(g.nr, 1);
	assert_int_equal(spe.nr_collisions, 1);
	/* Cut within the last record: the whole ones remain. */
	spe = (struct mem_spe){ 0 };
	g.nr = 0;
	aux.len -= 3;
	assert_int_equal(mh_mem_spe_samples(&spe, &aux, take, &g, NULL), MH_OK);
	assert_int_equal(g.nr, 2);
}

static void test_area(void **state)
{
	struct perf_event_mmap_page page = { 0 };
	uint8_t area[4096];
	const uint8_t *p;
	struct mh_aux a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(area); i++)
		area[i] = (uint8_t)(i * 7);
	assert_int_equal(mh_aux_init(&a, &page, area, sizeof(area), NULL), MH_OK);
	p = mh_aux_piece(&a, 100, 50);
	assert_ptr_equal(p, area + 100);
	/* The third time around, over the end. */
	p = mh_aux_piece(&a, 3 * 4096 - 10, 30);
	for (i = 0; i < 30; i++)
		assert_int_equal(p[i], area[(4086 + i) % 4096]);
	assert_non_null(mh_aux_piece(&a, 5, 4096));
	assert_null(mh_aux_piece(&a, 5, 4097));
	mh_aux_done(&a, 3 * 4096 + 20);
	assert_int_equal(page.aux_tail, 3 * 4096 + 20);
	mh_aux_fini(&a);
	assert_null(mh_aux_piece(&a, 0, 1));
}

static void put(const char *root, const char *text)
{
	char path[256], *slash;
	FILE *f;

	snprintf(path, sizeof(path),
		 "%s/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", root);
	mkdir(root, 0700);
	for (slash = path + strlen(root); (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0700);
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_cores(void **state)
{
	char root[] = "/tmp/memheat-midr-XXXXXX", command[64];
	struct mem_spe spe = { 0 };

	(void)state;
	assert_non_null(mkdtemp(root));
	mh_mem_spe_init(&spe, root);
	assert_false(spe.neoverse);
	put(root, "0x00000000413fd0c1\n");
	mh_mem_spe_init(&spe, root);
	assert_true(spe.neoverse);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0); /* NOLINT: the folder is our own */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_modes_and_flags),
		cmocka_unit_test(test_area),
		cmocka_unit_test(test_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
