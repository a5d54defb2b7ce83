/* SPDX-License-Identifier: MIT */
/*
 * Unwinding of this program itself, then of what nobody should record: stacks cut short,
 * registers and stacks of random bytes, files with damaged tables.
 */
#include "test.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memheat/symbol.h>

#define NR_REGS 17
#define SP      7
#define PC      16
#define BP      6

static uint64_t seed = 1;

static uint64_t rnd(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct copied {
	uint64_t regs[NR_REGS];
	uint8_t stack[16384];
	struct mh_event ev;
};

static void make_event(struct copied *c, uint32_t stack_len)
{
	mh_event_init(&c->ev, MH_EV_STACK_COPY);
	c->ev.time_ns = 10;
	c->ev.stack_copy.pid = 7;
	c->ev.stack_copy.machine = 62;
	c->ev.stack_copy.regs =
		(struct mh_blob){ (const uint8_t *)c->regs, sizeof(c->regs) };
	c->ev.stack_copy.sp = c->regs[SP];
	c->ev.stack_copy.stack = (struct mh_blob){ c->stack, stack_len };
}

/* Our mappings; those of @from, if given, are said to be of @to. */
static struct mh_maps *own_maps(const char *from, const char *to)
{
	FILE *f = fopen("/proc/self/maps", "re");
	struct mh_maps *maps;
	struct mh_event ev;
	char line[512];

	assert_non_null(f);
	assert_int_equal(mh_maps_new(&maps, NULL), MH_OK);
	while (fgets(line, sizeof(line), f)) {
		char perms[8], path[400] = "";

		mh_event_init(&ev, MH_EV_MAP);
		ev.time_ns = 1;
		ev.map.pid = 7;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %399s",
			   &ev.map.start, &ev.map.end, perms, &ev.map.pgoff, path) < 4)
			continue;
		ev.map.prot = (uint8_t)((perms[0] == 'r') | (perms[1] == 'w') << 1 |
					(perms[2] == 'x') << 2);
		ev.map.path = from && !strcmp(path, from) ? to : path;
		assert_int_equal(mh_maps_add(maps, &ev, NULL), MH_OK);
	}
	fclose(f);
	assert_int_equal(mh_maps_finish(maps, NULL), MH_OK);
	return maps;
}

#if defined(__x86_64__)

/* Registers and stack of here. Without the redzone nothing below sp is needed. */
__attribute__((noinline, no_sanitize("address"))) static void copy_here(struct copied *c)
{
	volatile uint8_t *from;
	uint64_t *r = c->regs;
	size_t i;

	__asm__ volatile("movq %%rbx, 24(%0)\n\t"
			 "movq %%rbp, 48(%0)\n\t"
			 "movq %%rsp, 56(%0)\n\t"
			 "movq %%r12, 96(%0)\n\t"
			 "movq %%r13, 104(%0)\n\t"
			 "movq %%r14, 112(%0)\n\t"
			 "movq %%r15, 120(%0)\n\t"
			 "leaq 0f(%%rip), %%rax\n\t"
			 "0: movq %%rax, 128(%0)\n\t"
			 :
			 : "r"(r)
			 : "rax", "memory");
	from = (volatile uint8_t *)(uintptr_t)r[SP];
	for (i = 0; i < sizeof(c->stack) &&
		    (uintptr_t)(from + i) < (uintptr_t)c->ev.stack_copy.sp;
	     i++)
		c->stack[i] = from[i];
	make_event(c, (uint32_t)i);
}

static struct copied here;

static bool is_in(uint64_t ip, void (*fn)(struct copied *), uint64_t within)
{
	return ip - (uintptr_t)fn < within;
}

/* Where the stack of a test may be read to: the frame of main(). */
static uint64_t stack_end;

static void test_self(void **state)
{
	struct mh_maps *maps = own_maps(NULL, NULL);
	struct mh_unwinder *u;
	struct mh_unwound un;
	uint32_t len, full;
	size_t nr, i;

	(void)state;
	here.ev.stack_copy.sp = stack_end;
	copy_here(&here);
	assert_int_equal(mh_unwinder_new(&u, maps, NULL, NULL), MH_OK);
	assert_int_equal(mh_unwind(u, &un, &here.ev, NULL), MH_OK);
	assert_true(un.nr >= 4);
	assert_true(is_in(un.ips[0], copy_here, 512));
	assert_true(un.ips[1] - (uintptr_t)test_self < 2048);
	/* The copy ends in main(), or the kernel's first frame is in it. */
	assert_true(un.end == MH_UNWIND_STACK || un.end == MH_UNWIND_OUTERMOST);
	nr = un.nr;
	full = here.ev.stack_copy.stack.len;
	/* Cut short anywhere: fewer frames, the same ones. */
	for (len = 0; len < full; len += 8) {
		uint64_t first[64];

		memcpy(first, un.ips, (nr < 64 ? nr : 64) * sizeof(first[0]));
		make_event(&here, len);
		assert_int_equal(mh_unwind(u, &un, &here.ev, NULL), MH_OK);
		assert_true(un.nr >= 1 && un.nr <= nr);
		for (i = 0; i < un.nr && i < 64; i++)
			assert_true(un.ips[i] == first[i]);
		if (un.nr < nr)
			assert_int_equal(un.end, MH_UNWIND_STACK);
		make_event(&here, full);
		assert_int_equal(mh_unwind(u, &un, &here.ev, NULL), MH_OK);
		assert_int_equal(un.nr, nr);
	}
	mh_unwinder_free(u);
	mh_maps_free(maps);
}

/* Mostly plausible words: code and stack addresses. */
static uint64_t hostile_word(const struct mh_mapping *m, size_t nr)
{
	const struct mh_mapping *any = &m[rnd() % nr];

	switch (rnd() % 4) {
	case 0:
		return here.regs[SP] + rnd() % 16384;
	case 1:
		return rnd();
	default:
		return any->addr.start + rnd() % mh_range_len(any->addr);
	}
}

static void hostile(struct mh_unwinder *u, const struct mh_maps *maps, size_t times)
{
	static struct copied c;
	struct mh_unwound un;
	size_t i, k, nr;
	const struct mh_mapping *m = mh_maps_of(maps, 0, &nr);

	for (i = 0; i < times; i++) {
		for (k = 0; k < NR_REGS; k++)
			c.regs[k] = hostile_word(m, nr);
		c.regs[SP] = here.regs[SP];
		if (rnd() % 8 == 0)
			c.regs[SP] = UINT64_MAX - rnd() % 64;
		for (k = 0; k < sizeof(c.stack); k += 8) {
			uint64_t w = hostile_word(m, nr);

			memcpy(c.stack + k, &w, 8);
		}
		make_event(&c, (uint32_t)(rnd() % (sizeof(c.stack) + 1)));
		assert_int_equal(mh_unwind(u, &un, &c.ev, NULL), MH_OK);
		assert_true(un.nr >= 1 && un.nr <= 16384);
		assert_true(un.ips[0] == c.regs[PC]);
		assert_non_null(mh_unwind_words(un.end));
	}
}

static void test_hostile_stacks(void **state)
{
	struct mh_maps *maps = own_maps(NULL, NULL);
	struct mh_unwinder *u;

	(void)state;
	assert_int_equal(mh_unwinder_new(&u, maps, NULL, NULL), MH_OK);
	hostile(u, maps, 2000);
	mh_unwinder_free(u);
	mh_maps_free(maps);
}

/* ---- damaged tables ---- */

static uint8_t *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *p;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	p = malloc(*len);
	assert_non_null(p);
	assert_int_equal(fread(p, 1, *len, f), *len);
	fclose(f);
	return p;
}

/* Offset and size of .eh_frame and .eh_frame_hdr: headers of ELF64. */
static void find_tables(const uint8_t *p, size_t len, size_t at[2], size_t size[2])
{
	uint64_t shoff, off, n;
	uint16_t nr, names, i;

	memcpy(&shoff, p + 40, 8);
	memcpy(&nr, p + 60, 2);
	memcpy(&names, p + 62, 2);
	memcpy(&off, p + shoff + 64u * names + 24, 8);
	at[0] = at[1] = 0;
	for (i = 0; i < nr; i++) {
		const uint8_t *sh = p + shoff + 64u * i;
		uint32_t name;

		memcpy(&name, sh, 4);
		assert_true(off + name < len);
		n = strcmp((const char *)p + off + name, ".eh_frame") ? 1 : 0;
		if (n && strcmp((const char *)p + off + name, ".eh_frame_hdr"))
			continue;
		memcpy(&at[n], sh + 24, 8);
		memcpy(&size[n], sh + 32, 8);
	}
	assert_true(at[0] && at[1]);
}

static void spill(const char *path, const uint8_t *p, size_t len)
{
	FILE *f = fopen(path, "wbe");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_damaged_tables(void **state)
{
	char self[400] = "", path[400];
	size_t len, at[2], size[2] = { 0 }, i, k, round;
	const char *dir = getenv("TMPDIR");
	uint8_t *image, *copy;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	assert_true(n > 0);
	image = slurp(self, &len);
	copy = malloc(len);
	assert_non_null(copy);
	find_tables(image, len, at, size);
	snprintf(path, sizeof(path), "%s/unwind-%d", dir ? dir : "/tmp", (int)getpid());
	for (round = 0; round < 40; round++) {
		struct mh_maps *maps = own_maps(self, path);
		struct mh_unwinder *u;
		struct mh_unwound un;

		memcpy(copy, image, len);
		/* Few bytes, many, all of it, or the search table alone. */
		for (i = 0; i < size[0]; i++)
			if (round % 4 < 3 && rnd() % (round % 4 == 1 ? 16 : 256) == 0)
				copy[at[0] + i] = (uint8_t)rnd();
		for (k = 0; round % 4 > 1 && k < size[1]; k++)
			if (rnd() % 64 == 0)
				copy[at[1] + k] = (uint8_t)rnd();
		spill(path, copy, len);
		assert_int_equal(mh_unwinder_new(&u, maps, NULL, NULL), MH_OK);
		assert_int_equal(mh_unwind(u, &un, &here.ev, NULL), MH_OK);
		assert_true(un.nr >= 1 && un.ips[0] == here.regs[PC]);
		hostile(u, maps, 20);
		mh_unwinder_free(u);
		mh_maps_free(maps);
	}
	unlink(path);
	free(copy);
	free(image);
}

#endif

/* What the registers say of the machine must fit. */
static void test_machines(void **state)
{
	struct mh_maps *maps = own_maps(NULL, NULL);
	static struct copied c;
	struct mh_unwinder *u;
	struct mh_unwound un;

	(void)state;
	assert_int_equal(mh_unwinder_new(&u, maps, NULL, NULL), MH_OK);
	make_event(&c, 0);
	c.ev.stack_copy.machine = 3;
	assert_int_equal(mh_unwind(u, &un, &c.ev, NULL), MH_OK);
	assert_int_equal(un.end, MH_UNWIND_MACHINE);
	assert_int_equal(un.nr, 0);
	make_event(&c, 0);
	c.ev.stack_copy.regs.len = 8;
	assert_int_equal(mh_unwind(u, &un, &c.ev, NULL), MH_OK);
	assert_int_equal(un.end, MH_UNWIND_MACHINE);
	make_event(&c, 0);
	c.ev.stack_copy.pid = 8; /* nobody */
	assert_int_equal(mh_unwind(u, &un, &c.ev, NULL), MH_OK);
	assert_int_equal(un.end, MH_UNWIND_UNMAPPED);
	assert_int_equal(un.nr, 1);
	mh_unwinder_free(u);
	mh_maps_free(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_hostile_stacks),
		cmocka_unit_test(test_damaged_tables),
#endif
		cmocka_unit_test(test_machines),
	};

#if defined(__x86_64__)
	stack_end = (uintptr_t)__builtin_frame_address(0);
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
