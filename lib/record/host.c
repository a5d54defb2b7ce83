/* SPDX-License-Identifier: MIT */
/*
 * What a person asks of an old trace: which machine, which kernel, and the settings that
 * change what an access looks like (huge pages, the page reclaimer, NUMA balancing).
 */
#include "record/host.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

uint64_t mh_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int tell(mh_event_fn fn, void *arg, struct mh_err *err, const char *key,
		const char *value)
{
	struct mh_event ev;

	mh_event_init(&ev, MH_EV_META);
	ev.time_ns = mh_now_ns();
	ev.meta.key = key;
	ev.meta.value = value;
	return fn(arg, &ev, err);
}

int mh_meta_tell(mh_event_fn fn, void *arg, struct mh_err *err, const char *key,
		 const char *fmt, ...)
{
	char value[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	return tell(fn, arg, err, key, value);
}

static bool is_plain(const char *word)
{
	return *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789_-+=./:,@%")];
}

static void add_word(struct mh_wbuf *line, const char *word)
{
	if (is_plain(word)) {
		mh_wbuf_bytes(line, word, strlen(word));
		return;
	}
	mh_wbuf_u8(line, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			mh_wbuf_bytes(line, "'\\''", 4);
		else
			mh_wbuf_u8(line, (uint8_t)*word);
	}
	mh_wbuf_u8(line, '\'');
}

int mh_meta_tell_words(mh_event_fn fn, void *arg, struct mh_err *err, const char *key,
		       char *const *words)
{
	struct mh_wbuf line = { 0 };
	size_t i;
	int ret;

	for (i = 0; words[i]; i++) {
		if (i)
			mh_wbuf_u8(&line, ' ');
		add_word(&line, words[i]);
	}
	mh_wbuf_u8(&line, 0);
	if (line.bad)
		ret = mh_fail(err, MH_ENOMEM, "out of memory");
	else
		ret = tell(fn, arg, err, key, (const char *)line.p);
	mh_wbuf_fini(&line);
	return ret;
}

/* The first line of a file, without its end; false when there is none. */
static bool first_line(char *out, size_t size, const char *sysroot, const char *path)
{
	char name[PATH_MAX];
	bool ok;
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", sysroot, path);
	f = fopen(name, "re");
	if (!f)
		return false;
	ok = fgets(out, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

/* "always [madvise] never" says madvise. */
static const char *chosen(char *line)
{
	char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return line;
	*close = '\0';
	return open + 1;
}

static int tell_settings(const char *sysroot, mh_event_fn fn, void *arg,
			 struct mh_err *err)
{
	static const struct {
		const char *key, *path;
	} settings[] = {
		{ "host.thp", "/sys/kernel/mm/transparent_hugepage/enabled" },
		{ "host.mglru", "/sys/kernel/mm/lru_gen/enabled" },
		{ "host.numa_balancing", "/proc/sys/kernel/numa_balancing" },
		{ "host.swappiness", "/proc/sys/vm/swappiness" },
		{ "host.boot_id", "/proc/sys/kernel/random/boot_id" },
	};
	char line[256];
	size_t i;
	int ret = MH_OK;

	for (i = 0; !ret && i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (first_line(line, sizeof(line), sysroot, settings[i].path))
			ret = tell(fn, arg, err, settings[i].key, chosen(line));
	}
	return ret;
}

/* Which CPUs each memory node has: samples are then split by node. */
static int tell_nodes(const char *sysroot, mh_event_fn fn, void *arg, struct mh_err *err)
{
	char path[64], key[32], cpus[512];
	unsigned node, missing = 0;
	int ret = MH_OK;

	/* Numbers may have holes. */
	for (node = 0; !ret && missing < 8; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist",
			 node);
		snprintf(key, sizeof(key), "host.node.%u.cpus", node);
		if (first_line(cpus, sizeof(cpus), sysroot, path)) {
			ret = tell(fn, arg, err, key, cpus);
			missing = 0;
		} else {
			missing++;
		}
	}
	return ret;
}

static int tell_cpu(const char *sysroot, mh_event_fn fn, void *arg, struct mh_err *err)
{
	char name[PATH_MAX], line[512], *value;
	int ret = MH_OK;
	FILE *f;

	snprintf(name, sizeof(name), "%s/proc/cpuinfo", sysroot);
	f = fopen(name, "re");
	if (!f)
		return MH_OK;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "model name", 10) && strncmp(line, "Model", 5))
			continue;
		value = strchr(line, ':');
		if (!value)
			continue;
		line[strcspn(line, "\n")] = '\0';
		ret = tell(fn, arg, err, "host.cpu", value + 1 + strspn(value + 1, " "));
		break;
	}
	fclose(f);
	return ret;
}

/* Both clocks at one moment: where the trace stands in the calendar. */
static int tell_clocks(mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct timespec real;
	uint64_t before = mh_now_ns(), after;
	int ret;

	clock_gettime(CLOCK_REALTIME, &real);
	after = mh_now_ns();
	ret = mh_meta_tell(fn, arg, err, "clock.monotonic_ns", "%" PRIu64,
			   before + (after - before) / 2);
	if (ret)
		return ret;
	return mh_meta_tell(fn, arg, err, "clock.realtime_ns", "%" PRIu64,
			    (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec);
}

int mh_host_tell(const char *sysroot, mh_event_fn fn, void *arg, struct mh_err *err)
{
	struct utsname u;
	int ret = MH_OK;

	if (!sysroot)
		sysroot = "";
	ret = mh_meta_tell(fn, arg, err, "tool.version", "%s", MEMHEAT_VERSION);
	if (!ret && !uname(&u)) {
		ret = tell(fn, arg, err, "host.name", u.nodename);
		if (!ret)
			ret = mh_meta_tell(fn, arg, err, "host.kernel", "%s %s",
					   u.sysname, u.release);
		if (!ret)
			ret = tell(fn, arg, err, "host.arch", u.machine);
	}
	if (!ret)
		ret = mh_meta_tell(fn, arg, err, "host.nr_cpus", "%ld",
				   sysconf(_SC_NPROCESSORS_ONLN));
	if (!ret)
		ret = mh_meta_tell(fn, arg, err, "host.page_size", "%ld",
				   sysconf(_SC_PAGESIZE));
	if (!ret)
		ret = mh_meta_tell(fn, arg, err, "target.uid", "%u", (unsigned)getuid());
	if (!ret)
		ret = tell_cpu(sysroot, fn, arg, err);
	if (!ret)
		ret = tell_nodes(sysroot, fn, arg, err);
	if (!ret)
		ret = tell_settings(sysroot, fn, arg, err);
	return ret ? ret : tell_clocks(fn, arg, err);
}
