/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only code of ours that runs in a stub.  Position independent, linked as
 * data: it executes from the copy at stub_base and never from this binary.
 *
 * Every host call a stub makes is one of the syscall instructions below, which
 * is what the stub's filter tests.  A guest that jumps to one of them runs
 * under PTRACE_SYSEMU and reaches the sentry like from anywhere else.
 */
#include <asm/unistd_64.h>

#include "platform/stub/stub.h"

#define DATA(off) .Ltext + STUB_TEXT_SIZE + off(%rip)

/* msghdr is rewritten each time: the kernel writes lengths back into it. */
.macro receive flags
	lea	DATA(STUB_MSG), %rsi
	lea	DATA(STUB_IOV), %rax
	lea	DATA(STUB_BYTE), %rcx
	lea	DATA(STUB_CMSG), %rdx
	movq	%rcx, 0(%rax)
	movq	$8, 8(%rax)
	movq	$0, 0(%rsi)
	movq	$0, 8(%rsi)
	movq	%rax, 16(%rsi)
	movq	$1, 24(%rsi)
	movq	%rdx, 32(%rsi)
	movq	$24, 40(%rsi)
	movq	$0, 48(%rsi)
	mov	$STUB_CTL_FD, %edi
	mov	$\flags, %edx
	mov	$__NR_recvmsg, %eax
	syscall
.endm

/* r12: the sentry's pid, which is no longer our parent's if it died before the prctl. */
.macro die_with_sentry
	mov	$__NR_prctl, %eax
	mov	$1, %edi		/* PR_SET_PDEATHSIG */
	mov	$9, %esi		/* SIGKILL */
	syscall
	mov	$__NR_getppid, %eax
	syscall
	cmp	%r12d, %eax
	jne	stub_die
.endm

	.section .rodata.stub, "a", @progbits
	.balign 4096
	.globl	stub_text, stub_text_end, stub_call, stub_thread, stub_fork, stub_settle
	.globl	stub_map, stub_drain
	.globl	stub_socket, stub_park, stub_parked, stub_exit, stub_zygote
stub_text:
.Ltext:

stub_call:
	syscall
	int3

/* A thread shares all memory: the child may touch none before its tracer has it. */
stub_thread:
	syscall
	test	%rax, %rax
	jz	stub_park
	int3

/* Can be repeated: a tracer that stops a child before it parks runs stub_settle. */
stub_fork:
	syscall
	test	%rax, %rax
	jz	1f
	int3
1:	die_with_sentry
	jmp	stub_park

stub_settle:
	die_with_sentry
	int3

stub_park:
	mov	$__NR_pause, %eax
	syscall
stub_parked:
	jmp	stub_park

stub_exit:
	xor	%edi, %edi
	mov	$__NR_exit, %eax
	syscall
	hlt

stub_die:
	xor	%edi, %edi
	mov	$__NR_exit_group, %eax
	syscall
	hlt

/* Descriptor 0 is closed whatever happened: nothing may be left for a later call to name. */
stub_map:
	receive	0
	test	%rax, %rax
	js	1f
	mov	%rbx, %rdi
	mov	%rbp, %rsi
	mov	%r13, %rdx
	mov	%r14, %r10
	xor	%r8d, %r8d
	mov	%r15, %r9
	mov	$__NR_mmap, %eax
	syscall
1:	mov	%rax, %rbx
	xor	%edi, %edi
	mov	$__NR_close, %eax
	syscall
	mov	%rbx, %rax
	int3

stub_drain:
	receive	0x40			/* MSG_DONTWAIT */
	mov	%rax, %rbx
	xor	%edi, %edi
	mov	$__NR_close, %eax
	syscall
	test	%rbx, %rbx
	jg	stub_drain
	mov	%rbx, %rax
	int3

stub_socket:
	receive	0
	xor	%edi, %edi
	mov	$STUB_CTL_FD, %esi
	mov	$__NR_dup2, %eax
	syscall
	mov	%rax, %rbx
	xor	%edi, %edi
	mov	$__NR_close, %eax
	syscall
	mov	%rbx, %rax
	int3

/*
 * The zygote: gives up all memory but these two pages, then makes one clean
 * stub, or another zygote, for each socket it is sent.  What is new says its pid on that
 * socket once it is ready; if it cannot be made, the socket just closes.
 */
stub_zygote:
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
1:	receive	0
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
	jmp	1b
2:	xor	%edi, %edi
	mov	$STUB_CTL_FD, %esi
	mov	$__NR_dup2, %eax
	syscall
	xor	%edi, %edi
	mov	$__NR_close, %eax
	syscall
	die_with_sentry
	mov	$__NR_getpid, %eax
	syscall
	lea	DATA(STUB_BYTE), %rsi
	mov	%rax, (%rsi)
	mov	$STUB_CTL_FD, %edi
	mov	$8, %edx
	mov	$__NR_write, %eax
	syscall
	cmp	$STUB_MAKE_ZYGOTE, %r14
	je	1b
	jmp	stub_park

stub_text_end:
	.section .note.GNU-stack, "", @progbits
