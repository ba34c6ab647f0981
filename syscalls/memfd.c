/* SPDX-License-Identifier: Apache-2.0 */
/* memfd_create(2). */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/memfs/memfs.h"
#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/flags.h"
#include "syscalls/sys.h"

long sys_memfd_create(struct task *t, uaddr_t name, uint32_t flags)
{
	char buf[ABI_MFD_NAME_MAX + 1];
	uint32_t seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL, mode = 0777;
	struct file *f;

	if (flags & ~FLAGS_KNOWN(MEMFD) || (flags & MFD_EXEC && flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	ssize_t n = copy_str(t->mm, buf, name, sizeof buf);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	if (flags & MFD_NOEXEC_SEAL) { /* implies that sealing is allowed */
		mode = 0666;
		seals = F_SEAL_EXEC;
	}
	int err = memfs_file_new(buf, t->cred, O_RDWR | O_LARGEFILE, mode, seals, &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, flags & MFD_CLOEXEC, 0, task_rlimit(t, RLIMIT_NOFILE));
}
