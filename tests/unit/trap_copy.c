/* SPDX-License-Identifier: Apache-2.0 */
/* What the stub copies before and after a call: platform/trap/stub/copy.h. */
#include "trap_slot.h"

#include "syscalls/abi/stat.h"

static struct slot *s;
static struct ranges r;

static int setup(void **state)
{
	(void)state;
	s = slot_make();
	return 0;
}

/* A page that ends where nothing is. */
static char *last_page(int prot)
{
	char *p = guest_pages(2, prot);
	munmap(p + PAGE_SIZE, PAGE_SIZE);
	return p;
}

static void a_path_is_offered_with_its_nul(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE), out[16];
	(void)state;
	strcpy(g + 5, "/etc/passwd");
	CALL(s, NR_open, ADDR(g + 5), 0, 0);
	assert_int_equal(s->range_count, 1);
	assert_int_equal(s->ranges[0].addr, ADDR(g + 5));
	assert_int_equal(s->ranges[0].size, 12);
	assert_int_equal(s->ranges[0].out, SLOT_IN);
	ranges_take(&r, s);
	assert_int_equal(ranges_peek(&r, out, ADDR(g + 5), sizeof out), 12);
	assert_string_equal(out, "/etc/passwd");
}

static void every_length_and_place_of_a_string(void **state)
{
	char *g = last_page(PROT_READ | PROT_WRITE);
	(void)state;
	for (unsigned n = 0; n < 40; n++) {
		for (unsigned gap = 0; gap < 20; gap++) {
			char *p = g + PAGE_SIZE - gap - n - 1;
			memset(g + PAGE_SIZE - 80, 'x', 80);
			memset(p, 'a', n);
			p[n] = '\0';
			CALL(s, NR_open, ADDR(p), 0, 0);
			assert_int_equal(s->range_count, 1);
			assert_int_equal(s->ranges[0].size, n + 1);
			assert_memory_equal((char *)s + SLOT_DATA + s->ranges[0].at, p, n + 1);
		}
	}
}

static void bytes_above_127_do_not_end_a_string(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	(void)state;
	memcpy(g, "\x80\x81\x01\x01\xff\x80\x80\x01\x80", 10);
	CALL(s, NR_open, ADDR(g), 0, 0);
	assert_int_equal(s->ranges[0].size, 10);
}

static void a_string_without_end_is_not_offered(void **state)
{
	char *g = last_page(PROT_READ | PROT_WRITE), *big = guest_pages(3, PROT_READ | PROT_WRITE);
	(void)state;
	memset(g, 'a', PAGE_SIZE);
	CALL(s, NR_open, ADDR(g + PAGE_SIZE - 9), 0, 0);
	assert_int_equal(s->range_count, 0);
	CALL(s, NR_open, ADDR(g + PAGE_SIZE), 0, 0);
	assert_int_equal(s->range_count, 0);
	memset(big, 'a', 2 * PAGE_SIZE);
	CALL(s, NR_open, ADDR(big), 0, 0);
	assert_int_equal(s->range_count, 0);
	big[4095] = 0;
	CALL(s, NR_open, ADDR(big), 0, 0);
	assert_int_equal(s->ranges[0].size, 4096);
	big[4095] = 'a';
	big[4096] = 0;
	CALL(s, NR_open, ADDR(big), 0, 0);
	assert_int_equal(s->range_count, 0);
}

static void a_struct_is_room_and_comes_back(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	struct abi_stat st;
	(void)state;
	memset(g, 'x', PAGE_SIZE);
	memset(&st, 7, sizeof st);
	CALL(s, NR_fstat, 3, ADDR(g + 8));
	assert_int_equal(s->range_count, 1);
	assert_int_equal(s->ranges[0].out, SLOT_OUT);
	assert_int_equal(s->ranges[0].size, sizeof st);
	ranges_take(&r, s);
	assert_int_equal(write_range(&r, g + 8, &st, sizeof st), sizeof st);
	assert_int_equal(g[8], 'x');
	ranges_give(&r, s);
	assert_int_equal(stub_copy_out(s, 7), 7);
	assert_memory_equal(g + 8, &st, sizeof st);
	assert_int_equal(g[7], 'x');
	assert_int_equal(g[8 + sizeof st], 'x');
	assert_int_equal(s->ranges_own, 0);
}

static void what_was_not_written_stays(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	(void)state;
	memset(g, 'x', 100);
	CALL(s, NR_read, 0, ADDR(g), 100);
	ranges_take(&r, s);
	assert_int_equal(write_range(&r, g, "abc", 3), 3);
	ranges_give(&r, s);
	assert_int_equal(stub_copy_out(s, 7), 7);
	assert_memory_equal(g, "abcxxx", 6);
	CALL(s, NR_read, 0, ADDR(g), 100);
	assert_int_equal(stub_copy_out(s, 7), 7);
	assert_memory_equal(g, "abcxxx", 6);
}

static void room_is_probed_on_every_page(void **state)
{
	char *g = guest_pages(3, PROT_READ | PROT_WRITE);
	(void)state;
	CALL(s, NR_read, 0, ADDR(g), 3 * PAGE_SIZE);
	assert_int_equal(s->range_count, 1);
	mprotect(g + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	CALL(s, NR_read, 0, ADDR(g), 3 * PAGE_SIZE);
	assert_int_equal(s->range_count, 0);
	CALL(s, NR_read, 0, ADDR(g), 2 * PAGE_SIZE + 1);
	assert_int_equal(s->range_count, 0);
	CALL(s, NR_read, 0, ADDR(g), 2 * PAGE_SIZE);
	assert_int_equal(s->range_count, 1);
	CALL(s, NR_read, 0, ADDR(g + 2 * PAGE_SIZE - 1), 1);
	assert_int_equal(s->range_count, 1);
	CALL(s, NR_fstat, 0, ADDR(g + 2 * PAGE_SIZE - 1));
	assert_int_equal(s->range_count, 0);
}

static void probing_changes_no_byte(void **state)
{
	char *g = guest_pages(2, PROT_READ | PROT_WRITE);
	(void)state;
	memset(g, 0xa5, 2 * PAGE_SIZE);
	CALL(s, NR_read, 0, ADDR(g + 17), 2 * PAGE_SIZE - 17);
	for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
		assert_int_equal((unsigned char)g[i], 0xa5);
}

static void a_page_lost_meanwhile_is_efault(void **state)
{
	char *g = guest_pages(2, PROT_READ | PROT_WRITE);
	(void)state;
	CALL(s, NR_read, 0, ADDR(g), 2 * PAGE_SIZE);
	ranges_take(&r, s);
	char bytes[2 * PAGE_SIZE] = {1};
	assert_int_equal(write_range(&r, g, bytes, sizeof bytes), sizeof bytes);
	ranges_give(&r, s);
	munmap(g + PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(stub_copy_out(s, 0), -EFAULT);
	assert_int_equal(s->range_fault, 1);
}

static void a_count_ends_at_the_lost_page(void **state)
{
	char *g = guest_pages(3, PROT_READ | PROT_WRITE);
	const size_t size = 2 * PAGE_SIZE + 100;
	char bytes[2 * PAGE_SIZE + 100];
	(void)state;
	memset(bytes, 'n', sizeof bytes);
	munmap(g + 2 * PAGE_SIZE, PAGE_SIZE);
	for (int64_t ret = 0; ret < 2; ret++) {
		g[0] = 0;
		CALL(s, NR_read, 0, ADDR(g), 2 * PAGE_SIZE);
		s->ranges[0].used = s->ranges[0].size = (uint32_t)size;
		memcpy((char *)s + SLOT_DATA, bytes, size);
		int64_t got = stub_copy_out(s, ret ? (int64_t)size : 0);
		assert_int_equal(got, ret ? 2 * (int64_t)PAGE_SIZE : -EFAULT);
		assert_memory_equal(g, bytes, 2 * PAGE_SIZE);
	}
	CALL(s, NR_read, 0, ADDR(g), PAGE_SIZE);
	s->ranges[0].used = 10;
	munmap(g, PAGE_SIZE);
	assert_int_equal(stub_copy_out(s, 10), -EFAULT);
}

static void a_buffer_is_all_or_nothing(void **state)
{
	char *g = last_page(PROT_READ | PROT_WRITE), *big = guest_pages(8, PROT_READ);
	char out[200];
	(void)state;
	memset(g + PAGE_SIZE - 100, 'b', 100);
	CALL(s, NR_write, 1, ADDR(g + PAGE_SIZE - 100), 100);
	assert_int_equal(s->range_count, 1);
	ranges_take(&r, s);
	assert_int_equal(read_range(&r, out, g + PAGE_SIZE - 100, 100), 100);
	assert_memory_equal(out, g + PAGE_SIZE - 100, 100);
	assert_int_equal(read_range(&r, out, g + PAGE_SIZE - 50, 50), 50);
	assert_int_equal(read_range(&r, out, g + PAGE_SIZE - 101, 100), 0);
	assert_int_equal(read_range(&r, out, g + PAGE_SIZE - 100, 101), 0);
	CALL(s, NR_write, 1, ADDR(g + PAGE_SIZE - 100), 101);
	assert_int_equal(s->range_count, 0);
	CALL(s, NR_write, 1, ADDR(big), 4096);
	assert_int_equal(s->range_count, 1);
	CALL(s, NR_write, 1, ADDR(big), 8 * PAGE_SIZE);
	assert_int_equal(s->range_count, 0);
	CALL(s, NR_write, 1, ADDR(big), UINT64_MAX);
	assert_int_equal(s->range_count, 0);
	CALL(s, NR_write, 1, ADDR(big), 0);
	assert_int_equal(s->range_count, 0);
}

static void a_large_room_is_offered_in_part(void **state)
{
	char *g = guest_pages(16, PROT_READ | PROT_WRITE);
	(void)state;
	CALL(s, NR_getdents64, 3, ADDR(g), 16 * PAGE_SIZE);
	assert_int_equal(s->range_count, 1);
	assert_true(s->ranges[0].size >= PAGE_SIZE && s->ranges[0].size <= SLOT_DATA_SIZE);
	CALL(s, NR_read, 3, ADDR(g), UINT64_MAX);
	assert_int_equal(s->range_count, 0);
}

/* Registers are looked at as the handler does: `count` of getdents is an unsigned int. */
static void lengths_have_the_width_of_their_kind(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	(void)state;
	CALL(s, NR_getdents64, 3, ADDR(g), 0xabcdef0000000010);
	assert_int_equal(s->ranges[0].size, 16);
	CALL(s, NR_readlink, ADDR("/x"), ADDR(g), 0xffffffff);
	for (unsigned i = 0; i < s->range_count; i++)
		assert_int_not_equal(s->ranges[i].addr, ADDR(g));
}

static void the_stub_s_own_memory_is_refused(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	(void)state;
	const uint64_t bad[] = {USER_TOP,   USER_TOP - 1,    FACTS_AT,		 SLOTS_AT,
				UINT64_MAX, UINT64_MAX - 64, 0xffffffffff600000, 0x800000000000};
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		CALL(s, NR_write, 1, bad[i], 64);
		assert_int_equal(s->range_count, 0);
		CALL(s, NR_read, 1, bad[i], 64);
		assert_int_equal(s->range_count, 0);
		CALL(s, NR_open, bad[i], 0, 0);
		assert_int_equal(s->range_count, 0);
	}
	CALL(s, NR_read, 0, ADDR(g), 10);
	s->ranges[0].addr = SLOTS_AT;
	s->ranges[0].used = 10;
	assert_int_equal(stub_copy_out(s, 0), -EFAULT);
	CALL(s, NR_read, 0, ADDR(g), 10);
	s->ranges[0].from = SLOT_DATA_SIZE;
	s->ranges[0].used = 10;
	assert_int_equal(stub_copy_out(s, 0), -EFAULT);
}

static void a_length_behind_a_pointer(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	int *len = (int *)(void *)(g + 512);
	(void)state;
	*len = 110;
	CALL(s, NR_getsockname, 3, ADDR(g), ADDR(len));
	assert_int_equal(s->range_count, 2);
	assert_int_equal(s->ranges[0].size, 110);
	assert_int_equal(s->ranges[1].addr, ADDR(len));
	assert_int_equal(s->ranges[1].out, SLOT_INOUT);
	*len = -1;
	CALL(s, NR_getsockname, 3, ADDR(g), ADDR(len));
	assert_int_equal(s->range_count, 1);
	CALL(s, NR_getsockname, 3, ADDR(g), 0);
	assert_int_equal(s->range_count, 0);
	CALL(s, NR_getsockname, 3, ADDR(g), 8);
	assert_int_equal(s->range_count, 0);
}

static void sets_of_descriptors(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	(void)state;
	CALL(s, NR_select, 65, ADDR(g), ADDR(g + 128), ADDR(g + 256), ADDR(g + 512));
	assert_int_equal(s->range_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(s->ranges[i].out, SLOT_INOUT);
		assert_int_equal(s->ranges[i].size, 16);
	}
	CALL(s, NR_select, -1, ADDR(g), 0, 0, 0);
	assert_int_equal(s->range_count, 0);
}

/* Read-only memory can still be read: the sets come in, what goes out is EFAULT's to say. */
static void inout_that_cannot_be_written_is_in(void **state)
{
	char *g = guest_pages(1, PROT_READ);
	(void)state;
	CALL(s, NR_poll, ADDR(g), 2, 0);
	assert_int_equal(s->range_count, 1);
	assert_int_equal(s->ranges[0].out, SLOT_IN);
	assert_int_equal(s->ranges[0].size, 16);
}

static void vectors_with_their_buffers(void **state)
{
	char *g = guest_pages(2, PROT_READ | PROT_WRITE);
	struct iovec *v = (struct iovec *)(void *)g;
	(void)state;
	v[0] = (struct iovec){g + 1024, 10};
	v[1] = (struct iovec){(void *)8, 10};
	v[2] = (struct iovec){g + 2048, 20};
	CALL(s, NR_readv, 0, ADDR(v), 3);
	assert_int_equal(s->range_count, 3);
	assert_int_equal(s->ranges[0].out, SLOT_IN);
	assert_int_equal(s->ranges[0].size, 48);
	assert_int_equal(s->ranges[1].out, SLOT_OUT);
	assert_int_equal(s->ranges[2].addr, ADDR(g + 2048));
	CALL(s, NR_writev, 0, ADDR(v), 3);
	assert_int_equal(s->ranges[2].out, SLOT_IN);
	CALL(s, NR_writev, 0, ADDR(v), UINT64_MAX / 16 + 2);
	assert_int_equal(s->range_count, 0);
}

static void a_message_with_its_vector(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	struct iovec *v = (struct iovec *)(void *)(g + 256);
	struct msghdr *m = (struct msghdr *)(void *)g;
	(void)state;
	*v = (struct iovec){g + 1024, 10};
	*m = (struct msghdr){.msg_iov = v, .msg_iovlen = 1};
	CALL(s, NR_sendmsg, 0, ADDR(m), 0);
	assert_int_equal(s->range_count, 3);
	assert_int_equal(s->ranges[0].out, SLOT_IN);
	assert_int_equal(s->ranges[2].out, SLOT_IN);
	CALL(s, NR_recvmsg, 0, ADDR(m), 0);
	assert_int_equal(s->range_count, 3);
	assert_int_equal(s->ranges[0].out, SLOT_INOUT);
	assert_int_equal(s->ranges[1].out, SLOT_IN);
	assert_int_equal(s->ranges[2].out, SLOT_OUT);
}

static void no_row_no_range(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	(void)state;
	for (uint64_t nr = 330; nr < 440; nr++)
		if (!sysrow_get(nr)) {
			CALL(s, nr, ADDR(g), ADDR(g), ADDR(g), ADDR(g), ADDR(g), ADDR(g));
			assert_int_equal(s->range_count, 0);
		}
	CALL(s, NR_END, ADDR(g), ADDR(g), ADDR(g), ADDR(g), ADDR(g), ADDR(g));
	assert_int_equal(s->range_count, 0);
	CALL(s, UINT64_MAX, ADDR(g), ADDR(g), ADDR(g), ADDR(g), ADDR(g), ADDR(g));
	assert_int_equal(s->range_count, 0);
	/* A futex word may change until the sentry's own look at it. */
	CALL(s, NR_futex, ADDR(g), 0, 0, 0, 0, 0);
	assert_int_equal(s->range_count, 0);
}

/* What the table says of a call's size, the stub must have found out in the same way. */
static void all_rows_agree_with_the_table(void **state)
{
	char *g = guest_pages(8, PROT_READ | PROT_WRITE);
	(void)state;
	for (uint64_t nr = 0; nr < NR_END; nr++) {
		const struct sysrow *row = sysrow_get(nr);
		uint64_t args[6] = {0};
		if (!row || !row->call)
			continue;
		for (unsigned i = 0; i < row->nargs; i++)
			args[i] = argkinds[row->args[i].kind].dir == DIR_VAL ? 24
									     : ADDR(g + 1024 * i);
		stub_copy_in(s, nr, args);
		for (unsigned i = 0; i < row->nargs; i++) {
			const struct argkind *k = &argkinds[row->args[i].kind];
			int64_t size = k->len == LEN_BY_RET ? arg_size(row, i, args, 24)
							    : arg_size(row, i, args, 0);
			if (k->dir == DIR_VAL || size <= 0)
				continue;
			unsigned found = 0;
			for (unsigned j = 0; j < s->range_count; j++)
				found += s->ranges[j].addr == args[i] &&
					 s->ranges[j].size >=
						 (uint64_t)min_u64((uint64_t)size, 1024);
			if (found == 0)
				fail_msg("%s: argument %u, %ld bytes", row->name, i, (long)size);
		}
	}
}

/* Random registers: nothing faults, every range lies in the guest and in the data. */
static void random_arguments(void **state)
{
	char *g = guest_pages(8, PROT_READ | PROT_WRITE);
	uint64_t seed = 0x9e3779b97f4a7c15;
	(void)state;
	mprotect(g + 3 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	munmap(g + 6 * PAGE_SIZE, PAGE_SIZE);
	for (unsigned n = 0; n < 200000; n++) {
		uint64_t args[6];
		for (unsigned i = 0; i < 6; i++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			uint64_t x = seed >> 20;
			args[i] = x % 4 == 0   ? x | 1ull << 50
				  : x % 4 == 1 ? x % 300
					       : ADDR(g) + x % (8 * PAGE_SIZE);
		}
		stub_copy_in(s, n % (NR_END + 2), args);
		assert_true(s->range_count <= SLOT_RANGES);
		for (unsigned i = 0; i < s->range_count; i++) {
			const struct slot_range *x = &s->ranges[i];
			assert_true(x->size > 0 && x->at + x->size <= SLOT_DATA_SIZE);
			assert_true(x->addr >= ADDR(g) &&
				    x->addr + x->size <= ADDR(g + 8 * PAGE_SIZE));
		}
		ranges_take(&r, s);
		assert_int_equal(r.count, s->range_count);
	}
}

/* Whatever was in the slot before, and however much of it is the same. */
static void bytes_are_the_guest_s_whatever_was_there(void **state)
{
	enum { MOST = 700 };
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	uint64_t seed = 7;
	(void)state;
	for (unsigned n = 0; n < 30000; n++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		const unsigned x = (unsigned)(seed >> 33), size = 1 + x % MOST;
		/* Long runs of calls that change nothing, one byte, or all. */
		if (n / 64 % 3 == 1)
			g[x / MOST % size] ^= (char)(1 + x % 255);
		if (n / 64 % 3 == 2)
			memset(g, (int)x, size);
		CALL(s, NR_write, 1, ADDR(g), size);
		assert_int_equal(s->range_count, 1);
		assert_memory_equal((char *)s + SLOT_DATA + s->ranges[0].at, g, size);
	}
}

/* The same bytes again are not written: a slot that cannot be written shows it. */
static void bytes_that_are_there_are_not_written(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	(void)state;
	s->blind = 0;
	memset(g, 'x', 300);
	CALL(s, NR_write, 1, ADDR(g), 300);
	for (unsigned i = 0; i <= SLOT_BLIND; i++)
		CALL(s, NR_write, 1, ADDR(g), 300);
	assert_int_equal(s->blind, 0);
	mprotect((char *)s + SLOT_DATA, PAGE_SIZE, PROT_READ);
	CALL(s, NR_write, 1, ADDR(g), 300);
	assert_int_equal(s->range_count, 1);
	g[150]++;
	CALL(s, NR_write, 1, ADDR(g), 300);
	assert_int_equal(s->range_count, 0);
	mprotect((char *)s + SLOT_DATA, PAGE_SIZE, PROT_READ | PROT_WRITE);
	CALL(s, NR_write, 1, ADDR(g), 300);
	assert_int_equal(s->range_count, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(a_path_is_offered_with_its_nul),
		T(every_length_and_place_of_a_string),
		T(bytes_above_127_do_not_end_a_string),
		T(a_string_without_end_is_not_offered),
		T(a_struct_is_room_and_comes_back),
		T(what_was_not_written_stays),
		T(room_is_probed_on_every_page),
		T(probing_changes_no_byte),
		T(a_page_lost_meanwhile_is_efault),
		T(a_count_ends_at_the_lost_page),
		T(a_buffer_is_all_or_nothing),
		T(a_large_room_is_offered_in_part),
		T(lengths_have_the_width_of_their_kind),
		T(the_stub_s_own_memory_is_refused),
		T(a_length_behind_a_pointer),
		T(sets_of_descriptors),
		T(inout_that_cannot_be_written_is_in),
		T(vectors_with_their_buffers),
		T(a_message_with_its_vector),
		T(no_row_no_range),
		T(all_rows_agree_with_the_table),
		T(random_arguments),
		T(bytes_are_the_guest_s_whatever_was_there),
		T(bytes_that_are_there_are_not_written),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
