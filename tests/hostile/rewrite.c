/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that looks for what rewriting has put into its address space, and jumps there.
 * Inside only, under trap; elsewhere everything is skipped.
 *
 * What must hold: the sandbox and every other process go on.
 */
#include "../guest/text.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <ucontext.h>

#include "platform/trap/rewrite/island.h"

static int is_long; /* HOSTILE_LONG is set: by hand */

/* The island of a site whose call is hot, by the jump that is in the text now. */
static char *island_of(const char *from, const char *to)
{
	for (const unsigned char *p = (const void *)from; p < (const unsigned char *)to; p++) {
		int32_t d;
		memcpy(&d, p + 1, sizeof d);
		if (*p == 0xe9 && (d > 1 << 24 || d < -(1 << 24)))
			return (char *)(uintptr_t)p + 5 + d - 24;
	}
	return NULL;
}

static char *need_island(int k)
{
	is_long = getenv("HOSTILE_LONG") != NULL;
	make_hot();
	char *from = (char *)(void *)all_sites[k].call;
	if (all_sites[k].call == site_two_pages)
		from = sites_end - 4096 - 7 - 3;
	char *island = island_of(from, from + 16);
	if (!island)
		SKIP("this call is not rewritten");
	return island;
}

/* Ends in some way, soon. */
static void child_ends(pid_t p)
{
	int st;
	ASSERT_EQ(waitpid(p, &st, 0), p);
	make_hot();
}

static void jump_with(char *to, uint64_t rcx)
{
	alarm(2);
	__asm__ volatile("mov %0, %%rcx\n"
			 "	mov %2, %%eax\n"
			 "	call *%1\n"
			 :
			 : "r"(rcx), "r"(to), "i"(NR_PPID)
			 : "rax", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory",
			   "cc");
}

TEST(jumps_to_every_byte_of_every_island)
{
	for (int k = 0; k < SITES; k++) {
		char *island = need_island(k);
		for (int at = -ISLAND_UNIT; at < 2 * ISLAND_UNIT; at++)
			child_ends(SPAWN({ jump_with(island + at, (uintptr_t)island); }));
	}
}

TEST(jumps_to_every_replaced_byte)
{
	make_hot();
	for (int k = 0; k < SITES; k++) {
		char *from = (char *)(void *)all_sites[k].call;
		if (all_sites[k].call == site_two_pages)
			from = sites_end - 4096 - 7 - 3;
		for (int at = 0; at < 20; at++)
			child_ends(SPAWN({ jump_with(from + at, 0); }));
	}
}

/* The stub's entry with an island_site of the guest's making. */
TEST(forged_descriptors)
{
	char *island = need_island(0);
	char *entry;
	static struct island_site forged[3];
	memcpy(&entry, island + sizeof(struct island_site), sizeof entry);
	forged[0] = (struct island_site){.rip = (uintptr_t)entry, .next = (uintptr_t)entry};
	forged[1] = (struct island_site){.rip = (uintptr_t)call_one + 2, .next = UINT64_MAX};
	forged[2] = (struct island_site){.rip = 1ull << 47, .next = (uintptr_t)call_one + 2};
	const uint64_t bad[] = {0,
				1,
				UINT64_MAX,
				1ull << 47,
				(uintptr_t)island + 8,
				(uintptr_t)&forged[0],
				(uintptr_t)&forged[1],
				(uintptr_t)&forged[2],
				(uintptr_t)entry};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		child_ends(SPAWN({ jump_with(entry, bad[i]); }));
}

/* What is not executable, or is gone, or is writable now. */
TEST(islands_can_be_broken)
{
	char *island = need_island(0);
	char *page = (char *)((uintptr_t)island & ~(PAGE - 1));
	for (int how = 0; how < 4; how++)
		child_ends(SPAWN({
			alarm(2);
			if (how == 0)
				munmap(page, PAGE);
			else if (how == 1)
				mprotect(page, PAGE, PROT_NONE);
			else if (how == 2)
				mmap(page, PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
			else
				mprotect(page, PAGE, RW | PROT_EXEC);
			make_hot();
		}));
}

static void *hammer(void *arg)
{
	(void)arg;
	for (;;)
		make_hot();
	return NULL;
}

/* One thread takes %gs, or unmaps where islands are, while others are in them. */
TEST(islands_go_while_they_are_used)
{
	char *island = need_island(0);
	char *page = (char *)((uintptr_t)island & ~(PAGE - 1));
	for (int how = 0; how < 20; how++)
		child_ends(SPAWN({
			pthread_t t[3];
			alarm(5);
			for (int i = 0; i < 3; i++)
				pthread_create(&t[i], NULL, hammer, NULL);
			nap(5);
			if (how % 2)
				syscall(SYS_arch_prctl, ARCH_SET_GS, 0x1000 * how);
			else
				mmap(page, PAGE, RW | PROT_EXEC, ANON_PRIV | MAP_FIXED, -1, 0);
			for (int i = 0; i < 20; i++)
				make_hot();
		}));
}

/*
 * The other way round: they are in the way of what the guest maps there, and nobody but who
 * looks for them may find out.  As long as they last, calls are made in several threads.
 */
enum { GETPGRP = 111, WALKERS = 3, OVERS = 5 };

static volatile int stop;

static void *walk(void *arg)
{
	(void)arg;
	for (long parent = getppid(), group = getpgrp(); !stop;)
		for (int k = 0; k < SITES; k++) {
			ASSERT_EQ(all_sites[k].call(NR_PPID), parent); /* by the stub */
			/* By the sentry, but for site_one, which knows one call only. */
			ASSERT_EQ(all_sites[k].call(GETPGRP), k ? group : parent);
		}
	return NULL;
}

static void map_over(char *page, int how)
{
	static const int prots[OVERS - 1] = {PROT_NONE, RW, PROT_READ | PROT_EXEC, RW | PROT_EXEC};
	if (how == OVERS - 1) {
		ASSERT_OK(munmap(page, PAGE));
		return;
	}
	ASSERT(mmap(page, PAGE, prots[how], ANON_PRIV | MAP_FIXED, -1, 0) == page);
	if (prots[how] & PROT_WRITE)
		memset(page, 0xcc, PAGE);
}

TEST(what_is_mapped_over_islands_is_nobodys_trouble)
{
	char *island = need_island(0);
	char *page = (char *)((uintptr_t)island & ~(PAGE - 1));
	alarm(0);
	for (int round = 0; round < (is_long ? 20000 : 200); round++)
		JOIN(SPAWN({
			pthread_t t[WALKERS];
			alarm(20);
			for (int i = 0; i < WALKERS; i++)
				ASSERT_EQ(pthread_create(&t[i], NULL, walk, NULL), 0);
			for (int i = 0; i < round % 7; i++)
				sched_yield();
			map_over(page, round % OVERS);
			make_hot();
			stop = 1;
			for (int i = 0; i < WALKERS; i++)
				pthread_join(t[i], NULL);
		}));
}

/* What the guest runs there is its own: its addresses are its own, too. */
static volatile uint64_t ill_at;

static void on_ill(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	ill_at = (uint64_t)(uintptr_t)si->si_addr;
	ASSERT_EQ(((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP], (long)ill_at);
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] += 2;
}

TEST(code_where_islands_were_is_the_guests)
{
	char *island = need_island(0);
	char *page = (char *)((uintptr_t)island & ~(PAGE - 1));
	ASSERT(mmap(page, PAGE, RW | PROT_EXEC, ANON_PRIV | MAP_FIXED, -1, 0) == page);
	for (char *at = island; at < island + ISLAND_UNIT; at += 4)
		memcpy(at, "\x0f\x0b\x90\x90", 4); /* ud2; nops */
	island[ISLAND_UNIT] = (char)0xc3;
	on_siginfo(SIGILL, on_ill, 0);
	((void (*)(void))(void *)island)();
	ASSERT_EQ(ill_at, (uint64_t)(uintptr_t)island + ISLAND_UNIT - 4);
	make_hot();
}

TEST_MAIN()
