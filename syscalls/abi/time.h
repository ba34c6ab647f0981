/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, timers, timerfd. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

struct abi_timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};
_Static_assert(sizeof(struct abi_timespec) == 16, "struct timespec");

struct abi_timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};
_Static_assert(sizeof(struct abi_timeval) == 16, "struct timeval");

struct abi_itimerspec {
	struct abi_timespec it_interval;
	struct abi_timespec it_value;
};
_Static_assert(sizeof(struct abi_itimerspec) == 32, "struct itimerspec");

struct abi_itimerval {
	struct abi_timeval it_interval;
	struct abi_timeval it_value;
};
_Static_assert(sizeof(struct abi_itimerval) == 32, "struct itimerval");

struct abi_timezone {
	int32_t tz_minuteswest;
	int32_t tz_dsttime;
};
_Static_assert(sizeof(struct abi_timezone) == 8, "struct timezone");

struct abi_tms {
	int64_t tms_utime;
	int64_t tms_stime;
	int64_t tms_cutime;
	int64_t tms_cstime;
};
_Static_assert(sizeof(struct abi_tms) == 32, "struct tms");

struct abi_utimbuf {
	int64_t actime;
	int64_t modtime;
};
_Static_assert(sizeof(struct abi_utimbuf) == 16, "struct utimbuf");

struct abi_timex {
	uint32_t modes;
	uint32_t pad0;
	int64_t offset;
	int64_t freq;
	int64_t maxerror;
	int64_t esterror;
	int32_t status;
	uint32_t pad1;
	int64_t constant;
	int64_t precision;
	int64_t tolerance;
	struct abi_timeval time;
	int64_t tick;
	int64_t ppsfreq;
	int64_t jitter;
	int32_t shift;
	uint32_t pad2;
	int64_t stabil;
	int64_t jitcnt;
	int64_t calcnt;
	int64_t errcnt;
	int64_t stbcnt;
	int32_t tai;
	uint32_t pad3[11];
};
_Static_assert(sizeof(struct abi_timex) == 208, "struct timex");

#define ADJ_OFFSET		 0x0001
#define ADJ_FREQUENCY		 0x0002
#define ADJ_MAXERROR		 0x0004
#define ADJ_ESTERROR		 0x0008
#define ADJ_STATUS		 0x0010
#define ADJ_TIMECONST		 0x0020
#define ADJ_TAI			 0x0080
#define ADJ_SETOFFSET		 0x0100
#define ADJ_MICRO		 0x1000
#define ADJ_NANO		 0x2000
#define ADJ_TICK		 0x4000
#define ADJ_OFFSET_SINGLESHOT	 0x8001
#define ADJ_OFFSET_SS_READ	 0xa001
#define STA_UNSYNC		 0x0040
#define STA_NANO		 0x2000
#define TIME_OK			 0
#define TIME_ERROR		 5

#define CLOCK_REALTIME		 0
#define CLOCK_MONOTONIC		 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID	 3
#define CLOCK_MONOTONIC_RAW	 4
#define CLOCK_REALTIME_COARSE	 5
#define CLOCK_MONOTONIC_COARSE	 6
#define CLOCK_BOOTTIME		 7
#define CLOCK_REALTIME_ALARM	 8
#define CLOCK_BOOTTIME_ALARM	 9
#define CLOCK_SGI_CYCLE		 10
#define CLOCK_TAI		 11

#define TIMER_ABSTIME		 1

/* which of setitimer; libc has ITIMER_REAL.. as enumerators behind macros of the same name. */
#define ABI_ITIMER_REAL		0
#define ABI_ITIMER_VIRTUAL	1
#define ABI_ITIMER_PROF		2

#define TFD_TIMER_ABSTIME	1
#define TFD_TIMER_CANCEL_ON_SET 2
#define TFD_CLOEXEC		02000000
#define TFD_NONBLOCK		04000
