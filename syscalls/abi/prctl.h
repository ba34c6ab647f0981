/* SPDX-License-Identifier: Apache-2.0 */
/* prctl and arch_prctl. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define PR_SET_PDEATHSIG		       1
#define PR_GET_PDEATHSIG		       2
#define PR_GET_DUMPABLE			       3
#define PR_SET_DUMPABLE			       4
#define PR_GET_UNALIGN			       5
#define PR_SET_UNALIGN			       6
#define PR_GET_KEEPCAPS			       7
#define PR_SET_KEEPCAPS			       8
#define PR_GET_FPEMU			       9
#define PR_SET_FPEMU			       10
#define PR_GET_FPEXC			       11
#define PR_SET_FPEXC			       12
#define PR_GET_TIMING			       13
#define PR_SET_TIMING			       14
#define PR_SET_NAME			       15
#define PR_GET_NAME			       16
#define PR_GET_ENDIAN			       19
#define PR_SET_ENDIAN			       20
#define PR_GET_SECCOMP			       21
#define PR_SET_SECCOMP			       22
#define PR_CAPBSET_READ			       23
#define PR_CAPBSET_DROP			       24
#define PR_GET_TSC			       25
#define PR_SET_TSC			       26
#define PR_GET_SECUREBITS		       27
#define PR_SET_SECUREBITS		       28
#define PR_SET_TIMERSLACK		       29
#define PR_GET_TIMERSLACK		       30
#define PR_TASK_PERF_EVENTS_DISABLE	       31
#define PR_TASK_PERF_EVENTS_ENABLE	       32
#define PR_MCE_KILL			       33
#define PR_MCE_KILL_GET			       34
#define PR_SET_MM			       35
#define PR_SET_CHILD_SUBREAPER		       36
#define PR_GET_CHILD_SUBREAPER		       37
#define PR_SET_NO_NEW_PRIVS		       38
#define PR_GET_NO_NEW_PRIVS		       39
#define PR_GET_TID_ADDRESS		       40
#define PR_SET_THP_DISABLE		       41
#define PR_GET_THP_DISABLE		       42
#define PR_SET_FP_MODE			       45
#define PR_GET_FP_MODE			       46
#define PR_CAP_AMBIENT			       47
#define PR_GET_SPECULATION_CTRL		       52
#define PR_SET_SPECULATION_CTRL		       53
#define PR_SET_IO_FLUSHER		       57
#define PR_GET_IO_FLUSHER		       58
#define PR_SET_SYSCALL_USER_DISPATCH	       59
#define PR_SCHED_CORE			       62
#define PR_SET_MDWE			       65
#define PR_GET_MDWE			       66
#define PR_SET_MEMORY_MERGE		       67
#define PR_GET_MEMORY_MERGE		       68
#define PR_SET_VMA			       0x53564d41
#define PR_SET_VMA_ANON_NAME		       0
#define PR_SET_PTRACER			       0x59616d61
#define PR_SET_PTRACER_ANY		       (~0UL)

#define PR_CAP_AMBIENT_IS_SET		       1
#define PR_CAP_AMBIENT_RAISE		       2
#define PR_CAP_AMBIENT_LOWER		       3
#define PR_CAP_AMBIENT_CLEAR_ALL	       4

#define PR_TSC_ENABLE			       1
#define PR_TSC_SIGSEGV			       2

#define PR_MCE_KILL_CLEAR		       0
#define PR_MCE_KILL_SET			       1
#define PR_MCE_KILL_LATE		       0
#define PR_MCE_KILL_EARLY		       1
#define PR_MCE_KILL_DEFAULT		       2

#define PR_SET_MM_START_CODE		       1
#define PR_SET_MM_END_CODE		       2
#define PR_SET_MM_START_DATA		       3
#define PR_SET_MM_END_DATA		       4
#define PR_SET_MM_START_STACK		       5
#define PR_SET_MM_START_BRK		       6
#define PR_SET_MM_BRK			       7
#define PR_SET_MM_ARG_START		       8
#define PR_SET_MM_ARG_END		       9
#define PR_SET_MM_ENV_START		       10
#define PR_SET_MM_ENV_END		       11
#define PR_SET_MM_AUXV			       12
#define PR_SET_MM_EXE_FILE		       13
#define PR_SET_MM_MAP			       14
#define PR_SET_MM_MAP_SIZE		       15

#define ARCH_SET_GS			       0x1001
#define ARCH_SET_FS			       0x1002
#define ARCH_GET_FS			       0x1003
#define ARCH_GET_GS			       0x1004
#define ARCH_GET_CPUID			       0x1011
#define ARCH_SET_CPUID			       0x1012
#define ARCH_GET_XCOMP_SUPP		       0x1021
#define ARCH_GET_XCOMP_PERM		       0x1022
#define ARCH_REQ_XCOMP_PERM		       0x1023
#define ARCH_CET_STATUS			       0x3001
#define ARCH_SHSTK_ENABLE		       0x5001
#define ARCH_SHSTK_DISABLE		       0x5002
#define ARCH_SHSTK_LOCK			       0x5003
#define ARCH_SHSTK_UNLOCK		       0x5004
#define ARCH_SHSTK_STATUS		       0x5005

#define SECBIT_NOROOT			       (1 << 0)
#define SECBIT_NOROOT_LOCKED		       (1 << 1)
#define SECBIT_NO_SETUID_FIXUP		       (1 << 2)
#define SECBIT_NO_SETUID_FIXUP_LOCKED	       (1 << 3)
#define SECBIT_KEEP_CAPS		       (1 << 4)
#define SECBIT_KEEP_CAPS_LOCKED		       (1 << 5)
#define SECBIT_NO_CAP_AMBIENT_RAISE	       (1 << 6)
#define SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED     (1 << 7)
