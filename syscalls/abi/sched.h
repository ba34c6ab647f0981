/* SPDX-License-Identifier: Apache-2.0 */
/* clone, scheduling policies, getcpu, rseq, personality. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define CSIGNAL		     0x000000ff
#define CLONE_NEWTIME	     0x00000080 /* unshare, setns and clone3 only: overlaps CSIGNAL */
#define CLONE_VM	     0x00000100
#define CLONE_FS	     0x00000200
#define CLONE_FILES	     0x00000400
#define CLONE_SIGHAND	     0x00000800
#define CLONE_PIDFD	     0x00001000
#define CLONE_PTRACE	     0x00002000
#define CLONE_VFORK	     0x00004000
#define CLONE_PARENT	     0x00008000
#define CLONE_THREAD	     0x00010000
#define CLONE_NEWNS	     0x00020000
#define CLONE_SYSVSEM	     0x00040000
#define CLONE_SETTLS	     0x00080000
#define CLONE_PARENT_SETTID  0x00100000
#define CLONE_CHILD_CLEARTID 0x00200000
#define CLONE_DETACHED	     0x00400000
#define CLONE_UNTRACED	     0x00800000
#define CLONE_CHILD_SETTID   0x01000000
#define CLONE_NEWCGROUP	     0x02000000
#define CLONE_NEWUTS	     0x04000000
#define CLONE_NEWIPC	     0x08000000
#define CLONE_NEWUSER	     0x10000000
#define CLONE_NEWPID	     0x20000000
#define CLONE_NEWNET	     0x40000000
#define CLONE_IO	     0x80000000
#define CLONE_CLEAR_SIGHAND  0x100000000ULL /* clone3 only, as is the next */
#define CLONE_INTO_CGROUP    0x200000000ULL

#define CLONE_ARGS_SIZE_VER0 64
#define CLONE_ARGS_SIZE_VER1 80
#define CLONE_ARGS_SIZE_VER2 88
struct abi_clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};
_Static_assert(sizeof(struct abi_clone_args) == CLONE_ARGS_SIZE_VER2, "struct clone_args");

#define SCHED_NORMAL		  0
#define SCHED_OTHER		  0
#define SCHED_FIFO		  1
#define SCHED_RR		  2
#define SCHED_BATCH		  3
#define SCHED_IDLE		  5
#define SCHED_DEADLINE		  6
#define SCHED_EXT		  7
#define SCHED_RESET_ON_FORK	  0x40000000

#define SCHED_FLAG_RESET_ON_FORK  0x01
#define SCHED_FLAG_RECLAIM	  0x02
#define SCHED_FLAG_DL_OVERRUN	  0x04
#define SCHED_FLAG_KEEP_POLICY	  0x08
#define SCHED_FLAG_KEEP_PARAMS	  0x10
#define SCHED_FLAG_UTIL_CLAMP_MIN 0x20
#define SCHED_FLAG_UTIL_CLAMP_MAX 0x40

struct abi_sched_param {
	int32_t sched_priority;
};
_Static_assert(sizeof(struct abi_sched_param) == 4, "struct sched_param");

#define SCHED_ATTR_SIZE_VER0 48
#define SCHED_ATTR_SIZE_VER1 56
struct abi_sched_attr {
	uint32_t size;
	uint32_t sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime;
	uint64_t sched_deadline;
	uint64_t sched_period;
	uint32_t sched_util_min;
	uint32_t sched_util_max;
};
_Static_assert(sizeof(struct abi_sched_attr) == SCHED_ATTR_SIZE_VER1, "struct sched_attr");

#define RSEQ_FLAG_UNREGISTER		1
#define RSEQ_CPU_ID_UNINITIALIZED	(-1)
#define RSEQ_CPU_ID_REGISTRATION_FAILED (-2)
#define ABI_RSEQ_SIZE			32
struct abi_rseq {
	uint32_t cpu_id_start;
	uint32_t cpu_id;
	uint64_t rseq_cs;
	uint32_t flags;
	uint32_t node_id;
	uint32_t mm_cid;
	uint32_t pad;
};
_Static_assert(sizeof(struct abi_rseq) == ABI_RSEQ_SIZE, "struct rseq");

struct abi_rseq_cs {
	uint32_t version;
	uint32_t flags;
	uint64_t start_ip;
	uint64_t post_commit_offset;
	uint64_t abort_ip;
};
_Static_assert(sizeof(struct abi_rseq_cs) == 32, "struct rseq_cs");

#define IOPRIO_WHO_PROCESS	   1
#define IOPRIO_WHO_PGRP		   2
#define IOPRIO_WHO_USER		   3
#define IOPRIO_CLASS_SHIFT	   13
#define IOPRIO_CLASS_NONE	   0
#define IOPRIO_CLASS_RT		   1
#define IOPRIO_CLASS_BE		   2
#define IOPRIO_CLASS_IDLE	   3

#define KCMP_FILE		   0
#define KCMP_VM			   1
#define KCMP_FILES		   2
#define KCMP_FS			   3
#define KCMP_SIGHAND		   4
#define KCMP_IO			   5
#define KCMP_SYSVSEM		   6
#define KCMP_EPOLL_TFD		   7

#define PIDFD_NONBLOCK		   04000
#define PIDFD_THREAD		   0200
#define PIDFD_SIGNAL_THREAD	   1
#define PIDFD_SIGNAL_THREAD_GROUP  2
#define PIDFD_SIGNAL_PROCESS_GROUP 4

#define UNAME26			   0x0020000
#define ADDR_NO_RANDOMIZE	   0x0040000
#define FDPIC_FUNCPTRS		   0x0080000
#define MMAP_PAGE_ZERO		   0x0100000
#define ADDR_COMPAT_LAYOUT	   0x0200000
#define READ_IMPLIES_EXEC	   0x0400000
#define ADDR_LIMIT_32BIT	   0x0800000
#define SHORT_INODE		   0x1000000
#define WHOLE_SECONDS		   0x2000000
#define STICKY_TIMEOUTS		   0x4000000
#define ADDR_LIMIT_3GB		   0x8000000
#define PER_LINUX		   0x0000
#define PER_LINUX32		   0x0008
#define PER_MASK		   0x00ff
