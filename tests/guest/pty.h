/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pseudo terminal for a test: m is its master, s its slave, slave the slave's path.
 */
#pragma once

#include "fs.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

TEST_HELPER int m, s;
TEST_HELPER char slave[32];

TEST_HELPER void make_pair(void)
{
	int zero = 0, n = -1;
	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (m < 0)
		SKIP("no /dev/ptmx: errno %d", errno);
	ASSERT_OK(ioctl(m, TIOCSPTLCK, &zero));
	ASSERT_OK(ioctl(m, TIOCGPTN, &n));
	snprintf(slave, sizeof slave, "/dev/pts/%d", n);
	s = open(slave, O_RDWR | O_NOCTTY);
	ASSERT_OK(s);
}

TEST_HELPER struct termios attr(void)
{
	struct termios t;
	ASSERT_OK(tcgetattr(s, &t));
	return t;
}

TEST_HELPER void lflag(tcflag_t clear, tcflag_t set)
{
	struct termios t = attr();
	t.c_lflag = (t.c_lflag & ~clear) | set;
	ASSERT_OK(tcsetattr(s, TCSANOW, &t));
}

/* No echo: what a test types does not come back. */
TEST_HELPER void quiet_pair(void)
{
	make_pair();
	lflag(ECHO, 0);
}

TEST_HELPER void type(const char *text)
{
	ASSERT_EQ(write(m, text, strlen(text)), strlen(text));
}

/*
 * Reads exactly this: from the slave at once, as a read there has a meaning;
 * from the master in any pieces, as output is handed over by the character.
 */
TEST_HELPER void reads(int fd, const char *text)
{
	char buf[256];
	size_t n = 0;
	do {
		ssize_t r = read(fd, buf + n, sizeof buf - 1 - n);
		ASSERT(r > 0);
		n += (size_t)r;
	} while (fd == m && n < strlen(text));
	buf[n] = 0;
	ASSERT_STR(buf, text);
}

/* What is typed goes through a queue; polling the slave is what drains it. */
TEST_HELPER void arrived(void)
{
	struct pollfd p = {s, POLLIN, 0};
	ASSERT_EQ(poll(&p, 1, -1), 1);
}

TEST_HELPER void reads_nothing(int fd)
{
	char c;
	ASSERT_OK(set_nonblock(fd));
	ASSERT_ERR(read(fd, &c, 1), EAGAIN);
}
