/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory by process_vm_readv/writev, with the same answer on every host. */
#pragma once

#include "base/types.h"

struct iovec;

/*
 * Bytes copied, short at the first missing page; -EFAULT if none or if an
 * address is not the guest's, -ESRCH if there is no such process, -EINVAL for
 * a total that overflows.  calls: counts host calls.
 */
ssize_t vm_read(int pid, const struct iovec *local, size_t nlocal, const struct iovec *remote,
		size_t nremote, unsigned long *calls);
ssize_t vm_write(int pid, const struct iovec *local, size_t nlocal, const struct iovec *remote,
		 size_t nremote, unsigned long *calls);
