/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's vDSO: an ELF image built by hand, one page, position independent.
 *
 * glibc takes the kernel's version from the note, and resolves the functions
 * by the versioned names below.  Where the platform has a clock that lies in every
 * address space (platform_ops.clock), time is read there; else, and for what it does
 * not know, they make the plain system call.
 */
	.section .rodata.vdso, "a"
	.globl vdso_image, vdso_image_end, vdso_note_version, vdso_clock, vdso_clock_ids
	.balign 4096
vdso_image:
	/* Elf64_Ehdr */
	.byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0
	.quad 0
	.short 3, 62				/* ET_DYN, EM_X86_64 */
	.long 1
	.quad 0					/* e_entry */
	.quad phdrs - vdso_image
	.quad 0					/* no section headers */
	.long 0
	.short 64, 56, 3, 64, 0, 0
phdrs:
	.long 1, 5				/* PT_LOAD, R X */
	.quad 0, 0, 0, vdso_image_end - vdso_image, vdso_image_end - vdso_image, 4096
	.long 2, 4				/* PT_DYNAMIC */
	.quad dynamic - vdso_image, dynamic - vdso_image, dynamic - vdso_image
	.quad dynamic_end - dynamic, dynamic_end - dynamic, 8
	.long 4, 4				/* PT_NOTE */
	.quad note - vdso_image, note - vdso_image, note - vdso_image
	.quad note_end - note, note_end - note, 4

	.balign 8
dynamic:
	.quad 14, soname - strtab		/* DT_SONAME */
	.quad 4, hash - vdso_image		/* DT_HASH */
	.quad 5, strtab - vdso_image		/* DT_STRTAB */
	.quad 6, symtab - vdso_image		/* DT_SYMTAB */
	.quad 10, strtab_end - strtab		/* DT_STRSZ */
	.quad 11, 24				/* DT_SYMENT */
	.quad 0x6ffffff0, versym - vdso_image	/* DT_VERSYM */
	.quad 0x6ffffffc, verdef - vdso_image	/* DT_VERDEF */
	.quad 0x6ffffffd, 2			/* DT_VERDEFNUM */
	.quad 0, 0
dynamic_end:

	.balign 4
note:
	.long 6, 4, 0				/* name size, desc size, type 0 */
	.asciz "Linux"
	.balign 4
vdso_note_version:
	.long 0					/* LINUX_VERSION_CODE, filled in at boot */
note_end:

	.balign 8
symtab:
	.quad 0, 0, 0
	.macro SYMBOL label
	.long name_\label - strtab
	.byte 0x12, 0				/* GLOBAL FUNC */
	.short 1				/* defined */
	.quad \label - vdso_image
	.quad end_\label - \label
	.endm
	SYMBOL clock_gettime
	SYMBOL gettimeofday
	SYMBOL time
	SYMBOL getcpu
	SYMBOL clock_getres
symtab_end:

	.balign 8
hash:						/* one bucket: a chain through all symbols */
	.long 1, 6, 1
	.long 0, 2, 3, 4, 5, 0

versym:
	.short 0, 2, 2, 2, 2, 2

	.balign 8
verdef:
	.short 1, 1, 1, 1			/* VER_FLG_BASE: the file itself */
	.long 0x0deebfa1, 20, 28		/* elf_hash of the soname */
	.long soname - strtab, 0
	.short 1, 0, 2, 1
	.long 0x3ae75f6, 20, 0			/* elf_hash("LINUX_2.6") */
	.long version - strtab, 0

strtab:
	.byte 0
soname:	.asciz "linux-vdso.so.1"
version: .asciz "LINUX_2.6"
name_clock_gettime: .asciz "__vdso_clock_gettime"
name_gettimeofday: .asciz "__vdso_gettimeofday"
name_time: .asciz "__vdso_time"
name_getcpu: .asciz "__vdso_getcpu"
name_clock_getres: .asciz "__vdso_clock_getres"
strtab_end:

	.balign 8
vdso_clock:
	.quad 0					/* as clock_gettime below; filled in by vdso.c */
vdso_clock_ids:
	.long 0					/* a bit for each clock it is good for */

	.macro PLAIN nr
	mov $\nr, %eax
	syscall
	ret
	.endm

	.balign 16
clock_gettime:
	cmp $31, %edi
	ja 1f
	mov vdso_clock_ids(%rip), %eax
	bt %edi, %eax
	jnc 1f
	jmp *vdso_clock(%rip)
1:	PLAIN 228
end_clock_gettime:

	/* CLOCK_REALTIME to rcx, edx; saves the arguments; jumps to \otherwise if that fails. */
	.macro REALTIME otherwise
	testb $1, vdso_clock_ids(%rip)
	jz \otherwise
	push %rsi
	push %rdi
	sub $24, %rsp
	xor %edi, %edi
	mov %rsp, %rsi
	call *vdso_clock(%rip)
	mov (%rsp), %rcx
	mov 8(%rsp), %edx
	add $24, %rsp
	pop %rdi
	pop %rsi
	test %eax, %eax
	jnz \otherwise
	.endm

	.balign 16
gettimeofday:
	REALTIME 3f
	test %rdi, %rdi
	jz 1f
	imul $274877907, %rdx, %rdx		/* 2^38 / 1000, exact below 2^32 */
	shr $38, %rdx
	mov %rcx, (%rdi)
	mov %rdx, 8(%rdi)
1:	test %rsi, %rsi
	jz 2f
	movq $0, (%rsi)
2:	xor %eax, %eax
	ret
3:	PLAIN 96
end_gettimeofday:

	.balign 16
time:
	REALTIME 2f
	mov %rcx, %rax
	test %rdi, %rdi
	jz 1f
	mov %rcx, (%rdi)
1:	ret
2:	PLAIN 201
end_time:

	.balign 16
getcpu:
	PLAIN 309
end_getcpu:

	.balign 16
clock_getres:
	PLAIN 229
end_clock_getres:

	.globl vdso_cas, vdso_cas_end
	.balign 16
vdso_cas:					/* what task/cas.c lets a guest thread do */
	lock cmpxchg %esi, (%rdi)
	mov %eax, %edx
	mov $0x7fff0ca5, %eax
	syscall
vdso_cas_end:
	.balign 4096
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
