/* SPDX-License-Identifier: Apache-2.0 */
/* uname(2), sethostname(2), setdomainname(2). */
#include "syscalls/abi/utsname.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/task/facts.h"
#include "sentry/task/uts.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/sched.h"
#include "syscalls/sys.h"

/* personality(UNAME26): 3.x counts on from 2.6.40, 4.x and later from 2.6.60. */
static void release_26(char dst[ABI_UTS_LEN + 1])
{
	char *rest = dst;
	unsigned long major = strtoul(rest, &rest, 10), minor = 0;
	char changed[ABI_UTS_LEN + 1] = {0};

	if (*rest == '.')
		minor = strtoul(rest + 1, &rest, 10);
	if (*rest == '.')
		strtoul(rest + 1, &rest, 10);
	snprintf(changed, sizeof changed, "2.6.%lu%s", minor + (major >= 4 ? 60 : 40), rest);
	memcpy(dst, changed, sizeof changed);
}

long sys_uname(struct task *t, uaddr_t buf)
{
	struct abi_utsname u;

	uts_get(task_uts(t), &u);
	if ((t->personality & PER_MASK) == PER_LINUX32)
		snprintf(u.machine, sizeof u.machine, "i686");
	if (t->personality & UNAME26)
		release_26(u.release);
	return copy_out(t->mm, buf, &u, sizeof u);
}

static long set_name(struct task *t, char field[ABI_UTS_LEN + 1], uaddr_t name, int len)
{
	char text[ABI_UTS_LEN + 1] = {0};
	struct uts_ns *u = task_uts(t);

	if (!cred_capable_in(task_cred_self(t), u->ns.owner, CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > ABI_UTS_LEN)
		return -EINVAL;
	if (copy_in(t->mm, text, name, (size_t)len) < 0)
		return -EFAULT;
	uts_name_set(u, field, text);
	return 0;
}

long sys_sethostname(struct task *t, uaddr_t name, int len)
{
	return set_name(t, task_uts(t)->hostname, name, len);
}

long sys_setdomainname(struct task *t, uaddr_t name, int len)
{
	return set_name(t, task_uts(t)->domainname, name, len);
}
