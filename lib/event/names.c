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
#define NODES(t)                                                                         \
	NODE(t##0), NODE(t##1), NODE(t##2), NODE(t##3), NODE(t##4), NODE(t##5),          \
		NODE(t##6), NODE(t##7), NODE(t##8), NODE(t##9)
	static const char *const names[MH_PAGES_NODES_END] = {
		"access", "write",  "file",   NODES(),  NODES(1), NODES(2), NODES(3),
		NODES(4), NODES(5), NODE(60), NODE(61), NODE(62), NODE(63),
	};
#undef NODES
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
