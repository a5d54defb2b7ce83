/* SPDX-License-Identifier: MIT */
/* Events to rows and back; the fields that point are found in the field tables. */
#include "trace/row.h"

#include <string.h>

#define AT offsetof(struct mh_event, meta)

static const uint16_t struct_len[MH_NR_EVENT_KINDS] = {
	[MH_EV_META] = sizeof(struct mh_ev_meta),
	[MH_EV_MAP] = sizeof(struct mh_ev_map),
	[MH_EV_TASK] = sizeof(struct mh_ev_task),
	[MH_EV_SAMPLE] = sizeof(struct mh_ev_sample),
	[MH_EV_REGION] = sizeof(struct mh_ev_region),
	[MH_EV_PAGES] = sizeof(struct mh_ev_pages),
	[MH_EV_FOOTPRINT] = sizeof(struct mh_ev_footprint),
	[MH_EV_STAT] = sizeof(struct mh_ev_stat),
	[MH_EV_LOST] = sizeof(struct mh_ev_lost),
	[MH_EV_GAP] = sizeof(struct mh_ev_gap),
	[MH_EV_HEAP] = sizeof(struct mh_ev_heap),
	[MH_EV_STACK] = sizeof(struct mh_ev_stack),
	[MH_EV_STACK_COPY] = sizeof(struct mh_ev_stack_copy),
};

static bool is_flat(enum mh_event_kind kind)
{
	return kind == MH_EV_SAMPLE || kind == MH_EV_REGION;
}

static const char *pointer_at(const struct mh_field *f, const struct mh_event *ev)
{
	const char *p;

	memcpy(&p, (const char *)ev + f->offset, sizeof(p));
	return p;
}

static void set_pointer(const struct mh_field *f, struct mh_event *ev, const char *p)
{
	memcpy((char *)ev + f->offset, &p, sizeof(p));
}

/* The pointer comes first: what is said of pointers above holds for blobs too. */
static uint32_t blob_len(const struct mh_field *f, const struct mh_event *ev)
{
	struct mh_blob blob;

	memcpy(&blob, (const char *)ev + f->offset, sizeof(blob));
	return blob.len;
}

/* Bytes behind the struct that a field takes; a NULL string is "". */
static size_t tail_len(const struct mh_field *f, const struct mh_event *ev)
{
	const char *p;

	if (f->type == MH_FIELD_BLOB)
		return blob_len(f, ev);
	if (f->type != MH_FIELD_STRING && f->type != MH_FIELD_BITMAP)
		return 0;
	p = pointer_at(f, ev);
	if (f->type == MH_FIELD_STRING)
		return p ? strlen(p) + 1 : 1;
	return p ? (size_t)((ev->pages.nr_pages + 7) / 8) : 0;
}

size_t mh_row_len(const struct mh_event *ev)
{
	size_t len = MH_ROW_HEAD_LEN + struct_len[ev->kind], i, nr;
	const struct mh_field *f;

	if (!is_flat(ev->kind)) {
		f = mh_event_fields(ev->kind, &nr);
		for (i = 0; i < nr; i++)
			len += tail_len(&f[i], ev);
	}
	len = (len + 7) & ~(size_t)7;
	return len <= UINT32_MAX ? len : 0;
}

void mh_row_put(void *row, const struct mh_event *ev, size_t len)
{
	struct mh_row_head head = { (uint16_t)ev->kind, ev->source, (uint32_t)len,
				    ev->time_ns };
	char *p = row;
	const struct mh_field *f;
	size_t i, nr;

	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	if (ev->kind == MH_EV_SAMPLE) {
		memcpy(p, &ev->sample, sizeof(ev->sample));
		return;
	}
	memcpy(p, (const char *)ev + AT, struct_len[ev->kind]);
	if (is_flat(ev->kind))
		return;
	p += struct_len[ev->kind];
	f = mh_event_fields(ev->kind, &nr);
	for (i = 0; i < nr; i++) {
		size_t bytes = tail_len(&f[i], ev);
		const char *from = bytes ? pointer_at(&f[i], ev) : NULL;

		if (bytes)
			memcpy(p, from ? from : "", bytes);
		p += bytes;
	}
}

void mh_row_get(const void *row, struct mh_event *ev)
{
	const char *p = row;
	struct mh_row_head head;
	const struct mh_field *f;
	size_t i, nr;

	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	ev->kind = head.kind;
	ev->source = head.source;
	ev->time_ns = head.time_ns;
	memcpy((char *)ev + AT, p, struct_len[head.kind]);
	if (is_flat(ev->kind))
		return;
	p += struct_len[head.kind];
	f = mh_event_fields(ev->kind, &nr);
	for (i = 0; i < nr; i++) {
		/* Bitmaps keep whether they were there in the pointer's old value. */
		if (f[i].type == MH_FIELD_STRING) {
			set_pointer(&f[i], ev, p);
			p += strlen(p) + 1;
		} else if (f[i].type == MH_FIELD_BITMAP && pointer_at(&f[i], ev)) {
			set_pointer(&f[i], ev, p);
			p += (ev->pages.nr_pages + 7) / 8;
		} else if (f[i].type == MH_FIELD_BLOB) {
			set_pointer(&f[i], ev, p);
			p += blob_len(&f[i], ev);
		}
	}
}

/* As mh_row_get(), but believing nothing. */
static bool check_tails(const char *p, size_t left, struct mh_event *ev)
{
	const struct mh_field *f;
	size_t i, nr, len;

	f = mh_event_fields(ev->kind, &nr);
	for (i = 0; i < nr; i++) {
		len = 0;
		if (f[i].type == MH_FIELD_STRING) {
			const char *nul = memchr(p, 0, left);

			if (!nul)
				return false;
			len = (size_t)(nul - p) + 1;
		} else if (f[i].type == MH_FIELD_BITMAP && pointer_at(&f[i], ev)) {
			len = (size_t)((ev->pages.nr_pages + 7) / 8);
		} else if (f[i].type == MH_FIELD_BLOB) {
			len = blob_len(&f[i], ev);
		}
		if (len > left)
			return false;
		p += len;
		left -= len;
	}
	return true;
}

bool mh_row_check(const void *row, size_t left)
{
	const char *p = row;
	struct mh_row_head head;
	struct mh_event ev = { 0 };
	size_t fixed;

	if (left < sizeof(head))
		return false;
	memcpy(&head, p, sizeof(head));
	if (!head.kind || head.kind >= MH_NR_EVENT_KINDS || head.len % 8 ||
	    head.len > left)
		return false;
	fixed = sizeof(head) + struct_len[head.kind];
	if (head.len < fixed)
		return false;
	if (is_flat(head.kind))
		return true;
	ev.kind = head.kind;
	memcpy((char *)&ev + AT, p + sizeof(head), struct_len[head.kind]);
	if (ev.kind == MH_EV_PAGES && (ev.pages.nr_pages > MH_PAGES_ROW_MAX ||
				       ev.pages.page_shift >= 40 || !ev.pages.accessed))
		return false;
	return check_tails(p + fixed, head.len - fixed, &ev);
}

uint32_t mh_row_layout(void)
{
	uint32_t layout = sizeof(void *);
	size_t i;

	for (i = 0; i < MH_NR_EVENT_KINDS; i++)
		layout = layout * 31 + struct_len[i];
	return layout;
}
