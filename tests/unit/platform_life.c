/* SPDX-License-Identifier: Apache-2.0 */
/* What the ptrace platform does when things die, and against a guest that attacks it. */
#include "tests/unit/platform_guest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/ptrace/ptrace.h"

GUEST(loop, "1: mov $39, %eax; syscall; jmp 1b");
GUEST(spin, "1: jmp 1b");
/* Scribbles over the words at rbx, 16 of them, with a counter. */
GUEST(scribble, "1: inc %rax; mov %rax, %rcx; and $15, %ecx; mov %rax, (%rbx,%rcx,8); jmp 1b");

static void *kill_later(void *arg)
{
	usleep(30000);
	kill(*(int *)arg, SIGKILL);
	return NULL;
}

static void check_gone(struct guest *g)
{
	char c;
	P->run(g->c, &g->ev);
	assert_int_equal(g->ev.kind, EV_GONE);
	assert_int_equal(map_anon(g->c, DATA, PAGE_SIZE, 3), -ESRCH);
	assert_int_equal(peek(g->as, CODE, &c, 1), -ESRCH);
	P->interrupt(g->c);
}

static void test_killed_running(void **state)
{
	(void)state;
	struct guest g;
	pthread_t t;
	guest_start(&g, spin);
	pthread_create(&t, NULL, kill_later, &g.as->pid);
	P->run(g.c, &g.ev);
	assert_int_equal(g.ev.kind, EV_GONE);
	pthread_join(t, NULL);
	check_gone(&g);
	guest_end(&g);
}

static void test_killed_stopped(void **state)
{
	(void)state;
	struct guest g;
	struct aspace *as;
	struct ctx *c;
	for (int i = 0; i < 20; i++) {
		guest_start(&g, loop);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		kill(g.as->pid, SIGKILL);
		if (i % 2)
			usleep(2000);
		if (i % 4 < 2)
			assert_int_equal(P->aspace_fork(g.c, &as, &c), -ESRCH);
		check_gone(&g);
		guest_end(&g);
	}
}

static void test_killed_parked(void **state)
{
	(void)state;
	struct guest g = {0};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(P->aspace_new(NULL, &g.as, &g.c), 0);
		kill(g.as->pid, SIGKILL);
		usleep(i * 2000);
		assert_int_equal(P->ctx_adopt(g.c), -ESRCH);
		P->run(g.c, &g.ev);
		assert_int_equal(g.ev.kind, EV_GONE);
		guest_end(&g);
	}
}

struct sleeper {
	struct ctx *c;
	int wake[2];
	bool ends; /* by itself, at once */
	atomic_bool ready;
};

/* A guest thread whose sentry thread sleeps in a system call. */
static void *sleep_in_sentry(void *arg)
{
	struct sleeper *s = arg;
	struct event ev;
	char c;
	assert_int_equal(P->ctx_adopt(s->c), 0);
	P->run(s->c, &ev);
	assert_int_equal(ev.kind, EV_SYSCALL);
	atomic_store(&s->ready, true);
	if (!s->ends) {
		assert_int_equal(read(s->wake[0], &c, 1), 1);
		P->run(s->c, &ev);
		assert_int_equal(ev.kind, EV_GONE);
	}
	P->ctx_destroy(s->c);
	return NULL;
}

/* The leader cannot be reaped before the sleeper's thread is: its death is seen all the same. */
static void test_killed_while_others_sleep(void **state)
{
	(void)state;
	struct guest g;
	struct sleeper s = {0};
	pthread_t t, killer;
	guest_start(&g, loop);
	assert_int_equal(P->ctx_create(g.c, &s.c), 0);
	assert_int_equal(pipe(s.wake), 0);
	pthread_create(&t, NULL, sleep_in_sentry, &s);
	while (!atomic_load(&s.ready))
		usleep(1000);
	poke(g.as, CODE, spin, 2);
	P->regs_mut(g.c)->rip = CODE;
	pthread_create(&killer, NULL, kill_later, &g.as->pid);
	P->run(g.c, &g.ev);
	assert_int_equal(g.ev.kind, EV_GONE);
	pthread_join(killer, NULL);
	check_gone(&g);
	assert_int_equal(write(s.wake[1], "", 1), 1);
	pthread_join(t, NULL);
	guest_end(&g);
	close(s.wake[0]);
	close(s.wake[1]);
}

static bool is_dead(struct aspace *as)
{
	return as ? P->aspace_dead(as) : P->zygote_dead(NULL);
}

/* Killed (NULL: the zygote), and told of.  Word of somebody who was killed before may come too. */
static void kill_and_hear(int pid, struct aspace *as)
{
	int before = __atomic_load_n(&deaths, __ATOMIC_SEQ_CST);
	assert_false(is_dead(as));
	kill(pid, SIGKILL);
	for (int i = 0; i < PATIENCE; i++) {
		if (is_dead(as) && __atomic_load_n(&deaths, __ATOMIC_SEQ_CST) > before)
			break;
		usleep(1000);
	}
	assert_true(__atomic_load_n(&deaths, __ATOMIC_SEQ_CST) > before);
	assert_true(is_dead(as));
}

static void test_killed_asleep(void **state)
{
	(void)state;
	struct guest g, other;
	guest_start(&g, loop);
	guest_start(&other, loop);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		kill_and_hear(g.as->pid, g.as);
		assert_false(P->aspace_dead(other.as));
		check_gone(&g);
		guest_end(&g);
		guest_start(&g, loop);
	}
	assert_int_equal(guest_run(&other), EV_SYSCALL);
	guest_end(&g);
	guest_end(&other);
}

/* 0: leader and thread sleep; 1: the leader alone, the thread has ended; 2: the leader has. */
static void killed_threads_asleep(int how)
{
	struct guest g;
	struct sleeper s = {0};
	pthread_t t;
	guest_start(&g, loop);
	assert_int_equal(P->ctx_create(g.c, &s.c), 0);
	assert_int_equal(pipe(s.wake), 0);
	s.ends = how == 1;
	pthread_create(&t, NULL, sleep_in_sentry, &s);
	while (!atomic_load(&s.ready))
		usleep(1000);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	if (how == 1)
		pthread_join(t, NULL);
	if (how == 2)
		P->ctx_destroy(g.c);
	kill_and_hear(g.as->pid, g.as);
	if (how != 2) {
		check_gone(&g);
		P->ctx_destroy(g.c);
	}
	assert_int_equal(write(s.wake[1], "", 1), 1);
	if (how != 1)
		pthread_join(t, NULL);
	P->aspace_destroy(g.as, NULL);
	close(s.wake[0]);
	close(s.wake[1]);
}

static void test_killed_threads_asleep(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++)
		for (int i = 0; i < 5; i++)
			killed_threads_asleep(how);
}

/* What ends as it should is not missed. */
static void test_no_false_alarm(void **state)
{
	(void)state;
	struct guest g;
	usleep(150000); /* word of the tests before this one */
	int before = __atomic_load_n(&deaths, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 300; i++) {
		guest_start(&g, loop);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		assert_false(P->aspace_dead(g.as));
		guest_end(&g);
	}
	usleep(150000);
	assert_int_equal(__atomic_load_n(&deaths, __ATOMIC_SEQ_CST), before);
}

static void test_spare_killed(void **state)
{
	(void)state;
	struct guest g;
	int guest = 0;
	for (int i = 0; i < 5; i++) {
		int spare = spare_wait(guest);
		if (spare == 0)
			skip(); /* no CONFIG_PROC_CHILDREN */
		assert_int_not_equal(spare, ptrace_zygote_first.pid);
		kill(spare, SIGKILL);
		usleep(i * 500);
		guest_start(&g, loop);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		guest = g.as->pid;
		guest_end(&g);
	}
}

/* Forks go on, clean address spaces end in -EAGAIN. */
static void test_zygote_killed(void **state)
{
	(void)state;
	struct guest g, child = {0};
	struct aspace *as;
	struct ctx *c;
	assert_int_equal(platform_setup(NULL), 0);
	guest_start(&g, loop);
	kill_and_hear(ptrace_zygote_first.pid, NULL);
	assert_false(P->aspace_dead(g.as));
	if (P->aspace_new(NULL, &as, &c) == 0) { /* the spare */
		P->ctx_destroy(c);
		P->aspace_destroy(as, NULL);
	}
	assert_int_equal(P->aspace_new(NULL, &as, &c), -EAGAIN);
	assert_int_equal(P->aspace_fork(g.c, &child.as, &child.c), 0);
	assert_int_equal(P->ctx_adopt(child.c), 0);
	assert_int_equal(guest_run(&child), EV_SYSCALL);
	guest_end(&child);
	guest_end(&g);
	P->shutdown();
}

static void test_foreign_signals(void **state)
{
	(void)state;
	const int signals[] = {SIGINT,	SIGTERM,  SIGSTOP, SIGTSTP, SIGCONT, SIGSEGV,
			       SIGTRAP, SIGWINCH, SIGCHLD, 34,	    40};
	struct guest g, parked = {0};
	guest_start(&g, loop);
	assert_int_equal(P->aspace_new(NULL, &parked.as, &parked.c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		assert_int_equal(kill(g.as->pid, signals[i]), 0);
		for (int j = 0; j < 20; j++)
			assert_int_equal(guest_run(&g), EV_SYSCALL);
		if (signals[i] != SIGSEGV && signals[i] != SIGTRAP)
			assert_int_equal(kill(parked.as->pid, signals[i]), 0);
	}
	assert_int_equal(kill(parked.as->pid, SIGCONT), 0);
	assert_int_equal(P->ctx_adopt(parked.c), 0);
	guest_load(&parked, loop, loop_end);
	assert_int_equal(guest_run(&parked), EV_SYSCALL);
	guest_end(&parked);
	guest_end(&g);
}

/* One word that says what a stub holds: maps and descriptors. */
static unsigned long fingerprint(int pid)
{
	char path[64], buf[4096];
	unsigned long h = 5381;
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(buf, 1, sizeof buf, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		h = h * 33 + (unsigned char)buf[i];
	for (int fd = 0; fd < 8; fd++) {
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
		h = h * 33 + (access(path, F_OK) == 0);
	}
	return h;
}

/* Whatever byte of the stub's text the guest jumps to, with whatever number: the sentry is asked.
 */
static void test_jump_into_stub(void **state)
{
	(void)state;
	struct guest g;
	const uint64_t size = (uint64_t)(stub_text_end - stub_text) + 8;
	guest_start(&g, loop);
	unsigned long before = fingerprint(g.as->pid);
	const struct regs clean = *P->regs(g.c);
	int64_t deadline = now_ns() + 20 * NSEC_PER_SEC;
	for (uint64_t at = 0; at < size && now_ns() < deadline; at++) {
		for (unsigned nr = 0; nr < 512; nr++) {
			struct regs *r = P->regs_mut(g.c);
			*r = clean;
			r->rax = nr;
			r->rip = ptrace_host.base + at;
			enum event_kind kind = guest_run(&g);
			assert_true(kind == EV_SYSCALL || kind == EV_FAULT);
			/* A fault before any call does not depend on the number. */
			if (kind == EV_FAULT)
				break;
		}
	}
	assert_int_equal(fingerprint(g.as->pid), before);
	char c;
	struct iovec iov = {.iov_base = &c, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	assert_int_equal(host_recvmsg(g.as->ctl->fd, &msg, MSG_DONTWAIT), -EAGAIN);
	guest_end(&g);
}

/* Set once interrupt() has returned: the ctx must exist until then. */
static atomic_bool scribbler_kicked;

static void *scribbler(void *arg)
{
	struct ctx *c = arg;
	struct event ev;
	assert_int_equal(P->ctx_adopt(c), 0);
	struct regs *r = P->regs_mut(c);
	r->rip = CODE;
	r->rbx = ptrace_host.base + STUB_TEXT_SIZE;
	host_set_cpu(c->tid, 1);
	P->run(c, &ev);
	assert_int_equal(ev.kind, EV_INTERRUPT);
	while (!atomic_load(&scribbler_kicked))
		usleep(1000);
	P->ctx_destroy(c);
	return NULL;
}

/* The msghdr is spoilt under recvmsg: mappings fail or are right, never of another file. */
static void test_scribble_data_page(void **state)
{
	(void)state;
	struct guest g;
	struct ctx *second;
	pthread_t t;
	int fd[2], failed = 0;
	guest_start(&g, scribble);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(host_memfd("test", &fd[i]), 0);
		assert_int_equal(host_pwrite(fd[i], i ? "b" : "a", 1, 0), 1);
	}
	assert_int_equal(P->ctx_create(g.c, &second), 0);
	pthread_create(&t, NULL, scribbler, second);
	host_set_cpu(g.c->tid, 0);
	for (int i = 0; i < 2000; i++) {
		char c = 0;
		struct map_req req = {
			.addr = 0x30000000, .size = PAGE_SIZE, .prot = 1, .fd = fd[i % 2]};
		if (P->map(g.c, &req) < 0) {
			failed++;
			continue;
		}
		assert_int_equal(peek(g.as, 0x30000000, &c, 1), 1);
		assert_int_equal(c, i % 2 ? 'b' : 'a');
	}
	print_message("%d of 2000 mappings were spoilt\n", failed);
	P->interrupt(second);
	atomic_store(&scribbler_kicked, true);
	pthread_join(t, NULL);
	guest_end(&g);
	host_close(fd[0]);
	host_close(fd[1]);
}

/* A sentry with stubs in every state: clean, forked, adopted, running, threads, parked leader. */
static _Noreturn void doomed_sentry(int ready)
{
	struct guest g, child = {0}, other = {0};
	struct ctx *second, *third;
	if (platform_setup(NULL))
		_exit(1);
	guest_start(&g, spin);
	P->aspace_new(NULL, &other.as, &other.c);
	P->aspace_fork(g.c, &child.as, &child.c);
	P->ctx_create(g.c, &second);
	P->ctx_create(g.c, &third);
	P->ctx_adopt(second);
	P->ctx_destroy(g.c);
	if (write(ready, "", 1) != 1)
		_exit(1);
	P->run(second, &g.ev);
	_exit(1);
}

static void test_sentry_killed(void **state)
{
	(void)state;
	int ready[2], status, n = 0;
	char c;
	/* Orphans come to us, so that the end of the last can be seen. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(pipe(ready), 0);
	int sentry = fork();
	if (sentry == 0)
		doomed_sentry(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	usleep(20000);
	kill(sentry, SIGKILL);
	alarm(20); /* a survivor would be waited for for ever */
	while (waitpid(-1, &status, __WALL) > 0)
		n++;
	alarm(0);
	assert_int_equal(n, 6); /* sentry, zygote, its spare, three stubs */
	close(ready[0]);
	close(ready[1]);
}

static void test_shutdown_leaves_nothing(void **state)
{
	(void)state;
	int status;
	struct guest g;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(platform_setup(NULL), 0);
		guest_start(&g, loop);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		guest_end(&g);
		P->shutdown();
		assert_int_equal(waitpid(-1, &status, WNOHANG | __WALL), -1);
	}
}

/* Hosts below 4.8, where a filter would win over SYSEMU: ptrace alone. */
static void test_without_filter(void **state)
{
	(void)state;
	struct guest g, child = {0};
	assert_int_equal(host_init(), 0);
	assert_int_equal(ptrace_probe(), 0);
	ptrace_host.filter = ptrace_host.exitkill = false;
	assert_int_equal(zygote_start(), 0);
	guest_start(&g, loop);
	assert_int_equal(P->aspace_fork(g.c, &child.as, &child.c), 0);
	assert_int_equal(P->ctx_adopt(child.c), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		assert_int_equal(guest_run(&child), EV_SYSCALL);
	}
	guest_end(&g);
	guest_end(&child);
	P->shutdown();
}

int main(void)
{
	const struct CMUnitTest before[] = {
		cmocka_unit_test(test_without_filter),
		cmocka_unit_test(test_sentry_killed),
		cmocka_unit_test(test_shutdown_leaves_nothing),
		cmocka_unit_test(test_zygote_killed),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_running),
		cmocka_unit_test(test_killed_stopped),
		cmocka_unit_test(test_killed_parked),
		cmocka_unit_test(test_killed_while_others_sleep),
		cmocka_unit_test(test_killed_asleep),
		cmocka_unit_test(test_killed_threads_asleep),
		cmocka_unit_test(test_no_false_alarm),
		cmocka_unit_test(test_spare_killed),
		cmocka_unit_test(test_foreign_signals),
		cmocka_unit_test(test_jump_into_stub),
		cmocka_unit_test(test_scribble_data_page),
	};
	int failed = cmocka_run_group_tests(before, NULL, NULL);
	return failed + cmocka_run_group_tests(tests, platform_setup, platform_teardown);
}
