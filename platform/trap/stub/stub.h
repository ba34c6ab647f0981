/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code of ours that runs in a stub of the trap platform: section stub_text,
 * copied into every stub.  C here is freestanding, uses general registers only,
 * calls nothing outside the section and has no data of its own: what it knows is
 * in its slot, which the guest can spoil, or in registers.
 *
 * Any instruction of it can be the target of a guest's jump.  So a host call is
 * made with whatever arguments the guest likes, and the filter is the wall.
 */
#pragma once

#include "platform/trap/rewrite/island.h"
#include "platform/trap/slot.h"

#define STUB_CTL_FD 3 /* control socket; what it brings becomes descriptor 0 */

/* What a zygote is to make, by the length of the message it is sent. */
#define STUB_MAKE_STUB	 1
#define STUB_MAKE_ZYGOTE 2

/* Host signal that interrupts guest code: glibc keeps 32 and 33 for itself. */
#define INTERRUPT_SIGNAL 34

/* The clone flags the filter allows, as for ptrace: a guest process, a guest thread. */
#define STUB_CLONE_FORK	  0x00008011 /* CLONE_PARENT | SIGCHLD */
#define STUB_CLONE_THREAD 0x00050f00 /* VM | FS | FILES | SIGHAND | THREAD | SYSVSEM */

/* A call no kernel has: the filter answers it with SIGSYS from our own text. */
#define STUB_SELF_CALL 0x7ede77e

#define STUB_TEXT_MAX 0x8000

#ifndef __ASSEMBLER__
#define STUB __attribute__((section("stub_text"), used))

#pragma GCC visibility push(hidden) /* found without a table of addresses */

extern const unsigned char __start_stub_text[], __stop_stub_text[];

/* entry.S */
extern const unsigned char stub_handler[];  /* of all host signals */
extern const unsigned char stub_restorer[]; /* rt_sigreturn */
extern const unsigned char entry_zygote[];   /* rdi, rsi, rdx, r12: see there */
extern const unsigned char stub_enter[];    /* rewritten calls jump here, rcx: struct island_site */
extern const unsigned char stub_entered[];  /* the island is not needed from here on */
extern const unsigned char stub_exit_begin[], stub_exit_end[];
extern const unsigned char stub_ready[];    /* rip of a new thread's first frame */
extern const unsigned char stub_framed[];   /* rip of DO_FRAME's */

/* Registers only: a child shares its parent's slot until it has its own. */
long entry_fork(uint64_t sentry_pid);
long entry_thread(uint64_t slot_address);
void stub_make_frame(void);
_Noreturn void entry_exit(struct slot *s);
_Noreturn void entry_park(void);

/* handler.c */
void stub_signal(int signo, void *info, void *ucontext);
void stub_rewritten(struct slot *s);
void stub_kicked(struct slot *s);

#pragma GCC visibility pop

static inline __attribute__((always_inline)) long stub_syscall(long nr, uint64_t a0, uint64_t a1,
								uint64_t a2, uint64_t a3,
								uint64_t a4, uint64_t a5)
{
	long ret;
	register uint64_t r10 __asm__("r10") = a3;
	register uint64_t r8 __asm__("r8") = a4;
	register uint64_t r9 __asm__("r9") = a5;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* Where entry point e is in a stub whose text is at base. */
static inline uint64_t stub_at(uint64_t base, const unsigned char *e)
{
	return base + (uint64_t)(e - __start_stub_text);
}
#endif
