/* SPDX-License-Identifier: MIT */
/* The text form: any line parses or is refused; what parses prints and parses again. */
#include <memheat/event.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mh_event_scratch scratch = { 0 }, again = { 0 };
	struct mh_event ev, back;
	char *line, *text = NULL;
	size_t len;
	FILE *out;

	/* A bitmap costs nr_pages / 8 bytes by design; its limit has a unit test. */
	line = strndup((const char *)data, size);
	if (mh_event_parse(&ev, line, &scratch, NULL) == MH_OK) {
		out = open_memstream(&text, &len);
		if (mh_event_print(out, &ev, NULL))
			abort();
		fclose(out);
		if (mh_event_parse(&back, text, &again, NULL) || back.kind != ev.kind)
			abort();
	}
	free(text);
	free(line);
	mh_event_scratch_fini(&scratch);
	mh_event_scratch_fini(&again);
	return 0;
}
