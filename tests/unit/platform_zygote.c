/* SPDX-License-Identifier: Apache-2.0 */
/* Further zygotes: who they are, what is made from them, how they end.  On each platform. */
#include "tests/unit/platform_guest.h"

#include <sys/socket.h>
#include <sys/wait.h>

GUEST(loop, "1: mov $39, %eax; syscall; jmp 1b");

/* As oci/life/zygote.c: the other end has credentials beside its first word. */
static struct zygote *make(int *out_pid)
{
	const int on = 1;
	struct zygote *z = NULL;
	uint64_t word = 0;
	int pair[2];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} creds;
	struct iovec iov = {.iov_base = &word, .iov_len = sizeof word};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &creds,
			     .msg_controllen = sizeof creds};
	struct ucred who;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	assert_int_equal(P->zygote_ask(pair[1]), 0);
	close(pair[1]);
	assert_int_equal(recvmsg(pair[0], &msg, 0), sizeof word);
	assert_int_equal(creds.head.cmsg_type, SCM_CREDENTIALS);
	memcpy(&who, CMSG_DATA(&creds.head), sizeof who);
	assert_int_equal(who.pid, word);
	*out_pid = (int)word;
	assert_int_equal(P->zygote_take(pair[0], (int)word, &z), 0);
	assert_false(P->zygote_dead(z));
	return z;
}

static void start_from(struct guest *g, struct zygote *z)
{
	memset(g, 0, sizeof *g);
	assert_int_equal(P->aspace_new(z, &g->as, &g->c), 0);
	assert_int_equal(P->ctx_adopt(g->c), 0);
	guest_load(g, loop, loop_end);
}

static bool is_there(int pid)
{
	return kill(pid, 0) == 0;
}

static void guests_of_it_run_and_fork(void **state)
{
	(void)state;
	struct guest g, first, child = {0};
	int pid;
	struct zygote *z = make(&pid);
	guest_start(&first, loop);
	for (int i = 0; i < 5; i++) {
		start_from(&g, z);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		assert_int_equal(P->aspace_fork(g.c, &child.as, &child.c), 0);
		assert_int_equal(P->ctx_adopt(child.c), 0);
		assert_int_equal(guest_run(&child), EV_SYSCALL);
		guest_end(&child);
		guest_end(&g);
	}
	P->zygote_end(z);
	assert_false(is_there(pid));
	assert_int_equal(guest_run(&first), EV_SYSCALL);
	guest_end(&first);
}

/* One whose taker was killed. */
static void one_that_nobody_takes_ends(void **state)
{
	(void)state;
	uint64_t word = 0;
	int pair[2], status;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(P->zygote_ask(pair[1]), 0);
	close(pair[1]);
	assert_int_equal(read(pair[0], &word, sizeof word), sizeof word);
	assert_true(is_there((int)word));
	close(pair[0]);
	/* The platform's thread may be there first. */
	for (int i = 0; i < PATIENCE && is_there((int)word); i++) {
		waitpid((int)word, &status, WNOHANG);
		usleep(1000);
	}
	assert_false(is_there((int)word));
}

static void its_death_is_its_own(void **state)
{
	(void)state;
	struct guest g, first;
	struct aspace *as;
	struct ctx *c;
	int pid;
	struct zygote *z = make(&pid);
	guest_start(&first, loop);
	start_from(&g, z);
	kill(pid, SIGKILL);
	for (int i = 0; i < PATIENCE && !P->zygote_dead(z); i++)
		usleep(1000);
	assert_true(P->zygote_dead(z));
	assert_false(P->zygote_dead(NULL));
	if (P->aspace_new(z, &as, &c) == 0) { /* what was made ahead */
		P->ctx_destroy(c);
		P->aspace_destroy(as, NULL);
	}
	assert_int_equal(P->aspace_new(z, &as, &c), -EAGAIN);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	guest_end(&g);
	P->zygote_end(z);
	guest_end(&first);
	guest_start(&first, loop);
	assert_int_equal(guest_run(&first), EV_SYSCALL);
	guest_end(&first);
}

static void ends_leave_nothing(void **state)
{
	(void)state;
	int pid, status;
	struct guest g;
	for (int i = 0; i < 5; i++) {
		struct zygote *z = make(&pid);
		start_from(&g, z);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		guest_end(&g);
		P->zygote_end(z);
		assert_false(is_there(pid));
	}
	P->shutdown();
	assert_int_equal(waitpid(-1, &status, WNOHANG | __WALL), -1);
}

/* In a process of its own: a platform is there once, and stays. */
static int run(const char *name)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_of_it_run_and_fork),
		cmocka_unit_test(one_that_nobody_takes_ends),
		cmocka_unit_test(its_death_is_its_own),
		cmocka_unit_test(ends_leave_nothing),
	};
	int status = 1;
	pid_t pid = fork();
	if (pid == 0) {
		setenv("VEDETTE_PLATFORM", name, 1);
		alarm(120);
		exit(cmocka_run_group_tests_name(name, tests, platform_setup, NULL));
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

int main(void)
{
	return run("trap") + run("ptrace");
}
