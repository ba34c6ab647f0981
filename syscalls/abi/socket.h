/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: families, types, messages, options of SOL_SOCKET. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define AF_UNSPEC		 0
#define AF_UNIX			 1
#define AF_LOCAL		 1
#define AF_INET			 2
#define AF_INET6		 10
#define AF_NETLINK		 16
#define AF_PACKET		 17
#define AF_ALG			 38
#define AF_VSOCK		 40
#define AF_XDP			 44

#define SOCK_STREAM		 1
#define SOCK_DGRAM		 2
#define SOCK_RAW		 3
#define SOCK_RDM		 4
#define SOCK_SEQPACKET		 5
#define SOCK_DCCP		 6
#define SOCK_PACKET		 10
#define SOCK_TYPE_MASK		 0xf
#define SOCK_CLOEXEC		 02000000
#define SOCK_NONBLOCK		 04000

#define SHUT_RD			 0
#define SHUT_WR			 1
#define SHUT_RDWR		 2

#define SOMAXCONN		 4096

#define MSG_OOB			 0x1
#define MSG_PEEK		 0x2
#define MSG_DONTROUTE		 0x4
#define MSG_CTRUNC		 0x8
#define MSG_PROBE		 0x10
#define MSG_TRUNC		 0x20
#define MSG_DONTWAIT		 0x40
#define MSG_EOR			 0x80
#define MSG_WAITALL		 0x100
#define MSG_FIN			 0x200
#define MSG_SYN			 0x400
#define MSG_CONFIRM		 0x800
#define MSG_RST			 0x1000
#define MSG_ERRQUEUE		 0x2000
#define MSG_NOSIGNAL		 0x4000
#define MSG_MORE		 0x8000
#define MSG_WAITFORONE		 0x10000
#define MSG_BATCH		 0x40000
#define MSG_ZEROCOPY		 0x4000000
#define MSG_FASTOPEN		 0x20000000
#define MSG_CMSG_CLOEXEC	 0x40000000

#define SOL_IP			 0
#define SOL_SOCKET		 1
#define SOL_TCP			 6
#define SOL_UDP			 17
#define SOL_IPV6		 41
#define SOL_RAW			 255
#define SOL_PACKET		 263
#define SOL_NETLINK		 270

#define SO_DEBUG		 1
#define SO_REUSEADDR		 2
#define SO_TYPE			 3
#define SO_ERROR		 4
#define SO_DONTROUTE		 5
#define SO_BROADCAST		 6
#define SO_SNDBUF		 7
#define SO_RCVBUF		 8
#define SO_KEEPALIVE		 9
#define SO_OOBINLINE		 10
#define SO_NO_CHECK		 11
#define SO_PRIORITY		 12
#define SO_LINGER		 13
#define SO_BSDCOMPAT		 14
#define SO_REUSEPORT		 15
#define SO_PASSCRED		 16
#define SO_PEERCRED		 17
#define SO_RCVLOWAT		 18
#define SO_SNDLOWAT		 19
#define SO_RCVTIMEO		 20
#define SO_SNDTIMEO		 21
#define SO_BINDTODEVICE		 25
#define SO_ATTACH_FILTER	 26
#define SO_DETACH_FILTER	 27
#define SO_PEERNAME		 28
#define SO_TIMESTAMP		 29
#define SO_ACCEPTCONN		 30
#define SO_PEERSEC		 31
#define SO_SNDBUFFORCE		 32
#define SO_RCVBUFFORCE		 33
#define SO_PASSSEC		 34
#define SO_TIMESTAMPNS		 35
#define SO_MARK			 36
#define SO_TIMESTAMPING		 37
#define SO_PROTOCOL		 38
#define SO_DOMAIN		 39
#define SO_RXQ_OVFL		 40
#define SO_WIFI_STATUS		 41
#define SO_PEEK_OFF		 42
#define SO_NOFCS		 43
#define SO_LOCK_FILTER		 44
#define SO_SELECT_ERR_QUEUE	 45
#define SO_BUSY_POLL		 46
#define SO_MAX_PACING_RATE	 47
#define SO_BPF_EXTENSIONS	 48
#define SO_INCOMING_CPU		 49
#define SO_ATTACH_BPF		 50
#define SO_ATTACH_REUSEPORT_CBPF 51
#define SO_ATTACH_REUSEPORT_EBPF 52
#define SO_CNX_ADVICE		 53
#define SO_MEMINFO		 55
#define SO_INCOMING_NAPI_ID	 56
#define SO_COOKIE		 57
#define SO_PEERGROUPS		 59
#define SO_ZEROCOPY		 60
#define SO_TXTIME		 61
#define SO_BINDTOIFINDEX	 62
#define SO_DETACH_REUSEPORT_BPF	 68
#define SO_PREFER_BUSY_POLL	 69
#define SO_BUSY_POLL_BUDGET	 70
#define SO_NETNS_COOKIE		 71
#define SO_BUF_LOCK		 72
#define SO_RESERVE_MEM		 73
#define SO_TXREHASH		 74
#define SO_RCVMARK		 75
#define SO_PASSPIDFD		 76
#define SO_PEERPIDFD		 77

#define SCM_RIGHTS		 0x01
#define SCM_CREDENTIALS		 0x02
#define SCM_SECURITY		 0x03
#define SCM_PIDFD		 0x04
#define SCM_MAX_FD		 253

struct abi_sockaddr {
	uint16_t sa_family;
	char sa_data[14];
};
_Static_assert(sizeof(struct abi_sockaddr) == 16, "struct sockaddr");

#define ABI_SOCKADDR_STORAGE_SIZE 128

struct abi_sockaddr_in {
	uint16_t sin_family;
	uint16_t sin_port; /* big endian, as is the address */
	uint32_t sin_addr;
	uint8_t pad[8];
};
_Static_assert(sizeof(struct abi_sockaddr_in) == 16, "struct sockaddr_in");

struct abi_sockaddr_in6 {
	uint16_t sin6_family;
	uint16_t sin6_port;
	uint32_t sin6_flowinfo;
	uint8_t sin6_addr[16];
	uint32_t sin6_scope_id;
};
_Static_assert(sizeof(struct abi_sockaddr_in6) == 28, "struct sockaddr_in6");

struct abi_sockaddr_nl {
	uint16_t nl_family;
	uint16_t nl_pad;
	uint32_t nl_pid;
	uint32_t nl_groups;
};
_Static_assert(sizeof(struct abi_sockaddr_nl) == 12, "struct sockaddr_nl");

struct abi_msghdr {
	uint64_t msg_name;
	int32_t msg_namelen;
	uint32_t pad0;
	uint64_t msg_iov;
	uint64_t msg_iovlen;
	uint64_t msg_control;
	uint64_t msg_controllen;
	uint32_t msg_flags;
	uint32_t pad1;
};
_Static_assert(sizeof(struct abi_msghdr) == 56, "struct msghdr");

struct abi_mmsghdr {
	struct abi_msghdr msg_hdr;
	uint32_t msg_len;
	uint32_t pad;
};
_Static_assert(sizeof(struct abi_mmsghdr) == 64, "struct mmsghdr");

struct abi_cmsghdr {
	uint64_t cmsg_len; /* of header and data, without the padding after them */
	int32_t cmsg_level;
	int32_t cmsg_type;
};
_Static_assert(sizeof(struct abi_cmsghdr) == 16, "struct cmsghdr");
#define ABI_CMSG_ALIGN(len) (((len) + 7) & ~(uint64_t)7)

struct abi_ucred {
	int32_t pid;
	uint32_t uid;
	uint32_t gid;
};
_Static_assert(sizeof(struct abi_ucred) == 12, "struct ucred");

struct abi_linger {
	int32_t l_onoff;
	int32_t l_linger;
};
_Static_assert(sizeof(struct abi_linger) == 8, "struct linger");
