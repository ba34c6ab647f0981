/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host calls in the stub, and descriptors for them.
 *
 * Each stub has a control socket of its own from the start: what is in it is for
 * this guest process alone, whatever its relatives do.  A message is sent and taken
 * under the sentry's mm lock.  Whether it has been taken is for the host to say:
 * there is at most one, so that no guest can pile up descriptors in flight, which
 * the host counts for all sandboxes of a user.
 *
 * The answer to a command is whatever the guest's other threads make of it; no
 * caller may rely on it for more than that process.
 */
#include "platform/trap/trap.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>

int64_t command_time(uint64_t bytes, bool reads)
{
	const int64_t most = 120 * NSEC_PER_SEC;
	int64_t more = bytes > (uint64_t)most / 10 ? most : (int64_t)bytes * (reads ? 10 : 1);
	return COMMAND_NS + more < most ? COMMAND_NS + more : most;
}

long command_give(struct ctx *c, const struct command *cmd)
{
	struct slot *s = c->slot;
	if (c->gone)
		return -ESRCH;
	s->nr = (uint32_t)cmd->nr;
	for (size_t i = 0; i < ARRAY_SIZE(cmd->args); i++)
		s->word[i] = cmd->args[i];
	hand_give(c, cmd->what);
	if (cmd->meanwhile)
		cmd->meanwhile();
	int err = hand_wait_command(c, cmd->within_ns, cmd->is_long);
	if (err == 0)
		return (long)__atomic_load_n(&s->word[0], __ATOMIC_RELAXED);
	c->gone = true;
	/* Who is only abandoned ends with its address space. */
	if (err == -ETIMEDOUT)
		aspace_kill(c->as);
	return -ESRCH;
}

long command_call(struct ctx *c, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		  uint64_t a4)
{
	const struct command cmd = {.what = DO_CALL,
				    .nr = nr,
				    .args = {a0, a1, a2, a3, a4},
				    .within_ns = COMMAND_NS};
	return command_give(c, &cmd);
}

long command_calls(struct ctx *c, const uint64_t (*calls)[7], size_t n)
{
	const struct command cmd = {.what = DO_CALLS, .args = {n}, .within_ns = COMMAND_NS};
	assert(n * sizeof *calls <= SLOT_SCRATCH_SIZE);
	memcpy((char *)c->slot + SLOT_SCRATCH, calls, n * sizeof *calls);
	return command_give(c, &cmd);
}

uint64_t scratch_address(const struct ctx *c)
{
	return SLOTS_AT + (uint64_t)c->number * SLOT_SIZE + SLOT_SCRATCH;
}

int command_scratch(struct ctx *c, long nr, uint64_t a0, void *out, size_t size, int64_t within_ns)
{
	const struct command cmd = {.what = DO_CALL,
				    .nr = nr,
				    .args = {a0, scratch_address(c)},
				    .within_ns = within_ns};
	long ret = command_give(c, &cmd);
	if (ret < 0)
		return (int)ret;
	memcpy(out, (char *)c->slot + SLOT_SCRATCH, size);
	return 0;
}

static bool all_taken(const struct aspace *as)
{
	int left = 0;
	trap_calls++;
	return host_ioctl(as->ctl, TIOCOUTQ, &left) == 0 && left == 0;
}

/* A stub that failed half way may have left one; one that leaves it again does so on purpose. */
static int empty_socket(struct ctx *by)
{
	static const struct command drain = {.what = DO_DRAIN, .within_ns = COMMAND_NS};
	if (all_taken(by->as))
		return 0;
	if (command_give(by, &drain) != -ESRCH && all_taken(by->as))
		return 0;
	aspace_kill(by->as);
	by->gone = true;
	return -ESRCH;
}

long command_with_fds(struct ctx *by, const int *fds, size_t nfds, const struct command *cmd)
{
	long ret = by->gone ? -ESRCH : empty_socket(by);
	if (ret == 0)
		ret = host_send_fds(by->as->ctl, fds, nfds);
	return ret == 0 ? command_give(by, cmd) : ret;
}
