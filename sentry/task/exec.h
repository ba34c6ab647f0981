/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve(2).
 *
 *	task_exec          argument strings, file, "#!" lines, checks    may fail
 *	exec_commit        other threads end, new memory                 may not
 *	elf_map, stack     segments, interpreter, initial stack          failure is SIGKILL
 */
#pragma once

#include "sentry/task/task.h"

struct file;
struct path;

/* Argument and environment strings, in sentry memory. */
struct exec_strings {
	char **arg, **env;	/* malloc'ed, each string too */
	size_t argc, envc;
	size_t bytes;		/* of all strings, NULs included */
};

/* -E2BIG, -EFAULT, -ENOMEM.  argv and envp may be 0 (empty). */
int exec_strings_copy(struct task *t, uaddr_t argv, uaddr_t envp, struct exec_strings *out);
/* From sentry strings (boot). */
int exec_strings_from(char *const argv[], char *const envp[], struct exec_strings *out);
/* Replaces argv[0] by `n` strings (copied): what a "#!" line does.  -ENOMEM, -E2BIG. */
int exec_strings_shift(struct exec_strings *s, const char *const *front, size_t n);
void exec_strings_free(struct exec_strings *s);

/*
 * Runs file (referenced by the caller) as `name` (what AT_EXECFN says); `hidden`: the
 * descriptor that names it will be closed, so a script cannot be found again.  0: the
 * registers are those of the new program.  -errno as execve(2) while the old
 * program can still go on; later failures set the exit flags and return 0.
 */
int task_exec(struct task *t, struct file *file, const char *name, bool hidden,
	      struct exec_strings *s);

/*
 * Takes a "#!" line apart, in place; line is zero padded.  -ENOEXEC if it names no
 * interpreter, or one that may be cut off.  *out_arg: NULL if there is none.
 */
enum { SCRIPT_LINE = 256 };
int script_parse(char line[SCRIPT_LINE], char **out_interp, char **out_arg);

/* Opens what p names for execution: -EACCES (not a regular file, no x, noexec), -ETXTBSY. */
int exec_open(struct task *t, const struct path *p, struct file **out);
/* The same by name, from where t is. */
int exec_open_name(struct task *t, const char *name, struct file **out);

/* An ELF file that was checked, and where it went. */
struct elf_image {
	struct file *file;	/* borrowed */
	uint16_t type, phnum;
	uint64_t entry, phoff;
	struct abi_elf_phdr *ph;	/* malloc'ed, phnum entries */
	uint64_t low, high;	/* of all PT_LOAD, page rounded */
	char *interp;		/* malloc'ed path, or NULL */
	bool exec_stack;
	/* After mapping. */
	uint64_t bias;
	uaddr_t start_code, end_code, start_data, end_data, brk, ph_addr;
};

/*
 * Reads and checks the headers; everything in them is hostile.  -ENOEXEC (not an
 * ELF we run, wrong architecture), -EINVAL, -EIO, -ENOMEM, -ELIBBAD for an interpreter.
 */
int elf_read(struct file *file, struct elf_image *out);
void elf_free(struct elf_image *e);
/* Maps the segments; -errno leaves a half-mapped space behind (the caller kills). */
int elf_map(struct task *t, struct elf_image *e, bool interp);

/* The initial stack: strings, auxv, envp, argv, argc; returns the new rsp or -errno. */
int64_t exec_stack_build(struct task *t, const struct elf_image *e, const struct elf_image *interp,
			 const char *name, const struct exec_strings *s, bool secure);
/* Reads exactly size bytes at off: -EIO if the file is shorter. */
int exec_read(struct file *f, void *buf, size_t size, uint64_t off);
/* Where position independent programs start, before randomisation: two thirds of the space. */
#define PIE_BASE 0x555555554000ull
/* A random number of pages within mask, in bytes; 0 for ADDR_NO_RANDOMIZE. */
uint64_t exec_random_pages(const struct task *t, uint64_t mask);
/* The limits of t for mm_map and friends. */
struct mm_limits task_mm_limits(struct task *t);
/* RLIMIT_STACK of t's own process has changed. */
void task_stack_limit(struct task *t);
/* Maps the vDSO image and returns its address, 0 if it could not. */
uaddr_t vdso_map(struct task *t);
