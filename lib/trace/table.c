/* SPDX-License-Identifier: MIT */
/*
 * Table blocks (META, MAP, TASK, FOOTPRINT, STAT, LOST, GAP, STACK, HEAP, STACK_COPY),
 * both ways: one column per field of mh_event_fields(), so that a kind needs no code
 * here. A field's numbers are stored as differences to the row before, to the field
 * before, or to the last row of the same key, whichever is smallest in this block.
 * Strings are a dictionary of the block, so that no block needs another one. Blobs are
 * copies of memory: of one thread the next is much like the last, byte for byte at the
 * same addresses.
 */
#include <stdlib.h>

#include "trace/decode.h"
#include "trace/encode.h"

enum encoding {
	BY_ROW = 1,   /* minus the value of the row before */
	BY_FIELD = 2, /* minus the number field before in the same row */
	BY_KEY = 3,   /* minus the value of the last row of the same key */
	STRINGS = 4,
	BLOBS = 5 /* xor the bytes at the same place of the last row of the same key */
};

static bool is_string(const struct mh_field *f)
{
	return f->type == MH_FIELD_STRING || f->type == MH_FIELD_BUILD_ID;
}

static bool is_number(const struct mh_field *f)
{
	return f->type <= MH_FIELD_U64;
}

/* The string that names what a row is about; -1: the first two numbers do. */
static int key_field(const struct mh_field *f, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (f[i].type == MH_FIELD_STRING)
			return (int)i;
	}
	return -1;
}

/* The number field before field @i; -1: none. */
static int field_before(const struct mh_field *f, int i)
{
	for (i--; i >= 0 && !is_number(&f[i]); i--)
		;
	return i;
}

/* Both sides make keys alike; that two may collide costs a few bits, no more. */
static uint64_t number_key(uint64_t a, uint64_t b)
{
	return a * 0x9e3779b97f4a7c15u ^ b;
}

/* Bytes and where they are: the number field before says the place of the first. */
struct placed {
	uint8_t *p;
	uint64_t place;
	size_t len;
};

static void xor_bytes(uint8_t *to, const uint8_t *with, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] ^= with[i];
}

/* The bytes of @b that @ref has places for, each xor the one of @ref. */
static void xor_placed(const struct placed *b, const struct placed *ref)
{
	uint64_t above = b->place - ref->place, below = ref->place - b->place;
	size_t n;

	if (above < ref->len) {
		n = ref->len - above < b->len ? ref->len - above : b->len;
		xor_bytes(b->p, ref->p + above, n);
	} else if (below < b->len) {
		n = b->len - below < ref->len ? b->len - below : ref->len;
		xor_bytes(b->p + below, ref->p, n);
	}
}

static struct mh_blob blob_of(const struct mh_field *f, const struct mh_event *ev)
{
	struct mh_blob blob;

	memcpy(&blob, (const char *)ev + f->offset, sizeof(blob));
	return blob;
}

struct keys {
	struct mh_dict dict;
	uint64_t value[MH_BATCH_MAX]; /* of each id */
	uint16_t id[MH_BATCH_MAX];    /* of each row */
	uint64_t last[MH_BATCH_MAX];  /* by id */
};

/* ---- writing ---- */

struct enc {
	struct mh_encoder *e;
	const struct mh_event *ev;
	const struct mh_field *fields;
	size_t n, nr_fields;
	struct mh_wbuf *out;
	uint64_t *value;
	struct keys *keys;
	uint32_t *slot; /* of the string dictionary */
	uint32_t *id;   /* of each row's string */
	uint32_t *row;  /* first row of each string */
	uint32_t mask;
};

struct piece {
	const uint8_t *p;
	size_t len;
};

static struct piece string_of(const struct mh_field *f, const struct mh_event *ev)
{
	const char *s;

	if (f->type == MH_FIELD_BUILD_ID)
		return (struct piece){ ev->map.build_id,
				       ev->map.build_id_len <= MH_BUILD_ID_MAX
					       ? ev->map.build_id_len
					       : MH_BUILD_ID_MAX };
	memcpy(&s, (const char *)ev + f->offset, sizeof(s));
	if (!s)
		s = "";
	return (struct piece){ (const uint8_t *)s, strlen(s) };
}

static uint32_t hash_of(struct piece s)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < s.len; i++)
		h = (h ^ s.p[i]) * 0x100000001b3u;
	return (uint32_t)(h >> 32) ^ (uint32_t)h;
}

/* Number the strings of a field in order of first use; returns how many there are. */
static size_t number_strings(struct enc *x, const struct mh_field *f)
{
	size_t i, nr = 0;

	memset(x->slot, 0, (x->mask + 1) * sizeof(*x->slot));
	for (i = 0; i < x->n; i++) {
		struct piece s = string_of(f, &x->ev[i]), t;
		uint32_t h = hash_of(s) & x->mask;

		for (; x->slot[h]; h = (h + 1) & x->mask) {
			t = string_of(f, &x->ev[x->row[x->slot[h] - 1]]);
			if (t.len == s.len && (!s.len || !memcmp(t.p, s.p, s.len)))
				break;
		}
		if (!x->slot[h]) {
			x->row[nr++] = (uint32_t)i;
			x->slot[h] = (uint32_t)nr;
		}
		x->id[i] = x->slot[h] - 1;
	}
	return nr;
}

static void put_strings(struct enc *x, size_t field)
{
	const struct mh_field *f = &x->fields[field];
	size_t i, nr = number_strings(x, f), total = 0, known = 0;
	struct mh_wbuf *raw = &x->e->index_bytes;

	if (nr == 1 && string_of(f, &x->ev[0]).len == 0)
		return; /* absent: all are empty */
	mh_column_begin(&x->e->columns, MH_COLID_FIELD((uint8_t)field), STRINGS);
	mh_wbuf_varint(x->out, nr);
	raw->len = 0;
	for (i = 0; i < nr; i++) {
		struct piece s = string_of(f, &x->ev[x->row[i]]);

		x->value[i] = s.len;
		total += s.len;
		/* An empty string need not be anywhere, nor the buffer yet. */
		if (s.len)
			mh_wbuf_bytes(raw, s.p, s.len);
	}
	mh_varints_put(&x->e->packer, x->out, x->value, nr, &x->e->scratch, MH_EFFORT_6);
	mh_wbuf_varint(x->out, total);
	mh_stream_put(&x->e->packer, x->out, raw->p, raw->len, MH_EFFORT_6);
	/* 0: the next new one; k: the one that became known k before the newest's next.
	 */
	for (i = 0; i < x->n; i++) {
		bool new = x->id[i] == known;

		x->value[i] = known - x->id[i];
		known += new;
	}
	mh_varints_put(&x->e->packer, x->out, x->value, x->n, &x->e->scratch,
		       MH_EFFORT_6);
	x->out->bad |= raw->bad;
	raw->bad = false;
	mh_column_end(&x->e->columns);
}

/* Which rows belong together, for BY_KEY. */
static void find_keys(struct enc *x)
{
	int key = key_field(x->fields, x->nr_fields);
	size_t i;

	mh_dict_reset(&x->keys->dict, x->n);
	if (key >= 0) {
		number_strings(x, &x->fields[key]);
		for (i = 0; i < x->n; i++)
			x->keys->id[i] = (uint16_t)x->id[i];
		return;
	}
	for (i = 0; i < x->n; i++)
		x->keys->id[i] =
			mh_dict_id(&x->keys->dict, x->keys->value,
				   number_key(mh_field_get(&x->fields[0], &x->ev[i]),
					      mh_field_get(&x->fields[1], &x->ev[i])));
}

static struct placed place_of(const struct mh_field *fields, int field,
			      const struct mh_event *ev)
{
	struct mh_blob blob = blob_of(&fields[field], ev);

	return (struct placed){ (uint8_t *)(uintptr_t)blob.p,
				mh_field_get(&fields[field_before(fields, field)], ev),
				blob.len };
}

/* @bytes: of all rows, one behind the other. What they are compared with is the events'
 * own. */
static void xor_rows(struct enc *x, int field, uint8_t *bytes)
{
	size_t i;

	memset(x->keys->last, 0, x->n * sizeof(*x->keys->last));
	for (i = 0; i < x->n; i++) {
		uint64_t *last = &x->keys->last[x->keys->id[i]];
		struct placed b = place_of(x->fields, field, &x->ev[i]), ref;

		b.p = bytes;
		if (*last) {
			ref = place_of(x->fields, field, &x->ev[*last - 1]);
			xor_placed(&b, &ref);
		}
		*last = i + 1;
		bytes += b.len;
	}
}

static void put_blobs(struct enc *x, int field)
{
	struct mh_wbuf *raw = &x->e->index_bytes;
	size_t i;

	raw->len = 0;
	for (i = 0; i < x->n; i++) {
		struct mh_blob blob = blob_of(&x->fields[field], &x->ev[i]);

		x->value[i] = blob.len;
		if (blob.len)
			mh_wbuf_bytes(raw, blob.p, blob.len);
	}
	if (!raw->len)
		return; /* absent: all are empty */
	mh_column_begin(&x->e->columns, MH_COLID_FIELD((uint8_t)field), BLOBS);
	mh_varints_put(&x->e->packer, x->out, x->value, x->n, &x->e->scratch,
		       MH_EFFORT_6);
	mh_wbuf_varint(x->out, raw->len);
	if (!raw->bad)
		xor_rows(x, field, raw->p);
	mh_stream_put(&x->e->packer, x->out, raw->p, raw->len,
		      x->e->packer.policy == MH_POLICY_BEST ? MH_EFFORT_6
							    : MH_EFFORT_RLE);
	x->out->bad |= raw->bad;
	raw->bad = false;
	mh_column_end(&x->e->columns);
}

/* Trailing zero bits that all values have. */
static unsigned common_shift(struct enc *x, const struct mh_field *f)
{
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < x->n; i++)
		all |= mh_field_get(f, &x->ev[i]);
	return all ? (unsigned)__builtin_ctzll(all) : 64;
}

static void differences(struct enc *x, int field, enum encoding how, unsigned shift)
{
	const struct mh_field *f = &x->fields[field];
	int before = field_before(x->fields, field);
	uint64_t prev = 0;
	size_t i;

	if (how == BY_KEY)
		memset(x->keys->last, 0, x->n * sizeof(*x->keys->last));
	for (i = 0; i < x->n; i++) {
		uint64_t v = mh_field_get(f, &x->ev[i]) >> shift;

		if (how == BY_FIELD) {
			prev = mh_field_get(&x->fields[before], &x->ev[i]) >> shift;
		} else if (how == BY_KEY) {
			uint64_t *last = &x->keys->last[x->keys->id[i]];

			prev = *last;
			*last = v;
		}
		x->value[i] = mh_zigzag((int64_t)(v - prev));
		prev = v;
	}
}

static void put_number(struct enc *x, int field)
{
	unsigned shift = common_shift(x, &x->fields[field]);
	struct mh_wbuf try = { 0 }, best = { 0 };
	enum encoding how, best_how = 0;
	/* Fields that make the key cannot be stored by it. */
	bool in_key = key_field(x->fields, x->nr_fields) < 0 && field < 2;

	if (shift == 64)
		return; /* absent: all are 0 */
	for (how = BY_ROW; how <= BY_KEY; how++) {
		if ((how == BY_FIELD && field_before(x->fields, field) < 0) ||
		    (how == BY_KEY && in_key))
			continue;
		differences(x, field, how, shift);
		try.len = 0;
		mh_varints_put(&x->e->packer, &try, x->value, x->n, &x->e->scratch,
			       MH_EFFORT_6);
		x->out->bad |= try.bad;
		if (!best_how || try.len < best.len) {
			struct mh_wbuf swap = best;

			best = try;
			try = swap;
			best_how = how;
		}
	}
	mh_column_begin(&x->e->columns, MH_COLID_FIELD((uint8_t)field), best_how);
	mh_wbuf_u8(x->out, (uint8_t)shift);
	mh_wbuf_bytes(x->out, best.p, best.len);
	mh_column_end(&x->e->columns);
	mh_wbuf_fini(&try);
	mh_wbuf_fini(&best);
}

static void put_time(struct enc *x)
{
	uint64_t prev;
	size_t i;

	for (i = 0; i < x->n; i++)
		mh_head_time(&x->e->head, mh_event_begin(&x->ev[i]), x->ev[i].time_ns);
	prev = x->e->head.t_min;
	for (i = 0; i < x->n; i++) {
		x->value[i] = mh_zigzag((int64_t)(x->ev[i].time_ns - prev));
		prev = x->ev[i].time_ns;
	}
	mh_column_begin(&x->e->columns, MH_COLID_TIME, MH_ENCODING_PLAIN);
	mh_varints_put(&x->e->packer, x->out, x->value, x->n, &x->e->scratch,
		       MH_EFFORT_6);
	mh_column_end(&x->e->columns);
}

bool mh_encode_table(struct mh_encoder *e, const struct mh_batch *batch)
{
	struct enc x = { .e = e,
			 .ev = batch->events,
			 .n = batch->nr,
			 .out = &e->columns.body,
			 .mask = 63 };
	bool ok;
	size_t i;

	x.fields = mh_event_fields(batch->kind, &x.nr_fields);
	while (x.mask < 2 * x.n)
		x.mask = x.mask * 2 + 1;
	x.value = malloc(x.n * sizeof(*x.value));
	x.keys = malloc(sizeof(*x.keys));
	x.slot = malloc((x.mask + 1) * sizeof(*x.slot));
	x.id = malloc(x.n * sizeof(*x.id));
	x.row = malloc(x.n * sizeof(*x.row));
	ok = x.value && x.keys && x.slot && x.id && x.row;
	if (ok) {
		put_time(&x);
		find_keys(&x);
		for (i = 0; i < x.nr_fields; i++) {
			if (is_string(&x.fields[i]))
				put_strings(&x, i);
		}
		for (i = 0; i < x.nr_fields; i++) {
			if (is_number(&x.fields[i]))
				put_number(&x, (int)i);
		}
		for (i = 0; i < x.nr_fields; i++) {
			if (x.fields[i].type == MH_FIELD_BLOB)
				put_blobs(&x, (int)i);
		}
		e->head.memory_len = batch->nr * (uint32_t)sizeof(struct mh_event);
	}
	free(x.value);
	free(x.keys);
	free(x.slot);
	free(x.id);
	free(x.row);
	return ok;
}

/* ---- reading ---- */

struct dec {
	struct mh_decoder *d;
	struct mh_event_rows *s;
	const struct mh_block *b;
	const struct mh_field *fields;
	size_t n, nr_fields;
	struct keys *keys;
	uint64_t unknown; /* fields stored in a way not known here, as bits */
};

static bool get(struct dec *x, struct mh_rbuf *in, size_t nr)
{
	return mh_varints_get(&x->d->u, in, x->s->value, nr, x->s->bytes);
}

static void set_string(const struct mh_field *f, struct mh_event *ev, const uint8_t *p,
		       size_t len)
{
	const char *s = (const char *)p;

	if (f->type == MH_FIELD_BUILD_ID) {
		ev->map.build_id_len = (uint8_t)len;
		memcpy(ev->map.build_id, p, len);
	} else {
		memcpy((char *)ev + f->offset, &s, sizeof(s));
	}
}

/* Spread the dictionary's bytes so that each string ends with a 0. */
static bool spread(uint8_t *bytes, size_t total, uint64_t *len, uint64_t *at, size_t nr)
{
	size_t i, from = total, to = total + nr;

	for (i = nr; i-- > 0;) {
		if (len[i] > from)
			return false;
		from -= len[i];
		bytes[--to] = 0;
		to -= len[i];
		memmove(bytes + to, bytes + from, len[i]);
		at[i] = to;
	}
	return from == 0;
}

static bool get_strings(struct dec *x, size_t field, struct mh_rbuf *in)
{
	const struct mh_field *f = &x->fields[field];
	bool is_key = key_field(x->fields, x->nr_fields) == (int)field;
	uint64_t nr = mh_rbuf_varint(in), total, known = 0;
	uint64_t *len = x->s->key, *at = x->s->dict;
	uint8_t *bytes;
	size_t i;

	if (in->bad || !nr || nr > x->n || !get(x, in, nr))
		return false;
	memcpy(len, x->s->value, nr * sizeof(*len));
	for (i = 0; i < nr; i++) {
		if (f->type == MH_FIELD_BUILD_ID && len[i] > MH_BUILD_ID_MAX)
			return false;
	}
	total = mh_rbuf_varint(in);
	if (in->bad || total > MH_MAX_STORED)
		return false;
	bytes = mh_arena_bytes(&x->d->arena, total + nr);
	if (!bytes) {
		x->d->u.no_memory = x->d->arena.total + total + nr <= MH_MAX_MEMORY;
		return false;
	}
	if (!mh_stream_get(&x->d->u, in, bytes, total) ||
	    !spread(bytes, total, len, at, nr))
		return false;
	if (!get(x, in, x->n) || in->p != in->end)
		return false;
	for (i = 0; i < x->n; i++) {
		uint64_t id = known - x->s->value[i];

		if (x->s->value[i] > known || id >= nr)
			return false;
		known += !x->s->value[i];
		set_string(f, &x->s->ev[i], bytes + at[id], len[id]);
		if (is_key)
			x->keys->id[i] = (uint16_t)id;
	}
	return true;
}

static void make_number_keys(struct dec *x)
{
	size_t i;

	mh_dict_reset(&x->keys->dict, x->n);
	for (i = 0; i < x->n; i++)
		x->keys->id[i] =
			mh_dict_id(&x->keys->dict, x->keys->value,
				   number_key(mh_field_get(&x->fields[0], &x->s->ev[i]),
					      mh_field_get(&x->fields[1], &x->s->ev[i])));
}

static bool get_number(struct dec *x, int field, enum encoding how, struct mh_rbuf *in)
{
	const struct mh_field *f = &x->fields[field];
	int before = field_before(x->fields, field);
	unsigned shift = mh_rbuf_u8(in);
	uint64_t prev = 0;
	size_t i;

	if (shift > 63 || (how == BY_FIELD && before < 0) || !get(x, in, x->n) ||
	    in->p != in->end)
		return false;
	if (how == BY_KEY)
		memset(x->keys->last, 0, sizeof(x->keys->last));
	for (i = 0; i < x->n; i++) {
		uint64_t *last = &x->keys->last[x->keys->id[i]];

		if (how == BY_FIELD)
			prev = mh_field_get(&x->fields[before], &x->s->ev[i]) >> shift;
		else if (how == BY_KEY)
			prev = *last;
		prev += (uint64_t)mh_unzigzag(x->s->value[i]);
		if (how == BY_KEY)
			*last = prev;
		mh_field_set(f, &x->s->ev[i], prev << shift);
	}
	return true;
}

static void undo_xor(struct dec *x, int field, uint8_t *bytes, const uint64_t *len)
{
	size_t i;

	memset(x->keys->last, 0, sizeof(x->keys->last));
	for (i = 0; i < x->n; i++) {
		uint64_t *last = &x->keys->last[x->keys->id[i]];
		struct mh_blob blob = { bytes, (uint32_t)len[i] };
		struct placed b, ref;

		memcpy((char *)&x->s->ev[i] + x->fields[field].offset, &blob,
		       sizeof(blob));
		b = place_of(x->fields, field, &x->s->ev[i]);
		if (*last) {
			ref = place_of(x->fields, field, &x->s->ev[*last - 1]);
			xor_placed(&b, &ref);
		}
		*last = i + 1;
		bytes += len[i];
	}
}

static bool get_blobs(struct dec *x, int field, struct mh_rbuf *in)
{
	uint64_t *len = x->s->key, total = 0, stored;
	uint8_t *bytes;
	size_t i;

	if (!get(x, in, x->n))
		return false;
	memcpy(len, x->s->value, x->n * sizeof(*len));
	stored = mh_rbuf_varint(in);
	for (i = 0; i < x->n; i++) {
		if (len[i] > MH_MAX_STORED - total)
			return false;
		total += len[i];
	}
	if (in->bad || stored != total)
		return false;
	bytes = mh_arena_bytes(&x->d->arena, total);
	if (!bytes) {
		x->d->u.no_memory = x->d->arena.total + total <= MH_MAX_MEMORY;
		return false;
	}
	if (!mh_stream_get(&x->d->u, in, bytes, total) || in->p != in->end)
		return false;
	undo_xor(x, field, bytes, len);
	return true;
}

static bool get_time(struct dec *x)
{
	uint64_t t = x->b->head.t_min;
	struct mh_rbuf in;
	size_t i;

	if (mh_block_column(x->b, MH_COLID_TIME, MH_ENCODING_PLAIN, NULL, &in) !=
		    MH_COLUMN_OK ||
	    !get(x, &in, x->n) || in.p != in.end)
		return false;
	for (i = 0; i < x->n; i++) {
		struct mh_event *ev = &x->s->ev[i];
		size_t k;

		t += (uint64_t)mh_unzigzag(x->s->value[i]);
		memset(ev, 0, sizeof(*ev));
		ev->kind = x->b->head.kind;
		ev->source = (uint16_t)x->b->head.source;
		ev->time_ns = t;
		for (k = 0; k < x->nr_fields; k++) {
			if (x->fields[k].type == MH_FIELD_STRING)
				set_string(&x->fields[k], ev, (const uint8_t *)"", 0);
		}
	}
	return true;
}

/* Whether a number is stored relative to a field that cannot be read. */
static bool leans_on_unknown(const struct dec *x, int field, enum encoding how)
{
	int key = key_field(x->fields, x->nr_fields);
	int before = field_before(x->fields, field);

	if (how == BY_FIELD && before >= 0)
		return x->unknown >> before & 1;
	if (how == BLOBS && before >= 0 && x->unknown >> before & 1)
		return true;
	if (how == BY_KEY || how == BLOBS)
		return key >= 0 ? x->unknown >> key & 1 : x->unknown & 3;
	return false;
}

static void make_absent(struct dec *x, size_t field)
{
	const struct mh_field *f = &x->fields[field];
	size_t i;

	x->unknown |= (uint64_t)1 << field;
	for (i = 0; is_number(f) && f->base != MH_BASE_NAME && i < x->n; i++)
		mh_field_set(f, &x->s->ev[i], f->absent);
}

/* One field: what is not stored is 0 or "", what cannot be read is absent. */
static int get_field(struct dec *x, size_t field)
{
	bool string = is_string(&x->fields[field]), ok;
	bool blob = x->fields[field].type == MH_FIELD_BLOB;
	uint8_t how = 0;
	struct mh_rbuf in;

	switch (mh_block_column(x->b, MH_COLID_FIELD((uint8_t)field), BLOBS, &how, &in)) {
	case MH_COLUMN_DAMAGED:
		return MH_EFORMAT;
	case MH_COLUMN_UNKNOWN:
		make_absent(x, field);
		return MH_OK;
	case MH_COLUMN_ABSENT:
		return MH_OK;
	case MH_COLUMN_OK:
		break;
	}
	if (leans_on_unknown(x, (int)field, how)) {
		make_absent(x, field);
		return MH_OK;
	}
	if (string != (how == STRINGS) || blob != (how == BLOBS))
		return MH_EFORMAT;
	ok = string ? get_strings(x, field, &in)
	     : blob ? get_blobs(x, (int)field, &in)
		    : get_number(x, (int)field, how, &in);
	return ok ? MH_OK : mh_decode_status(x->d);
}

static int get_fields(struct dec *x)
{
	bool by_number = key_field(x->fields, x->nr_fields) < 0;
	int status = MH_OK;
	size_t i;

	memset(x->keys->id, 0, x->n * sizeof(*x->keys->id));
	for (i = 0; !status && i < x->nr_fields; i++) {
		if (is_string(&x->fields[i]))
			status = get_field(x, i);
	}
	for (i = 0; !status && i < x->nr_fields; i++) {
		if (by_number && i == 2)
			make_number_keys(x);
		if (is_number(&x->fields[i]))
			status = get_field(x, i);
	}
	for (i = 0; !status && i < x->nr_fields; i++) {
		if (x->fields[i].type == MH_FIELD_BLOB)
			status = get_field(x, i);
	}
	return status;
}

int mh_decode_table(struct mh_decoder *d, const struct mh_block *b,
		    struct mh_batch *batch)
{
	struct dec x = { .d = d, .s = d->events, .b = b, .n = batch->nr };
	int status = MH_ENOMEM;

	x.fields = mh_event_fields(batch->kind, &x.nr_fields);
	x.keys = malloc(sizeof(*x.keys));
	if (x.keys)
		status = get_time(&x) ? get_fields(&x) : mh_decode_status(d);
	free(x.keys);
	batch->events = d->events->ev;
	return status;
}
