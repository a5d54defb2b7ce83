/* SPDX-License-Identifier: MIT */
/*
 * Exporters: a trace in the form of another tool. Each says what it takes; who runs it
 * makes the views that it asks for.
 */
#ifndef MEMHEAT_EXPORT_H
#define MEMHEAT_EXPORT_H

#include <stdio.h>

#include <memheat/base.h>
#include <memheat/trace.h>
#include <memheat/view.h>

/* What an exporter takes, and what it needs of that. */
enum mh_export_needs {
	MH_EXPORT_EVENTS = 1 << 0,   /* reader */
	MH_EXPORT_PROFILE = 1 << 1,  /* profile */
	MH_EXPORT_SYMBOLS = 1 << 2,  /* its symbols, of one program; names as linked */
	MH_EXPORT_CODE = 1 << 3,     /* samples with code addresses */
	MH_EXPORT_UNBIASED = 1 << 4, /* samples that count executions */
	MH_EXPORT_BINARY = 1 << 5,   /* nothing for a terminal */
	MH_EXPORT_HEAT = 1 << 6,     /* heat */
	MH_EXPORT_LOADS = 1 << 8,    /* the profile's loads */
	MH_EXPORT_ALLOCS = 1 << 9,   /* allocs */
	MH_EXPORT_TIME = 1 << 7,     /* wss and heatmap */
	MH_EXPORT_CHAINS = 1 << 10   /* frames; the profile's callers */
};

struct mh_frames;

struct mh_export_input {
	const char *trace; /* as the user named it */
	const struct mh_reader *reader;
	/* NULL where it was not asked for. */
	const struct mh_frames *frames; /* of mh_session_frames() */
	const struct mh_profile *profile;
	const struct mh_heat *heat;
	const struct mh_allocs *allocs;
	const struct mh_wss *wss; /* NULL too where the source gives none */
	const struct mh_heatmap *heatmap;
};

struct mh_exporter {
	const char *name;    /* as typed after `memheat export` */
	const char *summary; /* one line: what it writes, for whom */
	unsigned needs;      /* enum mh_export_needs */
	/*
	 * Returns MH_OK; MH_ENOSUP when the trace does not have what it takes (the
	 * message says why and what to record); MH_ESYS, MH_ENOMEM.
	 */
	int (*run)(FILE *out, const struct mh_export_input *in, struct mh_err *err);
};

/* The exporters of this build, in the order in which help lists them; NULL past the end.
 */
const struct mh_exporter *mh_exporter_at(size_t i);

/* Check what @e needs of the views, then run it. As mh_exporter.run(). */
int mh_exporter_run(const struct mh_exporter *e, FILE *out,
		    const struct mh_export_input *in, struct mh_err *err) MH_MUST_CHECK;

#endif
