/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of their own file: an address of a __thread variable must not outlive a sleep in a
 * register. */
#include "local.h"

static __thread struct locals own;
static __thread struct locals *used;

struct locals *locals_self(void)
{
	return used ? used : &own;
}

void locals_use(struct locals *l)
{
	used = l;
}
