/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process of the container is beside its credentials and limits: set by
 * who starts it, so no permission of the process itself is asked for.  First
 * processes and those of exec alike; on their own thread, before their program.
 */
#include <errno.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "sentry/boot/internal.h"
#include "sentry/procfs/procfs.h"
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

static const char *sysctl_cause(int err)
{
	switch (err) {
	case -ENOENT:
		return "the sandbox has no such setting (vedette do -- ls /proc/sys shows all)";
	case -EACCES:
		return "it cannot be changed here";
	case -EINVAL:
		return "the value is not valid";
	default:
		return strerror(-err);
	}
}

int boot_sysctls(const struct boot_spec *s, struct boot_error *e)
{
	for (char *const *p = s->sysctls; p && *p; p += 2) {
		autofree char *value = strdup(p[1]);
		int err = value ? procfs_sysctl(p[0], value) : -ENOMEM;
		if (err < 0)
			return boot_fail(e, err, "linux.sysctl: %s = '%.200s': %s", p[0], p[1],
					 sysctl_cause(err));
	}
	return 0;
}
