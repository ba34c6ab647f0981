/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: long enough (2 ms) that reading the clock does not count, short enough that one which a
 * neighbour disturbed is an outlier among many, so that minimum and median stay honest.
 */
#include "micro.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { BATCH_NS = 2000000, BATCHES_MAX = 4096, BATCHES_MIN = 3, COLD_NS = 20000000 };

static char reason[160];

int wrong(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof reason, format, ap);
	va_end(ap);
	return -1;
}

const char *wrong_reason(void)
{
	return reason;
}

int op_nothing(void)
{
	return 0;
}

void op_no_stop(void)
{
}

int64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static double cpu_ns(void)
{
	struct timespec ts;
	struct rusage ru;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	getrusage(RUSAGE_CHILDREN, &ru);
	return 1e9 * (double)(ts.tv_sec + ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)ts.tv_nsec + 1e3 * (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

/* Wall time of one batch in ns, or -1. */
static int64_t batch_ns(const struct op *op, long n)
{
	if (op->before && op->before() < 0)
		return -1;
	int64_t start = clock_ns();
	if (op->batch(n) < 0)
		return -1;
	int64_t ns = clock_ns() - start;
	return ns > 0 ? ns : 1;
}

int op_calibrate(const struct op *op, struct batches *b)
{
	int64_t ns;

	b->size = 1;
	for (int64_t slow = 0;;) {
		if ((ns = batch_ns(op, b->size)) < 0)
			return -1;
		/* The first batches are cold: slow ones say nothing if they were few, and growth is
		 * bounded. */
		slow = ns >= BATCH_NS / 2 ? slow + ns : 0;
		if (op->whole || slow >= COLD_NS)
			return 0;
		if (slow)
			continue;
		int64_t factor = BATCH_NS / ns;
		b->size *= factor < 2 ? 2 : factor > 16 ? 16 : factor;
	}
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int op_measure(const struct op *op, int ms, struct batches *b)
{
	static int64_t ns[BATCHES_MAX];
	double each = (double)b->size * (double)(op->weight ? op->weight : 1);
	double cpu = cpu_ns();
	int64_t end = clock_ns() + ms * INT64_C(1000000);

	b->count = 0;
	while (b->count < BATCHES_MAX && (b->count < BATCHES_MIN || clock_ns() < end)) {
		ns[b->count] = batch_ns(op, b->size);
		if (ns[b->count++] < 0)
			return -1;
	}
	b->ops = each * b->count;
	b->cpu_ns = (cpu_ns() - cpu) / b->ops;
	qsort(ns, (size_t)b->count, sizeof *ns, by_value);
	b->min_ns = (double)ns[0] / each;
	b->median_ns = (double)ns[b->count / 2] / each;
	b->p99_ns = (double)ns[(b->count * 99 + 99) / 100 - 1] / each;
	return 0;
}
