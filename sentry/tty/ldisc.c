/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line discipline N_TTY: what happens between a keyboard and a program.
 *
 * Input bytes carry a mark: MARK_LINE ends a line and is delivered, MARK_EOF
 * ends one and is not.  In canonical mode a reader gets at most one line; in
 * raw mode marks mean nothing.  termios(3).
 */
#include <errno.h>
#include <string.h>

#include "sentry/task/signal.h"
#include "sentry/tty/tty.h"

enum { TAB_STOP = 8 };

bool ring_put(struct ring *r, uint8_t c)
{
	if (r->count == TTY_RING)
		return false;
	r->buf[(r->head + r->count++) % TTY_RING] = c;
	return true;
}

unsigned ring_room(const struct ring *r)
{
	return TTY_RING - r->count;
}

size_t ring_get(struct ring *r, uint8_t *buf, size_t size)
{
	size_t n = min_u64(size, r->count);
	for (size_t i = 0; i < n; i++)
		buf[i] = r->buf[(r->head + i) % TTY_RING];
	r->head = (r->head + (unsigned)n) % TTY_RING;
	r->count -= (unsigned)n;
	return n;
}

static bool is_set(const struct pty *p, uint32_t flag)
{
	return p->termios.c_lflag & flag;
}

static bool is_cc(const struct pty *p, unsigned which, uint8_t c)
{
	return p->termios.c_cc[which] && p->termios.c_cc[which] == c;
}

void ldisc_reset_locked(struct pty *p)
{
	static const uint8_t cc[ABI_NCCS] = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
		[VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
		[VWERASE] = 23, [VLNEXT] = 22,
	};
	p->termios = (struct abi_termios2){
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B38400 | CS8 | CREAD,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_ispeed = 38400,
		.c_ospeed = 38400,
	};
	memcpy(p->termios.c_cc, cc, sizeof cc);
}

/* --- output ------------------------------------------------------------------------------ */

/* Room for the longest expansion of one byte. */
static bool out_room(const struct pty *p)
{
	return ring_room(&p->out) >= TAB_STOP;
}

static void out_tab(struct pty *p)
{
	unsigned n = TAB_STOP - p->column % TAB_STOP;
	p->column += n;
	if ((p->termios.c_oflag & TABDLY) != XTABS) {
		ring_put(&p->out, '\t');
		return;
	}
	while (n-- > 0)
		ring_put(&p->out, ' ');
}

/* One byte of output with OPOST applied. */
static void out_char(struct pty *p, uint8_t c)
{
	uint32_t o = p->termios.c_oflag;
	if (!(o & OPOST)) {
		ring_put(&p->out, c);
		return;
	}
	switch (c) {
	case '\n':
		if (o & ONLRET)
			p->column = 0;
		if (o & ONLCR) {
			ring_put(&p->out, '\r');
			p->column = 0;
		}
		ring_put(&p->out, '\n');
		break;
	case '\r':
		if ((o & ONOCR) && p->column == 0)
			break;
		if (o & OCRNL)
			c = '\n';
		if (!(o & OCRNL) || (o & ONLRET))
			p->column = 0;
		ring_put(&p->out, c);
		break;
	case '\t':
		out_tab(p);
		break;
	case '\b':
		if (p->column > 0)
			p->column--;
		ring_put(&p->out, c);
		break;
	default:
		if ((o & OLCUC) && c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 32);
		if (c >= 32 && (c & 0xc0) != 0x80)
			p->column++;
		ring_put(&p->out, c);
	}
}

size_t ldisc_output_locked(struct pty *p, const uint8_t *buf, size_t size)
{
	size_t n = 0;
	if (p->stopped)
		return 0;
	while (n < size && out_room(p))
		out_char(p, buf[n++]);
	return n;
}

/* --- echo -------------------------------------------------------------------------------- */

static bool is_ctrl(const struct pty *p, uint8_t c)
{
	return is_set(p, ECHOCTL) && c != '\t' && c != '\n' && (c < 32 || c == 127);
}

static void echo(struct pty *p, uint8_t c)
{
	if (!out_room(p))
		return; /* as Linux: echo is lost when nobody reads the master */
	if (is_ctrl(p, c)) {
		out_char(p, '^');
		out_char(p, c ^ 0x40);
	} else {
		out_char(p, c);
	}
}

static void echo_if_on(struct pty *p, uint8_t c)
{
	if (is_set(p, ECHO) || (c == '\n' && is_set(p, ECHONL) && is_set(p, ICANON)))
		echo(p, c);
}

/* Takes the picture of the last input byte off the screen. */
static void echo_erase(struct pty *p, uint8_t c)
{
	unsigned width = is_ctrl(p, c) ? 2 : 1;
	if (!is_set(p, ECHO) || !out_room(p))
		return;
	if (!is_set(p, ECHOE)) {
		echo(p, p->termios.c_cc[VERASE]);
		return;
	}
	while (width-- > 0) {
		out_char(p, '\b');
		out_char(p, ' ');
		out_char(p, '\b');
	}
}

/* --- input ------------------------------------------------------------------------------- */

static void in_put(struct pty *p, uint8_t c, uint8_t mark)
{
	p->in[p->in_count] = c;
	p->mark[p->in_count++] = mark;
	p->lines += mark != 0;
	if (mark || !is_set(p, ICANON))
		waitq_wake(&p->slave_wq, 0);
}

void ldisc_flush_input_locked(struct pty *p)
{
	p->in_count = p->lines = 0;
	waitq_wake(&p->master_wq, 0);
}

/* The byte before the cursor, if it belongs to the line being typed. */
static bool line_pop(struct pty *p, uint8_t *out)
{
	if (p->in_count == 0 || p->mark[p->in_count - 1])
		return false;
	*out = p->in[--p->in_count];
	return true;
}

static bool is_utf8_tail(const struct pty *p, uint8_t c)
{
	return (p->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

static void erase_char(struct pty *p)
{
	uint8_t c = 0;
	bool any = false;
	while (line_pop(p, &c)) {
		any = true;
		if (!is_utf8_tail(p, c))
			break;
	}
	if (any)
		echo_erase(p, c);
}

static void erase_word(struct pty *p)
{
	bool seen = false;
	uint8_t c;
	while (p->in_count > 0 && !p->mark[p->in_count - 1]) {
		c = p->in[p->in_count - 1];
		bool word = c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
		if (!word && seen)
			break;
		seen |= word;
		line_pop(p, &c);
		echo_erase(p, c);
	}
}

static void kill_line(struct pty *p)
{
	uint8_t c;
	bool visual = is_set(p, ECHOK) && is_set(p, ECHOKE) && is_set(p, ECHOE);
	while (line_pop(p, &c))
		if (visual)
			echo_erase(p, c);
	if (!visual && is_set(p, ECHO)) {
		echo(p, p->termios.c_cc[VKILL]);
		if (is_set(p, ECHOK))
			echo(p, '\n');
	}
}

static void reprint(struct pty *p)
{
	unsigned i = p->in_count;
	if (!is_set(p, ECHO))
		return;
	echo(p, p->termios.c_cc[VREPRINT]);
	echo(p, '\n');
	while (i > 0 && !p->mark[i - 1])
		i--;
	for (; i < p->in_count; i++)
		echo(p, p->in[i]);
}

static void send_signal(struct pty *p, int sig, uint8_t c)
{
	if (!is_set(p, NOFLSH)) {
		ldisc_flush_input_locked(p);
		p->out.count = 0;
		p->stopped = false;
	}
	if (is_set(p, ECHO))
		echo(p, c);
	tty_signal(&p->tty, sig);
}

/* INTR, QUIT, SUSP; START and STOP.  True if c was one of them. */
static bool input_special(struct pty *p, uint8_t c)
{
	if (p->termios.c_iflag & IXON) {
		if (is_cc(p, VSTOP, c)) {
			p->stopped = true;
			return true;
		}
		if (is_cc(p, VSTART, c)) {
			p->stopped = false;
			waitq_wake(&p->slave_wq, 0);
			return true;
		}
	}
	if (!is_set(p, ISIG))
		return false;
	int sig = is_cc(p, VINTR, c)   ? SIGINT
		  : is_cc(p, VQUIT, c) ? SIGQUIT
		  : is_cc(p, VSUSP, c) ? SIGTSTP
				       : 0;
	if (sig)
		send_signal(p, sig, c);
	return sig != 0;
}

/* Line editing.  True if c was consumed by it. */
static bool input_edit(struct pty *p, uint8_t c)
{
	bool extended = is_set(p, IEXTEN);
	if (is_cc(p, VERASE, c))
		erase_char(p);
	else if (extended && is_cc(p, VWERASE, c))
		erase_word(p);
	else if (is_cc(p, VKILL, c))
		kill_line(p);
	else if (extended && is_cc(p, VREPRINT, c))
		reprint(p);
	else if (extended && is_cc(p, VLNEXT, c)) {
		p->literal = true;
		if (is_set(p, ECHO) && is_set(p, ECHOCTL) && out_room(p)) {
			out_char(p, '^');
			out_char(p, '\b');
		}
	} else if (is_cc(p, VEOF, c)) {
		in_put(p, c, MARK_EOF);
	} else {
		return false;
	}
	return true;
}

static bool is_line_end(const struct pty *p, uint8_t c)
{
	return c == '\n' || is_cc(p, VEOL, c) || (is_set(p, IEXTEN) && is_cc(p, VEOL2, c));
}

static bool input_room(struct pty *p, uint8_t c)
{
	/* A canonical line keeps a place for its end, so that it can always be read. */
	unsigned limit = is_set(p, ICANON) && !is_line_end(p, c) ? TTY_LINE - 1 : TTY_LINE;
	return p->in_count < limit;
}

/* CR and NL as c_iflag wants them; false: dropped. */
static bool input_translate(struct pty *p, uint8_t *c)
{
	uint32_t i = p->termios.c_iflag;
	if (i & ISTRIP)
		*c &= 0x7f;
	if ((i & IUCLC) && is_set(p, IEXTEN) && *c >= 'A' && *c <= 'Z')
		*c = (uint8_t)(*c + 32);
	if (*c == '\r') {
		if (i & IGNCR)
			return false;
		if (i & ICRNL)
			*c = '\n';
	} else if (*c == '\n' && (i & INLCR)) {
		*c = '\r';
	}
	return true;
}

static void input_store(struct pty *p, uint8_t c)
{
	bool canonical = is_set(p, ICANON);
	if (!input_room(p, c)) {
		if (p->termios.c_iflag & IMAXBEL)
			ring_put(&p->out, 7);
		return;
	}
	echo_if_on(p, c);
	in_put(p, c, canonical && is_line_end(p, c) ? MARK_LINE : 0);
}

bool ldisc_input_locked(struct pty *p, uint8_t c)
{
	if (p->literal) {
		p->literal = false;
		if (p->in_count < TTY_LINE - 1) {
			if (is_set(p, ECHO))
				echo(p, c);
			in_put(p, c, 0);
		}
		return true;
	}
	if (!is_set(p, ICANON) && p->in_count == TTY_LINE)
		return false;
	if (is_set(p, ICANON) && p->lines > 0 && p->in_count == TTY_LINE)
		return false;
	if (p->stopped && (p->termios.c_iflag & IXANY) && (p->termios.c_iflag & IXON)) {
		p->stopped = false;
		waitq_wake(&p->slave_wq, 0);
	}
	if (input_special(p, c) || !input_translate(p, &c))
		return true;
	if (is_set(p, ICANON) && input_edit(p, c))
		return true;
	input_store(p, c);
	return true;
}

/* --- reading ----------------------------------------------------------------------------- */

bool ldisc_readable_locked(const struct pty *p)
{
	if (is_set(p, ICANON))
		return p->lines > 0;
	unsigned need = p->termios.c_cc[VTIME] ? 1 : p->termios.c_cc[VMIN];
	return p->in_count >= (need ? need : 1);
}

static void in_consume(struct pty *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p->lines -= p->mark[i] != 0;
	p->in_count -= n;
	memmove(p->in, p->in + n, p->in_count);
	memmove(p->mark, p->mark + n, p->in_count);
	waitq_wake(&p->master_wq, 0);
}

static ssize_t read_line(struct pty *p, uint8_t *buf, size_t size)
{
	unsigned n = 0;
	if (p->lines == 0)
		return -EAGAIN;
	while (n < size && n < p->in_count) {
		if (p->mark[n] == MARK_EOF) {
			in_consume(p, n + 1);
			return n;
		}
		buf[n] = p->in[n];
		if (p->mark[n++] == MARK_LINE)
			break;
	}
	/* A full buffer right before an EOF mark takes the mark along: it must not read as an end. */
	bool eof_next = n == size && n < p->in_count && p->mark[n] == MARK_EOF && n > 0 &&
			!p->mark[n - 1];
	in_consume(p, n + eof_next);
	return n;
}

ssize_t ldisc_read_locked(struct pty *p, uint8_t *buf, size_t size)
{
	if (is_set(p, ICANON))
		return read_line(p, buf, size);
	unsigned min = p->termios.c_cc[VMIN];
	if (p->in_count == 0)
		return min == 0 && p->termios.c_cc[VTIME] == 0 ? 0 : -EAGAIN;
	if (!p->termios.c_cc[VTIME] && p->in_count < min_u64(min, size))
		return -EAGAIN;
	unsigned n = (unsigned)min_u64(size, p->in_count);
	memcpy(buf, p->in, n);
	in_consume(p, n);
	return n;
}

void ldisc_mode_changed_locked(struct pty *p, bool was_canonical)
{
	bool canonical = is_set(p, ICANON);
	if (canonical == was_canonical)
		return;
	if (canonical) {
		/* What was typed in raw mode can be read as one line. */
		if (p->in_count > 0 && !p->mark[p->in_count - 1]) {
			p->mark[p->in_count - 1] = MARK_LINE;
			p->lines++;
		}
	} else {
		for (unsigned i = 0; i < p->in_count; i++)
			p->mark[i] = 0;
		p->lines = 0;
	}
	waitq_wake(&p->slave_wq, 0);
}
