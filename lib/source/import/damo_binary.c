/* SPDX-License-Identifier: MIT */
/*
 * The record that DAMON's debugfs once wrote, and DAMO read until its version 2.0.2:
 * little-endian, packed, no ages.
 *
 *	[16 "damon_recfmt_ver", i32 version]	absent: version 0
 *	i64 sec, i64 nsec, u32 nr_targets; per target: id (version 1: i32, else u64),
 *	u32 nr_regions; per region: u64 start, u64 end, u32 nr_accesses
 *
 * As in text, a time ends one snapshot and begins the next of the same target.
 */
#include "source/import/damo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/vec.h"

struct seen {
	uint64_t target, first_ns, last_ns, nr;
};

struct binary {
	struct damo *d;
	int32_t version;
	bool counting;
	uint64_t offset; /* of what is read, for messages */
	struct {
		struct seen *v;
		size_t nr, cap;
	} targets;
	struct damo_snapshot snap;
};

/* MH_END: the file ends here, before the first byte. */
static int take(struct binary *b, uint8_t *buf, size_t size, struct mh_err *err)
{
	size_t got = fread(buf, 1, size, b->d->in->f);

	b->offset += got;
	if (got == size)
		return MH_OK;
	if (ferror(b->d->in->f))
		return mh_fail_errno(err, "cannot read %s", b->d->in->name);
	if (!got)
		return MH_END;
	return mh_fail(err, MH_EFORMAT, "%s is cut short at byte %" PRIu64,
		       b->d->in->name, b->offset);
}

static int take_all(struct binary *b, uint8_t *buf, size_t size, struct mh_err *err)
{
	int ret = take(b, buf, size, err);

	return ret == MH_END
		       ? mh_fail(err, MH_EFORMAT, "%s is cut short at byte %" PRIu64,
				 b->d->in->name, b->offset)
		       : ret;
}

static int bad(const struct binary *b, const char *what, struct mh_err *err)
{
	return mh_fail(err, MH_EFORMAT, "%s: byte %" PRIu64 ": %s", b->d->in->name,
		       b->offset, what);
}

static struct seen *seen_of(struct binary *b, uint64_t target)
{
	struct seen *s;
	size_t i;

	for (i = 0; i < b->targets.nr; i++)
		if (b->targets.v[i].target == target)
			return &b->targets.v[i];
	s = mh_vec_push(&b->targets);
	if (s)
		s->target = target;
	return s;
}

static int take_regions(struct binary *b, uint32_t nr, struct mh_err *err)
{
	uint8_t bytes[20];
	uint32_t i;
	int ret = MH_OK;

	if (nr > DAMO_REGIONS_MAX)
		return bad(b, "more regions than a snapshot can have", err);
	b->snap.regions.nr = 0;
	for (i = 0; i < nr; i++) {
		struct mh_rbuf r = mh_rbuf(bytes, sizeof(bytes));
		struct damo_region *g;

		ret = take_all(b, bytes, sizeof(bytes), err);
		if (ret != MH_OK)
			return ret;
		if (b->counting)
			continue;
		g = mh_vec_push(&b->snap.regions);
		if (!g)
			return mh_fail(err, MH_ENOMEM, "no memory for a snapshot");
		mh_damo_region_init(g);
		g->start = mh_rbuf_u64(&r);
		g->end = mh_rbuf_u64(&r);
		g->samples = mh_rbuf_u32(&r);
	}
	return MH_OK;
}

/* The second reading starts again at 0 of each target, with the mean of the first. */
static int give(struct binary *b, struct seen *s, uint64_t time_ns, struct mh_err *err)
{
	struct damo_record record;
	uint64_t previous = s->last_ns;

	if (previous > time_ns)
		return bad(b, "the time goes backwards", err);
	if (b->counting) {
		if (!s->nr++)
			s->first_ns = time_ns;
		s->last_ns = time_ns;
		return MH_OK;
	}
	s->last_ns = time_ns;
	mh_damo_record_init(&record);
	record.target = s->target;
	b->snap.start_ns = previous;
	b->snap.end_ns = time_ns;
	return mh_damo_give(b->d, &record, &b->snap, err);
}

static int take_target(struct binary *b, uint64_t time_ns, struct mh_err *err)
{
	uint8_t bytes[12];
	size_t size = b->version == 1 ? 8 : 12;
	struct mh_rbuf r = mh_rbuf(bytes, size);
	struct seen *s;
	uint64_t id;
	int ret = take_all(b, bytes, size, err);

	if (ret != MH_OK)
		return ret;
	id = b->version == 1 ? mh_rbuf_u32(&r) : mh_rbuf_u64(&r);
	ret = take_regions(b, mh_rbuf_u32(&r), err);
	if (ret != MH_OK)
		return ret;
	s = seen_of(b, id);
	if (!s)
		return mh_fail(err, MH_ENOMEM, "no memory for targets");
	if (b->targets.nr > DAMO_TARGETS_MAX)
		return bad(b, "more targets than can be", err);
	return give(b, s, time_ns, err);
}

static int take_moment(struct binary *b, struct mh_err *err)
{
	uint8_t bytes[20];
	struct mh_rbuf r = mh_rbuf(bytes, sizeof(bytes));
	uint64_t sec, nsec;
	uint32_t nr;
	int ret = take(b, bytes, sizeof(bytes), err);

	if (ret != MH_OK)
		return ret;
	sec = mh_rbuf_u64(&r);
	nsec = mh_rbuf_u64(&r);
	nr = mh_rbuf_u32(&r);
	if (sec > UINT64_MAX / 2000000000u || nsec >= 1000000000u)
		return bad(b, "this is no time, so no record of DAMON", err);
	while (ret == MH_OK && nr--)
		ret = take_target(b, sec * 1000000000u + nsec, err);
	return ret;
}

static int take_version(struct binary *b, struct mh_err *err)
{
	uint8_t bytes[20];
	struct mh_rbuf r = mh_rbuf(bytes + 16, 4);
	int ret;

	b->offset = 0;
	b->version = 0;
	if (b->d->in->nr_head < 16 || memcmp(b->d->in->head, DAMO_BINARY_MAGIC, 16) != 0)
		return MH_OK;
	ret = take_all(b, bytes, sizeof(bytes), err);
	if (ret != MH_OK)
		return ret;
	b->version = (int32_t)mh_rbuf_u32(&r);
	if (b->version < 0 || b->version > 2)
		return mh_fail(err, MH_EFORMAT,
			       "%s: version %d of DAMON's record is not "
			       "known; 0, 1 and 2 are",
			       b->d->in->name, b->version);
	return MH_OK;
}

static int read_moments(struct binary *b, struct mh_err *err)
{
	int ret = take_version(b, err);

	while (ret == MH_OK)
		ret = take_moment(b, err);
	return ret == MH_END ? MH_OK : ret;
}

int mh_damo_binary(struct damo *d, struct mh_err *err)
{
	struct binary b = { .d = d };
	size_t i;
	int ret;

	if (!d->in->seekable)
		return mh_fail(err, MH_EINPUT,
			       "%s: the old binary record is read twice and so cannot "
			       "come through a pipe; name the file",
			       d->in->name);
	b.counting = true;
	ret = read_moments(&b, err);
	b.counting = false;
	for (i = 0; i < b.targets.nr; i++) {
		struct seen *s = &b.targets.v[i];
		uint64_t mean = s->nr > 1 ? (s->last_ns - s->first_ns) / (s->nr - 1) : 0;

		s->last_ns = s->first_ns > mean ? s->first_ns - mean : 0;
	}
	rewind(d->in->f);
	if (ret == MH_OK)
		ret = read_moments(&b, err);
	free(b.targets.v);
	free(b.snap.regions.v);
	return ret;
}
