/* SPDX-License-Identifier: MIT */
/*
 * Opening events. EINVAL does not say which attribute is too new, so the newest that is
 * set is given up first, and precision last. EACCES is answered by leaving out kernel
 * mode, then physical addresses.
 */
#include "ring/open.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT_SYS_ADMIN 21
#define CAP_BIT_PERFMON   38

static bool read_int(const char *sysroot, const char *path, int *out)
{
	char name[4096];
	FILE *f;
	bool ok;

	snprintf(name, sizeof(name), "%s%s", sysroot, path);
	f = fopen(name, "re");
	if (!f)
		return false;
	ok = fscanf(f, "%d", out) == 1;
	fclose(f);
	return ok;
}

static uint64_t read_capabilities(const char *sysroot)
{
	char name[4096], line[256];
	uint64_t caps = 0;
	FILE *f;

	snprintf(name, sizeof(name), "%s/proc/self/status", sysroot);
	f = fopen(name, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			break;
	}
	fclose(f);
	return caps;
}

void mh_perf_rights_read(struct mh_perf_rights *out, const char *sysroot)
{
	uint64_t caps;

	if (!sysroot)
		sysroot = "";
	*out = (struct mh_perf_rights){ 0 };
	out->supported =
		read_int(sysroot, "/proc/sys/kernel/perf_event_paranoid", &out->paranoid);
	caps = read_capabilities(sysroot);
	out->perfmon = caps >> CAP_BIT_PERFMON & 1 || caps >> CAP_BIT_SYS_ADMIN & 1;
}

static int try_open(const struct perf_event_attr *attr, const struct mh_perf_place *place)
{
	/* The kernel writes its own size back when it knows less than we do. */
	struct perf_event_attr copy = *attr;

	return (int)syscall(SYS_perf_event_open, &copy, place->pid, place->cpu,
			    place->group_fd, place->flags | PERF_FLAG_FD_CLOEXEC);
}

const char *mh_perf_lack_words(unsigned bit)
{
	static const char *const words[] = {
		"what the kernel does (perf_event_paranoid)",
		"the kernel's count of lost samples (Linux 6.0)",
		"build-ids of mappings (Linux 5.12)",
		"following threads only (Linux 5.13)",
		"the highest precision of code addresses",
		"physical addresses (CAP_PERFMON, Linux 4.14)",
		"page sizes (Linux 5.11)",
		"the second weight of a sample (Linux 5.12)",
	};

	return bit < sizeof(words) / sizeof(words[0]) ? words[bit] : "";
}

/* Newest first; each returns its bit when it could be given up. */
static unsigned give_up_new(struct perf_event_attr *attr)
{
	if (attr->read_format & PERF_FORMAT_LOST) {
		attr->read_format &= ~(uint64_t)PERF_FORMAT_LOST;
		return MH_LACKS_LOST;
	}
	if (attr->inherit_thread) {
		attr->inherit_thread = 0;
		return MH_LACKS_THREADS;
	}
	if (attr->build_id) {
		attr->build_id = 0;
		return MH_LACKS_BUILD_ID;
	}
	if (attr->sample_type & PERF_SAMPLE_WEIGHT_STRUCT) {
		attr->sample_type &= ~(uint64_t)PERF_SAMPLE_WEIGHT_STRUCT;
		attr->sample_type |= PERF_SAMPLE_WEIGHT;
		return MH_LACKS_WEIGHT_STRUCT;
	}
	if (attr->sample_type & PERF_SAMPLE_DATA_PAGE_SIZE) {
		attr->sample_type &= ~(uint64_t)PERF_SAMPLE_DATA_PAGE_SIZE;
		return MH_LACKS_PAGE_SIZE;
	}
	if (attr->sample_type & PERF_SAMPLE_PHYS_ADDR) {
		attr->sample_type &= ~(uint64_t)PERF_SAMPLE_PHYS_ADDR;
		return MH_LACKS_PHYS;
	}
	return 0;
}

/* Below 1 the hardware gives no address, which is no sample of memory any more. */
static unsigned give_up_precision(struct perf_event_attr *attr)
{
	if (attr->precise_ip <= 1)
		return 0;
	attr->precise_ip--;
	return MH_LACKS_PRECISE;
}

static unsigned give_up_privilege(struct perf_event_attr *attr)
{
	if (!attr->exclude_kernel) {
		attr->exclude_kernel = 1;
		return MH_LACKS_KERNEL;
	}
	if (attr->sample_type & PERF_SAMPLE_PHYS_ADDR) {
		attr->sample_type &= ~(uint64_t)PERF_SAMPLE_PHYS_ADDR;
		return MH_LACKS_PHYS;
	}
	return 0;
}

/* Returns the bit of what was given up; 0: nothing is left to give up. */
static unsigned give_up(struct perf_event_attr *attr, int sys_errno)
{
	unsigned bit;

	switch (sys_errno) {
	case EACCES:
	case EPERM:
		return give_up_privilege(attr);
	case EOPNOTSUPP:
		return give_up_precision(attr);
	case EINVAL:
	case E2BIG:
		bit = give_up_new(attr);
		return bit ? bit : give_up_precision(attr);
	default:
		return 0;
	}
}

static int refused(const struct mh_perf_place *place, struct mh_err *err)
{
	bool wide = place->pid < 0 || place->flags & PERF_FLAG_PID_CGROUP;
	struct mh_perf_rights rights;
	int most = wide ? 0 : 2;

	mh_perf_rights_read(&rights, NULL);
	if (!rights.perfmon && rights.paranoid > most)
		return mh_fail(
			err, MH_EPERM,
			"perf_event_paranoid is %d; run: sysctl "
			"kernel.perf_event_paranoid=%d, or give memheat CAP_PERFMON",
			rights.paranoid, most);
	if (wide)
		return mh_fail(err, MH_EPERM,
			       "the kernel refuses events of all processes; run as root");
	return mh_fail(err, MH_EPERM,
		       "the kernel refuses events of pid %d: it is another user's, or a "
		       "sandbox forbids perf_event_open; run as root",
		       (int)place->pid);
}

static int explain(const struct mh_perf_place *place, int sys_errno, struct mh_err *err)
{
	switch (sys_errno) {
	case EACCES:
	case EPERM:
		return refused(place, err);
	case ESRCH:
		return mh_fail(err, MH_ENOTARGET, "no process has pid %d",
			       (int)place->pid);
	case ENOSYS:
		return mh_fail(err, MH_ENOSUP,
			       "this kernel is built without perf events");
	case ENOENT:
		return mh_fail(err, MH_ENOSUP, "this machine has no such perf event");
	case EOPNOTSUPP:
		return mh_fail(err, MH_ENOSUP,
			       "this machine cannot sample that event, or not precisely: "
			       "a virtual machine must be given the host's PMU");
	case ENODATA:
		return mh_fail(err, MH_ENOSUP,
			       "the kernel wants another event as leader of this one");
	case ENOSPC:
		return mh_fail(err, MH_ENOSUP,
			       "the CPU's hardware breakpoints are all in use");
	case EBUSY:
		return mh_fail(err, MH_ENOSUP,
			       "another user of perf events holds this PMU");
	default:
		errno = sys_errno;
		return mh_fail_errno(err, "cannot open a perf event");
	}
}

int mh_perf_open(int *fd, struct perf_event_attr *attr, const struct mh_perf_place *place,
		 unsigned *lacks, struct mh_err *err)
{
	struct perf_event_attr trial = *attr;
	unsigned given_up = 0, bit;
	int sys_errno;

	trial.size = sizeof(trial);
	for (;;) {
		*fd = try_open(&trial, place);
		if (*fd >= 0)
			break;
		sys_errno = errno;
		bit = lacks ? give_up(&trial, sys_errno) : 0;
		if (!bit) {
			int ret = explain(place, sys_errno, err);

			if (err)
				err->sys_errno = sys_errno;
			return ret;
		}
		given_up |= bit;
	}
	*attr = trial;
	if (lacks)
		*lacks |= given_up;
	return MH_OK;
}
