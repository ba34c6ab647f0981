/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest-side fuzzer: random system calls with half sensible arguments.
 *
 * guest_table.c has the rows of syscalls/table.def and flags.def as data, guest_args.c makes
 * arguments from the kinds of a row, guest.c has the processes and the watchdog.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* splitmix64: one word of state, and any seed is good. */
struct rng {
	uint64_t s;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/* True once in n. */
static inline int rng_one_in(struct rng *r, uint64_t n)
{
	return rng_below(r, n) == 0;
}

enum kind {
#define ARGKIND(kind, type, dir, len, when, show, aux) K_##kind,
#include "syscalls/argkind.def"
	K_COUNT
};

struct call_row {
	int nr;
	const char *name;
	int offered; /* 0: ENOSYS */
	int nargs;
	unsigned char kind[6];
};

extern const struct call_row call_rows[];
extern const int call_row_count;

/* The kind points to memory. */
int kind_is_pointer(int kind);
/* Random names of the kind's group of flags.def, mostly one or two; 1 if the kind has a group. */
int kind_flags(int kind, struct rng *r, uint64_t *out);

/* What arguments are made from: one for each worker process, copied to its children. */
enum { PIDS_MAX = 64 };

struct pids {
	int keep_out; /* never aimed at: the watchdog */
	int pid[PIDS_MAX];
};

/*
 * guest_world.c: memory of every kind next to holes.  Private pages, a hole, shared pages, a
 * hole, a page to read only, a hole, a page of PROT_NONE.
 */
#define ARENA 0x10000000ul
#define PAGE  4096ul
enum { PRIVATE = 24, SHARED = 24, FD_MAX = 56 };
#define PRIVATE_AT   ARENA
#define SHARED_AT    (ARENA + (PRIVATE + 1) * PAGE)
#define READ_ONLY_AT (SHARED_AT + (SHARED + 1) * PAGE)
#define NONE_AT	     (READ_ONLY_AT + 2 * PAGE)
extern struct pids *pids;
extern const char *self_path;

/* Maps the arena, opens descriptors, makes files in the cwd. */
void args_set_up(struct pids *pids, const char *self);
/* Six registers for a call of row; what pointers point to is filled. */
void args_make(const struct call_row *row, struct rng *r, uint64_t out[6]);
