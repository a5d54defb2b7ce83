/* SPDX-License-Identifier: MIT */
/* Two functions that allocate: what one returns is read over and over, the other once. */
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
__attribute__((noinline)) char *make_hot(long n)
{
	char *p = new char[n];
	p[0] = 1; /* else it is a jump, and no caller of the allocator */
	return p;
}
__attribute__((noinline)) char *make_cold(long n)
{
	char *p = new char[n];
	p[0] = 1; /* else it is a jump, and no caller of the allocator */
	return p;
}
int main(int argc, char **argv)
{
	char *hot = make_hot(1 << 20), *cold = make_cold(1 << 20);
	long sum = 0;
	for (long i = 0; i < 1 << 20; i += 64)
		hot[i] = cold[i] = (char)i;
	for (int k = 0; k < 20; k++)
		for (long i = 0; i < 1 << 20; i += 64)
			sum += hot[i];
	usleep(300000);
	printf("%ld\n", sum + cold[64]);
	delete[] hot;
	delete[] cold;
	return 0;
}
