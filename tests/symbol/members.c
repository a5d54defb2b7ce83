/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* C: lists, trees, hash tables, arrays of structs, nested structs, unions; see members.h. */
#include "members.h"

struct point {
	int x, y;
};

struct node {
	struct node *next;
	long key;
	struct point at;
	short kind;
	unsigned char lo : 3, hi : 5;
	char tag;
};

struct tree {
	struct tree *left, *right;
	int key;
	double weight;
	struct {
		long hits;
		int depth;
	} stat;
};

struct link {
	struct link *next, **prev;
};

struct item { /* 56 bytes: no power of two */
	long id;
	struct link chain;
	struct point corners[2];
	int counts[3];
	unsigned hash;
};

union number {
	long whole;
	double real;
	struct point pair;
	char bytes[8];
};

struct shape {
	int kind;
	union number n;
	struct item *owner;
	const char *name;
};

struct table {
	struct item **buckets;
	unsigned mask, used;
	struct shape *shapes;
};

struct row {
	float v[4];
	int valid;
};

struct text {
	unsigned len;
	struct point spans[];
};

typedef long visit_fn(void *cookie, struct node *n);

static struct table the_table;
static struct node *head;
long sink;

static void tell_members(void)
{
	MEMBER(struct point, int, x);
	MEMBER(struct point, int, y);
	MEMBER(struct node, struct node *, next);
	MEMBER(struct node, long, key);
	MEMBER(struct node, int, at.x);
	MEMBER(struct node, int, at.y);
	MEMBER(struct node, short, kind);
	printf("member struct node\t%zu 1\tunsigned char\tlo|hi\n", offsetof(struct node, tag) - 1);
	MEMBER(struct node, char, tag);
	SUB(struct node, struct point, at);
	MEMBER(struct tree, struct tree *, left);
	MEMBER(struct tree, struct tree *, right);
	MEMBER(struct tree, int, key);
	MEMBER(struct tree, double, weight);
	MEMBER(struct tree, long, stat.hits);
	MEMBER(struct tree, int, stat.depth);
	MEMBER(struct link, struct link *, next);
	MEMBER(struct link, struct link **, prev);
	MEMBER(struct item, long, id);
	MEMBER(struct item, struct link *, chain.next);
	MEMBER(struct item, struct link **, chain.prev);
	MEMBERS(struct item, int, corners, .x, 2);
	MEMBERS(struct item, int, corners, .y, 2);
	MEMBERS(struct item, int, counts, , 3);
	MEMBER(struct item, unsigned int, hash);
	SUB(struct item, struct link, chain);
	SUB(struct item, struct point, corners[0]);
	SUB(struct item, struct point, corners[1]);
	MEMBER(struct shape, int, kind);
	MEMBER(struct shape, union number, n);
	MEMBER(struct shape, long, n.whole);
	MEMBER(struct shape, double, n.real);
	MEMBER(struct shape, int, n.pair.x);
	MEMBER(struct shape, int, n.pair.y);
	MEMBERS(struct shape, char, n.bytes, , 8);
	MEMBER(struct shape, struct item *, owner);
	MEMBER(struct shape, char *, name);
	SUB(struct shape, union number, n);
	SUB(struct shape, struct point, n.pair);
	MEMBER(union number, long, whole);
	MEMBER(union number, double, real);
	MEMBER(union number, int, pair.x);
	MEMBER(union number, int, pair.y);
	MEMBERS(union number, char, bytes, , 8);
	MEMBER(struct table, struct item **, buckets);
	MEMBER(struct table, unsigned int, mask);
	MEMBER(struct table, unsigned int, used);
	MEMBER(struct table, struct shape *, shapes);
	MEMBERS(struct row, float, v, , 4);
	MEMBER(struct row, int, valid);
	MEMBER(struct text, unsigned int, len);
	MEMBERS(struct text, int, spans, .x, 16);
	MEMBERS(struct text, int, spans, .y, 16);
	SUB(struct text, struct point, spans[0]);
	printf("member struct item *\t0 8\tstruct item *\t\n");
	printf("member int\t0 4\tint\t\n");
}

/* ---- lists ---- */

static inline int manhattan(const struct point *p)
{
	return (p->x < 0 ? -p->x : p->x) + (p->y < 0 ? -p->y : p->y);
}

NOINLINE static long list_sum(const struct node *n)
{
	long sum = 0;

	for (; n; n = n->next) {
		sum += n->key + manhattan(&n->at);
		if (n->kind == 3)
			sum += n->tag;
		if (n->hi > n->lo)
			sum++;
	}
	return sum;
}

NOINLINE static struct node *list_reverse(struct node *n)
{
	struct node *back = NULL, *next;

	for (; n; n = next) {
		next = n->next;
		n->next = back;
		back = n;
	}
	return back;
}

NOINLINE static void list_remove(struct node **at, long key)
{
	while (*at) {
		if ((*at)->key == key) {
			struct node *gone = *at;

			*at = gone->next;
			gone->tag = 'x';
			gone->next = NULL;
		} else {
			at = &(*at)->next;
		}
	}
}

NOINLINE static long list_visit(struct node *n, visit_fn *fn, void *cookie)
{
	long sum = 0;

	while (n) {
		sum += fn(cookie, n);
		n = n->next;
	}
	return sum;
}

NOINLINE static long visit_row(void *cookie, struct node *n)
{
	struct row *row = cookie;

	row->v[n->key & 3] += (float)n->at.x;
	row->valid++;
	return row->valid;
}

/* ---- trees ---- */

NOINLINE static struct tree *tree_find(struct tree *t, int key)
{
	while (t && t->key != key)
		t = key < t->key ? t->left : t->right;
	return t;
}

NOINLINE static int tree_depth(struct tree *t, int depth)
{
	int a, b;

	if (!t)
		return depth;
	t->stat.hits++;
	t->stat.depth = depth;
	a = tree_depth(t->left, depth + 1);
	b = tree_depth(t->right, depth + 1);
	return a > b ? a : b;
}

NOINLINE static double tree_weight(const struct tree *t)
{
	return t ? t->weight + tree_weight(t->left) + tree_weight(t->right) : 0;
}

NOINLINE static void tree_add(struct tree **at, struct tree *t)
{
	while (*at)
		at = t->key < (*at)->key ? &(*at)->left : &(*at)->right;
	*at = t;
}

/* ---- hash table ---- */

static inline unsigned hash(long id)
{
	return (unsigned)((unsigned long)id * 0x9e3779b9u >> 7);
}

#define item_of(link) ((struct item *)((char *)(link) - offsetof(struct item, chain)))

NOINLINE static void table_put(struct table *t, struct item *it)
{
	struct item **bucket;

	it->hash = hash(it->id);
	bucket = &t->buckets[it->hash & t->mask];
	it->chain.next = *bucket ? &(*bucket)->chain : NULL;
	it->chain.prev = NULL;
	if (it->chain.next)
		it->chain.next->prev = &it->chain.next;
	*bucket = it;
	t->used++;
}

NOINLINE static struct item *table_get(const struct table *t, long id)
{
	struct item *it = t->buckets[hash(id) & t->mask];
	struct link *l = it ? &it->chain : NULL;

	for (; l; l = l->next) {
		if (item_of(l)->id == id)
			return item_of(l);
	}
	return NULL;
}

NOINLINE static long table_corners(const struct table *t)
{
	long sum = 0;
	unsigned i;

	for (i = 0; i <= t->mask; i++) {
		const struct item *it = t->buckets[i];

		if (it)
			sum += it->corners[1].x + it->counts[i % 3] + (long)it->hash;
	}
	return sum;
}

/* ---- arrays of structs ---- */

NOINLINE static void items_fill(struct item *items, int nr)
{
	int i, k;

	for (i = 0; i < nr; i++) {
		items[i].id = i * 7;
		for (k = 0; k < 2; k++) {
			items[i].corners[k].x = i + k;
			items[i].corners[k].y = i - k;
		}
		for (k = 0; k < 3; k++)
			items[i].counts[k] = k;
	}
}

NOINLINE static long items_at(const struct item *items, const int *order, int nr)
{
	long sum = 0;
	int i;

	for (i = 0; i < nr; i++)
		sum += items[order[i]].id + items[order[i]].corners[order[i] & 1].y;
	return sum;
}

NOINLINE static long items_until(const struct item *it, const struct item *end)
{
	long sum = 0;

	while (it < end)
		sum += (it++)->id;
	return sum;
}

NOINLINE static void rows_scale(struct row *rows, size_t nr, float by)
{
	size_t i, k;

	for (i = 0; i < nr; i++) {
		for (k = 0; k < 4; k++)
			rows[i].v[k] *= by;
		rows[i].valid = 1;
	}
}

NOINLINE static void item_copy(struct item *to, const struct item *from)
{
	*to = *from;
}

/* ---- unions ---- */

NOINLINE static double shape_value(const struct shape *s)
{
	switch (s->kind) {
	case 0:
		return (double)s->n.whole;
	case 1:
		return s->n.real;
	case 2:
		return s->n.pair.x * s->n.pair.y;
	default:
		return s->n.bytes[s->kind & 7];
	}
}

NOINLINE static long shapes_walk(const struct table *t, int nr)
{
	const struct shape *s = t->shapes;
	double sum = 0;
	long ids = 0;

	for (; s < t->shapes + nr; s++) {
		sum += shape_value(s);
		if (s->owner && s->owner->chain.next)
			ids += item_of(s->owner->chain.next)->id + s->name[0];
	}
	return ids + (long)sum;
}

NOINLINE static int text_span(const struct text *t)
{
	int sum = 0;
	unsigned i;

	for (i = 0; i < t->len; i++)
		sum += t->spans[i].y - t->spans[i].x;
	return sum;
}

/* ---- all of it ---- */

#define NODES 24
#define ITEMS 20

NOINLINE static void access_all(struct node *nodes, struct tree *trees, struct item *items,
				struct row *rows, int *order, struct text *text, struct item *spare)
{
	struct tree *root = NULL;
	int i;

	for (i = 0; i < NODES; i++) {
		nodes[i].next = head;
		nodes[i].key = i;
		nodes[i].at.x = -i;
		nodes[i].kind = (short)(i % 5);
		nodes[i].lo = i & 7;
		nodes[i].hi = 2;
		head = &nodes[i];
		trees[i].key = i * 11 % NODES;
		trees[i].weight = i;
		tree_add(&root, &trees[i]);
	}
	items_fill(items, ITEMS);
	for (i = 0; i < ITEMS; i++) {
		struct shape *s = &the_table.shapes[i];

		order[i] = i * 7 % ITEMS;
		table_put(&the_table, &items[i]);
		s->kind = i % 4;
		s->owner = &items[i];
		s->name = "s";
		if (s->kind == 1)
			s->n.real = i;
		else if (s->kind == 2)
			s->n.pair.y = i;
	}
	text->len = 8;
	for (i = 0; i < 8; i++)
		text->spans[i].y = i;
	sink += list_sum(head);
	head = list_reverse(head);
	list_remove(&head, 5);
	sink += list_visit(head, visit_row, rows);
	for (i = 0; i < NODES; i += 3)
		sink += tree_find(root, i) != NULL;
	sink += tree_depth(root, 0) + (long)tree_weight(root);
	for (i = 0; i < ITEMS; i += 2)
		sink += table_get(&the_table, i * 7) != NULL;
	sink += table_corners(&the_table) + items_at(items, order, ITEMS);
	sink += items_until(items, items + ITEMS);
	rows_scale(rows, 6, 2);
	item_copy(spare, items + 3);
	sink += shapes_walk(&the_table, ITEMS) + text_span(text);
}

int main(void)
{
	struct node *nodes = ALLOCATE(struct node, NODES);
	struct tree *trees = ALLOCATE(struct tree, NODES);
	struct item *items = ALLOCATE(struct item, ITEMS);
	struct row *rows = ALLOCATE(struct row, 6);
	struct item *spare = ALLOCATE(struct item, 1);
	int *order = ALLOCATE(int, ITEMS);
	struct text *text = told(calloc(1, sizeof(*text) + 16 * sizeof(struct point)),
				 sizeof(*text) + 16 * sizeof(struct point),
				 sizeof(*text) + 16 * sizeof(struct point), "struct text");

	the_table.mask = 7;
	the_table.buckets = ALLOCATE(struct item *, 8);
	the_table.shapes = ALLOCATE(struct shape, ITEMS);
	tell_members();
	tell_maps();
	fflush(stdout);
	TRAP();
	access_all(nodes, trees, items, rows, order, text, spare);
	TRAP();
	return sink == 42;
}
