/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/pool/fiber.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "platform/base/lock.h"
#include "platform/base/types.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* Handlers keep a few path buffers on the stack; sanitizers need much more. */
#ifdef VEDETTE_CHECK
enum { STACK_SIZE = 2 << 20 };
#else
enum { STACK_SIZE = 256 << 10 };
#endif
enum { KEEP_STACKS = 32 }; /* whose pages stay when nobody uses them */

void fiber_switch(void **save_sp, void *sp);
extern const char fiber_begin[];

static struct lock unused_lock = LOCK_INIT(RANK_LEAF);
static struct fiber *unused; /* unused_lock */
static unsigned nunused;     /* unused_lock */

static struct fiber *unused_take(void)
{
	lock(&unused_lock);
	struct fiber *f = unused;
	if (f) {
		unused = f->next;
		nunused--;
	}
	unlock(&unused_lock);
	return f;
}

/* The page below it faults. */
static char *stack_new(void)
{
	char *p = mmap(NULL, STACK_SIZE + PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p, PAGE_SIZE, PROT_NONE) < 0) {
		munmap(p, STACK_SIZE + PAGE_SIZE);
		return NULL;
	}
	return p + PAGE_SIZE;
}

static struct fiber *fiber_make(void)
{
	struct fiber *f = calloc(1, sizeof *f);
	if (f && !(f->stack = stack_new())) {
		free(f);
		return NULL;
	}
	return f;
}

/* Where a fiber begins, as the sanitizers see it: on its own stack. */
static void first(struct fiber *f)
{
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(NULL, &f->entered_low, &f->entered_size);
#endif
	f->fn(f->arg);
	abort(); /* fn ends by fiber_end() */
}

struct fiber *fiber_new(void (*fn)(void *arg), void *arg)
{
	struct fiber *f = unused_take();
	if (!f && !(f = fiber_make()))
		return NULL;
	f->fn = fn;
	f->arg = arg;
	f->locals = (struct locals){{NULL}};
	f->want = WANT_RUN;
	f->deadline.key = INT64_MAX;
	f->timed_out = false;
	f->ticks = 0;
	list_init(&f->out);
	atomic_store(&f->state, FIBER_RUNS);
	/* As fiber_switch leaves it: r15 r14 r13 r12 rbx rbp, return address; 16-aligned behind
	 * that. */
	void **sp = (void **)(f->stack + STACK_SIZE - 72);
	memset(sp, 0, 72);
	sp[3] = (void *)(uintptr_t)first;
	sp[4] = f;
	sp[6] = (void *)(uintptr_t)fiber_begin;
	f->at = (struct context){.sp = sp};
#ifdef WITH_TSAN
	f->at.tsan = __tsan_create_fiber(0);
#endif
	return f;
}

void fiber_free(struct fiber *f)
{
#ifdef WITH_TSAN
	__tsan_destroy_fiber(f->at.tsan);
#endif
	lock(&unused_lock);
	bool many = nunused >= KEEP_STACKS;
	unlock(&unused_lock);
	/* Its top is where it will begin again. */
	if (many)
		madvise(f->stack, STACK_SIZE - PAGE_SIZE, MADV_DONTNEED);
	lock(&unused_lock);
	f->next = unused;
	unused = f;
	nunused++;
	unlock(&unused_lock);
}

void fiber_enter(struct context *from, struct fiber *f)
{
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(&from->asan, f->stack, STACK_SIZE);
#endif
#ifdef WITH_TSAN
	from->tsan = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(f->at.tsan, 0);
#endif
	fiber_switch(&from->sp, f->at.sp);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(from->asan, NULL, NULL);
#endif
}

static void leave(struct fiber *f, const struct context *to, bool for_ever)
{
	(void)for_ever;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(for_ever ? NULL : &f->at.asan, f->entered_low,
				       f->entered_size);
#endif
#ifdef WITH_TSAN
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	fiber_switch(&f->at.sp, to->sp);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(f->at.asan, &f->entered_low, &f->entered_size);
#endif
}

void fiber_leave(struct fiber *f, const struct context *to)
{
	leave(f, to, /*for_ever=*/false);
}

void fiber_end(struct fiber *f, const struct context *to)
{
	leave(f, to, /*for_ever=*/true);
	abort();
}
