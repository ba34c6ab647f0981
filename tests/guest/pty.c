/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudo terminals: the pair, the line discipline and the end of either side.
 */
#include "pty.h"

#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

TEST(pty_slave_is_locked_at_first)
{
	int n = -1, one = 1, zero = 0, lock = -1;
	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ASSERT_OK(m);
	ASSERT_OK(ioctl(m, TIOCGPTN, &n));
	snprintf(slave, sizeof slave, "/dev/pts/%d", n);
	ASSERT_OK(ioctl(m, TIOCGPTLCK, &lock));
	ASSERT_EQ(lock, 1);
	ASSERT_ERR(open(slave, O_RDWR | O_NOCTTY), EIO);
	ASSERT_OK(ioctl(m, TIOCSPTLCK, &zero));
	ASSERT_OK(open(slave, O_RDWR | O_NOCTTY));
	ASSERT_OK(ioctl(m, TIOCSPTLCK, &one));
	ASSERT_ERR(open(slave, O_RDWR | O_NOCTTY), EIO);
}

TEST(pty_pairs_are_distinct)
{
	int a = -1, b = -1, x = open("/dev/ptmx", O_RDWR), y = open("/dev/ptmx", O_RDWR);
	ASSERT_OK(ioctl(x, TIOCGPTN, &a));
	ASSERT_OK(ioctl(y, TIOCGPTN, &b));
	ASSERT(a != b);
}

TEST(pty_slave_node_goes_with_the_master)
{
	make_pair();
	struct stat st;
	ASSERT_OK(stat(slave, &st));
	ASSERT(S_ISCHR(st.st_mode));
	ASSERT_EQ(major(st.st_rdev), 136);
	ASSERT_OK(close(s));
	ASSERT_OK(close(m));
	ASSERT_ERR(stat(slave, &st), ENOENT);
}

TEST(pty_peer_ioctl_opens_the_slave)
{
	make_pair();
	int p = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_OK(p);
	ASSERT_EQ(fcntl(p, F_GETFD), FD_CLOEXEC);
	struct stat a, b;
	ASSERT_OK(fstat(p, &a));
	ASSERT_OK(stat(slave, &b));
	ASSERT_EQ(a.st_rdev, b.st_rdev);
}

TEST(pty_both_ends_are_ttys_and_a_file_is_not)
{
	struct termios t;
	make_pair();
	ASSERT_EQ(isatty(m), 1);
	ASSERT_EQ(isatty(s), 1);
	ASSERT_ERR(tcgetattr(open("/", O_RDONLY), &t), ENOTTY);
	char name[64];
	ASSERT_EQ(ttyname_r(s, name, sizeof name), 0);
	ASSERT_STR(name, slave);
}

TEST(pty_default_settings)
{
	make_pair();
	struct termios t = attr();
	ASSERT_EQ(t.c_iflag, ICRNL | IXON);
	ASSERT_EQ(t.c_oflag, OPOST | ONLCR);
	ASSERT_EQ(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
	ASSERT_EQ(t.c_cflag & (CSIZE | CREAD), CS8 | CREAD);
	ASSERT_EQ(cfgetospeed(&t), B38400);
	ASSERT_EQ(t.c_cc[VINTR], 3);
	ASSERT_EQ(t.c_cc[VQUIT], 28);
	ASSERT_EQ(t.c_cc[VERASE], 127);
	ASSERT_EQ(t.c_cc[VKILL], 21);
	ASSERT_EQ(t.c_cc[VEOF], 4);
	ASSERT_EQ(t.c_cc[VSUSP], 26);
	ASSERT_EQ(t.c_cc[VMIN], 1);
}

TEST(pty_canonical_input_waits_for_the_line)
{
	quiet_pair();
	int n = -1;
	type("ab");
	reads_nothing(s);
	ASSERT_OK(ioctl(s, FIONREAD, &n));
	ASSERT_EQ(n, 0);
	type("c\nnext");
	reads(s, "abc\n");
	reads_nothing(s);
}

TEST(pty_canonical_line_may_be_read_in_pieces)
{
	quiet_pair();
	char buf[4] = "";
	type("abcd\n");
	ASSERT_EQ(read(s, buf, 3), 3);
	ASSERT_STR(buf, "abc");
	reads(s, "d\n");
}

TEST(pty_canonical_read_gives_one_line_only)
{
	quiet_pair();
	type("a\nb\n");
	reads(s, "a\n");
	reads(s, "b\n");
}

TEST(pty_echo)
{
	make_pair();
	type("ab\n");
	reads(m, "ab\r\n");
	reads(s, "ab\n");
}

TEST(pty_echo_of_control_characters)
{
	make_pair();
	lflag(ISIG, 0);
	type("\001");
	reads(m, "^A");
}

TEST(pty_echo_off_still_echoes_newline_with_echonl)
{
	make_pair();
	lflag(ECHO, ECHONL);
	type("ab\n");
	reads(m, "\r\n");
}

TEST(pty_output_newline_becomes_cr_nl)
{
	make_pair();
	ASSERT_EQ(write(s, "x\ny", 3), 3);
	reads(m, "x\r\ny");
}

TEST(pty_output_raw_without_opost)
{
	make_pair();
	struct termios t = attr();
	t.c_oflag &= ~(tcflag_t)OPOST;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	ASSERT_EQ(write(s, "x\ny", 3), 3);
	reads(m, "x\ny");
}

TEST(pty_input_cr_becomes_nl)
{
	quiet_pair();
	type("ab\r");
	reads(s, "ab\n");
	struct termios t = attr();
	t.c_iflag = IGNCR;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	type("a\rb\n");
	reads(s, "ab\n");
	t.c_iflag = INLCR;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	lflag(ICANON, 0);
	type("\n");
	reads(s, "\r");
}

TEST(pty_erase_kill_and_word_erase)
{
	quiet_pair();
	type("ab\177c\n");
	reads(s, "ac\n");
	type("junk\025ok\n");
	reads(s, "ok\n");
	type("one two\027three\n");
	reads(s, "one three\n");
	type("\177\177x\n");
	reads(s, "x\n");
}

TEST(pty_literal_next)
{
	quiet_pair();
	type("a\026\003b\n");
	reads(s, "a\003b\n");
}

TEST(pty_end_of_file_character)
{
	quiet_pair();
	char c;
	type("ab\004");
	reads(s, "ab");
	type("\004");
	ASSERT_EQ(read(s, &c, 1), 0);
	/* It is not sticky. */
	type("x\n");
	reads(s, "x\n");
}

TEST(pty_raw_mode_gives_bytes_at_once)
{
	make_pair();
	struct termios t = attr();
	cfmakeraw(&t);
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	type("a\r\003\004");
	reads(s, "a\r\003\004");
	reads_nothing(m);
}

TEST(pty_raw_vmin_vtime)
{
	quiet_pair();
	char c;
	struct termios t = attr();
	cfmakeraw(&t);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	ASSERT_EQ(read(s, &c, 1), 0);
	t.c_cc[VTIME] = 1;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	ASSERT_EQ(read(s, &c, 1), 0);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	type("ab");
	pid_t pid = SPAWN({
		settle();
		type("c");
	});
	reads(s, "abc");
	JOIN(pid);
}

TEST(pty_tcsaflush_drops_pending_input)
{
	quiet_pair();
	type("old\n");
	arrived();
	struct termios t = attr();
	ASSERT_OK(tcsetattr(s, TCSAFLUSH, &t));
	reads_nothing(s);
	type("new\n");
	arrived();
	ASSERT_OK(tcflush(s, TCIFLUSH));
	reads_nothing(s);
	ASSERT_ERR(tcflush(s, 77), EINVAL);
}

TEST(pty_attributes_are_shared_by_master_and_slave)
{
	make_pair();
	struct termios a = attr(), b;
	a.c_lflag &= ~(tcflag_t)ECHO;
	ASSERT_OK(tcsetattr(m, TCSANOW, &a));
	b = attr();
	ASSERT_EQ(b.c_lflag & ECHO, 0);
}

/* The older struct of tty_ioctl(4): half of each flag word, and eight characters. */
TEST(pty_settings_of_system_v)
{
	struct {
		uint16_t iflag, oflag, cflag, lflag;
		uint8_t line, cc[8];
	} old;
	struct termios t, after;
	make_pair();
	t = attr();
	ASSERT_OK(ioctl(s, TCGETA, &old));
	ASSERT_EQ(old.iflag, t.c_iflag & 0xffff);
	ASSERT_EQ(old.lflag, t.c_lflag & 0xffff);
	ASSERT_EQ(memcmp(old.cc, t.c_cc, 8), 0);
	t.c_lflag |= 0x80000000;
	t.c_cc[VWERASE] = 7;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
	old.lflag &= (uint16_t)~ECHO;
	old.cc[VINTR] = 5;
	ASSERT_OK(ioctl(s, TCSETA, &old));
	after = attr();
	ASSERT_EQ(after.c_lflag, t.c_lflag & ~(tcflag_t)ECHO);
	ASSERT_EQ(after.c_cc[VINTR], 5);
	ASSERT_EQ(after.c_cc[VWERASE], 7);
	ASSERT_OK(ioctl(s, TCSETAF, &old));
	ASSERT_ERR(ioctl(s, TCGETA, (void *)1), EFAULT);
	ASSERT_ERR(ioctl(s, TCSETA, (void *)1), EFAULT);
	ASSERT_ERR(ioctl(open("/", O_RDONLY), TCGETA, &old), ENOTTY);
}

TEST(pty_window_size)
{
	make_pair();
	struct winsize w;
	ASSERT_OK(ioctl(s, TIOCGWINSZ, &w));
	ASSERT_EQ(w.ws_row, 0);
	w = (struct winsize){24, 80, 3, 4};
	ASSERT_OK(ioctl(m, TIOCSWINSZ, &w));
	memset(&w, 0, sizeof w);
	ASSERT_OK(ioctl(s, TIOCGWINSZ, &w));
	ASSERT_EQ(w.ws_row, 24);
	ASSERT_EQ(w.ws_col, 80);
	ASSERT_EQ(w.ws_xpixel, 3);
	ASSERT_ERR(ioctl(s, TIOCSWINSZ, bad_ptr), EFAULT);
	ASSERT_ERR(ioctl(s, 0x54ff, &w), ENOTTY);
}

TEST(pty_slave_closed_master_reads_eio)
{
	make_pair();
	char c;
	ASSERT_EQ(write(s, "bye", 3), 3);
	ASSERT_OK(close(s));
	/* What was written comes first. */
	reads(m, "bye");
	ASSERT_ERR(read(m, &c, 1), EIO);
	struct pollfd p = {m, POLLIN, 0};
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents & POLLHUP, POLLHUP);
	/* A new open of the slave brings it back. */
	s = open(slave, O_RDWR | O_NOCTTY);
	ASSERT_OK(s);
	ASSERT_EQ(write(s, "x", 1), 1);
	reads(m, "x");
}

TEST(pty_master_closed_slave_is_hung_up)
{
	make_pair();
	char c;
	ASSERT_OK(close(m));
	ASSERT_EQ(read(s, &c, 1), 0);
	ASSERT_ERR(write(s, "x", 1), EIO);
	struct termios t;
	ASSERT_ERR(tcgetattr(s, &t), EIO);
	struct pollfd p = {s, POLLIN, 0};
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents & (POLLHUP | POLLERR), POLLHUP | POLLERR);
}

TEST(pty_master_close_wakes_a_sleeping_reader)
{
	make_pair();
	pid_t pid = SPAWN({
		char c;
		ASSERT_OK(close(m));
		/* The peer goes first, the hangup follows: a reader may meet either. */
		ssize_t r = read(s, &c, 1);
		ASSERT(r == 0 || (r == -1 && errno == EIO));
	});
	settle();
	ASSERT_OK(close(m));
	JOIN(pid);
}

TEST(pty_poll_sees_input_and_room)
{
	quiet_pair();
	struct pollfd p = {s, POLLIN | POLLOUT, 0};
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLOUT);
	type("ab");
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLOUT);
	type("\n");
	arrived();
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLIN | POLLOUT);
}

TEST(pty_write_without_a_reader_sleeps_and_can_be_killed)
{
	struct rusage used;
	struct timespec fifth = {0, 200000000};
	static char much[1 << 20];
	int st;
	quiet_pair();
	lflag(ICANON, 0);
	pid_t p = fork();
	if (p == 0) {
		ssize_t n = write(m, much, sizeof much);
		_exit(n == sizeof much);
	}
	ASSERT_OK(nanosleep(&fifth, NULL));
	ASSERT_EQ(waitpid(p, &st, WNOHANG), 0);
	ASSERT_OK(kill(p, SIGKILL));
	ASSERT_EQ(wait4(p, &st, 0, &used), p);
	ASSERT_EQ(st, SIGKILL);
	ASSERT(used.ru_utime.tv_sec + used.ru_stime.tv_sec == 0);
	ASSERT(used.ru_utime.tv_usec + used.ru_stime.tv_usec < 100000);
}

TEST(pty_packet_mode)
{
	make_pair();
	int on = 1;
	char buf[8];
	ASSERT_OK(ioctl(m, TIOCPKT, &on));
	ASSERT_EQ(write(s, "x", 1), 1);
	ASSERT_EQ(read(m, buf, 8), 2);
	ASSERT_EQ(buf[0], TIOCPKT_DATA);
	ASSERT_EQ(buf[1], 'x');
	ASSERT_OK(tcflush(s, TCIFLUSH));
	ASSERT_EQ(read(m, buf, 8), 1);
	ASSERT_EQ(buf[0] & TIOCPKT_FLUSHREAD, TIOCPKT_FLUSHREAD);
}

TEST(pty_packet_mode_reads_nothing_into_nothing)
{
	make_pair();
	int on = 1;
	char buf[8];
	ASSERT_OK(ioctl(m, TIOCPKT, &on));
	ASSERT_OK(set_nonblock(s));
	for (int i = 0; i < 200; i++)
		write(s, "0123456789012345678901234567890123456789", 40);
	ASSERT_EQ(read(m, buf, 0), 0);
	ASSERT_EQ(read(m, buf, 8), 8);
	ASSERT_EQ(buf[0], TIOCPKT_DATA);
	ASSERT_EQ(buf[1], '0');
}

TEST(pty_isig_off_delivers_the_byte)
{
	quiet_pair();
	lflag(ISIG, 0);
	type("\003\n");
	reads(s, "\003\n");
}

TEST(pty_flow_control_holds_output)
{
	quiet_pair();
	type("\023a\n");
	arrived();
	reads(s, "a\n");
	ASSERT_OK(set_nonblock(s));
	ASSERT_ERR(write(s, "x", 1), EAGAIN);
	type("\021b\n");
	arrived();
	ASSERT_EQ(write(s, "x", 1), 1);
	reads(m, "x");
}

TEST_MAIN()
