/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sentry and its gofer say to each other.
 *
 * A connection is an AF_UNIX SOCK_SEQPACKET pair.  The sentry sends one packet
 * (struct gofer_req, then path, name and data bytes, no terminators) and reads
 * the reply: one packet, or several of which all but the last carry GOFER_MORE.
 * Each reply packet is a struct gofer_rep and `size` bytes of body.  A
 * descriptor travels as SCM_RIGHTS with the packet that carries GOFER_FD, or with a
 * request whose operation wants one.
 * One request at a time a connection; no packet is longer than
 * GOFER_PACKET_MAX.  Both ends are the same binary, so integers are native.
 *
 * A path is relative to a root ("a/b/c"; "" is the root itself).  It has no
 * empty, "." or ".." component (-EINVAL), none longer than GOFER_NAME_MAX
 * (-ENAMETOOLONG), and none that is a symbolic link (-ELOOP) except the last
 * one, which then names the link itself.  The sentry resolves links.
 *
 * Either side refuses a packet in which anything is out of bounds, a field
 * that the operation does not use included: it must be zero.
 */
#pragma once

#include <stdint.h>

enum {
	GOFER_MAGIC = 0x76676f31,
	GOFER_PACKET_MAX = 65536,
	GOFER_CHUNK = 32768,  /* the gofer cuts bodies here: old hosts need contiguous memory */
	GOFER_NAME_MAX = 255, /* without terminator, as the next one */
	GOFER_PATH_MAX = 4095,
	GOFER_XATTR_MAX = 60000, /* bytes of a value that fit into one request */
	GOFER_ROOTS_MAX = 1024,
	GOFER_MANY_MAX = 32,   /* names in one OPENS or LISTS */
	GOFER_AHEAD_MAX = 512, /* entries are enough in answer to LISTS, if the first name has no more */
};

/* Which request fields an operation uses beside root and path. */
enum gofer_field {
	GOFER_F_FLAGS = 1,
	GOFER_F_MODE = 2,
	GOFER_F_IDS = 4, /* uid, gid */
	GOFER_F_RDEV = 8,
	GOFER_F_ATTR = 16, /* mask, mode, ids, size, times */
	GOFER_F_SIZE = 32,
	GOFER_F_NAME = 64, /* the second string */
	GOFER_F_DATA = 128,
	GOFER_F_WRITE = 256,  /* refused on a read-only root: -EROFS */
	GOFER_F_NOROOT = 512, /* takes neither root nor path */
	GOFER_F_GIVEN = 1024, /* a descriptor comes with it; no other request may have one */
	GOFER_F_NAMES = 2048, /* data: 1 to GOFER_MANY_MAX paths below the first one, a NUL after each */
};

/*
 * OP(name, fields).  Replies carry, where they succeed:
 *   STAT .. LINK, SETATTR, COPYUP   attr of the object
 *   LIST     attr of the directory in the first packet; body: struct gofer_dirent each
 *   LISTS    body: for each name, in that order, its struct gofer_dirent, as LIST has them, and one
 *            more that ends it: name_size is 0, attr empty, link_size 0 or the errno for which not
 *            all of them are there (E2BIG: GOFER_AHEAD_MAX were sent; never of the first one)
 *   OPEN, CREATE, MEMFILE, READONLY   a descriptor
 *   OPENS    body: struct gofer_opened for each name, in that order; descriptors, to be read only,
 *            of those with status 0, in one packet
 *   NOTIFY   a descriptor: an inotify queue; -ENOSYS: nothing is watched
 *   WATCH    total: the number of this directory in events of that queue
 *   READLINK, GETXATTR, LISTXATTR  total; body: the bytes (none if size was 0)
 *   STATFS   body: struct gofer_statfs
 */
/* clang-format off */
#define GOFER_OPS(OP)                                                                              \
	OP(STAT,        0)                                                                         \
	OP(LIST,        0)                                                                         \
	OP(LISTS,       GOFER_F_DATA | GOFER_F_NAMES)                                              \
	OP(OPEN,        GOFER_F_FLAGS)                                                             \
	OP(OPENS,       GOFER_F_DATA | GOFER_F_NAMES)                                              \
	OP(READLINK,    0)                                                                         \
	OP(GETXATTR,    GOFER_F_NAME | GOFER_F_SIZE)                                               \
	OP(LISTXATTR,   GOFER_F_SIZE)                                                              \
	OP(STATFS,      0)                                                                         \
	OP(SYNC,        0)                                                                         \
	OP(CREATE,      GOFER_F_WRITE | GOFER_F_FLAGS | GOFER_F_MODE | GOFER_F_IDS)                \
	OP(MKDIR,       GOFER_F_WRITE | GOFER_F_MODE | GOFER_F_IDS)                                \
	OP(MKNOD,       GOFER_F_WRITE | GOFER_F_MODE | GOFER_F_IDS | GOFER_F_RDEV)                 \
	OP(SYMLINK,     GOFER_F_WRITE | GOFER_F_IDS | GOFER_F_NAME)                                \
	OP(LINK,        GOFER_F_WRITE | GOFER_F_NAME)                                              \
	OP(UNLINK,      GOFER_F_WRITE)                                                             \
	OP(RMDIR,       GOFER_F_WRITE)                                                             \
	OP(RENAME,      GOFER_F_WRITE | GOFER_F_NAME | GOFER_F_FLAGS)                              \
	OP(SETATTR,     GOFER_F_WRITE | GOFER_F_ATTR | GOFER_F_MODE | GOFER_F_IDS | GOFER_F_SIZE)  \
	OP(SETXATTR,    GOFER_F_WRITE | GOFER_F_NAME | GOFER_F_FLAGS | GOFER_F_DATA)               \
	OP(REMOVEXATTR, GOFER_F_WRITE | GOFER_F_NAME)                                              \
	OP(WATCH,       0)                                                                         \
	OP(NOTIFY,      GOFER_F_NOROOT)                                                            \
	OP(COPYUP,      GOFER_F_WRITE)                                                             \
	OP(MEMFILE,     GOFER_F_NOROOT | GOFER_F_NAME)                                             \
	OP(READONLY,    GOFER_F_NOROOT | GOFER_F_GIVEN)

enum gofer_op {
	GOFER_NONE,
#define OP(name, fields) GOFER_##name,
	GOFER_OPS(OP)
#undef OP
	GOFER_OP_COUNT,
};
/* clang-format on */

/* Linux's own numbers; the gofer asserts that they are its host's. */
enum {
	GOFER_O_RDONLY = 0,
	GOFER_O_WRONLY = 1,
	GOFER_O_RDWR = 2,
	GOFER_O_ACCMODE = 3,
	GOFER_O_TRUNC = 01000,
	GOFER_O_APPEND = 02000,
	GOFER_O_DSYNC = 010000,
	GOFER_O_DIRECT = 040000,
	GOFER_O_SYNC = 04010000,
	GOFER_RENAME_NOREPLACE = 1,
	GOFER_RENAME_EXCHANGE = 2,
	GOFER_XATTR_CREATE = 1,
	GOFER_XATTR_REPLACE = 2,
	GOFER_TIME_NOW = 0x3fffffff, /* a nanosecond field: the host's present time */
};
#define GOFER_KEEP_ID UINT32_MAX /* uid, gid: leave what the host gave */

/* SETATTR: what is to change. */
enum {
	GOFER_SET_MODE = 1,
	GOFER_SET_UID = 2,
	GOFER_SET_GID = 4,
	GOFER_SET_SIZE = 8,
	GOFER_SET_ATIME = 16,
	GOFER_SET_MTIME = 32,
	GOFER_SET_ALL = 63,
};

struct gofer_attr {
	uint64_t ino, dev, rdev;
	uint64_t mode, nlink, uid, gid; /* mode: type and permission bits, as Linux has them */
	uint64_t size, blksize, blocks; /* blocks of 512 bytes */
	int64_t atime_sec, mtime_sec, ctime_sec;
	int64_t btime_sec; /* both 0 where the host does not tell */
	uint64_t atime_nsec, mtime_nsec, ctime_nsec, btime_nsec;
	uint64_t flags; /* GOFER_LOWER */
};

/* In a root of two layers: no directory, and of the lower one, so that a change replaces it. */
enum { GOFER_LOWER = 1 };

struct gofer_statfs {
	uint64_t type, bsize, frsize, blocks, bfree, bavail, files, ffree, fsid, namelen, flags;
};

struct gofer_req {
	uint32_t magic;
	uint16_t op;
	uint16_t root;
	uint32_t seq; /* echoed */
	uint32_t flags;
	uint32_t mode;
	uint32_t uid, gid;
	uint32_t mask;
	uint64_t rdev;
	uint64_t size;
	int64_t atime_sec, mtime_sec;
	uint32_t atime_nsec, mtime_nsec;
	uint32_t path_size, name_size, data_size;
	uint32_t zero;
};

enum {
	GOFER_MORE = 1,
	GOFER_FD = 2,
};

struct gofer_rep {
	uint32_t magic;
	uint32_t seq;
	uint16_t op;
	uint16_t flags;
	int32_t status; /* 0 or -errno as the host kernel gave it */
	uint32_t size;	/* bytes that follow in this packet */
	uint32_t zero;
	uint64_t total;
	struct gofer_attr attr;
};

/*
 * An entry of LIST: then the name and its NUL, the target and its NUL if it is
 * a symbolic link, and NULs up to a multiple of 8.  Never "." or "..".
 */
struct gofer_dirent {
	struct gofer_attr attr;
	uint32_t name_size, link_size; /* with their NULs; link_size 0: no link */
};

/* What became of one name of OPENS. */
struct gofer_opened {
	int32_t status; /* as OPEN would have said */
	uint32_t zero;
	struct gofer_attr attr; /* empty unless status is 0 */
};

_Static_assert(sizeof(struct gofer_attr) == 152, "no holes on the wire");
_Static_assert(sizeof(struct gofer_statfs) == 88, "no holes on the wire");
_Static_assert(sizeof(struct gofer_req) == 88, "no holes on the wire");
_Static_assert(sizeof(struct gofer_rep) == 184, "no holes on the wire");
_Static_assert(sizeof(struct gofer_dirent) == 160, "no holes on the wire");
_Static_assert(sizeof(struct gofer_opened) == 160, "no holes on the wire");
