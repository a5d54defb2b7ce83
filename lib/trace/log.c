/* SPDX-License-Identifier: MIT */
/* The log of rows: made, reset, and read from outside. */
#include "trace/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint8_t magic[8] = { 'M', 'H', 'T', 'A', 'I', 'L', '1', '\n' };

/* A shared file whose blocks are allocated, so that a full disk cannot kill by SIGBUS. */
static int map_file(struct mh_rowlog *l, const char *path, struct mh_err *err)
{
	int fd, status = MH_OK;
	void *map = MAP_FAILED;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return mh_fail_errno(err, "cannot create '%s'", path);
	errno = posix_fallocate(fd, 0, MH_LOG_BYTES);
	if (!errno)
		map = mmap(NULL, MH_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		status = mh_fail_errno(err, "cannot allocate '%s'", path);
		unlink(path);
	} else {
		l->map = map;
	}
	close(fd);
	return status;
}

static int map_private(struct mh_rowlog *l, struct mh_err *err)
{
	void *map = mmap(NULL, MH_LOG_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return mh_fail_errno(err, "cannot get memory for open blocks");
	l->map = map;
	return MH_OK;
}

int mh_rowlog_open(struct mh_rowlog *l, const char *path, const uint8_t uuid[16],
		   struct mh_err *why_private, struct mh_err *err)
{
	struct mh_log_header *h;
	int status;

	*l = (struct mh_rowlog){ 0 };
	if (path) {
		l->path = strdup(path);
		if (!l->path)
			return mh_fail(err, MH_ENOMEM, "out of memory");
		if (map_file(l, path, why_private) < 0) {
			free(l->path);
			l->path = NULL;
		}
	}
	if (!l->map) {
		status = map_private(l, err);
		if (status)
			return status;
	}
	h = (struct mh_log_header *)l->map;
	memcpy(h->uuid, uuid, 16);
	h->layout = mh_row_layout();
	l->slot = &h->slot[0];
	/* The magic last: a header without it is nobody's. */
	atomic_thread_fence(memory_order_release);
	memcpy(h->magic, magic, sizeof(magic));
	return MH_OK;
}

void mh_rowlog_close(struct mh_rowlog *l, bool keep)
{
	if (l->map)
		munmap(l->map, MH_LOG_BYTES);
	if (l->path && !keep)
		unlink(l->path);
	free(l->path);
	*l = (struct mh_rowlog){ 0 };
}

void mh_rowlog_reset(struct mh_rowlog *l, uint64_t seq, const uint8_t *const *rows,
		     size_t nr, const uint8_t **moved)
{
	struct mh_log_header *h = (struct mh_log_header *)l->map;
	uint32_t next = atomic_load_explicit(&h->active, memory_order_relaxed) + 1;
	struct mh_log_slot *slot = &h->slot[next % 2];
	uint8_t *area = mh_rowlog_carry(l->map, next % 2);
	struct mh_row_head head;
	uint32_t len = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		memcpy(&head, rows[i], sizeof(head));
		mh_assert(head.len <= MH_LOG_CARRY - len);
		memcpy(area + len, rows[i], head.len);
		moved[i] = area + len;
		len += head.len;
	}
	slot->seq = seq;
	slot->carry = next % 2;
	slot->carry_len = len;
	atomic_store_explicit(&slot->used, 0, memory_order_relaxed);
	atomic_store_explicit(&h->active, next, memory_order_release);
	/* No row may be written over before the switch is done. */
	atomic_thread_fence(memory_order_seq_cst);
	l->slot = slot;
	l->used = 0;
}

static int copy_rows(uint8_t *map, uint8_t **bytes, size_t *len, uint64_t *seq)
{
	struct mh_log_header *h = (struct mh_log_header *)map;
	struct mh_log_slot *slot;
	uint32_t active, used, carry;

	do {
		free(*bytes);
		*bytes = NULL;
		active = atomic_load_explicit(&h->active, memory_order_acquire);
		slot = &h->slot[active % 2];
		used = atomic_load_explicit(&slot->used, memory_order_acquire);
		carry = slot->carry_len;
		*seq = slot->seq;
		if (used > MH_LOG_ROWS || carry > MH_LOG_CARRY || slot->carry > 1)
			return MH_END;
		*len = (size_t)carry + used;
		*bytes = malloc(*len + 1);
		if (!*bytes)
			return MH_ENOMEM;
		memcpy(*bytes, mh_rowlog_carry(map, slot->carry), carry);
		memcpy(*bytes + carry, map + MH_LOG_HEADER + 2 * MH_LOG_CARRY, used);
		atomic_thread_fence(memory_order_acquire);
		/* A live writer may have begun again meanwhile. */
	} while (atomic_load_explicit(&h->active, memory_order_relaxed) != active);
	return MH_OK;
}

int mh_rowlog_read(const char *path, const uint8_t uuid[16], uint8_t **bytes, size_t *len,
		   uint64_t *seq)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status = MH_END;
	const struct mh_log_header *h;
	void *map = MAP_FAILED;

	*bytes = NULL;
	*len = 0;
	if (fd < 0)
		return MH_END;
	/* A shorter file would kill by SIGBUS. */
	if (lseek(fd, 0, SEEK_END) == MH_LOG_BYTES)
		map = mmap(NULL, MH_LOG_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return MH_END;
	h = map;
	if (!memcmp(h->magic, magic, sizeof(magic)) && !memcmp(h->uuid, uuid, 16) &&
	    h->layout == mh_row_layout())
		status = copy_rows(map, bytes, len, seq);
	munmap(map, MH_LOG_BYTES);
	return status;
}
