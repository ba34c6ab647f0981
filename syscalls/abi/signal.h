/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: numbers, sigaction as the kernel takes it, siginfo, the alternate stack and the
 * x86-64 signal frame.
 *
 * Member names of libc's sigaction and siginfo are macros, so ours have no sa_/si_ prefix.
 * A signal set is a plain uint64_t: bit n-1 is signal n.
 */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define SIGHUP	     1
#define SIGINT	     2
#define SIGQUIT	     3
#define SIGILL	     4
#define SIGTRAP	     5
#define SIGABRT	     6
#define SIGIOT	     6
#define SIGBUS	     7
#define SIGFPE	     8
#define SIGKILL	     9
#define SIGUSR1	     10
#define SIGSEGV	     11
#define SIGUSR2	     12
#define SIGPIPE	     13
#define SIGALRM	     14
#define SIGTERM	     15
#define SIGSTKFLT    16
#define SIGCHLD	     17
#define SIGCONT	     18
#define SIGSTOP	     19
#define SIGTSTP	     20
#define SIGTTIN	     21
#define SIGTTOU	     22
#define SIGURG	     23
#define SIGXCPU	     24
#define SIGXFSZ	     25
#define SIGVTALRM    26
#define SIGPROF	     27
#define SIGWINCH     28
#define SIGIO	     29
#define SIGPOLL	     SIGIO
#define SIGPWR	     30
#define SIGSYS	     31

#define ABI_NSIG     64 /* libc's _NSIG is 65 */
#define ABI_SIGRTMIN 32 /* libc's SIGRTMIN is 34: it keeps two */
#define ABI_SIGRTMAX 64

static inline uint64_t abi_sigbit(int sig)
{
	return 1ULL << (sig - 1);
}

#define ABI_SIG_DFL	  0
#define ABI_SIG_IGN	  1

#define SIG_BLOCK	  0
#define SIG_UNBLOCK	  1
#define SIG_SETMASK	  2

#define SA_NOCLDSTOP	  0x00000001
#define SA_NOCLDWAIT	  0x00000002
#define SA_SIGINFO	  0x00000004
#define SA_UNSUPPORTED	  0x00000400
#define SA_EXPOSE_TAGBITS 0x00000800
#define SA_RESTORER	  0x04000000
#define SA_ONSTACK	  0x08000000
#define SA_RESTART	  0x10000000
#define SA_NODEFER	  0x40000000
#define SA_NOMASK	  SA_NODEFER
#define SA_RESETHAND	  0x80000000
#define SA_ONESHOT	  SA_RESETHAND

struct abi_sigaction {
	uint64_t handler; /* an address, ABI_SIG_DFL or ABI_SIG_IGN */
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};
_Static_assert(sizeof(struct abi_sigaction) == 32, "struct sigaction");

#define SS_ONSTACK	1
#define SS_DISABLE	2
#define SS_AUTODISARM	(1U << 31)
#define ABI_MINSIGSTKSZ 2048 /* smallest alternate stack that sigaltstack takes */

struct abi_stack {
	uint64_t ss_sp;
	int32_t ss_flags;
	uint32_t pad;
	uint64_t ss_size;
};
_Static_assert(sizeof(struct abi_stack) == 24, "stack_t");

union abi_sigval {
	int32_t sival_int;
	uint64_t sival_ptr;
};

/* What is valid beyond code depends on signal and code, as in sigaction(2). */
struct abi_siginfo {
	int32_t signo;
	int32_t err; /* si_errno */
	int32_t code;
	uint32_t pad0;
	union {
		uint8_t raw[112];
		struct {
			int32_t pid;
			uint32_t uid;
		} kill;
		struct {
			int32_t tid;
			int32_t overrun;
			union abi_sigval value;
			int32_t sys_private;
		} timer;
		struct {
			int32_t pid;
			uint32_t uid;
			union abi_sigval value;
		} rt;
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status;
			uint32_t pad;
			int64_t utime; /* clock ticks */
			int64_t stime;
		} child;
		struct {
			uint64_t addr;
			union {
				int32_t trapno;
				int16_t addr_lsb;
				struct {
					uint64_t pad;
					uint64_t lower;
					uint64_t upper;
				} bounds;
				struct {
					uint64_t pad;
					uint32_t pkey;
				} pk;
			};
		} fault;
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			uint64_t call_addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
	};
};
_Static_assert(sizeof(struct abi_siginfo) == 128, "siginfo_t");
_Static_assert(__builtin_offsetof(struct abi_siginfo, rt.value) == 24, "siginfo_t");
_Static_assert(__builtin_offsetof(struct abi_siginfo, child.utime) == 32, "siginfo_t");
_Static_assert(__builtin_offsetof(struct abi_siginfo, fault.bounds.lower) == 32, "siginfo_t");

#define SI_USER		  0
#define SI_KERNEL	  0x80
#define SI_QUEUE	  (-1)
#define SI_TIMER	  (-2)
#define SI_MESGQ	  (-3)
#define SI_ASYNCIO	  (-4)
#define SI_SIGIO	  (-5)
#define SI_TKILL	  (-6)
#define SI_DETHREAD	  (-7)
#define SI_ASYNCNL	  (-60)

#define ILL_ILLOPC	  1
#define ILL_ILLOPN	  2
#define ILL_ILLADR	  3
#define ILL_ILLTRP	  4
#define ILL_PRVOPC	  5
#define ILL_PRVREG	  6
#define ILL_COPROC	  7
#define ILL_BADSTK	  8
#define FPE_INTDIV	  1
#define FPE_INTOVF	  2
#define FPE_FLTDIV	  3
#define FPE_FLTOVF	  4
#define FPE_FLTUND	  5
#define FPE_FLTRES	  6
#define FPE_FLTINV	  7
#define FPE_FLTSUB	  8
#define SEGV_MAPERR	  1
#define SEGV_ACCERR	  2
#define SEGV_BNDERR	  3
#define SEGV_PKUERR	  4
#define BUS_ADRALN	  1
#define BUS_ADRERR	  2
#define BUS_OBJERR	  3
#define BUS_MCEERR_AR	  4
#define BUS_MCEERR_AO	  5
#define TRAP_BRKPT	  1
#define TRAP_TRACE	  2
#define TRAP_BRANCH	  3
#define TRAP_HWBKPT	  4
#define TRAP_UNK	  5
#define CLD_EXITED	  1
#define CLD_KILLED	  2
#define CLD_DUMPED	  3
#define CLD_TRAPPED	  4
#define CLD_STOPPED	  5
#define CLD_CONTINUED	  6
#define POLL_IN		  1
#define POLL_OUT	  2
#define POLL_MSG	  3
#define POLL_ERR	  4
#define POLL_PRI	  5
#define POLL_HUP	  6
#define SYS_SECCOMP	  1
#define SYS_USER_DISPATCH 2

#define SIGEV_SIGNAL	  0
#define SIGEV_NONE	  1
#define SIGEV_THREAD	  2
#define SIGEV_THREAD_ID	  4

struct abi_sigevent {
	union abi_sigval value;
	int32_t signo;
	int32_t notify;
	union {
		int32_t tid;
		struct {
			uint64_t function;
			uint64_t attribute;
		} thread;
		uint8_t pad[48];
	};
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "struct sigevent");

/* The machine context in a signal frame. */
struct abi_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	uint64_t eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate; /* address of the fxsave or xsave area, 0 if none */
	uint64_t reserved[8];
};
_Static_assert(sizeof(struct abi_sigcontext) == 256, "struct sigcontext");

#define UC_FP_XSTATE	     0x1
#define UC_SIGCONTEXT_SS     0x2
#define UC_STRICT_RESTORE_SS 0x4

struct abi_ucontext {
	uint64_t uc_flags;
	uint64_t uc_link;
	struct abi_stack uc_stack;
	struct abi_sigcontext uc_mcontext;
	uint64_t uc_sigmask;
};
_Static_assert(sizeof(struct abi_ucontext) == 304, "struct ucontext");

/* In a signal frame, from its ucontext to its FPU state: what the alignments of both leave. */
#define SIGFRAME_FPU_AT 448

/* In the software-reserved bytes (464..511) of the fxsave area of a frame with xsave state. */
#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U
struct abi_fpx_sw_bytes {
	uint32_t magic1;
	uint32_t extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size;
	uint32_t padding[7];
};
_Static_assert(sizeof(struct abi_fpx_sw_bytes) == 48, "struct fpx_sw_bytes");

#define SFD_CLOEXEC  02000000
#define SFD_NONBLOCK 04000

struct abi_signalfd_siginfo {
	uint32_t ssi_signo;
	int32_t ssi_errno;
	int32_t ssi_code;
	uint32_t ssi_pid;
	uint32_t ssi_uid;
	int32_t ssi_fd;
	uint32_t ssi_tid;
	uint32_t ssi_band;
	uint32_t ssi_overrun;
	uint32_t ssi_trapno;
	int32_t ssi_status;
	int32_t ssi_int;
	uint64_t ssi_ptr;
	uint64_t ssi_utime;
	uint64_t ssi_stime;
	uint64_t ssi_addr;
	uint16_t ssi_addr_lsb;
	uint16_t pad0;
	int32_t ssi_syscall;
	uint64_t ssi_call_addr;
	uint32_t ssi_arch;
	uint8_t pad1[28];
};
_Static_assert(sizeof(struct abi_signalfd_siginfo) == 128, "struct signalfd_siginfo");
