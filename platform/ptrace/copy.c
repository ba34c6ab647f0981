/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/ptrace/ptrace.h"

#include <errno.h>

#include "platform/vmcopy.h"

/* Pages may outlive their process for a moment. */
static ssize_t unless_dead(const struct aspace *as, ssize_t n)
{
	return atomic_load(&as->dead) ? -ESRCH : n;
}

ssize_t ptrace_read(struct aspace *as, const struct iovec *local, size_t nlocal,
		    const struct iovec *remote, size_t nremote)
{
	if (atomic_load(&as->dead))
		return -ESRCH;
	return unless_dead(as, vm_read(as->pid, local, nlocal, remote, nremote, &ptrace_calls));
}

ssize_t ptrace_write(struct aspace *as, const struct iovec *local, size_t nlocal,
		     const struct iovec *remote, size_t nremote)
{
	if (atomic_load(&as->dead))
		return -ESRCH;
	return unless_dead(as, vm_write(as->pid, local, nlocal, remote, nremote, &ptrace_calls));
}
