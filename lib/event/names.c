/* SPDX-License-Identifier: MIT */
/* The words for kinds and enum values: what `dump` prints and the text form reads. */
#include <memheat/event.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *name_of(const char *const *names, size_t nr, unsigned value)
{
	return value < nr ? names[value] : NULL;
}

const char *mh_event_kind_name(enum mh_event_kind kind)
{
	static const char *const names[MH_NR_EVENT_KINDS] = {
		[MH_EV_META] = "meta",
		[MH_EV_MAP] = "map",
		[MH_EV_TASK] = "task",
		[MH_EV_SAMPLE] = "sample",
		[MH_EV_REGION] = "region",
		[MH_EV_PAGES] = "pages",
		[MH_EV_STAT] = "stat",
		[MH_EV_FOOTPRINT] = "footprint",
		[MH_EV_LOST] = "lost",
		[MH_EV_GAP] = "gap",
		[MH_EV_STACK] = "stack",
		[MH_EV_HEAP] = "heap",
		[MH_EV_STACK_COPY] = "stack_copy",
	};

	return name_of(names, COUNT(names), kind);
}

const char *mh_map_op_name(unsigned op)
{
	static const char *const names[] = { "add", "remove" };

	return name_of(names, COUNT(names), op);
}

const char *mh_task_op_name(unsigned op)
{
	static const char *const names[] = { "fork", "exec", "comm", "exit", "found" };

	return name_of(names, COUNT(names), op);
}

const char *mh_pages_layer_name(unsigned layer)
{
#define NODE(n) [MH_PAGES_NODE0 + (n)] = "node" #n
#define NODE8(a, b, c, d, e, f, g, h)                                                    \
	NODE(a), NODE(b), NODE(c), NODE(d), NODE(e), NODE(f), NODE(g), NODE(h)
	static const char *const names[MH_PAGES_NODES_END] = {
		"access",
		"write",
		"file",
		NODE8(0, 1, 2, 3, 4, 5, 6, 7),
		NODE8(8, 9, 10, 11, 12, 13, 14, 15),
		NODE8(16, 17, 18, 19, 20, 21, 22, 23),
		NODE8(24, 25, 26, 27, 28, 29, 30, 31),
		NODE8(32, 33, 34, 35, 36, 37, 38, 39),
		NODE8(40, 41, 42, 43, 44, 45, 46, 47),
		NODE8(48, 49, 50, 51, 52, 53, 54, 55),
		NODE8(56, 57, 58, 59, 60, 61, 62, 63),
	};
#undef NODE8
#undef NODE

	return name_of(names, COUNT(names), layer);
}

const char *mh_lost_cause_name(unsigned cause)
{
	static const char *const names[] = { "ring",   "throttle", "snapshot",
					     "nonmem", "write",    "heap" };

	return name_of(names, COUNT(names), cause);
}

const char *mh_gap_cause_name(unsigned cause)
{
	static const char *const names[] = { "not_run", "exited", "stopped",
					     "unreadable" };

	return name_of(names, COUNT(names), cause);
}

const char *mh_heap_op_name(unsigned op)
{
	static const char *const names[] = { "alloc", "free", "attach" };

	return name_of(names, COUNT(names), op);
}
