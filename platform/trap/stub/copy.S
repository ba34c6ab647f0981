/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only instructions of the stub that touch guest memory.  None of these functions
 * changes the stack pointer, so a fault anywhere between the two marks is answered by
 * going on at stub_touch_failed: the function returns -1.
 */
#define RENEW_WORDS 24

	.section stub_text, "ax", @progbits
	.globl	stub_move, stub_renew, stub_string, stub_writable
	.globl	stub_touch_begin, stub_touch_end, stub_touch_failed
	.hidden	stub_move, stub_renew, stub_string, stub_writable
	.hidden	stub_touch_begin, stub_touch_end, stub_touch_failed
	.balign 16
stub_touch_begin:

/*
 * rdi to, rsi from, rdx size: 0.  Most are small, and starting a string move takes longer; and a
 * loop asks for all the lines at once that the sentry has written.
 */
stub_move:
	cmp	$256, %rdx
	jae	4f
	xor	%eax, %eax
1:	lea	8(%rax), %rcx
	cmp	%rdx, %rcx
	ja	2f
	mov	(%rsi,%rax), %r8
	mov	%r8, (%rdi,%rax)
	mov	%rcx, %rax
	jmp	1b
2:	cmp	%rdx, %rax
	jae	3f
	mov	(%rsi,%rax), %r8b
	mov	%r8b, (%rdi,%rax)
	inc	%rax
	jmp	2b
3:	xor	%eax, %eax
	ret
4:	mov	%rdx, %rcx
	rep movsb
	xor	%eax, %eax
	ret

/*
 * The same, but nothing is written that is there already.  0: all was; 1.  What proves to be new
 * is moved without looking further.
 */
.macro renew_word at
	mov	\at(%rsi,%rax), %r8
	cmp	%r8, \at(%rdi,%rax)
	je	1f
	mov	%r8, \at(%rdi,%rax)
	dec	%r9d
1:
.endm
	.balign 16
stub_renew:
	mov	$RENEW_WORDS, %r9d	/* that may be new */
	xor	%eax, %eax
2:	lea	32(%rax), %rcx
	cmp	%rdx, %rcx
	ja	3f
	renew_word 0
	renew_word 8
	renew_word 16
	renew_word 24
	mov	%rcx, %rax
	test	%r9d, %r9d
	jg	2b
	add	%rax, %rdi
	add	%rax, %rsi
	sub	%rax, %rdx
	mov	%rdx, %rcx
	rep movsb
	mov	$1, %eax
	ret
3:	lea	8(%rax), %rcx
	cmp	%rdx, %rcx
	ja	4f
	renew_word 0
	mov	%rcx, %rax
	jmp	3b
4:	cmp	%rdx, %rax
	jae	6f
	mov	(%rsi,%rax), %r8b
	cmp	%r8b, (%rdi,%rax)
	je	5f
	mov	%r8b, (%rdi,%rax)
	dec	%r9d
5:	inc	%rax
	jmp	4b
6:	xor	%eax, %eax
	cmp	$RENEW_WORDS, %r9d
	setne	%al
	ret

/*
 * rdi string, rsi room: bytes up to and with the NUL; -1 without one.  Eight at a time where they
 * lie in one page: what is behind the NUL need not be mapped.
 */
	.balign 16
stub_string:
	movabs	$0x0101010101010101, %r8
	movabs	$0x8080808080808080, %r9
	xor	%eax, %eax
1:	lea	8(%rax), %rcx
	cmp	%rsi, %rcx
	ja	2f
	lea	(%rdi,%rax), %r10
	and	$4095, %r10d
	cmp	$4088, %r10d
	ja	2f
	mov	(%rdi,%rax), %r10
	mov	%r10, %r11
	sub	%r8, %r11
	not	%r10
	and	%r10, %r11
	and	%r9, %r11
	jnz	3f
	mov	%rcx, %rax
	jmp	1b
2:	cmp	%rsi, %rax
	jae	stub_touch_failed
	mov	(%rdi,%rax), %cl
	inc	%rax
	test	%cl, %cl
	jnz	1b
	ret
3:	bsf	%r11, %r11		/* the lowest mark is exact */
	shr	$3, %r11d
	lea	1(%rax,%r11), %rax
	ret

/* rdi address, rsi size > 0: 0 if every page can be written.  It changes no byte, atomically. */
	.balign 16
stub_writable:
	lea	-1(%rdi,%rsi), %rsi
1:	lock addb $0, (%rdi)
	or	$4095, %rdi
	inc	%rdi
	cmp	%rsi, %rdi
	jbe	1b
	xor	%eax, %eax
	ret

stub_touch_end:
stub_touch_failed:
	mov	$-1, %rax
	ret

	.section .note.GNU-stack, "", @progbits
