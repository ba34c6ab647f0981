/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioctl on a host descriptor: a list of commands with the size and direction of
 * their argument.  What is not listed does not reach the host.
 */
#include <errno.h>

#include "platform/host.h"
#include "sentry/fs/hostfile/private.h"
#include "syscalls/abi/ioctl.h"
#include "syscalls/abi/signal.h"
#include "syscalls/abi/stat.h"

enum { NONE, IN, OUT }; /* seen from the call: NONE passes a number */

static const struct passed {
	uint32_t cmd;
	uint8_t dir, size;
} tty_passed[] = {
	{TCGETS, OUT, sizeof(struct abi_termios)},
	{TCSETS, IN, sizeof(struct abi_termios)},
	{TCSETSW, IN, sizeof(struct abi_termios)},
	{TCSETSF, IN, sizeof(struct abi_termios)},
	{TCGETS2, OUT, sizeof(struct abi_termios2)},
	{TCSETS2, IN, sizeof(struct abi_termios2)},
	{TCSETSW2, IN, sizeof(struct abi_termios2)},
	{TCSETSF2, IN, sizeof(struct abi_termios2)},
	{TIOCGWINSZ, OUT, sizeof(struct abi_winsize)},
	{TIOCSWINSZ, IN, sizeof(struct abi_winsize)},
	{FIONREAD, OUT, sizeof(int32_t)},
	{TIOCOUTQ, OUT, sizeof(int32_t)},
	{TCFLSH, NONE, 0},
	{TCXONC, NONE, 0},
	{TCSBRK, NONE, 0},
	{TCSBRKP, NONE, 0},
};

static const struct passed stream_passed[] = {{FIONREAD, OUT, sizeof(int32_t)}};

static const struct hostfile_tty_hooks *tty_hooks; /* I once a process runs */

void hostfile_set_tty_hooks(const struct hostfile_tty_hooks *hooks)
{
	tty_hooks = hooks;
}

/* Writing from the background is allowed unless the terminal is told otherwise. */
static bool tostop(const struct hostfile *h)
{
	struct abi_termios t;
	return host_ioctl(h->fd, TCGETS, &t) == 0 && (t.c_lflag & TOSTOP);
}

int hostfile_job_check(const struct hostfile *h, int sig)
{
	if (!tty_hooks || !h->terminal || !tty_hooks->background(h->terminal))
		return 0;
	return sig == SIGTTIN || tostop(h) ? tty_hooks->check(h->terminal, sig) : 0;
}

/* What tty_ioctl(4) does not let the background do. */
static bool changes(uint32_t cmd)
{
	switch (cmd) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCFLSH:
	case TCXONC:
	case TCSBRK:
	case TCSBRKP:
		return true;
	default:
		return false;
	}
}

void hostfile_forget_terminal(void *terminal)
{
	tty_hooks->release(terminal);
}

bool hostfile_probe_tty(int fd)
{
	struct abi_termios t;
	return host_ioctl(fd, TCGETS, &t) == 0;
}

static int64_t pass(int fd, const struct passed *p, const struct ioctl_args *a)
{
	union {
		struct abi_termios2 t;
		struct abi_winsize w;
		int32_t i;
	} u = {.i = 0};
	int err;

	if (p->dir == NONE)
		return host_ioctl(fd, p->cmd, (void *)(uintptr_t)a->arg);
	if (p->dir == IN) {
		err = copy_in(a->mm, &u, a->arg, p->size);
		return err < 0 ? err : host_ioctl(fd, p->cmd, &u);
	}
	err = host_ioctl(fd, p->cmd, &u);
	return err < 0 ? err : copy_out(a->mm, a->arg, &u, p->size);
}

static int64_t pass_listed(int fd, const struct passed *list, size_t n, const struct ioctl_args *a)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].cmd == a->cmd)
			return pass(fd, &list[i], a);
	return -ENOTTY;
}

/* Bytes between the offset and the end. */
static int64_t file_left(struct file *f, const struct ioctl_args *a)
{
	struct hostfile *h = f->priv;
	struct host_stat st;
	int err = host_fstat(h->fd, &st);
	lock(&f->pos_lock);
	int32_t left = (int32_t)((int64_t)st.size - f->pos);
	unlock(&f->pos_lock);
	return err < 0 ? err : copy_out(a->mm, a->arg, &left, sizeof left);
}

int64_t hostfile_ioctl(struct file *f, const struct ioctl_args *a)
{
	struct hostfile *h = f->priv;
	if (h->type == S_IFREG)
		return a->cmd == FIONREAD ? file_left(f, a) : -ENOTTY;
	if (!h->tty)
		return pass_listed(h->fd, stream_passed, ARRAY_SIZE(stream_passed), a);
	int64_t ret = 0;
	if (tty_hooks && h->terminal && changes(a->cmd))
		ret = tty_hooks->check(h->terminal, SIGTTOU);
	if (ret == 0)
		ret = pass_listed(h->fd, tty_passed, ARRAY_SIZE(tty_passed), a);
	return ret == -ENOTTY && tty_hooks && h->terminal ? tty_hooks->ioctl(h->terminal, a) : ret;
}
