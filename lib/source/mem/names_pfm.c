/* SPDX-License-Identifier: MIT */
/*
 * Names of libpfm4. The library knows what CPUs have, not what this kernel gives: an
 * event that it encodes may still be refused. Its state is the library's own and
 * process-wide; it is set up at the first call and left. It is loaded then too: its
 * tables hold 41,000 addresses that the loader corrects, in every command where it is
 * linked.
 *
 * Known gaps of 4.13: no IBS, no SPE, no sysfs events, no precision unless the name says
 * so, and SPR's STORE_SAMPLE has umask 3 instead of 2.
 */
#include <perfmon/pfmlib_perf_event.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/mem/encoding.h"

#define STORE_SAMPLE     0x2cdu
#define STORE_SAMPLE_BAD 0x3cdu

struct pfm {
	__typeof__(&pfm_initialize) initialize;
	__typeof__(&pfm_get_os_event_encoding) encode;
	__typeof__(&pfm_strerror) strerror;
};

static bool pfm_load(struct pfm *lib)
{
	char name[32];
	void *library;

	snprintf(name, sizeof(name), "libpfm.so.%d", PFM_MAJ_VERSION(LIBPFM_VERSION));
	library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library)
		return false;
	*(void **)&lib->initialize = dlsym(library, "pfm_initialize");
	*(void **)&lib->encode = dlsym(library, "pfm_get_os_event_encoding");
	*(void **)&lib->strerror = dlsym(library, "pfm_strerror");
	dlclose(library);
	return lib->initialize && lib->encode && lib->strerror;
}

static int explain(const struct pfm *lib, int status, const char *name,
		   struct mh_err *err)
{
	switch (status) {
	case PFM_ERR_NOTFOUND:
	case PFM_ERR_NOTSUPP:
		return MH_END;
	case PFM_ERR_NOMEM:
		return mh_fail(err, MH_ENOMEM, "out of memory");
	default:
		return mh_fail(err, MH_EINPUT, "event '%s': %s", name,
			       lib->strerror(status));
	}
}

static void correct(struct mem_encoding *e, const char *full)
{
	if (e->config == STORE_SAMPLE_BAD && strstr(full, "STORE_SAMPLE"))
		e->config = STORE_SAMPLE;
}

/* "precise=" was in the name: 0 is then a wish, not a default. */
static bool says_precise(const char *name)
{
	return strstr(name, "precise=") != NULL;
}

int mh_mem_pfm_encode(struct mem_encoding *out, const char *name, char *full, size_t size,
		      struct mh_err *err)
{
	struct perf_event_attr attr;
	char *spelled = NULL;
	pfm_perf_encode_arg_t arg = { .attr = &attr,
				      .fstr = &spelled,
				      .size = sizeof(arg) };
	struct pfm lib;
	int status;

	if (!pfm_load(&lib))
		return MH_END;
	memset(&attr, 0, sizeof(attr));
	status = lib.initialize();
	if (status != PFM_SUCCESS)
		return mh_fail(err, MH_ENOSUP, "libpfm4: %s", lib.strerror(status));
	status = lib.encode(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
	if (status != PFM_SUCCESS)
		return explain(&lib, status, name, err);
	*out = (struct mem_encoding){ .type = attr.type,
				      .config = attr.config,
				      .config1 = attr.config1,
				      .config2 = attr.config2,
				      .precise = says_precise(name) ? (int)attr.precise_ip
								    : -1,
				      .exclude_user = attr.exclude_user,
				      .exclude_kernel = attr.exclude_kernel };
	snprintf(full, size, "%s", spelled ? spelled : name);
	correct(out, full);
	free(spelled);
	return MH_OK;
}
