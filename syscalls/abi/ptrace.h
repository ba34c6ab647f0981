/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace for the guest: requests, options, events, user_regs_struct. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define PTRACE_TRACEME				0
#define PTRACE_PEEKTEXT				1
#define PTRACE_PEEKDATA				2
#define PTRACE_PEEKUSR				3
#define PTRACE_POKETEXT				4
#define PTRACE_POKEDATA				5
#define PTRACE_POKEUSR				6
#define PTRACE_CONT				7
#define PTRACE_KILL				8
#define PTRACE_SINGLESTEP			9
#define PTRACE_GETREGS				12
#define PTRACE_SETREGS				13
#define PTRACE_GETFPREGS			14
#define PTRACE_SETFPREGS			15
#define PTRACE_ATTACH				16
#define PTRACE_DETACH				17
#define PTRACE_SYSCALL				24
#define PTRACE_ARCH_PRCTL			30
#define PTRACE_SYSEMU				31
#define PTRACE_SYSEMU_SINGLESTEP		32
#define PTRACE_SINGLEBLOCK			33
#define PTRACE_SETOPTIONS			0x4200
#define PTRACE_GETEVENTMSG			0x4201
#define PTRACE_GETSIGINFO			0x4202
#define PTRACE_SETSIGINFO			0x4203
#define PTRACE_GETREGSET			0x4204
#define PTRACE_SETREGSET			0x4205
#define PTRACE_SEIZE				0x4206
#define PTRACE_INTERRUPT			0x4207
#define PTRACE_LISTEN				0x4208
#define PTRACE_PEEKSIGINFO			0x4209
#define PTRACE_GETSIGMASK			0x420a
#define PTRACE_SETSIGMASK			0x420b
#define PTRACE_SECCOMP_GET_FILTER		0x420c
#define PTRACE_SECCOMP_GET_METADATA		0x420d
#define PTRACE_GET_SYSCALL_INFO			0x420e
#define PTRACE_GET_RSEQ_CONFIGURATION		0x420f
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#define PTRACE_SET_SYSCALL_INFO			0x4212

#define PTRACE_O_TRACESYSGOOD			0x00000001
#define PTRACE_O_TRACEFORK			0x00000002
#define PTRACE_O_TRACEVFORK			0x00000004
#define PTRACE_O_TRACECLONE			0x00000008
#define PTRACE_O_TRACEEXEC			0x00000010
#define PTRACE_O_TRACEVFORKDONE			0x00000020
#define PTRACE_O_TRACEEXIT			0x00000040
#define PTRACE_O_TRACESECCOMP			0x00000080
#define PTRACE_O_EXITKILL			0x00100000
#define PTRACE_O_SUSPEND_SECCOMP		0x00200000

#define PTRACE_EVENT_FORK			1
#define PTRACE_EVENT_VFORK			2
#define PTRACE_EVENT_CLONE			3
#define PTRACE_EVENT_EXEC			4
#define PTRACE_EVENT_VFORK_DONE			5
#define PTRACE_EVENT_EXIT			6
#define PTRACE_EVENT_SECCOMP			7
#define PTRACE_EVENT_STOP			128

#define PTRACE_PEEKSIGINFO_SHARED		1u

#define PTRACE_SYSCALL_INFO_NONE		0
#define PTRACE_SYSCALL_INFO_ENTRY		1
#define PTRACE_SYSCALL_INFO_EXIT		2
#define PTRACE_SYSCALL_INFO_SECCOMP		3

struct abi_ptrace_syscall_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
		struct {
			uint64_t nr, args[6];
			uint32_t ret_data, reserved;
		} seccomp;
	};
};
_Static_assert(sizeof(struct abi_ptrace_syscall_info) == 88, "struct ptrace_syscall_info");

struct abi_ptrace_peeksiginfo {
	uint64_t off;
	uint32_t flags;
	int32_t nr;
};
_Static_assert(sizeof(struct abi_ptrace_peeksiginfo) == 16, "struct ptrace_peeksiginfo_args");

struct abi_ptrace_rseq {
	uint64_t pointer;
	uint32_t size, signature, flags, pad;
};
_Static_assert(sizeof(struct abi_ptrace_rseq) == 24, "struct ptrace_rseq_configuration");

struct abi_seccomp_metadata {
	uint64_t filter_off, flags;
};

/* struct user, which only PEEKUSER and POKEUSER know: the registers come first. */
#define ABI_USER_SIZE				928
#define ABI_USER_DEBUGREG			848 /* eight of them */

struct abi_user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};
_Static_assert(sizeof(struct abi_user_regs) == 216, "struct user_regs_struct");
