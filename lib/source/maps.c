/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/maps, line by line as in proc(5). A path with a newline has it as "\012"
 * there, and so it stays: the same file is then called the same by every reader of maps.
 */
#include "source/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int mh_maps_line(struct mh_ev_map *out, char *line)
{
	char perms[5];
	int used = 0;

	*out = (struct mh_ev_map){ .op = MH_MAP_ADD };
	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32
		   " %" SCNu64 "%n",
		   &out->start, &out->end, perms, &out->pgoff, &out->maj, &out->min,
		   &out->ino, &used) != 7 ||
	    strlen(perms) != 4 || out->end < out->start)
		return MH_EFORMAT;
	out->prot = (uint8_t)((perms[0] == 'r' ? PROT_READ : 0) |
			      (perms[1] == 'w' ? PROT_WRITE : 0) |
			      (perms[2] == 'x' ? PROT_EXEC : 0));
	out->shared = perms[3] == 's';
	line += used;
	line += strspn(line, " ");
	line[strcspn(line, "\n")] = '\0';
	out->path = line;
	return MH_OK;
}

int mh_maps_tell(pid_t pid, const char *sysroot, uint16_t source, uint64_t time_ns,
		 mh_event_fn fn, void *arg, struct mh_err *err)
{
	char path[PATH_MAX], *line = NULL;
	struct mh_event ev;
	size_t cap = 0;
	int ret = MH_OK;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%d/maps", sysroot, (int)pid);
	f = fopen(path, "re");
	if (!f && (errno == ENOENT || errno == ESRCH))
		return mh_fail(err, MH_ENOTARGET, "no process has pid %d", (int)pid);
	if (!f)
		return mh_fail_errno(err, "cannot read '%s'", path);
	mh_event_init(&ev, MH_EV_MAP);
	ev.source = source;
	ev.time_ns = time_ns;
	while (!ret && getline(&line, &cap, f) > 0) {
		ret = mh_maps_line(&ev.map, line);
		if (ret) {
			ret = mh_fail(err, MH_EFORMAT, "'%s' has a line that is none",
				      path);
			break;
		}
		ev.map.pid = (uint32_t)pid;
		ret = fn(arg, &ev, err);
	}
	free(line);
	fclose(f);
	return ret;
}
