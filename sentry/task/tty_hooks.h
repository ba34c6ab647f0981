/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What process code must tell a terminal; implemented by sentry/tty.
 */
#pragma once

struct group;

/* A session leader has ended: SIGHUP to the foreground group, nobody controls the terminal. */
void tty_session_end_locked(struct group *leader);
/* fork: the child's group has the same controlling terminal. */
void tty_share_locked(struct group *child, struct group *parent);
/* setsid(2): the group has no controlling terminal any more. */
void tty_leave_locked(struct group *g);
