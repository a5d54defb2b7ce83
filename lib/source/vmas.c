/* SPDX-License-Identifier: MIT */
/*
 * Mappings changed some time since the last scan: changes are dated at its time, so that
 * what the interval tells finds them.
 */
#include "source/vmas.h"

static uint32_t hash_path(const char *s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

struct vma mh_vma_of(const struct mh_ev_map *map)
{
	return (struct vma){ .start = map->start,
			     .end = map->end,
			     .pgoff = map->pgoff,
			     .path_hash = hash_path(map->path),
			     .prot = map->prot,
			     .shared = map->shared };
}

static int is_same(const struct vma *a, const struct vma *b)
{
	return a->start == b->start && a->end == b->end && a->pgoff == b->pgoff &&
	       a->prot == b->prot && a->shared == b->shared &&
	       a->path_hash == b->path_hash;
}

static struct mh_event change(const struct watched *p, const struct round *r)
{
	struct mh_event ev = mh_round_event(r, MH_EV_MAP);

	if (p->armed_ns)
		ev.time_ns = p->armed_ns;
	return ev;
}

static int tell_removed(const struct vma *vma, const struct watched *p,
			const struct round *r, struct mh_err *err)
{
	struct mh_event ev = change(p, r);

	ev.map.op = MH_MAP_REMOVE;
	ev.map.pid = (uint32_t)p->stat.pid;
	ev.map.start = vma->start;
	ev.map.end = vma->end;
	return mh_round_send(r, &ev, err);
}

int mh_vmas_meet(const struct vmas *before, size_t *old, size_t *same,
		 const struct mh_ev_map *map, const struct watched *p,
		 const struct round *r, struct mh_err *err)
{
	const struct vma vma = mh_vma_of(map);
	struct mh_event ev = change(p, r);
	int status = MH_OK;

	*same = VMA_NEW;
	while (!status && *old < before->nr && before->v[*old].start < vma.end) {
		if (is_same(&before->v[*old], &vma)) {
			*same = (*old)++;
			return MH_OK;
		}
		status = tell_removed(&before->v[(*old)++], p, r, err);
	}
	if (status)
		return status;
	ev.map = *map;
	ev.map.op = MH_MAP_ADD;
	ev.map.pid = (uint32_t)p->stat.pid;
	return mh_round_send(r, &ev, err);
}

int mh_vmas_end(const struct vmas *before, size_t old, const struct watched *p,
		const struct round *r, struct mh_err *err)
{
	int status = MH_OK;

	for (; !status && old < before->nr; old++)
		status = tell_removed(&before->v[old], p, r, err);
	return status;
}
