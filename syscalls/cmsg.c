/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control messages: descriptors and credentials that go along with data.
 *
 * What is sent is copied in once as a whole and read from the copy.  What is
 * received is written piece by piece into the guest's buffer; a descriptor
 * becomes visible only after its number has been written.
 */
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/copy.h"
#include "sentry/task/pidns.h"
#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/time.h"
#include "syscalls/path.h"
#include "syscalls/socket.h"

/* net.core.optmem_max. */
enum { CONTROL_MAX = 131072, HEAD = sizeof(struct abi_cmsghdr) };

static int get_rights(struct task *t, const uint8_t *data, size_t size, struct scm *out)
{
	size_t num = size / sizeof(int32_t);

	if (num == 0)
		return 0;
	if (num > SCM_MAX_FD)
		return -EINVAL;
	if (!out->files) {
		out->files = malloc(sizeof *out->files);
		if (!out->files)
			return -ENOMEM;
		out->files->count = 0;
		out->files->inflight = false;
	}
	struct scm_files *files = out->files;
	if (files->count + num > SCM_MAX_FD)
		return -EINVAL;
	for (size_t i = 0; i < num; i++) {
		int32_t fd;
		memcpy(&fd, data + i * sizeof fd, sizeof fd);
		struct file *f = fd < 0 ? NULL : fdtab_get(t->fds, fd);
		if (!f)
			return -EBADF;
		files->file[files->count++] = f;
	}
	return 0;
}

/* Only what is true of the sender, unless he may pretend. */
static bool may_claim(struct task *t, const struct abi_ucred *u)
{
	const struct cred *c = task_cred_self(t);
	bool pid = u->pid == t->group->nr ||
		   cred_capable_in(c, t->group->pid_ns->ns.owner, CAP_SYS_ADMIN);
	bool uid = u->uid == c->ruid || u->uid == c->euid || u->uid == c->suid ||
		   cred_capable_own(c, CAP_SETUID);
	bool gid = u->gid == c->rgid || u->gid == c->egid || u->gid == c->sgid ||
		   cred_capable_own(c, CAP_SETGID);
	return pid && uid && gid;
}

static int get_credentials(struct task *t, const uint8_t *data, size_t size, struct scm *out)
{
	struct abi_ucred u;

	if (size != sizeof u)
		return -EINVAL;
	memcpy(&u, data, sizeof u);
	u.uid = uid_meant(task_user_ns(t), u.uid);
	u.gid = gid_meant(task_user_ns(t), u.gid);
	if (u.uid == ID_NONE || u.gid == ID_NONE)
		return -EINVAL;
	if (!may_claim(t, &u))
		return -EPERM;
	/* It travels as an id. */
	lock(&kernel.tasks_lock);
	u.pid = pid_id_here_locked(u.pid);
	bool found = group_by_id_locked(u.pid) || task_by_id_locked(u.pid);
	unlock(&kernel.tasks_lock);
	if (!found)
		return -ESRCH;
	out->cred = u;
	out->has_cred = true;
	return 0;
}

static int get_one(struct task *t, const struct abi_cmsghdr *c, const uint8_t *data,
		   struct scm *out)
{
	size_t size = c->cmsg_len - HEAD;

	if (c->cmsg_level != SOL_SOCKET)
		return 0;
	switch (c->cmsg_type) {
	case SCM_RIGHTS:
		return get_rights(t, data, size, out);
	case SCM_CREDENTIALS:
		return get_credentials(t, data, size, out);
	}
	return -EINVAL;
}

static int get_all(struct task *t, const uint8_t *buf, size_t size, struct scm *out)
{
	int err = 0;

	for (size_t at = 0; err == 0 && at < size && size - at >= HEAD;) {
		struct abi_cmsghdr c;
		memcpy(&c, buf + at, sizeof c);
		if (c.cmsg_len < HEAD || c.cmsg_len > size - at)
			return -EINVAL;
		err = get_one(t, &c, buf + at + HEAD, out);
		at += ABI_CMSG_ALIGN(c.cmsg_len);
	}
	return err;
}

int cmsg_get(struct task *t, uaddr_t control, uint64_t size, struct scm *out)
{
	autofree uint8_t *buf = NULL;

	if (size == 0)
		return 0;
	if (size >= CONTROL_MAX)
		return -ENOBUFS;
	buf = malloc(size);
	if (!buf)
		return -ENOBUFS;
	int err = copy_in(t->mm, buf, control, size);
	if (err == 0)
		err = get_all(t, buf, size, out);
	if (err < 0)
		scm_clear(out);
	return err;
}

static void advance(struct abi_msghdr *h, size_t data_size)
{
	size_t n = min_u64(ABI_CMSG_ALIGN(HEAD + data_size), h->msg_controllen);
	h->msg_control += n;
	h->msg_controllen -= n;
}

/* data: at most 16 bytes. */
static void put_one(struct task *t, struct sock_msg *m, struct abi_msghdr *h, int type,
		    const void *data, size_t size)
{
	struct {
		struct abi_cmsghdr head;
		char data[16];
	} c = {{HEAD + size, SOL_SOCKET, type}, {0}};

	memcpy(c.data, data, size);
	if (h->msg_controllen < HEAD) {
		m->out_flags |= MSG_CTRUNC;
		return;
	}
	if (h->msg_controllen < c.head.cmsg_len) {
		m->out_flags |= MSG_CTRUNC;
		c.head.cmsg_len = h->msg_controllen;
	}
	/* An address that cannot be written is skipped without a word, as in Linux. */
	if (copy_out(t->mm, h->msg_control, &c, c.head.cmsg_len) == 0)
		advance(h, size);
}

static void put_credentials(struct task *t, struct sock_msg *m, struct abi_msghdr *h)
{
	struct abi_ucred u = {0, ID_OVERFLOW, ID_OVERFLOW};
	if (m->scm.has_cred) {
		u.pid = pid_here(m->scm.cred.pid);
		u.uid = uid_seen(task_user_ns(t), m->scm.cred.uid);
		u.gid = gid_seen(task_user_ns(t), m->scm.cred.gid);
	}
	put_one(t, m, h, SCM_CREDENTIALS, &u, sizeof u);
}

static void put_time(struct task *t, const struct sock *s, struct sock_msg *m, struct abi_msghdr *h)
{
	struct abi_timespec ts = {m->time_ns / NSEC_PER_SEC, m->time_ns % NSEC_PER_SEC};
	struct abi_timeval tv = {ts.tv_sec, ts.tv_nsec / NSEC_PER_USEC};

	if (sock_flag(s, SO_TIMESTAMPNS))
		put_one(t, m, h, SO_TIMESTAMPNS, &ts, sizeof ts);
	else
		put_one(t, m, h, SO_TIMESTAMP, &tv, sizeof tv);
}

/* One descriptor: false ends it. */
static bool put_right(struct task *t, struct file *f, uaddr_t at, bool cloexec)
{
	int fd;

	if (fd_reserve(t->fds, 1, 0, fd_limit(t), &fd) < 0)
		return false;
	if (copy_out(t->mm, at, &fd, sizeof fd) < 0) {
		fd_unreserve(t->fds, fd);
		return false;
	}
	fd_publish(t->fds, fd, file_get(f), cloexec);
	return true;
}

static void put_rights(struct task *t, struct sock_msg *m, struct abi_msghdr *h)
{
	const struct scm_files *files = m->scm.files;
	uint64_t room = h->msg_controllen > HEAD ? (h->msg_controllen - HEAD) / sizeof(int32_t) : 0;
	uint64_t max = min_u64(room, files->count), n = 0;

	while (n < max && put_right(t, files->file[n], h->msg_control + HEAD + n * sizeof(int32_t),
				    m->flags & MSG_CMSG_CLOEXEC))
		n++;
	if (n > 0) {
		struct abi_cmsghdr c = {HEAD + n * sizeof(int32_t), SOL_SOCKET, SCM_RIGHTS};
		if (copy_out(t->mm, h->msg_control, &c, sizeof c) == 0)
			advance(h, n * sizeof(int32_t));
	}
	if (n < files->count)
		m->out_flags |= MSG_CTRUNC;
}

void cmsg_put(struct task *t, struct file *f, struct sock_msg *m, struct abi_msghdr *h)
{
	const struct sock *s = sock_of(f);
	bool creds = sock_flag(s, SO_PASSCRED);

	if (!h->msg_control) {
		if (creds || m->scm.files || m->time_ns)
			m->out_flags |= MSG_CTRUNC;
		return;
	}
	if (m->time_ns)
		put_time(t, s, m, h);
	if (creds)
		put_credentials(t, m, h);
	if (m->scm.files)
		put_rights(t, m, h);
}
