/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/net: proc_pid_net(5).
 *
 * AF_UNIX sockets are real; the other tables are those of protocols without a
 * socket and of a machine without an interface: a heading.
 */
#include <errno.h>

#include "sentry/procfs/pid.h"
#include "sentry/sock/unix.h"
#include "sentry/task/nsfs.h"

#define SOCKETS4 "local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"       \
		 "  timeout inode"
#define SOCKETS6 "  sl  local_address                         remote_address"                       \
		 "                        st tx_queue rx_queue tr tm->when retrnsmt   uid"           \
		 "  timeout inode"

/* Some headings are filled with blanks to the width of the lines below. */
static int heading(struct text *out, const char *names, size_t width)
{
	text_str(out, names);
	text_pad(out, width);
	text_put(out, "\n", 1);
	return 0;
}

#define TABLE(name, names, width)                                                                  \
	static int name##_show(const struct proc_look *at, struct text *out)                       \
	{                                                                                          \
		(void)at;                                                                          \
		return heading(out, names, width);                                                 \
	}

TABLE(dev, "Inter-|   Receive                                                |  Transmit\n"
	   " face |bytes    packets errs drop fifo frame compressed multicast|"
	   "bytes    packets errs drop fifo colls carrier compressed", 0)
TABLE(tcp, "  sl  " SOCKETS4, 149)
TABLE(tcp6, SOCKETS6, 0)
TABLE(udp, "   sl  " SOCKETS4 " ref pointer drops", 127)
TABLE(udp6, SOCKETS6 " ref pointer drops", 0)
TABLE(raw, "  sl  " SOCKETS4 " ref pointer drops", 0)
TABLE(route, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT", 127)
TABLE(arp, "IP address       HW type     Flags       HW address            Mask     Device", 0)
TABLE(packet, "sk       RefCnt Type Proto  Iface R Rmem   User   Inode", 0)
TABLE(netlink, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    "
	       "Inode", 0)

/* As Linux numbers them in this file: a state with a descriptor, or on the way to or from one. */
static unsigned unix_state(const struct unix_info *i)
{
	enum { UNCONNECTED = 1, CONNECTING, CONNECTED, DISCONNECTING };
	if (i->has_file)
		return i->state == SOCK_CONNECTED ? CONNECTED : UNCONNECTED;
	return i->state == SOCK_CONNECTED ? CONNECTING : DISCONNECTING;
}

static bool put_unix(const struct unix_info *i, void *arg)
{
	struct text *out = arg;

	/* Addresses of kernel objects are nobody's business. */
	text_printf(out, "%016x: %08X %08X %08X %04X %02X %5llu", 0, i->refs, 0,
		    i->state == SOCK_LISTENING ? 0x10000 : 0, (unsigned)i->type, unix_state(i),
		    (unsigned long long)i->ino);
	if (i->path_size)
		text_put(out, " ", 1);
	for (uint32_t n = 0; n < i->path_size; n++)
		text_put(out, i->path[n] ? &i->path[n] : "@", 1);
	text_put(out, "\n", 1);
	return !out->err;
}

static int unix_show(const struct proc_look *at, struct text *out)
{
	struct ns *net;
	heading(out, "Num       RefCount Protocol Flags    Type St Inode Path", 0);
	int err = task_ns_get(at->task, NS_NET, &net);
	if (err < 0)
		return -EINVAL;
	err = unix_for_each(container_of(net, struct net_ns, ns), put_unix, out);
	ns_put(net);
	return err;
}

static const struct proc_entry net_entries[] = {
	PROC_FILE("dev", 0444, .show = dev_show),
	PROC_FILE("unix", 0444, .show = unix_show),
	PROC_FILE("tcp", 0444, .show = tcp_show),
	PROC_FILE("tcp6", 0444, .show = tcp6_show),
	PROC_FILE("udp", 0444, .show = udp_show),
	PROC_FILE("udp6", 0444, .show = udp6_show),
	PROC_FILE("raw", 0444, .show = raw_show),
	PROC_FILE("route", 0444, .show = route_show),
	PROC_FILE("arp", 0444, .show = arp_show),
	PROC_FILE("packet", 0444, .show = packet_show),
	PROC_FILE("netlink", 0444, .show = netlink_show),
};

const struct proc_table proc_net_table = PROC_TABLE(net_entries, IDS_NET);
