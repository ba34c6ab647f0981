/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of guest memory are read and written here with process_vm_*, which is
 * not atomic with respect to running guest code.  A call that must change a word
 * does it with cas.h; a dead owner's mutex is a case of its own.
 */
#include "sentry/task/futex.h"

#include <pthread.h>

#include "sentry/mm/mm.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/futex.h"

enum { BUCKETS = 1024 };

struct futex_bucket {
	struct lock lock;    /* RANK_FUTEX */
	struct list waiters; /* lock: struct futex_wait, in order of arrival */
};

static struct futex_bucket buckets[BUCKETS];
static pthread_once_t buckets_once = PTHREAD_ONCE_INIT;

static void buckets_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		lock_init(&buckets[i].lock, RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
}

static struct futex_bucket *bucket_of(const struct futex_key *k)
{
	uint64_t h = (uint64_t)(uintptr_t)k->obj ^ (k->off + k->kind);

	pthread_once(&buckets_once, buckets_init);
	return &buckets[(h * 0x9e3779b97f4a7c15ull) >> 54];
}
_Static_assert(BUCKETS == 1 << (64 - 54), "the hash keeps the top ten bits");

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->kind == b->kind && a->obj == b->obj && a->off == b->off;
}

int futex_key(struct mm *mm, uaddr_t addr, bool private, struct futex_key *out)
{
	uint32_t word;

	if (addr % sizeof(uint32_t))
		return -EINVAL;
	if (addr >= USER_TOP)
		return -EFAULT;
	*out = (struct futex_key){.kind = FUTEX_KEY_PRIVATE, .obj = mm, .off = addr};
	if (private)
		return 0;
	int kind = mm_futex_key(mm, addr, &out->obj, &out->off);
	if (kind < 0)
		return kind;
	out->kind = kind > 0 ? FUTEX_KEY_OBJECT : FUTEX_KEY_MM;
	/* Linux must see the page to know what is behind it. */
	return copy_in(mm, &word, addr, sizeof word);
}

static void wait_prepare(struct futex_wait *w, const struct futex_key *key, uint32_t bitset)
{
	*w = (struct futex_wait){.key = *key, .bitset = bitset, .waiter = waiter_self()};
	list_init(&w->link);
}

/* Queues w if the word still is val.  Reading takes no lock of ours, and sleeps only in the host.
 */
static int wait_enqueue(struct mm *mm, uaddr_t addr, struct futex_wait *w, uint32_t val)
{
	struct futex_bucket *b = bucket_of(&w->key);
	uint32_t now;

	lock(&b->lock);
	int err = copy_in(mm, &now, addr, sizeof now);
	if (err == 0 && now != val)
		err = -EAGAIN;
	if (err == 0) {
		__atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE);
		list_append(&b->waiters, &w->link);
	}
	unlock(&b->lock);
	return err;
}

/* The bucket w is queued in, locked: a requeue may move it until that holds. */
static struct futex_bucket *bucket_lock(struct futex_wait *w) NO_LOCK_ANALYSIS
{
	for (;;) {
		struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
		lock(&b->lock);
		if (b == __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE))
			return b;
		unlock(&b->lock);
	}
}

static bool wait_is_over(struct futex_wait *w) NO_LOCK_ANALYSIS
{
	struct futex_bucket *b = bucket_lock(w);
	bool woken = w->woken;
	unlock(&b->lock);
	return woken;
}

/* Afterwards nobody else knows w.  True if it had been woken. */
static bool wait_dequeue(struct futex_wait *w) NO_LOCK_ANALYSIS
{
	if (!w->bucket)
		return false;
	struct futex_bucket *b = bucket_lock(w);
	bool woken = w->woken;
	list_del(&w->link);
	unlock(&b->lock);
	return woken;
}

static void wake_locked(struct futex_wait *w)
{
	list_del(&w->link);
	w->woken = true;
	waiter_wake(w->waiter);
}

int futex_wait(struct mm *mm, uaddr_t addr, const struct futex_key *key, uint32_t val,
	       uint32_t bitset, int64_t deadline)
{
	struct futex_wait w;

	wait_prepare(&w, key, bitset);
	int err = wait_enqueue(mm, addr, &w, val);
	if (err < 0)
		return err;
	while (err == 0 && !wait_is_over(&w))
		err = waiter_sleep(w.waiter, WAIT_INTR, deadline);
	return wait_dequeue(&w) ? 0 : err;
}

static int wake_some_locked(struct futex_bucket *b, const struct futex_key *key, int count,
			    uint32_t bitset)
{
	struct futex_wait *w, *next;
	int woken = 0;

	list_for_each_safe (w, next, &b->waiters, link) {
		if (woken >= count)
			break;
		if (!key_equal(&w->key, key) || !(w->bitset & bitset))
			continue;
		wake_locked(w);
		woken++;
	}
	return woken;
}

int futex_wake(const struct futex_key *key, int count, uint32_t bitset)
{
	struct futex_bucket *b = bucket_of(key);

	lock(&b->lock);
	int woken = wake_some_locked(b, key, count, bitset);
	unlock(&b->lock);
	return woken;
}

static int requeue_locked(const struct futex_requeue *r, struct futex_bucket *from,
			  struct futex_bucket *to)
{
	struct futex_wait *w, *next;
	struct list moved = LIST_INIT(moved);
	int woken = 0, count = 0;

	list_for_each_safe (w, next, &from->waiters, link) {
		if (!key_equal(&w->key, &r->from))
			continue;
		if (woken < r->wake) {
			wake_locked(w);
			woken++;
			continue;
		}
		if (count >= r->move)
			break;
		list_del(&w->link);
		list_append(&moved, &w->link);
		w->key = r->to;
		__atomic_store_n(&w->bucket, to, __ATOMIC_RELEASE);
		count++;
	}
	list_splice(&to->waiters, &moved);
	return woken + count;
}

int futex_requeue(struct mm *mm, const struct futex_requeue *r)
{
	struct futex_bucket *from = bucket_of(&r->from), *to = bucket_of(&r->to);
	uint32_t now;
	int err = 0;

	lock_pair(&from->lock, &to->lock);
	if (r->compare)
		err = copy_in(mm, &now, r->addr, sizeof now);
	if (err == 0 && r->compare && now != r->val)
		err = -EAGAIN;
	if (err == 0)
		err = requeue_locked(r, from, to);
	unlock_pair(&from->lock, &to->lock);
	return err;
}

static int32_t sign_extend12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

int futex_op(uint32_t op, uint32_t old, uint32_t *out)
{
	uint32_t arg = (uint32_t)sign_extend12(op >> 12 & 0xfff);

	/* Linux takes only the low five bits of a shift that is too large, and so do programs. */
	if (op >> 28 & FUTEX_OP_OPARG_SHIFT)
		arg = 1u << (arg & 31);
	switch (op >> 28 & 7) {
	case FUTEX_OP_SET:
		*out = arg;
		return 0;
	case FUTEX_OP_ADD:
		*out = old + arg;
		return 0;
	case FUTEX_OP_OR:
		*out = old | arg;
		return 0;
	case FUTEX_OP_ANDN:
		*out = old & ~arg;
		return 0;
	case FUTEX_OP_XOR:
		*out = old ^ arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

int futex_op_wakes(uint32_t op, uint32_t old_word)
{
	int32_t arg = sign_extend12(op & 0xfff), old = (int32_t)old_word;

	switch (op >> 24 & 0xf) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_GE:
		return old >= arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	case FUTEX_OP_CMP_GT:
		return old > arg;
	default:
		return -ENOSYS;
	}
}

int futex_wake_both(const struct futex_key *key, int count, const struct futex_key *key2,
		    int count2)
{
	struct futex_bucket *a = bucket_of(key), *b = bucket_of(key2);

	lock_pair(&a->lock, &b->lock);
	int n = wake_some_locked(a, key, count, FUTEX_BITSET_MATCH_ANY);
	n += wake_some_locked(b, key2, count2, FUTEX_BITSET_MATCH_ANY);
	unlock_pair(&a->lock, &b->lock);
	return n;
}

/* The first that is woken, or -1. */
static int many_woken(struct futex_many *v, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (wait_is_over(&v[i].wait))
			return (int)i;
	return -1;
}

int futex_wait_many(struct mm *mm, struct futex_many *v, size_t count, int64_t deadline)
{
	int err = 0, woken = -1;
	size_t queued;

	for (queued = 0; err == 0 && queued < count; queued++) {
		wait_prepare(&v[queued].wait, &v[queued].key, FUTEX_BITSET_MATCH_ANY);
		err = wait_enqueue(mm, v[queued].addr, &v[queued].wait, v[queued].val);
	}
	while (err == 0 && many_woken(v, count) < 0)
		err = waiter_sleep(waiter_self(), WAIT_INTR, deadline);
	for (size_t i = 0; i < queued; i++)
		if (wait_dequeue(&v[i].wait))
			woken = (int)i;
	return woken >= 0 ? woken : err;
}

void futex_wake_addr(struct mm *mm, uaddr_t addr)
{
	struct futex_key key;

	if (futex_key(mm, addr, /*private=*/false, &key) == 0)
		futex_wake(&key, 1, FUTEX_BITSET_MATCH_ANY);
}

static bool has_waiters_locked(const struct futex_bucket *b, const struct futex_key *key)
{
	const struct futex_wait *w;

	list_for_each (w, &b->waiters, link)
		if (key_equal(&w->key, key))
			return true;
	return false;
}

/*
 * The owner is dead, so nobody else changes the owner's number; a thread that
 * wants the mutex may set FUTEX_WAITERS between our read and write.  It then
 * either is queued already, and we wake it, or finds that the word has changed.
 */
static int owner_died_locked(struct mm *mm, uaddr_t addr, int tid, bool pi, bool pending,
			     const struct futex_bucket *b, const struct futex_key *key)
{
	uint32_t word;

	int err = copy_in(mm, &word, addr, sizeof word);
	if (err < 0)
		return err;
	/* It had unlocked but not yet woken the next one. */
	if (pending && !pi && word == 0)
		return 1;
	if ((word & FUTEX_TID_MASK) != (uint32_t)tid)
		return 0;
	uint32_t waiters = word & FUTEX_WAITERS;
	if (has_waiters_locked(b, key))
		waiters = FUTEX_WAITERS;
	word = waiters | FUTEX_OWNER_DIED;
	err = copy_out(mm, addr, &word, sizeof word);
	return err < 0 ? err : !pi;
}

int futex_owner_died(struct mm *mm, uaddr_t addr, int tid, bool pi, bool pending)
{
	struct futex_key key;

	int err = futex_key(mm, addr, /*private=*/false, &key);
	if (err < 0)
		return -EFAULT;
	struct futex_bucket *b = bucket_of(&key);
	lock(&b->lock);
	int wake = owner_died_locked(mm, addr, tid, pi, pending, b, &key);
	if (wake > 0)
		wake_some_locked(b, &key, 1, FUTEX_BITSET_MATCH_ANY);
	unlock(&b->lock);
	return wake < 0 ? wake : 0;
}
