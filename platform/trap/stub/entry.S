/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways into and out of the stub, and what must not use a stack.
 *
 * The exit from a rewritten call is one restartable stretch: all it needs is in
 * the slot, so a signal in it starts it again (handler.c), and its first
 * instruction looks at what the signal left.
 */
#include <asm/unistd_64.h>

#include "platform/trap/stub/stub.h"

#define GS(off) %gs:off
#define R(n)	%gs:(SLOT_O_REGS + 8 * n)
/* struct regs */
#define R15 0
#define R14 1
#define R13 2
#define R12 3
#define RBP 4
#define RBX 5
#define R11 6
#define R10 7
#define R9  8
#define R8  9
#define RAX 10
#define RCX 11
#define RDX 12
#define RSI 13
#define RDI 14
#define ORIG_RAX 15
#define RIP 16
#define EFLAGS 18
#define RSP 19

/* rdi: the sentry's pid, which is no longer our parent's if it died before the prctl. */
.macro die_with_sentry
	mov	%rdi, %r12
	mov	$__NR_prctl, %eax
	mov	$1, %edi		/* PR_SET_PDEATHSIG */
	mov	$9, %esi		/* SIGKILL */
	syscall
	mov	$__NR_getppid, %eax
	syscall
	cmp	%r12d, %eax
	jne	stub_die
.endm

/* Descriptor 0 is the new object.  The old one goes first: there may be no room for a mapping more. */
.macro map_object
	mov	$FACTS_AT, %rdi
	mov	$(SLOTS_AT - FACTS_AT + SLOTS_SIZE), %esi
	mov	$__NR_munmap, %eax
	syscall
	mov	$FACTS_AT, %rdi
	mov	$(SLOTS_AT - FACTS_AT), %esi
	mov	$1, %edx		/* PROT_READ */
	mov	$0x11, %r10d		/* MAP_SHARED | MAP_FIXED */
	xor	%r8d, %r8d
	mov	$OBJ_FACTS, %r9d
	mov	$__NR_mmap, %eax
	syscall
	mov	$FACTS_AT, %rdi
	cmp	%rdi, %rax
	jne	stub_die
	mov	$SLOTS_AT, %rdi
	mov	$SLOTS_SIZE, %esi
	mov	$3, %edx		/* PROT_READ | PROT_WRITE */
	mov	$0x11, %r10d
	xor	%r8d, %r8d
	mov	$OBJ_SLOTS, %r9d
	mov	$__NR_mmap, %eax
	syscall
	mov	$SLOTS_AT, %rbx
	cmp	%rbx, %rax
	jne	stub_die
	xor	%edi, %edi
	mov	$__NR_close, %eax
	syscall
.endm

/* One message's two descriptors, on the stack at rsp; rax as recvmsg. */
.macro receive sock
	sub	$128, %rsp
	lea	112(%rsp), %rax
	movq	%rax, 96(%rsp)		/* iovec */
	movq	$8, 104(%rsp)
	movq	$0, 0(%rsp)		/* msghdr */
	movq	$0, 8(%rsp)
	lea	96(%rsp), %rax
	movq	%rax, 16(%rsp)
	movq	$1, 24(%rsp)
	lea	64(%rsp), %rax
	movq	%rax, 32(%rsp)
	movq	$24, 40(%rsp)
	movq	$0, 48(%rsp)
	mov	$\sock, %edi
	mov	%rsp, %rsi
	xor	%edx, %edx
	mov	$__NR_recvmsg, %eax
	syscall
	add	$128, %rsp
.endm

	.section stub_text, "ax", @progbits
	.balign 64
	.globl	stub_handler, stub_restorer, entry_zygote, stub_enter, stub_entered, stub_exit_begin
	.globl	stub_exit_end, stub_ready, stub_framed, entry_fork, entry_thread
	.globl	stub_make_frame, entry_exit, entry_park

/* The kernel gives signo, siginfo, ucontext; the stack is the frame's, misaligned by 8. */
stub_handler:
	cld
	call	stub_signal
	ret

stub_restorer:
	mov	$__NR_rt_sigreturn, %eax
	syscall
	hlt

	.balign 64
/* Until stub_entered only what a system call spoils has changed, so the call can begin again. */
stub_enter:
	mov	ISLAND_O_NEXT(%rcx), %r11
	mov	%r11, GS(SLOT_O_NEXT)
	mov	%rcx, GS(SLOT_O_SITE)
	mov	ISLAND_O_RIP(%rcx), %rcx
stub_entered:
	mov	%rsp, R(RSP)
	mov	GS(SLOT_O_CALLSTACK), %rsp
	pushfq
	popq	R(EFLAGS)
	mov	%rax, R(RAX)
	mov	%rax, R(ORIG_RAX)
	mov	%rbx, R(RBX)
	mov	%rdx, R(RDX)
	mov	%rsi, R(RSI)
	mov	%rdi, R(RDI)
	mov	%rbp, R(RBP)
	mov	%r8, R(R8)
	mov	%r9, R(R9)
	mov	%r10, R(R10)
	mov	%r12, R(R12)
	mov	%r13, R(R13)
	mov	%r14, R(R14)
	mov	%r15, R(R15)
	mov	%rcx, R(RIP)
	mov	%rcx, R(RCX)
	mov	R(EFLAGS), %rax
	mov	%rax, R(R11)
	cld
	mov	GS(SLOT_O_SELF), %rdi
	call	stub_rewritten
stub_exit_begin:
	cmpl	$0, GS(SLOT_O_KICK)
	jne	1f
	mov	GS(SLOT_O_CALLSTACK), %rsp
	pushq	R(EFLAGS)
	popfq
	mov	R(R15), %r15
	mov	R(R14), %r14
	mov	R(R13), %r13
	mov	R(R12), %r12
	mov	R(RBP), %rbp
	mov	R(RBX), %rbx
	mov	R(R11), %r11
	mov	R(R10), %r10
	mov	R(R9), %r9
	mov	R(R8), %r8
	mov	R(RAX), %rax
	mov	R(RCX), %rcx
	mov	R(RDX), %rdx
	mov	R(RSI), %rsi
	mov	R(RDI), %rdi
	mov	R(RSP), %rsp
	jmp	*GS(SLOT_O_NEXT)
stub_exit_end:
1:	mov	GS(SLOT_O_CALLSTACK), %rsp
	mov	GS(SLOT_O_SELF), %rdi
	call	stub_kicked
	jmp	stub_exit_begin

/* A refused call of our own: the kernel puts all there is into a frame.  It does not come back. */
stub_make_frame:
	mov	$STUB_SELF_CALL, %eax
	syscall
stub_framed:
	hlt

/* rbx: the slot.  Nothing of the guest's is in any register that matters. */
thread_begin:
	lea	SLOT_CALLSTACK(%rbx), %rsp
	lea	SLOT_SIGSTACK(%rbx), %rax
	sub	$24, %rsp
	mov	%rax, 0(%rsp)		/* stack_t */
	movq	$0, 8(%rsp)
	movq	$SLOT_SIGSTACK_SIZE, 16(%rsp)
	mov	%rsp, %rdi
	xor	%esi, %esi
	mov	$__NR_sigaltstack, %eax
	syscall
	add	$24, %rsp
	mov	$0x1001, %edi		/* ARCH_SET_GS */
	mov	%rbx, %rsi
	mov	$__NR_arch_prctl, %eax
	syscall
	mov	$__NR_getpid, %eax
	syscall
	mov	%rax, SLOT_O_PID(%rbx)
	mov	$STUB_SELF_CALL, %eax
	syscall
stub_ready:
	hlt

/* rdi: the sentry's pid; descriptors 0 and 1: the child's object and control socket. */
entry_fork:
	push	%rbx
	push	%r12
	mov	%rdi, %r12
	mov	$STUB_CLONE_FORK, %edi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	mov	$__NR_clone, %eax
	syscall
	test	%rax, %rax
	jz	1f
	pop	%r12
	pop	%rbx
	ret
/* r12: the sentry's pid. */
1:
fork_begin:
	mov	%r12, %r13
	map_object
	mov	$1, %edi
	mov	$STUB_CTL_FD, %esi
	mov	$__NR_dup2, %eax
	syscall
	mov	$1, %edi
	mov	$__NR_close, %eax
	syscall
	mov	%r13, %rdi
	die_with_sentry
	jmp	thread_begin

/* rdi: the new thread's slot. */
entry_thread:
	push	%rbx
	mov	%rdi, %rbx
	mov	$STUB_CLONE_THREAD, %edi
	lea	SLOT_CALLSTACK(%rbx), %rsi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	mov	$__NR_clone, %eax
	syscall
	test	%rax, %rax
	jz	thread_begin
	pop	%rbx
	ret

/*
 * rdi: the slot, which is free from the exchange on: a new thread's, with all its stacks, while
 * this one is still on its way.  Nobody sleeps for this word.
 */
entry_exit:
	mov	$TURN_SENTRY, %eax
	xchg	%eax, SLOT_O_TURN(%rdi)
	xor	%edi, %edi
	mov	$__NR_exit, %eax
	syscall
	hlt

entry_park:
	mov	$__NR_pause, %eax
	syscall
	jmp	entry_park

stub_die:
	xor	%edi, %edi
	mov	$__NR_exit_group, %eax
	syscall
	hlt

/*
 * The zygote: gives up all memory but the text and the page behind it, its stack,
 * then makes one clean stub for each object and control socket it is sent, and another
 * zygote, which says its pid there, for each control socket alone.
 * rdi base, rsi end, rdx top of memory, r12 the sentry's pid.
 */
entry_zygote:
	mov	%rsi, %rsp
	mov	%rdi, %r13
	mov	%rsi, %r14
	mov	%rdx, %r15
	xor	%edi, %edi
	mov	%r13, %rsi
	mov	$__NR_munmap, %eax
	syscall
	test	%rax, %rax
	jnz	stub_die
	mov	%r14, %rdi
	mov	%r15, %rsi
	sub	%r14, %rsi
	mov	$__NR_munmap, %eax
	syscall
	test	%rax, %rax
	jnz	stub_die
1:	receive	STUB_CTL_FD
	test	%rax, %rax
	jle	stub_die
	mov	%rax, %r14
	mov	$STUB_CLONE_FORK, %edi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	mov	$__NR_clone, %eax
	syscall
	test	%rax, %rax
	jz	2f
	xor	%edi, %edi
	mov	$__NR_close, %eax
	syscall
	mov	$1, %edi
	mov	$__NR_close, %eax
	syscall
	jmp	1b
2:	cmp	$STUB_MAKE_ZYGOTE, %r14
	jne	fork_begin
	xor	%edi, %edi
	mov	$STUB_CTL_FD, %esi
	mov	$__NR_dup2, %eax
	syscall
	xor	%edi, %edi
	mov	$__NR_close, %eax
	syscall
	mov	%r12, %rdi
	die_with_sentry
	mov	$__NR_getpid, %eax
	syscall
	push	%rax
	mov	%rsp, %rsi
	mov	$STUB_CTL_FD, %edi
	mov	$8, %edx
	mov	$__NR_write, %eax
	syscall
	pop	%rax
	jmp	1b

	.section .note.GNU-stack, "", @progbits
