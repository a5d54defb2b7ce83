// SPDX-License-Identifier: MIT
//
// As prog.c, for C++: namespaces, templates, base classes, lambdas, static members.
#include <cinttypes>
#include <cstdint>
#include <cstdio>

#define NOINLINE __attribute__((noinline))

volatile int sink;

extern "C" NOINLINE void *here(void)
{
	sink = sink + 1;
	return (char *)__builtin_return_address(0) - 1;
}

namespace ns
{
struct base {
	long id;
};

template <class T> struct box : base {
	T v;
	static T shared[2];
};

template <class T> T box<T>::shared[2];

box<short> boxes[4];

template <class T> NOINLINE void visit(const box<T> &b)
{
	void *at = here(); int line = __LINE__;
	sink = sink + b.v;
	printf("code %" PRIxPTR "\tvoid ns::visit<short>(ns::box<short> const&):%d\n",
	       (uintptr_t)at, line);
}
} // namespace ns

static void datum(const volatile void *p, const char *path)
{
	printf("data %" PRIxPTR "\t%s\n", (uintptr_t)p, path);
}

int main()
{
	char line[4096], path[4096];
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		char prot[8];
		uint64_t start, end, off;

		path[0] = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64
			   " %*s %*s %4095[^\n]", &start, &end, prot, &off, path) >= 4)
			printf("map %" PRIx64 "-%" PRIx64 " %s %" PRIx64 " %s\n", start,
			       end, prot, off, path);
	}
	if (f)
		fclose(f);
	auto lambda = [](int n) __attribute__((noinline)) {
		void *at = here(); int l = __LINE__;
		sink = sink + n;
		printf("code %" PRIxPTR "\t*lambda:%d\n", (uintptr_t)at, l);
	};
	lambda(sink);
	ns::visit(ns::boxes[sink & 1]);
	ns::box<short>::shared[1] = 3;
	datum(&ns::boxes[2].v, "ns::boxes[2].v");
	datum(&ns::boxes[3].id, "ns::boxes[3].id");
	datum(&ns::box<short>::shared[1], "ns::box<short>::shared[1]");
	return 0;
}
