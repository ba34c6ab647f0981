/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/res/random.h"

#include "platform/host.h"

void random_bytes(void *buf, size_t size)
{
	host_random(buf, size);
}
