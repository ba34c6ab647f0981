/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory that lies in a slot, as the sentry sees it: platform/trap/ranges.h. */
#include "trap_slot.h"

static struct slot *s;
static struct ranges r;
/* What "guest memory" is here, to see what went there directly. */
static unsigned char direct[4096];
static unsigned flushes;
enum { BASE = 0x10000 };

static int setup(void **state)
{
	(void)state;
	s = slot_make();
	return 0;
}

static void offer(unsigned i, uint64_t addr, uint32_t size, uint16_t at, uint16_t kind)
{
	s->ranges[i] = (struct slot_range){.addr = addr, .size = size, .at = at, .out = kind};
	s->range_count = i + 1;
}

static unsigned char *slot_data(unsigned at)
{
	return (unsigned char *)s + SLOT_DATA + at;
}

static void fresh(void)
{
	memset(slot_data(0), 0, SLOT_DATA_SIZE);
	memset(s->ranges, 0, sizeof s->ranges);
	memset(direct, 0, sizeof direct);
	s->range_count = 0;
	flushes = 0;
	ranges_none(&r);
}

static void flush(void *arg, uaddr_t dst, const void *src, size_t size)
{
	(void)arg;
	flushes++;
	assert_true(dst >= BASE && dst + size <= BASE + sizeof direct);
	memcpy(direct + (dst - BASE), src, size);
}

static void direct_access(uint64_t addr, size_t size, bool write)
{
	struct iovec v = {(void *)(uintptr_t)addr, size};
	ranges_sync(&r, &v, 1, write, flush, NULL);
	if (write)
		memset(direct + (addr - BASE), 'D', size);
}

/* What the guest would find after the call. */
static void end_of_call(void)
{
	ranges_give(&r, s);
	for (unsigned i = 0; i < s->range_count; i++) {
		const struct slot_range *x = &s->ranges[i];
		if (x->used)
			memcpy(direct + (x->addr + x->from - BASE), slot_data(x->at + x->from),
			       x->used);
	}
}

static ssize_t get(void *dst, uint64_t addr, size_t n)
{
	return read_range(&r, dst, (void *)(uintptr_t)addr, n);
}

static ssize_t put(uint64_t addr, const void *src, size_t n)
{
	return write_range(&r, (void *)(uintptr_t)addr, src, n);
}

static void forged_ranges_are_dropped(void **state)
{
	(void)state;
	static const struct slot_range bad[] = {
		{.addr = BASE, .size = 1, .at = SLOT_DATA_SIZE},
		{.addr = BASE, .size = SLOT_DATA_SIZE, .at = 1},
		{.addr = BASE, .size = UINT32_MAX, .at = 0},
		{.addr = BASE, .size = UINT32_MAX, .at = UINT16_MAX},
		{.addr = BASE, .size = 1, .at = UINT16_MAX},
		{.addr = BASE, .size = 0, .at = 0},
		{.addr = BASE, .size = 1, .at = 0, .out = 3},
		{.addr = BASE, .size = 1, .at = 0, .out = UINT16_MAX},
		{.addr = UINT64_MAX, .size = 1, .at = 0},
		{.addr = UINT64_MAX - 10, .size = 100, .at = 0},
		{.addr = USER_TOP, .size = 1, .at = 0},
		{.addr = USER_TOP - 1, .size = 2, .at = 0},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		fresh();
		s->ranges[0] = bad[i];
		s->range_count = 1;
		ranges_take(&r, s);
		assert_int_equal(r.count, 0);
	}
	fresh();
	offer(0, USER_TOP - 1, 1, SLOT_DATA_SIZE - 1, SLOT_IN);
	ranges_take(&r, s);
	assert_int_equal(r.count, 1);
}

static void a_forged_count_is_cut(void **state)
{
	(void)state;
	fresh();
	for (unsigned i = 0; i < SLOT_RANGES; i++)
		offer(i, BASE + 16 * i, 16, (uint16_t)(16 * i), SLOT_IN);
	s->range_count = UINT8_MAX;
	ranges_take(&r, s);
	assert_int_equal(r.count, SLOT_RANGES);
}

/* After ranges_take() the slot's descriptions are not looked at again. */
static void later_changes_of_the_slot_do_not_count(void **state)
{
	char b[16];
	(void)state;
	fresh();
	offer(0, BASE, 16, 0, SLOT_IN);
	offer(1, BASE + 100, 16, 32, SLOT_OUT);
	ranges_take(&r, s);
	offer(0, BASE, UINT32_MAX, UINT16_MAX, SLOT_OUT);
	offer(1, 0, UINT32_MAX, UINT16_MAX, SLOT_IN);
	memcpy(slot_data(0), "0123456789abcdef", 16);
	assert_int_equal(get(b, BASE + 4, 4), 4);
	assert_memory_equal(b, "4567", 4);
	assert_int_equal(get(b, BASE, 17), 0);
	assert_int_equal(put(BASE + 100, "xyz", 3), 3);
	assert_memory_equal(slot_data(32), "xyz", 3);
}

static void a_room_takes_one_piece(void **state)
{
	char b[16];
	(void)state;
	fresh();
	offer(0, BASE, 64, 8, SLOT_OUT);
	ranges_take(&r, s);
	assert_int_equal(get(b, BASE, 1), 0);
	assert_int_equal(put(BASE + 10, "bb", 2), 2);
	assert_int_equal(put(BASE + 12, "c", 1), 1);
	assert_int_equal(put(BASE + 9, "a", 1), 1);
	assert_int_equal(put(BASE + 11, "BC", 2), 2);
	assert_int_equal(put(BASE + 20, "z", 1), 0);	 /* leaves a gap */
	assert_int_equal(put(BASE + 60, "12345", 5), 0); /* reaches out of it */
	assert_int_equal(get(b, BASE + 9, 4), 4);
	assert_memory_equal(b, "abBC", 4);
	assert_int_equal(get(b, BASE + 8, 2), 0);
	assert_int_equal(get(b, BASE + 12, 2), 0);
	ranges_give(&r, s);
	assert_int_equal(s->ranges[0].from, 9);
	assert_int_equal(s->ranges[0].used, 4);
	assert_int_equal(r.count, 0);
}

static void inout_reads_what_was_written(void **state)
{
	char b[16];
	(void)state;
	fresh();
	memcpy(slot_data(0), "0123456789", 10);
	offer(0, BASE, 10, 0, SLOT_INOUT);
	ranges_take(&r, s);
	assert_int_equal(put(BASE + 6, "X", 1), 1);
	assert_int_equal(get(b, BASE, 10), 10);
	assert_memory_equal(b, "012345X789", 10);
	ranges_give(&r, s);
	assert_int_equal(s->ranges[0].from, 6);
	assert_int_equal(s->ranges[0].used, 1);
}

/* nanosleep(&ts, &ts): the same bytes are read, then written, then read. */
static void one_address_in_two_ranges(void **state)
{
	char b[16];
	(void)state;
	fresh();
	memcpy(slot_data(0), "old old old old ", 16);
	offer(0, BASE, 16, 0, SLOT_IN);
	offer(1, BASE, 16, 16, SLOT_OUT);
	ranges_take(&r, s);
	assert_int_equal(get(b, BASE, 16), 16);
	assert_memory_equal(b, "old old", 7);
	assert_int_equal(put(BASE, "new ", 4), 4);
	assert_int_equal(get(b, BASE, 4), 4);
	assert_memory_equal(b, "new ", 4);
	/* Half old, half new: neither has it. */
	assert_int_equal(get(b, BASE, 16), 0);
	direct_access(BASE, 16, /*write=*/false);
	assert_int_equal(flushes, 1);
	assert_memory_equal(direct, "new ", 4);
	end_of_call();
	assert_memory_equal(direct, "new \0\0\0\0", 8);
}

static void two_rooms_at_one_address_keep_the_order(void **state)
{
	(void)state;
	fresh();
	offer(0, BASE + 4, 8, 0, SLOT_OUT);
	offer(1, BASE, 16, 16, SLOT_OUT);
	ranges_take(&r, s);
	assert_int_equal(put(BASE + 4, "11111111", 8), 8);
	/* Fits only the other room, but overlaps what this one holds. */
	assert_int_equal(put(BASE, "2222222222222222", 16), 0);
	direct_access(BASE, 16, /*write=*/true);
	end_of_call();
	assert_memory_equal(direct, "DDDDDDDDDDDDDDDD", 16);
	assert_int_equal(flushes, 1);

	fresh();
	offer(0, BASE, 16, 16, SLOT_OUT);
	offer(1, BASE + 4, 8, 0, SLOT_OUT);
	ranges_take(&r, s);
	assert_int_equal(put(BASE + 4, "11111111", 8), 8);
	assert_int_equal(put(BASE + 2, "2222222222", 10), 10);
	end_of_call();
	assert_memory_equal(direct,
			    "\0\0"
			    "2222222222\0",
			    13);
}

static void a_direct_write_is_newer_than_what_was_put_before(void **state)
{
	char b[8];
	(void)state;
	fresh();
	offer(0, BASE, 8, 0, SLOT_OUT);
	offer(1, BASE + 100, 8, 8, SLOT_IN);
	offer(2, BASE + 200, 8, 16, SLOT_INOUT);
	ranges_take(&r, s);
	assert_int_equal(put(BASE, "12345678", 8), 8);
	assert_int_equal(put(BASE + 200, "ab", 2), 2);
	direct_access(BASE + 2, 2, /*write=*/true);
	/* The bytes the guest had there have changed: they are read from where they are now. */
	direct_access(BASE + 100, 1, /*write=*/true);
	assert_int_equal(get(b, BASE + 100, 8), 0);
	/* Away from the written part, but the rest of it is old now, too. */
	direct_access(BASE + 206, 1, /*write=*/true);
	assert_int_equal(get(b, BASE + 200, 8), 0);
	end_of_call();
	assert_memory_equal(direct, "12DD5678", 8);
	assert_memory_equal(direct + 200, "ab\0\0\0\0D\0", 8);
	assert_int_equal(flushes, 2);
}

/* A tracer looks, and changes what the call is about to read. */
static void settling_leaves_nothing_here(void **state)
{
	char b[8];
	(void)state;
	fresh();
	offer(0, BASE, 8, 0, SLOT_OUT);
	offer(1, BASE + 100, 8, 8, SLOT_IN);
	offer(2, BASE + 200, 8, 16, SLOT_INOUT);
	ranges_take(&r, s);
	assert_int_equal(put(BASE + 2, "1234", 4), 4);
	assert_int_equal(put(BASE + 200, "5", 1), 1);
	ranges_settle(&r, flush, NULL);
	assert_memory_equal(direct, "\0\0"
				    "1234\0",
			    7);
	assert_int_equal(direct[200], '5');
	assert_int_equal(flushes, 2);
	assert_int_equal(get(b, BASE + 100, 8), 0);
	assert_int_equal(put(BASE, "x", 1), 0);
	end_of_call();
	assert_int_equal(s->ranges[0].used | s->ranges[2].used, 0);
}

static void a_direct_access_elsewhere_disturbs_nothing(void **state)
{
	char b[8];
	(void)state;
	fresh();
	offer(0, BASE, 8, 0, SLOT_OUT);
	offer(1, BASE + 100, 8, 8, SLOT_IN);
	ranges_take(&r, s);
	assert_int_equal(put(BASE, "1234", 4), 4);
	direct_access(BASE + 8, 92, /*write=*/true);
	direct_access(BASE + 4, 4, /*write=*/false);
	direct_access(BASE + 108, 10, /*write=*/true);
	assert_int_equal(get(b, BASE + 100, 8), 8);
	end_of_call();
	assert_int_equal(flushes, 0);
	assert_memory_equal(direct, "1234\0\0\0\0DD", 10);
}

static void vectors_are_served_whole_or_not(void **state)
{
	char b[12];
	(void)state;
	fresh();
	memcpy(slot_data(0), "0123456789", 10);
	offer(0, BASE, 10, 0, SLOT_IN);
	offer(1, BASE + 50, 10, 16, SLOT_OUT);
	ranges_take(&r, s);
	struct iovec local[3] = {{b, 3}, {b + 3, 0}, {b + 3, 9}};
	struct iovec in[2] = {{(void *)(BASE + 8), 2}, {(void *)BASE, 5}};
	assert_int_equal(ranges_read(&r, local, 3, in, 2), 7);
	assert_memory_equal(b, "8901234", 7);
	struct iovec bad[2] = {{(void *)BASE, 2}, {(void *)(BASE + 10), 1}};
	assert_int_equal(ranges_read(&r, local, 3, bad, 2), 0);
	/* The first half of a write must not be noted if the second has no place. */
	struct iovec out[2] = {{(void *)(BASE + 50), 4}, {(void *)BASE, 4}};
	assert_int_equal(ranges_write(&r, local, 3, out, 2), 0);
	ranges_give(&r, s);
	assert_int_equal(s->ranges[1].used, 0);
	/* More remote than local: only as much as there is. */
	ranges_take(&r, s);
	struct iovec wide = {(void *)(BASE + 52), 8};
	assert_int_equal(ranges_write(&r, local, 1, &wide, 1), 3);
	ranges_give(&r, s);
	assert_int_equal(s->ranges[1].from, 2);
	assert_int_equal(s->ranges[1].used, 3);
}

static void strings_are_peeked_at(void **state)
{
	char b[32];
	(void)state;
	fresh();
	memcpy(slot_data(0), "/etc/passwd", 12);
	offer(0, BASE, 12, 0, SLOT_IN);
	offer(1, BASE + 4, 4, 16, SLOT_OUT);
	ranges_take(&r, s);
	assert_int_equal(ranges_peek(&r, b, BASE, sizeof b), 12);
	assert_string_equal(b, "/etc/passwd");
	assert_int_equal(ranges_peek(&r, b, BASE + 5, sizeof b), 7);
	assert_int_equal(ranges_peek(&r, b, BASE, 4), 4);
	assert_int_equal(ranges_peek(&r, b, BASE + 12, 4), 0);
	assert_int_equal(ranges_peek(&r, b, BASE - 1, 4), 0);
	assert_int_equal(put(BASE + 4, "x", 1), 1);
	assert_int_equal(ranges_peek(&r, b, BASE, sizeof b), 0);
}

/*
 * Random reads and writes of a call against a plain array: what is read is always what
 * was written last, and so is what the guest finds in the end.
 */
static void random_order(void **state)
{
	static unsigned char model[256], got[256];
	uint64_t x = 88172645463325252;
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		fresh();
		for (unsigned i = 0; i < sizeof model; i++)
			model[i] = direct[i] = (unsigned char)(i * 7 + round);
		for (unsigned i = 0; i < SLOT_RANGES; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			uint32_t size = 1 + x % 64;
			uint64_t off = x / 64 % (sizeof model - size);
			offer(i, BASE + off, size, (uint16_t)(64 * i), x / 65536 % 3);
			memcpy(slot_data(64 * i), model + off, size);
		}
		ranges_take(&r, s);
		for (unsigned n = 0; n < 12; n++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			uint32_t size = 1 + x % 24;
			uint64_t off = x / 64 % (sizeof model - size), addr = BASE + off;
			struct iovec v = {(void *)(uintptr_t)addr, size};
			if (x / 65536 % 2) {
				memset(model + off, (int)(x >> 40), size);
				if (put(addr, model + off, size) == 0) {
					ranges_sync(&r, &v, 1, true, flush, NULL);
					memcpy(direct + off, model + off, size);
				}
				continue;
			}
			if (get(got, addr, size) == 0) {
				ranges_sync(&r, &v, 1, false, flush, NULL);
				memcpy(got, direct + off, size);
			}
			assert_memory_equal(got, model + off, size);
		}
		end_of_call();
		assert_memory_equal(direct, model, sizeof model);
	}
}

/* Whatever was in the slot before, and however much of it is the same. */
static void what_is_written_is_there_whatever_was(void **state)
{
	enum { MOST = 700 };
	static unsigned char from[MOST + 1];
	uint64_t seed = 7;
	(void)state;
	fresh();
	for (unsigned n = 0; n < 30000; n++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		const unsigned x = (unsigned)(seed >> 33), size = 1 + x % MOST;
		if (n / 64 % 3 == 1)
			from[x / MOST % size] ^= (unsigned char)(1 + x % 255);
		if (n / 64 % 3 == 2)
			memset(from, (int)x, size);
		offer(0, BASE, MOST, (uint16_t)(x / MOST % 100), SLOT_OUT);
		ranges_take(&r, s);
		assert_int_equal(put(BASE, from, size), size);
		end_of_call();
		assert_memory_equal(direct, from, size);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(forged_ranges_are_dropped),
		T(a_forged_count_is_cut),
		T(later_changes_of_the_slot_do_not_count),
		T(a_room_takes_one_piece),
		T(inout_reads_what_was_written),
		T(one_address_in_two_ranges),
		T(two_rooms_at_one_address_keep_the_order),
		T(a_direct_write_is_newer_than_what_was_put_before),
		T(settling_leaves_nothing_here),
		T(a_direct_access_elsewhere_disturbs_nothing),
		T(vectors_are_served_whole_or_not),
		T(strings_are_peeked_at),
		T(random_order),
		T(what_is_written_is_there_whatever_was),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
