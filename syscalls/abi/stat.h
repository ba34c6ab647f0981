/* SPDX-License-Identifier: Apache-2.0 */
/* File status: modes, struct stat, statx, statfs. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#include "syscalls/abi/time.h"

#define S_IFMT	    0170000
#define S_IFSOCK    0140000
#define S_IFLNK	    0120000
#define S_IFREG	    0100000
#define S_IFBLK	    0060000
#define S_IFDIR	    0040000
#define S_IFCHR	    0020000
#define S_IFIFO	    0010000
#define S_ISUID	    0004000
#define S_ISGID	    0002000
#define S_ISVTX	    0001000
#define S_IRWXU	    00700
#define S_IRUSR	    00400
#define S_IWUSR	    00200
#define S_IXUSR	    00100
#define S_IRWXG	    00070
#define S_IRGRP	    00040
#define S_IWGRP	    00020
#define S_IXGRP	    00010
#define S_IRWXO	    00007
#define S_IROTH	    00004
#define S_IWOTH	    00002
#define S_IXOTH	    00001
#define S_IRWXUGO   00777
#define S_IALLUGO   07777

#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

struct abi_stat {
	uint64_t st_dev;
	uint64_t st_ino;
	uint64_t st_nlink;
	uint32_t st_mode;
	uint32_t st_uid;
	uint32_t st_gid;
	uint32_t pad0;
	uint64_t st_rdev;
	int64_t st_size;
	int64_t st_blksize;
	int64_t st_blocks;
	struct abi_timespec st_atim;
	struct abi_timespec st_mtim;
	struct abi_timespec st_ctim;
	int64_t pad1[3];
};
_Static_assert(sizeof(struct abi_stat) == 144, "struct stat");
_Static_assert(__builtin_offsetof(struct abi_stat, st_size) == 48, "struct stat");

/* As the guest sees it: 12 bits of major number, 20 of minor, in the 64-bit encoding of stat. */
static inline uint64_t abi_makedev(uint32_t major, uint32_t minor)
{
	return (minor & 0xffU) | (uint64_t)(major & 0xfffU) << 8 |
	       (uint64_t)(minor & ~0xffU) << 12 | (uint64_t)(major & ~0xfffU) << 32;
}
static inline uint32_t abi_major(uint64_t dev)
{
	return (uint32_t)((dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffULL));
}
static inline uint32_t abi_minor(uint64_t dev)
{
	return (uint32_t)((dev & 0xff) | (dev >> 12 & ~0xffULL));
}

#define UTIME_NOW		((1L << 30) - 1L)
#define UTIME_OMIT		((1L << 30) - 2L)

#define STATX_TYPE		0x00000001U
#define STATX_MODE		0x00000002U
#define STATX_NLINK		0x00000004U
#define STATX_UID		0x00000008U
#define STATX_GID		0x00000010U
#define STATX_ATIME		0x00000020U
#define STATX_MTIME		0x00000040U
#define STATX_CTIME		0x00000080U
#define STATX_INO		0x00000100U
#define STATX_SIZE		0x00000200U
#define STATX_BLOCKS		0x00000400U
#define STATX_BASIC_STATS	0x000007ffU
#define STATX_BTIME		0x00000800U
#define STATX_ALL		0x00000fffU
#define STATX_MNT_ID		0x00001000U
#define STATX_DIOALIGN		0x00002000U
#define STATX_MNT_ID_UNIQUE	0x00004000U
#define STATX_SUBVOL		0x00008000U
#define STATX_WRITE_ATOMIC	0x00010000U
#define STATX_DIO_READ_ALIGN	0x00020000U
#define STATX__RESERVED		0x80000000U

#define STATX_ATTR_COMPRESSED	0x00000004
#define STATX_ATTR_IMMUTABLE	0x00000010
#define STATX_ATTR_APPEND	0x00000020
#define STATX_ATTR_NODUMP	0x00000040
#define STATX_ATTR_ENCRYPTED	0x00000800
#define STATX_ATTR_AUTOMOUNT	0x00001000
#define STATX_ATTR_MOUNT_ROOT	0x00002000
#define STATX_ATTR_VERITY	0x00100000
#define STATX_ATTR_DAX		0x00200000
#define STATX_ATTR_WRITE_ATOMIC 0x00400000

struct abi_statx_timestamp {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t pad;
};
_Static_assert(sizeof(struct abi_statx_timestamp) == 16, "struct statx_timestamp");

struct abi_statx {
	uint32_t stx_mask;
	uint32_t stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink;
	uint32_t stx_uid;
	uint32_t stx_gid;
	uint16_t stx_mode;
	uint16_t pad0;
	uint64_t stx_ino;
	uint64_t stx_size;
	uint64_t stx_blocks;
	uint64_t stx_attributes_mask;
	struct abi_statx_timestamp stx_atime;
	struct abi_statx_timestamp stx_btime;
	struct abi_statx_timestamp stx_ctime;
	struct abi_statx_timestamp stx_mtime;
	uint32_t stx_rdev_major;
	uint32_t stx_rdev_minor;
	uint32_t stx_dev_major;
	uint32_t stx_dev_minor;
	uint64_t stx_mnt_id;
	uint32_t stx_dio_mem_align;
	uint32_t stx_dio_offset_align;
	uint64_t pad1[12];
};
_Static_assert(sizeof(struct abi_statx) == 256, "struct statx");
_Static_assert(__builtin_offsetof(struct abi_statx, stx_mnt_id) == 0x90, "struct statx");

struct abi_statfs {
	int64_t f_type;
	int64_t f_bsize;
	int64_t f_blocks;
	int64_t f_bfree;
	int64_t f_bavail;
	int64_t f_files;
	int64_t f_ffree;
	int32_t f_fsid[2];
	int64_t f_namelen;
	int64_t f_frsize;
	int64_t f_flags;
	int64_t f_spare[4];
};
_Static_assert(sizeof(struct abi_statfs) == 120, "struct statfs");

struct abi_ustat {
	int32_t f_tfree;
	int32_t pad;
	uint64_t f_tinode;
	char f_fname[6];
	char f_fpack[6];
};
_Static_assert(sizeof(struct abi_ustat) == 32, "struct ustat");

#define ST_RDONLY	      0x0001
#define ST_NOSUID	      0x0002
#define ST_NODEV	      0x0004
#define ST_NOEXEC	      0x0008
#define ST_SYNCHRONOUS	      0x0010
#define ST_VALID	      0x0020
#define ST_MANDLOCK	      0x0040
#define ST_NOATIME	      0x0400
#define ST_NODIRATIME	      0x0800
#define ST_RELATIME	      0x1000
#define ST_NOSYMFOLLOW	      0x2000

#define TMPFS_MAGIC	      0x01021994
#define RAMFS_MAGIC	      0x858458f6
#define PROC_SUPER_MAGIC      0x9fa0
#define SYSFS_MAGIC	      0x62656572
#define DEVPTS_SUPER_MAGIC    0x1cd1
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define EXT4_SUPER_MAGIC      0xEF53
#define CGROUP_SUPER_MAGIC    0x27e0eb
#define CGROUP2_SUPER_MAGIC   0x63677270
#define PIPEFS_MAGIC	      0x50495045
#define SOCKFS_MAGIC	      0x534F434B
#define ANON_INODE_FS_MAGIC   0x09041934
#define NSFS_MAGIC	      0x6e736673
#define PID_FS_MAGIC	      0x50494446
#define NSFS_MAGIC	      0x6e736673
#define MQUEUE_MAGIC	      0x19800202
#define V9FS_MAGIC	      0x01021997
