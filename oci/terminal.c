/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/terminal.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static int saved_fd = -1;

void terminal_save(void)
{
	for (int fd = 0; fd <= 2 && saved_fd < 0; fd++)
		if (tcgetattr(fd, &saved) == 0)
			saved_fd = fd;
}

/* SIGTTOU is blocked, so this would succeed from the background too: the shell's settings. */
void terminal_restore(void)
{
	struct termios now;
	if (saved_fd < 0 || tcgetpgrp(saved_fd) != getpgrp() || tcgetattr(saved_fd, &now) < 0)
		return;
	if (memcmp(&now, &saved, sizeof now) != 0)
		tcsetattr(saved_fd, TCSADRAIN, &saved);
}

bool terminal_away(void)
{
	pid_t pgrp = saved_fd < 0 ? -1 : tcgetpgrp(saved_fd);
	return pgrp > 0 && pgrp != getpgrp();
}
