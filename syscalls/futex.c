/* SPDX-License-Identifier: Apache-2.0 */
/* futex(2) and its successors, and the robust list. */
#include "sentry/task/futex.h"

#include "platform/base/cleanup.h"
#include "sentry/task/cas.h"
#include "sentry/task/clock.h"
#include "sentry/task/futex_pi.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/futex.h"
#include "syscalls/sys.h"

/* restart_syscall(2) after a signal without a handler: same word, same deadline. */
static long wait_again(struct task *t);

static long wait_keyed(struct task *t, uaddr_t addr, bool private, uint32_t val, uint32_t bitset,
		       int64_t deadline)
{
	struct futex_key key;

	int err = futex_key(t->mm, addr, private, &key);
	if (err == 0)
		err = futex_wait(t->mm, addr, &key, val, bitset, deadline);
	if (err != -ERESTARTSYS || deadline == WAIT_FOREVER)
		return err;
	t->restart_fn = wait_again;
	t->restart_arg.a[0] = addr | private;
	t->restart_arg.a[1] = val;
	t->restart_arg.a[2] = bitset;
	t->restart_arg.a[3] = (uint64_t)deadline;
	return -ERESTART_RESTARTBLOCK;
}

static long wait_again(struct task *t)
{
	const uint64_t *a = t->restart_arg.a;
	return wait_keyed(t, a[0] & ~1ull, a[0] & 1, (uint32_t)a[1], (uint32_t)a[2], (int64_t)a[3]);
}

/* FUTEX_WAIT counts from now, all others name a moment. */
static int parse_timeout(struct task *t, uint32_t op, uaddr_t timeout, int64_t *out_deadline)
{
	int64_t ns;

	*out_deadline = WAIT_FOREVER;
	if (!timeout)
		return 0;
	int err = timespec_copy_in(t->mm, timeout, &ns);
	if (err < 0)
		return err;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT) {
		*out_deadline = deadline_in(ns);
		return 0;
	}
	return clock_deadline(op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, ns,
			      out_deadline);
}

static long do_wait(struct task *t, uaddr_t addr, uint32_t op, uint32_t val, uaddr_t timeout,
		    uint32_t bitset)
{
	int64_t deadline;

	int err = parse_timeout(t, op, timeout, &deadline);
	if (err < 0)
		return err;
	if (!bitset)
		return -EINVAL;
	return wait_keyed(t, addr, op & FUTEX_PRIVATE_FLAG, val, bitset, deadline);
}

static long do_wake(struct task *t, uaddr_t addr, bool private, int count, uint32_t bitset)
{
	struct futex_key key;

	if (!bitset)
		return -EINVAL;
	int err = futex_key(t->mm, addr, private, &key);
	if (err == 0 && futex_is_pi(&key))
		return -EINVAL;
	/* Linux counts after it has woken: asking for none wakes one. */
	return err < 0 ? err : futex_wake(&key, count < 1 ? 1 : count, bitset);
}

static long do_requeue(struct task *t, uaddr_t addr, uint32_t op, uint32_t wake, uint64_t move,
		       uaddr_t addr2, uint32_t val3)
{
	struct futex_requeue r = {
		.wake = (int)wake,
		.move = (int)move,
		.compare = (op & FUTEX_CMD_MASK) == FUTEX_CMP_REQUEUE,
		.addr = addr,
		.val = val3,
	};

	if (r.wake < 0 || r.move < 0)
		return -EINVAL;
	int err = futex_key(t->mm, addr, op & FUTEX_PRIVATE_FLAG, &r.from);
	if (err == 0)
		err = futex_key(t->mm, addr2, op & FUTEX_PRIVATE_FLAG, &r.to);
	if (err == 0 && (futex_is_pi(&r.from) || futex_is_pi(&r.to)))
		return -EINVAL;
	return err < 0 ? err : futex_requeue(t->mm, &r);
}

/* Changes the word as op says: 1 if the old one compares, 0 if not. */
static int apply_op(struct task *t, uaddr_t addr, uint32_t op)
{
	uint32_t old, was, result;

	int err = copy_in(t->mm, &old, addr, sizeof old);
	for (;;) {
		was = old;
		if (err == 0)
			err = futex_op(op, was, &result);
		if (err == 0)
			err = task_cas(t, addr, &old, result);
		if (err < 0 || old == was)
			return err < 0 ? err : futex_op_wakes(op, was);
		if (waiter_signalled(&t->waiter))
			return -ERESTARTNOINTR;
	}
}

/*
 * The word first, then those who sleep: who comes in between finds the new value and does
 * not sleep, or sleeps already and is counted.
 */
static long do_wake_op(struct task *t, uaddr_t addr, bool private, int count, uint64_t count2,
		       uaddr_t addr2, uint32_t op)
{
	struct futex_key key, key2;

	int err = futex_key(t->mm, addr, private, &key);
	if (err == 0)
		err = futex_key(t->mm, addr2, private, &key2);
	if (err < 0)
		return err;
	if (futex_is_pi(&key) || futex_is_pi(&key2))
		return -EINVAL;
	int both = apply_op(t, addr2, op), n = (int)count2;
	if (both < 0)
		return both;
	if (count < 1)
		count = 1;
	return both ? futex_wake_both(&key, count, &key2, n < 1 ? 1 : n)
		    : futex_wake(&key, count, FUTEX_BITSET_MATCH_ANY);
}

/* FUTEX_LOCK_PI goes by the real-time clock, FUTEX_LOCK_PI2 by the one that is asked for. */
static long do_lock_pi(struct task *t, uaddr_t addr, uint32_t op, uaddr_t timeout)
{
	bool try = (op & FUTEX_CMD_MASK) == FUTEX_TRYLOCK_PI;
	struct futex_key key;
	int64_t deadline = WAIT_FOREVER;

	if ((op & FUTEX_CMD_MASK) == FUTEX_LOCK_PI)
		op |= FUTEX_CLOCK_REALTIME;
	int err = try ? 0 : parse_timeout(t, op, timeout, &deadline);
	if (err == 0)
		err = futex_key(t->mm, addr, op & FUTEX_PRIVATE_FLAG, &key);
	return err < 0 ? err : futex_lock_pi(t, addr, &key, try, deadline);
}

static long do_unlock_pi(struct task *t, uaddr_t addr, bool private)
{
	struct futex_key key;
	int err = futex_key(t->mm, addr, private, &key);
	return err < 0 ? err : futex_unlock_pi(t, addr, &key);
}

/* Who may name the clock. */
static bool has_clock(uint32_t cmd)
{
	return cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI2;
}

long sys_futex(struct task *t, uaddr_t uaddr, int futex_op, uint32_t val, uaddr_t timeout,
	       uaddr_t uaddr2, uint32_t val3)
{
	uint32_t op = (uint32_t)futex_op;
	bool private = op & FUTEX_PRIVATE_FLAG;

	if ((op & FUTEX_CLOCK_REALTIME) && !has_clock(op & FUTEX_CMD_MASK))
		return -ENOSYS;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return do_wait(t, uaddr, op, val, timeout, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return do_wait(t, uaddr, op, val, timeout, val3);
	case FUTEX_WAKE:
		return do_wake(t, uaddr, private, (int)val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return do_wake(t, uaddr, private, (int)val, val3);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return do_requeue(t, uaddr, op, val, timeout, uaddr2, val3);
	case FUTEX_WAKE_OP:
		return do_wake_op(t, uaddr, private, (int)val, timeout, uaddr2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_TRYLOCK_PI:
		return do_lock_pi(t, uaddr, op, timeout);
	case FUTEX_UNLOCK_PI:
		return do_unlock_pi(t, uaddr, private);
	default:
		return -ENOSYS;
	}
}

/* Only 32-bit words, no NUMA nodes: what Linux has, and what it refuses. */
static int futex2_flags(uint32_t flags)
{
	if (flags & ~(uint32_t)(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE))
		return -EINVAL;
	return (flags & FUTEX2_SIZE_MASK) == FUTEX2_SIZE_U32 ? 0 : -EINVAL;
}

static int futex2_timeout(struct task *t, uaddr_t timeout, int clockid, int64_t *out_deadline)
{
	int64_t ns;

	*out_deadline = WAIT_FOREVER;
	if (!timeout)
		return 0;
	if (clockid != CLOCK_REALTIME && clockid != CLOCK_MONOTONIC)
		return -EINVAL;
	int err = timespec_copy_in(t->mm, timeout, &ns);
	return err < 0 ? err : clock_deadline(clockid, ns, out_deadline);
}

/* One struct futex_waitv; its key is made. */
static int waitv_copy_in(struct task *t, uaddr_t at, struct futex_many *out)
{
	struct abi_futex_waitv v;

	if (copy_in(t->mm, &v, at, sizeof v) < 0)
		return -EFAULT;
	if (v.reserved || futex2_flags(v.flags) < 0 || v.val > UINT32_MAX)
		return -EINVAL;
	out->addr = v.uaddr;
	out->val = (uint32_t)v.val;
	return futex_key(t->mm, v.uaddr, v.flags & FUTEX2_PRIVATE, &out->key);
}

long sys_futex_waitv(struct task *t, uaddr_t waiters, uint32_t nr_futexes, uint32_t flags,
		     uaddr_t timeout, int clockid)
{
	int64_t deadline;

	if (flags || !nr_futexes || nr_futexes > FUTEX_WAITV_MAX || !waiters)
		return -EINVAL;
	int err = futex2_timeout(t, timeout, clockid, &deadline);
	autofree struct futex_many *v = calloc(nr_futexes, sizeof *v);
	if (err == 0 && !v)
		err = -ENOMEM;
	for (uint32_t i = 0; err == 0 && i < nr_futexes; i++)
		err = waitv_copy_in(t, waiters + i * sizeof(struct abi_futex_waitv), &v[i]);
	return err < 0 ? err : futex_wait_many(t->mm, v, nr_futexes, deadline);
}

long sys_futex_wake(struct task *t, uaddr_t uaddr, uint64_t mask, int nr, uint32_t flags)
{
	struct futex_key key;

	if (futex2_flags(flags) < 0 || mask > UINT32_MAX || mask == 0)
		return -EINVAL;
	int err = futex_key(t->mm, uaddr, flags & FUTEX2_PRIVATE, &key);
	return err < 0 ? err : futex_wake(&key, nr, (uint32_t)mask);
}

long sys_futex_wait(struct task *t, uaddr_t uaddr, uint64_t val, uint64_t mask, uint32_t flags,
		    uaddr_t timeout, int clockid)
{
	struct futex_key key;
	int64_t deadline;

	if (futex2_flags(flags) < 0 || val > UINT32_MAX || mask > UINT32_MAX || mask == 0)
		return -EINVAL;
	int err = futex2_timeout(t, timeout, clockid, &deadline);
	if (err == 0)
		err = futex_key(t->mm, uaddr, flags & FUTEX2_PRIVATE, &key);
	if (err < 0)
		return err;
	return futex_wait(t->mm, uaddr, &key, (uint32_t)val, (uint32_t)mask, deadline);
}

long sys_futex_requeue(struct task *t, uaddr_t waiters, uint32_t flags, int nr_wake, int nr_requeue)
{
	struct futex_many v[2];

	if (flags || !waiters || nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	for (unsigned i = 0; i < 2; i++) {
		int err = waitv_copy_in(t, waiters + i * sizeof(struct abi_futex_waitv), &v[i]);
		if (err < 0)
			return err;
	}
	const struct futex_requeue r = {
		.from = v[0].key,
		.to = v[1].key,
		.wake = nr_wake,
		.move = nr_requeue,
		.compare = true,
		.addr = v[0].addr,
		.val = v[0].val,
	};
	return futex_requeue(t->mm, &r);
}

long sys_set_robust_list(struct task *t, uaddr_t head, uint64_t len)
{
	if (len != sizeof(struct abi_robust_list_head))
		return -EINVAL;
	__atomic_store_n(&t->robust_list, head, __ATOMIC_RELAXED);
	return 0;
}

long sys_get_robust_list(struct task *t, int pid, uaddr_t head, uaddr_t len)
{
	const uint64_t size = sizeof(struct abi_robust_list_head);
	autoput(task) struct task *found = pid ? task_find(pid) : task_get(t);

	if (!found)
		return -ESRCH;
	int err = task_may_access(t, found);
	if (err < 0)
		return err;
	uint64_t at = __atomic_load_n(&found->robust_list, __ATOMIC_RELAXED);
	if (copy_out(t->mm, len, &size, sizeof size) < 0 ||
	    copy_out(t->mm, head, &at, sizeof at) < 0)
		return -EFAULT;
	return 0;
}
