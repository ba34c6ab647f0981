/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that takes the time stamp counter from itself behind the sentry's back, which the stub
 * reads when it answers a clock.
 *
 * What must hold: it ends itself, and nobody else's clock stands still.
 */
#include "raw.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

TEST(a_counter_forbidden_behind_the_sentry)
{
	struct timespec ts;
	need_trap();
	pid_t pid = SPAWN({
		on_signal(SIGSEGV, SIG_DFL, 0);
		ASSERT_EQ(raw(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0, 0), 0);
		for (int i = 0; i < 10; i++)
			syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	});
	int status = wait_status(pid);
	/* 0: the host's clock needs no counter. */
	ASSERT(status == SIGSEGV || status == 0);
	ASSERT_OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts));
}

TEST_MAIN()
