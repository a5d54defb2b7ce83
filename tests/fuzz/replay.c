/* SPDX-License-Identifier: MIT */
/*
 * Runs one fuzz target over kept inputs, without a fuzzer.
 *
 * Linked with tests/fuzz/fuzz_<entry>.c, so that `make check` repeats every input that
 * once mattered with any compiler and sanitizer.  Arguments are files; a crash or a
 * sanitizer's report is the failure.  The empty input is always run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the whole file into an exactly sized block, so that ASan sees a read past it. */
static int replay(const char *path)
{
	uint8_t *data = NULL;
	long size;
	int ret = -1;
	FILE *f;

	f = fopen(path, "rb");
	if (!f)
		goto out;
	if (fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		goto out;
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
		goto out;
	LLVMFuzzerTestOneInput(data, (size_t)size);
	ret = 0;
out:
	if (ret)
		perror(path);
	free(data);
	if (f)
		fclose(f);
	return ret;
}

int main(int argc, char **argv)
{
	static const uint8_t nothing[1];
	int i;

	LLVMFuzzerTestOneInput(nothing, 0);
	for (i = 1; i < argc; i++) {
		if (replay(argv[i]))
			return 1;
	}
	return 0;
}
