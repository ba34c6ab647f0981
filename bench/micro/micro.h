/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation of the benchmark, and what measures it.
 *
 * An operation does n of itself between two readings of the clock and checks every answer it gets:
 *a wrong answer is a line that says so and no number.  It knows nothing of who runs it; the same
 * static binary runs natively and in every sandbox.
 *
 *	start -> (before, batch) ... -> stop
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct op {
	const char *name;
	const char *what;
	/* Makes what batches need; 0, or what wrong() returned.  stop follows in both cases. */
	int (*start)(void);
	/* Out of the clock's sight, before each batch; may be NULL. */
	int (*before)(void);
	/* Does n operations: 0, or what wrong() returned. */
	int (*batch)(long n);
	void (*stop)(void);
	/* n counts things that are this many operations each; 0 is 1. */
	long weight;
	/* A batch is always n = 1. */
	bool whole;
};

/* Ended by a row without a name. */
extern const struct op ops_calls[], ops_files[], ops_pingpong[], ops_memory[], ops_process[],
	ops_threads[];

/* Keeps the reason; returns -1. */
int wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *wrong_reason(void);

int op_nothing(void);
void op_no_stop(void);

/* Path of this program, for exec. */
extern const char *self_path;

struct batches {
	long size; /* n of each */
	int count;
	double min_ns, median_ns, p99_ns; /* per operation */
	double cpu_ns;			  /* of this process and the children it waited for */
	double ops;			  /* how many there were */
};

/* Finds the batch size; op->start was called.  0 or -1. */
int op_calibrate(const struct op *op, struct batches *b);
/* Measures for about ms.  0 or -1. */
int op_measure(const struct op *op, int ms, struct batches *b);

int64_t clock_ns(void);
