/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host signals and rewritten calls: told to the sentry, and its commands done.
 *
 * A handler runs with the interrupt signal blocked; a rewritten call does not, so
 * an interrupt can find the thread anywhere in here.  It is then only noted
 * (slot.kick): the way out looks at it; at the very entry the call has not begun.  Faults are open everywhere, because
 * copying for the guest may fault; any other fault of this code is the guest's
 * doing and is told as one.
 */
#include <linux/audit.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>

#include "platform/trap/stub/answer.h"
#include "platform/trap/stub/copy.h"
#include "platform/trap/stub/stub.h"
#include "syscalls/abi/errno.h"

enum { TELL_EVERY = 4 };
/*
 * In pauses: a look takes the line from the one who is about to write it, which costs both of
 * them 0.1 us (docs/performance.md).  So the first is when the shortest calls are over.
 */
enum { FIRST_LOOK = 4 };
/* A sentry that must be woken takes so many times as long. */
enum { WAKE_LOOKS = 4 };
/* In looks. */
enum { YIELD_AFTER = 64, YIELD_EVERY = 8, YIELD_COSTS = 7 };
/*
 * Yields of one whose call sleeps, before it sleeps, too: enough for two that talk to each other.
 * One that waits for long would be met by each yield of the others.
 */
enum { YIELDS_ASLEEP = 32 };
enum { SIGNO_SYS = 31, CODE_SECCOMP = 1 };

/* As in syscalls/abi/signal.h, whose names are those of <signal.h>. */
struct frame_context {
	uint64_t flags, link, stack[3];
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
};

/* siginfo of SIGSYS. */
struct trap_info {
	int32_t signo, err, code, pad;
	uint64_t addr;
	int32_t syscall;
	uint32_t arch;
};

static inline __attribute__((always_inline)) uint64_t at(const unsigned char *mark)
{
	return (uint64_t)(uintptr_t)mark;
}

static inline __attribute__((always_inline)) bool inside(uint64_t rip, const unsigned char *from,
							 const unsigned char *to)
{
	return rip >= at(from) && rip < at(to);
}

/* True if the sentry had to be woken. */
static STUB bool give_turn(struct slot *s)
{
	uint32_t old = __atomic_exchange_n(&s->turn, TURN_SENTRY, __ATOMIC_ACQ_REL);
	if (old == SENTRY_ASLEEP) {
		stub_syscall(SYS_futex, (uint64_t)(uintptr_t)&s->turn, FUTEX_WAKE, 1, 0, 0, 0);
	} else if (old >= TURN_BELL) {
		uint64_t one = 1;
		stub_syscall(SYS_write, STUB_BELL_FD + (old - TURN_BELL), (uint64_t)(uintptr_t)&one,
			     sizeof one, 0, 0, 0);
	}
	return old != TURN_STUB;
}

static inline __attribute__((always_inline)) bool is_mine(struct slot *s)
{
	uint32_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
	return turn != TURN_SENTRY && turn != STUB_ASLEEP;
}

static inline __attribute__((always_inline)) bool sleeps(struct slot *s)
{
	return __atomic_load_n(&s->sleeps, __ATOMIC_RELAXED) != 0;
}

static STUB void wait_turn(struct slot *s, bool woken)
{
	const uint32_t n = woken ? WAKE_LOOKS * s->spin : s->spin;
	uint32_t yields = 0;
	for (uint32_t i = 0; n > 0 && i < FIRST_LOOK; i++)
		__builtin_ia32_pause();
	for (uint32_t i = 0; i < n; i++) {
		if (is_mine(s))
			return;
		/* Others of the guest share this CPU, and one of them may be who the answer waits
		 * for: it is if the call sleeps. */
		if (i % YIELD_EVERY == 0 && (i >= YIELD_AFTER || sleeps(s))) {
			if (sleeps(s) && yields++ == YIELDS_ASLEEP)
				break;
			stub_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
			i += YIELD_COSTS;
		}
		__builtin_ia32_pause();
	}
	while (!is_mine(s)) {
		uint32_t turn = TURN_SENTRY;
		__atomic_compare_exchange_n(&s->turn, &turn, STUB_ASLEEP, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE);
		stub_syscall(SYS_futex, (uint64_t)(uintptr_t)&s->turn, FUTEX_WAIT, STUB_ASLEEP, 0,
			     0, 0);
	}
}

/* What is in the control socket becomes number 0, and 1, if all is well. */
static STUB long take_descriptor(int flags)
{
	struct {
		uint64_t len, type, fd;
	} control;
	uint64_t byte, iov[2] = {(uint64_t)(uintptr_t)&byte, sizeof byte};
	struct {
		uint64_t name, namelen, iov, iovlen, control, controllen, flags;
	} msg;
	msg.name = 0;
	msg.namelen = 0;
	msg.iov = (uint64_t)(uintptr_t)iov;
	msg.iovlen = 1;
	msg.control = (uint64_t)(uintptr_t)&control;
	msg.controllen = sizeof control;
	msg.flags = 0;
	return stub_syscall(SYS_recvmsg, STUB_CTL_FD, (uint64_t)(uintptr_t)&msg, (uint64_t)flags, 0,
			    0, 0);
}

static STUB void close_descriptor(uint64_t fd)
{
	stub_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

static STUB long do_map(const uint64_t *a)
{
	long ret = take_descriptor(0);
	if (ret >= 0)
		ret = stub_syscall(SYS_mmap, a[0], a[1], a[2], a[3], 0, a[5]);
	close_descriptor(0);
	return ret;
}

static STUB long do_drain(void)
{
	long ret;
	do {
		ret = take_descriptor(0x40 /* MSG_DONTWAIT */);
		close_descriptor(0);
		close_descriptor(1);
	} while (ret > 0);
	return ret;
}

static STUB long do_fork(uint64_t sentry_pid)
{
	long ret = take_descriptor(0);
	if (ret >= 0)
		ret = entry_fork(sentry_pid);
	close_descriptor(0);
	close_descriptor(1);
	return ret;
}

/* All of them, whatever becomes of each. */
static STUB long do_calls(const struct slot *s, uint64_t count)
{
	const uint64_t *c = (const uint64_t *)((uintptr_t)s + SLOT_SCRATCH);
	long first = 0;
	for (; count > 0; count--, c += 7) {
		long ret = stub_syscall((long)c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
		if (ret < 0 && ret >= -4095 && first == 0)
			first = ret;
	}
	return first;
}

static STUB long do_command(struct slot *s, uint32_t command)
{
	uint64_t nr = s->nr, a[6];
	for (int i = 0; i < 6; i++)
		a[i] = s->word[i];
	if (command == DO_CALL)
		return stub_syscall((long)nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (command == DO_CALLS)
		return do_calls(s, a[0]);
	if (command == DO_MAP)
		return do_map(a);
	if (command == DO_FORK)
		return do_fork(a[0]);
	if (command == DO_THREAD)
		return entry_thread(a[0]);
	if (command == DO_DRAIN)
		return do_drain();
	return -ENOSYS;
}

/* DO_RESUME or DO_RETURN. */
static STUB uint32_t talk(struct slot *s)
{
	for (;;) {
		wait_turn(s, give_turn(s));
		uint32_t command = s->command;
		if (command == DO_RESUME || command == DO_RETURN)
			return command;
		if (command == DO_FRAME)
			stub_make_frame();
		if (command == DO_EXIT)
			entry_exit(s);
		if (command == DO_PARK)
			entry_park();
		s->word[0] = (uint64_t)do_command(s, command);
		s->event = SAYS_DONE;
	}
}

static STUB void tell_signal(struct slot *s, int signo, void *info, void *frame)
{
	if (s->tells_gs)
		__asm__ volatile("rdgsbase %0" : "=r"(s->gs));
	s->signo = (uint32_t)signo;
	s->info = (uint64_t)(uintptr_t)info;
	s->frame = (uint64_t)(uintptr_t)frame;
	s->event = SAYS_SIGNAL;
	talk(s);
}

/* True if the signal found this code, and it can go on. */
static STUB bool was_inside(struct slot *s, int signo, struct frame_context *f)
{
	if (signo == SIGSEGV || signo == SIGBUS)
		return stub_copy_fixup(&f->rip);
	if (signo != INTERRUPT_SIGNAL || inside(f->rip, stub_enter, stub_entered))
		return false;
	s->kick = 1;
	if (inside(f->rip, stub_exit_begin, stub_exit_end))
		f->rip = at(stub_exit_begin);
	return true;
}

/* The same for the host's vDSO, called by stub_answer(). */
static STUB bool was_in_clock(struct slot *s, int signo, struct frame_context *f)
{
	if (signo == INTERRUPT_SIGNAL)
		s->kick = 1;
	else if (signo == SIGNO_SYS)
		f->rax = (uint64_t)-ENOSYS;
	else
		return false;
	return true;
}

/* What the call names is ready for the sentry; sp: the guest's. */
static STUB void offer(struct slot *s, uint32_t nr, const uint64_t args[6], uint64_t sp)
{
	if (nr == SYS_rt_sigreturn)
		stub_copy_frame(s, sp);
	else
		stub_copy_in(s, nr, args);
}

/* True if the call has been answered; else what it names is ready for the sentry. */
static STUB bool trapped_call(struct slot *s, const struct trap_info *info, struct frame_context *f)
{
	uint64_t args[6];
	int64_t ret;
	if (info->code != CODE_SECCOMP || info->arch != AUDIT_ARCH_X86_64)
		return false;
	args[0] = f->rdi;
	args[1] = f->rsi;
	args[2] = f->rdx;
	args[3] = f->r10;
	args[4] = f->r8;
	args[5] = f->r9;
	/* The sentry hears of some it need not: it rewrites sites that trap often. */
	if (++s->traps % TELL_EVERY == 0 || !stub_answer(s, (uint32_t)info->syscall, args, &ret)) {
		offer(s, (uint32_t)info->syscall, args, f->rsp);
		return false;
	}
	f->rax = (uint64_t)ret;
	return true;
}

void STUB stub_signal(int signo, void *info, void *frame)
{
	struct slot *s = (struct slot *)((uintptr_t)frame & ~(uintptr_t)(SLOT_SIZE - 1));
	struct frame_context *f = frame;
	if (inside(f->rip, __start_stub_text, __stop_stub_text)) {
		if (was_inside(s, signo, f))
			return;
	} else if (stub_inside_clock(s, f->rip, f->rsp)) {
		if (was_in_clock(s, signo, f))
			return;
	} else if (signo == SIGNO_SYS && trapped_call(s, info, f)) {
		return;
	}
	tell_signal(s, signo, info, frame);
	/* Also of a call that was rewritten and came back by a frame. */
	if (s->ranges_own != 0)
		f->rax = (uint64_t)stub_copy_out(s, (int64_t)f->rax);
}

/* An interrupt that comes while the call is answered here stays noted for the way out. */
void STUB stub_rewritten(struct slot *s)
{
	const struct regs *r = &s->regs;
	uint64_t args[6];
	int64_t ret;
	args[0] = r->rdi;
	args[1] = r->rsi;
	args[2] = r->rdx;
	args[3] = r->r10;
	args[4] = r->r8;
	args[5] = r->r9;
	if (stub_answer(s, (uint32_t)r->orig_rax, args, &ret)) {
		s->regs.rax = (uint64_t)ret;
		return;
	}
	offer(s, (uint32_t)r->orig_rax, args, r->rsp);
	s->kick = 0;
	bool packed = stub_pack(s, (uint32_t)r->orig_rax, args);
	s->event = packed ? SAYS_PACKED : SAYS_CALL;
	if (talk(s) == DO_RETURN) {
		s->regs.rax = s->word[0];
		if (packed)
			stub_unpack(s);
	}
	if (s->ranges_own != 0)
		s->regs.rax = (uint64_t)stub_copy_out(s, (int64_t)r->rax);
}

void STUB stub_kicked(struct slot *s)
{
	s->kick = 0;
	s->event = SAYS_KICK;
	talk(s);
}
