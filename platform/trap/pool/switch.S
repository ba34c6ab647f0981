/* SPDX-License-Identifier: Apache-2.0 */
/*
 * void fiber_switch(void **save_sp, void *sp)
 *
 * What a function call must preserve, on the stack that is left; then the same from
 * the other one.  A new fiber's stack is made to look like one that was left.
 */
	.text
	.globl	fiber_switch, fiber_begin
	.hidden	fiber_switch, fiber_begin
	.type	fiber_switch, @function
fiber_switch:
	.cfi_startproc
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.cfi_endproc
	.size	fiber_switch, . - fiber_switch

/* The first thing a fiber runs: rbx is it, r12 the function. */
	.type	fiber_begin, @function
fiber_begin:
	.cfi_startproc
	.cfi_undefined rip
	mov	%rbx, %rdi
	call	*%r12
	hlt
	.cfi_endproc
	.size	fiber_begin, . - fiber_begin

	.section .note.GNU-stack, "", @progbits
