/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that must end and do not come back from guest code.
 *
 * A guest that knows its stub can block the signal that interrupts it, or leave a
 * hand-over unanswered.  Its threads are given a moment, which is long for an
 * honest one, and then abandoned: they end in the sentry, robust locks and all,
 * and what still runs on the host goes with the address space.  Not while another
 * living process shares it (vfork): an honest thread that was only slow would be
 * left running in that one's memory.
 */
#pragma once

struct group;

/* Threads of g have been told to end; siglock held. */
void stubborn_watch_locked(struct group *g);
