/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process of the container is beside its credentials and limits: set by
 * who starts it, so no permission of the process itself is asked for.  First
 * processes and those of exec alike; on their own thread, before their program.
 */
#include <errno.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/task/facts.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/task.h"
#include "syscalls/abi/sched.h"

static void set_sched(struct task *t, const struct boot_sched *s)
{
	__atomic_store_n(&t->policy, s->policy | (s->reset_on_fork ? SCHED_RESET_ON_FORK : 0),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&t->rt_priority, s->rt_priority, __ATOMIC_RELAXED);
	__atomic_store_n(&t->nice, s->nice, __ATOMIC_RELAXED);
}

int boot_attributes(struct task *t, const struct boot_spec *s, struct boot_error *e)
{
	int err = 0;
	__atomic_store_n(&t->group->oom_score_adj, s->oom_score_adj, __ATOMIC_RELAXED);
	if (s->sched)
		set_sched(t, s->sched);
	if (s->personality) {
		t->personality = s->personality;
		facts_personality(t);
	}
	/* Last: nothing above is a call of the guest's, but what follows is. */
	if (s->seccomp_len)
		err = seccomp_begin(t, s->seccomp, s->seccomp_len, s->seccomp_log);
	return err < 0 ? boot_fail(e, err, "linux.seccomp: %s", strerror(-err)) : 0;
}
