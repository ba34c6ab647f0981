/* SPDX-License-Identifier: Apache-2.0 */
/* uname, sethostname, setdomainname. */
#include "task.h"

#include <sys/utsname.h>

static struct utsname names(void)
{
	struct utsname u;
	memset(&u, 0x55, sizeof u);
	ASSERT_OK(uname(&u));
	return u;
}

TEST(it_is_linux_on_x86_64)
{
	struct utsname u = names();
	ASSERT_EQ(strcmp(u.sysname, "Linux"), 0);
	ASSERT_EQ(strcmp(u.machine, "x86_64"), 0);
}

TEST(every_field_is_a_string)
{
	struct utsname u = names();
	ASSERT(strnlen(u.nodename, 65) < 65);
	ASSERT(strnlen(u.release, 65) < 65);
	ASSERT(strnlen(u.version, 65) < 65 && u.version[0]);
	ASSERT(strnlen(u.domainname, 65) < 65);
}

TEST(the_release_begins_with_three_numbers_or_two)
{
	struct utsname u = names();
	int a = 0, b = -1;
	ASSERT_EQ(sscanf(u.release, "%d.%d", &a, &b), 2);
	ASSERT(a >= 3 && b >= 0);
}

TEST(gethostname_is_the_nodename)
{
	char name[65];
	ASSERT_OK(gethostname(name, sizeof name));
	ASSERT_EQ(strcmp(name, names().nodename), 0);
}

TEST(proc_says_the_same)
{
	char text[66] = {0};
	int fd = open("/proc/sys/kernel/osrelease", O_RDONLY);
	ASSERT(read(fd, text, 65) > 0);
	text[strcspn(text, "\n")] = 0;
	ASSERT_EQ(strcmp(text, names().release), 0);
	fd = open("/proc/sys/kernel/hostname", O_RDONLY);
	memset(text, 0, sizeof text);
	ASSERT(read(fd, text, 65) > 0);
	text[strcspn(text, "\n")] = 0;
	ASSERT_EQ(strcmp(text, names().nodename), 0);
}

TEST(the_name_of_today_can_be_set_again)
{
	struct utsname u = names();
	if (sethostname(u.nodename, strlen(u.nodename)) < 0 && errno == EPERM)
		SKIP("no CAP_SYS_ADMIN");
	ASSERT_EQ(strcmp(names().nodename, u.nodename), 0);
}

TEST(long_names_are_einval)
{
	char name[70];
	memset(name, 'n', sizeof name);
	if (sethostname(name, 65) < 0 && errno == EPERM)
		SKIP("no CAP_SYS_ADMIN");
	ASSERT_ERR(sethostname(name, 65), EINVAL);
	ASSERT_ERR(syscall(SYS_sethostname, name, -1), EINVAL);
	ASSERT_ERR(syscall(SYS_setdomainname, name, 65), EINVAL);
	ASSERT_ERR(syscall(SYS_sethostname, 1, 5), EFAULT);
}

TEST(setting_needs_privilege)
{
	ASSERT_OK(setuid(1000));
	ASSERT_ERR(sethostname("x", 1), EPERM);
	ASSERT_ERR(syscall(SYS_setdomainname, "x", 1), EPERM);
}

TEST(a_bad_pointer_is_efault)
{
	ASSERT_ERR(syscall(SYS_uname, 1), EFAULT);
}

TEST_MAIN()
