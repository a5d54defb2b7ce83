/* SPDX-License-Identifier: MIT */
/*
 * Both files are a list of looks, {"time": seconds, LIST: [{"pid": ..., ...}]}, and are
 * read twice: first for the pids, which come in the order of the targets, then for the
 * events. Mappings are told where they changed.
 *
 * The looks have the wall clock, a record of the tracepoint has another, and nothing says
 * how far they are apart. Both begin when recording does, so the first look is taken for
 * the record's start; it is off by up to a second.
 *
 * Not taken: sizes of address spaces, which no view has; CPU profiles, /proc/PID/stat.
 */
#include "source/import/damo_side.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/vec.h"

#define CHUNK     65536
#define DEPTH_MAX 8
#define PIDS_MAX  4096
#define VMAS_MAX  (1u << 20)
#define PAGE      4096 /* DAMO does not say the machine's */

enum place {
	LOOKS, /* [look...] */
	LOOK,
	PROCS, /* [process...] */
	PROC,
	FOOTPRINT,
	VMAS, /* [mapping...] */
	VMA,
	SKIP
};

struct vma {
	uint64_t start, end;
	char *name; /* owned */
};

struct vmas {
	struct vma *v;
	size_t nr, cap;
};

/* A process's mappings as they were told last. */
struct known {
	uint32_t pid;
	struct vmas vmas;
};

struct reader {
	struct damo_side *side; /* first pass: filled in; else NULL */
	mh_event_fn fn;
	void *arg;
	uint64_t start_ns; /* of the first look, as an event's time */
	double first_s;
	struct mh_err *err;
	int status;
	bool stopped;

	enum place stack[DEPTH_MAX];
	unsigned depth;
	char key[16];
	double time_s; /* < 0: not said yet */
	size_t index;  /* of the process in the look */
	uint64_t pid, resident, total, free;
	bool has_pid, has_resident, has_total;
	struct vma vma;
	struct vmas now;
	struct {
		struct known *v;
		size_t nr, cap;
	} known;
};

static int stop(struct reader *r, int status)
{
	r->stopped = true;
	r->status = status;
	return 0;
}

static int no_memory(struct reader *r)
{
	return stop(r,
		    mh_fail(r->err, MH_ENOMEM, "no memory for what is beside a record"));
}

static enum place now(const struct reader *r)
{
	return r->depth ? r->stack[r->depth - 1] : SKIP;
}

static void vmas_fini(struct vmas *vmas)
{
	size_t i;

	for (i = 0; i < vmas->nr; i++)
		free(vmas->v[i].name);
	free(vmas->v);
	*vmas = (struct vmas){ 0 };
}

/* ---- events ---- */

static uint64_t event_time(const struct reader *r)
{
	double s = r->time_s - r->first_s;

	return r->start_ns + (s > 0 ? (uint64_t)(s * 1e9) : 0);
}

static int tell_footprint(struct reader *r)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_FOOTPRINT);
	ev.time_ns = event_time(r);
	ev.footprint.pid = (uint32_t)r->pid;
	ev.footprint.rss = r->resident * PAGE;
	ev.footprint.pss = ev.footprint.swap = ev.footprint.huge = MH_NO_BYTES;
	return r->fn(r->arg, &ev, r->err);
}

static int tell_system(struct reader *r)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_STAT);
	ev.time_ns = event_time(r);
	ev.stat.name = "system.used_bytes";
	ev.stat.value = (r->total - r->free) * 1024;
	return r->fn(r->arg, &ev, r->err);
}

static int tell_map(struct reader *r, const struct vma *vma, enum mh_map_op op)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_MAP);
	ev.time_ns = event_time(r);
	ev.map.op = (uint8_t)op;
	ev.map.pid = (uint32_t)r->pid;
	ev.map.start = vma->start;
	ev.map.end = vma->end;
	/* What DAMO calls anonymous memory: the last field of a line without a name. */
	if (op == MH_MAP_ADD)
		ev.map.path = strcmp(vma->name, "0") != 0 ? vma->name : "";
	return r->fn(r->arg, &ev, r->err);
}

static struct known *known_of(struct reader *r)
{
	struct known *k;
	size_t i;

	for (i = 0; i < r->known.nr; i++)
		if (r->known.v[i].pid == r->pid)
			return &r->known.v[i];
	k = mh_vec_push(&r->known);
	if (k)
		*k = (struct known){ .pid = (uint32_t)r->pid };
	return k;
}

static bool same(const struct vma *a, const struct vma *b)
{
	return a->start == b->start && a->end == b->end && !strcmp(a->name, b->name);
}

/* Both lists ascend, as /proc/PID/maps does. */
static int tell_changes(struct reader *r, const struct vmas *before,
			const struct vmas *after)
{
	size_t i = 0, k = 0;
	int status = MH_OK;

	while (status == MH_OK && (i < before->nr || k < after->nr)) {
		const struct vma *old = i < before->nr ? &before->v[i] : NULL;
		const struct vma *new = k < after->nr ? &after->v[k] : NULL;

		if (old && new &&same(old, new)) {
			i++;
			k++;
		} else if (old && (!new || old->start < new->end)) {
			status = tell_map(r, old, MH_MAP_REMOVE);
			i++;
		} else {
			status = tell_map(r, new, MH_MAP_ADD);
			k++;
		}
	}
	return status;
}

/* ---- what has been read ---- */

/* First pass: whose the targets are. */
static int note_process(struct reader *r)
{
	uint32_t *slot;

	if (r->side->first_s < 0 || r->time_s < r->side->first_s)
		r->side->first_s = r->time_s;
	if (!r->has_pid || r->index != r->side->pids.nr || r->index == PIDS_MAX)
		return 1;
	slot = mh_vec_push(&r->side->pids);
	if (!slot)
		return no_memory(r);
	*slot = (uint32_t)r->pid;
	return 1;
}

static int end_process(struct reader *r)
{
	struct known *k;
	int status = MH_OK;

	if (r->time_s < 0)
		return stop(r, mh_fail(r->err, MH_EFORMAT, "a look has no time"));
	if (r->side)
		return note_process(r);
	if (r->has_pid && r->has_resident)
		status = tell_footprint(r);
	else if (!r->has_pid && r->has_total && r->total >= r->free)
		status = tell_system(r);
	if (r->has_pid && r->now.nr) { /* none: it had ended */
		k = known_of(r);
		if (!k)
			return no_memory(r);
		status = tell_changes(r, &k->vmas, &r->now);
		vmas_fini(&k->vmas);
		k->vmas = r->now;
		r->now = (struct vmas){ 0 };
	}
	return status == MH_OK ? 1 : stop(r, status);
}

static int end_vma(struct reader *r)
{
	struct vma *slot;

	if (r->side || !r->vma.name || r->vma.end <= r->vma.start ||
	    r->now.nr == VMAS_MAX) {
		free(r->vma.name);
		r->vma.name = NULL;
		return 1;
	}
	slot = mh_vec_push(&r->now);
	if (!slot)
		return no_memory(r);
	*slot = r->vma;
	r->vma.name = NULL;
	return 1;
}

/* ---- JSON ---- */

static enum place opened(const struct reader *r, bool array)
{
	if (!r->depth)
		return array ? LOOKS : SKIP;
	switch (now(r)) {
	case LOOKS:
		return array ? SKIP : LOOK;
	case LOOK:
		return array ? PROCS : SKIP;
	case PROCS:
		return array ? SKIP : PROC;
	case PROC:
		return array ? VMAS : FOOTPRINT;
	case VMAS:
		return array ? SKIP : VMA;
	case FOOTPRINT:
	case VMA:
	case SKIP:
		break;
	}
	return SKIP;
}

static int push(struct reader *r, bool array)
{
	enum place place = opened(r, array);

	if (r->depth == DEPTH_MAX)
		return stop(r, mh_fail(r->err, MH_EFORMAT, "brackets are nested"));
	if (place == LOOK) {
		r->time_s = -1;
		r->index = 0;
	}
	if (place == PROC) {
		r->has_pid = r->has_resident = r->has_total = false;
		r->free = 0;
		vmas_fini(&r->now);
	}
	if (place == VMA)
		r->vma.start = r->vma.end = 0;
	r->stack[r->depth++] = place;
	return 1;
}

static int on_map(void *ctx)
{
	return push(ctx, false);
}

static int on_array(void *ctx)
{
	return push(ctx, true);
}

static int on_end(void *ctx)
{
	struct reader *r = ctx;
	enum place place = now(r);
	int go_on = 1;

	r->depth--;
	if (place == VMA)
		go_on = end_vma(r);
	if (place == PROC) {
		go_on = end_process(r);
		r->index++;
	}
	return go_on;
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct reader *r = ctx;

	snprintf(r->key, sizeof(r->key), "%.*s", len < 15 ? (int)len : 15,
		 (const char *)s);
	return 1;
}

static bool is_key(const struct reader *r, enum place place, const char *key)
{
	return now(r) == place && !strcmp(r->key, key);
}

static int on_number(void *ctx, const char *s, size_t len)
{
	struct reader *r = ctx;
	char text[32];
	uint64_t v;

	/* Within the parser's buffer it has no end of its own. */
	snprintf(text, sizeof(text), "%.*s", len < 31 ? (int)len : 31, s);
	v = *text == '-' ? 0 : strtoull(text, NULL, 10);
	if (is_key(r, LOOK, "time")) {
		r->time_s = strtod(text, NULL);
	} else if (is_key(r, PROC, "pid") && v && v <= INT32_MAX) {
		r->pid = v;
		r->has_pid = true;
	} else if (is_key(r, FOOTPRINT, "resident") && v <= UINT64_MAX / PAGE) {
		r->resident = v;
		r->has_resident = true;
	} else if (is_key(r, FOOTPRINT, "total") && v <= UINT64_MAX / 1024) {
		r->total = v;
		r->has_total = true;
	} else if (is_key(r, FOOTPRINT, "free")) {
		r->free = v;
	} else if (is_key(r, VMA, "start")) {
		r->vma.start = v;
	} else if (is_key(r, VMA, "end")) {
		r->vma.end = v;
	}
	return 1;
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct reader *r = ctx;

	if (!is_key(r, VMA, "name"))
		return 1;
	free(r->vma.name);
	r->vma.name = strndup((const char *)s, len);
	return r->vma.name ? 1 : no_memory(r);
}

static const yajl_callbacks callbacks = {
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_end,
};

/* ---- files ---- */

static FILE *open_beside(const char *name, const char *suffix)
{
	char path[PATH_MAX];

	if (!strcmp(name, "-") ||
	    snprintf(path, sizeof(path), "%s%s", name, suffix) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

static int feed(struct reader *r, yajl_handle h, FILE *f)
{
	unsigned char *buf = malloc(CHUNK);
	size_t n;

	if (!buf)
		return mh_fail(r->err, MH_ENOMEM, "no memory to read JSON");
	while (!r->stopped && (n = fread(buf, 1, CHUNK, f)) > 0)
		if (yajl_parse(h, buf, n) != yajl_status_ok)
			break;
	if (!r->stopped && (!feof(f) || yajl_complete_parse(h) != yajl_status_ok)) {
		r->status = mh_fail(r->err, MH_EFORMAT, "it is not whole, or no JSON");
		r->stopped = true;
	}
	free(buf);
	return r->status;
}

static void reader_fini(struct reader *r)
{
	size_t i;

	for (i = 0; i < r->known.nr; i++)
		vmas_fini(&r->known.v[i].vmas);
	free(r->known.v);
	vmas_fini(&r->now);
	free(r->vma.name);
}

/* MH_END: there is no such file. */
static int read_file(struct reader *r, const char *name, const char *suffix)
{
	FILE *f = open_beside(name, suffix);
	yajl_handle h;
	int status;

	if (!f)
		return MH_END;
	h = yajl_alloc(&callbacks, NULL, r);
	status = h ? feed(r, h, f) : mh_fail(r->err, MH_ENOMEM, "no memory to read JSON");
	if (h)
		yajl_free(h);
	fclose(f);
	reader_fini(r);
	return status;
}

/* The first pass over a file. */
static bool look_at(struct damo_side *side, const char *suffix)
{
	struct mh_err why = { 0 };
	struct reader r = { .side = side, .err = &why };
	int status = read_file(&r, side->name, suffix);

	if (status < 0)
		mh_log_say(side->log, MH_WARNING, "%s%s is left out: %s", side->name,
			   suffix, why.msg);
	return status == MH_OK;
}

void mh_damo_side_open(struct damo_side *side, const char *name, const struct mh_log *log)
{
	*side = (struct damo_side){ .name = name, .log = log, .first_s = -1 };
	side->footprints = look_at(side, ".mem_footprint");
	side->vmas = look_at(side, ".vmas");
}

static int give_file(const struct damo_side *side, const char *suffix, uint64_t start_ns,
		     mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct mh_err own = { 0 };
	struct reader r = { .fn = fn,
			    .arg = arg,
			    .start_ns = start_ns,
			    .first_s = side->first_s,
			    .err = err ? err : &own };
	int status = read_file(&r, side->name, suffix);

	return status == MH_END ? MH_OK : status;
}

int mh_damo_side_give(const struct damo_side *side, uint64_t start_ns, mh_event_fn fn,
		      void *arg, struct mh_err *err)
{
	uint64_t first_ns = side->first_s > 0 ? (uint64_t)(side->first_s * 1e9) : 0;
	int status = MH_OK;

	if (!side->footprints && !side->vmas)
		return MH_OK;
	if (mh_damo_is_realtime(start_ns))
		start_ns = first_ns;
	else
		mh_log_say(side->log, MH_NOTICE,
			   "%s has another clock than what is beside it (RSS, mappings): "
			   "both are taken to begin at the same moment",
			   side->name);
	if (side->footprints)
		status = give_file(side, ".mem_footprint", start_ns, fn, arg, err);
	if (status == MH_OK && side->vmas)
		status = give_file(side, ".vmas", start_ns, fn, arg, err);
	return status;
}
