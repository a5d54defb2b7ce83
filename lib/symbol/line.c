/* SPDX-License-Identifier: MIT */
/*
 * Line programs of DWARF 2 to 5, decoded as a stream: no table of rows is made; each pair
 * of neighbouring rows is matched with the addresses that are wanted.
 *
 * Where several rows have one address the last counts, as their range is not empty. Of
 * two sequences with one address the first counts.
 *
 * Not handled: op_index of VLIW machines.
 */
#include "symbol/line.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"

/* ---- header ---- */

static bool add_dir(struct mh_dw_line *l, const char *name)
{
	const char **slot = mh_vec_push(&l->dirs);

	if (slot)
		*slot = name;
	return slot != NULL;
}

static bool add_file(struct mh_dw_line *l, const char *name, uint64_t dir)
{
	struct mh_dw_line_file *slot = mh_vec_push(&l->files);

	if (slot) {
		slot->name = name;
		slot->dir = dir;
	}
	return slot != NULL;
}

static const char *string(struct mh_rbuf *b)
{
	const char *s = (const char *)b->p;
	const uint8_t *zero = memchr(b->p, 0, mh_rbuf_left(b));

	if (!zero) {
		b->bad = true;
		return NULL;
	}
	b->p = zero + 1;
	return s;
}

/* Directories and files are numbered from 1; 0 is the unit's own. */
static bool tables4(struct mh_dw_line *l, struct mh_rbuf *b)
{
	const char *s;

	if (!add_dir(l, l->unit->comp_dir) || !add_file(l, l->unit->name, 0))
		return false;
	while ((s = string(b)) && *s) {
		if (!mh_dw_burn(l->unit->dw->fuel, 1) || !add_dir(l, s))
			return false;
	}
	while ((s = string(b)) && *s) {
		uint64_t dir = mh_dw_uleb(b);

		(void)mh_dw_uleb(b);
		(void)mh_dw_uleb(b);
		if (b->bad || !mh_dw_burn(l->unit->dw->fuel, 1) || !add_file(l, s, dir))
			return false;
	}
	return !b->bad;
}

#define FORMATS_MAX 32

static bool table5(struct mh_dw_line *l, const struct mh_dw_unit *forms,
		   struct mh_rbuf *b, bool files)
{
	struct {
		uint64_t type;
		uint16_t form;
	} format[FORMATS_MAX];
	unsigned nr_formats = mh_rbuf_u8(b), f;
	uint64_t nr, i;

	if (nr_formats > FORMATS_MAX)
		return false;
	for (f = 0; f < nr_formats; f++) {
		format[f].type = mh_dw_uleb(b);
		format[f].form = (uint16_t)mh_dw_uleb(b);
	}
	nr = mh_dw_uleb(b);
	/* Every entry has bytes, so their number is bounded by what is left. */
	if (b->bad || nr > mh_rbuf_left(b))
		return false;
	for (i = 0; i < nr; i++) {
		const char *name = "";
		uint64_t dir = 0;

		for (f = 0; f < nr_formats; f++) {
			struct mh_dw_value v;

			if (!mh_dw_form_read(forms, b, format[f].form, 0, &v))
				return false;
			if (format[f].type == DW_LNCT_path)
				name = mh_dw_value_string(forms, &v);
			else if (format[f].type == DW_LNCT_directory_index)
				dir = v.u;
		}
		name = name ? name : "";
		if (!mh_dw_burn(l->unit->dw->fuel, 1) ||
		    !(files ? add_file(l, name, dir) : add_dir(l, name)))
			return false;
	}
	return true;
}

bool mh_dw_line_open(struct mh_dw_line *l, const struct mh_dw_unit *u)
{
	const struct mh_bytes *sec = &u->dw->line;
	unsigned off_size = 4, i;
	struct mh_dw_unit forms;
	struct mh_rbuf b, header;
	uint64_t len;

	*l = (struct mh_dw_line){ .unit = u, .addr_size = u->addr_size };
	if (u->stmt_list >= sec->len)
		return false;
	b = mh_rbuf(sec->p + u->stmt_list, sec->len - u->stmt_list);
	len = mh_rbuf_u32(&b);
	if (len == 0xffffffff) {
		off_size = 8;
		len = mh_rbuf_u64(&b);
	}
	if (b.bad || len > mh_rbuf_left(&b))
		return false;
	b.end = b.p + len;
	l->version = mh_rbuf_u16(&b);
	if (l->version < 2 || l->version > 5)
		return false;
	if (l->version >= 5) {
		l->addr_size = mh_rbuf_u8(&b);
		(void)mh_rbuf_u8(&b);
	}
	len = mh_dw_uint(&b, off_size);
	if (b.bad || len > mh_rbuf_left(&b))
		return false;
	header = b;
	header.end = header.p + len;
	l->program = b;
	l->program.p = header.end;
	l->min_inst = mh_rbuf_u8(&header);
	if (l->version >= 4)
		(void)mh_rbuf_u8(&header);
	(void)mh_rbuf_u8(&header);
	l->line_base = (int8_t)mh_rbuf_u8(&header);
	l->line_range = mh_rbuf_u8(&header);
	l->opcode_base = mh_rbuf_u8(&header);
	for (i = 1; i < l->opcode_base; i++)
		l->lengths[i] = mh_rbuf_u8(&header);
	if (header.bad || !l->line_range || !l->opcode_base)
		return false;
	if (l->version < 5)
		return tables4(l, &header);
	/* An assembler may make this section with 32-bit offsets and the unit with 64. */
	forms = *u;
	forms.off_size = (uint8_t)off_size;
	return table5(l, &forms, &header, false) && table5(l, &forms, &header, true);
}

void mh_dw_line_fini(struct mh_dw_line *l)
{
	free(l->dirs.v);
	free(l->files.v);
	memset(&l->dirs, 0, sizeof(l->dirs));
	memset(&l->files, 0, sizeof(l->files));
}

struct mh_dw_line_file *mh_dw_line_file(struct mh_dw_line *l, uint64_t number)
{
	return number < l->files.nr ? &l->files.v[number] : NULL;
}

bool mh_dw_line_path(const struct mh_dw_line *l, const struct mh_dw_line_file *file,
		     char *buf, size_t size)
{
	const char *comp_dir = l->unit->comp_dir, *dir;
	int n;

	dir = file->dir < l->dirs.nr ? l->dirs.v[file->dir] : "";
	if (file->name[0] == '/')
		n = snprintf(buf, size, "%s", file->name);
	else if (!*dir)
		n = snprintf(buf, size, "%s%s%s", comp_dir, *comp_dir ? "/" : "",
			     file->name);
	else if (dir[0] == '/' || !*comp_dir)
		n = snprintf(buf, size, "%s/%s", dir, file->name);
	else
		n = snprintf(buf, size, "%s/%s/%s", comp_dir, dir, file->name);
	return n >= 0 && (size_t)n < size;
}

/* ---- program ---- */

struct machine {
	uint64_t addr;
	uint64_t file;
	uint64_t line;
	uint32_t column;
	uint32_t discriminator; /* of the next row only */
};

struct matcher {
	const uint64_t *addrs;
	struct mh_dw_row *rows;
	size_t nr, at; /* at: first address that the sequence may still reach */
	struct machine prev;
	bool in_sequence, ignore;
};

/* A row is made: what lies between the one before and this belongs to the former. */
static inline void row(struct matcher *m, struct machine *s)
{
	if (!m->in_sequence || s->addr < m->prev.addr) {
		m->ignore = !m->in_sequence && s->addr <= 1;
		m->at = mh_dw_lower_bound(m->addrs, m->nr, s->addr);
		m->in_sequence = true;
	} else if (!m->ignore) {
		while (m->at < m->nr && m->addrs[m->at] < s->addr) {
			struct mh_dw_row *r = &m->rows[m->at++];

			if (r->found)
				continue;
			r->file = m->prev.file > UINT32_MAX ? UINT32_MAX
							    : (uint32_t)m->prev.file;
			r->line = m->prev.line > UINT32_MAX ? 0 : (uint32_t)m->prev.line;
			r->column = m->prev.column;
			r->discriminator = m->prev.discriminator;
			r->found = true;
		}
	}
	m->prev = *s;
	s->discriminator = 0;
}

/* False: end of the program, as what follows cannot be told. */
static bool extended(struct mh_dw_line *l, struct mh_rbuf *b, struct machine *s,
		     struct matcher *m)
{
	uint64_t len = mh_dw_uleb(b);
	struct mh_rbuf op;

	if (b->bad || !len || len > mh_rbuf_left(b))
		return false;
	op = mh_rbuf(b->p, len);
	b->p += len;
	switch (mh_rbuf_u8(&op)) {
	case DW_LNE_end_sequence:
		row(m, s);
		m->in_sequence = false;
		*s = (struct machine){ .file = 1, .line = 1 };
		break;
	case DW_LNE_set_address:
		s->addr = mh_dw_uint(&op, len - 1 > 8 ? 8 : (unsigned)len - 1);
		break;
	case DW_LNE_set_discriminator:
		s->discriminator = (uint32_t)mh_dw_uleb(&op);
		break;
	case DW_LNE_define_file: {
		const char *name = string(&op);

		if (!name || !add_file(l, name, mh_dw_uleb(&op)))
			return false;
		break;
	}
	default:
		break;
	}
	return true;
}

static bool standard(struct mh_dw_line *l, struct mh_rbuf *b, uint8_t op,
		     struct machine *s, struct matcher *m)
{
	unsigned i;

	switch (op) {
	case DW_LNS_copy:
		row(m, s);
		break;
	case DW_LNS_advance_pc:
		s->addr += mh_dw_uleb(b) * l->min_inst;
		break;
	case DW_LNS_advance_line:
		s->line += (uint64_t)mh_dw_sleb(b);
		break;
	case DW_LNS_set_file:
		s->file = mh_dw_uleb(b);
		break;
	case DW_LNS_set_column:
		s->column = (uint32_t)mh_dw_uleb(b);
		break;
	case DW_LNS_const_add_pc:
		s->addr +=
			(uint64_t)((255 - l->opcode_base) / l->line_range) * l->min_inst;
		break;
	case DW_LNS_fixed_advance_pc:
		s->addr += mh_rbuf_u16(b);
		break;
	case DW_LNS_negate_stmt:
	case DW_LNS_set_basic_block:
	case DW_LNS_set_prologue_end:
	case DW_LNS_set_epilogue_begin:
		break;
	default:
		for (i = 0; i < l->lengths[op]; i++)
			(void)mh_dw_uleb(b);
	}
	return !b->bad;
}

void mh_dw_line_run(struct mh_dw_line *l, const uint64_t *addrs, size_t nr,
		    struct mh_dw_row *rows)
{
	struct matcher m = { .addrs = addrs, .rows = rows, .nr = nr };
	struct machine s = { .file = 1, .line = 1 };
	struct mh_rbuf b = l->program;

	/* Special opcodes are one byte each: paying by the byte bounds them all. */
	if (!mh_dw_burn(l->unit->dw->fuel, mh_rbuf_left(&b) + nr))
		return;
	while (b.p < b.end) {
		uint8_t op = *b.p++;

		if (op >= l->opcode_base) {
			unsigned adj = op - l->opcode_base;

			s.addr += (uint64_t)(adj / l->line_range) * l->min_inst;
			s.line += (uint64_t)(int64_t)(l->line_base +
						      (int)(adj % l->line_range));
			row(&m, &s);
		} else if (!(op ? standard(l, &b, op, &s, &m)
				: extended(l, &b, &s, &m))) {
			return;
		}
	}
}
