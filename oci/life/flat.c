/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/flat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/host.h"

size_t flat_count(char *const *list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	return n;
}

void flat_put_string(FILE *f, const char *s)
{
	if (s)
		fwrite(s, 1, strlen(s) + 1, f);
}

void flat_put_strings(FILE *f, char *const *list)
{
	for (; list && *list; list++)
		flat_put_string(f, *list);
}

/* Memory, or below 3.17 a file whose name goes at once. */
static int make_file(int dir_fd)
{
	int fd = (int)syscall(SYS_memfd_create, "exec", 1 /* MFD_CLOEXEC */);
	if (fd >= 0)
		return fd;
	fd = openat(dir_fd, "exec", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	unlinkat(dir_fd, "exec", 0);
	return fd;
}

static int flat_file(int dir_fd, const char *block, size_t size)
{
	if (size > FLAT_MAX)
		return -E2BIG;
	autoclose int fd = make_file(dir_fd);
	if (fd < 0)
		return STEAL_FD(fd);
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, block + done, size - done);
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return STEAL_FD(fd);
}

int flat_write(void (*put)(FILE *f, const struct boot_spec *s), const struct boot_spec *s, int dir_fd)
{
	autofree char *block = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&block, &size);
	if (!f)
		return -ENOMEM;
	put(f, s);
	return fclose(f) != 0 ? -ENOMEM : flat_file(dir_fd, block, size);
}

ssize_t flat_size(int fd)
{
	struct host_stat st;
	int err = host_fstat(fd, &st);
	if (err < 0)
		return err;
	return st.size > FLAT_MAX ? -EINVAL : (ssize_t)st.size;
}

int flat_read(int fd, char *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = host_pread(fd, to + done, size - done, (int64_t)done);
		if (n <= 0)
			return n < 0 ? (int)n : -EINVAL;
		done += (size_t)n;
	}
	return 0;
}

void *flat_take(struct flat *r, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes) || bytes > r->size)
		return NULL;
	void *p = r->at;
	r->at += bytes;
	r->size -= bytes;
	return p;
}

char *flat_string(struct flat *r)
{
	size_t n = strnlen(r->at, r->size);
	return n == r->size ? NULL : flat_take(r, n + 1, 1);
}

bool flat_strings(struct flat *r, size_t n, char **list)
{
	for (size_t i = 0; i < n; i++)
		if (!(list[i] = flat_string(r)))
			return false;
	list[n] = NULL;
	return true;
}
