/* SPDX-License-Identifier: MIT */
/* Jitdump files: loads, moves, lines, both byte orders, times, what is cut or damaged. */
#include <byteswap.h>
#include <memheat/symbol.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/jitdump.h"
#include "test.h"

/* A file that grows; numbers in the host's byte order or the other one. */
struct file {
	unsigned char bytes[4096];
	size_t len;
	int swap;
};

static void put(struct file *f, const void *bytes, size_t len)
{
	assert_true(f->len + len <= sizeof(f->bytes));
	memcpy(f->bytes + f->len, bytes, len);
	f->len += len;
}

static void put32(struct file *f, uint32_t v)
{
	v = f->swap ? bswap_32(v) : v;
	put(f, &v, sizeof(v));
}

static void put64(struct file *f, uint64_t v)
{
	v = f->swap ? bswap_64(v) : v;
	put(f, &v, sizeof(v));
}

static void put_prefix(struct file *f, uint32_t id, size_t size, uint64_t time_ns)
{
	put32(f, id);
	put32(f, (uint32_t)(16 + size));
	put64(f, time_ns);
}

static void put_header(struct file *f, uint64_t flags)
{
	put32(f, 0x4a695444);
	put32(f, 1);
	put32(f, 40);
	put32(f, 62);
	put32(f, 0);
	put32(f, 42);
	put64(f, 1);
	put64(f, flags);
}

static void put_load(struct file *f, uint64_t time_ns, uint64_t addr, uint32_t size,
		     uint64_t index, const char *name)
{
	put_prefix(f, 0, 40 + strlen(name) + 1 + size, time_ns);
	put32(f, 42);
	put32(f, 43);
	put64(f, addr);
	put64(f, addr);
	put64(f, size);
	put64(f, index);
	put(f, name, strlen(name) + 1);
	while (size--)
		put(f, "\x90", 1);
}

static void put_move(struct file *f, uint64_t time_ns, uint64_t from, uint64_t to,
		     uint64_t size, uint64_t index)
{
	put_prefix(f, 1, 48, time_ns);
	put32(f, 42);
	put32(f, 43);
	put64(f, to);
	put64(f, from);
	put64(f, to);
	put64(f, size);
	put64(f, index);
}

static void put_line(struct file *f, uint64_t addr, uint32_t line, const char *file)
{
	put64(f, addr);
	put32(f, line);
	put32(f, 5);
	put(f, file, strlen(file) + 1);
}

struct made {
	struct mh_names names;
	struct mh_jitdump dump;
};

static void read_into(struct made *m, struct file *f, size_t len)
{
	FILE *in = fmemopen(f->bytes, len, "r");

	assert_non_null(in);
	memset(m, 0, sizeof(*m));
	assert_int_equal(mh_jitdump_read(&m->dump, in, &m->names), 0);
	assert_int_equal(mh_jitdump_index(&m->dump), 0);
	fclose(in);
}

static void made_fini(struct made *m)
{
	mh_jitdump_fini(&m->dump);
	mh_names_fini(&m->names);
}

static const char *at(const struct made *m, uint64_t addr, uint64_t time_ns)
{
	const struct mh_jit_code *c = mh_jitdump_find(&m->dump, addr, time_ns);

	return c ? c->name : "-";
}

static const struct mh_jit_line *line_at(const struct made *m, uint64_t addr,
					 uint64_t time_ns)
{
	const struct mh_jit_code *c = mh_jitdump_find(&m->dump, addr, time_ns);

	assert_non_null(c);
	return mh_jitdump_line(&m->dump, c, addr - c->addr.start);
}

/* "old" is replaced in part by "new", "walker" goes to another place with its lines. */
static void put_all(struct file *f, uint64_t flags)
{
	put_header(f, flags);
	put_load(f, 100, 0x1000, 64, 1, "old");
	put_prefix(f, 2, 16 + 16 + 7 + 16 + 2, 190);
	put64(f, 0x2000);
	put64(f, 2);
	put_line(f, 0x2008, 9, "a.code");
	put_line(f, 0x2000, 8, "\xff");
	put_load(f, 200, 0x2000, 32, 2, "walker");
	put_prefix(f, 4, 4, 250);
	put32(f, 0);
	put_load(f, 300, 0x1020, 16, 3, "new");
	put_move(f, 400, 0x2000, 0x3000, 32, 2);
	put_move(f, 410, 0x1000, 0x5000, 32, 77);
	put_prefix(f, 3, 0, 500);
	put_load(f, 600, 0x6000, 16, 4, "after the end");
}

static void loads_and_moves(void **state)
{
	int swap;

	(void)state;
	for (swap = 0; swap < 2; swap++) {
		struct file f = { .swap = swap };
		struct made m;

		put_all(&f, 0);
		read_into(&m, &f, f.len);
		assert_string_equal(at(&m, 0x1000, 99), "-");
		assert_string_equal(at(&m, 0x1000, 100), "old");
		assert_string_equal(at(&m, 0x1028, 299), "old");
		assert_string_equal(at(&m, 0x1028, 300), "new");
		assert_string_equal(at(&m, 0x1030, 999), "old");
		assert_string_equal(at(&m, 0x1040, 999), "-");
		assert_string_equal(at(&m, 0x2010, 399), "walker");
		assert_string_equal(at(&m, 0x2010, 400), "-");
		assert_string_equal(at(&m, 0x3010, 399), "-");
		assert_string_equal(at(&m, 0x3010, 400), "walker");
		assert_string_equal(at(&m, 0x5000, 999), "-");
		assert_string_equal(at(&m, 0x6000, 999), "-");
		made_fini(&m);
	}
}

static void lines_go_with_their_code(void **state)
{
	struct file f = { 0 };
	struct made m;

	(void)state;
	put_all(&f, 0);
	read_into(&m, &f, f.len);
	assert_int_equal(line_at(&m, 0x2007, 200)->line, 8);
	assert_int_equal(line_at(&m, 0x2008, 200)->line, 9);
	assert_int_equal(line_at(&m, 0x3010, 400)->line, 9);
	assert_int_equal(line_at(&m, 0x3010, 400)->discriminator, 5);
	assert_string_equal(line_at(&m, 0x3000, 400)->file, "a.code");
	assert_null(line_at(&m, 0x1000, 100));
	made_fini(&m);
}

/* The processor's counter cannot be compared: the last one counts at all times. */
static void times_of_another_clock(void **state)
{
	struct file f = { 0 };
	struct made m;

	(void)state;
	put_all(&f, 1);
	read_into(&m, &f, f.len);
	assert_string_equal(at(&m, 0x1028, 1), "new");
	assert_string_equal(at(&m, 0x1000, 1), "old");
	assert_string_equal(at(&m, 0x2000, 1), "-");
	assert_string_equal(at(&m, 0x3000, 1), "walker");
	made_fini(&m);
}

/* What stands before a cut is named, whatever is missing. */
static void cut_anywhere(void **state)
{
	struct file f = { 0 };
	struct made m;
	size_t len;

	(void)state;
	put_all(&f, 0);
	for (len = 1; len < f.len; len++) {
		read_into(&m, &f, len);
		assert_string_equal(at(&m, 0x1000, 150),
				    len >= 40 + 16 + 40 + 4 + 64 ? "old" : "-");
		made_fini(&m);
	}
}

static void nonsense(void **state)
{
	struct file f = { 0 };
	struct made m;

	(void)state;
	put_header(&f, 0);
	put_load(&f, 1, UINT64_MAX - 3, 64, 1, "past the end of memory");
	put_load(&f, 1, 0x1000, 0, 1, "empty");
	put_move(&f, 2, 0x9000, 0xa000, 8, 1);
	put_prefix(&f, 2, 16, 3);
	put64(&f, 0x4000);
	put64(&f, UINT64_MAX);
	put_load(&f, 4, 0x4000, 8, 2, "good");
	put32(&f, 0);
	put32(&f, 3);
	put64(&f, 5);
	put_load(&f, 6, 0x5000, 8, 3, "behind a size that is too small");
	read_into(&m, &f, f.len);
	assert_int_equal(m.dump.nr, 1);
	assert_string_equal(at(&m, 0x4004, 4), "good");
	assert_null(line_at(&m, 0x4004, 4));
	made_fini(&m);
	f.bytes[0] ^= 1;
	read_into(&m, &f, f.len);
	assert_int_equal(m.dump.nr, 0);
	made_fini(&m);
}

/* By the path that was mapped, before the perf map; at each sample's time. */
static void found_by_its_mapping(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct mh_symbol_query q[] = { { 0, 0x1028, 250 },
				       { 0, 0x1028, 350 },
				       { 0, 0x3008, 450 },
				       { 0, 0x7000, 450 } };
	struct mh_symtab_opts opts = { .perf_map_dir = "/no/such/folder" };
	struct mh_symbol s[4];
	struct file f = { 0 };
	struct mh_symtab *st;
	struct mh_event ev;
	struct mh_maps *maps;
	struct mh_err err;
	char path[600];
	FILE *out;

	(void)state;
	snprintf(path, sizeof(path), "%s/jit-%d.dump", tmp ? tmp : "/tmp", (int)getpid());
	put_all(&f, 0);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(f.bytes, f.len, 1, out), 1);
	assert_int_equal(fclose(out), 0);
	assert_status(mh_maps_new(&maps, &err), MH_OK, &err);
	mh_event_init(&ev, MH_EV_MAP);
	ev.time_ns = 1;
	ev.map.pid = 42;
	ev.map.prot = PROT_READ | PROT_EXEC;
	ev.map.start = 0x1000;
	ev.map.end = 0x8000;
	ev.map.path = "";
	assert_status(mh_maps_add(maps, &ev, &err), MH_OK, &err);
	ev.map.start = 0x10000;
	ev.map.end = 0x11000;
	ev.map.path = path;
	assert_status(mh_maps_add(maps, &ev, &err), MH_OK, &err);
	assert_status(mh_maps_finish(maps, &err), MH_OK, &err);
	assert_status(mh_symtab_new(&st, maps, &opts, &err), MH_OK, &err);
	assert_status(mh_symtab_resolve(st, q, 4, s, &err), MH_OK, &err);
	assert_string_equal(s[0].name, "old");
	assert_int_equal(s[0].why, MH_UNNAMED_NO_DEBUG);
	assert_string_equal(s[1].name, "new");
	assert_int_equal(s[1].offset, 8);
	assert_string_equal(s[2].name, "walker");
	assert_string_equal(s[2].file, "a.code");
	assert_int_equal(s[2].line, 9);
	assert_int_equal(s[2].why, MH_NAMED);
	assert_int_equal(s[3].why, MH_UNNAMED_NO_SYMBOL);
	mh_symtab_free(st);
	mh_maps_free(maps);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_and_moves),
		cmocka_unit_test(lines_go_with_their_code),
		cmocka_unit_test(times_of_another_clock),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(found_by_its_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
