/* SPDX-License-Identifier: MIT */
/*
 * Data sources and AMD's registers. Values that machines gave, with the text that perf
 * had for them, are read from the recordings' folder where there is one; the table here
 * holds what each value must mean.
 */
#include "../test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memheat/event.h>

#include "base/buf.h"
#include "event/ibs.h"

static FILE *open_data(const char *name)
{
	const char *folder = getenv("MEMHEAT_DATA");
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/perf/%s", folder ? folder : "../shared/data",
		 name);
	f = fopen(path, "re");
	if (!f)
		print_message("%s is not there, skipped\n", path);
	return f;
}

static void test_meaning(void **state)
{
	static const struct {
		uint64_t value;
		uint8_t op, level, hit, snoop, tlb, lock;
	} rows[] = {
		{ 0x68100142, MH_MEM_LOAD, MH_LEVEL_L1, MH_HIT, MH_SNOOP_NONE,
		  MH_TLB_L1_OR_L2, MH_LOCK_NO },
		{ 0x6a100142, MH_MEM_LOAD, MH_LEVEL_L1, MH_HIT, MH_SNOOP_NONE,
		  MH_TLB_L1_OR_L2, MH_LOCK_YES },
		{ 0x68100242, MH_MEM_LOAD, MH_LEVEL_LFB, MH_HIT, MH_SNOOP_NONE,
		  MH_TLB_L1_OR_L2, MH_LOCK_NO },
		{ 0x10650100842, MH_MEM_LOAD, MH_LEVEL_L3, MH_HIT, MH_SNOOP_NONE,
		  MH_TLB_MISS, MH_LOCK_NO },
		{ 0x51088842, MH_MEM_LOAD, MH_LEVEL_NODE_CACHE, MH_HIT, MH_SNOOP_UNKNOWN,
		  MH_TLB_MISS, MH_LOCK_UNKNOWN },
		{ 0x629800842, MH_MEM_LOAD, MH_LEVEL_L3, MH_HIT, MH_SNOOP_HITM, MH_TLB_L1,
		  MH_LOCK_UNKNOWN },
		{ 0x1a49081042, MH_MEM_LOAD, MH_LEVEL_RAM, MH_HIT, MH_SNOOP_UNKNOWN,
		  MH_TLB_L2, MH_LOCK_UNKNOWN },
		{ 0x1e29080024, MH_MEM_STORE, MH_LEVEL_UNKNOWN, MH_HIT_UNKNOWN,
		  MH_SNOOP_UNKNOWN, MH_TLB_L1, MH_LOCK_UNKNOWN },
		{ 0x8688000842, MH_MEM_LOAD, MH_LEVEL_L3, MH_HIT, MH_SNOOP_PEER,
		  MH_TLB_WALK, MH_LOCK_NO },
		{ 0x83629808042, MH_MEM_LOAD, MH_LEVEL_NODE_CACHE, MH_HIT, MH_SNOOP_HITM,
		  MH_TLB_L1, MH_LOCK_UNKNOWN },
		{ 0x5080021, MH_MEM_OP_UNKNOWN, MH_LEVEL_UNKNOWN, MH_HIT_UNKNOWN,
		  MH_SNOOP_UNKNOWN, MH_TLB_UNKNOWN, MH_LOCK_UNKNOWN },
		{ 0, MH_MEM_OP_UNKNOWN, MH_LEVEL_UNKNOWN, MH_HIT_UNKNOWN,
		  MH_SNOOP_UNKNOWN, MH_TLB_UNKNOWN, MH_LOCK_UNKNOWN },
	};
	struct mh_mem_access a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mh_mem_access_decode(&a, rows[i].value);
		assert_int_equal(a.op, rows[i].op);
		assert_int_equal(a.level, rows[i].level);
		assert_int_equal(a.hit, rows[i].hit);
		assert_int_equal(a.snoop, rows[i].snoop);
		assert_int_equal(a.tlb, rows[i].tlb);
		assert_int_equal(a.lock, rows[i].lock);
	}
}

/* Every value decodes into the enums and has a text that ends. */
static void test_any_bits(void **state)
{
	char text[MH_DATA_SRC_TEXT_MAX];
	uint64_t v = 88172645463325252u;
	struct mh_mem_access a;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		mh_mem_access_decode(&a, i ? v : UINT64_MAX);
		assert_non_null(mh_mem_op_name(a.op));
		assert_non_null(mh_mem_level_name(a.level));
		assert_true(a.level < MH_NR_MEM_LEVELS);
		assert_non_null(mh_mem_hit_name(a.hit));
		assert_non_null(mh_mem_snoop_name(a.snoop));
		assert_non_null(mh_mem_tlb_name(a.tlb));
		assert_non_null(mh_mem_lock_name(a.lock));
		mh_data_src_text(text, i ? v : UINT64_MAX);
		assert_in_range(strlen(text), 1, MH_DATA_SRC_TEXT_MAX - 1);
	}
	assert_null(mh_mem_level_name(MH_NR_MEM_LEVELS));
}

static void replace(char *s, const char *from, const char *to)
{
	char *at = strstr(s, from);

	if (!at)
		return;
	memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
	memcpy(at, to, strlen(to));
}

/* perf 6.1 names a level twice where two fields have it; some texts lack the last part.
 */
static void as_newer(char *s)
{
	replace(s, "L1 or L1 hit", "L1 hit");
	replace(s, "L2 or L2 hit", "L2 hit");
	replace(s, "L3 or L3 hit", "L3 hit");
	replace(s, "LFB/MAB or LFB/MAB hit", "LFB/MAB hit");
	replace(s, "SNP N/A, snoopx Peer", "SNP Peer");
}

static void test_perf_text(void **state)
{
	FILE *f = open_data("data_src-vectors.tsv");
	char line[1024], text[MH_DATA_SRC_TEXT_MAX], *want, *end;
	unsigned nr = 0;
	uint64_t v;

	(void)state;
	if (!f) {
		skip_because("no list of values in MEMHEAT_DATA");
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		if (*line == '#')
			continue;
		v = strtoull(line, &want, 16);
		assert_int_equal(*want++, '\t');
		end = strchr(want, '\t');
		assert_non_null(end);
		*end = '\0';
		as_newer(want);
		mh_data_src_text(text, v);
		text[strlen(want) < strlen(text) ? strlen(want) : strlen(text)] = '\0';
		assert_string_equal(text, want);
		nr++;
	}
	fclose(f);
	assert_int_equal(nr, 25);
}

static struct mh_ibs_op op_of(uint32_t caps, uint64_t data, uint64_t data2,
			      uint64_t data3)
{
	return (struct mh_ibs_op){ .caps = caps,
				   .reg = { [MH_IBS_OP_DATA] = data,
					    [MH_IBS_OP_DATA2] = data2,
					    [MH_IBS_OP_DATA3] = data3,
					    [MH_IBS_DC_LINADDR] = 0xff110008a5398920,
					    [MH_IBS_DC_PHYSADDR] = 0x8a5398920 } };
}

#define ZEN4 (1u << 11)

/* The two sets of registers that public texts show. */
static void test_ibs_known(void **state)
{
	struct mh_ibs_op store = op_of(ZEN4, 0x0000010002550001, 0x13, 0x31960092);
	struct mh_ibs_op load = op_of(ZEN4, 0x710002, 2, 0x681d1700a1);
	struct mh_ibs_cpu zen4 = { 0x19, 0x11 };
	struct mh_ev_sample s = { 0 };

	(void)state;
	assert_int_equal(mh_ibs_op_data_src(&store, &zen4), 0x1e29080024);
	mh_ibs_op_fill(&s, &store, &zen4);
	assert_int_equal(s.flags, MH_SAMPLE_ADDR);
	assert_int_equal(s.addr, 0xff110008a5398920);
	assert_int_equal(s.phys, 0x8a5398920);
	assert_int_equal(s.weight, 0);

	assert_int_equal(mh_ibs_op_data_src(&load, &zen4), 0x83629808042);
	mh_ibs_op_fill(&s, &load, &zen4);
	assert_int_equal(s.weight, 104);
	assert_int_equal(s.ins_lat, 113);
}

enum {
	LD = 1,
	ST = 2,
	DC_MISS = 1 << 7,
	UC = 1 << 14,
	NO_MAB = 1 << 16,
	LIN = 1 << 17,
	L2_MISS = 1 << 20,
	SW_PF = 1 << 21
};

static void expect(struct mh_ibs_op op, struct mh_ibs_cpu cpu, unsigned level,
		   unsigned snoop)
{
	struct mh_mem_access a;

	mh_mem_access_decode(&a, mh_ibs_op_data_src(&op, &cpu));
	assert_int_equal(a.level, level);
	assert_int_equal(a.snoop, snoop);
}

static void test_ibs_rules(void **state)
{
	static const struct mh_ibs_cpu zen2 = { 0x17, 0x31 }, zen3 = { 0x19, 1 },
				       zen4 = { 0x19, 0x11 }, zen5 = { 0x1a, 2 };
	const uint64_t miss = LD | LIN | DC_MISS | L2_MISS;

	(void)state;
	expect(op_of(0, 0, 0, LIN), zen2, MH_LEVEL_UNKNOWN, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 0, LD | LIN), zen2, MH_LEVEL_L1, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 0, LD | DC_MISS), zen2, MH_LEVEL_L2, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 0, LD | UC), zen2, MH_LEVEL_UNCACHED, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 2, miss), zen2, MH_LEVEL_NODE_CACHE, MH_SNOOP_HITM);
	expect(op_of(0, 0, 0x22, miss), zen2, MH_LEVEL_NODE_CACHE, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 0x23, miss), zen2, MH_LEVEL_RAM, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 0x33, miss), zen2, MH_LEVEL_REMOTE_RAM, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 4, miss), zen2, MH_LEVEL_REMOTE_CACHE, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 7, miss | UC), zen2, MH_LEVEL_IO, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 0, miss), zen2, MH_LEVEL_UNKNOWN, MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 0, miss | NO_MAB), zen2, MH_LEVEL_LFB, MH_SNOOP_UNKNOWN);
	/* erratum 1293: no L2 hit, and no source either */
	expect(op_of(0, 0, 3, LD | DC_MISS | SW_PF), zen3, MH_LEVEL_UNKNOWN,
	       MH_SNOOP_UNKNOWN);
	expect(op_of(0, 0, 2, miss), zen3, MH_LEVEL_NODE_CACHE, MH_SNOOP_UNKNOWN);
	expect(op_of(ZEN4, 0, 1, miss), zen4, MH_LEVEL_L3, MH_SNOOP_HITM);
	expect(op_of(ZEN4, 0, 5, miss), zen5, MH_LEVEL_REMOTE_CACHE, MH_SNOOP_HITM);
	expect(op_of(ZEN4, 0, 0x40, miss), zen5, MH_LEVEL_CXL, MH_SNOOP_UNKNOWN);
	expect(op_of(ZEN4, 0, 6, miss), zen5, MH_LEVEL_PMEM, MH_SNOOP_UNKNOWN);
	expect(op_of(ZEN4, 0, 3, ST | LIN | DC_MISS | L2_MISS), zen5, MH_LEVEL_UNKNOWN,
	       MH_SNOOP_UNKNOWN);
}

static void test_ibs_bytes(void **state)
{
	uint8_t raw[4 + 8 * MH_NR_IBS_REGS + 8] = { 0 };
	struct mh_ibs_op op;

	(void)state;
	raw[1] = 8;
	raw[4 + 8 * MH_IBS_OP_DATA3] = LD;
	assert_int_equal(mh_ibs_op_read(&op, raw, sizeof(raw)), MH_OK);
	assert_int_equal(op.caps, ZEN4);
	assert_int_equal(op.reg[MH_IBS_OP_DATA3], LD);
	assert_int_equal(mh_ibs_op_read(&op, raw, 4 + 8 * MH_NR_IBS_REGS - 1),
			 MH_EFORMAT);
}

/* ---- AMD's own tool: one op per row, every bit a column ---- */

struct csv {
	char *cell[64];
	size_t nr;
};

static void split(struct csv *c, char *line)
{
	c->nr = 0;
	for (char *p = strsep(&line, ","); p && c->nr < 64; p = strsep(&line, ","))
		c->cell[c->nr++] = p;
}

static uint64_t cell(const struct csv *head, const struct csv *row, const char *name)
{
	size_t i;

	for (i = 0; i < head->nr && i < row->nr; i++)
		if (!strcmp(head->cell[i], name))
			return strtoull(row->cell[i], NULL, 0);
	fail_msg("no column %s", name);
	return 0;
}

static uint64_t pack_data3(const struct csv *head, const struct csv *row)
{
	static const struct {
		const char *name;
		unsigned shift;
	} bits[] = {
		{ "IbsLdOp", 0 },
		{ "IbsStOp", 1 },
		{ "IbsDcL1tlbMiss", 2 },
		{ "IbsDcL2TlbMiss", 3 },
		{ "IbsDcMiss", 7 },
		{ "IbsDcUcMemAcc", 14 },
		{ "IbsDcLockedOp", 15 },
		{ "DcMissNoMabAlloc", 16 },
		{ "IbsDcLinAddrValid", 17 },
		{ "IbsDcPhyAddrValid", 18 },
		{ "IbsL2Miss", 20 },
		{ "IbsSwPf", 21 },
		{ "IbsDcMissLat", 32 },
	};
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		v |= cell(head, row, bits[i].name) << bits[i].shift;
	return v;
}

static void test_ibs_rows(void **state)
{
	static const struct mh_ibs_cpu cpu = { 0x17, 0x31 };
	FILE *f = open_data("amd-zen-ibs_op-10.csv");
	unsigned rows = 0, loads = 0, stores = 0;
	char first[2048], line[2048];
	struct csv head, row;

	(void)state;
	if (!f) {
		skip_because("no list of values in MEMHEAT_DATA");
		return;
	}
	assert_non_null(fgets(first, sizeof(first), f));
	split(&head, first);
	while (fgets(line, sizeof(line), f)) {
		struct mh_ibs_op op = { 0 };
		struct mh_ev_sample s = { 0 };
		struct mh_mem_access a;

		split(&row, line);
		op.reg[MH_IBS_OP_DATA3] = pack_data3(&head, &row);
		op.reg[MH_IBS_DC_LINADDR] = cell(&head, &row, "IbsDcLinAd");
		op.reg[MH_IBS_DC_PHYSADDR] = cell(&head, &row, "IbsDcPhysAd");
		mh_ibs_op_fill(&s, &op, &cpu);
		mh_mem_access_decode(&a, s.data_src);
		rows++;
		loads += a.op == MH_MEM_LOAD;
		stores += a.op == MH_MEM_STORE;
		assert_int_equal(!!(s.flags & MH_SAMPLE_ADDR),
				 cell(&head, &row, "IbsDcLinAddrValid"));
		if (!a.op)
			continue;
		assert_int_equal(s.addr, cell(&head, &row, "IbsDcLinAd"));
		assert_int_equal(s.phys, cell(&head, &row, "IbsDcPhysAd"));
		assert_int_equal(a.level, MH_LEVEL_L1);
		assert_int_equal(a.tlb, MH_TLB_L1);
	}
	fclose(f);
	assert_int_equal(rows, 9);
	assert_int_equal(loads, 1);
	assert_int_equal(stores, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning),   cmocka_unit_test(test_any_bits),
		cmocka_unit_test(test_perf_text), cmocka_unit_test(test_ibs_known),
		cmocka_unit_test(test_ibs_rules), cmocka_unit_test(test_ibs_bytes),
		cmocka_unit_test(test_ibs_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
