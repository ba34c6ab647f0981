/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of sentry/boot. */
#pragma once

#include "sentry/boot/boot.h"
#include "sentry/vfs/mount.h"

struct abi_siginfo;
struct file;
struct fs;
struct task;

extern struct mount_ns *boot_ns;	/* our reference */

int boot_fail(struct boot_error *e, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* File systems and devices by name. */
int boot_register(void);
/* register.c: what lives above memfs: proc, sysfs, devpts, terminals. */
int boot_register_more(void);
/* A bind mount whose changes go to the host (m NULL: the root); -EOPNOTSUPP until it exists. */
int boot_bind(struct gofer *g, const struct boot_mount *m, struct fs **out);
/* To the foreground group of the container's terminal: false if it has none. */
bool boot_signal_foreground(const struct abi_siginfo *info);
/* If f is the host's terminal it becomes the controlling one of the first process. */
void boot_terminal(struct task *t, struct file *f);
/* Gives back zombies, mounts and tables, so that leaks can be counted. */
void boot_release(void);
