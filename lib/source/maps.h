/* SPDX-License-Identifier: MIT */
/* What a process has mapped already when a recording meets it: /proc/PID/maps as events.
 */
#ifndef MEMHEAT_SOURCE_MAPS_H
#define MEMHEAT_SOURCE_MAPS_H

#include <sys/types.h>

#include <memheat/source.h>

/*
 * Parse one line of /proc/PID/maps.
 *
 * @line: modified; the event's path points into it
 * Returns MH_OK; MH_EFORMAT.
 */
int mh_maps_line(struct mh_ev_map *out, char *line) MH_MUST_CHECK;

/*
 * Hand every mapping of @pid to @fn as MAP.
 *
 * Returns MH_OK; MH_ENOTARGET when it is gone; MH_EPERM; a failure of @fn.
 */
int mh_maps_tell(pid_t pid, const char *sysroot, uint16_t source, uint64_t time_ns,
		 mh_event_fn fn, void *arg, struct mh_err *err) MH_MUST_CHECK;

#endif
