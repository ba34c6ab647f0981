/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the AF_UNIX tests share: addresses, and messages that carry descriptors.
 */
#pragma once

#include "fs.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* An address and its exact length. */
struct where {
	struct sockaddr_un un;
	socklen_t len;
};

/* A path, or an abstract name if it starts with '@'. */
TEST_HELPER struct where at(const char *name)
{
	struct where w = {.un = {.sun_family = AF_UNIX}};
	snprintf(w.un.sun_path, sizeof w.un.sun_path, "%s", name);
	w.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
	if (name[0] == '@') {
		w.un.sun_path[0] = 0;
		w.len--;
	}
	return w;
}

TEST_HELPER int bind_at(int s, const char *name)
{
	struct where w = at(name);
	return bind(s, (struct sockaddr *)&w.un, w.len);
}

TEST_HELPER int connect_at(int s, const char *name)
{
	struct where w = at(name);
	return connect(s, (struct sockaddr *)&w.un, w.len);
}

TEST_HELPER ssize_t send_at(int s, const char *name, const char *text)
{
	struct where w = at(name);
	return sendto(s, text, strlen(text), 0, (struct sockaddr *)&w.un, w.len);
}

/* A name nobody else uses, as two copies of a test may run at once. */
TEST_HELPER const char *abstract(const char *tag)
{
	static char name[100];
	snprintf(name, sizeof name, "@guest-%s-%d", tag, getpid());
	return name;
}

TEST_HELPER int listener(int type, const char *name, int backlog)
{
	int s = socket(AF_UNIX, type, 0);
	ASSERT_OK(s);
	ASSERT_OK(bind_at(s, name));
	ASSERT_OK(listen(s, backlog));
	return s;
}

TEST_HELPER void pair(int type, int s[2])
{
	ASSERT_OK(socketpair(AF_UNIX, type, 0, s));
}

TEST_HELPER int get_opt(int s, int opt)
{
	int v = -1;
	socklen_t n = sizeof v;
	ASSERT_OK(getsockopt(s, SOL_SOCKET, opt, &v, &n));
	ASSERT_EQ(n, 4);
	return v;
}

TEST_HELPER int set_opt(int s, int opt, int v)
{
	return setsockopt(s, SOL_SOCKET, opt, &v, sizeof v);
}

/* One byte and n descriptors. */
TEST_HELPER ssize_t send_fds(int s, const int *fds, size_t n)
{
	static union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * 300)];
	} c;
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	m.msg_control = &c;
	m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
	memset(&c, 0, sizeof c);
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(&c.align), fds, sizeof(int) * n);
	return sendmsg(s, &m, 0);
}

/* Receives a message with room for max descriptors; *out_flags gets msg_flags. */
TEST_HELPER int recv_fds(int s, int *fds, size_t max, int flags, int *out_flags)
{
	static union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * 300)];
	} c;
	char byte;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	m.msg_control = &c;
	m.msg_controllen = max ? CMSG_LEN(sizeof(int) * max) : 0;
	ASSERT_OK(recvmsg(s, &m, flags));
	if (out_flags)
		*out_flags = m.msg_flags;
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (!h)
		return 0;
	ASSERT_EQ(h->cmsg_level, SOL_SOCKET);
	ASSERT_EQ(h->cmsg_type, SCM_RIGHTS);
	size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	return (int)n;
}
