/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/stub/copy.h"

#include "platform/trap/facts.h"
#include "platform/trap/stub/plan.h"
#include "platform/trap/stub/stub.h"
#include "platform/trap/stub/touch.h"
#include "syscalls/abi/errno.h"

enum {
	PATH_BYTES = 4096,  /* Linux looks no further for a NUL */
	RANGE_MAX = 0x4000, /* above it one process_vm_* is cheaper than two copies */
	RENEW_MAX = 512,    /* above it looking costs more than it saves */
	VECTOR_MAX = 4,	    /* buffers of a vector that are worth it */
	MSG_IOV = 2,
	MSG_IOVLEN = 3, /* struct msghdr in words */
};

struct walk {
	struct slot *s;
	const uint64_t *args;
	uint64_t row;
	uint32_t at;	/* the first free byte of the data */
	uint32_t count; /* not in the slot until the end: other threads write there, too */
};

static inline __attribute__((always_inline)) void *guest(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static inline __attribute__((always_inline)) unsigned char *data(struct slot *s, uint64_t at)
{
	return (unsigned char *)s + SLOT_DATA + at;
}

/* As the handler will see the register. */
static STUB uint64_t value(const struct walk *w, unsigned i)
{
	uint32_t kind = stub_kinds[PLAN_KIND(w->row, i)];
	uint64_t arg = w->args[i];
	if (PLAN_WIDE(kind))
		return arg;
	return PLAN_SIGNED(kind) ? (uint64_t)(int64_t)(int32_t)arg : (uint32_t)arg;
}

static STUB uint64_t room_left(const struct walk *w)
{
	uint64_t left = SLOT_DATA_SIZE - w->at;
	if (w->count == SLOT_RANGES)
		return 0;
	return left < RANGE_MAX ? left : RANGE_MAX;
}

static STUB struct slot_range *add(struct walk *w, uint64_t addr, uint64_t size, uint16_t out)
{
	struct slot_range *r = &w->s->ranges[w->count++];
	r->addr = addr;
	r->size = (uint32_t)size;
	r->at = (uint16_t)w->at;
	r->out = out;
	r->used = 0;
	r->from = 0;
	w->at = PACK_ALIGN(w->at + size);
	return r;
}

/*
 * Bytes for the sentry: 0 or -1.  A line whose bytes are those of the call before is not written:
 * the sentry's copy of it stays good, and neither side waits for it.  But looking at a line that
 * must be written takes longer than to write it: after one, some are written without a look.
 */
static STUB int put(struct walk *w, uint64_t addr, uint64_t size)
{
	void *to = data(w->s, w->at);
	if (size > RENEW_MAX)
		return stub_move(to, guest(addr), size);
	if (w->s->blind > 0) {
		w->s->blind--;
		return stub_move(to, guest(addr), size);
	}
	int changed = stub_renew(to, guest(addr), size);
	if (changed > 0)
		w->s->blind = SLOT_BLIND;
	return changed < 0 ? -1 : 0;
}

/* All of it or nothing: a call that reads half of what it was told to would notice. */
static STUB struct slot_range *offer_in(struct walk *w, uint64_t addr, uint64_t size)
{
	if (size == 0 || size > room_left(w) || !stub_is_guest(addr, size))
		return NULL;
	if (put(w, addr, size) < 0)
		return NULL;
	return add(w, addr, size, SLOT_IN);
}

/* As much as fits: what is written beyond it goes the other way. */
static STUB void offer_out(struct walk *w, uint64_t addr, uint64_t size)
{
	uint64_t left = room_left(w);
	if (!stub_is_guest(addr, size))
		return;
	if (size > left)
		size = left;
	if (size > 0 && stub_writable(guest(addr), size) == 0)
		add(w, addr, size, SLOT_OUT);
}

static STUB void offer_inout(struct walk *w, uint64_t addr, uint64_t size)
{
	struct slot_range *r = offer_in(w, addr, size);
	if (r && stub_writable(guest(addr), size) == 0)
		r->out = SLOT_INOUT;
}

static STUB void offer(struct walk *w, enum arg_dir dir, uint64_t addr, uint64_t size)
{
	if (dir == DIR_IN)
		offer_in(w, addr, size);
	else if (dir == DIR_OUT)
		offer_out(w, addr, size);
	else
		offer_inout(w, addr, size);
}

static STUB void offer_string(struct walk *w, uint64_t addr)
{
	uint64_t room = room_left(w);
	if (room > PATH_BYTES)
		room = PATH_BYTES;
	if (!stub_is_guest(addr, 1))
		return;
	if (room > USER_TOP - addr)
		room = USER_TOP - addr;
	int64_t size = stub_string(guest(addr), room);
	if (size > 0 && put(w, addr, (uint64_t)size) == 0)
		add(w, addr, (uint64_t)size, SLOT_IN);
}

/* The vector, then its buffers if they are few: as our copy of it says. */
static STUB void offer_vector(struct walk *w, enum arg_dir dir, uint64_t addr, uint64_t count)
{
	if (count > RANGE_MAX / 16)
		return;
	uint32_t at = w->at;
	if (!offer_in(w, addr, count * 16) || count > VECTOR_MAX)
		return;
	const uint64_t *v = (const uint64_t *)(const void *)data(w->s, at);
	for (uint64_t i = 0; i < count; i++)
		offer(w, dir, v[2 * i], v[2 * i + 1]);
}

static STUB void offer_message(struct walk *w, enum arg_dir dir, uint64_t addr, uint64_t size)
{
	uint32_t n = w->count, at = w->at;
	offer(w, dir, addr, size);
	if (w->count == n)
		return;
	const uint64_t *m = (const uint64_t *)(const void *)data(w->s, at);
	offer_vector(w, dir == DIR_IN ? DIR_IN : DIR_OUT, m[MSG_IOV], m[MSG_IOVLEN]);
}

/* The length is an int in guest memory, which the sentry reads for itself. */
static STUB void offer_by_pointer(struct walk *w, enum arg_dir dir, uint64_t addr, uint64_t length)
{
	int32_t n;
	if (stub_is_guest(length, sizeof n) && stub_move(&n, guest(length), sizeof n) == 0 && n > 0)
		offer(w, dir, addr, (uint64_t)n);
}

static STUB void offer_units(struct walk *w, enum arg_dir dir, uint64_t addr, uint64_t n,
			     uint32_t unit)
{
	if (n < USER_TOP)
		offer(w, dir, addr, n * unit);
}

static STUB void offer_arg(struct walk *w, unsigned i)
{
	uint32_t kind = stub_kinds[PLAN_KIND(w->row, i)];
	enum arg_dir dir = PLAN_DIR(kind);
	uint32_t unit = PLAN_UNIT(kind);
	unsigned other = (i + (unsigned)PLAN_AT(kind)) & 7;
	uint64_t addr = w->args[i];

	if (addr == 0)
		return;
	switch (PLAN_LEN(kind)) {
	case LEN_FIXED:
		return offer(w, dir, addr, unit);
	case LEN_BY_ARG:
	case LEN_BY_RET:
		return offer_units(w, dir, addr, value(w, other), unit);
	case LEN_STRING:
		return offer_string(w, addr);
	case LEN_BY_POINTER:
		return offer_by_pointer(w, dir, addr, w->args[other]);
	case LEN_FDBITS:
		if ((int32_t)w->args[0] > 0)
			offer_units(w, dir, addr, ((uint32_t)w->args[0] + 63) / 64, unit);
		return;
	case LEN_PAGEVEC:
		return offer_units(w, dir, addr, (w->args[other] >> PAGE_SHIFT) + 1, unit);
	case LEN_IOVEC:
		return offer_vector(w, dir, addr, value(w, other));
	case LEN_MSGHDR:
		return offer_message(w, dir, addr, unit);
	default:
		return;
	}
}

void STUB stub_copy_in(struct slot *s, uint64_t nr, const uint64_t args[6])
{
	struct walk w;
	s->range_count = 0;
	s->range_fault = 0;
	s->ranges_own = 0;
	if ((uint32_t)nr >= NR_END)
		return;
	w.row = stub_rows[(uint32_t)nr];
	w.s = s;
	w.args = args;
	w.at = 0;
	w.count = 0;
	for (uint32_t mask = PLAN_MASK(w.row); mask != 0; mask &= mask - 1)
		offer_arg(&w, (unsigned)__builtin_ctz(mask));
	s->range_count = (uint8_t)w.count;
	s->ranges_own = w.count;
}

void STUB stub_copy_frame(struct slot *s, uint64_t sp)
{
	const struct facts *f = (const struct facts *)(uintptr_t)FACTS_AT;
	struct walk w;
	s->range_fault = 0;
	w.s = s;
	w.at = 0;
	w.count = 0;
	offer_in(&w, sp, f->frame);
	s->range_count = (uint8_t)w.count;
	s->ranges_own = w.count;
}

/* Which of the first arguments is this address; PACK_ARGS: none. */
static STUB uint32_t arg_of(uint64_t addr, const uint64_t args[6])
{
	uint32_t i = 0;
	while (i < PACK_ARGS && args[i] != addr)
		i++;
	return i;
}

/* False if the ranges are not for four arguments, or not as the sentry would guess where they lie.
 */
static STUB bool pack_ranges(const struct slot *s, const uint64_t args[6], uint64_t out[2])
{
	uint32_t at = 0, count = s->ranges_own;
	if (count > PACK_RANGES)
		return false;
	out[0] = out[1] = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct slot_range *r = &s->ranges[i];
		uint32_t arg = arg_of(r->addr, args);
		if (arg == PACK_ARGS || r->at != at || r->size > UINT16_MAX)
			return false;
		out[i / 2] |= (uint64_t)PACK(r->size, arg, r->out) << 32 * (i % 2);
		at = PACK_ALIGN(at + r->size);
	}
	return true;
}

bool STUB stub_pack(struct slot *s, uint64_t nr, const uint64_t args[6])
{
	uint64_t ranges[2];
	bool few = (uint32_t)nr < NR_END && PLAN_FEW(stub_rows[(uint32_t)nr]);
	bool packed = s->ranges_own > 0 && few && pack_ranges(s, args, ranges);
	s->nr = (uint32_t)nr;
	for (int i = 0; i < PACK_ARGS; i++)
		s->word[i] = args[i];
	s->word[4] = packed ? ranges[0] : args[4];
	s->word[5] = packed ? ranges[1] : args[5];
	return packed;
}

void STUB stub_unpack(struct slot *s)
{
	uint64_t used = s->word[1];
	uint32_t count = s->ranges_own;
	bool small = false;
	for (uint32_t i = 0; i < count && i < PACK_RANGES; i++) {
		struct slot_range *r = &s->ranges[i];
		r->from = 0;
		r->used = (uint16_t)(used >> 16 * i);
		if (small || r->out != SLOT_OUT || r->size > PACK_SMALL || r->at > SLOT_DATA_SIZE)
			continue;
		small = true;
		for (uint32_t j = 0; j < PACK_SMALL / 8 && 8 * j < r->used; j++)
			((uint64_t *)(void *)data(s, r->at & ~7u))[j] = s->word[2 + j];
	}
}

/*
 * How many bytes went back, page by page.  The slot may say anything by now: what it names must
 * lie in the guest's memory and in its own.
 */
static STUB uint64_t put_back(struct slot *s, const struct slot_range *r)
{
	uint64_t used = r->used, from = r->from, addr = r->addr + from, at = r->at + from, done = 0;
	if (at > SLOT_DATA_SIZE || used > SLOT_DATA_SIZE - at || !stub_is_guest(addr, used))
		return 0;
	while (done < used) {
		uint64_t n = PAGE_SIZE - (addr + done) % PAGE_SIZE;
		if (n > used - done)
			n = used - done;
		if (stub_move(guest(addr + done), data(s, at + done), n) < 0)
			break;
		done += n;
	}
	return done;
}

/* Linux would have stopped at the bad page: a count of just these bytes becomes smaller. */
int64_t STUB stub_copy_out(struct slot *s, int64_t ret)
{
	uint64_t count = s->ranges_own, wanted = 0, done = 0;
	bool bad = false;
	s->ranges_own = 0;
	for (uint64_t i = 0; i < count && i < SLOT_RANGES; i++) {
		const struct slot_range *r = &s->ranges[i];
		uint64_t used = r->used, n;
		if (used == 0)
			continue;
		wanted += used;
		n = put_back(s, r);
		if (!bad)
			done += n;
		bad = bad || n != used;
	}
	if (!bad)
		return ret;
	s->range_fault = 1;
	return ret > 0 && (uint64_t)ret == wanted && done > 0 ? (int64_t)done : -EFAULT;
}

bool STUB stub_copy_fixup(uint64_t *rip)
{
	if (*rip < (uint64_t)(uintptr_t)stub_touch_begin ||
	    *rip >= (uint64_t)(uintptr_t)stub_touch_end)
		return false;
	*rip = (uint64_t)(uintptr_t)stub_touch_failed;
	return true;
}
