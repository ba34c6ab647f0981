/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces, as far as AF_UNIX goes: abstract names. */
#include "ns.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0vedette-ns-net"};
static const socklen_t size = offsetof(struct sockaddr_un, sun_path) + 16;

static int listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(fd);
	ASSERT_OK(bind(fd, (const struct sockaddr *)&name, size));
	ASSERT_OK(listen(fd, 5));
	return fd;
}

static int dial(int fd)
{
	return connect(fd, (const struct sockaddr *)&name, size);
}

TEST(abstract_names_are_of_the_namespace)
{
	NEED_ROOT();
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWNET));
		listener();
		ASSERT_OK(dial(socket(AF_UNIX, SOCK_STREAM, 0)));
		JOIN(SPAWN({
			ASSERT_OK(unshare(CLONE_NEWNET));
			ASSERT_ERR(dial(socket(AF_UNIX, SOCK_STREAM, 0)), ECONNREFUSED);
			listener();
			ASSERT_OK(dial(socket(AF_UNIX, SOCK_STREAM, 0)));
		}));
	}));
}

TEST(a_socket_stays_where_it_was_made)
{
	NEED_ROOT();
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWNET));
		listener();
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		JOIN(SPAWN({
			ASSERT_OK(unshare(CLONE_NEWNET));
			ASSERT_OK(dial(fd));
		}));
	}));
}

TEST(paths_are_not_of_the_namespace)
{
	NEED_ROOT();
	char dir[] = "/tmp/ns_net.XXXXXX";
	ASSERT(mkdtemp(dir));
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	snprintf(un.sun_path, sizeof un.sun_path, "%s/s", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(bind(fd, (struct sockaddr *)&un, sizeof un));
	ASSERT_OK(listen(fd, 5));
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWNET));
		int to = socket(AF_UNIX, SOCK_STREAM, 0);
		ASSERT_OK(connect(to, (struct sockaddr *)&un, sizeof un));
	}));
	unlink(un.sun_path);
	rmdir(dir);
}

TEST_MAIN()
