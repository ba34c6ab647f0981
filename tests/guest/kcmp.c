/* SPDX-License-Identifier: Apache-2.0 */
/* kcmp, membarrier's query, clock_adjtime, syslog, restart_syscall: a fact or two each. */
#include "task.h"

#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <sys/timex.h>

static long kcmp(pid_t a, pid_t b, int type, unsigned long i, unsigned long j)
{
	return syscall(SYS_kcmp, a, b, type, i, j);
}

TEST(descriptors_of_one_file_are_equal)
{
	int fd[2];
	if (kcmp(getpid(), getpid(), KCMP_VM, 0, 0) < 0 && errno == ENOSYS)
		SKIP("no kcmp");
	ASSERT_OK(pipe(fd));
	unsigned long a = (unsigned long)fd[0], b = (unsigned long)dup(fd[0]);
	unsigned long c = (unsigned long)fd[1];
	ASSERT_EQ(kcmp(getpid(), getpid(), KCMP_FILE, a, b), 0);
	long order = kcmp(getpid(), getpid(), KCMP_FILE, a, c);
	ASSERT(order == 1 || order == 2);
	ASSERT_EQ(kcmp(getpid(), getpid(), KCMP_FILE, c, a), 3 - order);
	ASSERT_ERR(kcmp(getpid(), getpid(), KCMP_FILE, a, 9999), EBADF);
}

/* Not with the other processes of the machine either: nobody has set a priority. */
TEST(who_has_no_io_context_is_like_the_others)
{
	pid_t parent = getpid();
	if (kcmp(parent, parent, KCMP_VM, 0, 0) < 0 && errno == ENOSYS)
		SKIP("no kcmp");
	ASSERT_EQ(kcmp(parent, parent, KCMP_IO, 0, 0), 0);
	JOIN(SPAWN({ ASSERT_EQ(kcmp(parent, getpid(), KCMP_IO, 0, 0), 0); }));
}

TEST(a_fork_shares_files_but_no_tables)
{
	int fd[2];
	if (kcmp(getpid(), getpid(), KCMP_VM, 0, 0) < 0 && errno == ENOSYS)
		SKIP("no kcmp");
	ASSERT_OK(pipe(fd));
	pid_t parent = getpid();
	unsigned long n = (unsigned long)fd[0];
	JOIN(SPAWN({
		ASSERT_EQ(kcmp(parent, getpid(), KCMP_FILE, n, n), 0);
		ASSERT(kcmp(parent, getpid(), KCMP_VM, 0, 0) > 0);
		ASSERT(kcmp(parent, getpid(), KCMP_FILES, 0, 0) > 0);
		ASSERT(kcmp(parent, getpid(), KCMP_FS, 0, 0) > 0);
		ASSERT(kcmp(parent, getpid(), KCMP_SIGHAND, 0, 0) > 0);
		ASSERT_EQ(kcmp(parent, parent, KCMP_VM, 0, 0), 0);
	}));
}

TEST(kcmp_errors)
{
	if (kcmp(getpid(), getpid(), KCMP_VM, 0, 0) < 0 && errno == ENOSYS)
		SKIP("no kcmp");
	ASSERT_ERR(kcmp(getpid(), getpid(), 77, 0, 0), EINVAL);
	ASSERT_ERR(kcmp(getpid(), 0x3fffffff, KCMP_VM, 0, 0), ESRCH);
	ASSERT_OK(setuid(NOBODY));
	ASSERT_ERR(kcmp(getpid(), getppid(), KCMP_VM, 0, 0), EPERM);
}

TEST(membarrier_tells_what_it_can)
{
	long can = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	if (can < 0 && errno == ENOSYS)
		SKIP("no membarrier");
	ASSERT(can >= 0);
	ASSERT_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
}

TEST(the_clock_can_be_examined)
{
	struct timex tx = {0};
	ASSERT_OK(clock_adjtime(CLOCK_REALTIME, &tx));
	ASSERT(tx.tick >= 9000 && tx.tick <= 11000);
	ASSERT(labs(tx.time.tv_sec - time(NULL)) <= 1);
	ASSERT_ERR(clock_adjtime(77, &tx), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_adjtime, CLOCK_REALTIME, 8), EFAULT);
	ASSERT_OK(setuid(NOBODY));
	tx.modes = ADJ_TICK;
	ASSERT_ERR(clock_adjtime(CLOCK_REALTIME, &tx), EPERM);
}

TEST(the_kernel_log_is_guarded)
{
	ASSERT_ERR(syscall(SYS_syslog, 77, NULL, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_syslog, 2, NULL, 10), EINVAL);
	ASSERT_OK(syscall(SYS_syslog, 10, NULL, 0));
}

TEST(there_is_nothing_to_restart)
{
	ASSERT_ERR(syscall(SYS_restart_syscall), EINTR);
}

TEST_MAIN()
