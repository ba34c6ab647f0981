/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's vDSO: an ELF image built by hand, one page, position independent.
 *
 * glibc takes the kernel's version from the note, and resolves the functions
 * by the versioned names below.  They make the plain system call: right on
 * every platform; a platform that can answer in the stub does so there.
 */
	.section .rodata.vdso, "a"
	.globl vdso_image, vdso_image_end, vdso_note_version
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

	.macro CALL name, nr
	.balign 16
\name:
	mov $\nr, %eax
	syscall
	ret
end_\name:
	.endm
	CALL clock_gettime, 228
	CALL gettimeofday, 96
	CALL time, 201
	CALL getcpu, 309
	CALL clock_getres, 229
	.balign 4096
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
