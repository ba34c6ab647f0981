/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/facts.h"

#include <string.h>

#include "platform/trap/clock.h"
#include "platform/trap/trap.h"
#include "syscalls/abi/signal.h"

void facts_init(struct facts *f, unsigned cpus, bool yields)
{
	f->clock = clock_gettime_at();
	f->getcpu = clock_getcpu_at();
	f->clocks = clock_ids();
	f->cpus = cpus;
	f->yields = yields;
	f->frame = (uint32_t)(SIGFRAME_FPU_AT + trap_fpu_size() + sizeof(uint32_t)); /* MAGIC2 */
}

void facts_forget(struct facts *f, unsigned slot)
{
	for (unsigned i = 0; i < FACTS_WORDS; i++)
		__atomic_store_n(&f->thread[slot][i], 0, __ATOMIC_RELAXED);
}

/* Flags live in the tid word: the stub looks at one. */
static uint32_t flag_of(enum fact which)
{
	switch (which) {
	case FACT_SEEN:
		return FACTS_SEEN;
	case FACT_BOUND:
		return FACTS_BOUND;
	case FACT_RENAMED:
		return FACTS_RENAMED;
	case FACT_TIMELESS:
		return FACTS_TIMELESS;
	default:
		return 0;
	}
}

static void set_tid(uint32_t *word, uint32_t tid)
{
	uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(word, &old, (old & ~FACTS_TID) | tid, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

void facts_set(struct facts *f, unsigned slot, enum fact which, uint32_t value)
{
	uint32_t *words = f->thread[slot], flag = flag_of(which);
	if (flag && value)
		__atomic_fetch_or(&words[FACT_TID], flag, __ATOMIC_RELEASE);
	else if (flag)
		__atomic_fetch_and(&words[FACT_TID], ~flag, __ATOMIC_RELEASE);
	else if (which == FACT_TID)
		set_tid(&words[FACT_TID], value & FACTS_TID);
	else
		__atomic_store_n(&words[which], value, __ATOMIC_RELEASE);
}

/* A reader in the stub copies, then looks whether the number is still the same. */
void facts_uts(struct facts *f, const void *uts, size_t size)
{
	uint32_t seq = f->uts_seq;
	/* Not a fence, which TSan does not know: what follows stays behind an exchange, too. */
	__atomic_exchange_n(&f->uts_seq, seq + 1, __ATOMIC_SEQ_CST);
	memcpy(f->uts, uts, min_u64(size, sizeof f->uts));
	__atomic_store_n(&f->uts_seq, seq + 2, __ATOMIC_RELEASE);
}
