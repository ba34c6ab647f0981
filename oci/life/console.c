/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

/* As runc, which sends the name of what it has opened along. */
static int send_master(int sock, int master)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} rights = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS}};
	struct iovec iov = {.iov_base = (char[]){"/dev/ptmx"}, .iov_len = strlen("/dev/ptmx")};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &rights,
			     .msg_controllen = sizeof rights};
	memcpy(CMSG_DATA(&rights.head), &master, sizeof master);
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path)
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	autoclose int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&a, sizeof a) < 0)
		return -errno;
	return STEAL_FD(sock);
}

int console_pair(int *out_master, int *out_slave)
{
	autoclose int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof name) != 0)
		return -errno;
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	*out_master = STEAL_FD(master);
	*out_slave = slave;
	return 0;
}

int console_open(const char *path, unsigned rows, unsigned columns, struct error *e)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	autoclose int sock = connect_to(path), master = -1, slave = -1;
	if (sock < 0)
		return error_set(e, sock, "--console-socket %s: %s", path, strerror(-sock));
	int err = console_pair(&master, &slave);
	if (err < 0)
		return error_set(e, err, "cannot make a pseudoterminal: %s (is /dev/pts mounted?)",
				 strerror(-err));
	if (rows && columns)
		ioctl(slave, TIOCSWINSZ, &size);
	if ((err = send_master(sock, master)) < 0)
		return error_set(e, err, "--console-socket %s: cannot send the terminal: %s", path,
				 strerror(-err));
	return STEAL_FD(slave);
}

int console_take(int slave)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return -errno;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(slave, fd) < 0)
			return -errno;
	if (slave > 2)
		close(slave);
	return 0;
}

int console_check(const char *path, int terminal, int detached, struct error *e)
{
	if (detached && terminal && !path)
		return error_set(e, -EINVAL,
				 "cannot allocate a terminal for a process in the background "
				 "without --console-socket");
	if (path && !(detached && terminal))
		return error_set(e, -EINVAL,
				 "--console-socket is for a process in the background that has a "
				 "terminal: without one it cannot be used");
	return 0;
}
