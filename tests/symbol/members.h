/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * What a program that tells where its members are has to say, for tests of types of
 * accesses. Its blocks on the heap hold whole objects of one type.
 *
 *	block ADDRESS BYTES SIZE<tab>TYPE		objects of SIZE each
 *	member TYPE<tab>OFFSET BYTES<tab>TYPE<tab>PATH	what is in a type
 *	sub TYPE<tab>OFFSET<tab>TYPE			objects inside of objects
 *
 * Between the two traps the blocks are accessed, a single step at a time.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))
#define TRAP()   __asm__ volatile("int3" ::: "memory")

#define MEMBER(owner, type, path)                                                        \
	printf("member %s\t%zu %zu\t%s\t%s\n", #owner, offsetof(owner, path),            \
	       sizeof(((owner *)0)->path), #type, #path)
/* Of an array in it: every element is "path[]more". */
#define MEMBERS(owner, type, path, more, nr)                                             \
	do {                                                                             \
		size_t at_;                                                              \
		for (at_ = 0; at_ < (nr); at_++)                                         \
			printf("member %s\t%zu %zu\t%s\t%s\n", #owner,                   \
			       offsetof(owner, path[0] more) +                           \
				       at_ * sizeof(((owner *)0)->path[0]),              \
			       sizeof(((owner *)0)->path[0] more), #type,                \
			       #path "[]" #more);                                        \
	} while (0)
#define SUB(owner, type, path)                                                           \
	printf("sub %s\t%zu\t%s\n", #owner, offsetof(owner, path), #type)

static inline void *told(void *p, size_t bytes, size_t size, const char *type)
{
	printf("block %#zx %zu %zu\t%s\n", (size_t)(uintptr_t)p, bytes, size, type);
	return p;
}

#define ALLOCATE(type, nr)                                                               \
	((type *)told(calloc((nr), sizeof(type)), (nr) * sizeof(type), sizeof(type), #type))

static inline void tell_maps(void)
{
	char line[4096];
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long start, end, off;
		char prot[8], path[4000] = "";

		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %3999[^\n]", &start, &end, prot,
			   &off, path) >= 4)
			printf("map %lx-%lx %s %lx %s\n", start, end, prot, off, path);
	}
	if (f)
		fclose(f);
}

#endif
