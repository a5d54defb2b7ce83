// SPDX-License-Identifier: MIT
// clang-format off
// C++: classes, bases, virtual functions, templates, vectors, references; see members.h.
#include "members.h"

#include <memory>
#include <vector>

#pragma GCC diagnostic ignored "-Winvalid-offsetof"

struct point {
	int x, y;
	int sum() const { return x + y; }
	point &operator+=(const point &o) { x += o.x; y += o.y; return *this; }
};

struct base {
	long id;
	int state;
	virtual ~base() {}
	virtual int run(int n) { state += n; return state; }
	long name() const { return id; }
};

struct derived : base {
	point where;
	double load;
	int run(int n) override { where.x += n; load += n; return base::run(n); }
};

template <typename T> struct box {
	T value;
	box *next;
	int uses;
	T &get() { uses++; return value; }
};

typedef box<point> point_box;

struct rec {
	int key;
	point at;
	float f[3];
	rec *peer;
};

long sink;

static void tell_members()
{
	MEMBER(struct point, int, x);
	MEMBER(struct point, int, y);
	MEMBER(struct base, long, id);
	MEMBER(struct base, int, state);
	printf("member struct base\t0 8\tptr\t_vptr.base\n");
	printf("member struct base\t0 8\tptr\t_vptr$base\n");
	MEMBER(struct derived, long, id);
	MEMBER(struct derived, int, state);
	MEMBER(struct derived, int, where.x);
	MEMBER(struct derived, int, where.y);
	MEMBER(struct derived, double, load);
	printf("member struct derived\t0 8\tptr\t_vptr.base\n");
	printf("member struct derived\t0 8\tptr\t_vptr$base\n");
	printf("sub struct derived\t0\tstruct base\n");
	SUB(struct derived, struct point, where);
	printf("member struct box<point>\t%zu 4\tint\tvalue.x\n", offsetof(point_box, value.x));
	printf("member struct box<point>\t%zu 4\tint\tvalue.y\n", offsetof(point_box, value.y));
	printf("member struct box<point>\t%zu 8\tptr\tnext\n", offsetof(point_box, next));
	printf("member struct box<point>\t%zu 4\tint\tuses\n", offsetof(point_box, uses));
	printf("sub struct box<point>\t0\tstruct point\n");
	MEMBER(struct rec, int, key);
	MEMBER(struct rec, int, at.x);
	MEMBER(struct rec, int, at.y);
	MEMBERS(struct rec, float, f, , 3);
	MEMBER(struct rec, struct rec *, peer);
	SUB(struct rec, struct point, at);
	printf("member base *\t0 8\tstruct base *\t\n");
}

NOINLINE static int run_all(const std::vector<base *> &all)
{
	int sum = 0;

	for (base *b : all)
		sum += b->run(2) + static_cast<int>(b->name());
	return sum;
}

NOINLINE static long recs_sum(const std::vector<rec> &v)
{
	long sum = 0;

	for (const rec &r : v)
		sum += r.key + r.at.sum();
	for (size_t i = 0; i < v.size(); i++) {
		if (v[i].peer)
			sum += v[i].peer->at.y + static_cast<long>(v[i].f[i % 3]);
	}
	return sum;
}

NOINLINE static void recs_link(std::vector<rec> &v)
{
	for (auto it = v.begin(); it != v.end(); ++it) {
		it->peer = it == v.begin() ? nullptr : &*(it - 1);
		it->key = static_cast<int>(it - v.begin());
		it->f[2] = 1;
	}
}

NOINLINE static int boxes_sum(point_box *b)
{
	int sum = 0;

	while (b) {
		point &p = b->get();

		p += point{ 1, 2 };
		sum += p.sum();
		b = b->next;
	}
	return sum;
}

NOINLINE static void box_set(std::unique_ptr<point_box> &b, int x)
{
	b->value.x = x;
	b->get().y = x;
}

NOINLINE static void swap_points(point &a, point &b)
{
	int x = a.x;

	a.x = b.x;
	b.x = x;
	std::swap(a.y, b.y);
}

int main()
{
	std::vector<base *> all(12);
	std::vector<rec> recs(16);
	std::vector<point_box *> boxes;
	std::unique_ptr<point_box> own(new point_box());

	for (size_t i = 0; i < all.size(); i++) {
		if (i % 3) {
			derived *d = new derived();

			told(d, sizeof(*d), sizeof(*d), "struct derived");
			all[i] = d;
		} else {
			all[i] = static_cast<base *>(told(new base(), sizeof(base), sizeof(base), "struct base"));
		}
	}
	for (int i = 0; i < 10; i++) {
		point_box *b = new point_box();

		told(b, sizeof(*b), sizeof(*b), "struct box<point>");
		b->next = boxes.empty() ? nullptr : boxes.back();
		boxes.push_back(b);
	}
	told(own.get(), sizeof(point_box), sizeof(point_box), "struct box<point>");
	told(recs.data(), recs.size() * sizeof(rec), sizeof(rec), "struct rec");
	tell_members();
	tell_maps();
	fflush(stdout);
	TRAP();
	for (int i = 0; i < 2; i++) {
		sink += run_all(all);
		recs_link(recs);
		sink += recs_sum(recs);
		sink += boxes_sum(boxes.back());
		box_set(own, i);
		swap_points(recs[1].at, recs[2].at);
	}
	TRAP();
	return sink == 42;
}
