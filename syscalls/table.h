/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of table.def and argkind.def as data.
 *
 * systab[nr] is the row of a number; numbers without a call have a NULL name.  A row that is
 * not offered has a NULL call.  The stub's copy table is made from args[] and argkinds[].
 */
#pragma once

#include <stdint.h>

#include "platform/base/types.h"

struct task;

enum support {
	SUPPORT_NONE,
	SUPPORT_STUB,
	SUPPORT_PART,
	SUPPORT_FULL,
};

/* What a call may make us ask of the host. */
enum host_use {
	H_SELF = 0,	  /* nothing: answered from our own state */
	H_MM = 1 << 0,	  /* maps, unmaps or protects memory of the stub */
	H_FILE = 1 << 1,  /* reads or writes a host descriptor that is already open */
	H_GOFER = 1 << 2, /* asks the gofer about a name */
	H_TIME = 1 << 3,  /* reads a host clock */
	H_PROC = 1 << 4,  /* starts, ends or changes a stub */
	H_SLEEP = 1 << 5, /* may wait */
	H_TTY = 1 << 6,	  /* touches the host's terminal, or waits for it */
};

enum arg_dir {
	DIR_VAL,
	DIR_IN,
	DIR_OUT,
	DIR_INOUT,
};

/* How the size of what an argument points to is known; argkind.def explains each. */
enum arg_len {
	LEN_NONE,
	LEN_FIXED,
	LEN_BY_ARG,
	LEN_BY_RET,
	LEN_STRING,
	LEN_STRINGS,
	LEN_BY_POINTER,
	LEN_FDBITS,
	LEN_PAGEVEC,
	LEN_IOVEC,
	LEN_MSGHDR,
	LEN_MMSGHDR,
	LEN_BY_HANDLER,
};

enum arg_when {
	SHOW_BEFORE,
	SHOW_AFTER,
	SHOW_BOTH,
};

enum argkind_id {
#define ARGKIND(kind, type, dir, len, when, show, aux) KIND_##kind,
#include "syscalls/argkind.def"
	KIND_COUNT
};

struct argkind {
	const char *name;
	const char *type; /* the C type, as text */
	uint8_t width;	  /* of the value in the register: 4 or 8 */
	bool is_signed;
	enum arg_dir dir;
	enum arg_len len;
	int8_t at;     /* the length is in the argument this far away */
	uint32_t unit; /* bytes */
	enum arg_when when;
};

struct sysarg {
	const char *name;
	enum argkind_id kind;
};

#define SYSARGS_MAX 6

struct sysrow {
	const char *name;
	const char *since;
	enum support support;
	const char *note; /* what is missing, what a stub does, or why there is none; or NULL */
	uint32_t host;
	unsigned int nargs;
	struct sysarg args[SYSARGS_MAX];
	long (*call)(struct task *t, const uint64_t args[SYSARGS_MAX]);
};

/* One more than the largest number. */
#define NR_END 473

extern const struct argkind argkinds[KIND_COUNT];
extern const struct sysrow systab[NR_END];

/* The row, or NULL: no such call. */
const struct sysrow *sysrow_get(uint64_t nr);
const struct sysrow *sysrow_find(const char *name);
/* "FULL", "PART", "STUB", "NOSYS". */
const char *support_name(enum support s);
/* The register as the handler's parameter sees it, cut to its width and extended by its sign. */
uint64_t arg_value(const struct sysrow *row, unsigned int i, const uint64_t args[SYSARGS_MAX]);
/*
 * How many bytes argument i points to: for IN before the call (ret is ignored), for OUT
 * after it.  -ENODATA where the row does not say (strings, vectors, LENP, HANDLER),
 * -EFAULT if it does not fit in an address space.  0 for a null pointer.
 */
int64_t arg_size(const struct sysrow *row, unsigned int i, const uint64_t args[SYSARGS_MAX],
		 long ret);
