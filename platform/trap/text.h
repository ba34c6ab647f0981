/* SPDX-License-Identifier: Apache-2.0 */
/* Where rewriting meets the rest of the platform: text.c. */
#pragma once

#include "platform/trap/rewrite/rewrite.h"
#include "platform/trap/trap.h"

/* After the stub's text has its place. */
void trap_text_init(void);
int trap_rewrite(struct ctx *by, const struct rewrite_req *req);
bool trap_hidden(struct aspace *as, uaddr_t start, uaddr_t end, uaddr_t *out_start,
		 uaddr_t *out_end);
/*
 * c's %gs is the guest's now: its process is not rewritten any more, since a call through an
 * island would only take a look more, and a fault where %gs points to nothing.
 */
void text_gs_taken(struct ctx *c);
/* A rip in a frame whose other registers are c's, as the guest knows it. */
uaddr_t text_guest_rip(const struct ctx *c, uaddr_t rip);
/* True if the signal was rewriting's own doing: the frame goes on where it should. */
bool text_fault(struct ctx *c, int signo, uaddr_t addr, uint64_t error);
/* The result of trap_read, after putting original text into what was read. */
ssize_t text_overlay(struct aspace *as, const struct iovec *local, size_t nlocal,
		     const struct iovec *remote, size_t nremote, ssize_t done);
