/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals through a descriptor: signalfd(2).
 *
 * A signalfd holds a mask and no signals: who reads or polls it gets his own.
 * So it is told of new signals by every group that has ever looked at it
 * through one descriptor (fork shares it): it has an entry in each one's
 * signal_wq and passes the wake-up on to its own queue.
 */
#pragma once

#include <stdint.h>

struct cred;
struct file;

/* flags: O_NONBLOCK. */
int signalfd_new(const struct cred *cred, uint64_t mask, uint32_t flags, struct file **out);
/* f is of kind FILE_SIGNALFD. */
void signalfd_set_mask(struct file *f, uint64_t mask);
uint64_t signalfd_mask(struct file *f);
