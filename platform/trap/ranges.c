/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: written bytes of two ranges never overlap in guest memory, so the order in
 * which the stub puts them back does not matter.  A write that would break it is refused
 * here, and then ranges_sync() flushes the older one.
 */
#include "platform/trap/ranges.h"

#include <string.h>
#include <sys/uio.h>

#include "platform/platform.h"

/*
 * The lines that will be written, or read, are on their way while the call is looked at: each
 * waited for by itself costs 0.1 us.  (prefetchw does nothing on a CPU without it.)
 */
static void fetch(const struct range *r, bool known)
{
	enum { LINE = 64, MOST = 4096 };
	const unsigned char *end = r->data + min_u64(r->size, MOST);
	for (const unsigned char *p = r->data; p < end; p += LINE)
		if (r->kind == SLOT_OUT && !known)
			__asm__ volatile("prefetchw %0" : : "m"(*p));
		else
			__builtin_prefetch(p);
}

static bool range_check(struct range *out, const struct slot_range *s)
{
	uint64_t end;
	if (s->out > SLOT_INOUT || s->size == 0)
		return false;
	if (s->at > SLOT_DATA_SIZE || s->size > (uint32_t)SLOT_DATA_SIZE - s->at)
		return false;
	if (__builtin_add_overflow(s->addr, s->size, &end) || end > USER_TOP)
		return false;
	*out = (struct range){.addr = s->addr, .size = s->size, .kind = (uint8_t)s->out};
	return true;
}

void ranges_take(struct ranges *r, struct slot *s)
{
	uint32_t count = __atomic_load_n(&s->range_count, __ATOMIC_RELAXED);
	r->count = 0;
	r->small_home = NULL;
	for (uint32_t i = 0; i < count && i < SLOT_RANGES; i++) {
		struct slot_range once;
		memcpy(&once, &s->ranges[i], sizeof once);
		/* The compiler may not look at the slot again. */
		__asm__ volatile("" : : "r"(&once) : "memory");
		struct range *to = &r->r[r->count];
		if (!range_check(to, &once))
			continue;
		to->data = (unsigned char *)s + SLOT_DATA + once.at;
		to->nr = (uint8_t)i;
		fetch(to, r->known);
		r->count++;
	}
}

static void take_packed(struct ranges *r, struct slot *s, const struct slot_range *it, unsigned nr)
{
	struct range *to = &r->r[r->count];
	if (!range_check(to, it))
		return;
	to->nr = (uint8_t)nr;
	to->data = (unsigned char *)s + SLOT_DATA + it->at;
	if (to->kind == SLOT_OUT && to->size <= PACK_SMALL && !r->small_home) {
		r->small_home = to->data;
		to->data = r->small;
	} else {
		fetch(to, r->known);
	}
	r->count++;
}

void ranges_take_packed(struct ranges *r, struct slot *s, const uint64_t word[6])
{
	unsigned count = __atomic_load_n(&s->range_count, __ATOMIC_RELAXED);
	uint32_t at = 0;
	r->count = 0;
	r->small_home = NULL;
	for (unsigned i = 0; i < count && i < PACK_RANGES; i++) {
		const uint32_t p = (uint32_t)(word[PACK_ARGS + i / 2] >> 32 * (i % 2));
		if (PACK_ARG(p) >= PACK_ARGS)
			continue;
		const struct slot_range it = {.addr = word[PACK_ARG(p)],
					      .size = PACK_SIZE(p),
					      .at = (uint16_t)at,
					      .out = (uint16_t)PACK_OUT(p)};
		take_packed(r, s, &it, i);
		at = PACK_ALIGN(at + it.size);
		if (at > SLOT_DATA_SIZE)
			break;
	}
}

bool ranges_packable(const struct ranges *r)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->r[i].used > 0 && r->r[i].from > 0)
			return false;
	return true;
}

void ranges_pack(struct ranges *r, struct slot *s)
{
	uint64_t used = 0;
	for (unsigned i = 0; i < r->count; i++) {
		const struct range *x = &r->r[i];
		used |= (uint64_t)x->used << 16 * x->nr;
		if (x->data == r->small)
			for (uint32_t j = 0; 8 * j < x->used; j++)
				memcpy(&s->word[2 + j], r->small + 8 * j, 8);
	}
	s->word[1] = used;
	r->count = 0;
}

void ranges_give(struct ranges *r, struct slot *s)
{
	for (unsigned i = 0; i < r->count; i++) {
		if (r->r[i].used == 0)
			continue;
		if (r->r[i].data == r->small)
			memcpy(r->small_home + r->r[i].from, r->small + r->r[i].from, r->r[i].used);
		__atomic_store_n(&s->ranges[r->r[i].nr].from, r->r[i].from, __ATOMIC_RELAXED);
		__atomic_store_n(&s->ranges[r->r[i].nr].used, r->r[i].used, __ATOMIC_RELAXED);
	}
	r->count = 0;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool within(uint64_t addr, uint64_t size, uint64_t outer, uint64_t outer_size)
{
	return addr >= outer && addr - outer <= outer_size && size <= outer_size - (addr - outer);
}

static bool written(const struct range *r, uint64_t addr, uint64_t size)
{
	return r->used > 0 && overlap(addr, size, r->addr + r->from, r->used);
}

/* Where these bytes are, NULL: not here, or not all of them. */
static const unsigned char *find_read(const struct ranges *r, uint64_t addr, uint64_t size)
{
	const struct range *found = NULL;
	for (unsigned i = 0; i < r->count; i++) {
		const struct range *x = &r->r[i];
		bool all = x->kind == SLOT_OUT ? within(addr, size, x->addr + x->from, x->used)
					       : within(addr, size, x->addr, x->size);
		if (written(x, addr, size))
			return all ? x->data + (addr - x->addr) : NULL;
		if (all && x->kind != SLOT_OUT && !found)
			found = x;
	}
	return found ? found->data + (addr - found->addr) : NULL;
}

/* The written bytes stay in one piece, if those at off adjoin them. */
static bool adjoins(const struct range *x, uint64_t off, uint64_t size)
{
	return x->used == 0 || (off <= (uint64_t)x->from + x->used && off + size >= x->from);
}

static struct range *find_write(struct ranges *r, uint64_t addr, uint64_t size)
{
	struct range *found = NULL;
	for (unsigned i = 0; i < r->count; i++) {
		struct range *x = &r->r[i];
		bool fits = x->kind != SLOT_IN && within(addr, size, x->addr, x->size) &&
			    adjoins(x, addr - x->addr, size);
		if (written(x, addr, size)) {
			if (!fits)
				return NULL;
			found = x;
		} else if (fits && !found) {
			found = x;
		}
	}
	/* Of two whose written bytes it touches, neither may have it. */
	for (unsigned i = 0; found && i < r->count; i++)
		if (&r->r[i] != found && written(&r->r[i], addr, size))
			return NULL;
	return found;
}

static void note_write(struct range *x, uint64_t addr, uint64_t size)
{
	uint64_t off = addr - x->addr, from = x->from, end = from + x->used;
	if (x->used == 0)
		from = off, end = off + size;
	x->from = (uint32_t)min_u64(from, off);
	x->used = (uint32_t)(max_u64(end, off + size) - x->from);
}

/* The guest's bytes in other ranges that these replace: a room may stay one. */
static void drop_older(struct ranges *r, const struct range *newer, uint64_t addr, uint64_t size)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct range *x = &r->r[i];
		if (x == newer || x->kind == SLOT_OUT || !overlap(addr, size, x->addr, x->size))
			continue;
		if (x->kind == SLOT_IN)
			x->size = 0;
		x->kind = SLOT_OUT;
	}
}

static uint64_t total_of(const struct iovec *v, size_t n)
{
	uint64_t total = 0;
	for (size_t i = 0; i < n; i++)
		if (__builtin_add_overflow(total, v[i].iov_len, &total))
			return UINT64_MAX;
	return total;
}

/*
 * Into the slot.  Lines that are there already, as of the same call made again, are not written:
 * the stub's copy of them stays good, and neither side waits for it.
 */
static void renew(struct ranges *r, unsigned char *p, const unsigned char *from, uint64_t size)
{
	enum { LINE = 64, FEW = 3 };
	const uint64_t half = size / LINE / 2;
	unsigned changed = 0;

	r->known = memcmp(p, from, size) == 0;
	if (r->known)
		return;
	for (uint64_t n; size > 0 && changed < FEW; p += n, from += n, size -= n) {
		n = min_u64(size, LINE - (uintptr_t)p % LINE);
		if (memcmp(p, from, n) == 0)
			continue;
		memcpy(p, from, n);
		changed++;
	}
	memcpy(p, from, size);
	r->known = changed < FEW && changed <= half;
	r->blind = r->known ? 0 : SLOT_BLIND;
}

static void put(struct ranges *r, unsigned char *p, const void *from, uint64_t size)
{
	if (r->blind == 0) {
		renew(r, p, from, size);
	} else {
		r->blind--;
		memcpy(p, from, size);
	}
}

/* Copies size bytes between p and the iovecs from byte `skip` on. */
static void local_copy(struct ranges *r, const struct iovec *v, uint64_t skip, unsigned char *p,
		       uint64_t size, bool to_local)
{
	for (; size > 0; v++) {
		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		uint64_t n = min_u64(size, v->iov_len - skip);
		if (to_local)
			memcpy((char *)v->iov_base + skip, p, n);
		else
			put(r, p, (const char *)v->iov_base + skip, n);
		skip = 0;
		p += n;
		size -= n;
	}
}

/* Where a remote element's bytes lie in a slot; a write is noted at once. */
static unsigned char *find(struct ranges *r, uint64_t addr, uint64_t size, bool write)
{
	if (!write)
		return (unsigned char *)(uintptr_t)find_read(r, addr, size);
	struct range *x = find_write(r, addr, size);
	if (!x)
		return NULL;
	note_write(x, addr, size);
	drop_older(r, x, addr, size);
	return x->data + (addr - x->addr);
}

static ssize_t copy(struct ranges *r, const struct iovec *local, size_t nlocal,
		    const struct iovec *remote, size_t nremote, bool write)
{
	struct ranges before;
	unsigned char *at[SLOT_RANGES];
	uint64_t sizes[SLOT_RANGES], total, done = 0;
	size_t n = 0;

	if (r->count == 0)
		return 0;
	total = min_u64(total_of(local, nlocal), total_of(remote, nremote));
	if (write && nremote > 1)
		before = *r;
	for (size_t i = 0; i < nremote && done < total; i++) {
		uint64_t size = min_u64(remote[i].iov_len, total - done);
		if (size == 0)
			continue;
		if (n == SLOT_RANGES ||
		    !(at[n] = find(r, (uintptr_t)remote[i].iov_base, size, write))) {
			if (write && nremote > 1)
				*r = before;
			return 0;
		}
		sizes[n++] = size;
		done += size;
	}
	done = 0;
	for (size_t i = 0; i < n; i++) {
		local_copy(r, local, done, at[i], sizes[i], /*to_local=*/!write);
		done += sizes[i];
	}
	return (ssize_t)done;
}

ssize_t ranges_read(struct ranges *r, const struct iovec *local, size_t nlocal,
		    const struct iovec *remote, size_t nremote)
{
	return copy(r, local, nlocal, remote, nremote, /*write=*/false);
}

ssize_t ranges_write(struct ranges *r, const struct iovec *local, size_t nlocal,
		     const struct iovec *remote, size_t nremote)
{
	return copy(r, local, nlocal, remote, nremote, /*write=*/true);
}

size_t ranges_peek(struct ranges *r, void *dst, uaddr_t src, size_t size)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct range *x = &r->r[i];
		if (x->kind == SLOT_OUT || src < x->addr || src - x->addr >= x->size)
			continue;
		size = min_u64(size, x->size - (src - x->addr));
		const unsigned char *p = find_read(r, src, size);
		if (!p)
			return 0;
		memcpy(dst, p, size);
		return size;
	}
	return 0;
}

void ranges_settle(struct ranges *r, ranges_flush *flush, void *arg)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct range *x = &r->r[i];
		if (x->used > 0)
			flush(arg, x->addr + x->from, x->data + x->from, x->used);
	}
	r->count = 0;
}

static void sync_one(struct ranges *r, uint64_t addr, uint64_t size, bool write,
		     ranges_flush *flush, void *arg)
{
	for (unsigned i = 0; i < r->count;) {
		struct range *x = &r->r[i];
		bool newer = written(x, addr, size);
		bool stale = write && x->kind != SLOT_OUT && overlap(addr, size, x->addr, x->size);
		if (x->used > 0 && (newer || stale))
			flush(arg, x->addr + x->from, x->data + x->from, x->used);
		if (newer || stale)
			*x = r->r[--r->count];
		else
			i++;
	}
}

void ranges_sync(struct ranges *r, const struct iovec *remote, size_t nremote, bool write,
		 ranges_flush *flush, void *arg)
{
	for (size_t i = 0; i < nremote && r->count > 0; i++) {
		uint64_t addr = (uintptr_t)remote[i].iov_base, size = remote[i].iov_len, end;
		if (size == 0 || __builtin_add_overflow(addr, size, &end))
			continue;
		sync_one(r, addr, size, write, flush, arg);
	}
}
