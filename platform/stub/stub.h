/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mapped above USER_TOP in every stub: one page of machine code
 * (read, execute) and one page of data (read, write) after it.
 *
 * The code needs no stack and trusts no memory: the guest can jump anywhere in
 * it and its other threads can write the data page at any moment.  Descriptor
 * numbers therefore never travel through memory: a stub owns descriptor 3, its
 * control socket, and nothing else, so whatever recvmsg brings is descriptor 0.
 *
 * Included by stub.S too: only #defines outside __ASSEMBLER__.
 */
#pragma once

#define STUB_TEXT_SIZE 0x1000
#define STUB_DATA_SIZE 0x1000
#define STUB_SIZE      (STUB_TEXT_SIZE + STUB_DATA_SIZE)
#define STUB_CTL_FD    3

/* What a zygote is to make, by the length of the message it is sent. */
#define STUB_MAKE_STUB	 1
#define STUB_MAKE_ZYGOTE 2

/* The data page.  The last two are for the sentry's use through process_vm_readv. */
#define STUB_MSG     0x000 /* struct msghdr */
#define STUB_IOV     0x040 /* struct iovec */
#define STUB_BYTE    0x060 /* payload of a message, 8 bytes */
#define STUB_CMSG    0x080 /* control message: one descriptor */
#define STUB_TIME    0x100 /* struct timespec of clock_gettime, struct rusage of getrusage */
#define STUB_VEC     0x400 /* mincore's answer */
#define STUB_VEC_MAX 0xc00

/* The clone flags the filter allows: a guest process, a guest thread. */
#define STUB_CLONE_FORK	  0x00008011 /* CLONE_PARENT | SIGCHLD */
#define STUB_CLONE_THREAD 0x00050f00 /* VM | FS | FILES | SIGHAND | THREAD | SYSVSEM */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* The code as linked into this binary; copied to stub_base by the zygote. */
extern const unsigned char stub_text[], stub_text_end[];

/*
 * Entry points.  "->": registers in; every one ends at an int3 with the result
 * in rax unless it says otherwise.
 */
extern const unsigned char stub_call[];	  /* any call: as for syscall */
extern const unsigned char stub_thread[]; /* clone in rax ...; the child parks */
extern const unsigned char stub_fork[];	  /* the same, r12 = the sentry's pid */
extern const unsigned char stub_settle[]; /* what a forked child does before it parks; r12 too */
extern const unsigned char stub_map[];	  /* rbx addr, rbp size, r13 prot, r14 flags, r15 offset */
extern const unsigned char stub_drain[];  /* throws away what the control socket holds */
extern const unsigned char stub_socket[]; /* the next message's descriptor becomes number 3 */
extern const unsigned char stub_park[];	  /* sleeps for ever */
extern const unsigned char stub_parked[]; /* rip of a thread asleep there */
extern const unsigned char stub_exit[];	  /* ends the thread */
extern const unsigned char
	stub_zygote[]; /* rdi base, rsi end, rdx top of memory, r12 sentry's pid */

/* Address of an entry point in a stub whose text is at base. */
static inline uint64_t stub_at(uint64_t base, const unsigned char *entry)
{
	return base + (uint64_t)(entry - stub_text);
}
#endif
