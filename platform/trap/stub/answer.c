/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/stub/answer.h"

#include <sys/syscall.h>

#include "platform/trap/facts.h"
#include "platform/trap/stub/stub.h"
#include "platform/trap/stub/touch.h"

enum { REALTIME = 0 };

struct timespec64 {
	int64_t sec, nsec;
};
typedef long clock_function(int id, struct timespec64 *out);
typedef long cpu_function(uint32_t *cpu, uint32_t *node, void *unused);

static inline __attribute__((always_inline)) const struct facts *facts(void)
{
	return (const struct facts *)(uintptr_t)FACTS_AT;
}

/* Bytes for the guest; false: the sentry knows what to say to such an address. */
static STUB bool put(uint64_t addr, const void *from, uint64_t size)
{
	return stub_is_guest(addr, size) && stub_move((void *)(uintptr_t)addr, from, size) == 0;
}

static STUB bool read_clock(const struct facts *f, uint32_t id, struct timespec64 *out)
{
	if (id >= 32 || !(f->clocks >> id & 1))
		return false;
	return ((clock_function *)(uintptr_t)f->clock)((int)id, out) == 0;
}

static STUB bool clock_gettime(const struct facts *f, const uint64_t *args)
{
	struct timespec64 now;
	return read_clock(f, (uint32_t)args[0], &now) && put(args[1], &now, sizeof now);
}

static STUB bool gettimeofday(const struct facts *f, const uint64_t *args)
{
	struct timespec64 now;
	uint64_t no_zone = 0;
	if (!read_clock(f, REALTIME, &now))
		return false;
	now.nsec = (int64_t)((uint64_t)now.nsec / 1000);
	return (!args[0] || put(args[0], &now, sizeof now)) &&
	       (!args[1] || put(args[1], &no_zone, sizeof no_zone));
}

static STUB bool time(const struct facts *f, const uint64_t *args, int64_t *ret)
{
	struct timespec64 now;
	if (!read_clock(f, REALTIME, &now) || (args[0] && !put(args[0], &now.sec, sizeof now.sec)))
		return false;
	*ret = now.sec;
	return true;
}

static STUB bool getcpu(const struct facts *f, const uint64_t *args)
{
	uint32_t cpu, node, zero = 0;
	if (!f->getcpu || !f->cpus ||
	    ((cpu_function *)(uintptr_t)f->getcpu)(&cpu, &node, (void *)0) != 0)
		return false;
	cpu %= f->cpus;
	return (!args[0] || put(args[0], &cpu, sizeof cpu)) &&
	       (!args[1] || put(args[1], &zero, sizeof zero));
}

/* What has been changed while it was copied is copied again, by the sentry. */
static STUB bool uname(const struct facts *f, const uint64_t *args)
{
	uint32_t seq = __atomic_load_n(&f->uts_seq, __ATOMIC_ACQUIRE);
	if (seq == 0 || seq & 1 || !put(args[0], f->uts, sizeof f->uts))
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&f->uts_seq, __ATOMIC_RELAXED) == seq;
}

static STUB bool sched_yield(const struct facts *f)
{
	return f->yields && stub_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0) == 0;
}

/* The ids are all facts of their own; -1: nr is none of them. */
static STUB int id_fact(uint32_t nr)
{
	switch (nr) {
	case SYS_getpid:
		return FACT_PID;
	case SYS_getppid:
		return FACT_PPID;
	case SYS_getuid:
		return FACT_RUID;
	case SYS_geteuid:
		return FACT_EUID;
	case SYS_getgid:
		return FACT_RGID;
	case SYS_getegid:
		return FACT_EGID;
	default:
		return -1;
	}
}

static STUB bool answer(struct slot *s, uint64_t nr, const uint64_t args[6], int64_t *ret)
{
	const struct facts *f = facts();
	const uint32_t *mine = f->thread[((uintptr_t)s - SLOTS_AT) / SLOT_SIZE % SLOT_MAX];
	uint32_t tid = __atomic_load_n(&mine[FACT_TID], __ATOMIC_ACQUIRE);
	if (!(tid & FACTS_TID) || tid & FACTS_SEEN)
		return false;
	int id = id_fact((uint32_t)nr);
	if (id >= 0) {
		*ret = __atomic_load_n(&mine[id], __ATOMIC_RELAXED);
		return true;
	}
	*ret = 0;
	switch ((uint32_t)nr) {
	case SYS_gettid:
		*ret = tid & FACTS_TID;
		return true;
	case SYS_clock_gettime:
		return !(tid & FACTS_TIMELESS) && clock_gettime(f, args);
	case SYS_gettimeofday:
		return !(tid & FACTS_TIMELESS) && gettimeofday(f, args);
	case SYS_time:
		return !(tid & FACTS_TIMELESS) && time(f, args, ret);
	case SYS_getcpu:
		return !(tid & FACTS_BOUND) && getcpu(f, args);
	case SYS_uname:
		return !(tid & FACTS_RENAMED) && uname(f, args);
	case SYS_sched_yield:
		return sched_yield(f);
	default:
		return false;
	}
}

bool STUB stub_answer(struct slot *s, uint64_t nr, const uint64_t args[6], int64_t *ret)
{
	if (!answer(s, nr, args, ret))
		return false;
	s->answered[ANSWERED_AT(nr)]++;
	return true;
}

bool STUB stub_inside_clock(const struct slot *s, uint64_t rip, uint64_t rsp)
{
	uint64_t text = (uint64_t)(uintptr_t)__start_stub_text;
	return rip < text && rip >= text - CLOCK_SIZE && rsp >= (uintptr_t)s &&
	       rsp - (uintptr_t)s < SLOT_SIZE;
}
