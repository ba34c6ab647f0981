/* SPDX-License-Identifier: Apache-2.0 */
/* ioctls about the settings of a pseudoterminal: tty_ioctl(4). */
#include <errno.h>
#include <string.h>

#include "sentry/task/signal.h"
#include "sentry/tty/tty.h"
#include "syscalls/abi/errno.h"

/* The first member of termios2 is termios, field by field. */
_Static_assert(__builtin_offsetof(struct abi_termios2, c_ispeed) == sizeof(struct abi_termios),
	       "termios2 extends termios");

static int64_t get_termios(struct pty *p, const struct ioctl_args *a, size_t size)
{
	lock(&p->tty.lock);
	struct abi_termios2 t = p->termios;
	unlock(&p->tty.lock);
	return copy_out(a->mm, a->arg, &t, size);
}

static int64_t get_termio(struct pty *p, const struct ioctl_args *a)
{
	lock(&p->tty.lock);
	const struct abi_termios2 t = p->termios;
	unlock(&p->tty.lock);
	struct abi_termio old = {
		.c_iflag = (uint16_t)t.c_iflag,
		.c_oflag = (uint16_t)t.c_oflag,
		.c_cflag = (uint16_t)t.c_cflag,
		.c_lflag = (uint16_t)t.c_lflag,
		.c_line = t.c_line,
	};
	memcpy(old.c_cc, t.c_cc, sizeof old.c_cc);
	return copy_out(a->mm, a->arg, &old, sizeof old);
}

/* The halves that struct termio does not have stay. */
static int read_termio(const struct ioctl_args *a, struct abi_termios2 *t)
{
	const uint32_t upper = 0xffff0000;
	struct abi_termio new;
	int err = copy_in(a->mm, &new, a->arg, sizeof new);
	if (err < 0)
		return err;
	t->c_iflag = (t->c_iflag & upper) | new.c_iflag;
	t->c_oflag = (t->c_oflag & upper) | new.c_oflag;
	t->c_cflag = (t->c_cflag & upper) | new.c_cflag;
	t->c_lflag = (t->c_lflag & upper) | new.c_lflag;
	t->c_line = new.c_line;
	memcpy(t->c_cc, new.c_cc, sizeof new.c_cc);
	return 0;
}

static bool output_empty(struct pty *p)
{
	lock(&p->tty.lock);
	bool empty = p->out.count == 0 || p->tty.hung;
	unlock(&p->tty.lock);
	return empty;
}

/* TCSETSW, TCSBRK: the master has read all. */
static int drain(struct pty *p)
{
	return waitq_sleep(&p->slave_wq, 0, WAIT_INTR, WAIT_FOREVER, output_empty(p));
}

static void packet_note_locked(struct pty *p, const struct abi_termios2 *old)
{
	const uint8_t *cc = p->termios.c_cc;
	bool was = (old->c_iflag & IXON) && old->c_cc[VSTOP] == 19 && old->c_cc[VSTART] == 17;
	bool is = (p->termios.c_iflag & IXON) && cc[VSTOP] == 19 && cc[VSTART] == 17;
	if (!p->packet || was == is)
		return;
	p->packet_status &= (uint8_t)~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
	p->packet_status |= is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
	waitq_wake(&p->master_wq, 0);
}

enum { NOW, AFTER_DRAIN, AFTER_FLUSH };

static int64_t set_termios(struct pty *p, const struct ioctl_args *a, size_t size, int when,
			   bool master)
{
	struct abi_termios2 t;
	int64_t err = master ? 0 : tty_check_change(&p->tty, SIGTTOU);
	if (err < 0)
		return err;
	lock(&p->tty.lock);
	t = p->termios;
	unlock(&p->tty.lock);
	err = size == sizeof(struct abi_termio) ? read_termio(a, &t)
						: copy_in(a->mm, &t, a->arg, size);
	if (err < 0)
		return err;
	if (when != NOW && (err = drain(p)) < 0)
		return err;
	lock(&p->tty.lock);
	struct abi_termios2 old = p->termios;
	if (when == AFTER_FLUSH)
		ldisc_flush_input_locked(p);
	p->termios = t;
	ldisc_mode_changed_locked(p, old.c_lflag & ICANON);
	packet_note_locked(p, &old);
	if (p->stopped && !(t.c_iflag & IXON)) {
		p->stopped = false;
		waitq_wake(&p->slave_wq, 0);
	}
	unlock(&p->tty.lock);
	return 0;
}

static int64_t set_winsize(struct pty *p, const struct ioctl_args *a)
{
	struct abi_winsize w;
	if (copy_in(a->mm, &w, a->arg, sizeof w) < 0)
		return -EFAULT;
	lock(&p->tty.lock);
	bool changed = memcmp(&w, &p->winsize, sizeof w) != 0;
	p->winsize = w;
	unlock(&p->tty.lock);
	if (changed)
		tty_signal(&p->tty, SIGWINCH);
	return 0;
}

static int64_t get_winsize(struct pty *p, const struct ioctl_args *a)
{
	lock(&p->tty.lock);
	struct abi_winsize w = p->winsize;
	unlock(&p->tty.lock);
	return copy_out(a->mm, a->arg, &w, sizeof w);
}

/* What is flushed depends on the side: the master's output is the slave's input. */
static int64_t flush(struct pty *p, uint64_t which, bool master)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	bool to_slave = which == TCIOFLUSH || (which == TCIFLUSH) != master;
	bool to_master = which == TCIOFLUSH || (which == TCOFLUSH) != master;
	lock(&p->tty.lock);
	if (to_slave)
		ldisc_flush_input_locked(p);
	if (to_master)
		p->out.count = 0;
	if (p->packet && !master) {
		p->packet_status |= (to_slave ? TIOCPKT_FLUSHREAD : 0) |
				    (to_master ? TIOCPKT_FLUSHWRITE : 0);
		waitq_wake(&p->master_wq, 0);
	}
	waitq_wake(&p->slave_wq, 0);
	unlock(&p->tty.lock);
	return 0;
}

static int64_t flow(struct pty *p, uint64_t what)
{
	lock(&p->tty.lock);
	if (what == TCOOFF)
		p->stopped = true;
	else if (what == TCOON)
		p->stopped = false;
	waitq_wake(&p->slave_wq, 0);
	unlock(&p->tty.lock);
	return what <= TCION ? 0 : -EINVAL;
}

static int64_t count_out(struct pty *p, const struct ioctl_args *a, bool master)
{
	lock(&p->tty.lock);
	bool input = a->cmd == FIONREAD;
	bool whole_lines = p->termios.c_lflag & ICANON;
	int n = input == master ? (int)p->out.count : (int)p->in_count;
	if (input && !master && whole_lines) {
		for (n = (int)p->in_count; n > 0 && !p->mark[n - 1]; n--)
			;
	}
	unlock(&p->tty.lock);
	return copy_out(a->mm, a->arg, &n, sizeof n);
}

int64_t pty_settings_ioctl(struct pty *p, const struct ioctl_args *a, bool master)
{
	const size_t v0 = sizeof(struct abi_termio), v1 = sizeof(struct abi_termios),
		     v2 = sizeof(struct abi_termios2);
	switch (a->cmd) {
	case TCGETA:
		return get_termio(p, a);
	case TCSETA:
		return set_termios(p, a, v0, NOW, master);
	case TCSETAW:
		return set_termios(p, a, v0, AFTER_DRAIN, master);
	case TCSETAF:
		return set_termios(p, a, v0, AFTER_FLUSH, master);
	case TCGETS:
		return get_termios(p, a, v1);
	case TCGETS2:
		return get_termios(p, a, v2);
	case TCSETS:
		return set_termios(p, a, v1, NOW, master);
	case TCSETSW:
		return set_termios(p, a, v1, AFTER_DRAIN, master);
	case TCSETSF:
		return set_termios(p, a, v1, AFTER_FLUSH, master);
	case TCSETS2:
		return set_termios(p, a, v2, NOW, master);
	case TCSETSW2:
		return set_termios(p, a, v2, AFTER_DRAIN, master);
	case TCSETSF2:
		return set_termios(p, a, v2, AFTER_FLUSH, master);
	case TIOCGWINSZ:
		return get_winsize(p, a);
	case TIOCSWINSZ:
		return set_winsize(p, a);
	case TCFLSH:
		return flush(p, a->arg, master);
	case TCXONC:
		return flow(p, a->arg);
	case TCSBRK:
	case TCSBRKP:
		return drain(p);
	case FIONREAD:
	case TIOCOUTQ:
		return count_out(p, a, master);
	default:
		return -ENOIOCTLCMD;
	}
}
