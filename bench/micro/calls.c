/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that do next to nothing: what is measured is the way there and back. */
#include "micro.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pid_t pid, tid;
static int zero_fd = -1, null_fd = -1;
static volatile sig_atomic_t signals;

static int start_ids(void)
{
	pid = getpid();
	tid = gettid();
	return pid > 0 && tid == pid ? 0 : wrong("pid %d, tid %d", pid, tid);
}

static int batch_getpid_raw(long n)
{
	for (long i = 0; i < n; i++)
		if (syscall(SYS_getpid) != pid)
			return wrong("getpid changed");
	return 0;
}

static int batch_getpid(long n)
{
	for (long i = 0; i < n; i++)
		if (getpid() != pid)
			return wrong("getpid changed");
	return 0;
}

static int batch_gettid_raw(long n)
{
	for (long i = 0; i < n; i++)
		if (syscall(SYS_gettid) != tid)
			return wrong("gettid changed");
	return 0;
}

static int batch_gettid(long n)
{
	for (long i = 0; i < n; i++)
		if (gettid() != tid)
			return wrong("gettid changed");
	return 0;
}

static int time_goes_on(struct timespec *last, const struct timespec *now)
{
	if (now->tv_sec < last->tv_sec ||
	    (now->tv_sec == last->tv_sec && now->tv_nsec < last->tv_nsec))
		return wrong("the clock went back");
	*last = *now;
	return 0;
}

static int batch_clock_raw(long n)
{
	struct timespec last = {0}, now;

	for (long i = 0; i < n; i++)
		if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) != 0 ||
		    time_goes_on(&last, &now) < 0)
			return wrong("clock_gettime failed or went back");
	return 0;
}

static int batch_clock(long n)
{
	struct timespec last = {0}, now;

	for (long i = 0; i < n; i++)
		if (clock_gettime(CLOCK_MONOTONIC, &now) != 0 || time_goes_on(&last, &now) < 0)
			return wrong("clock_gettime failed or went back");
	return 0;
}

static int start_devices(void)
{
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return zero_fd >= 0 && null_fd >= 0 ? 0 : wrong("devices: %s", strerror(errno));
}

static void stop_devices(void)
{
	close(zero_fd);
	close(null_fd);
	zero_fd = null_fd = -1;
}

static int batch_read_zero(long n)
{
	char byte = 1;

	for (long i = 0; i < n; i++, byte = byte == 0)
		if (read(zero_fd, &byte, 1) != 1 || byte != 0)
			return wrong("read of /dev/zero");
	return 0;
}

static int batch_write_null(long n)
{
	for (long i = 0; i < n; i++)
		if (write(null_fd, "x", 1) != 1)
			return wrong("write to /dev/null");
	return 0;
}

static void count_signal(int signo)
{
	signals += signo == SIGUSR1;
}

static int start_signal(void)
{
	const struct sigaction act = {.sa_handler = count_signal};

	if (start_ids() < 0)
		return -1;
	return sigaction(SIGUSR1, &act, NULL) == 0 ? 0 : wrong("sigaction");
}

static void stop_signal(void)
{
	signal(SIGUSR1, SIG_DFL);
}

static int batch_signal(long n)
{
	signals = 0;
	for (long i = 0; i < n; i++)
		if (syscall(SYS_tgkill, pid, tid, SIGUSR1) != 0 || signals != i + 1)
			return wrong("the handler did not run before tgkill returned");
	return 0;
}

const struct op ops_calls[] = {
	{"getpid_raw", "getpid by syscall(2)", start_ids, NULL, batch_getpid_raw, op_no_stop, 0, 0},
	{"getpid", "getpid", start_ids, NULL, batch_getpid, op_no_stop, 0, 0},
	{"gettid_raw", "gettid by syscall(2)", start_ids, NULL, batch_gettid_raw, op_no_stop, 0, 0},
	{"gettid", "gettid", start_ids, NULL, batch_gettid, op_no_stop, 0, 0},
	{"clock_raw", "clock_gettime by syscall(2)", op_nothing, NULL, batch_clock_raw, op_no_stop,
	 0, 0},
	{"clock", "clock_gettime, by the vDSO where there is one", op_nothing, NULL, batch_clock,
	 op_no_stop, 0, 0},
	{"read_zero", "read 1 byte of /dev/zero", start_devices, NULL, batch_read_zero,
	 stop_devices, 0, 0},
	{"write_null", "write 1 byte to /dev/null", start_devices, NULL, batch_write_null,
	 stop_devices, 0, 0},
	{"signal_self", "tgkill to oneself, with a handler", start_signal, NULL, batch_signal,
	 stop_signal, 0, 0},
	{0},
};
