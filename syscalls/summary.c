/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/summary.h"

#include <errno.h>
#include <string.h>

#include "platform/base/sort.h"
#include "syscalls/abi/errno.h"
#include "syscalls/table.h"

/* Numbers that no call has are counted too; those past the end share the last place. */
#define PLACES 1024

struct counter {
	uint64_t calls; /* all atomic, relaxed: read only at the end */
	uint64_t errors;
	uint64_t nosys;
	int64_t ns;
	uint64_t ways[WAYS];
};

static struct counter counters[PLACES];

static void add(uint64_t *to, uint64_t n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static struct counter *place(uint32_t nr)
{
	return &counters[nr < PLACES ? nr : PLACES - 1];
}

void summary_stub(uint32_t nr, uint64_t count)
{
	add(&place(nr)->calls, count);
	add(&place(nr)->ways[WAY_STUB], count);
}

void summary_count(uint32_t nr, long ret, int64_t ns, enum summary_way way)
{
	struct counter *c = place(nr);

	add(&c->calls, 1);
	add(&c->ways[way], 1);
	if (ret < 0 && ret >= -MAX_ERRNO)
		add(&c->errors, 1);
	if (ret == -ENOSYS)
		add(&c->nosys, 1);
	__atomic_fetch_add(&c->ns, ns, __ATOMIC_RELAXED);
}

void summary_reset(void)
{
	memset(counters, 0, sizeof(counters));
}

static const char *place_name(unsigned int nr, char *buf, size_t size)
{
	const struct sysrow *row = sysrow_get(nr);

	if (row)
		return row->name;
	snprintf(buf, size, nr == PLACES - 1 ? "syscall_%u_and_up" : "syscall_%u", nr);
	return buf;
}

static int more_time(const void *a, const void *b)
{
	const struct counter *x = &counters[*(const unsigned int *)a];
	const struct counter *y = &counters[*(const unsigned int *)b];

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->calls < y->calls ? 1 : x->calls > y->calls ? -1 : 0;
}

static void print_row(FILE *out, double share, const struct counter *c, const char *name)
{
	const uint64_t shown[] = {c->errors, c->ways[WAY_STUB], c->ways[WAY_PATCHED],
				  c->ways[WAY_TRAPPED]};
	char cells[4][24];

	for (int i = 0; i < 4; i++)
		snprintf(cells[i], sizeof(cells[i]), "%.0lu", shown[i]); /* 0: nothing */
	fprintf(out, "%6.2f %11.6f %11ld %9lu %9s %9s %9s %9s %s\n", share, (double)c->ns / 1e9,
		c->calls ? (long)(c->ns / 1000) / (long)c->calls : 0, c->calls, cells[0], cells[1],
		cells[2], cells[3], name);
}

static void print_nosys(FILE *out, const unsigned int *order, unsigned int n)
{
	char buf[32];
	int first = 1;

	for (unsigned int i = 0; i < n; i++) {
		const struct counter *c = &counters[order[i]];

		if (!c->nosys)
			continue;
		if (first)
			fprintf(out, "\nNot offered (ENOSYS):\n");
		first = 0;
		fprintf(out, "%9lu %s\n", c->nosys, place_name(order[i], buf, sizeof(buf)));
	}
}

void summary_print(FILE *out)
{
	const char rule[] =
		"------ ----------- ----------- --------- --------- --------- --------- "
		"--------- ----------------";
	unsigned int order[PLACES], n = 0;
	struct counter total = {0};
	char buf[32];

	for (unsigned int nr = 0; nr < PLACES; nr++) {
		if (!counters[nr].calls)
			continue;
		order[n++] = nr;
		total.calls += counters[nr].calls;
		total.errors += counters[nr].errors;
		total.ns += counters[nr].ns;
		for (int i = 0; i < WAYS; i++)
			total.ways[i] += counters[nr].ways[i];
	}
	sort(order, n, sizeof(order[0]), more_time);
	fprintf(out,
		"%% time     seconds  usecs/call     calls    errors      stub   patched   trapped "
		"syscall\n%s\n",
		rule);
	for (unsigned int i = 0; i < n; i++) {
		const struct counter *c = &counters[order[i]];

		print_row(out, total.ns ? 100.0 * (double)c->ns / (double)total.ns : 0, c,
			  place_name(order[i], buf, sizeof(buf)));
	}
	fprintf(out, "%s\n", rule);
	print_row(out, 100, &total, "total");
	print_nosys(out, order, n);
}
