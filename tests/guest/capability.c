/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: capget and capset, what changes of ids do to them, bounding and ambient sets. */
#include "exec.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

typedef struct __user_cap_header_struct header;
typedef struct __user_cap_data_struct data;

#define BIT(cap) (1u << (cap))

static data caps[2];

static long capget(int version, pid_t pid, data *d)
{
	header h = {(unsigned)version, pid};
	return syscall(SYS_capget, &h, d);
}

static long capset(data *d)
{
	header h = {_LINUX_CAPABILITY_VERSION_3, 0};
	return syscall(SYS_capset, &h, d);
}

static void load(void)
{
	ASSERT_OK(capget((int)_LINUX_CAPABILITY_VERSION_3, 0, caps));
}

static int reporter(const char *mode, int argc, char **argv)
{
	(void)mode, (void)argc, (void)argv;
	load();
	printf("%u%u%u", !!(caps[0].permitted & BIT(CAP_KILL)),
	       !!(caps[0].effective & BIT(CAP_KILL)), !!(caps[0].inheritable & BIT(CAP_KILL)));
	fflush(stdout);
	return 0;
}

/* Permitted, effective and inheritable CAP_KILL after exec. */
static void expect_after_exec(void (*before)(void), const char *want)
{
	ASSERT_EQ(run_mode("MODE=caps", NULL, before), 0);
	if (strcmp(output, want) != 0)
		FAIL("got %s, want %s", output, want);
}

TEST(root_has_what_is_permitted_in_effect)
{
	load();
	ASSERT(caps[0].permitted & BIT(CAP_KILL));
	ASSERT_EQ(caps[0].effective, caps[0].permitted);
	ASSERT_EQ(caps[1].effective, caps[1].permitted);
}

TEST(a_null_answer_asks_for_the_version)
{
	header h = {0, 0};
	ASSERT_OK(syscall(SYS_capget, &h, NULL));
	ASSERT_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
}

TEST(an_unknown_version_is_einval_and_corrected)
{
	header h = {0x12345678, 0};
	ASSERT_ERR(syscall(SYS_capget, &h, caps), EINVAL);
	ASSERT_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
	h.version = 0;
	ASSERT_ERR(syscall(SYS_capset, &h, caps), EINVAL);
}

TEST(version_one_has_one_word)
{
	data one[2] = {{7, 7, 7}, {7, 7, 7}};
	load();
	ASSERT_OK(capget(_LINUX_CAPABILITY_VERSION_1, 0, one));
	ASSERT_EQ(one[0].permitted, caps[0].permitted);
	ASSERT_EQ(one[1].permitted, 7);
}

TEST(another_process_can_be_asked)
{
	data theirs[2];
	load();
	pid_t p = SPAWN({ pause(); });
	ASSERT_OK(capget((int)_LINUX_CAPABILITY_VERSION_3, p, theirs));
	ASSERT_EQ(theirs[0].permitted, caps[0].permitted);
	kill_and_reap(p);
	ASSERT_ERR(capget((int)_LINUX_CAPABILITY_VERSION_3, p, theirs), ESRCH);
	ASSERT_ERR(capget((int)_LINUX_CAPABILITY_VERSION_3, -1, theirs), EINVAL);
}

TEST(another_process_cannot_be_changed)
{
	header h = {_LINUX_CAPABILITY_VERSION_3, getppid()};
	load();
	ASSERT_ERR(syscall(SYS_capset, &h, caps), EPERM);
	h.pid = getpid();
	ASSERT_OK(syscall(SYS_capset, &h, caps));
}

TEST(dropped_from_effective_it_has_no_effect_and_can_come_back)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		ASSERT_OK(setuid(NOBODY));
		gate_open(up);
		pause();
	});
	gate_wait(up);
	load();
	data all[2] = {caps[0], caps[1]};
	ASSERT_OK(kill(p, 0));
	caps[0].effective &= ~BIT(CAP_KILL);
	ASSERT_OK(capset(caps));
	ASSERT_ERR(kill(p, 0), EPERM);
	ASSERT_OK(capset(all));
	kill_and_reap(p);
}

TEST(dropped_from_permitted_it_is_gone)
{
	load();
	data all[2] = {caps[0], caps[1]};
	caps[0].effective &= ~BIT(CAP_KILL);
	caps[0].permitted &= ~BIT(CAP_KILL);
	ASSERT_OK(capset(caps));
	ASSERT_ERR(capset(all), EPERM);
	caps[0].effective |= BIT(CAP_KILL);
	ASSERT_ERR(capset(caps), EPERM);
}

TEST(setuid_to_a_user_drops_all)
{
	ASSERT_OK(setuid(1000));
	load();
	ASSERT_EQ(caps[0].permitted | caps[0].effective | caps[1].permitted, 0);
	ASSERT_ERR(chroot("/"), EPERM);
}

TEST(seteuid_to_a_user_drops_the_effective_ones_and_back_restores_them)
{
	load();
	unsigned all = caps[0].permitted;
	ASSERT_OK(seteuid(1000));
	load();
	ASSERT_EQ(caps[0].effective, 0);
	ASSERT_EQ(caps[0].permitted, all);
	ASSERT_OK(seteuid(0));
	load();
	ASSERT_EQ(caps[0].effective, all);
}

TEST(keepcaps_keeps_the_permitted_ones)
{
	load();
	unsigned all = caps[0].permitted;
	ASSERT_EQ(prctl(PR_GET_KEEPCAPS), 0);
	ASSERT_OK(prctl(PR_SET_KEEPCAPS, 1));
	ASSERT_EQ(prctl(PR_GET_KEEPCAPS), 1);
	ASSERT_OK(setuid(1000));
	load();
	ASSERT_EQ(caps[0].permitted, all);
	ASSERT_EQ(caps[0].effective, 0);
	caps[0].effective = all;
	ASSERT_OK(capset(caps));
	ASSERT_ERR(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
}

TEST(setfsuid_drops_the_file_capabilities_only)
{
	load();
	if (!(caps[0].effective & BIT(CAP_DAC_OVERRIDE)))
		SKIP("no CAP_DAC_OVERRIDE");
	setfsuid(1000);
	load();
	ASSERT(!(caps[0].effective & (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER))));
	ASSERT(caps[0].effective & BIT(CAP_SETUID));
	setfsuid(0);
	load();
	ASSERT(caps[0].effective & BIT(CAP_DAC_OVERRIDE));
}

TEST(inheritable_needs_permitted)
{
	load();
	caps[0].inheritable = BIT(CAP_KILL);
	ASSERT_OK(capset(caps));
	caps[0].effective = caps[0].permitted = 0;
	ASSERT_OK(capset(caps));
	caps[0].inheritable = BIT(CAP_KILL) | BIT(CAP_CHOWN);
	ASSERT_ERR(capset(caps), EPERM);
}

TEST(the_bounding_set_shrinks_only)
{
	ASSERT_EQ(prctl(PR_CAPBSET_READ, CAP_KILL), 1);
	ASSERT_OK(prctl(PR_CAPBSET_DROP, CAP_KILL));
	ASSERT_EQ(prctl(PR_CAPBSET_READ, CAP_KILL), 0);
	ASSERT_OK(prctl(PR_CAPBSET_DROP, CAP_KILL));
	ASSERT_ERR(prctl(PR_CAPBSET_READ, 64), EINVAL);
	ASSERT_ERR(prctl(PR_CAPBSET_DROP, 64), EINVAL);
	/* What is permitted now stays so until exec. */
	load();
	ASSERT(caps[0].permitted & BIT(CAP_KILL));
}

TEST(dropping_from_the_bounding_set_needs_setpcap)
{
	ASSERT_OK(setuid(1000));
	ASSERT_ERR(prctl(PR_CAPBSET_DROP, CAP_KILL), EPERM);
}

static void drop_bound(void)
{
	ASSERT_OK(prctl(PR_CAPBSET_DROP, CAP_KILL));
}

TEST(exec_by_root_gives_the_bounding_set)
{
	expect_after_exec(NULL, "110");
	expect_after_exec(drop_bound, "000");
}

static void drop_now(void)
{
	load();
	caps[0].effective = caps[0].permitted = 0;
	ASSERT_OK(capset(caps));
}

TEST(exec_by_root_gives_back_what_was_dropped)
{
	expect_after_exec(drop_now, "110");
}

static void noroot(void)
{
	ASSERT_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
}

TEST(securebits_can_take_roots_magic_away)
{
	ASSERT_EQ(prctl(PR_GET_SECUREBITS), 0);
	expect_after_exec(noroot, "000");
	JOIN(SPAWN({
		noroot();
		ASSERT_EQ(prctl(PR_GET_SECUREBITS), SECBIT_NOROOT);
		ASSERT_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
		ASSERT_ERR(prctl(PR_SET_SECUREBITS, 0), EPERM);
	}));
}

static void become_user_with_kill(int inheritable, int ambient)
{
	ASSERT_OK(prctl(PR_SET_KEEPCAPS, 1));
	ASSERT_OK(setuid(1000));
	load();
	caps[0].effective = caps[0].permitted = BIT(CAP_KILL);
	caps[0].inheritable = inheritable ? BIT(CAP_KILL) : 0;
	caps[1].effective = caps[1].permitted = 0;
	ASSERT_OK(capset(caps));
	if (ambient)
		ASSERT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
}

static void user_plain(void)
{
	become_user_with_kill(0, 0);
}

static void user_inheritable(void)
{
	become_user_with_kill(1, 0);
}

static void user_ambient(void)
{
	become_user_with_kill(1, 1);
}

TEST(exec_by_a_user_keeps_only_ambient_ones)
{
	expect_after_exec(user_plain, "000");
	expect_after_exec(user_inheritable, "001");
	expect_after_exec(user_ambient, "111");
}

TEST(the_ambient_set)
{
	long set = PR_CAP_AMBIENT_IS_SET;
	become_user_with_kill(1, 0);
	ASSERT_EQ(prctl(PR_CAP_AMBIENT, set, CAP_KILL, 0, 0), 0);
	ASSERT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	ASSERT_EQ(prctl(PR_CAP_AMBIENT, set, CAP_KILL, 0, 0), 1);
	ASSERT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	ASSERT_EQ(prctl(PR_CAP_AMBIENT, set, CAP_KILL, 0, 0), 0);
	ASSERT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	ASSERT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	ASSERT_EQ(prctl(PR_CAP_AMBIENT, set, CAP_KILL, 0, 0), 0);
	ASSERT_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), EPERM);
	ASSERT_ERR(prctl(PR_CAP_AMBIENT, set, 64, 0, 0), EINVAL);
	ASSERT_ERR(prctl(PR_CAP_AMBIENT, 77, CAP_KILL, 0, 0), EINVAL);
}

TEST(ambient_follows_inheritable_and_permitted_down)
{
	long set = PR_CAP_AMBIENT_IS_SET;
	become_user_with_kill(1, 1);
	load();
	caps[0].inheritable = 0;
	ASSERT_OK(capset(caps));
	ASSERT_EQ(prctl(PR_CAP_AMBIENT, set, CAP_KILL, 0, 0), 0);
}

TEST(the_status_file_shows_the_sets)
{
	become_user_with_kill(1, 1);
	ASSERT_EQ(status_field("CapPrm", 16), BIT(CAP_KILL));
	ASSERT_EQ(status_field("CapEff", 16), BIT(CAP_KILL));
	ASSERT_EQ(status_field("CapInh", 16), BIT(CAP_KILL));
	ASSERT_EQ(status_field("CapAmb", 16), BIT(CAP_KILL));
}

TEST(bad_pointers_are_efault)
{
	header h = {_LINUX_CAPABILITY_VERSION_3, 0};
	ASSERT_ERR(syscall(SYS_capget, 1, caps), EFAULT);
	ASSERT_ERR(syscall(SYS_capget, &h, 1), EFAULT);
	ASSERT_ERR(syscall(SYS_capset, &h, 1), EFAULT);
}

EXEC_MAIN()
