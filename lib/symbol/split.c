/* SPDX-License-Identifier: MIT */
/*
 * Split DWARF: the linked file has skeleton units, the rest is in one .dwo file per unit
 * or in a .dwp package of them. From a package each unit is seen as a .dwo of its own, by
 * slices of the package's sections.
 *
 * Not handled: type units in a package (their types have no name or size).
 */
#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>

#include "symbol/debugfile.h"

/* ---- packages ---- */

static bool dwp_read(struct mh_dwp *dwp)
{
	struct mh_rbuf b;
	uint32_t version;

	if (mh_elf_bytes(&dwp->elf, ".debug_cu_index", &dwp->index, NULL) ||
	    mh_elf_bytes(&dwp->elf, ".debug_info.dwo", &dwp->info, NULL) ||
	    mh_elf_bytes(&dwp->elf, ".debug_abbrev.dwo", &dwp->abbrev, NULL) ||
	    mh_elf_bytes(&dwp->elf, ".debug_str.dwo", &dwp->str, NULL) ||
	    mh_elf_bytes(&dwp->elf, ".debug_str_offsets.dwo", &dwp->str_offsets, NULL) ||
	    mh_elf_bytes(&dwp->elf, ".debug_rnglists.dwo", &dwp->rnglists, NULL) ||
	    mh_elf_bytes(&dwp->elf, ".debug_loc.dwo", &dwp->loc, NULL) ||
	    mh_elf_bytes(&dwp->elf, ".debug_loclists.dwo", &dwp->loclists, NULL))
		return false;
	b = mh_rbuf(dwp->index.p, dwp->index.len);
	version = mh_rbuf_u32(&b) & 0xffff;
	dwp->nr_columns = mh_rbuf_u32(&b);
	dwp->nr_units = mh_rbuf_u32(&b);
	dwp->nr_slots = mh_rbuf_u32(&b);
	if (b.bad || (version != 2 && version != 5) || dwp->nr_columns > 16 ||
	    !dwp->nr_slots || dwp->nr_slots & (dwp->nr_slots - 1))
		return false;
	return (uint64_t)dwp->nr_slots * 12 + (uint64_t)dwp->nr_columns * 4 +
		       (uint64_t)dwp->nr_units * dwp->nr_columns * 8 <=
	       mh_rbuf_left(&b);
}

bool mh_dwp_path(char *path, const char *module_path)
{
	return snprintf(path, MH_PATH_MAX, "%s.dwp", module_path) < MH_PATH_MAX;
}

void mh_dwp_find(struct mh_dwp *dwp, const char *module_path)
{
	char path[MH_PATH_MAX];

	*dwp = (struct mh_dwp){ .elf.fd = -1 };
	if (!mh_dwp_path(path, module_path) || mh_elf_open(&dwp->elf, path, NULL))
		return;
	dwp->open = dwp_read(dwp);
	if (!dwp->open)
		mh_elf_close(&dwp->elf);
}

void mh_dwp_close(struct mh_dwp *dwp)
{
	if (dwp->open)
		mh_elf_close(&dwp->elf);
	dwp->open = false;
}

static uint32_t u32_at(const struct mh_dwp *dwp, uint64_t off)
{
	struct mh_rbuf b = mh_rbuf(dwp->index.p + off, 4);

	return mh_rbuf_u32(&b);
}

/* Row of the unit, from 1; 0: not in the package. */
static uint32_t dwp_row(const struct mh_dwp *dwp, uint64_t id)
{
	uint64_t mask = dwp->nr_slots - 1, slot = id & mask, step = (id >> 32 & mask) | 1;
	uint32_t tries;

	for (tries = 0; tries < dwp->nr_slots; tries++) {
		uint64_t at = 16 + slot * 8;
		uint32_t row = u32_at(dwp, 16 + (uint64_t)dwp->nr_slots * 8 + slot * 4);
		uint64_t sig = u32_at(dwp, at) | (uint64_t)u32_at(dwp, at + 4) << 32;

		if (!row)
			return 0;
		if (sig == id)
			return row <= dwp->nr_units ? row : 0;
		slot = (slot + step) & mask;
	}
	return 0;
}

static struct mh_bytes slice(const struct mh_bytes *b, uint32_t off, uint32_t len)
{
	if (off > b->len || len > b->len - off)
		return (struct mh_bytes){ NULL, 0 };
	return (struct mh_bytes){ b->p + off, len };
}

static int from_package(struct mh_split *out, const struct mh_dwp *dwp,
			const struct mh_dw_unit *skeleton, struct mh_err *err)
{
	uint32_t row = dwp_row(dwp, skeleton->id), c;
	uint64_t head = 16 + (uint64_t)dwp->nr_slots * 12, offs, sizes;

	if (!row)
		return MH_END;
	offs = head + (uint64_t)row * dwp->nr_columns * 4;
	sizes = offs + (uint64_t)dwp->nr_units * dwp->nr_columns * 4;
	out->dw = (struct mh_dwarf){ .fuel = skeleton->dw->fuel,
				     .split = true,
				     .str = dwp->str };
	for (c = 0; c < dwp->nr_columns; c++) {
		uint32_t off = u32_at(dwp, offs + 4 * c),
			 len = u32_at(dwp, sizes + 4 * c);

		switch (u32_at(dwp, head + 4 * c)) {
		case 1:
			out->dw.info = slice(&dwp->info, off, len);
			break;
		case 3:
			out->dw.abbrev = slice(&dwp->abbrev, off, len);
			break;
		case 5: /* one or the other, by the version */
			out->dw.loc = slice(&dwp->loc, off, len);
			out->dw.loclists = slice(&dwp->loclists, off, len);
			break;
		case 6:
			out->dw.str_offsets = slice(&dwp->str_offsets, off, len);
			break;
		case 8: /* DWARF 5; macro information before */
			out->dw.rnglists = slice(&dwp->rnglists, off, len);
			break;
		default:
			break;
		}
	}
	return mh_dwarf_scan_units(&out->dw, err);
}

/* ---- single files ---- */

static bool open_dwo(struct mh_elf *elf, const char *fmt, ...) MH_PRINTF(2, 3);

static bool open_dwo(struct mh_elf *elf, const char *fmt, ...)
{
	char path[MH_PATH_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return n > 0 && (size_t)n < sizeof(path) && !mh_elf_open(elf, path, NULL);
}

/* Where the compiler wrote it, or beside the module where all was moved together. */
static bool find_dwo(struct mh_elf *elf, const struct mh_dw_unit *sk,
		     const char *module_path)
{
	const char *name = sk->dwo_name, *slash = strrchr(module_path, '/');
	const char *base = strrchr(name, '/');
	int dir = slash ? (int)(slash - module_path) : 0;

	base = base ? base + 1 : name;
	if (name[0] == '/')
		return open_dwo(elf, "%s", name) ||
		       open_dwo(elf, "%.*s/%s", dir, module_path, base);
	return (*sk->comp_dir && open_dwo(elf, "%s/%s", sk->comp_dir, name)) ||
	       open_dwo(elf, "%.*s/%s", dir, module_path, name) ||
	       open_dwo(elf, "%.*s/%s", dir, module_path, base);
}

static int from_file(struct mh_split *out, const struct mh_dw_unit *skeleton,
		     const char *module_path, struct mh_err *err)
{
	int ret;

	if (!find_dwo(&out->elf, skeleton, module_path))
		return MH_END;
	ret = mh_dwarf_open(&out->dw, &out->elf, skeleton->dw->fuel, err);
	return ret > 0 ? mh_fail(err, MH_EFORMAT, "a .dwo file without DWARF") : ret;
}

/* The unit of the skeleton's id; another one means that the file was built anew. */
static int take_unit(struct mh_split *out, const struct mh_dw_unit *skeleton,
		     struct mh_err *err)
{
	size_t i;

	for (i = 0; i < out->dw.nr_info_units; i++) {
		struct mh_dw_unit *u = &out->dw.units.v[i];

		if (u->type != DW_UT_split_compile && u->type != DW_UT_compile)
			continue;
		u->skeleton = skeleton;
		if (mh_dw_unit_load(u) && u->id == skeleton->id) {
			out->unit = u;
			return MH_OK;
		}
	}
	return mh_fail(err, MH_EFORMAT, "the .dwo file belongs to another build");
}

int mh_split_open(struct mh_split *out, const struct mh_dwp *dwp,
		  const struct mh_dw_unit *skeleton, const char *module_path,
		  struct mh_err *err)
{
	int ret;

	*out = (struct mh_split){ .elf.fd = -1 };
	ret = dwp->open ? from_package(out, dwp, skeleton, err) : MH_END;
	if (ret > 0)
		ret = from_file(out, skeleton, module_path, err);
	if (!ret)
		ret = take_unit(out, skeleton, err);
	if (ret)
		mh_split_close(out);
	return ret;
}

void mh_split_close(struct mh_split *split)
{
	mh_dwarf_close(&split->dw);
	mh_elf_close(&split->elf);
	split->unit = NULL;
}
