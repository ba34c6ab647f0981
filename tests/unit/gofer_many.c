/* SPDX-License-Identifier: Apache-2.0 */
/* Many names in one request: answered as if each had come alone, bounded, and nothing is believed. */
#include "gofer_fixture.h"

#include "fds.h"

#include <pthread.h>
#include <sys/resource.h>

static struct gofer_names names_of(const char *const *list, size_t n)
{
	struct gofer_names names = {.count = 0};
	for (size_t i = 0; i < n; i++)
		assert_true(gofer_names_add(&names, list[i]));
	return names;
}
#define NAMES(...)                                                                                 \
	names_of((const char *const[]){__VA_ARGS__},                                               \
		 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void opens_many(void **state)
{
	static const unsigned roots[] = {RW, RO};
	static const int want[] = {0, -EISDIR, -ELOOP, -ENXIO, -ENOENT, -ELOOP, 0};
	struct fixture *f = *state;
	struct gofer_opened opened[GOFER_MANY_MAX];
	int fds[GOFER_MANY_MAX];
	const struct gofer_names names =
		NAMES("file", "dir", "link", "fifo", "nothing", "dirlink", "file");
	for (size_t r = 0; r < ARRAY_SIZE(roots); r++) {
		assert_int_equal(gofer_opens(f->g, roots[r], "", &names, opened, fds), 0);
		for (size_t i = 0; i < names.count; i++) {
			char buf[16] = "";
			assert_int_equal(opened[i].status, want[i]);
			assert_int_equal(want[i] == 0 ? 0 : fds[i], want[i]);
			if (want[i] < 0)
				continue;
			assert_int_equal(opened[i].attr.size, 5);
			assert_int_equal(pread(fds[i], buf, sizeof buf, 0), 5);
			assert_string_equal(buf, "hello");
			assert_int_equal(fcntl(fds[i], F_GETFL) & O_ACCMODE, O_RDONLY);
			assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
			close(fds[i]);
		}
	}
	const struct gofer_names below = NAMES("dir/inner", "dirlink/inner");
	assert_int_equal(gofer_opens(f->g, RW, "", &below, opened, fds), 0);
	assert_int_equal(opened[0].attr.size, 6);
	assert_int_equal(fds[1], -ELOOP);
	close(fds[0]);
	const struct gofer_names inner = NAMES("inner");
	assert_int_equal(gofer_opens(f->g, RW, "dir", &inner, opened, fds), 0);
	assert_int_equal(opened[0].attr.size, 6);
	close(fds[0]);
	assert_int_equal(gofer_opens(f->g, RW, "dirlink", &inner, opened, fds), 0);
	assert_int_equal(fds[0], -ELOOP);
	assert_int_equal(gofer_opens(f->g, ROOTS, "", &inner, opened, fds), -EINVAL);
	assert_int_equal(gofer_opens(f->g, ONE, "", &inner, opened, fds), 0);
	assert_int_equal(fds[0], -ENOTDIR);
}

struct heard {
	int entries[GOFER_MANY_MAX], status[GOFER_MANY_MAX];
	unsigned ends;
};

static void hear(void *arg, unsigned i, const struct gofer_entry *e, int status)
{
	struct heard *h = arg;
	assert_int_equal(i, h->ends);
	if (e) {
		assert_true(strcmp(e->name, "inner") == 0 || e->name[0] == 'n');
		h->entries[i]++;
	} else {
		h->status[h->ends++] = status;
	}
}

static void lists_many(void **state)
{
	static const int want[] = {0, -ENOTDIR, -ENOTDIR, -ENOENT, 0};
	struct fixture *f = *state;
	struct heard h = {.ends = 0};
	const struct gofer_names names = NAMES("dir", "file", "dirlink", "nothing", "dir");
	assert_int_equal(gofer_lists(f->g, RO, "", &names, hear, &h), 0);
	assert_int_equal(h.ends, names.count);
	for (size_t i = 0; i < names.count; i++) {
		assert_int_equal(h.status[i], want[i]);
		assert_int_equal(h.entries[i], want[i] == 0);
	}
	h.ends = 0;
	assert_int_equal(gofer_lists(f->g, ROOTS, "", &names, hear, &h), -EINVAL);
	assert_int_equal(h.ends, names.count);
	assert_int_equal(h.status[0], -EINVAL);
}

/* The first is told whole, others as far as there is room. */
static void tells_no_more_than_enough(void **state)
{
	enum { N = GOFER_AHEAD_MAX + 100 };
	struct fixture *f = *state;
	struct heard h = {.ends = 0};
	char path[64];
	snprintf(path, sizeof path, "%s/rw/crowd", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	for (int i = 0; i < N; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%d", i);
		put_file(path, name, "");
	}
	const struct gofer_names names = NAMES("crowd", "dir"), other = NAMES("dir", "crowd", "dir");
	assert_int_equal(gofer_lists(f->g, RW, "", &names, hear, &h), 0);
	assert_true(h.entries[0] == N && h.status[0] == 0);
	assert_true(h.entries[1] == 0 && h.status[1] == -E2BIG);
	h = (struct heard){.ends = 0};
	assert_int_equal(gofer_lists(f->g, RW, "", &other, hear, &h), 0);
	assert_true(h.entries[0] == 1 && h.status[0] == 0);
	assert_true(h.entries[1] == GOFER_AHEAD_MAX - 1 && h.status[1] == -E2BIG);
	assert_true(h.entries[2] == 0 && h.status[2] == -E2BIG);
}

static void bounds_its_names(void **state)
{
	struct gofer_names names = {.count = 0};
	char name[256];
	(void)state;
	for (int i = 0; i < GOFER_MANY_MAX; i++)
		assert_true(gofer_names_add(&names, "x"));
	assert_false(gofer_names_add(&names, "x"));
	names = (struct gofer_names){.count = 0};
	memset(name, 'n', 255);
	name[255] = '\0';
	for (size_t i = 0; i < sizeof names.text / 256; i++)
		assert_true(gofer_names_add(&names, name));
	assert_false(gofer_names_add(&names, ""));
}

/* Connection 3 is not used by the client while one thread calls. */
static int raw_names(struct fixture *f, enum gofer_op op, const void *data, size_t size)
{
	struct {
		struct gofer_req req;
		char bytes[9000];
	} r = {.req = {.magic = GOFER_MAGIC, .op = (uint16_t)op, .data_size = (uint32_t)size}};
	struct {
		struct gofer_rep rep;
		char body[GOFER_CHUNK];
	} answer;
	memcpy(r.bytes, data, size);
	assert_int_equal(send(f->ends[3], &r, sizeof r.req + size, 0), sizeof r.req + size);
	/* What comes along is closed by the kernel: there is no room for it. */
	assert_true(recv(f->ends[3], &answer, sizeof answer, 0) >= (ssize_t)sizeof answer.rep);
	return answer.rep.status;
}

static void refuses_bad_names(void **state)
{
	static const enum gofer_op ops[] = {GOFER_OPENS, GOFER_LISTS};
	struct fixture *f = *state;
	char many[2 * GOFER_MANY_MAX + 2], name[300], dir[32];
	for (size_t i = 0; i < sizeof many; i++)
		many[i] = i % 2 ? '\0' : 'f';
	memset(name, 'n', sizeof name);
	snprintf(dir, sizeof dir, "/proc/%d/fd", f->pid);
	/* It has started once it answers. */
	assert_int_equal(raw_names(f, GOFER_LISTS, "dir", 4), 0);
	int before = count_fds(dir);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
#define BAD(err, text, size) assert_int_equal(raw_names(f, ops[i], text, size), err)
		BAD(-EINVAL, "", 0);
		BAD(-EINVAL, "", 1);
		BAD(-EINVAL, "file", 4);
		BAD(-EINVAL, "file\0x", 6);
		BAD(-EINVAL, "file\0", 6);
		BAD(-EINVAL, ".", 2);
		BAD(-EINVAL, "..", 3);
		BAD(-EINVAL, "file\0..", 8);
		BAD(-EINVAL, "dir/../file", 12);
		BAD(-EINVAL, "dir//inner", 11);
		BAD(-EINVAL, "dir/", 5);
		BAD(-EINVAL, "/", 2);
		BAD(-EINVAL, "../secret", 10);
		BAD(-EINVAL, many, sizeof many);
		name[299] = '\0';
		BAD(-ENAMETOOLONG, name, sizeof name);
#undef BAD
		assert_int_equal(raw_names(f, ops[i], many, sizeof many - 2), 0);
		assert_int_equal(raw_names(f, ops[i], "file", 5), 0);
	}
	/* An answer comes before what was sent is closed: one more question makes sure. */
	assert_int_equal(raw_names(f, GOFER_LISTS, "dir", 4), 0);
	assert_int_equal(count_fds(dir), before);
}

/* So many more descriptors may be opened below that number. */
static int room_below(int limit)
{
	int n = 0;
	for (int fd = 0; fd < limit; fd++)
		n += fcntl(fd, F_GETFD) < 0;
	return n;
}

/* We have no room for all: those are missing, and everything goes on. */
static void does_with_few_descriptors(void **state)
{
	struct fixture *f = *state;
	struct gofer_opened opened[GOFER_MANY_MAX];
	struct rlimit was, few;
	struct gofer_attr a;
	int fds[GOFER_MANY_MAX];
	const struct gofer_names names = NAMES("file", "dir", "file", "file", "file");
	int limit = dup(0), room = 0;
	close(limit);
	getrlimit(RLIMIT_NOFILE, &was);
	for (; room < 5; limit++) {
		room = room_below(limit);
		few = (struct rlimit){(rlim_t)limit, was.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		int err = gofer_opens(f->g, RW, "", &names, opened, fds);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		assert_int_equal(err, 0);
		assert_int_equal(fds[1], -EISDIR);
		for (int i = 0, got = 0; i < 5; i++) {
			if (i == 1)
				continue;
			assert_int_equal(fds[i] < 0 ? fds[i] : 0, got++ < room ? 0 : -EMFILE);
			if (fds[i] >= 0)
				close(fds[i]);
		}
	}
	assert_int_equal(gofer_stat(f->g, RW, "file", &a), 0);
}

/* ---- replies ---- */

struct fake {
	int fd, fds; /* connection, descriptors to send along */
	struct gofer_rep rep;
	uint8_t body[1024];
};

static void *fake_main(void *arg)
{
	struct fake *k = arg;
	uint8_t in[8192];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE((GOFER_MANY_MAX + 1) * sizeof(int))];
	} ctl = {0};
	struct iovec iov = {.iov_base = &k->rep, .iov_len = sizeof k->rep + k->rep.size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	assert_true(recv(k->fd, in, sizeof in, 0) > 0);
	k->rep.seq = ((const struct gofer_req *)(void *)in)->seq;
	if (k->fds) {
		msg.msg_control = ctl.space;
		msg.msg_controllen = CMSG_SPACE((size_t)k->fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)k->fds * sizeof(int));
	}
	sendmsg(k->fd, &msg, MSG_NOSIGNAL);
	shutdown(k->fd, SHUT_WR);
	return NULL;
}

/* What the client makes of records of two names; nothing of what came is kept. */
static int fake_call(enum gofer_op op, const void *records, size_t size, int nfds, bool flag)
{
	struct fake *k = calloc(1, sizeof *k);
	struct gofer_opened opened[GOFER_MANY_MAX];
	const struct gofer_names names = NAMES("a", "b");
	struct heard h = {.ends = 0};
	int pair[2], fds[GOFER_MANY_MAX], before = count_fds("/proc/self/fd"), err;
	struct gofer *g;
	pthread_t thread;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(gofer_client_new(&pair[0], 1, &g), 0);
	*k = (struct fake){.fd = pair[1],
			   .fds = nfds,
			   .rep = {.magic = GOFER_MAGIC,
				   .op = (uint16_t)op,
				   .flags = flag ? GOFER_FD : 0,
				   .size = (uint32_t)size}};
	assert_true(size <= sizeof k->body);
	memcpy(k->body, records, size);
	pthread_create(&thread, NULL, fake_main, k);
	if (op == GOFER_OPENS)
		err = gofer_opens(g, 0, "", &names, opened, fds);
	else
		err = gofer_lists(g, 0, "", &names, hear, &h);
	for (int i = 0; err == 0 && op == GOFER_OPENS && i < 2; i++)
		close(fds[i]);
	assert_true(op == GOFER_OPENS || h.ends == 2);
	pthread_join(thread, NULL);
	close(pair[1]);
	gofer_client_free(g);
	free(k);
	assert_int_equal(count_fds("/proc/self/fd"), before);
	return err;
}

static void client_checks_opened(void **state)
{
	const struct gofer_opened good = {.attr = {.mode = S_IFREG | 0644, .nlink = 1}};
	struct gofer_opened two[3];
	(void)state;
#define CALL(err, n, nfds, flag, change)                                                           \
	do {                                                                                       \
		two[0] = two[1] = two[2] = good;                                                   \
		change;                                                                            \
		assert_int_equal(fake_call(GOFER_OPENS, two, n, nfds, flag), err);                 \
	} while (0)
	CALL(0, 2 * sizeof good, 2, true, );
	CALL(0, 2 * sizeof good, 1, true, two[0] = (struct gofer_opened){.status = -ENOENT});
	CALL(-EIO, 0, 0, false, );
	CALL(-EIO, sizeof good, 1, true, );
	CALL(-EIO, 3 * sizeof good, 3, true, );
	CALL(-EIO, 2 * sizeof good - 8, 2, true, );
	CALL(-EIO, 2 * sizeof good, 3, true, );
	CALL(-EIO, 2 * sizeof good, GOFER_MANY_MAX + 1, true, );
	CALL(-EIO, 2 * sizeof good, 2, false, );
	CALL(-EIO, 2 * sizeof good, 0, true, );
	CALL(-EIO, 2 * sizeof good, 2, true, two[1].status = 1);
	CALL(-EIO, 2 * sizeof good, 2, true, two[1].status = -5000);
	CALL(-EIO, 2 * sizeof good, 2, true, two[1].status = -ENOENT);
	CALL(-EIO, 2 * sizeof good, 2, true, two[1].zero = 1);
	CALL(-EIO, 2 * sizeof good, 2, true, two[1].attr.mode = S_IFDIR);
	CALL(-EIO, 2 * sizeof good, 2, true, two[1].attr.mtime_nsec = 1000000000);
#undef CALL
}

static void client_checks_lists(void **state)
{
	static const struct gofer_dirent end = {.link_size = 0};
	struct gofer_dirent ends[3];
	(void)state;
#define CALL(err, n, nfds, change)                                                                 \
	do {                                                                                       \
		ends[0] = ends[1] = ends[2] = end;                                                 \
		change;                                                                            \
		assert_int_equal(fake_call(GOFER_LISTS, ends, n, nfds, (nfds) > 0), err);          \
	} while (0)
	CALL(0, 2 * sizeof end, 0, );
	CALL(0, 2 * sizeof end, 0, ends[1].link_size = ENOENT);
	CALL(-EIO, 0, 0, );
	CALL(-EIO, sizeof end, 0, );
	CALL(-EIO, 3 * sizeof end, 0, );
	CALL(-EIO, 2 * sizeof end + 8, 0, );
	CALL(-EIO, 2 * sizeof end, 1, );
	CALL(-EIO, 2 * sizeof end, 0, ends[1].link_size = 4096);
	CALL(-EIO, 2 * sizeof end, 0, ends[1].attr.mode = S_IFDIR);
	CALL(-EIO, 2 * sizeof end, 0, ends[1].name_size = 1);
	CALL(-EIO, 2 * sizeof end, 0, ends[1].name_size = 200);
#undef CALL
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(opens_many),
		FACT(lists_many),
		FACT(tells_no_more_than_enough),
		FACT(refuses_bad_names),
		FACT(does_with_few_descriptors),
		cmocka_unit_test(bounds_its_names),
		cmocka_unit_test(client_checks_opened),
		cmocka_unit_test(client_checks_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
